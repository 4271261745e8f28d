//! Where the pull request is: from what the user gives and from the variables that a CI system sets.
//!
//! Tokens come from the environment only: `ENVFIX_TOKEN` first, then the host's own variable.

use std::fmt;

use serde_json::Value;

use super::host::HostKind;

/// A secret. Neither its debug text nor any error tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    kind: TokenKind,
}

/// What a token is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenKind {
    /// One that a person or a project made.
    Made,
    /// `SYSTEM_ACCESSTOKEN`, which goes as bearer.
    Pipeline,
    /// `CI_JOB_TOKEN`, which only reads.
    Job,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A token that somebody made; `None` where it is empty, or holds what no token holds.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        Self::of_kind(secret, TokenKind::Made)
    }

    fn of_kind(secret: &str, kind: TokenKind) -> Option<Self> {
        let secret = secret.trim();
        let is_token = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self { secret: secret.to_owned(), kind })
    }

    /// Whether it is GitLab's `CI_JOB_TOKEN`, which cannot write comments.
    #[must_use]
    pub fn is_job_token(&self) -> bool {
        self.kind == TokenKind::Job
    }

    /// The header that carries it to a host.
    pub(super) fn header(&self, host: HostKind) -> (&'static str, String) {
        use base64::Engine as _;
        let bearer = ("authorization", format!("Bearer {}", self.secret));
        match host {
            HostKind::GitHub => bearer,
            HostKind::GitLab if self.kind == TokenKind::Job => ("job-token", self.secret.clone()),
            // An OAuth 2.0 token is 64 hexadecimal digits, or a JWT; what people make themselves is neither.
            HostKind::GitLab if self.is_jwt() || (self.secret.len() == 64 && self.is_hexadecimal()) => bearer,
            HostKind::GitLab => ("private-token", self.secret.clone()),
            HostKind::AzureDevOps if self.kind == TokenKind::Pipeline || self.is_jwt() => bearer,
            HostKind::AzureDevOps => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!(":{}", self.secret));
                ("authorization", format!("Basic {pair}"))
            }
        }
    }

    fn is_jwt(&self) -> bool {
        self.secret.starts_with("eyJ") && self.secret.matches('.').count() == 2
    }

    fn is_hexadecimal(&self) -> bool {
        self.secret.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// A text in which the token, should it stand there, is replaced.
    pub(super) fn cut_from(&self, text: &str) -> String {
        text.replace(&self.secret, "***")
    }
}

/// What the user gives; it wins over the variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The kind of host.
    pub kind: Option<HostKind>,
    /// The address of its API: `https://api.github.com`, `https://HOST/api/v3` (GitHub Enterprise),
    /// `https://HOST/api/v4` (GitLab), `https://dev.azure.com/ORGANIZATION` (Azure DevOps).
    pub base_url: Option<String>,
    /// `OWNER/NAME` (GitHub), `GROUP/…/NAME` or the number (GitLab), `PROJECT/REPOSITORY` (Azure DevOps).
    pub repository: Option<String>,
    /// The number of the pull request.
    pub number: Option<u64>,
    /// The commit that was checked out.
    pub commit: Option<String>,
}

/// A repository on a host, perhaps one of its pull requests, and the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The kind of host.
    pub kind: HostKind,
    /// The address of its API.
    pub base_url: String,
    /// The repository, as [`Given::repository`].
    pub repository: String,
    /// The number of the pull request.
    pub number: Option<u64>,
    /// The commit of the pull request's branch that the pipeline runs for.
    pub commit: Option<String>,
    /// The token.
    pub token: Option<Token>,
}

