//! Runs that are killed, runs that write at the same time, disks that are full and folders that are read-only: every file
//! is whole, the old one or the new one, and nothing that a run leaves behind stays.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use support::{CONDA, CONDA_FIXED, PLAIN, PLAIN_FIXED, Sandbox};

const KILLS: usize = 320;
const FOLDERS: usize = 40;

/// The files of the folder that is fixed: name, text before, text after.
fn files() -> Vec<(String, String, String)> {
    let mut files = Vec::new();
    for number in 0..FOLDERS {
        let comment = format!("# file {number}\n{}", "# a comment that makes the file longer\n".repeat(number * 3));
        let mut add = |name: &str, before: &str, after: &str| {
            files.push((format!("{number:02}/{name}"), format!("{comment}{before}"), format!("{comment}{after}")));
        };
        add("Dockerfile", PLAIN, PLAIN_FIXED);
        add("Dockerfile.gpu", PLAIN, PLAIN_FIXED);
        add("one.Dockerfile", PLAIN, PLAIN_FIXED);
        add("environment.yml", CONDA, CONDA_FIXED);
        add("conda.yaml", CONDA, CONDA_FIXED);
    }
    files
}

/// Starts envfix in a folder and lets it run, with two files in hand at most, however many cores there are.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envfix"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("envfix starts")
}

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn is_litter(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|name| name.starts_with(".envfix-"))
}

#[test]
fn a_run_that_is_killed_leaves_every_file_whole_and_the_next_one_cleans_up() {
    let (here, files) = (Sandbox::empty(), files());
    let reset = || files.iter().for_each(|(name, before, _)| here.write(name, before));
    reset();
    let (mut kills, mut between, mut littered, mut cleaned) = (0, 0, 0, 0);
    let mut dice = 1;
    while kills < KILLS {
        let begun_with = here.read(&files[0].0);
        let mut child = start(here.path("").as_path(), &["."]);
        // Every other run is killed at some moment of the whole run, the others soon after they began to write.
        if kills % 2 == 0 {
            sleep(Duration::from_micros(random(&mut dice) % 60_000));
        } else {
            let writes = || here.read(&files[0].0) != begun_with || begun_with == files[0].2;
            while !writes() && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_micros(200));
            }
            sleep(Duration::from_micros(random(&mut dice) % 20_000));
        }
        child.kill().unwrap();
        let killed = child.wait().unwrap().signal() == Some(9);
        kills += usize::from(killed);

        let (mut new, mut litter) = (0, 0);
        for (name, bytes) in here.files() {
            if is_litter(&name) {
                litter += 1;
                continue;
            }
            let (_, before, after) = files.iter().find(|(known, ..)| *known == name).expect("no other file is made");
            assert!(
                bytes == before.as_bytes() || bytes == after.as_bytes(),
                "{name} is neither the old file nor the new"
            );
            new += usize::from(bytes == after.as_bytes());
        }
        assert!(litter <= 2, "each run has one file in hand, and cleans up after the one before: {litter}");
        between += usize::from(killed && new > 0 && new < files.len());
        littered += usize::from(litter > 0);
        // Where all is new there is nothing left to kill; and now and then the next run is let alone.
        if !killed || new == files.len() || random(&mut dice).is_multiple_of(8) {
            here.run(&["."]).exits(0);
            cleaned += litter;
            let now = here.files();
            assert_eq!(now.keys().filter(|name| is_litter(name)).count(), 0, "the next run cleans up");
            assert!(files.iter().all(|(name, _, after)| now[name] == after.as_bytes()), "the next run does the rest");
            reset();
        }
    }
    println!(
        "{kills} kills: {between} between two files, {littered} with a file left behind, {cleaned} cleaned up at once"
    );
    // Kills that all come before or after the writing would prove nothing.
    assert!(between > 20 && littered > 0, "{between} kills came between two files, {littered} left something behind");
}

#[test]
fn two_runs_at_once_end_as_one() {
    let files: Vec<_> = files().into_iter().take(50).collect();
    let here = Sandbox::empty();
    for _ in 0..25 {
        files.iter().for_each(|(name, before, _)| here.write(name, before));
        let runs: Vec<Child> = (0..3).map(|_| piped(&here.path(""))).collect();
        let said: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
        let now = here.files();
        assert!(files.iter().all(|(name, _, after)| now[name] == after.as_bytes()), "a file is not the new one");
        assert_eq!(now.len(), files.len(), "something is left behind");
        let mut written = 0;
        for output in said {
            let err = String::from_utf8(output.stderr).unwrap();
            // Who comes second finds nothing to do, or says that the file changed under its hands: no other error.
            let refused = err.lines().filter(|line| line.contains(": error: ")).collect::<Vec<_>>();
            assert!(refused.iter().all(|line| line.contains("it changed since it was read")), "{err}");
            assert_eq!(output.status.code(), Some(if refused.is_empty() { 0 } else { 2 }), "{err}");
            let applied = err.lines().last().and_then(|line| line.split(" applied to ").nth(1).map(str::to_owned));
            let count = applied.and_then(|rest| rest.split(' ').next().and_then(|number| number.parse::<usize>().ok()));
            written += count.unwrap_or(0);
        }
        // Two runs may both have the same text ready and rename it one after the other; none may be missing.
        assert!(written >= files.len(), "{written} files are said to be written");
    }
}

