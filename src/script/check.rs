//! The proof that a change of a program did what it says and nothing else.
//!
//! Both texts are read anew. The statements of the text after must be those of the text before with the changes
//! applied to the list, word for word; comments must stand where they stood; in a notebook every byte outside the
//! changed cells' `source` must be the same. Nothing of how a text is edited is known here.

use std::collections::HashMap;

use serde_json::Value;

use crate::source::{Source, Span};

use super::cells::Cell;
use super::flat::Flat;
use super::objects::What;
use super::{Form, PythonScript, ScriptChange, read, tree};

/// A statement to be expected: its depth and its words.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    depth: usize,
    words: Vec<String>,
}

/// Proves that `after` is `before` with the changes and nothing else, and that the environments that they name have
/// their caching off.
///
/// # Errors
/// What is not as it must be, a sentence for a person.
pub fn check(before: &Source, after: &Source, form: Form, changes: &[&ScriptChange]) -> Result<(), String> {
    let again = |source: &Source, which: &str| {
        read(source, form)
            .map_err(|error| format!("the program {which} the change cannot be read: {error}"))?
            .ok_or_else(|| format!("the program {which} the change makes no environment"))
    };
    let (old, new) = (again(before, "before")?, again(after, "after")?);
    if form == Form::Notebook {
        same_outside(before, after, &old, &new)?;
    } else if before.has_bom() != after.has_bom() {
        return Err("the byte order mark would change".to_owned());
    }
    let (expected, moved) = apply(&old, changes)?;
    if expected != lines(&new) {
        return Err("the statements would not be as meant".to_owned());
    }
    let comments = |script: &PythonScript, moved: &dyn Fn(usize, bool) -> usize| -> Vec<(String, usize, bool, usize)> {
        let text = |cell: &Cell, span: Span| cell.text.get(span.start..span.end).unwrap_or_default().to_owned();
        let comments =
            script.flat.comments.iter().filter_map(|comment| Some((comment, script.cells.get(comment.cell)?)));
        comments
            .map(|(comment, cell)| {
                let inside = inside(&script.flat, comment.behind, comment.span.start, comment.cell);
                let behind = moved(comment.behind, comment.trailing && !inside);
                (text(cell, comment.span), behind, comment.trailing, comment.cell)
            })
            .collect()
    };
    // A comment on its own line keeps the statement below it, one within a statement that statement, and one behind a
    // statement the one before it.
    let shifted = |behind: usize, stays: bool| {
        behind + moved.partition_point(|after| if stays { *after + 1 < behind } else { *after < behind })
    };
    if comments(&old, &shifted) != comments(&new, &|behind, _| behind) {
        return Err("a comment would change its text or its place".to_owned());
    }
    is_off(&new, changes, &moved)
}

/// Whether a comment stands within the statement that `behind` statements end before.
fn inside(flat: &Flat, behind: usize, offset: usize, cell: usize) -> bool {
    flat.entries.get(behind).is_some_and(|entry| entry.cell == cell && entry.span.start < offset)
}

fn lines(script: &PythonScript) -> Vec<Line> {
    let line = |number: usize, depth: usize| {
        let words = script.flat.words(&script.cells, number);
        // A line end within a statement may be of either kind.
        Line { depth, words: words.into_iter().map(str::to_owned).collect() }
    };
    script.flat.entries.iter().enumerate().map(|(number, entry)| line(number, entry.depth)).collect()
}

/// The lines that must come out, and the statements behind which a new one stands, ascending.
fn apply(script: &PythonScript, changes: &[&ScriptChange]) -> Result<(Vec<Line>, Vec<usize>), String> {
    let mut lines = lines(script);
    let mut inserted = Vec::new();
    for change in changes {
        if let ScriptChange::SetValue { statement, to } = change {
            let words = &mut lines.get_mut(*statement).ok_or("a change names no statement")?.words;
            let value = words.iter().rposition(|word| word == "=").map_or(words.len(), |at| at + 1);
            let target = words.get(..value).unwrap_or_default();
            let alone = target.iter().filter(|word| *word == "=").count() == 1;
            let mut literals = (value..words.len()).filter(|at| !matches!(words[*at].as_str(), "(" | ")"));
            let (at, None, true) =
                (literals.next(), literals.next(), alone && target.contains(&"precache_packages".to_owned()))
            else {
                return Err(
                    "a change names a statement that does not set `precache_packages` to a plain value".to_owned()
                );
            };
            let at = at.ok_or("a change names a statement without a value")?;
            words.splice(at..=at, words_of(to)?);
        }
    }
    for change in changes {
        if let ScriptChange::InsertStatement { after, text } = change {
            inserted.push((*after, words_of(text)?));
        }
    }
    inserted.sort_by_key(|(after, _)| *after);
    let mut out = Vec::with_capacity(lines.len() + inserted.len());
    let mut next = inserted.iter().peekable();
    for (number, line) in lines.into_iter().enumerate() {
        let depth = line.depth;
        out.push(line);
        while let Some((_, words)) = next.next_if(|(after, _)| *after == number) {
            out.push(Line { depth, words: words.clone() });
        }
    }
    if next.peek().is_some() {
        return Err("a change names no statement".to_owned());
    }
    Ok((out, inserted.into_iter().map(|(after, _)| after).collect()))
}

