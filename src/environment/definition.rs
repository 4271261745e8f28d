//! Azure ML's environment definitions: SDK v1's `azureml_environment.json`, the environment of a runconfig, and CLI
//! v2's YAML, alone or inside a job, a component or a deployment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_yaml::Value;

use super::conda::{CondaEnvironment, Text};
use super::document::{Document, NodeId, ReadError, Syntax};
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
            "properties",
            "type",
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
    /// Reads a file that may hold definitions; `None` when it holds none.
    ///
    /// # Errors
    /// When it is not written in that syntax, exceeds a limit, or is read differently by the two readers.
    pub fn parse(source: &Source, syntax: Syntax) -> Result<Option<Self>, ReadError> {
        let text = source.text();
        if !may_define(text, syntax) {
            return Ok(None);
        }
        let document = Document::read(text, syntax)?;
        let Some(root) = document.root() else { return Ok(None) };
        let value = values::read_checked(text, syntax)?;
        let Some((format, found)) = definitions(&document, root, &value, syntax) else { return Ok(None) };
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
        let named = named_files(&document, root);
        Ok(Some(Self { format, definitions, named, document }))
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

/// Words of which a definition has at least one. A look at them spares the other files of a folder a reading.
fn may_define(text: &str, syntax: Syntax) -> bool {
    let has =
        |words: &[&str]| words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some());
    match syntax {
        Syntax::Json => has(&["precache", "recachePackages", "\"docker\"", "\"spark\"", "userManagedDependencies"]),
        Syntax::Yaml => has(&["nvironment", "mage:", "uild:", "onda_file"]),
    }
}

type Found = (Format, Vec<(Vec<Step>, NodeId)>);

/// The maps of a document that are definitions.
fn definitions(document: &Document, root: NodeId, value: &Value, syntax: Syntax) -> Option<Found> {
    let map = value.as_mapping()?;
    if syntax == Syntax::Json {
        return is_v1(value).then(|| (Format::SdkV1, vec![(Vec::new(), root)]));
    }
    if is_v2_environment(value) {
        return Some((Format::CliV2, vec![(Vec::new(), root)]));
    }
    let named = |key: &&Value| key.as_str().is_some_and(|key| Format::RunConfig.reads(key) == "environment");
    if let Some(key) = map.keys().filter(named).last().and_then(Value::as_str)
        && let (Some(environment), Some((_, node))) = (map.get(key), document.get(root, key))
        && is_run(map)
        && is_v1(environment)
    {
        return Some((Format::RunConfig, vec![(vec![Step::Key(key.to_owned())], node)]));
    }
    if !is_v2_holder(map) {
        return None;
    }
    let mut found = Vec::new();
    inside(document, root, value, &mut Vec::new(), &mut found);
    let named = !named_files(document, root).is_empty();
    (!found.is_empty() || named).then_some((Format::CliV2, found))
}

/// Whether a map has the shape of an environment of SDK v1.
fn is_v1(value: &Value) -> bool {
    let Some(map) = value.as_mapping() else { return false };
    let keys = |section: &str| {
        let known = Format::SdkV1.keys(section).unwrap_or_default();
        let found = map.iter().find(|(key, _)| key.as_str().is_some_and(|key| alike(key, section)));
        found.and_then(|(_, section)| section.as_mapping()).is_some_and(|section| {
            let mut keys = section.keys().filter_map(Value::as_str);
            keys.any(|key| key == "<<" || known.iter().any(|known| alike(known, key)))
        })
    };
    if ["image", "build", "conda_file"].iter().any(|key| map.contains_key(*key)) {
        return false;
    }
    // `"spark": null` is a v1 definition that the SDK cannot load.
    let null_spark = map.get("spark").is_some_and(Value::is_null)
        && (map.contains_key("python") || map.contains_key("docker") || map.contains_key("name"));
    keys("python") || keys("docker") || keys("spark") || null_spark
}

/// Whether a map is a runconfig: it says what to run.
fn is_run(map: &serde_yaml::Mapping) -> bool {
    const KEYS: [&str; 9] = [
        "script",
        "framework",
        "target",
        "communicator",
        "history",
        "autoPrepareEnvironment",
        "nodeCount",
        "arguments",
        "command",
    ];
    map.keys().filter_map(Value::as_str).any(|written| KEYS.iter().any(|key| alike(written, key)))
}

