//! SARIF 2.1.0, with what envfix writes as `fixes`.
//!
//! Columns count characters, a byte order mark left out; regions that a fix deletes have their bytes in the file, too.
//! Where the file came from the current folder, its address is relative to `%SRCROOT%`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::super::{one_line, redact::redact};
use super::{About, Entry, IDLE_SKIP, Level, Run, to_json};
use crate::source::{Encoding, Source, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunOf<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunOf<'a> {
    tool: Tool<'a>,
    invocations: [Invocation<'a>; 1],
    original_uri_base_ids: BTreeMap<&'static str, Described>,
    column_kind: &'static str,
    default_encoding: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<Artifact>,
    results: Vec<ResultOf<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    name: String,
    short_description: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Text>,
    help: Text,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Described {
    description: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    descriptor: Descriptor<'a>,
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Artifact {
    location: ArtifactLocation,
    encoding: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultOf<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix<'a> {
    description: Text,
    artifact_changes: [ArtifactChange<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Content<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    text: &'a str,
}

/// The log.
#[must_use]
pub fn render(run: &Run<'_>) -> String {
    let entries = run.entries();
    let (problems, others): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
        entries.iter().partition(|entry| matches!(entry.about, About::Problem));
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rules = Vec::new();
    for entry in &others {
        numbers.entry(entry.code).or_insert_with(|| {
            rules.push(rule(run, entry));
            rules.len() - 1
        });
    }
    let results = others.iter().map(|entry| result(entry, numbers.get(entry.code).copied().unwrap_or(0))).collect();
    let artifacts = run.foreign_encodings().map(|(name, encoding)| Artifact {
        location: address(name),
        encoding: match encoding {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        },
    });
    let root = Described { description: Text { text: "the folder in which envfix ran".to_owned() } };
    to_json(&Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [RunOf {
            tool: Tool {
                driver: Driver {
                    name: "envfix",
                    version: run.report.version,
                    semantic_version: run.report.version,
                    rules,
                },
            },
            invocations: [Invocation {
                execution_successful: problems.is_empty(),
                tool_execution_notifications: problems.iter().map(|entry| notification(entry)).collect(),
            }],
            original_uri_base_ids: BTreeMap::from([(ROOT, root)]),
            column_kind: "unicodeCodePoints",
            default_encoding: "utf-8",
            artifacts: artifacts.collect(),
            results,
        }],
    })
}

/// The rule of an entry: its patch, as far as there is one.
fn rule<'a>(run: &'a Run<'_>, entry: &Entry<'a>) -> Rule<'a> {
    let id = entry.code;
    let mut name = String::with_capacity(id.len());
    for word in id.split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase).chain(letters));
    }
    let say = |text: &str| Text { text: message(text) };
    let (short_description, full_description, help) = match (run.catalogue.get(id), entry.about) {
        (Some(patch), _) => {
            let document = &patch.document;
            let mut help = format!("{} Documented under \"{}\".", document.says.trim(), document.section);
            if let Some(caution) = &document.caution {
                let _ = write!(help, " Not to the letter: {}", caution.trim());
            }
            let _ = write!(help, " `envfix explain {id}` tells more.");
            (say(&patch.title), Some(say(&document.says)), say(&help))
        }
        (None, About::Cause(cause)) => (say(&cause.title), None, say(&cause.section)),
        (None, About::Finding(finding)) => (say(&finding.title), None, say(&finding.title)),
        (None, _) => {
            let help = "A comment `# envfix: skip=ID` switches a patch off below it. Where the patch finds nothing there, the \
                        comment can go. `envfix explain` lists the ids.";
            debug_assert_eq!(id, IDLE_SKIP);
            (say("A comment skips a patch that finds nothing there"), None, say(help))
        }
    };
    Rule { id, name, short_description, full_description, help }
}

fn result<'a>(entry: &'a Entry<'_>, rule_index: usize) -> ResultOf<'a> {
    let skipped = match entry.about {
        About::Finding(finding) => finding.fix.as_ref().and_then(|fix| fix.withheld.as_ref()),
        _ => None,
    };
    let suppression = |reason: &str| Suppression { kind: "inSource", justification: reason.to_owned() };
    ResultOf {
        rule_id: entry.code,
        rule_index,
        level: word(entry.level),
        message: Text { text: message(&entry.text) },
        locations: location(entry),
        partial_fingerprints: BTreeMap::from([("envfix/v1", &*entry.fingerprint)]),
        suppressions: skipped
            .filter(|withheld| withheld.kind == "skipped")
            .map(|withheld| suppression(&withheld.reason))
            .into_iter()
            .collect(),
        fixes: fix(entry).into_iter().collect(),
    }
}

