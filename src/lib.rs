//! envfix reads a Dockerfile and the environment definitions beside it, finds which documented fault of image builds they
//! show, writes the documented remedy into the source as the smallest possible patch, proves that the patch does only
//! that, and prints a unified diff or writes the files.
//!
//! Data goes one way:
//!
//! ```text
//! bytes ─load─▶ Project ─find─▶ Findings ─plan─▶ Plan ─verify─▶ Verified ─▶ apply | output
//!                 ▲                ▲
//!      Source, Model, Facts     patches/*.yaml
//! ```
//!
//! ```
//! use envfix::{BuildContext, Catalogue, Policy, Project, Settings, Source};
//!
//! let catalogue = Catalogue::builtin();
//! let source = Source::from_text("Dockerfile", "FROM python:3.10\nRUN pip install flask\n");
//! let project = Project::of_text(source, BuildContext::None, Settings::default()).unwrap();
//! let findings = envfix::find(&project, &catalogue);
//! let policy = Policy::default();
//! let plan = envfix::plan(&project, findings, &policy);
//! let verified = envfix::verify(&project, &catalogue, &policy, plan);
//! assert_eq!(
//!     envfix::output::diffs(&project, &verified),
//!     "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,3 @@\n FROM python:3.10\n+ENV PIP_DEFAULT_TIMEOUT=100\n RUN pip install flask\n"
//! );
//! ```

mod apply;
pub mod build_log;
mod change;
pub mod cli;
mod context;
pub mod diagnosis;
mod discover;
pub mod dockerfile;
mod edit;
pub mod environment;
pub mod examples;
pub mod facts;
mod find;
mod finding;
mod load;
mod member;
mod model;
pub mod output;
mod parallel;
pub mod patch;
mod plan;
mod project;
mod relation;
#[cfg(feature = "review")]
pub mod review;
pub mod script;
mod settings;
pub mod shell;
mod source;
mod verify;
mod write;

pub use apply::apply;
pub use change::{Change, Scalar, Step, WordId};
pub use context::BuildContext;
pub use edit::{Edit, Overlap, apply as apply_edits};
pub use find::find;
pub use finding::{Evidence, Finding, Fix, Ground, Remedy};
pub use member::{Appended, Member, Origin, Problem};
pub use model::{DockerfileModel, Link, Model};
pub use patch::catalogue::Catalogue;
pub use plan::{Decision, IdleSkip, Plan, Withheld, plan};
pub use project::{LoadOptions, Project};
pub use relation::Why;
pub use settings::{Policy, Settings};
pub use source::{LineColumn, Newline, Source, Span};
pub use verify::{Verified, VerifiedFile, verify};
