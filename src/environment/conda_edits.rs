//! Changing the list of dependencies as text: splices in the style of what stands around them.
//!
//! Each function gives the edits, or the reason why it cannot. What an edit means is checked by
//! others: [`super::values`] says what must come out.

use crate::edit::Edit;
use crate::source::Span;

use super::conda::{CondaEnvironment, Dependency, SpecItem, line_end, line_start};
use super::document::{Kind, Style, Syntax};

impl CondaEnvironment {
    /// Puts a conda package before the item `index`. A comment directly above that item belongs to
    /// it and stays there, and blank lines keep the groups that they part: the new item joins the
    /// group of packages above them.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn insert_before(&self, index: usize, spec: &str) -> Result<Vec<Edit>, String> {
        self.check_list()?;
        let target = self.dependencies.get(index).ok_or("there is no such item")?.item();
        let lines = self.own_lines(target.start);
        if self.flow {
            let scalar = self.written(spec);
            return Ok(match lines {
                Some(indent) => {
                    let at = self.top_of(index);
                    vec![Edit::insert(at, format!("{indent}{scalar},{}", self.newline_at(at)))]
                }
                None => vec![Edit::insert(target.start, format!("{scalar},{}", self.gap_after_comma()))],
            });
        }
        let indent = lines.ok_or("the item does not begin its line")?;
        let mut at = self.top_of(index);
        if index > 0 {
            at = self.above_blank_lines(index, at);
        }
        Ok(vec![Edit::insert(at, format!("{indent}{}{}", self.new_item(spec), self.newline_at(at)))])
    }

    /// Puts a conda package behind the item `index`, on the next line in block style.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn insert_after(&self, index: usize, spec: &str) -> Result<Vec<Edit>, String> {
        self.check_list()?;
        let previous = self.dependencies.get(index).ok_or("there is no such item")?;
        let before = previous.item();
        let is_last = index + 1 == self.dependencies.len();
        if self.flow {
            if !is_last {
                return self.insert_before(index + 1, spec);
            }
            return Ok(self.flow_end(before, spec));
        }
        let indent = self.own_lines(before.start).ok_or("the item does not begin its line")?;
        let mut line_end = line_end(&self.text, before.end);
        let behind = &self.text[before.end..line_end];
        if self.document.comment_behind(before.end).is_none() && !behind.trim().is_empty() {
            return Err("something stands behind the item on its line".to_owned());
        }
        if ends_in_block_scalar(previous) {
            return Err("the item before is not understood well enough to write below it".to_owned());
        }
        if matches!(previous, Dependency::Pip(_)) {
            line_end = self.below_inner_comments(before, line_end);
        }
        let item = format!("{indent}{}", self.new_item(spec));
        Ok(vec![if line_end == self.text.len() {
            // The last line has no newline, and keeps none.
            Edit::insert(line_end, format!("{}{item}", self.newline.as_str()))
        } else {
            Edit::insert(line_end + 1, format!("{item}{}", self.newline_at(line_end + 1)))
        }])
    }

    /// Puts a conda package behind the last item.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn insert_at_end(&self, spec: &str) -> Result<Vec<Edit>, String> {
        self.check_list()?;
        match self.dependencies.len().checked_sub(1) {
            Some(last) => self.insert_after(last, spec),
            None if self.flow && self.dependencies_span.len() >= 2 => {
                Ok(vec![Edit::insert(self.dependencies_span.start + 1, self.written(spec))])
            }
            None => Err("the list of dependencies is empty".to_owned()),
        }
    }

    /// Puts a conda package behind the other conda packages: above `- pip:` where the definition has
    /// one at its end. The new item gets the index [`Self::append_index`].
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn append(&self, spec: &str) -> Result<Vec<Edit>, String> {
        let index = self.append_index();
        if index < self.dependencies.len() { self.insert_before(index, spec) } else { self.insert_at_end(spec) }
    }

    /// The index that [`Self::append`] gives its item: that of the `- pip:` at the end of the list,
    /// else behind the last.
    #[must_use]
    pub fn append_index(&self) -> usize {
        let tail = self.dependencies.iter().rev().take_while(|item| matches!(item, Dependency::Pip(_))).count();
        self.dependencies.len() - tail
    }

    /// Replaces the text of a conda package. Its quotes stay what they are, and so does the comment
    /// behind it.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn replace_scalar(&self, index: usize, spec: &str) -> Result<Vec<Edit>, String> {
        self.check_list()?;
        let item = match self.dependencies.get(index) {
            Some(Dependency::Spec(item)) => item,
            Some(_) => return Err("the item is no conda package".to_owned()),
            None => return Err("there is no such item".to_owned()),
        };
        if item.shared {
            return Err("the item has an anchor or is an alias: its text means something elsewhere too".to_owned());
        }
        if item.style == Style::Block || self.text[item.span.start..item.span.end].contains('\n') {
            return Err("the item is written over several lines".to_owned());
        }
        Ok(vec![Edit::replace(item.span, quoted(spec, item.style, self.flow))])
    }

    /// Lists channels before the dependencies, in their style. A comment directly above the dependencies stays with
    /// them, unless the file begins with it.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn insert_channels(&self, names: &[String]) -> Result<Edit, String> {
        self.check_list()?;
        let document = &self.document;
        let (key, _) = document.get(self.map, "dependencies").ok_or("there is no list of dependencies")?;
        if document.is_shared(self.map) || document.get(self.map, "<<").is_some() {
            return Err("the environment has an anchor or takes over the keys of another map".to_owned());
        }
        let node = document.node(key);
        let Kind::Scalar { style, .. } = node.kind else { return Err("its keys are written unusually".to_owned()) };
        if node.start != node.span.start {
            return Err("its keys have tags or anchors".to_owned());
        }
        let json = document.syntax() == Syntax::Json;
        let scalar = |name: &String| if json { quoted(name, Style::Double, true) } else { self.written(name) };
        let list = || names.iter().map(scalar).collect::<Vec<_>>().join(", ");
        let name = quoted("channels", style, true);
        let indent = self.own_lines(node.start);
        let in_braces = matches!(document.node(self.map).kind, Kind::Mapping { flow: true, .. });
        if in_braces {
            let pair = format!("{name}: [{}],", list());
            return Ok(match indent {
                Some(indent) => Edit::insert(node.start, format!("{pair}{}{indent}", self.newline_at(node.start))),
                None => Edit::insert(node.start, format!("{pair} ")),
            });
        }
        let indent = indent.ok_or("the dependencies do not begin their line")?;
        let at = self.above_comments(node.start);
        let newline = self.newline_at(at);
        if self.flow {
            return Ok(Edit::insert(at, format!("{indent}{name}: [{}]{newline}", list())));
        }
        let first = self.dependencies.first().ok_or("the list of dependencies is empty")?.item();
        let dash = self.own_lines(first.start).ok_or("the first dependency does not begin its line")?;
        let mut text = format!("{indent}{name}:{newline}");
        for channel in names {
            text.push_str(&format!("{dash}{}{newline}", self.new_item(channel)));
        }
        Ok(Edit::insert(at, text))
    }

    /// Where the line of a key begins, or that of the comments directly above it. Comments with which the file begins
    /// speak of the file.
    fn above_comments(&self, key: usize) -> usize {
        let line = line_start(&self.text, key);
        let mut top = line;
        while top > 0 {
            let previous = line_start(&self.text, top - 1);
            if self.own_line_comment(previous).is_none() {
                return top;
            }
            top = previous;
        }
        line
    }

    pub(super) fn check_list(&self) -> Result<(), String> {
        self.frozen.map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    /// The blanks before an offset when nothing else stands before it on its line.
    fn own_lines(&self, offset: usize) -> Option<&str> {
        let before = &self.text[line_start(&self.text, offset)..offset];
        before.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(before)
    }

    /// Where the lines of an item begin, the comments directly above it included. Below a nested list
    /// a comment that is indented deeper than the item belongs to that list.
    fn top_of(&self, index: usize) -> usize {
        let start = self.dependencies.get(index).map_or(0, |item| item.item().start);
        let item_line = line_start(&self.text, start);
        let width = match index.checked_sub(1).and_then(|previous| self.dependencies.get(previous)) {
            None | Some(Dependency::Spec(_)) => usize::MAX,
            Some(_) => start - item_line,
        };
        let Some(above) = self.comment_above(index) else { return item_line };
        let mut top = item_line;
        while top > above.start {
            let previous = line_start(&self.text, top - 1);
            match self.own_line_comment(previous) {
                Some(comment) if comment.start - previous <= width => top = previous,
                _ => break,
            }
        }
        top
    }

    /// Behind the comment lines below `end` (the end of a line, or of the text) that are indented
    /// deeper than an item's dash: they belong to the list in the item.
    fn below_inner_comments(&self, item: Span, mut end: usize) -> usize {
        let width = item.start - line_start(&self.text, item.start);
        while end < self.text.len() {
            match self.own_line_comment(end + 1) {
                Some(comment) if comment.start - (end + 1) > width => end = line_end(&self.text, comment.end),
                _ => break,
            }
        }
        end
    }

    /// The first of the blank lines that end at `at`. They are not crossed when a comment stands above
    /// them, which would then seem to speak of the new item, nor when they are part of a text.
    fn above_blank_lines(&self, index: usize, at: usize) -> usize {
        let floor = self.floor(index);
        let keeps_blanks =
            index.checked_sub(1).and_then(|previous| self.dependencies.get(previous)).is_some_and(ends_in_block_scalar);
        let mut top = at;
        while !keeps_blanks && top > floor {
            let previous = line_start(&self.text, top - 1);
            if previous < floor || !self.text[previous..top].trim().is_empty() {
                break;
            }
            top = previous;
        }
        let under_comment = top > floor && self.own_line_comment(line_start(&self.text, top - 1)).is_some();
        if under_comment { at } else { top }
    }

    /// The newline of the line above an offset at which a line begins.
    fn newline_at(&self, offset: usize) -> &'static str {
        let above = &self.text[..offset];
        if above.ends_with("\r\n") {
            "\r\n"
        } else if above.ends_with('\n') {
            "\n"
        } else {
            self.newline.as_str()
        }
    }

    /// `- pip=24.0`, with the blanks behind the dash and the quotes that the other packages have.
    fn new_item(&self, spec: &str) -> String {
        let blanks = |item: Span, content: usize| {
            let between = self.text.get(item.start + 1..content)?;
            (!between.is_empty() && between.bytes().all(|byte| byte == b' ')).then_some(between)
        };
        let gap = self
            .specs()
            .filter_map(|(_, item)| blanks(item.item, item.span.start))
            .next()
            .or_else(|| self.pip_maps().find_map(|(_, pip)| blanks(pip.item, pip.key.start)));
        format!("-{}{}", gap.unwrap_or(" "), self.written(spec))
    }

    /// The spec as a scalar: in quotes when every other package is, or when it needs them.
    fn written(&self, spec: &str) -> String {
        let styles = |style: Style| self.specs().all(|(_, item): (usize, &SpecItem)| item.style == style);
        let style = match self.specs().next() {
            Some(_) if styles(Style::Single) => Style::Single,
            Some(_) if styles(Style::Double) => Style::Double,
            _ => Style::Plain,
        };
        quoted(spec, style, self.flow)
    }

    /// What stands behind the first comma of a flow list: a blank, or nothing in `[a,b]`.
    fn gap_after_comma(&self) -> &'static str {
        let mut items = self.dependencies.iter().map(Dependency::item);
        match (items.next(), items.next()) {
            (Some(first), Some(second)) if self.text[first.end..second.start].ends_with(',') => "",
            _ => " ",
        }
    }

    /// Puts a package behind the last item of a flow list.
    fn flow_end(&self, last: Span, spec: &str) -> Vec<Edit> {
        let scalar = self.written(spec);
        let rest = &self.text[last.end..];
        let blanks = rest.len() - rest.trim_start().len();
        let comma = rest[blanks..].starts_with(',').then_some(last.end + blanks + 1);
        let Some(indent) = self.own_lines(last.start) else {
            return vec![match comma {
                Some(comma) => Edit::insert(comma, format!("{}{scalar}", self.gap_after_comma())),
                None => Edit::insert(last.end, format!(",{}{scalar}", self.gap_after_comma())),
            }];
        };
        let newline = self.newline.as_str();
        let from = comma.unwrap_or(last.end);
        let tail = if comma.is_some() { "," } else { "" };
        let line = format!("{newline}{indent}{scalar}{tail}");
        match (self.document.comment_behind(from), comma) {
            // The comment stays with the item that it stands behind.
            (Some(comment), None) => vec![Edit::insert(last.end, ","), Edit::insert(comment.end, line)],
            (Some(comment), Some(_)) => vec![Edit::insert(comment.end, line)],
            (None, None) => vec![Edit::insert(last.end, format!(",{line}"))],
            (None, Some(_)) => vec![Edit::insert(from, line)],
        }
    }
}

