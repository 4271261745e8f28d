//! GitLab's code quality report: an array of issues, in the part of Code Climate's format that GitLab documents.

use serde::Serialize;

use super::{Level, Run, to_json};

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// The report. What has no file (a log on standard input) is put on the first file that was read, since GitLab takes no
/// issue without one.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let entries = run.entries();
    let first = run.report.files.first().map_or("-", |file| &file.path);
    let issues: Vec<Issue<'_>> = entries
        .iter()
        .map(|entry| Issue {
            description: &entry.text,
            check_name: entry.code,
            fingerprint: &entry.fingerprint,
            severity: match entry.level {
                Level::Error => "major",
                Level::Warning => "minor",
                Level::Note => "info",
            },
            location: Location {
                path: entry.file.unwrap_or(first),
                lines: Lines { begin: entry.file.and(entry.line).unwrap_or(1) },
            },
        })
        .collect();
    to_json(&issues)
}
