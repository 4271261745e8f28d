//! What the tests of the command line share: a folder of its own for each test, and envfix run in it as a process.
//! This file is a module of those tests and holds no test itself.
#![allow(dead_code, missing_docs, reason = "every test uses its own part of this module")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A run that takes longer hangs. No test measures time; this only keeps a hang from blocking the others.
const HANGS: Duration = Duration::from_secs(300);

/// A Dockerfile to which `timeouts` adds one variable.
pub const PLAIN: &str = "FROM python:3.10-slim\nRUN pip install flask\n";

/// [`PLAIN`], fixed.
pub const PLAIN_FIXED: &str = "FROM python:3.10-slim\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install flask\n";

/// A Dockerfile whose pip pin is unsafe, since the Python is known by default only.
pub const UNSAFE: &str =
    "ARG PYTHON=3.11\nFROM python:${PYTHON}\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip\n";

/// A conda environment that has a fault.
pub const CONDA: &str = "channels: [conda-forge]\ndependencies:\n  - python=3.10\n  - pip:\n      - azureml-defaults\n";

/// [`CONDA`], fixed.
pub const CONDA_FIXED: &str =
    "channels: [conda-forge]\ndependencies:\n  - python=3.10\n  - pip=26.1.2\n  - pip:\n      - azureml-defaults\n";

/// A Dockerfile in which nothing is to do.
pub const FINE: &str = "FROM python:3.10-slim\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install flask\n";

/// The folder of sample inputs.
pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A folder for one test; it goes when the test ends.
pub struct Sandbox {
    folder: TempDir,
}

/// What a run of envfix did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Standard output, read as the JSON report.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in the report:\n{}", self.out))
    }

    /// Fails unless the run ended as it should have.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n--- standard output\n{}--- standard error\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard error holds all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not said:\n{}", self.err);
        }
        self
    }
}

impl Sandbox {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A folder with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty();
        for (name, text) in files {
            sandbox.write(name, text);
        }
        sandbox
    }

    /// A copy of a folder of `testdata/`.
    pub fn of(name: &str) -> Self {
        let (sandbox, from) = (Self::empty(), testdata(name));
        for (file, bytes) in tree(&from) {
            sandbox.write(&file, bytes);
        }
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file of the folder, with its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        tree(self.folder.path())
    }

    /// Runs envfix in the folder.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, b"")
    }

    /// Runs envfix in the folder, with something on standard input.
    #[track_caller]
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        self.run_in("", arguments, input, &[])
    }

    /// Runs envfix in a folder of the folder, with further variables.
    #[track_caller]
    pub fn run_in(&self, folder: &str, arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Ran {
        run(&self.path(folder), arguments, input, variables)
    }

    /// Runs another program in the folder; `None` when this machine has none of that name.
    pub fn program(&self, name: &str, arguments: &[&str], input: &[u8]) -> Option<Ran> {
        let mut command = Command::new(name);
        // A repository around the temporary folder must not be found.
        command.env("GIT_CEILING_DIRECTORIES", self.folder.path().parent().unwrap_or(Path::new("/")));
        command.args(arguments).current_dir(self.folder.path());
        match command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Ok(child) => Some(finish(child, input, name)),
            Err(_) => {
                eprintln!("skipped: this machine has no `{name}`");
                None
            }
        }
    }
}

/// Runs envfix in a folder.
#[track_caller]
pub fn run(folder: &Path, arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envfix"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).envs(variables.iter().copied());
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let ran = finish(child.expect("envfix starts"), input, "envfix");
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

/// Feeds a process and waits for its end.
#[track_caller]
fn finish(mut child: Child, input: &[u8], name: &str) -> Ran {
    let (mut to, input) = (child.stdin.take().expect("it is piped"), input.to_owned());
    let (mut out, mut err) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    // Every stream has a thread of its own, so that no full pipe blocks another.
    let feeding = std::thread::spawn(move || drop(to.write_all(&input)));
    let read = |stream: &mut dyn Read| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).expect("what is printed is UTF-8")
    };
    let out = std::thread::spawn(move || read(&mut out));
    let err = std::thread::spawn(move || read(&mut err));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if started.elapsed() > HANGS {
            let _ = child.kill();
            panic!("{name} hangs: it was stopped after {} seconds", HANGS.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let _ = feeding.join();
    let (out, err) = (out.join().expect("it was read"), err.join().expect("it was read"));
    let code = status.code().unwrap_or_else(|| panic!("{name} was ended by a signal: {status}\n{err}"));
    Ran { code, out, err }
}

/// Every file below a folder, by its path with `/`.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("it can be read").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_string_lossy().replace('\\', "/");
                files.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}
