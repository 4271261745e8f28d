//! What names stand for at a point of a program.

use std::collections::HashMap;
use std::rc::Rc;

/// More environments under one name than this are not told apart.
const MAX_OBJECTS: usize = 16;
/// No dotted name that matters is longer.
const MAX_PATH: usize = 200;

/// What an expression stands for, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing that matters.
    Other,
    /// `None`, or not bound at all.
    Nothing,
    /// A string.
    Text(Rc<str>),
    /// A module, class or function of `azureml`, by its dotted name.
    Path(Rc<str>),
    /// A function of the program that says it returns an environment.
    Maker,
    /// The same, to be awaited.
    AsyncMaker,
    /// A class of the program.
    Class,
    /// Environments.
    Environment(Objects),
    /// Their `spark`.
    Spark(Objects),
    /// Their `spark.packages`.
    Packages(Objects),
    /// A run configuration, by its environments.
    RunConfig(Objects),
    /// A ScriptRunConfig or estimator, by the environments of its `run_config`.
    Job(Objects),
}

/// The environments that an expression may stand for.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Objects {
    pub(super) ids: Vec<usize>,
    /// Whether it may be something else.
    pub(super) maybe: bool,
}

impl Objects {
    pub(super) fn one(id: usize) -> Self {
        Objects { ids: vec![id], maybe: false }
    }

    /// Nothing known.
    pub(super) fn unknown() -> Self {
        Objects { ids: Vec::new(), maybe: true }
    }

    fn join(mut self, other: &Objects) -> Self {
        self.maybe |= other.maybe;
        for id in &other.ids {
            if self.ids.contains(id) {
                continue;
            }
            if self.ids.len() == MAX_OBJECTS {
                self.maybe = true;
                break;
            }
            self.ids.push(*id);
        }
        self
    }
}

impl Value {
    /// Either of two.
    pub(super) fn join(self, other: Value) -> Value {
        use Value::{Environment, Job, Nothing, Packages, Path, RunConfig, Spark};
        if self == other {
            return self;
        }
        match (self, other) {
            // Whoever uses it expects what it can be used as.
            (Nothing, Path(path)) | (Path(path), Nothing) => Path(path),
            (Environment(a), Environment(b)) => Environment(a.join(&b)),
            (Spark(a), Spark(b)) => Spark(a.join(&b)),
            (Packages(a), Packages(b)) => Packages(a.join(&b)),
            (RunConfig(a), RunConfig(b)) => RunConfig(a.join(&b)),
            (Job(a), Job(b)) => Job(a.join(&b)),
            (Environment(a), _) | (_, Environment(a)) => Environment(Objects { maybe: true, ..a }),
            (Spark(a), _) | (_, Spark(a)) => Spark(Objects { maybe: true, ..a }),
            (Packages(a), _) | (_, Packages(a)) => Packages(Objects { maybe: true, ..a }),
            (RunConfig(a), _) | (_, RunConfig(a)) => RunConfig(Objects { maybe: true, ..a }),
            (Job(a), _) | (_, Job(a)) => Job(Objects { maybe: true, ..a }),
            // Two classes of one name, and no saying which: neither.
            _ => Value::Other,
        }
    }

    /// The environments it stands for or has.
    pub(super) fn objects(&self) -> Option<&Objects> {
        match self {
            Value::Environment(objects)
            | Value::Spark(objects)
            | Value::Packages(objects)
            | Value::RunConfig(objects)
            | Value::Job(objects) => Some(objects),
            _ => None,
        }
    }

    /// One of its attributes.
    pub(super) fn attribute(&self, name: &str) -> Option<Value> {
        match (self, name) {
            (Value::Path(path), _) => (path.len() <= MAX_PATH).then(|| Value::Path(format!("{path}.{name}").into())),
            (Value::Environment(objects), "spark") => Some(Value::Spark(objects.clone())),
            (Value::Spark(objects), "packages") => Some(Value::Packages(objects.clone())),
            (Value::RunConfig(objects), "environment") => Some(Value::Environment(objects.clone())),
            (Value::Job(objects), "run_config") => Some(Value::RunConfig(objects.clone())),
            _ => None,
        }
    }
}

