//! Reading one patch file, and what its types cannot say: which keys go together, which names exist.

use std::collections::BTreeSet;

use super::file::{Branch, Case, Operation, Patch, Symptom};
use super::range::{ReleaseRange, VersionRange};

/// Reads one patch.
///
/// # Errors
/// With what is wrong and where.
pub fn read(text: &str) -> Result<Patch, String> {
    let patch: Patch = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    check(&patch).map_err(|message| format!("patch {:?}: {message}", patch.id))?;
    Ok(patch)
}

/// What the types cannot say: which keys go together.
///
/// # Errors
/// With the case and the key that are wrong.
pub fn check(patch: &Patch) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if patch.id.is_empty() || !patch.id.chars().all(plain) {
        return Err("`id` must be lower-case words joined by `-`".to_owned());
    }
    if patch.cases.is_empty() {
        return Err("`cases` is empty: a patch needs at least one".to_owned());
    }
    for (number, symptom) in patch.symptoms.iter().enumerate() {
        check_symptom(symptom).map_err(|message| format!("symptom {}: {message}", number + 1))?;
    }
    check_names(patch)?;
    for (number, case) in patch.cases.iter().enumerate() {
        check_case(case).map_err(|message| format!("case {}: {message}", number + 1))?;
        check_logged(patch, case).map_err(|message| format!("case {}: {message}", number + 1))?;
    }
    for (number, example) in patch.examples.iter().enumerate() {
        let pair = example.before.is_some() && example.after.is_some() && example.unchanged.is_none();
        let same = example.unchanged.is_some() && example.before.is_none() && example.after.is_none();
        if !pair && !same {
            return Err(format!("example {}: give `before` and `after`, or `unchanged`", number + 1));
        }
    }
    let unchanged = patch.examples.iter().filter(|example| example.unchanged.is_some()).count();
    if unchanged * 2 < patch.examples.len() {
        return Err(format!(
            "{unchanged} of its {} examples are `unchanged`; at least half must be",
            patch.examples.len()
        ));
    }
    Ok(())
}

/// How the expressions of symptoms are read: `\w`, `\d` and `\b` are ASCII, which is what tools print.
///
/// # Errors
/// With what is wrong with the expression.
pub fn expression(pattern: &str) -> Result<regex::bytes::Regex, String> {
    regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}

/// Every line that it says tools print must be found by it.
fn check_symptom(symptom: &Symptom) -> Result<(), String> {
    let line = expression(&symptom.line).map_err(|message| format!("`line`: {message}"))?;
    let then = symptom.then.as_deref().map(expression).transpose().map_err(|message| format!("`then`: {message}"))?;
    if line.is_match(b"") {
        return Err("`line` matches an empty line".to_owned());
    }
    if symptom.prints.is_empty() {
        return Err("`prints` is empty: give a line as a tool prints it".to_owned());
    }
    for text in &symptom.prints {
        let mut lines = text.lines();
        if !lines.next().is_some_and(|first| line.is_match(first.as_bytes())) {
            return Err(format!("`line` does not match what it says is printed: {text:?}"));
        }
        if let Some(other) = lines.find(|other| !then.as_ref().is_some_and(|then| then.is_match(other.as_bytes()))) {
            return Err(format!("`then` does not match what it says is printed below the line: {other:?}"));
        }
    }
    Ok(())
}

/// The names of groups in the expressions of a patch's symptoms.
fn captured(patch: &Patch) -> BTreeSet<String> {
    let expressions = patch.symptoms.iter().flat_map(|symptom| std::iter::once(&symptom.line).chain(&symptom.then));
    let expressions: Vec<regex::bytes::Regex> = expressions.filter_map(|text| expression(text).ok()).collect();
    expressions.iter().flat_map(regex::bytes::Regex::capture_names).flatten().map(str::to_owned).collect()
}

fn check_logged(patch: &Patch, case: &Case) -> Result<(), String> {
    for suspect in &case.suspect {
        let Some(names) = &suspect.logged else {
            if suspect.failing.is_some() {
                return Err("`failing` needs `logged`".to_owned());
            }
            continue;
        };
        if patch.symptoms.is_empty() {
            return Err("`logged`, and the patch has no `symptoms`".to_owned());
        }
        let known = |name: &String| patch.symptoms.iter().any(|symptom| symptom.name.as_ref() == Some(name));
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(format!("`logged`: no symptom has the name {name:?}"));
        }
    }
    Ok(())
}

/// The names that the texts of a patch may use besides its own values; what they stand for depends on the place.
pub const FACT_NAMES: &[&str] = &[
    "appended",
    "apt-python",
    "channel",
    "channel-option",
    "command-package",
    "definition",
    "did-you-mean",
    "dockerfile-path",
    "elsewhere",
    "image",
    "key",
    "meant",
    "misspelt",
    "object",
    "pin-unknown",
    "pin-why",
    "pip-pin",
    "pip-table",
    "python",
    "python-end",
    "python-version",
    "release",
    "requirement",
    "written",
];

