//! Where a suspicion holds: the places of a file that a `suspect` matches, with what is known of each.

mod commands;
mod conda;
mod conda_commands;
mod definition;
mod downloads;
mod failing;
mod installers;
mod instructions;
mod lists;
mod redirections;
mod script;
mod stages;

pub use commands::commands;
pub use conda::conda;
pub use definition::definitions;
pub use failing::failing;
pub use instructions::{comment_word, dockerfile, instructions};
pub use redirections::glued;
pub use script::scripts;
pub use stages::stages;
