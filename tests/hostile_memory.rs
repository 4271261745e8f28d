//! The largest inputs, each under a limit on memory that the system keeps: a run that needs more is ended by it, and fails.
//! The limits are some twice of what was measured. Nothing is timed; what hangs is stopped.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;

use support::{Ran, Sandbox};

const MB: usize = 1 << 20;

/// Runs envfix in the folder with at most this much memory. It is the limit on what may be written to: address space is
/// also reserved and never used, for every thread.
#[track_caller]
fn within(here: &Sandbox, megabytes: usize, arguments: &[&str]) -> Ran {
    let kilobytes = (megabytes * 1024).to_string();
    let script = ["-c", r#"ulimit -d "$1" && shift && exec "$@""#, "sh", &kilobytes, env!("CARGO_BIN_EXE_envfix")];
    let ran = here.program("sh", &[&script[..], arguments].concat(), b"").expect("there is a shell");
    assert!(!ran.err.contains("panicked") && ran.code <= 2, "{}", ran.err.chars().take(2000).collect::<String>());
    ran
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
fn the_limit_is_kept() {
    let here = Sandbox::with(&[("Dockerfile", &format!("FROM python:3.10\n# {}\n", repeated("x", 60 * MB)))]);
    let script = ["-c", r#"ulimit -d 40000 && exec "$1" -n Dockerfile"#, "sh", env!("CARGO_BIN_EXE_envfix")];
    let mut command = std::process::Command::new("sh");
    let output = command.args(script).current_dir(here.path("")).output().unwrap();
    assert!(!output.status.success(), "a file of 60 MB was read within 40 MB");
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let lines = repeated("# a comment of fifty bytes, fifty bytes, fifty by\n", 100 * MB);
    survives("Dockerfile", format!("FROM python:3.10\nRUN pip install a\n{lines}").as_bytes(), 900).exits(0);
    let lines = repeated("    - flask\n", 100 * MB);
    survives("environment.yml", format!("dependencies:\n- python=3.10\n- pip:\n{lines}").as_bytes(), 400).exits(2);
    survives("azureml_environment.json", format!("{{\"spark\": [{}0]}}", repeated("0,", 100 * MB)).as_bytes(), 400)
        .exits(2);
    let program = "import azureml\nfrom azureml.core import Environment\nenv = Environment('a')\nenv.spark\n";
    survives("train.py", format!("{program}{}", repeated("x = 1\n", 100 * MB)).as_bytes(), 400).exits(2);
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
    survives("Dockerfile", text.as_bytes(), 3_800).exits(0);
    let text = format!("FROM python:3.10\nRUN pip install a\n{}", "ENV A=b\n".repeat(1_000_000));
    survives("Dockerfile", text.as_bytes(), 3_800).exits(0);
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
