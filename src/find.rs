//! Finding: every patch asked of every file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::diagnosis::{Answer, Cause, Failure};
use crate::edit::Edit;
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::{AzureFile, Definition};
use crate::environment::values::is_truthy;
use crate::facts::timeline::Timeline;
use crate::finding::{Finding, Fix, Ground, Remedy};
use crate::member::{Member, Origin};
use crate::model::{DockerfileModel, Model};
use crate::parallel;
use crate::patch::catalogue::{CaseOf, Catalogue};
use crate::patch::file::{Branch, Operation, Place, Safety, Setting, Suspect};
use crate::patch::subject::{Subject, Target};
use crate::patch::view::{CondaView, DefinitionView, DockerfileView, ScriptView};
use crate::patch::{applies, operation, suspect};
use crate::project::Project;
use crate::relation;
use crate::script::PythonScript;
use crate::source::{Source, Span};

/// Every finding in a project.
#[must_use]
pub fn find(project: &Project, catalogue: &Catalogue) -> Vec<Finding> {
    let members = (0..project.members.len()).collect();
    parallel::map(members, |member| find_in(project, member, catalogue)).into_iter().flatten().collect()
}

/// Every finding in one file of a project.
#[must_use]
pub fn find_in(project: &Project, number: usize, catalogue: &Catalogue) -> Vec<Finding> {
    let member = &project.members[number];
    let mut values = Cow::Borrowed(catalogue.default_values());
    if !member.settings.values.is_empty() {
        values.to_mut().extend(member.settings.values.clone());
    }
    let logged = project.failure.as_ref().filter(|failure| failure.concerns(member));
    let ask = Ask { catalogue, values: &values, failure: logged };
    let mut findings = match &member.model {
        Model::Dockerfile(model) => in_dockerfile(member, model, &ask),
        Model::Conda(environment) => in_conda(environment, &member.source, &ask),
        Model::Azure(file) => in_azure(member, file, &ask),
        Model::Script(script) => in_script(member, script, &ask),
    };
    for finding in &mut findings {
        finding.member = number;
    }
    findings
}

type Values = BTreeMap<String, Setting>;

/// What is asked of a file.
struct Ask<'a> {
    catalogue: &'a Catalogue,
    values: &'a Values,
    /// The failed build that the file is part of.
    failure: Option<&'a Failure>,
}

/// A cause of the failed build, with its number.
type Numbered<'a> = (usize, &'a Cause);

/// Notes what is to be done about the causes of the failed build for which nothing was found in a file.
pub fn answer(project: &mut Project, catalogue: &Catalogue, findings: &[Finding]) {
    let answers = answers(project, catalogue, findings);
    if let Some(failure) = &mut project.failure {
        failure.answers = answers;
    }
}

fn answers(project: &Project, catalogue: &Catalogue, findings: &[Finding]) -> Vec<Answer> {
    let Some(failure) = &project.failure else { return Vec::new() };
    let values = catalogue.default_values();
    let open = failure
        .causes
        .iter()
        .enumerate()
        .filter(|(number, _)| !findings.iter().any(|finding| finding.cause == Some(*number)));
    let answer = |(number, cause): Numbered<'_>| {
        let logged = |suspect: &&Suspect| suspect.failing.is_some() && cause_for(suspect, cause);
        let shown = BTreeSet::from([cause.patch.as_str()]);
        let cases = catalogue.cases(&[Place::Failing], &shown).filter(|of| of.id == cause.patch);
        let (of, suspect) = cases.filter_map(|of| Some((of, of.case.suspect.iter().find(logged)?))).next()?;
        let mut subject = Subject::new(Target::Log, Span::at(0), None);
        subject.cause = Some((number, cause.captures.clone()));
        let ensure = |_: &Operation, _: &Subject| Err("no file is known to be concerned".to_owned());
        let finding = finding(of, suspect, &subject, values, &ensure)?;
        let Remedy::Advice(advice) = finding.remedy else { return None };
        Some(Answer { cause: number, message: finding.message, advice })
    };
    open.filter_map(answer).collect()
}

/// Whether a suspect asks for what shows a cause.
fn cause_for(suspect: &Suspect, cause: &Cause) -> bool {
    let named = |names: &Vec<String>| names.is_empty() || cause.symptom.as_ref().is_some_and(|it| names.contains(it));
    suspect.logged.as_ref().is_some_and(named)
}

