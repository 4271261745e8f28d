//! What a pip command installs, and how long it waits.

use super::Outcome;
use crate::change::{Change, WordId};
use crate::edit::Edit;
use crate::patch::subject::{Role, Subject, Target};
use crate::patch::view::DockerfileView;
use crate::shell::Word;
use crate::source::Span;

/// The word that a subject is about.
struct Found<'a> {
    id: WordId,
    role: Role,
    word: &'a Word,
    span: Span,
}

fn find<'a>(subject: &Subject, view: &'a DockerfileView<'_>, by_hand: &str) -> Result<Found<'a>, String> {
    let Target::Word { instruction, command, word, role, locked } = &subject.target else {
        return Err("this remedy is about a word of a command".to_owned());
    };
    super::unlocked(locked.as_ref(), by_hand)?;
    let id = WordId { instruction: *instruction, command: *command, word: *word };
    let (word, span) = super::word(view, id, by_hand)?;
    Ok(Found { id, role: *role, word, span })
}

/// pip is installed in this version.
pub fn pin(version: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = if subject.pin.version().is_some() {
        format!("pin pip=={version}")
    } else {
        "pin the newest pip that runs on its Python".to_owned()
    };
    let found = find(subject, view, &by_hand)?;
    let operator = if found.role == Role::CondaSpec { "=" } else { "==" };
    let action = format!("pin pip{operator}{version}");
    match found.role {
        Role::PipRequirement | Role::CondaSpec => {
            let raw = &found.word.raw;
            let quote = raw.chars().last().filter(|last| matches!(last, '"' | '\''));
            let inner = raw.strip_suffix(['"', '\'']).unwrap_or(raw);
            let name = inner.trim_start_matches(['"', '\'']).rsplit("::").next().unwrap_or_default();
            if !name.eq_ignore_ascii_case("pip") {
                return Err(format!("{by_hand}; envfix does not edit the word {raw}"));
            }
            let to = format!("{inner}{operator}{version}{}", quote.map(String::from).unwrap_or_default());
            let edit = Edit::insert(found.span.start + inner.len(), format!("{operator}{version}"));
            Ok(Outcome::of(edit, Change::ReplaceWord { word: found.id, to }, action))
        }
        Role::GetPip | Role::PipedGetPip => {
            let dash = (found.role == Role::PipedGetPip).then(|| "-".to_owned());
            let words: Vec<String> = dash.into_iter().chain([format!("pip=={version}")]).collect();
            let edit = Edit::insert(found.span.end, format!(" {}", words.join(" ")));
            Ok(Outcome::of(edit, Change::InsertWords { after: found.id, words }, action))
        }
        Role::Timeout => Err(by_hand),
    }
}

/// pip waits this long.
pub fn raise_timeout(value: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("raise the timeout to {value}");
    let found = find(subject, view, &by_hand)?;
    let raw = &found.word.raw;
    let kept = raw.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let plain = kept.is_empty() || kept.ends_with('=');
    if found.role != Role::Timeout || !plain || kept.len() == raw.len() {
        return Err(format!("{by_hand}; envfix does not edit the word {raw}"));
    }
    let to = format!("{kept}{value}");
    let number = Span::new(found.span.start + kept.len(), found.span.end);
    let change = Change::ReplaceWord { word: found.id, to };
    Ok(Outcome::of(Edit::replace(number, value), change, format!("raise it to {value}")))
}
