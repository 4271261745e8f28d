//! Environment definitions: conda's YAML.
//!
//! [`yaml`] reads any YAML with byte spans and refuses hostile input; [`conda`] is the model of a
//! conda environment on top of it, [`conda_edits`] what can be changed in one, [`conda_model`] the
//! second, independent reading that an edit is verified against, [`match_spec`] conda's own
//! notation for one package.

pub mod conda;
mod conda_edits;
pub mod conda_model;
pub mod match_spec;
pub mod yaml;

#[cfg(test)]
mod tests;
