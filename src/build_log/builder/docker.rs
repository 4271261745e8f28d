//! Docker's builder of old.
//!
//! ```text
//! Step 3/9 : RUN pip install flask
//!  ---> Running in 4ac41a51e812
//! (output)
//! Removing intermediate container 4ac41a51e812
//!  ---> e63abc0f369a
//! The command '/bin/sh -c pip install flask' returned a non-zero code: 1
//! ```

use super::{fraction, keyword};

/// What a line of the builder's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark<'a> {
    /// A build begins.
    Context,
    /// A step begins.
    Step { number: (u32, Option<u32>), instruction: &'a str },
    /// Its container begins to run.
    Running,
    /// It was taken from the cache.
    Cached,
    /// It made a layer: it is done.
    Layer,
    /// Its container goes.
    Removing,
    /// Instructions run that the base image brought along.
    Triggers,
    /// The build is done.
    Built,
}

/// Reads a line, where it is the builder's.
pub(in super::super) fn mark(text: &[u8]) -> Option<Mark<'_>> {
    match text.first()? {
        b'S' if text.starts_with(b"Step ") => step(text),
        b'S' if text.starts_with(b"Sending build context to Docker daemon") => Some(Mark::Context),
        b'S' => {
            if text.starts_with(b"Successfully tagged ") {
                return Some(Mark::Built);
            }
            // pip says `Successfully built numpy`.
            let image = text.strip_prefix(b"Successfully built ")?;
            (image.len() >= 12 && image.iter().all(u8::is_ascii_hexdigit)).then_some(Mark::Built)
        }
        b' ' => {
            let rest = text.strip_prefix(b" ---> ")?;
            if rest == b"Using cache" {
                Some(Mark::Cached)
            } else if rest.starts_with(b"Running in ") || rest.starts_with(b"[Warning]") {
                Some(Mark::Running)
            } else {
                is_hash(rest.strip_prefix(b"sha256:").unwrap_or(rest)).then_some(Mark::Layer)
            }
        }
        b'R' => is_hash(text.strip_prefix(b"Removing intermediate container ")?).then_some(Mark::Removing),
        b'#' => (text.starts_with(b"# Executing ") && text.ends_with(b"...")
            || text.starts_with(b"# Executing ") && memchr::memmem::find(text, b"build trigger").is_some())
        .then_some(Mark::Triggers),
        _ => None,
    }
}

fn is_hash(text: &[u8]) -> bool {
    text.len() >= 12 && text.iter().all(u8::is_ascii_hexdigit)
}

fn step(text: &[u8]) -> Option<Mark<'_>> {
    let text = std::str::from_utf8(text.strip_prefix(b"Step ")?).ok()?;
    let (number, rest) = fraction(text)?;
    let instruction = rest.strip_prefix(" : ")?.trim();
    keyword(instruction)?;
    Some(Mark::Step { number, instruction })
}

/// The command in `The command '…' returned a non-zero code: 1`, and where that message begins. A program that ends
/// without a newline leaves its last words before it.
pub(in super::super) fn command(text: &[u8], returned: usize) -> (usize, Option<&[u8]>) {
    let before = &text[..returned.min(text.len())];
    let find = |what: &[u8]| memchr::memmem::find(before, what);
    if let Some(at) = find(b"The command '") {
        return (at, before.get(at + 13..).map(<[u8]>::trim_ascii_end).and_then(|rest| rest.strip_suffix(b"'")));
    }
    match find(b"The command [") {
        Some(at) => (at, before.get(at + 13..).map(<[u8]>::trim_ascii_end).and_then(|rest| rest.strip_suffix(b"]"))),
        None => (0, None),
    }
}

/// The instruction of a command that the builder names when it failed.
pub(in super::super) fn instruction(command: &str) -> String {
    let shells = ["/bin/sh -c ", "/bin/bash -c ", "/bin/bash -o pipefail -c ", "cmd /S /C "];
    format!("RUN {}", shells.iter().find_map(|shell| command.strip_prefix(shell)).unwrap_or(command).trim())
}

/// Whether the command may be that of the instruction. The builder prints both from one text, with the same blanks;
/// what is written otherwise (exec form, flags, triggers of the base image) cannot be compared.
pub(in super::super) fn may_run(instruction: &str, command: &str) -> bool {
    let Some((keyword, text)) = instruction.split_once(char::is_whitespace) else { return true };
    let text = text.trim();
    if !keyword.eq_ignore_ascii_case("RUN") || text.starts_with(['[', '-', '<']) {
        return true;
    }
    command.contains(text)
}
