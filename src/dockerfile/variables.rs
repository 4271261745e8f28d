//! Docker's own word rules: quotes, escapes and variables, as `ARG`, `ENV`, `FROM`, `USER`, `WORKDIR` and others
//! expand them (BuildKit's `frontend/dockerfile/shell`). They resemble a shell's and are not the same.

use std::str::Chars;

use super::pattern;

/// How deep `${…}` may stand inside `${…}`.
const DEEPEST: usize = 100;

/// The longest result, in bytes: variables that double each other must not fill the memory.
const LONGEST: usize = 1 << 20;

/// Why a word has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// A variable without a value, and no default beside it.
    #[error("`{name}` has no value")]
    Unset {
        /// The variable.
        name: String,
    },
    /// `${NAME:?message}` with an empty value.
    #[error("`{name}`: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message in the word.
        message: String,
    },
    /// The word breaks the rules.
    #[error("{0}")]
    Syntax(&'static str),
    /// `${…}` inside `${…}` deeper than 100 levels.
    #[error("variables are nested more than {DEEPEST} deep")]
    TooDeep,
    /// The result would be longer than a mebibyte.
    #[error("the value is longer than {LONGEST} bytes")]
    TooLong,
}

/// What tells the value of a variable.
pub type Lookup<'f> = &'f mut dyn FnMut(&str) -> Option<String>;

