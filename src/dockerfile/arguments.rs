//! What stands behind an instruction's keyword: flags, exec form, words, pairs.
//!
//! All of it works on the logical line and answers in ranges of it.

use std::ops::Range;

use super::exec_form::{self, Form};
use super::scanner::Problem;
use super::{ExecItem, Flag, Instruction};

/// What is wrong, and where in the logical line.
type Failure = (Range<usize>, Problem);

/// Keyword, flags and arguments of a line.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The first word.
    pub keyword: Range<usize>,
    /// The words behind it that begin with `--`.
    pub flags: Vec<Flag>,
    /// The rest, surrounding blanks left out.
    pub arguments: Range<usize>,
}

impl Head {
    /// The keyword in upper case.
    pub fn keyword(&self, text: &str) -> String {
        text[self.keyword.clone()].to_ascii_uppercase()
    }
}

/// The blanks that part words: Go's `[\t\v\f\r ]`, not every blank of Unicode.
pub(super) const fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ')
}

/// The range without the blanks (of Unicode) around it.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

/// Splits a line, or a part of one, into keyword, flags and arguments.
pub(super) fn split(text: &str, range: Range<usize>) -> Head {
    let range = trim(text, range);
    let line = &text[range.clone()];
    let Some(length) = line.find(is_blank) else {
        return Head { keyword: range.clone(), flags: Vec::new(), arguments: range.end..range.end };
    };
    let keyword = range.start..range.start + length;
    let rest = line[length..].trim_start_matches(is_blank);
    let (flags, arguments) = flags(text, range.end - rest.len()..range.end);
    Head { keyword, flags, arguments: trim(text, arguments) }
}

/// Takes the flags off the front of `range`; gives them and what is left.
///
/// Quotes and backslashes in a flag are resolved, the backslash always being the escape character here; `--` alone
/// ends the flags and is none. (BuildKit reads the bytes of a flag as Latin-1; here a character is a character.)
fn flags(text: &str, range: Range<usize>) -> (Vec<Flag>, Range<usize>) {
    let mut flags = Vec::new();
    let mut at = range.start;
    loop {
        at = range.end - text[at..range.end].trim_start_matches(is_blank).len();
        if !text[at..range.end].starts_with("--") {
            return (flags, at..range.end);
        }
        let (word, end) = flag(text, at..range.end);
        if word == "--" {
            return (flags, end..range.end);
        }
        flags.push(Flag { text: word, range: at..end });
        at = end;
    }
}

/// One flag at the start of `range`, and where it ends.
fn flag(text: &str, range: Range<usize>) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text[range.clone()].char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}') => return (word, range.start + at),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (_, '\\') => word.extend(chars.next().map(|(_, c)| c)),
            (_, c) => word.push(c),
        }
    }
    (word, range.end)
}

/// Checks the arguments as BuildKit's parser does and reads the exec form where the instruction may have one.
pub(super) fn check(text: &str, head: &Head, escape: char) -> Result<Option<Vec<ExecItem>>, Failure> {
    let keyword = head.keyword(text);
    let json = match keyword.as_str() {
        "ADD" | "CMD" | "COPY" | "ENTRYPOINT" | "RUN" | "SHELL" | "VOLUME" => head.arguments.clone(),
        "HEALTHCHECK" => behind_first_word(text, head.arguments.clone()),
        "ENV" | "LABEL" => return check_pairs(text, head, keyword, escape).map(|()| None),
        _ => return Ok(None),
    };
    match exec_form::read(text, json.clone()) {
        Form::Exec(items) => Ok(Some(items)),
        Form::Shell => Ok(None),
        Form::NotStrings => Err((json, Problem::NotStrings { keyword })),
    }
}

