//! Reads the tables under `data/`: one row a line, columns between tabs, `#` starts a comment line, the first other
//! line names the columns and the last column is the row's source. A table is read once, on first use, in some
//! microseconds; a format with nesting would cost more than the rest of a run on a small file.

/// The rows of a table, without comments, blank lines and the line of column names.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Row> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1).map(Row)
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row(&'static str);

impl Row {
    /// The first cell, which the others need not be read for.
    pub(super) fn first(self) -> &'static str {
        self.0.split_once('\t').map_or(self.0, |(first, _)| first)
    }

    /// The cells from the first on; a missing cell is empty.
    pub(super) fn cells<const N: usize>(self) -> [&'static str; N] {
        let mut cells = [""; N];
        for (cell, text) in cells.iter_mut().zip(self.0.split('\t')) {
            *cell = text;
        }
        cells
    }
}

/// Checks what every table promises: as many cells in each row as there are columns, and a source in the last one
/// that begins with its mark.
#[cfg(test)]
pub(super) fn check(text: &'static str) {
    let columns = text.lines().find(|line| !line.starts_with('#')).map_or(0, |line| line.split('\t').count());
    assert!(columns > 1);
    for Row(line) in rows(text) {
        assert_eq!(line.split('\t').count(), columns, "cells of {line:?}");
        let source = line.rsplit('\t').next().unwrap_or_default();
        let mark = source.get(..4).unwrap_or_default();
        assert!(matches!(mark, "[V] " | "[S] " | "[M] "), "no mark in the source of {line:?}");
        assert!(source.len() > 8, "no source in {line:?}");
        assert!(line.split('\t').all(|cell| !cell.is_empty() && cell.trim() == cell), "an empty cell in {line:?}");
    }
}
