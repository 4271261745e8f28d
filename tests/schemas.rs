//! The JSON Schemas in `docs/`: made from the types, kept in the repository for editors and for those who read
//! reports, and true of what there is. `ENVFIX_UPDATE=1 cargo test --test schemas` writes them anew.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use envfix::output::json::Report;
use envfix::patch::file::Patch;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use support::{CONDA, PLAIN, Sandbox, UNSAFE};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The schema of what envfix writes.
fn report_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<Report>().to_value()
}

/// The schema of what a person writes.
fn patch_schema() -> Value {
    schema_of::<Patch>(SchemaSettings::draft2020_12())
}

fn schema_of<T: JsonSchema>(settings: SchemaSettings) -> Value {
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[track_caller]
fn is_up_to_date(file: &str, schema: &Value) {
    let path = root("docs").join(file);
    let wanted = serde_json::to_string_pretty(schema).unwrap() + "\n";
    // A checkout may have turned the newlines.
    let found = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if found == wanted {
        return;
    }
    if std::env::var_os("ENVFIX_UPDATE").is_some_and(|value| value == "1") {
        fs::create_dir_all(root("docs")).unwrap();
        fs::write(&path, wanted).unwrap();
        return;
    }
    let difference = envfix::output::diff::unified(&format!("docs/{file}"), &found, &wanted);
    panic!(
        "docs/{file} is not what its types say (a type changed, or the file was edited by hand).\n\
         ENVFIX_UPDATE=1 cargo test --test schemas  writes it anew.\n{difference}"
    );
}

#[test]
fn the_schema_of_the_report_is_up_to_date() {
    is_up_to_date("report.schema.json", &report_schema());
}

#[test]
fn the_schema_of_patches_is_up_to_date() {
    is_up_to_date("patch.schema.json", &patch_schema());
}

#[test]
fn the_schemas_use_nothing_that_the_check_below_does_not_know() {
    for schema in [report_schema(), patch_schema()] {
        let mut unknown = Vec::new();
        keywords(&schema, &mut unknown);
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn every_part_of_the_schemas_is_described() {
    for schema in [report_schema(), patch_schema()] {
        let parts = schema["$defs"].as_object().unwrap().iter().map(|(name, part)| (name.as_str(), part));
        for (name, part) in parts.chain([("the whole", &schema)]) {
            assert!(part["description"].is_string(), "{name} has no description");
            for (key, property) in part["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}.{key} has no description");
            }
        }
    }
}

#[test]
fn every_builtin_patch_and_every_sample_patch_fits_the_schema() {
    let (schema, mut count) = (patch_schema(), 0);
    for folder in ["patches", "testdata/patches"] {
        for entry in fs::read_dir(root(folder)).unwrap() {
            let path = entry.unwrap().path();
            let patch: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let misfits = misfits(&schema, &patch);
            assert!(misfits.is_empty(), "{}:\n{}", path.display(), misfits.join("\n"));
            count += 1;
        }
    }
    assert!(count >= 7, "{count} patches");
}

#[test]
fn a_patch_with_a_mistake_does_not_fit_the_schema() {
    let text = fs::read_to_string(root("patches/timeouts.yaml")).unwrap();
    let good: Value = serde_yaml::from_str(&text).unwrap();
    let schema = patch_schema();
    let mistakes: [(&str, &str, Value); 7] = [
        ("", "colour", json!("red")),
        ("", "id", json!(7)),
        ("/document", "sections", json!("s")),
        ("/cases/0/suspect/0/stage", "downloads-with", json!(["npm"])),
        ("/cases/0/suspect/0", "hardening", json!(["h"])),
        ("/cases/0/remedy/1", "ensure", json!([{"fly": 1}])),
        ("/cases/0/remedy/1", "safety", json!("harmless")),
    ];
    for (place, key, value) in mistakes {
        let mut bad = good.clone();
        let part = bad.pointer_mut(place).and_then(Value::as_object_mut).unwrap_or_else(|| panic!("{place} is no map"));
        part.insert(key.to_owned(), value);
        assert!(!misfits(&schema, &bad).is_empty(), "{place}/{key} fits");
    }
    for (place, key) in [("", "id"), ("", "title"), ("", "cases"), ("/document", "says"), ("/cases/0", "remedy")] {
        let mut bad = good.clone();
        bad.pointer_mut(place).and_then(Value::as_object_mut).unwrap().remove(key);
        assert!(!misfits(&schema, &bad).is_empty(), "it fits without {place}/{key}");
    }
}

/// Reports that between them show every part of the format.
fn reports() -> Vec<Value> {
    let here = Sandbox::of("linked");
    let skip = "# envfix: skip=distutils,timeouts\n";
    here.write("a/Dockerfile", format!("{PLAIN}{skip}RUN pip install django\n"));
    here.write("b/Dockerfile", UNSAFE);
    here.write("c/Dockerfile", "ARG BASE\nFROM ${BASE}\nRUN pip install -U pip\n");
    here.write("d/Dockerfile", b"FROM a\n\0");
    here.write(
        "e/Dockerfile",
        format!("FROM python:3.10\n# envfix: skip=timeouts\n{}", PLAIN.split_once('\n').unwrap().1),
    );
    here.write("f/environment.yml", CONDA);
    here.write("g/environment.yml", "dependencies:\n- pip\n- pip: [flask]\n");
    let run = |arguments: &[&str]| here.run(&[&["--format", "json"], arguments].concat()).json();
    let failing = "Step 3/3 : RUN python setup.py install\n/bin/sh: 1: python: not found\n\
                   ERROR: No matching distribution found for flsk\n\
                   The command '/bin/sh -c python setup.py install' returned a non-zero code: 1\n";
    let apt = "RUN apt-get update && apt-get install -y python3 python3-setuptools";
    here.write("h/Dockerfile", format!("FROM ubuntu:22.04\n{apt}\nRUN python setup.py install\n"));
    here.write("h/build.log", failing);
    vec![
        run(&["-n", "h/Dockerfile", "--log", "h/build.log"]),
        run(&["--log", "h/build.log"]),
        run(&["-n", "."]),
        run(&["-n", "Dockerfile"]),
        run(&["-n", "--faults", "."]),
        run(&["-n", "--unsafe", "gone", "."]),
        run(&["gone"]),
        run(&["."]),
    ]
}

#[test]
fn real_reports_fit_the_schema() {
    let schema = report_schema();
    for report in reports() {
        let misfits = misfits(&schema, &report);
        assert!(misfits.is_empty(), "{}\nin\n{report:#}", misfits.join("\n"));
    }
}

#[test]
fn the_reports_of_these_tests_show_every_key_of_the_schema() {
    let mut seen = Vec::new();
    reports().iter().for_each(|report| keys(report, &mut seen));
    let schema = report_schema();
    for part in schema["$defs"].as_object().unwrap().values().chain([&schema]) {
        for key in part["properties"].as_object().into_iter().flat_map(Map::keys) {
            assert!(seen.contains(key), "no report shows {key:?}");
        }
    }
}

#[test]
fn a_report_with_a_key_too_many_or_too_few_does_not_fit_the_schema() {
    let (schema, report) = (report_schema(), reports().remove(0));
    let mut more = report.clone();
    more["summary"]["colour"] = json!("red");
    assert!(!misfits(&schema, &more).is_empty());
    let mut less = report.clone();
    less["files"][0].as_object_mut().unwrap().remove("changed");
    assert!(!misfits(&schema, &less).is_empty());
    let mut other = report;
    other["files"][0]["kind"] = json!("spreadsheet");
    assert!(!misfits(&schema, &other).is_empty());
}

// ---- a small check of a value against a schema: what schemars writes, and stricter where a key is not named

fn keys(value: &Value, seen: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            seen.push(key.clone());
            keys(value, seen);
        }),
        Value::Array(list) => list.iter().for_each(|value| keys(value, seen)),
        _ => {}
    }
}

