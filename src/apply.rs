//! Writing: every file that a verified plan changes, each for itself.

use crate::member::Problem;
use crate::output::redact::redact;
use crate::parallel;
use crate::project::Project;
use crate::verify::Verified;
use crate::write;

/// Writes every file that changes. A file that cannot be written is a problem, and its fixes are held back in
/// `verified`; the others are written all the same.
#[must_use]
pub fn apply(project: &Project, verified: &mut Verified) -> Vec<Problem> {
    write::clean_beside(verified.files().iter().filter_map(|file| project.members[file.member].source.path()));
    let refused = parallel::map(verified.files().iter().collect(), |file| {
        let before = &project.members[file.member].source;
        let error = write::replace(before.path()?, &before.bytes(), &file.after.bytes()).err()?;
        Some((file.member, redact(&error.refusal.to_string()).into_owned()))
    });
    let mut problems = Vec::new();
    for (member, message) in refused.into_iter().flatten() {
        verified.not_written(member, &message);
        let file = project.members[member].source.name().to_owned();
        problems.push(Problem { file, line: None, message });
    }
    problems
}
