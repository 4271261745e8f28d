//! The pieces of a program: the one text of a Python file, or the code cells of a notebook, decoded.

use crate::source::Span;

use super::{MAX_PYTHON, ScriptError, magics};

/// A piece of the program.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The text as Python gets it.
    pub(super) text: String,
    /// The same with IPython's own lines masked: what is parsed. As long as `text`.
    pub(super) masked: String,
    /// What was masked.
    pub(super) masks: Vec<Span>,
    /// The comments that are blanked in `masked`.
    pub(super) hidden: Vec<Span>,
    /// The JSON strings that the text is written as, in order; none in a Python file.
    pub(super) items: Vec<Item>,
    /// The whole value in the file.
    pub(super) value: Span,
    /// Where runs of bytes that are written as they are begin: in `text` and in the file, ascending.
    runs: Vec<(usize, usize)>,
}

/// One string of a cell's `source`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// What it says, in the cell's text.
    pub(super) text: Span,
    /// The string in the file, quotes included.
    pub(super) raw: Span,
}

impl Cell {
    pub(super) fn new(value: Span) -> Self {
        Cell {
            text: String::new(),
            masked: String::new(),
            masks: Vec::new(),
            hidden: Vec::new(),
            items: Vec::new(),
            value,
            runs: Vec::new(),
        }
    }

    /// From here on, bytes of the text stand at `raw` in the file.
    pub(super) fn run(&mut self, raw: usize) {
        self.runs.push((self.text.len(), raw));
    }

    /// A place in the file, when something begins there.
    pub(super) fn raw_start(&self, offset: usize) -> usize {
        let run = self.runs.partition_point(|run| run.0 <= offset);
        run.checked_sub(1).and_then(|run| self.runs.get(run)).map_or(self.value.start, |run| run.1 + (offset - run.0))
    }

    /// A place in the file, when something ends there.
    pub(super) fn raw_end(&self, offset: usize) -> usize {
        let run = self.runs.partition_point(|run| run.0 < offset);
        match self.runs.get(run) {
            Some(run) if run.0 == offset => run.1,
            _ => run.checked_sub(1).and_then(|run| self.runs.get(run)).map_or(offset, |run| run.1 + (offset - run.0)),
        }
    }

    /// A span of the text in the file.
    pub(super) fn raw(&self, span: Span) -> Span {
        let start = self.raw_start(span.start);
        Span::new(start, self.raw_end(span.end).max(start))
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> ScriptError {
        ScriptError { offset: self.raw_start(offset), message: message.into() }
    }
}

/// A Python file: one piece.
pub(super) fn of_python(text: &str) -> Result<Vec<Cell>, ScriptError> {
    if text.len() > MAX_PYTHON {
        let message =
            format!("the file is larger than {} MB: too large for a program written by hand", MAX_PYTHON >> 20);
        return Err(ScriptError { offset: 0, message });
    }
    let skip = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut cell = Cell::new(Span::new(skip, text.len()));
    cell.run(skip);
    cell.text = text[skip..].to_owned();
    cell.masked = cell.text.clone();
    let lines = magics::Lines::of(&cell.text);
    if let Some((offset, message)) = lines.fault {
        return Err(cell.error(offset, message));
    }
    (cell.masked, cell.hidden) = magics::hide_comments(&cell.masked);
    Ok(vec![cell])
}
