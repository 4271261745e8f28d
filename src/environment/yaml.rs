//! Reading YAML with the byte span of every node and comment.
//!
//! Two readers are used in all. This one keeps spans, quoting and comments, and is what edits are
//! placed by. It is made of the parser events of `granit-parser` (the parser under `serde-saphyr`):
//! no recursion, no unsafe code, and exact byte offsets. `serde_yaml` is the other reader; it gives
//! values only and checks what an edit did ([`super::conda_model`]). It must see no text that did
//! not pass here first, because here is where hostile input ends: size, depth and number of nodes
//! are limited, several documents and repeated keys are refused, an alias is never expanded.

use std::collections::{HashMap, HashSet};
use std::fmt;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, StructureStyle};

use crate::source::Span;

/// The longest text that is read, in bytes. The longest of 1,400 published definitions has 20 kB.
pub const MAX_BYTES: usize = 16 << 20;
/// How many collections may stand in one another. Definitions need five.
pub const MAX_DEPTH: usize = 64;
/// How many scalars, collections and aliases a text may hold.
pub const MAX_NODES: usize = 500_000;

/// Why a text is not the YAML that is asked for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Byte offset of the place.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong there, without the place.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for YamlError {}

impl YamlError {
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

/// A node of a [`Document`], by its place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(usize);

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

/// One YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
    root: Option<NodeId>,
    comments: Vec<Span>,
    /// For each comment, where its line begins.
    comment_lines: Vec<usize>,
}

impl Document {
    /// Reads a text that holds one document.
    ///
    /// # Errors
    /// When it is not YAML, holds several documents or a key twice, or exceeds a limit.
    pub fn read(text: &str) -> Result<Self, YamlError> {
        if text.len() > MAX_BYTES {
            let message = format!("the text has {} bytes; YAML of more than {MAX_BYTES} bytes is not read", text.len());
            return Err(YamlError { offset: 0, line: 1, column: 1, message });
        }
        let mut builder = Builder { text, ..Builder::default() };
        let options = granit_parser::options! {
            emit_anchor_events: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            max_buffered_comment_events: MAX_NODES,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| explain(text, &error))?;
            builder.event(&event, &span)?;
        }
        let Builder { nodes, root, mut comments, .. } = builder;
        comments.sort_unstable();
        let comment_lines = line_starts(text, &comments);
        let document = Self { nodes, root, comments, comment_lines };
        document.refuse_repeated_keys(text)?;
        Ok(document)
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

    fn refuse_repeated_keys(&self, text: &str) -> Result<(), YamlError> {
        let mut seen = HashSet::new();
        for node in &self.nodes {
            let Kind::Mapping { entries, .. } = &node.kind else { continue };
            seen.clear();
            for (key, _) in entries {
                if let Some(name) = self.scalar(*key)
                    && !seen.insert(name)
                {
                    let message = format!("the key `{}` stands twice in one map", shorten(name));
                    return Err(YamlError::at(text, self.node(*key).span.start, message));
                }
            }
        }
        Ok(())
    }
}

/// The texts of all comments in order, `#` included: what an edit must leave as it is.
///
/// # Errors
/// As [`Document::read`].
pub fn comment_texts(text: &str) -> Result<Vec<String>, YamlError> {
    let document = Document::read(text)?;
    Ok(document.comments.iter().map(|span| text[span.start..span.end].to_owned()).collect())
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

/// Turns the parser's error into one that names the place and, where the parser's words are about
/// its own workings, what to look for.
fn explain(text: &str, error: &ScanError) -> YamlError {
    let mut shown = YamlError::at(text, error.marker().byte_offset().unwrap_or(0), error.info());
    let offset = shown.offset;
    let line_start = offset - text[..offset].bytes().rev().take_while(|byte| *byte != b'\n').count();
    let line = text[line_start..].lines().next().unwrap_or_default();
    shown.message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => format!("lists and maps are nested deeper than {MAX_DEPTH} levels"),
        ErrorKind::TabInBlockIndentation => "a tab where YAML allows only spaces for indentation".to_owned(),
        ErrorKind::InvalidQuotedScalarIndent => {
            format!("{}: is a quote above left open?", shown.message)
        }
        _ if line.contains("{%") => {
            format!("{}: this line is a template; only finished YAML is read", shown.message)
        }
        _ => shown.message,
    };
    shown
}

/// A collection whose end has not been seen.
struct Open {
    id: NodeId,
    /// The key whose value comes next.
    key: Option<NodeId>,
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    root: Option<NodeId>,
    comments: Vec<Span>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    documents: usize,
}

fn offset(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or(0)
}

