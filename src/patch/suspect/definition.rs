//! Where a suspicion about a definition of Azure ML holds.

use std::sync::Arc;

use super::super::file::{DefinitionCondition, DefinitionFormat, DockerfilePlace, KeyTest};
use super::super::subject::{AboutDefinition, Subject, Target};
use super::super::view::DefinitionView;
use crate::environment::definition::{Definition, Format};
use crate::environment::values::is_truthy;
use crate::facts::image;
use crate::facts::reference::ImageReference;
use crate::finding::Evidence;
use crate::relation::DockerfileState;
use crate::source::Span;
use serde_yaml::Value;

/// The definitions of a file that a condition holds of.
pub fn definitions(view: &DefinitionView<'_>, condition: &DefinitionCondition) -> Vec<Subject> {
    let format = match view.file.format {
        Format::SdkV1 => DefinitionFormat::SdkV1,
        Format::RunConfig => DefinitionFormat::Runconfig,
        Format::CliV2 => DefinitionFormat::CliV2,
    };
    if !condition.format.is_empty() && !condition.format.contains(&format) {
        return Vec::new();
    }
    if condition.unversioned_reference {
        return references(view);
    }
    let numbered = view.file.definitions.iter().enumerate();
    numbered.flat_map(|(number, definition)| of_definition(view, condition, number, definition)).collect()
}

/// The environments that are asked for by their name alone.
fn references(view: &DefinitionView<'_>) -> Vec<Subject> {
    let subject = |(written, place): &(String, Span)| {
        let mut subject = Subject::new(Target::Reference { start: place.start }, *place, None);
        subject.texts.insert("written", written.clone());
        subject
    };
    view.file.unversioned.iter().take(MANY_KEYS).map(subject).collect()
}

/// Of more keys than this nobody reads the report.
const MANY_KEYS: usize = 20;

fn of_definition(
    view: &DefinitionView<'_>,
    condition: &DefinitionCondition,
    number: usize,
    definition: &Definition,
) -> Vec<Subject> {
    let own = definition.path.is_empty() || view.file.format == Format::RunConfig;
    if condition.file_of_its_own.is_some_and(|wanted| wanted != own) {
        return Vec::new();
    }
    if condition.not_beside.iter().any(|name| view.context.has(name) != Some(false)) {
        return Vec::new();
    }
    let about = view.about(number);
    if !condition.dockerfile.is_empty() && !condition.dockerfile.iter().any(|place| is_at(*place, &about.dockerfile)) {
        return Vec::new();
    }
    let holds = |(key, tests): (&String, &Vec<KeyTest>)| tests.iter().any(|test| about.passes(key, test));
    if !condition.keys.iter().all(holds) {
        return Vec::new();
    }
    if let Some(besides) = &condition.unknown_key_besides {
        let unknown = view.file.unknown(definition);
        let told = unknown.iter().filter(|key| !besides.contains(key)).take(MANY_KEYS);
        return told.map(|key| subject(view, condition, number, about, Some(key))).collect();
    }
    if condition.misspelt_key {
        let keys: Vec<&String> = about.misspelt.keys().collect();
        return keys.into_iter().map(|key| subject(view, condition, number, about, Some(key))).collect();
    }
    vec![subject(view, condition, number, about, None)]
}

