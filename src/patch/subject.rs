//! What a finding is about, and what is known of it: the facts that branches ask for and the names that their texts
//! use.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::Setting;
use crate::context::BuildContext;
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::{AzureFile, Definition};
use crate::environment::match_spec::Minor;
use crate::facts::distribution::{self, Mirrors};
use crate::facts::effects::Place;
use crate::facts::image::{Interpreter, InterpreterKind};
use crate::facts::level::Fact;
use crate::facts::pip_table;
use crate::facts::state::{Answer, Installed, State};
use crate::facts::timeline::Timeline;
use crate::facts::version::{PythonVersion, Release, compare};
use crate::finding::Evidence;
use crate::model::DockerfileModel;
use crate::project::{Appended, Member};
use crate::relation::{self, DockerfileState};
use crate::script::PythonScript;
use crate::shell::tool::{Opt, Tool};
use crate::source::{Source, Span};

/// A Dockerfile with all that patches ask about it.
pub struct DockerfileView<'a> {
    /// Its text.
    pub source: &'a Source,
    /// What it says.
    pub model: &'a DockerfileModel,
    /// The facts at every point.
    pub timeline: &'a Timeline,
    /// Its build context.
    pub context: &'a BuildContext,
    /// The definition for which Azure ML appends a conda step to it.
    pub appended: Option<&'a Appended>,
    /// The values that remedies write.
    pub values: &'a BTreeMap<String, Setting>,
    /// Uses of options that a pip does not know, by pip: worked out when first asked for.
    unknown_options: RefCell<BTreeMap<String, Vec<(Place, String)>>>,
}

/// A conda environment with all that patches ask about it.
pub struct CondaView<'a> {
    /// What it says.
    pub environment: &'a CondaEnvironment,
    /// The values that remedies write.
    pub values: &'a BTreeMap<String, Setting>,
}

/// A file of definitions with all that patches ask about it.
pub struct DefinitionView<'a> {
    /// Its text.
    pub source: &'a Source,
    /// What it says.
    pub file: &'a AzureFile,
    /// The folder that what it names is in.
    pub context: &'a BuildContext,
    /// The values that remedies write.
    pub values: &'a BTreeMap<String, Setting>,
    /// The definitions in it, as conditions ask for them: worked out once.
    about: Vec<Arc<AboutDefinition>>,
}

impl<'a> DefinitionView<'a> {
    /// A file of definitions.
    pub fn new(member: &'a Member, file: &'a AzureFile, values: &'a BTreeMap<String, Setting>) -> Self {
        let (source, context) = (&member.source, &member.context);
        let about = |definition: &Arc<Definition>| {
            Arc::new(AboutDefinition {
                definition: Arc::clone(definition),
                misspelt: file.misspelt(definition),
                dockerfile: relation::dockerfile_state(definition, member),
            })
        };
        Self { source, file, context, values, about: file.definitions.iter().map(about).collect() }
    }

    /// What is known of a definition, by its number.
    pub fn about(&self, number: usize) -> &Arc<AboutDefinition> {
        &self.about[number]
    }
}

/// A program with all that patches ask about it.
pub struct ScriptView<'a> {
    /// Its text.
    pub source: &'a Source,
    /// What it says.
    pub script: &'a PythonScript,
}

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
    /// An environment that a program makes.
    Object {
        /// Its number in the program.
        number: usize,
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

/// A pip version to pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// For a Python that is known.
    Known(String),
    /// One that fits every plausible Python.
    Plausible(String),
    /// None, for this reason.
    None(String),
}

impl Pin {
    /// The version, known or plausible.
    pub fn version(&self) -> Option<&str> {
        match self {
            Pin::Known(version) | Pin::Plausible(version) => Some(version),
            Pin::None(_) => None,
        }
    }

