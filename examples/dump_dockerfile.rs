//! Reads Dockerfiles and prints what they say, for comparison with other parsers: a JSON string a line on standard
//! input, a JSON object a line on standard output. With file names, it reads those and prints timings instead.

use std::io::{BufRead, Write};
use std::time::Instant;

use envfix::dockerfile::{Dockerfile, Instruction, parse};
use envfix::{Source, Span};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if !files.is_empty() {
        return time(&files);
    }
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let source = Source::from_text("Dockerfile", text);
        let value = match parse(&source) {
            Ok(dockerfile) => file(&source, &dockerfile),
            Err(error) => {
                let lines = (source.line(error.span.start), source.line(error.span.end));
                let kind = format!("{:?}", error.problem);
                json!({"error": error.to_string(), "kind": kind, "lines": lines})
            }
        };
        writeln!(out, "{value}")?;
    }
    Ok(())
}

fn time(files: &[std::ffi::OsString]) -> Result<(), Box<dyn std::error::Error>> {
    let mut sources = Vec::new();
    for path in files {
        if let Ok(source) = Source::new(path.to_string_lossy(), None, std::fs::read(path)?) {
            sources.push(source);
        }
    }
    let bytes: usize = sources.iter().map(|source| source.text().len()).sum();
    let start = Instant::now();
    let (mut instructions, mut errors, mut last) = (0, 0, String::new());
    for source in &sources {
        match parse(source) {
            Ok(dockerfile) => instructions += dockerfile.instructions.len(),
            Err(error) => {
                errors += 1;
                last = error.to_string();
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = bytes as f64 / 1e6 / seconds;
    println!(
        "{} files, {bytes} bytes, {instructions} instructions, {errors} errors, {seconds:.4} s, {rate:.1} MB/s {last:.120}",
        sources.len()
    );
    Ok(())
}

fn file(source: &Source, dockerfile: &Dockerfile) -> Value {
    let instructions: Vec<Value> =
        dockerfile.instructions.iter().map(|it| instruction(source, it, dockerfile)).collect();
    json!({"escape": dockerfile.escape, "instructions": instructions, "directives": dockerfile.directives.len()})
}

fn lines(source: &Source, span: Span) -> (usize, usize) {
    (source.line(span.start), source.line(span.end))
}

fn instruction(source: &Source, instruction: &Instruction, dockerfile: &Dockerfile) -> Value {
    let text = &instruction.logical.text;
    let (_, end) = lines(source, instruction.span);
    let heredocs: Vec<Value> = instruction
        .heredocs
        .iter()
        .map(|heredoc| {
            json!({
                "name": heredoc.name,
                "expand": heredoc.expand,
                "strip_tabs": heredoc.strip_tabs,
                "spaced": heredoc.spaced,
                "body": source.slice(heredoc.body),
            })
        })
        .collect();
    json!({
        "keyword": instruction.keyword,
        "start": source.line(instruction.span.start),
        "end": end,
        "text": text,
        "arguments": instruction.arguments_text(),
        "words": instruction.words().map(|range| &text[range]).collect::<Vec<_>>(),
        "pairs": instruction.pairs(dockerfile.escape).into_iter().map(|it| json!([it.name, it.value])).collect::<Vec<_>>(),
        "flags": instruction.flags.iter().map(|flag| &flag.text).collect::<Vec<_>>(),
        "exec": instruction.exec.as_ref().map(|items| items.iter().map(|item| &item.value).collect::<Vec<_>>()),
        "heredocs": heredocs,
        "onbuild": instruction.onbuild.as_ref().map(|inner| self::instruction(source, inner, dockerfile)),
    })
}
