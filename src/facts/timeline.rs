//! The facts at every point of a Dockerfile: before each command that was read, and at the end of each stage. Worked
//! out once, asked by every patch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::effects::{Place, lists};
use super::image::{self, OperatingSystem};
use super::level::Fact;
use super::state::State;
use crate::context::BuildContext;
use crate::dockerfile::run::Run;
use crate::dockerfile::{Base, Instruction, Stage};
use crate::model::DockerfileModel;
use crate::shell::Script;
use crate::shell::tool;

/// The facts at every point of a Dockerfile.
#[derive(Debug)]
pub struct Timeline {
    before: BTreeMap<(usize, usize), Rc<State>>,
    /// Before each `RUN`, by instruction.
    before_runs: BTreeMap<usize, Rc<State>>,
    /// The texts with their variables replaced, where they have any whose value is known.
    scripts: BTreeMap<usize, Script>,
    /// The commands that run `get-pip.py`, and whether it is the newest, where that is known.
    get_pips: BTreeMap<(usize, usize), Option<bool>>,
    ends: Vec<Rc<State>>,
    parents: Vec<Option<usize>>,
}

impl Timeline {
    /// Works out the facts of a Dockerfile.
    #[must_use]
    pub fn new(model: &DockerfileModel, context: &BuildContext) -> Self {
        let mut timeline = Self {
            before: BTreeMap::new(),
            before_runs: BTreeMap::new(),
            scripts: BTreeMap::new(),
            get_pips: BTreeMap::new(),
            ends: Vec::new(),
            parents: Vec::new(),
        };
        for stage in &model.dockerfile.stages {
            timeline.stage(model, stage, context);
        }
        timeline
    }

    /// The facts before a command.
    #[must_use]
    pub fn before(&self, place: Place) -> Option<&State> {
        self.before.get(&(place.instruction, place.command)).map(Rc::as_ref)
    }

    /// The facts before a `RUN`, whether or not its text is read.
    #[must_use]
    pub fn before_run(&self, instruction: usize) -> Option<&State> {
        self.before_runs.get(&instruction).map(Rc::as_ref)
    }

    /// The commands of a text, with variables replaced whose value is known: for looking at, never for editing.
    #[must_use]
    pub fn script<'a>(&'a self, run: &'a Run) -> &'a Script {
        self.scripts.get(&run.instruction).unwrap_or(&run.script)
    }

    /// Whether a command runs `get-pip.py`: and if so, whether it is the newest, where that is known.
    #[must_use]
    pub fn get_pip(&self, place: Place) -> Option<Option<bool>> {
        self.get_pips.get(&(place.instruction, place.command)).copied()
    }

    /// The facts at the end of a stage.
    #[must_use]
    pub fn end(&self, stage: usize) -> Option<&State> {
        self.ends.get(stage).map(Rc::as_ref)
    }

    /// The stage that a stage starts from.
    #[must_use]
    pub fn parent(&self, stage: usize) -> Option<usize> {
        self.parents.get(stage).copied().flatten()
    }