/// Expands a word: removes quotes, resolves escapes, replaces variables by what `lookup` knows.
///
/// Understood are `$X`, `${X}`, `${X-d}`, `${X:-d}`, `${X+d}`, `${X:+d}`, `${X?m}`, `${X:?m}`, `${X#p}`, `${X##p}`,
/// `${X%p}`, `${X%%p}`, `${X/p/r}` and `${X//p/r}`. `lookup` is asked only for what decides the result. `escape` is
/// [`super::Dockerfile::escape`].
///
/// # Errors
/// When a variable without a value decides the result, or the word breaks the rules. BuildKit puts nothing in the
/// place of an unset variable; a caller who wants that lets `lookup` answer with an empty text.
pub fn expand(word: &str, escape: char, lookup: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, ExpandError> {
    Lexer { escape, lookup: Some(lookup), ..Lexer::new(word) }.run(None, &mut None)
}

/// Splitting without expanding: what heredocs are looked for in. Variables stay as they are.
#[derive(Clone, Copy)]
pub(super) struct KeptWords {
    /// Whether escape characters stay.
    pub escapes: bool,
    /// Whether quotes stay.
    pub quotes: bool,
    /// Whether blanks behind `<<` belong to the word, as since BuildKit 0.22.
    pub spaced_heredocs: bool,
}

impl KeptWords {
    /// The words of a line.
    pub(super) fn split(self, line: &str) -> Result<Vec<String>, ExpandError> {
        let mut words = Some(Split::default());
        let mut lexer = Lexer::new(line);
        lexer.raw_escapes = self.escapes;
        lexer.raw_quotes = self.quotes;
        lexer.spaced_heredocs = self.spaced_heredocs;
        lexer.run(None, &mut words)?;
        Ok(words.map(Split::finish).unwrap_or_default())
    }
}

/// Words in the making.
#[derive(Default)]
struct Split {
    words: Vec<String>,
    word: String,
}

impl Split {
    fn add(&mut self, c: char) {
        if !c.is_whitespace() {
            self.word.push(c);
        } else if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.add(' ');
        self.words
    }
}

struct Lexer<'a, 'f> {
    rest: Chars<'a>,
    escape: char,
    raw_quotes: bool,
    raw_escapes: bool,
    spaced_heredocs: bool,
    /// `None` keeps every variable as it is written.
    lookup: Option<Lookup<'f>>,
    /// How many operators around this place have decided against it: nothing in it is looked up.
    dead: usize,
    depth: usize,
}

impl<'a> Lexer<'a, '_> {
    fn new(word: &'a str) -> Self {
        Self {
            rest: word.chars(),
            escape: '\\',
            raw_quotes: false,
            raw_escapes: false,
            spaced_heredocs: false,
            lookup: None,
            dead: 0,
            depth: 0,
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.rest.next();
        }
        found
    }

    /// Reads up to `stop`, or to the end. Words are collected at the outermost level only.
    fn run(&mut self, stop: Option<char>, words: &mut Option<Split>) -> Result<String, ExpandError> {
        let mut result = String::new();
        while let Some(c) = self.rest.next() {
            if Some(c) == stop {
                return Ok(result);
            }
            let piece = match c {
                '$' => {
                    let value = self.variable()?;
                    if let Some(split) = words {
                        value.chars().for_each(|c| split.add(c));
                    }
                    self.append(&mut result, &value)?;
                    continue;
                }
                '\'' => self.single_quoted()?,
                '"' => self.double_quoted()?,
                '<' if self.spaced_heredocs && self.skip('<') => {
                    let mut piece = "<<".to_owned();
                    while let Some(blank) = self.peek().filter(|c| matches!(c, ' ' | '\t' | '\r')) {
                        self.rest.next();
                        piece.push(blank);
                    }
                    piece
                }
                c if c == self.escape => {
                    let mut piece = String::new();
                    if self.raw_escapes {
                        piece.push(c);
                    }
                    piece.extend(self.rest.next());
                    piece
                }
                c => {
                    if let Some(split) = words {
                        split.add(c);
                    }
                    result.push(c);
                    continue;
                }
            };
            if let Some(split) = words {
                split.word.push_str(&piece);
            }
            self.append(&mut result, &piece)?;
        }
        if stop.is_some() { Err(ExpandError::Syntax("a `${` is never closed")) } else { Ok(result) }
    }

    /// Reads the part of a `${…}` that stands before `stop`.
    fn part(&mut self, stop: char, raw_escapes: bool, dead: bool) -> Result<String, ExpandError> {
        if self.depth == DEEPEST {
            return Err(ExpandError::TooDeep);
        }
        let outer = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        self.depth += 1;
        self.dead += usize::from(dead);
        let result = self.run(Some(stop), &mut None);
        self.dead -= usize::from(dead);
        self.depth -= 1;
        self.raw_escapes = outer;
        result
    }

    fn append(&self, result: &mut String, piece: &str) -> Result<(), ExpandError> {
        if self.lookup.is_some() && result.len() + piece.len() > LONGEST {
            return Err(ExpandError::TooLong);
        }
        result.push_str(piece);
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        let text = self.rest.as_str();
        let Some(end) = text.find('\'') else {
            return Err(ExpandError::Syntax("a single quote is never closed"));
        };
        self.rest = text[end + 1..].chars();
        Ok(if self.raw_quotes { format!("'{}'", &text[..end]) } else { text[..end].to_owned() })
    }

    fn double_quoted(&mut self) -> Result<String, ExpandError> {
        let mut result = String::new();
        if self.raw_quotes {
            result.push('"');
        }
        loop {
            match self.rest.next() {
                None => return Err(ExpandError::Syntax("a double quote is never closed")),
                Some('"') => {
                    if self.raw_quotes {
                        result.push('"');
                    }
                    return Ok(result);
                }
                Some('$') => {
                    let value = self.variable()?;
                    self.append(&mut result, &value)?;
                }
                Some(c) if c == self.escape => {
                    if self.raw_escapes {
                        result.push(c);
                    }
                    match self.peek() {
                        Some(next) if next == '"' || next == '$' || next == self.escape => {
                            result.extend(self.rest.next())
                        }
                        Some(_) => result.push(c),
                        None => {}
                    }
                }
                Some(c) => result.push(c),
            }
        }
    }

    /// What a `$`, already read, and what follows it stand for.
    fn variable(&mut self) -> Result<String, ExpandError> {
        if !self.skip('{') {
            let name = self.name();
            return if name.is_empty() { Ok("$".to_owned()) } else { self.plain(&name, false) };
        }
        match self.peek() {
            None => return Err(ExpandError::Syntax("a `${` is never closed")),
            Some('{' | '}' | ':') => return Err(ExpandError::Syntax("a `${}` without a name")),
            Some(_) => {}
        }
        let name = self.name();
        match self.rest.next() {
            Some('}') => self.plain(&name, true),
            Some('/') => self.replaced(&name),
            Some(':') => match self.rest.next() {
                Some(operator) => self.operated(&name, operator, true),
                None => Err(ExpandError::Syntax("a `${` is never closed")),
            },
            Some(operator @ ('+' | '-' | '?' | '#' | '%')) => self.operated(&name, operator, false),
            _ => Err(ExpandError::Syntax("an operator in `${…}` that Docker does not know")),
        }
    }

    fn plain(&mut self, name: &str, braces: bool) -> Result<String, ExpandError> {
        if self.lookup.is_none() {
            return Ok(if braces { format!("${{{name}}}") } else { format!("${name}") });
        }
        self.required(name)
    }

    /// The value of a variable that decides the result.
    fn required(&mut self, name: &str) -> Result<String, ExpandError> {
        if self.dead > 0 {
            return Ok(String::new());
        }
        self.value(name).ok_or_else(|| ExpandError::Unset { name: name.to_owned() })
    }

    fn value(&mut self, name: &str) -> Option<String> {
        if self.dead > 0 {
            return None;
        }
        self.lookup.as_mut().and_then(|lookup| lookup(name))
    }

    /// `${name operator word}`; `colon` says that an empty value counts as none.
    fn operated(&mut self, name: &str, operator: char, colon: bool) -> Result<String, ExpandError> {
        let raw = matches!(operator, '#' | '%');
        if self.lookup.is_none() {
            let word = self.part('}', raw, false)?;
            let colon = if colon { ":" } else { "" };
            return Ok(format!("${{{name}{colon}{operator}{word}}}"));
        }
        match operator {
            '-' | '+' | '?' => {
                let value = self.value(name).filter(|value| !(colon && value.is_empty()));
                let word = self.part('}', raw, value.is_some() != (operator == '+'))?;
                match (operator, value) {
                    ('+', Some(_)) | ('-', None) => Ok(word),
                    ('+', None) => Ok(String::new()),
                    (_, Some(value)) => Ok(value),
                    (_, None) if self.dead > 0 => Ok(String::new()),
                    (_, None) => Err(ExpandError::Required { name: name.to_owned(), message: word }),
                }
            }
            '#' | '%' => {
                let word = self.part('}', raw, false)?;
                let value = self.required(name)?;
                let pattern = word.strip_prefix(operator);
                let (pattern, longest) = pattern.map_or((word.as_str(), false), |pattern| (pattern, true));
                let trim = if operator == '#' { pattern::without_prefix } else { pattern::without_suffix };
                trim(&value, pattern, longest).ok_or(ExpandError::Syntax("a pattern that cannot be followed"))
            }
            _ => Err(ExpandError::Syntax("an operator in `${…}` that Docker does not know")),
        }
    }

    /// `${name/pattern/replacement}`, or with `//` for every match.
    fn replaced(&mut self, name: &str) -> Result<String, ExpandError> {
        let all = self.skip('/');
        let pattern = self.part('/', true, false)?;
        let replacement = self.part('}', true, false)?;
        if self.lookup.is_none() {
            return Ok(format!("${{{name}/{pattern}/{replacement}}}"));
        }
        let value = self.required(name)?;
        let result = pattern::replace(&value, &pattern, &replacement, all);
        result.ok_or(ExpandError::Syntax("a pattern that cannot be followed"))
    }

    /// A name: letters, digits and `_`; digits alone; or one special parameter such as `@`.
    fn name(&mut self) -> String {
        let text = self.rest.as_str();
        let length = match text.chars().next() {
            Some(c) if c.is_ascii_digit() => text.find(|c: char| !c.is_ascii_digit()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => Some(1),
            _ => text.find(|c: char| !c.is_alphanumeric() && c != '_'),
        };
        let (name, rest) = text.split_at(length.unwrap_or(text.len()));
        self.rest = rest.chars();
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpandError, expand};

    fn value(word: &str) -> Result<String, ExpandError> {
        expand(word, '\\', &mut |name| match name {
            "X" => Some("a.tar.gz".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn a_word_is_expanded_as_docker_does() {
        for (word, expected) in [
            ("$X-${X}", "a.tar.gz-a.tar.gz"),
            ("${NO:-d}${NO-e}${EMPTY:-f}${EMPTY-g}", "def"),
            ("${X:+y}${EMPTY:+z}${EMPTY+w}${NO+v}", "yw"),
            ("${X#*.}|${X##*.}|${X%.*}|${X%%.*}", "tar.gz|gz|a.tar|a"),
            ("${X/a/b}|${X//a/b}|${X/?/}", "b.tar.gz|b.tbr.gz|.tar.gz"),
            ("${NO:-${X:-y}}", "a.tar.gz"),
            ("'$X' \"$X\\\"\" \\$X \\a \"\\a\"", "$X a.tar.gz\" $X a \\a"),
            ("$", "$"),
            ("a$/", "a$/"),
        ] {
            assert_eq!(value(word).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn what_does_not_decide_the_result_is_not_asked_for() {
        assert_eq!(value("${X:-$NO}").as_deref(), Ok("a.tar.gz"));
        assert_eq!(value("${EMPTY:+$NO}").as_deref(), Ok(""));
        assert_eq!(value("${X:-${NO:?m}}").as_deref(), Ok("a.tar.gz"));
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        for word in ["$NO", "a${NO}", "\"$NO\"", "${NO#a}", "${EMPTY:-$NO}"] {
            assert_eq!(value(word), Err(ExpandError::Unset { name: "NO".into() }), "{word}");
        }
    }

    #[test]
    fn a_word_that_breaks_the_rules_is_an_error() {
        for word in ["${X", "${", "${}", "${:a}", "${X@Q}", "'a", "\"a", "${X:0:1}", "${X/a}"] {
            assert!(matches!(value(word), Err(ExpandError::Syntax(_))), "{word}");
        }
        assert!(matches!(value("${NO:?is needed}"), Err(ExpandError::Required { .. })));
    }

    #[test]
    fn nesting_and_doubling_end_in_an_error() {
        assert_eq!(value(&"${NO:-".repeat(100_000)), Err(ExpandError::TooDeep));
        let long = "x".repeat(1 << 19);
        assert_eq!(expand("$A$A$A", '\\', &mut |_| Some(long.clone())), Err(ExpandError::TooLong));
    }

    #[test]
    fn the_escape_character_may_be_a_backtick() {
        assert_eq!(expand("c:\\a`$X", '`', &mut |_| None).as_deref(), Ok("c:\\a$X"));
    }
}
