//! The shell texts in `RUN`: which simple commands they hold, and where.
//!
//! [`parse`] reads a text by the rules of POSIX shells and the parts of bash that Dockerfiles use.
//! What it does not understand it does not guess: it answers with an error, and a text with an error
//! is never edited. Offsets are into the text that was given, a
//! [`Logical::text`](crate::dockerfile::Logical) whose continuations are joined already, or a heredoc's body.

mod compound;
mod heredoc;
mod lexer;
pub mod parser;
pub mod tool;
mod word;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub use parser::{ShellError, parse};

/// Whether a text may hold a command that envfix has questions about: a quick test, so that the others are never
/// parsed. It may say yes for a text that holds none.
#[must_use]
pub fn may_concern(text: &str) -> bool {
    ["pip", "conda", "mamba", "python", "apt", "easy_install", "uv"]
        .iter()
        .any(|name| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some())
}

/// A parsed shell text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Every simple command, in the order in which they begin, those inside compound commands and command
    /// substitutions included.
    pub commands: Vec<Command>,
    /// Every token of the text in order: words raw, assignments, operators, reserved words and newlines each as one, a
    /// redirection as two, its operator (with its descriptor) and its target, `(( … ))` as one, a here-document's body
    /// with its last line as one. What stands inside a word (quotes, substitutions) belongs to that word. Comments
    /// are no tokens. This is what verification compares: together the tokens hold every byte of the text but
    /// blanks, escaped newlines and comments.
    pub tokens: Vec<Token>,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its raw text; `\n` for a newline.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
}

/// A simple command: assignments, words and redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// `NAME=value` in front of the first word.
    pub assignments: Arc<[Assignment]>,
    /// The command's name and its arguments, redirections left out.
    pub words: Arc<[Word]>,
    /// Redirections, wherever they stand among the words.
    pub redirects: Vec<Redirect>,
    /// From the first assignment, word or redirection to the end of the last.
    pub range: Range<usize>,
    /// The compound commands and substitutions around it, outermost first; empty at the top level.
    pub nesting: Vec<Nesting>,
    /// The operator before it in its list, where there is one; `None` at the beginning of a list. A list is what
    /// stands at the top level, in a substitution, or between two reserved words of a compound command.
    pub before: Option<Operator>,
    /// The operator behind it; `None` at the end of a list. A `;`, `&` or newline that ends a list counts.
    pub after: Option<Operator>,
    /// Whether it stands in a pipeline that is negated with `!`.
    pub negated: bool,
    /// What it calls, once somebody asked.
    pub read: Reading,
}

/// What a command calls, worked out when it is first asked for: every patch asks. It is no part of what a command is.
#[derive(Debug, Default)]
pub struct Reading {
    call: OnceLock<Arc<tool::Call>>,
    tool: OnceLock<Box<tool::Tool>>,
}

impl Clone for Reading {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Reading {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Reading {}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable (for `NAME+=value` too).
    pub name: String,
    /// The value without quotes, where it holds no expansion.
    pub value: Option<String>,
    /// The whole assignment.
    pub range: Range<usize>,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As written, quotes included.
    pub raw: String,
    /// What the shell makes of it, where that needs no expansion: quotes and escapes removed. `None` where it holds
    /// a variable, a substitution, a glob character or a brace expansion outside quotes.
    pub value: Option<String>,
    /// Where it stands.
    pub range: Range<usize>,
}

impl Word {
    /// The value where it is plain, else the raw text: for looking at, never for editing.
    #[must_use]
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or(&self.raw)
    }
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Its operator with the descriptor before it, such as `2>`, `<<<` or `>>`.
    pub operator: String,
    /// Its target.
    pub target: Word,
    /// Operator and target.
    pub range: Range<usize>,
}

/// What joins two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|` or `|&`
    Pipe,
    /// `;`
    Semicolon,
    /// `&`. (Not the `&>` of bash, which is a redirection here; dash takes it for `&` and `>`.)
    Background,
    /// A line's end.
    Newline,
}

/// What a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// `{ …; }`
    Group,
    /// `( … )`
    Subshell,
    /// `if … then … fi`, in a condition or a branch.
    If,
    /// `for`, `while`, `until`, `select`: in a condition or a body.
    Loop,
    /// A branch of `case`.
    Case,
    /// A function's body.
    Function,
    /// `$( … )`, `` ` … ` ``, `<( … )` or `>( … )` inside a word.
    Substitution,
}