fn subject(
    view: &DefinitionView<'_>,
    condition: &DefinitionCondition,
    number: usize,
    about: &Arc<AboutDefinition>,
    misspelt: Option<&String>,
) -> Subject {
    let definition = &about.definition;
    let document = view.file.document();
    let written = misspelt.and_then(|key| {
        let holder = view.file.holder(definition, key)?;
        let written = about.misspelt.get(key).map_or(holder.name, String::as_str);
        let (key, _) = document.get(holder.map, written)?;
        Some(document.node(key).span)
    });
    let first = condition.keys.keys().find_map(|key| view.file.span_of(definition, key));
    let at = condition.at.as_deref().and_then(|key| view.file.span_of(definition, key));
    let place = at.or(written).or(first).unwrap_or(definition.span);
    let target = Target::Definition { number, key: misspelt.cloned() };
    let mut subject = Subject::new(target, place, None);
    let says = |key: &String| {
        let span = view.file.span_of(definition, key)?;
        // What stands there may be a secret, so it is not repeated.
        let what = match definition.get(key) {
            None | Some(Value::Null) => "is null",
            Some(Value::Bool(true)) => "is true",
            Some(Value::Bool(false)) => "is false",
            Some(value) if is_truthy(value) => "is set",
            Some(_) => "is empty",
        };
        Some(Evidence { span, note: format!("{key} {what}") })
    };
    subject.evidence = condition.keys.keys().filter_map(says).collect();
    subject.key = misspelt.cloned().or_else(|| condition.at.clone());
    if let Some(image) = definition.image() {
        let facts = image::describe(image);
        subject.release = facts.release.clone();
        subject.python = facts.python3.clone();
    }
    subject.definition = Some(Arc::clone(about));
    subject
}

fn is_at(place: DockerfilePlace, state: &DockerfileState) -> bool {
    match state {
        DockerfileState::There(_) => place == DockerfilePlace::There,
        DockerfileState::FromDefinition(_) => place == DockerfilePlace::NamedFromDefinition,
        DockerfileState::Other(_) => place == DockerfilePlace::OtherName,
        DockerfileState::Missing => place == DockerfilePlace::Missing,
        DockerfileState::NoContext => place == DockerfilePlace::NoContext,
        DockerfileState::Unknown => false,
    }
}

impl AboutDefinition {
    /// Whether a key passes a test.
    pub fn passes(&self, key: &str, test: &KeyTest) -> bool {
        let value = self.definition.get(key);
        let text = value.and_then(Value::as_str);
        let begins = |prefixes: &[String]| {
            text.is_some_and(|text| {
                let lower = text.to_ascii_lowercase();
                prefixes.iter().any(|prefix| lower.starts_with(&prefix.to_ascii_lowercase()))
            })
        };
        match test {
            KeyTest::Missing => value.is_none() && !self.misspelt.contains_key(key),
            KeyTest::Nothing => value.is_some_and(Value::is_null),
            KeyTest::Empty => match value {
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Sequence(items)) => items.is_empty(),
                Some(Value::Mapping(map)) => map.is_empty(),
                _ => false,
            },
            KeyTest::Filled => match value {
                None | Some(Value::Null) => false,
                Some(value @ (Value::String(_) | Value::Sequence(_) | Value::Mapping(_))) => is_truthy(value),
                Some(_) => true,
            },
            KeyTest::On => value.is_some_and(is_truthy),
            KeyTest::Off => value.is_some_and(|value| !value.is_null() && !is_truthy(value)),
            KeyTest::BeginsWith(prefixes) => begins(prefixes),
            KeyTest::BeginsOtherwise(prefixes) => text.is_some() && !begins(prefixes),
            KeyTest::LongerThan(most) => text.is_some_and(|text| text.chars().count() > *most),
            KeyTest::ImageWithoutTag => text
                .filter(|text| !text.is_empty() && !text.contains(['{', '$', '<']))
                .and_then(|text| ImageReference::parse(text).ok())
                .is_some_and(|reference| reference.tag.is_none() && reference.digest.is_none()),
            KeyTest::ImageNamed(names) => {
                text.and_then(|text| ImageReference::parse(text).ok()).is_some_and(|image| is_named(names, &image))
            }
            KeyTest::HasKeysBesides(names) => value.and_then(Value::as_mapping).is_some_and(|map| {
                map.keys().any(|key| key.as_str().is_some_and(|key| names.iter().all(|name| name != key)))
            }),
        }
    }
}

/// Whether an image is one of those names, with any tag or digest.
pub(super) fn is_named(names: &[String], image: &ImageReference<'_>) -> bool {
    let name = match image.registry {
        Some(registry) => format!("{registry}/{}", image.name),
        None => image.name.to_owned(),
    };
    names.contains(&name)
}
