//! Writing: every file that a verified plan changes, each for itself.

use crate::output::redact::redact;
use crate::project::{Problem, Project};
use crate::verify::Verified;
use crate::write;

/// Writes every file that changes. A file that cannot be written is a problem; the others are written all the same.
#[must_use]
pub fn apply(project: &Project, verified: &Verified) -> Vec<Problem> {
    verified
        .files()
        .iter()
        .filter_map(|file| {
            let before = &project.members[file.member].source;
            let path = before.path()?;
            let error = write::replace(path, before.text().as_bytes(), file.after.text().as_bytes()).err()?;
            let message = redact(&error.to_string()).into_owned();
            Some(Problem { file: before.name().to_owned(), line: None, message })
        })
        .collect()
}
