//! The pip to pin for a Python.

use std::collections::BTreeMap;

use super::file::Setting;
use super::subject::versions;
use crate::facts::level::Fact;
use crate::facts::pip_table;
use crate::facts::state::Answer;
use crate::facts::version::{PythonVersion, compare};

/// A pip version to pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// For a Python that is known.
    Known(String),
    /// One that fits every plausible Python.
    Plausible(String),
    /// None, for this reason.
    None(String),
}

impl Pin {
    /// The version, known or plausible.
    pub fn version(&self) -> Option<&str> {
        match self {
            Pin::Known(version) | Pin::Plausible(version) => Some(version),
            Pin::None(_) => None,
        }
    }

    /// The pin for a Python in a Dockerfile: what `envfix.toml` says where it runs there, else the newest of the table.
    pub fn for_python(python: &Answer, values: &BTreeMap<String, Setting>) -> Self {
        let versions = match versions(python) {
            Fact::Unknown { from } => return Pin::None(format!("its Python is not known ({from})")),
            other => other,
        };
        let Some(newest) = pip_table::one_pin_for(versions.values()) else {
            let missing = versions.values().iter().find(|version| pip_table::newest_pip(**version).is_none());
            if let Some(missing) = missing {
                return Pin::None(format!("its table has none for Python {missing} ({})", versions.from()));
            }
            let list: Vec<String> = versions.values().iter().map(ToString::to_string).collect();
            return Pin::None(format!("no one pip runs on Python {} ({})", list.join(" and "), versions.from()));
        };
        let version = match values.get("pip") {
            None => newest.to_owned(),
            Some(wanted) => {
                let wanted = wanted.to_string();
                let too_new = compare(&wanted, newest) == std::cmp::Ordering::Greater
                    && versions.values().iter().any(|version| *version < PythonVersion::new(3, 10));
                // Python 3.12 took away what older pips import; before 20.3.4 none sees compiled wheels on 3.10.
                let least = |version: &PythonVersion| match (version.major, version.minor) {
                    (3, 12..) => "23.1",
                    (3, 10..) => "20.3.4",
                    _ => "19.0",
                };
                let older = |version| compare(&wanted, least(version)) == std::cmp::Ordering::Less;
                let too_old = versions.values().iter().any(older);
                if too_new || too_old {
                    return Pin::None(format!("pip {wanted} of envfix.toml does not run on this Python"));
                }
                wanted
            }
        };
        if versions.value().is_some() { Pin::Known(version) } else { Pin::Plausible(version) }
    }
}
