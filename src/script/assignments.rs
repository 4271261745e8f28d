//! Assignments: what gets which name, and what is put into a `spark` section.

use tree_sitter::Node;

use crate::source::Span;

use super::expressions::{Context, Resolved};
use super::imports::{self, Callable};
use super::literals::{is_empty, truth};
use super::names::{Objects, Value};
use super::objects::{Made, Precache, Set, What};
use super::walk::{Walk, children};

impl<'t> Walk<'t> {
    pub(super) fn expression_statement(&mut self, node: Node<'t>) {
        for child in children(node).into_iter().filter(|child| child.is_named()) {
            match child.kind() {
                "assignment" => self.assignment(child),
                "augmented_assignment" => self.augmented(child),
                "yield" => self.mentions(child, Context::Escape),
                _ => self.mentions(child, Context::Plain),
            }
        }
    }

    fn assignment(&mut self, node: Node<'t>) {
        let mut targets = Vec::new();
        let mut annotated = false;
        let mut next = node;
        let right = loop {
            targets.extend(next.child_by_field_name("left"));
            annotated |= next.child_by_field_name("type").is_some_and(|kind| self.is_annotation(kind));
            match next.child_by_field_name("right") {
                Some(right) if right.kind() == "assignment" => next = right,
                right => break right,
            }
        };
        // `x: int` binds nothing.
        let Some(right) = right else { return };
        if let [left] = targets.as_slice()
            && let Some(pairs) = pairs(*left, right)
        {
            for (_, value) in &pairs {
                self.mentions(*value, Context::Bound);
            }
            let values: Vec<Value> = pairs.iter().map(|(_, value)| self.eval(*value, 0)).collect();
            for ((target, _), value) in pairs.into_iter().zip(values) {
                self.assign(target, value, None);
            }
            return;
        }
        self.mentions(right, Context::Bound);
        let mut value = self.eval(right, 0);
        if annotated && value == Value::Other && self.mocked == 0 && !self.is_own_class(right) {
            value = Value::Environment(Objects::one(self.make(Made::Annotated, right, None, false)));
        }
        let only = targets.len() == 1;
        for target in targets {
            self.assign(target, value.clone(), Some((right, only)));
        }
    }

