//! What is true of an image at one point of its build.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::distribution::{self, DistributionRow};
use super::effects::lists::PackageLists;
use super::image::{ImageFacts, Interpreter, InterpreterKind, OperatingSystem};
use super::level::Fact;
use super::version::{PythonVersion, Release};
use crate::dockerfile::variables;
use crate::shell::Word;
use crate::shell::tool::Environment;

/// How many variables, folders and environments are kept. Real files have a few dozen.
pub(super) const MANY: usize = 500;

/// Who answers to a command: an interpreter, known to be nobody, or not known.
pub type Answer = Fact<Option<Interpreter>>;

/// What is true of an image at one point of its build. It is kept for every point, so its lists are bounded by
/// `MANY`: what does not fit is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Linux or Windows.
    pub os: Fact<OperatingSystem>,
    /// The release it is built on.
    pub release: Fact<Release>,
    /// Who answers `python`, where nothing on `path` does.
    pub python: Answer,
    /// Who answers `python3`, where nothing on `path` does.
    pub python3: Answer,
    /// The interpreter that the command `pip` installs into, where nothing on `path` answers.
    pub pip: Answer,
    /// Interpreters by the folder that their `bin` is in: conda environments, virtual environments, `/usr`.
    pub prefixes: BTreeMap<String, Interpreter>,
    /// Interpreters that answer to `python3.N` alone.
    pub numbered: BTreeMap<PythonVersion, Interpreter>,
    /// Folders that `ENV PATH` put before those of the base image, the first that is searched first.
    pub path: Vec<String>,
    /// The environment that this `RUN` has activated; unknown, too, where it changed its `PATH`.
    pub active: Option<Answer>,
    /// The environment that the `SHELL` runs commands in.
    pub shell_environment: Option<Answer>,
    /// Variables that this `RUN` gives values of its own, so that those of `ENV` do not count.
    pub shadowed: BTreeSet<String>,
    /// The folder that commands run in.
    pub workdir: String,
    /// pip was installed by another interpreter than the one that `pip` and `pip3` belonged to.
    pub pip_moved: bool,
    /// The names that `update-alternatives` was given.
    pub alternatives: BTreeSet<String>,
    /// Where conda is installed.
    pub conda_prefix: Fact<Option<String>>,
    /// The user that commands run as.
    pub user: Fact<String>,
    /// The last `USER` as it is written, of this stage or those it starts from.
    pub user_written: Option<String>,
    /// Whether `RUN` texts are read by a POSIX shell, and why not where they are not.
    pub shell: Result<(), String>,
    /// The shell reads the user's profile, which may change anything that variables say.
    pub login_shell: bool,
    /// Variables set by `ENV` and `ARG`.
    pub variables: Rc<BTreeMap<String, Variable>>,
    /// What apt has installed.
    pub apt: Apt,
    /// Something ran that may have put anything anywhere: what.
    pub opaque: Option<String>,
    /// What sets pip's timeout other than `ENV`, where anything does.
    pub pip_configured: Option<String>,
    /// What sets conda's timeout other than `ENV`, where anything does.
    pub conda_configured: Option<String>,
    /// Where the `get-pip.py` that is there was fetched from; several where it is not known which it is.
    pub get_pip: Vec<String>,
    /// PEP 668's marker was removed.
    pub marker_removed: bool,
}

/// A variable in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its value with other variables replaced, where that is possible.
    pub value: Option<String>,
    /// Whether an `ARG` sets it, so that a build may set it otherwise.
    pub from_argument: bool,
    /// Whether its value depends on an `ARG`, so that a build may make it another.
    pub by_argument: bool,
    /// Number of the instruction that sets it.
    pub instruction: usize,
}

/// What apt has installed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apt {
    /// The command that named `python3`.
    pub python3: Option<Installed>,
    /// The command that brought python3 along with another package, which the word names.
    pub python3_along: Option<Installed>,
    /// The command that named a `python3.N` of the deadsnakes archive, and which.
    pub deadsnakes_python: Option<(Installed, PythonVersion)>,
    /// The deadsnakes archive was added.
    pub deadsnakes: bool,
    /// What brought distutils, where anything did or may have done.
    pub distutils: Option<String>,
    /// What brought the distutils of the deadsnakes Python.
    pub deadsnakes_distutils: Option<String>,
    /// Whether the package lists are there.
    pub lists: PackageLists,
    /// The packages that commands have named so far.
    pub named: Rc<BTreeSet<String>>,
    /// The image brings no more than the essential packages.
    pub bare: bool,
}

