//! Reads the log of an image build: which step failed, and what its lines show.
//!
//! ```text
//! bytes ─text─▶ lines ─clean, prefix─▶ what a program printed ─builder─▶ marks and output ─reader─▶ steps ─▶ BuildLog
//! ```
//!
//! The log of any builder is taken: Docker's own of old, BuildKit's two forms, buildah and podman, kaniko, tasks of
//! Azure's registry; and what pip or conda print without any. It may be cut at either end, hold several builds, and have
//! been through CI, a terminal or PowerShell on its way. Nothing here knows a patch or a Dockerfile: what to look for
//! comes in as a [`SymptomSet`], and who called [`read`] ties the failing step to an instruction.
//!
//! The log is read once, in blocks, and never held: a line keeps at most 56 KiB, a log at most some hundred steps.

mod builder;
mod clean;
mod literals;
mod matcher;
mod prefix;
mod reader;
mod rules;
mod steps;
mod symptom;
mod text;
mod tools;
mod track;
mod verdict;

use std::collections::BTreeMap;
use std::io::Read;

pub use symptom::{SymptomError, SymptomSet};
pub use tools::{Tool, ToolVersion};

/// The longest text of a line that is kept for people, in characters.
pub const LONGEST_TEXT: usize = 500;

/// Reads a log and looks for symptoms in it.
///
/// # Errors
/// When reading fails, or the bytes are nothing or no text.
pub fn read(input: impl Read, symptoms: &SymptomSet) -> Result<BuildLog, LogError> {
    let mut lines = text::Lines::new(input)?;
    let mut reader = reader::Reader::new(symptoms);
    while let Some(segment) = lines.next()? {
        reader.segment(segment.line, segment.first, segment.bytes);
    }
    let count = lines.count();
    reader.finish(count).ok_or(LogError::Empty)
}

/// Why bytes are not the log of a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Reading failed.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// No byte, or blanks only.
    #[error("the log is empty")]
    Empty,
    /// No text.
    #[error("this is {what}, not the text of a log")]
    Binary {
        /// What the bytes are, with its article: "a gzip archive".
        what: &'static str,
    },
}

/// What the log of a build shows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuildLog {
    /// How many lines it has, as an editor counts them.
    pub lines: u64,
    /// Who built: of several, the one whose build failed last, or else the last. `None` where no builder shows.
    pub builder: Option<Builder>,
    /// The steps in the order in which they began: the last 200 that failed, and the last 200 of the others.
    pub steps: Vec<Step>,
    /// How the last build ended.
    pub ended: Ended,
    /// What the builder itself said last about why it gave up, where that belongs to no step: a Dockerfile that cannot be
    /// parsed, a context that is not there. Its line and text.
    pub error: Option<(u64, String)>,
    /// What stands before any step, between builds, and after the last step.
    pub outside: Outside,
}

impl BuildLog {
    /// The steps that made the last failing build fail; empty when every failure was overcome later in the log.
    pub fn failed(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_failed() && !step.overcome)
    }
}

/// A program that builds images, by the form of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Builder {
    /// Docker before BuildKit: `Step 3/9 : RUN …`. Tasks of Azure's registry, and Azure ML with them, print the same.
    Docker,
    /// BuildKit, plain or for a terminal: `#7 [3/9] RUN …`, ` => [3/9] RUN …`.
    BuildKit,
    /// buildah or podman: `STEP 3/9: RUN …`.
    Buildah,
    /// kaniko: `INFO[0003] RUN …`.
    Kaniko,
}

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// A step failed, or the builder gave up.
    Failed,
    /// The last build came to its end, and no earlier one failed for good.
    Succeeded,
    /// The log ends without telling.
    Cut,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It failed.
    Failed {
        /// The exit code of its command, where the log tells.
        code: Option<i32>,
        /// The line that says so, from 1.
        line: u64,
    },
    /// It was done.
    Succeeded,
    /// It was taken from the cache.
    Cached,
    /// Another step failed meanwhile.
    Cancelled,
    /// The log does not tell.
    Unknown,
}

/// One step of a build: an instruction of the Dockerfile, something that the builder does of its own accord, or, in a log
/// without a builder, everything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// Its number and how many there are. Docker and buildah count instructions (buildah those of a stage); BuildKit
    /// those of a stage that make a layer, with `FROM` as the first.
    pub number: Option<(u32, Option<u32>)>,
    /// The stage as the builder calls it: a name, `stage-1`, buildah's `1/2`; with compose and bake the service, where
    /// the stage has no name. `internal` for what BuildKit does of its own accord.
    pub stage: Option<String>,
    /// The instruction as printed, on one line; nothing is redacted. Of BuildKit's own steps what they do:
    /// `load metadata for docker.io/library/python:3.10`.
    pub instruction: Option<String>,
    /// Whether the builder shortened the instruction.
    pub cut: bool,
    /// First and last line of the instruction in the Dockerfile, from BuildKit's excerpt.
    pub dockerfile_lines: Option<(u32, u32)>,
    /// The line of the log where the step begins, from 1.
    pub line: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it failed in a build after which another went well or further: it is no reason for anything any more.
    pub overcome: bool,
    /// Whether Azure ML wrote the instruction itself, to make the conda environment of a definition.
    pub azureml: bool,
    /// What was found in its lines, by line.
    pub sightings: Vec<Sighting>,
    /// Versions of tools that its lines tell, by line.
    pub tools: Vec<ToolVersion>,
    /// Its last twelve lines with words in them, credentials replaced by `***`.
    pub tail: Vec<(u64, String)>,
}

impl Step {
    /// Whether it failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// What belongs to no step.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outside {
    /// What was found in these lines, by line.
    pub sightings: Vec<Sighting>,
    /// Versions of tools that they tell, by line.
    pub tools: Vec<ToolVersion>,
    /// The last twelve of them with words in them, credentials replaced by `***`.
    pub tail: Vec<(u64, String)>,
}

/// A line that shows a symptom. Of one symptom in one step the first 32 and the last 32 are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sighting {
    /// The number of the symptom in its set.
    pub symptom: usize,
    /// The line of the log, from 1.
    pub line: u64,
    /// The line without the prefixes of builder and CI, credentials replaced by `***`; of a long one the
    /// [`LONGEST_TEXT`] characters around the match.
    pub text: String,
    /// What the pattern's named groups matched; a group that took no part is left out.
    pub captures: BTreeMap<String, String>,
    /// What the symptom's second pattern matched in the lines directly below, up to 50 times.
    pub below: Vec<Below>,
}

/// A match in a line below a sighting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Below {
    /// The line of the log, from 1.
    pub line: u64,
    /// The line, without what the builder puts before it and without colours.
    pub text: String,
    /// What the named groups matched.
    pub captures: BTreeMap<String, String>,
}
