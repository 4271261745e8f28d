//! A program as a flat list of statements, each with its depth and its words: what two texts are compared by.

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use crate::source::Span;

use super::cells::Cell;

/// The statements of a program in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Flat {
    pub(super) entries: Vec<Entry>,
    tokens: Vec<Span>,
    pub(super) comments: Vec<Comment>,
    starts: HashMap<(usize, usize), usize>,
}

/// A simple statement, or one head of a compound one: `if x:`, `else:`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) cell: usize,
    /// How many blocks it is in.
    pub(super) depth: usize,
    /// From its first to its last word.
    pub(super) span: Span,
    tokens: (usize, usize),
}

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) cell: usize,
    pub(super) span: Span,
    /// How many statements of the program end before it.
    pub(super) behind: usize,
    /// Whether something stands before it on its line.
    pub(super) trailing: bool,
}

enum Opened {
    Nothing,
    Statement,
    Block,
}

impl Flat {
    /// Adds a cell's statements. Text that no leaf of the tree covers is an error: it would not be compared.
    pub(super) fn add(&mut self, number: usize, cell: &Cell, tree: &Tree) -> Result<(), (usize, String)> {
        let text = &cell.masked;
        let first_comment = self.comments.len();
        let mut cursor = tree.walk();
        let mut opened: Vec<Opened> = Vec::new();
        // For each open statement, the entry that its next word belongs to.
        let mut current: Vec<Option<usize>> = Vec::new();
        let (mut depth, mut last_end, mut masks) = (0usize, 0usize, cell.masks.iter().peekable());
        loop {
            let node = cursor.node();
            let in_block = matches!(opened.last(), Some(Opened::Block));
            let mut open = Opened::Nothing;
            let is_leaf = is_leaf(node);
            if node.kind() == "module" {
                open = Opened::Block;
            } else if node.kind() == "block" {
                depth += 1;
                open = Opened::Block;
            } else if in_block && node.is_named() && node.kind() != "comment" {
                current.push(None);
                open = Opened::Statement;
            }
            if is_leaf && node.end_byte() > node.start_byte() {
                let span = Span::new(node.start_byte(), node.end_byte());
                let gap = text.get(last_end..span.start).unwrap_or_default();
                let blank = |c: char| c.is_whitespace() || matches!(c, '\\' | '\u{feff}' | '\u{2060}' | '\u{200b}');
                if !gap.chars().all(blank) {
                    return Err((last_end, "this is not understood as Python".to_owned()));
                }
                last_end = span.end;
                match node.kind() {
                    "comment" => self.comment(number, text, span),
                    "line_continuation" => {}
                    // The semicolon between two statements.
                    _ if in_block && !node.is_named() => {}
                    _ => {
                        while masks.next_if(|mask| mask.end <= span.start).is_some() {}
                        let word = masks.peek().filter(|mask| mask.contains(span)).map_or(span, |mask| **mask);
                        if let Some(entry) = current.last_mut() {
                            self.word(number, depth, entry, word);
                        }
                    }
                }
            }
            opened.push(open);
            if !is_leaf && cursor.goto_first_child() {
                continue;
            }
            loop {
                match opened.pop() {
                    Some(Opened::Statement) => {
                        current.pop();
                    }
                    Some(Opened::Block) => {
                        depth = depth.saturating_sub(1);
                        // What follows the block in its statement is another head.
                        if let Some(entry) = current.last_mut() {
                            *entry = None;
                        }
                    }
                    Some(Opened::Nothing) | None => {}
                }
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    self.hidden(number, cell, first_comment);
                    self.settle(first_comment);
                    return Ok(());
                }
            }
        }
    }

    fn word(&mut self, cell: usize, depth: usize, entry: &mut Option<usize>, word: Span) {
        self.tokens.push(word);
        let index = *entry.get_or_insert_with(|| {
            let index = self.entries.len();
            let at = self.tokens.len() - 1;
            self.entries.push(Entry { cell, depth, span: word, tokens: (at, at) });
            self.starts.insert((cell, word.start), index);
            index
        });
        if let Some(entry) = self.entries.get_mut(index) {
            entry.span.end = word.end;
            entry.tokens.1 = self.tokens.len();
        }
    }

    fn comment(&mut self, cell: usize, text: &str, span: Span) {
        let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let trailing = !text[line..span.start].trim().is_empty();
        self.comments.push(Comment { cell, span, behind: self.entries.len(), trailing });
    }

    /// The comments that the tree does not know, put in their places among the others.
    fn hidden(&mut self, number: usize, cell: &Cell, from: usize) {
        for span in &cell.hidden {
            let behind = self.entries.partition_point(|entry| (entry.cell, entry.span.start) < (number, span.start));
            self.comments.push(Comment { cell: number, span: *span, behind, trailing: false });
        }
        self.comments[from..].sort_by_key(|comment| comment.span.start);
    }

    /// Comments within a statement stand before its end, which is known when the whole cell is read.
    fn settle(&mut self, from: usize) {
        for comment in &mut self.comments[from..] {
            let last = comment.behind.checked_sub(1).and_then(|last| self.entries.get(last));
            if last.is_some_and(|last| last.cell == comment.cell && last.span.end > comment.span.start) {
                comment.behind -= 1;
            }
        }
    }

    /// The number of the statement that begins at an offset of a cell.
    pub(super) fn at(&self, cell: usize, offset: usize) -> Option<usize> {
        self.starts.get(&(cell, offset)).copied()
    }

    /// The words of a statement.
    pub(super) fn words<'a>(&self, cells: &'a [Cell], number: usize) -> Vec<&'a str> {
        let Some(entry) = self.entries.get(number) else { return Vec::new() };
        let text = cells.get(entry.cell).map_or("", |cell| cell.text.as_str());
        let tokens = self.tokens.get(entry.tokens.0..entry.tokens.1).unwrap_or_default();
        tokens.iter().filter_map(|span| text.get(span.start..span.end)).collect()
    }
}

/// A node that is compared by its text: a word of the program, or a whole string, whose parts leave out what they
/// need not name.
pub(super) fn is_leaf(node: Node<'_>) -> bool {
    node.child_count() == 0 || node.kind() == "string"
}
