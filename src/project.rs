//! The files that belong together, read and parsed: those a person named, those found in a folder, and those that a
//! Dockerfile refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::discover::{self, Kind};
use crate::dockerfile;
use crate::environment::conda::{CondaEnvironment, Dependency};
use crate::model::{DockerfileModel, Model};
use crate::patch::catalogue::Catalogue;
use crate::settings::{self, Settings};
use crate::source::{Source, Span};

/// The files of a run.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The files that were read, in the order in which they were named or found.
    pub members: Vec<Member>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its text.
    pub source: Source,
    /// What it says.
    pub model: Model,
    /// How it came in.
    pub origin: Origin,
    /// The `envfix.toml` in force for it.
    pub settings: Arc<Settings>,
    /// The build context, for a Dockerfile.
    pub context: BuildContext,
}

/// How a file came into the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person named it.
    Named,
    /// It was found in a folder that a person named.
    Found,
    /// A Dockerfile refers to it.
    Linked {
        /// The Dockerfile's name.
        by: String,
        /// Line of the instruction that refers to it.
        line: usize,
    },
}

/// A file or folder that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as reports call it.
    pub file: String,
    /// Line, where there is one.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// How to load a project.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Leave the files alone that a named Dockerfile refers to.
    pub no_follow: bool,
    /// Environment definitions that belong to the Dockerfiles named.
    pub environments: Vec<PathBuf>,
    /// The folder that names in reports are relative to.
    pub current_folder: PathBuf,
}

/// A comment `# envfix: skip=ID` and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The patch that is switched off.
    pub patch: String,
    /// The comment.
    pub span: Span,
    /// What it covers.
    covered: Span,
}

impl Skip {
    /// Whether a place is covered.
    #[must_use]
    pub fn covers(&self, place: Span) -> bool {
        self.covered.start <= place.start && place.start <= self.covered.end
    }
}

impl Project {
    /// Reads the files and folders named, and what they refer to. What cannot be read is a [`Problem`]; the rest goes on.
    #[must_use]
    pub fn load(paths: &[PathBuf], options: &LoadOptions, catalogue: &Catalogue) -> Self {
        Loader { options, catalogue, project: Project::default(), seen: BTreeSet::new(), settings: BTreeMap::new() }
            .load(paths)
    }

    /// A project of one text that is no file on disk: from standard input, an editor or an example.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub fn of_text(source: Source, context: BuildContext, settings: Settings) -> Result<Self, Problem> {
        let kind = discover::kind_of(Path::new(source.name()));
        let model = parse(&source, kind, &context)?;
        let member = Member { source, model, origin: Origin::Named, settings: Arc::new(settings), context };
        Ok(Self { members: vec![member], problems: Vec::new() })
    }

    /// A project of one file of this one, with another text.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub fn with_member(&self, member: usize, source: Source) -> Result<Self, Problem> {
        let member = &self.members[member];
        let kind = match member.model {
            Model::Dockerfile(_) => Kind::Dockerfile,
            Model::Conda(_) => Kind::Yaml,
        };
        let mut model = parse(&source, Some(kind), &member.context)?;
        if let (Model::Dockerfile(new), Model::Dockerfile(old)) = (&mut model, &member.model) {
            new.adopt(&old.environments);
        }
        let member = Member { source, model, ..member.clone() };
        Ok(Self { members: vec![member], problems: Vec::new() })
    }
}

impl Member {
    /// The inline skips of the file.
    #[must_use]
    pub fn skips(&self) -> Vec<Skip> {
        if !self.source.text().contains("envfix:") {
            return Vec::new();
        }
        match &self.model {
            Model::Dockerfile(model) => {
                let places: Vec<Span> = model.dockerfile.instructions.iter().map(|step| step.span).collect();
                model.dockerfile.comments.iter().flat_map(|comment| self.skips_of(*comment, &places)).collect()
            }
            Model::Conda(environment) => {
                let places: Vec<Span> = environment.dependencies.iter().map(Dependency::item).collect();
                environment.comments().iter().flat_map(|comment| self.skips_of(*comment, &places)).collect()
            }
        }
    }