/// What follows the `CMD` of a `HEALTHCHECK`.
fn behind_first_word(text: &str, range: Range<usize>) -> Range<usize> {
    // BuildKit reads the bytes as Latin-1 here, where 0x85 and 0xA0 are blanks.
    let blank = |byte: &u8| is_blank(char::from(*byte)) || matches!(*byte, b'\n' | 0x85 | 0xA0);
    let bytes = &text.as_bytes()[range.clone()];
    let word = bytes.iter().take_while(|byte| !blank(byte)).count();
    let blanks = bytes[word..].iter().take_while(|byte| blank(byte)).count();
    let start = range.start + word + blanks;
    // Inside a character no exec form begins.
    if word > 0 && text.is_char_boundary(start) { start..range.end } else { range.end..range.end }
}

fn check_pairs(text: &str, head: &Head, keyword: String, escape: char) -> Result<(), Failure> {
    let mut words = Words::new(text, head.arguments.clone(), escape);
    let Some(first) = words.next() else { return Ok(()) };
    if !text[first].contains('=') {
        let arguments = &text[head.arguments.clone()];
        let problem = Problem::MissingValue { keyword };
        return if arguments.contains(is_blank) { Ok(()) } else { Err((head.arguments.clone(), problem)) };
    }
    match words.find(|word| !text[word.clone()].contains('=')) {
        Some(word) => Err((word.clone(), Problem::MissingEquals { word: text[word].to_owned() })),
        None => Ok(()),
    }
}

/// Keyword, flags and arguments of a deferred instruction, and its exec form.
pub(super) type Deferred = (Head, Option<Vec<ExecItem>>);

/// The instruction that an `ONBUILD` defers.
///
/// `ONBUILD ONBUILD …` is read by the parser and refused later; only the first level is kept, the deeper ones are
/// checked as BuildKit does.
pub(super) fn deferred(text: &str, outer: &Head, escape: char) -> Result<Option<Deferred>, Failure> {
    let mut first = None;
    let mut rest = outer.arguments.clone();
    while !rest.is_empty() {
        let head = split(text, rest);
        let exec = check(text, &head, escape)?;
        let again = head.keyword(text) == "ONBUILD";
        rest = head.arguments.clone();
        first.get_or_insert((head, exec));
        if !again {
            break;
        }
    }
    Ok(first)
}

/// The words of `ENV`, `LABEL` and `ARG`: parted by blanks outside quotes; quotes and escapes stay in them.
pub(super) struct Words<'a> {
    text: &'a str,
    rest: Range<usize>,
    escape: char,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, range: Range<usize>, escape: char) -> Self {
        Self { text, rest: range, escape }
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text[self.rest.clone()].trim_start();
        let start = self.rest.end - rest.len();
        let mut quote = None;
        let mut chars = rest.char_indices();
        // An escape character at the very end of the line belongs to no word.
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            if c == self.escape && quote != Some('\'') {
                if chars.next().is_none() {
                    end = at;
                }
            } else if let Some(open) = quote {
                if c == open {
                    quote = None;
                }
            } else if c.is_whitespace() {
                end = at;
                break;
            } else if matches!(c, '\'' | '"') {
                quote = Some(c);
            }
        }
        let word = start..start + end;
        self.rest.start = if rest[end..].starts_with(self.escape) { self.rest.end } else { word.end };
        (!word.is_empty()).then_some(word)
    }
}

/// A name, and what `ENV`, `ARG` or `LABEL` sets it to. Texts are as written, quotes and escapes in them; what they
/// stand for tells [`super::variables::expand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value; `ARG NAME` has none.
    pub value: Option<String>,
    /// Where the pair stands in the logical text.
    pub range: Range<usize>,
    /// Where the value stands in the logical text.
    pub value_range: Option<Range<usize>>,
}

