//! What is done about the command that failed by the log.

use super::Outcome;
use super::layout;
use crate::change::{Change, WordId};
use crate::dockerfile::run::Run;
use crate::edit::Edit;
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DockerfileView;
use crate::shell::tool::{self, Pip, Tool};
use crate::shell::{Command, Operator};
use crate::source::Span;

struct Found<'a> {
    run: &'a Run,
    command: &'a Command,
    pip: Pip<'a>,
    instruction: usize,
    number: usize,
}

fn find<'a>(subject: &Subject, view: &'a DockerfileView<'_>, by_hand: &str) -> Result<Found<'a>, String> {
    let Target::Failing { instruction, command: Some(number) } = subject.target else {
        return Err(format!("{by_hand}; envfix does not know which command of the instruction failed"));
    };
    let (run, command) = super::command(view, instruction, number, by_hand)?;
    super::unlocked(run.locked.as_ref(), by_hand)?;
    let Tool::Pip(pip) = tool::tool(command) else {
        return Err(format!("{by_hand}; envfix cannot find the command again"));
    };
    Ok(Found { run, command, pip, instruction, number })
}

/// What a log names becomes part of a command: only what is a word of a requirement, quoted where a shell would take
/// it for more.
fn word(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=,:/+@".contains(c);
    let special = |c: char| "<>!~[]".contains(c);
    if text.is_empty() || text.contains('{') || !text.chars().all(|c| plain(c) || special(c)) {
        return None;
    }
    Some(if text.contains(special) { format!("\"{text}\"") } else { text.to_owned() })
}

/// The failing command has another word in the place of this one, once or more often.
pub fn replace_word(from: &str, to: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("write {to} for {from}");
    let Target::Failing { instruction, command: Some(number) } = subject.target else {
        return Err(format!("{by_hand}; envfix does not know which command of the instruction failed"));
    };
    let (run, command) = super::command(view, instruction, number, &by_hand)?;
    super::unlocked(run.locked.as_ref(), &by_hand)?;
    // What a log names becomes part of a command.
    if word(to).is_none_or(|written| written != to) {
        return Err(format!("{by_hand}; envfix does not write what is no plain word into a command"));
    }
    let mut outcome = Outcome { action: by_hand.clone(), ..Outcome::default() };
    for (place, found) in command.words.iter().enumerate().filter(|(_, it)| it.text() == from) {
        let id = WordId { instruction, command: number, word: place };
        let (_, span) = super::word(view, id, &by_hand)?;
        let raw = &found.raw;
        let Some(at) = raw.find(from) else {
            return Err(format!("{by_hand}; envfix does not edit the word {raw}"));
        };
        let inner = Span::new(span.start + at, span.start + at + from.len());
        outcome.edits.push(Edit::replace(inner, to));
        outcome.changes.push(Change::ReplaceWord { word: id, to: raw.replacen(from, to, 1) });
    }
    if outcome.edits.is_empty() { Err(format!("{by_hand}; envfix cannot find the word in it")) } else { Ok(outcome) }
}

/// pip has run with these arguments right before the failing command, as that one calls it.
pub fn pip_before(arguments: &[String], subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let shown = format!("pip {}", arguments.join(" "));
    let by_hand = format!("run `{shown}` right before it");
    let Found { run, command, pip, instruction, number } = find(subject, view, &by_hand)?;
    let joins = |operator: Option<Operator>| {
        matches!(operator, None | Some(Operator::And | Operator::Semicolon | Operator::Newline))
    };
    if !command.nesting.is_empty() || !joins(command.before) || command.negated {
        return Err(format!(
            "{by_hand}; envfix does not add a command between ||, a pipe or the parts of a compound command"
        ));
    }
    let arguments: Option<Vec<String>> = arguments.iter().map(|text| word(text)).collect();
    let Some(arguments) = arguments else {
        return Err(format!("{by_hand}; envfix does not write what is no plain requirement into a command"));
    };
    let called = command.words.get(..=pip.pip).unwrap_or_default();
    let words: Vec<String> = called.iter().map(|word| word.raw.clone()).chain(arguments).collect();
    let same = |other: &Command| other.words.iter().map(|word| &word.raw).eq(&words);
    if run.script.commands.iter().any(same) {
        return Ok(Outcome::default());
    }
    let text = words.join(" ");
    let edit = layout::prepend_command(view, run, number, "&&", &text);
    let operator = "&&".to_owned();
    let change = Change::PrependCommand { instruction, command: number, operator, words };
    Ok(Outcome::of(edit, change, format!("run `{text}` right before it")))
}

/// The failing pip has this option, behind its sub-command.
pub fn pip_option(option: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("give it {option}");
    let Found { run, command, pip, instruction, number } = find(subject, view, &by_hand)?;
    if pip.option(option).is_some() {
        return Ok(Outcome::default());
    }
    let Some((_, after)) = pip.subcommand else { return Err(by_hand) };
    let edit = layout::insert_word(view, run, command, after, option)?;
    let after = WordId { instruction, command: number, word: after };
    Ok(Outcome::of(edit, Change::InsertWords { after, words: vec![option.to_owned()] }, by_hand))
}
