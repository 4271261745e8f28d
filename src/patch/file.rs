//! The patch file: one documented remedy, as a person writes it in YAML.
//!
//! A patch has *cases*. A case says when to suspect the fault (`suspect`) and what to do then (`remedy`): the
//! branches of the remedy are tried in order and the first whose conditions hold decides. A `safe` branch needs
//! every fact it asks for to be known; an `unsafe` one is content with plausible values. An unknown fact satisfies
//! neither, so that a remedy always ends in a branch without conditions that explains what would have to be known.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One documented remedy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Patch {
    /// Its name: lower-case words joined by `-`. A patch with the id of a built-in one takes its place.
    pub id: String,
    /// What it does, as a short imperative sentence.
    pub title: String,
    /// Where the remedy is documented.
    pub document: Document,
    /// What a failing build prints when this remedy is called for, as it stands in the log.
    #[serde(default)]
    pub symptoms: Vec<String>,
    /// Values that the remedy uses as `{name}`, with their defaults; `[values]` in `envfix.toml` sets them.
    #[serde(default)]
    pub values: BTreeMap<String, Setting>,
    /// When to suspect the fault, and what to do.
    pub cases: Vec<Case>,
    /// Its documentation and its tests. At least as many `unchanged` as `before`.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// Where a remedy is documented.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// The section's heading in the article "Troubleshoot environment image builds".
    pub section: String,
    /// What the section says, in a sentence or two of our own.
    pub says: String,
    /// Where the article must not be followed to the letter, and why.
    #[serde(default)]
    pub caution: Option<String>,
}

/// A number or a text that a remedy writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// A whole number, such as seconds.
    Number(u64),
    /// A text, such as a version.
    Text(String),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Number(number) => write!(f, "{number}"),
            Setting::Text(text) => f.write_str(text),
        }
    }
}

/// When to suspect a fault, and what to do then.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// The first of these that holds makes the finding.
    pub suspect: Vec<Suspect>,
    /// The first of these whose conditions hold decides.
    pub remedy: Vec<Branch>,
}

/// One ground for suspicion: exactly one of `fault`, `hardening` and `asked`, and exactly one of the places.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Suspect {
    /// This build fails or will fail: the sentence that the report says.
    #[serde(default)]
    pub fault: Option<String>,
    /// The document recommends it and nothing has failed yet: the sentence that the report says.
    #[serde(default)]
    pub hardening: Option<String>,
    /// Nobody needs it who does not ask for it by naming the patch (`--only`): the sentence that the report says.
    #[serde(default)]
    pub asked: Option<String>,
    /// Looks at every stage of a Dockerfile.
    #[serde(default)]
    pub stage: Option<StageCondition>,
    /// Looks at every command in the `RUN`s of a Dockerfile.
    #[serde(default)]
    pub command: Option<CommandCondition>,
    /// Looks at a conda environment YAML.
    #[serde(default)]
    pub conda_environment: Option<CondaCondition>,
    /// Looks at every environment that a definition of Azure ML holds: `azureml_environment.json`, a runconfig, a YAML
    /// of CLI v2.
    #[serde(default)]
    pub definition: Option<DefinitionCondition>,
    /// Looks at every environment that a Python file or a notebook makes with SDK v1.
    #[serde(default)]
    pub script: Option<ScriptCondition>,
}

/// What must hold of a stage. Every key given must hold, for certain.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StageCondition {
    /// It downloads with one of these tools.
    #[serde(default)]
    pub downloads_with: Vec<Downloader>,
    /// With `downloads-with`: only downloads that wait as long as the tool waits by default, which no variable and no
    /// option changes.
    #[serde(default)]
    pub by_default_timeout: bool,
    /// apt-get installs this Python in the stage itself.
    #[serde(default)]
    pub installs: Option<AptPython>,
    /// The Python that apt-get installed, here or in a parent stage, lacks this module. With `runs` it is asked at
    /// the command that needs the module; without, at the end of the stage and of every stage that derives from it.
    #[serde(default)]
    pub lacks_module: Option<Module>,
    /// A command of the stage needs one of these.
    #[serde(default)]
    pub runs: Vec<Need>,
    /// Nothing in the image answers to this command: known, not assumed.
    #[serde(default)]
    pub lacks_command: Option<String>,
    /// A variable that stands below this value.
    #[serde(default)]
    pub sets_below: Option<Threshold>,
}

/// A tool that downloads packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Downloader {
    /// pip, by any name.
    Pip,
    /// conda, or mamba 1.x, which reads conda's settings.
    Conda,
}

/// Which Python an `apt-get install` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AptPython {
    /// `python3`: the distribution's own.
    Distribution,
    /// The distribution's own, which no command names: another package brought it along. Only with `runs`.
    AlongWithOthers,
    /// None: the image is known to have no Python at all. Only with `runs`.
    Nowhere,
    /// `python3.N` of the deadsnakes archive.
    Deadsnakes,
}

/// A module of Python's standard library that distributions package by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Module {
    /// `distutils`
    Distutils,
}

/// What a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Runs `get-pip.py` (which imports distutils before Python 3.10).
    GetPip,
    /// Runs a `setup.py`.
    SetupPy,
    /// Runs a script or a snippet that imports distutils.
    ImportsDistutils,
    /// Calls `python`.
    Python,
}

/// A variable and the least value it is to have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Threshold {
    /// The variable's name.
    pub variable: String,
    /// The value below which it is too low; `{name}` stands for a value of the patch.
    pub value: Setting,
}

