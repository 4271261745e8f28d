//! Which files hold environments of Azure ML, by what they say.
//!
//! Many other tools have YAML and JSON with an `image:`, a `build:`, an `environment:` or a section `docker`. So a file
//! that nobody named is taken for a definition only by something that nobody else writes.

use serde_yaml::{Mapping, Value};

use super::definition::{Format, alike};
use super::document::{Document, Kind, NodeId, Syntax};
use crate::change::Step;
use crate::source::Span;

/// How sure it is, before it is read, that a file holds a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// It has the name that azureml-core gives such files.
    ByName,
    /// A person named it, or another definition.
    ByPerson,
    /// It lies in a folder.
    Not,
}

/// Words of which a definition has at least one. A look at them spares the other files of a folder a reading.
pub(super) fn may_define(text: &str, syntax: Syntax) -> bool {
    let has =
        |words: &[&str]| words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some());
    match syntax {
        Syntax::Json => has(&["precache", "recachePackages", "\"docker\"", "\"spark\"", "userManagedDependencies"]),
        Syntax::Yaml => has(&["nvironment", "mage:", "uild:", "onda_file"]),
    }
}

/// What a file is, and the maps in it that are definitions, each with its path.
type Found = (Format, Vec<(Vec<Step>, NodeId)>);

/// The maps of a document that are definitions.
pub(super) fn definitions(
    document: &Document,
    root: NodeId,
    value: &Value,
    syntax: Syntax,
    sure: Sure,
) -> Option<Found> {
    let map = value.as_mapping()?;
    if syntax == Syntax::Json {
        let own = match sure {
            Sure::ByName => !map.is_empty(),
            Sure::ByPerson => is_v1(map),
            Sure::Not => is_plainly_v1(map),
        };
        return own.then(|| (Format::SdkV1, vec![(Vec::new(), root)]));
    }
    if sure != Sure::ByName && is_v2_environment(map, sure) {
        return Some((Format::CliV2, vec![(Vec::new(), root)]));
    }
    let named = |key: &&Value| key.as_str().is_some_and(|key| Format::RunConfig.reads(key) == "environment");
    if let Some(key) = map.keys().filter(named).last().and_then(Value::as_str)
        && let (Some(environment), Some((_, node))) =
            (map.get(key).and_then(Value::as_mapping), document.get(root, key))
        && is_run(map)
        && if sure == Sure::ByName { is_v1(environment) } else { is_plainly_v1(environment) }
    {
        return Some((Format::RunConfig, vec![(vec![Step::Key(key.to_owned())], node)]));
    }
    let schema = has_schema(map, "");
    if !schema && !is_v2_holder(map) {
        return None;
    }
    let mut found = Vec::new();
    Inside { document, schema, found: &mut found }.look(root, value, &mut Vec::new());
    let refers = !named_files(document, root).is_empty() || !unversioned(document, root).is_empty();
    (!found.is_empty() || refers).then_some((Format::CliV2, found))
}

/// Whether the file says by its schema that it is Azure ML's.
fn has_schema(map: &Mapping, ends: &str) -> bool {
    let schema = map.get("$schema").and_then(Value::as_str).map(str::to_ascii_lowercase);
    schema.is_some_and(|schema| schema.contains("azureml") && schema.ends_with(ends))
}

/// The value of a key, however it is spelt.
fn spelt<'a>(map: &'a Mapping, name: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.as_str().is_some_and(|key| alike(key, name))).map(|(_, value)| value)
}

/// Whether a map has a key of SDK v1 in a section of SDK v1.
fn is_v1(map: &Mapping) -> bool {
    let keys = |section: &str| {
        let known = Format::SdkV1.keys(section).unwrap_or_default();
        spelt(map, section).and_then(Value::as_mapping).is_some_and(|section| {
            let mut keys = section.keys().filter_map(Value::as_str);
            keys.any(|key| key == "<<" || known.iter().any(|known| alike(known, key)))
        })
    };
    if ["image", "build", "conda_file"].iter().any(|key| map.contains_key(*key)) {
        return false;
    }
    let null_spark = map.get("spark").is_some_and(Value::is_null) && (keys("python") || keys("docker"));
    keys("python") || keys("docker") || keys("spark") || null_spark
}

/// Whether a map has a key that only SDK v1 writes.
fn is_plainly_v1(map: &Mapping) -> bool {
    const KEYS: [(&str, &[&str]); 3] = [
        ("python", &["userManagedDependencies", "condaDependenciesFile", "condaDependencies", "baseCondaEnvironment"]),
        ("docker", &["baseDockerfile", "baseImageRegistry"]),
        ("spark", &["precachePackages"]),
    ];
    let telling = |(section, keys): &(&str, &[&str])| {
        let section = spelt(map, section).and_then(Value::as_mapping);
        section.is_some_and(|section| keys.iter().any(|key| spelt(section, key).is_some()))
    };
    is_v1(map) && (KEYS.iter().any(telling) || spelt(map, "inferencingStackVersion").is_some())
}

/// Whether a map is a runconfig: it says what to run.
fn is_run(map: &Mapping) -> bool {
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
    KEYS.iter().any(|key| spelt(map, key).is_some())
}

/// Whether a map is an environment of CLI v2.
fn is_v2_environment(map: &Mapping, sure: Sure) -> bool {
    if has_schema(map, "environment.schema.json") {
        return true;
    }
    is_v2_map(map) && spelt(map, "name").is_some() && (sure == Sure::ByPerson || is_plainly_v2(map))
}

