//! What is known about the world a Dockerfile builds in: distributions and their Python, base images, pip and the
//! packages that bring Python along. The knowledge is data (`data/*.tsv`), each row with its source; the code beside
//! it only reads. On top of it, [`state`] says what is true of an image at a point of its build, [`effects`] what
//! instructions and commands change about that, and [`timeline`] keeps the facts for every point of a Dockerfile.

pub mod commands;
pub mod distribution;
pub mod effects;
pub mod image;
pub mod level;
pub mod package_names;
pub mod packages;
pub mod pip_table;
pub mod python_table;
pub mod reference;
pub mod state;
mod table;
pub mod timeline;
pub mod version;

pub use level::Fact;
