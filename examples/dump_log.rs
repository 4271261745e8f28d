//! Prints what envfix reads in build logs: `cargo run --example dump_log -- [--tsv] [--symptoms=FILE] FILE…`. The file
//! of symptoms has a pattern a line, and behind a tab the one for the lines below.

use std::fs::File;

use envfix::build_log::{BuildLog, LogError, Outcome, Step, SymptomSet, read};

const SYMPTOMS: &[(&str, Option<&str>)] = &[
    (r"No matching distribution found for (?P<spec>\S+)", None),
    (r"ResolvePackageNotFound:", Some(r"^\s*- (?P<spec>\S+)")),
    (r"Unable to locate package (?P<package>\S+)", None),
    (r"(?P<command>\S+): (?:command )?not found", None),
    (r"(?P<error>\w+Error): (?P<message>.*)", None),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let symptoms: Vec<(String, Option<String>)> =
        match options.iter().find_map(|option| option.strip_prefix("--symptoms=")) {
            Some(file) => std::fs::read_to_string(file)?
                .lines()
                .map(|line| match line.split_once('\t') {
                    Some((pattern, below)) => (pattern.to_owned(), Some(below.to_owned())),
                    None => (line.to_owned(), None),
                })
                .collect(),
            None => SYMPTOMS.iter().map(|(pattern, below)| ((*pattern).to_owned(), below.map(str::to_owned))).collect(),
        };
    let set = SymptomSet::new(symptoms)?;
    let table = options.iter().any(|option| option == "--tsv");
    for file in files {
        let log = File::open(&file).map_err(LogError::Io).and_then(|input| read(input, &set));
        match log {
            Ok(log) if table => row(&file, &log),
            Ok(log) => page(&file, &log),
            Err(error) => println!("{file}\terror: {error}"),
        }
    }
    Ok(())
}

fn row(file: &str, log: &BuildLog) {
    let failed: Vec<String> = log.failed().map(name).collect();
    println!(
        "{file}\t{:?}\t{}\t{}\t{}",
        log.ended,
        log.builder.map_or_else(|| "-".to_owned(), |builder| format!("{builder:?}")),
        failed.join(" | "),
        log.error.as_ref().map_or("-", |(_, text)| text),
    );
}

fn name(step: &Step) -> String {
    let number = match step.number {
        Some((at, Some(of))) => format!("{at}/{of} "),
        Some((at, None)) => format!("{at} "),
        None => String::new(),
    };
    let words: Vec<&str> = step.instruction.as_deref().unwrap_or("-").split_whitespace().collect();
    let instruction: String = words.join(" ").chars().take(80).collect();
    let end = match step.outcome {
        Outcome::Failed { code: Some(code), line } => format!("code {code} line {line}"),
        Outcome::Failed { code: None, line } => format!("line {line}"),
        other => format!("{other:?}"),
    };
    format!(
        "{}{number}{instruction} [{end}]",
        step.stage.as_ref().map_or_else(String::new, |stage| format!("{stage} "))
    )
}

fn page(file: &str, log: &BuildLog) {
    println!("== {file}: {} lines, {:?}, {:?}, error {:?}", log.lines, log.ended, log.builder, log.error);
    for step in &log.steps {
        let marks = [(step.cut, " cut"), (step.azureml, " azureml"), (step.overcome, " overcome")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        println!("{:>6} {}{marks} {:?}", step.line, name(step), step.dockerfile_lines);
        if step.is_failed() {
            for tool in &step.tools {
                println!("         {:?} {} (line {})", tool.tool, tool.version, tool.line);
            }
            for sighting in &step.sightings {
                println!("       ! {} {:?} {:?} {:?}", sighting.line, sighting.text, sighting.captures, sighting.below);
            }
            for (line, text) in &step.tail {
                println!("       . {line} {text}");
            }
        }
    }
    for sighting in &log.outside.sightings {
        println!("outside: {} {:?}", sighting.line, sighting.text);
    }
}
