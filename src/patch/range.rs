//! Ranges of releases and versions, as patch files write them.

use crate::facts::version::{Distribution, PythonVersion, Release, compare};
use std::cmp::Ordering;

/// A range of a distribution's releases: `debian 10 - 12`, `ubuntu >= 24.04`, `alpine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRange {
    distribution: Distribution,
    versions: VersionRange,
}

impl ReleaseRange {
    /// Reads a range.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let distribution =
            Distribution::from_name(name).ok_or_else(|| format!("{text:?}: envfix knows no distribution {name:?}"))?;
        Ok(Self { distribution, versions: VersionRange::parse(rest)? })
    }

    /// Whether a release lies in it.
    #[must_use]
    pub fn contains(&self, release: &Release) -> bool {
        let known = self.versions.bounds.is_empty() || !release.version.is_empty();
        release.distribution == self.distribution && known && self.versions.contains(&release.version)
    }
}

/// A range of versions: `10 - 12` (both included), `>= 3.12`, `< 3.10`, `3.9`, or nothing for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    bounds: Vec<(Bound, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Least,
    Above,
    Most,
    Below,
}

impl VersionRange {
    /// Reads a range.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let version = |part: &str| {
            let part = part.trim();
            let numbers =
                !part.is_empty() && part.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            numbers.then(|| part.to_owned()).ok_or_else(|| format!("{text:?}: {part:?} is no version"))
        };
        let bounds = if text.is_empty() {
            Vec::new()
        } else if let Some((least, most)) = text.split_once(" - ") {
            vec![(Bound::Least, version(least)?), (Bound::Most, version(most)?)]
        } else if let Some(rest) = text.strip_prefix(">=") {
            vec![(Bound::Least, version(rest)?)]
        } else if let Some(rest) = text.strip_prefix("<=") {
            vec![(Bound::Most, version(rest)?)]
        } else if let Some(rest) = text.strip_prefix('>') {
            vec![(Bound::Above, version(rest)?)]
        } else if let Some(rest) = text.strip_prefix('<') {
            vec![(Bound::Below, version(rest)?)]
        } else {
            vec![(Bound::Least, version(text)?), (Bound::Most, version(text)?)]
        };
        Ok(Self { bounds })
    }

    /// Whether a version lies in it. Compared number by number, missing ones as 0.
    #[must_use]
    pub fn contains(&self, version: &str) -> bool {
        self.bounds.iter().all(|(bound, limit)| {
            let order = compare(version, limit);
            match bound {
                Bound::Least => order != Ordering::Less,
                Bound::Above => order == Ordering::Greater,
                Bound::Most => order != Ordering::Greater,
                Bound::Below => order == Ordering::Less,
            }
        })
    }

    /// Whether a Python lies in it.
    #[must_use]
    pub fn contains_python(&self, version: PythonVersion) -> bool {
        self.contains(&version.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let range = VersionRange::parse(">= 3.9").unwrap();
        assert!(range.contains("3.10") && range.contains("3.9") && !range.contains("3.8"));
        let range = VersionRange::parse("10 - 12").unwrap();
        assert!(range.contains("10") && range.contains("12") && !range.contains("13") && !range.contains("9"));
        assert!(VersionRange::parse("about 3").is_err());
    }

    #[test]
    fn a_release_range_names_a_distribution_that_is_known() {
        assert!(ReleaseRange::parse("ubuntu 18.04 - 22.04").is_ok());
        assert!(ReleaseRange::parse("ubuntu").is_ok());
        assert!(ReleaseRange::parse("ubunto >= 18.04").unwrap_err().contains("ubunto"));
    }

    #[test]
    fn a_release_without_a_number_lies_in_no_range_that_asks_for_one() {
        let alpine = Release::new(Distribution::Alpine, "");
        assert!(ReleaseRange::parse("alpine").unwrap().contains(&alpine));
        assert!(!ReleaseRange::parse("alpine < 3.12").unwrap().contains(&alpine));
        assert!(!ReleaseRange::parse("alpine >= 3.12").unwrap().contains(&alpine));
    }
}
