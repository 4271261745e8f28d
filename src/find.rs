//! Finding: every patch asked of every file.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::edit::Edit;
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::{AzureFile, Definition};
use crate::environment::values::is_truthy;
use crate::facts::timeline::Timeline;
use crate::finding::{Finding, Fix, Ground, Remedy};
use crate::model::{DockerfileModel, Model};
use crate::patch::catalogue::Catalogue;
use crate::patch::file::{Branch, Case, Operation, Patch, Safety, Setting, Suspect};
use crate::patch::subject::{Subject, Target};
use crate::patch::view::{CondaView, DefinitionView, DockerfileView, ScriptView};
use crate::patch::{applies, operation, suspect};
use crate::project::{Member, Origin, Project};
use crate::relation;
use crate::script::PythonScript;

/// Every finding in a project.
#[must_use]
pub fn find(project: &Project, catalogue: &Catalogue) -> Vec<Finding> {
    (0..project.members.len()).flat_map(|member| find_in(project, member, catalogue)).collect()
}

/// Every finding in one file of a project.
#[must_use]
pub fn find_in(project: &Project, number: usize, catalogue: &Catalogue) -> Vec<Finding> {
    let member = &project.members[number];
    let mut values = catalogue.default_values();
    values.extend(member.settings.values.clone());
    let mut findings = match &member.model {
        Model::Dockerfile(model) => in_dockerfile(member, model, catalogue, &values),
        Model::Conda(environment) => in_conda(environment, catalogue, &values),
        Model::Azure(file) => in_azure(member, file, catalogue, &values),
        Model::Script(script) => in_script(member, script, catalogue, &values),
    };
    for finding in &mut findings {
        finding.member = number;
    }
    findings
}

type Values = BTreeMap<String, Setting>;

fn in_dockerfile(member: &Member, model: &DockerfileModel, catalogue: &Catalogue, values: &Values) -> Vec<Finding> {
    if model.runs.is_empty() && model.unread.is_empty() && member.appended.is_none() {
        return Vec::new();
    }
    let timeline = Timeline::new(model, &member.context);
    let view = DockerfileView::new(member, model, &timeline, values);
    let suspects = |suspect: &Suspect| match (&suspect.stage, &suspect.command) {
        (Some(condition), _) => suspect::stages(&view, condition),
        (_, Some(condition)) => suspect::commands(&view, condition),
        _ => Vec::new(),
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_dockerfile(operation, subject, &view);
    let mut findings = collect(catalogue, values, suspects, ensure);
    findings.extend(not_read(model, &timeline));
    findings
}

/// The name under which a text is reported that may concern a patch and is not understood. No patch has it.
pub const NOT_READ: &str = "not-read";

/// What is not understood is never edited, but it is told: the first text of each stage that may download and that
/// envfix does not read.
fn not_read(model: &DockerfileModel, timeline: &Timeline) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, stage) in model.dockerfile.stages.iter().enumerate() {
        let speaks = |text: &str| text.contains("pip") || text.contains("conda");
        let instructions = &model.dockerfile.instructions[stage.instructions.clone()];
        let shell = timeline.end(number).and_then(|state| state.shell.clone().err());
        let found = match shell {
            Some(reason) => instructions
                .iter()
                .find(|it| it.keyword == "RUN" && speaks(it.arguments_text()))
                .map(|instruction| (instruction.span, reason)),
            None => model
                .unread
                .iter()
                .filter(|unread| stage.instructions.contains(&unread.instruction))
                .find(|unread| speaks(model.dockerfile.instructions[unread.instruction].arguments_text()))
                .map(|unread| (unread.span, unread.reason.clone())),
        };
        findings.extend(found.map(|(place, reason)| Finding {
            member: 0,
            patch: NOT_READ.to_owned(),
            title: "A shell text that envfix does not read".to_owned(),
            ground: Ground::Hardening,
            message: "a shell text of this stage is not read, so nothing in it was checked".to_owned(),
            place,
            evidence: Vec::new(),
            remedy: Remedy::Advice(format!("check it by hand, since {reason}")),
        }));
    }
    findings
}

fn in_conda(environment: &CondaEnvironment, catalogue: &Catalogue, values: &Values) -> Vec<Finding> {
    let view = CondaView { environment, values };
    let suspects = |suspect: &Suspect| match &suspect.conda_environment {
        Some(condition) => suspect::conda(&view, condition),
        None => Vec::new(),
    };
    collect(catalogue, values, suspects, |operation, subject| operation::in_conda(operation, subject, &view))
}

