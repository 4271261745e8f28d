//! conda's environment definition: name, channels, dependencies, each with its place in the text.
//!
//! A definition is read by both YAML readers and only accepted when they agree, so an index into
//! [`CondaEnvironment::dependencies`] means the same item to both ([`values`]).

use std::sync::Arc;

use crate::change::Step;
use crate::source::{Newline, Source, Span};

use super::document::{Document, Kind, NodeId, ReadError, Style, Syntax};
use super::match_spec::{MatchSpec, Minor, listed_as_pip, minor_of};
use super::values;

/// A conda environment as its YAML says it.
#[derive(Clone, Debug)]
pub struct CondaEnvironment {
    /// `name:`, when it is a scalar.
    pub name: Option<String>,
    /// `channels:` in order, highest priority first.
    pub channels: Vec<Channel>,
    /// `dependencies:` in order.
    pub dependencies: Vec<Dependency>,
    /// The list of dependencies: its brackets included in flow style.
    pub dependencies_span: Span,
    /// Whether that list is written `[a, b]`.
    pub flow: bool,
    /// Where in the file the environment stands: nothing for a file that is one.
    pub path: Vec<Step>,
    pub(super) text: Arc<str>,
    pub(super) newline: Newline,
    pub(super) document: Arc<Document>,
    /// The map that is the environment.
    pub(super) map: NodeId,
    /// Why nothing in the list may be edited, if so.
    pub(super) frozen: Option<&'static str>,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name or URL.
    pub name: String,
    /// The scalar, quotes included.
    pub span: Span,
}

/// One item of `dependencies:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// A conda package.
    Spec(SpecItem),
    /// `- pip:` and the requirements under it.
    Pip(PipMap),
    /// Anything else: a number, another map, a `{{ template }}`. conda takes none of them.
    Other {
        /// From the `- ` to the end of the value.
        item: Span,
    },
}

/// A conda package in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecItem {
    /// What it asks for.
    pub spec: MatchSpec,
    /// The scalar, quotes included; for an alias, the `*name`.
    pub span: Span,
    /// The whole item: from its `- ` in block style, its tag and anchor included.
    pub item: Span,
    /// How the scalar is written.
    pub style: Style,
    /// The comment behind it on its line.
    pub comment: Option<Span>,
    /// Whether it has an anchor or is an alias, so that its text means something elsewhere.
    pub shared: bool,
}

/// `- pip:` with its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipMap {
    /// The requirements, in order; empty for `- pip:` without a list.
    pub items: Vec<PipItem>,
    /// Whether there is a list.
    pub list: bool,
    /// What stands there and is no requirement: maps, lists and empty entries in the list, or one
    /// value in its place.
    pub others: Vec<Span>,
    /// The key `pip`, quotes included.
    pub key: Span,
    /// From the `- ` to the end of the last requirement.
    pub item: Span,
    /// The comment behind `pip:` on its line.
    pub comment: Option<Span>,
    /// Whether the map is an alias or has an anchor.
    pub shared: bool,
}

/// One line of the requirements file that conda makes from `- pip:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipItem {
    /// Its number among all that stands in the list.
    pub number: usize,
    /// The requirement, unquoted.
    pub text: String,
    /// The scalar, quotes included.
    pub span: Span,
    /// How it is written.
    pub style: Style,
    /// Whether it has an anchor or is an alias.
    pub shared: bool,
}

impl Dependency {
    /// The whole item: from its `- ` in block style to the end of its value.
    #[must_use]
    pub fn item(&self) -> Span {
        match self {
            Dependency::Spec(spec) => spec.item,
            Dependency::Pip(pip) => pip.item,
            Dependency::Other { item } => *item,
        }
    }

    /// The spec, when the item is a conda package.
    #[must_use]
    pub fn spec(&self) -> Option<&SpecItem> {
        match self {
            Dependency::Spec(spec) => Some(spec),
            _ => None,
        }
    }
}

