//! buildah and podman.
//!
//! ```text
//! [1/2] STEP 3/9: RUN pip install flask
//! (output)
//! --> e63abc0f369a
//! Error: building at STEP "RUN pip install flask": while running runtime: exit status 1
//! ```

use super::{fraction, keyword};

/// What a line of the builder's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark<'a> {
    /// A step begins.
    Step { stage: Option<&'a str>, number: (u32, Option<u32>), instruction: &'a str },
    /// It was taken from the cache.
    Cached,
    /// It made a layer: it is done.
    Layer,
    /// All steps are done and the image is written.
    Commit,
}

/// Reads a line, where it is the builder's.
pub(in super::super) fn mark(text: &[u8]) -> Option<Mark<'_>> {
    match text.first()? {
        b'S' | b'[' => step(text),
        b'-' => {
            let rest = text.strip_prefix(b"--> ")?;
            if rest.starts_with(b"Using cache") {
                return Some(Mark::Cached);
            }
            (rest.len() >= 11 && rest.iter().all(u8::is_ascii_hexdigit)).then_some(Mark::Layer)
        }
        b'C' => (text == b"COMMIT" || text.starts_with(b"COMMIT ")).then_some(Mark::Commit),
        _ => None,
    }
}

fn step(text: &[u8]) -> Option<Mark<'_>> {
    let text = std::str::from_utf8(text).ok()?;
    let (stage, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (stage, rest) = rest.split_once("] ")?;
            fraction(stage).filter(|(_, rest)| rest.is_empty())?;
            (Some(stage), rest)
        }
        None => (None, text),
    };
    if stage.is_some() && rest.starts_with("COMMIT") {
        return Some(Mark::Commit);
    }
    let (number, rest) = fraction(rest.strip_prefix("STEP ")?)?;
    let instruction = rest.strip_prefix(": ")?.trim();
    keyword(instruction)?;
    Some(Mark::Step { stage, number, instruction })
}
