//! What an instruction, and a command in a `RUN`, changes about an image.

use super::distribution;
use super::image::{Interpreter, InterpreterKind};
use super::level::Fact;
use super::packages::{self, Brings};
use super::state::{Answer, Installed, State, Variable};
use super::version::{Distribution, PythonVersion};
use crate::dockerfile::Instruction;
use crate::environment::conda::CondaEnvironment;
use crate::environment::match_spec::{MatchSpec, Minor};
use crate::shell::Command;
use crate::shell::tool::{self, Apt, Call, Conda, Environment, GetPip, Pip, Ran, RequirementKind, Tool};

/// Where a command stands: the numbers of its instruction and of itself in the instruction's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the instruction.
    pub instruction: usize,
    /// Number of the command.
    pub command: usize,
}

impl State {
    /// What an instruction other than `RUN`, `COPY` and `ADD` changes.
    pub fn set_by(&mut self, number: usize, instruction: &Instruction, escape: char) {
        match instruction.keyword.as_str() {
            "ENV" => {
                for pair in instruction.pairs(escape) {
                    let value = pair.value.as_deref().unwrap_or_default();
                    if pair.name == "PATH" {
                        self.set_path(value);
                    }
                    self.set_variable(number, pair.name, Some(value), false);
                }
            }
            "ARG" => {
                for pair in instruction.pairs(escape) {
                    if self.variables.get(&pair.name).is_none_or(|variable| variable.from_argument) {
                        self.set_variable(number, pair.name, pair.value.as_deref(), true);
                    }
                }
            }
            "USER" => {
                let written = instruction.arguments_text().trim().to_owned();
                let name = self.expand(&written);
                self.user = match name {
                    Some(name) => {
                        let name = name.split(':').next().unwrap_or_default();
                        let name = if name == "0" { "root" } else { name };
                        Fact::known(name.to_owned(), "the USER instruction")
                    }
                    None => Fact::unknown(format!("the value of {written}")),
                };
                self.user_written = Some(written);
            }
            "SHELL" => self.set_shell(instruction),
            _ => {}
        }
    }

    fn set_variable(&mut self, instruction: usize, name: String, value: Option<&str>, from_argument: bool) {
        let value = value.and_then(|value| self.expand(value));
        self.variables.insert(name, Variable { value, from_argument, instruction });
    }

    /// `ENV PATH`: the folders before `$PATH` come first from now on.
    fn set_path(&mut self, value: &str) {
        let before = value.split("$PATH").next().unwrap_or_default();
        let before = before.split("${PATH}").next().unwrap_or_default();
        let whole = before.len() == value.len();
        let folders: Vec<String> = before
            .trim_matches(['"', '\''])
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(|folder| self.expand(folder).unwrap_or_else(|| folder.to_owned()))
            .collect();
        let old = if whole { Vec::new() } else { std::mem::take(&mut self.path) };
        if whole && !folders.iter().any(|folder| folder == "/usr/bin") {
            let answer = || Fact::unknown("PATH was set to folders that envfix does not know");
            (self.python, self.python3, self.pip) = (answer(), answer(), answer());
        }
        self.path = folders.into_iter().chain(old).collect();
    }

