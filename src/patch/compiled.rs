//! The patches that are compiled in, as `build.rs` leaves them: what every run asks for is plain data, the rest JSON
//! that is read piece by piece when somebody asks for it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::file::{Case, Document, Example, Patch, Place, Setting, Symptom};

/// A patch of `patches/`.
#[derive(Debug)]
pub struct Compiled {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its values, in JSON; empty where it has none.
    pub values: &'static str,
    /// Its cases.
    pub cases: &'static [CompiledCase],
    /// Its document and its symptoms, in JSON.
    pub rest: &'static str,
    /// Its examples, in JSON.
    pub examples: &'static str,
}

/// A case of it.
#[derive(Debug)]
pub struct CompiledCase {
    /// What it looks at.
    pub place: Place,
    /// Whether it holds only with the log of a failed build.
    pub logged: bool,
    /// The whole of it, in JSON.
    pub json: &'static str,
}

/// Every patch of `patches/`, in the order of their ids.
pub const PATCHES: &[Compiled] = include!(concat!(env!("OUT_DIR"), "/patches.rs"));

#[derive(Deserialize)]
struct Rest {
    document: Document,
    symptoms: Vec<Symptom>,
}

impl Compiled {
    /// Its values with their defaults.
    pub fn values(&self) -> BTreeMap<String, Setting> {
        if self.values.is_empty() { BTreeMap::new() } else { read(self.values) }
    }

    /// All of it but the examples.
    pub fn whole(&self) -> Patch {
        let Rest { document, symptoms } = read(self.rest);
        let cases = self.cases.iter().map(CompiledCase::read).collect();
        let (id, title) = (self.id.to_owned(), self.title.to_owned());
        Patch { id, title, document, symptoms, values: self.values(), cases, examples: Vec::new() }
    }
}

impl CompiledCase {
    /// The case.
    pub fn read(&self) -> Case {
        read(self.json)
    }
}

/// The examples of a built-in patch.
pub fn examples(id: &str) -> Vec<Example> {
    PATCHES.iter().find(|patch| patch.id == id).map_or_else(Vec::new, |patch| read(patch.examples))
}

/// Reads what `build.rs` wrote, which a test holds against the files.
///
/// # Panics
/// Never with that.
fn read<T: for<'de> Deserialize<'de>>(json: &'static str) -> T {
    serde_json::from_str(json).expect("what is compiled in was read when it was compiled")
}