/// A command that installs a package, and the package's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Number of the instruction.
    pub instruction: usize,
    /// Number of the command in the instruction's script.
    pub command: usize,
    /// Number of the package's word in the command.
    pub word: usize,
}

impl State {
    /// The state in which a stage begins that starts from an image.
    #[must_use]
    pub fn of_image(facts: ImageFacts) -> Self {
        let mut prefixes = BTreeMap::new();
        for answer in [&facts.python, &facts.python3] {
            if let Fact::Known { value: Some(interpreter), .. } = answer
                && let Some(prefix) = &interpreter.prefix
            {
                prefixes.insert(prefix.clone(), interpreter.clone());
            }
        }
        let windows = facts.os.values().contains(&OperatingSystem::Windows);
        let variable = |(name, value): (String, String)| {
            let variable = Variable { value: Some(value), from_argument: false, by_argument: false, instruction: 0 };
            (name != "PATH").then_some((name, variable))
        };
        Self {
            shell: if windows { Err("its shell is a Windows one".to_owned()) } else { Ok(()) },
            apt: Apt {
                lists: match facts.package_lists.value() {
                    Some(true) => PackageLists::Fetched,
                    Some(false) => PackageLists::Absent,
                    None => PackageLists::Unknown,
                },
                distutils: has_distutils(&facts),
                ..Apt::default()
            },
            os: facts.os,
            release: facts.release,
            python: facts.python,
            python3: facts.python3,
            pip: facts.pip,
            prefixes,
            numbered: BTreeMap::new(),
            path: Vec::new(),
            active: None,
            shell_environment: None,
            shadowed: BTreeSet::new(),
            workdir: "/".to_owned(),
            pip_moved: false,
            alternatives: BTreeSet::new(),
            conda_prefix: facts.conda_prefix,
            user: facts.user,
            user_written: None,
            login_shell: false,
            variables: Rc::new(facts.environment.into_iter().filter_map(variable).collect()),
            opaque: None,
            pip_configured: None,
            conda_configured: None,
            get_pip: Vec::new(),
            marker_removed: false,
        }
    }

    /// The state in which a stage begins that starts from this one: everything but `ARG`s.
    #[must_use]
    pub fn inherited(&self) -> Self {
        let mut state = self.clone();
        if state.variables.values().any(|variable| variable.from_argument) {
            Rc::make_mut(&mut state.variables).retain(|_, variable| !variable.from_argument);
        }
        state
    }

