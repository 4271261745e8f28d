#![no_main]

use envfix::Source;
use envfix_fuzz::{fixing, policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A Dockerfile, a NUL byte, and the log of its build.
    let Some((selector, bytes)) = bytes.split_first() else { return };
    let Some(end) = bytes.iter().position(|byte| *byte == 0) else { return };
    let Ok(source) = Source::new("Dockerfile", None, bytes[..end].to_vec()) else { return };
    fixing::fixes(&[("Dockerfile".to_owned(), source)], Some(&bytes[end + 1..]), &policy(*selector));
});
