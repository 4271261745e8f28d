//! `envfix review`: fixes as suggestions on a pull request, or a pull request of its own.

use std::path::PathBuf;

use super::args::{HostName, Review};
use super::{DONE, FAILED, complain, print, tell};
use crate::patch::catalogue::Catalogue;
use crate::review::host::{Host, HostKind};
use crate::review::{self, Given, Options, Outcome, Transport};
use crate::settings::{self, Policy};

/// Runs the command.
pub fn run(arguments: &Review) -> u8 {
    match attempt(arguments) {
        Ok(()) => DONE,
        Err(message) => {
            complain(&format!("envfix: {}", crate::output::redact::redact(&message)));
            FAILED
        }
    }
}

fn attempt(arguments: &Review) -> Result<(), String> {
    let given = Given {
        kind: arguments.host.map(|host| match host {
            HostName::Github => HostKind::GitHub,
            HostName::Gitlab => HostKind::GitLab,
            HostName::Azure => HostKind::AzureDevOps,
        }),
        base_url: arguments.base_url.clone(),
        repository: arguments.repository.clone(),
        number: arguments.number,
        commit: arguments.commit.clone(),
    };
    if arguments.patches.is_empty() {
        let builtin = Catalogue::builtin();
        arguments.only.iter().chain(&arguments.skip).try_for_each(|id| settings::known(id, &builtin))?;
    }
    let place = review::place(&given, &|name| std::env::var(name).ok()).map_err(|error| error.to_string())?;
    let options = Options {
        policy: Policy {
            faults_only: !arguments.hardening,
            allow_unsafe: arguments.allow_unsafe,
            only: arguments.only.iter().cloned().collect(),
            skip: arguments.skip.iter().cloned().collect(),
        },
        folder: arguments.folder.clone().unwrap_or_else(|| PathBuf::from(".")),
        patches: arguments.patches.clone(),
        log: arguments.log.clone(),
        commit: place.commit.clone(),
    };
    let dry_run = arguments.dry_run;
    let transport = Transport {
        dry_run: dry_run.then(|| Box::new(std::io::stdout()) as Box<dyn std::io::Write>),
        ..Transport::default()
    };
    let mut host = review::connect(&place, transport).map_err(|error| error.to_string())?;
    if arguments.open {
        return open(host.as_mut(), &options, arguments);
    }
    let outcome = review::review(host.as_mut(), &options).map_err(|error| error.to_string())?;
    let pull = outcome.pull.clone();
    outcome.steps.take(host.as_mut(), &pull).map_err(|error| error.to_string())?;
    if !arguments.quiet {
        tell(&said(&outcome, dry_run));
    }
    Ok(())
}

fn open(host: &mut dyn Host, options: &Options, arguments: &Review) -> Result<(), String> {
    let proposed = review::propose(host, options, &arguments.branch).map_err(|error| error.to_string())?;
    match &proposed.address {
        Some(address) if !arguments.dry_run => {
            print(&format!("{address}\n"));
        }
        Some(_) => {}
        None if arguments.quiet => {}
        None => tell("nothing to mend, so no pull request\n"),
    }
    if !arguments.quiet && !proposed.patches.is_empty() {
        tell(&format!(
            "{}: {}\n",
            if arguments.dry_run { "would propose" } else { "proposed" },
            proposed.patches.join(", ")
        ));
    }
    Ok(())
}

/// What was done, in a line, and what could not be read.
fn said(outcome: &Outcome, dry_run: bool) -> String {
    let mut text = String::new();
    for problem in &outcome.problems {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let message = crate::output::redact::redact(&problem.message);
        text.push_str(&format!("{}{line}: error: {message}\n", crate::output::one_line(&problem.file)));
    }
    let pull = &outcome.pull;
    if !pull.open {
        return text + &format!("pull request {} is closed: nothing to say\n", pull.number);
    }
    let steps = &outcome.steps;
    let new = steps.review.as_ref().map_or(0, |review| review.comments.len());
    let with_summary =
        if steps.review.as_ref().is_some_and(|review| review.summary.is_some()) { " and a summary" } else { "" };
    let would = if dry_run { "would be " } else { "" };
    text.push_str(&format!(
        "pull request {}, {} file(s): {new} comment(s){with_summary} {would}posted, {} {would}updated, {} {would}settled, {} as they were\n",
        pull.number,
        outcome.files,
        steps.update.len(),
        steps.settle.len(),
        steps.kept
    ));
    text
}
