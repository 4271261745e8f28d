//! Proof before writing.
//!
//! The patched text is parsed again, and its model must be the fixes' [`Change`]s applied to the model before. The
//! expectation is worked out from the changes alone, on models that are read afresh and hold no offsets; nothing is
//! shared with the code that edits text. Then findings are looked for in the patched text: a fix that would be
//! applied again is withheld, so that a second run changes nothing. There is no switch to turn this off.

mod compose;
mod dockerfile;
mod script;
mod values;

use std::collections::BTreeSet;

use crate::change::Change;
use crate::edit::{self, Edit};
use crate::environment::document::Syntax;
use crate::find;
use crate::finding::{Finding, Fix};
use crate::model::Model;
use crate::parallel;
use crate::patch::catalogue::Catalogue;
use crate::plan::{self, Decision, Plan, Withheld};
use crate::project::Project;
use crate::settings::Policy;
use crate::source::{Encoding, Source};
use compose::Composed;

/// Why a patched text is not what its fix says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub(crate) String);

/// A plan whose every applied fix is proven. Only this can be written or rendered as a diff.
#[derive(Clone, Debug)]
pub struct Verified {
    plan: Plan,
    files: Vec<VerifiedFile>,
    sequence: Vec<usize>,
}

/// A file that changes.
#[derive(Clone, Debug)]
pub struct VerifiedFile {
    /// Number of the file in the project.
    pub member: usize,
    /// The file as it will be.
    pub after: Source,
}

impl Verified {
    /// The plan, with what failed verification held back.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The files that change, in the project's order.
    #[must_use]
    pub fn files(&self) -> &[VerifiedFile] {
        &self.files
    }

    /// The numbers of the findings whose fixes are applied, in the order in which they are written: edits at one place
    /// stand in this order.
    #[must_use]
    pub fn sequence(&self) -> &[usize] {
        &self.sequence
    }

    /// Takes back a file that could not be written: its fixes are held back for that reason.
    pub fn not_written(&mut self, member: usize, reason: &str) {
        self.files.retain(|file| file.member != member);
        for (finding, decision) in self.plan.findings.iter().zip(&mut self.plan.decisions) {
            if finding.member == member && *decision == Decision::Apply {
                *decision = Decision::Withhold(Withheld::NotWritten { reason: reason.to_owned() });
            }
        }
    }

    /// The file as it will be, where it changes.
    #[must_use]
    pub fn after(&self, member: usize) -> Option<&Source> {
        self.files.iter().find(|file| file.member == member).map(|file| &file.after)
    }
}

/// How often a file is looked at again. A fix may make room for another (a `python` that exists has a pip to pin); that
/// one for a third is unheard of.
const ROUNDS: usize = 4;

/// Proves every fix that a plan applies; those that fail are held back with the reason. A patched file is looked at
/// again, and what is found then is proven and applied as well, until nothing is found any more. What is found of a file
/// stands together afterwards, in the order of the files.
#[must_use]
pub fn verify(project: &Project, catalogue: &Catalogue, policy: &Policy, plan: Plan) -> Verified {
    let empty = || Plan { findings: Vec::new(), decisions: Vec::new(), idle_skips: Vec::new() };
    let mut parts: Vec<Plan> = project.members.iter().map(|_| empty()).collect();
    for (finding, decision) in plan.findings.into_iter().zip(plan.decisions) {
        let part = &mut parts[finding.member];
        part.findings.push(finding);
        part.decisions.push(decision);
    }
    let parts = parts.into_iter().enumerate().collect();
    let proven = parallel::map(parts, |(member, part)| verify_file(project, catalogue, policy, part, member));
    let mut whole = Verified { plan: empty(), files: Vec::new(), sequence: Vec::new() };
    whole.plan.idle_skips = plan.idle_skips;
    for part in proven {
        let before = whole.plan.findings.len();
        whole.plan.findings.extend(part.plan.findings);
        whole.plan.decisions.extend(part.plan.decisions);
        whole.files.extend(part.files);
        whole.sequence.extend(part.sequence.into_iter().map(|number| before + number));
    }
    whole
}

