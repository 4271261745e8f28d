//! Whether a program failed, by its own last words. This decides where no builder tells: a log without one, and a step
//! behind which the log was cut off.

use super::Outcome;

/// What was said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// The last line that says that all went well, and how many lines the program had printed by then.
    good: Option<(u64, u64)>,
    /// The first of the last lines that say that it failed.
    bad: Option<(u64, u64)>,
    /// The code that was recorded behind the output.
    code: Option<(i32, u64)>,
}

/// A program that prints so much more after an error has got over it.
const LAST_WORDS: u64 = 40;

impl Verdict {
    pub fn good(&mut self, line: u64, printed: u64) {
        self.good = Some((line, printed));
        self.bad = None;
    }

    pub fn bad(&mut self, line: u64, printed: u64) {
        // Of one message in several lines the first is the place.
        let again = self.bad.is_some_and(|(_, before)| printed - before <= LAST_WORDS);
        self.bad = Some((if again { self.bad.map_or(line, |(line, _)| line) } else { line }, printed));
    }

    pub fn recorded(&mut self, code: i32, line: u64) {
        self.code = Some((code, line));
    }

    /// How a program without a builder ended.
    pub fn outcome(&self) -> Outcome {
        match (self.code, self.bad, self.good) {
            (Some((0, _)), ..) => Outcome::Succeeded,
            (Some((code, line)), bad, _) => {
                Outcome::Failed { code: Some(code), line: bad.map_or(line, |(line, _)| line) }
            }
            (None, Some((line, _)), _) => Outcome::Failed { code: None, line },
            (None, None, Some(_)) => Outcome::Succeeded,
            (None, None, None) => Outcome::Unknown,
        }
    }

    /// How a step ended behind which the log is cut off: failed if its last words say so.
    pub fn cut_off(&self, printed: u64) -> Outcome {
        match self.bad {
            Some((line, before)) if printed - before <= LAST_WORDS => Outcome::Failed { code: None, line },
            _ => Outcome::Unknown,
        }
    }
}
