//! Does what commands say on a host of pull requests, for tests with stand-ins of the hosts: one JSON object a line on
//! standard input, one JSON answer a line on standard output. The place comes from the environment and from options
//! `--kind`, `--base-url`, `--repository`, `--number`, `--patience SECONDS`, `--dry-run FILE` and `--hurry`, with which
//! waiting takes a hundredth of its time.

use std::error::Error;
use std::fs::File;
use std::io::BufRead;
use std::time::Duration;

use envfix::review::host::{Comment, Commit, FileChange, Posted, Proposal, Review};
use envfix::review::http::{Clock, SystemClock};
use envfix::review::{Given, Host, HostError, HostKind, Transport, connect, place};
use serde_json::{Value, json};

struct Hurry;

impl Clock for Hurry {
    fn now(&self) -> u64 {
        SystemClock.now()
    }

    fn sleep(&self, time: Duration) {
        SystemClock.sleep(time / 100);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = Given::default();
    let mut transport = Transport::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        if option == "--hurry" {
            transport.clock = Box::new(Hurry);
            continue;
        }
        let value = arguments.next().ok_or("an option has no value")?;
        match option.as_str() {
            "--kind" => {
                given.kind = Some(match value.as_str() {
                    "github" => HostKind::GitHub,
                    "gitlab" => HostKind::GitLab,
                    _ => HostKind::AzureDevOps,
                });
            }
            "--base-url" => given.base_url = Some(value),
            "--repository" => given.repository = Some(value),
            "--number" => given.number = Some(value.parse()?),
            "--patience" => transport.patience = Duration::from_secs(value.parse()?),
            "--dry-run" => transport.dry_run = Some(Box::new(File::create(value)?)),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    let place = place(&given, &|name| std::env::var(name).ok())?;
    let mut host = match connect(&place, transport) {
        Ok(host) => host,
        Err(error) => {
            println!("{}", failure(&error));
            return Ok(());
        }
    };
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = run(host.as_mut(), &command);
        println!("{}", answer.unwrap_or_else(|error| failure(&error)));
    }
    Ok(())
}

fn failure(error: &HostError) -> Value {
    let debug = format!("{error:?}");
    let kind = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut value = json!({ "error": kind, "message": error.to_string(), "debug": debug });
    if let HostError::HalfWay { posted, of, .. } = error {
        value["posted"] = json!(posted);
        value["of"] = json!(of);
    }
    value
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| number.try_into().ok()).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn run(host: &mut dyn Host, command: &Value) -> Result<Value, HostError> {
    let what = string(command, "do");
    if what == "branch" {
        return host.default_branch().map(|(branch, commit)| json!({ "branch": branch, "commit": commit }));
    }
    if what == "propose" {
        return host.propose(&proposal(command)).map(|url| json!({ "url": url }));
    }
    let pull = host.pull_request()?;
    let found = |host: &mut dyn Host| -> Result<Option<Posted>, HostError> {
        Ok(host.posted(&pull)?.into_iter().find(|posted| posted.id == string(command, "id")))
    };
    Ok(match what.as_str() {
        "pull" => json!({
            "number": pull.number, "title": pull.title, "url": pull.url, "head": pull.head, "base": pull.base,
            "head_branch": pull.head_branch, "base_branch": pull.base_branch, "from_fork": pull.from_fork,
            "open": pull.open, "dialect": format!("{:?}", host.dialect()),
        }),
        "files" => host
            .changed_files(&pull)?
            .into_iter()
            .map(|file| {
                let shown = file.shown.map(|ranges| ranges.iter().map(|r| [*r.start(), *r.end()]).collect::<Vec<_>>());
                json!({ "path": file.path, "status": format!("{:?}", file.status), "shown": shown })
            })
            .collect(),
        "posted" => host
            .posted(&pull)?
            .into_iter()
            .map(|posted| {
                json!({
                    "id": posted.id, "thread": posted.thread, "body": posted.body, "path": posted.path,
                    "lines": posted.lines.map(|lines| [*lines.start(), *lines.end()]), "resolved": posted.resolved,
                })
            })
            .collect(),
        "post" => {
            let comments = list(command, "comments").map(|comment| Comment {
                path: string(comment, "path"),
                lines: number(&comment["lines"][0])..=number(&comment["lines"][1]),
                body: string(comment, "body"),
            });
            let review = Review {
                commit: command["commit"].as_str().map_or_else(|| pull.head.clone(), str::to_owned),
                summary: command["summary"].as_str().map(str::to_owned),
                comments: comments.collect(),
            };
            host.post(&pull, &review)?;
            json!({ "done": true })
        }
        "update" | "settle" => {
            let Some(posted) = found(host)? else { return Ok(json!({ "error": "there is no such comment" })) };
            let body = string(command, "body");
            if what == "update" { host.update(&pull, &posted, &body) } else { host.settle(&pull, &posted, &body) }?;
            json!({ "done": true })
        }
        other => json!({ "error": format!("no such command: {other}") }),
    })
}

fn proposal(command: &Value) -> Proposal {
    let change = |change: &Value| FileChange {
        path: string(change, "path"),
        content: string(change, "content").into_bytes(),
        executable: change["executable"] == json!(true),
    };
    let commit = |commit: &Value| Commit {
        message: string(commit, "message"),
        changes: list(commit, "changes").map(change).collect(),
    };
    Proposal {
        branch: string(command, "branch"),
        base_branch: string(command, "base_branch"),
        title: string(command, "title"),
        body: string(command, "body"),
        commits: list(command, "commits").map(commit).collect(),
    }
}
