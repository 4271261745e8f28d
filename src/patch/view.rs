//! The files as patches look at them: what a file says with everything that is asked about it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::Setting;
use super::pin::Pin;
use super::subject::{AboutDefinition, Subject, Target};
use crate::context::BuildContext;
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::{AzureFile, Definition};
use crate::environment::match_spec::Minor;
use crate::facts::effects::Place;
use crate::facts::image::{Interpreter, InterpreterKind};
use crate::facts::level::Fact;
use crate::facts::pip_table;
use crate::facts::state::State;
use crate::facts::timeline::Timeline;
use crate::facts::version::PythonVersion;
use crate::member::{Appended, Member};
use crate::model::DockerfileModel;
use crate::relation;
use crate::script::PythonScript;
use crate::shell::tool::{Opt, Tool};
use crate::source::{Encoding, Source, Span};

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
    /// The encoding of the file that it stands in.
    pub encoding: Encoding,
    /// What it says of Python's minor version: worked out once.
    pub minor: Minor,
    /// Whether its pip section installs a pip itself: worked out once.
    pub installs_own_pip: bool,
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
fn installs_own_pip(environment: &CondaEnvironment) -> bool {
    environment.pip_maps().flat_map(|(_, map)| &map.items).any(|item| {
        let name = item.text.split(['=', '<', '>', '~', '!', '[', ';', ' ']).next().unwrap_or_default();
        name.eq_ignore_ascii_case("pip")
    })
}

impl<'a> CondaView<'a> {
    /// A conda environment.
    pub fn new(environment: &'a CondaEnvironment, source: &Source, values: &'a BTreeMap<String, Setting>) -> Self {
        let (minor, installs_own_pip) = (environment.python_minor(), installs_own_pip(environment));
        Self { environment, values, encoding: source.encoding(), minor, installs_own_pip }
    }

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
        subject.python_pinned = Some(matches!(self.minor, Minor::Pinned(..)));
        subject.pin = match self.minor {
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
        if self.installs_own_pip {
            subject.pin = Pin::None("its pip section installs a pip of its own".to_owned());
        }
        if subject.python_pinned == Some(false) {
            let Pin::None(reason) = &subject.pin else { return subject };
            subject.python = Fact::unknown(reason.clone());
        }
        subject
    }
}
