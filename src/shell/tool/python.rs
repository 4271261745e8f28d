//! Calls of a Python interpreter.

use std::sync::Arc;

use super::super::Word;
use super::wrapper::Call;
use super::{base_name, is_versioned, said};

/// A call of Python.
#[derive(Clone, Debug)]
pub struct PythonRun {
    /// The call.
    pub call: Arc<Call>,
    /// The index of the interpreter's word, as in `/usr/bin/python3.11`.
    pub interpreter: usize,
    /// What it runs.
    pub ran: Ran,
    /// The index of the first argument behind what it runs.
    pub arguments: usize,
}

/// What Python runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// `-m module`.
    Module {
        /// The module.
        name: String,
        /// The index of the word that names it.
        word: usize,
    },
    /// `-c code`.
    Code {
        /// The code, variables left as they are written.
        code: String,
        /// The index of the word that holds it.
        word: usize,
    },
    /// A file.
    Script {
        /// Its path as written.
        name: String,
        /// The index of its word.
        word: usize,
    },
    /// Its standard input: `-`, or nothing.
    Stdin,
    /// Nothing: `--version` and its like.
    Nothing,
}

impl PythonRun {
    pub(super) fn read(call: &Arc<Call>, name: &str) -> Option<Self> {
        if !is_python(name) {
            return None;
        }
        let words = call.words();
        let mut at = call.program + 1;
        let mut nothing = false;
        let done =
            |ran, arguments| Some(PythonRun { call: Arc::clone(call), interpreter: call.program, ran, arguments });
        while let Some(word) = words.get(at) {
            let text = said(word);
            if text == "-" {
                return done(Ran::Stdin, at + 1);
            }
            if !text.starts_with('-') {
                return done(Ran::Script { name: text.into_owned(), word: at }, at + 1);
            }
            at += 1;
            if text.starts_with("--") {
                nothing |= matches!(text.as_ref(), "--version" | "--help");
                at += usize::from(text == "--check-hash-based-pycs");
                continue;
            }
            for (offset, letter) in text.char_indices().skip(1) {
                if !matches!(letter, 'm' | 'c' | 'W' | 'X') {
                    nothing |= matches!(letter, 'V' | 'h');
                    continue;
                }
                let glued = text.get(offset + 1..).unwrap_or("");
                let word = if glued.is_empty() { at } else { at - 1 };
                at += usize::from(glued.is_empty());
                if matches!(letter, 'm' | 'c') {
                    let value = if glued.is_empty() { next(words, word)? } else { glued.to_owned() };
                    let ran =
                        if letter == 'm' { Ran::Module { name: value, word } } else { Ran::Code { code: value, word } };
                    return done(ran, at);
                }
                break;
            }
        }
        done(if nothing { Ran::Nothing } else { Ran::Stdin }, words.len())
    }

    /// The module it runs with `-m`.
    #[must_use]
    pub fn module(&self) -> Option<&str> {
        match &self.ran {
            Ran::Module { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The path of the script it runs.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        match &self.ran {
            Ran::Script { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it runs a file of this name, in whatever folder.
    #[must_use]
    pub fn runs_file(&self, name: &str) -> bool {
        self.script().is_some_and(|script| base_name(script) == name)
    }
}

/// Whether a program's name is a Python's.
pub(super) fn is_python(name: &str) -> bool {
    is_versioned(name, "python") || is_versioned(name, "pypy")
}

fn next(words: &[Word], index: usize) -> Option<String> {
    words.get(index).map(|word| said(word).into_owned())
}
