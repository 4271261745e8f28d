//! Commands that call conda where there is none, the wrong way, or install an old one.

use std::cmp::Ordering;

use super::super::file::EnvironmentFile;
use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::context::lineage;
use crate::facts::effects::Place;
use crate::facts::state::State;
use crate::facts::version::compare;
use crate::finding::Evidence;
use crate::shell::tool::{self, Call, Conda, Tool, WrapperKind};
use crate::shell::{Command, Nesting, Operator};

fn subject(
    view: &DockerfileView<'_>,
    place: Place,
    state: &State,
    word: usize,
    locked: Option<String>,
    note: String,
) -> Option<Subject> {
    let run = view.model.run(place.instruction)?;
    let command = run.script.commands.get(place.command)?;
    let inside = command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function));
    let locked = locked
        .or_else(|| run.locked.clone())
        .or_else(|| inside.then(|| "it stands inside a substitution or a function".to_owned()));
    let span = run.span(command.range.clone());
    let target = Target::Command { instruction: place.instruction, command: place.command, word, locked };
    let mut subject = Subject::new(target, span, Some(state));
    subject.evidence.push(Evidence { span, note });
    Some(subject)
}

/// Every `conda create` that is given the YAML of an environment, which only `conda env create` reads.
pub fn creates_from_yaml(view: &DockerfileView<'_>, wanted: EnvironmentFile) -> Vec<Subject> {
    let all = view.commands(0..view.model.dockerfile.instructions.len());
    all.filter_map(|(place, command, state)| {
        let Tool::Conda(conda) = tool::tool(command) else { return None };
        let conda_itself = conda.program == "conda" && conda.is("create") && state.shell.is_ok();
        let files = conda.files();
        let [(file, _)] = files.as_slice() else { return None };
        if !conda_itself || !(file.ends_with(".yml") || file.ends_with(".yaml")) {
            return None;
        }
        let link = view.model.link(place.instruction, place.command);
        let read = link.is_some_and(|link| link.environment.is_some() && !link.changed);
        let other = link.and_then(|link| link.path.as_ref()).is_some_and(|path| {
            // A file that can be read and is no environment may be a list of packages.
            !read && view.context.read(path).is_some()
        });
        let found = if read { EnvironmentFile::Read } else { EnvironmentFile::Named };
        if found != wanted || other {
            return None;
        }
        let word = *conda.subcommand_words.first()?;
        let note = format!("{file} is the YAML of an environment");
        let mut subject = subject(view, place, state, word, not_taken(conda), note)?;
        subject.texts.insert("written", file.clone());
        Some(subject)
    })
    .collect()
}

/// What `conda env create` does not take, where anything is there that it does not.
fn not_taken(conda: &Conda) -> Option<String> {
    const TAKEN: [&str; 6] = ["--name", "--prefix", "--file", "--quiet", "--verbose", "--json"];
    let option = conda.options.iter().find(|option| !TAKEN.contains(&option.name.as_str()));
    match option {
        Some(option) if option.name == "--yes" => {
            Some("`conda env create` takes no `--yes` before conda 24.3, and asks nothing without".to_owned())
        }
        Some(option) => Some(format!("`conda env create` may not take {}", option.name)),
        None if !conda.operands.is_empty() => Some("`conda env create` takes no packages beside the file".to_owned()),
        None => None,
    }
}

/// The first command of each stage that calls conda in an image that is known to have none.
pub fn without_conda(view: &DockerfileView<'_>) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for stage in &view.model.dockerfile.stages {
        // Behind the first call conda is spoken of, so that no other is looked at.
        let first = view
            .commands(stage.instructions.clone())
            .find_map(|(place, command, state)| Some((place, command, state, called(command)?)));
        let found = first.and_then(|(place, command, state, word)| {
            let certain = command.nesting.iter().all(|it| *it == Nesting::Group)
                && matches!(command.before, None | Some(Operator::And | Operator::Semicolon | Operator::Newline))
                && command.after != Some(Operator::Or)
                && !command.negated;
            let absent = state.conda_prefix.value() == Some(&None) && state.opaque.is_none() && state.shell.is_ok();
            if !certain || !absent || may_bring(view, place) {
                return None;
            }
            let note = state.conda_prefix.from().to_owned();
            let mut subject = subject(view, place, state, word, None, note)?;
            subject.texts.insert("written", command.words.get(word)?.text().to_owned());
            Some(subject)
        });
        subjects.extend(found);
    }
    subjects
}

/// The word of a command that calls conda by its name.
fn called(command: &Command) -> Option<usize> {
    let call = Call::of(command);
    let run = call.wrappers.iter().find(|wrapper| wrapper.kind == WrapperKind::CondaRun).map(|wrapper| wrapper.word);
    let own = matches!(tool::tool(command), Tool::Conda(_)).then_some(call.program);
    let word = run.or(own)?;
    let name = command.words.get(word)?.value.as_deref()?;
    matches!(name, "conda" | "mamba" | "micromamba").then_some(word)
}

/// Whether anything before a command may have brought conda: a word that speaks of it, or files of another image.
fn may_bring(view: &DockerfileView<'_>, place: Place) -> bool {
    let speaks = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["conda", "mamba", "forge"].iter().any(|name| text.contains(name))
    };
    lineage(&view.model.dockerfile, place.instruction).into_iter().any(|number| {
        let instruction = &view.model.dockerfile.instructions[number];
        if number == place.instruction {
            let run = view.model.run(number);
            let start = run.and_then(|run| run.script.commands.get(place.command)).map_or(0, |it| it.range.start);
            let before = run.and_then(|run| run.text.text.get(..start));
            return before.is_none_or(speaks) || instruction.flags.iter().any(|flag| flag.text.contains("from="));
        }
        match instruction.keyword.as_str() {
            "FROM" | "ARG" | "LABEL" | "WORKDIR" | "USER" => false,
            "ENV" => instruction.logical.text.contains("PATH") && speaks(&instruction.logical.text),
            "COPY" | "ADD" => {
                let text = instruction.logical.text.as_str();
                let archive = [".tar", ".tgz", ".zip", ".gz", ".xz"].iter().any(|ending| text.contains(ending));
                archive || text.contains("--from") || speaks(text)
            }
            _ => speaks(&instruction.logical.text),
        }
    })
}

