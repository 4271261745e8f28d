//! Which tool a command calls, and named questions about the call.
//!
//! [`tool`] strips what only wraps another command (`sudo`, `env`, `conda run`, …) and reads the arguments by the rules
//! of the tool that is left. Everything points at words of the [`Command`] by their index, so that a caller can
//! edit the word it means. Nothing is expanded: a variable stays in the texts as it is written.

mod apt;
mod conda;
mod files;
mod get_pip;
mod nested;
mod options;
mod pip;
mod python;
mod requirement;
mod uv;
mod wrapper;

use std::borrow::Cow;
use std::sync::Arc;

pub use apt::{Apt, AptPackage};
pub use conda::{Conda, ConfigAction, ConfigSetting, Environment, Spec};
pub use files::{Activation, Link, Venv, cleans_apt_lists, links, makes_venv, sources_activate};
pub use get_pip::{Fetched, GetPip, as_get_pip, get_pip_in, get_pips_fetched, is_get_pip};
pub use nested::nested;
pub use options::Opt;
pub use pip::Pip;
pub use python::{PythonRun, Ran};
pub use requirement::{Requirement, RequirementKind, normalise};
pub use uv::Uv;
pub use wrapper::{Call, Wrapper, WrapperKind};

use super::word::{Keep, decode_keeping};
use super::{Command, Word};

/// The tool that a command calls.
#[derive(Clone, Debug)]
pub enum Tool {
    /// `pip`, by its own name or as a module of Python.
    Pip(Pip),
    /// `get-pip.py`, run as a file (see [`get_pip_in`] for the other ways).
    GetPip(GetPip),
    /// `uv`.
    Uv(Uv),
    /// `conda`, `mamba` or `micromamba`.
    Conda(Conda),
    /// `apt-get`, `apt` or `aptitude`.
    Apt(Apt),
    /// Python with a script, a module, code, or its standard input.
    Python(PythonRun),
    /// Anything else, a name that a variable holds included.
    Other,
}

/// The tool that a command calls.
#[must_use]
pub fn tool(command: &Command) -> &Tool {
    command.read.tool.get_or_init(|| Box::new(read(Call::of(command))))
}

fn read(call: &Arc<Call>) -> Tool {
    let Some(name) = call.name() else { return Tool::Other };
    if let Some(python) = PythonRun::read(call, name) {
        return match &python.ran {
            Ran::Module { name, .. } if name == "pip" => Tool::Pip(Pip::of_python(&python)),
            Ran::Module { name, .. } if name == "uv" => Tool::Uv(Uv::read(call, python.arguments)),
            Ran::Script { name, .. } if get_pip::is_get_pip(name) => Tool::GetPip(GetPip::of_python(&python)),
            _ => Tool::Python(python),
        };
    }
    let arguments = call.program + 1;
    match name {
        name if pip::is_pip(name) => Tool::Pip(Pip::read(call, None, arguments)),
        "uv" => Tool::Uv(Uv::read(call, arguments)),
        "conda" | "mamba" | "micromamba" => Tool::Conda(Conda::read(call, name)),
        "apt-get" | "apt" | "aptitude" => Tool::Apt(Apt::read(call)),
        _ => Tool::Other,
    }
}

/// A word for looking at: without its quotes, globs and plain parameters left as they are written; raw where
/// something else expands in it.
fn said(word: &Word) -> Cow<'_, str> {
    if let Some(value) = &word.value {
        return Cow::Borrowed(value);
    }
    let decoded = decode_keeping(&word.raw, Keep::All);
    if decoded.expands { Cow::Borrowed(&word.raw) } else { Cow::Owned(decoded.text) }
}

/// Whether something expands in a word other than a glob.
fn expands(word: &Word) -> bool {
    word.value.is_none() && super::word::decode(&word.raw).expands
}

/// What stands behind the last `/`.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a name is `prefix` and a version: `python3.11`, `pip3`, `pip`.
fn is_versioned(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

#[cfg(test)]
mod tests;
