//! What `ENV`, `ARG`, `USER`, `SHELL`, `COPY` and `ADD` change.

use super::super::level::Fact;
use super::super::state::{MANY, State, Variable};
use crate::dockerfile::Instruction;
use crate::shell::tool::{self, Environment};

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

    pub(super) fn set_variable(&mut self, instruction: usize, name: String, value: Option<&str>, from_argument: bool) {
        let of_interest = ["PIP_", "CONDA_"].iter().any(|prefix| name.starts_with(prefix));
        if self.variables.len() >= MANY && !of_interest && !self.variables.contains_key(&name) {
            return;
        }
        let by_argument = from_argument || value.is_some_and(|value| self.depends_on_argument(value));
        let value = value.and_then(|value| self.expand(value));
        self.variables.insert(name, Variable { value, from_argument, by_argument, instruction });
    }

    /// `ENV PATH`: the folders before `$PATH` come first from now on.
    pub(super) fn set_path(&mut self, value: &str) {
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
        if self.path.len() > MANY {
            self.path.clear();
            self.forget_python("PATH names too many folders");
        }
    }

    pub(super) fn set_shell(&mut self, instruction: &Instruction) {
        let items: Vec<&str> = instruction.exec.iter().flatten().map(|item| item.value.as_str()).collect();
        let Some(program) = items.first() else { return };
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        self.active = None;
        self.login_shell = false;
        let shell = match name {
            "conda" | "mamba" | "micromamba" if items.contains(&"run") => {
                let after = |names: [&str; 2]| {
                    items
                        .iter()
                        .position(|item| names.contains(item))
                        .and_then(|at| items.get(at + 1))
                        .map(|it| (*it).to_owned())
                };
                let environment = after(["-n", "--name"])
                    .map(Environment::Name)
                    .or_else(|| after(["-p", "--prefix"]).map(Environment::Prefix));
                let answer = environment.map(|environment| self.in_environment(&environment));
                self.active =
                    Some(answer.unwrap_or_else(|| Fact::unknown("which conda environment the SHELL runs in")));
                items.iter().rev().find(|item| matches!(item.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash")))
            }
            _ => Some(program),
        };
        let shell = shell.map_or("", |shell| shell.rsplit('/').next().unwrap_or_default());
        self.login_shell = items.iter().any(|item| {
            *item == "--login"
                || (item.starts_with('-')
                    && !item.starts_with("--")
                    && (item.contains('l') || item.contains('i'))
                    && item.len() < 5)
        });
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
            if tool::is_get_pip(source) {
                self.get_pip.push(source.clone());
            }
            let source = self.expand(source).unwrap_or_else(|| source.clone());
            let source = source.trim_end_matches('/');
            if let Some(interpreter) = from.and_then(|state| state.prefixes.get(source)) {
                let interpreter = interpreter.clone();
                self.keep_prefix(to.clone(), interpreter);
                continue;
            }
            // A folder's content lands in folders that are searched for commands.
            let searched =
                matches!(to.as_str(), "" | "/" | "/usr" | "/usr/local" | "/usr/bin" | "/usr/local/bin" | "/bin");
            let is_file = !from_stage
                && source.rsplit('/').next().is_some_and(|name| name.contains('.') && name != "." && name != "..");
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
}
