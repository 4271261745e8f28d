//! Where a stage downloads, and what sets the timeout there.

use super::super::file::Downloader;
use super::super::subject::{Subject, Target};
use super::stages::Stage;
use crate::dockerfile::Base;
use crate::facts::effects::Place;
use crate::facts::image::OperatingSystem;
use crate::finding::Evidence;
use crate::shell::Command;
use crate::shell::tool::{self, Tool};

impl Stage<'_> {
    /// The first command that downloads, and the tools of this stage that nothing sets a timeout for.
    pub(super) fn downloads(&self, tools: &[Downloader], by_default: bool) -> Option<Subject> {
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
    let set = |call: &tool::Call, names: &[&str]| call.sudo() || names.iter().any(|name| call.variable(name).is_some());
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
