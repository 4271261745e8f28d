//! What is known about each release of a distribution: its Python, where `distutils` and the command `python` come
//! from, whether its packages can still be fetched. The table is `data/distributions.tsv`.

use std::sync::LazyLock;

use super::table;
use super::version::{Distribution, PythonVersion, Release, compare};

const DISTRIBUTIONS: &str = include_str!("data/distributions.tsv");

/// Who brings `distutils` to the python3 of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distutils {
    /// The package python3 itself: nothing has to be installed.
    Stdlib,
    /// The package python3-distutils.
    Package,
    /// The package python3-setuptools, with its stand-in: this Python has none of its own.
    Setuptools,
    /// Not known.
    Unknown,
}

impl Distutils {
    /// The apt package to install for it, where one is needed and known.
    #[must_use]
    pub fn package(self) -> Option<&'static str> {
        match self {
            Self::Package => Some("python3-distutils"),
            Self::Setuptools => Some("python3-setuptools"),
            Self::Stdlib | Self::Unknown => None,
        }
    }
}

/// Whether a release's package lists can be fetched with the sources that its image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrors {
    /// Yes.
    Live,
    /// No: it was moved to an archive, `apt-get update` fails.
    Moved,
    /// Not known.
    Unknown,
}

/// One release of a distribution.
#[derive(Clone, Debug)]
pub struct DistributionRow {
    /// Whose release.
    pub distribution: Distribution,
    /// Its number.
    pub version: &'static str,
    /// Its code name.
    pub codename: Option<&'static str>,
    /// The last day of free support (`2028-06-30`), long-term support included, where it is known.
    pub end: Option<&'static str>,
    /// Whether its package lists can be fetched.
    pub mirrors: Mirrors,
    /// The version of the package python3, where it is known.
    pub python3: Option<PythonVersion>,
    /// Who brings `distutils` to that Python.
    pub distutils: Distutils,
    /// Whether the package python-is-python3 exists.
    pub has_python_is_python3: bool,
    /// Whether pip refuses to install into the system's Python (PEP 668).
    pub externally_managed: bool,
    /// The packages whose installation gives the command `python`.
    pub python_providers: Vec<&'static str>,
    /// Where this is known from, with its mark.
    pub source: &'static str,
}

impl DistributionRow {
    /// The release this row is about.
    #[must_use]
    pub fn release(&self) -> Release {
        Release::new(self.distribution, self.version)
    }

    /// Whether its free support was over on `day` (`2026-11-21`); `None` where its end is not known.
    #[must_use]
    pub fn is_past_end(&self, day: &str) -> Option<bool> {
        // Dates written year first are in order as text.
        self.end.map(|end| end < day)
    }
}

static ROWS: LazyLock<Vec<DistributionRow>> =
    LazyLock::new(|| table::rows(DISTRIBUTIONS).filter_map(|row| read(row.cells())).collect());

fn read(cells: [&'static str; 11]) -> Option<DistributionRow> {
    let [name, version, codename, end, lists, python3, distutils, is_python3, pep668, providers, source] = cells;
    let given = |cell: &'static str| (!matches!(cell, "-" | "unknown")).then_some(cell);
    Some(DistributionRow {
        distribution: Distribution::from_name(name)?,
        version,
        codename: given(codename),
        end: given(end),
        mirrors: match lists {
            "live" => Mirrors::Live,
            "moved" => Mirrors::Moved,
            _ => Mirrors::Unknown,
        },
        python3: given(python3).and_then(PythonVersion::parse),
        distutils: match distutils {
            "stdlib" => Distutils::Stdlib,
            "python3-distutils" => Distutils::Package,
            "python3-setuptools" => Distutils::Setuptools,
            _ => Distutils::Unknown,
        },
        has_python_is_python3: is_python3 == "yes",
        externally_managed: pep668 == "yes",
        python_providers: given(providers).map(|list| list.split(',').collect()).unwrap_or_default(),
        source,
    })
}

/// All releases, by distribution, the oldest first.
#[must_use]
pub fn rows() -> &'static [DistributionRow] {
    &ROWS
}

/// What is known about a release; `None` where it is not in the table.
#[must_use]
pub fn row(release: &Release) -> Option<&'static DistributionRow> {
    ROWS.iter().find(|row| row.distribution == release.distribution && compare(row.version, &release.version).is_eq())
}

/// The release of that code name.
#[must_use]
pub fn by_codename(distribution: Distribution, codename: &str) -> Option<&'static DistributionRow> {
    ROWS.iter().find(|row| row.distribution == distribution && row.codename == Some(codename))
}

