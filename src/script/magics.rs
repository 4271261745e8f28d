//! What of a text must be known before it is parsed: where logical lines begin, and which of them are IPython's own
//! (`%magic`, `!command`, `help?`) and no Python.

use crate::source::Span;

/// CPython's tokenizer takes no more open brackets.
const MAX_BRACKETS: usize = 200;

/// Cell magics whose body is Python that runs where the other cells run.
const PYTHON_CELLS: [&str; 3] = ["time", "capture", "prun"];

/// Line magics that run the statement behind them where the cells run.
const PYTHON_LINES: [&str; 2] = ["%time ", "%prun "];

/// What begins a statement that cannot share its line.
const COMPOUND: [&str; 10] = ["for", "while", "if", "with", "def", "class", "try", "async", "match", "return"];

/// Blanks the comments that have a line of their own, but for those in brackets, and says where they are. Python's
/// grammar looks through all comments that follow each of them, in time that grows with their square.
pub(super) fn hide_comments(text: &str) -> (String, Vec<Span>) {
    let bytes = text.as_bytes();
    let mut hidden = Vec::new();
    Lines::each(text, |start| {
        let from = start + bytes.get(start..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c')).count();
        (bytes.get(from) == Some(&b'#')).then_some(())?;
        let end = memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at);
        let end = if bytes[..end].ends_with(b"\r") { end - 1 } else { end };
        hidden.push(Span::new(from, end));
        Some(end)
    });
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for span in &hidden {
        out.push_str(&text[last..span.start]);
        out.extend(std::iter::repeat_n(' ', span.len()));
        last = span.end;
    }
    out.push_str(&text[last..]);
    (out, hidden)
}

/// The logical lines of a text.
pub(super) struct Lines {
    /// The first thing that Python would not take, and what it is.
    pub(super) fault: Option<(usize, &'static str)>,
}

impl Lines {
    /// Scans a text for strings, comments, brackets and line ends.
    pub(super) fn of(text: &str) -> Lines {
        Lines::each(text, |_| None)
    }

    /// The same, with a look at the start of each line that continues no string, bracket or backslash: what the look
    /// finds to be no Python is skipped up to the offset it gives.
    fn each(text: &str, mut look: impl FnMut(usize) -> Option<usize>) -> Lines {
        let bytes = text.as_bytes();
        let mut lines = Lines { fault: None };
        let (mut at, mut depth) = (look(0).unwrap_or(0), 0usize);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'#' => {
                    at = memchr::memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                    continue;
                }
                b'\'' | b'"' => {
                    at = end_of_string(bytes, at, &mut lines);
                    continue;
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    if depth > MAX_BRACKETS {
                        lines.blame(at, "more than 200 open brackets, which Python does not take");
                    }
                }
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b'\\' if bytes[at + 1..].starts_with(b"\n") => at += 1,
                b'\\' if bytes[at + 1..].starts_with(b"\r\n") => at += 2,
                b'\n' if depth == 0 => {
                    at = look(at + 1).unwrap_or(at + 1);
                    continue;
                }
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => lines.lone_return(at),
                _ => {}
            }
            at += 1;
        }
        lines
    }

    fn blame(&mut self, at: usize, message: &'static str) {
        self.fault.get_or_insert((at, message));
    }

    fn lone_return(&mut self, at: usize) {
        self.blame(at, "a carriage return without a newline; save the file with \\n or \\r\\n line ends and run again");
    }
}

/// Behind the string that begins at `at`. One that is not closed ends with its line, a long one with the text.
fn end_of_string(bytes: &[u8], at: usize, lines: &mut Lines) -> usize {
    let quote = bytes[at];
    let long = bytes[at..].starts_with(&[quote; 3]);
    let mut at = if long { at + 3 } else { at + 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes[at + 1..].starts_with(b"\r\n") => at += 3,
            b'\\' => at += 2,
            b'\n' if !long => return at,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => {
                lines.lone_return(at);
                at += 1;
            }
            byte if *byte == quote && !long => return at + 1,
            byte if *byte == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A cell with IPython's own lines masked.
pub(super) struct Masked {
    pub(super) text: String,
    pub(super) masks: Vec<Span>,
}

/// Masks IPython's own lines: each becomes the statement `0` and blanks, so that all other offsets stay. A cell in
/// another language is masked as a whole.
pub(super) fn mask(text: &str) -> Masked {
    let first = text.len() - text.trim_start().len();
    if let Some(magic) = text[first..].strip_prefix("%%") {
        let name = magic.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        if !PYTHON_CELLS.contains(&name) {
            return Masked { text: " ".repeat(text.len()), masks: vec![Span::new(0, text.len())] };
        }
    }
    let mut masks = Vec::new();
    Lines::each(text, |start| {
        let span = own_line(text, start)?;
        masks.push(span);
        Some(span.end)
    });
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for mask in &masks {
        out.push_str(&text[last..mask.start]);
        // Line ends within a command go too, so that what stands for it is one statement.
        let instead = if PYTHON_LINES.contains(&&text[mask.start..mask.end]) { "0;" } else { "0" };
        out.push_str(instead);
        out.extend(std::iter::repeat_n(' ', mask.len() - instead.len()));
        last = mask.end;
    }
    out.push_str(&text[last..]);
    Masked { text: out, masks }
}

/// What of the line at `start` is IPython's own.
fn own_line(text: &str, start: usize) -> Option<Span> {
    let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
    let line = text[start..end].trim_end();
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let code = &line[indent..];
    let from = start + indent;
    if let Some(statement) =
        PYTHON_LINES.iter().find_map(|magic| code.strip_prefix(magic)).filter(|code| is_simple(code))
    {
        return Some(Span::new(from, from + code.len() - statement.len()));
    }
    if code.starts_with(['%', '!', '?']) {
        return Some(Span::new(from, end_of_command(text, from)));
    }
    let asks = code.strip_suffix('?').map(|name| name.strip_suffix('?').unwrap_or(name));
    if asks.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.%*".contains(c))) {
        return Some(Span::new(from, from + code.len()));
    }
    // `files = !ls`, `took = %timeit -o f()`
    let (name, value) = code.split_once('=')?;
    let is_target = name.trim().chars().all(|c| c.is_alphanumeric() || "_., ".contains(c)) && !name.trim().is_empty();
    let command = value.trim_start();
    if is_target && (command.starts_with('!') || command.starts_with('%')) {
        let at = from + code.len() - command.len();
        return Some(Span::new(at, end_of_command(text, at)));
    }
    None
}

/// Whether the text behind a magic is a simple statement on one line.
fn is_simple(code: &str) -> bool {
    let word = code.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let count = |kinds: [char; 3]| code.matches(kinds).count();
    !word.is_empty()
        && !COMPOUND.contains(&word)
        && !code.ends_with(['\\', '?'])
        && ['"', '\''].iter().all(|quote| code.matches(*quote).count() % 2 == 0)
        && count(['(', '[', '{']) == count([')', ']', '}'])
}

/// The end of a command that may go on behind a backslash at the end of its line.
fn end_of_command(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |found| at + found);
        let line = text[at..end].trim_end_matches('\r');
        if !line.ends_with('\\') || end == text.len() {
            return at + line.len();
        }
        at = end + 1;
    }
}
