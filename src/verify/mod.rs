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
use crate::source::Source;

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

    /// The file as it will be, where it changes.
    #[must_use]
    pub fn after(&self, member: usize) -> Option<&Source> {
        self.files.iter().find(|file| file.member == member).map(|file| &file.after)
    }
}

/// Proves every fix that a plan applies; those that fail are held back with the reason.
#[must_use]
pub fn verify(project: &Project, catalogue: &Catalogue, policy: &Policy, mut plan: Plan) -> Verified {
    let mut files = Vec::new();
    for member in 0..project.members.len() {
        while let Some(after) = prove(project, &mut plan, member) {
            let again = applied_again(project, catalogue, policy, member, &after);
            if again.is_empty() {
                files.push(VerifiedFile { member, after });
                break;
            }
            let mut withheld = false;
            for (finding, decision) in plan.findings.iter().zip(&mut plan.decisions) {
                if finding.member == member && *decision == Decision::Apply && again.contains(&finding.patch) {
                    *decision = Decision::Withhold(Withheld::Unstable);
                    withheld = true;
                }
            }
            if !withheld {
                // The fix of another patch made room for this one. It is left for the next run, unless there is none
                // of its own to hold back, in which case everything in this file is.
                for (finding, decision) in plan.findings.iter().zip(&mut plan.decisions) {
                    if finding.member == member && *decision == Decision::Apply {
                        *decision = Decision::Withhold(Withheld::Unstable);
                    }
                }
            }
        }
    }
    Verified { plan, files }
}

/// The patches whose fixes a second run would apply to the patched file.
fn applied_again(
    project: &Project,
    catalogue: &Catalogue,
    policy: &Policy,
    member: usize,
    after: &Source,
) -> Vec<String> {
    let Ok(patched) = project.with_member(member, after.clone()) else { return Vec::new() };
    let findings = find::find_in(&patched, 0, catalogue);
    let plan = plan::plan(&patched, findings, policy);
    plan.findings
        .into_iter()
        .zip(plan.decisions)
        .filter(|(_, decision)| *decision == Decision::Apply)
        .map(|(finding, _)| finding.patch)
        .collect()
}

/// The file with every fix that the plan applies to it; `None` when there is none. Where the fixes together are not
/// proven, each is tried on top of those before it, and those that fail are held back.
fn prove(project: &Project, plan: &mut Plan, member: usize) -> Option<Source> {
    let mut wanted: Vec<usize> = (0..plan.findings.len())
        .filter(|number| plan.findings[*number].member == member && plan.decisions[*number] == Decision::Apply)
        .collect();
    // Of insertions at one place, words join their command before a further command is added behind it.
    wanted.sort_by_key(|number| plan.findings[*number].fix().map_or(0, rank));
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