fn piped(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envfix"));
    command.arg(".").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("envfix starts")
}

/// Runs a shell script in a folder where it may mount; `None` where that is not possible, which in CI is a failure.
#[cfg(target_os = "linux")]
fn with_mounts(here: &Sandbox, script: &str) -> Option<support::Ran> {
    let flags = if is_root() { "-m" } else { "-rm" };
    let can =
        here.program("unshare", &[flags, "mount", "-t", "tmpfs", "none", "."], b"").is_some_and(|ran| ran.code == 0);
    if !can {
        assert!(std::env::var_os("CI").is_none(), "nothing can be mounted here; in CI that is a failure");
        eprintln!("skipped: nothing can be mounted here");
        return None;
    }
    here.program("unshare", &[flags, "sh", "-euc", script, "sh", env!("CARGO_BIN_EXE_envfix")], b"")
}

#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_file_whole_and_says_which_and_why() {
    let here = Sandbox::empty();
    fs::create_dir(here.path("disk")).unwrap();
    let long = format!("{PLAIN}{}", "# a comment that makes the file longer than what is free\n".repeat(2_000));
    here.write("Dockerfile", &long);
    here.write("small", PLAIN);
    // The disk holds the files, and has less free than the large one needs; then not one byte.
    let script = r#"
        mount -t tmpfs -o size=256k none disk
        cp Dockerfile disk/Dockerfile; cp small disk/Dockerfile.small
        dd if=/dev/zero of=disk/fill bs=4k count=25 2>/dev/null
        "$1" disk/Dockerfile disk/Dockerfile.small && exit 9 || code=$?
        cmp Dockerfile disk/Dockerfile; grep -q PIP_DEFAULT_TIMEOUT disk/Dockerfile.small
        cp small disk/Dockerfile.small
        dd if=/dev/zero of=disk/more bs=1k count=1000 2>/dev/null || true
        "$1" disk/Dockerfile.small && exit 9 || true
        cmp small disk/Dockerfile.small
        test "$(ls -A disk | sort | tr '\n' ' ')" = 'Dockerfile Dockerfile.small fill more '
        exit $code"#;
    let Some(ran) = with_mounts(&here, script) else { return };
    let ran = ran.exits(2).says(&["free some on its disk and run again"]);
    for name in ["disk/Dockerfile", "disk/Dockerfile.small"] {
        assert!(ran.err.contains(&format!("{name}: error: there is no room for the new text")), "{}", ran.err);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_left_alone_and_the_others_are_done() {
    let here = Sandbox::with(&[("bad/Dockerfile", PLAIN), ("good/Dockerfile", PLAIN)]);
    let script = r#"
        mount --bind bad bad; mount -o remount,ro,bind bad
        "$1" . && exit 9 || exit $?"#;
    let Some(ran) = with_mounts(&here, script) else { return };
    ran.exits(2).says(&["bad/Dockerfile: ", "read-only", "make it writable and run again"]);
    assert_eq!((here.read("bad/Dockerfile"), here.read("good/Dockerfile")), (PLAIN.into(), PLAIN_FIXED.into()));
    assert_eq!(here.files().len(), 2, "nothing is left behind");
}

/// Nothing outside of the folder that was named is written to, whichever way leads there.
#[test]
fn links_out_of_the_folder_are_not_followed_for_writing() {
    use std::os::unix::fs::symlink;
    let builds = "FROM continuumio/miniconda3:24.1.2-0\nCOPY env.yml conf/env.yml /b/\n\
        RUN conda env create -f /b/env.yml && pip install flask\n";
    let definition = "$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nname: x\n\
        image: a/b:1\nconda_file: ./env.yml\n";
    let here = Sandbox::with(&[
        ("out/Dockerfile", PLAIN),
        ("out/env.yml", CONDA),
        ("in/Dockerfile", builds),
        ("in/definition.yml", definition),
        ("in/sub/Dockerfile", PLAIN),
    ]);
    let link = |target: &str, name: &str| symlink(target, here.path(name)).unwrap();
    link("../out/Dockerfile", "in/Dockerfile.out");
    link("../out/env.yml", "in/env.yml");
    link("../out", "in/conf");
    link("../out", "in/folder");
    let outside = || (here.read("out/Dockerfile"), here.read("out/env.yml"));
    for arguments in [&["in"][..], &["in/Dockerfile"], &["in/definition.yml"], &["--skip-unknown", "in/Dockerfile"]] {
        here.run(arguments);
        assert_eq!(outside(), (PLAIN.to_owned(), CONDA.to_owned()), "{arguments:?}");
    }
    assert_eq!(here.read("in/sub/Dockerfile"), PLAIN_FIXED, "the folder was worked through");
    // What a person names is meant, a link as well.
    here.run(&["in/Dockerfile.out", "in/folder/env.yml"]).exits(0);
    assert_eq!(outside(), (PLAIN_FIXED.to_owned(), CONDA_FIXED.to_owned()));
    assert!(here.path("in/Dockerfile.out").is_symlink());
}
