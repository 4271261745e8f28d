//! The steps of a log while it is read, as many as are kept.

use std::collections::{BTreeMap, VecDeque};

use super::track::Track;
use super::{Outcome, Step};

/// So many steps that failed are kept, and as many others.
const KEPT: usize = 200;
/// So many sightings are kept in all; the oldest steps let go of theirs.
const SIGHTINGS: usize = 20_000;

/// Steps by serial number, in the order in which they began.
#[derive(Default)]
pub(super) struct Steps {
    tracks: BTreeMap<u64, Track>,
    next: u64,
    /// Those that are closed and did not fail, and those that failed, oldest first.
    quiet: VecDeque<u64>,
    failed: VecDeque<u64>,
    /// Closed steps that hold sightings, and how many those are.
    holding: VecDeque<(u64, usize)>,
    held: usize,
}

impl Steps {
    pub fn add(&mut self, track: Track) -> u64 {
        let serial = self.next;
        self.next += 1;
        self.tracks.insert(serial, track);
        serial
    }

    pub fn get(&self, serial: u64) -> Option<&Track> {
        self.tracks.get(&serial)
    }

    pub fn get_mut(&mut self, serial: u64) -> Option<&mut Track> {
        self.tracks.get_mut(&serial)
    }

    /// Marks a step as ended. One that failed stays so.
    pub fn close(&mut self, serial: u64, outcome: Outcome) {
        let Some(track) = self.tracks.get_mut(&serial) else { return };
        if track.step.is_failed() {
            return;
        }
        if track.step.outcome == Outcome::Unknown || outcome != Outcome::Succeeded {
            track.step.outcome = outcome;
        }
        if !track.closed {
            track.closed = true;
            self.quiet.push_back(serial);
            self.hold(serial);
        }
        if matches!(outcome, Outcome::Succeeded | Outcome::Cached) && !self.failed.is_empty() {
            self.overcome_by(serial);
        }
        while self.quiet.len() > KEPT {
            if let Some(oldest) = self.quiet.pop_front()
                && self.tracks.get(&oldest).is_some_and(|track| !track.step.is_failed())
            {
                self.tracks.remove(&oldest);
            }
        }
    }

    /// Marks a step as failed.
    pub fn fail(&mut self, serial: u64, code: Option<i32>, line: u64) {
        let Some(track) = self.tracks.get_mut(&serial) else { return };
        match &mut track.step.outcome {
            Outcome::Failed { code: known, .. } => *known = known.or(code),
            outcome => {
                *outcome = Outcome::Failed { code, line };
                self.failed.push_back(serial);
                if !track.closed {
                    track.closed = true;
                    self.hold(serial);
                }
            }
        }
        while self.failed.len() > KEPT {
            if let Some(oldest) = self.failed.pop_front() {
                self.tracks.remove(&oldest);
            }
        }
    }

    /// Takes a failure back: the build went on.
    pub fn revive(&mut self, serial: u64) {
        if let Some(track) = self.tracks.get_mut(&serial) {
            track.step.outcome = Outcome::Succeeded;
            self.failed.retain(|failed| *failed != serial);
            self.quiet.push_back(serial);
        }
    }

    /// The steps that failed, the last first.
    pub fn failed(&self) -> impl Iterator<Item = (u64, &Track)> {
        self.failed.iter().rev().filter_map(|serial| Some((*serial, self.tracks.get(serial)?)))
    }

    /// All steps, the last first.
    pub fn latest(&self) -> impl Iterator<Item = (u64, &Track)> {
        self.tracks.iter().rev().map(|(serial, track)| (*serial, track))
    }

    /// Marks failures of earlier builds as overcome in which the same step failed.
    fn overcome_by(&mut self, serial: u64) {
        let Some(done) = self.tracks.get(&serial) else { return };
        let again = self.failed.iter().copied().filter(|failed| {
            self.tracks.get(failed).is_some_and(|track| track.build < done.build && is_same(&track.step, &done.step))
        });
        for failed in again.collect::<Vec<_>>() {
            if let Some(track) = self.tracks.get_mut(&failed) {
                track.step.overcome = true;
            }
        }
    }

    fn hold(&mut self, serial: u64) {
        let held = self.tracks.get(&serial).map_or(0, Track::held);
        if held > 0 {
            self.holding.push_back((serial, held));
            self.held += held;
        }
        while self.held > SIGHTINGS && self.holding.len() > 1 {
            if let Some((oldest, held)) = self.holding.pop_front() {
                self.held -= held;
                if let Some(track) = self.tracks.get_mut(&oldest) {
                    track.forget();
                }
            }
        }
    }

    /// The build in which a step failed last, unless that was overcome.
    pub fn last_failed_build(&self) -> Option<u32> {
        self.failed().filter(|(_, track)| !track.step.overcome).map(|(_, track)| track.build).max()
    }

    /// The steps as they are given out. Of the failures only those of the `last` build that failed count.
    pub fn finish(mut self, last: Option<u32>) -> Vec<Step> {
        for serial in &self.failed {
            if let Some(track) = self.tracks.get_mut(serial) {
                track.step.overcome |= Some(track.build) < last;
            }
        }
        self.tracks.into_values().map(Track::finish).collect()
    }
}

/// Whether two steps are of one instruction, as far as it is shown.
fn is_same(one: &Step, other: &Step) -> bool {
    let (Some(a), Some(b)) = (one.instruction.as_deref(), other.instruction.as_deref()) else { return false };
    let text = if one.cut || other.cut {
        let (a, b) = (a.trim_end_matches("..."), b.trim_end_matches("..."));
        a.starts_with(b) || b.starts_with(a)
    } else {
        a == b
    };
    text && one.number == other.number && one.stage == other.stage
}
