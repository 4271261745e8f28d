#![no_main]

use arbitrary::Unstructured;
use envfix_fuzz::assemble::Choices;
use envfix_fuzz::mutate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| mutate::run(&mut Choices(&mut Unstructured::new(bytes))));
