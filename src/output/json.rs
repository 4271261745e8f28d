//! The report for programs: one JSON object. Its schema is `docs/report.schema.json`.

mod failure;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use failure::{CauseReport, FailingReport, LogLine, LogReport};

use super::redact::redact;
use super::{Counts, diff_of};
use crate::environment::definition::Format;
use crate::finding::{Finding, Ground, Remedy};
use crate::member::Origin;
use crate::model::Model;
use crate::patch::file::Safety;
use crate::plan::Decision;
use crate::project::Project;
use crate::relation::Why;
use crate::script::Form;
use crate::source::{Source, Span};
use crate::verify::Verified;

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// envfix's version.
    pub version: &'static str,
    /// What the log of the failed build shows, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogReport>,
    /// Every file that was read.
    pub files: Vec<FileReport>,
    /// Which files belong together, and why.
    pub links: Vec<LinkReport>,
    /// Every finding, by file and place.
    pub findings: Vec<FindingReport>,
    /// What could not be read or written.
    pub problems: Vec<ProblemReport>,
    /// Inline skips that switched nothing off.
    pub idle_skips: Vec<IdleSkipReport>,
    /// The numbers of it.
    pub summary: Summary,
}

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileReport {
    /// Its path, relative to the current folder, with `/`.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// How it came in.
    pub origin: FileOrigin,
    /// Whether it changes (in a dry run: would change).
    pub changed: bool,
    /// The unified diff; empty where the file does not change, and where its encoding does, which no diff shows.
    pub diff: String,
}

/// A file that refers to another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkReport {
    /// The file that refers.
    pub from: String,
    /// The line on which it does, from 1.
    pub line: usize,
    /// The file that it refers to.
    pub to: String,
    /// Why they belong together.
    pub why: LinkKind,
}

/// Why two files belong together.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A command of a Dockerfile builds or updates a conda environment from it.
    CondaEnvironment,
    /// A command of a Dockerfile installs the requirements in it.
    Requirements,
    /// A definition's build context has this Dockerfile.
    Dockerfile,
    /// A definition's conda dependencies are in it.
    CondaFile,
    /// The Dockerfile that SDK v1 keeps beside a definition.
    BaseDockerfile,
    /// A job, a component or a deployment runs in the environment that it defines.
    Environment,
}

/// What a file is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A Dockerfile.
    Dockerfile,
    /// A conda environment YAML.
    CondaEnvironment,
    /// A definition of SDK v1.
    SdkV1Environment,
    /// A runconfig of SDK v1.
    Runconfig,
    /// A file of CLI v2 that holds environments.
    CliV2,
    /// A Python file that uses SDK v1.
    Python,
    /// A notebook that uses SDK v1.
    Notebook,
}

/// How a file came in.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileOrigin {
    /// It was named.
    Named,
    /// It was found in a folder.
    Found,
    /// Another file refers to it.
    Linked,
    /// It refers to a file that was named.
    Refers,
}

/// A finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Number of the file in the project: two files may be called the same, where their names are no UTF-8.
    #[serde(skip)]
    pub member: usize,
    /// Id of the patch.
    pub patch: String,
    /// Title of the patch.
    pub title: String,
    /// `fault`, `hardening`, or `asked` for what only a person who names the patch gets.
    pub ground: String,
    /// What is wrong.
    pub message: String,
    /// The file.
    pub file: String,
    /// The place in it.
    pub range: Range,
    /// What shows it.
    pub evidence: Vec<EvidenceReport>,
    /// The cause of the failed build that it mends: its number in the log's list, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<usize>,
    /// The fix, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<FixReport>,
    /// What a person has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
    /// Line of the end, from 1.
    pub end_line: usize,
    /// Column of the end in characters, from 1.
    pub end_column: usize,
}

/// What shows a finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceReport {
    /// The place.
    pub range: Range,
    /// What stands there.
    pub note: String,
}

/// A fix.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FixReport {
    /// `safe` or `unsafe`.
    pub safety: String,
    /// What it does.
    pub action: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What it writes, as replacements in the file as it was. Insertions at one place stand in the order in which the
    /// report lists them. Empty where it changes what another fix of the report writes.
    pub edits: Vec<EditReport>,
    /// Whether it is applied (in a dry run: would be).
    pub applied: bool,
    /// Why it is held back, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<WithheldReport>,
}

/// A replacement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EditReport {
    /// Offset of the first byte that is replaced.
    pub start: usize,
    /// Offset behind the last; the same as `start` for an insertion.
    pub end: usize,
    /// The new text.
    pub replacement: String,
}

/// Why a fix is held back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WithheldReport {
    /// `unsafe`, `hardening`, `not-the-cause`, `skipped`, `overlap`, `unverified`, `unstable`, `generated` or `not-written`.
    pub kind: String,
    /// The reason in words.
    pub reason: String,
}

/// What could not be read or written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemReport {
    /// The file or folder.
    pub file: String,
    /// The line, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// An inline skip that switched nothing off.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdleSkipReport {
    /// The file.
    pub file: String,
    /// Line of the comment.
    pub line: usize,
    /// The patch's id.
    pub patch: String,
}

/// The numbers of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Files that change.
    pub changed: usize,
    /// Findings.
    pub findings: usize,
    /// Fixes applied.
    pub applied: usize,
    /// Fixes held back.
    pub withheld: usize,
    /// Pieces of advice.
    pub advised: usize,
    /// What could not be read or written.
    pub problems: usize,
}