/// Keywords that say something and that are checked, and those that only tell.
const KNOWN: [&str; 19] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "format",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "oneOf",
    "minimum",
    "maximum",
    "examples",
];

fn keywords(schema: &Value, unknown: &mut Vec<String>) {
    let Value::Object(map) = schema else { return };
    unknown.extend(map.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned());
    for (key, value) in map {
        match (key.as_str(), value) {
            ("properties" | "$defs", Value::Object(parts)) => parts.values().for_each(|part| keywords(part, unknown)),
            ("anyOf" | "oneOf", Value::Array(parts)) => parts.iter().for_each(|part| keywords(part, unknown)),
            ("items" | "additionalProperties", part) => keywords(part, unknown),
            _ => {}
        }
    }
}

/// Where a value does not fit a schema.
fn misfits(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Value::Object(schema) = schema else {
        if *schema == json!(false) {
            found.push(format!("{at}: nothing is allowed here"));
        }
        return;
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let part = root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}"));
        check(root, part, value, at, found);
    }
    for (key, wanted) in schema {
        match key.as_str() {
            "type" => {
                let types: Vec<&str> = wanted
                    .as_array()
                    .map_or_else(|| vec![wanted], |list| list.iter().collect())
                    .iter()
                    .filter_map(|name| name.as_str())
                    .collect();
                if !types.iter().any(|name| is(value, name)) {
                    found.push(format!("{at}: {value} is no {}", types.join(" or ")));
                }
            }
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                found.push(format!("{at}: {value} is not in {wanted}"))
            }
            "const" if wanted != value => found.push(format!("{at}: {value} is not {wanted}")),
            "minimum" if value.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap()) => {
                found.push(format!("{at}: {value} is below {wanted}"));
            }
            "required" => {
                for name in wanted.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        found.push(format!("{at}: {name} is missing"));
                    }
                }
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}/{number}"), found);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |part: &&Value| {
                    let mut inner = Vec::new();
                    check(root, part, value, at, &mut inner);
                    inner.is_empty()
                };
                let count = wanted.as_array().unwrap().iter().filter(fits).count();
                if count == 0 || (key == "oneOf" && count > 1) {
                    found.push(format!("{at}: {value} fits {count} of {key}"));
                }
            }
            _ => {}
        }
    }
    let Value::Object(map) = value else { return };
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, inner) in map {
        let at = format!("{at}/{key}");
        match (properties.and_then(|properties| properties.get(key)), schema.get("additionalProperties")) {
            (Some(property), _) => check(root, property, inner, &at, found),
            (None, Some(others)) => check(root, others, inner, &at, found),
            // Stricter than the standard: a key that no schema names is a mistake.
            (None, None) if properties.is_some() => found.push(format!("{at}: an unknown key")),
            (None, None) => {}
        }
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => panic!("an unknown type {name}"),
    }
}