impl CondaEnvironment {
    /// Every comment, in order.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        self.document.comments()
    }

    /// Reads an environment definition. `None` when the YAML is a map without a list
    /// `dependencies:`, or no map: then it is no definition of a conda environment.
    ///
    /// # Errors
    /// When the text is not YAML, exceeds a limit ([`super::document`]), or is read differently by the
    /// two readers, so that it is not known what conda would see.
    pub fn parse(source: &Source) -> Result<Option<Self>, ReadError> {
        let document = Document::read(source.text(), Syntax::Yaml)?;
        let Some(root) = document.root() else { return Ok(None) };
        if document.get(root, "dependencies").is_none_or(|(_, list)| document.items(list).is_none()) {
            return Ok(None);
        }
        let value = values::read_checked(source.text(), Syntax::Yaml)?;
        Self::within(source, &Text::of(source), &Arc::new(document), root, Vec::new(), &value)
    }

    /// Reads an environment that is a map of another definition. `value` is what the other reader says of that map,
    /// and `shared` is of the source.
    ///
    /// # Errors
    /// When the two readers read it differently.
    pub(super) fn within(
        source: &Source,
        shared: &Text,
        document: &Arc<Document>,
        map: NodeId,
        path: Vec<Step>,
        value: &serde_yaml::Value,
    ) -> Result<Option<Self>, ReadError> {
        let text = source.text();
        let Some((key, list)) = document.get(map, "dependencies") else { return Ok(None) };
        let (Kind::Sequence { items, flow }, list_span) = (&document.resolve(list).kind, document.resolve(list).span)
        else {
            return Ok(None);
        };
        let frozen = if matches!(document.node(list).kind, Kind::Alias(_)) {
            Some("`dependencies` is an alias: its items stand elsewhere")
        } else if document.is_shared(list) || document.is_shared(map) {
            Some("`dependencies` has an anchor: its items may be used elsewhere too")
        } else if shared.lone_cr {
            Some("a carriage return stands alone: YAML ends a line there, other tools do not")
        } else {
            None
        };
        let disagree = |offset: usize| {
            ReadError::at(text, offset, "two YAML readers read this differently; it is not known what conda would see")
        };
        let values = value.get("dependencies").and_then(serde_yaml::Value::as_sequence);
        let values = values.filter(|values| values.len() == items.len()).ok_or_else(|| disagree(list_span.start))?;
        let mut dependencies = Vec::with_capacity(items.len());
        let mut from = match document.node(list).kind {
            // The list stands elsewhere; its first dash is on the line it begins on.
            Kind::Alias(_) => line_start(text, list_span.start),
            _ => document.node(key).span.end,
        };
        for (item, value) in items.iter().zip(values) {
            let dependency = read_dependency(document, text, *item, value, (!flow).then_some(from))
                .ok_or_else(|| disagree(document.node(*item).span.start))?;
            from = dependency.item().end;
            dependencies.push(dependency);
        }
        let channels = read_channels(document, map, value).ok_or_else(|| disagree(list_span.start))?;
        let name = document.get(map, "name").and_then(|(_, name)| document.scalar(name)).map(str::to_owned);
        Ok(Some(Self {
            name,
            channels,
            dependencies,
            dependencies_span: list_span,
            flow: *flow,
            text: Arc::clone(&shared.text),
            newline: source.newline(),
            frozen,
            path,
            document: Arc::clone(document),
            map,
        }))
    }

    /// The conda packages called `name`, with their index.
    pub fn specs_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (usize, &'a SpecItem)> {
        self.specs().filter(move |(_, item)| item.spec.name == name)
    }

    /// All conda packages, with their index.
    pub fn specs(&self) -> impl Iterator<Item = (usize, &SpecItem)> {
        self.dependencies.iter().enumerate().filter_map(|(index, item)| Some((index, item.spec()?)))
    }

    /// Where the list of dependencies stands in the file.
    #[must_use]
    pub fn list_path(&self) -> Vec<Step> {
        self.path.iter().cloned().chain([Step::Key("dependencies".to_owned())]).collect()
    }

    /// All `- pip:` maps, with their index. conda uses the last.
    pub fn pip_maps(&self) -> impl Iterator<Item = (usize, &PipMap)> {
        self.dependencies.iter().enumerate().filter_map(|(index, item)| match item {
            Dependency::Pip(pip) => Some((index, pip)),
            _ => None,
        })
    }

    /// The items that list pip in conda's eyes ([`listed_as_pip`]), with their index.
    pub fn listed_pip(&self) -> impl Iterator<Item = (usize, &SpecItem)> {
        self.specs().filter(|(_, item)| listed_as_pip(&item.spec.text))
    }

    /// What the definition says about Python's minor version, all items `python…` together.
    #[must_use]
    pub fn python_minor(&self) -> Minor {
        minor_of(self.specs_of("python").map(|(_, item)| &item.spec))
    }

    /// Whether some version fits all items `python…` together; `None` where one is not understood.
    #[must_use]
    pub fn python_fits(&self) -> Option<bool> {
        let mut specs: Vec<&MatchSpec> = self.specs_of("python").map(|(_, item)| &item.spec).collect();
        specs.sort_by_key(|spec| (&spec.version, &spec.build));
        specs.dedup_by_key(|spec| (&spec.version, &spec.build));
        // Every version that could be released is tried, which takes its time with more specs than anybody writes.
        if specs.len() > 20 {
            return None;
        }
        let minors = (0..=7).map(|minor| (2, minor)).chain((0..=60).map(|minor| (3, minor)));
        let mut releases = minors.flat_map(|(major, minor)| (0..=40).map(move |patch| [major, minor, patch]));
        if specs.iter().any(|spec| spec.allows([3, 8, 0]).is_none()) {
            return None;
        }
        Some(releases.any(|release| specs.iter().all(|spec| spec.allows(release) == Some(true))))
    }

    /// Whether the environment has a key, whatever its value.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.document.get(self.map, key).is_some()
    }

    /// The lines of comments directly above an item, from the first `#` to the end of the last
    /// comment; a blank line ends them.
    #[must_use]
    pub fn comment_above(&self, index: usize) -> Option<Span> {
        let item = self.dependencies.get(index)?.item();
        let floor = self.floor(index);
        let mut above: Option<Span> = None;
        let mut line = line_start(&self.text, item.start);
        while line > floor {
            let previous = line_start(&self.text, line - 1);
            let Some(comment) = self.own_line_comment(previous) else { break };
            if comment.start < floor {
                break;
            }
            above = Some(above.map_or(comment, |above| comment.join(above)));
            line = previous;
        }
        above
    }

    /// Where what stands before an item ends: no comment above the item begins before that.
    pub(super) fn floor(&self, index: usize) -> usize {
        match index.checked_sub(1).and_then(|previous| self.dependencies.get(previous)) {
            Some(previous) => previous.item().end,
            None => self.document.get(self.map, "dependencies").map_or(0, |(key, list)| {
                self.document.node(key).span.end.max(if self.flow { self.document.node(list).span.start } else { 0 })
            }),
        }
    }

    /// The comment that a line consists of, when nothing else stands on it.
    pub(super) fn own_line_comment(&self, line_start: usize) -> Option<Span> {
        let line = &self.text[line_start..line_end(&self.text, line_start)];
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        self.document.comment_in(Span::new(line_start + blanks, line_start + blanks + 1))
    }
}

