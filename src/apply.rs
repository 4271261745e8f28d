//! Writing: every file that a verified plan changes, each for itself.

use crate::output::redact::redact;
use crate::project::{Problem, Project};
use crate::verify::Verified;
use crate::write;

/// Writes every file that changes. A file that cannot be written is a problem, and its fixes are held back in
/// `verified`; the others are written all the same.
#[must_use]
pub fn apply(project: &Project, verified: &mut Verified) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in verified.files().to_vec() {
        let before = &project.members[file.member].source;
        let Some(path) = before.path() else { continue };
        if let Err(error) = write::replace(path, &before.bytes(), &file.after.bytes()) {
            let message = redact(&error.refusal.to_string()).into_owned();
            verified.not_written(file.member, &message);
            problems.push(Problem { file: before.name().to_owned(), line: None, message });
        }
    }
    problems
}
