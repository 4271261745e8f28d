//! What a finding is about, and what is known of it: the facts that branches ask for and the names that their texts
//! use.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::Setting;
use super::pin::Pin;
use crate::environment::definition::Definition;
use crate::facts::commands;
use crate::facts::distribution::{self, Mirrors};
use crate::facts::image::{Interpreter, InterpreterKind};
use crate::facts::level::Fact;
use crate::facts::state::{Answer, Installed, State};
use crate::facts::version::{PythonVersion, Release};
use crate::facts::{package_names, pip_table};
use crate::finding::Evidence;
use crate::relation::DockerfileState;
use crate::source::Span;

/// A place that a patch suspects, with what is known of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is.
    pub target: Target,
    /// The place that the report points at.
    pub place: Span,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// The distribution's release there.
    pub release: Fact<Release>,
    /// The Python concerned.
    pub python: Answer,
    /// Whether that Python refuses `pip install` (PEP 668).
    pub externally_managed: Option<bool>,
    /// The pip to pin for it.
    pub pin: Pin,
    /// What sets the timeout, where a variable would override it.
    pub elsewhere: Option<String>,
    /// The file of the definition for which Azure ML appends a conda step to the stage.
    pub appended: Option<String>,
    /// The name of the apt Python concerned: `python3`, or `python3.9` from deadsnakes.
    pub apt_python: Option<String>,
    /// A pip option used later that the pin does not know.
    pub unknown_option: Option<String>,
    /// The channel that decides which pip a conda environment gets.
    pub channel: Option<String>,
    /// Whether the conda environment pins its Python to one minor version.
    pub python_pinned: Option<bool>,
    /// The definition that it is about.
    pub definition: Option<Arc<AboutDefinition>>,
    /// The key of the definition, by the name that the client reads.
    pub key: Option<String>,
    /// What a program calls the environment, and whether it is a curated one.
    pub object: Option<(String, bool)>,
    /// The requirement by which the failing pip asks for the package that the log names.
    pub requirement: Option<String>,
    /// The cause that the log shows: its number, and what its symptom's named groups found.
    pub cause: Option<(usize, BTreeMap<String, String>)>,
    /// What else its texts may name: `written`, what stands there, and the like.
    pub texts: BTreeMap<&'static str, String>,
}

/// A definition as conditions and texts ask for it.
#[derive(Clone, Debug)]
pub struct AboutDefinition {
    /// The definition.
    pub definition: Arc<Definition>,
    /// Keys that the client reads and that stand there misspelt, each with the name that stands there.
    pub misspelt: BTreeMap<String, String>,
    /// Where the Dockerfile of its context is.
    pub dockerfile: DockerfileState,
}

/// What a finding is about, in the terms that operations need.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A stage that downloads: the first command that does, and the tools that nothing sets a timeout for.
    Downloads {
        /// Number of the stage.
        stage: usize,
        /// Number of the first `RUN` that downloads.
        instruction: usize,
        /// Whether pip is among the tools.
        pip: bool,
        /// Whether conda is.
        conda: bool,
    },
    /// A variable that an `ENV` sets too low.
    Variable {
        /// Number of the instruction.
        instruction: usize,
        /// Its name.
        name: String,
    },
    /// The command that installs an apt Python.
    AptPython {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command.
        command: usize,
        /// Number of the package's word.
        word: usize,
    },
    /// An instruction that calls a Python where there is none.
    NoPython {
        /// Number of the instruction.
        instruction: usize,
    },
    /// A command, and in it the word that matters.
    Word {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command.
        command: usize,
        /// Number of the word.
        word: usize,
        /// What stands there.
        role: Role,
        /// Why it cannot be edited, where that is so.
        locked: Option<String>,
    },
    /// A dependency of a conda environment.
    Dependency {
        /// Its number: the `- pip:` map, or the bare pip.
        index: usize,
    },
    /// An environment that a definition of Azure ML holds.
    Definition {
        /// Its number in the file.
        number: usize,
        /// The key concerned, where several of one definition may be.
        key: Option<String>,
    },
    /// The instruction that failed by the log, and in it the command that is meant, where that is known.
    Failing {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command.
        command: Option<usize>,
    },
    /// What the log shows, where no file is known to be concerned.
    Log,
    /// An environment that a program makes.
    Object {
        /// Its number in the program.
        number: usize,
    },
    /// A requirement of a conda environment's pip section.
    Requirement {
        /// Number of the `- pip:` map among the dependencies.
        index: usize,
        /// Its number in the map's list.
        item: usize,
    },
    /// A conda environment as a whole.
    Environment,
    /// A command of a `RUN`.
    Command {
        /// Number of the instruction.
        instruction: usize,
        /// Number of the command.
        command: usize,
        /// Number of the word that matters, where one does.
        word: usize,
        /// Why it cannot be edited, where that is so.
        locked: Option<String>,
    },
    /// An instruction.
    Instruction {
        /// Its number.
        instruction: usize,
    },
    /// The Dockerfile as a whole.
    Dockerfile,
    /// An environment of the workspace that a job asks for.
    Reference {
        /// Offset of the text.
        start: usize,
    },
}

