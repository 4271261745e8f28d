//! What the log of a failed build shows, for people: the causes with their lines, the instruction that failed, and what
//! is to be done where no file is changed.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{inert, inert_name};
use crate::build_log::{Ended, Outcome, Step};
use crate::diagnosis::{Cause, Failure};
use crate::finding::Finding;
use crate::model::Model;
use crate::project::Project;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BLUE: Style = AnsiColor::Blue.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();

/// How many lines of a step are shown when nothing in it was recognised.
const SHOWN: usize = 6;

/// How many lines of the log are shown for a cause.
const EVIDENCE: usize = 2;

/// How much of an instruction is shown, in characters.
const INSTRUCTION: usize = 100;

/// The part of the report that speaks of the log.
#[must_use]
pub fn report(project: &Project, findings: &[Finding]) -> String {
    let mut out = String::new();
    let Some(failure) = &project.failure else { return out };
    for (number, cause) in failure.causes.iter().enumerate() {
        // What several causes share is told once, below the last of them.
        let shared = failure
            .causes
            .get(number + 1)
            .is_some_and(|next| (next.step, &next.section, &next.patch) == (cause.step, &cause.section, &cause.patch));
        of_cause(&mut out, failure, number, cause, findings);
        if !shared {
            if let Some(step) = cause.step.and_then(|step| failure.log.steps.get(step)) {
                failed(&mut out, project, failure, step);
            }
            let _ = writeln!(out, "    {DIM}document: \"{}\"{DIM:#}", inert(&cause.section));
        }
    }
    if failure.causes.is_empty() {
        without_cause(&mut out, project, failure);
    }
    let named = failure.step().is_some_and(|step| step.instruction.is_some() && !step.azureml);
    let has_dockerfile = project.members.iter().any(|member| matches!(member.model, Model::Dockerfile(_)));
    if named && has_dockerfile && failure.dockerfile.is_none() {
        let _ = writeln!(
            out,
            "{BOLD}{}{BOLD:#}: the instruction that failed stands in no Dockerfile that was named, or in two of them, so \
             nothing is changed; name the Dockerfile of this build",
            inert_name(&failure.file)
        );
    }
    out
}

fn of_cause(out: &mut String, failure: &Failure, number: usize, cause: &Cause, findings: &[Finding]) {
    let file = inert_name(&failure.file);
    let answer = failure.answer(number);
    let message = failure.message(number, findings);
    let line = cause.evidence.first().map_or(0, |(line, _)| *line);
    let _ = writeln!(out, "{BOLD}{file}:{line}{BOLD:#}: {RED}cause{RED:#} [{}] {}", cause.patch, inert(message));
    for (line, text) in cause.evidence.iter().take(EVIDENCE) {
        let _ = writeln!(out, "    {DIM}{line}: {}{DIM:#}", inert(text.trim()));
    }
    if !cause.asked_at.is_empty() {
        let _ = writeln!(out, "    asked for in: {}", inert(&cause.asked_at.join(", ")));
    }
    let next = failure.answer(number + 1);
    if let Some(answer) = answer.filter(|answer| next.is_none_or(|next| next.advice != answer.advice)) {
        let _ = writeln!(out, "    {BLUE}to do{BLUE:#}: {}", inert(&answer.advice));
    }
}

/// The instruction that failed: where it stands, as far as that is known, and what it is.
fn failed(out: &mut String, project: &Project, failure: &Failure, step: &Step) {
    let Some(text) = &step.instruction else { return };
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > INSTRUCTION {
        text = text.chars().take(INSTRUCTION - 1).chain(['…']).collect();
    }
    let member = |name: &str| project.members.iter().find(|member| member.source.name() == name);
    let place = failure.dockerfile.as_ref().and_then(|tied| {
        let member = member(&tied.file)?;
        let Model::Dockerfile(model) = &member.model else { return None };
        let line = member.source.line(model.dockerfile.instructions.get(tied.instruction)?.span.start);
        let changed = if tied.exact { "" } else { " (changed since)" };
        Some(format!("{}:{line}{changed}: ", inert(&tied.file)))
    });
    let place = match place {
        Some(place) => place,
        None if step.azureml => "in the step that Azure ML appends: ".to_owned(),
        None => String::new(),
    };
    let number = match step.number {
        Some((at, Some(of))) => format!(" (step {at} of {of})"),
        Some((at, None)) => format!(" (step {at})"),
        None => String::new(),
    };
    let _ = writeln!(out, "    failed: {place}{}{number}", inert(&text));
}

/// A log in which no documented cause was recognised.
fn without_cause(out: &mut String, project: &Project, failure: &Failure) {
    let file = inert_name(&failure.file);
    let lines = failure.log.lines;
    match (failure.step(), failure.log.ended) {
        (Some(step), _) => {
            let at = match step.outcome {
                Outcome::Failed { line, .. } => line,
                _ => step.line,
            };
            // Without a word of a builder these may be the lines of anything.
            let bare = failure.log.builder.is_none() && step.instruction.is_none();
            let what = if bare { "an error stands here" } else { "a step failed" };
            let _ = writeln!(
                out,
                "{BOLD}{file}:{at}{BOLD:#}: {what}, and none of the documented causes is among its lines; it ends with"
            );
            tail(out, &step.tail);
            failed(out, project, failure, step);
        }
        (None, Ended::Succeeded) => {
            let _ = writeln!(
                out,
                "{BOLD}{file}{BOLD:#}: the build went well in the end, so its {lines} lines show no cause"
            );
        }
        (None, Ended::Failed) => {
            let _ = writeln!(
                out,
                "{BOLD}{file}{BOLD:#}: the build failed, and none of the documented causes is among its {lines} lines; it ends with"
            );
            match &failure.log.error {
                Some(error) => tail(out, std::slice::from_ref(error)),
                None => tail(out, &failure.log.outside.tail),
            }
        }
        (None, Ended::Cut) => {
            let _ = writeln!(
                out,
                "{BOLD}{file}{BOLD:#}: no failed step of an image build is among its {lines} lines; give the whole log, up to its \
                 last line (in Azure ML: 20_image_build_log.txt)"
            );
        }
    }
}

fn tail(out: &mut String, lines: &[(u64, String)]) {
    for (line, text) in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
        let _ = writeln!(out, "    {DIM}{line}: {}{DIM:#}", inert(text.trim()));
    }
}
