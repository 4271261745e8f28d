//! Which words of a `RUN`, `COPY` or `ADD` begin a heredoc, and the lines that belong to each.
//!
//! BuildKit cuts the logical line into words as a shell would and takes for a heredoc every word of the shape
//! `[digits]<<[-]name`. A line that its lexer cannot read (a quote that is never closed, `${x@Q}`) has none.
//!
//! Since BuildKit 0.22 (Dockerfile syntax 1.16, May 2025) blanks may stand between `<<` and the name. Before, the
//! lines of such a body were instructions of their own, which no build survives; but `$((1 << 2))` was harmless, and
//! is an unterminated heredoc now. Here a spaced name is a heredoc where its terminator follows, and none where it
//! does not: what either release builds is read as that release reads it.

use super::Heredoc;
use super::scanner::{Lines, Problem};
use super::variables::{ExpandError, KeptWords};
use crate::source::Span;

/// How a heredoc is announced.
struct Opening {
    name: String,
    strip_tabs: bool,
    expand: bool,
    spaced: bool,
}

/// Bounds what looking for the terminators of spaced names in vain may cost, so that time stays linear.
pub(super) struct Terminators {
    left: usize,
}

impl Terminators {
    /// For a text of `length` bytes.
    pub(super) fn new(length: usize) -> Self {
        Self { left: 16 * (length + (1 << 20)) }
    }
}

/// What is wrong, and where, when it is not the instruction as a whole.
type Failure = (Option<Span>, Problem);

/// Reads the heredocs that `line` announces from the lines behind it.
pub(super) fn read(line: &str, lines: &mut Lines<'_>, limit: &mut Terminators) -> Result<Vec<Heredoc>, Failure> {
    let start = lines.at();
    let found = openings(line, true).map_err(|problem| (None, problem))?;
    let spaced = found.iter().any(|opening| opening.spaced);
    let result = bodies(found, lines);
    let Err((_, Problem::UnterminatedHeredoc { .. })) = result else { return result };
    let cost = lines.at() - start;
    if !spaced || cost > limit.left {
        return result;
    }
    limit.left -= cost;
    lines.seek(start);
    bodies(openings(line, false).map_err(|problem| (None, problem))?, lines)
}

/// The heredocs that a line announces; `spaced` tells whether blanks may stand before a name.
fn openings(line: &str, spaced: bool) -> Result<Vec<Opening>, Problem> {
    let words = match (KeptWords { escapes: true, quotes: true, spaced_heredocs: spaced }).split(line) {
        Ok(words) => words,
        Err(ExpandError::TooDeep) => return Err(Problem::TooDeep),
        Err(_) => return Ok(Vec::new()),
    };
    words.iter().filter_map(|word| opening(word).transpose()).collect()
}

/// The heredoc that a word announces, if it has the shape `[digits]<<[-]name`.
fn opening(word: &str) -> Result<Option<Opening>, Problem> {
    let Some(rest) = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else {
        return Ok(None);
    };
    let (strip_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let name = rest.trim_start_matches(['\t', '\n', '\x0c', '\r', ' ']);
    if name.is_empty() || name.contains('<') {
        return Ok(None);
    }
    let failure = |reason: String| Problem::HeredocName { word: word.to_owned(), reason };
    // The name is read twice, without and with its quotes: a difference in their number says that some were there.
    let read = |quotes| {
        let kept = KeptWords { escapes: false, quotes, spaced_heredocs: true };
        kept.split(name.strip_prefix('\u{feff}').unwrap_or(name)).map_err(|error| match error {
            ExpandError::TooDeep => Problem::TooDeep,
            error => failure(error.to_string()),
        })
    };
    let plain = read(false)?;
    let [plain] = plain.as_slice() else { return Ok(None) };
    let raw = read(true)?;
    let [raw] = raw.as_slice() else { return Err(failure("it is more than one word".to_owned())) };
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    Ok(Some(Opening {
        name: plain.clone(),
        strip_tabs,
        expand: quotes(plain) == quotes(raw),
        spaced: name.len() < rest.len(),
    }))
}

fn bodies(openings: Vec<Opening>, lines: &mut Lines<'_>) -> Result<Vec<Heredoc>, Failure> {
    let mut heredocs = Vec::with_capacity(openings.len());
    for Opening { name, strip_tabs, expand, spaced } in openings {
        let start = lines.at();
        let terminator = loop {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Err((None, Problem::UnterminatedHeredoc { name })),
                Err(error) => return Err((Some(error.span), error.problem)),
            };
            let text = &lines.text()[line.start..line.end];
            let text = if strip_tabs { text.trim_start_matches('\t') } else { text };
            if text == name {
                break line;
            }
        };
        let body = Span::new(start, terminator.start);
        let terminator = Span::new(terminator.start, terminator.end);
        heredocs.push(Heredoc { name, strip_tabs, expand, spaced, body, terminator });
    }
    Ok(heredocs)
}
