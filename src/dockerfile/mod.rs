//! What a Dockerfile says, by BuildKit's rules, with the place of every part of it.
//!
//! [`scanner`] cuts the text into instructions, [`stages`] groups them and works out what each
//! stage starts from, [`run`] reads the shell texts in `RUN`. Nothing here knows of a patch or of a fact about an image.

mod arguments;
mod exec_form;
mod heredoc;
mod pattern;
pub mod run;
pub mod scanner;
pub mod stages;
pub mod variables;

use std::ops::Range;

use crate::source::Span;

pub use arguments::Pair;
pub use scanner::{ParseError, Problem, parse};
pub use stages::{Base, Stage};

/// The instructions that there are.
pub const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// A parsed Dockerfile.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// `# syntax=`, `# escape=` and `# check=` lines at the top.
    pub directives: Vec<Directive>,
    /// The character that continues a line: `\`, or `` ` `` where a directive says so.
    pub escape: char,
    /// Every instruction, in order.
    pub instructions: Vec<Instruction>,
    /// Comment lines, directives left out: those between instructions and those inside a continuation. Each span
    /// runs from `#` to the end of its line, the newline left out.
    pub comments: Vec<Span>,
    /// The stages, in order; instructions before the first `FROM` belong to none.
    pub stages: Vec<Stage>,
}

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Lower-case name.
    pub name: String,
    /// Value, trimmed.
    pub value: String,
    /// The line, its newline left out.
    pub span: Span,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// From the keyword's first byte (or the escape character of a line that holds nothing else, where the instruction
    /// begins with one) to the end of the last line that belongs to the instruction, heredoc bodies
    /// and their terminators included, the last newline left out.
    pub span: Span,
    /// The keyword in upper case; any word, since BuildKit's parser takes unknown ones too.
    pub keyword: String,
    /// Where the keyword stands.
    pub keyword_span: Span,
    /// The line with its continuations joined.
    pub logical: Logical,
    /// Flags such as `--mount=…`, in order.
    pub flags: Vec<Flag>,
    /// Where in [`Logical::text`] the arguments stand: behind the flags, surrounding blanks left out.
    pub arguments: Range<usize>,
    /// The items of the exec form (a JSON list of strings), where the instruction has that form.
    pub exec: Option<Vec<ExecItem>>,
    /// Heredocs, in order. Those of an `ONBUILD` are also in the instruction that it defers.
    pub heredocs: Vec<Heredoc>,
    /// For `ONBUILD`, the instruction that it defers. It shares `logical`; its own `arguments` and `flags` point into it.
    pub onbuild: Option<Box<Instruction>>,
}

impl Instruction {
    /// The arguments: what stands behind keyword and flags, continuations joined.
    #[must_use]
    pub fn arguments_text(&self) -> &str {
        &self.logical.text[self.arguments.clone()]
    }
}

/// A flag of an instruction, such as `--mount=type=cache,target=/root/.cache`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The whole word as BuildKit reads it: quotes and escapes resolved.
    pub text: String,
    /// Where it stands in [`Logical::text`].
    pub range: Range<usize>,
}

/// One string of an exec form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecItem {
    /// The decoded string.
    pub value: String,
    /// Where it stands in [`Logical::text`], quotes included.
    pub range: Range<usize>,
}

/// A heredoc of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The name without quotes and without `-`.
    pub name: String,
    /// Whether `<<-` strips leading tabs.
    pub strip_tabs: bool,
    /// Whether the name is unquoted, so that variables in the body are expanded.
    pub expand: bool,
    /// Whether blanks stand between `<<` and the name: BuildKit takes that since 0.22 (May 2025), and reads the body as
    /// instructions before.
    pub spaced: bool,
    /// The body, all its lines with their newlines, the terminator left out.
    pub body: Span,
    /// The terminator's line, its newline left out.
    pub terminator: Span,
}

/// A logical line: continuations joined, the comment and blank lines inside them left out, and the way back from
/// every offset to the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logical {
    /// The joined text.
    pub text: String,
    /// Pieces of the text, each as (offset in `text`, offset in the source), in order; a piece runs to the next one.
    segments: Vec<(usize, usize)>,
}

impl Logical {
    /// A logical line of these segments: each is (offset in `text`, offset in the source), the first at 0.
    #[must_use]
    pub fn new(text: String, segments: Vec<(usize, usize)>) -> Self {
        debug_assert!(segments.first().is_none_or(|segment| segment.0 == 0));
        Self { text, segments }
    }

    /// A text that stands in the source as it is, from `offset` on.
    #[must_use]
    pub fn verbatim(text: impl Into<String>, offset: usize) -> Self {
        Self { text: text.into(), segments: vec![(0, offset)] }
    }

    /// A part of the text as a logical line of its own.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let first = self.segments.partition_point(|segment| segment.0 <= range.start).saturating_sub(1);
        let segments = self.segments[first.min(self.segments.len())..]
            .iter()
            .take_while(|segment| segment.0 <= range.end)
            .map(|(joined, source)| {
                let skipped = range.start.saturating_sub(*joined);
                (joined + skipped - range.start, source + skipped)
            })
            .collect();
        Self { text: self.text[range].to_owned(), segments }
    }

    /// This line, a newline, and a text that stands in the source as it is from `offset` on.
    #[must_use]
    pub fn followed_by(mut self, text: &str, offset: usize) -> Self {
        self.segments.push((self.text.len(), offset.saturating_sub(1)));
        self.text.push('\n');
        self.segments.push((self.text.len(), offset));
        self.text.push_str(text);
        self
    }

    /// The source offset of the byte at `offset` of the text.
    #[must_use]
    pub fn to_source(&self, offset: usize) -> usize {
        let at = self.segments.partition_point(|segment| segment.0 <= offset).saturating_sub(1);
        self.segments.get(at).map_or(offset, |(joined, source)| source + (offset - joined))
    }

    /// The source span of a range of the text, from its first byte to behind its last: where the range crosses a
    /// continuation, the span holds the escape, the newline and the lines between.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        if range.is_empty() {
            return Span::at(self.to_source(range.start));
        }
        Span::new(self.to_source(range.start), self.to_source(range.end - 1) + 1)
    }
}

#[cfg(test)]
mod tests;
