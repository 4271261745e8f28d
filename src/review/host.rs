//! What envfix asks of a host of pull requests: GitHub, GitLab or Azure DevOps. The parts of a pull request that matter
//! here, the one trait that the hosts implement, and what can go wrong, each error with what to do next.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What the body of everything that envfix posts holds, so that it is found again.
pub const MARKER: &str = "<!-- envfix:";

/// The last line of the message of every commit that [`Host::propose`] makes. A branch with a commit that lacks it holds
/// the work of somebody else and is left alone.
pub const TRAILER: &str = "Generated-by: envfix";

/// A pull request (GitLab: merge request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository (GitLab: its iid).
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page, for people.
    pub url: String,
    /// The newest commit of the branch that is to be merged.
    pub head: String,
    /// The commit of the base branch that it is compared with.
    pub base: String,
    /// The branch that is to be merged.
    pub head_branch: String,
    /// The branch that it is to be merged into.
    pub base_branch: String,
    /// Whether the branch is of another repository.
    pub from_fork: bool,
    /// Whether it is neither merged nor closed.
    pub open: bool,
}

/// How a pull request changes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The file is new.
    Added,
    /// The file has other content, or another mode.
    Modified,
    /// The file has another path, and perhaps other content.
    Renamed,
    /// The file is gone.
    Removed,
}

/// A file that a pull request changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path from the repository's root, in the head commit (in the base, where it is removed).
    pub path: String,
    /// What happens to it.
    pub status: Status,
    /// Lines of the new file (from 1) on which the host takes comments: those of the diff, context included, one range
    /// a hunk; a comment lies within one of them. `None`: the host does not show the file's diff (too large, binary).
    pub shown: Option<Vec<RangeInclusive<usize>>>,
}

/// A comment on lines of a file at the head commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The file's path from the repository's root.
    pub path: String,
    /// Lines of the new file, from 1.
    pub lines: RangeInclusive<usize>,
    /// The whole text: Markdown, with the suggestion's fence and the hidden marker already in it.
    pub body: String,
}

/// What is posted at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The commit that the comments are about: the head that was read.
    pub commit: String,
    /// The review's own text, if any.
    pub summary: Option<String>,
    /// Its comments.
    pub comments: Vec<Comment>,
}

/// Something that envfix posted earlier: its body holds [`MARKER`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The host's id of the comment (GitHub: of the review, where `path` is `None`).
    pub id: String,
    /// The host's id of the thread, where the host has such.
    pub thread: Option<String>,
    /// Its text as it is now.
    pub body: String,
    /// The file that it is about; `None` for a summary.
    pub path: Option<String>,
    /// The lines that it stands on now; `None` for a summary, and where the host says that they are outdated.
    pub lines: Option<RangeInclusive<usize>>,
    /// Whether its thread is resolved. GitHub's REST API does not tell; there it is `false`.
    pub resolved: bool,
}

/// How a host writes suggestions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A fence `suggestion` replaces the lines that the comment stands on.
    GitHub,
    /// A fence `suggestion:-N+M` replaces N lines above and M lines below the line that the comment stands on.
    GitLab,
    /// A fence `suggestion` replaces the lines that the thread stands on.
    AzureDevOps,
}

/// A file's new content, for [`Host::propose`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path from the repository's root.
    pub path: String,
    /// The whole file.
    pub content: Vec<u8>,
    /// Whether its mode is 755 and not 644.
    pub executable: bool,
}

/// A commit to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its message; [`TRAILER`] is added where it lacks.
    pub message: String,
    /// What it changes.
    pub changes: Vec<FileChange>,
}

impl Commit {
    /// The message as it is sent: with [`TRAILER`].
    #[must_use]
    pub fn full_message(&self) -> String {
        let message = self.message.trim_end();
        if is_ours(message) {
            return message.to_owned();
        }
        // A trailer stands in the block of the last paragraph, if that is one of trailers.
        let last = message.rsplit("\n\n").next().unwrap_or_default();
        let is_trailer = |line: &str| line.split_once(": ").is_some_and(|(key, _)| !key.contains(' '));
        let gap = if message.contains("\n\n") && last.lines().all(is_trailer) { "\n" } else { "\n\n" };
        format!("{message}{gap}{TRAILER}")
    }
}

/// Whether a commit with this message was made by [`Host::propose`].
#[must_use]
pub(super) fn is_ours(message: &str) -> bool {
    message.trim_end().lines().any(|line| line.trim_end() == TRAILER)
}

/// A branch with commits, and the pull request that offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The branch to make or to renew; it belongs to envfix alone.
    pub branch: String,
    /// The branch that the commits stand on.
    pub base_branch: String,
    /// Title of the pull request.
    pub title: String,
    /// Text of the pull request, in Markdown.
    pub body: String,
    /// The commits, the oldest first.
    pub commits: Vec<Commit>,
}

/// A repository on a host, and one of its pull requests.
pub trait Host {
    /// How suggestions are written there.
    fn dialect(&self) -> Dialect;

