//! The patch file: one documented remedy, as a person writes it in YAML.
//!
//! A patch has *cases*. A case says when to suspect the fault (`suspect`) and what to do then (`remedy`): the
//! branches of the remedy are tried in order and the first whose conditions hold decides. A `safe` branch needs
//! every fact it asks for to be known; an `unsafe` one is content with plausible values. An unknown fact satisfies
//! neither, so that a remedy always ends in a branch without conditions that explains what would have to be known.

mod conda;
mod remedy;
mod suspect;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use conda::*;
pub use remedy::*;
pub use suspect::*;

/// One documented remedy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Patch {
    /// Its name: lower-case words joined by `-`. A patch with the id of a built-in one takes its place.
    pub id: String,
    /// What it does, as a short imperative sentence.
    pub title: String,
    /// Where the remedy is documented.
    pub document: Document,
    /// What a failing build prints when this remedy is called for.
    #[serde(default)]
    pub symptoms: Vec<Symptom>,
    /// Values that the remedy uses as `{name}`, with their defaults; `[values]` in `envfix.toml` sets them.
    #[serde(default)]
    pub values: BTreeMap<String, Setting>,
    /// When to suspect the fault, and what to do.
    pub cases: Vec<Case>,
    /// Its documentation and its tests. At least as many `unchanged` as `before`.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// Where a remedy is documented.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// The section's heading in the article "Troubleshoot environment image builds".
    pub section: String,
    /// The documented faults that it is about, by their number in `docs/faults.tsv`.
    #[serde(default)]
    pub rows: Vec<u32>,
    /// What the section says, in a sentence or two of our own.
    pub says: String,
    /// Where the article must not be followed to the letter, and why.
    #[serde(default)]
    pub caution: Option<String>,
}

/// What a failing build prints: a line of its log, and what that says about the cause.
///
/// Only the lines of the step that failed count. An `error` is a cause of its own; a `warning` is one only where an
/// error yields to it, since what was only warned of may have gone well in the end.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Symptom {
    /// The line, without time stamps, colours and the builder's own prefixes, as a regular expression (the syntax of
    /// the Rust crate `regex`, ASCII classes). What a named group `(?<package>…)` finds can be used as `{package}`.
    pub line: String,
    /// The lines directly below it, as a regular expression: each that matches is a further subject of the same cause.
    #[serde(default)]
    pub then: Option<String>,
    /// A name by which a `logged` asks for this symptom alone.
    #[serde(default)]
    pub name: Option<String>,
    /// What it says about the cause.
    #[serde(default)]
    pub sense: Sense,
    /// The patches whose symptoms in the same step explain this one: where one of them is there, this is no cause.
    #[serde(default)]
    pub yields_to: Vec<String>,
    /// The line as tools print it. Each is a test; further lines are those below it.
    pub prints: Vec<String>,
}

/// What a symptom says about the cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sense {
    /// The build failed because of it.
    #[default]
    Error,
    /// It may have failed because of it: a cause where an error yields to this patch.
    Warning,
    /// What is begun here may never end: a cause where the log breaks off there.
    Unfinished,
}

/// A number or a text that a remedy writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// A whole number, such as seconds.
    Number(u64),
    /// A text, such as a version.
    Text(String),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Number(number) => write!(f, "{number}"),
            Setting::Text(text) => f.write_str(text),
        }
    }
}

/// When to suspect a fault, and what to do then.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// The first of these that holds makes the finding.
    pub suspect: Vec<Suspect>,
    /// The first of these whose conditions hold decides.
    pub remedy: Vec<Branch>,
}

impl Case {
    /// What it looks at: all its suspects look at one kind of place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.suspect.first()?.place()
    }

    /// Whether it can hold only where the log of a failed build is given.
    #[must_use]
    pub fn needs_log(&self) -> bool {
        self.suspect.iter().all(|suspect| suspect.logged.is_some())
    }
}

/// An example: `before` with `after`, or `unchanged`. The text is a Dockerfile, or what the name in `file` says.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Example {
    /// The name of the file that the text stands for.
    #[serde(default)]
    pub file: Option<String>,
    /// What the file holds before.
    #[serde(default)]
    pub before: Option<String>,
    /// What the file is encoded in before, where that is not UTF-8.
    #[serde(default)]
    pub encoding: Option<WrongEncoding>,
    /// What it holds after.
    #[serde(default)]
    pub after: Option<String>,
    /// A file that stays as it is.
    #[serde(default)]
    pub unchanged: Option<String>,
    /// Why; what an `unchanged` example teaches.
    #[serde(default)]
    pub because: Option<String>,
    /// A part of the advice that the report gives.
    #[serde(default)]
    pub advice: Option<String>,
    /// The log of the build that failed (`--log`).
    #[serde(default)]
    pub log: Option<String>,
    /// Whether unsafe fixes are asked for.
    #[serde(default)]
    pub r#unsafe: bool,
    /// Whether a person names the patch (`--only`).
    #[serde(default)]
    pub asked: bool,
    /// Whether a definition makes Azure ML append a conda step to the Dockerfile.
    #[serde(default)]
    pub conda_step_appended: bool,
    /// Values that `envfix.toml` sets.
    #[serde(default)]
    pub values: BTreeMap<String, Setting>,
    /// Other files of the build context, by name.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
}
