//! One line after another: which step it belongs to, and what it says about the steps.

use std::collections::{BTreeMap, HashMap};

use super::builder::docker;
use super::clean::clean;
use super::prefix;
use super::rules::{Rule, rule};
use super::steps::Steps;
use super::symptom::SymptomSet;
use super::track::{Origin, Seen, Track};
use super::{BuildLog, Builder, Ended, LONGEST_TEXT, Outcome};
use crate::output::redact::redact;

mod failures;
mod graph;
mod sequence;

/// Reads a log line by line.
pub(super) struct Reader<'s> {
    set: &'s SymptomSet,
    steps: Steps,
    /// What was printed before any builder showed. In a log without one it is the only step.
    head: Track,
    outside: Track,
    /// The builder of the build that is being read, and the build's number.
    builder: Option<Builder>,
    build: u32,
    /// Whether the build went well, once that is known.
    ended: Option<bool>,
    /// The step that is running, of a builder that runs one after another.
    now: Option<u64>,
    /// Number of the last step and how many there are.
    last_number: (u32, Option<u32>),
    /// The step that failed last in this build, and whether only the wording told so.
    failed: Option<(u64, bool)>,
    /// BuildKit's vertices: plain by number, drawn by name.
    vertices: BTreeMap<u32, u64>,
    drawn: HashMap<String, u64>,
    /// The vertex of the last line, with that line; and of the last line drawn.
    last_vertex: Option<(u64, u64)>,
    last_drawn: Option<u64>,
    drawn_at: f64,
    block: Block,
    /// The stage that kaniko builds.
    stage: Option<String>,
    /// What the builder said about a failure that belongs to no step, with the number of its build.
    error: Option<(u64, String, u32)>,
    candidates: Vec<usize>,
    buffer: Vec<u8>,
}

/// Where the reader is in what BuildKit prints about a failure at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    No,
    /// Behind a line of six dashes.
    Rule,
    /// In the last lines of the step.
    Lines(u64),
    /// Behind them, where an excerpt of the Dockerfile may follow.
    After(Option<u64>),
}

