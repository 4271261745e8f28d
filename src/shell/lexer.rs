//! Words, assignments, redirections, and the expansions that may stand in them.

use super::heredoc::Pending;
use super::parser::{Read, Reader};
use super::word::{self, decode};
use super::{Assignment, Nesting, Redirect, Word};

/// Redirection operators, longer ones before those they begin with.
const REDIRECTS: [&str; 12] = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">"];

impl Reader<'_> {
    /// Skips blanks, escaped newlines, and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'#' => {
                    let rest = self.bytes.get(self.at..self.end).unwrap_or(&[]);
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Whether a word begins at the place, blanks skipped.
    pub(super) fn at_word(&self) -> bool {
        match self.peek(0) {
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' => false,
            b'<' | b'>' => self.peek(1) == b'(',
            _ => self.at < self.end,
        }
    }

    fn word_from(&mut self, start: usize) -> Word {
        self.token_from(start);
        let raw = self.text.get(start..self.at).unwrap_or("").to_owned();
        Word { value: decode(&raw).value(), raw, range: start..self.at }
    }

    /// Reads a word; there must be one.
    pub(super) fn word(&mut self) -> Read<Word> {
        let start = self.at;
        self.word_text(false)?;
        Ok(self.word_from(start))
    }

    /// A word behind `declare` and its like, where `NAME=( … )` is one.
    pub(super) fn declared_word(&mut self) -> Read<Word> {
        let start = self.at;
        if let Some((_, behind)) = self.assignment_prefix()? {
            self.at = behind;
            self.assigned_value()?;
        } else {
            self.word_text(false)?;
        }
        Ok(self.word_from(start))
    }

    /// Moves to the end of the word at the place, which may be empty only if `empty` allows it.
    fn word_text(&mut self, empty: bool) -> Read<()> {
        let start = self.at;
        self.in_words += 1;
        if matches!(self.peek(0), b'<' | b'>') && self.peek(1) == b'(' {
            self.at += 1;
            self.substitution()?;
            if self.at_word() {
                return Err(self.error("a word that goes on behind a process substitution"));
            }
        } else {
            self.word_parts()?;
        }
        self.in_words -= 1;
        if self.at == start && !empty { Err(self.unexpected()) } else { Ok(()) }
    }

    fn word_parts(&mut self) -> Read<()> {
        while self.at < self.end {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => return Ok(()),
                b'(' => return Err(self.error("`(` inside a word")),
                b'<' | b'>' if self.peek(1) == b'(' => {
                    return Err(self.error("a process substitution inside a word"));
                }
                b'<' | b'>' => return Ok(()),
                b'\\' => self.escape()?,
                b'\'' => self.single_quotes()?,
                b'"' => self.double_quotes()?,
                b'$' => self.dollar(false)?,
                b'`' => self.backquotes(false)?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// A backslash and the character behind it.
    fn escape(&mut self) -> Read<()> {
        let Some(escaped) = self.text.get(self.at + 1..self.end).and_then(|rest| rest.chars().next()) else {
            return Err(self.error("a backslash at the end"));
        };
        self.at += 1 + escaped.len_utf8();
        Ok(())
    }

    fn single_quotes(&mut self) -> Read<()> {
        let rest = self.bytes.get(self.at + 1..self.end).unwrap_or(&[]);
        let Some(length) = memchr::memchr(b'\'', rest) else {
            return Err(self.error("a single quote that is not closed"));
        };
        self.at += length + 2;
        Ok(())
    }

    fn double_quotes(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 1;
        while self.at < self.end {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                b'$' => self.dollar(true)?,
                b'`' => self.backquotes(true)?,
                _ => self.at += 1,
            }
        }
        Err(self.error_at(start, "a double quote that is not closed"))
    }

    /// `$` and what it begins, if anything.
    pub(super) fn dollar(&mut self, quoted: bool) -> Read<()> {
        match self.peek(1) {
            b'(' if self.peek(2) == b'(' => {
                self.at += 3;
                self.deeper(Self::arithmetic)
            }
            b'(' => {
                self.at += 1;
                self.substitution()
            }
            b'{' => self.deeper(|reader| reader.parameter(quoted)),
            b'\'' if !quoted => self.ansi_quotes(),
            b'[' => Err(self.error("`$[`, which shells read differently")),
            b'\\' if self.peek(2) == b'\n' => Err(self.error("an expansion that is split over two lines")),
            byte if word::is_name_start(byte) => {
                self.at += 1;
                while word::is_name_part(self.peek(0)) {
                    self.at += 1;
                }
                Ok(())
            }
            byte => {
                self.at += if word::is_special_parameter(byte) || byte.is_ascii_digit() { 2 } else { 1 };
                Ok(())
            }
        }
    }

    /// `$'…'`: refused where an escaped quote would end it for a shell that does not know it.
    fn ansi_quotes(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 2;
        while self.at < self.end {
            match self.peek(0) {
                b'\'' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' if self.peek(1) == b'\'' => {
                    return Err(self.error("an escaped quote in `$'…'`, which shells read differently"));
                }
                b'\\' => self.escape()?,
                _ => self.at += 1,
            }
        }
        Err(self.error_at(start, "a quote that is not closed"))
    }

    /// `( … )` behind `$`, `<` or `>`.
    fn substitution(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 1;
        let pending = std::mem::take(&mut self.pending);
        self.in_words += 1;
        self.inside(Nesting::Substitution, Self::list)?;
        self.in_words -= 1;
        if self.peek(0) != b')' {
            return Err(if self.at < self.end { self.unexpected() } else { self.error_at(start, "`(` is not closed") });
        }
        self.leave_substitution(pending, start)?;
        self.at += 1;
        Ok(())
    }

    /// Takes up again the here-documents that were open before a substitution.
    fn leave_substitution(&mut self, pending: Vec<Pending>, start: usize) -> Read<()> {
        if !self.pending.is_empty() {
            return Err(self.error("a here-document whose body is not in its substitution"));
        }
        let lines = self.bytes.get(start..self.at).unwrap_or(&[]);
        if !pending.is_empty() && memchr::memchr(b'\n', lines).is_some() {
            return Err(self.error("a newline in a substitution behind a here-document"));
        }
        self.pending = pending;
        Ok(())
    }

    /// `` `…` ``, read in place: refused where its escapes would have to be removed first.
    pub(super) fn backquotes(&mut self, quoted: bool) -> Read<()> {
        let start = self.at;
        let mut close = start + 1;
        loop {
            match self.bytes.get(close) {
                Some(_) if close >= self.end => return Err(self.error("a backquote that is not closed")),
                Some(b'`') => break,
                Some(b'\\') => {
                    let next = self.bytes.get(close + 1).copied().unwrap_or(0);
                    if matches!(next, b'$' | b'`' | b'\\') || (quoted && next == b'"') {
                        return Err(self.error_at(close, "an escape in backquotes"));
                    }
                    close += 1;
                }
                Some(b'"') if quoted => return Err(self.error_at(close, "a quote in quoted backquotes")),
                Some(_) => close += 1,
                None => return Err(self.error("a backquote that is not closed")),
            }
        }
        let end = std::mem::replace(&mut self.end, close);
        let pending = std::mem::take(&mut self.pending);
        self.at += 1;
        self.in_words += 1;
        self.inside(Nesting::Substitution, Self::list)?;
        self.in_words -= 1;
        if self.at < close {
            return Err(self.unexpected());
        }
        self.leave_substitution(pending, start)?;
        self.end = end;
        self.at = close + 1;
        Ok(())
    }

    /// `${…}`.
    fn parameter(&mut self, quoted: bool) -> Read<()> {
        let start = self.at;
        self.at += 2;
        self.parameter_name()?;
        let operator = self.peek(0);
        if operator == b'}' {
            self.at += 1;
            return Ok(());
        }
        if !b":-=?+#%/^,@".contains(&operator) {
            return Err(self.error_at(start, "a parameter expansion that is not known"));
        }
        // `${a:1:2}`: behind a colon that begins no other operator stands an arithmetic expression.
        let next = self.peek(1);
        if operator == b':' && !(word::is_name_part(next) || b"-=?+ $:".contains(&next)) {
            return Err(self.error_at(start, "a substring's offset that is not known"));
        }
        while self.at < self.end {
            match self.peek(0) {
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                b'\'' if quoted => self.quotes_that_may_be_none()?,
                b'\'' => self.single_quotes()?,
                b'"' => self.double_quotes()?,
                b'$' => self.dollar(quoted)?,
                b'`' => self.backquotes(quoted)?,
                b'{' if quoted => return Err(self.error("`{` in a quoted parameter expansion")),
                _ => self.at += 1,
            }
        }
        Err(self.error_at(start, "`${` is not closed"))
    }

    /// What stands between `${` and its operator.
    fn parameter_name(&mut self) -> Read<()> {
        let start = self.at;
        if matches!(self.peek(0), b'#' | b'!') && (word::is_name_start(self.peek(1)) || self.peek(1) == b'@') {
            self.at += 1;
        }
        if word::is_name_start(self.peek(0)) {
            while word::is_name_part(self.peek(0)) {
                self.at += 1;
            }
        } else if self.peek(0).is_ascii_digit() {
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        } else if word::is_special_parameter(self.peek(0)) {
            self.at += 1;
        } else {
            return Err(self.error_at(start, "a parameter expansion that is not known"));
        }
        if self.peek(0) == b'[' {
            while !matches!(self.peek(0), b']' | b'\n' | b'\'' | b'"' | b'}' | b'`' | b'(' | 0) {
                self.at += 1;
            }
            if self.peek(0) != b']' {
                return Err(self.error_at(start, "an index that is not known"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Single quotes in a quoted `${…}` quote or not, depending on the operator and the shell: they are passed where
    /// both readings end at the same place.
    fn quotes_that_may_be_none(&mut self) -> Read<()> {
        let start = self.at;
        self.single_quotes()?;
        let inside = self.bytes.get(start + 1..self.at - 1).unwrap_or(&[]);
        if inside.iter().any(|byte| b"}{\"$`\\\n".contains(byte)) {
            return Err(self.error_at(start, "quotes in a quoted parameter expansion"));
        }
        Ok(())
    }

    /// What stands behind `((`, up to and with `))`.
    pub(super) fn arithmetic(&mut self) -> Read<()> {
        let start = self.at;
        let mut open = 0usize;
        self.in_words += 1;
        while self.at < self.end {
            match self.peek(0) {
                b'(' => {
                    open += 1;
                    self.at += 1;
                }
                b')' if open > 0 => {
                    open -= 1;
                    self.at += 1;
                }
                b')' if self.peek(1) == b')' => {
                    self.at += 2;
                    self.in_words -= 1;
                    return Ok(());
                }
                b')' => return Err(self.error_at(start, "`((` that is no arithmetic")),
                b'$' => self.dollar(true)?,
                b'`' => self.backquotes(true)?,
                b'"' => self.double_quotes()?,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\'' | b'\\' | b'{' | b'}' => return Err(self.error("a character that is not known in arithmetic")),
                _ => self.at += 1,
            }
        }
        Err(self.error_at(start, "`((` is not closed"))
    }

    /// The regular expression behind `=~`.
    pub(super) fn regex(&mut self) -> Read<()> {
        let start = self.at;
        let mut open = 0usize;
        self.in_words += 1;
        while self.at < self.end {
            match self.peek(0) {
                b' ' | b'\t' if open == 0 => break,
                b'\n' | b';' | b'&' | b'<' | b'>' => break,
                b'(' => {
                    open += 1;
                    self.at += 1;
                }
                b')' if open > 0 => {
                    open -= 1;
                    self.at += 1;
                }
                b')' => break,
                b'\\' => self.escape()?,
                b'\'' => self.single_quotes()?,
                b'"' => self.double_quotes()?,
                b'$' => self.dollar(false)?,
                b'`' => self.backquotes(false)?,
                _ => self.at += 1,
            }
        }
        self.in_words -= 1;
        if open > 0 || self.at == start {
            return Err(self.error_at(start, "a regular expression that does not end"));
        }
        self.token_from(start);
        Ok(())
    }

    /// Where the place begins an assignment: the end of its name, and the offset behind its `=`.
    pub(super) fn assignment_prefix(&self) -> Read<Option<(usize, usize)>> {
        if !word::is_name_start(self.peek(0)) {
            return Ok(None);
        }
        let rest = self.bytes.get(self.at..self.end).unwrap_or(&[]);
        let name = rest.iter().take_while(|byte| word::is_name_part(**byte)).count();
        let mut length = name;
        if rest.get(length) == Some(&b'[') {
            // bash reads an index up to its bracket, blanks and quotes included; elsewhere they end the word.
            let plain = |byte: &&u8| word::is_name_part(**byte) || b"$@*+-.,:=<>~/".contains(byte);
            length += 1 + rest.iter().skip(length + 1).take_while(plain).count();
            if rest.get(length) != Some(&b']') {
                return Err(self.error("an index that is not known"));
            }
            length += 1;
        }
        if rest.get(length) == Some(&b'+') {
            length += 1;
        }
        Ok((rest.get(length) == Some(&b'=')).then_some((self.at + name, self.at + length + 1)))
    }

    /// Reads the assignment at the place.
    pub(super) fn assignment(&mut self) -> Read<Assignment> {
        let start = self.at;
        let Some((name_end, value_start)) = self.assignment_prefix()? else { return Err(self.unexpected()) };
        self.at = value_start;
        self.assigned_value()?;
        self.token_from(start);
        let name = self.text.get(start..name_end).unwrap_or("").to_owned();
        let value = decode(self.text.get(value_start..self.at).unwrap_or("")).value();
        Ok(Assignment { name, value, range: start..self.at })
    }

    fn assigned_value(&mut self) -> Read<()> {
        if self.peek(0) != b'(' {
            // `A=>(…)` and its like are left to the redirection behind an empty value, which refuses them.
            return if matches!(self.peek(0), b'<' | b'>') { Ok(()) } else { self.word_text(true) };
        }
        self.at += 1;
        self.in_words += 1;
        self.deeper(|reader| {
            loop {
                reader.linebreak()?;
                if reader.peek(0) == b')' {
                    reader.at += 1;
                    return Ok(());
                }
                reader.word()?;
            }
        })?;
        self.in_words -= 1;
        if self.at_word() { Err(self.error("a word that goes on behind an array")) } else { Ok(()) }
    }

    /// Reads the redirection at the place, if there is one.
    pub(super) fn redirect(&mut self) -> Read<Option<Redirect>> {
        let start = self.at;
        let descriptor = self.descriptor_length();
        let rest = self.bytes.get(self.at + descriptor..self.end).unwrap_or(&[]);
        let operator = REDIRECTS.iter().find(|text| rest.starts_with(text.as_bytes()));
        let Some(operator) = operator else { return Ok(None) };
        if matches!(rest, [b'<' | b'>', b'(', ..]) {
            // A process substitution is a word, and a descriptor cannot stand before it.
            return if descriptor > 0 {
                Err(self.error("a descriptor before a process substitution"))
            } else {
                Ok(None)
            };
        }
        if operator.starts_with('&') && descriptor > 0 {
            return Ok(None);
        }
        self.take(descriptor + operator.len())?;
        let written = self.text.get(start..self.at).unwrap_or("").to_owned();
        self.blanks();
        if !self.at_word() {
            return Err(self.unexpected());
        }
        let target = self.word()?;
        if matches!(*operator, "<<" | "<<-") {
            self.open_heredoc(&target, *operator == "<<-")?;
        }
        Ok(Some(Redirect { operator: written, range: start..self.at, target }))
    }

    /// The length of `2` or `{name}` directly before a redirection operator; 0 where there is none.
    fn descriptor_length(&self) -> usize {
        let rest = self.bytes.get(self.at..self.end).unwrap_or(&[]);
        let length = if rest.first() == Some(&b'{') {
            let name = rest.iter().skip(1).take_while(|byte| word::is_name_part(**byte)).count();
            if name == 0 || rest.get(name + 1) != Some(&b'}') {
                return 0;
            }
            name + 2
        } else {
            rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        if matches!(rest.get(length), Some(b'<' | b'>')) { length } else { 0 }
    }
}
