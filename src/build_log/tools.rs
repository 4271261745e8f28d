//! Versions of tools, where a log tells them.

/// A tool whose version says what its errors mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tool {
    /// pip.
    Pip,
    /// conda.
    Conda,
    /// The Python that pip or conda runs in, or installs into; often only `3.11`.
    Python,
    /// The release of Debian or Ubuntu, by the code name that apt prints.
    Release,
}

/// The version of a tool that a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolVersion {
    /// The tool.
    pub tool: Tool,
    /// Its version as printed; of a release the code name.
    pub version: String,
    /// The line of the log, from 1.
    pub line: u64,
}

/// How many a step keeps.
const MOST: usize = 32;

/// Code names of Debian and Ubuntu. Other suites that apt prints, `stable` or `cloud-sdk`, are those of any repository.
/// Sources: the archives' lists of releases.
const RELEASES: &[&str] = &[
    "squeeze", "wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "sid", "lucid",
    "maverick", "natty", "oneiric", "precise", "quantal", "raring", "saucy", "trusty", "utopic", "vivid", "wily",
    "xenial", "yakkety", "zesty", "artful", "bionic", "cosmic", "disco", "eoan", "focal", "groovy", "hirsute",
    "impish", "jammy", "kinetic", "lunar", "mantic", "noble", "oracular", "plucky", "questing", "resolute",
];

/// Adds a version, unless it is the last that was told of its tool.
pub(super) fn add(tools: &mut Vec<ToolVersion>, tool: Tool, version: &str, line: u64) {
    if tool == Tool::Release && !RELEASES.contains(&version) {
        return;
    }
    let known = tools.iter().rev().find(|known| known.tool == tool).is_some_and(|known| {
        // `3.11` tells nothing that `3.11.4` has not told.
        known.version == version || (tool == Tool::Python && known.version.starts_with(&format!("{version}.")))
    });
    if !known && tools.len() < MOST {
        tools.push(ToolVersion { tool, version: version.to_owned(), line });
    }
}