/// Whether blank lines below the item may be part of its text.
fn ends_in_block_scalar(item: &Dependency) -> bool {
    match item {
        Dependency::Spec(spec) => spec.style == Style::Block,
        Dependency::Pip(pip) => {
            !pip.others.is_empty() || pip.items.last().is_some_and(|item| item.style == Style::Block)
        }
        Dependency::Other { .. } => true,
    }
}

/// A spec as a scalar in the given style; a plain one gets quotes when it cannot do without.
pub(super) fn quoted(spec: &str, style: Style, flow: bool) -> String {
    match style {
        Style::Single if !spec.contains(char::is_control) => format!("'{}'", spec.replace('\'', "''")),
        Style::Plain if is_plain(spec, flow) => spec.to_owned(),
        _ => {
            let mut out = String::with_capacity(spec.len() + 2);
            out.push('"');
            for c in spec.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out.push('"');
            out
        }
    }
}

/// Whether a text can stand without quotes and is then a string to every YAML reader. Stricter than
/// YAML itself: what is not plainly a package's name and constraint gets quotes.
fn is_plain(spec: &str, flow: bool) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    spec.starts_with(|c: char| c.is_ascii_alphabetic())
        && !words.contains(&spec.to_ascii_lowercase().as_str())
        && !spec.contains(": ")
        && !spec.contains(" #")
        && !spec.ends_with([' ', ':'])
        && spec.chars().all(|c| c.is_ascii_alphanumeric() || " ._-=<>!~*:/+|,".contains(c))
        && !(flow && spec.contains(','))
}
