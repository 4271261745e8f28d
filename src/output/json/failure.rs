//! What the log of a failed build shows, for programs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Range, range};
use crate::build_log::{Builder, Ended, Outcome};
use crate::diagnosis::Failure;
use crate::model::Model;
use crate::output::redact::redact;
use crate::project::Project;

/// The log of a build.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogReport {
    /// The log's name.
    pub file: String,
    /// How many lines it has.
    pub lines: u64,
    /// Who built: `docker`, `buildkit`, `buildah` (podman too), `kaniko`, or nothing where no builder shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// How it ends: `failed`, `succeeded`, or `cut` where it does not tell.
    pub ended: String,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<FailingReport>,
    /// Why it failed, in the order of the log.
    pub causes: Vec<CauseReport>,
}

/// The step that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailingReport {
    /// The instruction as the log prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// Its number in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The exit code, where the log tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Whether Azure ML wrote the instruction itself.
    pub azureml: bool,
    /// The Dockerfile in which it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The place in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Whether it stands there as the log prints it.
    pub unchanged: bool,
    /// The last lines of the step.
    pub tail: Vec<LogLine>,
}

/// A line of the log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its text, without colours, time stamps and the builder's prefixes.
    pub text: String,
}

/// Why the build failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CauseReport {
    /// Id of the patch whose symptom shows it.
    pub patch: String,
    /// Title of the patch.
    pub title: String,
    /// The section of the document.
    pub section: String,
    /// The lines that show it.
    pub evidence: Vec<LogLine>,
    /// What the log names: a package, a command, a host.
    pub names: BTreeMap<String, String>,
    /// The places that ask for the package that the log names, or for what requires it, as `file:line`.
    pub asked_at: Vec<String>,
    /// What is wrong, where no finding in a file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What a person has to do, where no finding in a file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The report of a log.
pub fn report(project: &Project, failure: &Failure) -> LogReport {
    let log = &failure.log;
    let builder = log.builder.map(|builder| {
        let name = match builder {
            Builder::Docker => "docker",
            Builder::BuildKit => "buildkit",
            Builder::Buildah => "buildah",
            Builder::Kaniko => "kaniko",
        };
        name.to_owned()
    });
    let ended = match log.ended {
        Ended::Failed => "failed",
        Ended::Succeeded => "succeeded",
        Ended::Cut => "cut",
    };
    LogReport {
        file: failure.file.clone(),
        lines: log.lines,
        builder,
        ended: ended.to_owned(),
        failing: failing(project, failure),
        causes: (0..failure.causes.len()).filter_map(|number| cause(failure, number)).collect(),
    }
}

fn lines(lines: &[(u64, String)]) -> Vec<LogLine> {
    lines.iter().map(|(line, text)| LogLine { line: *line, text: redact(text).into_owned() }).collect()
}

fn failing(project: &Project, failure: &Failure) -> Option<FailingReport> {
    let step = failure.step()?;
    let tied = failure.dockerfile.as_ref();
    let place = tied.and_then(|tied| {
        let member = project.members.iter().find(|member| member.source.name() == tied.file)?;
        let Model::Dockerfile(model) = &member.model else { return None };
        Some(range(&member.source, model.dockerfile.instructions.get(tied.instruction)?.span))
    });
    Some(FailingReport {
        instruction: step.instruction.as_deref().map(|text| redact(text).into_owned()),
        step: step.number.map(|(number, _)| number),
        exit_code: match step.outcome {
            Outcome::Failed { code, .. } => code,
            _ => None,
        },
        azureml: step.azureml,
        file: tied.map(|tied| tied.file.clone()),
        range: place,
        unchanged: tied.is_some_and(|tied| tied.exact),
        tail: lines(&step.tail),
    })
}

fn cause(failure: &Failure, number: usize) -> Option<CauseReport> {
    let cause = failure.causes.get(number)?;
    let answer = failure.answer(number);
    let masked = |text: &String| redact(text).into_owned();
    Some(CauseReport {
        patch: cause.patch.clone(),
        title: cause.title.clone(),
        section: cause.section.clone(),
        evidence: lines(&cause.evidence),
        names: cause.captures.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
        asked_at: cause.asked_at.clone(),
        message: answer.map(|answer| masked(&answer.message)),
        advice: answer.map(|answer| masked(&answer.advice)),
    })
}
