//! Commits, a branch and a pull request on Azure DevOps, by its API of pushes: each request makes one commit. It cannot make
//! executable files: a file that is there keeps its mode, and a new one is not executable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use ureq::http::Method;

use super::super::{base64, blob_id, list, needed, same_text, text};
use super::{AzureDevOps, path_of};
use crate::review::host::{Commit, Host, HostError, HostKind, Proposal, is_ours};
use crate::review::http::encode;

/// No commit: the old one of a branch that is made, the new one of a branch that is deleted.
const NONE: &str = "0000000000000000000000000000000000000000";
/// How many commits a branch of envfix may hold.
const MOST_COMMITS: u64 = 100;
/// How long a description may be, in UTF-16 code units.
const DESCRIPTION: usize = 4000;

impl AzureDevOps {
    /// The commit of a branch; `None` where there is no such branch.
    pub(super) fn branch_commit(&mut self, branch: &str) -> Result<Option<String>, HostError> {
        // The filter takes beginnings of names.
        let found = self.get(&format!("/refs?filter={}", encode(&format!("heads/{branch}"))))?;
        let name = format!("refs/heads/{branch}");
        let commit =
            list(&found, "value").iter().find(|found| text(found, "/name") == name).map(|f| text(f, "/objectId"));
        Ok(commit.filter(|commit| !commit.is_empty()))
    }

    /// See [`Host::propose`].
    pub(super) fn offer(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        let (branch, base) = (&proposal.branch, &proposal.base_branch);
        let not_ours = |because: &str| HostError::NotOurBranch { branch: branch.clone(), because: because.to_owned() };
        if branch == base {
            return Err(not_ours("it is the base"));
        }
        let pulls = self.pulls_of(proposal)?;
        if let Some(declined) =
            pulls.first().filter(|pull| text(pull, "/status") == "abandoned" && says(pull, proposal))
        {
            return Ok(self.pull_page(declined, id(declined)));
        }
        let no_base = || HostError::NotFound { host: HostKind::AzureDevOps, what: format!("branch {base}") };
        let base_commit = self.branch_commit(base)?.ok_or_else(no_base)?;
        match self.branch_commit(branch)? {
            None => drop(self.make_commits(proposal, branch, &base_commit)?),
            Some(tip) => {
                let (default, _) = self.default_branch()?;
                if *branch == default {
                    return Err(not_ours("it is the default branch"));
                }
                if !self.holds(proposal, &tip, &base_commit)? {
                    self.renew(proposal, &tip, &base_commit)?;
                }
            }
        }
        self.open(proposal, pulls.iter().find(|pull| text(pull, "/status") == "active"))
    }

    /// The pull requests from the branch into the base, the newest first.
    fn pulls_of(&mut self, proposal: &Proposal) -> Result<Vec<Value>, HostError> {
        let name = |branch: &str| encode(&format!("refs/heads/{branch}"));
        let (source, target) = (name(&proposal.branch), name(&proposal.base_branch));
        let criteria = format!("searchCriteria.sourceRefName={source}&searchCriteria.targetRefName={target}");
        let found = self.get(&format!("/pullrequests?{criteria}&searchCriteria.status=all&$top=100"))?;
        let mut pulls = list(&found, "value");
        pulls.retain(|pull| pull.get("forkSource").is_none_or(Value::is_null));
        pulls.sort_by_key(|pull| std::cmp::Reverse(id(pull)));
        for (number, pull) in pulls.iter_mut().enumerate() {
            // Lists cut descriptions off after 400 characters.
            let may_be_cut = text(pull, "/description").encode_utf16().count() >= 400;
            if may_be_cut && (number == 0 || text(pull, "/status") == "active") {
                *pull = self.get(&format!("/pullRequests/{}", id(pull)))?;
            }
        }
        Ok(pulls)
    }

    /// What `target` has that it has not in common with `base`.
    fn compare(&mut self, base: &str, target: &str) -> Result<Value, HostError> {
        let versions =
            format!("baseVersion={base}&baseVersionType=commit&targetVersion={target}&targetVersionType=commit");
        self.get(&format!("/diffs/commits?$top=2000&{versions}"))
    }