    /// The pull request that the place names.
    ///
    /// # Errors
    /// As [`HostError`] says; [`HostError::NoNumber`] where the place names none.
    fn pull_request(&mut self) -> Result<PullRequest, HostError>;

    /// The files that it changes.
    ///
    /// # Errors
    /// As [`HostError`] says.
    fn changed_files(&mut self, pull: &PullRequest) -> Result<Vec<ChangedFile>, HostError>;

    /// What envfix posted there earlier, the oldest first.
    ///
    /// # Errors
    /// As [`HostError`] says.
    fn posted(&mut self, pull: &PullRequest) -> Result<Vec<Posted>, HostError>;

    /// Posts a review: all or nothing where the host can. A review without summary and comments posts nothing.
    ///
    /// # Errors
    /// As [`HostError`] says; [`HostError::HalfWay`] where a part is posted; [`HostError::MovedOn`] where the review is
    /// not about the head as it is now.
    fn post(&mut self, pull: &PullRequest, review: &Review) -> Result<(), HostError>;

    /// Replaces the text of something posted.
    ///
    /// # Errors
    /// As [`HostError`] says.
    fn update(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError>;

    /// Marks as settled: resolves the thread where the host's REST API can; else replaces the text by `body`, which
    /// says so.
    ///
    /// # Errors
    /// As [`HostError`] says.
    fn settle(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError>;

    /// The default branch and its commit.
    ///
    /// # Errors
    /// As [`HostError`] says.
    fn default_branch(&mut self) -> Result<(String, String), HostError>;

    /// Makes or renews the branch with these commits on top of the base branch, and opens one pull request, or updates
    /// the open one of that branch. Gives its address. Where the branch holds exactly that already, nothing is sent; and
    /// where somebody closed the newest one of that branch without merging it, and it said the same, it was declined:
    /// nothing is sent then either.
    ///
    /// # Errors
    /// As [`HostError`] says; [`HostError::NotOurBranch`] where the branch holds commits of somebody else.
    fn propose(&mut self, proposal: &Proposal) -> Result<String, HostError>;
}

/// A kind of host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// github.com, or GitHub Enterprise.
    GitHub,
    /// gitlab.com, or a GitLab of one's own.
    GitLab,
    /// Azure DevOps Services, or Server.
    AzureDevOps,
}

impl HostKind {
    /// What a token must be allowed to do there to post reviews and to open pull requests.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::GitHub => {
                "`pull-requests: write` (and `contents: write` to open pull requests) under `permissions:` in the workflow, or \
                 for a fine-grained token \"Pull requests: read and write\""
            }
            Self::GitLab => "the scope `api` and at least the role Developer",
            Self::AzureDevOps => {
                "\"Contribute to pull requests\" (and \"Contribute\" and \"Create branch\" to open pull requests) for the build \
                 service, or for a personal access token the scope \"Code: read & write\""
            }
        }
    }

    /// The environment variable that holds the host's own token.
    #[must_use]
    pub fn token_variable(self) -> &'static str {
        match self {
            Self::GitHub => "GITHUB_TOKEN",
            Self::GitLab => "GITLAB_TOKEN",
            Self::AzureDevOps => "SYSTEM_ACCESSTOKEN",
        }
    }
}

impl fmt::Display for HostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::AzureDevOps => "Azure DevOps",
        })
    }
}

