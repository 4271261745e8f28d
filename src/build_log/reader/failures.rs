//! What builders say when they give up, in lines without a form of their own.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::super::Builder;
use super::super::track::{Origin, Seen};
use super::{Reader, Rule, code, docker, rule};

/// What BuildKit tells of a command that failed.
#[derive(Default)]
pub(super) struct Process {
    pub command: Option<String>,
    pub code: Option<i32>,
    /// Where the message goes on behind the command.
    pub behind: usize,
    pub found: bool,
}

/// Words of which a builder's message about a failure has one, in steps that print nothing else than the builder does.
static FAILURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    super::super::matcher::compile(
        r"(?i)\b(?:not found|denied|failed|error|cannot|can't|could not|no such|unauthorized|forbidden|unknown|refused|unable|exceeded|canceled|invalid|timeout|timed out|unexpected)\b",
    )
    .ok()
});

impl Reader<'_> {
    /// What a message says about the command, by the candidates found in it.
    pub(super) fn process(&mut self, text: &[u8]) -> Process {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.set.matcher.candidates(text, &mut candidates);
        let process = self.process_of(text, &candidates);
        self.candidates = candidates;
        process
    }

    fn process_of(&self, text: &[u8], candidates: &[usize]) -> Process {
        for number in candidates.iter().filter(|number| rule(**number) == Some(Rule::Process)) {
            let captures = self.set.matcher.pattern(*number).and_then(|pattern| pattern.captures(text));
            if let Some(captures) = captures {
                let command = captures.name("command");
                return Process {
                    command: command.map(|command| String::from_utf8_lossy(command.as_bytes()).into_owned()),
                    code: captures.name("code").and_then(|found| code(found.as_bytes())),
                    behind: command.map_or(0, |command| command.end()),
                    found: true,
                };
            }
        }
        Process::default()
    }

    /// Takes a line that says that the build, or a step, failed; `false` if it says no such thing.
    pub(super) fn message(&mut self, seen: Seen<'_>) -> bool {
        for number in seen.candidates {
            let Some(rule) = rule(*number) else { break };
            if matches!(rule, Rule::Bad | Rule::Mild | Rule::Good | Rule::Version(_)) {
                continue;
            }
            let Some(captures) = self.set.matcher.pattern(*number).and_then(|pattern| pattern.captures(seen.text))
            else {
                continue;
            };
            let at = captures.get(0).map_or(0, |whole| whole.start());
            let exit = captures.name("code").and_then(|found| code(found.as_bytes()));
            let taken = match rule {
                Rule::Returned => self.returned(seen, at, exit),
                Rule::Process | Rule::Solve => self.unsolved(seen),
                Rule::AtStep => {
                    // A COPY prints nothing: buildah's message is all there is, its own words and `"/a.txt": ` included.
                    let named = captures.name("instruction").map(|found| (found.range(), found.as_bytes()));
                    let copies =
                        named.as_ref().is_some_and(|(_, it)| it.starts_with(b"COPY ") || it.starts_with(b"ADD "));
                    let end = |it: &[u8]| memchr::memmem::find(it, b"\": ").filter(|_| copies).unwrap_or(it.len());
                    let instruction =
                        named.as_ref().map(|(_, it)| String::from_utf8_lossy(&it[..end(it)]).into_owned());
                    let from = named.map_or(0, |(range, _)| if copies { range.start } else { range.end });
                    self.stopped(Builder::Buildah, seen, instruction, from, exit)
                }
                Rule::Kaniko => self.stopped(Builder::Kaniko, seen, None, 0, exit),
                Rule::Subprocess => self.subprocess(seen),
                Rule::GivesUp | Rule::Daemon => self.gives_up(seen, rule == Rule::Daemon),
                Rule::Job => self.job_failed(seen, exit),
                Rule::Recorded => {
                    if let (None, Some(exit)) = (self.builder, exit) {
                        self.head.verdict.recorded(exit, seen.line);
                    }
                    false
                }
                Rule::TaskDone => {
                    if self.builder.is_some() && !self.runs_now() && self.failed.is_none() {
                        self.ended = Some(true);
                    }
                    false
                }
                Rule::Bad | Rule::Mild | Rule::Good | Rule::Version(_) => false,
            };
            if taken {
                return true;
            }
        }
        false
    }

    /// `The command '…' returned a non-zero code: 1`.
    fn returned(&mut self, seen: Seen<'_>, at: usize, exit: Option<i32>) -> bool {
        if !matches!(self.builder, None | Some(Builder::Docker)) {
            return false;
        }
        let (begin, command) = docker::command(seen.text, at);
        let command = command.map(|command| String::from_utf8_lossy(command).into_owned());
        let before = seen.text.get(..begin).unwrap_or_default().trim_ascii();
        // What the program printed last, without a newline. Compose says which service it was.
        if !before.is_empty() && memchr::memmem::find(before, b"Service '").is_none() {
            self.feed(self.now, Seen { text: &seen.text[..begin], ..seen });
        }
        if self.builder.is_none() {
            self.builder = Some(Builder::Docker);
            self.now = self.open_head();
        }
        // A log whose middle was cut out shows the command of a step that it does not show.
        let running = self.now.and_then(|serial| self.steps.get_mut(serial));
        if let (Some(track), Some(command)) = (running, &command)
            && track.step.instruction.as_deref().is_some_and(|known| !docker::may_run(known, command))
        {
            track.step.instruction = None;
            track.step.number = None;
        }
        let known = self.now.or(self.failed.map(|(serial, _)| serial));
        let serial = known.unwrap_or_else(|| self.open(seen.line));
        if let (Some(track), Some(command)) = (self.steps.get_mut(serial), command) {
            track.step.instruction.get_or_insert_with(|| docker::instruction(&command));
        }
        self.feed(Some(serial), Seen { from: at, origin: Origin::Builder, ..seen });
        self.fail(serial, exit, seen.line, false);
        true
    }

    /// `failed to solve: …`.
    fn unsolved(&mut self, seen: Seen<'_>) -> bool {
        if self.now.is_some() {
            return false;
        }
        let process = self.process_of(seen.text, seen.candidates);
        let head = if self.builder.is_none() {
            // Only what the step printed was copied, and this line.
            self.builder = Some(Builder::BuildKit);
            let head = self.open_head();
            if !process.found
                && let Some(serial) = head
            {
                self.end_track(serial, true);
            }
            head.filter(|_| process.found)
        } else {
            None
        };
        if self.builder != Some(Builder::BuildKit) {
            if !process.found && self.ended == Some(true) {
                return false;
            }
            self.begin(Builder::BuildKit);
        }
        if !process.found {
            self.note_error(seen.line, seen.text);
            self.feed(None, seen);
            return true;
        }
        let serial = self.failed_process(&process).or(head).unwrap_or_else(|| self.open(seen.line));
        if let (Some(track), Some(command)) = (self.steps.get_mut(serial), &process.command) {
            track.step.instruction.get_or_insert_with(|| docker::instruction(command));
        }
        self.feed(Some(serial), Seen { from: process.behind, origin: Origin::Builder, ..seen });
        self.fail(serial, process.code, seen.line, false);
        true
    }

    /// The step whose command is said to have failed: one that is known to have, or else one that ran it.
    fn failed_process(&self, process: &Process) -> Option<u64> {
        let failed = || self.steps.failed().filter(|(_, track)| track.build == self.build);
        let Some(command) = process.command.as_deref() else { return failed().next().map(|(serial, _)| serial) };
        let instruction = docker::instruction(command);
        let runs = |track: &super::Track| {
            track.step.instruction.as_deref().is_some_and(|known| {
                let known = known.trim_end_matches("...");
                !known.is_empty() && (instruction.starts_with(known) || known.starts_with(&instruction))
            })
        };
        let failed_one = failed().find(|(_, track)| runs(track)).or_else(|| failed().next());
        let all = || self.steps.latest().take_while(|(_, track)| track.build == self.build);
        failed_one.or_else(|| all().find(|(_, track)| runs(track))).map(|(serial, _)| serial)
    }

    /// A builder that runs one step after another says that the running one failed.
    fn stopped(
        &mut self,
        builder: Builder,
        seen: Seen<'_>,
        instruction: Option<String>,
        behind: usize,
        exit: Option<i32>,
    ) -> bool {
        match self.builder {
            None => {
                self.builder = Some(builder);
                self.now = self.open_head();
            }
            Some(known) if known == builder => {}
            Some(_) => return false,
        }
        let Some(serial) = self.now.or(self.failed.map(|(serial, _)| serial)) else {
            if instruction.is_none() {
                self.note_error(seen.line, seen.text);
                self.feed(None, seen);
                return true;
            }
            let serial = self.open(seen.line);
            self.now = Some(serial);
            return self.stopped(builder, seen, instruction, behind, exit);
        };
        if let (Some(track), Some(instruction)) = (self.steps.get_mut(serial), instruction) {
            track.step.instruction.get_or_insert(instruction);
        }
        // A command has printed why; otherwise this message is all there is.
        let origin = if exit.is_some() { Origin::Builder } else { Origin::Output };
        self.feed(Some(serial), Seen { from: behind, origin, ..seen });
        self.fail(serial, exit, seen.line, false);
        true
    }

    /// buildah tells that the command failed before it tells the step.
    fn subprocess(&mut self, seen: Seen<'_>) -> bool {
        if self.builder != Some(Builder::Buildah) {
            return false;
        }
        self.feed(self.now, Seen { origin: Origin::Builder, ..seen });
        true
    }

    /// Docker says that it cannot go on; `daemon` where no program in a step would say it.
    fn gives_up(&mut self, seen: Seen<'_>, daemon: bool) -> bool {
        match self.builder {
            None => {
                self.head.verdict.bad(seen.line, self.head.printed);
                self.note_error(seen.line, seen.text);
                self.ended = None;
                false
            }
            Some(Builder::Docker) => match self.now {
                Some(serial) => {
                    let runs = self.steps.get(serial).is_some_and(|track| track.runs);
                    if runs && !daemon {
                        return false;
                    }
                    self.feed(Some(serial), seen);
                    // Should the build go on it was none: a program may talk to another daemon.
                    self.fail(serial, None, seen.line, true);
                    true
                }
                None => {
                    self.note_error(seen.line, seen.text);
                    self.feed(None, seen);
                    true
                }
            },
            Some(_) => false,
        }
    }

    /// Who started the builder says that it failed.
    fn job_failed(&mut self, seen: Seen<'_>, exit: Option<i32>) -> bool {
        if exit == Some(0) {
            return false;
        }
        match (self.builder, self.now) {
            (None, _) => {
                self.head.verdict.recorded(exit.unwrap_or(1), seen.line);
                return false;
            }
            (Some(_), Some(serial)) => {
                if self.steps.get(serial).is_some_and(|track| !track.closed) {
                    self.fail(serial, None, seen.line, true);
                }
            }
            (Some(_), None) if self.ended != Some(true) => self.note_error(seen.line, seen.text),
            (Some(_), None) => {}
        }
        self.feed(None, seen);
        true
    }

    /// In a step in which no program runs, the builder's words tell a failure.
    pub(super) fn guess_failure(&mut self, line: u64, text: &[u8]) {
        let Some(serial) = self.now.filter(|_| self.builder == Some(Builder::Docker)) else { return };
        let quiet = self.steps.get(serial).is_some_and(|track| !track.runs && !track.closed);
        if quiet && FAILURE.as_ref().is_some_and(|words| words.is_match(text)) {
            self.fail(serial, None, line, true);
        }
    }
}
