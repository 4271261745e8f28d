//! Where a suspicion about a stage holds.

use super::super::file::{AptPython, Need, Setting, StageCondition};
use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::context;
use crate::facts::effects::Place;
use crate::facts::image::InterpreterKind;
use crate::facts::level::Fact;
use crate::facts::state::{Answer, Installed, State};
use crate::facts::version::PythonVersion;
use crate::finding::Evidence;
use crate::shell::tool::{self, PythonRun, Ran, Tool};
use crate::shell::{Command, Nesting, Operator};

/// The stages that a condition holds of.
pub fn stages(view: &DockerfileView<'_>, condition: &StageCondition) -> Vec<Subject> {
    (0..view.model.dockerfile.stages.len()).filter_map(|stage| Stage { view, stage }.subject(condition)).collect()
}

pub(super) struct Stage<'a> {
    pub(super) view: &'a DockerfileView<'a>,
    pub(super) stage: usize,
}

impl Stage<'_> {
    fn subject(&self, condition: &StageCondition) -> Option<Subject> {
        if let Some(threshold) = &condition.sets_below {
            return self.low_variable(&threshold.variable, &threshold.value);
        }
        if !condition.downloads_with.is_empty() {
            return self.downloads(&condition.downloads_with, condition.by_default_timeout);
        }
        let which = condition.installs?;
        match which {
            AptPython::AlongWithOthers => return self.along_with_others(condition),
            AptPython::Nowhere => return self.nowhere(condition),
            AptPython::Distribution | AptPython::Deadsnakes => {}
        }
        let (installed, version) = self.apt_python(which)?;
        let end = self.view.timeline.end(self.stage)?;
        let mut subject = self.about_apt_python(installed, version, end)?;
        if condition.runs.is_empty() {
            let everywhere = std::iter::once(self.stage).chain(self.view.timeline.descendants(self.stage));
            let mut ends = everywhere.filter_map(|stage| self.view.timeline.end(stage));
            return ends.all(|state| self.lacks(condition, state, which)).then_some(subject);
        }
        if self.collides(condition, installed) {
            return None;
        }
        let (need, note) = self.need(condition, which, installed, version)?;
        subject.evidence.push(Evidence { span: self.view.command_span(need)?, note });
        Some(subject)
    }

    /// Whether a command that is made where an apt Python is installed would collide with one that a stage behind makes
    /// itself.
    fn collides(&self, condition: &StageCondition, installed: Installed) -> bool {
        let Some(name) = &condition.lacks_command else { return false };
        let mut stages = self.view.model.dockerfile.stages.iter();
        let Some(stage) = stages.position(|stage| stage.instructions.contains(&installed.instruction)) else {
            return true;
        };
        let derived = self.view.timeline.descendants(stage);
        derived.iter().filter_map(|stage| self.view.timeline.end(*stage)).any(|state| !lacks_command(state, name))
    }

    /// The command of this stage that installs an apt Python.
    fn apt_python(&self, which: AptPython) -> Option<(Installed, Option<PythonVersion>)> {
        let end = self.view.timeline.end(self.stage)?;
        let (installed, version) = match which {
            AptPython::Distribution => (end.apt.python3?, None),
            AptPython::Deadsnakes => {
                end.apt.deadsnakes_python.map(|(installed, version)| (installed, Some(version)))?
            }
            AptPython::AlongWithOthers | AptPython::Nowhere => return None,
        };
        let here = self.view.model.dockerfile.stages[self.stage].instructions.contains(&installed.instruction);
        here.then_some((installed, version))
    }

    /// The first command that needs what the system Python of this stage lacks, where no command installs that Python
    /// by its name.
    fn along_with_others(&self, condition: &StageCondition) -> Option<Subject> {
        let which = AptPython::AlongWithOthers;
        let instructions = self.view.model.dockerfile.stages[self.stage].instructions.clone();
        for (place, command, state) in self.view.commands(instructions) {
            let named = state.apt.python3.is_some();
            if named || state.shell.is_err() || !self.lacks(condition, state, which) {
                continue;
            }
            let needed = condition.runs.iter().find_map(|need| self.needs(*need, place, command, state, None));
            let Some(note) = needed else { continue };
            let span = self.view.command_span(place)?;
            let installed = state.apt.python3_along?;
            if self.collides(condition, installed) {
                return None;
            }
            let mut subject = self.about_apt_python(installed, None, state)?;
            subject.evidence.push(Evidence { span, note });
            return Some(subject);
        }
        None
    }

    /// The first command that calls a Python where there is known to be none.
    fn nowhere(&self, condition: &StageCondition) -> Option<Subject> {
        let instructions = self.view.model.dockerfile.stages[self.stage].instructions.clone();
        self.view.commands(instructions).find_map(|(place, command, state)| {
            let name = called_python(command)?;
            let wanted = condition.runs.contains(&Need::Python) && state.shell.is_ok();
            let called = matches!(name, "python" | "python3");
            if !wanted || !called || !lacks_command(state, "python") || !lacks_command(state, "python3") {
                return None;
            }
            let span = self.view.command_span(place)?;
            let target = Target::NoPython { instruction: place.instruction };
            let mut subject = Subject::new(target, span, Some(state));
            subject
                .evidence
                .push(Evidence { span, note: format!("calls `{name}`, and {}", state.answer(name).from()) });
            Some(subject)
        })
    }

    fn lacks(&self, condition: &StageCondition, state: &State, which: AptPython) -> bool {
        (condition.lacks_module.is_none() || lacks_distutils(state, which))
            && condition.lacks_command.as_deref().is_none_or(|name| lacks_command(state, name))
    }

    fn about_apt_python(&self, installed: Installed, version: Option<PythonVersion>, end: &State) -> Option<Subject> {
        let place = Place { instruction: installed.instruction, command: installed.command };
        let run = self.view.model.run(installed.instruction)?;
        let word = run.script.commands.get(installed.command)?.words.get(installed.word)?;
        let mut subject = Subject::new(installed.into(), run.span(word.range.clone()), Some(end));
        subject
            .evidence
            .push(Evidence { span: self.view.command_span(place)?, note: format!("installs {}", word.text()) });
        subject.python = match version {
            Some(version) => end.answer(&format!("python{version}")),
            None => end.python3.clone(),
        };
        subject.apt_python = Some(version.map_or_else(|| "python3".to_owned(), |version| format!("python{version}")));
        Some(subject)
    }

    /// The first command behind the installation that needs what is lacking.
    fn need(
        &self,
        condition: &StageCondition,
        which: AptPython,
        installed: Installed,
        version: Option<PythonVersion>,
    ) -> Option<(Place, String)> {
        let stages = std::iter::once(self.stage).chain(self.view.timeline.descendants(self.stage));
        let after = (installed.instruction, installed.command);
        for stage in stages {
            for (place, command, state) in
                self.view.commands(self.view.model.dockerfile.stages[stage].instructions.clone())
            {
                let here = (place.instruction, place.command) > after;
                if !here || state.shell.is_err() || !self.lacks(condition, state, which) {
                    continue;
                }
                let needed = condition.runs.iter().find_map(|need| self.needs(*need, place, command, state, version));
                if let Some(note) = needed {
                    return Some((place, note));
                }
            }
        }
        None
    }

    /// Whether a command needs something, and how to say it.
    fn needs(
        &self,
        need: Need,
        place: Place,
        command: &Command,
        state: &State,
        version: Option<PythonVersion>,
    ) -> Option<String> {
        let concerned = |interpreter: usize| {
            let answer = state.answer_to(command.words.get(interpreter)?);
            let Fact::Known { value: Some(interpreter), .. } = answer else { return None };
            match version {
                Some(version) => (interpreter.version.value() == Some(&version)).then_some(interpreter),
                None => (interpreter.kind == InterpreterKind::System).then_some(interpreter),
            }
        };
        match (need, tool::tool(command)) {
            (Need::GetPip, Tool::GetPip(_) | Tool::Python(_)) if self.view.timeline.get_pip(place).is_some() => {
                let interpreter = concerned(tool::as_get_pip(command)?.interpreter)?;
                // From Python 3.10 on, pip does without distutils.
                let imports = interpreter.version.value().is_some_and(|it| *it < PythonVersion::new(3, 10));
                imports.then(|| "runs get-pip.py, which imports distutils".to_owned())
            }
            (Need::SetupPy, Tool::Python(python)) if python.runs_file("setup.py") => {
                concerned(python.interpreter)?;
                Some("runs setup.py, which imports distutils or setuptools".to_owned())
            }
            (Need::ImportsDistutils, Tool::Python(python)) => {
                concerned(python.interpreter)?;
                self.imports_distutils(place, python).then(|| "runs a script that imports distutils".to_owned())
            }
            (Need::Python, _) => {
                let called = called_python(command)?;
                (called == "python").then(|| "calls `python`".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the code or the script that a Python runs imports distutils.
    fn imports_distutils(&self, place: Place, python: &PythonRun) -> bool {
        let code = match &python.ran {
            Ran::Code { code, .. } => Some(code.clone()),
            Ran::Script { name, .. } => context::source_of(&self.view.model.dockerfile, place.instruction, name)
                .and_then(|path| self.view.context.read(&path)),
            _ => None,
        };
        code.is_some_and(|code| {
            code.lines().flat_map(|line| line.split(';')).any(|statement| {
                let statement = statement.trim_start();
                ["import distutils", "from distutils"].iter().any(|import| statement.starts_with(import))
            })
        })
    }

    /// A variable that an `ENV` of this stage sets below a value.
    fn low_variable(&self, name: &str, least: &Setting) -> Option<Subject> {
        let end = self.view.timeline.end(self.stage)?;
        let variable = end.variables.get(name).filter(|variable| !variable.from_argument)?;
        let here = self.view.model.dockerfile.stages[self.stage].instructions.contains(&variable.instruction);
        let value: f64 = variable.value.as_deref()?.trim().parse().ok()?;
        let place = self.view.model.dockerfile.instructions.get(variable.instruction)?.span;
        let target = Target::Variable { instruction: variable.instruction, name: name.to_owned() };
        let subject = Subject::new(target, place, Some(end));
        (here && value < subject.number(least, self.view.values)?).then_some(subject)
    }
}

/// Whether the apt Python is known to be there without distutils.
fn lacks_distutils(state: &State, which: AptPython) -> bool {
    use crate::facts::distribution::{Distutils, row};
    match which {
        AptPython::Nowhere => false,
        AptPython::Distribution | AptPython::AlongWithOthers => {
            let apart = |release| {
                row(release).is_none_or(|row| !matches!(row.distutils, Distutils::Stdlib | Distutils::Unknown))
            };
            state.apt.distutils.is_none()
                && (is_system(&state.python3) || (which == AptPython::Distribution && state.apt.python3.is_some()))
                && !state.release.values().is_empty()
                && state.release.values().iter().all(apart)
        }
        AptPython::Deadsnakes => state.apt.deadsnakes_python.is_some() && state.apt.deadsnakes_distutils.is_none(),
    }
}

/// The Python that a command runs something with for certain, so that the build fails where it is missing.
fn called_python(command: &Command) -> Option<&str> {
    let interpreter = match tool::tool(command) {
        Tool::Python(PythonRun { ran: Ran::Nothing, .. }) => return None,
        Tool::Python(python) => python.interpreter,
        Tool::GetPip(get_pip) => get_pip.interpreter,
        Tool::Pip(pip) => pip.interpreter?,
        _ => return None,
    };
    let certain = command.nesting.iter().all(|it| *it == Nesting::Group);
    let goes_on = command.after == Some(Operator::Or) || command.before == Some(Operator::Or);
    (certain && !goes_on).then(|| command.words.get(interpreter).map(|word| word.text())).flatten()
}

/// Whether the distribution's Python is known to answer `python3`.
fn is_system(answer: &Answer) -> bool {
    matches!(answer, Fact::Known { value: Some(it), .. } if it.kind == InterpreterKind::System)
}

/// Whether a command is known to be missing.
fn lacks_command(state: &State, name: &str) -> bool {
    match state.answer(name) {
        Fact::Known { value, .. } => value.is_none(),
        Fact::Among { values, .. } => values.iter().all(Option::is_none),
        Fact::Unknown { .. } => false,
    }
}
