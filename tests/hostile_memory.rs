//! The largest inputs, each with a bound on the memory that the run may have: one that takes more is stopped, and fails.
//! The bounds are some half more than what was measured. Nothing is timed; what hangs is stopped.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::{Ran, Sandbox};

const MB: usize = 1 << 20;
const HANGS: Duration = Duration::from_secs(300);

/// Runs envfix in the folder with at most this much memory.
#[track_caller]
fn within(here: &Sandbox, megabytes: usize, arguments: &[&str]) -> Ran {
    match run(here, megabytes, arguments) {
        Ok(ran) => ran,
        Err(message) => panic!("{message}"),
    }
}

/// The most memory that the process had at any time so far, in megabytes. Not its address space: allocators reserve that by
/// the gigabyte and use little of it.
fn most(child: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).map_or(0, |kilobytes: usize| kilobytes / 1024)
}

fn run(here: &Sandbox, megabytes: usize, arguments: &[&str]) -> Result<Ran, String> {
    // The system's own limit stops what grows faster than it is looked at.
    let address_space = ((megabytes + 4_096) * 1024).to_string();
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -v "$1" && shift && exec "$@""#, "sh", &address_space, env!("CARGO_BIN_EXE_envfix")]);
    command.args(arguments).current_dir(here.path("")).stdin(Stdio::null()).stdout(Stdio::null());
    let said = tempfile::NamedTempFile::new().unwrap();
    let mut child = command.stderr(said.reopen().unwrap()).spawn().unwrap();
    let (begun, mut peak) = (Instant::now(), 0);
    let status = loop {
        peak = peak.max(most(&child));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if peak > megabytes || begun.elapsed() > HANGS {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("stopped at {peak} MB of {megabytes}, after {} s", begun.elapsed().as_secs()));
        }
        sleep(Duration::from_millis(2));
    };
    println!("{peak} MB of {megabytes}: {:.1?}", begun.elapsed());
    let err = std::fs::read_to_string(said.path()).unwrap();
    match status.code() {
        Some(code @ 0..=2) if !err.contains("panicked") => Ok(Ran { code, out: String::new(), err }),
        _ => Err(format!("{status}: {}", err.chars().take(2000).collect::<String>())),
    }
}

/// Fixes one file within the limit. One that is refused is as it was.
#[track_caller]
fn survives(name: &str, text: &[u8], megabytes: usize) -> Ran {
    let here = Sandbox::empty();
    here.write(name, text);
    let ran = within(&here, megabytes, &[name]);
    let end: String = ran.err.chars().take(2000).collect();
    assert!(ran.code == 0 || ran.code == 2, "exit code {}:\n{end}", ran.code);
    assert!(ran.code == 0 || (ran.err.starts_with(name) && std::fs::read(here.path(name)).unwrap() == text), "{end}");
    ran
}

fn repeated(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

#[test]
fn the_bound_is_kept() {
    let here =
        Sandbox::with(&[("Dockerfile", &format!("FROM python:3.10\n{}", "RUN pip install a\n".repeat(100_000)))]);
    assert!(run(&here, 50, &["Dockerfile"]).is_err_and(|message| message.contains("stopped at")));
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let lines = repeated("# a comment of fifty bytes, fifty bytes, fifty by\n", 100 * MB);
    survives("Dockerfile", format!("FROM python:3.10\nRUN pip install a\n{lines}").as_bytes(), 1_000).exits(0);
    let lines = repeated("    - flask\n", 100 * MB);
    survives("environment.yml", format!("dependencies:\n- python=3.10\n- pip:\n{lines}").as_bytes(), 600).exits(2);
    survives("azureml_environment.json", format!("{{\"spark\": [{}0]}}", repeated("0,", 100 * MB)).as_bytes(), 400)
        .exits(2);
    let program = "import azureml\nfrom azureml.core import Environment\nenv = Environment('a')\nenv.spark\n";
    survives("train.py", format!("{program}{}", repeated("x = 1\n", 100 * MB)).as_bytes(), 600).exits(2);
}

#[test]
fn one_line_of_a_hundred_megabytes() {
    let line = repeated("a ", 100 * MB);
    survives("Dockerfile", format!("FROM python:3.10\nRUN pip install {line}\n").as_bytes(), 500).exits(2);
    survives("Dockerfile", line.as_bytes(), 500).exits(2);
    survives("environment.yml", format!("dependencies: [{line}]\n").as_bytes(), 500).exits(2);
}

#[test]
fn a_hundred_megabytes_of_bytes_that_are_no_text() {
    let mut text = format!("FROM python:3.10\n{}", repeated("# x\n", 100 * MB)).into_bytes();
    text.push(0);
    survives("Dockerfile", &text, 500).exits(2).says(&["NUL byte"]);
    *text.last_mut().unwrap() = 0xff;
    survives("Dockerfile", &text, 500).exits(2).says(&["invalid UTF-8"]);
    survives("Dockerfile", repeated("FROM a\r", 100 * MB).as_bytes(), 700);
    let text = repeated("F\0R\0O\0M\0 \0a\0\n\0#\0 \0\n\0", 40) + &repeated("#\0 \0x\0 \0y\0 \0z\0\n\0", 100 * MB);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.into_bytes()).chain([b'x']).collect();
    survives("Dockerfile", &utf16, 600).exits(2).says(&["half a character"]);
}