impl<'s> Reader<'s> {
    pub fn new(set: &'s SymptomSet) -> Self {
        Self {
            set,
            steps: Steps::default(),
            head: Track::new(1, 0, None),
            outside: Track::new(1, 0, None),
            builder: None,
            build: 0,
            ended: None,
            now: None,
            last_number: (0, None),
            failed: None,
            vertices: BTreeMap::new(),
            drawn: HashMap::new(),
            last_vertex: None,
            last_drawn: None,
            drawn_at: 0.0,
            block: Block::No,
            stage: None,
            error: None,
            candidates: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Takes a segment of a line; `first` if it is the first of the line.
    pub fn segment(&mut self, line: u64, first: bool, bytes: &[u8]) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let text = prefix::strip(clean(bytes, &mut buffer).trim_ascii_end());
        if !text.is_empty() {
            self.text(line, first, text);
        }
        self.buffer = buffer;
    }

    fn text(&mut self, line: u64, first: bool, text: &[u8]) {
        if self.block_line(line, text) {
            return;
        }
        let taken = match text.first() {
            Some(b'#') => self.plain_line(line, text) || self.docker_line(line, text),
            Some(b' ') => self.docker_line(line, text) || self.drawn_line(line, text),
            Some(b'=') => self.drawn_line(line, text),
            Some(b'[') => self.drawn_line(line, text) || self.buildah_line(line, text),
            Some(b'S' | b'R') => self.docker_line(line, text) || self.buildah_line(line, text),
            Some(b'-' | b'C') => self.buildah_line(line, text),
            Some(b'I' | b'W' | b'E' | b'D' | b't') => self.kaniko_line(line, text),
            _ => false,
        };
        if !taken {
            self.loose_line(line, first, text);
        }
    }

    /// A line that is not in a builder's form: what the running step prints, or a message of the builder's.
    fn loose_line(&mut self, line: u64, first: bool, text: &[u8]) {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.set.matcher.candidates(text, &mut candidates);
        let vertex = self.last_vertex.filter(|(at, _)| !first && *at == line).map(|(_, vertex)| vertex);
        let seen = Seen { line, text, from: 0, candidates: &candidates, origin: Origin::Output };
        match vertex {
            Some(vertex) => self.feed(Some(vertex), seen),
            None if !self.message(seen) => {
                self.feed(self.now, seen);
                self.guess_failure(line, text);
            }
            None => {}
        }
        self.candidates = candidates;
    }

    /// Gives a line to a step, or to what is outside.
    fn feed(&mut self, step: Option<u64>, seen: Seen<'_>) {
        let track = match step {
            Some(serial) => self.steps.get_mut(serial),
            None => None,
        };
        let outside = if self.builder.is_none() { &mut self.head } else { &mut self.outside };
        track.unwrap_or(outside).feed(self.set, seen);
    }

    /// Gives the builder's message about a step to it; `from` is where symptoms count.
    fn feed_message(&mut self, step: Option<u64>, line: u64, text: &[u8], from: usize, origin: Origin) {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.set.matcher.candidates(text, &mut candidates);
        self.feed(step, Seen { line, text, from, candidates: &candidates, origin });
        self.candidates = candidates;
    }

    fn open(&mut self, line: u64) -> u64 {
        self.steps.add(Track::new(line, self.build, self.builder))
    }

    /// Makes what was printed before any builder showed a step whose beginning is cut off.
    fn open_head(&mut self) -> Option<u64> {
        if !self.head.has_output() {
            return None;
        }
        let mut head = std::mem::replace(&mut self.head, Track::new(1, 0, None));
        head.build = self.build;
        head.builder = self.builder;
        Some(self.steps.add(head))
    }

    /// Another builder, or the same once more. What was printed before any builder showed is outside then.
    fn begin(&mut self, builder: Builder) {
        if self.builder.is_none() {
            std::mem::swap(&mut self.head, &mut self.outside);
        } else {
            self.end_open(true);
            self.build += 1;
        }
        self.builder = Some(builder);
        self.ended = None;
        self.now = None;
        self.last_number = (0, None);
        self.failed = None;
        self.vertices.clear();
        self.drawn.clear();
        self.last_vertex = None;
        self.last_drawn = None;
        self.drawn_at = 0.0;
        self.block = Block::No;
        self.stage = None;
    }

    fn fail(&mut self, serial: u64, code: Option<i32>, line: u64, guessed: bool) {
        self.steps.fail(serial, code, line);
        self.failed = Some((serial, guessed));
        self.ended = Some(false);
        if self.now == Some(serial) {
            self.now = None;
        }
    }

    /// Ends what is still open: the log is cut off here, or another build begins.
    fn end_open(&mut self, another: bool) {
        let lost = self.ended.is_none() && !another;
        if let Some(serial) = self.now.take() {
            self.end_track(serial, true);
        }
        let vertices: Vec<u64> = std::mem::take(&mut self.vertices).into_values().collect();
        for serial in vertices {
            if self.steps.get(serial).is_some_and(|track| !track.closed) {
                self.end_track(serial, lost && self.failed.is_none());
            }
        }
        self.end_drawn(lost);
    }

    fn end_track(&mut self, serial: u64, by_words: bool) {
        let Some(track) = self.steps.get(serial) else { return };
        let outcome = if by_words && track.runs { track.verdict.cut_off(track.printed) } else { Outcome::Unknown };
        match outcome {
            Outcome::Failed { code, line } => self.fail(serial, code, line, true),
            outcome => self.steps.close(serial, outcome),
        }
    }

    /// Notes what the builder said about a failure that belongs to no step.
    fn note_error(&mut self, line: u64, text: &[u8]) {
        if self.failed.is_none() {
            let text = String::from_utf8_lossy(text);
            self.error = Some((line, redact(&text).chars().take(LONGEST_TEXT).collect(), self.build));
        }
        self.ended = Some(false);
    }

    /// The log as it is given out; `None` if there was nothing in it.
    pub fn finish(mut self, lines: u64) -> Option<BuildLog> {
        let whole = self.steps_all_done();
        self.end_open(false);
        if self.ended.is_none() && whole {
            self.ended = Some(true);
        }
        if self.builder.is_none() {
            if !self.head.has_output() {
                return None;
            }
            let mut head = std::mem::replace(&mut self.head, Track::new(1, 0, None));
            head.step.outcome = head.verdict.outcome();
            self.ended = match head.step.outcome {
                Outcome::Failed { .. } => Some(false),
                Outcome::Succeeded => Some(true),
                _ => None,
            };
            if let Outcome::Failed { code, line } = head.step.outcome {
                head.step.outcome = Outcome::Unknown;
                let serial = self.steps.add(head);
                self.steps.fail(serial, code, line);
            } else {
                self.steps.add(head);
            }
        }
        // An earlier failure is overcome when a later build went well, or failed otherwise.
        let of_step = self.steps.last_failed_build();
        let error = self.error.filter(|(_, _, build)| of_step.is_none_or(|failed| failed < *build));
        let error = error.filter(|(_, _, build)| *build == self.build || self.ended != Some(true));
        let last = error.as_ref().map(|(_, _, build)| *build).or(of_step);
        let failed = of_step.filter(|build| Some(*build) == last);
        let of_failed =
            self.steps.failed().find(|(_, track)| Some(track.build) == failed).map(|(_, track)| track.builder);
        let ended = match self.ended {
            _ if failed.is_some() || error.is_some() => Ended::Failed,
            Some(true) => Ended::Succeeded,
            Some(false) if self.builder.is_none() => Ended::Failed,
            _ => Ended::Cut,
        };
        Some(BuildLog {
            lines,
            builder: of_failed.flatten().or(self.builder),
            steps: self.steps.finish(last),
            ended,
            error: error.map(|(line, text, _)| (line, text)),
            outside: self.outside.finish_outside(),
        })
    }
}

/// A code as a number that a process ends with.
fn code(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
