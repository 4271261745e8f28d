//! Loading a project: the files that a person named, those of the folders that a person named, those that one of them
//! refers to, and those that refer to one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::discover::{self, Kind};
use crate::environment::conda::CondaEnvironment;
use crate::environment::definition::AzureFile;
use crate::environment::document::Syntax;
use crate::model::Model;
use crate::patch::catalogue::Catalogue;
use crate::project::{Appended, Link, LoadOptions, Member, Origin, Problem, Project, not_ours, parse};
use crate::relation::{self, Why};
use crate::settings::{self, Settings};
use crate::source::Source;

/// Reads the files and folders named, and what belongs to them.
pub fn load(paths: &[PathBuf], options: &LoadOptions, catalogue: &Catalogue) -> Project {
    let (seen, settings, appended) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    Loader { options, catalogue, project: Project::default(), seen, settings, appended }.load(paths)
}

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
            // Nor need what is none of envfix's be UTF-8. (It was read a moment ago; a second failure says enough.)
            Err(_) if origin == Origin::Found && !fs::read(path).is_ok_and(|it| looks_like_ours(&name, &it, kind)) => {
                return;
            }
            Err(error) => {
                let line = Some(error.line());
                return self.project.problems.push(Problem { file: name, line, message: error.to_string() });
            }
        };
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let context = BuildContext::Folder(folder.to_owned());
        let named = matches!(origin, Origin::Named | Origin::Linked { .. });
        let model = match parse(&source, kind, &context, named) {
            Ok(Some(model)) => model,
            // Most files of a folder are none of envfix's, and nobody said that they were.
            Ok(None) if matches!(origin, Origin::Named) => {
                return self.project.problems.push(not_ours(&source, kind));
            }
            Ok(None) => return,
            Err(_) if !matches!(origin, Origin::Named) && !looks_like_ours(&name, source.text().as_bytes(), kind) => {
                return;
            }
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
        // Each folder is looked through once, however many files of it are named.
        let mut places: Vec<(PathBuf, bool, BTreeMap<PathBuf, usize>)> = Vec::new();
        let mut known: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for (number, (path, _)) in named.iter().enumerate() {
            let Ok(target) = fs::canonicalize(path) else { continue };
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
    const MANY: usize = 2000;
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let known = |path: &PathBuf| {
        let json = path.file_name().is_some_and(|name| name == "azureml_environment.json");
        json || discover::kind_of(path) == Some(Kind::Yaml)
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
