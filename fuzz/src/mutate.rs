//! Changes the examples of the patches, of every kind of file, a line or a word at a time.

use envfix::Source;
use envfix::patch::file::Example;

use crate::assemble::{Choices, before, dressed, examples};
use crate::{fixing, policy};

/// Words that decide something somewhere.
const WORDS: [&str; 48] = [
    "pip",
    "conda",
    "python",
    "-U",
    "--upgrade",
    "apt-get",
    "install",
    "update",
    "&&",
    ";",
    "||",
    "|",
    "\\",
    "#",
    "'",
    "\"",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "-",
    "- ",
    "  ",
    "\t",
    "\r",
    "\n",
    "\\\n",
    "<",
    ">",
    "=",
    "==",
    "$",
    "${A}",
    "<<E",
    "null",
    "false",
    "true",
    "spark",
    "packages",
    "\u{a0}",
    "é",
    "*a",
    "&a ",
    "!!str ",
];

/// Fixes a changed example, with its log where it has one.
pub fn run(choices: &mut Choices<'_, '_>) {
    let all = examples();
    let example = &all[choices.roll(all.len())];
    let selector = choices.roll(256) as u8;
    let name = example.file.as_deref().unwrap_or("Dockerfile");
    let mut text = before(example).to_owned();
    for _ in 0..1 + choices.roll(6) {
        text = change(choices, text, all);
    }
    text = dressed(choices, text);
    let beside = example.context.iter().map(|(name, text)| {
        let text = if choices.one_in(4) { change(choices, text.clone(), all) } else { text.clone() };
        (name.clone(), Source::from_text(name, text))
    });
    let mut files: Vec<(String, Source)> = beside.collect();
    files.insert(0, (name.to_owned(), Source::from_text(name, text)));
    if std::env::var_os("ENVFIX_FUZZ_SHOW").is_some() {
        files.iter().for_each(|(name, source)| eprintln!("==> {name}\n{}", source.text()));
    }
    let log =
        example.log.as_ref().map(|log| if choices.one_in(4) { change(choices, log.clone(), all) } else { log.clone() });
    let mut policy = policy(selector);
    policy.allow_unsafe |= example.r#unsafe;
    fixing::fixes(&files, log.as_ref().map(String::as_bytes), &policy);
}

fn change(choices: &mut Choices<'_, '_>, text: String, all: &[Example]) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = choices.roll(lines.len());
    match choices.roll(9) {
        0 if at < lines.len() => {
            lines.remove(at);
        }
        1 if at < lines.len() => lines.insert(at, lines[at]),
        2 if at < lines.len() => {
            let other = choices.roll(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let other = before(&all[choices.roll(all.len())]);
            let other: Vec<&str> = other.split_inclusive('\n').collect();
            if !other.is_empty() {
                lines.insert(at.min(lines.len()), other[choices.roll(other.len())]);
            }
        }
        4 => lines.insert(
            at.min(lines.len()),
            choices.pick(&["\n", "# c\n", "  # c\n", "# envfix: skip=timeouts\n", "\\\n", "  \n"]),
        ),
        _ => {
            // Somewhere in the text: a word goes in, or a few characters out.
            let place = boundary(&text, choices.roll(text.len() + 1));
            let taken = if choices.one_in(2) { choices.roll(8) } else { 0 };
            let end = boundary(&text, (place + taken).min(text.len()));
            let word = if choices.one_in(4) { "" } else { choices.pick(&WORDS) };
            return format!("{}{word}{}", &text[..place], &text[end..]);
        }
    }
    lines.concat()
}

fn boundary(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
