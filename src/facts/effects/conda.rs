//! What conda and its installers change.

use super::super::image::{Interpreter, InterpreterKind};
use super::super::level::Fact;
use super::super::state::{Answer, State};
use super::super::version::PythonVersion;
use crate::environment::conda::CondaEnvironment;
use crate::environment::match_spec::{MatchSpec, Minor};
use crate::shell::tool::{Conda, Environment};

impl State {
    pub(super) fn ran_conda(&mut self, conda: &Conda, environment: Option<&CondaEnvironment>) {
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
            environment
                .and_then(|environment| environment.name.clone())
                .filter(|_| conda.subcommand.as_deref().is_some_and(|sub| sub.starts_with("env ")))
                .map(Environment::Name)
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
            Minor::Pinned(major, minor) => {
                Fact::known(PythonVersion::new(major, minor), "the environment's python spec")
            }
            _ => Fact::unknown("the conda environment does not pin its Python to one minor version"),
        };
        let by_argument = spec.is_some_and(|spec| self.depends_on_argument(&spec.raw));
        let version = if by_argument { version.weaken("if the build keeps the ARG's default") } else { version };
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
                    self.keep_prefix(prefix, new);
                }
            }
            // The active environment, which is the base one unless something was activated.
            (None, None) if !creates && self.active.is_none() && self.shell_environment.is_none() => {
                let prefix = self.conda_prefix.value().cloned().flatten();
                self.conda_base_is(&Interpreter { version, kind: InterpreterKind::Conda, prefix });
            }
            // An environment that was activated: which one is not followed.
            (None, None) if !creates => {
                let unknown = || Fact::unknown("what conda makes of the active environment");
                self.active = self.active.is_some().then(unknown);
                self.shell_environment = self.shell_environment.is_some().then(unknown);
                self.prefixes.clear();
            }
            _ => {}
        }
    }

    pub(super) fn conda_base_is(&mut self, interpreter: &Interpreter) {
        let is_conda = |answer: &Answer| matches!(answer, Fact::Known { value: Some(it), .. } if it.kind == InterpreterKind::Conda);
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

    /// A conda installer such as `Miniconda3-py39_4.12.0-Linux-x86_64.sh -b -p /opt/conda`.
    pub(super) fn installs_conda(&mut self, installer: &str, arguments: &[&str]) {
        let by_argument = self.depends_on_argument(installer);
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
        let version = if by_argument { version.weaken("if the build keeps the ARG's default") } else { version };
        let interpreter = Interpreter { version, kind: InterpreterKind::Conda, prefix: Some(prefix.clone()) };
        self.keep_prefix(prefix.clone(), interpreter);
        self.conda_prefix = Fact::known(Some(prefix), "the conda installer's -p");
    }
}
