//! Prints what envfix reads in conda environments, one JSON object a file, for comparison with
//! other readers. With `--edit` each object also holds the text after the pip item was inserted
//! before `- pip:` or a bare `- pip` was replaced.

use std::error::Error;
use std::io::{BufWriter, Write};

use envfix::apply_edits as apply;
use envfix::environment::conda::{CondaEnvironment, Dependency};
use envfix::environment::document::{Document, Syntax};
use envfix::environment::values;
use envfix::{Change, Scalar, Source, Span, Step};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut edit = false;
    for path in std::env::args().skip(1) {
        if path == "--edit" {
            edit = true;
            continue;
        }
        let object = match Source::new(&path, None, std::fs::read(&path)?) {
            Ok(source) => describe(&source, edit),
            Err(error) => json!({"error": error.to_string()}),
        };
        let mut object = object;
        object["file"] = json!(path);
        writeln!(out, "{object}")?;
    }
    Ok(out.flush()?)
}

fn describe(source: &Source, edit: bool) -> Value {
    let environment = match CondaEnvironment::parse(source) {
        Ok(Some(environment)) => environment,
        Ok(None) => return json!({"none": true}),
        Err(error) => return json!({"error": error.to_string()}),
    };
    let raw = |span: Span| source.slice(span);
    let dependencies: Vec<Value> = environment
        .dependencies
        .iter()
        .map(|dependency| match dependency {
            Dependency::Spec(item) => json!({
                "spec": item.spec.text, "raw": raw(item.span), "item": raw(item.item), "name": item.spec.name,
                "comment": item.comment.map(raw),
            }),
            Dependency::Pip(pip) => json!({
                "pip": pip.items.iter().map(|item| json!({"text": item.text, "raw": raw(item.span)})).collect::<Vec<_>>(),
                "item": raw(pip.item), "key": raw(pip.key),
            }),
            Dependency::Other { item } => json!({"other": true, "item": raw(*item)}),
        })
        .collect();
    let mut object = json!({
        "name": environment.name,
        "channels": environment.channels.iter().map(|c| json!({"name": c.name, "raw": raw(c.span)})).collect::<Vec<_>>(),
        "dependencies": dependencies,
        "python": format!("{:?}", environment.python_minor()),
    });
    if edit {
        object["edit"] = pin_pip(source, &environment);
    }
    object
}

/// Inserts or replaces pip, verifies the result as envfix does, and returns it.
fn pin_pip(source: &Source, environment: &CondaEnvironment) -> Value {
    const PIN: &str = "pip=24.0";
    let bare = environment.listed_pip().find(|(_, item)| item.spec.version.is_none());
    let (index, insert, edits) = if let Some((index, _)) = bare {
        (index, false, environment.replace_scalar(index, PIN))
    } else if environment.listed_pip().next().is_some() {
        return Value::Null;
    } else if let Some((index, _)) = environment.pip_maps().next() {
        (index, true, environment.insert_before(index, PIN))
    } else {
        return Value::Null;
    };
    let edits = match edits {
        Ok(edits) => edits,
        Err(reason) => return json!({"refused": reason}),
    };
    let text = match apply(source.text(), &edits) {
        Ok(text) => text,
        Err(error) => return json!({"refused": error.to_string()}),
    };
    let value = Scalar::Text(PIN.to_owned());
    let mut path = environment.list_path();
    let change = if insert {
        Change::InsertItem { path, before: index, value }
    } else {
        path.push(Step::Item(index));
        Change::SetValue { path, value }
    };
    let verified = match (values::read(source.text(), Syntax::Yaml), values::read(&text, Syntax::Yaml)) {
        (Ok(before), Ok(after)) => {
            values::apply(before, &[&change]).is_ok_and(|expected| values::same(&expected, &after))
        }
        _ => false,
    };
    let comments = |text: &str| {
        let document = Document::read(text, Syntax::Yaml).ok()?;
        Some(document.comment_texts(text).into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let comments = comments(source.text()) == comments(&text);
    json!({"text": text, "index": index, "insert": insert, "verified": verified, "comments": comments})
}