    /// The skips of a comment: they cover the place that the comment stands in, or else the one that comes next.
    fn skips_of(&self, comment: Span, places: &[Span]) -> Vec<Skip> {
        let text = self.source.slice(comment).trim_start_matches('#').trim();
        let Some(ids) = text.strip_prefix("envfix:").and_then(|rest| rest.trim_start().strip_prefix("skip=")) else {
            return Vec::new();
        };
        let line = Span::new(self.source.line_start(comment.start), comment.end);
        let inside = places.iter().rfind(|place| place.start < comment.start && line.start < place.end);
        let next = places.iter().find(|place| place.start >= comment.end);
        let covered = inside.or(next).copied().unwrap_or(comment);
        let ids = ids.split_whitespace().next().unwrap_or_default();
        ids.split(',')
            .filter(|id| !id.is_empty())
            .map(|id| Skip { patch: id.to_owned(), span: comment, covered })
            .collect()
    }
}

/// Parses a text as what it is: by its name, or by its content where the name does not tell.
fn parse(source: &Source, kind: Option<Kind>, context: &BuildContext) -> Result<Model, Problem> {
    let problem = |offset: Option<usize>, message: String| Problem {
        file: source.name().to_owned(),
        line: offset.map(|offset| source.line(offset.min(source.text().len()))),
        message,
    };
    if kind == Some(Kind::Yaml) {
        return match CondaEnvironment::parse(source) {
            Ok(Some(environment)) => Ok(Model::Conda(Box::new(environment))),
            Ok(None) => Err(problem(None, NO_DEPENDENCIES.to_owned())),
            Err(error) => Err(problem(Some(error.offset), error.message)),
        };
    }
    let dockerfile =
        dockerfile::parse(source).map_err(|error| problem(Some(error.span.start), error.problem.to_string()))?;
    if dockerfile.stages.len() > MANY_STAGES {
        let line = dockerfile.stages.get(MANY_STAGES).map(|stage| dockerfile.instructions[stage.from].span.start);
        return Err(problem(line, format!("more than {MANY_STAGES} stages: envfix leaves such a file alone")));
    }
    if kind.is_none() {
        // A file whose name says nothing: it is a Dockerfile when it begins as one.
        let begins =
            dockerfile.instructions.first().is_some_and(|first| matches!(first.keyword.as_str(), "FROM" | "ARG"));
        if !begins {
            if let Ok(Some(environment)) = CondaEnvironment::parse(source) {
                return Ok(Model::Conda(Box::new(environment)));
            }
            return Err(problem(
                Some(dockerfile.instructions.first().map_or(0, |first| first.span.start)),
                "this is neither a Dockerfile (which begins with FROM or ARG) nor a conda environment".to_owned(),
            ));
        }
    }
    Ok(Model::Dockerfile(Box::new(DockerfileModel::new(source, dockerfile, context))))
}

/// Facts flow from stage to stage, and every stage is asked about those that start from it. Real files have at most
/// a few dozen.
const MANY_STAGES: usize = 500;

/// What is said of a YAML that is no conda environment.
const NO_DEPENDENCIES: &str = "it has no `dependencies:` list, so it is no conda environment";

struct Loader<'a> {
    options: &'a LoadOptions,
    catalogue: &'a Catalogue,
    project: Project,
    seen: BTreeSet<PathBuf>,
    settings: BTreeMap<PathBuf, Option<Arc<Settings>>>,
}

