//! The statements of a patched program against the changes applied to the statements before.

use super::Mismatch;
use crate::change::Change;
use crate::script::{self, Form};
use crate::source::Source;

/// Checks that `after` is `before` with `changes` and nothing else.
///
/// # Errors
/// When it is not, or when either text cannot be read.
pub fn check(before: &Source, after: &Source, changes: &[&Change], form: Form) -> Result<(), Mismatch> {
    let own = changes.iter().map(|change| match change {
        Change::Script(change) => Ok(change),
        _ => Err(Mismatch("a change of another kind of file does not belong to a program".to_owned())),
    });
    let own = own.collect::<Result<Vec<_>, _>>()?;
    script::check(before, after, form, &own).map_err(Mismatch)
}
