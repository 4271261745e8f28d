//! Proof before writing.
//!
//! The patched text is parsed again, and its model must be the fixes' [`Change`]s applied to the model before. The
//! expectation is worked out from the changes alone, on models that are read afresh and hold no offsets; nothing is
//! shared with the code that edits text. Then findings are looked for in the patched text: a fix that would be
//! applied again is withheld, so that a second run changes nothing. There is no switch to turn this off.

mod conda;
mod dockerfile;

use crate::change::Change;
use crate::edit::{self, Edit};
use crate::find;
use crate::finding::{Finding, Fix};
use crate::model::Model;
use crate::patch::catalogue::Catalogue;
use crate::plan::{self, Decision, Plan, Withheld};
use crate::project::Project;
use crate::settings::Policy;
use crate::source::{Source, Span};

/// Why a patched text is not what its fix says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub(crate) String);

/// A plan whose every applied fix is proven. Only this can be written or rendered as a diff.
#[derive(Clone, Debug)]
pub struct Verified {
    plan: Plan,
    files: Vec<VerifiedFile>,
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
/// again, and what is found then is proven and applied as well, until nothing is found any more.
#[must_use]
pub fn verify(project: &Project, catalogue: &Catalogue, policy: &Policy, mut plan: Plan) -> Verified {
    let mut files = Vec::new();
    for member in 0..project.members.len() {
        while let Some(after) = prove(project, &mut plan, member) {
            match settle(project, catalogue, policy, &plan, member, after) {
                Ok(settled) => {
                    plan.decisions.extend(settled.findings.iter().map(|_| Decision::Apply));
                    plan.findings.extend(settled.findings);
                    files.push(VerifiedFile { member, after: settled.after });
                    break;
                }
                Err(restless) => hold_back(&mut plan, member, &restless),
            }
        }
    }
    Verified { plan, files }
}

/// A file in which nothing more is found, and the further fixes that it took.
struct Settled {
    after: Source,
    findings: Vec<Finding>,
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
    let mut edits: Vec<Edit> = ordered(plan, member).into_iter().flat_map(|fix| fix.edits.clone()).collect();
    let mut findings = Vec::new();
    for _ in 0..ROUNDS {
        let Ok(patched) = project.with_member(member, after.clone()) else { break };
        let found = find::find_in(&patched, 0, catalogue);
        let mut again = plan::plan(&patched, found, policy);
        // What failed verification is found again, and fails again.
        let failed = |patch: &str| {
            let both = plan.findings.iter().zip(&plan.decisions);
            both.into_iter().any(|(finding, decision)| {
                finding.member == member
                    && finding.patch == patch
                    && matches!(decision, Decision::Withhold(Withheld::Unverified { .. }))
            })
        };
        for (finding, decision) in again.findings.iter().zip(&mut again.decisions) {
            if *decision == Decision::Apply && failed(&finding.patch) {
                *decision = Decision::Ignore;
            }
        }
        let Some(next) = prove(&patched, &mut again, 0) else { return Ok(Settled { after, findings }) };
        let applied = || {
            again.findings.iter().zip(&again.decisions).filter(|(_, it)| **it == Decision::Apply).map(|(it, _)| it)
        };
        // The report speaks of the file as it was.
        let rebased: Option<Vec<Finding>> = applied().map(|finding| rebase(finding, &edits, member)).collect();
        let restless = || applied().map(|finding| finding.patch.clone()).collect::<Vec<_>>();
        let Some(rebased) = rebased else { return Err(restless()) };
        edits.extend(rebased.iter().filter_map(Finding::fix).flat_map(|fix| fix.edits.clone()));
        if edit::apply(original, &edits).ok().as_deref() != Some(next.text()) {
            return Err(restless());
        }
        findings.extend(rebased);
        after = next;
    }
    Err(plan.findings.iter().filter(|finding| finding.member == member).map(|it| it.patch.clone()).collect())
}

/// A finding in a text that edits made, as one in the text before; `None` where it stands in what the edits wrote.
fn rebase(finding: &Finding, edits: &[Edit], member: usize) -> Option<Finding> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let offset = |at: usize| {
        let (mut old, mut new) = (0, 0);
        for edit in &sorted {
            let kept = edit.span.start - old;
            if at <= new + kept {
                break;
            }
            (old, new) = (edit.span.end, new + kept + edit.replacement.len());
            if at < new {
                return None;
            }
        }
        Some(old + at.checked_sub(new)?)
    };
    let span = |span: Span| {
        let (start, end) = (offset(span.start)?, offset(span.end)?);
        (start <= end).then(|| Span::new(start, end))
    };
    let mut rebased = finding.clone();
    rebased.member = member;
    rebased.place = span(finding.place)?;
    rebased.evidence.retain_mut(|evidence| span(evidence.span).map(|span| evidence.span = span).is_some());
    if let crate::finding::Remedy::Fix(fix) = &mut rebased.remedy {
        for edit in &mut fix.edits {
            let moved = span(edit.span)?;
            // What is replaced must stand in the text before, whole.
            if moved.len() != edit.span.len() {
                return None;
            }
            edit.span = moved;
        }
    }
    Some(rebased)
}

/// Holds back the fixes of patches that would change the file in every run; or, where they have none of their own in
/// the plan, all fixes of the file.
fn hold_back(plan: &mut Plan, member: usize, restless: &[String]) {
    let mut held = false;
    for all in [false, true] {
        for (finding, decision) in plan.findings.iter().zip(&mut plan.decisions) {
            let concerned = all || restless.contains(&finding.patch);
            if finding.member == member && *decision == Decision::Apply && concerned && !(all && held) {
                *decision = Decision::Withhold(Withheld::Unstable);
            }
        }
        held = plan.findings.iter().zip(&plan.decisions).any(|(finding, decision)| {
            finding.member == member && *decision == Decision::Withhold(Withheld::Unstable)
        });
    }
}

/// The fixes that a plan applies to a file, in the order in which they are written: of insertions at one place, words
/// join their command before a further command is added behind it.
fn ordered(plan: &Plan, member: usize) -> Vec<&Fix> {
    wanted(plan, member).into_iter().filter_map(|number| plan.findings[number].fix()).collect()
}

fn wanted(plan: &Plan, member: usize) -> Vec<usize> {
    let mut wanted: Vec<usize> = (0..plan.findings.len())
        .filter(|number| plan.findings[*number].member == member && plan.decisions[*number] == Decision::Apply)
        .collect();
    wanted.sort_by_key(|number| plan.findings[*number].fix().map_or(0, rank));
    wanted
}

/// The file with every fix that the plan applies to it; `None` when there is none. Where the fixes together are not
/// proven, each is tried on top of those before it, and those that fail are held back.
fn prove(project: &Project, plan: &mut Plan, member: usize) -> Option<Source> {
    let wanted = wanted(plan, member);
    if wanted.is_empty() {
        return None;
    }
    if let Ok(after) = patched(project, member, &plan.findings, &wanted) {
        return Some(after);
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

fn rank(fix: &Fix) -> u8 {
    fix.changes
        .iter()
        .map(|change| match change {
            Change::InsertInstruction { .. } | Change::InsertDependency { .. } => 2,
            Change::AppendCommand { .. } => 1,
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
    match member.model {
        Model::Dockerfile(_) => dockerfile::check(&member.source, &after, &changes)?,
        Model::Conda(_) => conda::check(&member.source, &after, &changes)?,
    }
    Ok(after)
}