/// A name's value, and which of its root's values it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) value: Value,
    serial: u64,
    root: u64,
}

/// The names bound in a branch: plain ones, and attributes such as `self.env`.
pub(super) type Layer = HashMap<String, Binding>;

/// The names of a function that is being read, or of the module: one layer for each branch that is open.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) layers: Vec<Layer>,
    /// The scope that collects all that is bound here.
    pub(super) scope: usize,
    /// The class whose `self` this is.
    pub(super) class: Option<usize>,
    /// Names declared `global`.
    pub(super) globals: Vec<String>,
    /// What was bound at any point of each body of `try` that is being read.
    pub(super) tries: Vec<HashMap<String, Value>>,
    next: u64,
}

/// All that is ever bound in a function, the module or a class: what a function called later may find.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) names: HashMap<String, Value>,
    pub(super) enclosing: Option<usize>,
}

impl Scope {
    pub(super) fn bind(&mut self, name: &str, value: Value) {
        join_into(&mut self.names, name, value);
    }
}

fn join_into(all: &mut HashMap<String, Value>, key: &str, value: Value) {
    match all.get_mut(key) {
        Some(known) => *known = std::mem::replace(known, Value::Other).join(value),
        None => {
            all.insert(key.to_owned(), value);
        }
    }
}

fn root_of(key: &str) -> Option<&str> {
    key.split_once('.').map(|(root, _)| root)
}

impl Frame {
    pub(super) fn new(scope: usize, class: Option<usize>) -> Self {
        Frame { layers: vec![Layer::new()], scope, class, globals: Vec::new(), tries: Vec::new(), next: 1 }
    }

    /// What a name or a dotted name is bound to here.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let binding = self.layers.iter().rev().find_map(|layer| layer.get(key))?;
        match root_of(key) {
            Some(root) if self.serial(root) != binding.root => None,
            _ => Some(&binding.value),
        }
    }

    fn serial(&self, root: &str) -> u64 {
        self.layers.iter().rev().find_map(|layer| layer.get(root)).map_or(0, |binding| binding.serial)
    }

    pub(super) fn bind(&mut self, key: &str, value: Value) {
        if let Some(all) = self.tries.last_mut() {
            join_into(all, key, value.clone());
        }
        let serial = self.next;
        self.next += 1;
        let root = root_of(key).map_or(0, |root| self.serial(root));
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(key.to_owned(), Binding { value, serial, root });
        }
    }

    /// Closes the body of a `try`: what may hold where an error leads from it, to be joined with what held before.
    pub(super) fn caught(&mut self) -> Layer {
        let all = self.tries.pop().unwrap_or_default();
        if let Some(outer) = self.tries.last_mut() {
            for (key, value) in &all {
                join_into(outer, key, value.clone());
            }
        }
        all.into_iter().map(|(key, value)| (key, Binding { value, serial: 0, root: 0 })).collect()
    }

    /// Joins branches of which exactly one was taken, or none of them when `or_none`. `free` says what a name that is
    /// not bound here means.
    pub(super) fn merge(&mut self, branches: Vec<Layer>, or_none: bool, free: impl Fn(&str) -> Option<Value>) {
        let all = branches.len() + usize::from(or_none);
        let mut joined: HashMap<String, (Value, usize)> = HashMap::new();
        for (key, binding) in branches.into_iter().flatten() {
            match joined.get_mut(&key) {
                Some((value, count)) => {
                    *value = std::mem::replace(value, Value::Other).join(binding.value);
                    *count += 1;
                }
                None => {
                    joined.insert(key, (binding.value, 1));
                }
            }
        }
        // Roots first, so that their attributes belong to what they are now.
        let mut joined: Vec<_> = joined.into_iter().collect();
        joined.sort_by(|a, b| (a.0.contains('.'), &a.0).cmp(&(b.0.contains('.'), &b.0)));
        for (key, (value, count)) in joined {
            let value = if count < all {
                value.join(self.get(&key).cloned().or_else(|| free(&key)).unwrap_or(Value::Nothing))
            } else {
                value
            };
            self.bind(&key, value);
        }
    }
}