/// The same of one file, with the part of the plan that is about it.
fn verify_file(project: &Project, catalogue: &Catalogue, policy: &Policy, mut plan: Plan, member: usize) -> Verified {
    let (mut files, mut sequence) = (Vec::new(), Vec::new());
    let mut put_off = put_off(&mut plan, member);
    loop {
        let Some(after) = prove(project, &mut plan, member) else {
            if put_off.is_empty() {
                break;
            }
            std::mem::take(&mut put_off).into_iter().for_each(|number| plan.decisions[number] = Decision::Apply);
            continue;
        };
        match settle(project, catalogue, policy, &plan, member, after) {
            Ok(settled) => {
                plan.decisions.extend(settled.findings.iter().map(|_| Decision::Apply));
                plan.findings.extend(settled.findings);
                // A later fix may have changed what an earlier one writes.
                settled.composed.write_back(&mut plan.findings);
                sequence.extend(settled.composed.findings());
                files.push(VerifiedFile { member, after: settled.after });
                break;
            }
            Err(restless) => hold_back(&mut plan, member, &restless),
        }
    }
    Verified { plan, files, sequence }
}

/// Puts off what was found on facts that another fix changes: once a stage starts from another image, or a line is an
/// instruction, the patched file is looked at again, and what still holds is found there. Gives what was put off.
fn put_off(plan: &mut Plan, member: usize) -> Vec<usize> {
    let changes_facts = |number: &usize| {
        plan.findings[*number].fix().is_some_and(|fix| {
            fix.changes.iter().any(|change| {
                matches!(change, Change::SetBase { .. } | Change::SetKeyword { .. } | Change::PlainBlanks { .. })
            })
        })
    };
    let (first, others): (Vec<usize>, Vec<usize>) = wanted(plan, member).into_iter().partition(changes_facts);
    if first.is_empty() {
        return Vec::new();
    }
    others.iter().for_each(|number| plan.decisions[*number] = Decision::Ignore);
    others
}

/// A file in which nothing more is found, and the further fixes that it took.
struct Settled {
    after: Source,
    findings: Vec<Finding>,
    composed: Composed,
}

/// Applies what is found in the patched file, round by round.
///
/// # Errors
/// With the patches that would change the file in every run.
fn settle(
    project: &Project,
    catalogue: &Catalogue,
    policy: &Policy,
    plan: &Plan,
    member: usize,
    mut after: Source,
) -> Result<Settled, Vec<String>> {
    let original = project.members[member].source.text();
    let mut composed = Composed::default();
    for number in wanted(plan, member) {
        plan.findings[number].fix().into_iter().flat_map(|fix| &fix.edits).enumerate().for_each(|(index, edit)| {
            composed.push(number, index, edit.clone());
        });
    }
    let mut findings = Vec::new();
    for _ in 0..ROUNDS {
        let Ok(patched) = project.with_member(member, after.clone()) else { break };
        let found = find::find_in(&patched, 0, catalogue);
        let mut again = plan::plan(&patched, found, policy);
        leave_failed(plan, member, &mut again);
        let Some(next) = prove(&patched, &mut again, 0) else { return Ok(Settled { after, findings, composed }) };
        // The report speaks of the file as it was, so every edit becomes one of that.
        let before = composed.clone();
        for number in wanted(&again, 0) {
            let mut finding = again.findings[number].clone();
            let id = plan.findings.len() + findings.len();
            if let crate::finding::Remedy::Fix(fix) = &mut finding.remedy {
                fix.edits = composed.compose(id, &before, &fix.edits);
            }
            finding.member = member;
            finding.place = before.original(finding.place);
            finding.evidence.iter_mut().for_each(|evidence| evidence.span = before.original(evidence.span));
            findings.push(finding);
        }
        if edit::apply(original, composed.edits()).ok().as_deref() != Some(next.text()) {
            let applied = again.findings.iter().zip(&again.decisions).filter(|(_, it)| **it == Decision::Apply);
            return Err(applied.map(|(finding, _)| finding.patch.clone()).collect());
        }
        after = next;
    }
    Err(plan.findings.iter().filter(|finding| finding.member == member).map(|it| it.patch.clone()).collect())
}

/// What failed verification is found again, and fails again.
fn leave_failed(plan: &Plan, member: usize, again: &mut Plan) {
    let unverified = |decision: &Decision| matches!(decision, Decision::Withhold(Withheld::Unverified { .. }));
    let failed: BTreeSet<&str> = plan
        .findings
        .iter()
        .zip(&plan.decisions)
        .filter(|(other, decision)| other.member == member && unverified(decision))
        .map(|(other, _)| other.patch.as_str())
        .collect();
    for (finding, decision) in again.findings.iter().zip(&mut again.decisions) {
        if *decision == Decision::Apply && failed.contains(finding.patch.as_str()) {
            *decision = Decision::Ignore;
        }
    }
}

