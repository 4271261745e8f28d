//! Commits, a branch and a pull request on GitHub, by the API of git's own objects: nothing is checked out, and the branch
//! moves once, when all its commits are there.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ureq::http::Method;

use super::super::{base64, blob_id, needed, same_text, text};
use super::GitHub;
use crate::review::host::{Commit, Host, HostError, HostKind, Proposal, is_ours};
use crate::review::http::encode;

/// What a dry run takes for the id of an object that is not made.
const PRETENDED: &str = "0000000000000000000000000000000000000000";

impl GitHub {
    /// The commit of a branch; `None` where there is no such branch.
    pub(super) fn branch_commit(&mut self, branch: &str) -> Result<Option<String>, HostError> {
        let path = format!("{}/git/ref/{}", self.repository, encode(&format!("heads/{branch}")));
        match self.client.get_if_there(&path)? {
            Some(answer) => needed(&self.client, &path, &answer.body, "/object/sha").map(Some),
            None => Ok(None),
        }
    }

    /// See [`Host::propose`].
    pub(super) fn offer(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        let (branch, base) = (&proposal.branch, &proposal.base_branch);
        let not_ours = |because: &str| HostError::NotOurBranch { branch: branch.clone(), because: because.to_owned() };
        if branch == base {
            return Err(not_ours("it is the base"));
        }
        let pulls = self.pulls_of(branch)?;
        if let Some(declined) = pulls.first().filter(|pull| is_declined(pull) && says(pull, proposal)) {
            return needed(&self.client, "/pulls", declined, "/html_url");
        }
        let no_base = || HostError::NotFound { host: HostKind::GitHub, what: format!("branch {base}") };
        let base_commit = self.branch_commit(base)?.ok_or_else(no_base)?;
        match self.branch_commit(branch)? {
            None => {
                let tip = self.make_commits(proposal, &base_commit)?;
                let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": tip });
                self.client.send(&Method::POST, &format!("{}/git/refs", self.repository), Some(&body), Value::Null)?;
            }
            Some(tip) => {
                let (default, _) = self.default_branch()?;
                if *branch == default {
                    return Err(not_ours("it is the default branch"));
                }
                if !self.holds(proposal, &tip, &base_commit)? {
                    let tip = self.make_commits(proposal, &base_commit)?;
                    let path = format!("{}/git/refs/{}", self.repository, encode(&format!("heads/{branch}")));
                    let body = json!({ "sha": tip, "force": true });
                    self.client.send(&Method::PATCH, &path, Some(&body), Value::Null)?;
                }
            }
        }
        self.open(proposal, pulls.iter().find(|pull| text(pull, "/state") == "open"))
    }

    /// The pull requests of a branch, open or not, the newest first.
    fn pulls_of(&mut self, branch: &str) -> Result<Vec<Value>, HostError> {
        let head = encode(&format!("{}:{branch}", self.owner));
        self.list(&format!("{}/pulls?state=all&sort=created&direction=desc&head={head}", self.repository))
    }

    /// Whether the branch, whose newest commit is `tip`, holds these commits, made of this base or of one that differs in
    /// none of their files.
    fn holds(&mut self, proposal: &Proposal, tip: &str, base: &str) -> Result<bool, HostError> {
        let path = format!("{}/compare/{base}...{tip}?per_page=100", self.repository);
        let compared = self.client.get(&path)?.body;
        let commits = compared.get("commits").and_then(Value::as_array).cloned().unwrap_or_default();
        let foreign = commits.iter().find(|commit| !is_ours(&text(commit, "/commit/message")));
        if let Some(commit) = foreign {
            let because = format!("commit {} is not of envfix", text(commit, "/sha"));
            return Err(HostError::NotOurBranch { branch: proposal.branch.clone(), because });
        }
        let total = compared.get("total_commits").and_then(Value::as_u64);
        if total != Some(commits.len() as u64) {
            let because = "it holds more commits than envfix makes".to_owned();
            return Err(HostError::NotOurBranch { branch: proposal.branch.clone(), because });
        }
        if commits.len() != proposal.commits.len() {
            return Ok(false);
        }
        let mut parent = text(&compared, "/merge_base_commit/sha");
        if parent != base && self.touched(proposal, &parent, base)? {
            return Ok(false);
        }
        for (there, wanted) in commits.iter().zip(&proposal.commits) {
            let sha = text(there, "/sha");
            let same_message = text(there, "/commit/message").trim_end() == wanted.full_message();
            let one_parent = text(there, "/parents/0/sha") == parent && there.pointer("/parents/1").is_none();
            if !same_message || !one_parent || !self.commit_holds(&sha, wanted)? {
                return Ok(false);
            }
            parent = sha;
        }
        Ok(true)
    }

