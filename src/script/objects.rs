//! The environments of a program, and what happens to each.

use crate::source::Span;

/// An environment of SDK v1 that the program makes.
#[derive(Clone, Debug)]
pub struct EnvironmentObject {
    /// How the program calls it: `batch_env`, `run_config.environment`; its construction when it has no name.
    pub name: String,
    /// The statement that makes it, in the file's bytes.
    pub made: Span,
    /// How it is made.
    pub made_by: Made,
    /// Its name at the service, when it is one of Microsoft's own: fetched, and its name begins with `AzureML-`.
    pub curated: Option<String>,
    /// The statements that put packages into its `spark.packages`.
    pub adds_packages: Vec<Span>,
    /// What its `spark.precache_packages` is set to last, where it is set at all.
    pub precache: Option<Precache>,
    /// The first statement that registers, builds, submits or passes it on.
    pub used: Option<Span>,
    pub(super) history: History,
}

/// How an environment comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// `Environment(...)`
    Constructed,
    /// `Environment.from_conda_specification(...)` and its like, `Environment.load_from_directory(...)`.
    FromDefinition,
    /// `Environment.get(...)`
    Fetched,
    /// `X.clone(...)`
    Cloned,
    /// Returned by `X.register(...)`, or by a function that says it returns an environment.
    Returned,
    /// The environment that `RunConfiguration()`, or a ScriptRunConfig without one, has of its own.
    RunConfiguration,
    /// An argument of a function, annotated as an environment.
    Parameter,
    /// A variable annotated as an environment.
    Annotated,
}

/// A value that `precache_packages` is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precache {
    /// The value.
    pub span: Span,
    /// What it is; `None` for an expression.
    pub value: Option<bool>,
}

/// What the edits need to know and nobody else.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The name, when the object has one and it stands for nothing else when it is made.
    pub(super) exact: Option<String>,
    pub(super) place: Place,
    /// Whether it is made by a statement of its own, not in the head of a compound one.
    pub(super) simple: bool,
    /// Whether its precache is off as it is made: a copy of one that has it off.
    pub(super) off: bool,
    /// Whether it is off at the point that is being read.
    pub(super) now_off: bool,
    /// The first statement behind its making that puts packages in, and whether it stands right behind.
    pub(super) first_adds: Option<(usize, bool)>,
    /// Whether the next round of a loop does something with it.
    pub(super) carried: bool,
    /// Whether functions bind its name as a `global` or `nonlocal` one.
    pub(super) shared: bool,
    /// Environments of which one statement puts packages into one, or sets one: different branches make them.
    pub(super) shares: Vec<usize>,
    pub(super) events: Vec<Event>,
}

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) statement: usize,
    pub(super) block: usize,
    pub(super) function: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) place: Place,
    pub(super) what: What,
    /// Whether it happens to this object whenever the object is made and the program gets there.
    pub(super) sure: bool,
    /// Whether it stands right behind the making.
    pub(super) at_made: bool,
    /// Whether it stands right behind the first statement that puts packages in.
    pub(super) at_adds: bool,
    /// In the body of a `try`, the number of the first statement behind it: an error may lead there.
    pub(super) guard: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Its `spark` section is touched; the section as it is written there, when it stands for nothing else.
    Touch(Option<String>),
    /// Packages are put in.
    Adds,
    /// The whole section is replaced.
    Replaced,
    /// `precache_packages` is set.
    Set(Set),
    /// It leaves the hands of this program, or is passed on.
    Use,
}

/// An assignment of `precache_packages`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    /// The value in the file.
    pub(super) precache: Precache,
    /// The value in its cell, where it can be replaced.
    pub(super) literal: Option<Span>,
}

impl EnvironmentObject {
    /// Whether its Spark packages are certainly not cached ahead: `precache_packages` is set to `False` before the
    /// first use, on every way there, and not set otherwise afterwards.
    #[must_use]
    pub fn precache_is_off(&self) -> bool {
        self.off_but_for(|_| false)
    }

    /// The same when the sets that `fixed` names were `False`.
    pub(super) fn off_but_for(&self, fixed: impl Fn(&Event) -> bool) -> bool {
        let history = &self.history;
        let own = |event: &&Event| event.place.function == history.place.function;
        let first_use = self.first_use();
        let last = history.events.iter().filter(own).map(|event| event.place.statement).max();
        let elsewhere = history.events.iter().filter(|event| !own(event)).map(|event| event.place.statement).min();
        // Whether nothing that the order of the statements does not show comes between.
        let undisturbed = |event: &Event| {
            let near =
                event.at_made || event.at_adds && (!history.shared || history.first_adds.is_some_and(|(_, near)| near));
            let called = elsewhere.is_some_and(|first| first < event.place.statement);
            let caught = event.guard.is_some_and(|end| elsewhere.is_some() || last.is_some_and(|last| last >= end));
            near || !(history.shared || history.carried || called || caught)
        };
        let mut off = history.off;
        for event in history.events.iter().filter(own) {
            match &event.what {
                What::Set(set) => {
                    let is_false = fixed(event) || set.precache.value == Some(false);
                    let in_time = first_use.is_none_or(|first| event.place.statement < first);
                    off = if is_false { off || (event.sure && in_time && undisturbed(event)) } else { false };
                }
                What::Replaced => off = false,
                _ => {}
            }
        }
        // What functions do that are called at another time.
        let elsewhere = history.events.iter().filter(|event| !own(event)).any(|event| match &event.what {
            What::Set(set) => !fixed(event) && set.precache.value != Some(false),
            What::Replaced => true,
            _ => false,
        });
        off && !elsewhere
    }

    /// The first statement of the object's own function that uses it.
    pub(super) fn first_use(&self) -> Option<usize> {
        let Place { function, statement: made, .. } = self.history.place;
        let uses = self.history.events.iter().filter(|event| matches!(event.what, What::Use));
        let own = uses.filter(|event| event.place.function == function).map(|event| event.place.statement);
        own.filter(|statement| *statement >= made).min()
    }

    /// The statements that set its `precache_packages`.
    pub(super) fn sets(&self) -> impl Iterator<Item = usize> + '_ {
        let sets = self.history.events.iter().filter(|event| matches!(event.what, What::Set(_)));
        sets.map(|event| event.place.statement)
    }
}
