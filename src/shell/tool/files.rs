//! Commands that matter by what they do to files: package lists, links, virtual environments.

use super::super::{Command, Word};
use super::options::{Known, Table, last};
use super::python::PythonRun;
use super::wrapper::Call;
use super::{Tool, base_name, said, tool};

/// A link that a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it points to, as written.
    pub target: String,
    /// Its own path, as written; the target's name is added to a folder.
    pub name: String,
    /// The index of the word that holds the target.
    pub word: usize,
}

/// A virtual environment that a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venv {
    /// Its folder, as written.
    pub folder: String,
    /// The Python it is made from, where the command names one: the interpreter that runs `-m venv`, or `-p`.
    pub interpreter: Option<String>,
    /// Whether it sees the packages of that Python.
    pub system_site_packages: bool,
}

/// An environment that a command activates for those behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The script that is read, or `conda`.
    pub script: String,
    /// The environment's name, where it is an argument: `conda activate NAME`, `source activate NAME`.
    pub environment: Option<String>,
}

const LISTS: &str = "/var/lib/apt/lists";

/// Whether a command removes the package lists that `apt-get update` fetched.
#[must_use]
pub fn cleans_apt_lists(command: &Command) -> bool {
    let call = Call::of(command);
    let Some(name) = call.name() else { return false };
    let mut arguments = command.words.iter().skip(call.program + 1);
    match name {
        "rm" => arguments.any(|word| covers_lists(&said(word))),
        "find" => {
            let removes = |word: &Word| word.text() == "-delete" || word.text() == "rm";
            arguments.clone().any(|word| said(word).trim_end_matches('/') == LISTS) && arguments.any(removes)
        }
        "apt-get" | "apt" => matches!(tool(command), Tool::Apt(apt) if apt.is("distclean")),
        _ => false,
    }
}

/// Whether a path as written holds all package lists: the folder, one above it, or everything in it.
fn covers_lists(path: &str) -> bool {
    let path = path.strip_suffix("/*").or_else(|| path.strip_suffix("/**")).unwrap_or(path).trim_end_matches('/');
    // `/var/lib/{apt,dpkg}` is written often.
    if let Some((folders, alternatives)) = path.split_once('{') {
        let Some((alternatives, behind)) = alternatives.split_once('}') else { return false };
        return alternatives.split(',').any(|one| covers_lists(&format!("{folders}{one}{behind}")));
    }
    let path = path.strip_suffix("/*").unwrap_or(path).trim_end_matches('/');
    path == LISTS || path == "/var/lib/apt" || path == "/var/lib" || path == "/var/lib/apt/lists/*"
}

const LN: &[Known] = &[
    Known(&["--symbolic", "-s"], false),
    Known(&["--force", "-f"], false),
    Known(&["--target-directory", "-t"], true),
    Known(&["--suffix", "-S"], true),
    Known(&["--no-target-directory", "-T"], false),
];

/// The links that a command makes: `ln -s A B`, `update-alternatives --install`.
#[must_use]
pub fn links(command: &Command) -> Vec<Link> {
    let call = Call::of(command);
    match call.name() {
        Some("ln") => ln(call),
        Some("update-alternatives" | "alternatives") => alternatives(call),
        _ => Vec::new(),
    }
}

fn ln(call: &Call) -> Vec<Link> {
    let words = call.words();
    let read = Table { known: &[LN], stops: false }.read(words, call.program + 1);
    let text = |index: usize| words.get(index).map(said).unwrap_or_default().into_owned();
    let folder = last(&read.options, "--target-directory").and_then(|option| option.value.clone());
    let (targets, place) = match (&folder, read.operands.as_slice()) {
        (Some(_), targets) => (targets, folder),
        (None, [target]) => (std::slice::from_ref(target), Some(".".to_owned())),
        (None, [targets @ .., name]) => (targets, Some(text(*name))),
        (None, []) => return Vec::new(),
    };
    let Some(place) = place else { return Vec::new() };
    let is_folder = read.operands.len() == 1
        || targets.len() > 1
        || place.ends_with('/')
        || matches!(place.as_str(), "." | "/bin" | "/usr/bin" | "/usr/local/bin" | "/usr/sbin" | "/sbin")
        || last(&read.options, "--target-directory").is_some();
    targets
        .iter()
        .map(|word| {
            let target = text(*word);
            let name = match (is_folder, place.as_str()) {
                (false, _) => place.clone(),
                (true, ".") => base_name(&target).to_owned(),
                (true, _) => format!("{}/{}", place.trim_end_matches('/'), base_name(&target)),
            };
            Link { target, name, word: *word }
        })
        .collect()
}

/// `--install LINK NAME PATH PRIORITY` and `--slave LINK NAME PATH`.
fn alternatives(call: &Call) -> Vec<Link> {
    let words = call.words();
    let text = |index: usize| words.get(index).map(|word| said(word).into_owned());
    let given = words.iter().enumerate().skip(call.program + 1);
    let options = given.filter(|(_, word)| matches!(word.text(), "--install" | "--slave"));
    options
        .filter_map(|(index, _)| Some(Link { name: text(index + 1)?, target: text(index + 3)?, word: index + 3 }))
        .collect()
}

const VENV: &[Known] = &[
    Known(&["--python", "-p"], true),
    Known(&["--prompt"], true),
    Known(&["--system-site-packages"], false),
    Known(&["--pip"], true),
    Known(&["--setuptools"], true),
    Known(&["--wheel"], true),
    Known(&["--seeder"], true),
    Known(&["--app-data"], true),
];

/// The virtual environment that a command makes: `python -m venv DIR`, `virtualenv DIR`, `uv venv DIR`.
#[must_use]
pub fn makes_venv(command: &Command) -> Option<Venv> {
    let call = Call::of(command);
    let name = call.name()?;
    let words = call.words();
    let (from, running) = match (name, PythonRun::read(call, name)) {
        (_, Some(python)) if matches!(python.module(), Some("venv" | "virtualenv")) => {
            (python.arguments, words.get(python.interpreter).map(|word| said(word).into_owned()))
        }
        ("virtualenv" | "pyvenv", _) => (call.program + 1, None),
        ("uv", _) => match tool(command) {
            Tool::Uv(uv) if uv.is(&["venv"]) => (uv.subcommands.first()?.1 + 1, None),
            _ => return None,
        },
        _ => return None,
    };
    let read = Table { known: &[VENV], stops: false }.read(words, from);
    let folder = read.operands.first().and_then(|index| words.get(*index)).map(|word| said(word).into_owned());
    let folder = match folder {
        Some(folder) => folder,
        None if name == "uv" => ".venv".to_owned(),
        None => return None,
    };
    let named = last(&read.options, "--python").and_then(|option| option.value.clone());
    let system_site_packages = last(&read.options, "--system-site-packages").is_some();
    Some(Venv { folder, interpreter: named.or(running), system_site_packages })
}

/// The environment that a command activates: `. venv/bin/activate`, `source activate NAME`, `conda activate NAME`.
#[must_use]
pub fn sources_activate(command: &Command) -> Option<Activation> {
    let text = |index: usize| command.words.get(index).map(|word| said(word).into_owned());
    let first = text(0)?;
    let second = text(1)?;
    let activates = match first.as_str() {
        "." | "source" => base_name(&second) == "activate",
        "conda" | "mamba" | "micromamba" => second == "activate",
        _ => false,
    };
    let script = if second == "activate" && first != "." && first != "source" { first } else { second };
    activates.then(|| Activation { script, environment: text(2) })
}
