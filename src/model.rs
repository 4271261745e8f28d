//! What a file says: a Dockerfile with the shell texts in it and the environments that it builds, a conda environment,
//! Azure ML's definitions, or a program that makes environments.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::context::{self, BuildContext};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::run::{self, Run, Unread};
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::AzureFile;
use crate::script::PythonScript;
use crate::shell::tool::{self, Tool};
use crate::source::Source;

/// What a file says.
#[derive(Clone, Debug)]
pub enum Model {
    /// A Dockerfile.
    Dockerfile(Box<DockerfileModel>),
    /// A conda environment.
    Conda(Box<CondaEnvironment>),
    /// Definitions of Azure ML.
    Azure(Box<AzureFile>),
    /// A program that uses SDK v1.
    Script(Box<PythonScript>),
}

/// A Dockerfile, the shell texts in it, and the conda environments that it builds.
#[derive(Clone, Debug)]
pub struct DockerfileModel {
    /// Its instructions and stages.
    pub dockerfile: Dockerfile,
    /// The `RUN`s of interest, read.
    pub runs: Vec<Run>,
    /// The `RUN`s of interest that could not be read.
    pub unread: Vec<Unread>,
    /// The conda environments that its commands build from files of the context.
    pub environments: Vec<Link>,
}

/// A command of a Dockerfile that builds a conda environment from a file.
#[derive(Clone, Debug)]
pub struct Link {
    /// Number of the instruction.
    pub instruction: usize,
    /// Number of the command in its script.
    pub command: usize,
    /// The file as the command names it.
    pub written: String,
    /// The file's path in the build context, where it is known.
    pub path: Option<String>,
    /// Whether another command names the file before, and may have changed it.
    pub changed: bool,
    /// The environment, where it can be read.
    pub environment: Option<Arc<CondaEnvironment>>,
    /// Whether a person named that environment, since the file could not be found.
    pub lent: bool,
}

impl DockerfileModel {
    /// Reads the shell texts of a Dockerfile and finds the environments that it builds.
    #[must_use]
    pub fn new(source: &Source, dockerfile: Dockerfile, context: &BuildContext) -> Self {
        let (runs, unread) = run::read(source, &dockerfile);
        let environments = links(&dockerfile, &runs, context);
        Self { dockerfile, runs, unread, environments }
    }

    /// The shell text of an instruction, where it was read.
    #[must_use]
    pub fn run(&self, instruction: usize) -> Option<&Run> {
        self.runs.binary_search_by_key(&instruction, |run| run.instruction).ok().map(|at| &self.runs[at])
    }

    /// The environment that a command builds from a file.
    #[must_use]
    pub fn link(&self, instruction: usize, command: usize) -> Option<&Link> {
        let at =
            self.environments.binary_search_by_key(&(instruction, command), |link| (link.instruction, link.command));
        self.environments.get(at.ok()?)
    }

    /// The runs of a range of instructions.
    pub fn runs_in(&self, instructions: Range<usize>) -> impl Iterator<Item = &Run> {
        let first = self.runs.partition_point(|run| run.instruction < instructions.start);
        self.runs[first..].iter().take_while(move |run| run.instruction < instructions.end)
    }

    /// Takes over an environment that a person named for a command whose file could not be found.
    pub(crate) fn adopt(&mut self, others: &[Link]) {
        for link in self.environments.iter_mut().filter(|link| link.environment.is_none()) {
            let same = others.iter().find(|other| other.lent && other.written == link.written);
            link.environment = same.and_then(|other| other.environment.clone());
            link.lent = link.environment.is_some();
        }
    }
}

const MANY_LINKS: usize = 100;

/// The commands that build conda environments from files.
fn links(dockerfile: &Dockerfile, runs: &[Run], context: &BuildContext) -> Vec<Link> {
    let mut links = Vec::new();
    let mut touched: BTreeSet<String> = BTreeSet::new();
    for run in runs {
        // `cd folder &&` before the command: what is relative then is relative to another folder.
        let mut moved = false;
        for (number, command) in run.script.commands.iter().enumerate() {
            let name = command.words.first().map(|word| word.text());
            moved |= matches!(name, Some("cd" | "pushd"));
            let Tool::Conda(conda) = tool::tool(command) else {
                const READERS: [&str; 8] = ["cat", "ls", "echo", "rm", "chmod", "chown", "grep", "test"];
                if !name.is_some_and(|name| READERS.contains(&name)) {
                    let targets = command.redirects.iter().map(|redirect| redirect.target.text());
                    let words = command.words.iter().map(|word| word.text()).chain(targets);
                    let files = words.filter(|word| is_yaml(word)).map(|word| base_name(word).to_owned());
                    touched.extend(files.take(MANY_LINKS));
                }
                continue;
            };
            if !conda.is("env create") && !conda.is("env update") && !conda.is_install() {
                continue;
            }
            for (written, _) in conda.files().into_iter().filter(|(file, _)| is_yaml(file)) {
                // Following one takes as long as the file; a file with more of them than this was not written by hand.
                let follow = links.len() < MANY_LINKS && (!moved || written.starts_with('/'));
                let path = follow.then(|| context::source_of(dockerfile, run.instruction, &written)).flatten();
                let environment = path.as_deref().and_then(|path| context.read(path)).and_then(|text| {
                    CondaEnvironment::parse(&Source::from_text(written.as_str(), text)).ok().flatten().map(Arc::new)
                });
                // A `RUN` that was not worth reading may edit the file as well.
                let name = base_name(&written);
                let unread = |number: &usize| runs.binary_search_by_key(number, |run| run.instruction).is_err();
                let mut steps = (0..run.instruction).filter(unread).map(|number| &dockerfile.instructions[number]);
                let changed = touched.contains(name)
                    || (follow && steps.any(|step| step.keyword == "RUN" && step.arguments_text().contains(name)));
                let (instruction, command) = (run.instruction, number);
                links.push(Link { instruction, command, written, path, changed, environment, lent: false });
            }
        }
    }
    links
}

fn is_yaml(file: &str) -> bool {
    file.ends_with(".yml") || file.ends_with(".yaml")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
