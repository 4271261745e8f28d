//! The files that belong together, read and parsed: those a person named, those found in a folder, and those that one
//! of them refers to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::BuildContext;
use crate::diagnosis::Failure;
use crate::discover::{self, Kind};
use crate::environment::document::Syntax;
use crate::member::{Member, Origin, Problem, not_ours, parse};
use crate::model::Model;
use crate::relation::Why;
use crate::script::Form;
use crate::settings::Settings;
use crate::source::Source;

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

impl Project {
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
