//! Azure ML's environment definitions: SDK v1's `azureml_environment.json`, the environment of a runconfig, and CLI
//! v2's YAML, alone or inside a job, a component or a deployment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_yaml::Value;

use super::conda::{CondaEnvironment, Text};
use super::document::{Document, NodeId, ReadError, Syntax};
use super::recognise::{self, Sure};
use super::values;
use crate::change::Step;
use crate::source::{Source, Span};

/// A file that holds definitions.
#[derive(Clone, Debug)]
pub struct AzureFile {
    /// What kind of file it is.
    pub format: Format,
    /// The definitions in it, in the order in which they begin.
    pub definitions: Vec<Arc<Definition>>,
    /// Files that hold a definition and are named in its place: the text and where it stands.
    pub named: Vec<(String, Span)>,
    /// Environments of the workspace that are asked for by their name alone: the text and where it stands.
    pub unversioned: Vec<(String, Span)>,
    document: Arc<Document>,
}

/// What a definition is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `azureml_environment.json` of SDK v1.
    SdkV1,
    /// A runconfig of SDK v1.
    RunConfig,
    /// CLI or SDK v2.
    CliV2,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Where in the file it stands: nothing for a file that is one.
    pub path: Vec<Step>,
    /// Its map.
    pub map: NodeId,
    /// Its text.
    pub span: Span,
    /// The conda environment written inside it.
    pub conda: Option<CondaEnvironment>,
    value: Value,
}

/// A key that is there.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The map that it stands in.
    pub map: NodeId,
    /// The key as it is written.
    pub name: String,
    /// The key.
    pub key: NodeId,
    /// Its value.
    pub value: NodeId,
    /// Where it stands in the file.
    pub path: Vec<Step>,
}

/// The map that holds a key, or would.
#[derive(Clone, Debug)]
pub struct Holder<'k> {
    /// The map.
    pub map: NodeId,
    /// Where it stands in the file.
    pub path: Vec<Step>,
    /// The key's own name.
    pub name: &'k str,
}

/// The keys that azureml-core 1.61 and azure-ai-ml 1.35 read, by the map that they stand in.
const V1_KEYS: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "name",
            "version",
            "environmentVariables",
            "python",
            "docker",
            "spark",
            "databricks",
            "r",
            "inferencingStackVersion",
            "assetId",
        ],
    ),
    (
        "python",
        &[
            "userManagedDependencies",
            "interpreterPath",
            "condaDependenciesFile",
            "condaDependencies",
            "baseCondaEnvironment",
        ],
    ),
    (
        "docker",
        &[
            "enabled",
            "baseImage",
            "baseDockerfile",
            "buildContext",
            "sharedVolumes",
            "shmSize",
            "gpuSupport",
            "arguments",
            "baseImageRegistry",
            "platform",
        ],
    ),
    ("docker.baseImageRegistry", &["address", "username", "password", "registryIdentity"]),
    ("docker.platform", &["os", "architecture"]),
    ("spark", &["repositories", "packages", "precachePackages"]),
];
const V2_KEYS: [(&str, &[&str]); 2] = [
    (
        "",
        &[
            "$schema",
            "name",
            "version",
            "image",
            "conda_file",
            "build",
            "description",
            "tags",
            "os_type",
            "inference_config",
            "creation_context",
            "datastore",
        ],
    ),
    ("build", &["path", "dockerfile_path"]),
];

impl Format {
    /// The keys that the client reads in a map of the definition; `None` where any may stand.
    #[must_use]
    pub fn keys(self, map: &str) -> Option<&'static [&'static str]> {
        let table: &[(&str, &[&str])] = if self == Format::CliV2 { &V2_KEYS } else { &V1_KEYS };
        table.iter().find(|(name, _)| *name == map).map(|(_, keys)| *keys)
    }

    /// The key that a client takes a written one for. azureml-core turns those of a runconfig into camel case.
    #[must_use]
    pub fn reads(self, written: &str) -> Cow<'_, str> {
        if self != Format::RunConfig {
            return Cow::Borrowed(written);
        }
        let mut parts = written.split('_');
        let mut out = String::with_capacity(written.len());
        let mut letters = parts.next().unwrap_or_default().chars();
        out.extend(letters.next().map(|c| c.to_ascii_lowercase()));
        out.push_str(letters.as_str());
        for part in parts {
            let mut letters = part.chars();
            out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            out.extend(letters.map(|c| c.to_ascii_lowercase()));
        }
        Cow::Owned(out)
    }

    /// The maps whose keys are known, by their path in the definition.
    pub fn maps(self) -> impl Iterator<Item = &'static str> {
        let table: &'static [(&str, &[&str])] = if self == Format::CliV2 { &V2_KEYS } else { &V1_KEYS };
        table.iter().map(|(name, _)| *name)
    }
}

