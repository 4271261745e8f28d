//! Loading a project: the files that a person named, those of the folders that a person named, those that one of them
//! refers to, and those that refer to one of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::discover::{self, Candidate, Kind, Walk, WalkError};
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::AzureFile;
use crate::environment::document::Syntax;
use crate::member::{Appended, Member, Origin, Problem, not_ours, parse};
use crate::model::Model;
use crate::parallel;
use crate::patch::catalogue::Catalogue;
use crate::project::{Link, LoadOptions, Project};
use crate::relation::{self, Reference, Why};
use crate::settings::{self, Settings};
use crate::source::Source;

impl Project {
    /// Reads the files and folders named, and what they refer to. What cannot be read is a [`Problem`]; the rest goes on.
    #[must_use]
    pub fn load(paths: &[PathBuf], options: &LoadOptions, catalogue: &Catalogue) -> Self {
        let mut whole = Self::default();
        Self::load_in_parts(paths, options, catalogue, usize::MAX, &mut |project| whole = project);
        whole
    }

    /// The same in parts of some `most` files each, which are handed on as soon as they are read, so that a run over many
    /// files holds no more than one of them. What a person names, other than by its folder, is one part.
    pub fn load_in_parts(
        paths: &[PathBuf],
        options: &LoadOptions,
        catalogue: &Catalogue,
        most: usize,
        part: &mut dyn FnMut(Self),
    ) {
        let (seen, settings, appended) = (HashSet::new(), BTreeMap::new(), BTreeMap::new());
        let (project, identities) = (Self::default(), Vec::new());
        let in_parts = options.environments.is_empty() && paths.iter().all(|path| path.is_dir());
        let most = if in_parts { most } else { usize::MAX };
        let mut loader = Loader { options, catalogue, project, identities, seen, settings, appended, most, part };
        loader.load(paths);
        loader.hand_on();
    }
}

struct Loader<'a> {
    options: &'a LoadOptions,
    catalogue: &'a Catalogue,
    /// The part that is being read.
    project: Project,
    /// Where its members really are.
    identities: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
    settings: BTreeMap<PathBuf, Option<Arc<Settings>>>,
    appended: BTreeMap<PathBuf, Appended>,
    most: usize,
    part: &'a mut dyn FnMut(Project),
}

/// What became of a file that was to be read.
enum Outcome {
    /// It is envfix's, and refers to these files.
    Member(Box<Member>, Vec<Reference>),
    Problem(Problem),
    /// It is none of envfix's, and nobody said that it was.
    NotOurs,
}

