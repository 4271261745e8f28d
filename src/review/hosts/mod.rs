//! The hosts, one file each, and what they share.

mod azure;
mod diff;
mod github;
mod gitlab;

use serde_json::Value;

use super::ci::Place;
use super::host::{Host, HostError, HostKind, MARKER, PullRequest, Review};
use super::http::{Client, Transport};

/// Connects with the host of a place. Nothing is sent yet.
///
/// # Errors
/// [`HostError::NoToken`] where there is none, [`HostError::JobToken`] where it is one that cannot write.
pub fn connect(place: &Place, transport: Transport) -> Result<Box<dyn Host>, HostError> {
    let kind = place.kind;
    let token = place.token.clone().ok_or(HostError::NoToken { host: kind })?;
    if token.is_job_token() {
        return Err(HostError::JobToken { host: kind });
    }
    let mut headers = vec![token.header(kind)];
    match kind {
        HostKind::GitHub => headers.extend(github::headers()),
        _ => headers.push(("accept", "application/json".to_owned())),
    }
    let client = Client::new(kind, &place.base_url, token, headers, transport);
    Ok(match kind {
        HostKind::GitHub => Box::new(github::GitHub::new(client, place)),
        HostKind::GitLab => Box::new(gitlab::GitLab::new(client, place)),
        HostKind::AzureDevOps => Box::new(azure::AzureDevOps::new(client, place)),
    })
}

/// The text of a field, by its JSON pointer; empty where there is none.
fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The text of a field that has to be there.
fn needed(client: &Client, path: &str, value: &Value, pointer: &str) -> Result<String, HostError> {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(client.unexpected(path, &format!("it has no {pointer}"))),
    }
}

/// A field that is a number of a line.
fn line_number(value: &Value, pointer: &str) -> Option<usize> {
    value.pointer(pointer)?.as_u64()?.try_into().ok().filter(|line| *line > 0)
}

/// A field that is a list; empty where there is none.
fn list(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether envfix posted a text.
fn is_marked(body: &str) -> bool {
    body.contains(MARKER)
}

/// Whether the pull request still has the head that the review is about.
fn check_head(now: &PullRequest, review: &Review) -> Result<(), HostError> {
    if now.head == review.commit {
        return Ok(());
    }
    Err(HostError::MovedOn { reviewed: review.commit.clone(), now: Some(now.head.clone()) })
}

/// The id that git gives a file of this content.
fn blob_id(content: &[u8]) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(format!("blob {}\0", content.len()).as_bytes());
    hash.update(content);
    hash.digest().to_string()
}

/// A file's content as the hosts take it.
fn base64(content: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(content)
}

/// Whether two texts differ in nothing but line ends, which hosts keep as CRLF or LF, and blanks at the end.
fn same_text(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_ids_are_git_s() {
        // As `git hash-object` gives them.
        assert_eq!(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
