//! Reading the statements of a program in order: what is bound to which name, in which branch.
//!
//! The statements of the module are read first, then its functions, which find outside what was ever bound there. A
//! branch is read by itself and joined with the others; nothing is assumed about which of them is taken.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use tree_sitter::{Node, Tree};

use super::ScriptError;
use super::cells::Cell;
use super::expressions::Context;
use super::flat::Flat;
use super::names::{Frame, Layer, Scope, Value};
use super::objects::{EnvironmentObject, Place};

/// CPython takes no deeper indentation.
const MAX_DEPTH: usize = 100;

/// The state of reading.
pub(super) struct Walk<'t> {
    pub(super) cells: &'t [Cell],
    pub(super) flat: &'t Flat,
    pub(super) frame: Frame,
    pub(super) scopes: Vec<Scope>,
    pub(super) classes: Vec<Scope>,
    pub(super) blocks: Vec<Block>,
    pub(super) objects: Vec<EnvironmentObject>,
    /// What the constructions in the current statement gave, by where they stand.
    pub(super) made: HashMap<(usize, usize), Value>,
    pub(super) cell: usize,
    pub(super) here: Place,
    /// Whether the current statement is a simple one.
    pub(super) simple: bool,
    /// How many mocks of the class Environment are in force.
    pub(super) mocked: usize,
    /// The scope that functions defined here find their names in.
    pub(super) def_scope: usize,
    pub(super) functions: VecDeque<Function<'t>>,
    pub(super) function_count: usize,
    /// The statements `break` and `continue` that are read.
    pub(super) breaks: BTreeSet<usize>,
    /// The statements `return` and `raise` that are read.
    pub(super) exits: BTreeSet<usize>,
    /// The environments by the expressions that make them.
    pub(super) sites: HashMap<(usize, usize, usize), usize>,
    /// The events that are recorded: environment, statement and kind.
    pub(super) recorded: HashMap<(usize, usize, usize), usize>,
    /// How many loops are being read for the second time.
    pub(super) rereading: usize,
    /// How many statements may still be read for a second time.
    pub(super) budget: usize,
    /// The names that functions bind outside themselves.
    pub(super) shared: HashSet<&'t str>,
    pub(super) suites: HashMap<(usize, usize), usize>,
    pub(super) defined: HashSet<(usize, usize)>,
}

/// A suite of statements.
pub(super) struct Block {
    pub(super) parent: Option<usize>,
    /// Whether it runs whenever what is around it does: the body of `with` or of a class.
    pub(super) always: bool,
    /// In the body of a `try`, the first statement behind it.
    pub(super) guard: Option<usize>,
}

/// A function whose body is still to be read.
pub(super) struct Function<'t> {
    pub(super) node: Node<'t>,
    pub(super) cell: usize,
    pub(super) place: Place,
    pub(super) scope: usize,
    pub(super) class: Option<usize>,
    pub(super) mocked: bool,
}

/// Reads all cells as one program.
pub(super) fn environments(cells: &[Cell], trees: &[Tree], flat: &Flat) -> Result<Vec<EnvironmentObject>, ScriptError> {
    let mut walk = Walk {
        cells,
        flat,
        frame: Frame::new(0, None),
        scopes: vec![Scope::default()],
        classes: Vec::new(),
        blocks: vec![Block { parent: None, always: false, guard: None }],
        objects: Vec::new(),
        made: HashMap::new(),
        cell: 0,
        here: Place { statement: 0, block: 0, function: 0 },
        simple: false,
        mocked: 0,
        def_scope: 0,
        functions: VecDeque::new(),
        function_count: 1,
        breaks: BTreeSet::new(),
        exits: BTreeSet::new(),
        sites: HashMap::new(),
        recorded: HashMap::new(),
        rereading: 0,
        budget: 2 * flat.entries.len(),
        shared: cells.iter().flat_map(|cell| outer_names(&cell.masked)).collect(),
        suites: HashMap::new(),
        defined: HashSet::new(),
    };
    for (number, tree) in trees.iter().enumerate() {
        walk.cell = number;
        walk.statements(tree.root_node(), 0, 0)?;
    }
    while let Some(function) = walk.functions.pop_front() {
        walk.function(function)?;
    }
    walk.finish();
    Ok(walk.objects)
}

