//! Turning off the caching of Spark packages, as text.

use std::collections::HashSet;

use crate::edit::Edit;
use crate::source::{Source, Span};

use super::cells::Cell;
use super::objects::{EnvironmentObject, Event, Made, Set, What};
use super::{PythonScript, ScriptChange};

/// What a hand has to write where a fix cannot.
const BY_HAND: &str = "set `spark.precache_packages = False` on it by hand, before it is registered or submitted";

impl PythonScript {
    /// Sets `precache_packages = False` on an environment: an assignment of something true gets the value `False`,
    /// and where none holds on every way to the first use, a new one is written. Nothing to do gives nothing.
    ///
    /// # Errors
    /// The reason why it cannot be done, a sentence for a person.
    pub fn precache_off(&self, source: &Source, object: usize) -> Result<(Vec<Edit>, Vec<ScriptChange>), String> {
        let number = object;
        let object = self.environments.get(number).ok_or("there is no such environment")?;
        let fix = self.own_fix(source, object)?;
        let others = object.history.shares.iter().filter(|other| **other < number);
        for other in others.filter_map(|other| self.environments.get(*other)) {
            // One change may do for several environments: the first one brings it.
            let asked = !other.adds_packages.is_empty() || object.adds_packages.is_empty();
            if asked
                && !fix.0.is_empty()
                && self.own_fix(source, other).is_ok_and(|theirs| fix.0.iter().all(|edit| theirs.0.contains(edit)))
            {
                return Ok((Vec::new(), Vec::new()));
            }
        }
        Ok(fix)
    }

