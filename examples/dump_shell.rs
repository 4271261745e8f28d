//! Reads shell texts as JSON strings, one a line, from standard input and prints what the shell reader makes of each
//! as one line of JSON. With `--time`, prints the time that reading them all takes. For comparisons with other readers.

use std::io::{self, BufWriter, Read as _, Write as _};

use envfix::shell::{self, Command, Nesting, Operator};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let texts = input.lines().map(serde_json::from_str).collect::<Result<Vec<String>, _>>()?;
    let mut out = BufWriter::new(io::stdout().lock());
    if std::env::args().any(|argument| argument == "--time") {
        let start = std::time::Instant::now();
        let refused = texts.iter().filter(|text| shell::parse(text).is_err()).count();
        let seconds = start.elapsed().as_secs_f64();
        let bytes: usize = texts.iter().map(String::len).sum();
        let count = texts.len();
        writeln!(out, "{count} texts, {bytes} bytes, {refused} refused, {seconds:.3} s")?;
        return Ok(());
    }
    for text in &texts {
        let line = match shell::parse(text) {
            Ok(script) => json!({
                "commands": script.commands.iter().map(command).collect::<Vec<_>>(),
                "tokens": script.tokens.iter().map(|token| [token.range.start, token.range.end]).collect::<Vec<_>>(),
            }),
            Err(error) => json!({"error": error.message, "offset": error.offset}),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn command(command: &Command) -> Value {
    let span = |range: &std::ops::Range<usize>| [range.start, range.end];
    json!({
        "words": command.words.iter().map(|word| span(&word.range)).collect::<Vec<_>>(),
        "assignments": command.assignments.iter().map(|assignment| span(&assignment.range)).collect::<Vec<_>>(),
        "redirects": command.redirects.iter().map(|redirect| span(&redirect.range)).collect::<Vec<_>>(),
        "nesting": command.nesting.iter().map(|nesting| nesting_name(*nesting)).collect::<Vec<_>>(),
        "before": command.before.map(operator),
        "after": command.after.map(operator),
        "negated": command.negated,
    })
}

fn nesting_name(nesting: Nesting) -> &'static str {
    match nesting {
        Nesting::Group => "group",
        Nesting::Subshell => "subshell",
        Nesting::If => "if",
        Nesting::Loop => "loop",
        Nesting::Case => "case",
        Nesting::Function => "function",
        Nesting::Substitution => "substitution",
    }
}

fn operator(operator: Operator) -> &'static str {
    match operator {
        Operator::And => "&&",
        Operator::Or => "||",
        Operator::Pipe => "|",
        Operator::Semicolon => ";",
        Operator::Background => "&",
        Operator::Newline => "newline",
    }
}