/// Why a host did not do what it was asked. Texts of the host are redacted and short; no error holds a token.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is no token at all.
    #[error("there is no token for {host}: set ENVFIX_TOKEN or {}; it needs {}", host.token_variable(), host.permission())]
    NoToken {
        /// The host.
        host: HostKind,
    },
    /// The token is there, and it is of a kind that cannot write (GitLab's CI_JOB_TOKEN).
    #[error(
        "CI_JOB_TOKEN cannot write comments on {host}: make a project access token with {}, and set it as the masked CI/CD \
         variable GITLAB_TOKEN",
        host.permission()
    )]
    JobToken {
        /// The host.
        host: HostKind,
    },
    /// 401: the token is wrong, revoked or expired.
    #[error("{host} does not accept the token (401: {said}): renew it, and check that it is of this host")]
    BadToken {
        /// The host.
        host: HostKind,
        /// What it said.
        said: String,
    },
    /// 403: the token may not do that.
    #[error("the token may not do that on {host} (403: {said}): it needs {}", host.permission())]
    Forbidden {
        /// The host.
        host: HostKind,
        /// What it said.
        said: String,
    },
    /// GitHub's token of a workflow that a fork's pull request started: it only reads, whatever `permissions:` says.
    #[error(
        "the workflow was started by a pull request of a fork, and its token only reads (403: {said}): write the review in a \
         second workflow `on: workflow_run`, which has a token that writes and must not run the fork's code; do not check out \
         the fork under `pull_request_target`"
    )]
    ForkReadsOnly {
        /// What the host said.
        said: String,
    },
    /// No number of a pull request is known.
    #[error("which pull request? Give its number (--number), or run in a pipeline that a pull request started")]
    NoNumber,
    /// 404: it is not there, or the token may not see it.
    #[error(
        "{host} knows no {what}, or the token may not see it (404): check the name, and that the token is allowed to read the \
         repository"
    )]
    NotFound {
        /// The host.
        host: HostKind,
        /// What was looked for.
        what: String,
    },
    /// The pull request has another head than the one that was reviewed.
    #[error("the pull request moved on: {reviewed} was reviewed, and {} now; run again on the new commit",
        now.as_ref().map_or_else(|| "it has another head".to_owned(), |now| format!("its head is {now}")))]
    MovedOn {
        /// The commit that was reviewed.
        reviewed: String,
        /// The head now, where the host tells.
        now: Option<String>,
    },
    /// The host does not show so large a diff.
    #[error(
        "the pull request is too large for {host} to list its files ({said}): split it, or run envfix on a checkout"
    )]
    TooLarge {
        /// The host.
        host: HostKind,
        /// What it said.
        said: String,
    },
    /// The rate limit lasts longer than envfix waits.
    #[error(
        "{host} limits the number of requests and asks to wait {} s; envfix waits {} s in all at most: run again later",
        wait.as_secs(),
        bound.as_secs()
    )]
    RateLimit {
        /// The host.
        host: HostKind,
        /// How long it asks to wait.
        wait: Duration,
        /// How long envfix waits in all.
        bound: Duration,
    },
    /// No connection, or it broke.
    #[error("cannot reach {address}: {because}; {advice}")]
    Unreachable {
        /// The host's address, without credentials.
        address: String,
        /// What failed.
        because: String,
        /// What to look at: the name, the proxy, the certificates.
        advice: &'static str,
    },
    /// The request may have been carried out: the connection broke, or the server failed, after it was sent.
    #[error(
        "{address}: {because}, after the request was sent; it may have been carried out: look at the pull request before running \
         again (envfix finds what it posted and does not post it twice)"
    )]
    Unsure {
        /// The request's address, without credentials.
        address: String,
        /// What failed.
        because: String,
    },
    /// The host's server fails.
    #[error("{address} fails ({status}: {said}): run again later, or look at the host's status page")]
    Server {
        /// The request's address.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// The answer is no JSON: often a proxy's or a sign-in page.
    #[error(
        "{address} answered with something that is no JSON ({status}: {begins}): check the base address, and whether a proxy or a \
         sign-in page stands before the host"
    )]
    NotJson {
        /// The request's address.
        address: String,
        /// The HTTP status.
        status: u16,
        /// How the answer begins, redacted.
        begins: String,
    },
    /// The answer lacks something, or is larger than envfix reads.
    #[error(
        "{address} answered with something unexpected: {because}; check that the base address is that of {host}'s API"
    )]
    Unexpected {
        /// The host.
        host: HostKind,
        /// The request's address.
        address: String,
        /// What is wrong with it.
        because: String,
    },
    /// A redirect to another host, to which the token is not given.
    #[error(
        "{address} redirects to {to}: the token is not given to another address; if that is right, name it as the base address"
    )]
    Redirect {
        /// The request's address.
        address: String,
        /// Where it redirects to, without credentials.
        to: String,
    },
    /// The host refuses the request for another reason.
    #[error(
        "{address} refuses the request ({status}: {said}): if the pull request has not changed, please report this"
    )]
    Refused {
        /// The request's address.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// The branch to renew holds a commit that envfix did not make, or is the base itself.
    #[error("the branch {branch} is not envfix's alone ({because}): choose another name for the branch, or delete it")]
    NotOurBranch {
        /// The branch.
        branch: String,
        /// How that is known.
        because: String,
    },
    /// A part is posted; the rest is not.
    #[error("{posted} of {of} comments are posted, then: {because}")]
    HalfWay {
        /// How many are posted.
        posted: usize,
        /// How many there are.
        of: usize,
        /// What went wrong.
        because: Box<HostError>,
    },
    /// What is to be printed in a dry run cannot be written.
    #[error("cannot print the requests of the dry run: {0}")]
    Print(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Commit { message: text.to_owned(), changes: Vec::new() }.full_message()
    }

    #[test]
    fn a_message_gets_the_trailer_once_and_among_its_trailers() {
        assert_eq!(message("Pin pip"), "Pin pip\n\nGenerated-by: envfix");
        assert_eq!(message("Pin pip\n\nIt was not.\n"), "Pin pip\n\nIt was not.\n\nGenerated-by: envfix");
        assert_eq!(message("Pin pip\n\nPatch: pip-pin"), "Pin pip\n\nPatch: pip-pin\nGenerated-by: envfix");
        assert_eq!(message("Pin pip\n\nGenerated-by: envfix\n"), "Pin pip\n\nGenerated-by: envfix");
        assert_eq!(message("Fix: pin pip"), "Fix: pin pip\n\nGenerated-by: envfix");
        assert!(is_ours(&message("Pin pip")));
        assert!(!is_ours("Pin pip\n\nnot Generated-by: envfix"));
    }
}
