//! Builders that run one step after another: Docker's own of old, buildah and podman, kaniko.

use super::super::builder::{buildah, docker, kaniko, keyword};
use super::super::{Builder, Outcome};
use super::Reader;

impl Reader<'_> {
    /// Takes a line that is in the form of Docker's builder.
    pub(super) fn docker_line(&mut self, line: u64, text: &[u8]) -> bool {
        let Some(mark) = docker::mark(text) else { return false };
        match mark {
            docker::Mark::Context => {
                if self.runs_now() {
                    return false;
                }
                self.begin(Builder::Docker);
            }
            docker::Mark::Step { number, instruction } => return self.docker_step(line, number, instruction),
            // The rest means something only in a build of Docker's, or where its beginning is cut off.
            _ if !matches!(self.builder, None | Some(Builder::Docker)) => return false,
            docker::Mark::Running => {
                // The log may begin with this very line.
                if self.continued().is_none() && self.ended.is_none() {
                    self.now = Some(self.open(line));
                }
            }
            docker::Mark::Removing => {
                self.continued();
            }
            docker::Mark::Cached => {
                if let Some(serial) = self.continued() {
                    self.steps.close(serial, Outcome::Cached);
                }
            }
            docker::Mark::Layer => {
                if let Some(serial) = self.continued() {
                    self.steps.close(serial, Outcome::Succeeded);
                }
            }
            docker::Mark::Triggers => {
                if let Some(track) = self.now.and_then(|serial| self.steps.get_mut(serial)) {
                    track.runs = true;
                }
            }
            docker::Mark::Built => {
                if let Some(serial) = self.continued() {
                    self.steps.close(serial, Outcome::Succeeded);
                }
                self.now = None;
                self.ended = Some(true);
            }
        }
        true
    }

    /// Whether a program is running in a step and may print what looks like a builder's line.
    pub(super) fn runs_now(&self) -> bool {
        self.now.and_then(|serial| self.steps.get(serial)).is_some_and(|track| track.runs && !track.closed)
    }

    /// The running step; where the log begins in the middle of one, what was printed so far.
    fn continued(&mut self) -> Option<u64> {
        if self.builder.is_none() {
            self.builder = Some(Builder::Docker);
            self.now = self.open_head();
        }
        self.now
    }

    fn docker_step(&mut self, line: u64, number: (u32, Option<u32>), instruction: &str) -> bool {
        let (at, of) = number;
        let (last, total) = self.last_number;
        let next = at == last + 1 && of == total;
        if self.builder == Some(Builder::Docker) && last > 0 && !next && at != 1 && self.runs_now() {
            return false;
        }
        match self.builder {
            None if at > 1 => {
                self.builder = Some(Builder::Docker);
                self.now = self.open_head();
            }
            Some(Builder::Docker) if last == 0 && self.ended.is_none() => {}
            Some(Builder::Docker) if next && self.ended.is_none() => {}
            Some(Builder::Docker) if next && self.failed.is_some_and(|(_, guessed)| guessed) => {
                // The build went on: what looked like a failure was none.
                if let Some((serial, _)) = self.failed.take() {
                    self.steps.revive(serial);
                }
                self.ended = None;
            }
            _ => self.begin(Builder::Docker),
        }
        self.next_step(line, None, number, instruction);
        true
    }

    /// Ends the running step well and begins another.
    fn next_step(&mut self, line: u64, stage: Option<&str>, number: (u32, Option<u32>), instruction: &str) {
        if let Some(serial) = self.now.take() {
            self.steps.close(serial, Outcome::Succeeded);
        }
        self.last_number = number;
        let serial = self.open(line);
        if let Some(track) = self.steps.get_mut(serial) {
            track.step.stage = stage.map(str::to_owned);
            track.step.number = (number.0 > 0).then_some(number);
            track.step.instruction = Some(instruction.to_owned());
            track.runs = keyword(instruction) == Some("RUN");
        }
        self.now = Some(serial);
    }

    /// Takes a line that is in the form of buildah.
    pub(super) fn buildah_line(&mut self, line: u64, text: &[u8]) -> bool {
        let Some(mark) = buildah::mark(text) else { return false };
        if let buildah::Mark::Step { stage, number, instruction } = mark {
            if self.builder.is_some_and(|builder| builder != Builder::Buildah) && self.runs_now() {
                return false;
            }
            let (last, total) = self.last_number;
            match self.builder {
                None if number.0 > 1 => {
                    self.builder = Some(Builder::Buildah);
                    self.now = self.open_head();
                }
                // Stages count anew.
                Some(Builder::Buildah)
                    if self.ended.is_none() && (stage.is_some() || number.0 == last + 1 || last == 0) => {}
                Some(Builder::Buildah) if self.ended.is_none() && number.0 == 1 && total != number.1 => {}
                _ => self.begin(Builder::Buildah),
            }
            self.next_step(line, stage, number, instruction);
            return true;
        }
        if self.builder != Some(Builder::Buildah) {
            return false;
        }
        match mark {
            buildah::Mark::Cached => {
                if let Some(serial) = self.now {
                    self.steps.close(serial, Outcome::Cached);
                }
            }
            buildah::Mark::Layer => {
                if let Some(serial) = self.now {
                    self.steps.close(serial, Outcome::Succeeded);
                }
            }
            _ => {
                if let Some(serial) = self.now.take() {
                    self.steps.close(serial, Outcome::Succeeded);
                }
                self.ended = Some(true);
            }
        }
        true
    }

    /// Takes a line that is in the form of kaniko.
    pub(super) fn kaniko_line(&mut self, line: u64, text: &[u8]) -> bool {
        let Some((mark, certain)) = kaniko::mark(text) else { return false };
        match self.builder {
            Some(Builder::Kaniko) => {}
            None if certain => {
                if matches!(mark, kaniko::Mark::Begins | kaniko::Mark::Stage(_)) {
                    self.begin(Builder::Kaniko);
                } else {
                    self.builder = Some(Builder::Kaniko);
                    self.now = self.open_head();
                }
            }
            _ => return false,
        }
        if self.ended.is_some() && matches!(mark, kaniko::Mark::Begins) {
            self.begin(Builder::Kaniko);
        }
        match mark {
            kaniko::Mark::Stage(stage) => {
                self.end_kaniko_step(Outcome::Succeeded);
                self.stage = Some(stage.to_owned());
            }
            kaniko::Mark::Step(instruction) | kaniko::Mark::Cached(instruction) => {
                let cached = matches!(mark, kaniko::Mark::Cached(_));
                let stage = self.stage.clone();
                self.next_step(line, stage.as_deref(), (0, None), instruction);
                if cached {
                    self.end_kaniko_step(Outcome::Cached);
                }
            }
            // The log may begin with this very line.
            kaniko::Mark::Running(command) if self.now.is_none() && self.ended.is_none() => {
                let stage = self.stage.clone();
                self.next_step(line, stage.as_deref(), (0, None), &docker::instruction(command));
            }
            kaniko::Mark::Running(_) => {}
            kaniko::Mark::Snapshot => self.end_kaniko_step(Outcome::Succeeded),
            kaniko::Mark::Pushing => {
                self.end_kaniko_step(Outcome::Succeeded);
                self.ended = Some(true);
            }
            kaniko::Mark::Begins | kaniko::Mark::Other => {}
        }
        true
    }

    fn end_kaniko_step(&mut self, outcome: Outcome) {
        if let Some(serial) = self.now.take() {
            self.steps.close(serial, outcome);
        }
    }
}