    /// What the tables say about the release, where it is known.
    #[must_use]
    pub fn release_row(&self) -> Option<&'static DistributionRow> {
        self.release.value().and_then(distribution::row)
    }

    /// A text with its variables replaced; `None` where one has no value that is known.
    #[must_use]
    pub fn expand(&self, text: &str) -> Option<String> {
        if !text.contains('$') {
            return Some(text.trim_matches(['"', '\'']).to_owned());
        }
        let mut lookup = |name: &str| {
            let variable = self.variables.get(name).filter(|_| !self.shadowed.contains(name));
            variable.and_then(|variable| variable.value.clone())
        };
        variables::expand(text, '\\', &mut lookup).ok()
    }

    /// Whether a text holds a variable whose value depends on an `ARG`.
    #[must_use]
    pub fn depends_on_argument(&self, text: &str) -> bool {
        text.split('$').skip(1).any(|rest| {
            let name = rest.trim_start_matches('{');
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            self.variables.get(&name[..end]).is_some_and(|variable| variable.by_argument)
        })
    }

    /// Who answers to the word that names a command.
    #[must_use]
    pub fn answer_to(&self, word: &Word) -> Answer {
        if !word.raw.contains('$') {
            return self.answer(word.text());
        }
        let answer = self.answer(&word.raw);
        if self.depends_on_argument(&word.raw) { answer.weaken("if the build keeps the ARG's default") } else { answer }
    }

    /// Who answers to a command as it is written: `python`, `pip3.11`, `/opt/venv/bin/python`, `$VENV/bin/pip`.
    #[must_use]
    pub fn answer(&self, command: &str) -> Answer {
        let Some(command) = self.expand(command) else {
            return Fact::unknown(format!("`{command}` holds a variable whose value is not known"));
        };
        let (folder, name) =
            command.rsplit_once('/').map_or((None, command.as_str()), |(folder, name)| (Some(folder), name));
        if let Some(folder) = folder {
            return self.in_folder(folder, name);
        }
        let version = version_of(name);
        if let Some(active) = self.active.as_ref().or(self.shell_environment.as_ref()) {
            let same = |interpreter: &Interpreter| interpreter.version.value() == version.as_ref();
            return match (active, version) {
                (Fact::Known { value: Some(interpreter), .. }, Some(version)) if !same(interpreter) => {
                    self.numbered_answer(version)
                }
                _ => active.clone(),
            };
        }
        if self.login_shell {
            return Fact::unknown("a login shell reads profiles that may change which Python answers");
        }
        for folder in &self.path {
            let answer = self.in_folder(folder, name);
            match &answer {
                Fact::Known { value: None, .. } => {}
                Fact::Known { value: Some(interpreter), .. }
                    if version.is_some() && interpreter.version.value() != version.as_ref() => {}
                _ => return answer,
            }
        }
        if let Some(version) = version {
            return self.numbered_answer(version);
        }
        match name {
            "pip3" if matches!(self.pip, Fact::Known { value: None, .. }) => {
                Fact::unknown("nothing that envfix recognises installs pip")
            }
            "pip" | "pip3" if self.pip_moved => Fact::unknown("several Pythons have installed a pip"),
            "python3" | "pip3" => self.python3.clone(),
            "pip" => self.pip.clone(),
            "python" => self.python.clone(),
            other => Fact::unknown(format!("which Python `{other}` is")),
        }
    }

    /// Who answers to `python3.N`: its version is known from the name itself, its kind where one of that version is.
    fn numbered_answer(&self, version: PythonVersion) -> Answer {
        let same = |answer: &Answer| match answer {
            Fact::Known { value: Some(interpreter), .. } if interpreter.version.value() == Some(&version) => {
                Some(interpreter.clone())
            }
            _ => None,
        };
        if let Some(interpreter) = same(&self.python).or_else(|| same(&self.python3)) {
            return Fact::known(Some(interpreter), format!("the name python{version}"));
        }
        if let Some(interpreter) = self.numbered.get(&version) {
            return Fact::known(Some(interpreter.clone()), format!("the name python{version}"));
        }
        let from = format!("the name python{version}");
        let version = Fact::known(version, from.clone());
        Fact::known(Some(Interpreter { version, kind: InterpreterKind::Other, prefix: None }), from)
    }

    /// Who answers in a folder; known to be nobody where the folder is one that holds no Python.
    fn in_folder(&self, folder: &str, name: &str) -> Answer {
        let folder = folder.trim_end_matches('/');
        if let Some(interpreter) = folder.strip_suffix("/bin").and_then(|prefix| self.prefixes.get(prefix)) {
            return Fact::known(Some(interpreter.clone()), format!("the Python in {folder}"));
        }
        match folder {
            "/usr/bin" | "/bin" if name.starts_with("python3") => {
                if let Fact::Known { value: Some(interpreter), .. } = &self.python3
                    && interpreter.kind == InterpreterKind::System
                {
                    return self.python3.clone();
                }
            }
            _ => {}
        }
        if let Some(version) = version_of(name) {
            return self.numbered_answer(version);
        }
        if folder == "/usr/local/bin" && self.opaque.is_none() {
            return Fact::known(None, "nothing put a Python into /usr/local/bin");
        }
        if holds_no_python(folder) {
            return Fact::known(None, format!("{folder} holds no Python"));
        }
        Fact::unknown(format!("which Python is in {folder}"))
    }

    /// The interpreter of a conda environment that a command names.
    #[must_use]
    pub fn in_environment(&self, environment: &Environment) -> Answer {
        let prefix = self.environment_prefix(environment);
        match prefix.as_ref().and_then(|prefix| self.prefixes.get(prefix)) {
            Some(interpreter) => Fact::known(Some(interpreter.clone()), "the conda environment's own Python"),
            None => Fact::unknown("the Python of the conda environment that the command names"),
        }
    }

    /// The folder of a conda environment.
    #[must_use]
    pub fn environment_prefix(&self, environment: &Environment) -> Option<String> {
        match environment {
            Environment::Prefix(path) => self.expand(path).map(|path| path.trim_end_matches('/').to_owned()),
            Environment::Name(name) => {
                let name = self.expand(name)?;
                let conda = self.conda_prefix.value()?.as_ref()?;
                Some(if name == "base" { conda.clone() } else { format!("{conda}/envs/{name}") })
            }
        }
    }

    /// Whether `pip install` with this interpreter is refused outside a virtual environment (PEP 668); `None` where
    /// that is not known.
    #[must_use]
    pub fn externally_managed(&self, interpreter: &Interpreter) -> Option<bool> {
        if self.marker_removed || self.variables.contains_key("PIP_BREAK_SYSTEM_PACKAGES") {
            return Some(false);
        }
        // The distributions that mark their Python have 3.11 and newer.
        let before = |version: &PythonVersion| *version < PythonVersion::new(3, 11);
        if !interpreter.version.values().is_empty() && interpreter.version.values().iter().all(before) {
            return Some(false);
        }
        match interpreter.kind {
            InterpreterKind::Conda | InterpreterKind::Official | InterpreterKind::Venv => Some(false),
            InterpreterKind::System | InterpreterKind::Other => {
                let managed: Vec<Option<bool>> = self
                    .release
                    .values()
                    .iter()
                    .map(|release| distribution::row(release).map(|row| row.externally_managed))
                    .collect();
                match (managed.iter().all(|it| *it == Some(false)), managed.iter().all(|it| *it == Some(true))) {
                    _ if managed.is_empty() => None,
                    (true, _) => Some(false),
                    (_, true) if interpreter.kind == InterpreterKind::System => Some(true),
                    _ => None,
                }
            }
        }
    }
}