impl AzureFile {
    /// Reads a file that may hold definitions; `None` when it holds none. A file that a person `named` may have a shape
    /// that others have too.
    ///
    /// # Errors
    /// When it is not written in that syntax, exceeds a limit, or is read differently by the two readers.
    pub fn parse(source: &Source, syntax: Syntax, named: bool) -> Result<Option<Self>, ReadError> {
        let text = source.text();
        let file = source.name().rsplit('/').next().unwrap_or_default();
        let own_name = file == "azureml_environment.json" || file.ends_with(".runconfig");
        let sure = if own_name {
            Sure::ByName
        } else if named {
            Sure::ByPerson
        } else {
            Sure::Not
        };
        if sure != Sure::ByName && !recognise::may_define(text, syntax) {
            return Ok(None);
        }
        let document = Document::read(text, syntax)?;
        let Some(root) = document.root() else { return Ok(None) };
        let value = values::read_checked(text, syntax)?;
        let Some((format, found)) = recognise::definitions(&document, root, &value, syntax, sure) else {
            return Ok(None);
        };
        if let Some(directive) = text.lines().position(|line| line.starts_with("%YAML 1.1")) {
            let offset = text.split_inclusive('\n').take(directive).map(str::len).sum();
            let message = "the directive %YAML 1.1 gives words like `no` another meaning; take it out";
            return Err(ReadError::at(text, offset, message));
        }
        let (document, shared) = (Arc::new(document), Text::of(source));
        let mut definitions = Vec::with_capacity(found.len());
        for (path, map) in found {
            let mut of_map = values::get(&value, &path).cloned().unwrap_or_default();
            let merged = of_map.apply_merge();
            merged.map_err(|error| ReadError::at(text, document.node(map).span.start, error.to_string()))?;
            if format == Format::RunConfig {
                of_map = as_read(of_map, "");
            }
            let conda_key = match format {
                Format::CliV2 => vec!["conda_file"],
                _ => vec!["python", "condaDependencies"],
            };
            let mut conda = None;
            let inline = conda_key.iter().try_fold(map, |map, key| document.get(map, key).map(|(_, value)| value));
            let inline_path: Vec<Step> =
                path.iter().cloned().chain(conda_key.iter().map(|key| Step::Key((*key).to_owned()))).collect();
            if let (Some(inline), Some(inner)) = (inline, values::get(&value, &inline_path))
                && inner.is_mapping()
            {
                conda = CondaEnvironment::within(source, &shared, &document, inline, inline_path, inner)?;
            }
            let span = document.node(map).span;
            definitions.push(Arc::new(Definition { path, map, span, conda, value: of_map }));
        }
        let named = recognise::named_files(&document, root);
        let unversioned = if format == Format::CliV2 { recognise::unversioned(&document, root) } else { Vec::new() };
        Ok(Some(Self { format, definitions, named, unversioned, document }))
    }

