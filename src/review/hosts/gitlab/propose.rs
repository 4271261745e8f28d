//! Commits, a branch and a merge request on GitLab, by its API of commits: each request makes one commit, the first of them
//! on the base.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use ureq::http::Method;

use super::super::{base64, blob_id, list, needed, same_text, text};
use super::GitLab;
use crate::review::host::{Commit, Host, HostError, HostKind, Proposal, is_ours};
use crate::review::http::encode;

impl GitLab {
    /// The commit of a branch; `None` where there is no such branch.
    pub(super) fn branch_commit(&mut self, branch: &str) -> Result<Option<String>, HostError> {
        let path = format!("{}/repository/branches/{}", self.project, encode(branch));
        match self.client.get_if_there(&path)? {
            Some(answer) => needed(&self.client, &path, &answer.body, "/commit/id").map(Some),
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
        let requests = self.merge_requests_of(branch)?;
        if let Some(declined) =
            requests.first().filter(|found| text(found, "/state") == "closed" && says(found, proposal))
        {
            return needed(&self.client, "/merge_requests", declined, "/web_url");
        }
        let no_base = || HostError::NotFound { host: HostKind::GitLab, what: format!("branch {base}") };
        let base_commit = self.branch_commit(base)?.ok_or_else(no_base)?;
        match self.branch_commit(branch)? {
            None => self.make_commits(proposal, &base_commit, false)?,
            Some(tip) => {
                let (default, _) = self.default_branch()?;
                if *branch == default {
                    return Err(not_ours("it is the default branch"));
                }
                if !self.holds(proposal, &tip, &base_commit)? {
                    self.make_commits(proposal, &base_commit, true)?;
                }
            }
        }
        self.open(proposal, requests.iter().find(|found| text(found, "/state") == "opened"))
    }

    /// The merge requests of a branch of this project, the newest first.
    fn merge_requests_of(&mut self, branch: &str) -> Result<Vec<Value>, HostError> {
        let query = format!("state=all&order_by=created_at&sort=desc&source_branch={}", encode(branch));
        let mut found = self.list(&format!("{}/merge_requests?{query}", self.project), 100)?;
        found.retain(|request| request.get("source_project_id") == request.get("target_project_id"));
        Ok(found)
    }

    fn compare(&mut self, from: &str, to: &str) -> Result<Value, HostError> {
        Ok(self.client.get(&format!("{}/repository/compare?from={from}&to={to}", self.project))?.body)
    }

    /// Whether the branch, whose newest commit is `tip`, holds these commits, made of this base or of one that differs in
    /// none of their files.
    fn holds(&mut self, proposal: &Proposal, tip: &str, base: &str) -> Result<bool, HostError> {
        let commits = list(&self.compare(base, tip)?, "commits");
        if let Some(commit) = commits.iter().find(|commit| !is_ours(&text(commit, "/message"))) {
            let because = format!("commit {} is not of envfix", text(commit, "/id"));
            return Err(HostError::NotOurBranch { branch: proposal.branch.clone(), because });
        }
        if commits.len() != proposal.commits.len() {
            return Ok(false);
        }
        // From the newest to the oldest, by their parents.
        let mut at = tip.to_owned();
        for wanted in proposal.commits.iter().rev() {
            let Some(there) = commits.iter().find(|commit| text(commit, "/id") == at) else { return Ok(false) };
            let same_message = same_text(&text(there, "/message"), &wanted.full_message());
            if !same_message || there.pointer("/parent_ids/1").is_some() || !self.commit_holds(&at, wanted)? {
                return Ok(false);
            }
            at = text(there, "/parent_ids/0");
        }
        Ok(at == base || !self.touched(proposal, &at, base)?)
    }

    fn touched(&mut self, proposal: &Proposal, from: &str, to: &str) -> Result<bool, HostError> {
        let compared = self.compare(from, to)?;
        let ours =
            |path: &str| proposal.commits.iter().flat_map(|commit| &commit.changes).any(|change| change.path == path);
        let touches = |file: &Value| ours(&text(file, "/new_path")) || ours(&text(file, "/old_path"));
        let unknown = compared.get("compare_timeout").and_then(Value::as_bool).unwrap_or_default();
        Ok(unknown || list(&compared, "diffs").iter().any(touches))
    }

    fn commit_holds(&mut self, sha: &str, wanted: &Commit) -> Result<bool, HostError> {
        let files = self.list(&format!("{}/repository/commits/{sha}/diff", self.project), 20)?;
        let there: BTreeSet<String> = files.iter().flat_map(|f| [text(f, "/new_path"), text(f, "/old_path")]).collect();
        if there != wanted.changes.iter().map(|change| change.path.clone()).collect() {
            return Ok(false);
        }
        for change in &wanted.changes {
            let same = |file: &Value| {
                text(file, "/blob_id") == blob_id(&change.content)
                    && file.get("execute_filemode").and_then(Value::as_bool).unwrap_or_default() == change.executable
            };
            if !self.file(&change.path, sha)?.is_some_and(|file| same(&file)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(&mut self, path: &str, commit: &str) -> Result<Option<Value>, HostError> {
        let path = format!("{}/repository/files/{}?ref={commit}", self.project, encode(path));
        Ok(self.client.get_if_there(&path)?.map(|answer| answer.body))
    }

    fn make_commits(&mut self, proposal: &Proposal, base: &str, force: bool) -> Result<(), HostError> {
        let path = format!("{}/repository/commits", self.project);
        let mut known = BTreeSet::new();
        for (number, commit) in proposal.commits.iter().enumerate() {
            let mut actions = Vec::new();
            for change in &commit.changes {
                let mut executable = false;
                let mut action = "update";
                if known.insert(change.path.as_str()) {
                    match self.file(&change.path, base)? {
                        Some(file) => {
                            executable = file.get("execute_filemode").and_then(Value::as_bool).unwrap_or_default()
                        }
                        None => action = "create",
                    }
                } else {
                    executable = was_executable(proposal, number, &change.path);
                }
                let content = base64(&change.content);
                actions.push(
                    json!({ "action": action, "file_path": change.path, "content": content, "encoding": "base64" }),
                );
                if executable != change.executable {
                    let mode = change.executable;
                    actions.push(json!({ "action": "chmod", "file_path": change.path, "execute_filemode": mode }));
                }
            }
            let mut body =
                json!({ "branch": proposal.branch, "commit_message": commit.full_message(), "actions": actions });
            if number == 0 {
                body["start_sha"] = json!(base);
                if force {
                    body["force"] = json!(true);
                }
            }
            self.client.send(&Method::POST, &path, Some(&body), Value::Null)?;
        }
        Ok(())
    }

    fn open(&mut self, proposal: &Proposal, open: Option<&Value>) -> Result<String, HostError> {
        let path = format!("{}/merge_requests", self.project);
        let mut body =
            json!({ "title": proposal.title, "description": proposal.body, "target_branch": proposal.base_branch });
        let Some(open) = open else {
            body["source_branch"] = json!(proposal.branch);
            let pretended = json!({ "web_url": "(dry run: no merge request is opened)" });
            let made = self.client.send(&Method::POST, &path, Some(&body), pretended)?;
            return needed(&self.client, &path, &made.body, "/web_url");
        };
        if !says(open, proposal) {
            let number = open.get("iid").and_then(Value::as_u64).unwrap_or_default();
            self.client.send(&Method::PUT, &format!("{path}/{number}"), Some(&body), Value::Null)?;
        }
        needed(&self.client, &path, open, "/web_url")
    }
}

/// The mode that an earlier commit of the proposal gave a file.
fn was_executable(proposal: &Proposal, before: usize, path: &str) -> bool {
    let mut changes = proposal.commits.iter().take(before).flat_map(|commit| &commit.changes);
    changes.rfind(|change| change.path == path).is_some_and(|change| change.executable)
}

/// Whether a merge request says what the proposal does.
fn says(found: &Value, proposal: &Proposal) -> bool {
    text(found, "/title") == proposal.title
        && same_text(&text(found, "/description"), &proposal.body)
        && text(found, "/target_branch") == proposal.base_branch
}
