//! Reading JSON as strictly as Python's `json` does, with the byte span of every node.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::document::{Kind, MAX_DEPTH, MAX_NODES, Node, NodeId, Parts, ReadError, Style};
use crate::source::Span;

/// What is plain JSON and nothing of what other tools allow beside it.
fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// The nodes and the root of a text. JSON has no comments.
pub(super) fn parts(text: &str) -> Result<Parts, ReadError> {
    if text.starts_with('\u{feff}') {
        let message = "a byte order mark: JSON has none, and azureml-core refuses the file; save it without one";
        return Err(ReadError::at(text, 0, message));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict()).map_err(|error| explain(text, &error))?;
    let mut builder = Builder { text, nodes: Vec::new() };
    let root = parsed.value.map(|value| builder.add(value, 0)).transpose()?;
    Ok(Parts { nodes: builder.nodes, root, comments: Vec::new() })
}

/// Names what Python's reader refuses as well in words that say what to do.
fn explain(text: &str, error: &ParseError) -> ReadError {
    let offset = error.range().start;
    let message = match error.kind() {
        ParseErrorKind::CommentsNotAllowed => {
            "a comment: JSON has none, and azureml-core refuses the file; take it out".to_owned()
        }
        ParseErrorKind::TrailingCommasNotAllowed => {
            "a comma behind the last entry: JSON allows none there, and azureml-core refuses the file; take it out"
                .to_owned()
        }
        ParseErrorKind::NestingDepthExceeded => too_deep(),
        kind => {
            let kind = kind.to_string();
            let mut letters = kind.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase());
            format!("this is not JSON: {}", first.into_iter().chain(letters).collect::<String>())
        }
    };
    ReadError::at(text, offset, message)
}

fn too_deep() -> String {
    format!("lists and maps are nested deeper than {MAX_DEPTH} levels")
}

struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl Builder<'_> {
    /// Adds a value and what is in it. The parser itself goes no deeper than 512 levels, and this no deeper than
    /// [`MAX_DEPTH`].
    fn add(&mut self, value: Value<'_>, depth: usize) -> Result<NodeId, ReadError> {
        let range = value.range();
        if depth > MAX_DEPTH {
            return Err(ReadError::at(self.text, range.start, too_deep()));
        }
        match value {
            Value::StringLit(literal) => self.scalar(range, literal.value.into_owned(), Style::Double),
            Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {
                let written = self.text[range.start..range.end].to_owned();
                self.scalar(range, written, Style::Plain)
            }
            Value::Array(array) => {
                let id = self.node(range, Kind::Sequence { items: Vec::new(), flow: true })?;
                let items = array.elements.into_iter().map(|item| self.add(item, depth + 1));
                let items = items.collect::<Result<_, _>>()?;
                self.nodes[id.0].kind = Kind::Sequence { items, flow: true };
                Ok(id)
            }
            Value::Object(object) => {
                let id = self.node(range, Kind::Mapping { entries: Vec::new(), flow: true })?;
                let mut entries = Vec::with_capacity(object.properties.len());
                for property in object.properties {
                    let key = match property.name {
                        ObjectPropName::String(name) => self.scalar(name.range, name.value.into_owned(), Style::Double),
                        ObjectPropName::Word(name) => self.scalar(name.range, name.value.to_owned(), Style::Plain),
                    }?;
                    entries.push((key, self.add(property.value, depth + 1)?));
                }
                self.nodes[id.0].kind = Kind::Mapping { entries, flow: true };
                Ok(id)
            }
        }
    }

    fn scalar(&mut self, range: Range, value: String, style: Style) -> Result<NodeId, ReadError> {
        self.node(range, Kind::Scalar { value, style })
    }

    fn node(&mut self, range: Range, kind: Kind) -> Result<NodeId, ReadError> {
        if self.nodes.len() >= MAX_NODES {
            let message = format!("more than {MAX_NODES} strings, numbers, lists and maps");
            return Err(ReadError::at(self.text, range.start, message));
        }
        let id = NodeId(self.nodes.len());
        let span = Span::new(range.start, range.end);
        self.nodes.push(Node { kind, span, start: range.start, anchored: false, custom_tag: false });
        Ok(id)
    }
}