    fn holds(&mut self, proposal: &Proposal, tip: &str, base: &str) -> Result<bool, HostError> {
        let not_ours = |because| HostError::NotOurBranch { branch: proposal.branch.clone(), because };
        let compared = self.compare(base, tip)?;
        let ahead = compared.get("aheadCount").and_then(Value::as_u64).unwrap_or(u64::MAX);
        if ahead > MOST_COMMITS {
            return Err(not_ours("it holds more commits than envfix makes".to_owned()));
        }
        let (mut at, mut commits) = (tip.to_owned(), Vec::new());
        for _ in 0..ahead {
            let commit = self.get(&format!("/commits/{at}"))?;
            if !is_ours(&text(&commit, "/comment")) {
                return Err(not_ours(format!("commit {at} is not of envfix")));
            }
            let parent = text(&commit, "/parents/0");
            commits.push((std::mem::replace(&mut at, parent), commit));
        }
        if commits.len() != proposal.commits.len() {
            return Ok(false);
        }
        for ((sha, there), wanted) in commits.iter().zip(proposal.commits.iter().rev()) {
            let same_message = same_text(&text(there, "/comment"), &wanted.full_message());
            if !same_message || there.pointer("/parents/1").is_some() || !self.commit_holds(sha, wanted)? {
                return Ok(false);
            }
        }
        Ok(at == base || !self.touched(proposal, &at, base)?)
    }

    fn touched(&mut self, proposal: &Proposal, from: &str, to: &str) -> Result<bool, HostError> {
        let compared = self.compare(from, to)?;
        let ours =
            |path: &str| proposal.commits.iter().flat_map(|commit| &commit.changes).any(|change| change.path == path);
        let whole = compared.get("allChangesIncluded").and_then(Value::as_bool).unwrap_or_default();
        Ok(!whole || list(&compared, "changes").iter().any(|change| ours(&path_of(change))))
    }

    fn commit_holds(&mut self, sha: &str, wanted: &Commit) -> Result<bool, HostError> {
        let changes = list(&self.get(&format!("/commits/{sha}/changes?top=1000"))?, "changes");
        let files = changes.iter().filter(|change| text(change, "/item/gitObjectType") != "tree");
        let there: BTreeMap<String, String> = files.map(|file| (path_of(file), text(file, "/item/objectId"))).collect();
        let wanted = wanted.changes.iter().map(|change| (change.path.clone(), blob_id(&change.content)));
        Ok(there == wanted.collect())
    }

    /// Makes the commits on another branch, moves the branch there, and deletes the other.
    fn renew(&mut self, proposal: &Proposal, tip: &str, base: &str) -> Result<(), HostError> {
        let other = format!("{}-renewed", proposal.branch);
        if let Some(left) = self.branch_commit(&other)? {
            self.move_branches(&[(&other, &left, NONE)])?;
        }
        let new = self.make_commits(proposal, &other, base)?;
        self.move_branches(&[(&proposal.branch, tip, &new), (&other, &new, NONE)])
    }

    /// Makes, moves and deletes branches, by name, old and new commit.
    fn move_branches(&mut self, moves: &[(&str, &str, &str)]) -> Result<(), HostError> {
        let path = self.path("/refs");
        let updates: Vec<Value> = moves
            .iter()
            .map(|(name, old, new)| {
                json!({ "name": format!("refs/heads/{name}"), "oldObjectId": old, "newObjectId": new })
            })
            .collect();
        let done = self.client.send(&Method::POST, &path, Some(&json!(updates)), json!({ "value": [] }))?;
        // The request succeeds though an update may not.
        let results = list(&done.body, "value");
        let failed = results.iter().find(|result| result.get("success").and_then(Value::as_bool) != Some(true));
        match failed {
            None => Ok(()),
            Some(result) if text(result, "/updateStatus").contains("ermission") => Err(HostError::Forbidden {
                host: HostKind::AzureDevOps,
                said: format!("{} of {}", text(result, "/updateStatus"), text(result, "/name")),
            }),
            Some(result) => {
                let said = format!("{} of {}", text(result, "/updateStatus"), text(result, "/name"));
                Err(HostError::Refused { address: self.page.clone(), status: 409, said })
            }
        }
    }

