//! Commands that run another command: what they change, and where the other one begins.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::{Assignment, Command, Word};
use super::conda::Environment;
use super::options::{Known, Table};
use super::{base_name, is_versioned, said};

/// A command with its wrappers stripped.
#[derive(Clone, Debug)]
pub struct Call {
    /// The words of the command.
    pub words: Arc<[Word]>,
    assignments: Arc<[Assignment]>,
    /// What wraps it, outermost first.
    pub wrappers: Vec<Wrapper>,
    /// The index of the word that names the program.
    pub program: usize,
    name: Option<String>,
}

/// A command that runs another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapper {
    /// Which.
    pub kind: WrapperKind,
    /// The index of the word that names it.
    pub word: usize,
    /// Variables that it sets (`env A=b`, `sudo A=b`), with their values as written.
    pub assignments: Vec<(String, String)>,
    /// The environment that `conda run` names.
    pub environment: Option<Environment>,
    /// The user that `sudo -u` names.
    pub user: Option<String>,
}

/// What a wrapper does to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrapperKind {
    /// `sudo`, `doas`: another user, and most of the environment is dropped.
    Sudo,
    /// `sudo -E`: another user, the environment is kept.
    SudoKeepingEnvironment,
    /// `gosu`, `su-exec`: another user, same environment.
    User,
    /// `env`.
    Env,
    /// `conda run`, `mamba run`, `micromamba run`.
    CondaRun,
    /// `time`, `nice`, `exec` and others that change nothing a build sees.
    Plain,
}

const SUDO: &[Known] = &[
    Known(&["--user", "-u"], true),
    Known(&["--group", "-g"], true),
    Known(&["--host", "-h"], true),
    Known(&["--prompt", "-p"], true),
    Known(&["--close-from", "-C"], true),
    Known(&["--chdir", "-D"], true),
    Known(&["--chroot", "-R"], true),
    Known(&["--role", "-r"], true),
    Known(&["--type", "-t"], true),
    Known(&["--command-timeout", "-T"], true),
    Known(&["--preserve-env", "-E"], false),
    Known(&["--set-home", "-H"], false),
];
const ENV: &[Known] = &[
    Known(&["--unset", "-u"], true),
    Known(&["--chdir", "-C"], true),
    Known(&["--split-string", "-S"], true),
    Known(&["--ignore-environment", "-i"], false),
];
const CONDA_RUN: &[Known] = &[
    Known(&["--name", "-n"], true),
    Known(&["--prefix", "-p"], true),
    Known(&["--root-prefix", "-r"], true),
    Known(&["--env", "-e"], true),
    Known(&["--attach", "-a"], true),
    Known(&["--cwd"], true),
    Known(&["--label"], true),
    Known(&["--no-capture-output", "--live-stream", "-s"], false),
];
const EXEC: &[Known] = &[Known(&["-a"], true)];
const NICE: &[Known] = &[Known(&["--adjustment", "-n"], true)];
const IONICE: &[Known] = &[Known(&["--class", "-c"], true), Known(&["--classdata", "-n"], true)];
const STDBUF: &[Known] =
    &[Known(&["--input", "-i"], true), Known(&["--output", "-o"], true), Known(&["--error", "-e"], true)];
const TIMEOUT: &[Known] = &[Known(&["--kill-after", "-k"], true), Known(&["--signal", "-s"], true)];
const TIME: &[Known] = &[Known(&["--format", "-f"], true), Known(&["--output", "-o"], true)];
const XVFB: &[Known] = &[
    Known(&["--server-num", "-n"], true),
    Known(&["--server-args", "-s"], true),
    Known(&["--auth-file", "-f"], true),
    Known(&["--error-file", "-e"], true),
    Known(&["--xauth-protocol", "-p"], true),
    Known(&["--wait", "-w"], true),
];

/// A wrapper's options, and how many operands of its own it takes before the command.
struct Shape(WrapperKind, &'static [&'static [Known]], usize);

fn shape(name: &str) -> Option<Shape> {
    use WrapperKind::{CondaRun, Env, Plain, Sudo, User};
    Some(match name {
        "sudo" | "doas" => Shape(Sudo, &[SUDO], 0),
        "env" => Shape(Env, &[ENV], 0),
        "command" | "builtin" | "nohup" | "setsid" | "eatmydata" | "unbuffer" | "fakeroot" => Shape(Plain, &[], 0),
        "exec" => Shape(Plain, &[EXEC], 0),
        "time" => Shape(Plain, &[TIME], 0),
        "nice" => Shape(Plain, &[NICE], 0),
        "ionice" => Shape(Plain, &[IONICE], 0),
        "stdbuf" => Shape(Plain, &[STDBUF], 0),
        "xvfb-run" => Shape(Plain, &[XVFB], 0),
        "timeout" => Shape(Plain, &[TIMEOUT], 1),
        "gosu" | "su-exec" => Shape(User, &[], 1),
        "conda" | "mamba" | "micromamba" => Shape(CondaRun, &[CONDA_RUN], 0),
        _ => return None,
    })
}

