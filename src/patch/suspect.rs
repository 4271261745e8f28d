//! Where a suspicion holds: the places of a file that a `suspect` matches, with what is known of each.

mod definition;
mod script;

pub use definition::definitions;
pub use script::scripts;

use super::file::{
    AptPython, CommandCondition, CondaCondition, Downloader, Need, PipInstaller, PipListed, StageCondition,
};
use super::subject::{CondaView, DockerfileView, Pin, Role, Subject, Target, installs_own_pip, versions};
use crate::context;
use crate::dockerfile::Base;
use crate::environment::match_spec::listed_as_pip;
use crate::facts::effects::Place;
use crate::facts::image::{InterpreterKind, OperatingSystem};
use crate::facts::level::Fact;
use crate::facts::pip_table;
use crate::facts::state::{Answer, Installed, State};
use crate::facts::version::PythonVersion;
use crate::finding::Evidence;
use crate::shell::tool::{self, Conda, Pip, PythonRun, Ran, RequirementKind, Tool};
use crate::shell::{Command, Nesting, Operator};

/// The stages that a condition holds of.
pub fn stages(view: &DockerfileView<'_>, condition: &StageCondition) -> Vec<Subject> {
    (0..view.model.dockerfile.stages.len()).filter_map(|stage| Stage { view, stage }.subject(condition)).collect()
}