/// Every `{name}` in a patch must be a value of the patch or a fact, and what is written must be something to write.
fn check_names(patch: &Patch) -> Result<(), String> {
    let captured = captured(patch);
    let known = |name: &str| {
        patch.values.contains_key(name)
            || FACT_NAMES.contains(&name)
            || captured.contains(name)
            || matches!(name, "unknown-option")
    };
    let cases = serde_json::to_value(&patch.cases).map_err(|error| error.to_string())?;
    let mut texts = vec![&cases];
    while let Some(value) = texts.pop() {
        match value {
            serde_json::Value::String(text) => {
                for name in text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
                    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                    if is_name && !known(name) {
                        let facts = FACT_NAMES.join(", ");
                        return Err(format!("{{{name}}} is neither one of its `values` nor one of {facts}"));
                    }
                }
            }
            serde_json::Value::Array(list) => texts.extend(list),
            serde_json::Value::Object(map) => texts.extend(map.values()),
            _ => {}
        }
    }
    for operation in patch.cases.iter().flat_map(|case| &case.remedy).flat_map(|branch| &branch.ensure) {
        check_operation(operation)?;
    }
    Ok(())
}

fn check_operation(operation: &Operation) -> Result<(), String> {
    let version = |text: &str| text.starts_with('{') || text.starts_with(|c: char| c.is_ascii_digit());
    match operation {
        Operation::Environment(variables) => {
            for (number, variable) in variables.iter().enumerate() {
                let name = &variable.name;
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
                    return Err(format!("`environment`: {name:?} is no name of a variable"));
                }
                if variables[..number].iter().any(|other| other.name == *name) {
                    return Err(format!("`environment`: {name} stands there twice"));
                }
                let value = variable.value.to_string();
                if value.is_empty() || value.contains(|c: char| c.is_whitespace() || "\"'\\$".contains(c)) {
                    return Err(format!("`environment`: {name}: {value:?} is no plain value"));
                }
            }
            Ok(())
        }
        Operation::PinPip(text) if !version(text) => Err(format!("`pin-pip`: {text:?} is no version")),
        Operation::ListPip(text) | Operation::PinListedPip(text)
            if text != "pip" && !text.strip_prefix("pip=").is_some_and(version) =>
        {
            Err(format!("{text:?} is no spec of pip; write `pip` or `pip=VERSION`"))
        }
        Operation::AddChannels(names)
            if names.is_empty() || names.iter().any(|name| name.trim() != name || name.is_empty()) =>
        {
            Err("`add-channels`: give the names of channels".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_case(case: &Case) -> Result<(), String> {
    let Some(first) = case.suspect.first() else { return Err("`suspect` is empty".to_owned()) };
    for suspect in &case.suspect {
        let grounds = [&suspect.fault, &suspect.hardening, &suspect.asked];
        if grounds.into_iter().flatten().count() != 1 {
            return Err("a suspect is either a `fault` or a `hardening`, or `asked`".to_owned());
        }
        match suspect.place() {
            None => {
                return Err(
                    "a suspect has one of `failing`, `stage`, `command`, `conda-environment`, `definition`, `script`, \
                     `instruction`, `dockerfile`"
                        .to_owned(),
                );
            }
            other if other != first.place() => {
                return Err("all suspects of a case look at one kind of place".to_owned());
            }
            Some(_) => {}
        }
    }
    let Some(last) = case.remedy.last() else { return Err("`remedy` is empty".to_owned()) };
    for (number, branch) in case.remedy.iter().enumerate() {
        check_branch(branch).map_err(|message| format!("branch {}: {message}", number + 1))?;
    }
    let conditional =
        serde_json::to_value(&last.when).ok() != serde_json::to_value(super::file::Conditions::default()).ok();
    if conditional {
        return Err("the last branch has conditions; what is to be said when none holds?".to_owned());
    }
    Ok(())
}

fn check_branch(branch: &Branch) -> Result<(), String> {
    for range in &branch.when.release {
        ReleaseRange::parse(range)?;
    }
    if let Some(range) = &branch.when.python_version {
        VersionRange::parse(range)?;
    }
    match (branch.ensure.is_empty(), branch.safety) {
        (false, None) => return Err("`ensure` needs `safety`".to_owned()),
        (true, Some(_)) => return Err("`safety` belongs to `ensure`".to_owned()),
        _ => {}
    }
    if branch.ensure.is_empty() && branch.advice.is_none() && branch.leave.is_none() {
        return Err("it has none of `ensure`, `advice`, `leave`".to_owned());
    }
    Ok(())
}
