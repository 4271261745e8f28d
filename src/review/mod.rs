//! Fixes as suggestions on pull requests: the hosts, and what is said to them.
//!
//! ```text
//! Host ─▶ changed files ─▶ checkout (git) ─▶ Project ─find─plan─verify─▶ suggestions ─▶ Wanted ─▶ Steps ─▶ Host
//! ```

mod checkout;
pub mod ci;
mod comment;
pub mod host;
mod hosts;
pub mod http;
mod markdown;
mod proposal;
mod reconcile;
mod suggestion;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::build_log::LogError;
use crate::diagnosis::Failure;
use crate::member::Problem;
use crate::patch::catalogue::Catalogue;
use crate::plan::Plan;
use crate::project::{LoadOptions, Project};
use crate::settings::{self, Policy};
use crate::verify::Verified;
use crate::{discover, find, plan, verify};

pub use checkout::CheckoutError;
use checkout::Repository;
pub use ci::{Given, Place, PlaceError, Token, place};
use host::{ChangedFile, PullRequest, Status};
pub use host::{Host, HostError, HostKind};
pub use hosts::connect;
pub use http::Transport;
pub use proposal::propose;
pub use reconcile::Steps;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which fixes.
    pub policy: Policy,
    /// A folder of the git repository.
    pub folder: PathBuf,
    /// Folders of further patches, as paths from the repository's root: taken from the base branch.
    pub patches: Vec<String>,
    /// The log of the build that failed.
    pub log: Option<PathBuf>,
    /// The commit that the pipeline is about, where it tells.
    pub commit: Option<String>,
}

/// What a review came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The pull request.
    pub pull: PullRequest,
    /// What is done there.
    pub steps: Steps,
    /// Files of the pull request that envfix looked at.
    pub files: usize,
    /// Files of the pull request that cannot be read.
    pub problems: Vec<Problem>,
}

/// Why there is no review.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The checkout.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// A folder for the files cannot be made.
    #[error("a temporary folder cannot be made: {0}")]
    Folder(std::io::Error),
    /// A patch cannot be read.
    #[error("{0}")]
    Patches(String),
    /// The settings of the base branch cannot be read, so it is not known what is wanted.
    #[error("{file} of the base branch cannot be read: {message}")]
    Settings {
        /// The file.
        file: String,
        /// Why.
        message: String,
    },
    /// The log cannot be read.
    #[error("{file}: {error}")]
    Log {
        /// The log.
        file: String,
        /// Why.
        error: LogError,
    },
    /// A file cannot be written.
    #[error("{0}")]
    Write(String),
}

/// Files of a commit, fixed.
struct Fixed {
    catalogue: Catalogue,
    project: Project,
    verified: Verified,
}

/// Works out what a pull request is to be told, and what is there already.
///
/// # Errors
/// Where the host, the checkout or the log fail. Nothing is posted.
pub fn review(host: &mut dyn Host, options: &Options) -> Result<Outcome, ReviewError> {
    let pull = host.pull_request()?;
    if !pull.open {
        return Ok(Outcome { pull, steps: Steps::default(), files: 0, problems: Vec::new() });
    }
    if let Some(commit) = options.commit.as_ref().filter(|commit| **commit != pull.head) {
        return Err(HostError::MovedOn { reviewed: commit.clone(), now: Some(pull.head) }.into());
    }
    let changed = host.changed_files(&pull)?;
    let ours: Vec<&ChangedFile> = changed
        .iter()
        .filter(|file| file.status != Status::Removed && discover::kind_of(Path::new(&file.path)).is_some())
        .collect();
    let posted = host.posted(&pull)?;
    let mut wanted = comment::Wanted::default();
    let mut problems = Vec::new();
    if !ours.is_empty() || options.log.is_some() {
        let paths: Vec<&str> = ours.iter().map(|file| file.path.as_str()).collect();
        let folder = tempfile::tempdir().map_err(ReviewError::Folder)?;
        let fixed = fix(options, &pull.head, &pull.base, Some(&paths), folder.path())?;
        let Fixed { catalogue, project, verified } = &fixed;
        let suggestions: Vec<_> = verified
            .files()
            .iter()
            .flat_map(|file| suggestion::suggestions(project, catalogue, &options.policy, verified, file.member))
            .collect();
        wanted = comment::wanted(project, catalogue, verified, &suggestions, &changed, host.dialect());
        problems = project.problems.iter().filter(|problem| paths.contains(&problem.file.as_str())).cloned().collect();
    }
    // What cannot be read now is not mended.
    let unread: BTreeSet<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    let steps = reconcile::steps(wanted, &posted, &unread, &pull.head);
    Ok(Outcome { files: ours.len(), pull, steps, problems })
}

