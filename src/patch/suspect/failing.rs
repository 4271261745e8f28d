//! The instruction that failed by the log, and the command in it that is meant.

use std::collections::BTreeMap;

use super::super::file::{FailingCondition, FailingTool};
use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::context;
use crate::facts::effects::Place;
use crate::facts::state::State;
use crate::finding::Evidence;
use crate::shell::Command;
use crate::shell::tool::{self, Pip, RequirementKind, Tool};

/// The failing instruction, if a command in it is what the condition asks for. `captures` are what the log names.
pub fn failing(
    view: &DockerfileView<'_>,
    condition: &FailingCondition,
    instruction: usize,
    captures: &BTreeMap<String, String>,
) -> Option<Subject> {
    let span = view.model.dockerfile.instructions.get(instruction)?.span;
    let calls: Vec<(Place, &Command, &State)> = view
        .commands(instruction..instruction + 1)
        .filter(|(_, command, _)| condition.runs.is_none_or(|tool| calls(command, tool)))
        .collect();
    let Some(wanted) = condition.runs else {
        let state = view.timeline.before_run(instruction);
        return Some(Subject::new(Target::Failing { instruction, command: None }, span, state));
    };
    // Where several commands call the tool, the one that names what the log names.
    let named = |command: &Command| {
        let words = || command.words.iter().map(|word| word.text());
        captures.values().any(|value| words().any(|word| names(word, value)))
    };
    let (place, command, state) = match calls.as_slice() {
        [only] => only,
        several => {
            let mut concerned = several.iter().filter(|(_, command, _)| named(command));
            match (concerned.next(), concerned.next()) {
                (Some(one), None) => one,
                _ if condition.or_first => several.first()?,
                _ => return None,
            }
        }
    };
    let span = view.command_span(*place)?;
    let target = Target::Failing { instruction, command: Some(place.command) };
    let mut subject = Subject::new(target, span, Some(state));
    subject.evidence.push(Evidence { span, note: "failed by the log".to_owned() });
    if let (FailingTool::Pip, Tool::Pip(pip)) = (wanted, tool::tool(command)) {
        subject = subject.about(state.pip_answer(pip), state, view.values);
        subject.requirement =
            captures.get("package").and_then(|package| requirement(view, place.instruction, pip, package));
    }
    Some(subject)
}

fn calls(command: &Command, wanted: FailingTool) -> bool {
    match (tool::tool(command), wanted) {
        (Tool::Pip(_), FailingTool::Pip) | (Tool::Conda(_), FailingTool::Conda) => true,
        (_, FailingTool::AptGet) => command.words.iter().any(|word| matches!(word.text(), "apt-get" | "apt")),
        _ => false,
    }
}

/// Whether a word of a command is the thing that the log names, with or without a version.
fn names(word: &str, value: &str) -> bool {
    let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    plain(word.split(end).next().unwrap_or_default()) == plain(value)
}

/// The requirement by which a pip asks for a package, in the command itself or in a requirements file that it reads.
fn requirement(view: &DockerfileView<'_>, instruction: usize, pip: &Pip, package: &str) -> Option<String> {
    let words = pip.requirements.iter().filter(|it| it.kind == RequirementKind::Named && !it.expands);
    let mut texts = words.filter_map(|it| pip.call.words.get(it.word)).map(|word| word.text());
    if let Some(text) = texts.find(|text| names(text, package)) {
        return Some(text.to_owned());
    }
    pip.requirement_files().find_map(|file| {
        let path = context::source_of(&view.model.dockerfile, instruction, file.value.as_deref()?)?;
        let text = view.context.read(&path)?;
        let line = text.lines().map(str::trim).find(|line| names(line, package))?;
        let plain = line.split([';', '#', ' ']).next().unwrap_or(line);
        Some(plain.to_owned())
    })
}
