//! `envfix test-patches`: run the examples of every patch.

use super::{DONE, FAILED, complain, print};
use crate::examples;
use crate::patch::catalogue::Catalogue;

/// Runs the command.
pub fn run(catalogue: &Catalogue) -> u8 {
    let mut failed = false;
    for patch in catalogue.patches() {
        let count = catalogue.examples(patch).len();
        let failures = examples::run(catalogue, patch);
        failed |= !print(&format!("{}: {} of {count} examples do what they say\n", patch.id, count - failures.len()));
        for failure in &failures {
            complain(&format!("{}, example {}: {}", patch.id, failure.number, failure.message));
        }
        failed |= !failures.is_empty();
    }
    if failed { FAILED } else { DONE }
}
