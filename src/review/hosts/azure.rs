//! Azure DevOps, by its REST API 7.1. Every comment is a thread of its own, so a review is posted one thread at a time.

mod propose;

use std::collections::HashMap;

use serde_json::{Value, json};
use ureq::http::Method;

use super::{check_head, is_marked, line_number, list, needed, text};
use crate::review::ci::Place;
use crate::review::host::{
    ChangedFile, Comment, Dialect, Host, HostError, HostKind, Posted, Proposal, PullRequest, Review, Status,
};
use crate::review::http::{Client, encode};

const VERSION: &str = "api-version=7.1";
/// As many changes a page as it gives.
const CHANGES: usize = 2000;

/// A repository on Azure DevOps.
pub(super) struct AzureDevOps {
    client: Client,
    /// `/PROJECT/_apis/git/repositories/REPOSITORY`
    repository: String,
    /// The repository's page.
    page: String,
    number: Option<u64>,
}

/// One push to a pull request.
struct Iteration {
    id: u64,
    /// The head.
    source: String,
    /// What head and base have in common.
    common: String,
}

impl AzureDevOps {
    pub fn new(client: Client, place: &Place) -> Self {
        let (project, name) = place.repository.split_once('/').unwrap_or_default();
        let (project, name) = (encode(project), encode(name));
        let page = format!("{}/{project}/_git/{name}", place.base_url);
        Self { client, repository: format!("/{project}/_apis/git/repositories/{name}"), page, number: place.number }
    }

    /// The address of something of the repository; `what` may have a query.
    fn path(&self, what: &str) -> String {
        let mark = if what.contains('?') { '&' } else { '?' };
        format!("{}{what}{mark}{VERSION}", self.repository)
    }

    fn get(&mut self, what: &str) -> Result<Value, HostError> {
        Ok(self.client.get(&self.path(what))?.body)
    }

    fn last_iteration(&mut self, number: u64) -> Result<Iteration, HostError> {
        let what = format!("/pullRequests/{number}/iterations");
        let found = self.get(&what)?;
        let iterations = list(&found, "value");
        let id = |iteration: &Value| iteration.get("id").and_then(Value::as_u64).unwrap_or_default();
        let Some(last) = iterations.iter().max_by_key(|iteration| id(iteration)) else {
            return Err(self.client.unexpected(&what, "it has no iterations"));
        };
        Ok(Iteration {
            id: id(last),
            source: needed(&self.client, &what, last, "/sourceRefCommit/commitId")?,
            common: needed(&self.client, &what, last, "/commonRefCommit/commitId")?,
        })
    }

    fn pull(&mut self, number: u64) -> Result<(PullRequest, Iteration), HostError> {
        let path = self.path(&format!("/pullRequests/{number}"));
        let Some(answer) = self.client.get_if_there(&path)? else {
            let what = format!("pull request {number} of this repository");
            return Err(HostError::NotFound { host: HostKind::AzureDevOps, what });
        };
        let found = answer.body;
        let branch = |pointer: &str| {
            let name = needed(&self.client, &path, &found, pointer)?;
            Ok::<_, HostError>(name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned())
        };
        let (head_branch, base_branch) = (branch("/sourceRefName")?, branch("/targetRefName")?);
        let iteration = self.last_iteration(number)?;
        let pull = PullRequest {
            number,
            title: text(&found, "/title"),
            url: self.pull_page(&found, number),
            head: iteration.source.clone(),
            base: iteration.common.clone(),
            head_branch,
            base_branch,
            from_fork: found.get("forkSource").is_some_and(|fork| !fork.is_null()),
            open: text(&found, "/status") == "active",
        };
        Ok((pull, iteration))
    }

    fn pull_page(&self, pull: &Value, number: u64) -> String {
        let page = text(pull, "/repository/webUrl");
        format!("{}/pullrequest/{number}", if page.is_empty() { &self.page } else { &page })
    }

    /// The changes of an iteration, compared with what head and base have in common.
    fn changes(&mut self, number: u64, iteration: u64) -> Result<Vec<Value>, HostError> {
        let mut all = Vec::new();
        loop {
            let query = format!("$top={CHANGES}&$skip={}&$compareTo=0", all.len());
            let page = self.get(&format!("/pullRequests/{number}/iterations/{iteration}/changes?{query}"))?;
            let entries = list(&page, "changeEntries");
            let more = page.get("nextSkip").and_then(Value::as_u64).unwrap_or_default() > 0 && !entries.is_empty();
            all.extend(entries);
            if !more {
                return Ok(all);
            }
        }
    }

