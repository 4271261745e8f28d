//! A summary to read, in GitHub's Markdown: what is fixed, what is advised, why the build failed, and the diff in a fold.
//! For `$GITHUB_STEP_SUMMARY`, a comment on a pull request, or GitLab.
//!
//! Nothing from a file can leave its place: in prose and in table cells punctuation is written as character references
//! (which CommonMark never takes for structure), what would mention somebody or be mathematics stands in an element of
//! its own, and a fence is longer than every run of backticks inside it. GitHub takes no summary of more than a MiB, so
//! what does not fit is counted instead.

use std::fmt::Write;

use super::super::{json::LogReport, one_line, redact::redact};
use super::{About, Entry, Run, remedy};
use crate::output::json::FindingReport;

/// Rows of tables end at this size, in bytes.
const ROWS: usize = 500_000;

/// The diff ends at this size.
const ALL: usize = 1_000_000;

/// Cells are cut at this length, in characters.
const CELL: usize = 1_500;

/// Lines of a log are cut at this length, in characters.
const LOG_LINE: usize = 500;

/// The summary.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let mut out = String::from("## envfix\n\n");
    summary(&mut out, run);
    if let Some(log) = &run.report.log {
        causes(&mut out, run, log);
    }
    let entries = run.entries();
    let of = |wanted: fn(&Entry<'_>) -> bool| entries.iter().filter(|entry| wanted(entry)).collect::<Vec<_>>();
    let problems = of(|entry| matches!(entry.about, About::Problem));
    table(&mut out, "Problems", ["Where", "What is wrong"], &problems, |entry| [place(entry), prose(&entry.text)]);
    let findings = |wanted: fn(&FindingReport) -> bool| -> Vec<&Entry<'_>> {
        entries.iter().filter(|entry| matches!(entry.about, About::Finding(finding) if wanted(finding))).collect()
    };
    let applied = |finding: &FindingReport| finding.fix.as_ref().is_some_and(|fix| fix.applied);
    let held = |finding: &FindingReport| finding.fix.as_ref().is_some_and(|fix| !fix.applied);
    for (title, last, entries) in [
        ("Fixes", "Fix", findings(applied)),
        ("Advice", "What to do", findings(|finding| finding.fix.is_none())),
        ("Held back", "Fix, and why it is held back", findings(held)),
    ] {
        table(&mut out, title, ["Where", "Patch", "Kind", "What is wrong", last], &entries, row);
    }
    let skips = of(|entry| matches!(entry.about, About::IdleSkip));
    table(&mut out, "Notes", ["Where", "Note"], &skips, |entry| [place(entry), prose(&entry.text)]);
    changes(&mut out, run);
    out
}

fn summary(out: &mut String, run: &Run<'_>) {
    let all = &run.report.summary;
    let mut parts = Vec::new();
    if all.applied > 0 {
        parts.push(format!("**{} in {}**", plural(all.applied, "fix", "fixes"), plural(all.changed, "file", "files")));
    }
    if all.advised > 0 {
        parts.push(plural(all.advised, "piece of advice", "pieces of advice"));
    }
    if all.withheld > 0 {
        parts.push(format!("{} held back", plural(all.withheld, "fix", "fixes")));
    }
    if all.problems > 0 {
        parts.push(plural(all.problems, "problem", "problems"));
    }
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    let _ = writeln!(out, "{} read: {}.", plural(all.files, "file", "files"), parts.join(", "));
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Why the build failed.
fn causes(out: &mut String, run: &Run<'_>, log: &LogReport) {
    let title = if log.ended == "succeeded" { "The log" } else { "Why the build failed" };
    let _ = write!(out, "\n### {title}\n\nLog: {}, {} lines.", code(&log.file), log.lines);
    if let Some(failing) = &log.failing {
        if let Some(instruction) = &failing.instruction {
            let _ = write!(out, " Failed: {}", code(&cut(instruction, LOG_LINE)));
        }
        if let (Some(file), Some(range)) = (&failing.file, &failing.range) {
            let _ = write!(out, " in {}", code(&format!("{file}:{}", range.line)));
        }
        if let Some(exit_code) = failing.exit_code {
            let _ = write!(out, ", exit code {exit_code}");
        }
        out.push('.');
    }
    out.push('\n');
    for (number, cause) in log.causes.iter().enumerate() {
        let what = prose(run.what(number, cause));
        let _ = writeln!(out, "\nCause {}, {}: {what}", number + 1, code(&cause.patch));
        lines(out, cause.evidence.iter().map(|line| (line.line, &*line.text)));
        if !cause.asked_at.is_empty() {
            let _ = writeln!(out, "\nAsked for in {}.", code(&cause.asked_at.join(", ")));
        }
        if let Some(advice) = &cause.advice {
            let _ = writeln!(out, "\nTo do: {}", prose(advice));
        }
        let _ = writeln!(out, "\nDocumented under {}.", code(&cause.section));
    }
    if log.causes.is_empty() {
        out.push_str("\nNone of the documented causes is among its lines.");
        let tail = log.failing.as_ref().map_or(&[][..], |failing| &failing.tail);
        if tail.is_empty() {
            out.push('\n');
        } else {
            out.push_str(" It ends with:\n");
            lines(out, tail.iter().map(|line| (line.line, &*line.text)));
        }
    }
}

/// Lines of a log with their numbers.
fn lines<'a>(out: &mut String, lines: impl Iterator<Item = (u64, &'a str)>) {
    let text: String = lines.map(|(number, text)| format!("{number}: {}\n", cut(&one_line(text), LOG_LINE))).collect();
    if !text.is_empty() {
        out.push('\n');
        fence(out, "text", &text);
    }
}

