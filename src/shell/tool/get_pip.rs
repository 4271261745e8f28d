//! Installing pip with `get-pip.py`.

use std::sync::Arc;

use super::super::{Command, Operator, Script};
use super::options::Opt;
use super::pip::INSTALL_ARGUMENTS;
use super::python::{PythonRun, Ran};
use super::requirement::{Requirement, normalise};
use super::wrapper::Call;
use super::{Tool, base_name, said, tool};

/// A run of `get-pip.py`.
#[derive(Clone, Debug)]
pub struct GetPip {
    /// The call of Python.
    pub call: Arc<Call>,
    /// The index of the interpreter's word.
    pub interpreter: usize,
    /// The index of the script's word; `None` where Python reads its standard input.
    pub script: Option<usize>,
    /// Its options, which are those of `pip install` and `--no-setuptools`, `--no-wheel`.
    pub options: Vec<Opt>,
    /// Requirements such as `pip==20.3.4`, which is a pin.
    pub requirements: Vec<Requirement>,
    /// The index of the first word behind the script: where an argument can be put.
    pub arguments: usize,
    /// Where the script is fetched from, if a command of the same text does that.
    pub fetched: Option<Fetched>,
}

/// The word of a command that names `get-pip.py`'s address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The index of the command in [`Script::commands`].
    pub command: usize,
    /// The index of its word.
    pub word: usize,
    /// The address as written.
    pub url: String,
}

impl GetPip {
    pub(super) fn of_python(python: &PythonRun) -> Self {
        let words = python.call.words();
        let read = INSTALL_ARGUMENTS.read(words, python.arguments);
        let script = if let Ran::Script { word, .. } = &python.ran { Some(*word) } else { None };
        GetPip {
            call: Arc::clone(&python.call),
            interpreter: python.interpreter,
            script,
            options: read.options,
            requirements: read.operands.iter().filter_map(|index| Requirement::read(words, *index)).collect(),
            arguments: python.arguments,
            fetched: None,
        }
    }

    /// What it is asked to install under a name: `pip==20.3.4`.
    #[must_use]
    pub fn requirement(&self, name: &str) -> Option<&Requirement> {
        let name = normalise(name);
        self.requirements.iter().find(|requirement| requirement.name.as_ref() == Some(&name))
    }
}

/// A command read as a run of `get-pip.py`, whatever the file is called: for one that [`get_pip_in`] found.
#[must_use]
pub fn as_get_pip(command: &Command) -> Option<GetPip> {
    let call = Call::of(command);
    let name = call.name()?;
    PythonRun::read(call, name).map(|python| GetPip::of_python(&python))
}

/// The addresses of `get-pip.py` that the commands of a text fetch.
#[must_use]
pub fn get_pips_fetched(script: &Script) -> Vec<String> {
    let commands = script.commands.iter().enumerate();
    commands.filter_map(|(index, command)| Some(fetch(command, index)?.0.url)).collect()
}

/// Whether a path or an address is `get-pip.py`'s.
#[must_use]
pub fn is_get_pip(path: &str) -> bool {
    let name = base_name(path).to_ascii_lowercase();
    (name.starts_with("get-pip") || name.starts_with("get_pip")) && name.ends_with(".py")
}

/// Every run of `get-pip.py` in a text, with the index of its command: as a file, under whatever name a command of the
/// text saved it, and from a pipe, as in `curl … | python3 -`.
#[must_use]
pub fn get_pip_in(script: &Script) -> Vec<(usize, GetPip)> {
    let mut out = Vec::new();
    let mut fetched: Option<(Fetched, Vec<String>)> = None;
    let mut piped = false;
    for (index, command) in script.commands.iter().enumerate() {
        if command.before != Some(Operator::Pipe) {
            piped = false;
        }
        if let Some(fetch) = fetch(command, index) {
            piped = command.after == Some(Operator::Pipe);
            fetched = Some(fetch);
            continue;
        }
        let found = match tool(command) {
            Tool::GetPip(found) => Some(found.clone()),
            Tool::Python(python) => match (&python.ran, &fetched) {
                (Ran::Stdin, Some(_)) if piped => Some(GetPip::of_python(python)),
                (Ran::Script { name, .. }, Some((_, saved))) if saved.iter().any(|path| same_file(path, name)) => {
                    Some(GetPip::of_python(python))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(mut found) = found {
            found.fetched = fetched.as_ref().map(|(fetched, _)| fetched.clone());
            out.push((index, found));
        }
    }
    out
}

fn same_file(one: &str, other: &str) -> bool {
    one.trim_start_matches("./") == other.trim_start_matches("./")
}

/// The address of `get-pip.py` in a command that fetches it, and the names it may be saved under.
fn fetch(command: &Command, index: usize) -> Option<(Fetched, Vec<String>)> {
    let call = Call::of(command);
    if !matches!(call.name()?, "curl" | "wget" | "aria2c" | "axel" | "http") {
        return None;
    }
    let is_address = |text: &str| text.contains("://") || text.starts_with("bootstrap.pypa.io");
    let (word, url) = command.words.iter().enumerate().skip(call.program + 1).find_map(|(word, given)| {
        let text = said(given);
        let path = text.split(['?', '#']).next().unwrap_or("");
        (is_address(&text) && is_get_pip(path)).then(|| (word, text.into_owned()))
    })?;
    let words = command.words.iter().map(|word| said(word).into_owned());
    let targets = command.redirects.iter().map(|redirect| said(&redirect.target).into_owned());
    let saved = words.chain(targets).filter(|text| base_name(text).ends_with(".py") && !is_address(text)).collect();
    Some((Fetched { command: index, word, url }, saved))
}
