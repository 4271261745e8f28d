//! Whether a branch of a remedy applies: its conditions, asked of what is known.

use std::collections::BTreeMap;

use super::file::{Branch, Conditions, KeyTest, PythonKind, Setting};
use super::pin::Pin;
use super::range::{ReleaseRange, VersionRange};
use super::subject::{Subject, Target, versions};
use crate::facts::image::InterpreterKind;
use crate::facts::level::Fact;
use crate::patch::file::Safety;

/// How sure it is that a condition holds. The least sure of several conditions decides, so the order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    /// It does not hold.
    No,
    /// It holds or not: that is not known.
    Unknown,
    /// It holds for every plausible value.
    Plausible,
    /// It holds.
    Yes,
}

/// Whether a branch applies. A safe fix needs every fact to be known; anything else is content with plausible ones.
pub fn applies(branch: &Branch, subject: &Subject, values: &BTreeMap<String, Setting>) -> bool {
    // Nothing can be written where no file is known to be concerned.
    if branch.safety.is_some() && subject.target == Target::Log {
        return false;
    }
    let needed = if branch.safety == Some(Safety::Safe) { Truth::Yes } else { Truth::Plausible };
    truth(&branch.when, subject, values) >= needed
}

fn truth(conditions: &Conditions, subject: &Subject, values: &BTreeMap<String, Setting>) -> Truth {
    let Conditions {
        release,
        mirrors_live,
        python_version,
        python,
        externally_managed,
        pip_pin,
        pip_pin_knows_later_options,
        python_pinned,
        timeout_set_elsewhere,
        curated,
        value_set,
        failing_command_known,
        channel,
        package_known,
        key,
        right_key_too,
        keys,
    } = conditions;
    let mut least = Truth::Yes;
    let mut need = |truth: Truth| least = least.min(truth);
    if !release.is_empty() {
        let ranges: Vec<ReleaseRange> = release.iter().filter_map(|range| ReleaseRange::parse(range).ok()).collect();
        need(fact(&subject.release, |release| Some(ranges.iter().any(|range| range.contains(release)))));
    }
    if let Some(wanted) = mirrors_live {
        need(fact(&subject.mirrors_live(), |live| live.map(|live| live == *wanted)));
    }
    if let Some(range) = python_version.as_deref().and_then(|range| VersionRange::parse(range).ok()) {
        need(fact(&versions(&subject.python), |version| Some(range.contains_python(*version))));
    }
    if !python.is_empty() {
        need(fact(&subject.python_kind(), |kind| {
            Some(kind.is_some_and(|kind| python.iter().any(|it| same(*it, kind))))
        }));
    }
    if let Some(wanted) = externally_managed {
        need(of(subject.externally_managed.map(|managed| managed == *wanted)));
    }
    if let Some(wanted) = pip_pin {
        need(match (&subject.pin, wanted) {
            (Pin::Known(_), true) | (Pin::None(_), false) => Truth::Yes,
            (Pin::Plausible(_), true) => Truth::Plausible,
            _ => Truth::No,
        });
    }
    if let Some(wanted) = pip_pin_knows_later_options {
        need(of(Some(subject.unknown_option.is_none() == *wanted)));
    }
    if let Some(wanted) = python_pinned {
        need(of(subject.python_pinned.map(|pinned| pinned == *wanted)));
    }
    if let Some(wanted) = timeout_set_elsewhere {
        need(of(Some(subject.elsewhere.is_some() == *wanted)));
    }
    if let Some(wanted) = curated {
        need(of(subject.object.as_ref().map(|(_, curated)| curated == wanted)));
    }
    if let Some(name) = value_set {
        need(of(Some(values.get(name).is_some_and(|value| !value.to_string().is_empty()))));
    }
    if let Some(wanted) = failing_command_known {
        let known = matches!(subject.target, Target::Failing { command: Some(_), .. });
        need(of(Some(known == *wanted)));
    }
    if !channel.is_empty() {
        need(of(subject.channel.as_ref().map(|it| channel.contains(it))));
    }
    if let Some(wanted) = package_known {
        need(of(Some(subject.command_package().is_some() == *wanted)));
    }
    if !key.is_empty() {
        let about = subject.key.as_ref();
        need(of(Some(about.is_some_and(|about| key.contains(about)))));
    }
    if let Some(wanted) = right_key_too {
        let there = subject.definition.as_ref().zip(subject.key.as_ref());
        need(of(there.map(|(about, key)| about.definition.get(key).is_some() == *wanted)));
    }
    if !keys.is_empty() {
        let holds = |(key, tests): (&String, &Vec<KeyTest>)| {
            subject.definition.as_ref().is_some_and(|it| tests.iter().any(|test| it.passes(key, test)))
        };
        need(of(Some(keys.iter().all(holds))));
    }
    least
}

fn of(answer: Option<bool>) -> Truth {
    match answer {
        Some(true) => Truth::Yes,
        Some(false) => Truth::No,
        None => Truth::Unknown,
    }
}

/// Asks every value of a fact: they must agree.
fn fact<T>(fact: &Fact<T>, ask: impl Fn(&T) -> Option<bool>) -> Truth {
    let answers: Vec<Option<bool>> = fact.values().iter().map(ask).collect();
    match answers.split_first() {
        None => Truth::Unknown,
        Some((first, rest)) if rest.iter().all(|other| other == first) => match (of(*first), fact) {
            (Truth::Yes, Fact::Among { .. }) => Truth::Plausible,
            (truth, _) => truth,
        },
        Some(_) => Truth::Unknown,
    }
}

fn same(wanted: PythonKind, kind: InterpreterKind) -> bool {
    match wanted {
        PythonKind::System => kind == InterpreterKind::System,
        PythonKind::Conda => kind == InterpreterKind::Conda,
        PythonKind::Official => kind == InterpreterKind::Official,
        PythonKind::Venv => kind == InterpreterKind::Venv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::version::Release;
    use crate::source::Span;

    fn subject(release: Fact<Release>) -> Subject {
        let mut subject = Subject::new(Target::Dependency { index: 0 }, Span::at(0), None);
        subject.release = release;
        subject
    }

    fn ubuntu(version: &str) -> Release {
        Release::parse(&format!("ubuntu {version}")).unwrap()
    }

    fn branch(safety: Option<Safety>) -> Branch {
        let when = Conditions { release: vec!["ubuntu 18.04 - 22.04".to_owned()], ..Conditions::default() };
        Branch { when, safety, ..Branch::default() }
    }

    #[test]
    fn a_safe_branch_needs_a_known_fact_and_an_unsafe_one_a_plausible_one() {
        let (safe, unsafe_, advice) = (branch(Some(Safety::Safe)), branch(Some(Safety::Unsafe)), branch(None));
        let known = subject(Fact::known(ubuntu("20.04"), "the tag"));
        let plausible = subject(Fact::among(vec![ubuntu("20.04"), ubuntu("22.04")], "the default"));
        let mixed = subject(Fact::among(vec![ubuntu("20.04"), ubuntu("24.04")], "the default"));
        let unknown = subject(Fact::unknown("the base"));
        let none = BTreeMap::new();
        assert!(applies(&safe, &known, &none) && applies(&unsafe_, &known, &none));
        assert!(
            !applies(&safe, &plausible, &none)
                && applies(&unsafe_, &plausible, &none)
                && applies(&advice, &plausible, &none)
        );
        assert!(
            !applies(&unsafe_, &mixed, &none)
                && !applies(&unsafe_, &unknown, &none)
                && !applies(&advice, &unknown, &none)
        );
    }
}
