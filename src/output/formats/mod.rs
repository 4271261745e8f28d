//! Reports for other tools, one file a format. Each is a function from a [`Run`] to a text; none knows the command line.
//!
//! How the formats call each [`Level`] is a table in `docs/design.md`.
//! Lines and columns are those of the file as it was before envfix wrote to it.

pub mod azure;
pub mod github;
pub mod gitlab;
pub mod markdown;
pub mod rdjson;
pub mod sarif;

use std::collections::BTreeMap;

use super::json::{self, CauseReport, EditReport, FindingReport, Range, Report};
use super::one_line;
use super::redact::redact;
use crate::patch::catalogue::Catalogue;
use crate::project::Project;
use crate::source::{Encoding, Source, Span};
use crate::verify::Verified;

/// What a file that cannot be read or written is reported under, where others have the id of a patch.
pub const INPUT: &str = "input";

/// What an inline skip that switches nothing off is reported under.
pub const IDLE_SKIP: &str = "idle-skip";

/// What a log is called that came from standard input: no file to point at.
const STANDARD_INPUT: &str = "standard input";

/// How much of a line makes its fingerprint, in bytes.
const LINE: usize = 2000;

/// What a report is made from.
pub struct Run<'a> {
    /// The report for programs; everything in it but diffs and edits is free of credentials.
    pub report: Report,
    /// The patches.
    pub catalogue: &'a Catalogue,
    project: &'a Project,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A fault, a cause of the failed build and what mends it; or envfix could not do its work.
    Error,
    /// Hardening with a fix, also one that only a person who names the patch gets.
    Warning,
    /// Something to know: advice on hardening, what an inline comment skips, what is not the cause of the failed build.
    Note,
}

/// What an entry is about.
#[derive(Clone, Copy)]
pub enum About<'a> {
    /// What could not be read or written.
    Problem,
    /// A cause of the failed build.
    Cause(&'a CauseReport),
    /// A finding.
    Finding(&'a FindingReport),
    /// An inline skip that switches nothing off.
    IdleSkip,
}

/// One thing to report.
pub struct Entry<'a> {
    /// What it is about.
    pub about: About<'a>,
    /// How bad it is.
    pub level: Level,
    /// Id of the patch, or [`INPUT`] or [`IDLE_SKIP`].
    pub code: &'a str,
    /// The file, where it is one.
    pub file: Option<&'a str>,
    /// The line in it, from 1, where there is one.
    pub line: Option<usize>,
    /// The place in it, where more than the line is known.
    pub range: Option<&'a Range>,
    /// The file's text, where it was read.
    pub source: Option<&'a Source>,
    /// What is wrong and what is done about it, on one line.
    pub text: String,
    /// 32 hexadecimal digits that stay when the lines above change, and that no other entry of the run has.
    pub fingerprint: String,
}

impl<'a> Run<'a> {
    /// What a run found and did.
    #[must_use]
    pub fn new(project: &'a Project, verified: &Verified, catalogue: &'a Catalogue) -> Self {
        Self { report: json::report(project, verified), catalogue, project }
    }

