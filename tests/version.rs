//! `envfix --version`, and the commit that it names.

mod support;

#[path = "../build/commit.rs"]
mod commit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use support::Sandbox;

#[track_caller]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    let output = command.args(arguments).output().expect("git is there");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit_in(folder: &Path) {
    git(folder, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
}

fn repository() -> Sandbox {
    let here = Sandbox::with(&[("sources/a", "")]);
    git(&here.path(""), &["init", "--quiet", "--initial-branch", "topic/one"]);
    commit_in(&here.path(""));
    here
}

/// When what is watched, or what is in a folder that is watched, last changed, as cargo looks at it.
fn state(paths: &[PathBuf]) -> BTreeMap<PathBuf, Option<SystemTime>> {
    let mut all: BTreeMap<PathBuf, Option<SystemTime>> = BTreeMap::new();
    for path in paths {
        let inside = std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
        all.extend(state(&inside.collect::<Vec<_>>()));
        all.insert(path.clone(), path.metadata().and_then(|it| it.modified()).ok());
    }
    all
}

/// Fails unless what is watched in `folder` changes when `moves` moves its commit, and stays until then.
#[track_caller]
fn is_seen_to_move(folder: &Path, moves: impl FnOnce()) {
    let before = commit::checked_out(folder).expect("it is a repository's root");
    assert!(before.moves_with.iter().all(|path| path.exists()), "{before:?}");
    let seen = state(&before.moves_with);
    git(folder, &["status"]);
    assert_eq!(seen, state(&before.moves_with));
    std::thread::sleep(std::time::Duration::from_millis(20));
    moves();
    let after = commit::checked_out(folder).expect("it still is");
    assert_eq!(after.name.split(' ').next(), Some(git(folder, &["rev-parse", "--short=10", "HEAD"]).as_str()));
    assert_ne!(before.name, after.name);
    assert_ne!(seen, state(&before.moves_with), "nothing that is watched moved with the commit: {before:?}");
}

#[test]
fn the_version_is_that_of_the_crate_and_names_at_most_a_commit() {
    let out = Sandbox::empty().run(&["--version"]).exits(0).out;
    let (version, commit) = out.trim_end().split_once(" (").unwrap_or((out.trim_end(), ""));
    assert_eq!(version, concat!("envfix ", env!("CARGO_PKG_VERSION")));
    let here = commit::checked_out(Path::new(env!("CARGO_MANIFEST_DIR")));
    let named = option_env!("ENVFIX_COMMIT").map(str::to_owned).filter(|it| !it.is_empty());
    let expected = named.or(here.map(|here| here.name)).map(|name| format!("{name})"));
    assert_eq!(commit, expected.unwrap_or_default());
}

#[test]
fn a_commit_has_a_short_hash_and_a_date() {
    let here = repository();
    let name = commit::checked_out(&here.path("")).unwrap().name;
    let (hash, date) = name.split_once(' ').unwrap();
    assert!(hash.len() == 10 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(date, git(&here.path(""), &["log", "-1", "--format=%cs"]));
}

#[test]
fn sources_inside_another_repository_or_in_none_have_no_commit() {
    assert!(commit::checked_out(&repository().path("sources")).is_none());
    let empty = Sandbox::empty();
    // Temporary folders may themselves lie in a repository; this one is not its root all the same.
    assert!(commit::checked_out(&empty.path("")).is_none());
    git(&empty.path(""), &["init", "--quiet"]);
    assert!(commit::checked_out(&empty.path("")).is_none(), "a repository without a commit");
}

#[test]
fn the_next_commit_of_a_branch_is_seen() {
    let here = repository();
    // A commit of the same second with the same content would be the same commit.
    is_seen_to_move(&here.path(""), || commit_in(&here.path("")));
}

#[test]
fn the_next_commit_of_a_packed_branch_is_seen() {
    let here = repository();
    let folder = here.path("");
    git(&folder, &["pack-refs", "--all", "--prune"]);
    assert!(!here.path(".git/refs/heads/topic/one").exists());
    is_seen_to_move(&folder, || commit_in(&folder));
}

#[test]
fn another_branch_and_a_detached_head_are_seen() {
    let here = repository();
    let folder = here.path("");
    git(&folder, &["switch", "--quiet", "-c", "two"]);
    commit_in(&folder);
    is_seen_to_move(&folder, || {
        git(&folder, &["switch", "--quiet", "topic/one"]);
    });
    git(&folder, &["switch", "--quiet", "--detach"]);
    is_seen_to_move(&folder, || commit_in(&folder));
}

#[test]
fn the_commits_of_a_worktree_are_seen() {
    let here = repository();
    let tree = here.path("tree");
    git(&here.path(""), &["worktree", "add", "--quiet", "-b", "three", &tree.to_string_lossy()]);
    is_seen_to_move(&tree, || commit_in(&tree));
    git(&here.path(""), &["pack-refs", "--all", "--prune"]);
    is_seen_to_move(&tree, || commit_in(&tree));
}
