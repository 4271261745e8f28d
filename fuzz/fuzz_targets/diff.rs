#![no_main]

use arbitrary::Unstructured;
use envfix::output::diff;
use envfix_fuzz::applier;
use libfuzzer_sys::fuzz_target;

const LINES: [&str; 14] = [
    "\n",
    "a\n",
    "b\n",
    "c\n",
    "a",
    "\r\n",
    "-a\n",
    "+a\n",
    "--- a/f\n",
    "@@ -1 +1 @@\n",
    " \n",
    "\\\n",
    "\r",
    "é\u{2028}\n",
];

fuzz_target!(|bytes: &[u8]| {
    // One text, and another that differs from it here and there.
    let mut choices = Unstructured::new(bytes);
    let (mut before, mut after) = (String::new(), String::new());
    while !choices.is_empty() {
        let line = LINES[choices.int_in_range(0..=LINES.len() - 1).unwrap_or(0)];
        match choices.int_in_range(0..=9u8).unwrap_or(0) {
            0 => before.push_str(line),
            1 => after.push_str(line),
            _ => {
                before.push_str(line);
                after.push_str(line);
            }
        }
    }
    let diff = diff::unified("f", &before, &after);
    assert_eq!(diff.is_empty(), before == after);
    let texts = [("f".to_owned(), before.clone())];
    let made = applier::apply(&diff, &texts).unwrap_or_else(|error| panic!("{error}\n{before:?}\n{diff}"));
    assert!(before == after || made[0].1 == after, "{before:?}\n{after:?}\n{diff}");
});
