//! The grammar: lists, pipelines and simple commands.
//!
//! A recursive descent over bytes that looks ahead a few bytes only and never backtracks. Compound commands are read
//! in `compound`, words and what stands inside them in `lexer`, here-documents in `heredoc`; they share the
//! `Reader` because a word may hold a whole script. Where dash and bash would read a text differently, bash's reading is taken only
//! if the commands and their words are the same in both (`&>` is one redirection here, while dash runs the command
//! in the background); else the text is refused.

use std::sync::Arc;

use super::heredoc::Pending;
use super::{Command, Nesting, Operator, Reading, Redirect, Script, Token};

/// How deeply compound commands, substitutions and `${…}` may stand in each other.
pub(super) const MAX_DEPTH: usize = 100;

/// Why a text is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shell text is not understood at offset {offset}: {message}")]
pub struct ShellError {
    /// Where, in bytes from the beginning of the text.
    pub offset: usize,
    /// What stands there or is missing.
    pub message: String,
}

/// What a reading function answers.
pub(super) type Read<T> = Result<T, ShellError>;

/// Reads a shell text.
///
/// # Errors
/// When the text is no shell text, nests more than a hundred levels deep, or uses a construct that this reader does
/// not know or whose meaning depends on the shell.
pub fn parse(text: &str) -> Result<Script, ShellError> {
    let mut reader = Reader::new(text);
    if let Some(offset) = memchr::memchr2(0, b'\r', text.as_bytes()) {
        return Err(reader.error_at(offset, "a NUL byte or a carriage return"));
    }
    reader.list()?;
    if reader.at < reader.end {
        return Err(reader.unexpected());
    }
    if !reader.pending.is_empty() {
        return Err(reader.error("a here-document without a body"));
    }
    // A list that grows takes room for four, and most scripts are one command: of a million of them that is a gigabyte.
    let Reader { mut commands, mut tokens, .. } = reader;
    commands.shrink_to_fit();
    tokens.shrink_to_fit();
    Ok(Script { commands, tokens })
}

/// Reserved words that end a list where a command could begin.
const CLOSERS: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];
/// Reserved words that begin a compound command.
pub(super) const OPENERS: [&str; 11] =
    ["{", "if", "for", "while", "until", "case", "select", "function", "[[", "!", "coproc"];

