#![no_main]

use envfix_fuzz::reading;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| reading::definition(bytes));
