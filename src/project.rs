//! The files that belong together, read and parsed: those a person named, those found in a folder, and those that one
//! of them refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::discover::{self, Kind};
use crate::dockerfile;
use crate::environment::conda::{CondaEnvironment, Dependency};
use crate::environment::definition::AzureFile;
use crate::environment::document::{ReadError, Syntax};
use crate::model::{DockerfileModel, Model};
use crate::patch::catalogue::Catalogue;
use crate::relation::{self, Why};
use crate::script::{self, Form, ScriptError};
use crate::settings::{self, Settings};
use crate::source::{Source, Span};

/// The files of a run.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The files that were read, in the order in which they were named or found.
    pub members: Vec<Member>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Which files belong together, and why.
    pub links: Vec<Link>,
}

/// A file that refers to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The file that refers, as reports call it.
    pub from: String,
    /// The line on which it does.
    pub line: usize,
    /// The file that it refers to, as reports call it.
    pub to: String,
    /// Why they belong together.
    pub why: Why,
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
    /// The folder that what the file names is in: for a Dockerfile the build context.
    pub context: BuildContext,
    /// The folder outside which nothing is read that nobody named, for a file on disk.
    pub root: Option<PathBuf>,
    /// For a Dockerfile, the definition for which Azure ML appends a conda step to it.
    pub appended: Option<Appended>,
}

/// A definition that has conda dependencies and builds on a Dockerfile: Azure ML appends a step to the last stage, in
/// which conda and pip download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The file of the definition.
    pub by: String,
}

/// How a file came into the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person named it.
    Named,
    /// It was found in a folder that a person named.
    Found,
    /// Another file refers to it.
    Linked {
        /// The other file's name.
        by: String,
        /// The line that refers to it.
        line: usize,
    },
    /// It refers to a file that a person named.
    Refers {
        /// The other file's name.
        to: String,
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
    /// Leave the files alone that a named file refers to.
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
        let (seen, settings, appended) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Loader { options, catalogue, project: Project::default(), seen, settings, appended }.load(paths)
    }

    /// A project of one text that is no file on disk: from standard input, an editor or an example.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub fn of_text(source: Source, context: BuildContext, settings: Settings) -> Result<Self, Problem> {
        let kind = discover::kind_of(Path::new(source.name()));
        let model = parse(&source, kind, &context)?.ok_or_else(|| not_ours(&source, kind))?;
        let settings = Arc::new(settings);
        let member = Member { source, model, origin: Origin::Named, settings, context, root: None, appended: None };
        Ok(Self { members: vec![member], ..Self::default() })
    }

    /// A project of one file of this one, with another text.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub fn with_member(&self, member: usize, source: Source) -> Result<Self, Problem> {
        let member = &self.members[member];
        let kind = match &member.model {
            Model::Dockerfile(_) => Kind::Dockerfile,
            Model::Conda(_) => Kind::Yaml,
            Model::Azure(file) if file.syntax() == Syntax::Json => Kind::Json,
            Model::Azure(_) => Kind::Yaml,
            Model::Script(script) if script.form == Form::Notebook => Kind::Notebook,
            Model::Script(_) => Kind::Python,
        };
        let mut model = parse(&source, Some(kind), &member.context)?.ok_or_else(|| not_ours(&source, Some(kind)))?;
        if let (Model::Dockerfile(new), Model::Dockerfile(old)) = (&mut model, &member.model) {
            new.adopt(&old.environments);
        }
        let member = Member { source, model, ..member.clone() };
        Ok(Self { members: vec![member], ..Self::default() })
    }
}

