//! What apt packages bring: Python, distutils, the commands `python` and `pip`.

use super::super::distribution::{self, DistributionRow};
use super::super::image::{Interpreter, InterpreterKind};
use super::super::level::Fact;
use super::super::packages::{self, Brings};
use super::super::state::{Installed, State};
use super::super::version::{Distribution, PythonVersion, compare};
use super::Place;
use crate::shell::tool::Apt;

impl State {
    pub(super) fn ran_apt(&mut self, apt: &Apt, place: Place) {
        if !apt.is_install() {
            return;
        }
        if ["--download-only", "--simulate", "--dry-run", "--print-uris"].iter().any(|name| apt.option(name).is_some())
        {
            return;
        }
        if apt.option("--target-release").is_some() || apt.packages.iter().any(|package| package.release.is_some()) {
            self.release = Fact::unknown("which release apt takes packages from");
        }
        let recommends = apt.option("--no-install-recommends").is_none();
        if let Some(word) = apt.unknown.first() {
            let what = format!("the packages that {} names", apt.call.words[*word].raw);
            self.unread(&what);
        }
        for package in &apt.packages {
            if package.removed {
                continue;
            }
            let installed = Installed { instruction: place.instruction, command: place.command, word: package.word };
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
            let missing = self.python3.values().iter().all(Option::is_none) && !self.python3.values().is_empty();
            self.installed(&package.name, package.is_file(), recommends);
            if missing && self.apt.python3.is_none() && self.python3.value().is_some_and(Option::is_some) {
                self.apt.python3_along.get_or_insert(installed);
            }
        }
    }

    /// What an apt package brings.
    pub(super) fn installed(&mut self, name: &str, is_file: bool, recommends: bool) {
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
            && matches!(
                name,
                "python3-pip"
                    | "python3-dev"
                    | "python3-venv"
                    | "python3-setuptools"
                    | "python3-distutils"
                    | "python3-all"
                    | "python3-all-dev"
                    | "python3-full"
            );
        if any(|facts| facts.distutils) || by_name || releases.is_empty() && name.starts_with("python3-") {
            self.apt.distutils.get_or_insert_with(|| format!("the package {name}"));
        }
        let python3 =
            ["python3", "python3-pip", "python3-dev", "python3-venv", "python3-setuptools", "python3-minimal"];
        if all(|facts| facts.python3) || python3.contains(&name) {
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
        // As long as python-pip made `python`, it was the pip of Python 2.7, whatever else was installed.
        let of_python2 = |row: &DistributionRow| row.python_providers.contains(&"python-pip");
        if name == "python-pip" && self.release_row().is_some_and(of_python2) {
            let version = Fact::known(PythonVersion::new(2, 7), "the package python-pip");
            let system = Interpreter { version, kind: InterpreterKind::System, prefix: Some("/usr".to_owned()) };
            self.answers(|state| &mut state.pip, Fact::known(Some(system), "the package python-pip"));
        }
        let is_python2 = |interpreter: &Option<Interpreter>| {
            interpreter.as_ref().is_some_and(|it| it.version.value() == Some(&PythonVersion::new(2, 7)))
        };
        if name == "python3-pip" && !self.pip.value().is_some_and(is_python2) {
            let answer = match self.release.value() {
                // Until Debian 10 and Ubuntu 18.04, python3-pip made `pip3` only.
                Some(release) if is_recent(release.distribution, &release.version) => self.python3.clone(),
                _ => Fact::unknown("whether python3-pip makes the command `pip` on this release"),
            };
            self.answers(|state| &mut state.pip, answer);
        }
    }

    /// The distribution's python3 is there, and answers where nothing on the `PATH` before it does.
    pub(super) fn provides_system_python3(&mut self) {
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
    compare(version, least) != std::cmp::Ordering::Less
}