impl Loader<'_> {
    fn load(&mut self, paths: &[PathBuf]) {
        let walks: Vec<Option<Walk>> = paths.iter().map(|path| path.is_dir().then(|| discover::walk(path))).collect();
        if self.most < usize::MAX {
            for (walk, folder) in walks.iter().zip(paths) {
                self.appended_in(walk.as_ref().map_or(&[], |walk| &walk.candidates), folder);
            }
        }
        for (path, walk) in paths.iter().zip(walks) {
            if let Some(walk) = walk {
                self.folder(path, walk);
                continue;
            }
            match fs::metadata(path) {
                Err(error) => self.problem(path, None, io_message(&error)),
                Ok(metadata) if !metadata.is_file() => {
                    self.problem(path, None, "it is no file and no folder".to_owned())
                }
                Ok(_) if !self.options.skip_unknown => self.file(path, Origin::Named, None),
                Ok(_) if discover::kind_of(path).is_some() => self.file(path, Origin::Found, None),
                Ok(_) => {}
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
    }

    /// Hands on what was read so far.
    fn hand_on(&mut self) {
        self.finish();
        self.identities.clear();
        (self.part)(std::mem::take(&mut self.project));
    }

    fn problem(&mut self, path: &Path, line: Option<usize>, message: String) {
        let file = discover::display_name(path, &self.options.current_folder);
        self.project.problems.push(Problem { file, line, message });
    }

    fn folder(&mut self, folder: &Path, walk: Walk) {
        for error in walk.errors {
            let is_link = matches!(error, WalkError::Dangling { .. } | WalkError::Outside { .. });
            let message = error.to_string();
            let (file, message) = message.split_once(": ").unwrap_or((".", &message));
            let file = discover::display_name(Path::new(file), &self.options.current_folder);
            let problem = Problem { file, line: None, message: message.to_owned() };
            if is_link {
                self.project.passed_over.push(problem);
            } else {
                self.project.problems.push(problem);
            }
        }
        let before = (self.project.members.len(), self.project.problems.len());
        let mut empty = true;
        for candidates in walk.candidates.chunks(self.most.min(AT_ONCE)) {
            let here = RealFolders::of(candidates);
            let (seen, options) = (&self.seen, self.options);
            let read = parallel::map(candidates.iter().collect(), |candidate| {
                let identity = here.identity(candidate);
                let met = seen.contains(&identity);
                let outcome = (!met).then(|| read(&candidate.path, Origin::Found, Some(folder), options));
                (identity, outcome)
            });
            for (candidate, (identity, outcome)) in candidates.iter().zip(read) {
                empty &= outcome.is_some();
                // One of the same part may have referred to it in the meantime.
                let Some(outcome) = outcome.filter(|_| self.seen.insert(identity.clone())) else { continue };
                self.take(&candidate.path, identity, outcome, Some(folder));
            }
            empty &= before == (self.project.members.len(), self.project.problems.len());
            if self.project.members.len() >= self.most {
                self.hand_on();
            }
        }
        if empty {
            self.problem(folder, None, "no Dockerfile and no environment definition in this folder".to_owned());
        }
    }

    /// Reads a file. What it refers to is read as well, when it lies in `root`, or else in the file's own folder.
    fn file(&mut self, path: &Path, origin: Origin, root: Option<&Path>) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(identity.clone()) {
            let outcome = read(path, origin, root, self.options);
            self.take(path, identity, outcome, root);
        }
    }

    /// Takes over what was read, and reads what it refers to.
    fn take(&mut self, path: &Path, identity: PathBuf, outcome: Outcome, root: Option<&Path>) {
        let (mut member, references) = match outcome {
            Outcome::Member(member, references) => (member, references),
            Outcome::Problem(problem) => return self.project.problems.push(problem),
            Outcome::NotOurs => return,
        };
        let folder = folder_of(path);
        let Some(settings) = self.settings_for(folder) else { return };
        member.settings = settings;
        self.relate(&member, &references);
        let (by, lines) = (member.source.name().to_owned(), member.source.clone());
        self.project.members.push(*member);
        self.identities.push(identity);
        let root = root.unwrap_or(folder);
        // Requirements are read where they matter, and never changed.
        let followed = references.into_iter().filter(|it| !self.options.no_follow && it.why != Why::Requirements);
        for reference in followed.collect::<Vec<_>>() {
            let line = lines.line(reference.place.start);
            self.file(&reference.path, Origin::Linked { by: by.clone(), line }, Some(root));
        }
    }

    /// Where a folder is handed on in parts, the Dockerfile that a definition appends a step to may be gone when the
    /// definition is read; so the definitions are looked through first.
    fn appended_in(&mut self, candidates: &[Candidate], root: &Path) {
        let definitions: Vec<&Candidate> =
            candidates.iter().filter(|it| matches!(it.kind, Kind::Yaml | Kind::Json)).collect();
        for some in definitions.chunks(AT_ONCE) {
            let options = self.options;
            let read = parallel::map(some.to_vec(), |candidate| {
                let bytes = fs::read(&candidate.path).ok()?;
                // Only these speak of a Dockerfile.
                let speaks = |word: &str| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
                if !speaks("build") && !speaks("ockerfile") {
                    return None;
                }
                match read(&candidate.path, Origin::Found, Some(root), options) {
                    Outcome::Member(member, references) => Some(appends(&member, &references)),
                    Outcome::Problem(_) | Outcome::NotOurs => None,
                }
            });
            self.appended.extend(read.into_iter().flatten().flatten());
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
        // Each folder is looked through once, however many files of it are named.
        let mut places: Vec<(PathBuf, bool, BTreeMap<PathBuf, usize>)> = Vec::new();
        let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for (number, (path, _)) in named.iter().enumerate() {
            let Ok(target) = fs::canonicalize(path) else { continue };
            let folder = folder_of(path);
            for (place, beside) in [(folder.to_owned(), true), (folder.join(".."), false)] {
                let at = *known.entry(place.clone()).or_insert_with(|| {
                    places.push((place, beside, BTreeMap::new()));
                    places.len() - 1
                });
                places[at].2.entry(target.clone()).or_insert(number);
            }
        }
        for (place, beside, sought) in places {
            for candidate in definitions_in(&place) {
                let Some(member) = self.peek(&candidate) else { continue };
                let references = relation::references(&member);
                let targets = references.iter().filter_map(|reference| fs::canonicalize(&reference.path).ok());
                let Some(number) = targets.filter_map(|target| sought.get(&target).copied()).min() else { continue };
                if beside {
                    self.file(&candidate, Origin::Refers { to: named[number].1.clone() }, None);
                } else {
                    self.relate(&member, &references);
                }
            }
        }
    }

    /// A definition that is read to see what it refers to, and no more.
    fn peek(&self, path: &Path) -> Option<Member> {
        const LARGEST: u64 = 1 << 16;
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > LARGEST || self.seen.contains(&fs::canonicalize(path).ok()?) {
            return None;
        }
        let name = discover::display_name(path, &self.options.current_folder);
        let source = Source::new(name, Some(path.to_owned()), fs::read(path).ok()?).ok()?;
        let folder = path.parent()?.to_owned();
        let (context, root) = (BuildContext::Folder(folder.clone()), Some(folder));
        let json = discover::kind_of(path) == Some(Kind::Json);
        let file = AzureFile::parse(&source, if json { Syntax::Json } else { Syntax::Yaml }, false).ok().flatten()?;
        let model = Model::Azure(Box::new(file));
        let origin = Origin::Refers { to: String::new() };
        Some(Member { source, model, origin, settings: Arc::default(), context, root, appended: None })
    }

    /// Notes which files belong together, and the Dockerfiles that a definition's conda step is appended to.
    fn relate(&mut self, member: &Member, references: &[Reference]) {
        for reference in references {
            self.project.links.push(Link {
                from: member.source.name().to_owned(),
                line: member.source.line(reference.place.start),
                to: discover::display_name(&reference.path, &self.options.current_folder),
                why: reference.why,
            });
        }
        self.appended.extend(appends(member, references));
    }

    /// What is known only when all files are read.
    fn finish(&mut self) {
        let links = &mut self.project.links;
        links.sort_by(|a, b| (&a.from, a.line, &a.to, a.why).cmp(&(&b.from, b.line, &b.to, b.why)));
        links.dedup();
        if self.appended.is_empty() {
            return;
        }
        for (member, identity) in self.project.members.iter_mut().zip(&self.identities) {
            member.appended = self.appended.get(identity).cloned();
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
                link.lent = link.environment.is_some();
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

/// Reads a file and works out what it refers to, without a look at any other.
fn read(path: &Path, origin: Origin, root: Option<&Path>, options: &LoadOptions) -> Outcome {
    let name = discover::display_name(path, &options.current_folder);
    let problem =
        |line: Option<usize>, message: String| Outcome::Problem(Problem { file: name.clone(), line, message });
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return problem(None, io_message(&error)),
    };
    let kind = discover::kind_of(path);
    let is_named = matches!(origin, Origin::Named);
    if !is_named && !may_concern_us(&bytes, kind) {
        return Outcome::NotOurs;
    }
    let source = match Source::new(name.clone(), Some(path.to_owned()), bytes) {
        Ok(source) => source,
        // Nor need what is none of envfix's be UTF-8. (It was read a moment ago; a second failure says enough.)
        Err(_) if origin == Origin::Found && !fs::read(path).is_ok_and(|it| looks_like_ours(&name, &it, kind)) => {
            return Outcome::NotOurs;
        }
        Err(error) => return problem(Some(error.line()), error.to_string()),
    };
    let folder = folder_of(path);
    let context = BuildContext::Folder(folder.to_owned());
    let named = matches!(origin, Origin::Named | Origin::Linked { .. });
    let model = match parse(&source, kind, &context, named) {
        Ok(Some(model)) => model,
        // Most files of a folder are none of envfix's, and nobody said that they were.
        Ok(None) if is_named => return Outcome::Problem(not_ours(&source, kind)),
        Ok(None) => return Outcome::NotOurs,
        Err(_) if !is_named && !looks_like_ours(&name, source.text().as_bytes(), kind) => return Outcome::NotOurs,
        Err(problem) => return Outcome::Problem(problem),
    };
    let root = Some(root.unwrap_or(folder).to_owned());
    let member = Member { source, model, origin, settings: Arc::default(), context, root, appended: None };
    let references = relation::references(&member);
    Outcome::Member(Box::new(member), references)
}

/// The Dockerfiles that a definition's conda step is appended to.
fn appends(member: &Member, references: &[Reference]) -> Vec<(PathBuf, Appended)> {
    let Model::Azure(file) = &member.model else { return Vec::new() };
    let mut found = Vec::new();
    for (number, definition) in file.definitions.iter().enumerate() {
        let own = || references.iter().filter(|reference| reference.definition == Some(number));
        let conda = own().any(|reference| reference.why == Why::CondaFile);
        if !relation::appends_conda(file, definition, conda) {
            continue;
        }
        for reference in own().filter(|it| matches!(it.why, Why::Dockerfile | Why::BaseDockerfile)) {
            let by = Appended { by: member.source.name().to_owned() };
            found.extend(fs::canonicalize(&reference.path).ok().map(|path| (path, by)));
        }
    }
    found
}

/// Where the files of a folder really are: no link was followed on the way to them, so that one look at each folder
/// tells it of all its files.
struct RealFolders(HashMap<PathBuf, PathBuf>);

impl RealFolders {
    fn of(candidates: &[Candidate]) -> Self {
        let mut real = HashMap::new();
        for candidate in candidates {
            let folder = folder_of(&candidate.path);
            if !real.contains_key(folder)
                && let Ok(path) = fs::canonicalize(folder)
            {
                real.insert(folder.to_owned(), path);
            }
        }
        Self(real)
    }

    fn identity(&self, candidate: &Candidate) -> PathBuf {
        let inside = self.0.get(folder_of(&candidate.path)).zip(candidate.path.file_name());
        match inside.filter(|_| !candidate.link) {
            Some((folder, name)) => folder.join(name),
            None => fs::canonicalize(&candidate.path).unwrap_or_else(|_| candidate.path.clone()),
        }
    }
}

/// How many files are read before the first of them is looked at again.
const AT_ONCE: usize = 1024;

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files of a folder that may be definitions of Azure ML, by their names; not more than a few.
fn definitions_in(folder: &Path) -> Vec<PathBuf> {
    const MANY: usize = 2000;
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let known = |path: &PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => path.file_name().is_some_and(|name| name == "azureml_environment.json"),
        Some(_) => discover::kind_of(path) == Some(Kind::Yaml),
        None => false,
    };
    let mut found: Vec<PathBuf> = entries.filter(known).collect();
    found.sort();
    found.truncate(MANY);
    found
}

/// Whether a file of a folder may hold something for envfix: most JSON and Python does not, whatever else is in it.
fn may_concern_us(bytes: &[u8], kind: Option<Kind>) -> bool {
    let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    match kind {
        // Its words are found when it is decoded.
        _ if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => true,
        Some(Kind::Json) => ["recache", "\"docker\"", "\"spark\"", "userManagedDependencies"].into_iter().any(has),
        Some(Kind::Python | Kind::Notebook) => has("azureml"),
        Some(Kind::Dockerfile | Kind::Yaml) | None => true,
    }
}

/// Whether a file that cannot be read looks like an environment definition all the same.
fn looks_like_ours(name: &str, text: &[u8], kind: Option<Kind>) -> bool {
    let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    match kind {
        Some(Kind::Yaml) => {
            let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
            text.starts_with(b"dependencies:")
                || has("\ndependencies:")
                || has("environment.schema.json")
                || has("precachePackages")
        }
        Some(Kind::Json) => {
            name.ends_with("azureml_environment.json") || has("precachePackages") || has("userManagedDependencies")
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