impl Member {
    /// Whether the comments at the top of the file say that it is generated.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        const SAYS: [&str; 9] = [
            "do not edit",
            "don't edit",
            "automatically generated",
            "auto-generated",
            "autogenerated",
            "generated via",
            "generated from",
            "is generated by",
            "to make changes, edit",
        ];
        let lines = self.source.text().trim_start_matches('\u{feff}').lines().map(str::trim);
        let head = lines.take_while(|line| line.is_empty() || line.starts_with('#')).take(40);
        head.map(str::to_ascii_lowercase).any(|line| SAYS.iter().any(|words| line.contains(words)))
    }

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
            Model::Script(script) => {
                let objects = 0..script.environments.len();
                let mut places: Vec<Span> = objects.flat_map(|object| script.places(object)).collect();
                places.sort_unstable();
                script.comments.iter().flat_map(|comment| self.skips_of(*comment, &places)).collect()
            }
            Model::Azure(file) => {
                let places = file.places();
                file.document().comments().iter().flat_map(|comment| self.skips_of(*comment, &places)).collect()
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
        let lower = text.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("envfix:") else { return Vec::new() };
        // What is not understood is told, as a skip of nothing.
        let ids = rest.trim_start().strip_prefix("skip").and_then(|rest| rest.trim_start().strip_prefix('='));
        let ids = ids.map_or("", str::trim_start);
        let line = Span::new(self.source.line_start(comment.start), comment.end);
        let inside = places.iter().rfind(|place| place.start < comment.start && line.start < place.end);
        let next = places.iter().find(|place| place.start >= comment.end);
        let covered = inside.or(next).copied().unwrap_or(comment);
        let ids = ids.split_whitespace().next().unwrap_or_default();
        ids.split(',')
            .filter(|id| !id.is_empty() || ids.is_empty())
            .map(|id| Skip { patch: id.to_owned(), span: comment, covered })
            .collect()
    }
}

/// Parses a text as what it is: by its name, or by its content where the name does not tell. `None` when it is nothing
/// that envfix knows.
fn parse(source: &Source, kind: Option<Kind>, context: &BuildContext) -> Result<Option<Model>, Problem> {
    let problem = |offset: Option<usize>, message: String| Problem {
        file: source.name().to_owned(),
        line: offset.map(|offset| source.line(offset.min(source.text().len()))),
        message,
    };
    let unreadable = |error: ReadError| problem(Some(error.offset), error.message);
    match kind {
        Some(Kind::Yaml) => return parse_yaml(source).map_err(unreadable),
        Some(Kind::Json) => {
            let file = AzureFile::parse(source, Syntax::Json).map_err(unreadable)?;
            return Ok(file.map(|file| Model::Azure(Box::new(file))));
        }
        Some(Kind::Python) => {
            return parse_script(source, Form::Python).map_err(|it| problem(Some(it.offset), it.message));
        }
        Some(Kind::Notebook) => {
            return parse_script(source, Form::Notebook).map_err(|it| problem(Some(it.offset), it.message));
        }
        Some(Kind::Dockerfile) | None => {}
    }
    let dockerfile =
        dockerfile::parse(source).map_err(|error| problem(Some(error.span.start), error.problem.to_string()))?;
    if dockerfile.stages.len() > MANY_STAGES {
        let line = dockerfile.stages.get(MANY_STAGES).map(|stage| dockerfile.instructions[stage.from].span.start);
        return Err(problem(
            line,
            format!("more than {MANY_STAGES} stages: envfix does not follow that many; split the file"),
        ));
    }
    if kind.is_none() {
        // A file whose name says nothing: it is a Dockerfile when it begins as one.
        let begins =
            dockerfile.instructions.first().is_some_and(|first| matches!(first.keyword.as_str(), "FROM" | "ARG"));
        if !begins {
            if let Ok(Some(model)) = parse_yaml(source) {
                return Ok(Some(model));
            }
            return Ok(AzureFile::parse(source, Syntax::Json).ok().flatten().map(|file| Model::Azure(Box::new(file))));
        }
    }
    Ok(Some(Model::Dockerfile(Box::new(DockerfileModel::new(source, dockerfile, context)))))
}

fn parse_script(source: &Source, form: Form) -> Result<Option<Model>, ScriptError> {
    Ok(script::read(source, form)?.map(|script| Model::Script(Box::new(script))))
}

