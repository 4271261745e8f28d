//! What other programs change: installers of which nothing is known, links called `python`, written configurations.

use super::super::distribution;
use super::super::level::Fact;
use super::super::state::State;
use crate::shell::tool::{self, Call};
use crate::shell::{Command, Word};

impl State {
    pub(super) fn ran_other(&mut self, command: &Command) {
        let call = Call::of(command);
        let name = call.name();
        let arguments: Vec<&str> = command.words.iter().skip(call.program + 1).map(|word| word.text()).collect();
        let raw = command.words.get(call.program).map_or("", |word| word.text());
        match name {
            None => self.may_provide(&format!("`{raw}`")),
            Some("xargs") if arguments.iter().any(|word| matches!(*word, "apt-get" | "apt" | "pip" | "pip3")) => {
                self.unread("what xargs installs");
            }
            Some("add-apt-repository") if arguments.iter().any(|word| word.contains("deadsnakes")) => {
                self.apt.deadsnakes = true;
            }
            Some("apk" | "dnf" | "yum" | "microdnf" | "tdnf" | "zypper" | "pacman") => {
                if arguments.iter().any(|word| word.starts_with("python") || word.contains("pip")) {
                    self.may_provide("the package manager, which installs a Python");
                }
            }
            Some("sh" | "bash" | "dash" | "ash" | "zsh") if !arguments.contains(&"-c") => {
                let script = arguments.iter().find(|word| !word.starts_with('-')).copied();
                if let Some(script) = script
                    && (script.contains("conda") || script.contains("mamba") || script.contains("forge"))
                {
                    return self.installs_conda(script, &arguments);
                }
                let script = script.unwrap_or("-");
                if script.contains("python") {
                    return self.forget_python(&format!("`{raw} {script}` may install a Python"));
                }
                self.may_provide(&format!("`{raw} {script}`"));
            }
            Some(
                "make" | "cmake" | "ninja" | "dpkg" | "tar" | "unzip" | "rsync" | "pyenv" | "asdf" | "nix" | "brew"
                | "sdk",
            ) => {
                if raw == "pyenv"
                    || raw == "asdf"
                    || raw == "brew"
                    || arguments.iter().any(|word| word.contains("python") || word.contains("Python"))
                {
                    self.forget_python(&format!("`{raw}` may install a Python"));
                } else {
                    self.may_provide(&format!("`{raw}`"));
                }
            }
            Some("rm") if command.words.iter().any(|word| word.raw.contains("EXTERNALLY-MANAGED")) => {
                self.marker_removed = true;
            }
            Some("mv") if command.words.iter().any(|word| word.raw.contains("EXTERNALLY-MANAGED")) => {
                self.marker_removed = true;
            }
            Some(_)
                if raw.contains('/')
                    && !raw.starts_with("/bin/")
                    && !raw.starts_with("/usr/bin/")
                    && !raw.starts_with("/usr/sbin/") =>
            {
                if raw.contains("conda") || raw.contains("forge") {
                    return self.installs_conda(raw, &arguments);
                }
                if raw.contains("python") {
                    return self.forget_python(&format!("`{raw}` may install a Python"));
                }
                self.may_provide(&format!("`{raw}`"));
            }
            Some(_) => {}
        }
    }

    /// A link, an alternative, an alias or a file called `python`.
    pub(super) fn made_python_command(&mut self, command: &Command) {
        let call = Call::of(command);
        let program = call.name().unwrap_or_default().to_owned();
        if program == "update-alternatives" {
            return self.chose_alternative(command);
        }
        let links = tool::links(command);
        for link in &links {
            let path = self.expand(&link.name).unwrap_or_else(|| link.name.clone());
            let target = link.target.rsplit('/').next().unwrap_or_default().to_owned();
            let answer = |state: &State| match target.as_str() {
                "python3" | "pip3" => state.python3.clone(),
                other if other.starts_with("python3.") => state.answer(other),
                _ => Fact::unknown(format!("what the link {path} points to")),
            };
            match path.rsplit('/').next().unwrap_or_default() {
                "python" => self.python = answer(self),
                "python3" => {
                    self.python3 = answer(self);
                    // The distribution's pip begins with `#!/usr/bin/python3`.
                    self.pip = Fact::unknown(format!("which Python {path} is to pip"));
                    self.pip_moved = true;
                }
                "pip" => self.pip = answer(self),
                "pip3" => self.pip_moved = true,
                _ => {}
            }
        }
        const HARMLESS: [&str; 8] = ["python", "python3", "echo", "rm", "which", "test", "[", "ls"];
        if links.is_empty() && !HARMLESS.contains(&program.as_str()) {
            let targets = command.redirects.iter().map(|redirect| redirect.target.text());
            for text in command.words.iter().skip(call.program + 1).map(Word::text).chain(targets) {
                let named = |name: &str| {
                    text.strip_suffix(name).is_some_and(|folder| folder.ends_with("/bin/"))
                        || text.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
                };
                if named("python") {
                    self.python = Fact::unknown(format!("what `{program}` makes of `python`"));
                }
                if named("python3") && program != "virtualenv" {
                    self.python3 = Fact::unknown(format!("what `{program}` makes of `python3`"));
                }
            }
        }
    }

