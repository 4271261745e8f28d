//! Which files a file refers to, and why they belong together.
//!
//! Nothing outside the folder that a person named, or that the file named is in, is looked at: what lies elsewhere has
//! to be named.

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::{self, BuildContext};
use crate::discover::{self, Kind};
use crate::environment::definition::{AzureFile, Definition, Format};
use crate::member::Member;
use crate::model::{DockerfileModel, Model};
use crate::shell::tool::{self, Tool};
use crate::shell::{self, Command};
use crate::source::Span;

/// Why two files belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A command of a Dockerfile builds or updates a conda environment from it.
    CondaEnvironment,
    /// A command of a Dockerfile installs the requirements in it.
    Requirements,
    /// A definition's build context has this Dockerfile.
    Dockerfile,
    /// A definition's conda dependencies are in it.
    CondaFile,
    /// The Dockerfile that SDK v1 keeps beside a definition.
    BaseDockerfile,
    /// A job, a component or a deployment runs in the environment that it defines.
    Environment,
}

/// A file that another refers to, found on disk.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Why.
    pub why: Why,
    /// Where it is named.
    pub place: Span,
    /// The file.
    pub path: PathBuf,
    /// The definition that refers to it, by number.
    pub definition: Option<usize>,
}

/// Where the Dockerfile of a definition's build context is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DockerfileState {
    /// Where the definition says.
    There(PathBuf),
    /// Not there; but it is where the same path leads from the definition's own folder. The path from the context.
    FromDefinition(String),
    /// Not there; but the context has exactly one other Dockerfile. Its path from the context.
    Other(String),
    /// The context has none by that name, and none or several by others.
    Missing,
    /// The context itself is not there.
    NoContext,
    /// It cannot be told: the context is a template, elsewhere, or the definition has none.
    Unknown,
}

/// The files that a file refers to and that are there.
#[must_use]
pub fn references(member: &Member) -> Vec<Reference> {
    match &member.model {
        Model::Dockerfile(model) => of_dockerfile(model, &member.context),
        Model::Azure(file) => of_definitions(file, member),
        Model::Conda(_) | Model::Script(_) => Vec::new(),
    }
}

fn of_dockerfile(model: &DockerfileModel, context: &BuildContext) -> Vec<Reference> {
    let place = |instruction: usize| model.dockerfile.instructions[instruction].span;
    let environments = model.environments.iter().filter_map(|link| {
        let path = context.locate(link.path.as_deref()?).filter(|path| path.is_file())?;
        Some(Reference { why: Why::CondaEnvironment, place: place(link.instruction), path, definition: None })
    });
    let mut found: Vec<Reference> = environments.collect();
    for run in &model.runs {
        for command in &run.script.commands {
            for file in requirement_files(command).iter().take(MANY) {
                let path = context::source_of(&model.dockerfile, run.instruction, file)
                    .and_then(|path| context.locate(&path))
                    .filter(|path| path.is_file());
                found.extend(path.map(|path| Reference {
                    why: Why::Requirements,
                    place: place(run.instruction),
                    path,
                    definition: None,
                }));
            }
        }
        if found.len() > MANY {
            break;
        }
    }
    found.sort_by(|a, b| (a.place, a.why, &a.path).cmp(&(b.place, b.why, &b.path)));
    found.dedup_by(|a, b| (a.place, a.why, &a.path) == (b.place, b.why, &b.path));
    found
}

/// The requirements and constraints files that a command installs from, also where another shell runs it.
fn requirement_files(command: &Command) -> Vec<String> {
    if let Some(script) = tool::nested(command).and_then(|text| shell::parse(&text).ok()) {
        return script.commands.iter().flat_map(named_requirement_files).collect();
    }
    named_requirement_files(command)
}

