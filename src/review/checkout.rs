//! The files of a commit, laid out in a folder of their own: as git has them, and nothing of the working tree.
//!
//! What a pull request brings is a stranger's. Its symbolic links and submodules are left out, so that nothing outside of
//! the folder is read or written; and what decides how envfix works (`envfix.toml`) is taken from the base branch.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use crate::settings::FILE_NAME;

/// A larger file is laid out empty, unless it is wanted: it is no definition, and that it is there may matter.
const LARGEST: u64 = 1 << 20;

/// Of more files than this only those are laid out that lie below the folders of the files that are wanted.
const MOST_FILES: usize = 20_000;

/// Why a commit cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is no git, or no repository here.
    #[error("{0} is no git repository that can be read ({1}): run envfix review in a checkout")]
    NoRepository(String, String),
    /// The commit is not in this repository.
    #[error(
        "the commit {commit} is not in this checkout: fetch it first (`git fetch origin {commit}`; on GitHub Actions `fetch-depth: 0`)"
    )]
    NoCommit {
        /// Which.
        commit: String,
    },
    /// git failed.
    #[error("git {command} failed: {said}")]
    Git {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
    /// A file cannot be written.
    #[error("{0}: {1}")]
    Write(String, std::io::Error),
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the root, with `/`.
    pub path: String,
    /// git's name of its content.
    pub object: String,
    /// Whether it can be run.
    pub executable: bool,
    /// Bytes.
    pub size: u64,
}

/// A git repository.
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// Where there is none.
    pub fn at(folder: &Path) -> Result<Self, CheckoutError> {
        let here = Self { folder: folder.to_owned() };
        let top = here.text(&["rev-parse", "--show-toplevel"]);
        let top = top.map_err(|error| CheckoutError::NoRepository(folder.display().to_string(), error.to_string()))?;
        Ok(Self { folder: PathBuf::from(top) })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        // No watcher, no pager, no filter of the repository's is started to read objects.
        command.args(["-c", "core.fsmonitor=false", "--no-pager", "--literal-pathspecs"]).args(arguments);
        command.current_dir(&self.folder).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, CheckoutError> {
        let failed = |said: String| CheckoutError::Git {
            command: arguments.first().copied().unwrap_or_default().to_owned(),
            said,
        };
        let done = self.command(arguments).output().map_err(|error| failed(error.to_string()))?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(failed(crate::output::redact::redact(said.lines().next().unwrap_or_default()).into_owned()))
    }

    fn text(&self, arguments: &[&str]) -> Result<String, CheckoutError> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments)?).trim_end().to_owned())
    }

    /// The whole name of a commit. One that is not in the repository is fetched from `origin`: pipelines check out one
    /// commit, and often that of a merge.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn commit(&self, name: &str) -> Result<String, CheckoutError> {
        let missing = || CheckoutError::NoCommit { commit: name.to_owned() };
        if let Ok(found) = self.known_commit(name) {
            return Ok(found);
        }
        if name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            // Its files are all that is needed. A whole history stays whole.
            let shallow = self.text(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|said| said == "true");
            let depth: &[&str] = if shallow { &["--depth=1"] } else { &[] };
            let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
            let _ = self.bytes(&[&fetch, depth, &["origin", name]].concat());
        }
        self.known_commit(name).map_err(|_| missing())
    }

    fn known_commit(&self, name: &str) -> Result<String, CheckoutError> {
        let missing = || CheckoutError::NoCommit { commit: name.to_owned() };
        // What begins with a dash would be an option.
        if name.starts_with('-') || name.is_empty() {
            return Err(missing());
        }
        self.text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])
            .map_err(|_| missing())
    }

    /// The files of a commit: no symbolic links, no submodules, nothing whose path leads elsewhere.
    ///
    /// # Errors
    /// Where git fails.
    pub fn entries(&self, commit: &str) -> Result<Vec<Entry>, CheckoutError> {
        let listed = self.bytes(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit])?;
        Ok(listed.split(|byte| *byte == 0).filter_map(entry).collect())
    }

    /// Lays out the files of `head` in `folder`, with the `envfix.toml` of `base` in place of its own. The paths `wanted`
    /// are laid out whole, whatever their size.
    ///
    /// # Errors
    /// Where git fails or a file cannot be written.
    pub fn lay_out(&self, head: &str, base: &str, wanted: &[&str], folder: &Path) -> Result<Vec<Entry>, CheckoutError> {
        let is_settings = |entry: &Entry| entry.path.rsplit('/').next() == Some(FILE_NAME);
        let mut entries = self.entries(head)?;
        entries.retain(|entry| !is_settings(entry));
        if entries.len() > MOST_FILES {
            let folders: Vec<&str> =
                wanted.iter().map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
            entries.retain(|entry| {
                folders
                    .iter()
                    .any(|folder| folder.is_empty() != entry.path.contains('/') && entry.path.starts_with(folder))
            });
        }
        let settings: Vec<Entry> = self.entries(base)?.into_iter().filter(is_settings).collect();
        let mut objects = Objects::new(self)?;
        for entry in entries.iter().chain(&settings) {
            let content = if entry.size <= LARGEST || wanted.contains(&entry.path.as_str()) {
                objects.read(&entry.object)?
            } else {
                Vec::new()
            };
            write(folder, entry, &content)?;
        }
        Ok(entries)
    }

    /// Lays out the files below a folder of a commit, for the patches of a team.
    ///
    /// # Errors
    /// Where git fails, there is no such folder, or a file cannot be written.
    pub fn lay_out_folder(&self, commit: &str, below: &str, folder: &Path) -> Result<(), CheckoutError> {
        let below = below.trim_matches('/').trim_start_matches("./").to_owned() + "/";
        let entries = self.entries(commit)?;
        let found: Vec<&Entry> = entries.iter().filter(|entry| entry.path.starts_with(&below)).collect();
        if found.is_empty() {
            let said = format!("{below} is not in {commit}, the base branch, from which patches are taken");
            return Err(CheckoutError::Git { command: "ls-tree".to_owned(), said });
        }
        let mut objects = Objects::new(self)?;
        for entry in found {
            let content = objects.read(&entry.object)?;
            write(folder, entry, &content)?;
        }
        Ok(())
    }
}