/// Lays out a commit and fixes it; of the files, those at `paths` and what belongs to them, or all.
fn fix(options: &Options, head: &str, base: &str, paths: Option<&[&str]>, folder: &Path) -> Result<Fixed, ReviewError> {
    let repository = Repository::at(&options.folder)?;
    let (head, base) = (repository.commit(head)?, repository.commit(base)?);
    let files = folder.join("files");
    std::fs::create_dir_all(&files).map_err(ReviewError::Folder)?;
    repository.lay_out(&head, &base, paths.unwrap_or_default(), &files)?;
    let mut catalogue = Catalogue::builtin();
    for (number, below) in options.patches.iter().enumerate() {
        let patches = folder.join(format!("patches-{number}"));
        repository.lay_out_folder(&base, below, &patches)?;
        let named = |error: &dyn std::fmt::Display| ReviewError::Patches(format!("{below}: {error}"));
        catalogue = catalogue.with_folder(&patches.join(below.trim_matches('/'))).map_err(|error| named(&error))?;
    }
    let mut project = load(&files, &catalogue, None);
    let is_settings = |problem: &&Problem| problem.file.rsplit('/').next() == Some(settings::FILE_NAME);
    if let Some(problem) = project.problems.iter().find(is_settings) {
        return Err(ReviewError::Settings { file: problem.file.clone(), message: problem.message.clone() });
    }
    if let Some(path) = &options.log {
        let name = path.file_name().map_or_else(|| "build.log".to_owned(), |name| name.to_string_lossy().into_owned());
        let failed = |error: LogError| ReviewError::Log { file: path.display().to_string(), error };
        let opened = std::fs::File::open(path).map_err(|error| failed(error.into()))?;
        project.failure = Some(Failure::read(name, opened, &catalogue, &project.members).map_err(failed)?);
    }
    let mut findings = find::find(&project, &catalogue);
    if let Some(paths) = paths {
        let concerned = concerned(&project, paths);
        findings.retain(|finding| finding.cause.is_some() || concerned.contains(&finding.member));
    }
    let plan: Plan = plan::plan(&project, findings, &options.policy);
    let verified = verify::verify(&project, &catalogue, &options.policy, plan);
    find::answer(&mut project, &catalogue, &verified.plan().findings);
    Ok(Fixed { catalogue, project, verified })
}

/// The files of a folder, by their paths in it.
fn load(files: &Path, catalogue: &Catalogue, failure: Option<Failure>) -> Project {
    let options = LoadOptions { current_folder: files.to_owned(), ..LoadOptions::default() };
    Project { failure, ..Project::load(&[files.to_owned()], &options, catalogue) }
}

/// The numbers of the files at these paths, and of those that one of them refers to.
fn concerned(project: &Project, paths: &[&str]) -> BTreeSet<usize> {
    let linked = |name: &str| project.links.iter().any(|link| link.to == name && paths.contains(&link.from.as_str()));
    let names = project.members.iter().map(|member| member.source.name()).enumerate();
    names.filter(|(_, name)| paths.contains(name) || linked(name)).map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests;
