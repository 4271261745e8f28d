//! When to suspect a fault of a conda environment: what a patch file says under `conda-environment`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::suspect::WrongEncoding;

/// What must hold of a conda environment. Every key given must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CondaCondition {
    /// It has a `- pip:` map.
    #[serde(default)]
    pub has_pip_map: Option<bool>,
    /// How pip is listed among the conda dependencies.
    #[serde(default)]
    pub pip: Option<PipListed>,
    /// A requirement of its pip section has an operator that pip does not know. Every such requirement is a finding of
    /// its own; `{written}` is the requirement, and `{meant}` what pip reads.
    #[serde(default)]
    pub pip_operator: Option<WrongOperator>,
    /// Its text is in this encoding.
    #[serde(default)]
    pub encoding: Option<WrongEncoding>,
    /// How python is listed.
    #[serde(default)]
    pub python: Option<PythonListed>,
    /// How channels are listed.
    #[serde(default)]
    pub channels: Option<ChannelsListed>,
    /// Whether a conda dependency names its build, which only the channel has that it comes from.
    #[serde(default)]
    pub names_builds: Option<bool>,
    /// It has dependencies without a version, pip and python aside; `{written}` lists them.
    #[serde(default)]
    pub unpinned: bool,
    /// It has an item that conda does not take. Every such item is a finding of its own; `{written}` is the item, and
    /// `{meant}` what conda reads, where that is known.
    #[serde(default)]
    pub not_taken: Option<NotTaken>,
}

/// How a conda environment lists pip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipListed {
    /// Not at all, by conda's own rule.
    Missing,
    /// Without a version, before the `- pip:` map.
    Bare,
}

/// An operator that pip does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WrongOperator {
    /// One `=` before a version and nothing else: conda's notation.
    Single,
    /// `=>`, `=<`, `=!` or `=~`: its characters are the wrong way round.
    Turned,
    /// Anything else that begins with one `=`, such as `=1.26=py39_0` or `=latest`.
    Other,
}

/// How a conda environment lists python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PythonListed {
    /// Not at all.
    Missing,
    /// Once, without a version.
    Bare,
    /// More than once, in ways that some version fits.
    Several,
    /// More than once, in ways that no version fits.
    Contradicting,
    /// In one minor version that gets no security fixes any more; `{python-end}` is the day.
    Ended,
    /// In one minor version that gets no security fixes any more within a year; `{python-end}` is the day.
    Ending,
}

/// How a conda environment lists channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelsListed {
    /// There is no key `channels`.
    Missing,
    /// The key is there and lists nothing.
    Empty,
}

/// Why conda does not take an item of `dependencies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotTaken {
    /// `python: 3.11` or `python:3.11`: a colon where `=` is meant.
    PythonColon,
    /// The same for another package.
    PackageColon,
    /// A map with another key than `pip`, such as `- npm: […]`.
    Section,
    /// A number, `true` or a list.
    NoText,
    /// A version without the name of a package.
    NoName,
    /// An option of pip's, such as `-r requirements.txt`.
    PipOption,
    /// An address that pip could install from.
    Repository,
    /// `- pip:` with anything but a list.
    PipNoList,
    /// A map, a list or nothing among the requirements of `- pip:`.
    PipNoText,
    /// A `- pip:` that another one follows: conda takes only the last.
    PipTwice,
}