    /// A stage, the one it starts from, and so on.
    pub fn ancestry(&self, stage: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(stage), |stage| self.parent(*stage))
    }

    /// The stages that start from a stage, or from one that does.
    #[must_use]
    pub fn descendants(&self, stage: usize) -> Vec<usize> {
        let mut derived = vec![false; self.ends.len()];
        let mut found = Vec::new();
        for other in stage + 1..self.ends.len() {
            derived[other] = self.parent(other).is_some_and(|parent| parent == stage || derived[parent]);
            if derived[other] {
                found.push(other);
            }
        }
        found
    }

    fn stage(&mut self, model: &DockerfileModel, stage: &Stage, context: &BuildContext) {
        let parent = match stage.base {
            Base::Stage(parent) if parent < self.ends.len() => Some(parent),
            _ => None,
        };
        self.parents.push(parent);
        let mut state = match parent {
            Some(parent) => Rc::new(self.ends[parent].inherited()),
            None => {
                let mut facts = base_facts(&stage.base);
                if stage.platform.as_deref().is_some_and(|platform| platform.starts_with("windows")) {
                    facts = image::ImageFacts::unknown("an image for Windows");
                    facts.os = Fact::known(OperatingSystem::Windows, "the platform of FROM");
                }
                let mut state = State::of_image(facts);
                state.apt.bare = State::is_bare(&stage.base);
                Rc::new(state)
            }
        };
        for number in stage.instructions.clone().skip(1) {
            let instruction = &model.dockerfile.instructions[number];
            match instruction.keyword.as_str() {
                "RUN" => self.run(model, number, instruction, &mut state),
                "COPY" | "ADD" => {
                    let from = self.copied_from(model, instruction);
                    let state = Rc::make_mut(&mut state);
                    state.lists_copied(instruction);
                    state.copied(instruction, from.as_deref(), context);
                }
                "ENV" | "ARG" | "USER" | "SHELL" | "WORKDIR" => {
                    Rc::make_mut(&mut state).set_by(number, instruction, model.dockerfile.escape);
                }
                _ => {}
            }
        }
        self.ends.push(state);
    }

    fn run(&mut self, model: &DockerfileModel, number: usize, instruction: &Instruction, state: &mut Rc<State>) {
        self.before_runs.insert(number, Rc::clone(state));
        for flag in &instruction.flags {
            let options = flag.text.strip_prefix("--mount=").unwrap_or_default().split(',');
            let mut targets = options.filter_map(|option| option.split_once('='));
            let target = targets.find(|(name, _)| matches!(*name, "target" | "dst" | "destination"));
            if let Some((_, target)) = target {
                let name = target.rsplit('/').next().unwrap_or_default();
                Rc::make_mut(state).configured_by_file(name, target, "is mounted and cannot be read here");
            }
        }
        // Lists that are mounted are not the image's own: what becomes of them ends with the `RUN`.
        let own_lists = lists::mounts_lists(instruction).then_some(state.apt.lists);
        if own_lists.is_some() {
            Rc::make_mut(state).apt.lists = lists::PackageLists::Unknown;
        }
        let text = instruction.arguments_text();
        if holds_any(text, &["Python-3", "python.org/ftp", "cpython"]) {
            Rc::make_mut(state).forget_python("a Python is built from its source");
        }
        if holds_any(text, &["pip.", "condarc", "_TIMEOUT", "PIP_CONFIG", "sources", "/apt/"]) {
            Rc::make_mut(state).said_in_run(text);
        }
        match model.run(number) {
            Some(run) => {
                let shadowed = own_variables(&run.script);
                if shadowed != state.shadowed {
                    Rc::make_mut(state).shadowed = shadowed;
                }
                if let Some(script) = expanded(state, run) {
                    self.scripts.insert(number, script);
                }
                let script = self.scripts.get(&number).unwrap_or(&run.script);
                let get_pips: Vec<usize> = tool::get_pip_in(script).into_iter().map(|(command, _)| command).collect();
                let fetched = tool::get_pips_fetched(script);
                if !fetched.is_empty() {
                    Rc::make_mut(state).get_pip = fetched;
                }
                for (command_number, command) in script.commands.iter().enumerate() {
                    let place = Place { instruction: number, command: command_number };
                    self.before.insert((number, command_number), Rc::clone(state));
                    if command.words.is_empty() {
                        continue;
                    }
                    let link = model.link(number, command_number).filter(|link| !link.changed);
                    let link = link.and_then(|link| link.environment.as_deref());
                    // Most commands change nothing that is kept: then both points share one state.
                    let mut next = (**state).clone();
                    match get_pips.contains(&command_number).then(|| tool::as_get_pip(command)).flatten() {
                        Some(get_pip) => {
                            self.get_pips.insert((number, command_number), newest_get_pip(&state.get_pip));
                            next.ran_get_pip(&get_pip);
                        }
                        None => next.ran(command, place, link),
                    }
                    let previous = command_number.checked_sub(1).and_then(|previous| script.commands.get(previous));
                    next.lists_after(command, previous);
                    if next != **state {
                        *state = Rc::new(next);
                    }
                }
            }
            None if model.unread.iter().any(|unread| unread.instruction == number) => {
                let state = Rc::make_mut(state);
                state.unread("a RUN that envfix cannot read");
                state.lists_touched();
            }
            None if may_provide(instruction.arguments_text()) || !instruction.heredocs.is_empty() => {
                Rc::make_mut(state).may_provide("a RUN that calls other programs");
            }
            None => {}
        }
        if model.run(number).is_none() && state.apt.lists == lists::PackageLists::Absent {
            let mut next = (**state).clone();
            next.lists_after_text(instruction);
            if next != **state {
                *state = Rc::new(next);
            }
        }
        if let Some(own) = own_lists
            && state.apt.lists != own
        {
            Rc::make_mut(state).apt.lists = own;
        }
        if state.active.is_some() || !state.shadowed.is_empty() {
            let state = Rc::make_mut(state);
            state.active = None;
            state.shadowed.clear();
        }
    }

    /// The state at the end of the stage that a `COPY --from` names.
    fn copied_from(&self, model: &DockerfileModel, instruction: &Instruction) -> Option<Rc<State>> {
        let from = instruction.flags.iter().find_map(|flag| flag.text.strip_prefix("--from="))?;
        let by_name = model
            .dockerfile
            .stages
            .iter()
            .position(|stage| stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(from)));
        self.ends.get(by_name.or_else(|| from.parse().ok())?).cloned()
    }
}

