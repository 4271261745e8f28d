//! kaniko.
//!
//! ```text
//! INFO[0003] RUN pip install flask
//! INFO[0003] Running: [/bin/sh -c pip install flask]
//! (output)
//! INFO[0009] Taking snapshot of full filesystem...
//! error building image: error building stage: failed to execute command: waiting for process to exit: exit status 1
//! ```

use super::keyword;

/// What a line of the builder's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark<'a> {
    /// A build begins.
    Begins,
    /// A stage begins.
    Stage(&'a str),
    /// A step begins.
    Step(&'a str),
    /// The command of the step runs.
    Running(&'a str),
    /// A step is taken from the cache.
    Cached(&'a str),
    /// The step is done.
    Snapshot,
    /// The image is being pushed.
    Pushing,
    /// Something that no program printed.
    Other,
}

/// Reads a line, where it is the builder's: `INFO[0003] …`, or `time="…" level=info msg="…"`. The second value tells
/// whether only kaniko writes this line.
pub(in super::super) fn mark(text: &[u8]) -> Option<(Mark<'_>, bool)> {
    let message = match text.first()? {
        b'I' | b'W' | b'E' | b'D' => {
            let (level, rest) = text.split_at_checked(5)?;
            let level = matches!(level, b"INFO[" | b"WARN[" | b"ERRO[" | b"DEBU[");
            let digits = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
            if !level || digits < 4 {
                return None;
            }
            rest[digits..].strip_prefix(b"] ")?
        }
        b't' => {
            let rest = text.strip_prefix(b"time=\"")?;
            let at = memchr::memmem::find(rest.get(..100.min(rest.len()))?, b"level=info msg=")?;
            let rest = &rest[at + 15..];
            rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(rest)
        }
        _ => return None,
    };
    let message = std::str::from_utf8(message).ok()?.trim();
    let starts = |what: &[&str]| what.iter().any(|what| message.starts_with(what));
    if starts(&["Resolved base name ", "Retrieving image manifest ", "Using dockerignore file"]) {
        return Some((Mark::Begins, true));
    }
    if let Some(rest) = message.strip_prefix("Building stage '") {
        return Some((Mark::Stage(rest.split('\'').next().unwrap_or(rest)), true));
    }
    if let Some(rest) = message.strip_prefix("Using caching version of cmd: ") {
        return Some((Mark::Cached(rest), true));
    }
    if let Some(command) = message.strip_prefix("Running: [") {
        return Some((Mark::Running(command.strip_suffix(']').unwrap_or(command)), true));
    }
    if starts(&["Taking snapshot of ", "No files changed in this command", "No files were changed"]) {
        return Some((Mark::Snapshot, true));
    }
    if starts(&["Pushing image to ", "Pushed "]) {
        return Some((Mark::Pushing, true));
    }
    if keyword(message).is_some_and(|keyword| message.starts_with(keyword)) {
        return Some((Mark::Step(message), true));
    }
    let kanikos = ["Unpacking rootfs ", "Cmd: ", "Args: [", "Executing 0 build triggers", "Skipping unpacking"];
    Some((Mark::Other, starts(&kanikos)))
}
