//! Which apt package brings a command.

/// The table, with a source in every row.
const TABLE: &str = include_str!("data/commands.tsv");

/// The apt package that brings a command, in Debian 11 to 13 and Ubuntu 20.04 to 24.04.
#[must_use]
pub fn package_of(command: &str) -> Option<&'static str> {
    let name = command.rsplit('/').next().unwrap_or(command);
    let mut rows = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split('\t'));
    rows.find_map(|mut row| (row.next() == Some(name)).then(|| row.next()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_name_or_its_path() {
        assert_eq!(package_of("unzip"), Some("unzip"));
        assert_eq!(package_of("/usr/bin/envsubst"), Some("gettext-base"));
        assert_eq!(package_of("command"), None);
        assert_eq!(package_of("no-such-thing"), None);
    }
}
