//! Reading the expressions of a statement: which environments they make, touch, pass on.

use tree_sitter::Node;

use super::imports::{self, Callable};
use super::literals::{is_empty, plain_string, truth};
use super::names::{Objects, Value};
use super::objects::{Made, Precache, Set, What};
use super::walk::{Walk, children};
use crate::source::Span;

/// Expressions are evaluated to this depth; deeper ones stand for nothing.
const MAX_DEPTH: usize = 50;

/// Functions that only look at what they get.
const HARMLESS: [&str; 13] =
    ["print", "len", "type", "isinstance", "str", "repr", "id", "hasattr", "vars", "dir", "display", "bool", "pprint"];

/// What happens to the value of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// It is looked at.
    Plain,
    /// It is passed on.
    Escape,
    /// It gets a name.
    Bound,
}

/// What a dotted name stands for.
pub(super) struct Resolved {
    pub(super) value: Value,
    /// How many of its parts are bound together: `self.env` of `self.env.spark`.
    pub(super) base: usize,
    /// How many of its parts the value is made of; the rest are attributes that do not matter.
    pub(super) used: usize,
    /// How many of them name a `spark` section, if they do.
    pub(super) spark: Option<usize>,
}

impl<'t> Walk<'t> {
    pub(super) fn mentions_in(&mut self, node: Node<'t>, context: Context) {
        for child in children(node).into_iter().filter(|child| child.is_named()) {
            self.mentions(child, context);
        }
    }

    /// Reads an expression: what it makes, touches, passes on.
    pub(super) fn mentions(&mut self, node: Node<'t>, context: Context) {
        let mut stack = vec![(node, context)];
        let mut named = Vec::new();
        while let Some((node, context)) = stack.pop() {
            match node.kind() {
                "identifier" | "attribute" => match self.chain(node) {
                    Some(names) => self.mention(&names, context),
                    None => stack.push((base_of(node), Context::Escape)),
                },
                "call" => {
                    let function = node.child_by_field_name("function");
                    let names = function.and_then(|function| self.chain(function));
                    let mut inner = Context::Escape;
                    match (names, function) {
                        (Some(names), _) => {
                            if names.len() == 1 && names.iter().all(|name| HARMLESS.contains(name)) {
                                inner = Context::Plain;
                            }
                            if self.call(&names, node, context) {
                                inner = Context::Plain;
                            }
                        }
                        (None, Some(function)) => self.calls(function, node, context, &mut stack),
                        (None, None) => {}
                    }
                    if let Some(arguments) = node.child_by_field_name("arguments") {
                        stack.extend(
                            children(arguments)
                                .into_iter()
                                .filter(|child| child.is_named())
                                .map(|child| (child, inner)),
                        );
                    }
                }
                "keyword_argument" => stack.extend(node.child_by_field_name("value").map(|value| (value, context))),
                "named_expression" => {
                    let value = node.child_by_field_name("value");
                    stack.extend(value.map(|value| (value, Context::Bound)));
                    named.extend(node.child_by_field_name("name").zip(value));
                }
                "type" | "comment" | "line_continuation" => {}
                kind => {
                    let inner = match kind {
                        "parenthesized_expression" | "conditional_expression" | "boolean_operator" | "await" => context,
                        "comparison_operator"
                        | "binary_operator"
                        | "unary_operator"
                        | "not_operator"
                        | "subscript"
                        | "slice"
                        | "if_clause"
                        | "interpolation"
                        | "string"
                        | "concatenated_string"
                        | "lambda" => Context::Plain,
                        _ => Context::Escape,
                    };
                    stack.extend(
                        children(node).into_iter().filter(|child| child.is_named()).map(|child| (child, inner)),
                    );
                }
            }
        }
        for (name, value) in named {
            let value = self.eval(value, 0);
            self.bind(self.text(name), value);
        }
    }

