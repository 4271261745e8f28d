//! What a YAML or JSON text says, as plain values read by `serde_yaml` and `serde_json`: the expectation that an edit is
//! verified against.
//!
//! Nothing here knows where anything stands in the text. An edit is right when the values of the edited text equal the
//! changes applied to the values of the text before.

use serde_yaml::Value;

use super::document::{Document, ReadError, Syntax};
use crate::change::{Change, Scalar, Step};

/// Reads the values of a text.
///
/// # Errors
/// When the text is not written in that syntax, or exceeds a limit.
pub fn read(text: &str, syntax: Syntax) -> Result<Value, ReadError> {
    // The other reader's limits come first: these parsers are slow on deep nesting.
    Document::read(text, syntax)?;
    read_checked(text, syntax)
}

/// Reads a text that has passed [`Document::read`].
pub(super) fn read_checked(text: &str, syntax: Syntax) -> Result<Value, ReadError> {
    if syntax == Syntax::Json {
        return serde_json::from_str(text).map_err(|error| {
            let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            ReadError::at(text, before + error.column().saturating_sub(1), error.to_string())
        });
    }
    // This reader takes a byte order mark for the first letter of the first key.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::from_str(body).map_err(|error| {
        let location = error.location();
        let offset = location.as_ref().map_or(0, |location| text.len() - body.len() + location.index());
        let message = error.to_string();
        let message = match message.split(" at line ").next().unwrap_or(&message) {
            "repetition limit exceeded" => "aliases of aliases that stand for far more than the text holds",
            other => other,
        };
        ReadError::at(text, offset, message)
    })
}

/// The value at the end of a path.
#[must_use]
pub fn get<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.as_mapping()?.get(key.as_str()),
        Step::Item(index) => value.as_sequence()?.get(*index),
    })
}

fn get_mut<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.as_mapping_mut()?.get_mut(key.as_str()),
        Step::Item(index) => value.as_sequence_mut()?.get_mut(*index),
    })
}

/// The values with changes applied. Every change speaks of the values as they were, so those that move others come
/// last.
///
/// # Errors
/// With what a change speaks of and is not there.
pub fn apply(mut value: Value, changes: &[&Change]) -> Result<Value, String> {
    let rank = |change: &Change| match change {
        Change::SetValue { .. } | Change::InsertKey { .. } => (0, 0),
        Change::InsertItem { before, .. } => (1, usize::MAX - before),
        Change::RemoveKey { .. } => (2, 0),
        _ => (3, 0),
    };
    let mut changes = changes.to_vec();
    // Several items before one place keep their order, so the last of them goes in first.
    changes.reverse();
    changes.sort_by_key(|change| rank(change));
    for change in changes {
        let missing = |path: &[Step]| format!("there is no {}", Step::written(path));
        match change {
            Change::SetValue { path, value: to } => {
                *get_mut(&mut value, path).ok_or_else(|| missing(path))? = scalar(to);
            }
            Change::InsertKey { path, key, value: to } => {
                let map = get_mut(&mut value, path).and_then(Value::as_mapping_mut).ok_or_else(|| missing(path))?;
                if map.insert(Value::String(key.clone()), scalar(to)).is_some() {
                    return Err(format!("{} has {key} already", Step::written(path)));
                }
            }
            Change::InsertItem { path, before, value: to } => {
                let list = get_mut(&mut value, path).and_then(Value::as_sequence_mut).ok_or_else(|| missing(path))?;
                list.insert((*before).min(list.len()), scalar(to));
            }
            Change::RemoveKey { path } => {
                let (Some(Step::Key(key)), parent) = (path.last(), &path[..path.len().saturating_sub(1)]) else {
                    return Err(missing(path));
                };
                let map = get_mut(&mut value, parent).and_then(Value::as_mapping_mut).ok_or_else(|| missing(path))?;
                map.shift_remove(key.as_str()).ok_or_else(|| missing(path))?;
            }
            Change::RenameKey { path, to } => {
                let (Some(Step::Key(key)), parent) = (path.last(), &path[..path.len().saturating_sub(1)]) else {
                    return Err(missing(path));
                };
                let map = get_mut(&mut value, parent).and_then(Value::as_mapping_mut).ok_or_else(|| missing(path))?;
                if map.contains_key(to.as_str()) || !map.contains_key(key.as_str()) {
                    return Err(missing(path));
                }
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(name, value)| {
                        let renamed = name.as_str() == Some(key);
                        (if renamed { Value::String(to.clone()) } else { name }, value)
                    })
                    .collect();
            }
            Change::InsertList { path, before, key, items } => {
                let map = get_mut(&mut value, path).and_then(Value::as_mapping_mut).ok_or_else(|| missing(path))?;
                if map.contains_key(key.as_str()) || !map.contains_key(before.as_str()) {
                    return Err(format!("{} has {key} already, or has no {before}", Step::written(path)));
                }
                let list = Value::Sequence(items.iter().cloned().map(Value::String).collect());
                let mut entries = Vec::with_capacity(map.len() + 1);
                for (name, value) in std::mem::take(map) {
                    if name.as_str() == Some(before) {
                        entries.push((Value::String(key.clone()), list.clone()));
                    }
                    entries.push((name, value));
                }
                *map = entries.into_iter().collect();
            }
            Change::Encode => {}
            _ => return Err("a change of another kind of file".to_owned()),
        }
    }
    Ok(value)
}

fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Text(text) => Value::String(text.clone()),
    }
}

/// Whether two values are the same, the order of keys included. No deeper than the documents that are read.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Mapping(a), Value::Mapping(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, x), (b, y))| same(a, b) && same(x, y))
        }
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Tagged(a), Value::Tagged(b)) => a.tag == b.tag && same(&a.value, &b.value),
        _ => a == b,
    }
}

/// Whether Python takes the value for true. azureml-core and azure-ai-ml read YAML 1.2, in which `no` and `off` are
/// texts, and a text is true.
#[must_use]
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(map) => !map.is_empty(),
        Value::Tagged(tagged) => is_truthy(&tagged.value),
    }
}
