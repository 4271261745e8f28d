//! A patch matched at a place: what is wrong there, how that is known, and either a fix or advice.

use crate::change::Change;
use crate::edit::Edit;
use crate::patch::file::Safety;
use crate::source::Span;

/// A patch matched at a place of one file of a [`Project`](crate::Project).
#[derive(Clone, Debug)]
pub struct Finding {
    /// Number of the file in the project.
    pub member: usize,
    /// Id of the patch.
    pub patch: String,
    /// Title of the patch.
    pub title: String,
    /// Whether the build fails, or could be sturdier.
    pub ground: Ground,
    /// What is wrong, as a sentence.
    pub message: String,
    /// The place that the report points at.
    pub place: Span,
    /// What shows it: places in the file and what they say.
    pub evidence: Vec<Evidence>,
    /// The cause of the failed build that it mends, by its number, where a log is given.
    pub cause: Option<usize>,
    /// What to do.
    pub remedy: Remedy,
}

/// Why something is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// This build fails, or will.
    Fault,
    /// The document recommends it; nothing has failed yet.
    Hardening,
    /// It is of use to nobody but a person who asks for it by naming the patch.
    Asked,
}

/// A place and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where, in the finding's file.
    pub span: Span,
    /// What stands there.
    pub note: String,
}

/// What is to be done about a finding.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// A change of the file.
    Fix(Fix),
    /// What a person has to do.
    Advice(String),
}

/// A proposed change of a file.
#[derive(Clone, Debug)]
pub struct Fix {
    /// How safe it is.
    pub safety: Safety,
    /// What it does, as a short sentence in the imperative.
    pub action: String,
    /// Why, and why it is as safe as it says.
    pub because: Option<String>,
    /// What a person should do besides.
    pub advice: Option<String>,
    /// The text it writes.
    pub edits: Vec<Edit>,
    /// The change of the model that those edits are meant to be.
    pub changes: Vec<Change>,
}

impl Finding {
    /// The fix, where there is one.
    #[must_use]
    pub fn fix(&self) -> Option<&Fix> {
        match &self.remedy {
            Remedy::Fix(fix) => Some(fix),
            Remedy::Advice(_) => None,
        }
    }
}
