//! Which pip: the newest for a Python, the newest that a conda channel is known to have, and which options a pip knows.
//! The tables are `data/pip.tsv`, `data/conda_pip.tsv`, `data/conda_channels.tsv` and `data/pip_options.tsv`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use super::table;
use super::version::{PythonVersion, compare};

/// A pip for a Python, with where that is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipRow {
    /// The Python it is for.
    pub python: PythonVersion,
    /// The pip's version: `26.1.2`.
    pub version: &'static str,
    /// Where it is known from, with its mark: `[V]` run, `[S]` public source, `[M]` memory.
    pub source: &'static str,
}

const PIP: &str = include_str!("data/pip.tsv");
const CONDA_PIP: &str = include_str!("data/conda_pip.tsv");
const CONDA_CHANNELS: &str = include_str!("data/conda_channels.tsv");
const OPTIONS: &str = include_str!("data/pip_options.tsv");

static PIPS: LazyLock<Vec<PipRow>> = LazyLock::new(|| {
    let row = |row: table::Row| {
        let [python, version, source] = row.cells();
        Some(PipRow { python: PythonVersion::parse(python)?, version, source })
    };
    table::rows(PIP).filter_map(row).collect()
});

/// The newest pip that runs on `python` and has been out for some months; `None` for a Python newer than the table.
#[must_use]
pub fn newest_pip(python: PythonVersion) -> Option<&'static PipRow> {
    PIPS.iter().find(|row| row.python == python)
}

/// The newest pips for people: `26.1.2 for Python 3.10 and newer, 26.0.1 for 3.9, 25.0.1 for 3.8`.
#[must_use]
pub fn summary() -> String {
    let row = |minor| newest_pip(PythonVersion::new(3, minor)).map_or("", |row| row.version);
    format!("{} for Python 3.10 and newer, {} for 3.9, {} for 3.8", row(10), row(9), row(8))
}

/// The one pip for all of `pythons`: the newest for the oldest of them, where it is known to run on the newest too.
/// `None` where one is not in the table, or there is none.
#[must_use]
pub fn one_pin_for(pythons: &[PythonVersion]) -> Option<&'static str> {
    let (oldest, newest) = (pythons.iter().min()?, pythons.iter().max()?);
    let pin = newest_pip(*oldest)?.version;
    let same = newest_pip(*newest)?.version == pin;
    // The pips of Python 3.7 and newer (24.0 and later) were tried on every Python up to 3.13.
    let reaches = *oldest >= PythonVersion::new(3, 7) && *newest <= PythonVersion::new(3, 13);
    (same || reaches).then_some(pin)
}

struct CondaPip {
    channels: &'static str,
    pip: PipRow,
}

static CONDA_PIPS: LazyLock<Vec<CondaPip>> = LazyLock::new(|| {
    let row = |row: table::Row| {
        let [python, channels, version, source] = row.cells();
        Some(CondaPip { channels, pip: PipRow { python: PythonVersion::parse(python)?, version, source } })
    };
    table::rows(CONDA_PIP).filter_map(row).collect()
});

/// The newest pip that the channels of a conda environment are known to have for `python`.
///
/// The first channel that carries pip decides; one that is not known to lack it ends the search. No channels at all
/// are conda's `defaults`. `nodefaults` names no channel. URLs of the well-known hosts count as their channel.
#[must_use]
pub fn conda_pip(python: PythonVersion, channels: &[&str]) -> Option<&'static PipRow> {
    let names = channel_names(channels);
    let listed = |wanted: &str| {
        CONDA_PIPS.iter().find(|row| row.pip.python == python && row.channels == wanted).map(|row| &row.pip)
    };
    if channels.is_empty() {
        return listed("defaults");
    }
    listed(&names.join(",")).or_else(|| listed(deciding_channel(channels)?))
}

fn channel_names<'a>(channels: &[&'a str]) -> Vec<&'a str> {
    channels.iter().map(|name| channel_name(name)).filter(|name| *name != "nodefaults").collect()
}

/// The channel of a list that pip comes from, by the name it has in the table: the first that carries pip. `None`
/// where one that may carry it stands before that.
#[must_use]
pub fn deciding_channel(channels: &[&str]) -> Option<&'static str> {
    if channels.is_empty() {
        return Some("defaults");
    }
    for name in &channel_names(channels) {
        let known = table::rows(CONDA_CHANNELS).map(table::Row::cells::<4>).find(|[channel, ..]| channel == name);
        match known {
            Some([_, "yes", same, _]) => return Some(same),
            Some([_, "no", ..]) => {}
            _ => return None,
        }
    }
    None
}

