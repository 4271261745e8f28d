//! What `ENV`, `ARG`, `USER`, `SHELL`, `COPY` and `ADD` change.

use super::super::image::Interpreter;
use super::super::level::Fact;
use super::super::state::{MANY, State, Variable};
use std::rc::Rc;

use crate::context::BuildContext;
use crate::dockerfile::Instruction;
use crate::shell::tool::{self, Environment};

/// The names of pip's and conda's configuration files.
pub(super) const CONFIGURATIONS: [&str; 5] = ["pip.conf", "pip.ini", ".condarc", "condarc", ".mambarc"];

impl State {
    /// What an instruction other than `RUN`, `COPY` and `ADD` changes.
    pub fn set_by(&mut self, number: usize, instruction: &Instruction, escape: char) {
        match instruction.keyword.as_str() {
            "ENV" => {
                // The pairs of one line see the values from before the line.
                let before = self.clone();
                for pair in instruction.pairs(escape) {
                    let value = pair.value.as_deref().unwrap_or_default();
                    if pair.name == "PATH" {
                        self.set_path(value, &before);
                    }
                    self.set_variable(number, pair.name, Some(value), false, &before);
                }
            }
            "ARG" => {
                for pair in instruction.pairs(escape) {
                    if self.variables.get(&pair.name).is_none_or(|variable| variable.from_argument) {
                        let before = self.clone();
                        self.set_variable(number, pair.name, pair.value.as_deref(), true, &before);
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
            "WORKDIR" => {
                let written = instruction.arguments_text().trim();
                self.workdir = match self.expand(written) {
                    Some(folder) => self.absolute(&folder),
                    None => format!("{}/{written}", self.workdir),
                };
            }
            _ => {}
        }
    }

    fn set_variable(
        &mut self,
        instruction: usize,
        name: String,
        value: Option<&str>,
        from_argument: bool,
        before: &State,
    ) {
        let of_interest = ["PIP_", "CONDA_"].iter().any(|prefix| name.starts_with(prefix));
        if self.variables.len() >= MANY && !of_interest && !self.variables.contains_key(&name) {
            return;
        }
        match name.as_str() {
            "PIP_CONFIG_FILE" => self.pip_configured = Some("PIP_CONFIG_FILE names a configuration of pip".to_owned()),
            "CONDARC" => self.conda_configured = Some("CONDARC names a configuration of conda".to_owned()),
            // bash reads it before every command, so it may activate anything.
            "BASH_ENV" => self.login_shell = true,
            _ => {}
        }
        let by_argument = from_argument || value.is_some_and(|value| before.depends_on_argument(value));
        let value = value.and_then(|value| before.expand(value));
        Rc::make_mut(&mut self.variables).insert(name, Variable { value, from_argument, by_argument, instruction });
    }

    /// A path of the image made absolute.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        let path = path.trim_end_matches('/');
        if path.starts_with('/') {
            return path.to_owned();
        }
        let path = if path == "." { "" } else { path.trim_start_matches("./") };
        format!("{}/{path}", self.workdir.trim_end_matches('/')).trim_end_matches('/').to_owned()
    }

    /// `ENV PATH`: the folders before `$PATH` come first from now on.
    fn set_path(&mut self, value: &str, before: &State) {
        let own = value.match_indices("$PATH").map(|(at, found)| (at, at + found.len()));
        let own = own.filter(|(_, end)| !value[*end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        let braced = value.match_indices("${PATH}").map(|(at, found)| (at, at + found.len()));
        let first = own.chain(braced).map(|(at, _)| at).min();
        let whole = first.is_none();
        let folders: Vec<String> = value[..first.unwrap_or(value.len())]
            .trim_matches(['"', '\''])
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(|folder| before.expand(folder).unwrap_or_else(|| folder.to_owned()))
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
        self.shell_environment = None;
        self.login_shell = self.variables.contains_key("BASH_ENV");
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
                self.shell_environment =
                    Some(answer.unwrap_or_else(|| Fact::unknown("which conda environment the SHELL runs in")));
                items.iter().rev().find(|item| matches!(item.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash")))
            }
            _ => Some(program),
        };
        let shell = shell.map_or("", |shell| shell.rsplit('/').next().unwrap_or_default());
        self.login_shell |= items.iter().any(|item| {
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
    pub fn copied(&mut self, instruction: &Instruction, from: Option<&State>, context: &BuildContext) {
        let words: Vec<String> = match &instruction.exec {
            Some(items) => items.iter().map(|item| item.value.clone()).collect(),
            None => instruction.arguments_text().split_whitespace().map(str::to_owned).collect(),
        };
        let Some((to, sources)) = words.split_last() else { return };
        let to = self.expand(to).unwrap_or_else(|| to.clone());
        let to = self.absolute(&to);
        let from_stage = instruction.flags.iter().any(|flag| flag.text.starts_with("--from"));
        for source in sources {
            if tool::is_get_pip(source) {
                self.get_pip.push(source.clone());
            }
            let source = self.expand(source).unwrap_or_else(|| source.clone());
            let source = source.trim_end_matches('/');
            if let Some(from) = from
                && self.carried_over(from, source, &to)
            {
                continue;
            }
            let name = source.rsplit('/').next().unwrap_or_default();
            self.placed(source, name, &to, from_stage);
            if name.contains("sources.list") || to.contains("sources.list") {
                self.release = Fact::unknown("what the copied sources.list names");
            }
            self.copied_configuration(source, name, &to, from_stage, context);
        }
    }

    /// Carries over the Pythons of another stage in a folder that is copied from it; says whether there are any.
    fn carried_over(&mut self, from: &State, source: &str, to: &str) -> bool {
        let below = format!("{source}/");
        let found: Vec<(String, Interpreter)> = from
            .prefixes
            .iter()
            .filter_map(|(prefix, interpreter)| {
                let rest = if prefix == source { "" } else { prefix.strip_prefix(&below)? };
                let prefix = format!("{to}/{rest}").trim_end_matches('/').to_owned();
                Some((prefix.clone(), Interpreter { prefix: Some(prefix), ..interpreter.clone() }))
            })
            .collect();
        for (prefix, interpreter) in &found {
            // These folders are searched without being on any PATH that a file names.
            if matches!(prefix.as_str(), "/usr" | "/usr/local") {
                self.forget_python(&format!("{source} of another stage holds a Python"));
            }
            self.keep_prefix(prefix.clone(), interpreter.clone());
        }
        !found.is_empty()
    }

    /// What a file or folder that was copied may put into the folders that are searched for commands.
    fn placed(&mut self, source: &str, name: &str, to: &str, from_stage: bool) {
        const SEARCHED: [&str; 7] = ["", "/", "/usr", "/usr/local", "/usr/bin", "/usr/local/bin", "/bin"];
        const ARCHIVES: [&str; 7] = [".tar", ".tgz", ".gz", ".xz", ".bz2", ".zst", ".zip"];
        let target = to.rsplit('/').next().unwrap_or_default();
        let is = |file: &str| ["python", "python3"].contains(&file);
        let folder = to.rsplit_once('/').map_or("", |(folder, _)| folder);
        if (is(target) && folder.ends_with("/bin")) || (is(name) && to.ends_with("/bin")) {
            return self.forget_python(&format!("{source} is copied to {to}"));
        }
        let archive = ARCHIVES.iter().any(|ending| name.ends_with(ending));
        let is_file = !from_stage && !archive && name.contains('.') && name != "." && name != "..";
        if !SEARCHED.contains(&to) || is_file {
            return;
        }
        let whole = ["/usr/local", "/usr", "/", "", "/usr/local/bin", "/usr/bin"].contains(&source);
        if archive || (from_stage && whole) || name.starts_with("python") {
            self.forget_python(&format!("{source} is copied to {to}"));
        } else {
            self.may_provide(&format!("what is copied from {source}"));
        }
    }

    /// A configuration of pip or conda that is copied: by its own name, or in a folder. One that can be read and says
    /// nothing of a timeout does not count.
    fn copied_configuration(&mut self, source: &str, name: &str, to: &str, from_stage: bool, context: &BuildContext) {
        if CONFIGURATIONS.contains(&name) || CONFIGURATIONS.contains(&to.rsplit('/').next().unwrap_or_default()) {
            let text = (!from_stage).then(|| context.read(source.trim_start_matches("./"))).flatten();
            match text {
                Some(text) if !text.contains("timeout") => {}
                Some(_) => self.configured_by_file(name, to, "sets it"),
                None => self.configured_by_file(name, to, "is copied in and cannot be read here"),
            }
            return;
        }
        if from_stage || name.contains('*') {
            return;
        }
        let folder = source.trim_start_matches("./").trim_matches('/');
        let folder = if folder == "." { "" } else { folder };
        for inner in ["pip.conf", "pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", ".condarc", "condarc"] {
            let path = if folder.is_empty() { inner.to_owned() } else { format!("{folder}/{inner}") };
            if context.read(&path).is_some_and(|text| text.contains("timeout")) {
                self.configured_by_file(inner.rsplit('/').next().unwrap_or_default(), to, "sets it");
            }
        }
    }

    /// A configuration file of pip or conda arrives in the image.
    pub fn configured_by_file(&mut self, name: &str, to: &str, how: &str) {
        let is = |names: &[&str]| names.iter().any(|it| name == *it || to.rsplit('/').next() == Some(*it));
        if is(&["pip.conf", "pip.ini"]) {
            self.pip_configured.get_or_insert(format!("{name} {how}"));
        }
        if is(&[".condarc", "condarc", ".mambarc"]) {
            self.conda_configured.get_or_insert(format!("{name} {how}"));
        }
    }
}
