//! The exec form: a JSON list of strings, read exactly as Go's `encoding/json` does, with the place of each item.

use std::ops::Range;

use super::ExecItem;

/// Lists and objects inside each other that Go's decoder follows; beyond, the text is no JSON to it.
const DEEPEST: usize = 10_000;

/// The form of an instruction's arguments.
pub(super) enum Form {
    /// A JSON list of strings.
    Exec(Vec<ExecItem>),
    /// Anything that is no JSON list: a command for the shell, or words.
    Shell,
    /// A JSON list that holds something else than strings, which BuildKit refuses.
    NotStrings,
}

/// Reads the form of the arguments at `range` of `text`.
pub(super) fn read(text: &str, range: Range<usize>) -> Form {
    if !text[range.clone()].starts_with('[') {
        return Form::Shell;
    }
    let mut reader = Reader { text, at: range.start, end: range.end, items: Vec::new(), only_strings: true };
    match reader.document() {
        None => Form::Shell,
        Some(()) if reader.only_strings => Form::Exec(reader.items),
        Some(()) => Form::NotStrings,
    }
}

/// What may come next.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    CommaOrEnd,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    items: Vec<ExecItem>,
    only_strings: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes()[..self.end].get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The whole text as one list; `None` where it is no JSON. Open brackets are a list of their own, so that no
    /// nesting can exhaust the stack.
    fn document(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        let mut expect = Expect::Value;
        loop {
            self.blanks();
            expect = match (expect, self.peek()?) {
                (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') if open.last() == Some(&b'[') => self.close(&mut open),
                (Expect::KeyOrEnd | Expect::CommaOrEnd, b'}') if open.last() == Some(&b'{') => self.close(&mut open),
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    if open.last() == Some(&b'{') { Expect::Key } else { Expect::Value }
                }
                (Expect::Key | Expect::KeyOrEnd, b'"') => {
                    self.string()?;
                    self.blanks();
                    self.take(b':').then_some(Expect::Value)?
                }
                (Expect::Value | Expect::ValueOrEnd, byte @ (b'[' | b'{')) => {
                    self.only_strings &= open.is_empty();
                    open.push(byte);
                    self.at += 1;
                    if open.len() > DEEPEST {
                        return None;
                    }
                    if byte == b'[' { Expect::ValueOrEnd } else { Expect::KeyOrEnd }
                }
                (Expect::Value | Expect::ValueOrEnd, b'"') => {
                    let start = self.at;
                    let value = self.string()?;
                    if open.len() == 1 {
                        self.items.push(ExecItem { value, range: start..self.at });
                    }
                    Expect::CommaOrEnd
                }
                (Expect::Value | Expect::ValueOrEnd, _) => {
                    self.only_strings = false;
                    self.scalar()?;
                    Expect::CommaOrEnd
                }
                _ => return None,
            };
            if open.is_empty() {
                self.blanks();
                return self.peek().is_none().then_some(());
            }
        }
    }

    fn close(&mut self, open: &mut Vec<u8>) -> Expect {
        open.pop();
        self.at += 1;
        Expect::CommaOrEnd
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Option<()> {
        for word in ["true", "false", "null"] {
            if self.text[self.at..self.end].starts_with(word) {
                self.at += word.len();
                return Some(());
            }
        }
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        // A number too large for Go's float64 fails its decoder.
        let value: f64 = self.text[start..self.at].parse().ok()?;
        value.is_finite().then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// A string, from quote to quote, decoded.
    fn string(&mut self) -> Option<String> {
        let mut value = String::new();
        if !self.take(b'"') {
            return None;
        }
        loop {
            let rest = &self.text[self.at..self.end];
            let plain = rest.find(|c: char| matches!(c, '"' | '\\') || c < ' ')?;
            value.push_str(&rest[..plain]);
            self.at += plain;
            if self.take(b'"') {
                return Some(value);
            }
            if !self.take(b'\\') {
                return None;
            }
            let escaped = self.peek()?;
            self.at += 1;
            value.push(match escaped {
                b'"' | b'\\' | b'/' => char::from(escaped),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return None,
            });
        }
    }

    fn four_digits(&mut self) -> Option<u16> {
        let digits = self.text[..self.end].get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }

    /// What follows `\u`; half a surrogate pair becomes U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.four_digits()?;
        if let Some(c) = char::from_u32(u32::from(unit)) {
            return Some(c);
        }
        let back = self.at;
        if self.take(b'\\')
            && self.take(b'u')
            && let Some(second) = self.four_digits()
            && let Some(Ok(c)) = char::decode_utf16([unit, second]).next()
        {
            return Some(c);
        }
        self.at = back;
        Some(char::REPLACEMENT_CHARACTER)
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, read};

    fn items(text: &str) -> Option<Vec<String>> {
        match read(text, 0..text.len()) {
            Form::Exec(items) => {
                for item in &items {
                    let written = &text[item.range.clone()];
                    assert!(written.starts_with('"') && written.ends_with('"'), "{written}");
                }
                Some(items.into_iter().map(|item| item.value).collect())
            }
            _ => None,
        }
    }

    #[test]
    fn a_json_list_of_strings_is_the_exec_form() {
        assert_eq!(items(r#"[ "a" , "b\n\u00e9\ud83d\ude00\ud83d" ]"#).unwrap(), ["a", "b\né😀\u{fffd}"]);
        assert_eq!(items("[]").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_json_is_the_shell_form() {
        for text in
            [r#"["a",]"#, r"['a']", r#"["a"] b"#, r#"["a" "b"]"#, r#"["\x"]"#, "[ -f x ]", "[1e999]", "[01]", "["]
        {
            assert!(matches!(read(text, 0..text.len()), Form::Shell), "{text}");
        }
    }

    #[test]
    fn a_list_of_other_things_is_refused() {
        for text in ["[1]", r#"["a", ["b"]]"#, r#"[{"a": [1, -0.5e3, true, null]}]"#, "[null]"] {
            assert!(matches!(read(text, 0..text.len()), Form::NotStrings), "{text}");
        }
    }

    #[test]
    fn brackets_without_end_do_not_exhaust_the_stack() {
        let text = "[".repeat(1_000_000);
        assert!(matches!(read(&text, 0..text.len()), Form::Shell));
    }
}
