//! What a person asked for: which patches, how much, and with which values. On the command line for a run, in
//! `envfix.toml` for a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::patch::catalogue::Catalogue;
use crate::patch::file::Setting;

/// Which fixes are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Only what fails or will fail.
    pub faults_only: bool,
    /// Unsafe fixes too.
    pub allow_unsafe: bool,
    /// Only these patches, where any are named; their hardening and unsafe branches apply.
    pub only: BTreeSet<String>,
    /// None of these patches.
    pub skip: BTreeSet<String>,
}

/// The file's name.
pub const FILE_NAME: &str = "envfix.toml";

/// A repository's `envfix.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Only what fails or will fail.
    pub faults: bool,
    /// Unsafe fixes too.
    pub r#unsafe: bool,
    /// Only these patches.
    pub only: Vec<String>,
    /// None of these patches.
    pub skip: Vec<String>,
    /// The values that remedies write.
    pub values: BTreeMap<String, Setting>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    faults: bool,
    #[serde(default)]
    r#unsafe: bool,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    skip: Vec<String>,
    #[serde(default)]
    values: BTreeMap<String, Spanned<toml::Value>>,
}

/// An `envfix.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct SettingsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, with its place where there is one.
    pub message: String,
}

impl Settings {
    /// Reads an `envfix.toml` and checks its names against the patches in force.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or names something that does not exist.
    pub fn read(path: &Path, catalogue: &Catalogue) -> Result<Self, SettingsError> {
        let fail = |message: String| SettingsError { path: path.to_owned(), message };
        let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        Self::of_text(&text, catalogue).map_err(fail)
    }

    /// Reads the text of an `envfix.toml`.
    ///
    /// # Errors
    /// When it is not TOML, or names something that does not exist: what is wrong, with its place where there is one.
    pub fn of_text(text: &str, catalogue: &Catalogue) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for id in written.only.iter().chain(&written.skip) {
            known(id, catalogue)?;
        }
        let (names, defaults) = (catalogue.value_names(), catalogue.default_values());
        let mut values = BTreeMap::new();
        for (name, value) in written.values {
            let line = 1 + text[..value.span().start.min(text.len())].matches('\n').count();
            let fail = |message: String| format!("line {line}: {message}");
            if !names.contains(name.as_str()) {
                let names: Vec<&str> = names.iter().copied().collect();
                return Err(fail(format!("[values]: no patch uses {name:?}; there are {}", names.join(", "))));
            }
            let kind = match defaults.get(&name) {
                Some(Setting::Number(_)) => ValueKind::Number,
                Some(Setting::Text(text)) if text.is_empty() => ValueKind::Address,
                _ => ValueKind::Version,
            };
            let setting = setting(value.as_ref(), kind).map_err(|wanted| fail(format!("{name}: write {wanted}")))?;
            values.insert(name, setting);
        }
        let Written { faults, r#unsafe, only, skip, .. } = written;
        Ok(Self { faults, r#unsafe, only, skip, values })
    }

    /// What the run asks for together with what the repository asks for.
    #[must_use]
    pub fn policy(&self, run: &Policy) -> Policy {
        let mut policy = run.clone();
        policy.faults_only |= self.faults;
        policy.allow_unsafe |= self.r#unsafe;
        policy.skip.extend(self.skip.iter().filter(|id| !run.only.contains(*id)).cloned());
        if policy.only.is_empty() {
            policy.only.extend(self.only.iter().cloned());
        }
        policy
    }
}

/// What a value of a remedy is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Number,
    Version,
    /// What has no default: the address of a source.
    Address,
}

/// A value that a remedy may write: a number above 0, a version, or an address. All may stand in quotes.
fn setting(value: &toml::Value, kind: ValueKind) -> Result<Setting, &'static str> {
    let number = value.as_integer().or_else(|| value.as_str()?.parse().ok()).filter(|number| *number > 0);
    match (kind, number, value.as_str()) {
        (ValueKind::Number, Some(number), _) => Ok(Setting::Number(number.unsigned_abs())),
        (ValueKind::Number, None, _) => Err("a whole number above 0"),
        (ValueKind::Version, _, Some(text)) if is_version(text) => Ok(Setting::Text(text.to_owned())),
        (ValueKind::Version, ..) => Err("a version in quotes, such as \"24.0\""),
        (ValueKind::Address, _, Some(text)) if is_address(text) => Ok(Setting::Text(text.to_owned())),
        (ValueKind::Address, ..) => {
            Err("an address in quotes, such as \"https://pypi.example.org/simple\", without a user or a password")
        }
    }
}

/// Whether a text is the plain address of a source: what stands in an image is read by everybody who has it.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:%+?=&".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain))
}

/// Whether a text is a plain version.
fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '!'))
}

/// Checks that a patch of that id exists.
///
/// # Errors
/// With the ids that exist.
pub fn known(id: &str, catalogue: &Catalogue) -> Result<(), String> {
    if catalogue.has(id) {
        return Ok(());
    }
    Err(format!("there is no patch {id:?}; there are {}", catalogue.ids().join(", ")))
}