    /// The pin for a Python in a Dockerfile: what `envfix.toml` says where it runs there, else the newest of the table.
    pub fn for_python(python: &Answer, values: &BTreeMap<String, Setting>) -> Self {
        let versions = match versions(python) {
            Fact::Unknown { from } => return Pin::None(format!("its Python is not known ({from})")),
            other => other,
        };
        let Some(newest) = pip_table::one_pin_for(versions.values()) else {
            let missing = versions.values().iter().find(|version| pip_table::newest_pip(**version).is_none());
            if let Some(missing) = missing {
                return Pin::None(format!("its table has none for Python {missing} ({})", versions.from()));
            }
            let list: Vec<String> = versions.values().iter().map(ToString::to_string).collect();
            return Pin::None(format!("no one pip runs on Python {} ({})", list.join(" and "), versions.from()));
        };
        let version = match values.get("pip") {
            None => newest.to_owned(),
            Some(wanted) => {
                let wanted = wanted.to_string();
                let too_new = compare(&wanted, newest) == std::cmp::Ordering::Greater
                    && versions.values().iter().any(|version| *version < PythonVersion::new(3, 10));
                // Python 3.12 took away what older pips import; before 20.3.4 none sees compiled wheels on 3.10.
                let least = |version: &PythonVersion| match (version.major, version.minor) {
                    (3, 12..) => "23.1",
                    (3, 10..) => "20.3.4",
                    _ => "19.0",
                };
                let older = |version| compare(&wanted, least(version)) == std::cmp::Ordering::Less;
                let too_old = versions.values().iter().any(older);
                if too_new || too_old {
                    return Pin::None(format!("pip {wanted} of envfix.toml does not run on this Python"));
                }
                wanted
            }
        };
        if versions.value().is_some() { Pin::Known(version) } else { Pin::Plausible(version) }
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
            "image" => self.definition.as_ref()?.definition.image().map(str::to_owned),
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
            "pip-table" => Some(pip_table::summary()),
            "channel" => self.channel.clone(),
            "channel-option" => Some(self.channel.as_ref().map_or_else(String::new, |it| format!("-c {it} "))),
            "python-version" => versions(&self.python).values().first().map(ToString::to_string),
            name => values.get(name).map(ToString::to_string),
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
            Fact::Unknown { from } => from.clone(),
        },
        other => match versions(other) {
            Fact::Known { value, .. } => format!("Python {value}"),
            Fact::Among { values, from } => {
                let list: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("Python {}, {from}", list.join(" or "))
            }
            Fact::Unknown { from } => from,
        },
    }
}

impl<'a> DockerfileView<'a> {
    /// A Dockerfile and the facts about it.
    pub fn new(
        member: &'a Member,
        model: &'a DockerfileModel,
        timeline: &'a Timeline,
        values: &'a BTreeMap<String, Setting>,
    ) -> Self {
        let (source, context, appended) = (&member.source, &member.context, member.appended.as_ref());
        Self { source, model, timeline, context, appended, values, unknown_options: RefCell::default() }
    }

    /// The span of a command.
    pub fn command_span(&self, place: Place) -> Option<Span> {
        let run = self.model.run(place.instruction)?;
        let command = run.script.commands.get(place.command)?;
        Some(run.span(command.range.clone()))
    }

