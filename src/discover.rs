//! Finds the files to look at in a folder, by their names.
//!
//! Of JSON, Python and notebooks the content decides, later, whether they concern Azure ML.
//!
//! `.gitignore` files are honoured: all those that git would honour inside a repository, and those in the folder
//! itself where there is none. Hidden files are not skipped (`.devcontainer/Dockerfile`), but `.git` is. Links to
//! folders are not followed, so that nothing outside the folder changes and nothing is met twice.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

/// What a file may be, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A YAML file; its content decides whether it is an environment.
    Yaml,
    /// A JSON file; its content decides whether it is a definition of SDK v1.
    Json,
    /// A Python file; its content decides whether it uses SDK v1.
    Python,
    /// A Jupyter notebook; its content decides whether it uses SDK v1.
    Notebook,
}

/// A file that a walk found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Where it is: the walked folder, joined with the way down. A link is named by its own name.
    pub path: PathBuf,
    /// What its name says it is.
    pub kind: Kind,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// The files, sorted by path.
    pub candidates: Vec<Candidate>,
    /// What could not be read or was left out, in the order in which it was met.
    pub errors: Vec<WalkError>,
}

/// A place that a walk passed by. The walk goes on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A folder or a `.gitignore` that cannot be read, or a pattern that is none; the text names the place.
    #[error("{0}; what it holds was left out")]
    Unreadable(#[from] ignore::Error),
    /// A link that leads nowhere or in a circle.
    #[error("{}: the symbolic link leads to no file ({error})", path.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A link that leads out of the folder that was named.
    #[error(
        "{}: the symbolic link leads out of the folder, to {}; name it on the command line to have that file fixed",
        path.display(),
        target.display()
    )]
    Outside {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
}

/// Walks a folder.
///
/// A link to a file is a candidate when the file is in the folder and is not one by its own name, so that no file is
/// met twice.
#[must_use]
pub fn walk(folder: &Path) -> Walk {
    let mut walk = Walk::default();
    let mut links = Vec::new();
    let in_repository = find_entry_upwards(folder, ".git").is_some();
    let entries = WalkBuilder::new(folder)
        .hidden(false)
        // `.ignore` files are for search tools.
        .ignore(false)
        .require_git(false)
        // Outside a repository git reads no `.gitignore`, and that of a home folder often ignores everything.
        .parents(in_repository)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .build();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walk.errors.push(error.into());
                continue;
            }
        };
        if let Some(error) = entry.error() {
            walk.errors.push(error.clone().into());
        }
        let (Some(kind), Some(file_type)) = (kind_of(entry.path()), entry.file_type()) else { continue };
        let found = Candidate { path: entry.into_path(), kind, link: file_type.is_symlink() };
        if file_type.is_file() {
            walk.candidates.push(found);
        } else if file_type.is_symlink() {
            links.push(found);
        }
    }
    links.sort();
    add_links(folder, links, &mut walk);
    walk.candidates.sort();
    walk
}

/// Adds the links that lead to files of the folder which are no candidates themselves.
fn add_links(folder: &Path, links: Vec<Candidate>, walk: &mut Walk) {
    if links.is_empty() {
        return;
    }
    let root = match fs::canonicalize(folder) {
        Ok(root) => root,
        Err(error) => {
            walk.errors.push(WalkError::Dangling { path: folder.to_owned(), error });
            return;
        }
    };
    // No link was followed on the way down, so this is where the files really are.
    let real = |path: &Path| root.join(path.strip_prefix(folder).unwrap_or(path));
    let mut met: HashSet<PathBuf> = walk.candidates.iter().map(|found| real(&found.path)).collect();
    for link in links {
        let target = match fs::canonicalize(&link.path) {
            Ok(target) if target.is_file() => target,
            Ok(_) => continue,
            Err(error) => {
                walk.errors.push(WalkError::Dangling { path: link.path, error });
                continue;
            }
        };
        let Ok(inside) = target.strip_prefix(&root) else {
            walk.errors.push(WalkError::Outside { path: link.path, target });
            continue;
        };
        let in_git = inside.components().any(|part| part.as_os_str() == ".git");
        if !in_git && !is_left_alone(&target) && met.insert(target) {
            walk.candidates.push(link);
        }
    }
}

/// What a file is by its name; `None` for files that are none of envfix's and for templates, documents and backups
/// of those that are.
///
/// Besides `Dockerfile`, `Dockerfile.*`, `*.Dockerfile` and `Containerfile*`, the other names that repositories use:
/// `Dockerfile-gpu`, `Dockerfile_gpu`, `dockerfile`.
#[must_use]
pub fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    if is_left_alone(path) {
        return None;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if matches!(extension, "yml" | "yaml" | "runconfig") {
        return Some(Kind::Yaml);
    }
    if matches!(extension, "dockerfile" | "containerfile") || is_dockerfile(path, &name) {
        return Some(Kind::Dockerfile);
    }
    match extension {
        "json" => Some(Kind::Json),
        "py" => Some(Kind::Python),
        "ipynb" => Some(Kind::Notebook),
        _ => None,
    }
}

