//! What a conda environment lists.

use super::Outcome;
use crate::change::{Change, Scalar, Step};
use crate::patch::subject::{Subject, Target};
use crate::patch::view::CondaView;

fn index(subject: &Subject) -> Result<usize, String> {
    match subject.target {
        Target::Dependency { index } => Ok(index),
        _ => Err("this remedy is about a dependency of a conda environment".to_owned()),
    }
}

/// The environment lists this spec before its `- pip:` map.
pub fn list_pip(spec: &str, subject: &Subject, view: &CondaView<'_>) -> Result<Outcome, String> {
    let before = index(subject)?;
    let edits = view.environment.insert_before(before, spec).map_err(|why| by_hand(spec, &why))?;
    let change =
        Change::InsertItem { path: view.environment.list_path(), before, value: Scalar::Text(spec.to_owned()) };
    Ok(Outcome { edits, changes: vec![change], action: format!("list {spec}"), safety: None })
}

/// The bare `pip` of the environment has this version. A channel before it stays.
pub fn pin_listed_pip(spec: &str, subject: &Subject, view: &CondaView<'_>) -> Result<Outcome, String> {
    let dependency = index(subject)?;
    let written = view.environment.dependencies.get(dependency).and_then(|it| it.spec());
    let spec = match written.and_then(|item| item.spec.text.trim().rsplit_once("::")) {
        Some((channel, _)) => format!("{channel}::{spec}"),
        None => spec.to_owned(),
    };
    let edits = view.environment.replace_scalar(dependency, &spec).map_err(|why| by_hand(&spec, &why))?;
    let path = view.environment.list_path().into_iter().chain([Step::Item(dependency)]).collect();
    let change = Change::SetValue { path, value: Scalar::Text(spec.clone()) };
    Ok(Outcome { edits, changes: vec![change], action: format!("pin {spec}"), safety: None })
}

/// The requirement that the subject is about has `==` for its `=`.
pub fn spell_operator(subject: &Subject, view: &CondaView<'_>) -> Result<Outcome, String> {
    let Target::Requirement { index: map, item } = subject.target else {
        return Err("this remedy is about a requirement of a pip section".to_owned());
    };
    let action = format!("write {}", subject.texts.get("meant").map_or("==", String::as_str));
    let (edits, change) =
        view.environment.spell_operator(map, item).map_err(|why| format!("{action} by hand: {why}"))?;
    Ok(Outcome { edits, changes: vec![change], action, safety: None })
}

/// The dependency that the subject is about is written as conda reads it.
pub fn spell_dependency(subject: &Subject, view: &CondaView<'_>) -> Result<Outcome, String> {
    let dependency = index(subject)?;
    let meant = subject.texts.get("meant").ok_or("this remedy is about a dependency with a colon")?;
    let action = format!("write {meant}");
    let (edits, change) =
        view.environment.spell(dependency, meant).map_err(|why| format!("{action} by hand: {why}"))?;
    Ok(Outcome { edits, changes: vec![change], action, safety: None })
}

/// The environment lists these channels, where it has no list of them.
pub fn add_channels(names: &[String], view: &CondaView<'_>) -> Result<Outcome, String> {
    let environment = view.environment;
    if environment.has_key("channels") {
        return Ok(Outcome::default());
    }
    let action = format!("list the channels {}", names.join(", "));
    let edit = environment.insert_channels(names).map_err(|why| format!("{action} by hand: {why}"))?;
    let change = Change::InsertList {
        path: environment.path.clone(),
        before: "dependencies".to_owned(),
        key: "channels".to_owned(),
        items: names.to_vec(),
    };
    Ok(Outcome::of(edit, change, action))
}

fn by_hand(spec: &str, why: &str) -> String {
    format!("list {spec} by hand: {why}")
}