/// What must hold of a command. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandCondition {
    /// It installs the newest pip there is: a requirement `pip` without a version that is upgraded, get-pip.py
    /// without a pip among its requirements, or `conda install pip`.
    #[serde(default)]
    pub installs_newest_pip: Vec<PipInstaller>,
    /// It runs the newest `get-pip.py`, which refuses its Python.
    #[serde(default)]
    pub get_pip_refuses: bool,
    /// It is a pip that gives itself a shorter timeout than this, in seconds.
    #[serde(default)]
    pub pip_timeout_below: Option<Setting>,
}

/// What installs a pip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipInstaller {
    /// `pip install --upgrade pip`, in any spelling.
    Pip,
    /// `python get-pip.py`
    GetPip,
    /// `conda install pip`
    Conda,
}

/// What must hold of a conda environment. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CondaCondition {
    /// It has a `- pip:` map.
    #[serde(default)]
    pub has_pip_map: Option<bool>,
    /// How pip is listed among the conda dependencies.
    #[serde(default)]
    pub pip: Option<PipListed>,
}

/// What must hold of a definition. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DefinitionCondition {
    /// What it is written for; any, when none is given.
    #[serde(default)]
    pub format: Vec<DefinitionFormat>,
    /// Its keys by their path (`spark.packages`), and what each must be: one of the tests given.
    #[serde(default, with = "serde_yaml::with::singleton_map_recursive")]
    #[schemars(with = "BTreeMap<String, Vec<KeyTest>>")]
    pub keys: BTreeMap<String, Vec<KeyTest>>,
    /// It has a key that the client does not read, and would with other capitals or another separator. Every such key
    /// is a finding of its own.
    #[serde(default)]
    pub misspelt_key: bool,
    /// It has a key at its top that the client does not know, and that is none of these. Every such key is a finding of
    /// its own.
    #[serde(default)]
    pub unknown_key_besides: Option<Vec<String>>,
    /// Where the Dockerfile of its build context is.
    #[serde(default)]
    pub dockerfile: Vec<DockerfilePlace>,
    /// Whether it is a file of its own, and not written inside a job, a component or a deployment.
    #[serde(default)]
    pub file_of_its_own: Option<bool>,
    /// None of these files lies beside it, by name. Of a text that comes from no folder this is not known, and does not
    /// hold.
    #[serde(default)]
    pub not_beside: Vec<String>,
    /// The key that the report points at; without it, the first of `keys` that is there.
    #[serde(default)]
    pub at: Option<String>,
}

/// What must hold of an environment that a program makes. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScriptCondition {
    /// Whether the program puts packages into its `spark.packages`.
    #[serde(default)]
    pub adds_spark_packages: Option<bool>,
    /// Whether its `spark.precache_packages` is on, as it is unless a program switches it off.
    #[serde(default)]
    pub precaches: Option<bool>,
}

/// What a definition is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefinitionFormat {
    /// `azureml_environment.json` of SDK v1.
    SdkV1,
    /// The `environment:` of a runconfig of SDK v1.
    Runconfig,
    /// CLI v2.
    CliV2,
}

/// A test of the value of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyTest {
    /// The key is not there, nor is it misspelt.
    Missing,
    /// `null`, or nothing behind the colon.
    Nothing,
    /// An empty text, list or map.
    Empty,
    /// Anything but `null` and what is empty.
    Filled,
    /// The client takes it for true: also the text `"false"`.
    On,
    /// The client takes it for false, and it is not `null`.
    Off,
    /// A text that begins so; capitals do not matter.
    BeginsWith(Vec<String>),
    /// A text that begins in none of these ways; capitals do not matter.
    BeginsOtherwise(Vec<String>),
    /// A text with more characters than this.
    LongerThan(usize),
    /// The name of an image without a tag and without a digest.
    ImageWithoutTag,
    /// The name of one of these images, with any tag or digest: `mcr.microsoft.com/azureml/base`.
    ImageNamed(Vec<String>),
    /// A map that has other keys than these.
    HasKeysBesides(Vec<String>),
}

/// Where the Dockerfile of a build context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DockerfilePlace {
    /// Where the definition says.
    There,
    /// Not there, but where the same path leads from the definition's own folder.
    NamedFromDefinition,
    /// Not there, but the context has exactly one other Dockerfile.
    OtherName,
    /// Not in the context.
    Missing,
    /// The context is not there.
    NoContext,
}

/// How a conda environment lists pip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipListed {
    /// Not at all, by conda's own rule.
    Missing,
    /// Without a version, before the `- pip:` map.
    Bare,
}

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
    /// The program sets `spark.precache_packages = False` before it uses the environment.
    PrecacheOff,
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

/// A command made by a symbolic link.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The command.
    pub name: String,
    /// What the link points at.
    pub link_to: String,
}

/// An example: `before` with `after`, or `unchanged`. The text is a Dockerfile, or what the name in `file` says.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Example {
    /// The name of the file that the text stands for.
    #[serde(default)]
    pub file: Option<String>,
    /// What the file holds before.
    #[serde(default)]
    pub before: Option<String>,
    /// What it holds after.
    #[serde(default)]
    pub after: Option<String>,
    /// A file that stays as it is.
    #[serde(default)]
    pub unchanged: Option<String>,
    /// Why; what an `unchanged` example teaches.
    #[serde(default)]
    pub because: Option<String>,
    /// A part of the advice that the report gives.
    #[serde(default)]
    pub advice: Option<String>,
    /// Whether unsafe fixes are asked for.
    #[serde(default)]
    pub r#unsafe: bool,
    /// Whether a person names the patch (`--only`).
    #[serde(default)]
    pub asked: bool,
    /// Whether a definition makes Azure ML append a conda step to the Dockerfile.
    #[serde(default)]
    pub conda_step_appended: bool,
    /// Other files of the build context, by name.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
}
