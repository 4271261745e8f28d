//! Definitions of functions and classes, and imports.

use std::collections::HashMap;

use tree_sitter::Node;

use super::ScriptError;
use super::expressions::Context;
use super::imports;
use super::names::{Frame, Layer, Objects, Scope, Value};
use super::objects::{Made, Place};
use super::walk::{Function, Walk, children};

impl<'t> Walk<'t> {
    /// `def`: its body is read later.
    pub(super) fn definition(&mut self, node: Node<'t>, mocked: bool, decorated: bool) {
        if let Some(parameters) = node.child_by_field_name("parameters") {
            for value in children(parameters).into_iter().filter_map(|child| child.child_by_field_name("value")) {
                self.mentions(value, Context::Escape);
            }
        }
        let returns = node.child_by_field_name("return_type").is_some_and(|kind| self.is_annotation(kind));
        if let Some(name) = node.child_by_field_name("name") {
            let is_async = node.child(0).is_some_and(|child| child.kind() == "async");
            // What a decorator makes of a function is not known.
            let value = match returns && self.mocked == 0 && !decorated {
                true if is_async => Value::AsyncMaker,
                true => Value::Maker,
                false => Value::Other,
            };
            self.bind(self.text(name), value);
        }
        let (cell, place, scope, class) = (self.cell, self.here, self.def_scope, self.frame.class);
        let mocked = mocked || self.mocked > 0;
        if !self.defined.insert((cell, node.start_byte())) {
            return;
        }
        self.functions.push_back(Function { node, cell, place, scope, class, mocked });
    }

    pub(super) fn class(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<(), ScriptError> {
        if let Some(bases) = node.child_by_field_name("superclasses") {
            self.mentions(bases, Context::Plain);
        }
        let class = self.classes.len();
        self.classes.push(Scope::default());
        let outer = (self.frame.scope, self.frame.class.replace(class));
        // What a class binds is seen by name in its body alone.
        self.scopes.push(Scope { names: HashMap::new(), enclosing: Some(self.frame.scope) });
        self.frame.scope = self.scopes.len() - 1;
        self.frame.layers.push(Layer::new());
        let result = match node.child_by_field_name("body") {
            Some(body) => {
                let inner = self.suite(block, body, true);
                self.statements(body, inner, depth + 1)
            }
            None => Ok(false),
        };
        self.frame.layers.pop();
        let own = self.scopes.get_mut(self.frame.scope).map(|scope| std::mem::take(&mut scope.names));
        (self.frame.scope, self.frame.class) = outer;
        if let Some(scope) = self.classes.get_mut(class) {
            for (name, value) in own.into_iter().flatten() {
                scope.bind(&format!("self.{name}"), value);
            }
        }
        result?;
        self.begin(node, block);
        if let Some(name) = node.child_by_field_name("name") {
            self.bind(self.text(name), Value::Class);
        }
        Ok(())
    }

    pub(super) fn function(&mut self, function: Function<'t>) -> Result<(), ScriptError> {
        self.scopes.push(Scope { names: HashMap::new(), enclosing: Some(function.scope) });
        self.def_scope = self.scopes.len() - 1;
        self.frame = Frame::new(self.def_scope, function.class);
        self.cell = function.cell;
        self.mocked = usize::from(function.mocked);
        self.made.clear();
        let block = self.block(None, false);
        self.here = Place { block, function: self.function_count, ..function.place };
        self.function_count += 1;
        self.simple = false;
        if let Some(parameters) = function.node.child_by_field_name("parameters") {
            for parameter in children(parameters).into_iter().filter(|child| child.is_named()) {
                self.parameter(parameter);
            }
        }
        match function.node.child_by_field_name("body") {
            Some(body) => self.statements(body, block, 0).map(|_| ()),
            None => Ok(()),
        }
    }

    fn parameter(&mut self, node: Node<'t>) {
        let name = match node.kind() {
            "identifier" => Some(node),
            "typed_parameter" => node.named_child(0).filter(|child| child.kind() == "identifier"),
            _ => node.child_by_field_name("name").filter(|child| child.kind() == "identifier"),
        };
        let Some(name) = name else { return self.forget(node) };
        let is_environment = node.child_by_field_name("type").is_some_and(|kind| self.is_annotation(kind));
        let name = self.text(name);
        if is_environment && self.mocked == 0 {
            let id = self.make(Made::Parameter, node, None, false);
            self.bind(name, Value::Environment(Objects::one(id)));
        } else {
            self.bind(name, Value::Other);
        }
    }

    /// Whether an annotation says: an Environment of SDK v1, or `None`.
    pub(super) fn is_annotation(&self, node: Node<'t>) -> bool {
        let text = self.text(node).trim().trim_matches(['"', '\'']);
        let text = ["Optional[", "typing.Optional["]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix)?.strip_suffix(']'))
            .unwrap_or(text);
        let mut kinds = text.split('|').map(str::trim).filter(|kind| *kind != "None");
        let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
        let names: Vec<&str> = kind.trim_matches(['"', '\'']).split('.').map(str::trim).collect();
        let found = self.resolve(&names);
        found.used == names.len() && matches!(&found.value, Value::Path(path) if imports::is_environment(path))
    }

    pub(super) fn import(&mut self, node: Node<'t>) {
        let module =
            node.child_by_field_name("module_name").map(|module| self.text(module).replace(char::is_whitespace, ""));
        for child in children(node) {
            match (child.kind(), &module) {
                ("wildcard_import", Some(module)) => {
                    for name in imports::wildcard(module) {
                        self.bind(name, Value::Path(format!("{module}.{name}").into()));
                    }
                    if module.starts_with("azure.ai.ml") {
                        self.bind("Environment", Value::Other);
                    }
                }
                ("dotted_name" | "aliased_import", _) => {
                    if node.child_by_field_name("module_name").is_some_and(|module| module.id() == child.id()) {
                        continue;
                    }
                    let name = child.child_by_field_name("name").unwrap_or(child);
                    let name = self.text(name).replace(char::is_whitespace, "");
                    let alias = child.child_by_field_name("alias").map(|alias| self.text(alias));
                    let full = module.as_ref().map_or_else(|| name.clone(), |module| format!("{module}.{name}"));
                    // `import a.b` binds `a`; `import a.b as c` binds what it names.
                    let (bound, path) = match (alias, &module) {
                        (Some(alias), _) => (alias, full.as_str()),
                        (None, Some(_)) => (name.as_str(), full.as_str()),
                        (None, None) => {
                            let root = name.split('.').next().unwrap_or_default();
                            (root, root)
                        }
                    };
                    let ours = path == "azureml" || path.starts_with("azureml.");
                    self.bind(bound, if ours { Value::Path(path.into()) } else { Value::Other });
                }
                _ => {}
            }
        }
    }
}
