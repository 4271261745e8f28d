//! Logging commands of Azure Pipelines: one issue a line, `##vso[task.logissue type=error;sourcepath=…]message`.
//!
//! What must be encoded is what `CommandStringConvertor` in the agent's source decodes, in properties and messages
//! alike; `%` itself is `%AZP25`. An issue is an error or a warning: a note is a plain line.

use std::fmt::Write;

use super::super::inert;
use super::{Level, Run};

/// The commands.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let mut out = String::new();
    for entry in run.entries() {
        let kind = match entry.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => {
                let line = entry.line.map(|line| format!(":{line}")).unwrap_or_default();
                let place = entry.file.map(|file| format!("{file}{line}: ")).unwrap_or_default();
                let _ = writeln!(out, "{}", inert(&format!("note: {place}[{}] {}", entry.code, entry.text)));
                continue;
            }
        };
        let _ = write!(out, "##vso[task.logissue type={kind}");
        if let Some(file) = entry.file {
            let _ = write!(out, ";sourcepath={}", encode(file));
            if let Some(line) = entry.line {
                let column = entry.range.map_or(1, |range| range.column);
                let _ = write!(out, ";linenumber={line};columnnumber={column}");
            }
        }
        let _ = writeln!(out, ";code={}]{}", encode(entry.code), encode(&inert(&entry.text)));
    }
    out
}

fn encode(text: &str) -> String {
    text.replace('%', "%AZP25").replace(';', "%3B").replace('\r', "%0D").replace('\n', "%0A").replace(']', "%5D")
}
