//! One step while the log is read: what its lines showed so far.

use std::collections::{BTreeMap, VecDeque};

use regex::bytes::{Captures, Regex};

use super::matcher::Pattern;
use super::rules::{PATTERNS, Rule, rule};
use super::symptom::SymptomSet;
use super::tools::{self, ToolVersion};
use super::verdict::Verdict;
use super::{Below, Builder, LONGEST_TEXT, Outcome, Outside, Sighting, Step};
use crate::output::redact::redact;

/// Of one symptom so many are kept at the beginning, and as many at the end.
const KEPT: usize = 32;
/// So many sightings of all symptoms are kept in one step; beyond that only the first and the last of each.
const KEPT_IN_ALL: usize = 500;
/// How many matches below a sighting are kept.
const BELOW: usize = 50;
/// How many sightings may be waiting for lines below them.
const WATCHED: usize = 16;
const TAIL: usize = 12;
/// Bytes of a line that the tail keeps: enough for [`LONGEST_TEXT`] characters.
const TAIL_BYTES: usize = 4 * LONGEST_TEXT;

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Printed once.
    Output,
    /// BuildKit's display for a terminal, which draws the last lines again and again and cuts them at its edge.
    Redrawn,
    /// BuildKit's last lines of the step that failed, which may have been printed before.
    Repeated,
    /// The builder's own message about the step.
    Builder,
}

/// A line and what was found in it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub line: u64,
    pub text: &'a [u8],
    /// Where the part begins in which symptoms count: a builder's message quotes the command before it.
    pub from: usize,
    /// Numbers of patterns that may match.
    pub candidates: &'a [usize],
    pub origin: Origin,
}

pub(super) struct Track {
    pub step: Step,
    pub builder: Option<Builder>,
    /// The build of the log it is in, from 0.
    pub build: u32,
    /// Whether it prints what a program prints, and not only what the builder does.
    pub runs: bool,
    /// Whether its end was seen.
    pub closed: bool,
    /// How many lines it printed.
    pub printed: u64,
    pub verdict: Verdict,
    sightings: BTreeMap<usize, Kept>,
    watches: Vec<Watch>,
    tools: Vec<ToolVersion>,
    tail: VecDeque<TailLine>,
    redrawn: bool,
    repeats: bool,
}

#[derive(Default)]
struct Kept {
    first: Vec<Sighting>,
    last: VecDeque<Sighting>,
}

impl Kept {
    fn iter(&self) -> impl DoubleEndedIterator<Item = &Sighting> {
        self.first.iter().chain(&self.last)
    }

    /// Adds a sighting; where there is no `room` only the first and the last are kept.
    fn push(&mut self, sighting: Sighting, room: bool) {
        if self.first.is_empty() || (room && self.first.len() < KEPT) {
            self.first.push(sighting);
        } else {
            if self.last.len() == KEPT || !room {
                self.last.pop_front();
            }
            self.last.push_back(sighting);
        }
    }

    fn at(&mut self, line: u64) -> Option<&mut Sighting> {
        self.last
            .iter_mut()
            .rev()
            .find(|sighting| sighting.line == line)
            .or_else(|| self.first.iter_mut().rev().find(|sighting| sighting.line == line))
    }

    fn remove(&mut self, at: usize) {
        if at < self.first.len() {
            self.first.remove(at);
        } else {
            self.last.remove(at - self.first.len());
        }
    }
}

/// A sighting whose symptom goes on in the lines below.
struct Watch {
    symptom: usize,
    /// The sighting's line, and the line from which on this looks: another one where the sighting was repeated.
    line: u64,
    from: u64,
    left: usize,
    /// A line that did not match so far; another redraw of it still may.
    missed: Option<u64>,
    /// What a repeated sighting has below it this time.
    again: Option<Vec<Below>>,
}

struct TailLine {
    line: u64,
    text: Vec<u8>,
    /// Whether something was found in it: then a redraw of the line does not take its place.
    found: bool,
}

impl Track {
    pub fn new(line: u64, build: u32, builder: Option<Builder>) -> Self {
        Self {
            step: Step {
                number: None,
                stage: None,
                instruction: None,
                cut: false,
                dockerfile_lines: None,
                line,
                outcome: Outcome::Unknown,
                overcome: false,
                azureml: false,
                sightings: Vec::new(),
                tools: Vec::new(),
                tail: Vec::new(),
            },
            builder,
            build,
            runs: true,
            closed: false,
            printed: 0,
            verdict: Verdict::default(),
            sightings: BTreeMap::new(),
            watches: Vec::new(),
            tools: Vec::new(),
            tail: VecDeque::new(),
            redrawn: false,
            repeats: false,
        }
    }

