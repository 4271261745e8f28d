//! The build context of a Dockerfile: the files that its `COPY`s bring in, and which of them a command reads.
//!
//! The context is the Dockerfile's own folder, the place where builds are started in all but odd cases. Nothing
//! outside it is ever read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::dockerfile::variables;
use crate::dockerfile::{Base, Dockerfile, Instruction};

/// Files larger than this are not read from a context: a script or a configuration is small.
const LARGEST: u64 = 1 << 20;

/// Where the files of a build come from.
#[derive(Clone, Debug)]
pub enum BuildContext {
    /// A folder on disk.
    Folder(PathBuf),
    /// Files by name, for examples and tests.
    Memory(BTreeMap<String, String>),
    /// Not known, as for a text from standard input.
    None,
}

impl BuildContext {
    /// The text of a file of the context; `None` when there is none, when it is no text, or outside.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        match self {
            BuildContext::Memory(files) => files.get(path).cloned(),
            BuildContext::None => None,
            BuildContext::Folder(_) => {
                let path = self.locate(path)?;
                let metadata = fs::metadata(&path).ok()?;
                (metadata.is_file() && metadata.len() <= LARGEST).then(|| fs::read_to_string(path).ok()).flatten()
            }
        }
    }

    /// Whether a file lies directly in the context; `None` where that is not known.
    #[must_use]
    pub fn has(&self, name: &str) -> Option<bool> {
        match self {
            BuildContext::Memory(files) => Some(files.contains_key(name)),
            BuildContext::Folder(folder) => Some(folder.join(name).is_file()),
            BuildContext::None => None,
        }
    }

    /// Whether something is there, wherever a symbolic link may lead.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        matches!(self, BuildContext::Folder(folder) if folder.join(path).exists())
    }

    /// Whether nothing of that name is there, for certain: nothing is known of a context that is not known itself.
    #[must_use]
    pub fn lacks(&self, path: &str) -> bool {
        match self {
            BuildContext::Memory(files) => {
                let below = format!("{path}/");
                !files.keys().any(|file| file == path || file.starts_with(&below))
            }
            BuildContext::Folder(folder) => fs::symlink_metadata(folder.join(path)).is_err(),
            BuildContext::None => false,
        }
    }

    /// Where a file or folder of the context is on disk. Symbolic links that lead out of the context are not followed.
    #[must_use]
    pub fn locate(&self, path: &str) -> Option<PathBuf> {
        let BuildContext::Folder(folder) = self else { return None };
        if Path::new(path).components().any(|part| !matches!(part, Component::Normal(_))) {
            return None;
        }
        let full = folder.join(path);
        // Most of what is asked for is not there, which one look tells.
        fs::symlink_metadata(&full).ok()?;
        let (inside, outside) = (fs::canonicalize(&full).ok()?, fs::canonicalize(folder).ok()?);
        inside.starts_with(outside).then_some(full)
    }
}

/// The path in the build context of the file that a command of an instruction reads as `path`; `None` where it does
/// not come from the context, or where that cannot be told.
#[must_use]
pub fn source_of(dockerfile: &Dockerfile, instruction: usize, path: &str) -> Option<String> {
    if path.contains("://") || path.contains('$') || path.contains('*') || path == "-" {
        return None;
    }
    let line = lineage(dockerfile, instruction);
    let mut workdir = "/".to_owned();
    let mut copies: Vec<Copied> = Vec::new();
    for index in line {
        let step = &dockerfile.instructions[index];
        match step.keyword.as_str() {
            "WORKDIR" => {
                let written = step.arguments_text().trim_matches(['"', '\'']);
                workdir = absolute(&workdir, &plain(dockerfile, written, instruction)?);
            }
            "COPY" | "ADD" => copies.extend(copied(dockerfile, step, &workdir, instruction)),
            "RUN" if index == instruction => {
                copies.extend(step.flags.iter().filter_map(|flag| bound(&flag.text, &workdir)))
            }
            _ => {}
        }
    }
    let wanted = absolute(&workdir, path);
    copies.iter().rev().find_map(|copy| copy.source_of(&wanted)).flatten()
}

