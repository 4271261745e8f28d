//! Calls of pip.

use std::sync::Arc;

use super::options::{Known, Opt, Table, last};
use super::python::{PythonRun, Ran};
use super::requirement::{Requirement, RequirementKind, normalise};
use super::wrapper::Call;
use super::{is_versioned, said};

/// A call of pip.
#[derive(Clone, Debug)]
pub struct Pip {
    /// The call; its program is `pip`, or the Python that runs it.
    pub call: Arc<Call>,
    /// The index of the Python that runs pip as a module: `python3.11 -m pip`.
    pub interpreter: Option<usize>,
    /// The index of the word that names pip: the program, or the `pip` behind `-m`.
    pub pip: usize,
    /// The sub-command and the index of its word.
    pub subcommand: Option<(String, usize)>,
    /// All options, those before the sub-command included, in order.
    pub options: Vec<Opt>,
    /// Requirements given as words, `-e` left out.
    pub requirements: Vec<Requirement>,
    /// The indices of all words behind the sub-command that are no options.
    pub operands: Vec<usize>,
}

// From `pip --help` and `pip install --help` and so on of pip 26.3, with options that older ones took.
const GENERAL: &[Known] = &[
    Known(&["--help", "-h"], false),
    Known(&["--quiet", "-q"], false),
    Known(&["--verbose", "-v"], false),
    Known(&["--version", "-V"], false),
    Known(&["--python"], true),
    Known(&["--log", "--log-file", "--local-log"], true),
    Known(&["--proxy"], true),
    Known(&["--retries"], true),
    Known(&["--resume-retries"], true),
    Known(&["--timeout", "--default-timeout"], true),
    Known(&["--exists-action"], true),
    Known(&["--trusted-host"], true),
    Known(&["--cert"], true),
    Known(&["--client-cert"], true),
    Known(&["--cache-dir"], true),
    Known(&["--download-cache"], true),
    Known(&["--keyring-provider"], true),
    Known(&["--use-feature"], true),
    Known(&["--use-deprecated"], true),
    Known(&["--skip-requirements-regex"], true),
    Known(&["--no-cache-dir"], false),
    Known(&["--no-color"], false),
    Known(&["--no-input"], false),
    Known(&["--no-proxy-env"], false),
    Known(&["--no-python-version-warning"], false),
    Known(&["--disable-pip-version-check"], false),
    Known(&["--isolated"], false),
    Known(&["--debug"], false),
    Known(&["--require-virtualenv", "--require-venv"], false),
];
const PACKAGES: &[Known] = &[
    Known(&["--requirement", "-r"], true),
    Known(&["--constraint", "-c"], true),
    Known(&["--build-constraint"], true),
    Known(&["--editable", "-e"], true),
    Known(&["--group"], true),
    Known(&["--requirements-from-script"], true),
    Known(&["--index-url", "-i", "--pypi-url"], true),
    Known(&["--extra-index-url"], true),
    Known(&["--find-links", "-f"], true),
    Known(&["--mirrors"], true),
    Known(&["--no-binary"], true),
    Known(&["--only-binary"], true),
    Known(&["--all-releases"], true),
    Known(&["--only-final"], true),
    Known(&["--refresh-package"], true),
    Known(&["--uploaded-prior-to"], true),
    Known(&["--platform"], true),
    Known(&["--python-version"], true),
    Known(&["--implementation"], true),
    Known(&["--abi"], true),
    Known(&["--src", "--source", "--source-dir", "--source-directory"], true),
    Known(&["--build", "-b", "--build-dir", "--build-directory"], true),
    Known(&["--config-settings", "-C", "--config-setting"], true),
    Known(&["--install-option"], true),
    Known(&["--global-option"], true),
    Known(&["--build-option"], true),
    Known(&["--allow-external"], true),
    Known(&["--allow-unverified", "--allow-insecure"], true),
    Known(&["--progress-bar"], true),
    Known(&["--no-index"], false),
    Known(&["--no-deps", "--no-dependencies"], false),
    Known(&["--only-deps", "--only-dependencies"], false),
    Known(&["--pre"], false),
    Known(&["--prefer-binary"], false),
    Known(&["--ignore-requires-python"], false),
    Known(&["--no-build-isolation"], false),
    Known(&["--check-build-dependencies"], false),
    Known(&["--use-pep517"], false),
    Known(&["--no-use-pep517"], false),
    Known(&["--require-hashes"], false),
    Known(&["--no-require-hashes"], false),
    Known(&["--no-clean"], false),
];
const INSTALL: &[Known] = &[
    Known(&["--upgrade", "-U"], false),
    Known(&["--upgrade-strategy"], true),
    Known(&["--target", "-t"], true),
    Known(&["--user"], false),
    Known(&["--no-user"], false),
    Known(&["--root"], true),
    Known(&["--prefix"], true),
    Known(&["--download", "-d"], true),
    Known(&["--report"], true),
    Known(&["--root-user-action"], true),
    Known(&["--ignore-installed", "-I"], false),
    Known(&["--force-reinstall"], false),
    Known(&["--break-system-packages"], false),
    Known(&["--compile"], false),
    Known(&["--no-compile"], false),
    Known(&["--no-warn-conflicts"], false),
    Known(&["--no-warn-script-location"], false),
    Known(&["--dry-run"], false),
    Known(&["--egg"], false),
];
const DOWNLOAD: &[Known] = &[Known(&["--dest", "-d", "--destination-dir", "--destination-directory"], true)];
const WHEEL: &[Known] = &[Known(&["--wheel-dir", "-w"], true), Known(&["--no-verify"], false)];
const UNINSTALL: &[Known] = &[
    Known(&["--requirement", "-r"], true),
    Known(&["--yes", "-y"], false),
    Known(&["--root-user-action"], true),
    Known(&["--break-system-packages"], false),
];
const OTHERS: &[Known] = &[
    Known(&["--path"], true),
    Known(&["--format"], true),
    Known(&["--exclude"], true),
    Known(&["--editor"], true),
    Known(&["--algorithm"], true),
    Known(&["--output"], true),
    Known(&["--user"], false),
    Known(&["--global"], false),
    Known(&["--site"], false),
];