impl Call {
    /// Strips a command's wrappers.
    #[must_use]
    pub fn of(command: &Command) -> &Arc<Self> {
        command.read.call.get_or_init(|| Arc::new(Self::read(command)))
    }

    fn read(command: &Command) -> Self {
        let (words, assignments) = (Arc::clone(&command.words), Arc::clone(&command.assignments));
        let name = program_name(&words, 0);
        let mut call = Call { words, assignments, wrappers: Vec::new(), program: 0, name };
        while let Some((wrapper, program)) = call.wrapper() {
            call.wrappers.push(wrapper);
            call.program = program;
            call.name = program_name(&call.words, program);
        }
        call
    }

    /// The program's name without its folder; `None` where a variable or substitution holds it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether the command runs as another user by `sudo`, which drops most of the environment.
    #[must_use]
    pub fn sudo(&self) -> bool {
        self.wrappers.iter().any(|wrapper| wrapper.kind == WrapperKind::Sudo)
    }

    /// The conda environment that the innermost `conda run` names; `None` where there is none.
    #[must_use]
    pub fn environment(&self) -> Option<&Environment> {
        self.wrappers.iter().rev().find_map(|wrapper| wrapper.environment.as_ref())
    }

    /// The value as written that the command itself is given for a variable: `A=b command`, `env A=b command`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Cow<'_, str>> {
        let wrapped = self.wrappers.iter().rev().flat_map(|wrapper| wrapper.assignments.iter().rev());
        if let Some((_, value)) = wrapped.into_iter().find(|(set, _)| set == name) {
            return Some(Cow::Owned(value.clone()));
        }
        let assignment = self.assignments.iter().rev().find(|assignment| assignment.name == name)?;
        Some(Cow::Borrowed(assignment.value.as_deref().unwrap_or("")))
    }

    /// Whether the program is named by a path, or wrapped by another.
    #[must_use]
    pub fn is_roundabout(&self) -> bool {
        !self.wrappers.is_empty() || self.words.get(self.program).is_some_and(|word| word.raw.contains('/'))
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The wrapper at the program's place and where its command begins, if it is one and runs one.
    fn wrapper(&self) -> Option<(Wrapper, usize)> {
        let name = self.name()?;
        let Shape(mut kind, known, own) = shape(name)?;
        let words = self.words();
        let mut from = self.program + 1;
        if kind == WrapperKind::CondaRun {
            // Options may stand before `run`; only those without a value do in practice.
            while words.get(from).is_some_and(|word| word.text().starts_with('-')) {
                from += 1;
            }
            if words.get(from).is_none_or(|word| word.text() != "run") {
                return None;
            }
            from += 1;
        }
        let read = Table { known, stops: true }.read(words, from);
        let has = |option: &str| read.options.iter().any(|given| given.name == option);
        let value = |option: &str| super::options::last(&read.options, option).and_then(|given| given.value.clone());
        if has("--split-string") || (name == "command" && (has("-v") || has("-V"))) {
            return None;
        }
        if kind == WrapperKind::Sudo && has("--preserve-env") {
            kind = WrapperKind::SudoKeepingEnvironment;
        }
        let mut program = read.end + own;
        let mut assignments = Vec::new();
        if matches!(kind, WrapperKind::Env | WrapperKind::Sudo | WrapperKind::SudoKeepingEnvironment) {
            while let Some((variable, text)) = words.get(program).and_then(assignment) {
                assignments.push((variable, text));
                program += 1;
            }
        }
        words.get(program)?;
        let environment = match (kind, value("--prefix"), value("--name")) {
            (WrapperKind::CondaRun, Some(prefix), _) => Some(Environment::Prefix(prefix)),
            (WrapperKind::CondaRun, None, Some(name)) => Some(Environment::Name(name)),
            _ => None,
        };
        let user = match kind {
            WrapperKind::User => words.get(read.end).map(|word| said(word).into_owned()),
            WrapperKind::Sudo | WrapperKind::SudoKeepingEnvironment => value("--user"),
            _ => None,
        };
        Some((Wrapper { kind, word: self.program, assignments, environment, user }, program))
    }
}

fn program_name(words: &[Word], program: usize) -> Option<String> {
    let text = said(words.get(program)?);
    let name = base_name(&text);
    (!name.contains(['$', '`', '*', '?'])).then(|| name.to_owned())
}

fn assignment(word: &Word) -> Option<(String, String)> {
    let text = said(word);
    let (name, value) = text.split_once('=')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (plain && !is_versioned(name, "")).then(|| (name.to_owned(), value.to_owned()))
}