impl Loader<'_> {
    fn load(mut self, paths: &[PathBuf]) -> Project {
        for path in paths {
            match fs::metadata(path) {
                Err(error) => self.problem(path, None, io_message(&error)),
                Ok(metadata) if metadata.is_dir() => self.folder(path),
                Ok(_) => self.file(path, Origin::Named),
            }
        }
        let named = self.options.environments.clone();
        for path in &named {
            self.file(path, Origin::Named);
        }
        self.lend(&named);
        self.project
    }

    fn problem(&mut self, path: &Path, line: Option<usize>, message: String) {
        let file = discover::display_name(path, &self.options.current_folder);
        self.project.problems.push(Problem { file, line, message });
    }

    fn folder(&mut self, folder: &Path) {
        let walk = discover::walk(folder);
        for error in walk.errors {
            let message = error.to_string();
            let (file, message) = message.split_once(": ").unwrap_or((".", &message));
            self.problem(Path::new(file), None, message.to_owned());
        }
        let before = (self.project.members.len(), self.project.problems.len());
        for candidate in walk.candidates {
            self.file(&candidate.path, Origin::Found);
        }
        if before == (self.project.members.len(), self.project.problems.len()) {
            self.problem(folder, None, "no Dockerfile and no conda environment in this folder".to_owned());
        }
    }

    fn file(&mut self, path: &Path, origin: Origin) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(identity) {
            return;
        }
        let name = discover::display_name(path, &self.options.current_folder);
        let mut bytes = Vec::new();
        if let Err(error) = fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            return self.problem(path, None, io_message(&error));
        }
        let source = match Source::new(name.clone(), Some(path.to_owned()), bytes) {
            Ok(source) => source,
            Err(error) => {
                let line = Some(error.line());
                return self.project.problems.push(Problem { file: name, line, message: error.to_string() });
            }
        };
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let context = BuildContext::Folder(folder.to_owned());
        let kind = discover::kind_of(path);
        match parse(&source, kind, &context) {
            // Most YAML files of a folder are no conda environments, and nobody said that they were.
            Err(problem) if origin == Origin::Found && problem.message == NO_DEPENDENCIES => {}
            Err(problem) if origin == Origin::Found && kind == Some(Kind::Yaml) && !mentions_dependencies(&source) => {
                drop(problem);
            }
            Err(problem) => self.project.problems.push(problem),
            Ok(model) => {
                let Some(settings) = self.settings_for(folder) else { return };
                let linked = self.linked(&source, &model, &context);
                self.project.members.push(Member { source, model, origin, settings, context });
                for (path, origin) in linked {
                    self.file(&path, origin);
                }
            }
        }
    }

    /// The files that a Dockerfile refers to.
    fn linked(&self, source: &Source, model: &Model, context: &BuildContext) -> Vec<(PathBuf, Origin)> {
        let Model::Dockerfile(model) = model else { return Vec::new() };
        if self.options.no_follow {
            return Vec::new();
        }
        let links = model.environments.iter().filter(|link| link.environment.is_some());
        links
            .filter_map(|link| {
                let path = context.locate(link.path.as_deref()?)?;
                let line = source.line(model.dockerfile.instructions[link.instruction].span.start);
                Some((path, Origin::Linked { by: source.name().to_owned(), line }))
            })
            .collect()
    }

    /// Lends the environments named with `--env` to the commands whose file could not be found.
    fn lend(&mut self, named: &[PathBuf]) {
        let environments: Vec<(String, Arc<CondaEnvironment>)> = self
            .project
            .members
            .iter()
            .filter(|member| member.source.path().is_some_and(|path| named.iter().any(|other| other == path)))
            .filter_map(|member| match &member.model {
                Model::Conda(environment) => {
                    let name = member.source.name().rsplit('/').next().unwrap_or_default().to_owned();
                    Some((name, Arc::new((**environment).clone())))
                }
                Model::Dockerfile(_) => None,
            })
            .collect();
        if environments.is_empty() {
            return;
        }
        for member in &mut self.project.members {
            let Model::Dockerfile(model) = &mut member.model else { continue };
            for link in model.environments.iter_mut().filter(|link| link.environment.is_none()) {
                let wanted = link.written.rsplit('/').next().unwrap_or_default();
                let by_name = environments.iter().find(|(name, _)| name == wanted);
                let only = (environments.len() == 1).then(|| &environments[0]);
                link.environment = by_name.or(only).map(|(_, environment)| Arc::clone(environment));
            }
        }
    }

    /// The `envfix.toml` in force in a folder; `None` when there is one that cannot be used, which is a problem.
    fn settings_for(&mut self, folder: &Path) -> Option<Arc<Settings>> {
        if let Some(known) = self.settings.get(folder) {
            return known.clone();
        }
        let found = match discover::find_upwards(folder, settings::FILE_NAME) {
            None => Some(Arc::default()),
            Some(path) => match Settings::read(&path, self.catalogue) {
                Ok(settings) => Some(Arc::new(settings)),
                Err(error) => {
                    let message = error.to_string();
                    let (file, message) = message.split_once(": ").unwrap_or((".", &message));
                    self.problem(Path::new(file), None, message.to_owned());
                    None
                }
            },
        };
        self.settings.insert(folder.to_owned(), found.clone());
        found
    }
}

/// Whether a YAML that cannot be read looks like a conda environment all the same.
fn mentions_dependencies(source: &Source) -> bool {
    source.text().lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("dependencies:"))
}

/// What the system says, without its error number, and what to do.
fn io_message(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read: check its permissions".to_owned(),
        _ => error.to_string(),
    }
}
