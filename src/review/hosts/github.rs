//! GitHub, by its REST API. A review is one request, all or nothing; REST cannot resolve threads, so what is settled gets
//! another text.

mod propose;

use serde_json::{Value, json};
use ureq::http::Method;

use super::{check_head, diff, is_marked, line_number, needed, text};
use crate::review::ci::Place;
use crate::review::host::{
    ChangedFile, Comment, Dialect, Host, HostError, HostKind, Posted, Proposal, PullRequest, Review, Status,
};
use crate::review::http::{Answer, Client, encode_path, next_link};

/// The version of the API that is spoken.
const VERSION: &str = "2022-11-28";
/// As many items a page as it gives.
const PER_PAGE: &str = "per_page=100";

/// A repository on GitHub.
pub(super) struct GitHub {
    client: Client,
    /// `/repos/OWNER/NAME`
    repository: String,
    owner: String,
    number: Option<u64>,
}

/// The headers that every request carries.
pub(super) fn headers() -> [(&'static str, String); 2] {
    [("accept", "application/vnd.github+json".to_owned()), ("x-github-api-version", VERSION.to_owned())]
}

impl GitHub {
    pub fn new(client: Client, place: &Place) -> Self {
        let owner = place.repository.split('/').next().unwrap_or_default().to_owned();
        let repository = format!("/repos/{}", encode_path(&place.repository));
        Self { client, repository, owner, number: place.number }
    }

    fn pull(&mut self, number: u64) -> Result<PullRequest, HostError> {
        let path = format!("{}/pulls/{number}", self.repository);
        let pull = match self.client.get_if_there(&path)? {
            Some(answer) => answer.body,
            None => {
                let what = format!("pull request {number} of {}", self.repository.trim_start_matches("/repos/"));
                return Err(HostError::NotFound { host: HostKind::GitHub, what });
            }
        };
        let get = |pointer: &str| needed(&self.client, &path, &pull, pointer);
        Ok(PullRequest {
            number,
            title: text(&pull, "/title"),
            url: text(&pull, "/html_url"),
            head: get("/head/sha")?,
            base: get("/base/sha")?,
            head_branch: get("/head/ref")?,
            base_branch: get("/base/ref")?,
            // The fork may have been deleted: then there is no repository.
            from_fork: pull.pointer("/head/repo/id") != pull.pointer("/base/repo/id"),
            open: text(&pull, "/state") == "open",
        })
    }

    fn list(&mut self, path: &str) -> Result<Vec<Value>, HostError> {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.client.pages(&format!("{path}{mark}{PER_PAGE}"), |body| body, &next_page)
    }

    fn edit(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        let (method, path) = match posted.path {
            Some(_) => (Method::PATCH, format!("{}/pulls/comments/{}", self.repository, posted.id)),
            None => (Method::PUT, format!("{}/pulls/{}/reviews/{}", self.repository, pull.number, posted.id)),
        };
        let done = self.client.send(&method, &path, Some(&json!({ "body": body })), Value::Null);
        done.map(drop).map_err(|error| of_fork(error, pull.from_fork))
    }
}

fn next_page(_: &str, answer: &Answer) -> Option<String> {
    answer.header("link").and_then(next_link)
}

/// A refusal that comes from the workflow's token being a fork's.
fn of_fork(error: HostError, from_fork: bool) -> HostError {
    match error {
        HostError::Forbidden { said, .. } if from_fork && said.contains("not accessible by integration") => {
            HostError::ForkReadsOnly { said }
        }
        other => other,
    }
}

fn comment(comment: &Comment) -> Value {
    let (first, last) = (comment.lines.start(), comment.lines.end());
    let mut value = json!({ "path": comment.path, "body": comment.body, "line": last, "side": "RIGHT" });
    if first < last {
        value["start_line"] = json!(first);
        value["start_side"] = json!("RIGHT");
    }
    value
}

fn changed(file: &Value) -> ChangedFile {
    let status = match text(file, "/status").as_str() {
        "added" | "copied" => Status::Added,
        "removed" => Status::Removed,
        "renamed" => Status::Renamed,
        _ => Status::Modified,
    };
    let patch = file.get("patch").and_then(Value::as_str);
    let shown = match patch {
        Some(patch) => Some(diff::hunks(patch).iter().filter_map(diff::Hunk::shown).collect()),
        // A file that only has another name shows no line at all.
        None if status == Status::Renamed && file.get("changes").and_then(Value::as_u64) == Some(0) => Some(Vec::new()),
        None => None,
    };
    ChangedFile { path: text(file, "/filename"), status, shown }
}

fn id(value: &Value) -> Option<String> {
    value.get("id").and_then(Value::as_u64).map(|id| id.to_string())
}

/// Whether somebody wrote it who has no part in the repository: a marker in it is there to keep envfix from speaking. A
/// workflow's token cannot ask who it is, so it is the others that are told apart.
fn is_strangers(comment: &Value) -> bool {
    let bot = comment.pointer("/user/type").and_then(Value::as_str) == Some("Bot");
    let strange = ["CONTRIBUTOR", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN", "NONE"];
    !bot && strange.contains(&text(comment, "/author_association").as_str())
}

fn posted_comment(comment: &Value) -> Option<Posted> {
    let body = text(comment, "/body");
    let last = line_number(comment, "/line");
    let lines = last.map(|last| line_number(comment, "/start_line").unwrap_or(last).min(last)..=last);
    (is_marked(&body) && !is_strangers(comment)).then_some(())?;
    Some(Posted { id: id(comment)?, thread: None, body, path: Some(text(comment, "/path")), lines, resolved: false })
}

fn posted_review(review: &Value) -> Option<Posted> {
    let body = text(review, "/body");
    (is_marked(&body) && !is_strangers(review)).then_some(())?;
    Some(Posted { id: id(review)?, thread: None, body, path: None, lines: None, resolved: false })
}

impl Host for GitHub {
    fn dialect(&self) -> Dialect {
        Dialect::GitHub
    }

    fn pull_request(&mut self) -> Result<PullRequest, HostError> {
        self.pull(self.number.ok_or(HostError::NoNumber)?)
    }

    fn changed_files(&mut self, pull: &PullRequest) -> Result<Vec<ChangedFile>, HostError> {
        // At most 3000 files are listed, which the documentation says and no header tells.
        let files = self.list(&format!("{}/pulls/{}/files", self.repository, pull.number))?;
        if files.len() >= 3000 {
            return Err(HostError::TooLarge { host: HostKind::GitHub, said: "it lists 3000 files at most".to_owned() });
        }
        Ok(files.iter().map(changed).collect())
    }

    fn posted(&mut self, pull: &PullRequest) -> Result<Vec<Posted>, HostError> {
        let reviews = self.list(&format!("{}/pulls/{}/reviews", self.repository, pull.number))?;
        let comments = self.list(&format!("{}/pulls/{}/comments", self.repository, pull.number))?;
        Ok(reviews.iter().filter_map(posted_review).chain(comments.iter().filter_map(posted_comment)).collect())
    }

    fn post(&mut self, pull: &PullRequest, review: &Review) -> Result<(), HostError> {
        if review.summary.is_none() && review.comments.is_empty() {
            return Ok(());
        }
        check_head(&self.pull(pull.number)?, review)?;
        let mut body = json!({
            "commit_id": review.commit,
            "event": "COMMENT",
            "comments": review.comments.iter().map(comment).collect::<Vec<_>>(),
        });
        if let Some(summary) = &review.summary {
            body["body"] = json!(summary);
        }
        let path = format!("{}/pulls/{}/reviews", self.repository, pull.number);
        match self.client.send(&Method::POST, &path, Some(&body), Value::Null) {
            Ok(_) => Ok(()),
            // Refused lines or a refused commit: if the head is another by now, that is why.
            Err(error @ HostError::Refused { status: 409 | 422, .. }) => {
                check_head(&self.pull(pull.number)?, review)?;
                Err(error)
            }
            Err(error) => Err(of_fork(error, pull.from_fork)),
        }
    }

    fn update(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        self.edit(pull, posted, body)
    }

    fn settle(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        self.edit(pull, posted, body)
    }

    fn default_branch(&mut self) -> Result<(String, String), HostError> {
        let path = self.repository.clone();
        let repository = self.client.get(&path)?.body;
        let branch = needed(&self.client, &path, &repository, "/default_branch")?;
        let commit = self.branch_commit(&branch)?;
        let what = format!("branch {branch}");
        Ok((branch, commit.ok_or(HostError::NotFound { host: HostKind::GitHub, what })?))
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        self.offer(proposal)
    }
}
