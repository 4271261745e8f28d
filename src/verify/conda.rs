//! The model of a patched conda environment against the changes applied to the model before: the whole document, read
//! by another reader than the one that located the spans, and every comment.

use super::Mismatch;
use crate::change::Change;
use crate::environment::{conda_model, yaml};
use crate::source::Source;

/// Checks that `after` is `before` with `changes` and nothing else, for a conda environment.
///
/// # Errors
/// When it is not, or when either text cannot be read.
pub fn check(before: &Source, after: &Source, changes: &[&Change]) -> Result<(), Mismatch> {
    let read = |source: &Source| {
        conda_model::model(source.text()).map_err(|error| Mismatch(format!("it can no longer be read: {error}")))
    };
    let (mut expected, found) = (read(before)?, read(after)?);
    let mut list: Vec<(usize, &Change)> = Vec::new();
    for change in changes {
        match change {
            Change::InsertDependency { before: at, .. } | Change::SetDependency { dependency: at, .. } => {
                list.push((*at, change));
            }
            _ => return Err(Mismatch("a change of a Dockerfile does not belong to a conda environment".to_owned())),
        }
    }
    list.sort_by_key(|(at, _)| *at);
    for (at, change) in list.into_iter().rev() {
        expected = match change {
            Change::InsertDependency { spec, .. } => expected.insert(at, spec),
            Change::SetDependency { spec, .. } => expected.set(at, spec),
            _ => expected,
        };
    }
    if expected != found {
        return Err(Mismatch("the document would not be as meant".to_owned()));
    }
    let comments = |source: &Source| {
        yaml::comment_texts(source.text()).map_err(|error| Mismatch(format!("it can no longer be read: {error}")))
    };
    if comments(before)? != comments(after)? {
        return Err(Mismatch("a comment would change".to_owned()));
    }
    Ok(())
}
