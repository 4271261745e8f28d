//! Reviewdog's diagnostics (`rdjson`), with what envfix writes as suggestions.
//!
//! Columns count bytes of UTF-8 from 1, and the end of a range is the place behind it, as Reviewdog's `Position` and
//! `Range` say. A byte order mark counts: it stands in the file that a suggestion is applied to. Insertions at one place
//! stand in the order in which the report lists them.

use serde::Serialize;

use super::{Level, Run, to_json};
use crate::source::{Source, Span};

#[derive(Serialize)]
struct Diagnostics<'a> {
    source: Tool,
    severity: &'static str,
    diagnostics: Vec<Diagnostic<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    message: &'a str,
    location: Location<'a>,
    severity: &'static str,
    code: Code<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'a>>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Position>,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    range: Range,
    text: &'a str,
}

/// The diagnostics. What has no file (a log on standard input) is put on the first file that was read.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let entries = run.entries();
    let first = run.report.files.first().map_or("-", |file| &file.path);
    let diagnostics = entries
        .iter()
        .map(|entry| Diagnostic {
            message: &entry.text,
            location: Location {
                path: entry.file.unwrap_or(first),
                range: match (entry.source, entry.range, entry.file.and(entry.line)) {
                    (Some(source), Some(place), _) => Some(range(source, Span::new(place.start, place.end))),
                    (_, _, Some(line)) => Some(Range { start: Position { line, column: None }, end: None }),
                    _ => None,
                },
            },
            severity: match entry.level {
                Level::Error => "ERROR",
                Level::Warning => "WARNING",
                Level::Note => "INFO",
            },
            code: Code { value: entry.code },
            suggestions: entry
                .source
                .into_iter()
                .flat_map(|source| entry.edits().map(|(span, text)| Suggestion { range: range(source, span), text }))
                .collect(),
        })
        .collect();
    to_json(&Diagnostics { source: Tool { name: "envfix" }, severity: "WARNING", diagnostics })
}

fn range(source: &Source, span: Span) -> Range {
    let position = |offset: usize| Position {
        line: source.line(offset),
        column: Some(offset.saturating_sub(source.line_start(offset)) + 1),
    };
    Range { start: position(span.start), end: Some(position(span.end)) }
}