/// Whether the `get-pip.py` of these addresses is the newest: the one of bootstrap.pypa.io that is for no version.
fn newest_get_pip(addresses: &[String]) -> Option<bool> {
    let newest = |address: &String| address.ends_with("bootstrap.pypa.io/get-pip.py");
    (!addresses.is_empty()).then(|| addresses.iter().all(newest))
}

/// A text with those variables replaced whose value is known. A value that an `ARG` gives counts only where it names
/// the program: which Python it then is, is no more than plausible.
fn expanded(state: &State, run: &Run) -> Option<Script> {
    if !run.text.text.contains('$') || state.variables.is_empty() {
        return None;
    }
    let mut script: Option<Script> = None;
    for (at, command) in run.script.commands.iter().enumerate() {
        let program = tool::Call::of(command).program;
        for (number, word) in command.words.iter().enumerate() {
            let plain = word.value.is_none() && word.raw.contains('$') && !word.raw.contains(['`', '(']);
            if !plain || (number > program && state.depends_on_argument(&word.raw)) {
                continue;
            }
            let value = state
                .expand(&word.raw)
                .filter(|value| !value.is_empty() && !value.contains([' ', '\t', '*', '?', '$']));
            if value.is_some() {
                let command = &mut script.get_or_insert_with(|| run.script.clone()).commands[at];
                Arc::make_mut(&mut command.words)[number].value = value;
            }
        }
    }
    script
}

/// The variables that a text gives values of its own: assigned, exported, read or looped over.
fn own_variables(script: &Script) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for command in &script.commands {
        if command.words.is_empty() {
            names.extend(command.assignments.iter().map(|assignment| assignment.name.clone()));
        }
        let mut words = command.words.iter().map(|word| word.raw.as_str());
        match words.next() {
            Some("export" | "local" | "declare" | "readonly" | "typeset") => {
                names.extend(words.filter_map(|word| word.split_once('=')).map(|(name, _)| name.to_owned()));
            }
            Some("read") => names.extend(words.filter(|word| !word.starts_with('-')).map(str::to_owned)),
            _ => {}
        }
    }
    let looped = script.tokens.windows(2).filter(|pair| matches!(pair[0].text.as_str(), "for" | "select"));
    names.extend(looped.map(|pair| pair[1].text.clone()));
    names
}

/// What is known of the image that a stage starts from.
fn base_facts(base: &Base) -> image::ImageFacts {
    match base {
        Base::Image { reference, defaults, .. } => {
            let facts = image::describe(reference);
            if *defaults { facts.weaken("if the build keeps the ARG's default") } else { facts }
        }
        Base::Scratch | Base::Stage(_) => image::describe("scratch"),
        Base::Unresolved { written, .. } => image::ImageFacts::unknown(&format!("the base image {written}")),
        Base::Malformed { written, .. } => image::ImageFacts::unknown(&format!("the base image {written}")),
    }
}

/// Whether a text that was not worth reading may put a command into the image: it runs a script or installs files.
fn may_provide(text: &str) -> bool {
    const WORDS: [&str; 13] =
        [".sh", "./", "sh ", "|sh", "bash", "make", "dpkg", "tar ", "unzip", "rpm", "apk ", "install", "cp "];
    holds_any(text, &WORDS) || text.ends_with(" sh")
}

/// Whether any of these stands in a text.
fn holds_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}
