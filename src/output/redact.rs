//! Takes credentials out of what is printed.
//!
//! For report lines, never for diffs, which have to apply. What is replaced by `***`: the user and password of a URL
//! (not a `git@` of SSH, which is no secret, and not variables such as `${TOKEN}`), the token in a conda channel's
//! `/t/TOKEN/`, and the values of `token=`, `password=`, `sig=` and their like, in a query or on their own.

use std::borrow::Cow;

const STARS: &str = "***";

/// The text with its credentials replaced by `***`. Redacting twice changes nothing more.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = Redacted { text, out: String::new(), copied: 0 };
    let mut word = Word::default();
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b':', b'=', bytes.get(from..).unwrap_or_default()).map(|at| from + at) {
        from = at + 1;
        if bytes[at] == b'=' {
            if let Some(end) = secret_value(text, at) {
                out.replace(at + 1, end);
                from = end;
            }
        } else if text[at..].starts_with("://") {
            from = at + 3;
            word.reach(bytes, from);
            if let Some(end) = user_information(text, at, &word) {
                if !is_kept(text, at, &text[from..end]) {
                    out.replace(from, end);
                }
                from = end;
            }
            if let Some((start, end)) = conda_token(text, from, word.end) {
                out.replace(start, end);
                from = end;
            }
        }
    }
    out.finish()
}

/// The text so far, not copied as long as nothing was replaced.
struct Redacted<'a> {
    text: &'a str,
    out: String,
    copied: usize,
}

impl<'a> Redacted<'a> {
    fn replace(&mut self, start: usize, end: usize) {
        if start >= self.copied && &self.text[start..end] != STARS {
            self.out.push_str(&self.text[self.copied..start]);
            self.out.push_str(STARS);
            self.copied = end;
        }
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.copied == 0 {
            return Cow::Borrowed(self.text);
        }
        self.out.push_str(&self.text[self.copied..]);
        Cow::Owned(self.out)
    }
}

/// Where the word that holds a URL ends and its last `@` stands, kept so that every byte is looked at once.
#[derive(Default)]
struct Word {
    end: usize,
    last_at: Option<usize>,
}

impl Word {
    fn reach(&mut self, bytes: &[u8], from: usize) {
        if from < self.end {
            return;
        }
        let rest = bytes.get(from..).unwrap_or_default();
        self.end = from + rest.iter().position(|byte| ends_word(*byte)).unwrap_or(rest.len());
        self.last_at = memchr::memrchr(b'@', &bytes[from..self.end]).map(|at| from + at);
    }
}

fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'|')
}

/// Where the user and password of the URL whose `://` stands at `colon` end, if it has any.
fn user_information(text: &str, colon: usize, word: &Word) -> Option<usize> {
    let start = colon + 3;
    let last_at = word.last_at.filter(|at| *at >= start)?;
    let authority_end = text[start..word.end].find(['/', '?', '#']).map_or(word.end, |at| start + at);
    let authority = &text[start..authority_end];
    if let Some(at) = authority.rfind('@') {
        return Some(start + at);
    }
    // `user:pass/word@host`: a port has digits only, so what stands there is a password that nobody encoded.
    let port = authority.rsplit_once(':').filter(|_| !authority.starts_with('['))?.1;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) || is_variable(port);
    (!is_port && !is_image(scheme(text, colon))).then_some(last_at)
}

/// Whether the part before `@` tells no secret.
fn is_kept(text: &str, colon: usize, user: &str) -> bool {
    let scheme = scheme(text, colon);
    // A user that only says where: an account without its password, the container of an Azure storage account.
    let is_place = scheme.ends_with("ssh") || matches!(scheme, "wasb" | "wasbs" | "abfs" | "abfss");
    is_image(scheme)
        || (is_place && !user.contains(':'))
        || user == "git"
        || user.splitn(2, ':').all(|part| part.is_empty() || is_variable(part))
}

/// Whether an image reference follows, such as `docker://image:tag@sha256:…`, in which `@` ends no user.
fn is_image(scheme: &str) -> bool {
    matches!(scheme, "docker" | "oci" | "docker-image" | "docker-daemon")
}

