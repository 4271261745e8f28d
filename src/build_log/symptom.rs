//! What to look for in a log.

use super::matcher::{Matcher, Pattern};
use super::rules;

/// Patterns to look for, compiled once, when they are needed, and used for any number of logs.
///
/// A pattern is a regular expression over one line, without the prefixes of builder and CI; its named groups become the
/// captures of a [`Sighting`](super::Sighting). A second pattern may be looked for in the lines directly below: up to
/// the first line that it does not match, blank ones left out.
pub struct SymptomSet {
    pub(super) matcher: Matcher,
    pub(super) below: Vec<Option<Pattern>>,
}

/// Why a set of symptoms cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("symptom {index}: {problem}")]
pub struct SymptomError {
    /// The number of the symptom whose pattern is none.
    pub index: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl SymptomSet {
    /// Compiles symptoms: for each the pattern, and the one for the lines below.
    ///
    /// # Errors
    /// When a pattern is no regular expression, or larger than the engine takes.
    pub fn new(symptoms: impl IntoIterator<Item = (String, Option<String>)>) -> Result<Self, SymptomError> {
        let symptoms: Vec<_> = symptoms.into_iter().collect();
        let own = rules::PATTERNS.iter().map(|(_, pattern)| *pattern);
        let patterns: Vec<&str> = own.chain(symptoms.iter().map(|(pattern, _)| pattern.as_str())).collect();
        let matcher = Matcher::new(&patterns).map_err(|(number, problem)| SymptomError {
            index: number.saturating_sub(rules::PATTERNS.len()),
            problem,
        })?;
        let below = symptoms
            .iter()
            .enumerate()
            .map(|(index, (_, below))| {
                let pattern = below.as_deref().map(Pattern::new).transpose();
                pattern.map(|pattern| Some(pattern?.0)).map_err(|problem| SymptomError { index, problem })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { matcher, below })
    }

    /// How many symptoms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.below.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.below.is_empty()
    }
}

impl std::fmt::Debug for SymptomSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SymptomSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