#[test]
fn a_million_instructions() {
    let text = format!("FROM python:3.10\nRUN pip install a\n{}", "RUN pip install b\n".repeat(1_000_000));
    survives("Dockerfile", text.as_bytes(), 5_500).exits(0);
    let text = format!("FROM python:3.10\nRUN pip install a\n{}", "ENV A=b\n".repeat(1_000_000));
    survives("Dockerfile", text.as_bytes(), 5_500).exits(0);
}

#[test]
fn a_hundred_thousand_continuation_lines() {
    let lines: String = (0..100_000).map(|number| format!(" \\\n    package{number}")).collect();
    survives("Dockerfile", format!("FROM python:3.10\nRUN pip install -U pip{lines}\n").as_bytes(), 400).exits(0);
    let comments = "  # why\n\n  flask \\\n".repeat(100_000);
    survives("Dockerfile", format!("FROM python:3.10\nRUN pip install \\\n{comments}  x\n").as_bytes(), 400).exits(0);
}

#[test]
fn deep_nesting_and_alias_bombs() {
    let nested = |open: &str, close: &str| format!("{}pip install x{}", open.repeat(20_000), close.repeat(20_000));
    for (open, close) in [("$(", ")"), ("(", ")"), ("{ ", ";}"), ("`", "`"), ("${a:-", "}")] {
        survives("Dockerfile", format!("FROM python:3.10\nRUN {}\n", nested(open, close)).as_bytes(), 200);
    }
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let text = format!("dependencies: \n{}pip{}\n", open.repeat(1_000_000), close.repeat(1_000_000));
        survives("environment.yml", text.as_bytes(), 300);
    }
    let mut bomb = String::from("a0: &a0 [pip, pip]\n");
    for number in 1..80 {
        let _ = writeln!(bomb, "a{number}: &a{number} [{0}, {0}, {0}, {0}]", format_args!("*a{}", number - 1));
    }
    survives("environment.yml", format!("{bomb}dependencies: *a79\n").as_bytes(), 200);
    survives("environment.yml", format!("{bomb}dependencies: [*a79, pip: *a79]\n").as_bytes(), 200);
    survives(
        "local.runconfig",
        format!("{bomb}script: a\nenvironment: {{spark: {{packages: *a79}}}}\n").as_bytes(),
        200,
    );
}

#[test]
fn a_log_of_two_hundred_megabytes_is_read_in_flat_memory() {
    let here = Sandbox::with(&[("Dockerfile", support::PLAIN)]);
    let begin = "Step 1/2 : FROM python:3.10-slim\nStep 2/2 : RUN pip install flask\n ---> Running in 0123456789ab\n";
    let end = "ERROR: Max retries exceeded with url: /x (Caused by ReadTimeoutError(\"Read timed out.\"))\n\
        The command '/bin/sh -c pip install flask' returned a non-zero code: 1\n";
    for line in ["Collecting flask (from versions: 1, 2, 3) and some more words\n", "x"] {
        here.write("build.log", format!("{begin}{}\n{end}", repeated(line, 200 * MB)));
        within(&here, 150, &["-n", "--log", "build.log", "Dockerfile"]).exits(0).says(&["[timeouts]"]);
    }
}

#[test]
fn ten_thousand_small_files() {
    let here = Sandbox::empty();
    for number in 0..10_000 {
        here.write(&format!("{}/{number}/Dockerfile", number % 100), support::PLAIN);
    }
    within(&here, 500, &["--check", "-q", "."]).exits(1);
}