fn parse_yaml(source: &Source) -> Result<Option<Model>, ReadError> {
    if let Some(environment) = CondaEnvironment::parse(source)? {
        return Ok(Some(Model::Conda(Box::new(environment))));
    }
    Ok(AzureFile::parse(source, Syntax::Yaml)?.map(|file| Model::Azure(Box::new(file))))
}

/// What is said of a file that a person named and that is nothing envfix knows.
fn not_ours(source: &Source, kind: Option<Kind>) -> Problem {
    let message = match kind {
        Some(Kind::Yaml) if memchr::memmem::find(source.text().as_bytes(), b"CondaDependenciesFile").is_some() => {
            "this is a run configuration from before azureml-core 1.0, which today's SDK does not read"
        }
        Some(Kind::Yaml) => {
            "it has no `dependencies:` list and no environment of Azure ML, so it is none of the YAMLs that envfix reads"
        }
        Some(Kind::Json) => "it has not the shape of an azureml_environment.json",
        Some(Kind::Python | Kind::Notebook) => "it does not use the environments of Azure ML's SDK v1 (azureml-core)",
        Some(Kind::Dockerfile) | None => {
            "this is neither a Dockerfile (which begins with FROM or ARG) nor an environment definition"
        }
    };
    // A named kind is wrong as a whole; what a file without one holds shows in its first words.
    let first = source.text().find(|c: char| !c.is_whitespace() && c != '\u{feff}').unwrap_or(0);
    let line = kind.is_none().then(|| source.line(first));
    Problem { file: source.name().to_owned(), line, message: message.to_owned() }
}

/// Facts flow from stage to stage, and every stage is asked about those that start from it. Real files have at most
/// a few dozen.
const MANY_STAGES: usize = 500;

struct Loader<'a> {
    options: &'a LoadOptions,
    catalogue: &'a Catalogue,
    project: Project,
    seen: BTreeSet<PathBuf>,
    settings: BTreeMap<PathBuf, Option<Arc<Settings>>>,
    appended: BTreeMap<PathBuf, Appended>,
}