fn scheme(text: &str, colon: usize) -> &str {
    let before = &text.as_bytes()[..colon];
    // No scheme is longer; the limit keeps a line of colons linear.
    let letters = before.iter().rev().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    &text[colon - letters.count()..colon]
}

/// A reference to a variable: `$NAME`, `${NAME}`, `%NAME%`. One with a default (`${NAME:-secret}`) tells the default.
fn is_variable(text: &str) -> bool {
    let name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let inside = |open: &str, close: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inside("${", "}").or_else(|| inside("%", "%")).or_else(|| text.strip_prefix('$')).is_some_and(name)
}

/// The token of a conda channel, `host/t/TOKEN/channel`, in the URL whose host begins at `start`.
fn conda_token(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let rest = text.get(start..end)?;
    let path = rest.find(['/', '?', '#'])?;
    let token = start + path + "/t/".len();
    if !rest[path..].starts_with("/t/") {
        return None;
    }
    let length = text[token..end].find(['/', '?', '#']).unwrap_or(end - token);
    let value = &text[token..token + length];
    (!value.is_empty() && !is_variable(value)).then_some((token, token + length))
}

/// Where the value after the `=` at `equals` ends, if the name before it says that it is a secret.
fn secret_value(text: &str, equals: usize) -> Option<usize> {
    const LONGEST: usize = 64;
    let bytes = text.as_bytes();
    // `==` is a comparison of versions, `token+=` and the like are code.
    if bytes.get(equals + 1) == Some(&b'=') {
        return None;
    }
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = bytes[..equals].iter().rev().take(LONGEST + 1).take_while(is_name).count();
    let name = text.get(equals - length..equals).filter(|name| !name.is_empty() && name.len() <= LONGEST)?;
    let in_query = equals.checked_sub(length + 1).is_some_and(|at| matches!(bytes[at], b'?' | b'&' | b';'));
    if !is_secret_name(name, in_query) {
        return None;
    }
    let rest = bytes.get(equals + 1..)?;
    // A quoted value ends at its quote, any other at what ends a word or a parameter.
    let (skip, length) = match rest.first() {
        Some(quote @ (b'"' | b'\'')) => (1, memchr::memchr2(*quote, b'\n', &rest[1..]).unwrap_or(rest.len() - 1)),
        _ => (0, rest.iter().position(|byte| ends_word(*byte) || b"&;#),]".contains(byte)).unwrap_or(rest.len())),
    };
    let (start, end) = (equals + 1 + skip, equals + 1 + skip + length);
    let value = text.get(start..end)?;
    // The quote is redacted with the value, which keeps the caller's one range simple and tells nothing.
    let end = if skip == 1 && bytes.get(end) == rest.first() { end + 1 } else { end };
    // Debian's package `passwd` at a version, and the output of a command.
    let is_version = name == "passwd" && value.contains('.') && value.starts_with(|c: char| c.is_ascii_digit());
    let is_kept = value.is_empty() || is_variable(value) || value.starts_with("$(") || is_version;
    (!is_kept).then_some(end)
}

