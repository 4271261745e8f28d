#![no_main]

use envfix_fuzz::{fixing, policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [selector, kind, bytes @ ..] = bytes else { return };
    let name = ["environment.yml", "azureml_environment.json", "train.runconfig"][usize::from(*kind) % 3];
    fixing::fix(name, bytes, &policy(*selector));
});
