//! Python sources and Jupyter notebooks that use Azure ML's SDK v1 (`azureml-core`).
//!
//! A program is read into the [`EnvironmentObject`]s that it makes: where each is made, what touches its `spark`
//! section, where it is used first. [`PythonScript::precache_off`] sets `X.spark.precache_packages = False`, and
//! [`check`] proves from the texts before and after that this is all that changed.
//!
//! ```text
//! Source ──cells──▶ Program (decoded, IPython's own lines masked) ──tree──▶ Flat statements
//!                                                                  └─walk──▶ EnvironmentObjects ──▶ edits
//! ```

mod assignments;
mod branches;
mod cells;
mod check;
mod definitions;
mod edits;
mod events;
mod expressions;
mod flat;
mod imports;
mod literals;
mod magics;
mod names;
mod notebook;
mod objects;
mod tree;
mod walk;

pub use check::check;
pub use objects::{EnvironmentObject, Made, Precache};

use std::collections::HashSet;
use std::fmt;

use crate::source::{Source, Span};

use cells::Cell;
use flat::Flat;

/// How Python is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text is the program.
    Python,
    /// A Jupyter notebook of format 4: JSON whose code cells, in order, are the program.
    Notebook,
}

/// Why a file is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScriptError {
    /// Byte offset of the place in the file.
    pub offset: usize,
    /// What is wrong, a sentence for a person.
    pub message: String,
}

/// Bytes of Python that are read at most, in a file or in the code cells of a notebook. The syntax tree of a text
/// takes a hundred to two hundred times its size.
pub const MAX_PYTHON: usize = 8 << 20;
/// Bytes of a notebook that are read at most.
pub const MAX_NOTEBOOK: usize = 64 << 20;

/// A program that uses SDK v1's environments.
#[derive(Clone, Debug)]
pub struct PythonScript {
    /// How the file is written.
    pub form: Form,
    /// The environments, in the order in which they are found: the statements of the file first, then those of its
    /// functions.
    pub environments: Vec<EnvironmentObject>,
    /// Every comment, in the file's bytes; in a notebook those of the code cells, as their JSON has them.
    pub comments: Vec<Span>,
    cells: Vec<Cell>,
    flat: Flat,
}

/// A change of a program, in statements numbered from 0 as they stand in the file. The head of a compound statement
/// is one, and so is each of its further heads (`else:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptChange {
    /// A new statement stands behind another one, in the same block.
    InsertStatement {
        /// Number of the statement before it.
        after: usize,
        /// The new statement.
        text: String,
    },
    /// An assignment gets another value.
    SetValue {
        /// Number of the assignment.
        statement: usize,
        /// The new value.
        to: String,
    },
}

impl fmt::Display for ScriptChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScriptChange::InsertStatement { text, .. } => write!(f, "a new statement `{text}`"),
            ScriptChange::SetValue { to, .. } => write!(f, "the value `{to}`"),
        }
    }
}

/// Reads a program. `None` when it makes no environment of SDK v1; a text that does not name `azureml` is left
/// unread.
///
/// # Errors
/// When the file is too large, no notebook, or not understood, and could hold something to fix.
pub fn read(source: &Source, form: Form) -> Result<Option<PythonScript>, ScriptError> {
    let text = source.text();
    let bytes = text.as_bytes();
    let names = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    if !names("azureml") || !(names("Environment") || names("RunConfig")) {
        return Ok(None);
    }
    // Without a word of Spark there is nothing to fix, so a text that is not understood harms nobody.
    let matters = names("spark");
    let fault = |error: ScriptError| if matters { Err(error) } else { Ok(None) };
    let cells = match form {
        Form::Python => cells::of_python(text).map(Some),
        Form::Notebook => notebook::cells(text),
    };
    let cells = match cells {
        Ok(Some(cells)) => cells,
        Ok(None) => return Ok(None),
        Err(error) => return fault(error),
    };
    match understand(form, cells) {
        Ok(script) => Ok((!script.environments.is_empty()).then_some(script)),
        Err(error) => fault(error),
    }
}

fn understand(form: Form, mut cells: Vec<Cell>) -> Result<PythonScript, ScriptError> {
    let parsed = tree::parse_all(form, &mut cells)?;
    let trees = parsed.trees;
    let mut flat = Flat::default();
    for (number, (cell, tree)) in cells.iter().zip(&trees).enumerate() {
        flat.add(number, cell, tree).map_err(|(offset, message)| cell.error(offset, message))?;
    }
    let environments = walk::environments(&cells, &trees, &flat)?;
    // What a cell that is no Python does with an environment is not known.
    let roots: HashSet<&str> = environments.iter().filter_map(|object| object.name.split('.').next()).collect();
    for (number, error) in parsed.opaque {
        let text = cells.get(number).map_or("", |cell| cell.text.as_str());
        if text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| roots.contains(word)) {
            return Err(error);
        }
    }
    let comments = flat.comments.iter().map(|comment| cells[comment.cell].raw(comment.span)).collect();
    Ok(PythonScript { form, environments, comments, cells, flat })
}

impl PythonScript {
    /// How many statements the program has.
    #[must_use]
    pub fn statement_count(&self) -> usize {
        self.flat.entries.len()
    }

    /// Where a statement stands in the file; for a compound statement, its head.
    #[must_use]
    pub fn statement(&self, number: usize) -> Option<Span> {
        let entry = self.flat.entries.get(number)?;
        Some(self.cells.get(entry.cell)?.raw(entry.span))
    }

    /// Where the lines begin that a fix of an environment would stand at or below: the statement that makes it, and
    /// those that put packages into it. A comment that switches the fix off stands above one of them.
    #[must_use]
    pub fn places(&self, object: usize) -> Vec<Span> {
        let Some(object) = self.environments.get(object) else { return Vec::new() };
        let mut places = vec![object.made];
        places.extend(&object.adds_packages);
        places.extend(object.sets().filter_map(|set| self.statement(set)));
        places
    }
}

#[cfg(test)]
mod tests;