/// Whether a value under this name is a secret. A query has short names that elsewhere mean something else.
fn is_secret_name(name: &str, in_query: bool) -> bool {
    const ENDINGS: [&str; 11] = [
        "token",
        "password",
        "passwd",
        "passphrase",
        "secret",
        "apikey",
        "accesskey",
        "accountkey",
        "signature",
        "secretkey",
        "credential",
    ];
    const IN_QUERY: [&str; 6] = ["sig", "pwd", "pass", "auth", "key", "code"];
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect();
    // `PublicKeyToken=` names an assembly of Windows.
    (!plain.starts_with("public") && ENDINGS.iter().any(|ending| plain.ends_with(ending)))
        || (in_query && IN_QUERY.contains(&plain.as_str()))
        || name == "_auth"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(text: &str, expected: &str) {
        assert_eq!(redact(text), expected);
        assert_eq!(redact(expected), expected, "a second time");
    }

    fn stays(text: &str) {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text} became {}", redact(text));
    }

    #[test]
    fn users_and_passwords_of_urls_are_replaced() {
        becomes("--index-url https://user:token@host/simple x", "--index-url https://***@host/simple x");
        becomes("https://ghp_abc@github.com/a/b.git", "https://***@github.com/a/b.git");
        becomes("https://token:x-oauth-basic@host", "https://***@host");
        becomes("pkg @ git+https://u:p@host/a.git@v1", "pkg @ git+https://***@host/a.git@v1");
        becomes("https://u:p@ss@host/", "https://***@host/");
        becomes("'https://u:p@a' \"ftp://u:q@b\"", "'https://***@a' \"ftp://***@b\"");
        becomes("https://${USER}:secret@host", "https://***@host");
        becomes("https://${USER:-me}:${TOKEN:-secret}@host", "https://***@host");
        becomes("https://user:****@host", "https://***@host");
        becomes("ssh://me:secret@host/x", "ssh://***@host/x");
        becomes("https://jürgen:ö@host/ä", "https://***@host/ä");
    }

    #[test]
    fn a_password_with_a_slash_is_replaced_too() {
        becomes("https://user:pa/ss@host/simple", "https://***@host/simple");
        stays("https://host:8080/simple/@v1");
        stays("http://host:${PORT}/@v1");
        stays("http://[::1]/a@b");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "no URL at all: a=b, c@d",
            "https://pypi.example/simple",
            "git+ssh://git@github.com/a/b.git",
            "ssh://deploy@host/a",
            "https://git@github.com/a/b",
            "https://${USER}:${TOKEN}@host/simple",
            "https://$TOKEN@host",
            "https://:%TOKEN%@host",
            "https://host/a@v1.2#egg=token",
            "docker://python:3.8@sha256:0123",
            "docker://python:3.8/x@sha256:0123",
            "token==1.0",
            "tokenizers=0.13",
            "sig=abc is not a query, key=value neither",
            "password= and token=$TOKEN and secret=${SECRET}",
            "RUN --mount=type=secret,id=token",
            "https://host/?a=b&c=d",
            "wasbs://container@account.blob.core.windows.net/folder",
            "apt-get install passwd=1:4.8.1-1ubuntu5 -y",
            "PublicKeyToken=31bf3856ad364e35",
            "export TOKEN=$(cat /run/secrets/token)",
        ] {
            stays(text);
        }
    }

    #[test]
    fn secrets_in_queries_are_replaced() {
        becomes("https://h/c/b?sv=2020&sig=ab%2Fc%3D&se=1", "https://h/c/b?sv=2020&sig=***&se=1");
        becomes("https://h/?token=abc#x", "https://h/?token=***#x");
        becomes("https://h/?a=b&X-Amz-Signature=0af&password=p", "https://h/?a=b&X-Amz-Signature=***&password=***");
        becomes("https://u:p@h/?access_token=abc", "https://***@h/?access_token=***");
        stays("https://h/?token=${TOKEN}&sig=$SIG");
    }

    #[test]
    fn secrets_by_their_names_are_replaced() {
        becomes("--build-arg PIP_TOKEN=abc --x", "--build-arg PIP_TOKEN=*** --x");
        becomes("ENV PASSWORD=\"a b\" C=d", "ENV PASSWORD=*** C=d");
        becomes("AccountName=x;AccountKey=abc==;Endpoint=y", "AccountName=x;AccountKey=***;Endpoint=y");
        becomes("ENV SECRET='open\nnext", "ENV SECRET=***\nnext");
    }

    #[test]
    fn the_token_in_a_conda_channel_is_replaced() {
        becomes("https://conda.example/t/ab-123/main/linux-64", "https://conda.example/t/***/main/linux-64");
        becomes("https://u:p@conda.example/t/ab-123", "https://***@conda.example/t/***");
        stays("https://conda.example/t/$TOKEN/main");
        stays("https://conda.example/channel/t/main");
    }

    #[test]
    fn the_time_grows_with_the_length_only() {
        for piece in
            ["://", "a://b:c/", "://@", "token=", "a=", "a://b:c@", "x", ":", "https://h/t/", "token=\"", "?sig='"]
        {
            let text = piece.repeat(2_000_000 / piece.len());
            let start = std::time::Instant::now();
            let once = redact(&text).into_owned();
            assert!(start.elapsed().as_secs() < 5, "{piece}: {:?}", start.elapsed());
            assert!(once.len() <= text.len() * 2);
        }
    }
}
