//! The patterns of `${X#p}`, `${X%p}` and `${X/p/r}`: `*` for any text, `?` for one character, a backslash before what
//! means itself.

/// The longest value and pattern that are matched: their product bounds the time.
const LONGEST_VALUE: usize = 4096;
const LONGEST_PATTERN: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Text,
    One,
    Exactly(char),
}

/// The tokens of a pattern; `None` for one that Docker refuses.
fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Text,
            '?' => Token::One,
            // In `${…}` a `}` or `/` has to be escaped; the backslash is no part of the pattern.
            '\\' if matches!(chars.peek(), Some('}' | '/')) => continue,
            '\\' => Token::Exactly(chars.next().filter(|c| matches!(c, '*' | '?' | '\\'))?),
            c => Token::Exactly(c),
        });
    }
    Some(tokens)
}

/// How many characters of `value` the pattern takes from its start: as few or as many as it can.
fn taken(value: &[char], pattern: &[Token], longest: bool) -> Option<usize> {
    // `reach[i]`: the first `i` tokens can take what has been read so far.
    let mut reach = vec![false; pattern.len() + 1];
    reach[0] = true;
    let mut found = None;
    for read in 0..=value.len() {
        for (at, token) in pattern.iter().enumerate() {
            reach[at + 1] |= reach[at] && *token == Token::Text;
        }
        if reach[pattern.len()] {
            found = Some(read);
            if !longest {
                break;
            }
        }
        let Some(c) = value.get(read) else { break };
        for (at, token) in pattern.iter().enumerate().rev() {
            let step = reach[at] && (*token == Token::One || *token == Token::Exactly(*c));
            reach[at + 1] = step || (reach[at + 1] && *token == Token::Text);
        }
        reach[0] = false;
    }
    found
}

fn fits(value: &str, pattern: &str) -> bool {
    value.len() <= LONGEST_VALUE && pattern.len() <= LONGEST_PATTERN
}

/// `value` without the shortest or longest start that the pattern matches; `None` for a pattern that Docker refuses
/// or that is too long to follow.
pub(super) fn without_prefix(value: &str, pattern: &str, longest: bool) -> Option<String> {
    let pattern = tokens(pattern).filter(|_| fits(value, pattern))?;
    let chars: Vec<char> = value.chars().collect();
    Some(chars[taken(&chars, &pattern, longest).unwrap_or(0)..].iter().collect())
}

/// `value` without the shortest or longest end that the pattern matches.
pub(super) fn without_suffix(value: &str, pattern: &str, longest: bool) -> Option<String> {
    let mut pattern = tokens(pattern).filter(|_| fits(value, pattern))?;
    pattern.reverse();
    let chars: Vec<char> = value.chars().rev().collect();
    Some(chars[taken(&chars, &pattern, longest).unwrap_or(0)..].iter().rev().collect())
}

/// `value` with the first match, or all, replaced; the match is as long as it can be. A pattern that can match nothing
/// and a replacement with `$` or a backslash have meanings of Go's regular expressions and are not followed.
pub(super) fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> Option<String> {
    let pattern = tokens(pattern).filter(|_| fits(value, pattern))?;
    if pattern.iter().all(|token| *token == Token::Text) || replacement.contains(['$', '\\']) {
        return None;
    }
    let chars: Vec<char> = value.chars().collect();
    let mut result = String::new();
    let mut at = 0;
    // Every try may look at the whole rest; a value that would take too many is not followed.
    let mut tries = LONGEST_VALUE;
    while at < chars.len() {
        tries = tries.checked_sub(1 + chars.len() / 64)?;
        match taken(&chars[at..], &pattern, true) {
            Some(length) if length > 0 => {
                result.push_str(replacement);
                at += length;
                if !all {
                    break;
                }
            }
            _ => {
                result.push(chars[at]);
                at += 1;
            }
        }
    }
    result.extend(&chars[at..]);
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_or_longest_match_is_taken() {
        assert_eq!(without_prefix("a.b.c", "*.", false).as_deref(), Some("b.c"));
        assert_eq!(without_prefix("a.b.c", "*.", true).as_deref(), Some("c"));
        assert_eq!(without_suffix("a.b.c", ".*", false).as_deref(), Some("a.b"));
        assert_eq!(without_suffix("a.b.c", ".*", true).as_deref(), Some("a"));
        assert_eq!(without_prefix("äb", "?", false).as_deref(), Some("b"));
        assert_eq!(without_prefix("abc", "x", true).as_deref(), Some("abc"));
        assert_eq!(without_suffix("a*b*", "\\*", false).as_deref(), Some("a*b"));
        assert_eq!(without_prefix("a", "\\a", false), None);
    }

    #[test]
    fn one_match_or_all_are_replaced() {
        assert_eq!(replace("a-b-c", "-", "_", false).as_deref(), Some("a_b-c"));
        assert_eq!(replace("a-b-c", "-", "_", true).as_deref(), Some("a_b_c"));
        assert_eq!(replace("a-b-c", "b*", "", true).as_deref(), Some("a-"));
        assert_eq!(replace("a/b", "\\/", ".", true).as_deref(), Some("a.b"));
        assert_eq!(replace("a", "*", "", true), None);
    }
}