    /// Whether the base branch has changed one of the proposal's files since. More files than the host lists are taken to
    /// be among them.
    fn touched(&mut self, proposal: &Proposal, from: &str, to: &str) -> Result<bool, HostError> {
        let compared = self.client.get(&format!("{}/compare/{from}...{to}", self.repository))?.body;
        let files = compared.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
        let ours =
            |path: &str| proposal.commits.iter().flat_map(|commit| &commit.changes).any(|change| change.path == path);
        let touches = |file: &Value| ours(&text(file, "/filename")) || ours(&text(file, "/previous_filename"));
        Ok(files.len() >= 300 || files.iter().any(touches))
    }

    fn commit_holds(&mut self, sha: &str, wanted: &Commit) -> Result<bool, HostError> {
        let commit = self.client.get(&format!("{}/commits/{sha}", self.repository))?.body;
        let files = commit.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
        let there: BTreeMap<String, String> =
            files.iter().map(|file| (text(file, "/filename"), text(file, "/sha"))).collect();
        let wanted: BTreeMap<String, String> =
            wanted.changes.iter().map(|change| (change.path.clone(), blob_id(&change.content))).collect();
        Ok(there == wanted)
    }

    /// Makes the commits, which no branch holds yet. Gives the newest.
    fn make_commits(&mut self, proposal: &Proposal, base: &str) -> Result<String, HostError> {
        let path = format!("{}/git/commits/{base}", self.repository);
        let base_commit = self.client.get(&path)?.body;
        let mut tree = needed(&self.client, &path, &base_commit, "/tree/sha")?;
        let mut parent = base.to_owned();
        for commit in &proposal.commits {
            let mut entries = Vec::new();
            for change in &commit.changes {
                let blob = self.make("blobs", &json!({ "content": base64(&change.content), "encoding": "base64" }))?;
                let mode = if change.executable { "100755" } else { "100644" };
                entries.push(json!({ "path": change.path, "mode": mode, "type": "blob", "sha": blob }));
            }
            tree = self.make("trees", &json!({ "base_tree": tree, "tree": entries }))?;
            let body = json!({ "message": commit.full_message(), "tree": tree, "parents": [parent] });
            parent = self.make("commits", &body)?;
        }
        Ok(parent)
    }

    fn make(&mut self, what: &str, body: &Value) -> Result<String, HostError> {
        let path = format!("{}/git/{what}", self.repository);
        let made = self.client.send(&Method::POST, &path, Some(body), json!({ "sha": PRETENDED }))?;
        needed(&self.client, &path, &made.body, "/sha")
    }

    /// Opens the pull request, or gives the open one of the branch the title and text of this proposal.
    fn open(&mut self, proposal: &Proposal, open: Option<&Value>) -> Result<String, HostError> {
        let path = format!("{}/pulls", self.repository);
        let mut body = json!({ "title": proposal.title, "body": proposal.body, "base": proposal.base_branch });
        let Some(open) = open else {
            body["head"] = json!(proposal.branch);
            let pretended = json!({ "html_url": "(dry run: no pull request is opened)" });
            let made = self.client.send(&Method::POST, &path, Some(&body), pretended)?;
            return needed(&self.client, &path, &made.body, "/html_url");
        };
        if !says(open, proposal) {
            let number = open.get("number").and_then(Value::as_u64).unwrap_or_default();
            self.client.send(&Method::PATCH, &format!("{path}/{number}"), Some(&body), Value::Null)?;
        }
        needed(&self.client, &path, open, "/html_url")
    }
}

/// Whether somebody closed a pull request without merging it.
fn is_declined(pull: &Value) -> bool {
    text(pull, "/state") == "closed" && pull.get("merged_at").is_none_or(Value::is_null)
}

/// Whether a pull request says what the proposal does.
fn says(pull: &Value, proposal: &Proposal) -> bool {
    text(pull, "/title") == proposal.title
        && same_text(&text(pull, "/body"), &proposal.body)
        && text(pull, "/base/ref") == proposal.base_branch
}
