//! The commit that a build is made from, for `envfix --version`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A commit.
#[derive(Debug)]
pub struct Commit {
    /// Its short hash and its date.
    pub name: String,
    /// Files and folders of the repository, all of them there; one of them changes when another commit is checked out.
    pub moves_with: Vec<PathBuf>,
}

/// The commit that is checked out in a folder. `None` where the folder is no repository's root, or git is not there:
/// inside another repository (a copy of the sources, say) that one's commit would be a wrong answer.
pub fn checked_out(folder: &Path) -> Option<Commit> {
    let root = git(folder, &["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(root).ok()? != fs::canonicalize(folder).ok()? {
        return None;
    }
    let name = git(folder, &["-c", "log.showSignature=false", "log", "-1", "--abbrev=10", "--format=%h %cs"])?;
    // Cargo runs the build script at every build when a file that it watches is not there, so only what exists is
    // named. A branch that is packed has no file until the next commit makes one in the nearest folder that exists.
    let path_of = |name: &str| Some(folder.join(git(folder, &["rev-parse", "--git-path", name])?));
    let branch = git(folder, &["symbolic-ref", "-q", "HEAD"]).and_then(|name| path_of(&name));
    let branch = branch.as_deref().and_then(|path| path.ancestors().find(|path| path.exists())).map(Path::to_owned);
    let watched = [path_of("HEAD"), path_of("packed-refs"), path_of("reftable"), branch];
    let moves_with = watched.into_iter().flatten().filter(|path| path.exists()).collect();
    Some(Commit { name, moves_with })
}

/// What git answers; `None` when there is no git, no repository, or nothing to say.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // In a hook these name the repository that the hook runs in.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command.arg("-C").arg(folder).args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}
