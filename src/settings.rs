//! What a person asked for: which patches, how much, and with which values. On the command line for a run, in
//! `envfix.toml` for a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Only what fails or will fail.
    #[serde(default)]
    pub faults: bool,
    /// Unsafe fixes too.
    #[serde(default)]
    pub r#unsafe: bool,
    /// Only these patches.
    #[serde(default)]
    pub only: Vec<String>,
    /// None of these patches.
    #[serde(default)]
    pub skip: Vec<String>,
    /// The values that remedies write.
    #[serde(default, deserialize_with = "values")]
    pub values: BTreeMap<String, Setting>,
}

/// Reads the values. A version without quotes is a number with a fraction to TOML, and is told so.
fn values<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Setting>, D::Error> {
    let written = BTreeMap::<String, toml::Value>::deserialize(deserializer)?;
    let read = |(name, value): (String, toml::Value)| match value {
        toml::Value::Integer(number) if number >= 0 => Ok((name, Setting::Number(number.unsigned_abs()))),
        toml::Value::String(text) => Ok((name, Setting::Text(text))),
        other => {
            let written = other.as_float().map_or_else(|| format!("a {}", other.type_str()), |number| number.to_string());
            let wanted = "a whole number, or a version in quotes, such as \"24.0\"";
            Err(serde::de::Error::custom(format!("{name} is {written}: write {wanted}")))
        }
    };
    written.into_iter().map(read).collect()
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
        let settings: Settings =
            toml::from_str(&text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        for id in settings.only.iter().chain(&settings.skip) {
            known(id, catalogue).map_err(fail)?;
        }
        let names = catalogue.value_names();
        let defaults = catalogue.default_values();
        for (name, value) in &settings.values {
            if !names.contains(name.as_str()) {
                let names: Vec<&str> = names.iter().copied().collect();
                return Err(fail(format!("[values]: no patch uses {name:?}; there are {}", names.join(", "))));
            }
            let fail = |wanted: &str| fail(format!("[values]: {name} = {:?}: write {wanted}", value.to_string()));
            let is_number = matches!(defaults.get(name), Some(Setting::Number(_)));
            match value {
                Setting::Number(number) if is_number && *number > 0 => {}
                Setting::Text(text) if !is_number && is_version(text) => {}
                _ if is_number => return Err(fail("a whole number above 0, without quotes")),
                _ => return Err(fail("a version in quotes, such as \"24.0\"")),
            }
        }
        Ok(settings)
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
    if catalogue.get(id).is_some() {
        return Ok(());
    }
    Err(format!("there is no patch {id:?}; there are {}", catalogue.ids().join(", ")))
}
