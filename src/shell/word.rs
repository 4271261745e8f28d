//! What the shell makes of a word: quotes and escapes removed.

/// Whether a variable's name may begin with the byte.
pub(super) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether a variable's name may hold the byte.
pub(super) fn is_name_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the byte names a special parameter, as in `$?`.
pub(super) fn is_special_parameter(byte: u8) -> bool {
    matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')
}

/// A word without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; where something expands, only up to there.
    pub(crate) text: String,
    /// Whether a variable, a substitution, a brace expansion or a tilde stands in it.
    pub(crate) expands: bool,
    /// Whether a glob stands in it, which the text holds as it is written.
    pub(crate) globs: bool,
}

impl Decoded {
    /// The text, where the word is nothing else.
    pub(crate) fn value(self) -> Option<String> {
        (!self.expands && !self.globs).then_some(self.text)
    }
}

/// Which plain parameters, `$NAME` and `${NAME}`, stay in a decoded text as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// None: they are expansions as others are.
    None,
    /// Those in double quotes, which expand to one word.
    Quoted,
    /// All of them.
    All,
}

/// Removes the quotes of a word that was read.
pub(crate) fn decode(raw: &str) -> Decoded {
    decode_keeping(raw, Keep::None)
}

/// The same, with some parameters left in the text.
pub(crate) fn decode_keeping(raw: &str, keep: Keep) -> Decoded {
    let bytes = raw.as_bytes();
    // Most words are plain.
    let plain = |byte: &u8| !matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`' | b'*' | b'?' | b'[' | b'{');
    if !matches!(bytes.first(), Some(b'~' | b'(' | b'<' | b'>')) && bytes.iter().all(plain) {
        return Decoded { text: raw.to_owned(), ..Decoded::default() };
    }
    let mut out =
        Decoded { expands: matches!(bytes, [b'~' | b'(', ..] | [b'<' | b'>', b'(', ..]), ..Decoded::default() };
    let mut at = 0;
    let mut quoted = false;
    let mut bracket = false;
    // Whether an unquoted `{` is open, and whether what stands in it makes it a brace expansion.
    let (mut brace, mut alternatives) = (false, false);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'\'' if !quoted => {
                let length = memchr::memchr(b'\'', &bytes[at + 1..]).unwrap_or(bytes.len() - at - 1);
                out.text.push_str(raw.get(at + 1..at + 1 + length).unwrap_or(""));
                at += length + 2;
                continue;
            }
            b'"' => quoted = !quoted,
            b'\\' => {
                at += 1;
                if quoted && !matches!(next, b'$' | b'`' | b'"' | b'\\' | b'\n') {
                    out.text.push('\\');
                    continue;
                }
                let escaped = raw.get(at..).and_then(|rest| rest.chars().next());
                at += escaped.map_or(1, char::len_utf8);
                out.text.extend(escaped.filter(|escaped| *escaped != '\n'));
                continue;
            }
            b'$' if (keep == Keep::All || quoted && keep == Keep::Quoted) && is_plain_parameter(&bytes[at..]) => {
                out.text.push('$')
            }
            b'$' if begins_expansion(next, quoted) => out.expands = true,
            b'`' => out.expands = true,
            _ => {
                if !quoted {
                    match byte {
                        b'*' | b'?' => out.globs = true,
                        b'[' => bracket = true,
                        b']' if bracket => out.globs = true,
                        b'{' => (brace, alternatives) = (true, false),
                        b',' => alternatives = true,
                        b'.' if next == b'.' => alternatives = true,
                        b'}' if brace && alternatives => out.expands = true,
                        _ => {}
                    }
                }
                let length = raw.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                out.text.push_str(raw.get(at..at + length).unwrap_or(""));
                at += length;
                continue;
            }
        }
        if out.expands {
            return out;
        }
        at += 1;
    }
    out
}

fn begins_expansion(next: u8, quoted: bool) -> bool {
    is_name_part(next)
        || is_special_parameter(next)
        || matches!(next, b'(' | b'{')
        || (!quoted && matches!(next, b'\'' | b'"'))
}

/// Whether `$NAME` or `${NAME}` begins here.
fn is_plain_parameter(rest: &[u8]) -> bool {
    match rest {
        [_, b'{', rest @ ..] => {
            let name = rest.iter().take_while(|byte| is_name_part(**byte)).count();
            name > 0 && rest.get(name) == Some(&b'}')
        }
        [_, next, ..] => is_name_part(*next) || is_special_parameter(*next),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(raw: &str) -> Option<String> {
        decode(raw).value()
    }

    #[test]
    fn quotes_and_escapes_are_removed() {
        assert_eq!(value(r#"a'b c'"d e"\ f"#).as_deref(), Some("ab cd e f"));
        assert_eq!(value(r#""a\"b\$c\n""#).as_deref(), Some("a\"b$c\\n"));
        assert_eq!(value("a\\\nb").as_deref(), Some("ab"));
        assert_eq!(value("''").as_deref(), Some(""));
        assert_eq!(value("\\ä\"ö\"'ü'").as_deref(), Some("äöü"));
    }

    #[test]
    fn what_expands_has_no_value() {
        for raw in [
            "$A", "a${A}", "\"$A\"", "`a`", "$(a)", "\"`a`\"", "*.whl", "a?", "a[bc]", "{a,b}", "a{1..3}", "~/a",
            "$'a'", "<(a)",
        ] {
            assert_eq!(value(raw), None, "{raw}");
        }
    }

    #[test]
    fn what_only_looks_like_an_expansion_has_one() {
        for raw in ["[", "]", "{}", "{a}", "a$", "a~b", "a,b", "a..b"] {
            assert_eq!(value(raw).as_deref(), Some(raw));
        }
        assert_eq!(value("'$A *'").as_deref(), Some("$A *"));
        assert_eq!(value("\"*\"").as_deref(), Some("*"));
    }

    #[test]
    fn parameters_in_double_quotes_can_be_left_as_they_are() {
        let kept = decode_keeping("\"pip install x==${V} $W\"", Keep::Quoted);
        assert_eq!((kept.text.as_str(), kept.expands), ("pip install x==${V} $W", false));
        assert!(decode_keeping("\"a $(b)\"", Keep::Quoted).expands);
        assert!(decode_keeping("\"a ${b:-c}\"", Keep::Quoted).expands);
        assert!(decode_keeping("$A", Keep::Quoted).expands);
    }
}
