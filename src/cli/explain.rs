//! `envfix explain`: a patch for a person.

use std::fmt::Write;

use super::args::Explain;
use super::{DONE, FAILED, complain, print};
use crate::examples;
use crate::patch::catalogue::Catalogue;
use crate::patch::file::{Branch, Case, KeyTest, Operation, Patch, Plain, Safety};
use crate::settings;

/// Runs the command.
pub fn run(arguments: &Explain, catalogue: &Catalogue) -> u8 {
    let Some(id) = &arguments.id else {
        let width = catalogue.ids().iter().map(|id| id.len()).max().unwrap_or(0);
        let mut listed = String::new();
        for patch in catalogue.patches() {
            listed += &format!("{:width$}  {}\n", patch.id, patch.title);
        }
        return if print(&listed) { DONE } else { FAILED };
    };
    match catalogue.get(id) {
        Some(patch) => {
            if print(&explain(patch, catalogue)) {
                DONE
            } else {
                FAILED
            }
        }
        None => {
            complain(&format!("envfix: {}", settings::known(id, catalogue).err().unwrap_or_default()));
            FAILED
        }
    }
}

fn explain(patch: &Patch, catalogue: &Catalogue) -> String {
    let mut out = format!("{}: {}\n", patch.id, patch.title);
    let _ = writeln!(out, "\nThe document, under \"{}\":\n  {}", patch.document.section, patch.document.says.trim());
    if let Some(caution) = &patch.document.caution {
        let _ = writeln!(out, "  Not to the letter: {}", caution.trim());
    }
    if !patch.symptoms.is_empty() {
        out.push_str("\nA failing build prints:\n");
        for line in patch.symptoms.iter().flat_map(|symptom| symptom.prints.first()) {
            let _ = writeln!(out, "  {}", line.trim());
        }
    }
    for case in &patch.cases {
        explain_case(&mut out, case);
    }
    if !patch.values.is_empty() {
        out.push_str("\nValues, which [values] in envfix.toml sets:\n");
        for (name, value) in &patch.values {
            let _ = writeln!(out, "  {name} = {value}");
        }
    }
    let examples = catalogue.examples(patch);
    if let Some(diff) = examples.iter().find_map(examples::shown) {
        let _ = writeln!(out, "\nFor example:\n{diff}");
    }
    let unchanged: Vec<&str> = examples
        .iter()
        .filter(|example| example.unchanged.is_some())
        .filter_map(|example| example.because.as_deref())
        .collect();
    if !unchanged.is_empty() {
        out.push_str("Left alone, for example, because\n");
        for because in unchanged {
            let _ = writeln!(out, "  - {because}");
        }
    }
    out
}

fn explain_case(out: &mut String, case: &Case) {
    out.push_str("\nWhen\n");
    let mut said: Vec<String> = Vec::new();
    for suspect in &case.suspect {
        let line = match (&suspect.fault, &suspect.hardening) {
            (Some(fault), _) => format!("  - {} (fault: the build fails, or will)", fault.trim()),
            (_, Some(hardening)) => format!("  - {} (hardening)", hardening.trim()),
            _ => format!("  - {} (only with --only)", suspect.asked.as_deref().unwrap_or_default().trim()),
        };
        // The same is said of different kinds of file.
        if !said.contains(&line) {
            let _ = writeln!(out, "{line}");
            said.push(line);
        }
    }
    if let [only] = case.remedy.as_slice() {
        let line = describe(only);
        let _ = writeln!(out, "then\n  - {}", line.strip_prefix(OTHERWISE).unwrap_or(&line));
        return;
    }
    out.push_str("the first of these that holds\n");
    for branch in &case.remedy {
        let _ = writeln!(out, "  - {}", describe(branch));
    }
}

