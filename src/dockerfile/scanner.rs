//! Cuts a Dockerfile into instructions by BuildKit's rules.
//!
//! The rules are those of BuildKit's `frontend/dockerfile/parser`: what it takes is taken, what it refuses is an
//! error, so that a file means here what it means to `docker build`. Where its releases differ, the newer one is
//! followed; `heredoc` says where that shows.
//!
//! Every step looks at a byte a fixed number of times: time is linear in the size of the text.

use memchr::memchr;

use super::arguments::{self, Head};
use super::heredoc::{self, Terminators};
use super::{Directive, Dockerfile, ExecItem, Heredoc, Instruction, Logical, stages};
use crate::source::{Source, Span};

/// The longest line that BuildKit reads, in bytes, its newline left out: Go's `bufio.Scanner` holds 64 KiB.
pub const LONGEST_LINE: usize = 65_535;

/// Why a text is no Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ParseError {
    /// The place: the line, instruction or word that is wrong.
    pub span: Span,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a text that is no Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Only comments and blank lines.
    #[error("the file has no instructions; a Dockerfile needs at least `FROM image`")]
    NoInstructions,
    /// A heredoc whose terminator never comes.
    #[error("the heredoc `<<{name}` is never closed; add a line that holds nothing but `{name}`")]
    UnterminatedHeredoc {
        /// The name that closes it.
        name: String,
    },
    /// A word that begins like a heredoc and whose name cannot be read.
    #[error("`{word}` begins a heredoc whose name cannot be read ({reason}); write a plain name such as `<<EOF`")]
    HeredocName {
        /// The word.
        word: String,
        /// What is wrong with its name.
        reason: String,
    },
    /// A line that BuildKit does not read.
    #[error("the line has {bytes} bytes and BuildKit reads at most {LONGEST_LINE}; break it with a continuation")]
    LineTooLong {
        /// Its length, the newline left out.
        bytes: usize,
    },
    /// `# escape=` with something else than a backslash or a backtick.
    #[error("`{value}` cannot be the escape character; only \\ and ` can")]
    Escape {
        /// The value of the directive.
        value: String,
    },
    /// A parser directive that is there twice.
    #[error("the parser directive `{name}` is there twice; remove one")]
    RepeatedDirective {
        /// Its name.
        name: String,
    },
    /// A JSON list that holds something else than strings.
    #[error("the JSON list of {keyword} holds something that is no string; put every item into double quotes")]
    NotStrings {
        /// The instruction.
        keyword: String,
    },
    /// `ENV NAME` or `LABEL NAME` alone.
    #[error("{keyword} has a name and no value; write `{keyword} NAME=value`")]
    MissingValue {
        /// The instruction.
        keyword: String,
    },
    /// A word without `=` among pairs.
    #[error("`{word}` is no NAME=value pair; quote a value that holds blanks")]
    MissingEquals {
        /// The word.
        word: String,
    },
    /// `${…}` inside `${…}`, deeper than anyone writes.
    #[error("variables are nested too deeply; BuildKit's heredoc rules cannot be followed here")]
    TooDeep,
}

/// Reads a Dockerfile.
///
/// # Errors
/// When BuildKit's parser would refuse the text. What it takes is taken, an unknown instruction too.
pub fn parse(source: &Source) -> Result<Dockerfile, ParseError> {
    let mut scanner = Scanner::new(source.text());
    let mut instructions = Vec::new();
    while let Some(line) = scanner.lines.next()? {
        if let Some(instruction) = scanner.instruction(line)? {
            instructions.push(instruction);
        }
    }
    if instructions.is_empty() {
        return Err(ParseError { span: Span::at(source.text().len()), problem: Problem::NoInstructions });
    }
    instructions.shrink_to_fit();
    let escape = char::from(scanner.escape);
    let stages = stages::stages(&instructions, escape);
    Ok(Dockerfile { directives: scanner.directives, escape, instructions, comments: scanner.comments, stages })
}

/// A line of the source.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Its first byte, a byte order mark left out.
    pub start: usize,
    /// Behind its last byte; every carriage return and the newline at its end are left out, as BuildKit does.
    pub end: usize,
}

/// The lines of a text. Only `\n` ends a line.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The text that the lines are of.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on at another place.
    pub(super) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ParseError> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let length = memchr(b'\n', rest.as_bytes());
        let end = self.at + length.unwrap_or(rest.len());
        if end - self.at > LONGEST_LINE {
            let problem = Problem::LineTooLong { bytes: end - self.at };
            return Err(ParseError { span: Span::new(self.at, end), problem });
        }
        let mut line = self.text[self.at..end].trim_end_matches('\r');
        let mut start = self.at;
        if start == 0 {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
            start = self.text[..end].trim_end_matches('\r').len() - line.len();
        }
        self.at = end + usize::from(length.is_some());
        Ok(Some(Line { start, end: start + line.len() }))
    }
}

