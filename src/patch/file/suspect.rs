//! When to suspect a fault: what a patch file says under `suspect`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Setting;
use super::conda::CondaCondition;

/// One ground for suspicion: exactly one of `fault`, `hardening` and `asked`, and exactly one of the places.
///
/// With `logged` it holds only where the log of a failed build is given (`--log`) and shows a symptom of this patch as a
/// cause; what its named groups found can then be used as `{name}` in every text.
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
    /// The log shows this patch as a cause, by one of these of its symptoms; `[]` is any of them.
    #[serde(default)]
    pub logged: Option<Vec<String>>,
    /// Looks at the instruction that failed by the log. Needs `logged`; holds too where the instruction is not known, and
    /// then only branches with advice apply.
    #[serde(default)]
    pub failing: Option<FailingCondition>,
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
    /// Looks at every instruction of a Dockerfile.
    #[serde(default)]
    pub instruction: Option<InstructionCondition>,
    /// Looks at a Dockerfile as a whole.
    #[serde(default)]
    pub dockerfile: Option<DockerfileCondition>,
}

/// What a suspect looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The instruction that failed by the log.
    Failing,
    /// Every stage of a Dockerfile.
    Stage,
    /// Every command in the `RUN`s of a Dockerfile.
    Command,
    /// A conda environment.
    CondaEnvironment,
    /// Every environment of a definition.
    Definition,
    /// Every environment of a program.
    Script,
    /// Every instruction of a Dockerfile.
    Instruction,
    /// A Dockerfile as a whole.
    Dockerfile,
}

impl Place {
    /// All of them.
    pub const ALL: [Place; 8] = [
        Place::Failing,
        Place::Stage,
        Place::Command,
        Place::CondaEnvironment,
        Place::Definition,
        Place::Script,
        Place::Instruction,
        Place::Dockerfile,
    ];
}

impl Suspect {
    /// What it looks at, where it names exactly one place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let given = [
            self.failing.is_some(),
            self.stage.is_some(),
            self.command.is_some(),
            self.conda_environment.is_some(),
            self.definition.is_some(),
            self.script.is_some(),
            self.instruction.is_some(),
            self.dockerfile.is_some(),
        ];
        let mut places = Place::ALL.into_iter().zip(given).filter(|(_, given)| *given);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    }
}

/// What must hold of the instruction that failed by the log.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailingCondition {
    /// The command in it that is meant calls this tool. Where several do, the one that names what the log names.
    #[serde(default)]
    pub runs: Option<FailingTool>,
    /// Where several do and the log names none of them, the first counts: what is done before it holds for all.
    #[serde(default)]
    pub or_first: bool,
}

/// A tool that a failing command calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailingTool {
    /// pip, by any name.
    Pip,
    /// conda or mamba.
    Conda,
    /// apt-get or apt.
    AptGet,
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
    /// It asks pip or conda for a version with a bare `<` or `>`, which the shell takes for a redirection.
    #[serde(default)]
    pub redirects_version: Option<Redirection>,
    /// It is an `apt-get install` in an image whose package lists are known not to be there.
    #[serde(default)]
    pub lacks_package_lists: bool,
    /// It is a `conda create` that is given the YAML of an environment.
    #[serde(default)]
    pub creates_from_yaml: Option<EnvironmentFile>,
    /// It calls conda in an image that is known to have none.
    #[serde(default)]
    pub lacks_conda: bool,
    /// It is a curl that fetches an installer of conda from an address that only redirects, and does not follow.
    #[serde(default)]
    pub fetches_conda_without_redirects: bool,
    /// It brings a conda older than this, by an installer or as a package, and no later command of the stage a newer one.
    #[serde(default)]
    pub conda_below: Option<Setting>,
}

/// How a file is known to be the YAML of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvironmentFile {
    /// It was read.
    Read,
    /// By its name.
    Named,
}

/// Where the shell redirects to or from, because of a version that is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Redirection {
    /// From a file that is not there, so that the command cannot start: `pkg<1.2`.
    From,
    /// Into a file, while a version is installed that nobody asked for: `pkg>=1.2`.
    Into,
}

/// What must hold of an instruction. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InstructionCondition {
    /// It is a `COPY` or `ADD` with a comment behind its arguments, which are sources and the target to Docker.
    #[serde(default)]
    pub comment_behind: bool,
    /// It is a `COPY` or `ADD` of a file that is known not to be in the folder of the Dockerfile.
    #[serde(default)]
    pub copies_missing: bool,
    /// It is a `FROM` whose image has backslashes, double slashes or a scheme in its name.
    #[serde(default)]
    pub image_misspelt: Option<ImageSpelling>,
    /// It is a `FROM` of one of these images, with any tag or digest.
    #[serde(default)]
    pub image_named: Vec<String>,
    /// It is a `FROM` of an image without a tag and without a digest.
    #[serde(default)]
    pub image_without_tag: bool,
    /// It is a `FROM` of one of conda's own images whose tag names a conda older than this.
    #[serde(default)]
    pub image_conda_below: Option<Setting>,
    /// Docker knows no instruction of its name.
    #[serde(default)]
    pub keyword: Option<KeywordFault>,
}

/// What Docker makes of the misspelt name of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageSpelling {
    /// It refuses the name.
    Refused,
    /// It looks for another image.
    Another,
}

/// What is wrong with the keyword of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeywordFault {
    /// It is nearly one that there is, and nearly no other; or one with something glued to it.
    NearlyKnown,
    /// It is none, and near to none.
    Unknown,
    /// A no-break space, which is no blank to Docker, stands behind it.
    NoBreakSpace,
    /// It goes on from the line above, whose backslash is followed by a no-break space.
    BrokenContinuation,
}

/// What must hold of a Dockerfile as a whole. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DockerfileCondition {
    /// It has more bytes than this; `{name}` stands for a value of the patch.
    #[serde(default)]
    pub larger_than: Option<Setting>,
    /// Its text is in this encoding.
    #[serde(default)]
    pub encoding: Option<WrongEncoding>,
}

/// An encoding that Docker and Azure ML's clients do not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum WrongEncoding {
    /// UTF-16 behind its byte order mark.
    #[serde(rename = "UTF-16")]
    Utf16,
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
    /// Looks, in place of definitions, at the environments of the workspace that a job, a component or a deployment asks
    /// for by their name alone; `{written}` is what stands there.
    #[serde(default)]
    pub unversioned_reference: bool,
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