    /// Takes a line of the step.
    pub fn feed(&mut self, set: &SymptomSet, seen: Seen<'_>) {
        if seen.text.trim_ascii().is_empty() {
            return;
        }
        match seen.origin {
            Origin::Output => self.printed += 1,
            Origin::Redrawn => self.redrawn = true,
            Origin::Repeated if !self.repeats => {
                self.repeats = true;
                // What the display had cut at its edge comes whole now.
                if self.redrawn {
                    self.tail.clear();
                }
            }
            Origin::Repeated | Origin::Builder => {}
        }
        if !self.watches.is_empty() {
            self.watch(set, seen);
        }
        let mut found = false;
        if !seen.candidates.is_empty() {
            found = self.find(set, seen);
        }
        let repeated = seen.origin == Origin::Repeated && self.printed > 0;
        if seen.origin != Origin::Builder && !repeated {
            self.show(seen, found);
        }
    }

    /// Whether anything was printed, in any form.
    pub fn has_output(&self) -> bool {
        self.printed > 0 || self.redrawn || self.repeats
    }

    /// How many sightings are held.
    pub fn held(&self) -> usize {
        self.sightings.values().map(|kept| kept.first.len() + kept.last.len()).sum()
    }

    /// Lets go of the sightings.
    pub fn forget(&mut self) {
        self.sightings.clear();
        self.watches.clear();
    }

    fn find(&mut self, set: &SymptomSet, seen: Seen<'_>) -> bool {
        let mut shown = None;
        let (mut bad, mut mild, mut found) = (false, false, false);
        for number in seen.candidates {
            let Some(pattern) = set.matcher.pattern(*number) else { continue };
            match rule(*number) {
                Some(Rule::Bad) => bad = bad || pattern.is_match(seen.text),
                Some(Rule::Mild) => mild = mild || pattern.is_match(seen.text),
                Some(Rule::Good) => {
                    if pattern.is_match(seen.text) {
                        self.verdict.good(seen.line, self.printed);
                    }
                }
                Some(Rule::Version(tool)) => {
                    let version = pattern.captures(seen.text).and_then(|captures| captures.name("version"));
                    if let Some(version) = version {
                        tools::add(&mut self.tools, tool, &String::from_utf8_lossy(version.as_bytes()), seen.line);
                    }
                }
                Some(_) => {}
                None => {
                    let shown = shown.get_or_insert_with(|| Shown::new(seen));
                    if let Some(captures) = pattern.captures_at(shown.text.as_bytes(), shown.from) {
                        found = true;
                        let sighting = Sighting {
                            symptom: *number - PATTERNS.len(),
                            line: seen.line,
                            text: shown.around(&captures),
                            captures: named(pattern, &captures),
                            below: Vec::new(),
                        };
                        self.keep(set, sighting, seen.origin);
                    }
                }
            }
        }
        if bad && !mild && matches!(seen.origin, Origin::Output | Origin::Redrawn) {
            self.verdict.bad(seen.line, self.printed);
        }
        found || (bad && !mild)
    }

    fn keep(&mut self, set: &SymptomSet, sighting: Sighting, origin: Origin) {
        let symptom = sighting.symptom;
        let room = self.held() < KEPT_IN_ALL;
        let kept = self.sightings.entry(symptom).or_default();
        match origin {
            Origin::Redrawn | Origin::Repeated => {
                let known = kept.iter().find(|known| known.text.starts_with(&sighting.text)).map(|known| known.line);
                if let Some(known) = known {
                    // More may be below it this time.
                    self.watch_below(set, symptom, known, sighting.line);
                    return;
                }
                // The same text, cut at the edge of the display: what is whole takes its place.
                let shorter = kept.iter().position(|known| sighting.text.starts_with(&known.text));
                if let Some(at) = shorter {
                    kept.remove(at);
                }
            }
            // Two redraws of one line.
            _ => {
                if kept.iter().next_back().is_some_and(|last| last.line == sighting.line && last.text == sighting.text)
                {
                    return;
                }
            }
        }
        let line = sighting.line;
        kept.push(sighting, room);
        self.watch_below(set, symptom, line, line);
    }

    fn watch_below(&mut self, set: &SymptomSet, symptom: usize, line: u64, from: u64) {
        if set.below.get(symptom).is_none_or(Option::is_none) {
            return;
        }
        if self.watches.len() == WATCHED {
            self.watches.remove(0);
        }
        let again = (line != from).then(Vec::new);
        self.watches.push(Watch { symptom, line, from, left: BELOW, missed: None, again });
    }