/// What an operation writes, in a few words.
fn operation(operation: &Operation) -> String {
    match operation {
        Operation::Environment(variables) => {
            let pairs: Vec<String> = variables.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
            format!("set {} before the first download", pairs.join(" and "))
        }
        Operation::RaiseVariable(value) => format!("raise the variable to {value}"),
        Operation::RaisePipTimeout(value) => format!("raise the option to {value}"),
        Operation::AptPackages(packages) => format!("install {} with it", packages.join(" and ")),
        Operation::RunBefore(commands) => format!("run `{}` before it", commands.join(" && ")),
        Operation::CommandExists(link) => format!("link {} to {} right after it", link.name, link.link_to),
        Operation::PinPip(version) => format!("pin pip {version}"),
        Operation::ListPip(spec) => format!("list {spec} before the pip section"),
        Operation::PinListedPip(spec) => format!("write {spec}"),
        Operation::SetKey(pair) => format!("set {} to {}", pair.key, value(pair.value.as_ref())),
        Operation::RemoveKey(key) => format!("take {key} out"),
        Operation::PipBefore(arguments) => format!("run `pip {}` right before it", arguments.join(" ")),
        Operation::PipOption(option) => format!("give it {option}"),
        Operation::ReplaceWord(words) => format!("write {} for {}", words.to, words.from),
        Operation::PrecacheOff => "set spark.precache_packages = False before the environment is used".to_owned(),
        Operation::UpdateBefore => "run `apt-get update` right before it".to_owned(),
        Operation::FollowRedirects => "give curl -L".to_owned(),
        Operation::EnvCreate => "write `conda env create`".to_owned(),
        Operation::RaiseConda(version) => format!("ask for conda {version} or newer"),
        Operation::CommentAbove => "move the comment to a line of its own above it".to_owned(),
        Operation::BaseImage(image) => format!("start from {image}"),
        Operation::PlainBlanks => "write blanks in place of its no-break spaces".to_owned(),
        Operation::SaveAsUtf8 => "write the same text in UTF-8".to_owned(),
        Operation::SpellKeyword => "write the instruction that it is nearly".to_owned(),
        Operation::QuoteRequirement => "put the requirement into quotes".to_owned(),
        Operation::SpellKey => "give the key the name that is read".to_owned(),
        Operation::SpellOperator => "write == for =".to_owned(),
        Operation::SpellDependency => "write it as conda reads it".to_owned(),
        Operation::AddChannels(names) => format!("list the channels {}", names.join(" and ")),
    }
}

fn value(value: Option<&Plain>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Plain::Bool(value)) => value.to_string(),
        Some(Plain::Text(text)) => text.clone(),
    }
}

/// What begins the branch that has no conditions.
const OTHERWISE: &str = "otherwise: ";

/// What a key of a definition must be, in a few words.
fn tests(key: &str, tests: &[KeyTest]) -> String {
    let words = |test: &KeyTest| match test {
        KeyTest::Missing => "missing".to_owned(),
        KeyTest::Nothing => "null".to_owned(),
        KeyTest::Empty => "empty".to_owned(),
        KeyTest::Filled => "set".to_owned(),
        KeyTest::On => "on".to_owned(),
        KeyTest::Off => "off".to_owned(),
        KeyTest::BeginsWith(texts) => format!("a text that begins with {}", texts.join(" or ")),
        KeyTest::BeginsOtherwise(texts) => format!("a text that does not begin with {}", texts.join(" or ")),
        KeyTest::LongerThan(most) => format!("longer than {most} characters"),
        KeyTest::ImageWithoutTag => "an image without tag or digest".to_owned(),
        KeyTest::ImageNamed(names) => format!("the image {}", names.join(" or ")),
        KeyTest::HasKeysBesides(names) => format!("a map with other keys than {}", names.join(" and ")),
    };
    format!("{key} is {}", tests.iter().map(words).collect::<Vec<_>>().join(" or "))
}

fn describe(branch: &Branch) -> String {
    let mut out = String::new();
    let conditions = serde_json::to_value(&branch.when).ok();
    let mut conditions: Vec<String> = conditions
        .as_ref()
        .and_then(|value| value.as_object())
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
        .filter(|(_, value)| !value.is_object())
        .map(|(name, value)| match value {
            serde_json::Value::Bool(true) => name.clone(),
            serde_json::Value::Bool(false) => format!("not {name}"),
            serde_json::Value::Array(list) => {
                let list: Vec<&str> = list.iter().filter_map(|item| item.as_str()).collect();
                format!("{name} {}", list.join(" or "))
            }
            serde_json::Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    conditions.extend(branch.when.keys.iter().map(|(key, list)| tests(key, list)));
    if conditions.is_empty() {
        out.push_str(OTHERWISE);
    } else {
        let _ = write!(out, "{}: ", conditions.join(", "));
    }
    if let Some(safety) = branch.safety {
        let done: Vec<String> = branch.ensure.iter().map(operation).collect();
        let _ = write!(out, "{} ", done.join("; "));
        out.push_str(match safety {
            Safety::Safe => "(safe)",
            Safety::Unsafe => "(unsafe: with --unsafe or --only)",
        });
        if let Some(because) = &branch.because {
            let _ = write!(out, ", since {}", because.trim());
        }
        return out;
    }
    if let Some(advice) = &branch.advice {
        let _ = write!(out, "advice: {}", advice.trim());
    }
    if let Some(leave) = &branch.leave {
        let _ = write!(out, "left alone: {}", leave.trim());
    }
    out
}
