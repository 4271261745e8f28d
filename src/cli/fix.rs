//! `envfix PATH…`: fix in place, print the diff, or check.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use super::args::{Fix, Format};
use super::{DONE, FAILED, WOULD_CHANGE, complain, print, print_colored, tell};
use crate::build_log::LogError;
use crate::context::BuildContext;
use crate::diagnosis::Failure;
use crate::member::Problem;
use crate::output::formats::{self, azure, github, gitlab, markdown, rdjson, sarif};
use crate::output::text::Detail;
use crate::output::{self, diff, json, text};
use crate::parallel;
use crate::patch::catalogue::Catalogue;
use crate::project::{LoadOptions, Project};
use crate::settings::{self, Policy, Settings};
use crate::source::Source;
use crate::verify::Verified;
use crate::{apply, discover, find, plan, verify};

/// Runs the command.
pub fn run(arguments: &Fix, catalogue: &Catalogue) -> u8 {
    let policy = match policy(arguments, catalogue) {
        Ok(policy) => policy,
        Err(message) => {
            complain(&format!("envfix: {message}"));
            return FAILED;
        }
    };
    let from_stdin = arguments.paths.iter().any(|path| path == Path::new("-"));
    if from_stdin && arguments.paths.len() > 1 {
        complain("envfix: `-` is standard input and goes with no other path");
        return FAILED;
    }
    let log_from_stdin = arguments.log.as_deref() == Some(Path::new("-"));
    if from_stdin && log_from_stdin {
        complain("envfix: standard input is either the file or the log");
        return FAILED;
    }
    if arguments.paths.is_empty() && arguments.log.is_none() {
        complain("envfix: name a Dockerfile, an environment definition or a folder (--help says more)");
        return FAILED;
    }
    let mut run = Run { arguments, catalogue, policy, from_stdin, report: report(arguments), code: DONE };
    if from_stdin {
        run.part(read_stdin(&arguments.stdin_name, catalogue));
        return run.finish();
    }
    let options = LoadOptions {
        no_follow: arguments.no_follow,
        skip_unknown: arguments.skip_unknown,
        environments: arguments.environments.clone(),
        current_folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
    };
    // A log is that of one of all the files, and a report for programs is one document.
    let most = if arguments.log.is_none() && arguments.format == Format::Text { PART } else { usize::MAX };
    Project::load_in_parts(&arguments.paths, &options, catalogue, most, &mut |project| run.part(project));
    run.finish()
}

/// How many files of a folder are held at a time.
const PART: usize = 512;

/// A run of the command.
struct Run<'a> {
    arguments: &'a Fix,
    catalogue: &'a Catalogue,
    policy: Policy,
    from_stdin: bool,
    report: text::Report,
    code: u8,
}