    /// A method of what a call gives, and so on inwards: `Environment.get(...).clone(...)`.
    fn calls(&mut self, function: Node<'t>, node: Node<'t>, context: Context, stack: &mut Vec<(Node<'t>, Context)>) {
        let mut spine = vec![(node, function)];
        let mut base = base_of(function);
        loop {
            match (base.kind(), base.child_by_field_name("function")) {
                ("call", Some(inner)) => {
                    spine.push((base, inner));
                    base = base_of(inner);
                }
                ("parenthesized_expression", _) if base.named_child_count() == 1 => match base.named_child(0) {
                    Some(inner) if inner.kind() != "comment" => base = base_of(inner),
                    _ => break,
                },
                _ => break,
            }
        }
        if base.kind() != "identifier" {
            stack.push((base, Context::Escape));
        }
        for (at, (call, function)) in spine.iter().enumerate().rev() {
            let context = if at == 0 { context } else { Context::Bound };
            let mut inner = Context::Escape;
            match self.chain(*function) {
                Some(names) => {
                    if self.call(&names, *call, context) {
                        inner = Context::Plain;
                    }
                }
                None => {
                    let mut names = Vec::new();
                    let mut object = *function;
                    while let Some(next) = object.child_by_field_name("object").filter(|_| object.kind() == "attribute")
                    {
                        names.extend(object.child_by_field_name("attribute").map(|name| self.text(name)));
                        object = next;
                    }
                    names.reverse();
                    let found = follow(Resolved { value: self.eval(object, 0), base: 0, used: 0, spark: None }, &names);
                    let found = Resolved { spark: None, ..found };
                    if found.value.objects().is_some() {
                        self.call_of(found, &names, *call, context);
                    }
                }
            }
            // The caller reads the arguments of the outermost one.
            if let Some(arguments) = call.child_by_field_name("arguments").filter(|_| at > 0) {
                stack.extend(
                    children(arguments).into_iter().filter(|child| child.is_named()).map(|child| (child, inner)),
                );
            }
        }
    }

    fn mention(&mut self, names: &[&'t str], context: Context) {
        let found = self.resolve(names);
        let whole = found.used == names.len();
        match &found.value {
            Value::Spark(objects) | Value::Packages(objects) => {
                let objects = objects.clone();
                self.touch(&objects, names, &found);
            }
            value @ (Value::Environment(_) | Value::RunConfig(_) | Value::Job(_))
                if whole && context == Context::Escape =>
            {
                let value = value.clone();
                self.pass_on(&value);
            }
            _ => {}
        }
    }

    pub(super) fn pass_on(&mut self, value: &Value) {
        if let Some(objects) = value.objects().cloned() {
            self.event(&objects, |_| What::Use);
        }
    }

    /// A call of a dotted name. Says whether its arguments are only looked at.
    fn call(&mut self, names: &[&'t str], node: Node<'t>, context: Context) -> bool {
        let arguments = node.child_by_field_name("arguments");
        if names == ["setattr"] {
            return self.setattr(node, arguments);
        }
        self.call_of(self.resolve(names), names, node, context)
    }

    fn call_of(&mut self, found: Resolved, names: &[&'t str], node: Node<'t>, context: Context) -> bool {
        let arguments = node.child_by_field_name("arguments");
        let method = names.get(found.used).copied();
        let value = match (&found.value, method) {
            (Value::Path(path), None) => match imports::callable(path) {
                Some(kind) if self.mocked == 0 => self.construct(kind, node, arguments),
                _ => None,
            },
            (Value::AsyncMaker, None) if node.parent().is_none_or(|parent| parent.kind() != "await") => None,
            (Value::Maker | Value::AsyncMaker, None) => {
                Some(Value::Environment(Objects::one(self.make(Made::Returned, node, None, false))))
            }
            (Value::Environment(objects), Some("clone" | "register")) => {
                let objects = objects.clone();
                self.event(&objects, |_| What::Use);
                let off = !objects.maybe
                    && objects.ids.iter().all(|id| self.objects.get(*id).is_some_and(|object| object.history.now_off));
                // A result that gets no name is nobody's.
                if context != Context::Bound {
                    return false;
                }
                let made = if method == Some("clone") { Made::Cloned } else { Made::Returned };
                let id = self.make(made, node, None, off);
                Some(Value::Environment(Objects { ids: vec![id], maybe: objects.maybe }))
            }
            (Value::Environment(objects), Some("build" | "build_local" | "save_to_directory")) => {
                let objects = objects.clone();
                self.event(&objects, |_| What::Use);
                None
            }
            (Value::Packages(objects), Some(name)) => {
                let (objects, first) = (objects.clone(), arguments.and_then(|list| list.named_child(0)));
                self.touch(&objects, names, &found);
                let empty = first.is_none_or(|first| name == "extend" && is_empty(first, self.text(first)));
                if matches!(name, "append" | "extend" | "insert") && !empty {
                    self.event(&objects, |_| What::Adds);
                }
                None
            }
            (Value::Spark(objects), _) => {
                let objects = objects.clone();
                self.touch(&objects, names, &found);
                None
            }
            // A method of a run configuration: `save` writes it.
            (Value::RunConfig(_) | Value::Job(_), Some(_)) => {
                let value = found.value.clone();
                self.pass_on(&value);
                None
            }
            _ => None,
        };
        if let Some(value) = value {
            if context == Context::Escape {
                self.pass_on(&value);
            }
            self.made.insert((node.start_byte(), node.end_byte()), value);
        }
        false
    }

    fn construct(&mut self, kind: Callable, node: Node<'t>, arguments: Option<Node<'t>>) -> Option<Value> {
        let made = match kind {
            Callable::Environment => Made::Constructed,
            Callable::FromDefinition => Made::FromDefinition,
            Callable::Get => Made::Fetched,
            Callable::RunConfiguration | Callable::Job => Made::RunConfiguration,
            Callable::SparkSection => return None,
        };
        if kind == Callable::Job {
            for (field, wants_config) in
                [("environment", false), ("environment_definition", false), ("run_config", true)]
            {
                let Some(given) = arguments.and_then(|list| self.argument(list, field, None)) else { continue };
                self.mentions(given, Context::Escape);
                let objects = match (self.eval(given, 0), wants_config) {
                    (Value::Environment(objects), false) | (Value::RunConfig(objects), true) => objects,
                    _ => Objects::unknown(),
                };
                return Some(Value::Job(objects));
            }
        }
        let curated = (kind == Callable::Get)
            .then(|| arguments.and_then(|list| self.argument(list, "name", Some(1))))
            .flatten()
            .and_then(|name| match self.eval(name, 0) {
                Value::Text(name) if is_curated(&name) => Some(name.to_string()),
                _ => None,
            });
        let objects = Objects::one(self.make(made, node, curated, false));
        Some(match kind {
            Callable::RunConfiguration => Value::RunConfig(objects),
            Callable::Job => Value::Job(objects),
            _ => Value::Environment(objects),
        })
    }

    /// An argument, by its name or else its position.
    fn argument(&self, list: Node<'t>, name: &str, position: Option<usize>) -> Option<Node<'t>> {
        let arguments: Vec<_> =
            children(list).into_iter().filter(|child| child.is_named() && !child.is_extra()).collect();
        let named = arguments
            .iter()
            .filter(|child| child.kind() == "keyword_argument")
            .find(|child| child.child_by_field_name("name").is_some_and(|found| self.text(found) == name));
        match named {
            Some(argument) => argument.child_by_field_name("value"),
            None => {
                let argument = *arguments.get(position?)?;
                (!matches!(argument.kind(), "keyword_argument" | "list_splat" | "dictionary_splat")).then_some(argument)
            }
        }
    }

    /// `setattr(env.spark, "precache_packages", False)`
    fn setattr(&mut self, node: Node<'t>, arguments: Option<Node<'t>>) -> bool {
        let Some(list) = arguments else { return false };
        let parts: Vec<_> = children(list).into_iter().filter(|child| child.is_named() && !child.is_extra()).collect();
        let [object, name, value] = parts.as_slice() else { return false };
        let Some(names) = self.chain(*object) else { return false };
        let found = self.resolve(&names);
        let Value::Spark(objects) = &found.value else { return false };
        if found.used != names.len() {
            return false;
        }
        let objects = objects.clone();
        self.touch(&objects, &names, &found);
        match self.eval(*name, 0) {
            Value::Text(name) if &*name == "precache_packages" => {
                let precache = Precache { span: self.raw(*value), value: truth(*value, self.text(*value)) };
                let statement = self.flat.entries.get(self.here.statement).map(|entry| entry.span);
                // Elsewhere than in a statement of its own it may be left out.
                let own = statement == Some(Span::new(node.start_byte(), node.end_byte()));
                let objects = if own { objects } else { Objects { maybe: true, ..objects } };
                self.event(&objects, |_| What::Set(Set { precache, literal: None }));
            }
            Value::Text(name) if &*name != "packages" => {}
            _ => self.event(&objects, |_| What::Adds),
        }
        true
    }

    /// What an expression stands for, once it is read.
    pub(super) fn eval(&self, node: Node<'t>, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Other;
        }
        let side = |node: Option<Node<'t>>| node.map_or(Value::Other, |node| self.eval(node, depth + 1));
        match node.kind() {
            "identifier" | "attribute" => match self.chain(node) {
                Some(names) => {
                    let found = self.resolve(&names);
                    if found.used == names.len() { found.value } else { Value::Other }
                }
                None => Value::Other,
            },
            "call" => self.made.get(&(node.start_byte(), node.end_byte())).cloned().unwrap_or(Value::Other),
            "none" => Value::Nothing,
            "string" => plain_string(node, self.text(node)).map_or(Value::Other, |text| Value::Text(text.into())),
            "parenthesized_expression" | "await" => side(node.named_child(0)),
            "named_expression" => side(node.child_by_field_name("value")),
            "conditional_expression" => side(node.named_child(0)).join(side(node.named_child(2))),
            "boolean_operator" => side(node.child_by_field_name("left")).join(side(node.child_by_field_name("right"))),
            _ => Value::Other,
        }
    }

    /// The parts of a dotted name; `None` for anything else.
    pub(super) fn chain(&self, node: Node<'t>) -> Option<Vec<&'t str>> {
        let mut names = Vec::new();
        let mut node = node;
        loop {
            match node.kind() {
                "identifier" => {
                    names.push(self.text(node));
                    names.reverse();
                    return Some(names);
                }
                "attribute" => {
                    names.push(self.text(node.child_by_field_name("attribute")?));
                    node = node.child_by_field_name("object")?;
                }
                _ => return None,
            }
        }
    }

    /// What a dotted name stands for.
    pub(super) fn resolve(&self, names: &[&str]) -> Resolved {
        let mut found = Resolved { value: Value::Other, base: 0, used: 0, spark: None };
        let is_local = names.first().is_some_and(|root| self.frame.get(root).is_some());
        for base in (1..=names.len().min(4)).rev() {
            let key = names[..base].join(".");
            let free = || if is_local && !key.starts_with("self.") { None } else { self.free(&key) };
            if let Some(value) = self.frame.get(&key).or_else(free) {
                found = Resolved { value: value.clone(), base, used: base, spark: None };
                break;
            }
        }
        follow(found, names)
    }
}

/// Goes on from what the first parts of a dotted name stand for.
fn follow(mut found: Resolved, names: &[&str]) -> Resolved {
    loop {
        if matches!(found.value, Value::Spark(_)) {
            found.spark = Some(found.used);
        }
        let Some(value) = names.get(found.used).and_then(|name| found.value.attribute(name)) else { return found };
        found.value = value;
        found.used += 1;
    }
}

/// What a row of attributes begins with.
fn base_of(mut node: Node<'_>) -> Node<'_> {
    while let Some(object) = node.child_by_field_name("object").filter(|_| node.kind() == "attribute") {
        node = object;
    }
    node
}

/// Names that begin so belong to Microsoft's own environments; the service refuses them to anyone else, in any case.
fn is_curated(name: &str) -> bool {
    name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("AzureML-"))
}
