//! Patches: what a remedy looks like as a file, which there are, when one fires, and the operations they are written
//! in.

pub mod catalogue;
mod check;
mod compiled;
mod condition;
pub mod file;
pub(crate) mod operation;
pub(crate) mod pin;
mod range;
pub(crate) mod subject;
pub(crate) mod suspect;
pub(crate) mod view;

pub(crate) use condition::applies;
