#![no_main]

use envfix::Settings;
use envfix_fuzz::catalogue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(message) = Settings::of_text(text, catalogue()) {
        assert!(!message.is_empty());
    }
});
