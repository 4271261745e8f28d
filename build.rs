//! Turns `patches/*.yaml` into JSON that the library compiles in: one text with every patch but its examples, read at
//! every start, and one with the examples, read only by `explain` and the tests. Reading JSON is ten times as fast as
//! reading YAML, and starting must take no more than milliseconds.
//!
//! And tells the crate its version, with the commit where one is known.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

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
    let (mut patches, mut examples) = (Vec::new(), serde_json::Map::new());
    for path in files {
        let text = fs::read_to_string(&path)?;
        let patch: file::Patch = serde_yaml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut patch = serde_json::to_value(patch)?;
        let fields = patch.as_object_mut().ok_or_else(|| format!("{}: not a map", path.display()))?;
        let shown = fields.remove("examples").unwrap_or_default();
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if path.file_stem().and_then(|stem| stem.to_str()) != Some(id.as_str()) {
            return Err(format!("{}: its id is {id:?}; file and id must have the same name", path.display()).into());
        }
        examples.insert(id, shown);
        patches.push(patch);
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    write(&out, "patches.json", &Value::Array(patches))?;
    write(&out, "examples.json", &Value::Object(examples))?;
    println!("cargo::rustc-env=ENVFIX_VERSION={}", version()?);
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

fn write(out: &Path, name: &str, value: &Value) -> Result<(), Box<dyn Error>> {
    fs::write(out.join(name), serde_json::to_string(value)?)?;
    Ok(())
}
