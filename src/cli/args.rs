//! The arguments, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Fixes Dockerfiles and environment definitions whose image builds fail, by the documented remedies of Azure Machine
/// Learning, as the smallest verified patch. In place by default.
#[derive(Debug, Parser)]
#[command(name = "envfix", version = env!("ENVFIX_VERSION"), arg_required_else_help = true, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit codes: 0 done, also when nothing was to do; 1 with --check when something would change;\n\
    2 for a usage error, an input that cannot be read, or a write that failed."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub fix: Fix,
    /// When to use colours
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    pub color: Color,
}

/// Fixing files: the main job.
#[derive(Debug, Args)]
pub struct Fix {
    /// Files or folders; `-` is standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the unified diff of every change and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Write nothing; exit 1 when something would change
    #[arg(long)]
    pub check: bool,
    /// The log of the build that failed (`-` is standard input): only what mends its causes is applied, unsafe fixes too
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// An environment definition that belongs to the Dockerfile, when it cannot be found by itself
    #[arg(long = "env", value_name = "FILE")]
    pub environments: Vec<PathBuf>,
    /// Leave files alone that a named file refers to, or that refer to it
    #[arg(long)]
    pub no_follow: bool,
    /// Take the files named as if they were found in a folder: pass over those that are none of envfix's
    #[arg(long)]
    pub skip_unknown: bool,
    /// Only this patch; its hardening and unsafe branches apply (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not this patch (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Only what fails or will fail
    #[arg(long)]
    pub faults: bool,
    /// Apply unsafe fixes too
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,
    /// A folder of further patches; one with the id of a built-in patch takes its place (repeatable)
    #[arg(long, value_name = "DIR")]
    pub patches: Vec<PathBuf>,
    /// The report on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What standard input is called, and so how it is read
    #[arg(long, value_name = "NAME", default_value = "Dockerfile")]
    pub stdin_name: String,
    /// Say errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say every finding with its reasons
    #[arg(short, long)]
    pub verbose: bool,
}

/// Other commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Suggest fixes on a pull request of GitHub, GitLab or Azure DevOps
    #[cfg(feature = "review")]
    Review(Box<Review>),
    /// Explain one patch, or list all
    Explain(Explain),
    /// Run the examples of every patch: those of built-in patches together, those of a folder's each by itself
    TestPatches(TestPatches),
    /// Print what a shell needs to complete envfix's arguments
    Completions(Completions),
    /// Print the manual page, as roff
    Man,
}

/// `envfix review`.
#[cfg(feature = "review")]
#[derive(Debug, Args)]
#[command(
    after_help = "In GitHub Actions, GitLab CI and Azure Pipelines nothing has to be given. The token comes from the environment:\n\
    ENVFIX_TOKEN, or GITHUB_TOKEN, GITLAB_TOKEN, SYSTEM_ACCESSTOKEN. envfix.toml and --patches are taken from the base branch."
)]
pub struct Review {
    /// The kind of host, when the CI system's variables do not tell
    #[arg(long, value_enum)]
    pub host: Option<HostName>,
    /// The address of the host's API
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The repository on the host: OWNER/NAME, GROUP/NAME, PROJECT/REPOSITORY
    #[arg(long = "repo", value_name = "NAME")]
    pub repository: Option<String>,
    /// The number of the pull request
    #[arg(long, value_name = "N")]
    pub number: Option<u64>,
    /// The commit that the review is about: when the pull request has moved on, nothing is posted
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// The git checkout, if it is not the current folder
    #[arg(long = "checkout", value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The log of the build that failed
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Not only what fails or will fail
    #[arg(long)]
    pub hardening: bool,
    /// Suggest unsafe fixes too
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,
    /// Only this patch (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not this patch (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// A folder of further patches, as a path in the repository; taken from the base branch (repeatable)
    #[arg(long, value_name = "DIR")]
    pub patches: Vec<String>,
    /// Print the requests that would be sent, and post nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// For a default branch: commit the fixes to a branch and open one pull request, or renew it
    #[arg(long)]
    pub open: bool,
    /// The branch of --open
    #[arg(long, value_name = "BRANCH", default_value = "envfix/fixes")]
    pub branch: String,
    /// Say errors only
    #[arg(short, long)]
    pub quiet: bool,
}

/// A kind of host.
#[cfg(feature = "review")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostName {
    /// github.com, or GitHub Enterprise
    Github,
    /// gitlab.com, or a GitLab of one's own
    Gitlab,
    /// Azure DevOps
    Azure,
}

/// `envfix explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The patch; without it, the list of all
    pub id: Option<String>,
    /// A folder of further patches
    #[arg(long, value_name = "DIR")]
    pub patches: Vec<PathBuf>,
}

/// `envfix test-patches`.
#[derive(Debug, Args)]
pub struct TestPatches {
    /// A folder of further patches
    #[arg(long, value_name = "DIR")]
    pub patches: Vec<PathBuf>,
}

/// `envfix completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that reads it
    pub shell: clap_complete::Shell,
}

/// The report on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Nothing, or the diff with `--dry-run`
    #[default]
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, with the fixes: for code scanning and editors
    Sarif,
    /// Reviewdog's diagnostics, with the fixes as suggestions
    Rdjson,
    /// Workflow commands of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// Logging commands of Azure Pipelines
    Azure,
    /// A summary to read, such as for $GITHUB_STEP_SUMMARY
    Markdown,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Sets it for the whole process.
    pub fn write_global(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
