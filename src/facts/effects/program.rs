//! What other programs change: installers of which nothing is known, links called `python`, written configurations.

use super::super::level::Fact;
use super::super::state::State;
use crate::shell::Command;
use crate::shell::tool::{self, Call};

impl State {
    pub(super) fn ran_other(&mut self, command: &Command) {
        let call = Call::of(command);
        let name = call.name();
        let arguments: Vec<&str> = command.words.iter().skip(call.program + 1).map(|word| word.text()).collect();
        let raw = command.words.get(call.program).map_or("", |word| word.text());
        match name.as_deref() {
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
                self.may_provide(&format!("`{raw} {}`", script.unwrap_or("-")));
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
            Some("rm") if tool::cleans_apt_lists(command) => self.apt.lists = Some(false),
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
                self.may_provide(&format!("`{raw}`"));
            }
            Some(_) => {}
        }
    }

    /// A link, an alternative, an alias or a file called `python`.
    pub(super) fn made_python_command(&mut self, command: &Command) {
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
                "python3" => self.python3 = answer(self),
                "pip" => self.pip = answer(self),
                _ => {}
            }
        }
        let call = Call::of(command);
        if links.is_empty()
            && !matches!(
                call.name().as_deref(),
                Some("python" | "python3" | "echo" | "rm" | "which" | "test" | "[" | "ls")
            )
        {
            for word in command.words.iter().skip(call.program + 1) {
                let text = word.text();
                let named =
                    |name: &str| text.ends_with(&format!("/bin/{name}")) || text.starts_with(&format!("{name}="));
                let alternative = call.name().as_deref() == Some("update-alternatives");
                if named("python") || (alternative && text == "python") {
                    self.python =
                        Fact::unknown(format!("what `{}` makes of `python`", call.name().unwrap_or_default()));
                }
                if alternative && (named("python3") || text == "python3") {
                    self.python3 = Fact::unknown("which Python the alternatives choose");
                }
            }
        }
    }

    /// A command that writes a configuration with a timeout, or sets a variable for pip or conda.
    pub(super) fn configured_by(&mut self, command: &Command) {
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
