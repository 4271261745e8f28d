//! Which texts a pattern cannot do without.
//!
//! A hundred patterns over every line of a long log are slow; one search for the texts that they need is not. From a
//! pattern such as `No matching distribution found for (?P<spec>\S+)` the text before the group is taken: a line
//! without it need not be shown to the pattern.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A text that a match holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Literal {
    /// Its bytes; ASCII letters in lower case where case does not matter.
    pub bytes: Vec<u8>,
    /// Whether case matters.
    pub exact: bool,
}

/// The most texts of which one pattern may need any.
const MOST: usize = 64;
/// A shorter text is in too many lines to be of use.
const SHORTEST: usize = 2;

/// Texts of which every match of the pattern holds at least one; `None` where there are none that are of use.
pub(super) fn required(pattern: &Hir) -> Option<Vec<Literal>> {
    any_of(pattern).filter(|texts| shortest(texts) >= SHORTEST)
}

// The parser limits how deeply patterns are nested, and so the recursion.
fn any_of(pattern: &Hir) -> Option<Vec<Literal>> {
    match pattern.kind() {
        HirKind::Capture(capture) => any_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => any_of(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut texts = Vec::new();
            for branch in branches {
                texts.extend(any_of(branch)?);
            }
            (texts.len() <= MOST).then_some(texts)
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<Literal>> = None;
            let mut run = Literal { bytes: Vec::new(), exact: true };
            for part in parts {
                if matches!(part.kind(), HirKind::Look(_)) {
                    continue;
                }
                if let Some(text) = text_of(part) {
                    run.bytes.extend(text.bytes);
                    run.exact &= text.exact;
                    continue;
                }
                let ended = std::mem::replace(&mut run, Literal { bytes: Vec::new(), exact: true });
                best = better(best, Some(vec![ended]));
                best = better(best, any_of(part));
            }
            better(best, Some(vec![run]))
        }
        _ => text_of(pattern).map(|text| vec![text]),
    }
}

/// The one text that the pattern matches, if it matches only one.
fn text_of(pattern: &Hir) -> Option<Literal> {
    match pattern.kind() {
        HirKind::Literal(literal) => Some(Literal { bytes: literal.0.to_vec(), exact: true }),
        HirKind::Capture(capture) => text_of(&capture.sub),
        HirKind::Class(class) => {
            let letter = letter(class)?;
            Some(Literal { bytes: vec![letter], exact: false })
        }
        HirKind::Concat(parts) => {
            let mut whole = Literal { bytes: Vec::new(), exact: true };
            for part in parts {
                let text = text_of(part)?;
                whole.bytes.extend(text.bytes);
                whole.exact &= text.exact;
            }
            Some(whole)
        }
        _ => None,
    }
}

/// The letter of a class that holds it in both cases and nothing else.
fn letter(class: &Class) -> Option<u8> {
    let (upper, lower) = match class {
        Class::Unicode(class) => match class.ranges() {
            [a, b] if a.start() == a.end() && b.start() == b.end() => {
                (u8::try_from(a.start()).ok()?, u8::try_from(b.start()).ok()?)
            }
            _ => return None,
        },
        Class::Bytes(class) => match class.ranges() {
            [a, b] if a.start() == a.end() && b.start() == b.end() => (a.start(), b.start()),
            _ => return None,
        },
    };
    (upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower).then_some(lower)
}

fn better(one: Option<Vec<Literal>>, other: Option<Vec<Literal>>) -> Option<Vec<Literal>> {
    // Beyond a dozen bytes a longer text finds no fewer lines.
    let worth = |texts: &Option<Vec<Literal>>| {
        texts.as_ref().map_or((0, 0), |texts| (shortest(texts).min(12), MOST - texts.len()))
    };
    if worth(&other) > worth(&one) { other } else { one }
}

fn shortest(texts: &[Literal]) -> usize {
    texts.iter().map(|text| text.bytes.len()).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Literal, required};

    fn of(pattern: &str) -> Option<Vec<(String, bool)>> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        required(&hir).map(|texts| {
            texts.into_iter().map(|Literal { bytes, exact }| (String::from_utf8(bytes).unwrap(), exact)).collect()
        })
    }

    fn texts(pattern: &str) -> Vec<String> {
        of(pattern).unwrap().into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn the_longest_text_that_every_match_holds_is_taken() {
        assert_eq!(texts("No matching distribution found for (?P<spec>\\S+)"), ["No matching distribution found for "]);
        assert_eq!(texts("^E: Unable to locate package (\\S+)$"), ["E: Unable to locate package "]);
        assert_eq!(texts("(?:abc)+ [0-9]+ abcdef"), [" abcdef"]);
        assert_eq!(texts("foo\\b bar"), ["foo bar"]);
    }

    #[test]
    fn of_alternatives_all_are_taken() {
        assert_eq!(texts("^(ReadTimeout|ProxyError)\\d"), ["ReadTimeout", "ProxyError"]);
        assert_eq!(texts("(a.b|ProxyError) at the end"), [" at the end"]);
    }

    #[test]
    fn a_text_in_either_case_is_taken_in_lower_case() {
        assert_eq!(of("(?i)Killed\\d").unwrap(), [("killed".to_owned(), false)]);
        assert_eq!(of("a(?i:B) c").unwrap(), [("ab c".to_owned(), false)]);
    }

    #[test]
    fn a_pattern_without_a_text_needs_none() {
        for pattern in ["\\d+", "a?b*", "(abc|\\d)", "[ab]", "x", ""] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }
}