/// Whether a map is an environment of CLI v2: it has no other keys, and says what it is built from.
fn is_v2_environment(value: &Value) -> bool {
    let Some(map) = value.as_mapping() else { return false };
    let schema = map.get("$schema").and_then(Value::as_str).map(str::to_ascii_lowercase);
    if schema.is_some_and(|schema| schema.ends_with("environment.schema.json") && schema.contains("azureml")) {
        return true;
    }
    is_v2_map(map) && map.keys().filter_map(Value::as_str).any(|key| alike(key, "name"))
}

/// Whether a map has the keys of an environment of CLI v2 and no others.
fn is_v2_map(map: &serde_yaml::Mapping) -> bool {
    // The preview of CLI v2 had `docker:` and `path:`.
    const OLD: [&str; 3] = ["docker", "path", "datastore"];
    let known = Format::CliV2.keys("").unwrap_or_default();
    let text = |key: &str| map.get(key).is_some_and(Value::is_string);
    let source = text("image")
        || map.get("build").and_then(Value::as_mapping).is_some_and(|build| {
            let known = ["path", "dockerfile_path", "local_path"];
            build.keys().filter_map(Value::as_str).all(|key| known.iter().any(|known| alike(known, key)))
        })
        || map.get("conda_file").is_some_and(|conda| conda.is_string() || conda.get("dependencies").is_some());
    let belongs = |key: &str| known.iter().chain(&OLD).any(|known| alike(known, key));
    source && map.keys().all(|key| key.as_str().is_some_and(belongs))
}

/// Whether a map is a job, a component or a deployment of CLI v2.
fn is_v2_holder(map: &serde_yaml::Mapping) -> bool {
    const KEYS: [&str; 8] = [
        "code_configuration",
        "compute",
        "endpoint_name",
        "experiment_name",
        "instance_type",
        "jobs",
        "command",
        "trial",
    ];
    let schema = map.get("$schema").and_then(Value::as_str).map(str::to_ascii_lowercase);
    schema.is_some_and(|schema| schema.contains("azureml")) || KEYS.iter().any(|key| map.contains_key(*key))
}

/// Collects the environments that are written inside other definitions. No deeper than documents are read.
fn inside(
    document: &Document,
    node: NodeId,
    value: &Value,
    path: &mut Vec<Step>,
    found: &mut Vec<(Vec<Step>, NodeId)>,
) {
    if let (Some(entries), Some(map)) = (document.entries(node), value.as_mapping()) {
        for (key, child) in entries {
            let Some(name) = document.scalar(*key) else { continue };
            let Some(value) = map.get(name) else { continue };
            path.push(Step::Key(name.to_owned()));
            if name == "environment" && value.as_mapping().is_some_and(is_v2_map) {
                found.push((path.clone(), *child));
            } else if !document.is_shared(*child) {
                inside(document, *child, value, path, found);
            }
            path.pop();
        }
    } else if let (Some(items), Some(list)) = (document.items(node), value.as_sequence()) {
        for (index, (child, value)) in items.iter().zip(list).enumerate() {
            path.push(Step::Item(index));
            if !document.is_shared(*child) {
                inside(document, *child, value, path, found);
            }
            path.pop();
        }
    }
}

/// The files that stand in the place of an environment: `environment: file:env.yml`.
fn named_files(document: &Document, root: NodeId) -> Vec<(String, Span)> {
    let mut named = Vec::new();
    for id in document.ids() {
        let super::document::Kind::Mapping { entries, .. } = &document.node(id).kind else { continue };
        for (key, value) in entries {
            let Some(text) = document.scalar(*value).filter(|_| document.scalar(*key) == Some("environment")) else {
                continue;
            };
            // A path without `file:` is refused by azure-ai-ml.
            if let (Some(path), Some(_)) = (text.strip_prefix("file:"), document.entries(root)) {
                named.push((path.to_owned(), document.node(*value).span));
            }
        }
    }
    named
}
