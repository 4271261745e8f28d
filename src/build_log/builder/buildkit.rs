//! BuildKit, in its plain form and in the one for terminals.
//!
//! ```text
//! #7 [stage-name 3/9] RUN pip install flask        [+] Building 12.3s (5/9)
//! #7 12.34 (output)                                 => [stage-name 3/9] RUN pip install flask   10.2s
//! #7 ERROR: process "…" did not complete …          => => # (output)
//! ```
//!
//! Source: `util/progress/progressui` of BuildKit. The plain form numbers the vertices of the build; lines of several
//! are interleaved. The other draws all of them again whenever something changes. Both end in a block `------` with the
//! last lines of what failed.

use super::fraction;

/// What stands behind `#7 `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Plain<'a> {
    /// Another vertex comes in between.
    Paused,
    Done,
    Cached,
    Cancelled,
    /// It failed, and why.
    Failed(&'a [u8]),
    /// A program's line.
    Output(&'a [u8]),
    /// The digest of the vertex.
    Digest,
    /// The name of the vertex, or something that the builder does for it.
    Name(&'a [u8]),
}

impl Plain<'_> {
    /// Whether the line is BuildKit's whatever came before.
    pub fn is_certain(&self) -> bool {
        match self {
            Plain::Output(_) | Plain::Failed(_) | Plain::Done => true,
            Plain::Name(name) => is_bracketed(name),
            _ => false,
        }
    }
}

/// Reads `#7 …`.
pub(in super::super) fn plain(text: &[u8]) -> Option<(u32, Plain<'_>)> {
    let rest = text.strip_prefix(b"#")?;
    let digits = rest.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
    let id = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(b" ")?;
    let what = match rest {
        b"..." => Plain::Paused,
        b"CACHED" => Plain::Cached,
        b"CANCELED" => Plain::Cancelled,
        _ if rest.starts_with(b"DONE ") => Plain::Done,
        _ if rest.starts_with(b"sha256:") => Plain::Digest,
        _ if rest.starts_with(b"ERROR: ") || rest.starts_with(b"ERROR ") => Plain::Failed(rest[6..].trim_ascii_start()),
        _ => match seconds(rest) {
            Some(output) => Plain::Output(output),
            None => old(rest.trim_ascii_start()),
        },
    };
    Some((id, what))
}

/// The first BuildKit in Docker described a vertex in several lines: `#7         name: "[3/9] RUN …"`.
fn old(rest: &[u8]) -> Plain<'_> {
    let value = |field: &[u8]| rest.strip_prefix(field).map(<[u8]>::trim_ascii_start);
    let unquoted = |text: &'_ [u8]| text.len() > 1 && text.starts_with(b"\"") && text.ends_with(b"\"");
    if let Some(name) = value(b"name: ").filter(|name| unquoted(name)) {
        return Plain::Name(&name[1..name.len() - 1]);
    }
    if let Some(error) = value(b"error: ").filter(|error| unquoted(error)) {
        return Plain::Failed(&error[1..error.len() - 1]);
    }
    if value(b"digest: ").is_some_and(|digest| digest.starts_with(b"sha256:")) {
        return Plain::Digest;
    }
    Plain::Name(rest)
}

/// What follows a number of seconds such as `12.34 `.
pub(in super::super) fn seconds(text: &[u8]) -> Option<&[u8]> {
    let whole = text.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text[whole..].strip_prefix(b".").filter(|_| whole > 0)?;
    let part = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &rest[part..];
    match rest.first() {
        None if part > 1 => Some(rest),
        Some(b' ') if part > 0 => Some(&rest[1..]),
        _ => None,
    }
}

/// The name of a vertex, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Name {
    pub stage: Option<String>,
    pub number: Option<(u32, Option<u32>)>,
    pub instruction: String,
    pub cut: bool,
}