impl Run<'_> {
    /// Fixes some files, or says what would be done to them.
    fn part(&mut self, mut project: Project) {
        let (arguments, catalogue) = (self.arguments, self.catalogue);
        if let Some(path) = &arguments.log {
            match read_log(path, catalogue, &project) {
                Ok(failure) => project.failure = Some(failure),
                Err(problem) => {
                    project.problems.push(problem);
                    // Without its log nobody knows what the build failed of.
                    project.members.clear();
                }
            }
        }
        let findings = find::find(&project, catalogue);
        let plan = plan::plan(&project, findings, &self.policy);
        let mut verified = verify::verify(&project, catalogue, &self.policy, plan);
        find::answer(&mut project, catalogue, &verified.plan().findings);
        if !arguments.dry_run && !arguments.check && !self.from_stdin {
            let failed = apply::apply(&project, &mut verified);
            project.problems.extend(failed);
        }
        let written = self.print(&project, &verified);
        self.report.add(&project, &verified);
        if !project.problems.is_empty() || !written {
            self.code = FAILED;
        } else if arguments.check && !verified.files().is_empty() && self.code == DONE {
            self.code = WOULD_CHANGE;
        }
        // Giving the memory back takes as long as some of the work.
        parallel::map(project.members, drop);
    }

    /// Writes what belongs on standard output, and says whether it could.
    fn print(&self, project: &Project, verified: &Verified) -> bool {
        let arguments = self.arguments;
        let tools = || formats::Run::new(project, verified, self.catalogue);
        match (arguments.format, arguments.dry_run) {
            (Format::Json, _) => {
                let report = json::report(project, verified);
                print(&(serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"))
            }
            (Format::Sarif, _) => print(&sarif::render(&tools())),
            (Format::Rdjson, _) => print(&rdjson::render(&tools())),
            (Format::Github, _) => print(&github::render(&tools())),
            (Format::Gitlab, _) => print(&gitlab::render(&tools())),
            (Format::Azure, _) => print(&azure::render(&tools())),
            (Format::Markdown, _) => print(&markdown::render(&tools())),
            (Format::Text, true) => {
                let diffs = output::diffs(project, verified);
                let colored =
                    std::io::stdout().is_terminal() || anstream::ColorChoice::global() == anstream::ColorChoice::Always;
                if colored { print_colored(&diff::colored(&diffs)) } else { print(&diffs) }
            }
            (Format::Text, false) if self.from_stdin && !arguments.check => {
                let after = verified.after(0).or(project.members.first().map(|member| &member.source));
                print(after.map_or("", Source::text))
            }
            (Format::Text, false) => true,
        }
    }

    /// Says what was done, and gives the exit code.
    fn finish(self) -> u8 {
        tell(&self.report.finish());
        self.code
    }
}

/// The report that the arguments ask for.
fn report(arguments: &Fix) -> text::Report {
    let detail = match (arguments.quiet, arguments.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::All,
        _ => Detail::Normal,
    };
    text::Report::new(detail, arguments.dry_run || arguments.check)
}

/// The build that failed, by its log.
fn read_log(path: &Path, catalogue: &Catalogue, project: &Project) -> Result<Failure, Problem> {
    let from_stdin = path == Path::new("-");
    let name = if from_stdin { "standard input".to_owned() } else { path.to_string_lossy().replace('\\', "/") };
    let read = if from_stdin {
        Failure::read(name.clone(), std::io::stdin().lock(), catalogue, &project.members)
    } else {
        let opened = std::fs::File::open(path).map_err(LogError::from);
        opened.and_then(|file| Failure::read(name.clone(), file, catalogue, &project.members))
    };
    read.map_err(|error| Problem { file: name, line: None, message: error.to_string() })
}

/// What the arguments ask for.
fn policy(arguments: &Fix, catalogue: &Catalogue) -> Result<Policy, String> {
    for id in arguments.only.iter().chain(&arguments.skip) {
        settings::known(id, catalogue)?;
    }
    Ok(Policy {
        faults_only: arguments.faults,
        allow_unsafe: arguments.allow_unsafe,
        only: arguments.only.iter().cloned().collect(),
        skip: arguments.skip.iter().cloned().collect(),
    })
}

/// A project of what standard input holds. Its `envfix.toml` is looked for from the folder of its name upwards.
fn read_stdin(name: &str, catalogue: &Catalogue) -> Project {
    let problem = |line: Option<usize>, message: String| Project {
        problems: vec![Problem { file: name.to_owned(), line, message }],
        ..Project::default()
    };
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().lock().read_to_end(&mut bytes) {
        return problem(None, error.to_string());
    }
    let source = match Source::new(name, None, bytes) {
        Ok(source) => source,
        Err(error) => return problem(Some(error.line()), error.to_string()),
    };
    let folder = Path::new(name).parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let settings = match discover::find_upwards(folder, settings::FILE_NAME) {
        None => Settings::default(),
        Some(path) => match Settings::read(&path, catalogue) {
            Ok(settings) => settings,
            Err(error) => return problem(None, error.to_string()),
        },
    };
    Project::of_text(source, BuildContext::Folder(folder.to_owned()), settings)
        .unwrap_or_else(|problem| Project { problems: vec![problem], ..Project::default() })
}
