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

fn by_hand(spec: &str, why: &str) -> String {
    format!("list {spec} by hand: {why}")
}