fn in_dockerfile(member: &Member, model: &DockerfileModel, ask: &Ask<'_>) -> Vec<Finding> {
    let failing = ask.failure.and_then(|failure| failure.instruction(member));
    let timeline = Timeline::new(model, &member.context);
    let view = DockerfileView::new(member, model, &timeline, ask.values);
    let suspects = |suspect: &Suspect, cause: Option<Numbered<'_>>| match (&suspect.failing, &suspect.stage) {
        (Some(condition), _) => {
            let captures = cause.map(|(_, cause)| &cause.captures);
            let subject = failing
                .zip(captures)
                .and_then(|(instruction, captures)| suspect::failing(&view, condition, instruction, captures));
            subject.into_iter().collect()
        }
        (_, Some(condition)) => suspect::stages(&view, condition),
        _ => match (&suspect.command, &suspect.instruction, &suspect.dockerfile) {
            (Some(condition), ..) => suspect::commands(&view, condition),
            (_, Some(condition), _) => suspect::instructions(&view, condition),
            (.., Some(condition)) => suspect::dockerfile(&view, condition),
            _ => Vec::new(),
        },
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_dockerfile(operation, subject, &view);
    const PLACES: [Place; 5] = [Place::Failing, Place::Stage, Place::Command, Place::Instruction, Place::Dockerfile];
    let mut findings = collect(ask, &PLACES, suspects, ensure);
    once(&mut findings);
    mended(&mut findings);
    if let Some(instruction) = failing {
        elsewhere(&mut findings, model, &timeline, instruction);
    }
    findings.extend(not_read(model, &timeline));
    findings
}

/// What mends one cause of a log may mend others of its patch: it is written once.
fn once(findings: &mut [Finding]) {
    let mut met: Vec<(String, Vec<Edit>)> = Vec::new();
    for finding in findings.iter_mut().filter(|finding| finding.cause.is_some()) {
        let Some(fix) = finding.fix() else { continue };
        let same = (finding.patch.clone(), fix.edits.clone());
        if met.contains(&same) {
            let action = fix.action.clone();
            finding.remedy = Remedy::Advice(format!("what mends the cause above mends this one, too: {action}"));
        } else {
            met.push(same);
        }
    }
}

/// Where a fix mends a cause, what a person could do instead is not told besides.
fn mended(findings: &mut Vec<Finding>) {
    let fixed: BTreeSet<(String, usize)> = findings
        .iter()
        .filter(|finding| finding.fix().is_some())
        .filter_map(|finding| Some((finding.patch.clone(), finding.cause?)))
        .collect();
    findings.retain(|finding| {
        let same = finding.cause.is_some_and(|cause| fixed.contains(&(finding.patch.clone(), cause)));
        finding.fix().is_some() || !same
    });
}

/// What stands in another stage than the one that failed, or one that this starts from, does not mend the build.
fn elsewhere(findings: &mut [Finding], model: &DockerfileModel, timeline: &Timeline, instruction: usize) {
    let dockerfile = &model.dockerfile;
    let Some(failed) = dockerfile.stages.iter().position(|stage| stage.instructions.contains(&instruction)) else {
        return;
    };
    let concerned: Vec<usize> = timeline.ancestry(failed).collect();
    for finding in findings {
        let place = finding.place.start;
        let number = dockerfile.instructions.partition_point(|it| it.span.start <= place).saturating_sub(1);
        let stage = dockerfile.stages.iter().position(|stage| stage.instructions.contains(&number));
        if stage.is_some_and(|stage| !concerned.contains(&stage)) {
            finding.cause = None;
        }
    }
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
            cause: None,
            remedy: Remedy::Advice(format!("check it by hand, since {reason}")),
        }));
    }
    findings
}

fn in_conda(environment: &CondaEnvironment, source: &Source, ask: &Ask<'_>) -> Vec<Finding> {
    let view = CondaView::new(environment, source, ask.values);
    let suspects = |suspect: &Suspect, _: Option<Numbered<'_>>| match &suspect.conda_environment {
        Some(condition) => suspect::conda(&view, condition),
        None => Vec::new(),
    };
    collect(ask, &[Place::CondaEnvironment], suspects, |operation, subject| {
        operation::in_conda(operation, subject, &view)
    })
}

