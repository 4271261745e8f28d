#![no_main]

use envfix_fuzz::{fixing, policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [selector, kind, bytes @ ..] = bytes else { return };
    fixing::fix(["train.py", "train.ipynb"][usize::from(*kind) % 2], bytes, &policy(*selector));
});
