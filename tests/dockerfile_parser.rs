//! A second opinion on where instructions begin: crates.io's `dockerfile-parser`, over the texts that both accept. It
//! refuses heredocs, byte order marks and much else, so it is no reader for envfix, but what it reads it should read
//! the same.

use std::fs;
use std::path::{Path, PathBuf};

use envfix::{Catalogue, Source, dockerfile};

/// What came of comparing texts.
#[derive(Debug, Default)]
struct Compared {
    texts: usize,
    ours: usize,
    both: usize,
    differ: Vec<String>,
}

impl Compared {
    fn compare(&mut self, name: &str, text: &str) {
        self.texts += 1;
        let Ok(ours) = dockerfile::parse(&Source::from_text(name, text)) else { return };
        self.ours += 1;
        // It overflows the stack on long continuations, so it gets no long texts.
        if text.len() > 60_000 {
            return;
        }
        let Ok(theirs) = dockerfile_parser::Dockerfile::parse(text) else { return };
        self.both += 1;
        let starts = |mut list: Vec<usize>| {
            list.sort_unstable();
            list
        };
        let ours = starts(ours.instructions.iter().map(|it| it.keyword_span.start).collect());
        let theirs = starts(theirs.instructions.iter().map(|it| it.span().start).collect());
        if beyond_it(text) {
            return;
        }
        if ours != theirs {
            self.differ.push(name.to_owned());
        }
    }
}

/// What `dockerfile-parser` 0.9 is known to read otherwise than BuildKit: it ignores `# escape=`, and it lets a comment
/// inside a continuation that ends in the escape character end the instruction.
fn beyond_it(text: &str) -> bool {
    let continued_comment = |line: &str| line.trim_start().starts_with('#') && line.trim_end().ends_with('\\');
    text.to_ascii_lowercase().contains("escape=") || text.lines().any(continued_comment)
}

#[test]
fn instructions_begin_where_another_parser_says_in_every_example_of_the_patches() {
    let catalogue = Catalogue::builtin();
    let mut compared = Compared::default();
    for patch in catalogue.patches() {
        for (number, example) in catalogue.examples(patch).iter().enumerate() {
            if example.file.is_none() {
                let texts = [&example.before, &example.after, &example.unchanged];
                texts.into_iter().flatten().for_each(|text| compared.compare(&format!("{} {number}", patch.id), text));
            }
        }
    }
    assert!(compared.both > 40, "{compared:?}");
    assert_eq!(compared.differ, Vec::<String>::new());
}

#[test]
fn instructions_begin_where_another_parser_says_in_the_corpus() {
    let Some(folder) = corpus() else {
        assert!(std::env::var_os("CI").is_none(), "the corpus is missing; in CI that is a failure");
        eprintln!("skipped: no corpus (set ENVFIX_CORPUS to its folder)");
        return;
    };
    let mut compared = Compared::default();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.join("dockerfiles")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        if let Ok(text) = fs::read_to_string(&file) {
            compared.compare(&file.file_name().unwrap_or_default().to_string_lossy(), &text);
        }
    }
    println!(
        "{} texts; envfix reads {}, both {}, {} differ",
        compared.texts,
        compared.ours,
        compared.both,
        compared.differ.len()
    );
    assert!(compared.both > 1000, "{} of {}", compared.both, compared.texts);
    assert_eq!(compared.differ, Vec::<String>::new());
}

/// The unpacked corpus, where there is one.
fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("ENVFIX_CORPUS").map(PathBuf::from);
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/corpus/corpus");
    named.or(Some(unpacked)).filter(|folder| folder.join("dockerfiles").is_dir())
}
