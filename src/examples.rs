//! A patch's examples are its documentation and its tests: this runs them.

use std::collections::BTreeMap;

use crate::context::BuildContext;
use crate::diagnosis;
use crate::member::Appended;
use crate::patch::catalogue::Catalogue;
use crate::patch::file::{Example, Patch, WrongEncoding};
use crate::plan::Decision;
use crate::project::Project;
use crate::settings::{Policy, Settings};
use crate::source::{Encoding, Source};
use crate::verify::Verified;
use crate::{find, output, plan, verify};

/// An example that does not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Number of the example in its patch, from 1.
    pub number: usize,
    /// What is wrong, with a diff where a text is not as expected.
    pub message: String,
}

/// Runs the examples of a patch with all patches in force: `before` becomes `after`; `after` and `unchanged` stay as
/// they are, byte for byte.
#[must_use]
pub fn run(catalogue: &Catalogue, patch: &Patch) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (index, example) in catalogue.examples(patch).iter().enumerate() {
        if let Err(message) = run_one(catalogue, patch, example) {
            failures.push(Failure { number: index + 1, message });
        }
    }
    failures
}

/// The diff that an example shows.
#[must_use]
pub fn shown(example: &Example) -> Option<String> {
    let (before, after) = (example.before.as_deref()?, example.after.as_deref()?);
    Some(output::diff::unified(name(example), before, after))
}

fn name(example: &Example) -> &str {
    example.file.as_deref().unwrap_or("Dockerfile")
}

fn run_one(catalogue: &Catalogue, patch: &Patch, example: &Example) -> Result<(), String> {
    let (before, after) = match (&example.before, &example.after, &example.unchanged) {
        (Some(before), Some(after), _) => (before, after),
        (_, _, Some(unchanged)) => (unchanged, unchanged),
        _ => return Err("it has neither `before` and `after` nor `unchanged`".to_owned()),
    };
    let source = Source::from_text(name(example), before);
    let encoded = match example.encoding {
        None => source.clone(),
        Some(WrongEncoding::Utf16) => source.clone().encoded(Encoding::Utf16Le),
    };
    let stays = example.unchanged.is_some();
    let expected = if stays { encoded.clone() } else { source.with_text(after.clone()) };
    expect(catalogue, patch, example, encoded, &expected)?;
    expect(catalogue, patch, example, expected.clone(), &expected)
}

fn expect(
    catalogue: &Catalogue,
    patch: &Patch,
    example: &Example,
    source: Source,
    wanted: &Source,
) -> Result<(), String> {
    let before = source.clone();
    let context = BuildContext::Memory(example.context.clone().into_iter().collect::<BTreeMap<_, _>>());
    let settings = Settings { values: example.values.clone(), ..Settings::default() };
    let mut project = Project::of_text(source, context, settings).map_err(|problem| problem.message)?;
    if example.conda_step_appended {
        let appended = Some(Appended { by: "the definition".to_owned() });
        project.members.iter_mut().for_each(|member| member.appended.clone_from(&appended));
    }
    if let Some(log) = &example.log {
        let failure = diagnosis::Failure::read("build.log".to_owned(), log.as_bytes(), catalogue, &project.members);
        project.failure = Some(failure.map_err(|error| error.to_string())?);
    }
    let only = example.asked.then(|| patch.id.clone()).into_iter().collect();
    let policy = Policy { allow_unsafe: example.r#unsafe, only, ..Policy::default() };
    let plan = plan::plan(&project, find::find(&project, catalogue), &policy);
    let verified = verify::verify(&project, catalogue, &policy, plan);
    let found = verified.after(0).unwrap_or(&before);
    if found.encoding() != wanted.encoding() {
        let (found, wanted) = (found.encoding(), wanted.encoding());
        return Err(format!("expected {wanted:?} and found {found:?}\n{}", explanation(&verified)));
    }
    if found.text() != wanted.text() {
        let diff = output::diff::unified(name(example), wanted.text(), found.text());
        return Err(format!("expected (-) and found (+):\n{diff}{}", explanation(&verified)));
    }
    let Some(wanted) = &example.advice else { return Ok(()) };
    let mut advised = advice(&verified, patch);
    find::answer(&mut project, catalogue, &verified.plan().findings);
    if let Some(failure) = project.failure {
        let of_patch = failure.answers.into_iter().filter(|answer| failure.causes[answer.cause].patch == patch.id);
        advised.extend(of_patch.map(|answer| answer.advice));
    }
    if advised.iter().any(|advice| advice.contains(wanted.as_str())) {
        return Ok(());
    }
    Err(format!("no advice says {wanted:?}; there is {advised:?}"))
}

fn advice(verified: &Verified, patch: &Patch) -> Vec<String> {
    let plan = verified.plan();
    plan.findings
        .iter()
        .zip(&plan.decisions)
        .filter(|(finding, decision)| finding.patch == patch.id && **decision != Decision::Ignore)
        .filter_map(|(finding, _)| match &finding.remedy {
            crate::finding::Remedy::Advice(advice) => Some(advice.clone()),
            crate::finding::Remedy::Fix(fix) => fix.advice.clone(),
        })
        .collect()
}

/// What was held back and why, for somebody who wonders why an example fails.
fn explanation(verified: &Verified) -> String {
    let plan = verified.plan();
    plan.findings
        .iter()
        .zip(&plan.decisions)
        .filter_map(|(finding, decision)| match decision {
            Decision::Withhold(reason) => Some(format!("{} was held back: {reason}\n", finding.patch)),
            _ => None,
        })
        .collect()
}