    /// Every command of a range of instructions that was read, with its place and the facts before it, in order.
    pub fn commands(
        &self,
        instructions: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (Place, &crate::shell::Command, &State)> {
        self.model.runs_in(instructions).flat_map(move |run| {
            self.timeline.script(run).commands.iter().enumerate().filter_map(move |(number, command)| {
                let place = Place { instruction: run.instruction, command: number };
                Some((place, command, self.timeline.before(place)?))
            })
        })
    }

    /// The first pip option used behind a place, in its stage or one that derives from it, that a pip does not know.
    pub fn unknown_option_behind(&self, place: Place, pip: &str) -> Option<String> {
        let mut cache = self.unknown_options.borrow_mut();
        let unknown = cache.entry(pip.to_owned()).or_insert_with(|| self.unknown_options(pip));
        if unknown.is_empty() {
            return None;
        }
        let stages = &self.model.dockerfile.stages;
        let stage = stages.iter().position(|stage| stage.instructions.contains(&place.instruction))?;
        let derived = self.timeline.descendants(stage);
        let behind = |other: &Place| {
            let here = stages[stage].instructions.contains(&other.instruction);
            here && (other.instruction, other.command) > (place.instruction, place.command)
                || derived.iter().any(|stage| stages[*stage].instructions.contains(&other.instruction))
        };
        unknown.iter().find(|(other, _)| behind(other)).map(|(_, option)| option.clone())
    }

    /// Every use of a pip option that a pip does not know; one for each command.
    fn unknown_options(&self, pip: &str) -> Vec<(Place, String)> {
        self.commands(0..self.model.dockerfile.instructions.len())
            .filter_map(|(place, command, _)| {
                let Tool::Pip(used) = crate::shell::tool::tool(command) else { return None };
                let mut options = used.options.iter().map(spelled);
                Some((place, options.find(|option| pip_table::pip_knows(pip, option) == Some(false))?))
            })
            .collect()
    }
}

/// An option as the table of pip's options asks for it.
fn spelled(option: &Opt) -> String {
    match &option.value {
        Some(value) if matches!(option.name.as_str(), "--use-feature" | "--use-deprecated") => {
            format!("{}={value}", option.name)
        }
        _ => option.name.clone(),
    }
}

/// Whether the pip section of an environment installs a pip itself.
pub fn installs_own_pip(environment: &CondaEnvironment) -> bool {
    environment.pip_maps().flat_map(|(_, map)| &map.items).any(|item| {
        let name = item.text.split(['=', '<', '>', '~', '!', '[', ';', ' ']).next().unwrap_or_default();
        name.eq_ignore_ascii_case("pip")
    })
}

impl CondaView<'_> {
    /// A dependency with what is known of the environment.
    pub fn subject(&self, index: usize) -> Subject {
        let environment = self.environment;
        let place = environment.dependencies.get(index).map_or(environment.dependencies_span, |it| it.item());
        let mut subject = Subject::new(Target::Dependency { index }, place, None);
        let named = environment.dependencies.get(index).and_then(|it| it.spec()).and_then(|it| it.spec.channel.clone());
        let channels: Vec<&str> = match &named {
            Some(channel) => vec![channel.as_str()],
            None => environment.channels.iter().map(|channel| channel.name.as_str()).collect(),
        };
        subject.channel = pip_table::deciding_channel(&channels).map(str::to_owned);
        subject.python_pinned = Some(matches!(environment.python_minor(), Minor::Pinned(..)));
        subject.pin = match environment.python_minor() {
            Minor::Pinned(major, minor) => {
                let version = PythonVersion::new(major, minor);
                let from = "the environment's own python";
                let interpreter =
                    Interpreter { version: Fact::known(version, from), kind: InterpreterKind::Conda, prefix: None };
                subject.python = Fact::known(Some(interpreter), from);
                match (pip_table::conda_pip(version, &channels), self.values.get("pip")) {
                    (Some(_), Some(wanted)) => match Pin::for_python(&subject.python, self.values) {
                        Pin::None(reason) => Pin::None(reason),
                        _ => Pin::Known(wanted.to_string()),
                    },
                    // conda-forge's pip is one build for all Pythons. What other channels have stops early, and what a
                    // published environment pins there may be older than what a build gets today.
                    (Some(row), None) if subject.channel.as_deref() == Some("conda-forge") => {
                        Pin::Known(row.version.to_owned())
                    }
                    (Some(row), None) => Pin::None(format!(
                        "pip {} from {} is known to build, and newer ones were not tried",
                        row.version,
                        subject.channel.as_deref().unwrap_or("its channels")
                    )),
                    (None, _) => Pin::None(match &subject.channel {
                        Some(channel) => format!("envfix has no evidence of a pip for Python {version} in {channel}"),
                        None => "it is not known which of its channels pip comes from".to_owned(),
                    }),
                }
            }
            Minor::Constrained => Pin::None("its python is not pinned to one minor version".to_owned()),
            Minor::Unstated => Pin::None("it names no python".to_owned()),
        };
        if installs_own_pip(environment) {
            subject.pin = Pin::None("its pip section installs a pip of its own".to_owned());
        }
        if subject.python_pinned == Some(false) {
            let Pin::None(reason) = &subject.pin else { return subject };
            subject.python = Fact::unknown(reason.clone());
        }
        subject
    }
}
