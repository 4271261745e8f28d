//! `envfix review --open`: the fixes of a default branch on a branch of their own, one commit a patch, and one pull request
//! for it.

use super::host::{Commit, FileChange, Host, Proposal};
use super::markdown::{code, plain};
use super::{Fixed, Options, ReviewError, fix, load};
use crate::output::redact::redact;
use crate::plan::Decision;
use crate::settings::Policy;
use crate::{apply, find, plan, verify};

/// What a proposal came to.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// The address of the pull request; `None` where there is nothing to propose.
    pub address: Option<String>,
    /// The commits' patches, in order.
    pub patches: Vec<String>,
}

/// One fix, for the table.
struct Row {
    place: String,
    patch: String,
    message: String,
    action: String,
}

/// Opens or renews the pull request for a default branch. Where nothing is to be mended, nothing is opened.
///
/// # Errors
/// Where the host or the checkout fail.
pub fn propose(host: &mut dyn Host, options: &Options, branch: &str) -> Result<Proposed, ReviewError> {
    let (base_branch, commit) = host.default_branch()?;
    let folder = tempfile::tempdir().map_err(ReviewError::Folder)?;
    let Fixed { catalogue, mut project, verified } = fix(options, &commit, &commit, None, folder.path())?;
    // One fix may make room for another, so what is left after all is one more commit.
    let wanted: Vec<Option<String>> = patches(&verified).into_iter().map(Some).chain([None]).collect();
    let mut commits = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for id in &wanted {
        // Everything but this patch is left for another commit.
        let others = catalogue.ids().into_iter().filter(|other| id.as_ref().is_some_and(|id| other != id));
        let skip = options.policy.skip.iter().cloned().chain(others.map(str::to_owned)).collect();
        let policy = Policy { skip, ..options.policy.clone() };
        let findings = find::find(&project, &catalogue);
        let mut verified = verify::verify(&project, &catalogue, &policy, plan::plan(&project, findings, &policy));
        if verified.files().is_empty() {
            continue;
        }
        let mut changes = Vec::new();
        for file in verified.files() {
            let name = project.members[file.member].source.name().to_owned();
            let content = file.after.bytes().into_owned();
            changes.push(FileChange { executable: is_executable(&project, file.member), path: name, content });
        }
        let plan = verified.plan();
        for (finding, decision) in plan.findings.iter().zip(&plan.decisions) {
            if let (Decision::Apply, Some(fix)) = (decision, finding.fix()) {
                let source = &project.members[finding.member].source;
                rows.push(Row {
                    place: format!("{}:{}", source.name(), source.line(finding.place.start)),
                    patch: finding.patch.clone(),
                    message: finding.message.clone(),
                    action: fix.action.clone(),
                });
            }
        }
        let message = match id.as_ref().and_then(|id| catalogue.get(id)) {
            Some(patch) => format!(
                "{}\n\nAzure ML, \"Troubleshoot environment image builds\": {}.",
                patch.title, patch.document.section
            ),
            None => "Mend what the other fixes made room for".to_owned(),
        };
        commits.push((id.clone().unwrap_or_default(), Commit { message, changes }));
        if let Some(problem) = apply::apply(&project, &mut verified).into_iter().next() {
            return Err(ReviewError::Write(format!("{}: {}", problem.file, problem.message)));
        }
        project = load(&folder.path().join("files"), &catalogue, project.failure.take());
    }
    let patches: Vec<String> = commits.iter().map(|(id, _)| id.clone()).filter(|id| !id.is_empty()).collect();
    if commits.is_empty() {
        return Ok(Proposed { address: None, patches });
    }
    let title = match patches.as_slice() {
        [one] => catalogue.get(one).map_or_else(|| one.clone(), |patch| patch.title.clone()),
        _ => "Mend what breaks or will break image builds".to_owned(),
    };
    let proposal = Proposal {
        branch: branch.to_owned(),
        base_branch,
        title,
        body: body(&rows),
        commits: commits.into_iter().map(|(_, commit)| commit).collect(),
    };
    Ok(Proposed { address: Some(host.propose(&proposal)?), patches })
}

/// The patches of which a fix is applied, in the order of their ids.
fn patches(verified: &verify::Verified) -> Vec<String> {
    let plan = verified.plan();
    let applied = plan.findings.iter().zip(&plan.decisions).filter(|(_, decision)| **decision == Decision::Apply);
    let mut ids: Vec<String> = applied.map(|(finding, _)| finding.patch.clone()).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(unix)]
fn is_executable(project: &crate::project::Project, member: usize) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let path = project.members[member].source.path();
    path.and_then(|path| path.metadata().ok()).is_some_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &crate::project::Project, _: usize) -> bool {
    false
}

/// The text of the pull request: a table of the fixes.
fn body(rows: &[Row]) -> String {
    /// More rows nobody reads.
    const MOST: usize = 100;
    let mut text = String::from(
        "Fixes by the documented remedies of Azure Machine Learning (“Troubleshoot environment image builds”), one commit a \
         patch. Each is the smallest edit that mends the fault, and was proven to change nothing else.\n\n\
         | where | patch | what is wrong | what is done |\n|---|---|---|---|\n",
    );
    for row in rows.iter().take(MOST) {
        let cell = |text: &str| plain(&redact(text));
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&row.place).replace('|', "\\|"),
            code(&row.patch),
            cell(&row.message),
            cell(&row.action)
        ));
    }
    if rows.len() > MOST {
        text.push_str(&format!("\nand {} more.\n", rows.len() - MOST));
    }
    text.push_str(
        "\nA comment `# envfix: skip=PATCH` above a line, or `skip` in `envfix.toml`, switches a patch off; this pull request \
         is renewed when envfix runs again.\n\n<!-- envfix:proposal -->\n",
    );
    text
}