/// Whether the image's own Python has distutils beside it, or may have: only of an image that is known to hold no
/// system Python is it known that nothing does.
fn has_distutils(facts: &ImageFacts) -> Option<String> {
    match &facts.python3 {
        Fact::Known { value: None, .. } => None,
        Fact::Among { values, .. } if values.iter().all(Option::is_none) => None,
        Fact::Known { value: Some(interpreter), .. } if interpreter.kind != InterpreterKind::System => None,
        Fact::Known { .. } => Some("the base image, which brings a Python of its own".to_owned()),
        _ => Some("the base image, of which envfix knows too little".to_owned()),
    }
}

/// The version in a command's name: the 3.11 of `python3.11` and `pip3.11`.
fn version_of(name: &str) -> Option<PythonVersion> {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pip"))?;
    version.contains('.').then(|| PythonVersion::parse(version)).flatten()
}

/// Folders that tools put on `PATH` and that hold no Python.
fn holds_no_python(folder: &str) -> bool {
    const TOOLS: [&str; 36] = [
        "cuda",
        "nvidia",
        "cargo",
        ".cargo",
        "go",
        "golang",
        "node",
        "nodejs",
        "npm",
        "yarn",
        "java",
        "jdk",
        "jre",
        "jvm",
        "maven",
        "gradle",
        "spark",
        "hadoop",
        "llvm",
        "cmake",
        "rust",
        "dotnet",
        "gem",
        "gems",
        "ruby",
        "perl",
        "php",
        "composer",
        "julia",
        "texlive",
        ".local",
        "mssql-tools",
        "mssql-tools18",
        "openmpi",
        "mpi",
        "ucx",
    ];
    const FOLDERS: [&str; 5] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    if FOLDERS.contains(&folder) {
        return true;
    }
    let lower = folder.to_ascii_lowercase();
    let parts = || lower.split('/').filter(|part| !part.is_empty());
    let environment = |part: &str| part.contains("env") || part.contains("conda") || part.contains("python");
    let tool = |part: &str| {
        // `cuda-12.4` is cuda; `pyspark` is not spark.
        let name = part.find(['-', '_']).map_or(part, |end| &part[..end]);
        TOOLS.contains(&part) || TOOLS.contains(&name)
    };
    !parts().any(environment) && parts().any(tool)
}