    /// Makes the commits on a branch that is not there yet. Gives the newest.
    fn make_commits(&mut self, proposal: &Proposal, branch: &str, base: &str) -> Result<String, HostError> {
        let path = self.path("/pushes");
        let mut known = BTreeSet::new();
        let mut old = base.to_owned();
        for commit in &proposal.commits {
            let mut changes = Vec::new();
            for change in &commit.changes {
                let is_there = !known.insert(change.path.as_str()) || self.has(&change.path, base)?;
                changes.push(json!({
                    "changeType": if is_there { "edit" } else { "add" },
                    "item": { "path": format!("/{}", change.path) },
                    "newContent": { "content": base64(&change.content), "contentType": "base64encoded" },
                }));
            }
            // The old commit of a new branch is the one that it begins at.
            let body = json!({
                "refUpdates": [{ "name": format!("refs/heads/{branch}"), "oldObjectId": old }],
                "commits": [{ "comment": commit.full_message(), "changes": changes }],
            });
            let pretended = json!({ "refUpdates": [{ "newObjectId": NONE }] });
            let pushed = self.client.send(&Method::POST, &path, Some(&body), pretended)?.body;
            old = needed(&self.client, &path, &pushed, "/refUpdates/0/newObjectId")?;
        }
        Ok(old)
    }

    fn has(&mut self, path: &str, commit: &str) -> Result<bool, HostError> {
        let version = format!("versionDescriptor.version={commit}&versionDescriptor.versionType=commit");
        let path = self.path(&format!("/items?path={}&{version}&$format=json", encode(&format!("/{path}"))));
        Ok(self.client.get_if_there(&path)?.is_some())
    }

    fn open(&mut self, proposal: &Proposal, open: Option<&Value>) -> Result<String, HostError> {
        let mut body = json!({ "title": proposal.title, "description": description(&proposal.body) });
        let Some(open) = open else {
            body["sourceRefName"] = json!(format!("refs/heads/{}", proposal.branch));
            body["targetRefName"] = json!(format!("refs/heads/{}", proposal.base_branch));
            let path = self.path("/pullrequests");
            let made = self.client.send(&Method::POST, &path, Some(&body), Value::Null)?.body;
            return Ok(match id(&made) {
                0 => "(dry run: no pull request is opened)".to_owned(),
                number => self.pull_page(&made, number),
            });
        };
        if !says(open, proposal) {
            let path = self.path(&format!("/pullrequests/{}", id(open)));
            self.client.send(&Method::PATCH, &path, Some(&body), Value::Null)?;
        }
        Ok(self.pull_page(open, id(open)))
    }
}

fn id(pull: &Value) -> u64 {
    pull.get("pullRequestId").and_then(Value::as_u64).unwrap_or_default()
}

/// Whether a pull request says what the proposal does.
fn says(pull: &Value, proposal: &Proposal) -> bool {
    text(pull, "/title") == proposal.title && same_text(&text(pull, "/description"), &description(&proposal.body))
}

/// A text as long as a description may be: whole lines, and a note where some are left out.
fn description(body: &str) -> String {
    const NOTE: &str = "\n\n(more than Azure DevOps shows here: see the commits)";
    if body.encode_utf16().count() <= DESCRIPTION {
        return body.to_owned();
    }
    let mut left = DESCRIPTION - NOTE.len();
    let mut out = String::new();
    for line in body.split_inclusive('\n') {
        match left.checked_sub(line.encode_utf16().count()) {
            Some(less) => left = less,
            None => break,
        }
        out.push_str(line);
    }
    out.trim_end().to_owned() + NOTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_ends_at_a_line_and_says_so() {
        assert_eq!(description("short\n"), "short\n");
        let long = "a line of text\n".repeat(400);
        let cut = description(&long);
        assert!(cut.encode_utf16().count() <= DESCRIPTION && cut.ends_with("see the commits)"));
        assert!(cut.starts_with("a line of text\na line of text\n") && cut.contains("text\n\n(more"));
        assert_eq!(description(&"x".repeat(5000)), "\n\n(more than Azure DevOps shows here: see the commits)");
    }
}