struct Scanner<'a> {
    lines: Lines<'a>,
    escape: u8,
    /// Whether directives may still come: they end with the first line that is none.
    heading: bool,
    directives: Vec<Directive>,
    comments: Vec<Span>,
    terminators: Terminators,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            lines: Lines::new(text, 0),
            escape: b'\\',
            heading: true,
            directives: Vec::new(),
            comments: Vec::new(),
            terminators: Terminators::new(text.len()),
        }
    }

    fn slice(&self, line: Line) -> &'a str {
        &self.lines.text()[line.start..line.end]
    }

    /// Reads the instruction that begins in `line`, if one does: it takes the lines it needs.
    fn instruction(&mut self, line: Line) -> Result<Option<Instruction>, ParseError> {
        let text = self.slice(line).trim_start();
        let start = line.end - text.len();
        if self.heading && self.directive(text, line)? {
            return Ok(None);
        }
        if text.starts_with('#') {
            self.comments.push(Span::new(start, line.end));
            return Ok(None);
        }
        if text.is_empty() {
            return Ok(None);
        }
        let (logical, end) = self.join(text, start, line)?;
        self.assemble(logical, Span::new(start, end)).map(Some)
    }

    /// Takes a parser directive; false ends them.
    fn directive(&mut self, text: &str, line: Line) -> Result<bool, ParseError> {
        let span = Span::new(line.start, line.end);
        let Some((name, value)) = directive(text) else {
            self.heading = false;
            return Ok(false);
        };
        let error = |problem| Err(ParseError { span, problem });
        if self.directives.iter().any(|seen| seen.name == name) {
            return error(Problem::RepeatedDirective { name });
        }
        if name == "escape" {
            self.escape = match value {
                "\\" => b'\\',
                "`" => b'`',
                _ => return error(Problem::Escape { value: value.to_owned() }),
            };
        }
        self.directives.push(Directive { name, value: value.to_owned(), span });
        Ok(true)
    }

    /// Joins a line with those that continue it; also gives the end of the last line taken.
    fn join(&mut self, first: &str, start: usize, line: Line) -> Result<(Logical, usize), ParseError> {
        let Some(kept) = continued(first, self.escape) else {
            return Ok((Logical::verbatim(first, start), line.end));
        };
        let mut text = first[..kept].to_owned();
        let mut segments = vec![(0, start)];
        let mut end = line.end;
        while let Some(line) = self.lines.next()? {
            end = line.end;
            let piece = self.slice(line);
            let inner = piece.trim_start();
            if inner.starts_with('#') {
                self.comments.push(Span::new(line.end - inner.len(), line.end));
                continue;
            }
            if inner.is_empty() {
                continue;
            }
            let kept = continued(piece, self.escape);
            let piece = &piece[..kept.unwrap_or(piece.len())];
            if !piece.is_empty() {
                if text.is_empty() {
                    segments.clear();
                }
                segments.push((text.len(), line.start));
                text.push_str(piece);
            }
            if kept.is_none() {
                break;
            }
        }
        Ok((Logical::new(text, segments), end))
    }

    /// Makes the instruction of a logical line, which stands at `whole`; its heredocs are read from the lines that follow.
    fn assemble(&mut self, logical: Logical, whole: Span) -> Result<Instruction, ParseError> {
        let escape = char::from(self.escape);
        let place = |range: std::ops::Range<usize>| if range.is_empty() { whole } else { logical.span(range) };
        let error = |(range, problem)| ParseError { span: place(range), problem };

        let text = logical.text.as_str();
        let head = arguments::split(text, 0..text.len());
        let exec = arguments::check(text, &head, escape).map_err(error)?;
        let inner = if head.keyword(text) == "ONBUILD" {
            arguments::deferred(text, &head, escape).map_err(error)?
        } else {
            None
        };

        let (carrier, carried) = inner.as_ref().map_or((&head, &exec), |(head, exec)| (head, exec));
        let takes = matches!(carrier.keyword(text).as_str(), "RUN" | "COPY" | "ADD") && carried.is_none();
        let heredocs = if takes && memchr::memmem::find(text.as_bytes(), b"<<").is_some() {
            let found = heredoc::read(text, &mut self.lines, &mut self.terminators);
            found.map_err(|(span, problem)| ParseError { span: span.unwrap_or(whole), problem })?
        } else {
            Vec::new()
        };
        let span = Span::new(whole.start, heredocs.last().map_or(whole.end, |heredoc| heredoc.terminator.end));

        let onbuild = inner.map(|(head, exec)| {
            let (logical, heredocs) = (logical.clone(), heredocs.clone());
            let span = Span::new(logical.span(head.keyword.clone()).start, span.end);
            Box::new(instruction(span, head, exec, logical, heredocs, None))
        });
        Ok(instruction(span, head, exec, logical, heredocs, onbuild))
    }
}

fn instruction(
    span: Span,
    head: Head,
    exec: Option<Vec<ExecItem>>,
    logical: Logical,
    heredocs: Vec<Heredoc>,
    onbuild: Option<Box<Instruction>>,
) -> Instruction {
    Instruction {
        span,
        keyword: head.keyword(&logical.text),
        keyword_span: logical.span(head.keyword),
        logical,
        flags: head.flags,
        arguments: head.arguments,
        exec,
        heredocs,
        onbuild,
    }
}

/// How much of a line stays when an escape character at its end continues it: the pattern is
/// `([^E])E[ \t]*$|^E[ \t]*$`, so that a doubled escape character continues nothing.
fn continued(line: &str, escape: u8) -> Option<usize> {
    let line = line.trim_end_matches([' ', '\t']).as_bytes();
    match line {
        [.., before, last] if *last == escape && *before != escape => Some(line.len() - 1),
        [last] if *last == escape => Some(0),
        _ => None,
    }
}

/// Name, in lower case, and value of a parser directive: `# name = value`.
fn directive(line: &str) -> Option<(String, &str)> {
    // Go's `\s`; the blanks in front of the name may be any.
    const BLANK: [char; 5] = ['\t', '\n', '\x0c', '\r', ' '];
    let rest = line.strip_prefix('#')?.trim_start();
    let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, rest) = rest.split_at(length);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    // A value of blanks alone is one; of no character at all, none.
    let value = rest.trim_start_matches(BLANK).strip_prefix('=').filter(|value| !value.is_empty())?;
    let (name, value) = (name.to_ascii_lowercase(), value.trim_matches(BLANK));
    (matches!(name.as_str(), "syntax" | "escape" | "check")).then_some((name, value))
}