/// The instructions that have run when one of them does: those before it in its stage, after those of the stages that
/// it starts from.
#[must_use]
pub fn lineage(dockerfile: &Dockerfile, instruction: usize) -> Vec<usize> {
    let Some(mut stage) = dockerfile.stages.iter().rfind(|stage| stage.instructions.contains(&instruction)) else {
        return Vec::new();
    };
    let (mut parts, mut first) = (Vec::new(), stage.instructions.start..instruction + 1);
    while let Base::Stage(parent) = stage.base {
        let Some(next) = dockerfile.stages.get(parent).filter(|next| next.index < stage.index) else { break };
        stage = next;
        parts.push(std::mem::replace(&mut first, stage.instructions.clone()));
    }
    parts.push(first);
    parts.into_iter().rev().flatten().collect()
}

/// A path without variables, or with those that `ENV` and `ARG` of the file set to one plain value.
fn plain(dockerfile: &Dockerfile, text: &str, until: usize) -> Option<String> {
    if !text.contains('$') {
        return Some(text.to_owned());
    }
    let mut lookup = |name: &str| {
        let mut values = dockerfile
            .instructions
            .iter()
            .take(until)
            .filter(|step| matches!(step.keyword.as_str(), "ENV" | "ARG"))
            .flat_map(|step| step.pairs(dockerfile.escape))
            .filter(|pair| pair.name == name)
            .filter_map(|pair| pair.value);
        let value = values.next()?;
        values.all(|other| other == value).then_some(value).filter(|value| !value.contains('$'))
    };
    variables::expand(text, dockerfile.escape, &mut lookup).ok()
}

/// One source of a `COPY` and where it ends up.
struct Copied {
    /// Path in the context, empty for the whole of it; `None` where the file comes from elsewhere.
    from: Option<String>,
    /// Path in the image.
    to: String,
    /// Whether `to` is certainly a folder.
    into_folder: bool,
}