/// The definitions of a file, and the conda environments written inside them.
fn in_azure(member: &Member, file: &AzureFile, ask: &Ask<'_>) -> Vec<Finding> {
    // Where the image brings its own packages, or a build context does, conda never reads what is written here.
    let unread = |definition: &Definition| {
        definition.get("python.userManagedDependencies").is_some_and(is_truthy)
            || definition.get("docker.buildContext").is_some_and(is_truthy)
    };
    let read = file.definitions.iter().filter(|definition| !unread(definition));
    let inline = read.filter_map(|definition| definition.conda.as_ref());
    let mut findings: Vec<Finding> = inline.flat_map(|conda| in_conda(conda, &member.source, ask)).collect();
    let view = DefinitionView::new(member, file, ask.values);
    let suspects = |suspect: &Suspect, _: Option<Numbered<'_>>| match &suspect.definition {
        Some(condition) => suspect::definitions(&view, condition),
        None => Vec::new(),
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_definition(operation, subject, &view);
    findings.extend(collect(ask, &[Place::Definition], suspects, ensure));
    if member.origin == Origin::Named {
        findings.extend(relation::outside(file, member).into_iter().map(|(written, place)| Finding {
            member: 0,
            patch: NOT_READ.to_owned(),
            title: "A file that envfix does not read".to_owned(),
            ground: Ground::Hardening,
            message: format!("{written} is outside the folder of this file, so it was not read"),
            place,
            evidence: Vec::new(),
            cause: None,
            remedy: Remedy::Advice("name it as well to have it checked".to_owned()),
        }));
    }
    findings
}

/// The environments that a program makes.
fn in_script(member: &Member, script: &PythonScript, ask: &Ask<'_>) -> Vec<Finding> {
    let view = ScriptView { source: &member.source, script };
    let suspects = |suspect: &Suspect, _: Option<Numbered<'_>>| match &suspect.script {
        Some(condition) => suspect::scripts(&view, condition),
        None => Vec::new(),
    };
    let ensure = |operation: &Operation, subject: &Subject| operation::in_script(operation, subject, &view);
    let mut findings = collect(ask, &[Place::Script], suspects, ensure);
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

/// Asks every case that looks at one of these places. Where several suspects of a case match the same place, the first
/// counts.
fn collect(
    ask: &Ask<'_>,
    places: &[Place],
    suspects: impl Fn(&Suspect, Option<Numbered<'_>>) -> Vec<Subject>,
    ensure: impl Fn(&Operation, &Subject) -> Result<operation::Outcome, String>,
) -> Vec<Finding> {
    let causes = || ask.failure.into_iter().flat_map(|failure| failure.causes.iter().enumerate());
    let shown: BTreeSet<&str> = causes().map(|(_, cause)| cause.patch.as_str()).collect();
    let mut findings = Vec::new();
    for of in ask.catalogue.cases(places, &shown) {
        let causes: Vec<Numbered<'_>> = causes().filter(|(_, cause)| cause.patch == of.id).collect();
        let mut met: BTreeSet<(Target, Option<usize>)> = BTreeSet::new();
        for suspect in &of.case.suspect {
            // What is looked for without a log mends the first cause of its patch.
            let asked: Vec<Option<Numbered<'_>>> = match &suspect.logged {
                None => vec![causes.first().copied()],
                Some(_) => causes.iter().filter(|(_, cause)| cause_for(suspect, cause)).copied().map(Some).collect(),
            };
            for cause in asked {
                for mut subject in suspects(suspect, cause) {
                    subject.cause = cause.map(|(number, cause)| (number, cause.captures.clone()));
                    let number = suspect.logged.as_ref().and(cause).map(|(number, _)| number);
                    // Of what failed, the suspect that says the most about it counts.
                    let target = match &subject.target {
                        Target::Failing { instruction, .. } => {
                            Target::Failing { instruction: *instruction, command: None }
                        }
                        other => other.clone(),
                    };
                    if met.insert((target, number)) {
                        findings.extend(finding(of, suspect, &subject, ask.values, &ensure));
                    }
                }
            }
        }
    }
    findings
}

/// What a patch says of a subject; `None` where it is to be left alone.
fn finding(
    of: CaseOf<'_>,
    suspect: &Suspect,
    subject: &Subject,
    values: &Values,
    ensure: &impl Fn(&Operation, &Subject) -> Result<operation::Outcome, String>,
) -> Option<Finding> {
    let branch = of.case.remedy.iter().find(|branch| applies(branch, subject, values))?;
    let remedy = remedy(branch, subject, values, ensure)?;
    let (ground, message) = match (&suspect.fault, &suspect.hardening) {
        (Some(fault), _) => (Ground::Fault, fault),
        (_, Some(hardening)) => (Ground::Hardening, hardening),
        (_, None) => (Ground::Asked, suspect.asked.as_ref()?),
    };
    Some(Finding {
        member: 0,
        patch: of.id.to_owned(),
        title: of.title.to_owned(),
        ground,
        message: subject.fill(message, values),
        place: subject.place,
        evidence: subject.evidence.clone(),
        cause: subject.cause.as_ref().map(|(cause, _)| *cause),
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
    if edits.is_empty() && changes.is_empty() {
        return advice.map(Remedy::Advice);
    }
    let because = branch.because.as_ref().map(|because| subject.fill(because, values));
    Some(Remedy::Fix(Fix { safety: least, action: actions.join("; "), because, advice, edits, changes }))
}