    fn set_shell(&mut self, instruction: &Instruction) {
        let items: Vec<&str> = instruction.exec.iter().flatten().map(|item| item.value.as_str()).collect();
        let Some(program) = items.first() else { return };
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        self.active = None;
        self.login_shell = false;
        let shell = match name {
            "conda" | "mamba" | "micromamba" if items.contains(&"run") => {
                let after = |names: [&str; 2]| {
                    items.iter().position(|item| names.contains(item)).and_then(|at| items.get(at + 1)).map(|it| (*it).to_owned())
                };
                let environment = after(["-n", "--name"])
                    .map(Environment::Name)
                    .or_else(|| after(["-p", "--prefix"]).map(Environment::Prefix));
                let answer = environment.map(|environment| self.in_environment(&environment));
                self.active = Some(answer.unwrap_or_else(|| Fact::unknown("which conda environment the SHELL runs in")));
                items.iter().rev().find(|item| matches!(item.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash")))
            }
            _ => Some(program),
        };
        let shell = shell.map_or("", |shell| shell.rsplit('/').next().unwrap_or_default());
        self.login_shell = items.iter().any(|item| *item == "--login" || (item.starts_with('-') && !item.starts_with("--") && (item.contains('l') || item.contains('i')) && item.len() < 5));
        self.shell = match shell {
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => Ok(()),
            other => Err(format!("the SHELL is {other:?}, which is no POSIX shell")),
        };
    }

    /// What a `COPY` or `ADD` changes. `from` is the state in which the stage ends that it copies from.
    pub fn copied(&mut self, instruction: &Instruction, from: Option<&State>) {
        let words: Vec<String> = match &instruction.exec {
            Some(items) => items.iter().map(|item| item.value.clone()).collect(),
            None => instruction.arguments_text().split_whitespace().map(str::to_owned).collect(),
        };
        let Some((to, sources)) = words.split_last() else { return };
        let to = self.expand(to).unwrap_or_else(|| to.clone());
        let to = to.trim_end_matches('/').to_owned();
        let from_stage = instruction.flags.iter().any(|flag| flag.text.starts_with("--from"));
        for source in sources {
            let source = self.expand(source).unwrap_or_else(|| source.clone());
            let source = source.trim_end_matches('/');
            if let Some(interpreter) = from.and_then(|state| state.prefixes.get(source)) {
                self.prefixes.insert(to.clone(), interpreter.clone());
                continue;
            }
            // A folder's content lands in folders that are searched for commands.
            let searched = matches!(to.as_str(), "" | "/" | "/usr" | "/usr/local" | "/usr/bin" | "/usr/local/bin" | "/bin");
            let is_file = !from_stage && source.rsplit('/').next().is_some_and(|name| name.contains('.') && name != "." && name != "..");
            let named_python = source.rsplit('/').next().is_some_and(|name| name.starts_with("python"));
            if (searched && !is_file) || (from_stage && named_python) {
                self.may_provide(&format!("what is copied from {source}"));
                if from_stage && (source == "/usr/local" || source == "/usr" || source == "/" || named_python) {
                    self.forget_python(&format!("{source} is copied from another image"));
                }
            }
            let name = source.rsplit('/').next().unwrap_or_default();
            self.configured_by_file(name, &to, "is copied in and cannot be read here");
        }
    }

    /// A configuration file of pip or conda arrives in the image.
    pub fn configured_by_file(&mut self, name: &str, to: &str, how: &str) {
        let is = |names: &[&str]| names.iter().any(|it| name == *it || to.rsplit('/').next() == Some(*it));
        if is(&["pip.conf", "pip.ini", ".pip"]) {
            self.pip_configured.get_or_insert(format!("{name} {how}"));
        }
        if is(&[".condarc", "condarc", ".mambarc"]) {
            self.conda_configured.get_or_insert(format!("{name} {how}"));
        }
    }

    /// Something ran or arrived that may have put a command or a package anywhere.
    pub fn may_provide(&mut self, what: &str) {
        self.opaque.get_or_insert_with(|| what.to_owned());
        for answer in [&mut self.python, &mut self.python3, &mut self.pip] {
            if matches!(answer, Fact::Known { value: None, .. }) {
                *answer = Fact::unknown(format!("{what} may provide one"));
            }
        }
    }

    /// Which Python answers is not known from here on.
    pub fn forget_python(&mut self, why: &str) {
        (self.python, self.python3, self.pip) = (Fact::unknown(why), Fact::unknown(why), Fact::unknown(why));
        self.apt.distutils.get_or_insert_with(|| why.to_owned());
    }

    /// A `RUN` whose text could not be read, or was not worth reading.
    pub fn unread(&mut self, why: &str) {
        self.may_provide(why);
        self.apt.distutils.get_or_insert_with(|| why.to_owned());
        self.apt.deadsnakes_distutils.get_or_insert_with(|| why.to_owned());
    }

    /// What a command changes. `environment` is the conda environment that it builds from a file, where that is known.
    pub fn ran(&mut self, command: &Command, place: Place, environment: Option<&CondaEnvironment>) {
        if let Some(text) = tool::nested(command) {
            return self.ran_nested(&text, place);
        }
        match tool::tool(command) {
            Tool::Apt(apt) => self.ran_apt(&apt, place),
            Tool::Conda(conda) => self.ran_conda(&conda, environment),
            Tool::Pip(pip) => self.ran_pip(&pip),
            Tool::GetPip(get_pip) => self.ran_get_pip(&get_pip),
            Tool::Python(python) => {
                if let Ran::Module { name, .. } = &python.ran
                    && name == "ensurepip"
                {
                    self.provides_pip(&self.answer(command.words[python.interpreter].text()));
                }
            }
            Tool::Uv(uv) => {
                if uv.is(&["python", "install"]) {
                    self.forget_python("uv installs a Python");
                }
            }
            Tool::Other => self.ran_other(command),
        }
        if let Some(venv) = tool::makes_venv(command) {
            let interpreter = self.answer(venv.interpreter.as_deref().unwrap_or("python3"));
            if let Some(folder) = self.expand(&venv.folder) {
                let version = match interpreter {
                    Fact::Known { value: Some(interpreter), .. } => interpreter.version,
                    other => Fact::unknown(other.from().to_owned()),
                };
                let prefix = folder.trim_end_matches('/').to_owned();
                let new = Interpreter { version, kind: InterpreterKind::Venv, prefix: Some(prefix.clone()) };
                self.prefixes.insert(prefix, new);
            }
        }
        if let Some(activation) = tool::sources_activate(command) {
            let answer = match &activation.environment {
                Some(name) if name.contains('/') => self.in_environment(&Environment::Prefix(name.clone())),
                Some(name) => self.in_environment(&Environment::Name(name.clone())),
                None => {
                    let script = self.expand(&activation.script);
                    let prefix = script.as_deref().and_then(|script| script.strip_suffix("/bin/activate"));
                    match prefix.and_then(|prefix| self.prefixes.get(prefix)) {
                        Some(found) => Fact::known(Some(found.clone()), "the environment that is activated"),
                        None => Fact::unknown("the Python of the environment that is activated"),
                    }
                }
            };
            self.active = Some(answer);
        }
        self.made_python_command(command);
        self.configured_by(command);
    }

    /// A text that `bash -c` runs: its commands count, an environment that it activates ends with it.
    fn ran_nested(&mut self, text: &str, place: Place) {
        let Ok(script) = crate::shell::parse(text) else { return self.unread("a nested shell text that cannot be read") };
        let active = self.active.clone();
        for command in &script.commands {
            if tool::nested(command).is_none() {
                self.ran(command, place, None);
            }
        }
        self.active = active;
    }

    fn ran_apt(&mut self, apt: &Apt<'_>, place: Place) {
        if apt.is_update() {
            self.apt.lists = Some(true);
        }
        if !apt.is_install() {
            return;
        }
        let recommends = apt.option("--no-install-recommends").is_none();
        if let Some(word) = apt.unknown.first() {
            let what = format!("the packages that {} names", apt.call.command.words[*word].raw);
            self.unread(&what);
        }
        for package in &apt.packages {
            if package.removed {
                continue;
            }
            self.apt.packages.insert(package.name.clone());
            let installed =
                Installed { instruction: place.instruction, command: place.command, word: package.word };
            if package.name == "python3" {
                self.apt.python3.get_or_insert(installed);
            }
            if let Some(version) = deadsnakes_python(&package.name)
                && self.apt.deadsnakes
                && self.release_row().is_none_or(|row| row.python3 != Some(version))
            {
                self.apt.deadsnakes_python.get_or_insert((installed, version));
                let (from, kind) = (format!("the package {}", package.name), InterpreterKind::Other);
                let new = Interpreter { version: Fact::known(version, from), kind, prefix: Some("/usr".to_owned()) };
                self.numbered.insert(version, new);
            }
            if let Some((_, suffix)) = package.name.strip_prefix("python3.").and_then(|rest| rest.split_once('-'))
                && matches!(suffix, "distutils" | "venv" | "full")
            {
                self.apt.deadsnakes_distutils.get_or_insert_with(|| package.name.clone());
            }
            let missing = matches!(self.python3, Fact::Known { value: None, .. });
            self.installed(&package.name, package.is_file(), recommends);
            if missing && self.apt.python3.is_none() && self.python3.value().is_some_and(Option::is_some) {
                self.apt.python3_along.get_or_insert(installed);
            }
        }
    }

    /// What an apt package brings.
    fn installed(&mut self, name: &str, is_file: bool, recommends: bool) {
        if is_file {
            return self.may_provide(&format!("the package file {name}"));
        }
        let releases = self.release.values().to_vec();
        let brought: Vec<Option<packages::PackageFacts>> =
            releases.iter().map(|release| packages::brings(name, release)).collect();
        let certain = |brings: Brings| brings == Brings::Always || (recommends && brings == Brings::Recommended);
        let any = |pick: fn(&packages::PackageFacts) -> Brings| {
            brought.iter().flatten().any(|facts| pick(facts) != Brings::No)
        };
        let all = |pick: fn(&packages::PackageFacts) -> Brings| {
            !brought.is_empty() && brought.iter().all(|facts| facts.as_ref().is_some_and(|facts| certain(pick(facts))))
        };
        // Anything that may bring distutils counts: a package more than needed is no loss, a fix less is none either.
        let by_name = brought.iter().any(Option::is_none)
            && name.starts_with("python3-")
            && matches!(name, "python3-pip" | "python3-dev" | "python3-venv" | "python3-setuptools" | "python3-distutils" | "python3-all" | "python3-all-dev" | "python3-full");
        if any(|facts| facts.distutils) || by_name || releases.is_empty() && name.starts_with("python3-") {
            self.apt.distutils.get_or_insert_with(|| format!("the package {name}"));
        }
        if all(|facts| facts.python3) || name == "python3" {
            self.provides_system_python3();
        } else if any(|facts| facts.python3) {
            self.may_answer(|state| &mut state.python3, &format!("the package {name}"));
        }
        if all(|facts| facts.python) || matches!(name, "python-is-python3" | "python-is-python2") {
            let answer = if name == "python-is-python3" {
                self.python3.clone()
            } else {
                Fact::unknown(format!("which Python the package {name} makes `python`"))
            };
            self.answers(|state| &mut state.python, answer);
        } else if any(|facts| facts.python) || (brought.iter().any(Option::is_none) && name.starts_with("python")) {
            // A package that envfix does not know and whose name speaks of Python may make the command.
            let harmless = name.starts_with("python3");
            if !harmless {
                self.may_answer(|state| &mut state.python, &format!("the package {name}"));
            }
        }
        if name == "python3-pip" {
            let answer = match self.release.value() {
                // Until Debian 10 and Ubuntu 18.04, python3-pip made `pip3` only.
                Some(release) if is_recent(release.distribution, &release.version) => self.python3.clone(),
                _ => Fact::unknown("whether python3-pip makes the command `pip` on this release"),
            };
            self.answers(|state| &mut state.pip, answer);
        }
    }

    /// The distribution's python3 is there, and answers where nothing on the `PATH` before it does.
    fn provides_system_python3(&mut self) {
        let version = match &self.release {
            Fact::Known { value, .. } => match distribution::row(value).and_then(|row| row.python3) {
                Some(version) => Fact::known(version, format!("the python3 of {value}")),
                None => Fact::unknown(format!("the version of python3 in {value}")),
            },
            Fact::Among { values, from } => {
                let versions: Option<Vec<PythonVersion>> =
                    values.iter().map(|release| distribution::row(release).and_then(|row| row.python3)).collect();
                match versions {
                    Some(mut versions) => {
                        versions.dedup();
                        Fact::among(versions, from.clone())
                    }
                    None => Fact::unknown(from.clone()),
                }
            }
            Fact::Unknown { from } => Fact::unknown(from.clone()),
        };
        let prefix = Some("/usr".to_owned());
        let system = Interpreter { version, kind: InterpreterKind::System, prefix };
        self.answers(|state| &mut state.python3, Fact::known(Some(system), "the package python3"));
    }

    /// A command is there now. Where it is known to be another's, or was not known before, that stays.
    fn answers(&mut self, of: fn(&mut State) -> &mut Answer, answer: Answer) {
        let slot = of(self);
        if matches!(slot, Fact::Known { value: None, .. }) {
            *slot = answer;
        }
    }

    /// A command may be there now.
    fn may_answer(&mut self, of: fn(&mut State) -> &mut Answer, what: &str) {
        self.answers(of, Fact::unknown(format!("whether {what} provides it")));
    }

    fn ran_conda(&mut self, conda: &Conda<'_>, environment: Option<&CondaEnvironment>) {
        for setting in conda.settings() {
            if setting.key.starts_with("remote_") && setting.key.contains("timeout") {
                self.conda_configured.get_or_insert(format!("`conda config` sets {}", setting.key));
            }
        }
        let creates = conda.is("create") || conda.is("env create");
        if !creates && !conda.is_install() && !conda.is("env update") {
            return;
        }
        let named = conda.environment().or_else(|| {
            environment.and_then(|environment| environment.name.clone()).filter(|_| conda.subcommand.as_deref().is_some_and(|sub| sub.starts_with("env "))).map(Environment::Name)
        });
        let spec = conda.spec("python");
        let minor = match (spec, environment) {
            (Some(spec), _) if spec.expands => {
                self.expand(&spec.raw).map_or(Minor::Constrained, |raw| MatchSpec::parse(&raw).minor())
            }
            (Some(spec), _) => MatchSpec::parse(&spec.raw).minor(),
            (None, Some(environment)) => environment.python_minor(),
            (None, None) if creates && conda.files().is_empty() => Minor::Unstated,
            (None, None) if !conda.files().is_empty() => Minor::Constrained,
            (None, None) => return,
        };
        let version = match minor {
            Minor::Pinned(major, minor) => Fact::known(PythonVersion::new(major, minor), "the environment's python spec"),
            _ => Fact::unknown("the conda environment does not pin its Python to one minor version"),
        };
        let prefix = match &named {
            Some(environment) => self.environment_prefix(environment),
            None => None,
        };
        match (prefix, named) {
            (Some(prefix), _) => {
                let new = Interpreter { version, kind: InterpreterKind::Conda, prefix: Some(prefix.clone()) };
                let base = self.conda_prefix.value().and_then(Option::as_ref) == Some(&prefix);
                if base {
                    self.conda_base_is(&new);
                }
                // Names in `/opt/conda/envs` answer only when they are on the PATH or activated.
                if creates || !matches!(new.version, Fact::Unknown { .. }) || self.prefixes.contains_key(&prefix) {
                    self.prefixes.insert(prefix, new);
                }
            }
            // The active environment, which is the base one unless something was activated.
            (None, None) if !creates && self.active.is_none() => {
                let prefix = self.conda_prefix.value().cloned().flatten();
                self.conda_base_is(&Interpreter { version, kind: InterpreterKind::Conda, prefix });
            }
            _ => {}
        }
    }

    fn conda_base_is(&mut self, interpreter: &Interpreter) {
        let is_conda = |answer: &Answer| {
            matches!(answer, Fact::Known { value: Some(it), .. } if it.kind == InterpreterKind::Conda)
        };
        let old = interpreter.prefix.as_ref().and_then(|prefix| self.prefixes.get_mut(prefix));
        if let Some(old) = old {
            *old = interpreter.clone();
        }
        for answer in [&mut self.python, &mut self.python3, &mut self.pip] {
            if is_conda(answer) {
                *answer = Fact::known(Some(interpreter.clone()), "the conda command that installs python");
            }
        }
    }

    fn ran_pip(&mut self, pip: &Pip<'_>) {
        if let Some((key, value)) = pip.config_setting()
            && key.contains("timeout")
        {
            self.pip_configured.get_or_insert(format!("`pip config set {key} {value}` sets it"));
        }
        if !pip.is_install() {
            return;
        }
        let answer = self.pip_answer(pip);
        if pip.requirement("pip").is_some() {
            self.provides_pip(&answer);
        }
        let brings = ["setuptools"].iter().any(|name| pip.requirement(name).is_some());
        let unknown = pip.requirements.iter().any(|it| it.kind == RequirementKind::Unknown);
        if brings || unknown || pip.requirement_files().next().is_some() {
            let what = "pip, which installs setuptools or may do so";
            self.apt.distutils.get_or_insert_with(|| what.to_owned());
        }
    }

    /// The interpreter that a pip installs into.
    #[must_use]
    pub fn pip_answer(&self, pip: &Pip<'_>) -> Answer {
        if let Some(environment) = pip.call.environment() {
            return self.in_environment(environment);
        }
        let word = pip.interpreter.unwrap_or(pip.pip);
        self.answer(pip.call.command.words[word].text())
    }

    fn ran_get_pip(&mut self, get_pip: &GetPip<'_>) {
        let answer = self.answer(get_pip.call.command.words[get_pip.interpreter].text());
        self.provides_pip(&answer);
        // Before Python 3.12, get-pip.py installs setuptools too, which carries distutils.
        self.apt.distutils.get_or_insert_with(|| "get-pip.py, which installs setuptools".to_owned());
    }

    fn provides_pip(&mut self, answer: &Answer) {
        self.answers(|state| &mut state.pip, answer.clone());
        if matches!(self.pip, Fact::Unknown { .. }) && answer.value().is_some() {
            self.pip = answer.clone();
        }
    }

    fn ran_other(&mut self, command: &Command) {
        let call = Call::of(command);
        let name = call.name();
        let arguments: Vec<&str> = command.words.iter().skip(call.program + 1).map(|word| word.text()).collect();
        let raw = command.words.get(call.program).map_or("", |word| word.text());
        match name.as_deref() {
            None => self.may_provide(&format!("`{raw}`")),
            Some("add-apt-repository") if arguments.iter().any(|word| word.contains("deadsnakes")) => {
                self.apt.deadsnakes = true;
            }
            Some("apk" | "dnf" | "yum" | "microdnf" | "tdnf" | "zypper" | "pacman") => {
                if arguments.iter().any(|word| word.starts_with("python") || word.contains("pip")) {
                    self.may_provide("the package manager, which installs a Python");
                }
            }
            Some("sh" | "bash" | "dash" | "ash" | "zsh") if !arguments.iter().any(|word| *word == "-c") => {
                let script = arguments.iter().find(|word| !word.starts_with('-')).copied();
                if let Some(script) = script
                    && (script.contains("conda") || script.contains("mamba") || script.contains("forge"))
                {
                    return self.installs_conda(script, &arguments);
                }
                self.may_provide(&format!("`{raw} {}`", script.unwrap_or("-")));
            }
            Some("make" | "cmake" | "ninja" | "dpkg" | "tar" | "unzip" | "rsync" | "pyenv" | "asdf" | "nix" | "brew" | "sdk") => {
                if raw == "pyenv" || raw == "asdf" || raw == "brew" || arguments.iter().any(|word| word.contains("python") || word.contains("Python")) {
                    self.forget_python(&format!("`{raw}` may install a Python"));
                } else {
                    self.may_provide(&format!("`{raw}`"));
                }
            }
            Some("rm") if command.words.iter().any(|word| word.raw.contains("EXTERNALLY-MANAGED")) => {
                self.marker_removed = true;
            }
            Some("rm") if tool::cleans_apt_lists(command) => self.apt.lists = Some(false),
            Some("mv") if command.words.iter().any(|word| word.raw.contains("EXTERNALLY-MANAGED")) => {
                self.marker_removed = true;
            }
            Some(_) if raw.contains('/') && !raw.starts_with("/bin/") && !raw.starts_with("/usr/bin/") && !raw.starts_with("/usr/sbin/") => {
                if raw.contains("conda") || raw.contains("forge") {
                    return self.installs_conda(raw, &arguments);
                }
                self.may_provide(&format!("`{raw}`"));
            }
            Some(_) => {}
        }
    }

    /// A conda installer such as `Miniconda3-py39_4.12.0-Linux-x86_64.sh -b -p /opt/conda`.
    fn installs_conda(&mut self, installer: &str, arguments: &[&str]) {
        let installer = self.expand(installer).unwrap_or_else(|| installer.to_owned());
        let prefix = arguments
            .iter()
            .position(|word| *word == "-p" || word.starts_with("-") && !word.starts_with("--") && word.ends_with('p'))
            .and_then(|at| arguments.get(at + 1))
            .and_then(|path| self.expand(path))
            .map(|path| path.trim_end_matches('/').to_owned());
        self.may_provide("a conda installer");
        let Some(prefix) = prefix else { return };
        let version = installer
            .split(['-', '_'])
            .find_map(|part| part.strip_prefix("py").and_then(PythonVersion::parse))
            .map_or_else(
                || Fact::unknown("the Python that the conda installer brings"),
                |version| Fact::known(version, "the conda installer's name"),
            );
        let interpreter = Interpreter { version, kind: InterpreterKind::Conda, prefix: Some(prefix.clone()) };
        self.prefixes.insert(prefix.clone(), interpreter);
        self.conda_prefix = Fact::known(Some(prefix), "the conda installer's -p");
    }

    /// A link, an alternative, an alias or a file called `python`.
    fn made_python_command(&mut self, command: &Command) {
        let links = tool::links(command);
        for link in &links {
            let path = self.expand(&link.name).unwrap_or_else(|| link.name.clone());
            let target = link.target.rsplit('/').next().unwrap_or_default().to_owned();
            let answer = |state: &State| match target.as_str() {
                "python3" => state.python3.clone(),
                other if other.starts_with("python3.") => state.answer(other),
                _ => Fact::unknown(format!("what the link {path} points to")),
            };
            match path.rsplit('/').next().unwrap_or_default() {
                "python" => self.python = answer(self),
                "python3" => self.python3 = answer(self),
                "pip" => self.pip = Fact::unknown(format!("what the link {path} points to")),
                _ => {}
            }
        }
        let call = Call::of(command);
        if links.is_empty()
            && !matches!(call.name().as_deref(), Some("python" | "python3" | "echo" | "rm" | "which" | "test" | "[" | "ls"))
        {
            for word in command.words.iter().skip(call.program + 1) {
                let text = word.text();
                let named = |name: &str| text.ends_with(&format!("/bin/{name}")) || text.starts_with(&format!("{name}="));
                let alternative = call.name().as_deref() == Some("update-alternatives");
                if named("python") || (alternative && text == "python") {
                    self.python = Fact::unknown(format!("what `{}` makes of `python`", call.name().unwrap_or_default()));
                }
                if named("python3") && alternative || (alternative && text == "python3") {
                    self.python3 = Fact::unknown("which Python the alternatives choose");
                }
            }
        }
    }

    /// A command that writes a configuration with a timeout, or sets a variable for pip or conda.
    fn configured_by(&mut self, command: &Command) {
        let exported = command.words.iter().map(|word| word.raw.as_str());
        let assigned = command.assignments.iter().map(|assignment| assignment.name.as_str());
        for text in exported.chain(assigned) {
            if text.starts_with("PIP_DEFAULT_TIMEOUT") || text.starts_with("PIP_TIMEOUT") {
                self.pip_configured.get_or_insert("a command sets PIP_DEFAULT_TIMEOUT itself".to_owned());
            }
            if text.starts_with("CONDA_REMOTE_") {
                self.conda_configured.get_or_insert("a command sets CONDA_REMOTE_… itself".to_owned());
            }
        }
        let mut targets: Vec<&str> = command.redirects.iter().map(|redirect| redirect.target.text()).collect();
        if Call::of(command).name().as_deref() == Some("tee") {
            targets.extend(command.words.iter().map(|word| word.text()));
        }
        let speaks_of = |word: &str| command.words.iter().any(|it| it.raw.contains(word));
        for target in targets {
            let name = target.rsplit('/').next().unwrap_or_default();
            let reads_in = command.words.len() < 2 || Call::of(command).name().as_deref() != Some("echo");
            if matches!(name, "pip.conf" | "pip.ini") && (speaks_of("timeout") || reads_in) {
                self.pip_configured.get_or_insert(format!("a command writes {name}"));
            }
            if matches!(name, ".condarc" | "condarc") && (speaks_of("timeout") || reads_in) {
                self.conda_configured.get_or_insert(format!("a command writes {name}"));
            }
        }
    }
}

/// The version of a package called `python3.N`.
fn deadsnakes_python(package: &str) -> Option<PythonVersion> {
    let version = package.strip_prefix("python")?;
    version.starts_with("3.").then(|| PythonVersion::parse(version)).flatten()
}

/// Whether the release's python3-pip makes the command `pip` too.
fn is_recent(distribution: Distribution, version: &str) -> bool {
    let least = match distribution {
        Distribution::Debian => "11",
        Distribution::Ubuntu => "20.04",
        _ => return false,
    };
    super::version::compare(version, least) != std::cmp::Ordering::Less
}