fn named_requirement_files(command: &Command) -> Vec<String> {
    match tool::tool(command) {
        Tool::Pip(pip) => {
            let files = pip.requirement_files().chain(pip.constraint_files());
            files.filter_map(|option| option.value.clone()).collect()
        }
        Tool::Uv(uv) if uv.is(&["pip", "install"]) => {
            let named = |option: &&tool::Opt| matches!(option.name.as_str(), "--requirements" | "--constraints");
            uv.options.iter().filter(named).filter_map(|option| option.value.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// A file that refers to more than this was not written by hand.
const MANY: usize = 200;

fn of_definitions(file: &AzureFile, member: &Member) -> Vec<Reference> {
    let mut found = Vec::new();
    let locate = |written: &str| locate(member, written);
    for (number, definition) in file.definitions.iter().enumerate().take(MANY) {
        let mut add = |why: Why, key: &str, path: Option<PathBuf>| {
            let place = file.span_of(definition, key).unwrap_or(definition.span);
            let path = path.filter(|path| path.is_file());
            found.extend(path.map(|path| Reference { why, place, path, definition: Some(number) }));
        };
        match file.format {
            Format::CliV2 => {
                add(Why::CondaFile, "conda_file", definition.text("conda_file").and_then(locate));
                if let DockerfileState::There(path) = dockerfile_state(definition, member) {
                    let key = if definition.text("build.dockerfile_path").is_some() {
                        "build.dockerfile_path"
                    } else {
                        "build.path"
                    };
                    add(Why::Dockerfile, key, Some(path));
                }
            }
            Format::SdkV1 => {
                let named = definition.text("python.condaDependenciesFile").and_then(locate);
                let beside = || member.context.locate("conda_dependencies.yml");
                add(Why::CondaFile, "python.condaDependenciesFile", named.or_else(beside));
                add(Why::BaseDockerfile, "docker.baseDockerfile", member.context.locate("BaseDockerfile"));
            }
            Format::RunConfig => {
                let key = "python.condaDependenciesFile";
                let named = definition.text(key).and_then(|it| {
                    // The SDK names it from the project's folder, of which `.azureml` is a part.
                    let inside = it.strip_prefix(".azureml/").or_else(|| it.strip_prefix("aml_config/"));
                    locate(it).filter(|path| path.is_file()).or_else(|| locate(inside?))
                });
                add(Why::CondaFile, key, named);
            }
        }
    }
    for (written, place) in file.named.iter().take(MANY) {
        let path = locate(written).filter(|path| path.is_file());
        found.extend(path.map(|path| Reference { why: Why::Environment, place: *place, path, definition: None }));
    }
    found
}

/// The files and folders that a definition names and that are not looked at, since they lie outside: the text and where
/// it stands.
#[must_use]
pub fn outside(file: &AzureFile, member: &Member) -> Vec<(String, Span)> {
    let keys: &[&str] = match file.format {
        Format::CliV2 => &["conda_file", "build.path"],
        Format::SdkV1 | Format::RunConfig => &["python.condaDependenciesFile"],
    };
    let mut found = Vec::new();
    for definition in file.definitions.iter().take(MANY) {
        for key in keys {
            let (Some(written), Some(span)) = (definition.text(key), file.span_of(definition, key)) else { continue };
            found.push((written.to_owned(), span));
        }
    }
    found.extend(file.named.iter().take(MANY).cloned());
    let leads_up = |written: &str| {
        let out = || member.context.exists(written) && member.context.locate(written).is_none();
        !is_elsewhere(written) && (written.starts_with('/') || written.contains("../") || out())
    };
    found.retain(|(written, _)| leads_up(written) && locate(member, written).is_none());
    found
}

/// Where a relative path leads, when that is in the folder that may be looked at.
fn locate(member: &Member, written: &str) -> Option<PathBuf> {
    if let Some(inside) = plain(written) {
        return member.context.locate(&inside);
    }
    let BuildContext::Folder(folder) = &member.context else { return None };
    let up = written.split('/').any(|part| part == "..") && !written.starts_with('/') && !is_elsewhere(written);
    let path = folder.join(written);
    (up && is_inside(&path, member.root.as_deref())).then_some(path)
}

/// Whether a path lies in the folder outside which nothing is read.
fn is_inside(path: &Path, root: Option<&Path>) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    real(path).zip(root.and_then(real)).is_some_and(|(path, root)| path.starts_with(root))
}

/// Whether what is written is an address or a template, and no path.
fn is_elsewhere(written: &str) -> bool {
    ["://", "{{", "${", "#"].iter().any(|sign| written.contains(sign))
}

/// A relative path without `.` and needless slashes; `None` for one that is a template, absolute or leads up.
fn plain(written: &str) -> Option<String> {
    if is_elsewhere(written) || written.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = written.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// Where the Dockerfile of a definition's build context is.
#[must_use]
pub fn dockerfile_state(definition: &Definition, member: &Member) -> DockerfileState {
    let Some(written_folder) = definition.text("build.path").filter(|written| !is_elsewhere(written)) else {
        return DockerfileState::Unknown;
    };
    let written = match definition.get("build.dockerfile_path") {
        None | Some(serde_yaml::Value::Null) => Some("Dockerfile".to_owned()),
        Some(value) => match value.as_str() {
            Some("") => Some("Dockerfile".to_owned()),
            other => other.and_then(plain),
        },
    };
    let Some(written) = written else { return DockerfileState::Unknown };
    let Some(folder) = plain(written_folder) else {
        // A folder beside this one, which may be read when it is in the one that was named.
        let Some(context) = locate(member, written_folder).map(BuildContext::Folder) else {
            return DockerfileState::Unknown;
        };
        return in_context(&context, "", &written);
    };
    // A backslash parts folders on Windows only.
    let leads_out = member.context.locate(&folder).is_none() && member.context.exists(&folder);
    if leads_out || folder.contains('\\') {
        return DockerfileState::Unknown;
    }
    let state = in_context(&member.context, &folder, &written);
    let rest = written.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')).filter(|_| !folder.is_empty());
    match (rest, state) {
        (Some(rest), DockerfileState::Other(_) | DockerfileState::Missing)
            if matches!(in_context(&member.context, &folder, rest), DockerfileState::There(_)) =>
        {
            DockerfileState::FromDefinition(rest.to_owned())
        }
        (_, state) => state,
    }
}

/// Where a Dockerfile is in a folder of a context.
fn in_context(context: &BuildContext, folder: &str, written: &str) -> DockerfileState {
    let Some(names) = folder_names(context, folder) else {
        return if matches!(context, BuildContext::None) {
            DockerfileState::Unknown
        } else {
            DockerfileState::NoContext
        };
    };
    let path = if folder.is_empty() { written.to_owned() } else { format!("{folder}/{written}") };
    let there = match context {
        BuildContext::Memory(files) => files.contains_key(&path).then(|| PathBuf::from(&path)),
        _ => context.locate(&path).filter(|path| path.is_file()),
    };
    if let Some(path) = there {
        return DockerfileState::There(path);
    }
    let mut dockerfiles = names.iter().filter(|name| discover::kind_of(Path::new(name)) == Some(Kind::Dockerfile));
    match (dockerfiles.next(), dockerfiles.next()) {
        (Some(only), None) => DockerfileState::Other(only.clone()),
        _ => DockerfileState::Missing,
    }
}

/// The names of the files directly in a folder; `None` when there is no such folder.
fn folder_names(context: &BuildContext, folder: &str) -> Option<Vec<String>> {
    match context {
        BuildContext::None => None,
        BuildContext::Memory(files) => {
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let inside: Vec<String> =
                files.keys().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect();
            (folder.is_empty() || !inside.is_empty())
                .then(|| inside.into_iter().filter(|name| !name.contains('/')).collect())
        }
        BuildContext::Folder(root) => {
            let path = if folder.is_empty() { root.clone() } else { context.locate(folder)? };
            let entries = fs::read_dir(path).ok()?;
            let mut names: Vec<String> =
                entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).take(10_000).collect();
            names.sort();
            Some(names)
        }
    }
}

/// Whether Azure ML appends a conda step to the Dockerfile that a definition builds on: it has conda dependencies and
/// does not say that the image brings its own.
#[must_use]
pub fn appends_conda(file: &AzureFile, definition: &Definition, has_conda_file: bool) -> bool {
    match file.format {
        Format::CliV2 => definition.get("build").is_some() && (has_conda_file || definition.conda.is_some()),
        Format::SdkV1 | Format::RunConfig => {
            let own =
                definition.get("python.userManagedDependencies").is_some_and(crate::environment::values::is_truthy);
            !own && (has_conda_file || definition.conda.is_some())
        }
    }
}