/// What the word of a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The requirement `pip` of a `pip install`.
    PipRequirement,
    /// `get-pip.py`, or the `-` of a Python that reads it from a pipe: arguments go behind it.
    GetPip,
    /// A Python that reads `get-pip.py` from a pipe without being told so: `-` and arguments go behind it.
    PipedGetPip,
    /// The spec `pip` of a `conda install`.
    CondaSpec,
    /// The value of pip's `--timeout`.
    Timeout,
}

impl From<Installed> for Target {
    fn from(installed: Installed) -> Self {
        let Installed { instruction, command, word } = installed;
        Target::AptPython { instruction, command, word }
    }
}

/// The version of the Python that answers.
pub fn versions(python: &Answer) -> Fact<PythonVersion> {
    match python {
        Fact::Known { value: Some(interpreter), .. } => interpreter.version.clone(),
        Fact::Known { value: None, .. } => Fact::unknown("what brought pip there was not recognised"),
        Fact::Among { values, from } => {
            let all: Vec<PythonVersion> =
                values.iter().flatten().flat_map(|interpreter| interpreter.version.values().to_vec()).collect();
            if all.is_empty() { Fact::unknown(from.clone()) } else { Fact::among(all, from.clone()) }
        }
        Fact::Unknown { from } => Fact::unknown(from.clone()),
    }
}

impl Subject {
    /// A subject at a place with the facts that hold there.
    pub fn new(target: Target, place: Span, state: Option<&State>) -> Self {
        Self {
            target,
            place,
            evidence: Vec::new(),
            release: state.map_or_else(|| Fact::unknown("the base image"), |state| state.release.clone()),
            python: Fact::unknown("which Python is meant"),
            externally_managed: None,
            pin: Pin::None("which Python is meant".to_owned()),
            elsewhere: None,
            appended: None,
            apt_python: None,
            unknown_option: None,
            channel: None,
            python_pinned: None,
            definition: None,
            key: None,
            object: None,
            requirement: None,
            cause: None,
            texts: BTreeMap::new(),
        }
    }

    /// The same subject about a Python.
    pub fn about(mut self, python: Answer, state: &State, values: &BTreeMap<String, Setting>) -> Self {
        self.externally_managed = match &python {
            Fact::Known { value: Some(interpreter), .. } => state.externally_managed(interpreter),
            Fact::Among { values, .. } => {
                let all: Vec<Option<bool>> =
                    values.iter().flatten().map(|interpreter| state.externally_managed(interpreter)).collect();
                let first = all.first().copied().flatten();
                first.filter(|first| all.iter().all(|other| *other == Some(*first)))
            }
            _ => None,
        };
        self.pin = Pin::for_python(&python, values);
        self.python = python;
        self
    }