    /// `+=` and its like.
    fn augmented(&mut self, node: Node<'t>) {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return;
        };
        self.mentions(right, Context::Escape);
        let Some(names) = self.chain(left) else { return self.mentions(left, Context::Plain) };
        let found = self.resolve(&names);
        match &found.value {
            Value::Packages(objects) if found.used == names.len() => {
                let objects = objects.clone();
                self.touch(&objects, &names, &found);
                if !is_empty(right, self.text(right)) {
                    self.event(&objects, |_| What::Adds);
                }
            }
            Value::Spark(objects) if names.get(found.used).is_some_and(|name| *name == "precache_packages") => {
                let (objects, span) = (objects.clone(), self.raw(right));
                let set = Set { precache: Precache { span, value: None }, literal: None };
                self.event(&objects, |_| What::Set(set));
            }
            _ => {
                self.mentions(left, Context::Plain);
                if names.len() == 1 {
                    self.bind(self.text(left), Value::Other);
                }
            }
        }
    }

    /// Gives a target its value. `written` is the value's expression and whether it has no other target.
    fn assign(&mut self, target: Node<'t>, value: Value, written: Option<(Node<'t>, bool)>) {
        match target.kind() {
            "identifier" => self.bind(self.text(target), value),
            "attribute" => {
                let Some(names) = self.chain(target) else { return self.mentions(target, Context::Escape) };
                self.assign_attribute(&names, value, written);
            }
            "subscript" => {
                self.mentions(target, Context::Plain);
                let inner = target.child_by_field_name("value").and_then(|inner| self.chain(inner));
                if let Some(Value::Packages(objects)) = inner.map(|names| self.resolve(&names).value) {
                    self.event(&objects, |_| What::Adds);
                }
                self.pass_on(&value);
            }
            _ => {
                for part in children(target).into_iter().filter(|part| part.is_named()) {
                    match part.kind() {
                        "identifier" | "attribute" | "subscript" => self.assign(part, Value::Other, None),
                        // A name within stands for something else; what is nested deeper is not followed.
                        _ => self.mentions(part, Context::Escape),
                    }
                }
                self.pass_on(&value);
            }
        }
    }

    fn assign_attribute(&mut self, names: &[&'t str], value: Value, written: Option<(Node<'t>, bool)>) {
        let Some((last, owner)) = names.split_last() else { return };
        let found = self.resolve(owner);
        let whole = found.used == owner.len();
        match (&found.value, *last) {
            (Value::Spark(objects), "packages") if whole => {
                let objects = objects.clone();
                self.touch(&objects, owner, &found);
                if !written.is_some_and(|(node, _)| is_empty(node, self.text(node))) {
                    self.event(&objects, |_| What::Adds);
                }
            }
            (Value::Spark(objects), "precache_packages") if whole => {
                let objects = objects.clone();
                self.touch(&objects, owner, &found);
                let node = written.map(|(node, _)| in_parentheses(node));
                let only = written.is_some_and(|(_, only)| only);
                let truth = node.and_then(|node| truth(node, self.text(node)));
                let span = node.map_or_else(|| Span::at(0), |node| self.raw(node));
                let literal = node.filter(|_| only && truth.is_some());
                let literal = literal.map(|node| Span::new(node.start_byte(), node.end_byte()));
                self.event(&objects, |_| What::Set(Set { precache: Precache { span, value: truth }, literal }));
            }
            (Value::Spark(objects), _) if whole => {
                let objects = objects.clone();
                self.touch(&objects, owner, &found);
            }
            (Value::Environment(objects), "spark") if whole => {
                let objects = objects.clone();
                self.event(&objects, |_| What::Replaced);
                let text = self.definite(&objects).then(|| names.join("."));
                self.event(&objects, |_| What::Touch(text.clone()));
                // A section that is not new may have packages.
                if !written.is_some_and(|(node, _)| self.is_new_section(node)) {
                    self.event(&objects, |_| What::Adds);
                }
            }
            (Value::RunConfig(_) | Value::Job(_), "environment") if whole => {
                let objects = match value {
                    Value::Environment(objects) => objects,
                    _ => Objects::unknown(),
                };
                self.rebind(names, &found, objects);
            }
            (Value::Job(_), "run_config") if whole => {
                let objects = match value {
                    Value::RunConfig(objects) => objects,
                    _ => Objects::unknown(),
                };
                self.rebind(names, &found, objects);
            }
            _ => {
                if names.first() != Some(&"self") {
                    self.pass_on(&value);
                }
                if names.len() <= 4 {
                    self.bind(&names.join("."), value);
                }
            }
        }
    }

    /// A run configuration, or what has one, gets another environment.
    fn rebind(&mut self, names: &[&str], found: &Resolved, objects: Objects) {
        let Some(base) = names.get(..found.base) else { return };
        let is_job = matches!(self.resolve(base).value, Value::Job(_));
        self.bind(&base.join("."), if is_job { Value::Job(objects) } else { Value::RunConfig(objects) });
    }

    /// Whether an expression makes an object of one of the program's own classes.
    fn is_own_class(&self, node: Node<'t>) -> bool {
        let function = (node.kind() == "call").then(|| node.child_by_field_name("function")).flatten();
        let found = function.and_then(|function| self.chain(function)).map(|names| self.resolve(&names));
        found.is_some_and(|found| found.value == Value::Class)
    }

    fn is_new_section(&self, node: Node<'t>) -> bool {
        let function = (node.kind() == "call").then(|| node.child_by_field_name("function")).flatten();
        let found = function.and_then(|function| self.chain(function)).map(|names| self.resolve(&names).value);
        matches!(found, Some(Value::Path(path)) if imports::callable(&path) == Some(Callable::SparkSection))
    }
}

/// What stands within any parentheses.
fn in_parentheses(mut node: Node<'_>) -> Node<'_> {
    while node.kind() == "parenthesized_expression" && node.named_child_count() == 1 {
        match node.named_child(0) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The pairs of an assignment of one row of values to one row of names.
fn pairs<'t>(left: Node<'t>, right: Node<'t>) -> Option<Vec<(Node<'t>, Node<'t>)>> {
    let row = |node: Node<'t>, kinds: [&str; 3]| {
        let parts: Vec<_> = children(node).into_iter().filter(|child| child.is_named() && !child.is_extra()).collect();
        let plain = parts.iter().all(|part| !part.kind().contains("splat"));
        (kinds.contains(&node.kind()) && plain).then_some(parts)
    };
    let left = row(left, ["pattern_list", "tuple_pattern", "list_pattern"])?;
    let right = row(right, ["expression_list", "tuple", "list"])?;
    (left.len() == right.len()).then(|| left.into_iter().zip(right).collect())
}