    /// Everything to report: problems, causes of the failed build, findings, idle skips.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = self.problems().chain(self.causes()).collect();
        entries.extend(self.report.findings.iter().map(|finding| self.finding(finding)));
        entries.extend(self.idle_skips());
        let mut seen: BTreeMap<u128, u32> = BTreeMap::new();
        for entry in &mut entries {
            let line = entry.source.zip(entry.range).map_or("", |(source, range)| line_of(source, range.start));
            // A log beside the file must not change what the findings in it are called.
            let kind = if let About::Cause(_) = entry.about { "cause" } else { "" };
            let hash = hash([kind, entry.code, entry.file.unwrap_or(""), &redact(line)]);
            let count = seen.entry(hash).or_default();
            let unique = if *count == 0 { hash } else { self::hash([&format!("{hash:032x}"), &count.to_string()]) };
            *count += 1;
            entry.fingerprint = format!("{unique:032x}");
        }
        entries
    }

    /// The file that reports call so; the first, where there are several.
    fn source(&self, name: &str) -> Option<&'a Source> {
        self.project.members.iter().map(|member| &member.source).find(|source| source.name() == name)
    }

    /// The files that are not UTF-8, with their encoding.
    fn foreign_encodings(&self) -> impl Iterator<Item = (&'a str, Encoding)> {
        let files = self.project.members.iter().map(|member| (member.source.name(), member.source.encoding()));
        files.filter(|(_, encoding)| *encoding != Encoding::Utf8)
    }

    fn problems(&self) -> impl Iterator<Item = Entry<'_>> {
        self.report.problems.iter().map(|problem| Entry {
            about: About::Problem,
            level: Level::Error,
            code: INPUT,
            file: Some(problem.file.as_str()).filter(|file| *file != STANDARD_INPUT),
            line: problem.line,
            range: None,
            source: None,
            text: one_line(&problem.message).into_owned(),
            fingerprint: String::new(),
        })
    }

    fn causes(&self) -> impl Iterator<Item = Entry<'_>> {
        let log = self.report.log.as_ref();
        let tied = log.and_then(|log| log.failing.as_ref()).and_then(|it| it.file.as_deref().zip(it.range.as_ref()));
        log.into_iter().flat_map(|log| log.causes.iter().enumerate().map(move |it| (log, it))).map(
            move |(log, (number, cause))| {
                let mut text = format!("the build failed: {}", self.what(number, cause));
                if let Some(shown) = cause.evidence.first() {
                    text += &format!(" (line {} of {}: {})", shown.line, log.file, shown.text.trim());
                }
                if !cause.asked_at.is_empty() {
                    text += &format!("; asked for in {}", cause.asked_at.join(", "));
                }
                if let Some(advice) = &cause.advice {
                    text += &format!(": {advice}");
                }
                // Without the instruction in a file, the line of the log is the place.
                let in_log = || cause.evidence.first().and_then(|shown| usize::try_from(shown.line).ok());
                Entry {
                    about: About::Cause(cause),
                    level: Level::Error,
                    code: &cause.patch,
                    file: tied.map(|(file, _)| file).or(Some(&*log.file).filter(|file| *file != STANDARD_INPUT)),
                    line: tied.map(|(_, range)| range.line).or_else(in_log),
                    range: tied.map(|(_, range)| range),
                    source: tied.and_then(|(file, _)| self.source(file)),
                    text: one_line(&text).into_owned(),
                    fingerprint: String::new(),
                }
            },
        )
    }

    /// What a cause of the failed build is, as the finding that mends it says it, where the cause says nothing.
    fn what<'b>(&'b self, number: usize, cause: &'b CauseReport) -> &'b str {
        let mends = self.report.findings.iter().find(|finding| finding.cause == Some(number));
        cause.message.as_deref().or(mends.map(|finding| &*finding.message)).unwrap_or(&cause.title)
    }

    fn finding<'b>(&'b self, finding: &'b FindingReport) -> Entry<'b> {
        Entry {
            about: About::Finding(finding),
            level: level(finding),
            code: &finding.patch,
            file: Some(&finding.file),
            line: Some(finding.range.line),
            range: Some(&finding.range),
            source: self.project.members.get(finding.member).map(|member| &member.source),
            text: one_line(&format!("{}: {}", finding.message, remedy(finding))).into_owned(),
            fingerprint: String::new(),
        }
    }

    fn idle_skips(&self) -> impl Iterator<Item = Entry<'_>> {
        self.report.idle_skips.iter().map(|skip| Entry {
            about: About::IdleSkip,
            level: Level::Note,
            code: IDLE_SKIP,
            file: Some(&skip.file),
            line: Some(skip.line),
            range: None,
            source: None,
            text: if skip.patch.is_empty() {
                "this comment is not understood; write `# envfix: skip=ID`".to_owned()
            } else {
                one_line(&format!("this comment skips {}, which finds nothing here", skip.patch)).into_owned()
            },
            fingerprint: String::new(),
        })
    }
}

impl<'a> Entry<'a> {
    /// The edits of a fix that is applied, each a span of the file as it was and its new text; none where there is no
    /// such fix, and where the file changes its encoding too, which edits of its text alone do not tell.
    pub fn edits(&self) -> impl Iterator<Item = (Span, &'a str)> + use<'a> {
        let is_utf8 = self.source.is_some_and(|source| source.encoding() == Encoding::Utf8);
        let edits: &'a [EditReport] = match self.about {
            About::Finding(FindingReport { fix: Some(fix), .. }) if fix.applied && is_utf8 => &fix.edits,
            _ => &[],
        };
        edits
            .iter()
            .map(|edit| (Span::new(edit.start, edit.end), &*edit.replacement))
            .filter(|(span, text)| !(span.is_empty() && text.is_empty()))
    }
}

fn level(finding: &FindingReport) -> Level {
    let fix = finding.fix.as_ref();
    match fix.and_then(|fix| fix.withheld.as_ref()).map(|withheld| withheld.kind.as_str()) {
        Some("skipped" | "not-the-cause") => Level::Note,
        _ if finding.ground == "fault" || finding.cause.is_some() => Level::Error,
        _ if fix.is_some() => Level::Warning,
        _ => Level::Note,
    }
}

/// What is done about a finding, or is to be done.
fn remedy(finding: &FindingReport) -> String {
    let mut text = match &finding.fix {
        None => String::new(),
        Some(fix) => match (&fix.withheld, &fix.because) {
            (Some(withheld), Some(because)) if withheld.kind == "unsafe" => {
                format!("{} (held back: {}, since {because})", fix.action, withheld.reason)
            }
            (Some(withheld), _) => format!("{} (held back: {})", fix.action, withheld.reason),
            (None, _) => fix.action.clone(),
        },
    };
    if let Some(advice) = &finding.advice {
        text = if text.is_empty() { advice.clone() } else { format!("{text}. Besides: {advice}") };
    }
    text
}

/// The line that holds an offset, without blanks around it, and no more of it than tells it apart.
fn line_of(source: &Source, offset: usize) -> &str {
    let rest = source.text().get(source.line_start(offset)..).unwrap_or_default();
    let mut length = rest.len().min(LINE);
    while !rest.is_char_boundary(length) {
        length -= 1;
    }
    rest[..length].split('\n').next().unwrap_or_default().trim()
}

/// FNV-1a of 128 bits over the parts and what parts them. It tells lines apart and keeps no secret.
fn hash<const N: usize>(parts: [&str; N]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// A file of JSON: indented, with a newline at its end.
fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_its_parts_apart() {
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_eq!(hash([]), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    }

    #[test]
    fn a_line_is_cut_at_a_character() {
        let source = Source::from_text("f", format!("x\n  é{}\ny", "é".repeat(LINE)));
        assert_eq!(line_of(&source, 5).len(), LINE - 2);
        assert_eq!(line_of(&source, 0), "x");
        assert_eq!(line_of(&source, source.text().len()), "y");
    }
}