/// A line of `ls-tree -l`: `100644 blob OBJECT SIZE<tab>PATH`.
fn entry(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?;
    let (about, path) = line.split_once('\t')?;
    let mut words = about.split_ascii_whitespace();
    let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let regular = kind == "blob" && matches!(mode, "100644" | "100755" | "100664");
    (regular && is_inside(path)).then(|| Entry {
        path: path.to_owned(),
        object: object.to_owned(),
        executable: mode == "100755",
        size: size.parse().unwrap_or(u64::MAX),
    })
}

/// Whether a path stays in the folder that it is laid out in, on every system.
#[must_use]
pub fn is_inside(path: &str) -> bool {
    let odd = |part: &str| {
        part.is_empty()
            || matches!(part, "." | "..")
            || part.eq_ignore_ascii_case(".git")
            || part.contains(['\\', ':', '\0'])
    };
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain && !path.split('/').any(odd)
}

fn write(folder: &Path, entry: &Entry, content: &[u8]) -> Result<(), CheckoutError> {
    let path = folder.join(&entry.path);
    let failed = |error| CheckoutError::Write(entry.path.clone(), error);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&path, content).map_err(failed)?;
    if entry.executable {
        make_executable(&path).map_err(failed)?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// `git cat-file --batch`, which reads one object after another.
struct Objects {
    child: std::process::Child,
    input: std::process::ChildStdin,
    output: std::io::BufReader<std::process::ChildStdout>,
    read: BTreeMap<String, Vec<u8>>,
}

impl Objects {
    fn new(repository: &Repository) -> Result<Self, CheckoutError> {
        let failed = |said: String| CheckoutError::Git { command: "cat-file".to_owned(), said };
        let mut command = repository.command(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipe".to_owned()));
        };
        Ok(Self { child, input, output: std::io::BufReader::new(output), read: BTreeMap::new() })
    }

    fn read(&mut self, object: &str) -> Result<Vec<u8>, CheckoutError> {
        if let Some(known) = self.read.get(object) {
            return Ok(known.clone());
        }
        let content = self.ask(object).map_err(|error| CheckoutError::Git {
            command: "cat-file".to_owned(),
            said: format!("{object}: {error}"),
        })?;
        // Empty files and licences are many times the same.
        if content.len() < 1 << 12 {
            self.read.insert(object.to_owned(), content.clone());
        }
        Ok(content)
    }

    fn ask(&mut self, object: &str) -> std::io::Result<Vec<u8>> {
        use std::io::BufRead;
        writeln!(self.input, "{object}")?;
        self.input.flush()?;
        let mut header = String::new();
        self.output.read_line(&mut header)?;
        let size = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| std::io::Error::other(header.trim_end().to_owned()))?;
        let mut content = vec![0; size + 1];
        self.output.read_exact(&mut content)?;
        content.pop();
        Ok(content)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_inside_the_folder_are_laid_out() {
        let path = |line: &str| entry(line.as_bytes()).map(|entry| entry.path);
        let id = "0123456789012345678901234567890123456789";
        assert_eq!(path(&format!("100644 blob {id}      12\ta b/Dockerfile")), Some("a b/Dockerfile".to_owned()));
        assert_eq!(path(&format!("120000 blob {id}      12\tlink")), None);
        assert_eq!(path(&format!("160000 commit {id}       -\tmodule")), None);
        for outside in ["../x", "/x", "a/../x", ".git/config", "a/.GIT/x", "a//b", "a\\..\\b", "C:x", "a/."] {
            assert_eq!(path(&format!("100644 blob {id} 1\t{outside}")), None, "{outside}");
        }
    }
}