struct Stage<'a> {
    view: &'a DockerfileView<'a>,
    stage: usize,
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
                self.imports_distutils(place, &python).then(|| "runs a script that imports distutils".to_owned())
            }
            (Need::Python, _) => {
                let called = called_python(command)?;
                (called == "python").then(|| "calls `python`".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the code or the script that a Python runs imports distutils.
    fn imports_distutils(&self, place: Place, python: &PythonRun<'_>) -> bool {
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
    fn low_variable(&self, name: &str, least: &super::file::Setting) -> Option<Subject> {
        let end = self.view.timeline.end(self.stage)?;
        let variable = end.variables.get(name).filter(|variable| !variable.from_argument)?;
        let here = self.view.model.dockerfile.stages[self.stage].instructions.contains(&variable.instruction);
        let value: f64 = variable.value.as_deref()?.trim().parse().ok()?;
        let place = self.view.model.dockerfile.instructions.get(variable.instruction)?.span;
        let target = Target::Variable { instruction: variable.instruction, name: name.to_owned() };
        let subject = Subject::new(target, place, Some(end));
        (here && value < subject.number(least, self.view.values)?).then_some(subject)
    }

    /// The first command that downloads, and the tools of this stage that nothing sets a timeout for.
    fn downloads(&self, tools: &[Downloader], by_default: bool) -> Option<Subject> {
        let mut first: Option<Place> = None;
        let (mut pip, mut conda) = (false, false);
        let mut evidence = Vec::new();
        let above = [Downloader::Pip, Downloader::Conda].map(|tool| self.parent_downloads(tool));
        for (place, command, state) in
            self.view.commands(self.view.model.dockerfile.stages[self.stage].instructions.clone())
        {
            if state.shell.is_err() {
                continue;
            }
            let mut flags = self.view.model.dockerfile.instructions[place.instruction].flags.iter();
            if flags.any(|flag| flag.text == "--network=none") {
                continue;
            }
            let found = self.downloaders(place, command);
            for (tool, seen, above, variables) in [
                (Downloader::Pip, &mut pip, above[0], &["PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT"][..]),
                (Downloader::Conda, &mut conda, above[1], &["CONDA_REMOTE_READ_TIMEOUT_SECS"][..]),
            ] {
                let set = || {
                    by_default
                        && variables
                            .iter()
                            .any(|name| state.variables.get(*name).is_some_and(|variable| !variable.from_argument))
                };
                if !found.contains(&tool) || !tools.contains(&tool) || above || set() {
                    continue;
                }
                if !*seen {
                    let name = if tool == Downloader::Pip { "pip" } else { "conda" };
                    let note = format!("downloads with {name}");
                    evidence.push(Evidence { span: self.view.command_span(place)?, note });
                }
                *seen = true;
                first.get_or_insert(place);
            }
        }
        let appended = self.appended(by_default, above).map(|(needs_pip, needs_conda)| {
            pip |= needs_pip && tools.contains(&Downloader::Pip);
            conda |= needs_conda && tools.contains(&Downloader::Conda);
        });
        if appended.is_some() && first.is_none() && (pip || conda) {
            return self.downloads_behind(pip, conda, by_default);
        }
        let first = first?;
        let target = Target::Downloads { stage: self.stage, instruction: first.instruction, pip, conda };
        let mut subject = Subject::new(target, self.view.command_span(first)?, self.view.timeline.before(first));
        subject.evidence = evidence;
        subject.appended = appended.and(self.view.appended).map(|appended| appended.by.clone());
        if by_default {
            subject.elsewhere = self.timeout_elsewhere(pip, conda);
        }
        Some(subject)
    }

    /// Whether Azure ML appends a conda step to this stage, the last, and for which of pip and conda nothing sets the
    /// timeout then.
    fn appended(&self, by_default: bool, above: [bool; 2]) -> Option<(bool, bool)> {
        let last = self.stage + 1 == self.view.model.dockerfile.stages.len();
        let end = self.view.timeline.end(self.stage).filter(|_| last && self.view.appended.is_some())?;
        // On Windows, or where there is no shell, Azure ML's step cannot run at all.
        let windows = end.os.value() == Some(&OperatingSystem::Windows);
        let base = &self.view.model.dockerfile.stages.get(self.stage)?.base;
        if end.shell.is_err() || windows || matches!(base, Base::Scratch) {
            return None;
        }
        let unset = |names: &[&str]| {
            let set = |name: &&str| end.variables.get(*name).is_some_and(|variable| !variable.from_argument);
            !(by_default && names.iter().any(set))
        };
        let pip = !above[0] && unset(&["PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT"]);
        Some((pip, !above[1] && unset(&["CONDA_REMOTE_READ_TIMEOUT_SECS"])))
    }

    /// The end of the last stage, where only the step that Azure ML appends downloads.
    fn downloads_behind(&self, pip: bool, conda: bool, by_default: bool) -> Option<Subject> {
        let instructions = &self.view.model.dockerfile.instructions;
        let stage = &self.view.model.dockerfile.stages[self.stage];
        // What says how the image is started stands at its end.
        let starts = |number: &usize| {
            let keyword = instructions[number - 1].keyword.as_str();
            matches!(keyword, "CMD" | "ENTRYPOINT" | "EXPOSE" | "HEALTHCHECK" | "STOPSIGNAL")
        };
        let mut instruction = stage.instructions.end;
        while instruction > stage.from + 1 && starts(&instruction) {
            instruction -= 1;
        }
        let span = instructions.get(stage.from)?.span;
        let target = Target::Downloads { stage: self.stage, instruction, pip, conda };
        let mut subject = Subject::new(target, span, self.view.timeline.end(self.stage));
        let by = self.view.appended?.by.clone();
        let note = format!("{by} has conda dependencies, for which Azure ML appends a conda step to this stage");
        subject.evidence = vec![Evidence { span, note }];
        subject.appended = Some(by);
        if by_default {
            subject.elsewhere = self.timeout_elsewhere(pip, conda);
        }
        Some(subject)
    }

    /// Whether a stage that this one starts from downloads with a tool: then the variable belongs there.
    fn parent_downloads(&self, tool: Downloader) -> bool {
        self.view.timeline.ancestry(self.stage).skip(1).any(|stage| {
            self.view
                .commands(self.view.model.dockerfile.stages[stage].instructions.clone())
                .any(|(place, command, state)| state.shell.is_ok() && self.downloaders(place, command).contains(&tool))
        })
    }

    /// What sets the timeout in this stage or one that starts from it, where a variable would override it.
    fn timeout_elsewhere(&self, pip: bool, conda: bool) -> Option<String> {
        std::iter::once(self.stage).chain(self.view.timeline.descendants(self.stage)).find_map(|stage| {
            let end = self.view.timeline.end(stage)?;
            let argument = |name: &str| {
                let set = end.variables.get(name).is_some_and(|variable| variable.from_argument);
                set.then(|| format!("an ARG sets {name}"))
            };
            let by_pip = || {
                end.pip_configured
                    .clone()
                    .or_else(|| argument("PIP_DEFAULT_TIMEOUT"))
                    .or_else(|| argument("PIP_TIMEOUT"))
            };
            let by_conda = || end.conda_configured.clone().or_else(|| argument("CONDA_REMOTE_READ_TIMEOUT_SECS"));
            pip.then(by_pip).flatten().or_else(|| conda.then(by_conda).flatten())
        })
    }

    /// The tools that a command downloads with, by the default timeout.
    fn downloaders(&self, place: Place, command: &Command) -> Vec<Downloader> {
        if self.view.timeline.get_pip(place).is_some() {
            let own = |name: &str| matches!(name, "--timeout" | "--no-index");
            let get_pip = tool::as_get_pip(command);
            let waits = get_pip.is_some_and(|it| !it.options.iter().any(|option| own(&option.name)) && !it.call.sudo());
            return waits.then_some(Downloader::Pip).into_iter().collect();
        }
        if let Some(text) = tool::nested(command) {
            let Ok(script) = crate::shell::parse(&text) else { return Vec::new() };
            return script.commands.iter().flat_map(|command| by_itself(command, || true)).collect();
        }
        by_itself(command, || {
            // A conda environment's pip section is installed by pip. One that cannot be read may have one.
            let link = self.view.model.link(place.instruction, place.command);
            link.is_none_or(|link| {
                link.environment.as_ref().is_none_or(|environment| environment.pip_maps().next().is_some())
            })
        })
    }
}

/// The tools that a command downloads with. `with_pip` says whether the conda environment it builds has a pip section.
fn by_itself(command: &Command, with_pip: impl Fn() -> bool) -> Vec<Downloader> {
    let set =
        |call: &tool::Call<'_>, names: &[&str]| call.sudo() || names.iter().any(|name| call.variable(name).is_some());
    match tool::tool(command) {
        Tool::Pip(pip)
            if pip.downloads()
                && pip.timeout().is_none()
                && !set(&pip.call, &["PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT"]) =>
        {
            vec![Downloader::Pip]
        }
        Tool::Conda(conda) if conda.downloads() => {
            let builds = conda.is("env create") || conda.is("env update");
            // mamba 2 and micromamba have settings of their own, and which mamba it is cannot be told from its name.
            let by_conda = conda.program == "conda" && !set(&conda.call, &["CONDA_REMOTE_READ_TIMEOUT_SECS"]);
            let by_pip = builds && with_pip() && !set(&conda.call, &["PIP_DEFAULT_TIMEOUT"]);
            by_pip.then_some(Downloader::Pip).into_iter().chain(by_conda.then_some(Downloader::Conda)).collect()
        }
        _ => Vec::new(),
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

/// The commands that a condition holds of.
pub fn commands(view: &DockerfileView<'_>, condition: &CommandCondition) -> Vec<Subject> {
    let all = 0..view.model.dockerfile.instructions.len();
    let mut subjects = Vec::new();
    for (place, command, state) in view.commands(all) {
        if state.shell.is_err() {
            continue;
        }
        let looked_at = Looked { view, place, state };
        if let Some(text) = tool::nested(command) {
            let Ok(script) = crate::shell::parse(&text) else { continue };
            let found = script.commands.iter().any(|inner| looked_at.newest_pip(inner, condition).is_some());
            subjects.extend(found.then(|| looked_at.nested(command)).flatten());
            continue;
        }
        subjects.extend(looked_at.newest_pip(command, condition).or_else(|| looked_at.low_timeout(command, condition)));
    }
    subjects
}

struct Looked<'a> {
    view: &'a DockerfileView<'a>,
    place: Place,
    state: &'a State,
}

impl Looked<'_> {
    /// Whether a command installs the newest pip there is.
    fn newest_pip(&self, command: &Command, condition: &CommandCondition) -> Option<Subject> {
        if condition.get_pip_refuses {
            return self.get_pip(command, true);
        }
        let kinds = &condition.installs_newest_pip;
        if kinds.contains(&PipInstaller::GetPip) && self.view.timeline.get_pip(self.place).is_some() {
            return self.get_pip(command, false);
        }
        match tool::tool(command) {
            Tool::Pip(pip) if kinds.contains(&PipInstaller::Pip) => {
                let requirement = pip.requirement("pip")?;
                let bare = requirement.kind == RequirementKind::Named
                    && !requirement.has_version()
                    && !requirement.expands
                    && requirement.extras.is_empty()
                    && requirement.marker.is_none();
                // `pip>=23` without quotes: the shell writes a file `=23`, and the author asked for a version.
                let end = command.words.get(requirement.word)?.range.end;
                let glued = command.redirects.iter().any(|redirect| redirect.range.start == end);
                let newest = !glued && pip.upgrades() && pip.constraint_files().next().is_none() && pip.downloads();
                let several = pip.requirements.iter().filter(|it| it.name.as_deref() == Some("pip")).count() > 1;
                if !bare || !newest || several || elsewhere(&pip) {
                    return None;
                }
                let asked = self.asked_in_files(&pip);
                if asked == Some(true) {
                    return None;
                }
                let answer = self.state.pip_answer(&pip);
                let mut subject = self.subject(command, requirement.word, Role::PipRequirement, answer, breaks(&pip));
                if let Target::Word { locked, .. } = &mut subject.target {
                    let unseen =
                        asked.is_none().then(|| "what its requirements file asks of pip is not known".to_owned());
                    let index = self.other_index(&pip).then(|| "its package index is not PyPI alone".to_owned());
                    *locked = locked.take().or(unseen).or(index);
                }
                Some(subject)
            }
            Tool::Conda(conda) if kinds.contains(&PipInstaller::Conda) => self.conda(command, &conda),
            _ => None,
        }
    }

    /// Whether a requirements file that a pip reads asks for a pip; `None` where one cannot be read.
    fn asked_in_files(&self, pip: &Pip<'_>) -> Option<bool> {
        let mut asked = false;
        for file in pip.requirement_files() {
            let path = context::source_of(&self.view.model.dockerfile, self.place.instruction, file.value.as_deref()?)?;
            let text = self.view.context.read(&path)?;
            asked |= text.lines().any(|line| {
                let name = line.trim().split(['=', '<', '>', '~', '!', '[', ';', ' ', '@']).next().unwrap_or_default();
                name.eq_ignore_ascii_case("pip") || name == "-r" || name == "-c"
            });
        }
        Some(asked)
    }

    /// Whether a pip asks another index than PyPI, or further ones, which may not have the pip that PyPI has.
    fn other_index(&self, pip: &Pip<'_>) -> bool {
        const OPTIONS: [&str; 3] = ["--index-url", "--find-links", "--extra-index-url"];
        const VARIABLES: [&str; 5] =
            ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONSTRAINT"];
        OPTIONS.iter().any(|name| pip.option(name).is_some())
            || VARIABLES
                .iter()
                .any(|name| self.state.variables.contains_key(*name) || pip.call.variable(name).is_some())
    }

    /// Whether a command runs the newest get-pip.py without naming a pip: as a file or from a pipe.
    fn get_pip(&self, command: &Command, refused: bool) -> Option<Subject> {
        if self.view.timeline.get_pip(self.place)? != Some(true) {
            return None;
        }
        let get_pip = tool::as_get_pip(command)?;
        let unknown = get_pip.requirements.iter().any(|it| it.kind == RequirementKind::Unknown);
        let local = get_pip.options.iter().any(|option| option.name == "--no-index");
        if unknown || local || (get_pip.requirement("pip").is_some() && !refused) {
            return None;
        }
        let answer = self.state.answer_to(command.words.get(get_pip.interpreter)?);
        let known = versions(&answer);
        // pip 26.1, which get-pip.py carries, wants Python 3.10; the script itself says so and stops.
        let old = |version: &PythonVersion| *version < PythonVersion::new(3, 10);
        let refuses = known.value().is_some_and(old);
        if refused != refuses || (!refused && known.values().iter().any(old)) {
            return None;
        }
        let broken = get_pip.options.iter().any(|option| option.name == "--break-system-packages");
        let word = get_pip.script.unwrap_or(get_pip.arguments.max(get_pip.interpreter + 1) - 1);
        let role =
            if get_pip.script.is_some() || word > get_pip.interpreter { Role::GetPip } else { Role::PipedGetPip };
        Some(self.subject(command, word, role, answer, broken))
    }

    fn conda(&self, command: &Command, conda: &Conda<'_>) -> Option<Subject> {
        let spec = conda.spec("pip")?;
        let works = (conda.is("install") || conda.is("update") || conda.is("upgrade"))
            && spec.version.is_none()
            && !spec.expands;
        if !works || conda.downloads().eq(&false) {
            return None;
        }
        let answer = match conda.environment() {
            Some(environment) => self.state.in_environment(&environment),
            None => self.state.answer("python"),
        };
        let own = matches!(&answer, Fact::Known { value: Some(it), .. } if it.kind == InterpreterKind::Conda);
        if !own || conda.call.is_roundabout() {
            return None;
        }
        let mut subject = self.subject(command, spec.word, Role::CondaSpec, answer, true);
        // Which channels a conda asks without `-c` depends on its configuration.
        let named: Vec<String> = conda.channels().filter_map(|option| option.value.clone()).collect();
        let channels: Vec<&str> = match &spec.channel {
            Some(channel) => vec![channel.as_str()],
            None => named.iter().map(String::as_str).collect(),
        };
        subject.channel =
            (!channels.is_empty()).then(|| pip_table::deciding_channel(&channels)).flatten().map(str::to_owned);
        subject.pin = match (versions(&subject.python), subject.channel.as_deref()) {
            (Fact::Known { value, .. }, Some("conda-forge")) => match pip_table::conda_pip(value, &channels) {
                Some(row) => Pin::Known(row.version.to_owned()),
                None => Pin::None(format!("envfix has no evidence of a pip for Python {value} in conda-forge")),
            },
            (Fact::Unknown { from }, _) => Pin::None(format!("its Python is not known ({from})")),
            _ => Pin::None("it is not known which channel this conda takes pip from".to_owned()),
        };
        // Most often pip is there already and stays as it is; without knowing the channel there is nothing to say.
        subject.pin.version().is_some().then_some(subject)
    }

    /// Whether a pip gives itself too short a timeout.
    fn low_timeout(&self, command: &Command, condition: &CommandCondition) -> Option<Subject> {
        let least = condition.pip_timeout_below.as_ref()?;
        let Tool::Pip(pip) = tool::tool(command) else { return None };
        let option = pip.timeout()?;
        let value: f64 = option.value.as_deref()?.parse().ok()?;
        let subject = self.subject(command, option.value_word?, Role::Timeout, self.state.pip_answer(&pip), true);
        (pip.downloads() && value < subject.number(least, self.view.values)?).then_some(subject)
    }

    /// A command that does something inside a quoted text.
    fn nested(&self, command: &Command) -> Option<Subject> {
        let mut subject =
            self.subject(command, 0, Role::PipRequirement, Fact::unknown("the Python of a quoted shell text"), false);
        if let Target::Word { locked, .. } = &mut subject.target {
            *locked = Some("it stands inside a quoted shell text".to_owned());
        }
        Some(subject)
    }

    fn subject(&self, command: &Command, word: usize, role: Role, python: Answer, breaks_system: bool) -> Subject {
        let run = self.view.model.run(self.place.instruction);
        let place = run.map_or(crate::source::Span::at(0), |run| run.span(command.range.clone()));
        let locked = run.and_then(|run| run.locked.clone()).or_else(|| {
            let inside = command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function));
            inside.then(|| "it stands inside a substitution or a function".to_owned())
        });
        let Place { instruction, command } = self.place;
        let target = Target::Word { instruction, command, word, role, locked };
        let mut subject = Subject::new(target, place, Some(self.state)).about(python, self.state, self.view.values);
        let note = format!("the Python there: {}", subject.named("python", self.view.values).unwrap_or_default());
        let from = subject.python.from();
        let note = if note.contains(from) { note } else { format!("{note} ({from})") };
        subject.evidence.push(Evidence { span: place, note });
        if breaks_system {
            subject.externally_managed = Some(false);
        }
        if let Some(pin) = subject.pin.version() {
            subject.unknown_option = self.view.unknown_option_behind(self.place, pin);
        }
        subject
    }
}