/// Whether a map has the keys of an environment of CLI v2 and no others.
fn is_v2_map(map: &Mapping) -> bool {
    // The preview of CLI v2 had `docker:` and `path:`; the others come from what a workspace shows.
    const OTHERS: [&str; 6] = ["docker", "path", "datastore", "properties", "type", "creation_context"];
    let known = Format::CliV2.keys("").unwrap_or_default();
    let text = |key: &str| map.get(key).is_some_and(Value::is_string);
    let source = text("image")
        || map.get("build").and_then(Value::as_mapping).is_some_and(is_build)
        || map.get("conda_file").is_some_and(|conda| conda.is_string() || conda.get("dependencies").is_some());
    let belongs = |key: &str| known.iter().chain(&OTHERS).any(|known| alike(known, key));
    let build = map.get("build").is_none_or(|build| build.is_null() || build.as_mapping().is_some_and(is_build));
    source && build && map.keys().all(|key| key.as_str().is_some_and(belongs))
}

fn is_build(build: &Mapping) -> bool {
    const KEYS: [&str; 3] = ["path", "dockerfile_path", "local_path"];
    build.keys().all(|key| key.as_str().is_some_and(|key| KEYS.iter().any(|known| alike(known, key))))
}

/// Whether a map has something that only an environment of Azure ML has.
fn is_plainly_v2(map: &Mapping) -> bool {
    let image = map.get("image").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let own_image = image.starts_with("mcr.microsoft.com/azureml/") || image.contains(".azurecr.io/");
    let dockerfile =
        map.get("build").and_then(Value::as_mapping).is_some_and(|build| build.contains_key("dockerfile_path"));
    own_image || dockerfile || ["conda_file", "inference_config", "os_type"].iter().any(|key| map.contains_key(*key))
}

/// Whether a map without a schema is a job, a component or a deployment of CLI v2.
fn is_v2_holder(map: &Mapping) -> bool {
    const TYPES: [&str; 8] = ["command", "pipeline", "sweep", "parallel", "spark", "managed", "kubernetes", "batch"];
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    text("type").is_some_and(|name| TYPES.contains(&name))
        || text("compute").is_some_and(|compute| compute.starts_with("azureml:"))
        || ["code_configuration", "endpoint_name"].iter().any(|key| map.contains_key(*key))
}

/// Collects the environments that are written inside other definitions.
struct Inside<'a> {
    document: &'a Document,
    schema: bool,
    found: &'a mut Vec<(Vec<Step>, NodeId)>,
}

impl Inside<'_> {
    /// No deeper than documents are read. What an alias stands for is met where it is written.
    fn look(&mut self, node: NodeId, value: &Value, path: &mut Vec<Step>) {
        let document = self.document;
        if matches!(document.node(node).kind, Kind::Alias(_)) {
            return;
        }
        if let (Some(entries), Some(map)) = (document.entries(node), value.as_mapping()) {
            for (key, child) in entries {
                let Some(name) = document.scalar(*key) else { continue };
                let Some(value) = map.get(name) else { continue };
                let alias = matches!(document.node(*child).kind, Kind::Alias(_));
                let environment = value.as_mapping().filter(|_| name == "environment" && !alias);
                path.push(Step::Key(name.to_owned()));
                if environment.is_some_and(|it| is_v2_map(it) && (self.schema || is_plainly_v2(it))) {
                    self.found.push((path.clone(), *child));
                } else {
                    self.look(*child, value, path);
                }
                path.pop();
            }
        } else if let (Some(items), Some(list)) = (document.items(node), value.as_sequence()) {
            for (index, (child, value)) in items.iter().zip(list).enumerate() {
                path.push(Step::Item(index));
                self.look(*child, value, path);
                path.pop();
            }
        }
    }
}

/// The environments of the workspace that are asked for by their name alone: `environment: azureml:train`. azure-ai-ml
/// finds neither a version nor a label in it, and refuses it when the job is submitted. A curated environment is another
/// matter: its name goes to the service as it stands.
pub(super) fn unversioned(document: &Document, root: NodeId) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    if document.entries(root).is_none() {
        return found;
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    for id in document.ids() {
        let Kind::Mapping { entries, .. } = &document.node(id).kind else { continue };
        for (key, value) in entries {
            let text = document.scalar(*value).filter(|_| document.scalar(*key) == Some("environment"));
            let Some(name) = text.and_then(|text| text.strip_prefix("azureml:")) else { continue };
            if !name.is_empty() && name.chars().all(letters) && !name.to_ascii_lowercase().starts_with("azureml-") {
                found.push((format!("azureml:{name}"), document.node(*value).span));
            }
        }
    }
    found
}

/// The files that stand in the place of an environment: `environment: file:env.yml`. A path without `file:` is refused
/// by azure-ai-ml.
pub(super) fn named_files(document: &Document, root: NodeId) -> Vec<(String, Span)> {
    let mut named = Vec::new();
    if document.entries(root).is_none() {
        return named;
    }
    for id in document.ids() {
        let Kind::Mapping { entries, .. } = &document.node(id).kind else { continue };
        for (key, value) in entries {
            let text = document.scalar(*value).filter(|_| document.scalar(*key) == Some("environment"));
            if let Some(path) = text.and_then(|text| text.strip_prefix("file:")) {
                named.push((path.to_owned(), document.node(*value).span));
            }
        }
    }
    named
}
