//! The facts at every point of a Dockerfile: before each command that was read, and at the end of each stage. Worked
//! out once, asked by every patch.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::effects::Place;
use super::image;
use super::state::State;
use crate::dockerfile::{Base, Instruction, Stage};
use crate::model::DockerfileModel;

/// The facts at every point of a Dockerfile.
#[derive(Debug)]
pub struct Timeline {
    before: BTreeMap<(usize, usize), Rc<State>>,
    ends: Vec<Rc<State>>,
    parents: Vec<Option<usize>>,
}

impl Timeline {
    /// Works out the facts of a Dockerfile.
    #[must_use]
    pub fn new(model: &DockerfileModel) -> Self {
        let mut timeline = Self { before: BTreeMap::new(), ends: Vec::new(), parents: Vec::new() };
        for stage in &model.dockerfile.stages {
            timeline.stage(model, stage);
        }
        timeline
    }

    /// The facts before a command.
    #[must_use]
    pub fn before(&self, place: Place) -> Option<&State> {
        self.before.get(&(place.instruction, place.command)).map(Rc::as_ref)
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

    fn stage(&mut self, model: &DockerfileModel, stage: &Stage) {
        let parent = match stage.base {
            Base::Stage(parent) if parent < self.ends.len() => Some(parent),
            _ => None,
        };
        self.parents.push(parent);
        let mut state = match parent {
            Some(parent) => Rc::new(self.ends[parent].inherited()),
            None => Rc::new(State::of_image(base_facts(&stage.base))),
        };
        for number in stage.instructions.clone().skip(1) {
            let instruction = &model.dockerfile.instructions[number];
            match instruction.keyword.as_str() {
                "RUN" => self.run(model, number, instruction, &mut state),
                "COPY" | "ADD" => {
                    let from = self.copied_from(model, instruction);
                    Rc::make_mut(&mut state).copied(instruction, from.as_deref());
                }
                "ENV" | "ARG" | "USER" | "SHELL" => {
                    Rc::make_mut(&mut state).set_by(number, instruction, model.dockerfile.escape);
                }
                _ => {}
            }
        }
        self.ends.push(state);
    }

    fn run(&mut self, model: &DockerfileModel, number: usize, instruction: &Instruction, state: &mut Rc<State>) {
        for flag in &instruction.flags {
            let target = flag
                .text
                .split(',')
                .find_map(|option| option.strip_prefix("target=").or_else(|| option.strip_prefix("dst=")));
            if let Some(target) = target {
                let name = target.rsplit('/').next().unwrap_or_default();
                if matches!(name, "pip.conf" | "pip.ini" | ".condarc" | "condarc") {
                    Rc::make_mut(state).configured_by_file(name, target, "is mounted and cannot be read here");
                }
            }
        }
        let active = state.active.clone();
        match model.run(number) {
            Some(run) => {
                for (command_number, command) in run.script.commands.iter().enumerate() {
                    let place = Place { instruction: number, command: command_number };
                    self.before.insert((number, command_number), Rc::clone(state));
                    if command.words.is_empty() {
                        continue;
                    }
                    let link = model.link(number, command_number).and_then(|link| link.environment.as_deref());
                    // Most commands change nothing that is kept: then both points share one state.
                    let mut next = (**state).clone();
                    next.ran(command, place, link);
                    if next != **state {
                        *state = Rc::new(next);
                    }
                }
            }
            None if model.unread.iter().any(|unread| unread.instruction == number) => {
                Rc::make_mut(state).unread("a RUN that envfix cannot read");
            }
            None if may_provide(instruction.arguments_text()) || !instruction.heredocs.is_empty() => {
                Rc::make_mut(state).may_provide("a RUN that calls other programs");
            }
            None => {}
        }
        if state.active != active {
            Rc::make_mut(state).active = active;
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
    const WORDS: [&str; 12] =
        [".sh", "./", "sh ", "bash", "make", "dpkg", "tar ", "unzip", "rpm", "apk ", "install", "cp "];
    WORDS.iter().any(|word| text.contains(word))
}