/// Whether a pip installs for another Python than the one that runs it.
fn elsewhere(pip: &Pip<'_>) -> bool {
    ["--target", "--root", "--prefix", "--python-version", "--platform"].iter().any(|name| pip.option(name).is_some())
}

/// Whether a pip is told to install into a system Python all the same.
fn breaks(pip: &Pip<'_>) -> bool {
    pip.option("--break-system-packages").is_some()
}

/// The dependency of a conda environment that a condition holds of: the bare pip, or else the `- pip:` map.
pub fn conda(view: &CondaView<'_>, condition: &CondaCondition) -> Vec<Subject> {
    let environment = view.environment;
    let map = environment.pip_maps().next().map(|(index, _)| index);
    if condition.has_pip_map.is_some_and(|wanted| wanted != map.is_some()) {
        return Vec::new();
    }
    let mut listed = environment.listed_pip();
    let index = match condition.pip {
        None => map,
        Some(PipListed::Missing) => {
            let any = environment.specs().any(|(_, item)| listed_as_pip(&item.spec.text) || item.spec.name == "pip");
            map.filter(|_| !any)
        }
        Some(PipListed::Bare) => listed
            .find(|(index, _)| map.is_none_or(|map| *index < map))
            .filter(|_| environment.specs().filter(|(_, item)| item.spec.name == "pip").count() == 1)
            .filter(|_| !installs_own_pip(environment))
            .filter(|(_, item)| item.spec.version.is_none() && item.spec.build.is_none() && item.spec.name == "pip")
            .map(|(index, _)| index),
    };
    index.map(|index| view.subject(index)).into_iter().collect()
}