/// How the arguments of `pip install` are read; `get-pip.py` hands its own to it.
pub(super) const INSTALL_ARGUMENTS: Table = Table { known: &[INSTALL, PACKAGES, GENERAL], stops: false };

impl Pip {
    pub(super) fn of_python(python: &PythonRun) -> Self {
        let mut pip = Self::read(&python.call, Some(python.interpreter), python.arguments);
        if let Ran::Module { word, .. } = &python.ran {
            pip.pip = *word;
        }
        pip
    }

    pub(super) fn read(call: &Arc<Call>, interpreter: Option<usize>, from: usize) -> Self {
        let words = call.words();
        let general = Table { known: &[GENERAL], stops: true }.read(words, from);
        let subcommand = words.get(general.end).map(|word| (said(word).into_owned(), general.end));
        let name = subcommand.as_ref().map_or("", |(name, _)| name.as_str());
        let known: &'static [&'static [Known]] = match name {
            "install" => INSTALL_ARGUMENTS.known,
            "download" => &[DOWNLOAD, PACKAGES, GENERAL],
            "wheel" | "lock" => &[WHEEL, PACKAGES, GENERAL],
            "uninstall" => &[UNINSTALL, GENERAL],
            _ => &[OTHERS, GENERAL],
        };
        let own = Table { known, stops: false }.read(words, general.end + 1);
        let asks = matches!(name, "install" | "download" | "wheel" | "lock" | "uninstall");
        let asked = own.operands.iter().filter(|_| asks);
        let requirements = asked.filter_map(|index| Requirement::read(words, *index)).collect();
        let options = general.options.into_iter().chain(own.options).collect();
        Pip {
            call: Arc::clone(call),
            interpreter,
            pip: call.program,
            subcommand,
            options,
            requirements,
            operands: own.operands,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.subcommand.as_ref().is_some_and(|(given, _)| given == name)
    }

    /// The last option of this canonical name, the one that counts.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Opt> {
        last(&self.options, name)
    }

    fn values<'s>(&'s self, name: &'static str) -> impl Iterator<Item = &'s Opt> {
        self.options.iter().filter(move |option| option.name == name && option.value.is_some())
    }

    /// Whether it is `pip install`.
    #[must_use]
    pub fn is_install(&self) -> bool {
        self.is("install")
    }

    /// Whether it is an install with `--upgrade`.
    #[must_use]
    pub fn upgrades(&self) -> bool {
        self.is_install() && self.option("--upgrade").is_some()
    }

    /// Whether it installs for the user only.
    #[must_use]
    pub fn user(&self) -> bool {
        self.option("--user").is_some()
    }

    /// The requirement of a project, given as a word.
    #[must_use]
    pub fn requirement(&self, name: &str) -> Option<&Requirement> {
        let name = normalise(name);
        self.requirements.iter().find(|requirement| requirement.name.as_ref() == Some(&name))
    }

    /// The `-r` options.
    pub fn requirement_files(&self) -> impl Iterator<Item = &Opt> {
        self.values("--requirement")
    }

    /// The `-c` options.
    pub fn constraint_files(&self) -> impl Iterator<Item = &Opt> {
        self.values("--constraint")
    }

    /// The `-e` options.
    pub fn editables(&self) -> impl Iterator<Item = &Opt> {
        self.values("--editable")
    }

    /// The timeout it is given on the command line, in seconds, as written.
    #[must_use]
    pub fn timeout(&self) -> Option<&Opt> {
        self.option("--timeout")
    }

    /// The key and the value of `pip config set`, as written.
    #[must_use]
    pub fn config_setting(&self) -> Option<(String, String)> {
        let text = |index: usize| self.operands.get(index).and_then(|word| self.call.words().get(*word)).map(said);
        if !self.is("config") || text(0)? != "set" {
            return None;
        }
        Some((text(1)?.into_owned(), text(2)?.into_owned()))
    }

    /// Whether it may fetch something from an index: it does unless `--no-index` is given, or all that it installs
    /// are local files whose dependencies and build requirements are not asked for.
    #[must_use]
    pub fn downloads(&self) -> bool {
        let fetches = ["install", "download", "wheel", "lock"].iter().any(|name| self.is(name));
        if !fetches || self.option("--no-index").is_some() || self.option("--help").is_some() {
            return false;
        }
        let by_option = ["--requirement", "--editable", "--group", "--requirements-from-script"]
            .iter()
            .any(|name| self.option(name).is_some());
        if by_option || self.option("--no-deps").is_none() {
            return by_option || !self.requirements.is_empty();
        }
        let builds_alone = self.option("--no-build-isolation").is_some();
        let words = self.call.words();
        let local = |requirement: &Requirement| {
            let is_wheel = words.get(requirement.word).is_some_and(|word| said(word).ends_with(".whl"));
            requirement.kind == RequirementKind::Path && (is_wheel || builds_alone)
        };
        !self.requirements.iter().all(local)
    }
}

/// Whether a program's name is pip's.
pub(super) fn is_pip(name: &str) -> bool {
    is_versioned(name, "pip")
        || name.strip_prefix("pip-").is_some_and(|version| !version.is_empty() && is_versioned(version, ""))
}
