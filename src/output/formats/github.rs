//! Workflow commands of GitHub Actions: one annotation a line, `::error file=…,line=…::message`.
//!
//! The runner shows ten annotations of each level for a step. Its rules for what must be encoded are those of
//! `ActionCommand` in its source: `%`, CR and LF everywhere, `:` and `,` in properties too.

use std::fmt::Write;

use super::super::inert;
use super::{Level, Run};

/// The commands.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let mut out = String::new();
    for entry in run.entries() {
        let command = match entry.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let _ = write!(out, "::{command} ");
        if let Some(file) = entry.file {
            let _ = write!(out, "file={},", property(file));
            if let Some(line) = entry.line {
                let _ = write!(out, "line={line},");
            }
            if let Some(range) = entry.range {
                let _ = write!(out, "endLine={},", range.end_line);
                // Columns over several lines make GitHub refuse the annotation.
                if range.line == range.end_line {
                    let _ = write!(out, "col={},endColumn={},", range.column, range.end_column);
                }
            }
        }
        let _ = writeln!(out, "title={}::{}", property(&format!("envfix: {}", entry.code)), data(&inert(&entry.text)));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