impl Builder<'_> {
    fn event(&mut self, event: &Event<'_>, span: &granit_parser::Span) -> Result<(), YamlError> {
        let place = Span::new(offset(span.start), offset(span.end).max(offset(span.start)));
        let kind = match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.error(place.start, "a second document begins here; one is expected"));
                }
                return Ok(());
            }
            Event::Comment(..) => {
                // With CRLF the parser takes the comment up to the `\n` in some places.
                let text = &self.text[place.start..place.end];
                self.comments.push(Span::new(place.start, place.start + text.trim_end_matches(['\r', '\n']).len()));
                return Ok(());
            }
            Event::Anchor(..) => {
                // It always follows the event of its own node.
                if let Some(node) = self.nodes.last_mut() {
                    node.anchored = true;
                    node.start = node.start.min(place.start);
                }
                return Ok(());
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(place.end);
                return Ok(());
            }
            Event::Alias(target) => match self.anchors.get(target) {
                Some(target) => Kind::Alias(*target),
                None => return Err(self.error(place.start, "an alias without its anchor")),
            },
            Event::Scalar(value, style, ..) => Kind::Scalar {
                // The parser gives a value that is left out as `~` of no width.
                value: if place.is_empty() { String::new() } else { value.clone().into_owned() },
                style: match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                },
            },
            Event::SequenceStart(style, ..) => {
                Kind::Sequence { items: Vec::new(), flow: *style == StructureStyle::Flow }
            }
            Event::MappingStart(style, ..) => {
                Kind::Mapping { entries: Vec::new(), flow: *style == StructureStyle::Flow }
            }
            Event::UnresolvedAlias(_) => return Err(self.error(place.start, "an alias without its anchor")),
            _ => return Ok(()),
        };
        self.add(event, kind, place, span)
    }

    fn add(&mut self, event: &Event<'_>, kind: Kind, place: Span, span: &granit_parser::Span) -> Result<(), YamlError> {
        if self.nodes.len() >= MAX_NODES {
            return Err(self.error(place.start, format!("more than {MAX_NODES} scalars, lists and maps")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(place.start, format!("lists and maps are nested deeper than {MAX_DEPTH} levels")));
        }
        let opens = matches!(kind, Kind::Sequence { .. } | Kind::Mapping { .. });
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node {
            kind,
            span: place,
            start: span.tag_start().map_or(place.start, |tag| offset(tag).min(place.start)),
            anchored: false,
            custom_tag: event.tag().is_some_and(|tag| !tag.is_yaml_core_schema()),
        });
        if let Some(anchor) = event.anchor_id() {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.root = Some(id),
            Some(parent) => match &mut self.nodes[parent.id.0].kind {
                Kind::Sequence { items, .. } => items.push(id),
                Kind::Mapping { entries, .. } => match parent.key.take() {
                    None => parent.key = Some(id),
                    Some(key) => entries.push((key, id)),
                },
                Kind::Scalar { .. } | Kind::Alias(_) => {}
            },
        }
        if opens {
            self.open.push(Open { id, key: None });
        }
        Ok(())
    }

    /// Ends the innermost collection. A flow collection ends at its bracket, a block collection
    /// where its last child ends: the parser's own event stands at the next token, lines below.
    fn close(&mut self, bracket_end: usize) {
        let Some(Open { id, .. }) = self.open.pop() else { return };
        let node = &self.nodes[id.0];
        let begin = node.span.start;
        let end = match &node.kind {
            Kind::Sequence { flow: false, items } => items.last().map_or(begin, |item| self.end_of(*item, begin)),
            // `[a: b]` holds a map of one pair, a flow map that has no bracket of its own.
            Kind::Mapping { flow, entries } if !flow || !self.text[begin..].starts_with('{') => {
                entries.last().map_or(begin, |(key, value)| {
                    let colon = self.end_of_key(*key);
                    self.end_of(*value, colon)
                })
            }
            _ => bracket_end,
        };
        let node = &mut self.nodes[id.0];
        node.span.end = end.max(node.span.start);
    }

    /// Behind the `:` of a key, or the key's own end where the `:` stands apart.
    fn end_of_key(&self, key: NodeId) -> usize {
        let end = self.nodes[key.0].span.end;
        let rest = &self.text[end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[blanks..].starts_with(':') { end + blanks + 1 } else { end }
    }

    /// Where a node ends. A value that is left out is given at the next token, which may be lines
    /// below; it ends where what stands before it does.
    fn end_of(&self, id: NodeId, before: usize) -> usize {
        let node = &self.nodes[id.0];
        match &node.kind {
            Kind::Scalar { .. } if node.span.is_empty() => before,
            Kind::Scalar { style: Style::Block, .. } => {
                node.span.start + self.text[node.span.start..node.span.end].trim_end().len()
            }
            _ => node.span.end,
        }
    }

    fn error(&self, offset: usize, message: impl Into<String>) -> YamlError {
        YamlError::at(self.text, offset, message)
    }
}
