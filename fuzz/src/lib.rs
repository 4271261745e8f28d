//! What must hold of any input, shared by the fuzz targets. A property that does not hold is a panic.

#[path = "../../tests/support/applier.rs"]
pub mod applier;
pub mod assemble;
pub mod fixing;
pub mod mutate;
pub mod reading;

use std::sync::OnceLock;

use envfix::build_log::SymptomSet;
use envfix::{Catalogue, Policy, diagnosis};

/// The built-in patches, read once.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(Catalogue::builtin)
}

/// What the patches look for in a log, made ready once.
pub fn symptoms() -> &'static SymptomSet {
    static SYMPTOMS: OnceLock<SymptomSet> = OnceLock::new();
    SYMPTOMS.get_or_init(|| diagnosis::symptoms(catalogue()))
}

/// What is asked for, by one number.
pub fn policy(selector: u8) -> Policy {
    let ids = catalogue().ids();
    match selector {
        0..96 => Policy::default(),
        96..176 => Policy { allow_unsafe: true, ..Policy::default() },
        176..192 => Policy { faults_only: true, ..Policy::default() },
        _ => {
            let id = ids[usize::from(selector) % ids.len()];
            Policy { only: [id.to_owned()].into(), ..Policy::default() }
        }
    }
}
