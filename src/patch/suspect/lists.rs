//! Commands that need apt's package lists where there are none.

use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::facts::effects::Place;
use crate::finding::Evidence;
use crate::shell::tool::{self, Tool, WrapperKind};
use crate::shell::{Nesting, Operator};

/// Every `apt-get install` that is known to find no package, since the lists are not there.
pub fn without_lists(view: &DockerfileView<'_>) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut previous = None;
    for (place, command, state) in view.commands(0..view.model.dockerfile.instructions.len()) {
        let asked = previous.replace((place, command)).filter(|(before, _)| before.instruction == place.instruction);
        let Tool::Apt(apt) = tool::tool(command) else { continue };
        let certain = command.nesting.iter().all(|it| *it == Nesting::Group)
            && matches!(command.before, None | Some(Operator::And | Operator::Semicolon | Operator::Newline))
            && !matches!(command.after, Some(Operator::Or | Operator::Background))
            && !command.negated;
        // `test -n "$X" && apt-get install`: it may never run.
        let tested = command.before == Some(Operator::And)
            && asked.is_some_and(|(_, before)| {
                matches!(tool::Call::of(before).name(), Some("[" | "[[" | "test" | "command" | "which"))
            });
        let as_user =
            |kind| matches!(kind, WrapperKind::Sudo | WrapperKind::SudoKeepingEnvironment | WrapperKind::User);
        let root = state.user.value().is_none_or(|user| user == "root")
            || apt.call.wrappers.iter().any(|wrapper| as_user(wrapper.kind));
        if state.shell.is_err() || !certain || tested || !root || !state.lacks_lists_for(apt) {
            continue;
        }
        let Some(span) = view.command_span(place) else { continue };
        let locked = view.model.run(place.instruction).and_then(|run| run.locked.clone());
        let Place { instruction, command: number } = place;
        let target = Target::Command { instruction, command: number, word: apt.call.program, locked };
        let mut subject = Subject::new(target, span, Some(state));
        let named = apt.packages.first().map(|package| package.name.clone()).unwrap_or_default();
        subject.texts.insert("written", named);
        subject.evidence.push(Evidence { span, note: "the package lists are not in the image here".to_owned() });
        subjects.push(subject);
    }
    subjects
}
