//! How long a Python is maintained. The table is `data/python_releases.tsv`.

use super::table;
use super::version::PythonVersion;

const RELEASES: &str = include_str!("data/python_releases.tsv");

/// The day on which the table was last compared with its sources. What it says of a Python does not change with the
/// clock, so that two runs of one envfix say the same.
const AS_OF: &str = "2026-11-21";
/// A year later.
const SOON: &str = "2027-11-21";

/// How far a Python is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It gets no fixes any more.
    Ended,
    /// It gets none any more within a year.
    Ending,
    /// It is maintained.
    Maintained,
}

/// How far a Python is from its end, and the day of that (`2026-10-31`). `None` for one that is not in the table.
#[must_use]
pub fn life(python: PythonVersion) -> Option<(Life, &'static str)> {
    let end = table::rows(RELEASES).find_map(|row| {
        let [version, end] = row.cells();
        (PythonVersion::parse(version) == Some(python)).then_some(end)
    })?;
    // Days written so compare as texts.
    let life = if end <= AS_OF {
        Life::Ended
    } else if end <= SOON {
        Life::Ending
    } else {
        Life::Maintained
    };
    Some((life, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_its_days_are_days() {
        table::check(RELEASES);
        for row in table::rows(RELEASES) {
            let [version, end] = row.cells();
            assert!(PythonVersion::parse(version).is_some(), "{version}");
            let parts: Vec<u32> = end.split('-').map(|part| part.parse().unwrap()).collect();
            assert!(matches!(parts[..], [2010..=2040, 1..=12, 1..=31]) && end.len() == 10, "{end}");
        }
    }

    #[test]
    fn a_python_has_ended_is_ending_or_is_maintained() {
        let of = |minor| life(PythonVersion::new(3, minor)).map(|(life, _)| life);
        assert_eq!(of(8), Some(Life::Ended));
        assert_eq!(of(10), Some(Life::Ended));
        assert_eq!(of(11), Some(Life::Ending));
        assert_eq!(of(13), Some(Life::Maintained));
        assert_eq!(of(60), None);
    }
}
