//! The keys of a definition of Azure ML.

use std::sync::Arc;

use super::Outcome;
use crate::change::{Change, Scalar, Step};
use crate::environment::definition::{Definition, Holder};
use crate::environment::keys::Keys;
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DefinitionView;

fn definition<'a>(subject: &Subject, view: &'a DefinitionView<'_>) -> Result<&'a Definition, String> {
    let Target::Definition { number, .. } = subject.target else {
        return Err("this remedy is about a definition of Azure ML".to_owned());
    };
    view.file.definitions.get(number).map(Arc::as_ref).ok_or_else(|| "the definition is not there any more".to_owned())
}

fn shown(value: &Scalar) -> String {
    match value {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}

/// A key has this value; it is added where it is missing.
pub fn set(key: &str, value: &Scalar, subject: &Subject, view: &DefinitionView<'_>) -> Result<Outcome, String> {
    let definition = definition(subject, view)?;
    let action = format!("set {key} to {}", shown(value));
    let by_hand = |why: String| format!("{action} by hand: {why}");
    let keys = Keys::new(view.source, view.file.document());
    let (edit, change) = if let Some(entry) = view.file.entry(definition, key) {
        let edit = keys.set_value(entry.map, &entry.name, value).map_err(by_hand)?;
        (edit, Change::SetValue { path: entry.path, value: value.clone() })
    } else {
        let missing = || by_hand("the map that it belongs to is not there".to_owned());
        let Holder { map, path, name } = view.file.holder(definition, key).ok_or_else(missing)?;
        let edit = keys.insert_key(map, name, value).map_err(by_hand)?;
        (edit, Change::InsertKey { path, key: name.to_owned(), value: value.clone() })
    };
    Ok(Outcome::of(edit, change, action))
}

/// The definition does not have a key.
pub fn remove(key: &str, subject: &Subject, view: &DefinitionView<'_>) -> Result<Outcome, String> {
    let definition = definition(subject, view)?;
    let action = format!("take {key} out");
    let by_hand = |why: String| format!("{action} by hand: {why}");
    let Some(entry) = view.file.entry(definition, key) else { return Ok(Outcome::default()) };
    let edit = Keys::new(view.source, view.file.document()).remove_key(entry.map, &entry.name).map_err(by_hand)?;
    Ok(Outcome::of(edit, Change::RemoveKey { path: entry.path }, action))
}

/// The misspelt key that the subject is about has the name that the client reads.
pub fn spell(subject: &Subject, view: &DefinitionView<'_>) -> Result<Outcome, String> {
    let definition = definition(subject, view)?;
    let key = subject.key.as_deref().ok_or("this remedy is about a misspelt key")?;
    let misspelt = subject.definition.as_ref().and_then(|about| about.misspelt.get(key).cloned());
    let found = misspelt.ok_or("the key is not there any more")?;
    let Holder { map, path, name } = view.file.holder(definition, key).ok_or("the key is not there any more")?;
    let action = format!("write {found} as {name}");
    let by_hand = |why: String| format!("{action} by hand: {why}");
    let edit = Keys::new(view.source, view.file.document()).rename_key(map, &found, name).map_err(by_hand)?;
    let path = path.into_iter().chain([Step::Key(found)]).collect();
    let change = Change::RenameKey { path, to: name.to_owned() };
    Ok(Outcome::of(edit, change, action))
}
