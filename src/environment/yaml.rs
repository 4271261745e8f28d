//! Reading YAML with the byte span of every node and comment.
//!
//! It is made of the parser events of `granit-parser` (the parser under `serde-saphyr`): no recursion, no unsafe code,
//! and exact byte offsets. Here is where hostile input ends: size, depth and number of nodes are limited, several
//! documents and repeated keys are refused, an alias is never expanded.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, StructureStyle};

use super::document::{Kind, MAX_DEPTH, MAX_NODES, Node, NodeId, Parts, ReadError, Style};
use crate::source::Span;

/// The nodes, the root and the comments of a text that holds one document.
pub(super) fn parts(text: &str) -> Result<Parts, ReadError> {
    // The clients take the second for the beginning of a text.
    if text.starts_with("\u{feff}\u{feff}") {
        return Err(ReadError::at(text, 0, "two byte order marks: save the file with one, or none"));
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
    Ok(Parts { nodes: builder.nodes, root: builder.root, comments: builder.comments })
}

/// Turns the parser's error into one that names the place and, where the parser's words are about
/// its own workings, what to look for.
fn explain(text: &str, error: &ScanError) -> ReadError {
    let mut shown = ReadError::at(text, error.marker().byte_offset().unwrap_or(0), error.info());
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
    fn event(&mut self, event: &Event<'_>, span: &granit_parser::Span) -> Result<(), ReadError> {
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

    fn add(&mut self, event: &Event<'_>, kind: Kind, place: Span, span: &granit_parser::Span) -> Result<(), ReadError> {
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
            Kind::Sequence { flow: false, items } => {
                // Behind the last item that is written, and the dashes of those that are left out.
                let written = items.iter().rposition(|item| self.end_of(*item, begin) > begin);
                let end = written.map_or(begin, |last| self.end_of(items[last], begin));
                items[written.map_or(0, |last| last + 1)..].iter().fold(end, |end, _| self.end_of_dash(end))
            }
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

    /// Behind the dash that comes next, where nothing but blanks and comments comes before it.
    fn end_of_dash(&self, from: usize) -> usize {
        let mut rest = self.text[from..].trim_start();
        while rest.starts_with('#') {
            rest = rest.find(['\n', '\r']).map_or("", |end| rest[end..].trim_start());
        }
        if rest.starts_with('-') { self.text.len() - rest.len() + 1 } else { from }
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

    fn error(&self, offset: usize, message: impl Into<String>) -> ReadError {
        ReadError::at(self.text, offset, message)
    }
}