/// The definitions of a file, and the conda environments written inside them.
fn in_azure(member: &Member, file: &AzureFile, catalogue: &Catalogue, values: &Values) -> Vec<Finding> {
    // Where the image brings its own packages, or a build context does, conda never reads what is written here.
    let unread = |definition: &Definition| {
        definition.get("python.userManagedDependencies").is_some_and(is_truthy)
            || definition.get("docker.buildContext").is_some_and(is_truthy)
    };
    let read = file.definitions.iter().filter(|definition| !unread(definition));
    let inline = read.filter_map(|definition| definition.conda.as_ref());
    let mut findings: Vec<Finding> = inline.flat_map(|conda| in_conda(conda, catalogue, values)).collect();
    let view = DefinitionView::new(member, file, values);
    let suspects = |suspect: &Suspect| match &suspect.definition {
        Some(condition) => suspect::definitions(&view, condition),
        None => Vec::new(),
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_definition(operation, subject, &view);
    findings.extend(collect(catalogue, values, suspects, ensure));
    if member.origin == Origin::Named {
        findings.extend(relation::outside(file, member).into_iter().map(|(written, place)| Finding {
            member: 0,
            patch: NOT_READ.to_owned(),
            title: "A file that envfix does not read".to_owned(),
            ground: Ground::Hardening,
            message: format!("{written} is outside the folder of this file, so it was not read"),
            place,
            evidence: Vec::new(),
            remedy: Remedy::Advice("name it as well to have it checked".to_owned()),
        }));
    }
    findings
}

/// The environments that a program makes.
fn in_script(member: &Member, script: &PythonScript, catalogue: &Catalogue, values: &Values) -> Vec<Finding> {
    let view = ScriptView { source: &member.source, script };
    let suspects = |suspect: &Suspect| match &suspect.script {
        Some(condition) => suspect::scripts(&view, condition),
        None => Vec::new(),
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_script(operation, subject, &view);
    let mut findings = collect(catalogue, values, suspects, ensure);
    // Two names of one object are fixed in one place.
    let mut met: BTreeSet<(String, usize, usize, String)> = BTreeSet::new();
    findings.retain(|finding| {
        let edits = finding.fix().map(|fix| fix.edits.as_slice()).unwrap_or_default();
        let mut new = edits.is_empty();
        for edit in edits {
            new |= met.insert((finding.patch.clone(), edit.span.start, edit.span.end, edit.replacement.clone()));
        }
        new
    });
    findings
}

/// Asks every case of every patch. Where several suspects of a case match the same place, the first counts.
fn collect(
    catalogue: &Catalogue,
    values: &Values,
    suspects: impl Fn(&Suspect) -> Vec<Subject>,
    ensure: impl Fn(&Operation, &Subject) -> Result<operation::Outcome, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for patch in catalogue.patches() {
        for case in &patch.cases {
            let mut met: BTreeSet<Target> = BTreeSet::new();
            for suspect in &case.suspect {
                for subject in suspects(suspect) {
                    if met.insert(subject.target.clone()) {
                        findings.extend(finding(patch, case, suspect, &subject, values, &ensure));
                    }
                }
            }
        }
    }
    findings
}

/// What a patch says of a subject; `None` where it is to be left alone.
fn finding(
    patch: &Patch,
    case: &Case,
    suspect: &Suspect,
    subject: &Subject,
    values: &Values,
    ensure: &impl Fn(&Operation, &Subject) -> Result<operation::Outcome, String>,
) -> Option<Finding> {
    let branch = case.remedy.iter().find(|branch| applies(branch, subject))?;
    let remedy = remedy(branch, subject, values, ensure)?;
    let (ground, message) = match (&suspect.fault, &suspect.hardening) {
        (Some(fault), _) => (Ground::Fault, fault),
        (_, Some(hardening)) => (Ground::Hardening, hardening),
        (_, None) => (Ground::Asked, suspect.asked.as_ref()?),
    };
    Some(Finding {
        member: 0,
        patch: patch.id.clone(),
        title: patch.title.clone(),
        ground,
        message: subject.fill(message, values),
        place: subject.place,
        evidence: subject.evidence.clone(),
        remedy,
    })
}

fn remedy(
    branch: &Branch,
    subject: &Subject,
    values: &Values,
    ensure: &impl Fn(&Operation, &Subject) -> Result<operation::Outcome, String>,
) -> Option<Remedy> {
    let advice = branch.advice.as_ref().map(|advice| subject.fill(advice, values));
    let Some(safety) = branch.safety else { return advice.map(Remedy::Advice) };
    let (mut edits, mut changes, mut actions): (Vec<Edit>, Vec<Change>, Vec<String>) = Default::default();
    let mut least = safety;
    for operation in &branch.ensure {
        match ensure(operation, subject) {
            Ok(outcome) => {
                edits.extend(outcome.edits);
                changes.extend(outcome.changes);
                actions.push(outcome.action);
                least = least.max(outcome.safety.unwrap_or(Safety::Safe));
            }
            Err(reason) => return Some(Remedy::Advice(reason)),
        }
    }
    if edits.is_empty() {
        return advice.map(Remedy::Advice);
    }
    let because = branch.because.as_ref().map(|because| subject.fill(because, values));
    Some(Remedy::Fix(Fix { safety: least, action: actions.join("; "), because, advice, edits, changes }))
}
