#![no_main]

use envfix_fuzz::{fixing, policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((selector, bytes)) = bytes.split_first() else { return };
    fixing::fix("environment.yml", bytes, &policy(*selector));
});