impl Instruction {
    /// The pairs of an `ENV`, `ARG` or `LABEL`: `NAME=value …`, `NAME …` for `ARG`, or the old form `NAME value`
    /// of the other two, whose value is the whole rest of the line. Empty for every other instruction.
    /// `escape` is [`super::Dockerfile::escape`].
    #[must_use]
    pub fn pairs(&self, escape: char) -> Vec<Pair> {
        if !matches!(self.keyword.as_str(), "ENV" | "ARG" | "LABEL") {
            return Vec::new();
        }
        let text = self.logical.text.as_str();
        let pair = |range: Range<usize>, name: usize, value: Option<usize>| Pair {
            name: text[range.start..name].to_owned(),
            value: value.map(|start| text[start..range.end].to_owned()),
            value_range: value.map(|start| start..range.end),
            range,
        };
        let mut words = Words::new(text, self.arguments.clone(), escape).peekable();
        let old = words.peek().is_some_and(|word| !text[word.clone()].contains('='));
        if old && self.keyword != "ARG" {
            let range = self.arguments.clone();
            let name = text[range.clone()].find(is_blank).map_or(range.end, |at| range.start + at);
            let value = range.end - text[name..range.end].trim_start_matches(is_blank).len();
            return vec![pair(range, name, Some(value))];
        }
        words
            .map(|word| match text[word.clone()].find('=') {
                Some(at) => pair(word.clone(), word.start + at, Some(word.start + at + 1)),
                None => pair(word.clone(), word.end, None),
            })
            .collect()
    }

    /// Where the words of the arguments stand in the logical text: parted at blanks, whatever quotes say. This is how
    /// `FROM`, `EXPOSE` and the shell form of `COPY`, `ADD` and `VOLUME` are read.
    pub fn words(&self) -> impl Iterator<Item = Range<usize>> {
        let text = self.logical.text.as_str();
        let mut at = self.arguments.start;
        let end = self.arguments.end;
        std::iter::from_fn(move || {
            let start = end - text[at..end].trim_start_matches(is_blank).len();
            at = text[start..end].find(is_blank).map_or(end, |length| start + length);
            (start < at).then_some(start..at)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::dockerfile::{Instruction, parse};
    use crate::source::Source;

    fn first(text: &str) -> Instruction {
        parse(&Source::from_text("Dockerfile", text)).unwrap().instructions.remove(0)
    }

    fn pairs(text: &str) -> Vec<(String, Option<String>)> {
        let instruction = first(text);
        let pairs = instruction.pairs('\\');
        for pair in &pairs {
            assert_eq!(pair.value_range.clone().map(|range| &instruction.logical.text[range]), pair.value.as_deref());
            assert!(instruction.logical.text[pair.range.clone()].starts_with(&pair.name));
        }
        pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
    }

    fn pair(name: &str, value: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn pairs_keep_their_quotes_and_escapes() {
        assert_eq!(
            pairs("ENV A=1 B=\"x y\"  C=a\\ b D='\\' E="),
            [pair("A", "1"), pair("B", "\"x y\""), pair("C", "a\\ b"), pair("D", "'\\'"), pair("E", "")]
        );
    }

    #[test]
    fn the_old_form_takes_the_whole_line() {
        assert_eq!(pairs("ENV A some = value"), [pair("A", "some = value")]);
        assert_eq!(pairs("LABEL \"a\" \\\n b"), [pair("\"a\"", "b")]);
    }

    #[test]
    fn an_arg_may_have_no_value() {
        assert_eq!(pairs("ARG A B=2 C"), [("A".into(), None), pair("B", "2"), ("C".into(), None)]);
        assert_eq!(pairs("RUN A=1"), []);
    }

    #[test]
    fn flags_are_read_with_quotes_and_two_dashes_end_them() {
        let instruction = first("RUN --mount='type=cache, x' --a\\ b -- --c d");
        let flags: Vec<_> = instruction.flags.iter().map(|flag| flag.text.as_str()).collect();
        assert_eq!(flags, ["--mount=type=cache, x", "--a b"]);
        assert_eq!(&instruction.logical.text[instruction.flags[0].range.clone()], "--mount='type=cache, x'");
        assert_eq!(instruction.arguments_text(), "--c d");
    }

    #[test]
    fn a_flag_that_is_never_closed_takes_the_line() {
        let instruction = first("RUN --mount='a b");
        assert_eq!((instruction.flags[0].text.as_str(), instruction.arguments_text()), ("--mount=a b", ""));
    }
}
