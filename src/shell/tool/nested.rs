//! Shell texts that are handed to another shell.

use super::super::word::{Keep, decode_keeping};
use super::super::{Command, Word};
use super::said;
use super::wrapper::Call;

/// The text that a command hands to a shell: `sh -c "…"`, `bash -lc '…'`, `su USER -c "…"`, `eval "…"`.
///
/// It is there for looking at what runs; its offsets are not the file's, so nothing in it can be edited. `None` where
/// more than plain parameters in double quotes expands in it; those are left as they are written.
#[must_use]
pub fn nested(command: &Command) -> Option<String> {
    let call = Call::of(command);
    let words = command.words.get(call.program + 1..)?;
    match call.name()? {
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => decoded(shell_text(words)?),
        "su" | "runuser" => {
            let at = words.iter().position(|word| matches!(word.text(), "-c" | "--command" | "-lc"))?;
            decoded(words.get(at + 1)?)
        }
        "eval" => {
            let parts: Option<Vec<_>> = words.iter().map(decoded).collect();
            parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" "))
        }
        _ => None,
    }
}

/// The word behind the options, if `-c` is one of them.
fn shell_text(words: &[Word]) -> Option<&Word> {
    let mut reads_text = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = said(word);
        if !text.starts_with(['-', '+']) || text == "-" || text == "--" {
            let word = if text == "--" || text == "-" { words.next()? } else { word };
            return reads_text.then_some(word);
        }
        if text.starts_with("--") {
            if matches!(text.as_ref(), "--rcfile" | "--init-file") {
                words.next();
            }
            continue;
        }
        reads_text |= text.starts_with('-') && text.contains('c');
        // `-o pipefail`, `-euo pipefail`, `-O extglob`.
        if text.contains(['o', 'O']) {
            words.next();
        }
    }
    None
}

fn decoded(word: &Word) -> Option<String> {
    let decoded = decode_keeping(&word.raw, Keep::Quoted);
    (!decoded.expands && !decoded.globs).then_some(decoded.text)
}
