//! The forms in which builders print their steps. Each file reads one line and says what it is; what follows from one
//! line after another is in `reader`.

pub(super) mod buildah;
pub(super) mod buildkit;
pub(super) mod docker;
pub(super) mod kaniko;

use crate::dockerfile::KEYWORDS;

/// The keyword of an instruction, in upper case.
pub(super) fn keyword(instruction: &str) -> Option<&'static str> {
    let word = instruction.split([' ', '\t']).next()?;
    KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(word)).copied()
}

/// The number that the text begins with, and what follows.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(9).take_while(u8::is_ascii_digit).count();
    Some((text.get(..digits)?.parse().ok()?, text.get(digits..)?))
}

/// `3/9` or `3`, and what follows.
fn fraction(text: &str) -> Option<((u32, Option<u32>), &str)> {
    let (at, rest) = number(text)?;
    match rest.strip_prefix('/').and_then(number) {
        Some((of, rest)) => Some(((at, Some(of)), rest)),
        None => Some(((at, None), rest)),
    }
}