impl Copied {
    /// Whether it brings a file, and the file's path in the context, where it comes from there.
    fn source_of(&self, wanted: &str) -> Option<Option<String>> {
        let below =
            |folder: &str| wanted.strip_prefix(folder.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
        let Some(from) = &self.from else {
            // What a folder from elsewhere holds is not known.
            return (wanted == self.to || below(&self.to).is_some()).then_some(None);
        };
        if from.is_empty() {
            return below(&self.to).map(|rest| Some(rest.to_owned()));
        }
        let name = from.rsplit('/').next().unwrap_or_default();
        if !self.into_folder && wanted == self.to {
            return Some(Some(from.clone()));
        }
        match below(&self.to) {
            // A file that was copied into a folder, or a file of a folder that was copied.
            Some(rest) if rest == name => Some(Some(from.clone())),
            // A name with an ending is a file's, which holds nothing.
            Some(rest) if !name.contains('.') => Some(Some(format!("{from}/{rest}"))),
            _ => None,
        }
    }
}

fn copied(dockerfile: &Dockerfile, step: &Instruction, workdir: &str, until: usize) -> Vec<Copied> {
    let elsewhere = step.flags.iter().any(|flag| flag.text.starts_with("--from")) || !step.heredocs.is_empty();
    let words: Vec<String> = match &step.exec {
        Some(items) => items.iter().map(|item| item.value.clone()).collect(),
        None => step.arguments_text().split_whitespace().map(str::to_owned).collect(),
    };
    let Some((to, sources)) = words.split_last() else { return Vec::new() };
    let Some(to) = plain(dockerfile, to.trim_matches(['"', '\'']), until) else { return Vec::new() };
    let into_folder = to.ends_with('/') || to == "." || sources.len() > 1;
    let to = absolute(workdir, &to);
    sources
        .iter()
        .map(|from| {
            let from = plain(dockerfile, from.trim_matches(['"', '\'']), until);
            let from = from.filter(|from| !elsewhere && !from.contains("://") && !from.contains('*'));
            let name = sources.first().map(|source| source.rsplit('/').next().unwrap_or_default());
            // One file from elsewhere that goes into a folder shadows what has its name there, and no more.
            let to = match (&from, name) {
                (None, Some(name)) if into_folder && sources.len() == 1 => absolute(&to, name),
                _ => to.clone(),
            };
            Copied { from: from.as_deref().map(relative), to, into_folder }
        })
        .collect()
}

/// A file or folder of the context that `--mount=type=bind` lends to a `RUN`.
fn bound(flag: &str, workdir: &str) -> Option<Copied> {
    let options: BTreeMap<&str, &str> =
        flag.strip_prefix("--mount=")?.split(',').filter_map(|option| option.split_once('=')).collect();
    let bind = options.get("type").is_none_or(|kind| *kind == "bind");
    if !bind || options.contains_key("from") {
        return None;
    }
    let to = options.get("target").or(options.get("dst")).or(options.get("destination"))?;
    let from = options.get("source").or(options.get("src")).copied().unwrap_or_default();
    Some(Copied { from: Some(relative(from)), to: absolute(workdir, to), into_folder: false })
}

/// A path in the context, without `./`, `/` and empty parts; empty for the context itself.
fn relative(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// A path in the image, made absolute and without `.` and `..`.
fn absolute(workdir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{workdir}/{path}") };
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn source_in(text: &str, path: &str) -> Option<String> {
        let dockerfile = crate::dockerfile::parse(&Source::from_text("Dockerfile", text)).unwrap();
        source_of(&dockerfile, dockerfile.instructions.len() - 1, path)
    }

    #[test]
    fn a_file_is_found_through_the_copy_that_brought_it() {
        assert_eq!(source_in("FROM a\nCOPY env.yml .\nRUN x", "env.yml").as_deref(), Some("env.yml"));
        assert_eq!(
            source_in("FROM a\nWORKDIR /app\nCOPY conf/env.yml /tmp/e.yml\nRUN x", "/tmp/e.yml").as_deref(),
            Some("conf/env.yml")
        );
        assert_eq!(source_in("FROM a\nCOPY a.yml b.yml /tmp/\nRUN x", "/tmp/b.yml").as_deref(), Some("b.yml"));
        assert_eq!(source_in("FROM a\nWORKDIR /app\nCOPY . .\nRUN x", "conf/env.yml").as_deref(), Some("conf/env.yml"));
        assert_eq!(
            source_in("FROM a\nCOPY env.yml requirements.txt /b/\nRUN x", "/b/env.yml").as_deref(),
            Some("env.yml")
        );
        assert_eq!(
            source_in("FROM a\nCOPY conf /etc/conf\nRUN x", "/etc/conf/env.yml").as_deref(),
            Some("conf/env.yml")
        );
        assert_eq!(source_in("FROM a AS b\nCOPY env.yml /\nFROM b\nRUN x", "/env.yml").as_deref(), Some("env.yml"));
        assert_eq!(
            source_in("FROM a\nRUN --mount=type=bind,source=env.yml,target=/tmp/env.yml x", "/tmp/env.yml").as_deref(),
            Some("env.yml")
        );
    }

    #[test]
    fn a_file_that_comes_from_elsewhere_is_not_found() {
        assert_eq!(source_in("FROM a\nRUN x", "env.yml"), None);
        assert_eq!(source_in("FROM a\nCOPY env.yml /b/\nCOPY --from=c /b /b\nRUN x", "/b/env.yml"), None);
        assert_eq!(source_in("FROM a\nCOPY --from=b env.yml .\nRUN x", "env.yml"), None);
        assert_eq!(source_in("FROM a\nCOPY env.yml .\nRUN x", "$FILE"), None);
        assert_eq!(source_in("FROM a\nCOPY env.yml .\nFROM c\nRUN x", "env.yml"), None);
        assert_eq!(source_in("FROM a\nCOPY env.yml .\nRUN x", "https://host/env.yml"), None);
    }

    #[test]
    fn whether_a_file_is_there_is_known_only_of_a_folder() {
        let folder = BuildContext::Folder(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).to_owned());
        assert_eq!(
            (folder.has("Cargo.toml"), folder.has("src"), folder.has("Cargo.tom")),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(BuildContext::None.has("Cargo.toml"), None);
    }

    #[test]
    fn nothing_outside_the_context_is_read() {
        let context = BuildContext::Folder(std::env::temp_dir());
        assert_eq!(context.locate("../etc/passwd"), None);
        assert_eq!(context.locate("/etc/passwd"), None);
    }
}