/// Holds back the fixes of patches that would change the file in every run; or, where they have none of their own in
/// the plan, all fixes of the file.
fn hold_back(plan: &mut Plan, member: usize, restless: &[String]) {
    let restless: BTreeSet<&str> = restless.iter().map(String::as_str).collect();
    let mut held = false;
    for all in [false, true] {
        for (finding, decision) in plan.findings.iter().zip(&mut plan.decisions) {
            let concerned = all || restless.contains(finding.patch.as_str());
            if finding.member == member && *decision == Decision::Apply && concerned && !(all && held) {
                *decision = Decision::Withhold(Withheld::Unstable);
            }
        }
        held =
            plan.findings.iter().zip(&plan.decisions).any(|(finding, decision)| {
                finding.member == member && *decision == Decision::Withhold(Withheld::Unstable)
            });
    }
}

/// The fixes that a plan applies to a file, in the order in which they are written: of insertions at one place, words
/// join their command before a further command is added behind it.
fn wanted(plan: &Plan, member: usize) -> Vec<usize> {
    let mut wanted: Vec<usize> = (0..plan.findings.len())
        .filter(|number| plan.findings[*number].member == member && plan.decisions[*number] == Decision::Apply)
        .collect();
    wanted.sort_by_key(|number| plan.findings[*number].fix().map_or((false, 0), |fix| (!encodes(fix), rank(fix))));
    wanted
}

/// How many fixes of a file are tried one by one where they are not proven together: each try reads the whole file.
const TRIED: usize = 200;

/// The file with every fix that the plan applies to it; `None` when there is none. Where the fixes together are not
/// proven, each is tried on top of those before it, and those that fail are held back; of too many, all.
fn prove(project: &Project, plan: &mut Plan, member: usize) -> Option<Source> {
    let wanted = wanted(plan, member);
    if wanted.is_empty() {
        return None;
    }
    if let Ok(after) = patched(project, member, &plan.findings, &wanted) {
        return Some(after);
    }
    if wanted.len() > TRIED {
        let mismatch = format!("{} fixes together are not proven, and too many to try one by one", wanted.len());
        for number in wanted {
            plan.decisions[number] = Decision::Withhold(Withheld::Unverified { mismatch: mismatch.clone() });
        }
        return None;
    }
    let (mut proven, mut last) = (Vec::new(), None);
    for number in wanted {
        proven.push(number);
        match patched(project, member, &plan.findings, &proven) {
            Ok(after) => last = Some(after),
            Err(mismatch) => {
                proven.pop();
                plan.decisions[number] = Decision::Withhold(Withheld::Unverified { mismatch: mismatch.0 });
            }
        }
    }
    last
}

/// Whether no other fix of the file can be written without this one.
fn encodes(fix: &Fix) -> bool {
    fix.changes.contains(&Change::Encode)
}

fn rank(fix: &Fix) -> u8 {
    fix.changes
        .iter()
        .map(|change| match change {
            Change::InsertInstruction { .. }
            | Change::InsertItem { .. }
            | Change::InsertKey { .. }
            | Change::InsertList { .. } => 2,
            Change::AppendCommand { .. } | Change::PrependCommand { .. } => 1,
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// The file with these fixes, proven.
fn patched(project: &Project, member: usize, findings: &[Finding], numbers: &[usize]) -> Result<Source, Mismatch> {
    let fixes: Vec<&Fix> = numbers.iter().filter_map(|number| findings[*number].fix()).collect();
    let edits: Vec<&Edit> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    let changes: Vec<&Change> = fixes.iter().flat_map(|fix| &fix.changes).collect();
    let member = &project.members[member];
    let text = edit::apply(member.source.text(), edits).map_err(|overlap| Mismatch(overlap.to_string()))?;
    let after = member.source.with_text(text);
    let after = if changes.contains(&&Change::Encode) { after.encoded(Encoding::Utf8) } else { after };
    if after.encoding() != Encoding::Utf8 {
        return Err(Mismatch(
            "the file is UTF-16, which nothing reads that builds it: save it as UTF-8 first".to_owned(),
        ));
    }
    match member.model {
        Model::Dockerfile(_) => dockerfile::check(&member.source, &after, &changes)?,
        Model::Conda(_) => values::check(&member.source, &after, &changes, Syntax::Yaml)?,
        Model::Script(ref script) => script::check(&member.source, &after, &changes, script.form)?,
        Model::Azure(ref file) => values::check(&member.source, &after, &changes, file.syntax())?,
    }
    Ok(after)
}