/// Why it is not known where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlaceError {
    /// No variable of a CI system, and no kind given.
    #[error("which host? Outside GitHub Actions, GitLab CI and Azure Pipelines it has to be named (--host)")]
    NoHost,
    /// The repository is not known.
    #[error("which repository of {0}? Name it (--repo), or run in its pipeline")]
    NoRepository(HostKind),
    /// The base address is not known.
    #[error("at which address is {0}? Name the address of its API (--base-url), such as {1}")]
    NoAddress(HostKind, &'static str),
    /// The base address is none.
    #[error("the base address is not one of http or https")]
    BadAddress,
    /// The repository's name is none of that host.
    #[error("{repository} names no repository of {host}: it has to be {shape}")]
    BadRepository {
        /// The host.
        host: HostKind,
        /// What was named.
        repository: String,
        /// How its names look.
        shape: &'static str,
    },
    /// A variable holds what no token holds, such as a line break.
    #[error("{0} holds no token: it has blanks or line breaks within")]
    BadToken(&'static str),
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a CI system's variables say.
#[derive(Default)]
struct Found {
    base_url: Option<String>,
    repository: Option<String>,
    number: Option<u64>,
    commit: Option<String>,
}

/// Finds out where: what is given, and what the variables of GitHub Actions, GitLab CI or Azure Pipelines say. In GitHub
/// Actions the file at `GITHUB_EVENT_PATH` is read.
///
/// # Errors
/// As [`PlaceError`] says. A missing number or token is none: some of what envfix does needs neither.
pub fn place(given: &Given, variables: Variables<'_>) -> Result<Place, PlaceError> {
    let get = |name: &str| variables(name).filter(|value| !value.trim().is_empty());
    let kind = given.kind.or_else(|| system(&get)).ok_or(PlaceError::NoHost)?;
    let found = match kind {
        HostKind::GitHub => github(&get),
        HostKind::GitLab => gitlab(&get),
        HostKind::AzureDevOps => azure(&get),
    };
    // What the variables say of another repository is not about this one.
    let same = given.repository.as_ref().is_none_or(|given| found.repository.as_ref() == Some(given));
    let (number, commit) = if same { (found.number, found.commit) } else { (None, None) };
    let repository = given.repository.clone().or(found.repository).ok_or(PlaceError::NoRepository(kind))?;
    check_repository(kind, &repository)?;
    let base_url = given.base_url.clone().or(found.base_url).or_else(|| usual_address(kind));
    let base_url = base_url.ok_or(PlaceError::NoAddress(kind, "https://dev.azure.com/ORGANIZATION"))?;
    let other_number = given.number.is_some() && given.number != number;
    Ok(Place {
        kind,
        base_url: without_user(&base_url)?,
        repository,
        number: given.number.or(number),
        commit: given.commit.clone().or(if other_number { None } else { commit }),
        token: token(kind, &get)?,
    })
}

fn system(get: &dyn Fn(&str) -> Option<String>) -> Option<HostKind> {
    if get("GITLAB_CI").is_some() || get("CI_API_V4_URL").is_some() {
        return Some(HostKind::GitLab);
    }
    if get("GITHUB_ACTIONS").is_some() || get("GITHUB_REPOSITORY").is_some() {
        return Some(HostKind::GitHub);
    }
    get("SYSTEM_COLLECTIONURI")?;
    Some(if is_github(get) { HostKind::GitHub } else { HostKind::AzureDevOps })
}

/// Whether Azure Pipelines builds a repository of GitHub.
fn is_github(get: &dyn Fn(&str) -> Option<String>) -> bool {
    get("BUILD_REPOSITORY_PROVIDER").is_some_and(|provider| provider.starts_with("GitHub"))
}

fn github(get: &dyn Fn(&str) -> Option<String>) -> Found {
    if get("GITHUB_REPOSITORY").is_none() && is_github(get) {
        return Found {
            repository: get("BUILD_REPOSITORY_NAME"),
            number: get("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER").and_then(|number| number.parse().ok()),
            commit: get("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
            base_url: None,
        };
    }
    let event = get("GITHUB_EVENT_PATH").and_then(|path| std::fs::read(path).ok());
    let event: Value = event.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let of_ref = || get("GITHUB_REF")?.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok();
    let (number, commit) = event_pull(&event);
    Found {
        base_url: get("GITHUB_API_URL"),
        repository: get("GITHUB_REPOSITORY"),
        number: number.or_else(of_ref),
        commit,
    }
}

/// The number and the head commit of the pull request that an event is about. `GITHUB_SHA` is not that commit: for a pull
/// request it is a merge that nobody made.
fn event_pull(event: &Value) -> (Option<u64>, Option<String>) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64);
    if let Some(found) = number("/pull_request/number") {
        return (Some(found), text("/pull_request/head/sha"));
    }
    if event.pointer("/issue/pull_request").is_some() {
        return (number("/issue/number"), None);
    }
    // A run for a fork's pull request lists none.
    (number("/workflow_run/pull_requests/0/number"), text("/workflow_run/head_sha"))
}

fn gitlab(get: &dyn Fn(&str) -> Option<String>) -> Found {
    // In a pipeline of the fork, CI_PROJECT_ID is the fork and the merge request is of the other project.
    let merge_request = get("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok());
    let project = if merge_request.is_some() { get("CI_MERGE_REQUEST_PROJECT_ID") } else { None };
    Found {
        base_url: get("CI_API_V4_URL"),
        repository: project.or_else(|| get("CI_PROJECT_ID")).or_else(|| get("CI_PROJECT_PATH")),
        number: merge_request,
        // In a pipeline of merged results CI_COMMIT_SHA is the merge; only there the other variable is set.
        commit: get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| get("CI_COMMIT_SHA")),
    }
}

fn azure(get: &dyn Fn(&str) -> Option<String>) -> Found {
    let repository = get("BUILD_REPOSITORY_ID").or_else(|| get("BUILD_REPOSITORY_NAME"));
    Found {
        base_url: get("SYSTEM_COLLECTIONURI"),
        repository: get("SYSTEM_TEAMPROJECT").zip(repository).map(|(project, name)| format!("{project}/{name}")),
        number: get("SYSTEM_PULLREQUEST_PULLREQUESTID").and_then(|number| number.parse().ok()),
        commit: get("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
    }
}

fn token(kind: HostKind, get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Token>, PlaceError> {
    let own = kind.token_variable();
    let of_own = if kind == HostKind::AzureDevOps { TokenKind::Pipeline } else { TokenKind::Made };
    let mut names = vec![("ENVFIX_TOKEN", TokenKind::Made), (own, of_own)];
    if kind == HostKind::GitLab {
        names.push(("CI_JOB_TOKEN", TokenKind::Job));
    }
    for (name, kind) in names {
        if let Some(value) = get(name) {
            return Token::of_kind(&value, kind).map(Some).ok_or(PlaceError::BadToken(name));
        }
    }
    Ok(None)
}

fn usual_address(kind: HostKind) -> Option<String> {
    match kind {
        HostKind::GitHub => Some("https://api.github.com".to_owned()),
        HostKind::GitLab => Some("https://gitlab.com/api/v4".to_owned()),
        HostKind::AzureDevOps => None,
    }
}

fn check_repository(host: HostKind, repository: &str) -> Result<(), PlaceError> {
    let parts: Vec<&str> = repository.split('/').collect();
    let is_whole = parts.iter().all(|part| !part.trim().is_empty() && *part != "." && *part != "..");
    let (fits, shape) = match host {
        HostKind::GitHub => (parts.len() == 2, "OWNER/NAME"),
        HostKind::GitLab => (parts.len() > 1 || repository.parse::<u64>().is_ok(), "GROUP/NAME, or its number"),
        HostKind::AzureDevOps => (parts.len() == 2, "PROJECT/REPOSITORY"),
    };
    if fits && is_whole && !repository.contains("://") {
        return Ok(());
    }
    let repository = crate::output::one_line(repository).into_owned();
    Err(PlaceError::BadRepository { host, repository, shape })
}

/// The address without user and password, which would go into messages; and without a slash at its end.
fn without_user(address: &str) -> Result<String, PlaceError> {
    let (scheme, rest) = address.trim().split_once("://").ok_or(PlaceError::BadAddress)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if host.is_empty() || !matches!(scheme.as_str(), "http" | "https") || rest.contains(char::is_whitespace) {
        return Err(PlaceError::BadAddress);
    }
    Ok(format!("{scheme}://{host}{}", rest[end..].trim_end_matches('/')))
}

#[cfg(test)]
mod tests;
