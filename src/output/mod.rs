//! What a run says: the diff, the report for people, the report for programs and those for other tools. One file a
//! format.

pub mod diff;
pub mod failure;
pub mod formats;
pub mod json;
pub mod redact;
pub mod text;

use crate::plan::Decision;
use crate::project::Project;
use crate::source::Source;
use crate::verify::Verified;

/// A text of a report as one line: credentials in addresses are masked, and control characters, with which a patch or a
/// file could forge another line, become blanks.
#[must_use]
pub fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    let redacted = redact::redact(text);
    if redacted.contains(char::is_control) {
        return redacted.replace(char::is_control, " ").into();
    }
    redacted
}

/// A text on one line of a build's output, in which no runner finds a command: the commands of Azure Pipelines and the
/// older ones of GitHub begin in the middle of a line, too.
#[must_use]
pub fn inert(text: &str) -> String {
    let text = one_line(text).replace(['\u{2028}', '\u{2029}'], " ");
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let rest = text.as_bytes().get(at + 1..).unwrap_or_default();
        let begins = rest.starts_with(b"[") || rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"vso["));
        if c == '#' && out.ends_with("##") && begins {
            out.push(' ');
        }
    }
    out
}

/// The name of a file at the beginning of a line of a build's output, in which no runner finds a command.
#[must_use]
pub fn inert_name(name: &str) -> String {
    let name = inert(name);
    if name.trim_start().starts_with("::") { format!("./{name}") } else { name }
}

/// A text of several lines of a build's output, in which no runner finds a command.
#[must_use]
pub fn inert_lines(text: &str) -> String {
    let line = |line: &str| {
        let line = inert(line);
        if line.trim_start().starts_with("::") { format!("| {line}") } else { line }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The unified diff of every change, in the project's order: what `git apply` and `patch -p1` accept as it is.
#[must_use]
pub fn diffs(project: &Project, verified: &Verified) -> String {
    verified
        .files()
        .iter()
        .map(|file| {
            let before = &project.members[file.member].source;
            diff_of(before, &file.after)
        })
        .collect()
}

/// The unified diff of one file. A diff is of lines, and lines are of one encoding: where that changes there is none.
fn diff_of(before: &Source, after: &Source) -> String {
    if before.encoding() != after.encoding() {
        return String::new();
    }
    diff::unified(before.name(), before.text(), after.text())
}

/// How much was found, done and left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files read.
    pub files: usize,
    /// Files that change.
    pub changed: usize,
    /// Fixes applied.
    pub applied: usize,
    /// Fixes held back.
    pub withheld: usize,
    /// Pieces of advice.
    pub advised: usize,
    /// Files and folders that could not be read or written.
    pub problems: usize,
}

impl Counts {
    /// Counts a run.
    #[must_use]
    pub fn of(project: &Project, verified: &Verified) -> Self {
        let decided = |wanted: fn(&Decision) -> bool| verified.plan().decisions.iter().filter(|d| wanted(d)).count();
        Self {
            files: project.members.len(),
            changed: verified.files().len(),
            applied: decided(|decision| *decision == Decision::Apply),
            withheld: decided(|decision| matches!(decision, Decision::Withhold(_))),
            advised: decided(|decision| *decision == Decision::Advise),
            problems: project.problems.len(),
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.changed += other.changed;
        self.applied += other.applied;
        self.withheld += other.withheld;
        self.advised += other.advised;
        self.problems += other.problems;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_of_a_runner_stays_in_a_text() {
        assert_eq!(inert("a ##vso[task.x]b ##[error] ###[ ## [ #"), "a ## vso[task.x]b ## [error] ### [ ## [ #");
        assert_eq!(inert("##VSO[x]\r\n::set-env::\u{2028}::x"), "## VSO[x]  ::set-env:: ::x");
    }

    #[test]
    fn a_name_begins_no_command() {
        assert_eq!(inert_name(" ::x::/Dockerfile"), "./ ::x::/Dockerfile");
        assert_eq!(inert_name("a\n::x::"), "a ::x::");
        assert_eq!(inert_lines("a\n ::x::\r\n##[y]\n"), "a\n|  ::x:: \n## [y]\n");
    }
}