impl Loader<'_> {
    fn load(mut self, paths: &[PathBuf]) -> Project {
        for path in paths {
            match fs::metadata(path) {
                Err(error) => self.problem(path, None, io_message(&error)),
                Ok(metadata) if metadata.is_dir() => self.folder(path),
                Ok(metadata) if !metadata.is_file() => {
                    self.problem(path, None, "it is no file and no folder".to_owned())
                }
                Ok(_) => self.file(path, Origin::Named, None),
            }
        }
        let named = self.options.environments.clone();
        for path in &named {
            self.file(path, Origin::Named, None);
        }
        self.lend(&named);
        if !self.options.no_follow {
            self.refer_back();
        }
        self.finish();
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
        let known = walk
            .candidates
            .iter()
            .any(|candidate| fs::canonicalize(&candidate.path).is_ok_and(|identity| self.seen.contains(&identity)));
        for candidate in walk.candidates {
            self.file(&candidate.path, Origin::Found, Some(folder));
        }
        if !known && before == (self.project.members.len(), self.project.problems.len()) {
            self.problem(folder, None, "no Dockerfile and no environment definition in this folder".to_owned());
        }
    }

    /// Reads a file. What it refers to is read as well, when it lies in `root`, or else in the file's own folder.
    fn file(&mut self, path: &Path, origin: Origin, root: Option<&Path>) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(identity) {
            return;
        }
        let name = discover::display_name(path, &self.options.current_folder);
        let mut bytes = Vec::new();
        if let Err(error) = fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            return self.problem(path, None, io_message(&error));
        }
        let kind = discover::kind_of(path);
        if !matches!(origin, Origin::Named) && !may_concern_us(&bytes, kind) {
            return;
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
        let model = match parse(&source, kind, &context) {
            Ok(Some(model)) => model,
            // Most files of a folder are none of envfix's, and nobody said that they were.
            Ok(None) if matches!(origin, Origin::Named) => {
                return self.project.problems.push(not_ours(&source, kind));
            }
            Ok(None) => return,
            Err(_) if !matches!(origin, Origin::Named) && !looks_like_ours(&source, kind) => return,
            Err(problem) => return self.project.problems.push(problem),
        };
        let Some(settings) = self.settings_for(folder) else { return };
        let root = Some(root.unwrap_or(folder).to_owned());
        let member = Member { source, model, origin, settings, context, root: root.clone(), appended: None };
        let references = relation::references(&member);
        self.relate(&member, &references);
        let (by, lines) = (member.source.name().to_owned(), member.source.clone());
        self.project.members.push(member);
        // Requirements are read where they matter, and never changed.
        let followed = references.into_iter().filter(|it| !self.options.no_follow && it.why != Why::Requirements);
        for reference in followed.collect::<Vec<_>>() {
            let line = lines.line(reference.place.start);
            self.file(&reference.path, Origin::Linked { by: by.clone(), line }, root.as_deref());
        }
    }

    /// Looks beside the files that a person named, and one folder up, for definitions that refer to them. Those beside
    /// them are read as members; of those above it is only told what follows for the files named.
    fn refer_back(&mut self) {
        let named: Vec<(PathBuf, String)> = self
            .project
            .members
            .iter()
            .filter(|member| member.origin == Origin::Named && !matches!(member.model, Model::Azure(_)))
            .filter_map(|member| Some((member.source.path()?.to_owned(), member.source.name().to_owned())))
            .collect();
        for (path, name) in named {
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            for (place, beside) in [(folder.to_owned(), true), (folder.join(".."), false)] {
                for candidate in definitions_in(&place) {
                    let Some(member) = self.peek(&candidate) else { continue };
                    let target = fs::canonicalize(&path).ok();
                    let refers = |reference: &relation::Reference| fs::canonicalize(&reference.path).ok() == target;
                    let references = relation::references(&member);
                    if !references.iter().any(refers) {
                        continue;
                    }
                    if beside {
                        self.file(&candidate, Origin::Refers { to: name.clone() }, None);
                    } else {
                        self.relate(&member, &references);
                    }
                }
            }
        }
    }

    /// A definition that is read to see what it refers to, and no more.
    fn peek(&self, path: &Path) -> Option<Member> {
        const LARGEST: u64 = 1 << 18;
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > LARGEST || self.seen.contains(&fs::canonicalize(path).ok()?) {
            return None;
        }
        let name = discover::display_name(path, &self.options.current_folder);
        let source = Source::new(name, Some(path.to_owned()), fs::read(path).ok()?).ok()?;
        let folder = path.parent()?.to_owned();
        let (context, root) = (BuildContext::Folder(folder.clone()), Some(folder));
        let model = parse(&source, discover::kind_of(path), &context).ok().flatten()?;
        let origin = Origin::Refers { to: String::new() };
        matches!(model, Model::Azure(_)).then_some(Member {
            source,
            model,
            origin,
            settings: Arc::default(),
            context,
            root,
            appended: None,
        })
    }

    /// Notes which files belong together, and the Dockerfiles that a definition's conda step is appended to.
    fn relate(&mut self, member: &Member, references: &[relation::Reference]) {
        for reference in references {
            self.project.links.push(Link {
                from: member.source.name().to_owned(),
                line: member.source.line(reference.place.start),
                to: discover::display_name(&reference.path, &self.options.current_folder),
                why: reference.why,
            });
        }
        let Model::Azure(file) = &member.model else { return };
        for (number, definition) in file.definitions.iter().enumerate() {
            let own = || references.iter().filter(|reference| reference.definition == Some(number));
            let conda = own().any(|reference| reference.why == Why::CondaFile);
            if !relation::appends_conda(file, definition, conda) {
                continue;
            }
            for reference in own().filter(|it| matches!(it.why, Why::Dockerfile | Why::BaseDockerfile)) {
                let by = Appended { by: member.source.name().to_owned() };
                self.appended.extend(fs::canonicalize(&reference.path).ok().map(|path| (path, by)));
            }
        }
    }

    /// What is known only when all files are read.
    fn finish(&mut self) {
        let links = &mut self.project.links;
        links.sort_by(|a, b| (&a.from, a.line, &a.to, a.why).cmp(&(&b.from, b.line, &b.to, b.why)));
        links.dedup();
        if self.appended.is_empty() {
            return;
        }
        for member in &mut self.project.members {
            let path = member.source.path().and_then(|path| fs::canonicalize(path).ok());
            member.appended = path.and_then(|path| self.appended.get(&path).cloned());
        }
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
                _ => None,
            })
            .collect();
        self.lend_conda_step(named);
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

    /// A definition named with `--env` builds on the Dockerfiles named with it.
    fn lend_conda_step(&mut self, named: &[PathBuf]) {
        let links = &self.project.links;
        let appends = |member: &Member| {
            let Model::Azure(file) = &member.model else { return false };
            let mut own = links.iter().filter(|link| link.from == member.source.name());
            let conda = own.any(|link| link.why == Why::CondaFile);
            file.definitions.iter().any(|definition| relation::appends_conda(file, definition, conda))
        };
        let mut definitions = self.project.members.iter().filter(|member| {
            member.source.path().is_some_and(|path| named.iter().any(|other| other == path)) && appends(member)
        });
        let Some(by) = definitions.next().map(|member| Appended { by: member.source.name().to_owned() }) else {
            return;
        };
        for member in self.project.members.iter().filter(|member| member.origin == Origin::Named) {
            if let (Model::Dockerfile(_), Some(path)) = (&member.model, member.source.path()) {
                self.appended.extend(fs::canonicalize(path).ok().map(|path| (path, by.clone())));
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

/// The files of a folder that may be definitions of Azure ML, by their names; not more than a few.
fn definitions_in(folder: &Path) -> Vec<PathBuf> {
    const MANY: usize = 100;
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let known = |path: &PathBuf| {
        let json = path.file_name().is_some_and(|name| name == "azureml_environment.json");
        json || discover::kind_of(path) == Some(Kind::Yaml)
    };
    let mut found: Vec<PathBuf> = entries.filter(known).take(MANY).collect();
    found.sort();
    found
}

/// Whether a file of a folder may hold something for envfix: most JSON and Python does not, whatever else is in it.
fn may_concern_us(bytes: &[u8], kind: Option<Kind>) -> bool {
    let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    match kind {
        Some(Kind::Json) => ["recache", "\"docker\"", "\"spark\"", "userManagedDependencies"].into_iter().any(has),
        Some(Kind::Python | Kind::Notebook) => has("azureml"),
        Some(Kind::Dockerfile | Kind::Yaml) | None => true,
    }
}

/// Whether a file that cannot be read looks like an environment definition all the same.
fn looks_like_ours(source: &Source, kind: Option<Kind>) -> bool {
    let has = |word: &str| memchr::memmem::find(source.text().as_bytes(), word.as_bytes()).is_some();
    match kind {
        Some(Kind::Yaml) => {
            let begins = |line: &str| line.trim_start_matches('\u{feff}').starts_with("dependencies:");
            source.text().lines().any(begins) || has("environment.schema.json") || has("precachePackages")
        }
        Some(Kind::Json) => {
            source.name().ends_with("azureml_environment.json")
                || has("precachePackages")
                || has("userManagedDependencies")
        }
        Some(Kind::Python | Kind::Notebook) => has("precache_packages") || has(".spark.packages"),
        Some(Kind::Dockerfile) | None => true,
    }
}

/// What the system says, without its error number, and what to do.
fn io_message(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read: check its permissions".to_owned(),
        _ => error.to_string(),
    }
}
