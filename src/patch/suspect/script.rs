//! Where a suspicion about a program holds.

use super::super::file::ScriptCondition;
use super::super::subject::{Subject, Target};
use super::super::view::ScriptView;
use crate::finding::Evidence;
use crate::source::Span;

/// The environments of a program that a condition holds of.
pub fn scripts(view: &ScriptView<'_>, condition: &ScriptCondition) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (number, object) in view.script.environments.iter().enumerate() {
        let holds = |wanted: Option<bool>, found: bool| wanted.is_none_or(|wanted| wanted == found);
        if !holds(condition.adds_spark_packages, !object.adds_packages.is_empty())
            || !holds(condition.precaches, !object.precache_is_off())
        {
            continue;
        }
        let place = object.adds_packages.first().copied().unwrap_or(object.made);
        let mut subject = Subject::new(Target::Object { number }, place, None);
        let named = |span: Span, what: &str| Evidence { span, note: format!("{} {what}", object.name) };
        subject.evidence = vec![named(object.made, "is made")];
        subject.evidence.extend(object.adds_packages.iter().map(|span| named(*span, "gets Spark packages")));
        subject.object = Some((object.name.clone(), object.curated.is_some()));
        subjects.push(subject);
    }
    subjects
}
