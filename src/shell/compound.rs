//! Compound commands: groups, conditions, loops, functions, and the tests of bash.

use super::Nesting;
use super::parser::{OPENERS, Read, Reader};

impl Reader<'_> {
    pub(super) fn compound(&mut self, word: &'static str) -> Read<()> {
        if matches!(word, "!" | "coproc") {
            return Err(self.unexpected());
        }
        self.take(word.len())?;
        match word {
            "{" => self.inside(Nesting::Group, |reader| reader.body("}")),
            "if" => self.inside(Nesting::If, Self::if_clause),
            "while" | "until" => self.inside(Nesting::Loop, |reader| {
                reader.body("do")?;
                reader.body("done")
            }),
            "for" | "select" => self.for_clause(),
            "case" => self.case_clause(),
            "[[" => self.deeper(Self::test_command),
            _ => {
                self.blanks();
                let Some(length) = self.name_length() else { return Err(self.unexpected()) };
                self.take(length)?;
                self.blanks();
                if self.peek(0) == b'(' {
                    self.take(1)?;
                    self.expect(")")?;
                }
                self.function_body()
            }
        }
    }

    /// A list with at least one command and the word behind it.
    fn body(&mut self, closer: &'static str) -> Read<()> {
        if !self.list()? {
            return Err(self.unexpected());
        }
        self.expect_word(closer)
    }

    pub(super) fn subshell(&mut self) -> Read<()> {
        self.take(1)?;
        self.inside(Nesting::Subshell, |reader| {
            if !reader.list()? {
                return Err(reader.unexpected());
            }
            reader.expect(")")
        })
    }

    fn if_clause(&mut self) -> Read<()> {
        self.body("then")?;
        loop {
            if !self.list()? {
                return Err(self.unexpected());
            }
            match self.reserved(&["elif", "else", "fi"])? {
                Some("elif") => {
                    self.take(4)?;
                    self.body("then")?;
                }
                Some("else") => {
                    self.take(4)?;
                    return self.body("fi");
                }
                Some(_) => return self.take(2),
                None => return Err(self.unexpected()),
            }
        }
    }

    fn for_clause(&mut self) -> Read<()> {
        self.blanks();
        if self.looking_at("((") {
            self.arithmetic_command()?;
            self.blanks();
            if self.peek(0) == b';' {
                self.take(1)?;
            }
        } else {
            let Some(length) = self.name_length() else { return Err(self.unexpected()) };
            self.take(length)?;
            self.blanks();
            if self.peek(0) == b';' {
                self.take(1)?;
            } else {
                self.linebreak()?;
                if self.reserved(&["in"])?.is_some() {
                    self.take(2)?;
                    loop {
                        self.blanks();
                        if !self.at_word() {
                            break;
                        }
                        self.word()?;
                    }
                    match self.peek(0) {
                        b';' => self.take(1)?,
                        b'\n' => {}
                        _ => return Err(self.unexpected()),
                    }
                }
            }
        }
        self.linebreak()?;
        self.inside(Nesting::Loop, |reader| {
            reader.expect_word("do")?;
            reader.body("done")
        })
    }

    fn case_clause(&mut self) -> Read<()> {
        self.blanks();
        self.word()?;
        self.linebreak()?;
        self.expect_word("in")?;
        self.inside(Nesting::Case, |reader| {
            loop {
                reader.linebreak()?;
                if reader.reserved(&["esac"])?.is_some() {
                    return reader.take(4);
                }
                if reader.peek(0) == b'(' {
                    reader.take(1)?;
                }
                loop {
                    reader.blanks();
                    reader.word()?;
                    reader.blanks();
                    if reader.peek(0) != b'|' {
                        break;
                    }
                    reader.take(1)?;
                }
                reader.expect(")")?;
                reader.list()?;
                let terminator = [";;&", ";;", ";&"].into_iter().find(|text| reader.looking_at(text));
                match terminator {
                    Some(text) => reader.take(text.len())?,
                    None => return reader.expect_word("esac"),
                }
            }
        })
    }

    pub(super) fn function_body(&mut self) -> Read<()> {
        self.linebreak()?;
        self.inside(Nesting::Function, |reader| {
            let compound = match reader.reserved(&OPENERS)? {
                Some(word) => !matches!(word, "!" | "function" | "coproc"),
                None => reader.peek(0) == b'(',
            };
            if !compound {
                return Err(reader.error("a function's body that is no compound command"));
            }
            reader.command().map(|_| ())
        })
    }

    /// The length of the plain name at the place: of a variable or a function.
    fn name_length(&self) -> Option<usize> {
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:+@".contains(byte);
        let length = self.bytes.get(self.at..self.end)?.iter().take_while(|byte| name(byte)).count();
        (length > 0 && self.ends_word(length) && self.peek(length) != b'\\').then_some(length)
    }

    /// The length of the name at the place, where `( )` behind it makes it a function's.
    pub(super) fn function_name(&self) -> Option<usize> {
        let length = self.name_length()?;
        let rest = self.bytes.get(self.at + length..self.end)?;
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        (rest.get(blanks) == Some(&b'(')).then_some(length)
    }

    pub(super) fn arithmetic_command(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 2;
        self.in_words += 1;
        let result = self.deeper(Self::arithmetic);
        self.in_words -= 1;
        result?;
        self.token_from(start);
        Ok(())
    }

    /// What stands between `[[` and `]]`: words and the operators that are none elsewhere.
    fn test_command(&mut self) -> Read<()> {
        let mut open = 0usize;
        // What the expression needs next: an operand, or an operator.
        let mut operand_due = true;
        loop {
            self.linebreak()?;
            if self.reserved(&["]]"])?.is_some() {
                return if open == 0 && !operand_due { self.take(2) } else { Err(self.unexpected()) };
            }
            match (self.peek(0), self.peek(1)) {
                (b'&', b'&') | (b'|', b'|') if !operand_due => {
                    self.take(2)?;
                    operand_due = true;
                }
                (b'<' | b'>', next) if next != b'(' && !operand_due => {
                    self.take(1)?;
                    operand_due = true;
                }
                (b'(', _) if operand_due => {
                    self.take(1)?;
                    open += 1;
                }
                (b')', _) if open > 0 && !operand_due => {
                    self.take(1)?;
                    open -= 1;
                }
                _ if self.at_word() => operand_due = self.test_word()?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// A word inside `[[ ]]`; answers whether it asks for an operand behind it.
    fn test_word(&mut self) -> Read<bool> {
        let word = self.word()?;
        if word.raw == "=~" {
            self.blanks();
            self.regex()?;
            return Ok(false);
        }
        let unary = word.raw.len() == 2 && word.raw.starts_with('-') && word.raw != "-=";
        let binary = matches!(word.raw.as_str(), "=" | "==" | "!=" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge");
        let binary = binary || matches!(word.raw.as_str(), "-nt" | "-ot" | "-ef");
        Ok(unary || binary || word.raw == "!")
    }
}
