//! GitLab, by its REST API v4. A review is written as draft notes that are published together; where the server knows none,
//! as one discussion after the other.

mod propose;

use serde_json::{Value, json};
use ureq::http::Method;

use super::diff::{self, Hunk};
use super::{check_head, is_marked, line_number, needed, text};
use crate::review::ci::Place;
use crate::review::host::{
    ChangedFile, Comment, Dialect, Host, HostError, HostKind, Posted, Proposal, PullRequest, Review, Status,
};
use crate::review::http::{Answer, Client, encode};

/// A project on GitLab.
pub(super) struct GitLab {
    client: Client,
    /// `/projects/ID`
    project: String,
    number: Option<u64>,
}

/// A file of a merge request's diff.
struct Diffed {
    old_path: String,
    hunks: Vec<Hunk>,
    file: ChangedFile,
}

/// The commits that positions in a diff are about.
struct Refs {
    base: String,
    start: String,
    head: String,
}

impl GitLab {
    pub fn new(client: Client, place: &Place) -> Self {
        Self { client, project: format!("/projects/{}", encode(&place.repository)), number: place.number }
    }

    fn merge_request(&self, number: u64) -> String {
        format!("{}/merge_requests/{number}", self.project)
    }

    fn read(&mut self, number: u64) -> Result<(PullRequest, Refs), HostError> {
        let path = self.merge_request(number);
        let Some(answer) = self.client.get_if_there(&path)? else {
            let what = format!("merge request {number} of this project");
            return Err(HostError::NotFound { host: HostKind::GitLab, what });
        };
        let found = answer.body;
        let get = |pointer: &str| needed(&self.client, &path, &found, pointer);
        let refs = Refs {
            base: get("/diff_refs/base_sha")?,
            start: get("/diff_refs/start_sha")?,
            head: get("/diff_refs/head_sha")?,
        };
        let pull = PullRequest {
            number,
            title: text(&found, "/title"),
            url: text(&found, "/web_url"),
            head: refs.head.clone(),
            base: refs.base.clone(),
            head_branch: get("/source_branch")?,
            base_branch: get("/target_branch")?,
            from_fork: found.get("source_project_id") != found.get("target_project_id"),
            open: text(&found, "/state") == "opened",
        };
        Ok((pull, refs))
    }

    fn list(&mut self, path: &str, per_page: usize) -> Result<Vec<Value>, HostError> {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.client.pages(&format!("{path}{mark}per_page={per_page}"), |body| body, &next_page)
    }

    fn diffs(&mut self, number: u64) -> Result<Vec<Diffed>, HostError> {
        // Servers were seen to fail with more than 30 diffs a page; 20 is what the documentation begins with.
        let files = self.list(&format!("{}/diffs", self.merge_request(number)), 20)?;
        Ok(files.iter().map(diffed).collect())
    }