    /// The package that brings the command that the log names, in the distribution at hand.
    pub fn command_package(&self) -> Option<&'static str> {
        let (_, captures) = self.cause.as_ref()?;
        let distribution = self.release.values().first().map(|release| release.distribution);
        commands::package_of(captures.get("command")?, distribution)
    }

    /// Whether the release's packages can still be fetched.
    pub fn mirrors_live(&self) -> Fact<Option<bool>> {
        self.release.map(|release| match distribution::row(release).map(|row| row.mirrors) {
            Some(Mirrors::Live) => Some(true),
            Some(Mirrors::Moved) => Some(false),
            _ => None,
        })
    }

    /// What kind of Python it is about.
    pub fn python_kind(&self) -> Fact<Option<InterpreterKind>> {
        self.python.map(|interpreter| interpreter.as_ref().map(|interpreter| interpreter.kind))
    }

    /// The value of a name in a text of the patch.
    pub fn named(&self, name: &str, values: &BTreeMap<String, Setting>) -> Option<String> {
        if let Some(found) = self.cause.as_ref().and_then(|(_, captures)| captures.get(name)) {
            return Some(found.clone());
        }
        match name {
            "pip-pin" => self.pin.version().map(str::to_owned),
            "pin-unknown" => match &self.pin {
                Pin::None(reason) => Some(reason.clone()),
                _ => Some(String::new()),
            },
            "python" => Some(describe_python(&self.python)),
            "release" => Some(match &self.release {
                Fact::Known { value, .. } => value.to_string(),
                Fact::Among { values, from } => {
                    let list: Vec<String> = values.iter().map(ToString::to_string).collect();
                    format!("{}, {from}", list.join(" or "))
                }
                Fact::Unknown { from } => format!("not known here, {from}"),
            }),
            "unknown-option" => self.unknown_option.clone(),
            "elsewhere" => self.elsewhere.clone(),
            "appended" => Some(
                self.appended
                    .as_ref()
                    .map_or_else(String::new, |by| format!(", also in the conda step that Azure ML appends for {by}")),
            ),
            "definition" => self.definition.as_ref().map(|about| about.definition.title()),
            "image" => match &self.definition {
                Some(about) => about.definition.image().map(str::to_owned),
                None => self.texts.get(name).cloned(),
            },
            "object" => self.object.as_ref().map(|(name, _)| name.clone()),
            "key" => self.key.clone(),
            "misspelt" => self.definition.as_ref()?.misspelt.get(self.key.as_ref()?).cloned(),
            "dockerfile-path" => match &self.definition.as_ref()?.dockerfile {
                DockerfileState::FromDefinition(path) | DockerfileState::Other(path) => Some(path.clone()),
                _ => self.definition.as_ref()?.definition.text("build.dockerfile_path").map(str::to_owned),
            },
            "apt-python" => self.apt_python.clone(),
            "pin-why" => Some(match values.get("pip") {
                Some(_) => "envfix.toml asks for it".to_owned(),
                None => {
                    let python = describe_python(&self.python);
                    format!("it is the newest of envfix's table for {python}, so every build gets the same")
                }
            }),
            // A log that is cut there does not tell it.
            "package" => self.cause.as_ref().map(|_| "NAME".to_owned()),
            "requirement" => {
                let (_, captures) = self.cause.as_ref()?;
                self.requirement.as_ref().or(captures.get("package")).cloned()
            }
            "did-you-mean" => {
                let package = self.cause.as_ref().and_then(|(_, captures)| captures.get("package"));
                let meant = package.and_then(|package| package_names::meant(package));
                Some(meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?")))
            }
            "command-package" => self.command_package().map(str::to_owned),
            "pip-table" => Some(pip_table::summary()),
            "channel" => self.channel.clone(),
            "channel-option" => Some(self.channel.as_ref().map_or_else(String::new, |it| format!("-c {it} "))),
            "python-version" => versions(&self.python).values().first().map(ToString::to_string),
            name => self.texts.get(name).cloned().or_else(|| values.get(name).map(ToString::to_string)),
        }
    }

    /// A text of the patch with its names replaced; a name that is none stays as it stands.
    pub fn fill(&self, text: &str, values: &BTreeMap<String, Setting>) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text.trim());
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            let filled = rest.find('}').and_then(|close| Some((self.named(&rest[1..close], values)?, close)));
            match filled {
                Some((value, close)) => {
                    out.push_str(&value);
                    rest = &rest[close + 1..];
                }
                None => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out + rest
    }

    /// A number of the patch with its names replaced.
    pub fn number(&self, setting: &Setting, values: &BTreeMap<String, Setting>) -> Option<f64> {
        self.fill(&setting.to_string(), values).parse().ok()
    }
}

/// A Python for people: its version and where it is known from.
fn describe_python(python: &Answer) -> String {
    let kind = |interpreter: &Interpreter| match interpreter.kind {
        InterpreterKind::System => "the distribution's Python",
        InterpreterKind::Conda => "conda's Python",
        InterpreterKind::Official | InterpreterKind::Other => "Python",
        InterpreterKind::Venv => "the virtual environment's Python",
    };
    match python {
        Fact::Known { value: Some(interpreter), .. } => match &interpreter.version {
            Fact::Known { value, .. } => format!("{} {value}", kind(interpreter)),
            Fact::Among { values, from } => {
                let list: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("{} {}, {from}", kind(interpreter), list.join(" or "))
            }
            Fact::Unknown { from } => from.to_string(),
        },
        other => match versions(other) {
            Fact::Known { value, .. } => format!("Python {value}"),
            Fact::Among { values, from } => {
                let list: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("Python {}, {from}", list.join(" or "))
            }
            Fact::Unknown { from } => from.to_string(),
        },
    }
}
