//! A YAML or JSON text as a tree whose every node knows where it stands.
//!
//! `yaml.rs` and `json.rs` make it; edits are placed by it. Values are read and checked by another reader
//! ([`super::values`]).

use std::collections::HashSet;
use std::fmt;

use crate::source::Span;

/// Why a text is not what is asked for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Byte offset of the place.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong there, without the place.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ReadError {}

impl ReadError {
    /// An error at a byte offset of `text`; line and column are counted from it.
    #[must_use]
    pub fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset,
            line: 1 + memchr::memchr_iter(b'\n', before.as_bytes()).count(),
            column: 1 + before[line_start..].trim_start_matches('\u{feff}').chars().count(),
            message: message.into(),
        }
    }
}

/// The longest text that is read, in bytes. The longest of 1,400 published definitions has 20 kB.
pub const MAX_BYTES: usize = 16 << 20;
/// How many collections may stand in one another. Definitions need seven.
pub const MAX_DEPTH: usize = 64;
/// How many scalars, collections and aliases a text may hold.
pub const MAX_NODES: usize = 500_000;

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// YAML
    Yaml,
    /// JSON
    Json,
}

/// A node of a [`Document`], by its place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub(super) usize);

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` or `>`
    Block,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A scalar: its value with escapes and folded lines resolved. A value that is left out is the
    /// empty plain scalar.
    Scalar {
        /// The value as text; whether `3.8` is a number is for the reader of values to say.
        value: String,
        /// How it is written.
        style: Style,
    },
    /// A list.
    Sequence {
        /// Its items in order.
        items: Vec<NodeId>,
        /// Whether it is written `[a, b]`.
        flow: bool,
    },
    /// A map.
    Mapping {
        /// Its keys and values in order.
        entries: Vec<(NodeId, NodeId)>,
        /// Whether it is written `{a: b}`.
        flow: bool,
    },
    /// `*name`: the anchored node it stands for, which is never itself an alias.
    Alias(NodeId),
}

/// A node and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its text: quotes and brackets included, its tag and anchor not. A block collection reaches
    /// from its first child to the end of its last.
    pub span: Span,
    /// Where the node begins with its tag and anchor.
    pub start: usize,
    /// Whether it has an anchor, so that it may be used elsewhere.
    pub anchored: bool,
    /// Whether it has a tag that is not one of YAML's own (`!!str`).
    pub custom_tag: bool,
}

/// One document.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
    root: Option<NodeId>,
    comments: Vec<Span>,
    /// For each comment, where its line begins.
    comment_lines: Vec<usize>,
    syntax: Syntax,
}

impl Document {
    /// Reads a text that holds one document.
    ///
    /// # Errors
    /// When it is not written in that syntax, holds several documents or a key twice, or exceeds a limit.
    pub fn read(text: &str, syntax: Syntax) -> Result<Self, ReadError> {
        if text.len() > MAX_BYTES {
            let message = format!("the text has {} bytes; more than {MAX_BYTES} bytes are not read", text.len());
            return Err(ReadError { offset: 0, line: 1, column: 1, message });
        }
        let Parts { nodes, root, mut comments } = match syntax {
            Syntax::Yaml => super::yaml::parts(text)?,
            Syntax::Json => super::json::parts(text)?,
        };
        comments.sort_unstable();
        let comment_lines = line_starts(text, &comments);
        let document = Self { nodes, root, comments, comment_lines, syntax };
        document.refuse_repeated_keys(text)?;
        Ok(document)
    }

    /// What the text is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The texts of all comments in order, `#` included: what an edit must leave as it is.
    #[must_use]
    pub fn comment_texts<'a>(&self, text: &'a str) -> Vec<&'a str> {
        self.comments.iter().map(|span| &text[span.start..span.end]).collect()
    }

    /// Every node of the text, in the order in which they begin.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The outermost node; `None` for a text without any.
    #[must_use]
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// A node as it is written: an alias stays one.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// What a node stands for: itself, or for an alias the anchored node.
    #[must_use]
    pub fn resolve(&self, id: NodeId) -> &Node {
        match self.node(id).kind {
            Kind::Alias(target) => self.node(target),
            _ => self.node(id),
        }
    }

    /// Whether the node is an alias or has an anchor: whether its text means something elsewhere.
    #[must_use]
    pub fn is_shared(&self, id: NodeId) -> bool {
        let node = self.node(id);
        node.anchored || matches!(node.kind, Kind::Alias(_))
    }

    /// The value of a scalar, through an alias.
    #[must_use]
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.resolve(id).kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The items of a list, through an alias.
    #[must_use]
    pub fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match &self.resolve(id).kind {
            Kind::Sequence { items, .. } => Some(items),
            _ => None,
        }
    }

    /// The entries of a map, through an alias.
    #[must_use]
    pub fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match &self.resolve(id).kind {
            Kind::Mapping { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The key and the value that a map has under `name`.
    #[must_use]
    pub fn get(&self, map: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        self.entries(map)?.iter().copied().find(|(key, _)| self.scalar(*key) == Some(name))
    }

    /// Every comment in order, each from its `#` to the end of its line.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// The comment that begins in `range`, if any.
    #[must_use]
    pub fn comment_in(&self, range: Span) -> Option<Span> {
        let first = self.comments.partition_point(|comment| comment.start < range.start);
        self.comments.get(first).copied().filter(|comment| comment.start < range.end)
    }

    /// The comment behind an offset on its line. Takes no longer on a long line.
    #[must_use]
    pub fn comment_behind(&self, offset: usize) -> Option<Span> {
        let next = self.comments.partition_point(|comment| comment.start < offset);
        let line = self.comment_lines.get(next)?;
        self.comments.get(next).copied().filter(|_| *line <= offset)
    }

    /// The offset of the `-` of a block list's item, looked for in the gap between `from` (the end
    /// of what stands before it) and the item's node. Comments and properties are stepped over.
    #[must_use]
    pub fn dash(&self, text: &str, from: usize, item: NodeId) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < self.node(item).start {
            match bytes.get(at)? {
                b'#' => at = self.comment_in(Span::new(at, at + 1))?.end,
                // An anchor or a tag of the list may hold a `-`, but not behind a blank.
                b'-' if is_blank(at.checked_sub(1).and_then(|before| bytes.get(before)))
                    && is_blank(bytes.get(at + 1)) =>
                {
                    return Some(at);
                }
                _ => at += 1,
            }
        }
        None
    }

    fn refuse_repeated_keys(&self, text: &str) -> Result<(), ReadError> {
        let mut seen = HashSet::new();
        for node in &self.nodes {
            let Kind::Mapping { entries, .. } = &node.kind else { continue };
            seen.clear();
            for (key, _) in entries {
                if let Some(name) = self.scalar(*key)
                    && !seen.insert(name)
                {
                    let message = format!("the key `{}` stands twice in one map", shorten(name));
                    return Err(ReadError::at(text, self.node(*key).span.start, message));
                }
            }
        }
        Ok(())
    }
}

/// Where the line of each span begins; the spans are in order.
fn line_starts(text: &str, spans: &[Span]) -> Vec<usize> {
    let (mut from, mut line) = (0, 0);
    spans
        .iter()
        .map(|span| {
            line =
                memchr::memrchr(b'\n', &text.as_bytes()[from..span.start]).map_or(line, |newline| from + newline + 1);
            from = span.start;
            line
        })
        .collect()
}

/// What a reader of a syntax makes.
pub(super) struct Parts {
    pub nodes: Vec<Node>,
    pub root: Option<NodeId>,
    pub comments: Vec<Span>,
}

/// Whether a byte is white space, or there is none.
fn is_blank(byte: Option<&u8>) -> bool {
    matches!(byte, None | Some(b' ' | b'\t' | b'\r' | b'\n'))
}

/// A piece of the input for a message.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