impl<'t> Walk<'t> {
    pub(super) fn text(&self, node: Node<'t>) -> &'t str {
        let cells = self.cells;
        cells.get(self.cell).and_then(|cell| cell.masked.get(node.byte_range())).unwrap_or_default()
    }

    /// The statements of a module or suite. Says whether the last one leaves the function.
    pub(super) fn statements(&mut self, suite: Node<'t>, block: usize, depth: usize) -> Result<bool, ScriptError> {
        if depth > MAX_DEPTH {
            let cells = self.cells;
            let message = "more than 100 levels of indentation, which Python does not take";
            return Err(cells.get(self.cell).map_or_else(
                || ScriptError { offset: 0, message: message.to_owned() },
                |cell| cell.error(suite.start_byte(), message),
            ));
        }
        let mut leaves = false;
        for node in children(suite).into_iter().filter(|node| node.is_named() && !node.is_extra()) {
            self.begin(node, block);
            leaves = self.statement(node, block, depth)?;
        }
        Ok(leaves)
    }

    pub(super) fn begin(&mut self, node: Node<'t>, block: usize) {
        self.here.block = block;
        self.simple = !matches!(
            node.kind(),
            "if_statement"
                | "for_statement"
                | "while_statement"
                | "try_statement"
                | "with_statement"
                | "match_statement"
                | "function_definition"
                | "class_definition"
                | "decorated_definition"
        );
        if let Some(statement) = self.flat.at(self.cell, node.start_byte()) {
            self.here.statement = statement;
        }
        self.made.clear();
    }

    fn statement(&mut self, node: Node<'t>, block: usize, depth: usize) -> Result<bool, ScriptError> {
        match node.kind() {
            "expression_statement" => self.expression_statement(node),
            "return_statement" => {
                self.mentions_in(node, Context::Escape);
                self.exits.insert(self.here.statement);
                return Ok(true);
            }
            "raise_statement" => {
                self.mentions_in(node, Context::Plain);
                self.exits.insert(self.here.statement);
                return Ok(true);
            }
            "break_statement" | "continue_statement" => {
                self.breaks.insert(self.here.statement);
            }
            "import_statement" | "import_from_statement" => self.import(node),
            "global_statement" => {
                for name in children(node).into_iter().filter(|node| node.is_named()) {
                    let name = self.text(name).to_owned();
                    self.frame.globals.push(name);
                }
            }
            "delete_statement" => {
                self.mentions_in(node, Context::Plain);
                for name in children(node).into_iter().filter(|node| node.kind() == "identifier") {
                    self.bind(self.text(name), Value::Nothing);
                }
            }
            "if_statement" => self.if_statement(node, block, depth)?,
            "for_statement" => {
                if let Some(right) = node.child_by_field_name("right") {
                    self.mentions(right, Context::Escape);
                }
                self.rounds(node, block, depth)?;
                self.else_of(node, block, depth)?;
            }
            "while_statement" => {
                self.mention_field(node, "condition");
                self.rounds(node, block, depth)?;
                self.else_of(node, block, depth)?;
            }
            "try_statement" => self.try_statement(node, block, depth)?,
            "with_statement" => self.with_statement(node, block, depth)?,
            "match_statement" => self.match_statement(node, block, depth)?,
            "function_definition" => self.definition(node, false, false),
            "class_definition" => self.class(node, block, depth)?,
            "decorated_definition" => {
                let mut mocked = false;
                for decorator in children(node).into_iter().filter(|node| node.kind() == "decorator") {
                    mocked |= mocks(self.text(decorator));
                    self.mentions_in(decorator, Context::Plain);
                }

                self.mocked += usize::from(mocked);
                let result = match node.child_by_field_name("definition") {
                    Some(class) if class.kind() == "class_definition" => self.class(class, block, depth),
                    Some(function) => {
                        self.definition(function, mocked, true);
                        Ok(())
                    }
                    None => Ok(()),
                };
                self.mocked -= usize::from(mocked);
                result?;
            }
            _ => self.mentions_in(node, Context::Plain),
        }
        Ok(false)
    }

    pub(super) fn mention_field(&mut self, node: Node<'t>, field: &str) {
        if let Some(node) = node.child_by_field_name(field) {
            self.mentions(node, Context::Plain);
        }
    }

    pub(super) fn first_of(&self, node: Node<'t>) -> usize {
        self.flat.entries.partition_point(|entry| (entry.cell, entry.span.start) < (self.cell, node.start_byte()))
    }

    /// The number of the first statement behind a node.
    pub(super) fn behind(&self, node: Node<'t>) -> usize {
        self.flat.entries.partition_point(|entry| (entry.cell, entry.span.start) < (self.cell, node.end_byte()))
    }

    /// Reads a branch on a layer of its own. `at` is its suite, or what else is its own.
    pub(super) fn branch(
        &mut self,
        parent: usize,
        at: Node<'t>,
        read: impl FnOnce(&mut Self, usize) -> Result<bool, ScriptError>,
    ) -> Result<(Layer, bool), ScriptError> {
        let block = self.suite(parent, at, false);
        self.frame.layers.push(Layer::new());
        let leaves = read(self, block);
        let layer = self.frame.layers.pop().unwrap_or_default();
        Ok((layer, leaves?))
    }

    pub(super) fn block(&mut self, parent: Option<usize>, always: bool) -> usize {
        let guard = parent.and_then(|parent| self.blocks.get(parent)).and_then(|parent| parent.guard);
        self.blocks.push(Block { parent, always, guard });
        self.blocks.len() - 1
    }

    /// The block of a suite, the same one whenever it is read.
    pub(super) fn suite(&mut self, parent: usize, at: Node<'t>, always: bool) -> usize {
        let key = (self.cell, at.start_byte());
        if let Some(block) = self.suites.get(&key) {
            return *block;
        }
        let block = self.block(Some(parent), always);
        self.suites.insert(key, block);
        block
    }

    pub(super) fn guard(&mut self, block: usize, body: Node<'t>) {
        let end = self.behind(body);
        if let Some(block) = self.blocks.get_mut(block) {
            block.guard = Some(end);
        }
    }

    pub(super) fn merge(&mut self, branches: Vec<Layer>, or_none: bool) {
        let (scopes, scope) = (&self.scopes, self.frame.scope);
        let outside = scopes.get(scope).and_then(|scope| scope.enclosing);
        self.frame.merge(branches, or_none, |key| free(scopes, outside, key).cloned());
    }

    /// `VALUE as NAME`
    pub(super) fn as_pattern(&mut self, node: Node<'t>) {
        for child in children(node).into_iter().filter(|child| child.is_named()) {
            match child.kind() {
                "as_pattern_target" => self.forget(child),
                _ => self.mentions(child, Context::Escape),
            }
        }
    }

    /// Every name in a target or pattern now stands for something else.
    pub(super) fn forget(&mut self, node: Node<'t>) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            match node.kind() {
                "identifier" => self.bind(self.text(node), Value::Other),
                "attribute" | "subscript" => self.mentions(node, Context::Plain),
                _ => stack.extend(children(node)),
            }
        }
    }

    /// Binds a name, or a dotted one such as `self.env`.
    pub(super) fn bind(&mut self, key: &str, value: Value) {
        self.name(key, &value);
        if let Some(scope) = self.scopes.get_mut(self.frame.scope) {
            scope.bind(key, value.clone());
        }
        let root = key.split('.').next().unwrap_or(key);
        if self.frame.globals.iter().any(|name| name == root)
            && let Some(scope) = self.scopes.first_mut()
        {
            scope.bind(key, value.clone());
        }
        if root == "self"
            && let Some(class) = self.frame.class.and_then(|class| self.classes.get_mut(class))
        {
            class.bind(key, value.clone());
        }
        self.frame.bind(key, value);
    }

    /// What a name that the current function has not bound means.
    pub(super) fn free(&self, key: &str) -> Option<&Value> {
        if key.starts_with("self.") {
            return self.frame.class.and_then(|class| self.classes.get(class))?.names.get(key);
        }
        free(&self.scopes, self.scopes.get(self.frame.scope)?.enclosing, key)
    }
}

fn free<'a>(scopes: &'a [Scope], mut scope: Option<usize>, key: &str) -> Option<&'a Value> {
    while let Some(found) = scope.and_then(|scope| scopes.get(scope)) {
        if let Some(value) = found.names.get(key) {
            return Some(value);
        }
        scope = found.enclosing;
    }
    None
}

/// The names of the lines that begin with `global` or `nonlocal`.
fn outer_names(text: &str) -> impl Iterator<Item = &str> {
    let statements = text.split(['\n', ';', ':']).map(str::trim_start);
    let names = statements.filter_map(|text| text.strip_prefix("global ").or_else(|| text.strip_prefix("nonlocal ")));
    names.flat_map(|names| names.split('#').next().unwrap_or_default().split(',').map(str::trim))
}

/// Whether a decorator or context manager puts a mock in the place of the class Environment.
pub(super) fn mocks(text: &str) -> bool {
    text.contains("patch") && text.contains("Environment")
}

/// All children of a node.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}