/// A reader's state: the place in the text and what was found so far.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    /// The offset of the next byte.
    pub(super) at: usize,
    /// Where reading stops: the end of the text, or of the backquotes or here-document that is read.
    pub(super) end: usize,
    /// How deeply the place is nested.
    pub(super) depth: usize,
    /// In how many words the place stands: tokens are those at 0.
    pub(super) in_words: usize,
    pub(super) commands: Vec<Command>,
    pub(super) tokens: Vec<Token>,
    pub(super) nesting: Vec<Nesting>,
    /// Here-documents whose bodies begin behind the next newline.
    pub(super) pending: Vec<Pending>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            end: text.len(),
            depth: 0,
            in_words: 0,
            commands: Vec::new(),
            tokens: Vec::new(),
            nesting: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn error_at(&self, offset: usize, message: impl Into<String>) -> ShellError {
        ShellError { offset, message: message.into() }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ShellError {
        self.error_at(self.at, message)
    }

    pub(super) fn unexpected(&self) -> ShellError {
        let rest = self.text.get(self.at..self.end).unwrap_or("");
        let seen: String = rest.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
        match (rest.is_empty(), seen.is_empty()) {
            (true, _) => self.error("the text ends too early"),
            (_, true) => self.error("a line ends too early"),
            _ => self.error(format!("`{seen}` is not expected here")),
        }
    }

    /// The byte `ahead` of the place, 0 behind the end.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        let offset = self.at + ahead;
        if offset < self.end { self.bytes.get(offset).copied().unwrap_or(0) } else { 0 }
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        self.bytes.get(self.at..self.end).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    /// Notes the text from `start` to the place as a token, unless it stands inside a word.
    pub(super) fn token_from(&mut self, start: usize) {
        if self.in_words == 0 && start < self.at {
            let text = self.text.get(start..self.at).unwrap_or("").to_owned();
            self.tokens.push(Token { text, range: start..self.at });
        }
    }

    /// Reads `length` bytes as a token of their own.
    pub(super) fn take(&mut self, length: usize) -> Read<()> {
        let start = self.at;
        self.at += length;
        // An operator that goes on behind an escaped newline would be another one.
        if self.looking_at("\\\n") && b"&|;<>()".contains(&self.peek(2)) {
            return Err(self.error("an operator that is split over two lines"));
        }
        self.token_from(start);
        Ok(())
    }

    /// Runs `read` one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Runs `read` one level deeper, inside `nesting`.
    pub(super) fn inside<T>(&mut self, nesting: Nesting, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.deeper(|reader| {
            reader.nesting.push(nesting);
            let result = read(reader);
            reader.nesting.pop();
            result
        })
    }

    /// The reserved word at the place, if it is one of `words` and stands alone.
    pub(super) fn reserved(&self, words: &[&'static str]) -> Read<Option<&'static str>> {
        let Some(found) = words.iter().copied().find(|word| self.looking_at(word) && self.ends_word(word.len())) else {
            return Ok(None);
        };
        if self.bytes.get(self.at + found.len()..self.end).is_some_and(|rest| rest.starts_with(b"\\\n")) {
            return Err(self.error("a reserved word that is split over two lines"));
        }
        Ok(Some(found))
    }

    /// Whether the word at the place ends `length` bytes on (an escaped newline counts: its caller refuses it).
    pub(super) fn ends_word(&self, length: usize) -> bool {
        self.at + length >= self.end
            || matches!(self.peek(length), b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
            || (self.peek(length) == b'\\' && self.peek(length + 1) == b'\n')
    }

    pub(super) fn expect_word(&mut self, word: &'static str) -> Read<()> {
        self.blanks();
        if self.reserved(&[word])?.is_none() {
            return Err(self.error(format!("`{word}` is missing")));
        }
        self.take(word.len())
    }

    pub(super) fn expect(&mut self, operator: &str) -> Read<()> {
        self.blanks();
        if !self.looking_at(operator) {
            return Err(self.error(format!("`{operator}` is missing")));
        }
        self.take(operator.len())
    }

    /// Skips blanks, comments and newlines, and reads the here-documents behind those.
    pub(super) fn linebreak(&mut self) -> Read<bool> {
        let mut any = false;
        loop {
            self.blanks();
            if self.peek(0) != b'\n' {
                return Ok(any);
            }
            any = true;
            self.newline()?;
        }
    }

    fn at_list_end(&self) -> Read<bool> {
        Ok(self.at >= self.end
            || self.peek(0) == b')'
            || self.looking_at(";;")
            || self.looking_at(";&")
            || self.reserved(&CLOSERS)?.is_some())
    }

    /// Reads commands up to whatever cannot belong to the list; answers whether there was any.
    pub(super) fn list(&mut self) -> Read<bool> {
        let mut before = None;
        let mut negated = false;
        let mut any = false;
        self.linebreak()?;
        loop {
            let must_follow = matches!(before, Some(Operator::And | Operator::Or | Operator::Pipe));
            if self.at_list_end()? {
                return if must_follow { Err(self.unexpected()) } else { Ok(any) };
            }
            if before != Some(Operator::Pipe) {
                negated = self.negation()?;
            }
            let command = self.command()?;
            any = true;
            self.blanks();
            let after = self.list_operator()?;
            if let Some(command) = command.and_then(|index| self.commands.get_mut(index)) {
                (command.before, command.after, command.negated) = (before, after, negated);
            }
            if after.is_none() {
                return if self.at_list_end()? { Ok(any) } else { Err(self.unexpected()) };
            }
            before = after;
            self.linebreak()?;
        }
    }

    fn negation(&mut self) -> Read<bool> {
        if self.reserved(&["!"])?.is_none() {
            return Ok(false);
        }
        self.take(1)?;
        self.blanks();
        if self.at_list_end()? { Err(self.unexpected()) } else { Ok(true) }
    }

    fn list_operator(&mut self) -> Read<Option<Operator>> {
        let (operator, length) = match (self.peek(0), self.peek(1)) {
            (b'&', b'&') => (Operator::And, 2),
            (b'&', _) => (Operator::Background, 1),
            (b'|', b'|') => (Operator::Or, 2),
            (b'|', b'&') => (Operator::Pipe, 2),
            (b'|', _) => (Operator::Pipe, 1),
            (b';', b';' | b'&') => return Ok(None),
            (b';', _) => (Operator::Semicolon, 1),
            (b'\n', _) => {
                self.newline()?;
                return Ok(Some(Operator::Newline));
            }
            _ => return Ok(None),
        };
        self.take(length)?;
        Ok(Some(operator))
    }

    /// Reads a command; answers its index where it is a simple one.
    pub(super) fn command(&mut self) -> Read<Option<usize>> {
        if self.looking_at("((") {
            self.arithmetic_command()?;
        } else if self.peek(0) == b'(' {
            self.subshell()?;
        } else if let Some(word) = self.reserved(&OPENERS)? {
            self.compound(word)?;
        } else if let Some(length) = self.function_name() {
            self.take(length)?;
            self.expect("(")?;
            self.expect(")")?;
            self.function_body()?;
            return Ok(None);
        } else {
            return self.simple().map(Some);
        }
        self.redirections()?;
        Ok(None)
    }

    pub(super) fn redirections(&mut self) -> Read<()> {
        loop {
            self.blanks();
            if self.redirect()?.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads a simple command and answers its index.
    fn simple(&mut self) -> Read<usize> {
        let start = self.at;
        let index = self.commands.len();
        // Its place is taken before its words are read, since those may hold commands.
        self.commands.push(Command {
            assignments: Arc::default(),
            words: Arc::default(),
            redirects: Vec::new(),
            range: start..start,
            nesting: self.nesting.clone(),
            before: None,
            after: None,
            negated: false,
            read: Reading::default(),
        });
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::<Redirect>::new());
        let mut end = start;
        let mut declares = false;
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            } else if !self.at_word() {
                break;
            } else if words.is_empty() && self.assignment_prefix()?.is_some() {
                assignments.push(self.assignment()?);
            } else {
                let word = if declares { self.declared_word()? } else { self.word()? };
                if words.is_empty() {
                    declares = matches!(word.raw.as_str(), "declare" | "typeset" | "export" | "local" | "readonly");
                    self.refuse_split_reserved_word(&word.raw, start)?;
                }
                words.push(word);
            }
            end = self.at;
        }
        if end == start {
            return Err(self.unexpected());
        }
        if let Some(command) = self.commands.get_mut(index) {
            if !assignments.is_empty() {
                command.assignments = assignments.into();
            }
            (command.words, command.redirects) = (words.into(), redirects);
            command.range = start..end;
        }
        Ok(index)
    }

    /// `d\`, newline, `one` is the reserved word `done`: nobody writes that, so it is refused.
    fn refuse_split_reserved_word(&self, raw: &str, offset: usize) -> Read<()> {
        if raw.len() > 40 || !raw.contains("\\\n") {
            return Ok(());
        }
        let joined = raw.replace("\\\n", "");
        if CLOSERS.contains(&joined.as_str()) || OPENERS.contains(&joined.as_str()) || joined.contains('=') {
            return Err(self.error_at(offset, "a word that is split over two lines"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