    /// Writes drafts and publishes them. `None` where the server does not let drafts be written.
    fn post_drafts(&mut self, number: u64, notes: &[Value]) -> Result<Option<()>, HostError> {
        let path = format!("{}/draft_notes", self.merge_request(number));
        let mut foreign = false;
        let there = match self.list(&path, 100) {
            Ok(there) => there,
            Err(HostError::NotFound { .. } | HostError::Forbidden { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        for draft in &there {
            // A draft of a run that broke off would be published with these.
            if is_marked(&text(draft, "/note")) {
                self.delete(&path, draft)?;
            } else {
                foreign = true;
            }
        }
        let mut made = Vec::new();
        for note in notes {
            match self.client.send(&Method::POST, &path, Some(&as_draft(note)), json!({ "id": 0 })) {
                Ok(answer) => made.push(answer.body),
                Err(HostError::NotFound { .. } | HostError::Forbidden { .. }) if made.is_empty() => return Ok(None),
                Err(error) => {
                    // What stays behind because of this is seen by the token's owner only, and taken away next time.
                    made.iter().for_each(|draft| drop(self.delete(&path, draft)));
                    return Err(error);
                }
            }
        }
        if !foreign {
            return match self.client.send(&Method::POST, &format!("{path}/bulk_publish"), None, Value::Null) {
                Ok(_) => Ok(Some(())),
                Err(error @ HostError::Unsure { .. }) => Err(error),
                Err(error) => {
                    made.iter().for_each(|draft| drop(self.delete(&path, draft)));
                    Err(error)
                }
            };
        }
        // Publishing all would publish what the token's owner is still writing.
        for (posted, draft) in made.iter().enumerate() {
            let id = draft.get("id").and_then(Value::as_u64).unwrap_or_default();
            if let Err(error) = self.client.send(&Method::PUT, &format!("{path}/{id}/publish"), None, Value::Null) {
                made.iter().skip(posted).for_each(|draft| drop(self.delete(&path, draft)));
                return Err(half_way(posted, made.len(), error));
            }
        }
        Ok(Some(()))
    }

    fn delete(&mut self, path: &str, draft: &Value) -> Result<(), HostError> {
        let id = draft.get("id").and_then(Value::as_u64).unwrap_or_default();
        match self.client.send(&Method::DELETE, &format!("{path}/{id}"), None, Value::Null) {
            Ok(_) | Err(HostError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn post_one_by_one(&mut self, number: u64, notes: &[Value]) -> Result<(), HostError> {
        let path = self.merge_request(number);
        for (posted, note) in notes.iter().enumerate() {
            let kind = if note.get("position").is_some() { "discussions" } else { "notes" };
            self.client
                .send(&Method::POST, &format!("{path}/{kind}"), Some(note), Value::Null)
                .map_err(|error| half_way(posted, notes.len(), error))?;
        }
        Ok(())
    }
}

fn half_way(posted: usize, of: usize, error: HostError) -> HostError {
    if posted == 0 { error } else { HostError::HalfWay { posted, of, because: Box::new(error) } }
}

fn next_page(path: &str, answer: &Answer) -> Option<String> {
    let page: u64 = answer.header("x-next-page")?.trim().parse().ok()?;
    let first = path.split("&page=").next()?;
    Some(format!("{first}&page={page}"))
}

/// A note as a draft of it: the text's field has another name.
fn as_draft(note: &Value) -> Value {
    let mut draft = json!({ "note": note.get("body") });
    if let Some(position) = note.get("position") {
        draft["position"] = position.clone();
    }
    draft
}

fn diffed(file: &Value) -> Diffed {
    let is = |key: &str| file.get(key).and_then(Value::as_bool).unwrap_or_default();
    let status = match () {
        () if is("new_file") => Status::Added,
        () if is("deleted_file") => Status::Removed,
        () if is("renamed_file") => Status::Renamed,
        () => Status::Modified,
    };
    let diff = text(file, "/diff");
    let hunks = diff::hunks(&diff);
    let hidden = is("too_large") || is("collapsed") || (hunks.is_empty() && status != Status::Renamed);
    let shown = (!hidden).then(|| hunks.iter().filter_map(Hunk::shown).collect());
    let path = text(file, if status == Status::Removed { "/old_path" } else { "/new_path" });
    Diffed { old_path: text(file, "/old_path"), hunks, file: ChangedFile { path, status, shown } }
}

/// Where a comment stands, as the documentation of discussions tells it: context lines have a number in both files, and
/// the ends of a range are named by `SHA1(path)_OLD_NEW`.
fn position(comment: &Comment, files: &[Diffed], refs: &Refs) -> Option<Value> {
    let file = files.iter().find(|diffed| diffed.file.path == comment.path)?;
    let line = |number: usize| file.hunks.iter().find_map(|hunk| hunk.line(number));
    let (first, last) = (line(*comment.lines.start())?, line(*comment.lines.end())?);
    let mut position = json!({
        "position_type": "text",
        "base_sha": refs.base,
        "start_sha": refs.start,
        "head_sha": refs.head,
        "old_path": file.old_path,
        "new_path": comment.path,
        "new_line": last.new,
    });
    if !last.added {
        position["old_line"] = json!(last.old);
    }
    if first.new < last.new {
        let hash = sha1_smol::Sha1::from(comment.path.as_bytes()).digest().to_string();
        let end = |line: diff::Line| {
            let kind = if line.added { "new" } else { "old" };
            json!({ "line_code": format!("{hash}_{}_{}", line.old, line.new), "type": kind })
        };
        position["line_range"] = json!({ "start": end(first), "end": end(last) });
    }
    Some(position)
}

fn posted_note(discussion: &Value, note: &Value, pull: &PullRequest) -> Option<Posted> {
    let body = text(note, "/body");
    is_marked(&body).then_some(())?;
    let at = note.get("position").filter(|position| position.is_object());
    // GitLab moves a position along as long as its lines are there.
    let current = at.filter(|position| text(position, "/head_sha") == pull.head);
    let lines = current.and_then(|position| {
        let last = line_number(position, "/new_line")?;
        let first = line_number(position, "/line_range/start/new_line");
        let of_code = || text(position, "/line_range/start/line_code").rsplit('_').next()?.parse().ok();
        Some(first.or_else(of_code).unwrap_or(last).clamp(1, last)..=last)
    });
    Some(Posted {
        id: note.get("id")?.as_u64()?.to_string(),
        thread: Some(text(discussion, "/id")),
        body,
        path: at.map(|position| text(position, "/new_path")),
        lines,
        resolved: note.get("resolved").and_then(Value::as_bool).unwrap_or_default(),
    })
}

impl Host for GitLab {
    fn dialect(&self) -> Dialect {
        Dialect::GitLab
    }

    fn pull_request(&mut self) -> Result<PullRequest, HostError> {
        let number = self.number.ok_or(HostError::NoNumber)?;
        self.read(number).map(|(pull, _)| pull)
    }

    fn changed_files(&mut self, pull: &PullRequest) -> Result<Vec<ChangedFile>, HostError> {
        Ok(self.diffs(pull.number)?.into_iter().map(|diffed| diffed.file).collect())
    }

    fn posted(&mut self, pull: &PullRequest) -> Result<Vec<Posted>, HostError> {
        let discussions = self.list(&format!("{}/discussions", self.merge_request(pull.number)), 100)?;
        let of = |discussion: &Value| -> Vec<Posted> {
            super::list(discussion, "notes").iter().filter_map(|note| posted_note(discussion, note, pull)).collect()
        };
        Ok(discussions.iter().flat_map(of).collect())
    }

    fn post(&mut self, pull: &PullRequest, review: &Review) -> Result<(), HostError> {
        if review.summary.is_none() && review.comments.is_empty() {
            return Ok(());
        }
        let (now, refs) = self.read(pull.number)?;
        check_head(&now, review)?;
        let files = if review.comments.is_empty() { Vec::new() } else { self.diffs(pull.number)? };
        let mut notes: Vec<Value> = review.summary.iter().map(|summary| json!({ "body": summary })).collect();
        for comment in &review.comments {
            let Some(position) = position(comment, &files, &refs) else {
                let (first, last) = (comment.lines.start(), comment.lines.end());
                let said = format!("the diff does not show lines {first} to {last} of {}", comment.path);
                let address = pull.url.clone();
                return Err(HostError::Refused { address, status: 400, said });
            };
            notes.push(json!({ "body": comment.body, "position": position }));
        }
        match self.post_drafts(pull.number, &notes)? {
            Some(()) => Ok(()),
            None => self.post_one_by_one(pull.number, &notes),
        }
    }

    fn update(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        let path = format!("{}/notes/{}", self.merge_request(pull.number), posted.id);
        self.client.send(&Method::PUT, &path, Some(&json!({ "body": body })), Value::Null).map(drop)
    }

    fn settle(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        // Only discussions on the diff are resolved; a note by itself cannot be.
        let (Some(thread), Some(_)) = (&posted.thread, &posted.path) else { return self.update(pull, posted, body) };
        let path = format!("{}/discussions/{}", self.merge_request(pull.number), encode(thread));
        self.client.send(&Method::PUT, &path, Some(&json!({ "resolved": true })), Value::Null).map(drop)
    }

    fn default_branch(&mut self) -> Result<(String, String), HostError> {
        let path = self.project.clone();
        let project = self.client.get(&path)?.body;
        let branch = needed(&self.client, &path, &project, "/default_branch")?;
        let what = format!("branch {branch}");
        let commit = self.branch_commit(&branch)?;
        Ok((branch, commit.ok_or(HostError::NotFound { host: HostKind::GitLab, what })?))
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        self.offer(proposal)
    }
}