/// Whether a name begins as that of a Dockerfile does, and is none of a program about Dockerfiles.
fn is_dockerfile(path: &Path, lower: &str) -> bool {
    let Some(rest) = lower.strip_prefix("dockerfile").or_else(|| lower.strip_prefix("containerfile")) else {
        return false;
    };
    let (stem, extension) = lower.rsplit_once('.').unwrap_or((lower, ""));
    match rest.as_bytes().first() {
        None => true,
        // `Dockerfile.go` builds something with Go; `dockerfile.go` and `dockerfile_parser.py` are code.
        Some(b'.' | b'-' | b'_') => {
            let capital = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['D', 'C']));
            let bare = matches!(stem, "dockerfile" | "containerfile");
            !is_code(extension) || (capital && bare)
        }
        Some(_) => false,
    }
}

/// Templates, documents, backups and the like.
fn is_left_alone(path: &Path) -> bool {
    const TEMPLATES: [&str; 17] = [
        "j2",
        "jinja",
        "jinja2",
        "template",
        "templates",
        "tmpl",
        "tpl",
        "erb",
        "m4",
        "in",
        "mustache",
        "hbs",
        "ejs",
        "gotmpl",
        "cheetah",
        "mako",
        "liquid",
    ];
    const OTHERS: [&str; 25] = [
        // Documents.
        "md",
        "markdown",
        "rst",
        "adoc",
        "html",
        "htm",
        "pdf",
        "png",
        "svg",
        // Backups, and what editors and patches leave behind.
        "orig",
        "bak",
        "backup",
        "swp",
        "swo",
        "swn",
        "old",
        "save",
        "rej",
        "tmp",
        "diff",
        "patch",
        // What belongs to a Dockerfile and is none.
        "dockerignore",
        "containerignore",
        "gz",
        "zip",
    ];
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()) else { return true };
    let parts: Vec<&str> = name.split('.').skip(1).collect();
    // Emacs writes `#name#` and `.#name`.
    name.ends_with(['~', '#'])
        || name.starts_with(".#")
        || parts.iter().any(|part| TEMPLATES.contains(part))
        || parts.last().is_some_and(|last| OTHERS.contains(last))
}

/// Extensions of programs and data, which `Dockerfile-*` names seldom end in.
fn is_code(extension: &str) -> bool {
    const CODE: [&str; 27] = [
        "py", "pyi", "ipynb", "go", "js", "mjs", "cjs", "ts", "tsx", "jsx", "rs", "rb", "java", "kt", "php", "cs", "c",
        "h", "cpp", "sh", "bash", "ps1", "bat", "json", "toml", "xml", "lock",
    ];
    CODE.contains(&extension)
}

/// What reports and diffs call a file: its path from the folder `cwd` (absolute), with `/` between the parts.
///
/// A link goes by its own name, and links on the way are not resolved; `..` stands where the file is outside. Bytes
/// that are no UTF-8 become `U+FFFD`.
#[must_use]
pub fn display_name(path: &Path, cwd: &Path) -> String {
    let (path, cwd) = (normal(&cwd.join(path)), normal(cwd));
    let (path, cwd): (Vec<_>, Vec<_>) = (path.components().collect(), cwd.components().collect());
    let shared = path.iter().zip(&cwd).take_while(|(a, b)| a == b).count();
    let (down, up) = (&path[shared..], &cwd[shared..]);
    // Another drive has no way there; above a `..` that leads through a link there is none that can be told.
    let unreachable = shared == 0 || up.iter().any(|part| matches!(part, Component::ParentDir));
    let mut name = String::new();
    let parts = if unreachable { &path[..] } else { down };
    let steps_up = if unreachable { 0 } else { up.len() };
    for part in std::iter::repeat_n(OsStr::new(".."), steps_up).chain(parts.iter().map(|part| part.as_os_str())) {
        let part = part.to_string_lossy();
        let separator = if name.is_empty() || name.ends_with('/') { "" } else { "/" };
        name.push_str(separator);
        name.push_str(&if cfg!(windows) { part.replace('\\', "/") } else { part.into_owned() });
        // The root follows a drive without another separator: `C:` and `\`.
        if cfg!(windows) && name.ends_with("//") && name.len() > 2 {
            name.pop();
        }
    }
    if name.is_empty() { ".".to_owned() } else { name }
}

/// The path without `.` and, where what stands before it is no link, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match (part, out.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) if !out.is_symlink() => {
                out.pop();
            }
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => out.push(part),
        }
    }
    out
}

/// The file `name` in the folder of `start`, or in the nearest folder above that has one. `start` may be a file.
#[must_use]
pub fn find_upwards(start: &Path, name: &str) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    start.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The same for what may be a file or a folder: `.git` is a file in a worktree.
fn find_entry_upwards(start: &Path, name: &str) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    start.ancestors().map(|folder| folder.join(name)).find(|path| path.exists())
}

#[cfg(test)]
mod tests;
