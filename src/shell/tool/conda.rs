//! Calls of conda, mamba and micromamba.

use std::sync::Arc;

use super::super::Word;
use super::options::{Known, Opt, Table, last};
use super::wrapper::Call;
use super::{expands, said};

/// A call of conda or of a program that takes its place.
#[derive(Clone, Debug)]
pub struct Conda {
    /// The call.
    pub call: Arc<Call>,
    /// `conda`, `mamba` or `micromamba`.
    pub program: String,
    /// The sub-command, `env create` and the like as one: `install`, `create`, `env update`, `config`.
    pub subcommand: Option<String>,
    /// The indices of the sub-command's words.
    pub subcommand_words: Vec<usize>,
    /// Its options, those before the sub-command included.
    pub options: Vec<Opt>,
    /// The indices of the words that are no options.
    pub operands: Vec<usize>,
    /// The package specs, where the sub-command takes some.
    pub specs: Vec<Spec>,
}

/// The environment that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// By its name.
    Name(String),
    /// By its folder.
    Prefix(String),
}

/// A package spec on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The index of its word.
    pub word: usize,
    /// The channel before `::`.
    pub channel: Option<String>,
    /// The package's name, in lower case; `None` where only the shell knows it, and for files and URLs.
    pub name: Option<String>,
    /// What limits its version and build, with its operator: `=3.8`, `>=20,<21`, `==1.2=py38_0`.
    pub version: Option<String>,
    /// The spec without quotes, variables left as they are written.
    pub raw: String,
    /// Whether it holds a variable or a substitution.
    pub expands: bool,
}

/// A setting that `conda config` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSetting {
    /// What is done.
    pub action: ConfigAction,
    /// The key.
    pub key: String,
    /// The value as written; `None` for `--remove-key`.
    pub value: Option<String>,
    /// The index of the word that holds the key.
    pub word: usize,
    /// Whether it is written to the installation's `.condarc`, not to the user's.
    pub system: bool,
}

/// What `conda config` does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigAction {
    /// `--set`
    Set,
    /// `--append`
    Append,
    /// `--prepend`, `--add`
    Prepend,
    /// `--remove`, `--remove-key`
    Remove,
}

const COMMON: &[Known] = &[
    Known(&["--name", "-n"], true),
    Known(&["--prefix", "-p"], true),
    Known(&["--channel", "-c"], true),
    Known(&["--file"], true),
    Known(&["--solver", "--experimental-solver"], true),
    Known(&["--repodata-fn"], true),
    Known(&["--clone"], true),
    Known(&["--subdir", "--platform"], true),
    Known(&["--revision"], true),
    Known(&["--root-prefix", "-r"], true),
    Known(&["--rc-file"], true),
    Known(&["--cwd"], true),
    Known(&["--yes", "-y"], false),
    Known(&["--quiet", "-q"], false),
    Known(&["--verbose", "-v"], false),
    Known(&["--override-channels"], false),
    Known(&["--insecure", "-k"], false),
    Known(&["--offline"], false),
    Known(&["--dry-run", "-d"], false),
    Known(&["--all"], false),
    Known(&["--prune"], false),
    Known(&["--force"], false),
    Known(&["--help", "-h"], false),
];
const FILE: &[Known] = &[Known(&["--file", "-f"], true)];
const FORCE: &[Known] = &[Known(&["--force", "-f"], false)];
const MICROMAMBA: &[Known] = &[Known(&["--channel-priority"], true), Known(&["--category"], true)];
const CLEAN: &[Known] = &[
    Known(&["--all", "-a"], false),
    Known(&["--index-cache", "-i"], false),
    Known(&["--packages", "-p"], false),
    Known(&["--tarballs", "-t"], false),
    Known(&["--lock", "-l"], false),
    Known(&["--source-cache", "-s"], false),
    Known(&["--tempfiles", "-c"], false),
    Known(&["--force-pkgs-dirs", "-f"], false),
    Known(&["--yes", "-y"], false),
    Known(&["--quiet", "-q"], false),
    Known(&["--dry-run", "-d"], false),
];
const CONFIG: &[Known] = &[
    Known(&["--file"], true),
    Known(&["--name", "-n"], true),
    Known(&["--prefix", "-p"], true),
    Known(&["--set"], true),
    Known(&["--append"], true),
    Known(&["--prepend", "--add"], true),
    Known(&["--remove"], true),
    Known(&["--remove-key"], true),
    Known(&["--system"], false),
    Known(&["--env"], false),
    Known(&["--get"], false),
    Known(&["--show"], false),
];

