//! An answer of the host: its JSON, and what its headers say of further pages, of limits and of waiting.

use std::time::Duration;

use serde_json::Value;
use ureq::http::HeaderMap;

/// How long is waited where GitHub's secondary limit names no time: what its documentation asks for.
const SECONDARY: Duration = Duration::from_secs(60);

/// An answer.
pub(in crate::review) struct Answer {
    pub status: u16,
    /// The JSON; null where there is none.
    pub body: Value,
    /// The beginning of the text, where it is no JSON.
    pub text: Option<String>,
    headers: HeaderMap,
}

impl Answer {
    pub(super) fn new(status: u16, headers: HeaderMap, bytes: &[u8]) -> Self {
        let (body, text) = match serde_json::from_slice(bytes) {
            Ok(body) => (body, None),
            Err(_) if bytes.iter().all(u8::is_ascii_whitespace) => (Value::Null, None),
            Err(_) => (Value::Null, Some(String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).into_owned())),
        };
        Self { status, body, text, headers }
    }

    /// What a dry run takes as the answer.
    pub(super) fn pretended(body: Value) -> Self {
        Self { status: 200, body, text: None, headers: HeaderMap::new() }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// What the host says went wrong: GitHub's `message` and `errors`, GitLab's `message` or `error`, Azure's `message`,
    /// or the text as it is.
    pub fn said(&self) -> String {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut parts: Vec<String> = ["message", "error", "error_description", "errors"]
            .iter()
            .filter_map(|key| self.body.get(key))
            .filter(|value| !value.is_null())
            .map(|value| match value {
                Value::Array(items) => {
                    items.iter().map(|item| plain(item.get("message").unwrap_or(item))).collect::<Vec<_>>().join(", ")
                }
                other => plain(other),
            })
            .filter(|part| !part.is_empty())
            .collect();
        parts.dedup();
        match (&self.text, parts.is_empty()) {
            (Some(text), _) => text.clone(),
            (None, true) if self.body.is_null() => "no text".to_owned(),
            (None, true) => self.body.to_string(),
            (None, false) => parts.join(": "),
        }
    }

    /// The seconds of `Retry-After`. A date, which these hosts do not send, is as none.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// How long to wait, where the host refused the request only because there were too many.
    pub(super) fn limit(&self, now: u64, back_off: Duration) -> Option<Duration> {
        let spent = |name| self.header(name).is_some_and(|left| left.trim() == "0");
        let is_spent = spent("x-ratelimit-remaining") || spent("ratelimit-remaining");
        let until_reset = || {
            let reset = self.header("x-ratelimit-reset").or_else(|| self.header("ratelimit-reset"))?;
            let reset: u64 = reset.trim().parse().ok()?;
            // One second more: the host's clock and ours differ.
            Some(Duration::from_secs(reset.saturating_sub(now) + 1))
        };
        let secondary = || self.said().contains("secondary rate limit").then_some(SECONDARY);
        match self.status {
            429 => self.retry_after().or_else(until_reset).or_else(secondary).or(Some(back_off)),
            403 if self.header("retry-after").is_some() => self.retry_after().or(Some(back_off)),
            403 if is_spent => until_reset().or(Some(SECONDARY)),
            403 => secondary(),
            _ => None,
        }
    }
}

/// The address that a `Link` header names as the next page (RFC 8288).
pub(in crate::review) fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(open) = rest.find('<') {
        let close = open + rest[open..].find('>')?;
        let address = &rest[open + 1..close];
        let parameters = &rest[close + 1..];
        // A comma within an address is within its brackets; the parameters end at the next link's bracket.
        let end = parameters.find('<').unwrap_or(parameters.len());
        let is_next = parameters[..end].trim_end_matches([',', ' ']).split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(address.to_owned());
        }
        rest = &parameters[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_header_names_the_next_page() {
        let header = "<https://h/x?page=1>; rel=\"prev\", <https://h/x?a=1,2&page=3>; rel=\"next\", <https://h/x?page=9>; rel=\"last\"";
        assert_eq!(next_link(header).as_deref(), Some("https://h/x?a=1,2&page=3"));
        assert_eq!(next_link("<https://h/x?page=1>; rel=\"first\", <https://h/x?page=9>; rel=\"last\""), None);
        assert_eq!(next_link("<https://h/2>; title=\"a; b\"; REL=next").as_deref(), Some("https://h/2"));
        assert_eq!(next_link("<https://h/2>; rel=\"last next\"").as_deref(), Some("https://h/2"));
        assert_eq!(next_link("<https://h/2; rel=\"next\""), None);
        assert_eq!(next_link(""), None);
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, ureq::http::HeaderValue::from_static(value));
        }
        Answer::new(status, map, body.as_bytes())
    }

    #[test]
    fn a_limit_says_how_long_to_wait() {
        let back_off = Duration::from_secs(2);
        let seconds =
            |status, headers, body| answer(status, headers, body).limit(1000, back_off).map(|time| time.as_secs());
        assert_eq!(seconds(429, &[("retry-after", "7")], ""), Some(7));
        assert_eq!(seconds(429, &[("ratelimit-reset", "1010")], ""), Some(11));
        assert_eq!(seconds(429, &[], ""), Some(2));
        assert_eq!(seconds(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")], ""), Some(31));
        assert_eq!(seconds(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")], ""), Some(1));
        assert_eq!(seconds(403, &[("retry-after", "3")], ""), Some(3));
        assert_eq!(seconds(403, &[], r#"{"message": "You have exceeded a secondary rate limit"}"#), Some(60));
        assert_eq!(seconds(403, &[("x-ratelimit-remaining", "4")], r#"{"message": "Not accessible"}"#), None);
        assert_eq!(seconds(200, &[("x-ratelimit-remaining", "0")], ""), None);
    }

    #[test]
    fn what_each_host_says_is_found() {
        let said = |body: &str| answer(422, &[], body).said();
        assert_eq!(
            said(r#"{"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}"#),
            "Unprocessable Entity: Line could not be resolved"
        );
        assert_eq!(
            said(r#"{"message": "Validation Failed", "errors": [{"message": "x", "code": "custom"}]}"#),
            "Validation Failed: x"
        );
        assert_eq!(said(r#"{"message": {"line_code": ["can't be blank"]}}"#), r#"{"line_code":["can't be blank"]}"#);
        assert_eq!(said(r#"{"error": "insufficient_scope", "error_description": "more"}"#), "insufficient_scope: more");
        assert_eq!(said("<html>gateway</html>"), "<html>gateway</html>");
        assert_eq!(said(""), "no text");
    }
}