/// Takes `[stage-name 3/9] RUN …` apart.
pub(in super::super) fn name(text: &[u8]) -> Name {
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    // Names of more than 72 bytes are shortened where the printer is told to.
    let cut = text.len() >= 72 && text.ends_with("...");
    let plain = || Name { stage: None, number: None, instruction: text.to_owned(), cut };
    let Some((inside, instruction)) = text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return plain();
    };
    let words: Vec<&str> = inside.split_whitespace().collect();
    let Some(last) = words.last() else { return plain() };
    let instruction = instruction.trim().to_owned();
    match fraction(last) {
        Some((number @ (_, Some(_)), "")) => {
            // Before the stage may stand the service, and the platform with its slash.
            let stage = words.iter().rev().skip(1).find(|word| !word.contains('/')).map(|word| (*word).to_owned());
            Name { stage, number: Some(number), instruction, cut }
        }
        _ => Name { stage: Some((*last).to_owned()), number: None, instruction, cut },
    }
}

fn is_bracketed(text: &[u8]) -> bool {
    text.starts_with(b"[") && memchr::memmem::find(text.get(..80.min(text.len())).unwrap_or_default(), b"] ").is_some()
}

/// A line of the form for terminals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Drawn<'a> {
    /// `[+] Building 12.3s (5/9)`: everything is drawn again.
    Header { seconds: f64, finished: bool },
    /// A vertex.
    Vertex { state: State, name: &'a [u8], cut: bool },
    /// A program's line, of the vertex above.
    Output(&'a [u8]),
    /// Something that the builder does for the vertex above.
    Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum State {
    Open,
    Failed,
    Cached,
    Cancelled,
}

/// Reads ` => …` or `[+] Building …`.
pub(in super::super) fn drawn(text: &[u8]) -> Option<Drawn<'_>> {
    if let Some(rest) = text.strip_prefix(b"[+] Building ") {
        let length = rest.iter().take(12).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        let seconds = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
        return Some(Drawn::Header { seconds, finished: memchr::memmem::find(rest, b"FINISHED").is_some() });
    }
    let rest = text.strip_prefix(b" => ").or_else(|| text.strip_prefix(b"=> "))?;
    if let Some(rest) = rest.strip_prefix(b"=> ") {
        return Some(rest.strip_prefix(b"# ").map_or(Drawn::Status, Drawn::Output));
    }
    let (state, rest) = [("ERROR ", State::Failed), ("CACHED ", State::Cached), ("CANCELED ", State::Cancelled)]
        .iter()
        .find_map(|(word, state)| Some((*state, rest.strip_prefix(word.as_bytes())?)))
        .unwrap_or((State::Open, rest));
    let (name, cut) = untimed(rest);
    (!name.is_empty()).then_some(Drawn::Vertex { state, name, cut })
}

/// The name before the time at the right edge, and whether the edge cut it: then almost no blanks are between.
fn untimed(text: &[u8]) -> (&[u8], bool) {
    let text = text.trim_ascii_end();
    let Some(before) = text.strip_suffix(b"s") else { return (text, false) };
    let digits = before.iter().rev().take(10).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let before = &before[..before.len() - digits];
    let name = before.trim_ascii_end();
    let gap = before.len() - name.len();
    if digits < 3 || gap == 0 { (text, false) } else { (name, gap <= 2) }
}

/// The line of an excerpt, and whether it is the one that failed: `  12 | >>> RUN …`.
pub(in super::super) fn excerpt(text: &[u8]) -> Option<(u32, bool)> {
    let text = std::str::from_utf8(text).ok()?.trim_start();
    let (number, rest) = super::number(text)?;
    let rest = rest.strip_prefix(" |")?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (number, rest.starts_with(" >>>")))
}

/// `Dockerfile:12`, the head of an excerpt.
pub(in super::super) fn excerpt_head(text: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', text) else { return false };
    let (file, line) = (&text[..colon], &text[colon + 1..]);
    !line.is_empty() && line.iter().all(u8::is_ascii_digit) && !file.is_empty() && !file.contains(&b' ')
}

/// A rule of dashes.
pub(in super::super) fn is_rule(text: &[u8]) -> bool {
    text.len() >= 6 && text.iter().all(|byte| *byte == b'-')
}