    /// Looks at the lines below sightings.
    fn watch(&mut self, set: &SymptomSet, seen: Seen<'_>) {
        let shown = Shown::new(Seen { from: 0, ..seen });
        let sightings = &mut self.sightings;
        self.watches.retain_mut(|watch| {
            // Another redraw of the same line is not below it.
            if watch.from == seen.line {
                return true;
            }
            if watch.missed.is_some_and(|missed| missed < seen.line) {
                return false;
            }
            let below = set.below.get(watch.symptom).and_then(Option::as_ref);
            let Some(pattern) = below.and_then(Pattern::regex) else { return false };
            let Some(sighting) = sightings.get_mut(&watch.symptom).and_then(|kept| kept.at(watch.line)) else {
                return false;
            };
            let before = watch.left;
            for captures in pattern.captures_iter(shown.text.as_bytes()).take(watch.left) {
                let below =
                    Below { line: seen.line, text: shown.around(&captures), captures: named(pattern, &captures) };
                match &mut watch.again {
                    None => sighting.below.push(below),
                    Some(again) => {
                        again.push(below);
                        if is_fuller(again, &sighting.below) {
                            sighting.below.clone_from(again);
                        }
                    }
                }
                watch.left -= 1;
            }
            watch.missed = if watch.left < before { None } else { Some(seen.line) };
            watch.left > 0
        });
    }

    fn show(&mut self, seen: Seen<'_>, found: bool) {
        let text = &seen.text[..seen.text.len().min(TAIL_BYTES)];
        if !text.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()) {
            return;
        }
        if seen.origin == Origin::Redrawn && self.tail.iter().any(|known| known.text == text) {
            return;
        }
        let replaces = self.tail.back().is_some_and(|last| last.line == seen.line && !last.found);
        let mut slot = if replaces {
            self.tail.pop_back()
        } else if self.tail.len() == TAIL {
            self.tail.pop_front()
        } else {
            None
        }
        .unwrap_or_else(|| TailLine { line: 0, text: Vec::new(), found: false });
        slot.line = seen.line;
        slot.found = found;
        slot.text.clear();
        slot.text.extend_from_slice(text);
        self.tail.push_back(slot);
    }

    /// The step as it is given out.
    pub fn finish(self) -> Step {
        let (mut step, outside) = self.split();
        step.sightings = outside.sightings;
        step.tools = outside.tools;
        step.tail = outside.tail;
        step.azureml = step.instruction.as_deref().is_some_and(is_azureml);
        step
    }

    /// What belongs to no step, as it is given out.
    pub fn finish_outside(self) -> Outside {
        self.split().1
    }

    fn split(self) -> (Step, Outside) {
        let mut sightings: Vec<Sighting> =
            self.sightings.into_values().flat_map(|kept| kept.first.into_iter().chain(kept.last)).collect();
        sightings.sort_by_key(|sighting| (sighting.line, sighting.symptom));
        let tail = self
            .tail
            .into_iter()
            .map(|line| (line.line, redact(&String::from_utf8_lossy(&line.text)).chars().take(LONGEST_TEXT).collect()))
            .collect();
        (self.step, Outside { sightings, tools: self.tools, tail })
    }
}

/// Whether Azure ML wrote the instruction: it makes the environment of a definition from a file that it has changed.
fn is_azureml(instruction: &str) -> bool {
    instruction.contains("azureml-environment-setup/mutated_conda_dependencies")
        || instruction.contains("conda env create -p /azureml-envs/azureml_")
}

/// A line as people and patterns see it: UTF-8, without credentials.
struct Shown {
    text: String,
    from: usize,
}

impl Shown {
    fn new(seen: Seen<'_>) -> Self {
        let (before, after) = seen.text.split_at(seen.from.min(seen.text.len()));
        let mut text = redact(&String::from_utf8_lossy(before)).into_owned();
        let from = text.len();
        text.push_str(&redact(&String::from_utf8_lossy(after)));
        Self { text, from }
    }

    /// The line, or of a long one the part around the match.
    fn around(&self, captures: &Captures<'_>) -> String {
        if self.text.chars().nth(LONGEST_TEXT).is_none() {
            return self.text.clone();
        }
        let start = captures.get(0).map_or(0, |whole| whole.start());
        // A match in the middle of a character can only come from a pattern over bytes.
        let before = self.text.get(..start).map_or(0, |before| before.chars().count());
        let skip = if before < LONGEST_TEXT * 4 / 5 { 0 } else { before - LONGEST_TEXT / 5 };
        self.text.chars().skip(skip).take(LONGEST_TEXT).collect()
    }
}

/// Whether a list that was printed once more tells more than before: a display may have cut it.
fn is_fuller(again: &[Below], before: &[Below]) -> bool {
    again.len() > before.len()
        || (again.len() == before.len() && again.iter().zip(before).any(|(a, b)| a.captures != b.captures))
}

fn named(pattern: &Regex, captures: &Captures<'_>) -> BTreeMap<String, String> {
    let text = |name: &str| {
        let value = String::from_utf8_lossy(captures.name(name)?.as_bytes()).chars().take(LONGEST_TEXT).collect();
        Some((name.to_owned(), value))
    };
    pattern.capture_names().flatten().filter_map(text).collect()
}
