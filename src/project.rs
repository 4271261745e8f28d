//! The files that belong together, read and parsed: those a person named, those found in a folder, and those that one
//! of them refers to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::diagnosis::Failure;
use crate::discover::{self, Kind};
use crate::dockerfile;
use crate::environment::conda::{CondaEnvironment, Dependency};
use crate::environment::definition::AzureFile;
use crate::environment::document::{ReadError, Syntax};
use crate::load;
use crate::model::{DockerfileModel, Model};
use crate::patch::catalogue::Catalogue;
use crate::relation::Why;
use crate::script::{self, Form, ScriptError};
use crate::settings::Settings;
use crate::source::{Encoding, Source, Span};

/// The files of a run.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The files that were read, in the order in which they were named or found.
    pub members: Vec<Member>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Symbolic links of a folder that lead nowhere, or out of it. They are told, and no failure: a repository has them
    /// on purpose.
    pub passed_over: Vec<Problem>,
    /// Which files belong together, and why.
    pub links: Vec<Link>,
    /// The build that failed, where its log is given.
    pub failure: Option<Failure>,
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
    /// Take the files named as if they were found in a folder: those that are none of envfix's are passed over, and
    /// what applies to generated files applies to them.
    pub skip_unknown: bool,
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
        load::load(paths, options, catalogue)
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
        load::load_in_parts(paths, options, catalogue, most, part);
    }

    /// A project of one text that is no file on disk: from standard input, an editor or an example.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub fn of_text(source: Source, context: BuildContext, settings: Settings) -> Result<Self, Problem> {
        let kind = discover::kind_of(Path::new(source.name()));
        let model = parse(&source, kind, &context, true)?.ok_or_else(|| not_ours(&source, kind))?;
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
        let mut model =
            parse(&source, Some(kind), &member.context, true)?.ok_or_else(|| not_ours(&source, Some(kind)))?;
        if let (Model::Dockerfile(new), Model::Dockerfile(old)) = (&mut model, &member.model) {
            new.adopt(&old.environments);
        }
        let member = Member {
            source,
            model,
            origin: member.origin.clone(),
            settings: Arc::clone(&member.settings),
            context: member.context.clone(),
            root: member.root.clone(),
            appended: member.appended.clone(),
        };
        Ok(Self { members: vec![member], failure: self.failure.clone(), ..Self::default() })
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
        let head = lines.take_while(|line| line.is_empty() || *line == "---" || line.starts_with('#')).take(40);
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
/// that envfix knows. What a person `named`, or another file, may be a definition without saying so plainly.
pub(crate) fn parse(
    source: &Source,
    kind: Option<Kind>,
    context: &BuildContext,
    named: bool,
) -> Result<Option<Model>, Problem> {
    let model = parse_text(source, kind, context, named)?;
    match model {
        Some(Model::Azure(_) | Model::Script(_)) if source.encoding() != Encoding::Utf8 => Err(Problem {
            file: source.name().to_owned(),
            line: Some(1),
            message: "the file is UTF-16, and its readers want UTF-8: save it as that (`iconv -f UTF-16 -t UTF-8`) and run again"
                .to_owned(),
        }),
        model => Ok(model),
    }
}

fn parse_text(
    source: &Source,
    kind: Option<Kind>,
    context: &BuildContext,
    named: bool,
) -> Result<Option<Model>, Problem> {
    let problem = |offset: Option<usize>, message: String| Problem {
        file: source.name().to_owned(),
        line: offset.map(|offset| source.line(offset.min(source.text().len()))),
        message,
    };
    let unreadable = |error: ReadError| problem(Some(error.offset), error.message);
    match kind {
        Some(Kind::Yaml) => return parse_yaml(source, named).map_err(unreadable),
        Some(Kind::Json) => {
            let file = AzureFile::parse(source, Syntax::Json, named).map_err(unreadable)?;
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
            if let Ok(Some(model)) = parse_yaml(source, named) {
                return Ok(Some(model));
            }
            return Ok(AzureFile::parse(source, Syntax::Json, named)
                .ok()
                .flatten()
                .map(|file| Model::Azure(Box::new(file))));
        }
    }
    Ok(Some(Model::Dockerfile(Box::new(DockerfileModel::new(source, dockerfile, context)))))
}

fn parse_script(source: &Source, form: Form) -> Result<Option<Model>, ScriptError> {
    Ok(script::read(source, form)?.map(|script| Model::Script(Box::new(script))))
}

fn parse_yaml(source: &Source, named: bool) -> Result<Option<Model>, ReadError> {
    if let Some(environment) = CondaEnvironment::parse(source)? {
        return Ok(Some(Model::Conda(Box::new(environment))));
    }
    Ok(AzureFile::parse(source, Syntax::Yaml, named)?.map(|file| Model::Azure(Box::new(file))))
}

/// What is said of a file that a person named and that is nothing envfix knows.
pub(crate) fn not_ours(source: &Source, kind: Option<Kind>) -> Problem {
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