impl Conda {
    pub(super) fn read(call: &Arc<Call>, program: &str) -> Self {
        let words = call.words();
        let before = Table { known: &[COMMON, MICROMAMBA], stops: true }.read(words, call.program + 1);
        let text = |index: usize| words.get(index).map(|word| said(word).into_owned());
        let mut at = before.end;
        let mut subcommand = text(at);
        let mut subcommand_words = Vec::new();
        if subcommand.is_some() {
            subcommand_words.push(at);
            at += 1;
        }
        if subcommand.as_deref() == Some("env")
            && let Some(below) = text(at).filter(|below| !below.starts_with('-'))
        {
            subcommand = Some(format!("env {below}"));
            subcommand_words.push(at);
            at += 1;
        }
        let name = subcommand.as_deref().unwrap_or("");
        let known: &'static [&'static [Known]] = match name {
            "clean" => &[CLEAN],
            "config" => &[CONFIG],
            _ if program == "micromamba" => &[FILE, COMMON, MICROMAMBA],
            _ if program == "mamba" || name.starts_with("env") || names_a_file(words, at) => &[FILE, COMMON],
            _ => &[COMMON, FORCE],
        };
        let read = Table { known, stops: false }.read(words, at);
        let takes_specs = matches!(name, "install" | "create" | "update" | "upgrade" | "remove" | "uninstall");
        let specs =
            read.operands.iter().filter(|_| takes_specs).filter_map(|index| Spec::read(words, *index)).collect();
        Conda {
            call: Arc::clone(call),
            program: program.to_owned(),
            subcommand,
            subcommand_words,
            options: before.options.into_iter().chain(read.options).collect(),
            operands: read.operands,
            specs,
        }
    }

    /// Whether this is its sub-command: `"install"`, `"env create"`.
    #[must_use]
    pub fn is(&self, subcommand: &str) -> bool {
        self.subcommand.as_deref() == Some(subcommand)
    }

    /// Whether it installs or updates packages from specs: `install`, `create`, `update`, `upgrade`.
    #[must_use]
    pub fn is_install(&self) -> bool {
        ["install", "create", "update", "upgrade"].iter().any(|name| self.is(name))
    }

    /// The last option of this canonical name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Opt> {
        last(&self.options, name)
    }

    /// The environment it names; where it names none, it works on the active one.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        let value = |name: &str| self.option(name).and_then(|option| option.value.clone());
        value("--prefix").map(Environment::Prefix).or_else(|| value("--name").map(Environment::Name))
    }

    /// The spec of a package.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<&Spec> {
        self.specs.iter().find(|spec| spec.name.as_deref() == Some(name))
    }

    /// The channels it names.
    pub fn channels(&self) -> impl Iterator<Item = &Opt> {
        self.options.iter().filter(|option| option.name == "--channel" && option.value.is_some())
    }

    /// The YAML, text and lock files it reads packages from, with the indices of their words.
    #[must_use]
    pub fn files(&self) -> Vec<(String, usize)> {
        if self.is("config") {
            return Vec::new();
        }
        let by_option = self.options.iter().filter(|option| option.name == "--file");
        let mut files: Vec<_> =
            by_option.filter_map(|option| Some((option.value.clone()?, option.value_word?))).collect();
        if self.is("env create") || self.is("env update") {
            let given = self.operands.iter().filter_map(|index| Some((self.call.words().get(*index)?, *index)));
            files.extend(given.map(|(word, index)| (said(word).into_owned(), index)).filter(|(text, _)| is_file(text)));
        }
        files
    }

    /// Whether it may fetch packages or channel data.
    #[must_use]
    pub fn downloads(&self) -> bool {
        if self.option("--offline").is_some() || self.option("--help").is_some() {
            return false;
        }
        match self.subcommand.as_deref() {
            Some("install" | "update" | "upgrade" | "env create" | "env update" | "search") => true,
            Some("create") => !self.specs.is_empty() || !self.files().is_empty(),
            _ => false,
        }
    }

    /// What `conda config` sets, adds and removes.
    #[must_use]
    pub fn settings(&self) -> Vec<ConfigSetting> {
        if !self.is("config") {
            return Vec::new();
        }
        let system = self.option("--system").is_some();
        let words = self.call.words();
        let mut settings = Vec::new();
        for option in &self.options {
            let action = match option.name.as_str() {
                "--set" => ConfigAction::Set,
                "--append" => ConfigAction::Append,
                "--prepend" => ConfigAction::Prepend,
                "--remove" | "--remove-key" => ConfigAction::Remove,
                _ => continue,
            };
            let (Some(key), Some(word)) = (option.value.clone(), option.value_word) else { continue };
            let value = if option.name == "--remove-key" { None } else { words.get(word + 1).map(said) };
            settings.push(ConfigSetting { action, key, value: value.map(Into::into), word, system });
        }
        settings
    }
}

/// Whether `-f` stands before a file: conda itself knows it for `env` only, but people write `conda create -f x.yml`.
fn names_a_file(words: &[Word], from: usize) -> bool {
    let given = words.iter().skip(from);
    given.clone().zip(given.skip(1)).any(|(option, file)| option.raw == "-f" && is_file(&said(file)))
}

fn is_file(text: &str) -> bool {
    [".yml", ".yaml", ".txt", ".lock", ".json", ".toml"].iter().any(|ending| text.ends_with(ending))
}

impl Spec {
    fn read(words: &[Word], index: usize) -> Option<Self> {
        let word = words.get(index)?;
        Some(Self::of(&said(word), index, expands(word)))
    }

    /// Reads a spec without quotes.
    #[must_use]
    pub fn of(text: &str, word: usize, expands: bool) -> Self {
        let raw = text.trim().to_owned();
        let (channel, rest) = match raw.rsplit_once("::") {
            Some((channel, rest)) => (Some(channel.to_owned()), rest),
            None => (None, raw.as_str()),
        };
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let length = rest.bytes().take_while(|byte| part(*byte)).count();
        let name = rest.get(..length).unwrap_or("").to_ascii_lowercase();
        let behind = rest.get(length..).unwrap_or("").trim();
        let is_package_file = rest.contains('/') || rest.ends_with(".tar.bz2") || rest.ends_with(".conda");
        let is_spec = behind.is_empty() || behind.starts_with(['=', '<', '>', '!', '~', '[']) || rest.contains(' ');
        let name = (!name.is_empty() && is_spec && !is_package_file).then_some(name);
        let version = (name.is_some() && !behind.is_empty()).then(|| behind.to_owned());
        Spec { word, channel, name, version, raw, expands }
    }
}