/// Every command that brings a conda older than a version: an installer, or `conda install conda=…`. Where a later one
/// brings a newer conda, nothing is found.
pub fn installs_old_conda(view: &DockerfileView<'_>, least: &str) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for stage in &view.model.dockerfile.stages {
        let mut found = None;
        for (place, command, state) in view.commands(stage.instructions.clone()) {
            if state.shell.is_err() {
                continue;
            }
            match conda_brought(command, least) {
                Some((word, version)) if is_older(&version, least) => {
                    let is_spec = matches!(tool::tool(command), Tool::Conda(_));
                    let locked = (!is_spec).then(|| "its name may stand elsewhere, with a checksum".to_owned());
                    let written = command.words.get(word).map(|word| word.text().to_owned()).unwrap_or_default();
                    let note = format!("conda {version}");
                    if found.is_none() || is_spec {
                        found = subject(view, place, state, word, locked, note).map(|mut subject| {
                            subject.texts.insert("written", written);
                            subject.texts.insert("meant", version);
                            subject
                        });
                    }
                }
                Some(_) => found = None,
                None => {}
            }
        }
        subjects.extend(found);
    }
    subjects
}

fn is_older(version: &str, least: &str) -> bool {
    compare(version, least) == Ordering::Less
}

/// The version of conda that a command brings, with the word that says so; the least one where it brings the newest.
fn conda_brought(command: &Command, least: &str) -> Option<(usize, String)> {
    if let Tool::Conda(conda) = tool::tool(command) {
        if !conda.is_install() || conda.is("create") {
            return None;
        }
        let newest = (conda.call.program, least.to_owned());
        let Some(spec) = conda.spec("conda") else { return conda.option("--all").is_some().then_some(newest) };
        let version = spec.version.as_deref().unwrap_or_default();
        let exact = version.trim_start_matches('=').trim_end_matches(".*").trim_end_matches('*');
        let plain = version.starts_with('=') && is_plain(exact);
        return Some(if plain { (spec.word, padded(exact)) } else { newest });
    }
    command.words.iter().enumerate().find_map(|(number, word)| Some((number, installed_by(word.text(), least)?)))
}

/// `4.4` may be any 4.4.x, and `4` anything: what is left open counts as the newest.
fn padded(version: &str) -> String {
    if version.split('.').count() > 2 { version.to_owned() } else { format!("{version}.9999") }
}

fn is_plain(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The conda that an installer brings, by its name; the least one where it is new enough.
fn installed_by(text: &str, least: &str) -> Option<String> {
    // Few words are such a name.
    memchr::memmem::find(text.as_bytes(), b"conda")?;
    for (name, is_miniconda) in [("Miniconda", true), ("Anaconda", false)] {
        let Some((_, behind)) = text.split_once(name) else { continue };
        let Some((version, _)) =
            behind.strip_prefix(['2', '3']).and_then(|rest| rest.strip_prefix('-')?.split_once('-'))
        else {
            continue;
        };
        if is_plain(version) && version.contains('.') {
            return Some(brought_by(version, is_miniconda, least));
        }
    }
    None
}

/// The conda of a Miniconda (its own number) or an Anaconda: 5.0 has 4.3, 5.1 has 4.4, 5.2 has 4.5.4.
pub(super) fn brought_by(version: &str, is_miniconda: bool, least: &str) -> String {
    match version {
        _ if is_miniconda => version.to_owned(),
        _ if is_older(version, "5.0") => "4.3.0".to_owned(),
        _ if is_older(version, "5.1") => "4.3.27".to_owned(),
        _ if is_older(version, "5.2") => "4.4.10".to_owned(),
        _ if is_older(version, "5.3") => "4.5.4".to_owned(),
        _ => least.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(text: &str) -> Option<String> {
        let script = crate::shell::parse(text).unwrap();
        conda_brought(script.commands.first()?, "4.5.4").map(|(_, version)| version)
    }

    #[test]
    fn the_conda_that_a_command_brings_is_read_from_its_words() {
        for (text, version) in [
            ("wget https://repo.anaconda.com/miniconda/Miniconda3-4.3.21-Linux-x86_64.sh -O a.sh", Some("4.3.21")),
            ("curl -O https://repo.anaconda.com/archive/Anaconda3-5.0.0-Linux-x86_64.sh", Some("4.3.27")),
            ("curl -O https://repo.anaconda.com/archive/Anaconda3-2018.12-Linux-x86_64.sh", Some("4.5.4")),
            ("wget https://repo.anaconda.com/miniconda/Miniconda3-py310_24.1.2-0-Linux-x86_64.sh", None),
            ("wget https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh", None),
            ("conda install -y conda==4.4.11", Some("4.4.11")),
            ("conda install -y conda=4.4", Some("4.4.9999")),
            ("conda install -y 'conda>=4.3'", Some("4.5.4")),
            ("conda update -n base conda", Some("4.5.4")),
            ("conda update --all", Some("4.5.4")),
            ("conda install -y numpy", None),
            ("conda create -n x conda=4.3.1", None),
        ] {
            assert_eq!(brought(text).as_deref(), version, "{text}");
        }
    }
}
