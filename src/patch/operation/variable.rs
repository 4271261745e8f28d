//! Variables that a stage sets.

use super::Outcome;
use super::layout;
use crate::change::Change;
use crate::edit::Edit;
use crate::facts::effects::Place;
use crate::patch::file::{Downloader, Variable};
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DockerfileView;

/// These variables are set before the first command of the stage that downloads.
pub fn environment(variables: &[Variable], subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let Target::Downloads { instruction, pip, conda, .. } = subject.target else {
        return Err("this remedy is about a stage that downloads".to_owned());
    };
    let first = Place { instruction, command: 0 };
    let set = |name: &str| view.timeline.before(first).is_some_and(|state| state.variables.contains_key(name));
    let pairs: Vec<String> = variables
        .iter()
        .filter(|variable| !set(&variable.name))
        .filter(|variable| match variable.read_by {
            Downloader::Pip => pip,
            Downloader::Conda => conda,
        })
        .map(|variable| format!("{}={}", variable.name, subject.fill(&variable.value.to_string(), view.values)))
        .collect();
    if pairs.is_empty() {
        return Ok(Outcome::default());
    }
    // Values may come from an `envfix.toml`: one with a password would stand in every image.
    if pairs.iter().any(|pair| pair.contains(|c: char| c.is_whitespace() || "\"'\\$@{`".contains(c))) {
        return Err("set it by hand: envfix writes no value with blanks, quotes, variables or credentials".to_owned());
    }
    let behind = instruction >= view.model.dockerfile.instructions.len();
    let continued = view.source.text().trim_end().ends_with(view.model.dockerfile.escape);
    if behind && continued {
        let pairs = pairs.join(" and ");
        return Err(format!("set {pairs} by hand: the last line of the file ends in a continuation"));
    }
    let lines: Vec<(&str, String)> = pairs.iter().map(|pair| ("ENV", pair.clone())).collect();
    let edits = vec![layout::insert_instructions(view, instruction, &lines)];
    let action = format!("set {}", pairs.join(" and "));
    let change = |pair| Change::InsertInstruction { before: instruction, keyword: "ENV".to_owned(), arguments: pair };
    Ok(Outcome { edits, changes: pairs.into_iter().map(change).collect(), action, safety: None })
}

/// The variable that stands too low has this value.
pub fn raise(value: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let Target::Variable { instruction: number, name } = &subject.target else {
        return Err("this remedy is about a variable".to_owned());
    };
    let by_hand = || format!("set {name}={value}");
    let instruction = view.model.dockerfile.instructions.get(*number).ok_or_else(by_hand)?;
    let pairs = instruction.pairs(view.model.dockerfile.escape);
    let pair = pairs.into_iter().rev().find(|pair| pair.name == *name).ok_or_else(by_hand)?;
    let (range, raw) = pair.value_range.zip(pair.value).ok_or_else(by_hand)?;
    let digits = raw.trim_matches(['"', '\'']);
    let span = instruction.logical.span(range);
    let numeric = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !numeric || view.source.slice(span) != raw {
        return Err(format!("{}; envfix does not edit the value {raw}", by_hand()));
    }
    let to = raw.replace(digits, value);
    let change = Change::SetPair { instruction: *number, name: name.clone(), value: to.clone() };
    Ok(Outcome::of(Edit::replace(span, to), change, format!("raise {name} to {value}")))
}
