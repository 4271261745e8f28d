//! What an apt package brings along: `distutils`, `python3`, the command `python`. The table is `data/packages.tsv`.

use std::cmp::Ordering;

use super::table;
use super::version::{Distribution, Release, compare};

const PACKAGES: &str = include_str!("data/packages.tsv");

/// How a package brings something along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Brings {
    /// Not at all.
    No,
    /// As a recommended package: not with `--no-install-recommends`.
    Recommended,
    /// Always.
    Always,
}

/// What installing a package brings, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageFacts {
    /// python3 can import `distutils` afterwards.
    pub distutils: Brings,
    /// There is a command `python3`.
    pub python3: Brings,
    /// There is a command `python`.
    pub python: Brings,
    /// Where this is known from, with its mark.
    pub source: &'static str,
}

/// What the apt package `name` brings along in a release.
///
/// `name` is as in `apt-get install`: `pkg=1.2`, `pkg:amd64` and `pkg/suite` are the package `pkg`. `None`: not known,
/// also where the package does not exist in that release.
#[must_use]
pub fn brings(name: &str, release: &Release) -> Option<PackageFacts> {
    let name = name.split(['=', ':', '/']).next()?;
    let [_, debian_11, debian_12, debian_13, ubuntu_18, ubuntu_24, source] = table::find(PACKAGES, name)?.cells();
    let version = release.version.as_str();
    let from = |bound: &str| compare(version, bound) != Ordering::Less;
    let cell = match release.distribution {
        Distribution::Debian if version == "11" => debian_11,
        Distribution::Debian if version == "12" => debian_12,
        Distribution::Debian if version == "13" => debian_13,
        Distribution::Ubuntu if from("24.04") => ubuntu_24,
        Distribution::Ubuntu if from("18.04") && !from("22.05") => ubuntu_18,
        _ => return None,
    };
    if matches!(cell, "-" | "unknown") {
        return None;
    }
    let how = |wanted: &str| {
        let found = cell.split(',').find(|word| word.trim_end_matches('?') == wanted);
        found.map_or(Brings::No, |word| if word.ends_with('?') { Brings::Recommended } else { Brings::Always })
    };
    Some(PackageFacts { distutils: how("distutils"), python3: how("python3"), python: how("python"), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(release: &str, name: &str) -> Option<PackageFacts> {
        brings(name, &Release::parse(release)?)
    }

    #[test]
    fn every_row_has_its_source_and_known_words() {
        table::check(PACKAGES);
        table::check_sorted(PACKAGES);
        for row in table::rows(PACKAGES) {
            let cells: [&str; 7] = row.cells();
            let [_, releases @ .., _] = cells;
            for word in releases.iter().flat_map(|cell| cell.split(',')) {
                let word = word.trim_end_matches('?');
                assert!(matches!(word, "-" | "unknown" | "none" | "distutils" | "python3" | "python"), "{cells:?}");
            }
        }
    }

    #[test]
    fn on_bookworm_pip_dev_venv_and_setuptools_bring_distutils() {
        for name in ["python3-pip", "python3-dev", "python3-venv", "python3-setuptools", "python3-distutils"] {
            assert_eq!(on("debian 12", name).map(|facts| facts.distutils), Some(Brings::Always), "{name}");
        }
        for name in ["python3", "python3-numpy", "python-is-python3", "git", "build-essential"] {
            assert_eq!(on("debian 12", name).map(|facts| facts.distutils), Some(Brings::No), "{name}");
        }
    }

    #[test]
    fn on_trixie_only_setuptools_does() {
        assert_eq!(on("debian 13", "python3-pip").map(|facts| facts.distutils), Some(Brings::No));
        assert_eq!(on("debian 13", "python3-setuptools").map(|facts| facts.distutils), Some(Brings::Always));
        assert_eq!(on("debian 13", "python3-distutils"), None, "no such package there");
    }

    #[test]
    fn some_packages_bring_python3_or_python_in_passing() {
        assert_eq!(on("debian 12", "software-properties-common").map(|facts| facts.python3), Some(Brings::Always));
        assert_eq!(on("debian 12", "clang").map(|facts| facts.python3), Some(Brings::Recommended));
        assert_eq!(on("debian 12", "python-is-python3").map(|facts| facts.python), Some(Brings::Always));
        assert_eq!(on("debian 12", "python3-pip").map(|facts| facts.python), Some(Brings::No));
        assert_eq!(on("ubuntu 18.04", "python").map(|facts| facts.python), Some(Brings::Always));
    }

    #[test]
    fn a_pinned_or_qualified_name_is_its_package() {
        assert_eq!(on("debian 12", "python3-pip=23.0.1+dfsg-1"), on("debian 12", "python3-pip"));
        assert_eq!(on("debian 12", "python3-dev:amd64"), on("debian 12", "python3-dev"));
    }

    #[test]
    fn a_package_or_a_release_outside_the_table_is_unknown() {
        assert_eq!(on("debian 12", "some-private-package"), None);
        assert_eq!(on("debian 9", "python3-pip"), None);
        assert_eq!(on("ubuntu 22.10", "python3-pip"), None);
        assert_eq!(on("ubuntu 16.04", "git"), None);
        assert_eq!(on("alpine 3.18", "git"), None);
        assert_eq!(on("debian 12", ""), None);
    }
}