    /// The lengths of a file's lines, in UTF-16 code units as the host counts them.
    fn line_lengths(&mut self, path: &str, commit: &str) -> Result<Vec<usize>, HostError> {
        let version = format!("versionDescriptor.version={commit}&versionDescriptor.versionType=commit");
        let what = format!("/items?path={}&{version}&includeContent=true&$format=json", encode(&format!("/{path}")));
        let content = text(&self.get(&what)?, "/content");
        Ok(content.lines().map(|line| line.encode_utf16().count()).collect())
    }

    /// The threads of a review.
    fn threads(&mut self, pull: &PullRequest, review: &Review, iteration: &Iteration) -> Result<Vec<Value>, HostError> {
        // A summary asks for nothing: open, it would keep the pull request from being completed.
        let mut threads: Vec<Value> = review.summary.iter().map(|summary| thread(summary, "closed")).collect();
        if review.comments.is_empty() {
            return Ok(threads);
        }
        let changes = self.changes(pull.number, iteration.id)?;
        let mut lengths: HashMap<&str, Vec<usize>> = HashMap::new();
        for comment in &review.comments {
            let refuse = |said: String| HostError::Refused { address: pull.url.clone(), status: 400, said };
            let tracked = changes
                .iter()
                .find(|change| path_of(change) == comment.path)
                .and_then(|change| change.get("changeTrackingId").and_then(Value::as_u64))
                .ok_or_else(|| refuse(format!("it does not change {}", comment.path)))?;
            if !lengths.contains_key(comment.path.as_str()) {
                lengths.insert(&comment.path, self.line_lengths(&comment.path, &iteration.source)?);
            }
            let last = comment.lines.end().checked_sub(1);
            let length = lengths.get(comment.path.as_str()).zip(last).and_then(|(lines, last)| lines.get(last));
            let length =
                *length.ok_or_else(|| refuse(format!("{} has no line {}", comment.path, comment.lines.end())))?;
            threads.push(thread_at(comment, length, tracked, iteration.id));
        }
        Ok(threads)
    }
}

fn thread(body: &str, status: &str) -> Value {
    json!({ "comments": [{ "parentCommentId": 0, "content": body, "commentType": "text" }], "status": status })
}

/// A thread on lines, from the first column to behind the last. Both iterations the same: the left side is what head and
/// base have in common.
fn thread_at(comment: &Comment, last_length: usize, tracked: u64, iteration: u64) -> Value {
    let mut thread = thread(&comment.body, "active");
    thread["threadContext"] = json!({
        "filePath": format!("/{}", comment.path),
        "rightFileStart": { "line": comment.lines.start(), "offset": 1 },
        "rightFileEnd": { "line": comment.lines.end(), "offset": last_length + 1 },
    });
    thread["pullRequestThreadContext"] = json!({
        "changeTrackingId": tracked,
        "iterationContext": { "firstComparingIteration": iteration, "secondComparingIteration": iteration },
    });
    thread
}

fn path_of(change: &Value) -> String {
    let path = text(change, "/item/path");
    let path = if path.is_empty() { text(change, "/originalPath") } else { path };
    path.trim_start_matches('/').to_owned()
}

fn changed(change: &Value) -> Option<ChangedFile> {
    let is_folder = change.pointer("/item/isFolder").and_then(Value::as_bool).unwrap_or_default();
    (!is_folder).then_some(())?;
    // Such as `edit, rename`.
    let kinds = text(change, "/changeType");
    let is = |kind: &str| kinds.split(',').any(|one| one.trim().eq_ignore_ascii_case(kind));
    let status = match () {
        () if is("delete") => Status::Removed,
        () if is("rename") => Status::Renamed,
        () if is("add") => Status::Added,
        () => Status::Modified,
    };
    // A thread may stand on any line of a changed file.
    let shown = if status == Status::Removed { Vec::new() } else { vec![1..=usize::MAX] };
    Some(ChangedFile { path: path_of(change), status, shown: Some(shown) })
}