/// The release of that code name, of whichever distribution: no two share one.
#[must_use]
pub fn by_any_codename(codename: &str) -> Option<&'static DistributionRow> {
    ROWS.iter().find(|row| row.codename == Some(codename))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> &'static DistributionRow {
        Release::parse(text).as_ref().and_then(row).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn every_row_has_its_source_and_is_read() {
        table::check(DISTRIBUTIONS);
        assert_eq!(ROWS.len(), table::rows(DISTRIBUTIONS).count());
    }

    #[test]
    fn the_rows_are_in_order_and_no_code_name_is_used_twice() {
        for pair in ROWS.windows(2) {
            let [a, b] = pair else { continue };
            assert!(a.distribution != b.distribution || a.release() < b.release(), "{a:?} {b:?}");
        }
        for row in ROWS.iter() {
            let same = ROWS.iter().filter(|other| row.codename.is_some() && other.codename == row.codename).count();
            assert!(same <= 1, "{row:?}");
        }
    }

    #[test]
    fn distutils_is_a_package_only_between_its_split_and_its_end() {
        for text in ["debian 10", "debian 11", "debian 12", "ubuntu 18.04", "ubuntu 20.04", "ubuntu 22.04"] {
            assert_eq!(of(text).distutils.package(), Some("python3-distutils"), "{text}");
        }
        for text in ["debian 8", "debian 9", "ubuntu 14.04", "ubuntu 16.04"] {
            assert_eq!(of(text).distutils, Distutils::Stdlib, "{text}");
        }
        for text in ["debian 13", "ubuntu 24.04", "ubuntu 26.04"] {
            assert_eq!(of(text).distutils.package(), Some("python3-setuptools"), "{text}");
        }
    }

    #[test]
    fn a_release_whose_python_has_distutils_never_needs_setuptools_for_it() {
        for row in ROWS.iter() {
            let Some(python) = row.python3 else { continue };
            match row.distutils {
                Distutils::Setuptools => assert!(!python.has_distutils(), "{row:?}"),
                Distutils::Stdlib | Distutils::Package => assert!(python.has_distutils(), "{row:?}"),
                Distutils::Unknown => {}
            }
        }
    }

    #[test]
    fn mirrors_are_gone_for_old_debian_and_for_interim_ubuntu() {
        assert_eq!(of("debian 10").mirrors, Mirrors::Moved);
        assert_eq!(of("debian 11").mirrors, Mirrors::Live);
        assert_eq!(of("ubuntu 20.04").mirrors, Mirrors::Live);
        assert_eq!(of("ubuntu 22.10").mirrors, Mirrors::Moved);
        assert_eq!(of("ubuntu 25.10").mirrors, Mirrors::Unknown);
    }

    #[test]
    fn the_end_of_support_is_a_day() {
        assert_eq!(of("debian 11").is_past_end("2026-11-21"), Some(true));
        assert_eq!(of("debian 12").is_past_end("2026-11-21"), Some(false));
        assert_eq!(of("ubuntu 20.04").is_past_end("2026-11-21"), Some(true));
        assert_eq!(of("debian 14").is_past_end("2026-11-21"), None);
        for row in ROWS.iter() {
            assert!(row.end.is_none_or(|end| end.len() == 10 && end.starts_with("20")), "{row:?}");
        }
    }

    #[test]
    fn pip_refuses_the_system_from_debian_12_and_ubuntu_23_04_on() {
        assert!(of("debian 12").externally_managed && of("ubuntu 24.04").externally_managed);
        assert!(!of("debian 11").externally_managed && !of("ubuntu 22.04").externally_managed);
    }

    #[test]
    fn the_command_python_comes_from_other_packages_over_time() {
        assert!(of("ubuntu 18.04").python_providers.contains(&"python"));
        assert!(!of("ubuntu 18.04").has_python_is_python3 && of("ubuntu 20.04").has_python_is_python3);
        assert!(!of("debian 12").python_providers.contains(&"python"));
    }

    #[test]
    fn a_release_that_is_not_in_the_table_is_not_known() {
        assert!(row(&Release::new(Distribution::Debian, "99")).is_none());
        assert!(row(&Release::new(Distribution::Ubuntu, "2")).is_none());
        assert!(by_codename(Distribution::Ubuntu, "bookworm").is_none());
        assert!(by_any_codename("").is_none());
    }
}
