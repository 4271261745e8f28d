//! What a conda environment says, as plain values read by `serde_yaml`: the expectation that an edit
//! is verified against.
//!
//! Nothing here knows where anything stands in the text. An edit is right when the model of the
//! edited text equals the operation applied to the model of the text before.

use serde_yaml::{Mapping, Value};

use super::yaml::{Document, YamlError};

/// The values of a definition. Two are equal when every key, in its order, has the same value.
#[derive(Clone, Debug, PartialEq)]
pub struct CondaModel {
    /// The keys of the document in order.
    pub keys: Vec<Value>,
    /// The items of `dependencies:`.
    pub dependencies: Vec<Value>,
    /// Every other key with its value: `name`, `channels`, `prefix`, `variables` and what else is
    /// there.
    pub rest: Mapping,
}

/// Reads the values of a definition.
///
/// # Errors
/// When the text is not YAML, exceeds a limit, or has no list `dependencies:`.
pub fn model(text: &str) -> Result<CondaModel, YamlError> {
    // The other reader's limits come first: this one's parser is slow on deep nesting.
    Document::read(text)?;
    CondaModel::read(text)
}

impl CondaModel {
    /// Reads a text that has passed [`Document::read`].
    pub(super) fn read(text: &str) -> Result<Self, YamlError> {
        let not_conda = || YamlError::at(text, 0, "no list `dependencies:`: not a conda environment");
        // This reader takes a byte order mark for the first letter of the first key.
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_yaml::from_str(body).map_err(|error| {
            let location = error.location();
            let offset = location.as_ref().map_or(0, |location| text.len() - body.len() + location.index());
            let message = error.to_string();
            let message = match message.split(" at line ").next().unwrap_or(&message) {
                "repetition limit exceeded" => "aliases of aliases that stand for far more than the text holds",
                other => other,
            };
            YamlError::at(text, offset, message)
        })?;
        let Value::Mapping(mut rest) = value else { return Err(not_conda()) };
        let keys = rest.keys().cloned().collect();
        match rest.shift_remove("dependencies") {
            Some(Value::Sequence(dependencies)) => Ok(Self { keys, dependencies, rest }),
            _ => Err(not_conda()),
        }
    }

    /// The name, when it is a string.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.rest.get("name")?.as_str()
    }

    /// The channels that are strings, in order.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        let channels = self.rest.get("channels").and_then(Value::as_sequence);
        channels.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The definition with a conda package put before the item `index`, or behind the last.
    #[must_use]
    pub fn insert(mut self, index: usize, spec: &str) -> Self {
        let index = index.min(self.dependencies.len());
        self.dependencies.insert(index, Value::String(spec.to_owned()));
        self
    }

    /// The definition with the item `index` made this conda package; unchanged without such an item.
    #[must_use]
    pub fn set(mut self, index: usize, spec: &str) -> Self {
        if let Some(item) = self.dependencies.get_mut(index) {
            *item = Value::String(spec.to_owned());
        }
        self
    }
}