/// The channels that are strings; `None` when the two readers differ.
fn read_channels(document: &Document, map: NodeId, value: &serde_yaml::Value) -> Option<Vec<Channel>> {
    let items = document.get(map, "channels").and_then(|(_, list)| document.items(list)).unwrap_or_default();
    let values = value.get("channels").and_then(serde_yaml::Value::as_sequence);
    let values = values.map(Vec::as_slice).unwrap_or_default();
    if items.len() != values.len() {
        return None;
    }
    let strings = items.iter().zip(values).filter_map(|(item, value)| Some((*item, value.as_str()?)));
    strings
        .map(|(item, name)| {
            (document.scalar(item) == Some(name))
                .then(|| Channel { name: name.to_owned(), span: document.node(item).span })
        })
        .collect()
}

/// Reads one item. `value` is the other reader's view of it; `None` when the two differ. `from` is
/// where the search for the item's dash begins, in block style.
fn read_dependency(
    document: &Document,
    text: &str,
    id: NodeId,
    value: &serde_yaml::Value,
    from: Option<usize>,
) -> Option<Dependency> {
    let node = document.node(id);
    let meaning = document.resolve(id);
    let start = match from {
        Some(from) => document.dash(text, from, id)?,
        None => node.start,
    };
    // A value that is left out stands at the next token; the item is then its dash alone.
    let left_out = node.span.is_empty() && matches!(node.kind, Kind::Scalar { .. });
    let end = if left_out { from.map_or(node.span.end, |_| start + 1) } else { node.span.end };
    let item = Span::new(start, end.max(start));
    let comment = document.comment_behind(node.span.end);
    match (&meaning.kind, value) {
        (Kind::Scalar { value: scalar, style }, serde_yaml::Value::String(string)) if !meaning.custom_tag => {
            (scalar == string).then(|| {
                Dependency::Spec(SpecItem {
                    spec: MatchSpec::parse(scalar),
                    span: node.span,
                    item,
                    style: *style,
                    comment,
                    shared: document.is_shared(id),
                })
            })
        }
        (Kind::Mapping { entries, .. }, serde_yaml::Value::Mapping(map)) => {
            if entries.len() != map.len() {
                return None;
            }
            let Some((key, list)) = document.get(id, "pip") else { return Some(Dependency::Other { item }) };
            let requirements = map.get("pip")?;
            let values = requirements.as_sequence().map(Vec::as_slice).unwrap_or_default();
            let pip_items = document.items(list).unwrap_or_default();
            if values.len() != pip_items.len() {
                return None;
            }
            let (mut items, mut others) = (Vec::new(), Vec::new());
            if !requirements.is_sequence() && !requirements.is_null() {
                others.push(document.node(list).span);
            }
            for (number, (id, value)) in pip_items.iter().zip(values).enumerate() {
                let node = document.node(*id);
                match &document.resolve(*id).kind {
                    Kind::Scalar { value: text, style } if !value.is_null() => {
                        if value.as_str().is_some_and(|value| value != text) {
                            return None;
                        }
                        items.push(PipItem {
                            number,
                            text: text.clone(),
                            span: node.span,
                            style: *style,
                            shared: document.is_shared(*id),
                        });
                    }
                    _ => others.push(node.span),
                }
            }
            let key = document.node(key).span;
            let comment = document.comment_behind(key.end);
            let list = requirements.is_sequence();
            Some(Dependency::Pip(PipMap { items, list, others, key, item, comment, shared: document.is_shared(id) }))
        }
        (Kind::Scalar { .. }, serde_yaml::Value::Mapping(_) | serde_yaml::Value::Sequence(_)) => None,
        (Kind::Mapping { .. }, serde_yaml::Value::String(_) | serde_yaml::Value::Sequence(_)) => None,
        _ => Some(Dependency::Other { item }),
    }
}

/// A source's text as every environment in it shares it.
pub(super) struct Text {
    text: Arc<str>,
    lone_cr: bool,
}

impl Text {
    pub(super) fn of(source: &Source) -> Self {
        Self { text: Arc::from(source.text()), lone_cr: has_lone_cr(source.text()) }
    }
}

/// Whether a CR ends a line by itself. Several before one LF, as a broken conversion leaves them, are
/// blank lines to YAML and do no harm.
fn has_lone_cr(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\r', bytes).any(|at| !matches!(bytes.get(at + 1), Some(b'\r' | b'\n')))
}

/// Where the line that holds an offset begins.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..offset]).map_or(0, |newline| newline + 1)
}

/// Where the line that holds an offset ends: before its `\n`, with a `\r` still on it.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[offset..]).map_or(text.len(), |newline| offset + newline)
}