    /// `update-alternatives`: the first time a name is given, it becomes what was asked for. After that priorities
    /// decide, which are not followed.
    fn chose_alternative(&mut self, command: &Command) {
        let links = tool::links(command);
        for name in ["python", "python3", "pip", "pip3"] {
            let is = |text: &str| text == name || text.ends_with(&format!("/bin/{name}"));
            if !command.words.iter().any(|word| is(word.text())) {
                continue;
            }
            let again = !self.alternatives.insert(name.to_owned());
            let link = links.iter().find(|link| is(&link.name));
            let target = link.map(|link| link.target.rsplit('/').next().unwrap_or_default().to_owned());
            let answer = match target.as_deref() {
                Some("python3") if !again => self.python3.clone(),
                Some(other) if !again && other.starts_with("python3.") => self.answer(other),
                _ => Fact::unknown(format!("which `{name}` the alternatives choose")),
            };
            match name {
                "python" => self.python = answer,
                "python3" => {
                    (self.python3, self.pip_moved) = (answer, true);
                    self.pip = Fact::unknown("which Python the alternatives give pip");
                }
                _ => self.pip_moved = true,
            }
        }
    }

    /// A command that changes where commands are looked for, or which environment is active.
    pub(super) fn changed_path(&mut self, command: &Command) {
        let assigned = command.assignments.iter().any(|it| it.name == "PATH");
        let exported = command.words.iter().any(|word| word.raw.starts_with("PATH="));
        let words = || command.words.iter().map(Word::text);
        let deactivated = words().any(|word| word == "deactivate");
        if assigned || exported || deactivated {
            self.active = Some(Fact::unknown("the command changes its PATH"));
        }
    }

    /// A command that changes where apt takes packages from.
    pub(super) fn changed_sources(&mut self, text: &str) {
        if !text.contains("sources.list") && !text.contains("/etc/apt/") {
            return;
        }
        let own = self.release.values().iter().filter_map(|release| release.codename()).collect::<Vec<_>>();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let other = words
            .filter(|word| {
                distribution::by_any_codename(word).is_some() || matches!(*word, "sid" | "testing" | "unstable")
            })
            .find(|word| !own.contains(word));
        if let Some(other) = other {
            self.release = Fact::unknown(format!("which packages apt finds, since its sources name {other}"));
        }
    }

    /// A text that sets a timeout for pip or conda itself, or that writes a configuration which may.
    pub(super) fn configured_by(&mut self, text: &str) {
        const COPIES: [&str; 8] = ["cp ", "mv ", "ln ", "install ", "curl ", "wget ", "sed ", "envsubst"];
        if text.contains("PIP_DEFAULT_TIMEOUT") || text.contains("PIP_TIMEOUT") {
            self.pip_configured.get_or_insert("a command sets PIP_DEFAULT_TIMEOUT itself".to_owned());
        }
        if text.contains("CONDA_REMOTE_READ_TIMEOUT") {
            self.conda_configured.get_or_insert("a command sets CONDA_REMOTE_READ_TIMEOUT_SECS itself".to_owned());
        }
        let written = |names: &[&'static str]| names.iter().copied().find(|name| text.contains(name));
        let may_say = text.contains("timeout") || COPIES.iter().any(|word| text.contains(word));
        if let Some(name) = written(&["pip.conf", "pip.ini", "PIP_CONFIG_FILE"]).filter(|_| may_say) {
            self.pip_configured.get_or_insert(format!("a command deals with {name}, which may set it"));
        }
        if let Some(name) = written(&["condarc"]).filter(|_| may_say) {
            self.conda_configured.get_or_insert(format!("a command deals with {name}, which may set it"));
        }
    }
}
