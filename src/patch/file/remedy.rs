//! What to do: what a patch file says under `remedy`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Setting;
use super::suspect::{Downloader, KeyTest};

/// One branch of a remedy: it ensures something, or advises, or leaves the place alone for a reason.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Branch {
    /// The facts it needs.
    #[serde(default)]
    pub when: Conditions,
    /// How safe it is. Needed with `ensure`.
    #[serde(default)]
    pub safety: Option<Safety>,
    /// Why it does what it does, and why it is as safe as it says.
    #[serde(default)]
    pub because: Option<String>,
    /// What holds afterwards.
    #[serde(default, with = "serde_yaml::with::singleton_map_recursive")]
    #[schemars(with = "Vec<Operation>")]
    pub ensure: Vec<Operation>,
    /// What a person has to do; `{name}` stands for a value or a fact.
    #[serde(default)]
    pub advice: Option<String>,
    /// Nothing is to be done or said, for this reason.
    #[serde(default)]
    pub leave: Option<String>,
}

/// How safe a fix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Only the documented change, and its preconditions remove what could break a build that works today.
    Safe,
    /// It may change what gets installed or how.
    Unsafe,
}

/// Facts that a branch needs. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Conditions {
    /// The distribution's release is in one of these ranges: `debian 10 - 12`, `ubuntu >= 24.04`, `alpine`.
    #[serde(default)]
    pub release: Vec<String>,
    /// The release's packages can still be fetched from the mirrors that its image names.
    #[serde(default)]
    pub mirrors_live: Option<bool>,
    /// The version of the Python concerned: `>= 3.12`, `< 3.10`.
    #[serde(default)]
    pub python_version: Option<String>,
    /// What kind of Python is concerned.
    #[serde(default)]
    pub python: Vec<PythonKind>,
    /// The Python refuses `pip install` outside a virtual environment (PEP 668), and nothing in force overrides it.
    #[serde(default)]
    pub externally_managed: Option<bool>,
    /// The table names a pip for the Python concerned (and for a conda environment, its channel).
    #[serde(default)]
    pub pip_pin: Option<bool>,
    /// Every pip option used later in the stage, or in one that derives from it, is known to that pip.
    #[serde(default)]
    pub pip_pin_knows_later_options: Option<bool>,
    /// The Python of the conda environment is pinned to one minor version.
    #[serde(default)]
    pub python_pinned: Option<bool>,
    /// The timeout is set by something that cannot be read, or that a variable would override.
    #[serde(default)]
    pub timeout_set_elsewhere: Option<bool>,
    /// The environment is one of Azure ML's own, which only they can change.
    #[serde(default)]
    pub curated: Option<bool>,
    /// `envfix.toml` sets this value, which has none by itself.
    #[serde(default)]
    pub value_set: Option<String>,
    /// It is known which command of the instruction that failed is meant.
    #[serde(default)]
    pub failing_command_known: Option<bool>,
    /// The channel that decides which pip the conda environment gets is one of these.
    #[serde(default)]
    pub channel: Vec<String>,
    /// It is known which package brings the command that the log names.
    #[serde(default)]
    pub package_known: Option<bool>,
    /// The key of a definition that the finding is about is, or should be, one of these.
    #[serde(default)]
    pub key: Vec<String>,
    /// The misspelt key that the finding is about is there in its right spelling as well.
    #[serde(default)]
    pub right_key_too: Option<bool>,
    /// Keys of the definition, and what each must be: one of the tests given.
    #[serde(default, with = "serde_yaml::with::singleton_map_recursive")]
    #[schemars(with = "BTreeMap<String, Vec<KeyTest>>")]
    pub keys: BTreeMap<String, Vec<KeyTest>>,
}

/// What kind of Python answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PythonKind {
    /// The distribution's, in `/usr`.
    System,
    /// conda's.
    Conda,
    /// The one in `/usr/local` of the official `python` images.
    Official,
    /// A virtual environment's.
    Venv,
}

/// The vocabulary of remedies. Each is an idempotent *ensure*.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// These variables are set before the first command of the stage that downloads with the tool named.
    Environment(Vec<Variable>),
    /// The variable that stands too low has this value.
    RaiseVariable(Setting),
    /// The option that gives pip its timeout has this value.
    RaisePipTimeout(Setting),
    /// These packages are installed together with the apt Python concerned.
    AptPackages(Vec<String>),
    /// These commands have run, as root, in a `RUN` of their own before the instruction concerned.
    RunBefore(Vec<String>),
    /// This command exists once the apt Python concerned is installed.
    CommandExists(Link),
    /// pip is installed in this version.
    PinPip(String),
    /// The conda environment lists this dependency before its `- pip:` map.
    ListPip(String),
    /// The conda environment's bare `pip` has this version.
    PinListedPip(String),
    /// The key of the definition has this value; it is added where it is missing.
    SetKey(KeyValue),
    /// The definition does not have this key.
    RemoveKey(String),
    /// The misspelt key has the name that the client reads.
    SpellKey,
    /// pip has run with these arguments right before the failing command, called as that command calls it. What the log
    /// names goes in as `{name}`.
    PipBefore(Vec<String>),
    /// The failing pip has this option.
    PipOption(String),
    /// The failing command has another word for the one that the log names.
    ReplaceWord(Replacement),
    /// The program sets `spark.precache_packages = False` before it uses the environment.
    PrecacheOff,
    /// The requirement of the pip section has the operator that pip knows: `==` for `=`.
    SpellOperator,
    /// The dependency of the conda environment is written as conda reads it: `python=3.11` for `python: 3.11`.
    SpellDependency,
    /// The conda environment lists these channels; they are added where it has no list of channels.
    AddChannels(Vec<String>),
    /// The requirement is quoted, so that the shell sees no redirection in it.
    QuoteRequirement,
    /// apt-get fetches the package lists right before the command.
    UpdateBefore,
    /// `conda create` is `conda env create`.
    EnvCreate,
    /// curl follows redirections.
    FollowRedirects,
    /// conda is asked for in this version or a newer one.
    RaiseConda(Setting),
    /// The comment behind the arguments stands on a line of its own above the instruction.
    CommentAbove,
    /// The stage starts from this image.
    BaseImage(String),
    /// The instruction has the keyword that it is nearly written as.
    SpellKeyword,
    /// The no-break spaces of the instruction are blanks.
    PlainBlanks,
    /// The file is written in UTF-8.
    SaveAsUtf8,
}

/// A key of a definition and its value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeyValue {
    /// The key by its path: `spark.precachePackages`.
    pub key: String,
    /// `true`, `false`, `null` or a text; `{name}` stands for a value or a fact.
    pub value: Option<Plain>,
}

/// `true`, `false` or a text.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Plain {
    /// `true` or `false`
    Bool(bool),
    /// A text.
    Text(String),
}

/// A variable, its value and the tool that reads it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `{name}` stands for a value of the patch.
    pub value: Setting,
    /// Set only where the stage downloads with this tool.
    pub read_by: Downloader,
}

/// A word of a command, and what stands in its place. What the log names goes in as `{name}`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Replacement {
    /// The word, without its quotes.
    pub from: String,
    /// The word that takes its place, in the quotes of the first.
    pub to: String,
}

/// A command made by a symbolic link.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The command.
    pub name: String,
    /// What the link points at.
    pub link_to: String,
}