/// The words of a text that is one statement.
fn words_of(text: &str) -> Result<Vec<String>, String> {
    let mut cell = Cell::new(Span::at(0));
    (cell.text, cell.masked) = (text.to_owned(), text.to_owned());
    let mut flat = Flat::default();
    let tree = tree::parse_text(text).ok_or("a change is no Python")?;
    flat.add(0, &cell, &tree).map_err(|(_, message)| message)?;
    let words = flat.words(std::slice::from_ref(&cell), 0).into_iter().map(str::to_owned).collect();
    if flat.entries.len() == 1 { Ok(words) } else { Err("a change is not one statement".to_owned()) }
}

/// Every changed or new statement must set `precache_packages` of environments that have it off.
fn is_off(script: &PythonScript, changes: &[&ScriptChange], moved: &[usize]) -> Result<(), String> {
    // By statement, the environments that it sets, and whether to something else than `False`.
    let mut setters: HashMap<usize, Vec<(usize, bool)>> = HashMap::new();
    for (id, object) in script.environments.iter().enumerate() {
        for event in &object.history.events {
            if let What::Set(set) = event.what {
                setters.entry(event.place.statement).or_default().push((id, set.precache.value != Some(false)));
            }
        }
    }
    let mut known: HashMap<usize, bool> = HashMap::new();
    for change in changes {
        let (number, inserted) = match change {
            ScriptChange::InsertStatement { after, .. } => {
                (after + 1 + moved.partition_point(|other| other < after), true)
            }
            ScriptChange::SetValue { statement, .. } => {
                (statement + moved.partition_point(|other| other < statement), false)
            }
        };
        let Some(ids) = setters.get(&number) else {
            return Err("a changed statement sets no environment's `precache_packages`".to_owned());
        };
        // Where one statement may be about several environments, it must do for one of them.
        let mut enough = !inserted;
        for (id, on) in ids {
            let Some(object) = script.environments.get(*id) else { continue };
            if *on {
                return Err(format!("the packages of `{}` would still be cached ahead", object.name));
            }
            enough |= *known.entry(*id).or_insert_with(|| object.precache_is_off());
        }
        if !enough {
            return Err("the packages would still be cached ahead".to_owned());
        }
    }
    Ok(())
}

/// In a notebook, every byte outside the sources of code cells stays, and the whole stays valid JSON.
fn same_outside(before: &Source, after: &Source, old: &PythonScript, new: &PythonScript) -> Result<(), String> {
    if old.cells.len() != new.cells.len() {
        return Err("a cell would come or go".to_owned());
    }
    let (mut last_old, mut last_new) = (0, 0);
    let part = |source: &Source, start: usize, end: usize| source.text().get(start..end).map(str::to_owned);
    for (a, b) in old.cells.iter().zip(&new.cells) {
        if part(before, last_old, a.value.start) != part(after, last_new, b.value.start) {
            return Err("something outside the code would change".to_owned());
        }
        (last_old, last_new) = (a.value.end, b.value.end);
        let read = |source: &Source, span: Span| -> Result<Value, String> {
            let text = source.text().get(span.start..span.end).unwrap_or_default();
            serde_json::from_str(text).map_err(|error| format!("a cell would be no valid JSON: {error}"))
        };
        let (was, is) = (read(before, a.value)?, read(after, b.value)?);
        if shape(&was) != shape(&is) || joined(&is).as_deref() != Some(b.text.as_str()) {
            return Err("a cell's source would be written otherwise".to_owned());
        }
    }
    if part(before, last_old, before.text().len()) != part(after, last_new, after.text().len()) {
        return Err("something outside the code would change".to_owned());
    }
    Ok(())
}

/// How a source is written: one text, or a list whose items are (or are not) one line each.
fn shape(value: &Value) -> (bool, bool) {
    let Value::Array(items) = value else { return (false, false) };
    let (last, inner) = match items.split_last() {
        Some((last, inner)) => (last.as_str().unwrap_or_default(), inner),
        None => ("", items.as_slice()),
    };
    let is_line = |text: &str| text.ends_with('\n') && text.matches('\n').count() == 1;
    let lines = inner.iter().all(|item| item.as_str().is_some_and(is_line));
    (true, lines && !last.trim_end_matches('\n').contains('\n'))
}

fn joined(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
