//! BuildKit: steps side by side, drawn or numbered, and the block at the end about what failed.

use super::super::Builder;
use super::super::Outcome;
use super::super::builder::buildkit::{self, Drawn, Name, Plain, State};
use super::super::builder::keyword;
use super::super::track::{Origin, Seen};
use super::{Block, Reader};

/// So many vertices are known by their number or name at a time.
const OPEN: usize = 512;

impl Reader<'_> {
    /// Takes `#7 …`.
    pub(super) fn plain_line(&mut self, line: u64, text: &[u8]) -> bool {
        let Some((id, what)) = buildkit::plain(text) else { return false };
        if self.builder != Some(Builder::BuildKit) {
            if !what.is_certain() || self.now.is_some() {
                return false;
            }
            self.begin(Builder::BuildKit);
        }
        if let Plain::Name(text) = what
            && self.begins_anew(id, text)
        {
            self.begin(Builder::BuildKit);
        }
        let serial = match self.vertices.get(&id) {
            Some(serial) if self.steps.get(*serial).is_some() => *serial,
            _ => {
                let serial = self.open(line);
                self.vertices.insert(id, serial);
                if self.vertices.len() > OPEN {
                    self.drop_vertex();
                }
                serial
            }
        };
        match what {
            Plain::Paused | Plain::Digest => {}
            Plain::Done => {
                self.steps.close(serial, Outcome::Succeeded);
                self.note_export(serial);
            }
            Plain::Cached => self.steps.close(serial, Outcome::Cached),
            Plain::Cancelled => self.steps.close(serial, Outcome::Cancelled),
            Plain::Failed(message) => self.vertex_failed(serial, line, message),
            Plain::Output(output) => {
                self.last_vertex = Some((line, serial));
                self.feed_line(serial, line, output, Origin::Output);
            }
            Plain::Name(text) => {
                if !self.name_vertex(serial, text) {
                    self.last_vertex = Some((line, serial));
                    self.feed_line(serial, line, text, Origin::Builder);
                }
            }
        }
        true
    }

    /// Makes room for another vertex: one that is done goes first.
    fn drop_vertex(&mut self) {
        let is_closed = |serial: &u64| self.steps.get(*serial).is_none_or(|track| track.closed);
        let done = self.vertices.iter().take(32).find(|(_, serial)| is_closed(serial)).map(|(id, _)| *id);
        match done {
            Some(id) => {
                self.vertices.remove(&id);
            }
            None => {
                if let Some((_, oldest)) = self.vertices.pop_first() {
                    self.steps.close(oldest, Outcome::Unknown);
                }
            }
        }
    }

    fn feed_line(&mut self, serial: u64, line: u64, text: &[u8], origin: Origin) {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.set.matcher.candidates(text, &mut candidates);
        self.feed(Some(serial), Seen { line, text, from: 0, candidates: &candidates, origin });
        self.candidates = candidates;
    }

    /// Whether another build begins with this name: the numbers begin anew.
    fn begins_anew(&self, id: u32, text: &[u8]) -> bool {
        if self.ended == Some(false) {
            return true;
        }
        let Some(known) = self.vertices.get(&id).and_then(|serial| self.steps.get(*serial)) else { return false };
        let Some(instruction) = known.step.instruction.as_deref() else { return false };
        let name = buildkit::name(text);
        let first =
            name.instruction.starts_with("load build definition") || name.instruction.starts_with("booting buildkit");
        if first && known.closed {
            return true;
        }
        let named = (name.stage.is_some() || name.number.is_some())
            && (known.step.stage.is_some() || known.step.number.is_some());
        named && !same(instruction, &name.instruction)
    }

    /// Gives a vertex its name; `false` if it has one, or the text is something that the builder does for it.
    fn name_vertex(&mut self, serial: u64, text: &[u8]) -> bool {
        const DOINGS: [&str; 14] = [
            "extracting ",
            "resolve ",
            "transferring ",
            "naming ",
            "writing ",
            "pushing ",
            "exporting layers",
            "exporting manifest",
            "exporting config",
            "sending tarball",
            "preparing layers",
            "unpacking to",
            "WARN: ",
            "exporting attestation",
        ];
        let Some(track) = self.steps.get_mut(serial) else { return false };
        let name = buildkit::name(text);
        match track.step.instruction.as_deref() {
            Some(known) => same(known, &name.instruction),
            None if DOINGS.iter().any(|doing| name.instruction.starts_with(doing)) => false,
            None => {
                set_name(track, name);
                true
            }
        }
    }

    /// A build whose image was exported is done.
    fn note_export(&mut self, serial: u64) {
        let instruction = self.steps.get(serial).and_then(|track| track.step.instruction.as_deref());
        if self.failed.is_none() && instruction.is_some_and(|name| name.starts_with("exporting to ")) {
            self.ended = Some(true);
        }
    }

    fn vertex_failed(&mut self, serial: u64, line: u64, message: &[u8]) {
        let process = self.process(message);
        if let Some(track) = self.steps.get_mut(serial)
            && let (None, Some(command)) = (&track.step.instruction, &process.command)
        {
            track.step.instruction = Some(super::docker::instruction(command));
        }
        // A command has printed why; otherwise this message is all there is.
        let origin = if process.found { Origin::Builder } else { Origin::Output };
        self.feed_message(Some(serial), line, message, process.behind, origin);
        self.fail(serial, process.code, line, false);
        // Other vertices may still be told of: the build is over only with `failed to solve`.
        self.ended = None;
    }

    /// Takes a line that is drawn for a terminal.
    pub(super) fn drawn_line(&mut self, line: u64, text: &[u8]) -> bool {
        let Some(what) = buildkit::drawn(text) else { return false };
        let certain = match what {
            Drawn::Header { .. } => true,
            Drawn::Vertex { name, state, .. } => {
                state != State::Open || buildkit::name(name).stage.is_some() || buildkit::name(name).number.is_some()
            }
            Drawn::Output(_) => true,
            Drawn::Status => false,
        };
        if self.builder != Some(Builder::BuildKit) {
            if !certain || self.now.is_some() {
                return false;
            }
            self.begin(Builder::BuildKit);
        }
        match what {
            Drawn::Header { seconds, finished } => {
                if seconds + 0.05 < self.drawn_at || self.ended == Some(false) {
                    self.begin(Builder::BuildKit);
                }
                self.drawn_at = seconds;
                if finished && self.failed.is_none() {
                    self.ended = Some(true);
                }
            }
            Drawn::Output(output) => {
                if let Some(serial) = self.last_drawn {
                    self.feed_line(serial, line, output, Origin::Redrawn);
                }
            }
            Drawn::Status => {}
            Drawn::Vertex { state, name, cut } => self.drawn_vertex(line, state, name, cut),
        }
        true
    }

    fn drawn_vertex(&mut self, line: u64, state: State, text: &[u8], cut: bool) {
        let mut name = buildkit::name(text);
        name.cut |= cut;
        // What is shown beside a name changes where it is cut, but not in which stage it is and which number it has.
        let key = match name.number {
            Some((at, _)) => format!("{} {at}", name.stage.as_deref().unwrap_or_default()),
            None => format!("- {}", name.instruction),
        };
        let serial = match self.drawn.get(&key) {
            Some(serial) if self.steps.get(*serial).is_some() => *serial,
            _ => {
                let serial = self.open(line);
                if self.drawn.len() == OPEN {
                    self.end_drawn(false);
                }
                self.drawn.insert(key, serial);
                serial
            }
        };
        self.last_drawn = Some(serial);
        if let Some(track) = self.steps.get_mut(serial) {
            let longer = track.step.instruction.as_deref().is_none_or(|known| known.len() < name.instruction.len());
            if longer {
                set_name(track, name);
            }
        }
        match state {
            State::Open => {}
            State::Failed => {
                self.fail(serial, None, line, false);
                self.ended = None;
            }
            State::Cached => self.steps.close(serial, Outcome::Cached),
            State::Cancelled => self.steps.close(serial, Outcome::Cancelled),
        }
    }

    /// What was drawn last: a step behind which another of its stage began is done, and all are when the build is.
    pub(super) fn end_drawn(&mut self, lost: bool) {
        let mut furthest = std::collections::HashMap::new();
        for serial in self.drawn.values() {
            if let Some(step) = self.steps.get(*serial).map(|track| &track.step)
                && let Some((at, of)) = step.number
            {
                let known = furthest.entry((step.stage.clone(), of)).or_insert(at);
                *known = at.max(*known);
            }
        }
        let mut drawn: Vec<u64> = std::mem::take(&mut self.drawn).into_values().collect();
        drawn.sort_unstable();
        for serial in drawn {
            let Some(track) = self.steps.get(serial).filter(|track| !track.closed) else { continue };
            let step = &track.step;
            let passed = step
                .number
                .is_some_and(|(at, of)| furthest.get(&(step.stage.clone(), of)).is_some_and(|last| at < *last));
            if passed || self.ended == Some(true) {
                self.steps.close(serial, Outcome::Succeeded);
            } else {
                self.end_track(serial, lost && self.failed.is_none());
            }
        }
    }

    /// Whether every step that began is done, and the last one of its stage was among them.
    pub(super) fn steps_all_done(&self) -> bool {
        let mut all = self.steps.latest().filter(|(_, track)| track.build == self.build).peekable();
        let last = all.peek().and_then(|(_, track)| track.step.number);
        last.is_some_and(|(at, of)| Some(at) == of) && all.all(|(_, track)| track.closed && !track.step.is_failed())
    }

    /// Takes the lines of the block about what failed, and of the excerpt of the Dockerfile behind it.
    pub(super) fn block_line(&mut self, line: u64, text: &[u8]) -> bool {
        match self.block {
            Block::No => {
                if self.now.is_some() || !matches!(self.builder, None | Some(Builder::BuildKit)) {
                    return false;
                }
                if text == b"------" {
                    self.block = Block::Rule;
                    return true;
                }
                if self.builder.is_some() && buildkit::excerpt_head(text) {
                    self.block = Block::After(self.failed.map(|(serial, _)| serial));
                    return true;
                }
                false
            }
            Block::Rule => {
                let quoted = text.strip_prefix(b" > ");
                let head = quoted.unwrap_or(text).strip_suffix(b":");
                match head.filter(|head| quoted.is_some() || head.starts_with(b"[")) {
                    Some(head) => {
                        if self.builder.is_none() {
                            self.begin(Builder::BuildKit);
                        }
                        let serial = self.failed_vertex(line, buildkit::name(head));
                        self.block = Block::Lines(serial);
                        true
                    }
                    None if text == b"------" => true,
                    None => {
                        self.block = Block::No;
                        false
                    }
                }
            }
            Block::Lines(serial) => {
                if text == b"------" {
                    self.block = Block::After(Some(serial));
                    return true;
                }
                let inside = match buildkit::plain(text) {
                    Some((_, Plain::Output(output))) => output,
                    Some((1, Plain::Name(name))) if name.starts_with(b"[internal]") => {
                        self.block = Block::No;
                        return false;
                    }
                    _ => buildkit::seconds(text).unwrap_or(text),
                };
                self.feed_line(serial, line, inside, Origin::Repeated);
                true
            }
            Block::After(serial) => {
                if let Some((number, marked)) = buildkit::excerpt(text) {
                    if let Some(track) = serial.filter(|_| marked).and_then(|serial| self.steps.get_mut(serial)) {
                        let (first, last) = track.step.dockerfile_lines.unwrap_or((number, number));
                        track.step.dockerfile_lines = Some((first.min(number), last.max(number)));
                    }
                    return true;
                }
                if text == b"------" {
                    self.block = Block::Rule;
                    return true;
                }
                if buildkit::excerpt_head(text) || buildkit::is_rule(text) {
                    return true;
                }
                self.block = Block::No;
                false
            }
        }
    }

    /// The failed vertex that a block is about.
    fn failed_vertex(&mut self, line: u64, name: Name) -> u64 {
        let of_build = |track: &&super::Track| track.build == self.build;
        let named = self.steps.failed().filter(|(_, track)| of_build(track)).find(|(_, track)| {
            let step = &track.step;
            step.number == name.number
                && step.instruction.as_deref().is_none_or(|known| same(known, &name.instruction))
                && (step.stage == name.stage || step.stage.is_none())
        });
        // Where the beginning is cut off a vertex has no name but its number.
        let nameless = || {
            self.steps.failed().filter(|(_, track)| of_build(track)).find(|(_, track)| {
                let step = &track.step;
                let is_command = step.instruction.as_deref().is_none_or(|known| same(known, &name.instruction));
                step.number.is_none() && step.stage.is_none() && is_command
            })
        };
        let serial = named.or_else(nameless).map(|(serial, _)| serial);
        let serial = serial.unwrap_or_else(|| {
            let serial = self.open(line);
            self.fail(serial, None, line, false);
            self.ended = None;
            serial
        });
        if let Some(track) = self.steps.get_mut(serial) {
            set_name(track, name);
        }
        serial
    }
}

fn set_name(track: &mut super::Track, name: Name) {
    track.runs = keyword(&name.instruction) == Some("RUN");
    track.step.stage = name.stage;
    track.step.number = name.number;
    track.step.instruction = Some(name.instruction);
    track.step.cut = name.cut;
}

/// Whether two names are of one instruction, one of them perhaps shortened.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches("..."), other.trim_end_matches("..."));
    one.starts_with(other) || other.starts_with(one)
}