/// `conda-forge` for `https://conda.anaconda.org/conda-forge/`, `main` for `https://repo.anaconda.com/pkgs/main`; any
/// other URL and a label (`conda-forge/label/dev`) stay as they are, so that they match nothing.
fn channel_name(channel: &str) -> &str {
    let channel = channel.trim().trim_end_matches('/');
    let bare = channel.strip_prefix("https://").or_else(|| channel.strip_prefix("http://")).unwrap_or(channel);
    for host in ["conda.anaconda.org/", "repo.anaconda.com/"] {
        if let Some(name) = bare.strip_prefix(host) {
            return name;
        }
    }
    channel
}

/// The pips whose options were read: nothing is said about older and newer ones.
const OPTIONS_FROM: &str = "10.0.1";
const OPTIONS_TO: &str = "26.3";

/// Whether `pip install` of that version knows an option, hidden and deprecated ones included: it does not stop with
/// "no such option". `--use-feature=NAME` and `--use-deprecated=NAME` are asked with their value; any other value is
/// ignored. `None` where neither is known, among it every option that no pip of the table has.
#[must_use]
pub fn pip_knows(version: &str, option: &str) -> Option<bool> {
    let option = match option.split_once('=') {
        Some(("--use-feature" | "--use-deprecated", _)) => option,
        Some((name, _)) => name,
        None => option,
    };
    if compare(version, OPTIONS_FROM) == Ordering::Less || compare(version, OPTIONS_TO) == Ordering::Greater {
        return None;
    }
    let [_, absent_to, present_from, present_to, absent_from, _] = table::find(OPTIONS, option)?.cells();
    let at_least = |bound: &str| bound != "-" && compare(version, bound) != Ordering::Less;
    let at_most = |bound: &str| bound != "-" && compare(version, bound) != Ordering::Greater;
    if at_most(absent_to) || at_least(absent_from) {
        return Some(false);
    }
    let begun = present_from == "-" || at_least(present_from);
    let not_ended = present_to == "-" || at_most(present_to);
    (begun && not_ended).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn py(minor: u32) -> PythonVersion {
        PythonVersion::new(3, minor)
    }

    fn pin(python: PythonVersion) -> Option<&'static str> {
        newest_pip(python).map(|row| row.version)
    }

    #[test]
    fn every_row_has_its_source() {
        table::check(PIP);
        table::check(CONDA_PIP);
        table::check(CONDA_CHANNELS);
        table::check(OPTIONS);
        assert_eq!(PIPS.len(), table::rows(PIP).count());
        assert_eq!(CONDA_PIPS.len(), table::rows(CONDA_PIP).count());
        table::check_sorted(OPTIONS);
    }

    #[test]
    fn the_newest_pip_is_the_last_that_runs_on_that_python() {
        let pins = [(6, "21.3.1"), (7, "24.0"), (8, "25.0.1"), (9, "26.0.1"), (10, "26.1.2"), (13, "26.1.2")];
        for (minor, version) in pins {
            assert_eq!(pin(py(minor)), Some(version));
        }
        assert_eq!(pin(PythonVersion::new(2, 7)), Some("20.3.4"));
    }

    #[test]
    fn a_python_newer_than_the_table_has_no_pip() {
        assert_eq!(pin(py(15)), None);
        assert_eq!(pin(PythonVersion::new(2, 6)), None);
    }

    #[test]
    fn one_pin_serves_several_pythons_only_where_they_share_it() {
        assert_eq!(one_pin_for(&[py(10), py(12), py(13)]), Some("26.1.2"));
        assert_eq!(one_pin_for(&[py(10), py(8)]), Some("25.0.1"));
        assert_eq!(one_pin_for(&[py(6), py(10)]), None);
        assert_eq!(one_pin_for(&[py(13), py(15)]), None);
        assert_eq!(one_pin_for(&[]), None);
    }

    #[test]
    fn the_first_channel_that_carries_pip_decides() {
        let pip = |minor, channels: &[&str]| conda_pip(py(minor), channels).map(|row| row.version);
        assert_eq!(pip(10, &["conda-forge"]), Some("26.1.2"));
        assert_eq!(pip(10, &["pytorch", "nvidia", "conda-forge"]), Some("26.1.2"));
        assert_eq!(pip(9, &["pytorch", "defaults"]), Some("23.3.1"));
        assert_eq!(pip(9, &["defaults", "conda-forge"]), Some("23.3.1"));
        assert_eq!(pip(9, &["conda-forge", "nodefaults"]), Some("25.3"));
        assert_eq!(pip(10, &["https://conda.anaconda.org/conda-forge/"]), Some("26.1.2"));
        assert_eq!(pip(10, &["https://repo.anaconda.com/pkgs/main"]), Some("23.2.1"));
    }

    #[test]
    fn no_channels_are_the_defaults() {
        assert_eq!(conda_pip(py(9), &[]).map(|row| row.version), Some("23.3.1"));
    }

    #[test]
    fn an_exact_list_of_published_environments_counts_before_its_first_channel() {
        assert_eq!(conda_pip(py(8), &["anaconda", "conda-forge"]).map(|row| row.version), Some("22.1.2"));
        assert_eq!(conda_pip(py(8), &["anaconda"]), None);
        assert_eq!(conda_pip(py(8), &["anaconda", "pytorch", "conda-forge"]), None);
    }

    #[test]
    fn a_channel_that_may_carry_pip_makes_it_unknown() {
        for channels in [
            &["my-company", "conda-forge"][..],
            &["conda-forge/label/dev"],
            &["https://conda.example.com/conda-forge"],
            &["${CHANNEL}"],
            &["pytorch"],
            &["nodefaults"],
            &[""],
        ] {
            assert_eq!(conda_pip(py(10), channels), None, "{channels:?}");
        }
        assert_eq!(conda_pip(py(7), &["defaults"]), None, "only pins of the old resolver are published");
        assert_eq!(conda_pip(py(15), &["conda-forge"]), None);
    }

    #[test]
    fn an_option_is_known_from_the_pip_that_brought_it() {
        assert_eq!(pip_knows("23.0", "--break-system-packages"), Some(false));
        assert_eq!(pip_knows("23.0.1", "--break-system-packages"), Some(true));
        assert_eq!(pip_knows("25.0.1", "--group"), Some(false));
        assert_eq!(pip_knows("25.1", "--group"), Some(true));
        assert_eq!(pip_knows("24.0", "--resume-retries"), Some(false));
        assert_eq!(pip_knows("26.1.2", "--resume-retries=5"), Some(true));
        assert_eq!(pip_knows("26.1.2", "--only-deps"), Some(false));
        assert_eq!(pip_knows("26.2", "--only-deps"), Some(true));
    }

    #[test]
    fn an_option_is_unknown_to_the_pip_that_dropped_it() {
        assert_eq!(pip_knows("23.0.1", "--install-option=--x"), Some(true));
        assert_eq!(pip_knows("23.1", "--install-option"), Some(false));
        assert_eq!(pip_knows("25.3", "--global-option"), Some(false));
        assert_eq!(pip_knows("19.0", "--process-dependency-links"), Some(false));
        assert_eq!(pip_knows("22.3.1", "--use-feature=2020-resolver"), Some(false));
        assert_eq!(pip_knows("21.3.1", "--use-feature=2020-resolver"), Some(true));
        assert_eq!(pip_knows("26.3", "--use-deprecated=legacy-resolver"), Some(true));
    }

    #[test]
    fn a_hidden_option_is_still_known() {
        assert_eq!(pip_knows("26.1.2", "--no-python-version-warning"), Some(true));
        assert_eq!(pip_knows("26.1.2", "--use-pep517"), Some(true));
        assert_eq!(pip_knows("26.1.2", "--default-timeout=100"), Some(true));
    }

    #[test]
    fn nothing_is_said_about_other_options_and_other_pips() {
        assert_eq!(pip_knows("26.1.2", "--bogus"), None);
        assert_eq!(pip_knows("27.0", "--user"), None);
        assert_eq!(pip_knows("9.0.3", "--user"), None);
        assert_eq!(pip_knows("20.2", "--use-feature=2020-resolver"), None, "between the pips that were tried");
        assert_eq!(pip_knows("", "--user"), None);
    }
}
