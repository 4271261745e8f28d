//! Reads the tables under `data/`: one row a line, columns between tabs. Lines that begin with `#` stand at the top, the
//! next names the columns, and the last column is the row's source. A table is read on first use, in some microseconds;
//! a format with nesting would cost more than the rest of a run on a small file.

use std::cmp::Ordering;

/// A table behind its comment and the line of column names.
fn body(text: &'static str) -> &'static str {
    let mut rest = text;
    loop {
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = below;
        if !line.starts_with('#') {
            return rest;
        }
    }
}

/// The rows of a table.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Row> {
    body(text).lines().map(Row)
}

/// The row of that name in a table that is sorted by its first column, byte by byte: found where it stands, so that a
/// large table costs a run no more than what it asks of it.
pub(super) fn find(text: &'static str, name: &str) -> Option<Row> {
    let text = body(text);
    let bytes = text.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        let row = Row(text.get(start..end)?);
        match row.first().cmp(name) {
            Ordering::Equal => return Some(row),
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    None
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row(&'static str);

impl Row {
    /// The first cell, which the others need not be read for.
    pub(super) fn first(self) -> &'static str {
        memchr::memchr(b'\t', self.0.as_bytes()).map_or(self.0, |end| &self.0[..end])
    }

    /// The cells from the first on; a missing cell is empty.
    pub(super) fn cells<const N: usize>(self) -> [&'static str; N] {
        let mut cells = [""; N];
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\t', self.0.as_bytes()).chain([self.0.len()]);
        for (cell, end) in cells.iter_mut().zip(ends) {
            *cell = &self.0[start..end];
            start = end + 1;
        }
        cells
    }
}

/// Checks what every table promises: as many cells in each row as there are columns, and a source in the last one
/// that begins with its mark.
#[cfg(test)]
pub(super) fn check(text: &'static str) {
    let columns = text.lines().find(|line| !line.starts_with('#')).map_or(0, |line| line.split('\t').count());
    assert!(columns > 1 && rows(text).count() > 0);
    for Row(line) in rows(text) {
        assert_eq!(line.split('\t').count(), columns, "cells of {line:?}");
        let source = line.rsplit('\t').next().unwrap_or_default();
        let mark = source.get(..4).unwrap_or_default();
        assert!(matches!(mark, "[V] " | "[S] " | "[M] "), "no mark in the source of {line:?}");
        assert!(source.len() > 8, "no source in {line:?}");
        assert!(line.split('\t').all(|cell| !cell.is_empty() && cell.trim() == cell), "an empty cell in {line:?}");
    }
}

/// Checks that every row of a table that is searched is found, and so stands once and in its place.
#[cfg(test)]
pub(super) fn check_sorted(text: &'static str) {
    for row in rows(text) {
        assert_eq!(find(text, row.first()).map(|found| found.0), Some(row.0));
    }
    let names: Vec<&str> = rows(text).map(Row::first).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for other in ["", "\u{10ffff}", "-", "no-such-row"] {
        assert!(find(text, other).is_none());
    }
    for name in names {
        assert!(
            find(text, &format!("{name}\u{1}")).is_none()
                && find(text, &name[..name.len() - 1]).is_none_or(|row| row.first() != name)
        );
    }
}
