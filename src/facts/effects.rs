//! What an instruction, and a command in a `RUN`, changes about an image.

mod apt;
mod conda;
mod instruction;
pub mod lists;
mod pip;
mod program;

use super::image::{Interpreter, InterpreterKind};
use super::level::Fact;
use super::state::{Answer, Installed, MANY, State};
use crate::environment::conda::CondaEnvironment;
use crate::shell::tool::{self, Environment, Ran, Tool};
use crate::shell::{Command, Nesting};

/// Where a command stands: the numbers of its instruction and of itself in the instruction's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the instruction.
    pub instruction: usize,
    /// Number of the command.
    pub command: usize,
}

impl State {
    /// Something ran or arrived that may have put a command or a package anywhere.
    pub fn may_provide(&mut self, what: &str) {
        self.opaque.get_or_insert_with(|| what.to_owned());
        for answer in [&mut self.python, &mut self.python3, &mut self.pip] {
            if !answer.values().is_empty() && answer.values().iter().all(Option::is_none) {
                *answer = Fact::unknown(format!("{what} may provide one"));
            }
        }
    }

    /// A Python is there in a folder of its own.
    fn keep_prefix(&mut self, prefix: String, interpreter: Interpreter) {
        if self.prefixes.len() < MANY || self.prefixes.contains_key(&prefix) {
            self.prefixes.insert(prefix, interpreter);
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

    /// What a `RUN` says as a whole, before its commands are read one by one.
    pub fn said_in_run(&mut self, text: &str) {
        self.configured_by(text);
        self.changed_sources(text);
    }

    /// What a command changes. `environment` is the conda environment that it builds from a file, where that is known.
    pub fn ran(&mut self, command: &Command, place: Place, environment: Option<&CondaEnvironment>) {
        if let Some(text) = tool::nested(command) {
            return self.ran_nested(&text, place);
        }
        match tool::tool(command) {
            Tool::Apt(apt) => self.ran_apt(apt, place),
            Tool::Conda(conda) => self.ran_conda(conda, environment),
            Tool::Pip(pip) => self.ran_pip(pip),
            Tool::GetPip(get_pip) => self.ran_get_pip(get_pip),
            Tool::Python(python) => {
                if let Ran::Module { name, .. } = &python.ran
                    && name == "ensurepip"
                {
                    self.provides_pip(&self.answer_to(&command.words[python.interpreter]));
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
            if let Some(folder) = self.expand(&venv.folder).map(|folder| self.absolute(&folder)) {
                let version = match interpreter {
                    Fact::Known { value: Some(interpreter), .. } => interpreter.version,
                    other => Fact::unknown(other.from().to_owned()),
                };
                let prefix = folder.trim_end_matches('/').to_owned();
                let new = Interpreter { version, kind: InterpreterKind::Venv, prefix: Some(prefix.clone()) };
                self.keep_prefix(prefix, new);
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
            // What is activated in a subshell or under a condition may hold for the commands behind it, or not.
            let certain = command.nesting.iter().all(|it| *it == Nesting::Group);
            self.active = Some(if certain { answer } else { Fact::unknown("which environment is active there") });
        }
        self.made_python_command(command);
        self.changed_path(command);
    }

    /// A text that `bash -c` runs: its commands count, an environment that it activates ends with it.
    fn ran_nested(&mut self, text: &str, place: Place) {
        let Ok(script) = crate::shell::parse(text) else {
            return self.unread("a nested shell text that cannot be read");
        };
        let (active, apt) = (self.active.clone(), self.apt.clone());
        for command in &script.commands {
            if tool::nested(command).is_none() {
                self.ran(command, place, None);
            }
        }
        self.active = active;
        // A word of a quoted text is no word of the command, so there is nothing to join.
        let inside = |installed: &mut Installed| installed.word = usize::MAX;
        if self.apt.python3 != apt.python3 {
            self.apt.python3.iter_mut().for_each(inside);
        }
        if self.apt.python3_along != apt.python3_along {
            self.apt.python3_along.iter_mut().for_each(inside);
        }
        if self.apt.deadsnakes_python != apt.deadsnakes_python {
            self.apt.deadsnakes_python.iter_mut().for_each(|(installed, _)| inside(installed));
        }
    }

    /// A command is there now. Where it is known to be another's, or was not known before, that stays.
    fn answers(&mut self, of: fn(&mut State) -> &mut Answer, answer: Answer) {
        let slot = of(self);
        match slot {
            Fact::Known { value: None, .. } => *slot = answer,
            Fact::Among { values, from } if values.iter().all(Option::is_none) => {
                let reason = from.clone();
                *slot = answer.weaken(&reason);
            }
            _ => {}
        }
    }

    /// A command may be there now.
    fn may_answer(&mut self, of: fn(&mut State) -> &mut Answer, what: &str) {
        self.answers(of, Fact::unknown(format!("whether {what} provides it")));
    }
}