    /// The document as a tree.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What the file is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.document.syntax()
    }

    /// The places that a comment may speak of: every entry of a map and every dependency.
    #[must_use]
    pub fn places(&self) -> Vec<Span> {
        let document = &self.document;
        let entries = document.ids().filter_map(|id| match &document.node(id).kind {
            super::document::Kind::Mapping { entries, .. } => Some(entries),
            _ => None,
        });
        let mut places: Vec<Span> = entries
            .flatten()
            .map(|(key, value)| {
                let (key, value) = (document.node(*key).span, document.node(*value).span);
                if value.is_empty() { key } else { key.join(value) }
            })
            .collect();
        let inline = self.definitions.iter().filter_map(|definition| definition.conda.as_ref());
        places.extend(inline.flat_map(|conda| &conda.dependencies).map(|item| item.item()));
        places.sort_unstable();
        places
    }

    /// A key of a definition that is there.
    #[must_use]
    pub fn entry(&self, definition: &Definition, key: &str) -> Option<Entry> {
        let Holder { map, path, name } = self.holder(definition, key)?;
        let (key, value) = self.find(map, name)?;
        let name = self.document.scalar(key)?.to_owned();
        let path = path.into_iter().chain([Step::Key(name.clone())]).collect();
        Some(Entry { map, name, key, value, path })
    }

    /// The map that holds a key of a definition, or would.
    #[must_use]
    pub fn holder<'k>(&self, definition: &Definition, key: &'k str) -> Option<Holder<'k>> {
        let (parents, name) = key.rsplit_once('.').unwrap_or(("", key));
        let (mut map, mut path) = (definition.map, definition.path.clone());
        for part in parents.split('.').filter(|part| !part.is_empty()) {
            let (key, value) = self.find(map, part)?;
            path.push(Step::Key(self.document.scalar(key)?.to_owned()));
            map = value;
        }
        self.document.entries(map).is_some().then_some(Holder { map, path, name })
    }

    /// The entry of a map that the client reads under a name: the last, where several spellings are read.
    fn find(&self, map: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        let entries = self.document.entries(map)?.iter().rev();
        entries.copied().find(|(key, _)| self.document.scalar(*key).is_some_and(|key| self.format.reads(key) == name))
    }

    /// The keys of a definition that the client would read if they were spelt otherwise, each with what stands there:
    /// written with other capitals, or with `_`.
    #[must_use]
    pub fn misspelt(&self, definition: &Definition) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for map in self.format.maps() {
            let known = self.format.keys(map).unwrap_or_default();
            let inner = if map.is_empty() { "name".to_owned() } else { format!("{map}.name") };
            let Some(holder) = self.holder(definition, &inner) else { continue };
            for (key, _) in self.document.entries(holder.map).unwrap_or_default() {
                let Some(written) = self.document.scalar(*key) else { continue };
                if known.contains(&self.format.reads(written).as_ref()) {
                    continue;
                }
                if let Some(meant) = known.iter().find(|known| alike(known, written)) {
                    let key = if map.is_empty() { (*meant).to_owned() } else { format!("{map}.{meant}") };
                    found.entry(key).or_insert_with(|| written.to_owned());
                }
            }
        }
        found
    }

    /// The keys at the top of a definition that its client does not know, however they were spelt.
    #[must_use]
    pub fn unknown(&self, definition: &Definition) -> Vec<String> {
        let known = self.format.keys("").unwrap_or_default();
        let entries = self.document.entries(definition.map).unwrap_or_default();
        let written = entries.iter().filter_map(|(key, _)| self.document.scalar(*key)).filter(|key| *key != "<<");
        written.filter(|key| known.iter().all(|known| !alike(known, key))).map(str::to_owned).collect()
    }

    /// Where a key of a definition stands: key and value, or the key alone where the value is left out.
    #[must_use]
    pub fn span_of(&self, definition: &Definition, key: &str) -> Option<Span> {
        let entry = self.entry(definition, key)?;
        let (key, value) = (self.document.node(entry.key).span, self.document.node(entry.value).span);
        Some(if value.is_empty() { key } else { key.join(value) })
    }
}

impl Definition {
    /// The value of a key, by its path in the definition.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&self.value, |value, part| value.as_mapping()?.get(part))
    }

    /// A key that holds a text which is not empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The image that the environment is built on, where it names one.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.text("image").or_else(|| self.text("docker.baseImage"))
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> String {
        if self.path.is_empty() { "the environment".to_owned() } else { Step::written(&self.path) }
    }
}

/// The values of a runconfig under the keys that the client reads: those of the maps that it knows, not the names of
/// variables.
fn as_read(value: Value, path: &str) -> Value {
    let Value::Mapping(map) = value else { return value };
    if Format::RunConfig.keys(path).is_none() && path != "docker.buildContext" {
        return Value::Mapping(map);
    }
    let entries = map.into_iter().map(|(key, value)| {
        let Value::String(key) = key else { return (key, value) };
        let key = Format::RunConfig.reads(&key).into_owned();
        let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        (Value::String(key), as_read(value, &inner))
    });
    Value::Mapping(entries.collect())
}

/// Whether two keys differ in nothing but capitals, `_` and `-`.
#[must_use]
pub fn alike(a: &str, b: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> {
        text.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}
