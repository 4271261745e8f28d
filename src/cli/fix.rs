//! `envfix PATH…`: fix in place, print the diff, or check.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use super::args::{Fix, Format};
use super::{DONE, FAILED, WOULD_CHANGE, complain, print, tell};
use crate::context::BuildContext;
use crate::output::text::Detail;
use crate::output::{self, diff, json, text};
use crate::patch::catalogue::Catalogue;
use crate::project::{LoadOptions, Problem, Project};
use crate::settings::{self, Policy, Settings};
use crate::source::Source;
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
    if arguments.paths.is_empty() {
        complain("envfix: name a Dockerfile, an environment definition or a folder (--help says more)");
        return FAILED;
    }
    let mut project = if from_stdin {
        read_stdin(&arguments.stdin_name, catalogue)
    } else {
        let options = LoadOptions {
            no_follow: arguments.no_follow,
            environments: arguments.environments.clone(),
            current_folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        };
        Project::load(&arguments.paths, &options, catalogue)
    };
    let findings = find::find(&project, catalogue);
    let mut verified = verify::verify(&project, catalogue, &policy, plan::plan(&project, findings, &policy));

    let dry_run = arguments.dry_run || arguments.check;
    if !dry_run && !from_stdin {
        let failed = apply::apply(&project, &mut verified);
        project.problems.extend(failed);
    }
    let written = match (arguments.format, arguments.dry_run) {
        (Format::Json, _) => {
            let report = json::report(&project, &verified);
            print(&(serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"))
        }
        (Format::Text, true) => {
            let diffs = output::diffs(&project, &verified);
            let colored =
                std::io::stdout().is_terminal() || anstream::ColorChoice::global() == anstream::ColorChoice::Always;
            print(&if colored { diff::colored(&diffs) } else { diffs })
        }
        (Format::Text, false) if from_stdin && !arguments.check => {
            let after = verified.after(0).or(project.members.first().map(|member| &member.source));
            print(after.map_or("", Source::text))
        }
        (Format::Text, false) => true,
    };
    let detail = match (arguments.quiet, arguments.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::All,
        _ => Detail::Normal,
    };
    tell(&text::report(&project, &verified, detail, dry_run));
    if !project.problems.is_empty() || !written {
        FAILED
    } else if arguments.check && !verified.files().is_empty() {
        WOULD_CHANGE
    } else {
        DONE
    }
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
        members: Vec::new(),
        problems: vec![Problem { file: name.to_owned(), line, message }],
        links: Vec::new(),
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
