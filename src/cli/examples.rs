//! `envfix test-patches`: run the examples of every patch.

use super::{DONE, FAILED, complain, print};
use crate::examples;
use crate::patch::catalogue::Catalogue;

/// Runs the command.
pub fn run(catalogue: &Catalogue) -> u8 {
    let mut failed = false;
    let builtin = Catalogue::builtin();
    for patch in catalogue.patches() {
        let count = catalogue.examples(patch).len();
        // A team's patch has its examples inside it. They show what it does by itself.
        let alone = catalogue.only(&patch.id);
        let failures = examples::run(if patch.examples.is_empty() { &builtin } else { &alone }, patch);
        failed |= !print(&format!("{}: {} of {count} examples do what they say\n", patch.id, count - failures.len()));
        for failure in &failures {
            complain(&format!("{}, example {}: {}", patch.id, failure.number, failure.message));
        }
        failed |= !failures.is_empty();
    }
    if failed { FAILED } else { DONE }
}
