//! The values of a patched YAML or JSON file against the changes applied to the values before: the whole document, read
//! by another reader than the one that located the spans, and every comment.

use super::Mismatch;
use crate::change::Change;
use crate::environment::document::{Document, Syntax};
use crate::environment::values;
use crate::source::Source;

/// Checks that `after` is `before` with `changes` and nothing else.
///
/// # Errors
/// When it is not, or when either text cannot be read.
pub fn check(before: &Source, after: &Source, changes: &[&Change], syntax: Syntax) -> Result<(), Mismatch> {
    let unreadable = |error| Mismatch(format!("it can no longer be read: {error}"));
    let read = |source: &Source| values::read(source.text(), syntax).map_err(unreadable);
    let expected = values::apply(read(before)?, changes).map_err(Mismatch)?;
    if !values::same(&expected, &read(after)?) {
        return Err(Mismatch("the document would not be as meant".to_owned()));
    }
    let (old, new) = (Document::read(before.text(), syntax), Document::read(after.text(), syntax));
    let (old, new) = (old.map_err(unreadable)?, new.map_err(unreadable)?);
    if old.comment_texts(before.text()) != new.comment_texts(after.text()) {
        return Err(Mismatch("a comment would change".to_owned()));
    }
    Ok(())
}
