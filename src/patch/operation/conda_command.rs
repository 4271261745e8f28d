//! How conda is called.

use super::Outcome;
use crate::change::{Change, WordId};
use crate::edit::Edit;
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DockerfileView;
use crate::shell::Word;
use crate::source::Span;

fn find<'a>(
    subject: &Subject,
    view: &'a DockerfileView<'_>,
    by_hand: &str,
) -> Result<(WordId, &'a Word, Span), String> {
    let Target::Command { instruction, command, word, locked } = &subject.target else {
        return Err("this remedy is about a command that calls conda".to_owned());
    };
    super::unlocked(locked.as_ref(), by_hand)?;
    let id = WordId { instruction: *instruction, command: *command, word: *word };
    let (word, span) = super::word(view, id, by_hand)?;
    Ok((id, word, span))
}

/// `conda create` is `conda env create`.
pub fn env_create(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let file = subject.texts.get("written").map(String::as_str).unwrap_or_default();
    let (id, word, span) = find(subject, view, &format!("write `conda env create -f {file}`"))?;
    if word.raw != "create" || id.word == 0 {
        return Err(format!("write `conda env create -f {file}`; envfix does not edit the word {}", word.raw));
    }
    let change = Change::InsertWords { after: WordId { word: id.word - 1, ..id }, words: vec!["env".to_owned()] };
    Ok(Outcome::of(Edit::insert(span.start, "env "), change, "write `conda env create`".to_owned()))
}

/// conda is asked for in this version or a newer one.
pub fn raise_conda(version: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("use conda {version} or newer");
    let (id, word, span) = find(subject, view, &by_hand)?;
    let to = format!("\"conda>={version}\"");
    let spec = word.raw.trim_matches(['"', '\'']);
    if !spec.starts_with("conda=") || spec.contains('$') {
        return Err(format!("{by_hand}; envfix does not edit the word {}", word.raw));
    }
    let change = Change::ReplaceWord { word: id, to: to.clone() };
    Ok(Outcome::of(Edit::replace(span, to), change, format!("ask for conda {version} or newer")))
}
