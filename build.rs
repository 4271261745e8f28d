//! Turns `patches/*.yaml` into what the library compiles in (`src/patch/compiled.rs`): of every patch the id, the title
//! and what its cases look at as Rust, and the rest as JSON without its nulls, a text for every case. So a run reads
//! what it asks about and no more, and JSON is read ten times as fast as YAML: starting must take no more than
//! milliseconds.
//!
//! Tells the crate its version, with the commit where one is known, and links the program so that it starts quickly.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Serialize;
use serde_json::Value;

/// The types of a patch file: a built-in patch that does not fit them stops the build, with its line.
#[allow(dead_code, missing_docs, unused_imports)]
#[path = "src/patch/file/mod.rs"]
mod file;

/// The commit that is checked out.
#[path = "build/commit.rs"]
mod commit;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=patches");
    println!("cargo::rerun-if-changed=src/patch/file");
    let mut files: Vec<PathBuf> =
        fs::read_dir("patches")?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    // By their ids, as the catalogue has them: with the extension, `a-b` would come before `a`.
    files.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
    let mut patches = String::from("&[\n");
    for path in files {
        let text = fs::read_to_string(&path)?;
        let patch: file::Patch = serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if path.file_stem().and_then(|stem| stem.to_str()) != Some(patch.id.as_str()) {
            return Err(
                format!("{}: its id is {:?}; file and id must have the same name", path.display(), patch.id).into()
            );
        }
        patches += &compiled(&patch).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    patches.push(']');
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("patches.rs"), patches)?;
    println!("cargo::rustc-env=ENVFIX_VERSION={}", version()?);
    link()
}

/// A program that may be loaded anywhere has its 23,000 pointers written at every start, and so a hundred pages copied: a
/// tenth of a run over one file. One at a fixed place has them in its file. Its libraries, stack and heap stay where
/// chance puts them.
fn link() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" && env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    Ok(())
}

/// The version, and the commit in parentheses: what `ENVFIX_COMMIT` says, or the commit of the repository whose root
/// this folder is; without either the version alone.
fn version() -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build/commit.rs");
    println!("cargo::rerun-if-env-changed=ENVFIX_COMMIT");
    let version = env::var("CARGO_PKG_VERSION")?;
    let named = env::var("ENVFIX_COMMIT").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let commit = if named.is_empty() {
        commit::checked_out(Path::new(&env::var("CARGO_MANIFEST_DIR")?))
    } else {
        Some(commit::Commit { name: named, moves_with: Vec::new() })
    };
    let Some(commit) = commit else { return Ok(version) };
    for path in commit.moves_with {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(format!("{version} ({})", commit.name))
}

/// A patch as a value of the library's `Compiled`.
fn compiled(patch: &file::Patch) -> Result<String, Box<dyn Error>> {
    let values = if patch.values.is_empty() { String::new() } else { json(&patch.values)? };
    let rest = json(&serde_json::json!({"document": patch.document, "symptoms": patch.symptoms}))?;
    let mut cases = String::new();
    for case in &patch.cases {
        let place = case.place().ok_or("a suspect looks at none of the places, or at several")?;
        let (logged, json) = (case.needs_log(), json(case)?);
        let _ = write!(cases, "CompiledCase {{ place: Place::{place:?}, logged: {logged}, json: {json:?} }}, ");
    }
    let (id, title, examples) = (&patch.id, &patch.title, json(&patch.examples)?);
    Ok(format!(
        "Compiled {{ id: {id:?}, title: {title:?}, values: {values:?}, cases: &[{cases}], rest: {rest:?}, \
        examples: {examples:?} }},\n"
    ))
}

/// A part of a patch, its nulls left out: a key that is missing means the same.
fn json(value: &impl Serialize) -> Result<String, Box<dyn Error>> {
    let mut value = serde_json::to_value(value)?;
    without_nulls(&mut value);
    Ok(serde_json::to_string(&value)?)
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
