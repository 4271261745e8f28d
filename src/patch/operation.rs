//! The operations that remedies are written in. Each turns a subject into edits of the text and the change of the
//! model that they are meant to be, or into a reason why it cannot.

mod apt;
mod conda;
mod conda_command;
mod download;
mod failing;
mod instruction;
mod key;
mod layout;
mod pip;
mod quote;
mod script;
mod variable;

use super::file::{Operation, Plain, Safety};
use super::subject::Subject;
use super::view::{CondaView, DefinitionView, DockerfileView, ScriptView};
use crate::change::{Change, Scalar, WordId};
use crate::dockerfile::run::Run;
use crate::edit::Edit;
use crate::shell::{Command, Word};
use crate::source::Span;

/// What an operation does. Nothing, where what it ensures holds already.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The text it writes.
    pub edits: Vec<Edit>,
    /// What that does to the model.
    pub changes: Vec<Change>,
    /// What it does, for people.
    pub action: String,
    /// How safe this is, where that is not what the branch says.
    pub safety: Option<Safety>,
}

impl Outcome {
    fn of(edit: Edit, change: Change, action: String) -> Self {
        Self { edits: vec![edit], changes: vec![change], action, safety: None }
    }

    /// Not a letter of the text changes.
    fn save_as_utf8() -> Self {
        let action = "save it as UTF-8".to_owned();
        Self { edits: Vec::new(), changes: vec![Change::Encode], action, safety: None }
    }
}

/// What a person has to do, where something keeps a command from being edited.
fn unlocked(locked: Option<&String>, by_hand: &str) -> Result<(), String> {
    locked.map_or(Ok(()), |locked| Err(format!("{by_hand}; envfix does not edit it, since {locked}")))
}

/// A command of a `RUN`, by numbers.
fn command<'a>(
    view: &'a DockerfileView<'_>,
    instruction: usize,
    number: usize,
    by_hand: &str,
) -> Result<(&'a Run, &'a Command), String> {
    let run = view.model.run(instruction);
    let found = run.and_then(|run| Some((run, run.script.commands.get(number)?)));
    found.ok_or_else(|| format!("{by_hand}; envfix cannot find the command again"))
}

/// A word of a command, and where it stands; not one that is split over lines.
fn word<'a>(view: &'a DockerfileView<'_>, id: WordId, by_hand: &str) -> Result<(&'a Word, Span), String> {
    let (run, command) = command(view, id.instruction, id.command, by_hand)?;
    let word = command.words.get(id.word).ok_or_else(|| format!("{by_hand}; envfix cannot find the place again"))?;
    let span = run.span(word.range.clone());
    if view.source.slice(span) != word.raw {
        return Err(format!("{by_hand}; envfix does not edit a word that is split over lines"));
    }
    Ok((word, span))
}

/// Ensures something in a Dockerfile.
///
/// # Errors
/// With what a person has to do, where envfix cannot.
pub fn in_dockerfile(operation: &Operation, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    match operation {
        Operation::Environment(variables) => variable::environment(variables, subject, view),
        Operation::RaiseVariable(value) => {
            variable::raise(&subject.fill(&value.to_string(), view.values), subject, view)
        }
        Operation::RaisePipTimeout(value) => {
            pip::raise_timeout(&subject.fill(&value.to_string(), view.values), subject, view)
        }
        Operation::AptPackages(packages) => {
            let packages = packages.iter().map(|package| subject.fill(package, view.values)).collect();
            apt::packages(packages, subject, view)
        }
        Operation::RunBefore(commands) => {
            let commands: Vec<String> = commands.iter().map(|it| subject.fill(it, view.values)).collect();
            apt::run_before(&commands, subject, view)
        }
        Operation::CommandExists(link) => apt::command_exists(link, subject, view),
        Operation::PinPip(version) => pip::pin(&subject.fill(version, view.values), subject, view),
        Operation::PipBefore(arguments) => {
            let arguments: Vec<String> = arguments.iter().map(|it| subject.fill(it, view.values)).collect();
            failing::pip_before(&arguments, subject, view)
        }
        Operation::PipOption(option) => failing::pip_option(option, subject, view),
        Operation::ReplaceWord(words) => {
            let (from, to) = (subject.fill(&words.from, view.values), subject.fill(&words.to, view.values));
            failing::replace_word(&from, &to, subject, view)
        }
        Operation::UpdateBefore => apt::update_before(subject, view),
        Operation::EnvCreate => conda_command::env_create(subject, view),
        Operation::FollowRedirects => download::follow_redirects(subject, view),
        Operation::RaiseConda(version) => {
            conda_command::raise_conda(&subject.fill(&version.to_string(), view.values), subject, view)
        }
        Operation::CommentAbove => instruction::comment_above(subject, view),
        Operation::BaseImage(image) => instruction::base_image(&subject.fill(image, view.values), subject, view),
        Operation::PlainBlanks => instruction::plain_blanks(subject, view),
        Operation::SpellKeyword => instruction::spell_keyword(subject, view),
        Operation::QuoteRequirement => quote::requirement(subject, view),
        Operation::SaveAsUtf8 => Ok(Outcome::save_as_utf8()),
        _ => Err("this remedy belongs to an environment definition, not to a Dockerfile".to_owned()),
    }
}

/// Ensures something in a conda environment.
///
/// # Errors
/// With what a person has to do, where envfix cannot.
pub fn in_conda(operation: &Operation, subject: &Subject, view: &CondaView<'_>) -> Result<Outcome, String> {
    match operation {
        Operation::ListPip(spec) => conda::list_pip(&subject.fill(spec, view.values), subject, view),
        Operation::PinListedPip(spec) => conda::pin_listed_pip(&subject.fill(spec, view.values), subject, view),
        Operation::SpellOperator => conda::spell_operator(subject, view),
        Operation::SpellDependency => conda::spell_dependency(subject, view),
        Operation::AddChannels(names) => conda::add_channels(names, view),
        Operation::SaveAsUtf8 => Ok(Outcome::save_as_utf8()),
        _ => Err("this remedy does not belong to a conda environment".to_owned()),
    }
}

/// Ensures something in a definition of Azure ML.
///
/// # Errors
/// With what a person has to do, where envfix cannot.
pub fn in_definition(operation: &Operation, subject: &Subject, view: &DefinitionView<'_>) -> Result<Outcome, String> {
    match operation {
        Operation::SetKey(pair) => {
            let value = match &pair.value {
                None => Scalar::Null,
                Some(Plain::Bool(value)) => Scalar::Bool(*value),
                Some(Plain::Text(text)) => Scalar::Text(subject.fill(text, view.values)),
            };
            key::set(&pair.key, &value, subject, view)
        }
        Operation::RemoveKey(name) => key::remove(name, subject, view),
        Operation::SpellKey => key::spell(subject, view),
        _ => Err("this remedy does not belong to a definition of Azure ML".to_owned()),
    }
}

/// Ensures something in a program.
///
/// # Errors
/// With what a person has to do, where envfix cannot.
pub fn in_script(operation: &Operation, subject: &Subject, view: &ScriptView<'_>) -> Result<Outcome, String> {
    match operation {
        Operation::PrecacheOff => script::precache_off(subject, view),
        _ => Err("this remedy does not belong to a program".to_owned()),
    }
}
