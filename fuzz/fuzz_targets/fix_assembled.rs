#![no_main]

use arbitrary::Unstructured;
use envfix::Source;
use envfix_fuzz::assemble::{self, Choices};
use envfix_fuzz::{fixing, policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let choices = &mut Choices(&mut input);
    let policy = policy(choices.roll(256) as u8);
    let file = |name: &str, text: String| (name.to_owned(), Source::from_text(name, text));
    let files = match choices.roll(4) {
        0 | 1 => vec![file("Dockerfile", assemble::dockerfile(choices))],
        2 => vec![file("environment.yml", assemble::conda(choices))],
        _ => {
            let conda = file("environment.yml", assemble::conda(choices));
            vec![file("Dockerfile", assemble::dockerfile(choices)), conda]
        }
    };
    if std::env::var_os("ENVFIX_FUZZ_SHOW").is_some() {
        files.iter().for_each(|(name, source)| eprintln!("==> {name}\n{}", source.text()));
    }
    fixing::fixes(&files, None, &policy);
});