/// The report of a run.
#[must_use]
pub fn report(project: &Project, verified: &Verified) -> Report {
    let plan = verified.plan();
    let sequence: BTreeMap<usize, usize> =
        verified.sequence().iter().enumerate().map(|(order, number)| (*number, order)).collect();
    let mut findings: Vec<((usize, usize, usize), FindingReport)> = plan
        .findings
        .iter()
        .zip(&plan.decisions)
        .enumerate()
        .filter(|(_, (_, decision))| **decision != Decision::Ignore)
        .map(|(number, (found, decision))| {
            let start = found.fix().and_then(|fix| fix.edits.first()).map_or(found.place.start, |edit| edit.span.start);
            // Edits at one place are to be applied in the order in which they are listed.
            let order = sequence.get(&number).copied().unwrap_or(usize::MAX);
            ((found.member, start, order), finding(project, found, decision))
        })
        .collect();
    findings.sort_by_key(|(key, _)| *key);
    let counts = Counts::of(project, verified);
    Report {
        version: env!("CARGO_PKG_VERSION"),
        log: project.failure.as_ref().map(|failure| failure::report(project, failure)),
        files: (0..project.members.len()).map(|member| file(project, verified, member)).collect(),
        links: project
            .links
            .iter()
            .map(|link| LinkReport {
                from: link.from.clone(),
                line: link.line,
                to: link.to.clone(),
                why: match link.why {
                    Why::CondaEnvironment => LinkKind::CondaEnvironment,
                    Why::Requirements => LinkKind::Requirements,
                    Why::Dockerfile => LinkKind::Dockerfile,
                    Why::CondaFile => LinkKind::CondaFile,
                    Why::BaseDockerfile => LinkKind::BaseDockerfile,
                    Why::Environment => LinkKind::Environment,
                },
            })
            .collect(),
        summary: Summary {
            files: counts.files,
            changed: counts.changed,
            findings: findings.len(),
            applied: counts.applied,
            withheld: counts.withheld,
            advised: counts.advised,
            problems: counts.problems,
        },
        findings: findings.into_iter().map(|(_, finding)| finding).collect(),
        problems: project
            .problems
            .iter()
            .map(|problem| ProblemReport {
                file: problem.file.clone(),
                line: problem.line,
                message: redact(&problem.message).into_owned(),
            })
            .collect(),
        idle_skips: plan
            .idle_skips
            .iter()
            .map(|skip| {
                let source = &project.members[skip.member].source;
                IdleSkipReport {
                    file: source.name().to_owned(),
                    line: source.line(skip.span.start),
                    patch: skip.patch.clone(),
                }
            })
            .collect(),
    }
}

fn file(project: &Project, verified: &Verified, number: usize) -> FileReport {
    let member = &project.members[number];
    let after = verified.after(number);
    FileReport {
        path: member.source.name().to_owned(),
        kind: match member.model {
            Model::Dockerfile(_) => FileKind::Dockerfile,
            Model::Conda(_) => FileKind::CondaEnvironment,
            Model::Script(ref script) if script.form == Form::Notebook => FileKind::Notebook,
            Model::Script(_) => FileKind::Python,
            Model::Azure(ref file) => match file.format {
                Format::SdkV1 => FileKind::SdkV1Environment,
                Format::RunConfig => FileKind::Runconfig,
                Format::CliV2 => FileKind::CliV2,
            },
        },
        origin: match member.origin {
            Origin::Named => FileOrigin::Named,
            Origin::Found => FileOrigin::Found,
            Origin::Linked { .. } => FileOrigin::Linked,
            Origin::Refers { .. } => FileOrigin::Refers,
        },
        changed: after.is_some(),
        diff: after.map(|after| diff_of(&member.source, after)).unwrap_or_default(),
    }
}

fn finding(project: &Project, found: &Finding, decision: &Decision) -> FindingReport {
    let source = &project.members[found.member].source;
    let say = |text: &str| redact(text).into_owned();
    let (fix, advice) = match &found.remedy {
        Remedy::Advice(advice) => (None, Some(say(advice))),
        Remedy::Fix(fix) => (
            Some(FixReport {
                safety: match fix.safety {
                    Safety::Safe => "safe".to_owned(),
                    Safety::Unsafe => "unsafe".to_owned(),
                },
                action: say(&fix.action),
                because: fix.because.as_deref().map(say),
                edits: fix
                    .edits
                    .iter()
                    .map(|edit| EditReport {
                        start: edit.span.start,
                        end: edit.span.end,
                        replacement: edit.replacement.clone(),
                    })
                    .collect(),
                applied: *decision == Decision::Apply,
                withheld: match decision {
                    Decision::Withhold(reason) => {
                        Some(WithheldReport { kind: reason.kind().to_owned(), reason: reason.to_string() })
                    }
                    _ => None,
                },
            }),
            fix.advice.as_deref().map(say),
        ),
    };
    FindingReport {
        member: found.member,
        patch: found.patch.clone(),
        title: found.title.clone(),
        ground: match found.ground {
            Ground::Fault => "fault".to_owned(),
            Ground::Hardening => "hardening".to_owned(),
            Ground::Asked => "asked".to_owned(),
        },
        message: say(&found.message),
        file: source.name().to_owned(),
        range: range(source, found.place),
        cause: found.cause,
        evidence: found
            .evidence
            .iter()
            .map(|evidence| EvidenceReport { range: range(source, evidence.span), note: say(&evidence.note) })
            .collect(),
        fix,
        advice,
    }
}

fn range(source: &Source, span: Span) -> Range {
    let (start, end) = (source.line_column(span.start), source.line_column(span.end));
    Range {
        start: span.start,
        end: span.end,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}
