//! Changing keys and values of a YAML or JSON text: splices in the style of what stands around them.
//!
//! Each function gives the edit, or the reason why it cannot. What an edit means is checked by others:
//! [`super::values`] says what must come out.

use super::conda::{line_end, line_start};
use super::conda_edits::quoted;
use super::document::{Document, Kind, NodeId, Style, Syntax};
use crate::change::Scalar;
use crate::edit::Edit;
use crate::source::{Newline, Source, Span};

/// A text whose keys are to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    text: &'a str,
    newline: Newline,
    document: &'a Document,
}

impl<'a> Keys<'a> {
    /// A text and the document that was read from it.
    #[must_use]
    pub fn new(source: &'a Source, document: &'a Document) -> Self {
        Self { text: source.text(), newline: source.newline(), document }
    }

    /// Gives a key of a map another value.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn set_value(&self, map: NodeId, key: &str, value: &Scalar) -> Result<Edit, String> {
        let (key_node, node) = self.entry(map, key)?;
        let node = self.document.node(node);
        let flow = self.is_flow(map);
        if node.span.is_empty() {
            let colon = self.behind_colon(key_node).ok_or("its value is left out in an unusual way")?;
            return Ok(Edit::insert(colon, format!(" {}", self.written(value, Style::Plain, flow))));
        }
        if node.start != node.span.start {
            return Err("its value has a tag or an anchor".to_owned());
        }
        let style = match &node.kind {
            Kind::Scalar { style: Style::Block, .. } => {
                return Err("its value is written over several lines".to_owned());
            }
            Kind::Scalar { style, .. } => *style,
            Kind::Alias(_) => return Err("its value is an alias: it stands elsewhere".to_owned()),
            Kind::Sequence { flow, .. } | Kind::Mapping { flow, .. } if *flow => Style::Plain,
            Kind::Sequence { .. } | Kind::Mapping { .. } => {
                return Err("its value is written over several lines".to_owned());
            }
        };
        if self.text[node.span.start..node.span.end].contains('\n') {
            return Err("its value is written over several lines".to_owned());
        }
        Ok(Edit::replace(node.span, self.written(value, style, flow)))
    }

    /// Gives a map a further key, behind those that it has.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn insert_key(&self, map: NodeId, key: &str, value: &Scalar) -> Result<Edit, String> {
        self.check_map(map)?;
        let node = self.document.node(map);
        let Kind::Mapping { entries, flow } = &node.kind else { return Err("it is no map".to_owned()) };
        let Some((last_key, last_value)) = entries.last().copied() else {
            let pair = format!("{}: {}", self.key(key, None), self.written(value, Style::Plain, true));
            return Ok(Edit::insert(node.span.start + 1, pair));
        };
        let key_span = self.document.node(last_key).span;
        let own_line = self.blanks_before(key_span.start);
        if *flow {
            let value_span = self.document.node(last_value).span;
            // A value that is left out is given where the next thing stands.
            let end = match (value_span.is_empty(), self.behind_colon(last_key)) {
                (false, _) => value_span.end,
                (true, None) => key_span.end,
                (true, Some(_)) => return Err("the entry before has no value".to_owned()),
            };
            // Between a key and its value stand an anchor and a tag, too.
            let colon = self.text.get(key_span.end..value_span.start).filter(|it| it.trim_matches([' ', '\t']) == ":");
            let colon = if value_span.is_empty() { None } else { colon }.unwrap_or(": ");
            let pair = format!("{}{colon}{}", self.key(key, Some(last_key)), self.written(value, Style::Plain, true));
            return match own_line {
                Some(_) if self.document.comment_behind(end).is_some() => {
                    Err("a comment stands behind the entry before".to_owned())
                }
                Some(indent) => Ok(Edit::insert(end, format!(",{}{indent}{pair}", self.newline.as_str()))),
                None => Ok(Edit::insert(end, format!(",{}{pair}", self.gap_behind_comma(entries)))),
            };
        }
        // The first key of an item of a list stands behind its dash.
        let column = key_span.start - line_start(self.text, key_span.start);
        let indent = own_line.map_or_else(|| " ".repeat(column), str::to_owned);
        let value_node = self.document.node(last_value);
        if matches!(value_node.kind, Kind::Scalar { style: Style::Block, .. }) {
            return Err("the entry before is a text over several lines".to_owned());
        }
        let end = if value_node.span.is_empty() {
            self.behind_colon(last_key).ok_or("the entry before is written in an unusual way")?
        } else {
            value_node.span.end
        };
        let line = line_end(self.text, end);
        if !self.text[end..line].trim().is_empty() && self.document.comment_behind(end).is_none() {
            return Err("something stands behind the entry before on its line".to_owned());
        }
        let pair = format!("{indent}{}: {}", self.key(key, Some(last_key)), self.written(value, Style::Plain, false));
        let newline = self.newline.as_str();
        Ok(if line == self.text.len() {
            Edit::insert(line, format!("{newline}{pair}"))
        } else {
            Edit::insert(line + 1, format!("{pair}{newline}"))
        })
    }

    /// Takes a key with its value out of a map.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn remove_key(&self, map: NodeId, key: &str) -> Result<Edit, String> {
        let (key_node, value) = self.entry(map, key)?;
        let single = self.document.entries(map).is_none_or(|entries| entries.len() < 2);
        let start = line_start(self.text, self.document.node(key_node).start);
        let key_span = self.document.node(key_node).span;
        if self.is_flow(map) || single || self.blanks_before(key_span.start).is_none() {
            return Err("it does not stand on lines of its own".to_owned());
        }
        let node = self.document.node(value);
        if self.has_anchor_within(value) {
            return Err("it holds an anchor, which may be used elsewhere".to_owned());
        }
        let end =
            if node.span.is_empty() { self.behind_colon(key_node).unwrap_or(key_span.end) } else { node.span.end };
        let line = line_end(self.text, end);
        let next = (line + 1).min(self.text.len());
        if self.document.comment_in(Span::new(start, line)).is_some() {
            return Err("a comment stands with it".to_owned());
        }
        if !self.text[end..line].trim().is_empty() {
            return Err("something stands behind it on its line".to_owned());
        }
        if next == self.text.len() && !self.text.ends_with('\n') {
            let before = self.text[..start].trim_end_matches(['\n', '\r']).len();
            return Ok(Edit::replace(Span::new(before, self.text.len()), ""));
        }
        Ok(Edit::replace(Span::new(start, next), ""))
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn rename_key(&self, map: NodeId, key: &str, to: &str) -> Result<Edit, String> {
        let (key_node, _) = self.entry(map, key)?;
        if self.document.get(map, to).is_some() {
            return Err(format!("{to} is there as well"));
        }
        let node = self.document.node(key_node);
        let simple = node.start == node.span.start && matches!(node.kind, Kind::Scalar { .. });
        if !simple || self.text[node.span.start..node.span.end].contains('\n') {
            return Err("the key is written in an unusual way".to_owned());
        }
        Ok(Edit::replace(node.span, self.key(to, Some(key_node))))
    }

    fn entry(&self, map: NodeId, key: &str) -> Result<(NodeId, NodeId), String> {
        self.check_map(map)?;
        self.document.get(map, key).ok_or_else(|| format!("there is no {key}"))
    }

    fn check_map(&self, map: NodeId) -> Result<(), String> {
        if self.document.is_shared(map) {
            return Err("it has an anchor or is an alias: its text means something elsewhere too".to_owned());
        }
        if self.document.get(map, "<<").is_some() {
            return Err("it takes over the keys of another map".to_owned());
        }
        Ok(())
    }

    fn is_flow(&self, map: NodeId) -> bool {
        matches!(self.document.node(map).kind, Kind::Mapping { flow: true, .. })
    }

    fn has_anchor_within(&self, id: NodeId) -> bool {
        let span = self.document.node(id).span;
        self.document.ids().map(|id| self.document.node(id)).any(|node| node.anchored && span.contains(node.span))
    }

    /// The blanks before an offset when nothing else stands before it on its line.
    fn blanks_before(&self, offset: usize) -> Option<&'a str> {
        let before = &self.text[line_start(self.text, offset)..offset];
        before.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(before)
    }

    /// Behind the `:` of a key.
    fn behind_colon(&self, key: NodeId) -> Option<usize> {
        let end = self.document.node(key).span.end;
        let rest = &self.text[end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest[blanks..].starts_with(':').then_some(end + blanks + 1)
    }

    /// What stands behind the first comma of a map on one line.
    fn gap_behind_comma(&self, entries: &[(NodeId, NodeId)]) -> &'a str {
        let [(_, value), (key, _), ..] = entries else {
            // With one entry the colon tells whether blanks are left out.
            let compact = entries.iter().all(|(key, value)| {
                let (key, value) = (self.document.node(*key).span, self.document.node(*value).span);
                self.text.get(key.end..value.start) == Some(":")
            });
            return if compact { "" } else { " " };
        };
        let (from, to) = (self.document.node(*value).span.end, self.document.node(*key).span.start);
        let gap = self.text[from..to].trim_start().trim_start_matches(',');
        if gap.trim().is_empty() && !gap.contains('\n') { gap } else { " " }
    }

    /// A key, quoted like the one beside it.
    fn key(&self, key: &str, beside: Option<NodeId>) -> String {
        let style = beside.map(|beside| &self.document.node(beside).kind);
        let style = match style {
            Some(Kind::Scalar { style, .. }) => *style,
            _ => Style::Plain,
        };
        self.written(&Scalar::Text(key.to_owned()), style, true)
    }

    fn written(&self, value: &Scalar, style: Style, flow: bool) -> String {
        match value {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Text(text) if self.document.syntax() == Syntax::Json => quoted(text, Style::Double, true),
            Scalar::Text(text) => quoted(text, style, flow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;

    fn with(text: &str, syntax: Syntax, edit: impl FnOnce(&Keys<'_>, &Document) -> Result<Edit, String>) -> String {
        let source = Source::from_text("f", text);
        let document = Document::read(text, syntax).unwrap();
        match edit(&Keys::new(&source, &document), &document) {
            Ok(edit) => apply(text, [&edit]).unwrap(),
            Err(reason) => reason,
        }
    }

    fn map(document: &Document, key: &str) -> NodeId {
        document.get(document.root().unwrap(), key).unwrap().1
    }

    fn set(text: &str, syntax: Syntax) -> String {
        with(text, syntax, |keys, document| keys.set_value(map(document, "s"), "p", &Scalar::Bool(false)))
    }

    fn insert(text: &str, syntax: Syntax) -> String {
        with(text, syntax, |keys, document| keys.insert_key(map(document, "s"), "p", &Scalar::Bool(false)))
    }

    #[test]
    fn a_value_is_replaced_and_nothing_else() {
        assert_eq!(set("{\"s\": {\"p\":true}}", Syntax::Json), "{\"s\": {\"p\":false}}");
        assert_eq!(set("s:\n  p: 'no'  # c\n  q: 1\n", Syntax::Yaml), "s:\n  p: false  # c\n  q: 1\n");
        assert_eq!(set("s:\n  p:\n  q: 1\n", Syntax::Yaml), "s:\n  p: false\n  q: 1\n");
        assert_eq!(set("s: {p: [], q: 1}\n", Syntax::Yaml), "s: {p: false, q: 1}\n");
        assert!(set("a: &a {p: 1}\ns: *a\n", Syntax::Yaml).contains("alias"));
        assert!(set("s:\n  p: !!bool true\n", Syntax::Yaml).contains("tag"));
    }

    #[test]
    fn a_key_is_added_in_the_style_of_its_neighbours() {
        assert_eq!(
            insert("{\n\t\"s\": {\n\t\t\"a\": []\n\t}\n}", Syntax::Json),
            "{\n\t\"s\": {\n\t\t\"a\": [],\n\t\t\"p\": false\n\t}\n}"
        );
        assert_eq!(insert("{\"s\":{\"a\":1,\"b\":2}}", Syntax::Json), "{\"s\":{\"a\":1,\"b\":2,\"p\":false}}");
        assert_eq!(insert("{\"s\":{}}", Syntax::Json), "{\"s\":{\"p\": false}}");
        assert_eq!(
            insert("s:\r\n    a:\r\n    - b: c # d\r\nt: 1\r\n", Syntax::Yaml),
            "s:\r\n    a:\r\n    - b: c # d\r\n    p: false\r\nt: 1\r\n"
        );
        assert_eq!(insert("s:\n  a: 1", Syntax::Yaml), "s:\n  a: 1\n  p: false");
        assert_eq!(insert("s: {a: 1, b}\n", Syntax::Yaml), "s: {a: 1, b, p: false}\n");
        assert_eq!(insert("s: {a: 1, b: }\n", Syntax::Yaml), "the entry before has no value");
        assert_eq!(insert("s: {\n  a: 1,\n  b\n}\n", Syntax::Yaml), "s: {\n  a: 1,\n  b,\n  p: false\n}\n");
        assert_eq!(insert("s: {a: &a 1, b: !!str x}\n", Syntax::Yaml), "s: {a: &a 1, b: !!str x, p: false}\n");
        assert_eq!(insert("s:\n  a:\nt: 1\n", Syntax::Yaml), "s:\n  a:\n  p: false\nt: 1\n");
        assert!(insert("b: &b {x: 1}\ns:\n  <<: *b\n", Syntax::Yaml).contains("takes over"));
    }

    #[test]
    fn a_key_is_taken_out_with_its_lines() {
        let remove =
            |text: &str| with(text, Syntax::Yaml, |keys, document| keys.remove_key(document.root().unwrap(), "image"));
        assert_eq!(remove("name: a\nimage: b\nbuild: {path: .}\n"), "name: a\nbuild: {path: .}\n");
        assert_eq!(remove("name: a\nimage: b"), "name: a");
        assert!(remove("name: a\nimage: b # why\n").contains("comment"));
        assert!(remove("{name: a, image: b}\n").contains("lines of its own"));
    }

    #[test]
    fn a_key_is_renamed_in_its_quotes() {
        let rename = |text: &str, syntax| {
            with(text, syntax, |keys, document| keys.rename_key(document.root().unwrap(), "Name", "name"))
        };
        assert_eq!(rename("Name: a\n", Syntax::Yaml), "name: a\n");
        assert_eq!(rename("{\"Name\" : \"a\"}", Syntax::Json), "{\"name\" : \"a\"}");
        assert!(rename("Name: a\nname: b\n", Syntax::Yaml).contains("as well"));
    }
}
