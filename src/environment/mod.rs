//! Environment definitions: conda's YAML, and Azure ML's JSON and YAML.
//!
//! [`document`] is a text as a tree with byte spans, which `yaml` and `json` make and which refuses hostile input.
//! [`conda`] is the model of a conda environment on top of it, `conda_edits` what can be changed in one, [`conda_items`]
//! what conda does not take, [`match_spec`] conda's own notation for one package, [`requirement`] a line of a pip section.
//! [`definition`] is the model of Azure ML's definitions, `recognise` what is taken for one, and [`keys`] how their keys
//! and values are changed. [`values`] is the second, independent reading that an edit is verified against.

pub mod conda;
mod conda_edits;
pub mod conda_items;
pub mod definition;
pub mod document;
mod json;
pub mod keys;
pub mod match_spec;
mod recognise;
pub mod requirement;
pub mod values;
mod yaml;

#[cfg(test)]
mod tests;
