//! Which package brings a command.

use super::table;
use super::version::Distribution;

/// The table, with a source in every row.
const TABLE: &str = include_str!("data/commands.tsv");

/// The package that brings a command: of Debian 11 to 13 and Ubuntu 20.04 to 24.04, or of Alpine.
#[must_use]
pub fn package_of(command: &str, distribution: Option<Distribution>) -> Option<&'static str> {
    let name = command.rsplit('/').next().unwrap_or(command);
    let [_, apt, alpine] = table::find(TABLE, name)?.cells();
    let package = if distribution == Some(Distribution::Alpine) { alpine } else { apt };
    (package != "-").then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_name_or_its_path() {
        assert_eq!(package_of("unzip", None), Some("unzip"));
        assert_eq!(package_of("/usr/bin/envsubst", None), Some("gettext-base"));
        assert_eq!(package_of("command", None), None);
        assert_eq!(package_of("no-such-thing", None), None);
    }

    #[test]
    fn alpine_has_packages_of_its_own() {
        let alpine = Some(Distribution::Alpine);
        assert_eq!(package_of("pip3", alpine), Some("py3-pip"));
        assert_eq!(package_of("pip3", Some(Distribution::Debian)), Some("python3-pip"));
        assert_eq!(package_of("psql", alpine), Some("postgresql-client"));
        assert_eq!(package_of("java", alpine), None);
    }

    #[test]
    fn every_row_has_its_cells_and_is_found() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(line.split('\t').count(), 4, "{line}");
        }
        table::check_sorted(TABLE);
    }
}