fn posted_comments(thread: &Value) -> Vec<Posted> {
    let gone = |value: &Value| value.get("isDeleted").and_then(Value::as_bool).unwrap_or_default();
    let (Some(number), false) = (thread.get("id").and_then(Value::as_u64), gone(thread)) else { return Vec::new() };
    let at = thread.get("threadContext").filter(|context| context.is_object());
    let lines = at.and_then(|context| {
        let last = line_number(context, "/rightFileEnd/line")?;
        Some(line_number(context, "/rightFileStart/line").unwrap_or(last).min(last)..=last)
    });
    let resolved = !matches!(text(thread, "/status").as_str(), "active" | "pending" | "unknown" | "");
    let of = |comment: &Value| {
        let body = text(comment, "/content");
        let id = comment.get("id").and_then(Value::as_u64)?;
        (is_marked(&body) && !gone(comment)).then(|| Posted {
            id: format!("{number}/{id}"),
            thread: Some(number.to_string()),
            body,
            path: at.map(|context| text(context, "/filePath").trim_start_matches('/').to_owned()),
            lines: lines.clone(),
            resolved,
        })
    };
    list(thread, "comments").iter().filter_map(of).collect()
}

impl Host for AzureDevOps {
    fn dialect(&self) -> Dialect {
        Dialect::AzureDevOps
    }

    fn pull_request(&mut self) -> Result<PullRequest, HostError> {
        let number = self.number.ok_or(HostError::NoNumber)?;
        self.pull(number).map(|(pull, _)| pull)
    }

    fn changed_files(&mut self, pull: &PullRequest) -> Result<Vec<ChangedFile>, HostError> {
        let iteration = self.last_iteration(pull.number)?;
        Ok(self.changes(pull.number, iteration.id)?.iter().filter_map(changed).collect())
    }

    fn posted(&mut self, pull: &PullRequest) -> Result<Vec<Posted>, HostError> {
        // Lines as they are in the newest iteration: threads move along with the file.
        let iteration = self.last_iteration(pull.number)?.id;
        let query = format!("$iteration={iteration}&$baseIteration={iteration}");
        let threads = self.get(&format!("/pullRequests/{}/threads?{query}", pull.number))?;
        Ok(list(&threads, "value").iter().flat_map(posted_comments).collect())
    }

    fn post(&mut self, pull: &PullRequest, review: &Review) -> Result<(), HostError> {
        if review.summary.is_none() && review.comments.is_empty() {
            return Ok(());
        }
        let (now, iteration) = self.pull(pull.number)?;
        check_head(&now, review)?;
        let threads = self.threads(pull, review, &iteration)?;
        let path = self.path(&format!("/pullRequests/{}/threads", pull.number));
        for (posted, thread) in threads.iter().enumerate() {
            if let Err(error) = self.client.send(&Method::POST, &path, Some(thread), Value::Null) {
                let because = Box::new(error);
                return Err(match posted {
                    0 => *because,
                    _ => HostError::HalfWay { posted, of: threads.len(), because },
                });
            }
        }
        Ok(())
    }

    fn update(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        let (thread, comment) = posted.id.split_once('/').unwrap_or((&posted.id, "1"));
        let path = self.path(&format!("/pullRequests/{}/threads/{thread}/comments/{comment}", pull.number));
        self.client.send(&Method::PATCH, &path, Some(&json!({ "content": body })), Value::Null).map(drop)
    }

    fn settle(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        let (Some(thread), Some(_)) = (&posted.thread, &posted.path) else { return self.update(pull, posted, body) };
        let path = self.path(&format!("/pullRequests/{}/threads/{thread}", pull.number));
        self.client.send(&Method::PATCH, &path, Some(&json!({ "status": "fixed" })), Value::Null).map(drop)
    }

    fn default_branch(&mut self) -> Result<(String, String), HostError> {
        let repository = self.get("")?;
        let name = needed(&self.client, &self.repository, &repository, "/defaultBranch")?;
        let branch = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
        let what = format!("branch {branch}");
        let commit = self.branch_commit(&branch)?;
        Ok((branch, commit.ok_or(HostError::NotFound { host: HostKind::AzureDevOps, what })?))
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        self.offer(proposal)
    }
}