    fn own_fix(&self, source: &Source, object: &EnvironmentObject) -> Result<(Vec<Edit>, Vec<ScriptChange>), String> {
        let name = &object.name;
        if object.precache_is_off() {
            return Ok((Vec::new(), Vec::new()));
        }
        if let Some(curated) = &object.curated {
            return Err(format!(
                "`{curated}` is one of Microsoft's own environments, which cannot be changed; clone it"
            ));
        }
        let (mut edits, mut changes, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (event, set) in object.history.events.iter().filter_map(|event| match &event.what {
            What::Set(set) if set.precache.value != Some(false) => Some((event, set)),
            _ => None,
        }) {
            if set.precache.value.is_none() || set.literal.is_none() {
                return Err(format!(
                    "`{name}.spark.precache_packages` is set to an expression; make it `False` by hand"
                ));
            }
            let change = ScriptChange::SetValue { statement: event.place.statement, to: "False".to_owned() };
            if seen.insert(event.place.statement) {
                edits.push(Edit::replace(set.precache.span, "False"));
                changes.push(change);
            }
        }
        if object.off_but_for(is_literal_set) {
            return Ok((edits, changes));
        }
        let (statement, section) = self.place(object)?;
        let text = format!("{section}.precache_packages = False");
        let root = section.split('.').next().unwrap_or(&section);
        let (after, edit) = self.insert(source, statement, &text, root)?;
        if edits.iter().any(|other| other.touches(&edit)) {
            return Err(format!("there is no room for a new statement; {BY_HAND}"));
        }
        edits.push(edit);
        changes.push(ScriptChange::InsertStatement { after, text });
        Ok((edits, changes))
    }

    /// The statement behind which the new one stands, and the `spark` section as it is written there.
    fn place(&self, object: &EnvironmentObject) -> Result<(usize, String), String> {
        let history = &object.history;
        let (name, made) = (&object.name, history.place);
        let first_use = object.first_use();
        let in_time = |statement: usize| first_use.is_none_or(|first| statement < first);
        let own = |event: &&Event| event.place.function == made.function;
        let replaced = history.events.iter().filter(|event| matches!(event.what, What::Replaced));
        let replaced: Vec<_> = replaced.map(|event| event.place).collect();
        let elsewhere = !history.events.iter().all(|event| own(&event));
        let touches = history.events.iter().filter(own).filter(|event| event.place.block == made.block && event.sure);
        if replaced.is_empty() {
            return self.behind_packages(object).map_or_else(|| behind_making(object), Ok);
        }
        let last = touches
            .filter_map(|event| match &event.what {
                What::Touch(Some(section)) => Some((event.place.statement, section)),
                _ => None,
            })
            .filter(|(statement, _)| in_time(*statement) && !self.is_compound(*statement))
            .max_by_key(|(statement, _)| *statement);
        let settled = |statement: usize| {
            replaced.iter().all(|place| {
                place.function == made.function && place.block == made.block && place.statement <= statement
            })
        };
        match last {
            Some((statement, section)) if !elsewhere && settled(statement) => Ok((statement, section.clone())),
            _ => Err(format!("`{name}.spark` is replaced as a whole; {BY_HAND}")),
        }
    }

    /// The first statement that puts packages in, when nothing else can come between.
    fn behind_packages(&self, object: &EnvironmentObject) -> Option<(usize, String)> {
        let history = &object.history;
        let (statement, near) = history.first_adds?;
        let mut here = history.events.iter().filter(|event| event.place.statement == statement);
        let section = here.find_map(|event| match &event.what {
            What::Touch(Some(section)) if event.sure => Some(section.clone()),
            _ => None,
        })?;
        let own = |event: &&Event| event.place.function == history.place.function;
        let mut elsewhere = history.events.iter().filter(|event| !own(event));
        let before = elsewhere.any(|event| event.place.statement < statement);
        let late = object.first_use().is_some_and(|first| first <= statement);
        let apart = (history.shared && !near) || history.carried || before || late || self.is_compound(statement);
        (!apart).then_some((statement, section))
    }

    /// Whether a statement is the head of a compound one, behind which nothing can stand in the same block.
    fn is_compound(&self, statement: usize) -> bool {
        let depth = |number: usize| self.flat.entries.get(number).map(|entry| (entry.cell, entry.depth));
        let words = self.flat.words(&self.cells, statement);
        words.last() == Some(&":")
            || matches!((depth(statement), depth(statement + 1)), (Some((a, x)), Some((b, y))) if a == b && y > x)
    }

    /// Puts a new statement on a line of its own behind a simple one, and behind those that share its line.
    fn insert(&self, source: &Source, statement: usize, text: &str, root: &str) -> Result<(usize, Edit), String> {
        let none = || "there is no such statement".to_owned();
        let entry = self.flat.entries.get(statement).ok_or_else(none)?;
        let cell = self.cells.get(entry.cell).ok_or_else(none)?;
        let on_line = |number: usize, line: Span| {
            let other = self.flat.entries.get(number)?;
            let shares = other.cell == entry.cell && other.span.start < line.end && other.span.end > line.start;
            shares.then_some(other)
        };
        let (mut first, mut last) = (statement, statement);
        let mut line = line_of(cell, entry.span);
        while let Some(other) = first.checked_sub(1).and_then(|before| on_line(before, line)) {
            if other.depth != entry.depth {
                return Err(format!("the environment is made on the line of another statement's head; {BY_HAND}"));
            }
            first -= 1;
            line = Span::new(line_of(cell, other.span).start, line.end);
        }
        while let Some(other) = on_line(last + 1, line) {
            if other.depth != entry.depth || self.flat.words(&self.cells, last + 1).contains(&root) {
                return Err(format!("what follows on the same line uses `{root}` already; {BY_HAND}"));
            }
            last += 1;
            line = Span::new(line.start, line_of(cell, other.span).end);
        }
        let indent = cell.text.get(line.start..).unwrap_or_default();
        let indent = &indent[..indent.len() - indent.trim_start_matches([' ', '\t']).len()];
        let starts = self.flat.entries.get(first).map(|entry| entry.span.start);
        let end = self.flat.entries.get(last).map_or(line.end, |entry| entry.span.end);
        let rest = cell.text.get(end..line.end).unwrap_or_default();
        let code = rest.split('#').next().unwrap_or_default();
        if starts != Some(line.start + indent.len()) || !code.chars().all(|c| matches!(c, ' ' | '\t' | ';')) {
            return Err(format!("the environment is made on a line that holds more than its statement; {BY_HAND}"));
        }
        Ok((last, new_line(source, cell, line, &format!("{indent}{text}"))))
    }
}

/// The statement that makes it, when it certainly has an environment's attributes then.
fn behind_making(object: &EnvironmentObject) -> Result<(usize, String), String> {
    let (history, name) = (&object.history, &object.name);
    let made = history.place.statement;
    match object.made_by {
        Made::Parameter => {
            return Err(format!("`{name}` comes in as an argument; {BY_HAND}, where it is made"));
        }
        Made::Returned | Made::Annotated => {
            return Err(format!("`{name}` is made elsewhere, and may be something else or `None`; {BY_HAND}"));
        }
        _ if !history.simple => {
            return Err(format!("`{name}` is made in the head of a compound statement; {BY_HAND}"));
        }
        _ => {}
    }
    match &history.exact {
        Some(exact) if object.first_use().is_none_or(|first| made < first) => Ok((made, format!("{exact}.spark"))),
        Some(_) => Err(format!("`{name}` is made and used in one statement; {BY_HAND}")),
        None => Err(format!("`{name}` has no name of its own where it is made: give it one, and {BY_HAND}")),
    }
}

/// Whether an event sets a literal that a fix replaces.
fn is_literal_set(event: &Event) -> bool {
    matches!(event.what, What::Set(Set { literal: Some(_), .. }))
}

/// The whole lines of a span, without the last newline.
fn line_of(cell: &Cell, span: Span) -> Span {
    let bytes = cell.text.as_bytes();
    let start = memchr::memrchr(b'\n', &bytes[..span.start]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &bytes[span.end..]).map_or(bytes.len(), |at| span.end + at);
    let end = if end > span.end && end < bytes.len() && bytes[end - 1] == b'\r' { end - 1 } else { end };
    Span::new(start, end)
}

/// A new line below another one, in a notebook as a new item of the list when the lines are its items.
fn new_line(source: &Source, cell: &Cell, line: Span, text: &str) -> Edit {
    let newline = newline_at(&cell.text, line.end);
    if cell.items.is_empty() {
        return Edit::insert(cell.raw_end(line.end), format!("{newline}{text}"));
    }
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
    };
    let behind = cell.text.get(line.end..).unwrap_or_default();
    let broken = behind.starts_with('\n') || behind.starts_with("\r\n");
    let line_end = if broken { line.end + newline.len() } else { line.end };
    let is_list = source.text().as_bytes().get(cell.value.start) == Some(&b'[');
    let item = cell.items.iter().position(|item| item.text.end == line_end && !item.text.is_empty());
    match item.filter(|_| is_list).and_then(|at| Some((at, cell.items.get(at)?))) {
        Some((at, item)) => {
            let raw = |start: usize, end: usize| source.text().get(start..end).unwrap_or_default();
            let after_comma = |gap: &'_ str| gap.split_once(',').map_or(String::new(), |(_, gap)| gap.to_owned());
            // What parts two neighbours, or the only item from its bracket.
            let gap = match (at.checked_sub(1).and_then(|at| cell.items.get(at)), cell.items.get(at + 1)) {
                (Some(before), _) => after_comma(raw(before.raw.end, item.raw.start)),
                (None, Some(next)) => after_comma(raw(item.raw.end, next.raw.start)),
                (None, None) => match raw(cell.value.start + 1, item.raw.start) {
                    // All on one line: with a blank where the key has one before its value.
                    "" if raw(cell.value.start.saturating_sub(1), cell.value.start) == " " => " ".to_owned(),
                    gap => gap.to_owned(),
                },
            };
            let (close, open) = if broken { ("", newline) } else { (newline, "") };
            Edit::insert(item.raw.end - 1, format!("{}\",{gap}\"{}{}", json(close), json(text), json(open)))
        }
        None => Edit::insert(cell.raw_end(line.end), json(&format!("{newline}{text}"))),
    }
}

/// The newline of the line that ends at an offset; at the end of the text, that of the line above.
fn newline_at(text: &str, end: usize) -> &'static str {
    let behind = text.get(end..).unwrap_or_default();
    let above = text.get(..end).unwrap_or_default();
    let crlf = match memchr::memrchr(b'\n', above.as_bytes()) {
        _ if !behind.is_empty() => behind.starts_with("\r\n"),
        Some(at) => above[..at].ends_with('\r'),
        None => false,
    };
    if crlf { "\r\n" } else { "\n" }
}
