//! Statements with branches: each branch is read by itself and joined with the others.

use std::collections::HashMap;

use tree_sitter::Node;

use super::ScriptError;
use super::expressions::Context;
use super::names::{Layer, Value};
use super::walk::{Walk, children, mocks};

impl<'t> Walk<'t> {
    /// The body of a loop: read once more when a round finds other environments than the one before.
    pub(super) fn rounds(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        let Some(body) = node.child_by_field_name("body") else { return Ok(()) };
        let left = node.child_by_field_name("left");
        let read = |walk: &mut Self| {
            walk.branch(block, body, |walk, inner| {
                if let Some(left) = left {
                    walk.forget(left);
                }
                walk.statements(body, inner, depth + 1)
            })
        };
        let (mut layer, _) = read(self)?;
        let matters = |value: Option<&Value>| value.is_some_and(|value| value.objects().is_some());
        let changes = layer.iter().any(|(key, binding)| {
            let before = self.frame.get(key);
            (matters(Some(&binding.value)) || matters(before)) && before != Some(&binding.value)
        });
        let size = self.behind(body).saturating_sub(self.here.statement.min(self.first_of(body)));
        if changes && size <= self.budget {
            self.budget -= size;
            self.rereading += 1;
            self.frame.layers.push(Layer::new());
            self.merge(vec![layer], true);
            let again = read(self);
            layer = self.frame.layers.pop().unwrap_or_default();
            self.rereading -= 1;
            layer.extend(again?.0);
        }
        self.merge(vec![layer], true);
        Ok(())
    }

    pub(super) fn if_statement(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        self.mention_field(node, "condition");
        let mut layers = Vec::new();
        let mut or_none = true;
        let suites = children(node).into_iter().filter_map(|child| match child.kind() {
            "block" => Some((child, None)),
            "elif_clause" => Some((child.child_by_field_name("consequence")?, Some(child))),
            "else_clause" => Some((child.child_by_field_name("body")?, Some(child))),
            _ => None,
        });
        for (suite, clause) in suites.collect::<Vec<_>>() {
            if let Some(clause) = clause {
                or_none &= clause.kind() != "else_clause";
                self.begin(clause, block);
                self.mention_field(clause, "condition");
            }
            let (layer, leaves) = self.branch(block, suite, |walk, inner| walk.statements(suite, inner, depth + 1))?;
            if !leaves {
                layers.push(layer);
            }
        }
        self.merge(layers, or_none);
        Ok(())
    }

    /// The `else` of a loop.
    pub(super) fn else_of(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        let suite = children(node).into_iter().find(|child| child.kind() == "else_clause");
        if let Some(suite) = suite.and_then(|clause| clause.child_by_field_name("body")) {
            let (layer, leaves) = self.branch(block, suite, |walk, inner| walk.statements(suite, inner, depth + 1))?;
            if !leaves {
                self.merge(vec![layer], true);
            }
        }
        Ok(())
    }

    pub(super) fn try_statement(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        let mut layers = Vec::new();
        let (mut last, mut caught) = (None, Layer::new());
        let parts = children(node);
        let otherwise = parts.iter().find(|part| part.kind() == "else_clause").copied();
        for part in parts {
            match part.kind() {
                "block" => {
                    let (layer, leaves) = self.branch(block, part, |walk, inner| {
                        walk.guard(inner, part);
                        walk.frame.tries.push(HashMap::new());
                        let leaves = walk.statements(part, inner, depth + 1);
                        caught = walk.frame.caught();
                        let leaves = leaves?;
                        match otherwise.and_then(|clause| clause.child_by_field_name("body")) {
                            Some(suite) => {
                                let inner = walk.suite(block, suite, false);
                                walk.statements(suite, inner, depth + 1)
                            }
                            None => Ok(leaves),
                        }
                    })?;
                    if !leaves {
                        layers.push(layer);
                    }
                }
                "except_clause" => {
                    self.begin(part, block);
                    let caught = caught.clone();
                    let (layer, leaves) = self.branch(block, part, |walk, inner| {
                        walk.merge(vec![caught], true);
                        let mut leaves = false;
                        for child in children(part) {
                            match child.kind() {
                                "block" => leaves = walk.statements(child, inner, depth + 1)?,
                                "as_pattern" => walk.as_pattern(child),
                                _ => {}
                            }
                        }
                        Ok(leaves)
                    })?;
                    if !leaves {
                        layers.push(layer);
                    }
                }
                "finally_clause" => last = children(part).into_iter().find(|child| child.kind() == "block"),
                _ => {}
            }
        }
        self.merge(layers, false);
        if let Some(suite) = last {
            let inner = self.suite(block, suite, false);
            self.statements(suite, inner, depth + 1)?;
        }
        Ok(())
    }

    pub(super) fn with_statement(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        let (mut mocked, mut quiets) = (0, false);
        for clause in children(node).into_iter().filter(|child| child.kind() == "with_clause") {
            for item in children(clause).into_iter().filter(|child| child.kind() == "with_item") {
                let Some(value) = item.child_by_field_name("value") else { continue };
                mocked += usize::from(mocks(self.text(value)));
                quiets |= ["suppress", "raises"].iter().any(|word| self.text(value).contains(word));
                match value.kind() {
                    "as_pattern" => self.as_pattern(value),
                    _ => self.mentions(value, Context::Plain),
                }
            }
        }
        self.mocked += mocked;
        let result = match node.child_by_field_name("body") {
            Some(body) => {
                let inner = self.suite(block, body, true);
                if quiets {
                    self.guard(inner, body);
                }
                self.statements(body, inner, depth + 1).map(|_| ())
            }
            None => Ok(()),
        };
        self.mocked -= mocked;
        result
    }

    pub(super) fn match_statement(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        let mut layers = Vec::new();
        self.mention_field(node, "subject");
        let Some(body) = node.child_by_field_name("body") else { return Ok(()) };
        for case in children(body).into_iter().filter(|child| child.kind() == "case_clause") {
            self.begin(case, block);
            let (layer, leaves) = self.branch(block, case, |walk, inner| {
                for pattern in children(case).into_iter().filter(|child| child.kind() == "case_pattern") {
                    walk.forget(pattern);
                }
                walk.mention_field(case, "guard");
                match case.child_by_field_name("consequence") {
                    Some(suite) => walk.statements(suite, inner, depth + 1),
                    None => Ok(false),
                }
            })?;
            if !leaves {
                layers.push(layer);
            }
        }
        self.merge(layers, true);
        Ok(())
    }
}
