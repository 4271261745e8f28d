//! Requirements in quotes.

use super::Outcome;
use crate::change::{Change, WordId};
use crate::dockerfile::run::Form;
use crate::edit::Edit;
use crate::patch::subject::{Subject, Target};
use crate::patch::suspect::glued;
use crate::patch::view::DockerfileView;

/// The requirement is quoted as its neighbours are, else with double quotes.
pub fn requirement(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let Target::Command { instruction, command: number, word, locked } = &subject.target else {
        return Err("this remedy is about a requirement of a command".to_owned());
    };
    let written = subject.texts.get("written").map(String::as_str).unwrap_or_default();
    let by_hand = format!("write \"{written}\" with quotes");
    super::unlocked(locked.as_ref(), &by_hand)?;
    let (run, command) = super::command(view, *instruction, *number, &by_hand)?;
    let missing = || format!("{by_hand}; envfix cannot find the place again");
    let redirects = glued(command, *word);
    let (first, last) = command.words.get(*word).zip(redirects.last()).ok_or_else(missing)?;
    let span = run.span(first.range.start..last.range.end);
    if view.source.slice(span) != written {
        return Err(format!("{by_hand}; envfix does not edit a word that is split over lines"));
    }
    let single = command.words.iter().any(|word| word.raw.starts_with('\''));
    let quote = if (single && !written.contains('$')) || run.form == Form::ExecShell { '\'' } else { '"' };
    let edits = vec![Edit::insert(span.start, quote.to_string()), Edit::insert(span.end, quote.to_string())];
    let to = format!("{quote}{written}{quote}");
    let word = WordId { instruction: *instruction, command: *number, word: *word };
    let change = Change::QuoteWord { word, redirections: redirects.len(), to };
    Ok(Outcome { edits, changes: vec![change], action: format!("quote {written}"), safety: None })
}