fn notification<'a>(entry: &Entry<'a>) -> Notification<'a> {
    Notification {
        descriptor: Descriptor { id: entry.code },
        level: word(entry.level),
        message: Text { text: message(&entry.text) },
        locations: location(entry),
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn location(entry: &Entry<'_>) -> Vec<Location> {
    let Some(file) = entry.file else { return Vec::new() };
    let region = match (entry.source, entry.range, entry.line) {
        (Some(source), Some(range), _) => {
            Some(Region { byte_offset: None, byte_length: None, ..region(source, Span::new(range.start, range.end)) })
        }
        (_, _, Some(start_line)) => Some(Region { start_line, ..Region::default() }),
        _ => None,
    };
    vec![Location { physical_location: PhysicalLocation { artifact_location: address(file), region } }]
}

fn fix<'a>(entry: &Entry<'a>) -> Option<Fix<'a>> {
    let (About::Finding(finding), Some(source)) = (entry.about, entry.source) else { return None };
    let replacements: Vec<Replacement<'a>> = entry
        .edits()
        .map(|(span, text)| Replacement { deleted_region: region(source, span), inserted_content: Content { text } })
        .collect();
    let action = finding.fix.as_ref()?.action.as_str();
    (!replacements.is_empty()).then(|| Fix {
        description: Text { text: message(action) },
        artifact_changes: [ArtifactChange { artifact_location: address(&finding.file), replacements }],
    })
}

/// A region by lines and columns, and by its bytes in the file.
fn region(source: &Source, span: Span) -> Region {
    let column = |offset: usize| {
        let at = source.line_column(offset);
        let mark = usize::from(at.line == 1 && source.has_bom());
        (at.line, at.column.saturating_sub(mark).max(1))
    };
    let ((start_line, start_column), (end_line, end_column)) = (column(span.start), column(span.end));
    Region {
        start_line,
        start_column: Some(start_column),
        end_line: Some(end_line),
        end_column: Some(end_column),
        byte_offset: Some(span.start),
        byte_length: Some(span.len()),
    }
}

/// A text of a message in which nothing is a placeholder (`{0}`) or a link (`[text](address)`).
fn message(text: &str) -> String {
    let text = one_line(&redact(text)).replace("](", "] (");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('{') {
        let (before, open) = rest.split_at(at);
        out.push_str(before);
        let digits = open[1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && open[1 + digits..].starts_with('}') {
            let _ = write!(out, "{{{{{}}}}}", &open[1..=digits]);
            rest = &open[digits + 2..];
        } else {
            out.push('{');
            rest = &open[1..];
        }
    }
    out + rest
}

/// Where a file is, by the name that reports have for it.
fn address(name: &str) -> ArtifactLocation {
    let mut uri = String::with_capacity(name.len());
    let is_drive = cfg!(windows) && name.as_bytes().get(1) == Some(&b':');
    if is_drive || name.starts_with('/') {
        uri.push_str(if is_drive { "file:///" } else { "file://" });
    }
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b':' if is_drive && at == 1 => uri.push(':'),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    let is_absolute = uri.starts_with("file:");
    ArtifactLocation { uri, uri_base_id: (!is_absolute).then_some(ROOT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_a_placeholder_or_a_link() {
        assert_eq!(message("{0} ${A} {12}{ {1 [a](http://b)"), "{{0}} ${A} {{12}}{ {1 [a] (http://b)");
        assert_eq!(message("{"), "{");
    }

    #[test]
    fn an_address_is_relative_and_encoded() {
        let uri = |name: &str| address(name).uri;
        assert_eq!(uri("a b/ü%\n:.x"), "a%20b/%C3%BC%25%0A%3A.x");
        assert_eq!(uri("../x"), "../x");
        assert_eq!(uri("/tmp/x"), "file:///tmp/x");
        assert!(address("/tmp/x").uri_base_id.is_none());
    }
}