fn row(entry: &Entry<'_>) -> [String; 5] {
    let About::Finding(finding) = entry.about else { return std::array::from_fn(|_| String::new()) };
    let remedy = prose(&remedy(finding));
    [place(entry), code(&finding.patch), prose(&finding.ground), prose(&finding.message), remedy]
}

fn place(entry: &Entry<'_>) -> String {
    match (entry.file, entry.line) {
        (Some(file), Some(line)) => code(&format!("{file}:{line}")),
        (Some(file), None) => code(file),
        _ => String::new(),
    }
}

/// A table under its title; nothing where there is no row.
fn table<const N: usize>(
    out: &mut String,
    title: &str,
    heads: [&str; N],
    entries: &[&Entry<'_>],
    row: fn(&Entry<'_>) -> [String; N],
) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### {title}\n\n| {} |\n|{}", heads.join(" | "), "---|".repeat(N));
    for (shown, entry) in entries.iter().enumerate() {
        let row = format!("| {} |\n", row(entry).join(" | "));
        if out.len() + row.len() > ROWS {
            let _ = writeln!(out, "\nAnd {} more, which would make this summary too long.", entries.len() - shown);
            return;
        }
        out.push_str(&row);
    }
}

/// The diff of every file, in a fold. A hunk that holds credentials is left out: here it would be shown to everybody,
/// and a diff that hides them would not apply.
fn changes(out: &mut String, run: &Run<'_>) {
    let (mut shown, mut secret, mut long) = (String::new(), 0usize, 0usize);
    for file in run.report.files.iter().filter(|file| !file.diff.is_empty()) {
        let (header, hunks) = split(&file.diff);
        let mut header = Some(header);
        for hunk in hunks {
            if redact(&hunk) != hunk.as_str() {
                secret += 1;
            } else if out.len() + shown.len() + hunk.len() > ALL {
                long += 1;
            } else {
                shown.push_str(header.take().unwrap_or_default());
                shown.push_str(&hunk);
            }
        }
    }
    let encoded: Vec<String> =
        run.report.files.iter().filter(|file| file.changed && file.diff.is_empty()).map(|it| code(&it.path)).collect();
    if shown.is_empty() && secret + long == 0 && encoded.is_empty() {
        return;
    }
    out.push_str("\n### Changes\n");
    if !shown.is_empty() {
        out.push_str("\n<details>\n<summary>Diff</summary>\n\n");
        fence(out, "diff", &visible(&shown));
        out.push_str("\n</details>\n");
    }
    if secret > 0 {
        let hunks = plural(secret, "change is", "changes are");
        let _ = writeln!(out, "\n{hunks} not shown here, since credentials stand beside what changes.");
    }
    if long > 0 {
        let hunks = plural(long, "change is", "changes are");
        let _ = writeln!(out, "\n{hunks} not shown here, since this summary would be too long.");
    }
    if !encoded.is_empty() {
        let _ = writeln!(out, "\nThe encoding changes, which no diff shows: {}.", encoded.join(", "));
    }
}

/// The header of a file's diff, and its hunks.
fn split(diff: &str) -> (&str, Vec<String>) {
    let at = diff.find("\n@@ ").map_or(diff.len(), |at| at + 1);
    let (header, rest) = diff.split_at(at);
    let mut hunks: Vec<String> = Vec::new();
    for line in rest.split_inclusive('\n') {
        match hunks.last_mut() {
            Some(hunk) if !line.starts_with("@@ ") => hunk.push_str(line),
            _ => hunks.push(line.to_owned()),
        }
    }
    (header, hunks)
}

fn fence(out: &mut String, language: &str, text: &str) {
    let (mut run, mut longest) = (0usize, 2usize);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat(longest + 1);
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let _ = writeln!(out, "{ticks}{language}\n{text}{newline}{ticks}");
}

/// A text of several lines whose control characters are seen, and whose lines end in a newline alone.
fn visible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A text as prose on one line.
fn prose(text: &str) -> String {
    let text = cut(&one_line(text), CELL);
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            // In an element of its own it neither mentions anybody nor begins a formula.
            '@' | '#' | '$' => {
                let _ = write!(out, "<span>&#{};</span>", u32::from(c));
            }
            ',' | ';' | '-' | '\'' | '"' => out.push(c),
            '.' if !out.get(out.len().saturating_sub(3)..).is_some_and(|it| it.eq_ignore_ascii_case("www")) => {
                out.push(c);
            }
            c if c.is_ascii_punctuation() => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A text as code on one line.
fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in cut(&one_line(text), CELL).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '/' | ',') {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out + "</code>"
}
