//! Prints what envfix reads in a Python file or a notebook, as one JSON object on a line.
//!
//! ```text
//! dump_script FILE...         what is read
//! dump_script --fix FILE      the text with every environment's precache turned off, on standard output; what was
//!                             refused, and a failed proof, on standard error
//! ```

use std::process::ExitCode;

use envfix::Source;
use envfix::script::{Form, check, read};
use serde_json::json;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let fix = args.first().is_some_and(|arg| arg == "--fix");
    if fix {
        args.remove(0);
    }
    for path in args {
        let form = if path.ends_with(".ipynb") { Form::Notebook } else { Form::Python };
        let source = match std::fs::read(&path) {
            Ok(bytes) => match Source::new(path.clone(), None, bytes) {
                Ok(source) => source,
                Err(error) => {
                    eprintln!("{path}: {error}");
                    return ExitCode::from(2);
                }
            },
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        };
        if fix {
            match fixed(source, form) {
                Ok(text) => print!("{text}"),
                Err(error) => {
                    eprintln!("{path}: {error}");
                    return ExitCode::from(2);
                }
            }
        } else {
            println!("{}", dump(&source, form));
        }
    }
    ExitCode::SUCCESS
}

fn dump(source: &Source, form: Form) -> serde_json::Value {
    let script = match read(source, form) {
        Ok(Some(script)) => script,
        Ok(None) => return json!({"file": source.name(), "environments": []}),
        Err(error) => {
            return json!({"file": source.name(), "error": error.message, "line": source.line(error.offset)});
        }
    };
    let line = |span: envfix::Span| source.line(span.start);
    let environments: Vec<_> = (0..script.environments.len())
        .map(|index| {
            let object = &script.environments[index];
            let (fix, refused) = match script.precache_off(source, index) {
                Ok((edits, changes)) => {
                    let edits: Vec<_> = edits.iter().map(|edit| (line(edit.span), &edit.replacement)).collect();
                    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                    (json!({"edits": edits, "changes": changes}), json!(null))
                }
                Err(reason) => (json!(null), json!(reason)),
            };
            json!({
                "name": object.name,
                "made": line(object.made),
                "made_by": format!("{:?}", object.made_by),
                "curated": object.curated,
                "adds_packages": object.adds_packages.iter().map(|span| line(*span)).collect::<Vec<_>>(),
                "precache": object.precache.map(|precache| (line(precache.span), precache.value)),
                "used": object.used.map(line),
                "off": object.precache_is_off(),
                "fix": fix,
                "refused": refused,
            })
        })
        .collect();
    json!({
        "file": source.name(),
        "environments": environments,
        "comments": script.comments.len(),
        "statements": script.statement_count(),
    })
}

/// Fixes one environment after the other, each in the text that the one before left.
fn fixed(mut source: Source, form: Form) -> Result<String, String> {
    let mut index = 0;
    while let Some(script) = read(&source, form).map_err(|error| error.to_string())? {
        if index >= script.environments.len() {
            break;
        }
        match script.precache_off(&source, index) {
            Ok((edits, changes)) if !edits.is_empty() => {
                let text = envfix::apply_edits(source.text(), &edits).map_err(|error| error.to_string())?;
                let after = source.with_text(text);
                check(&source, &after, form, &changes.iter().collect::<Vec<_>>())
                    .map_err(|error| format!("{}: the proof failed: {error}", script.environments[index].name))?;
                source = after;
            }
            Ok(_) => {}
            Err(reason) => eprintln!("{}: {reason}", source.name()),
        }
        index += 1;
    }
    Ok(source.text().to_owned())
}
