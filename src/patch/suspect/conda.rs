//! Where a suspicion about a conda environment holds.

use std::collections::BTreeMap;

use super::super::file::{
    ChannelsListed, CondaCondition, NotTaken, PipListed, PythonListed, WrongEncoding, WrongOperator,
};
use super::super::subject::{Subject, Target, versions};
use super::super::view::CondaView;
use crate::environment::conda::CondaEnvironment;
use crate::environment::conda_items::Untaken;
use crate::environment::match_spec::{Minor, listed_as_pip};
use crate::environment::requirement::Operator;
use crate::facts::python_table::{self, Life};
use crate::finding::Evidence;
use crate::source::Encoding;

/// The places of a conda environment that a condition holds of: where it asks for items, each of them; where it asks
/// for python, the entry of that; where it asks for the whole, the list; else the bare pip, or the `- pip:` map.
pub fn conda(view: &CondaView<'_>, condition: &CondaCondition) -> Vec<Subject> {
    let environment = view.environment;
    let map = environment.pip_maps().next().map(|(index, _)| index);
    if condition.has_pip_map.is_some_and(|wanted| wanted != map.is_some()) {
        return Vec::new();
    }
    let builds = environment.specs().any(|(_, item)| item.spec.build.is_some());
    if condition.names_builds.is_some_and(|wanted| wanted != builds) {
        return Vec::new();
    }
    if condition.channels.is_some_and(|wanted| environment.channels_listed() != Some(wanted)) {
        return Vec::new();
    }
    if let Some(WrongEncoding::Utf16) = condition.encoding {
        let wrong = view.encoding != Encoding::Utf8;
        return wrong.then(|| whole(view)).into_iter().collect();
    }
    if let Some(wanted) = condition.pip_operator {
        return operators(view, wanted);
    }
    let asks = condition.not_taken.is_some() || condition.python.is_some() || condition.channels.is_some();
    if (asks || condition.unpinned) && !environment.is_plainly_conda() {
        return Vec::new();
    }
    if let Some(wanted) = condition.not_taken {
        return items(view, wanted);
    }
    if let Some(wanted) = condition.python {
        return python(view, wanted).into_iter().collect();
    }
    if condition.unpinned {
        return unpinned(view).into_iter().collect();
    }
    if condition.channels.is_some() {
        return vec![whole(view)];
    }
    let mut listed = environment.listed_pip();
    let index = match condition.pip {
        None => map,
        Some(PipListed::Missing) => {
            let any = environment.specs().any(|(_, item)| listed_as_pip(&item.spec.text) || item.spec.name == "pip");
            map.filter(|_| !any)
        }
        Some(PipListed::Bare) => listed
            .find(|(index, _)| map.is_none_or(|map| *index < map))
            .filter(|_| environment.specs().filter(|(_, item)| item.spec.name == "pip").count() == 1)
            .filter(|_| !view.installs_own_pip)
            .filter(|(_, item)| item.spec.version.is_none() && item.spec.build.is_none() && item.spec.name == "pip")
            .map(|(index, _)| index),
    };
    index.map(|index| view.subject(index)).into_iter().collect()
}

impl CondaEnvironment {
    /// How channels are listed, where they are not.
    fn channels_listed(&self) -> Option<ChannelsListed> {
        match (self.has_key("channels"), self.channels.is_empty()) {
            (false, _) => Some(ChannelsListed::Missing),
            (true, true) => Some(ChannelsListed::Empty),
            (true, false) => None,
        }
    }
}

/// The environment as a whole; the report points at its first dependency.
fn whole(view: &CondaView<'_>) -> Subject {
    let mut subject = view.subject(0);
    subject.target = Target::Environment;
    subject
}

/// Of more items than this nobody reads the report.
const MANY: usize = 20;

fn operators(view: &CondaView<'_>, wanted: WrongOperator) -> Vec<Subject> {
    let found = view.environment.wrong_operators().filter_map(|(index, item, requirement, operator)| {
        let meant = match (&operator, wanted) {
            (Operator::Single(offset), WrongOperator::Single) => {
                let (name, version) = requirement.text.split_at(*offset);
                format!("{name}={version}")
            }
            (Operator::Turned(turned, right), WrongOperator::Turned) => requirement.text.replacen(turned, right, 1),
            (Operator::Other, WrongOperator::Other) => String::new(),
            _ => return None,
        };
        let mut subject = Subject::new(Target::Requirement { index, item }, requirement.span, None);
        subject.texts = BTreeMap::from([("written", requirement.text.clone()), ("meant", meant)]);
        Some(subject)
    });
    found.collect()
}

fn items(view: &CondaView<'_>, wanted: NotTaken) -> Vec<Subject> {
    let environment = view.environment;
    let found = environment.untaken().into_iter().filter_map(|(index, why)| {
        let python = |name: &str| name.eq_ignore_ascii_case("python");
        let holds = match (&why, wanted) {
            (Untaken::Colon { name, .. }, NotTaken::PythonColon) => python(name),
            (Untaken::Colon { name, .. }, NotTaken::PackageColon) => !python(name),
            (Untaken::Section(_), NotTaken::Section)
            | (Untaken::NoText, NotTaken::NoText)
            | (Untaken::NoName, NotTaken::NoName)
            | (Untaken::PipOption, NotTaken::PipOption)
            | (Untaken::Repository, NotTaken::Repository)
            | (Untaken::PipNoList, NotTaken::PipNoList)
            | (Untaken::PipNoText(_), NotTaken::PipNoText)
            | (Untaken::PipTwice, NotTaken::PipTwice) => true,
            _ => false,
        };
        if !holds {
            return None;
        }
        let mut subject = view.subject(index);
        if let Untaken::PipNoText(span) = why {
            subject.place = span;
        }
        let written = match &why {
            Untaken::Section(key) => key.clone(),
            Untaken::PipNoText(span) if span.is_empty() => "an item with nothing in it".to_owned(),
            _ => shortened(environment.text_of(subject.place)),
        };
        subject.texts.insert("written", written);
        if let Untaken::Colon { meant, .. } = why {
            subject.texts.insert("meant", meant);
        }
        Some(subject)
    });
    // What can be fixed is fixed in one go, however much it is.
    let most = if matches!(wanted, NotTaken::PythonColon | NotTaken::PackageColon) { usize::MAX } else { MANY };
    found.take(most).collect()
}

/// The first line of a text, and not too much of it.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    if line.chars().count() <= 60 { line.to_owned() } else { line.chars().take(60).chain(['…']).collect() }
}

fn python(view: &CondaView<'_>, wanted: PythonListed) -> Option<Subject> {
    let environment = view.environment;
    let listed: Vec<usize> = environment.specs_of("python").map(|(index, _)| index).collect();
    let colon = environment
        .untaken()
        .iter()
        .any(|(_, why)| matches!(why, Untaken::Colon { name, .. } if name.eq_ignore_ascii_case("python")));
    let first = listed.first().copied();
    let subject = match (wanted, first) {
        // A python that is misspelt is reported as that.
        (PythonListed::Missing, None) => (!colon).then(|| whole(view)),
        (PythonListed::Missing, Some(_)) | (_, None) => None,
        (PythonListed::Bare, Some(first)) => {
            let bare = listed.len() == 1 && view.minor == Minor::Unstated;
            bare.then(|| view.subject(first))
        }
        (PythonListed::Several | PythonListed::Contradicting, Some(_)) => {
            let holds = listed.len() > 1 && environment.python_fits() == Some(wanted == PythonListed::Several);
            let second = listed.get(1).copied().filter(|_| holds);
            second.map(|second| view.subject(second))
        }
        (PythonListed::Ended | PythonListed::Ending, Some(first)) => {
            let mut subject = view.subject(first);
            let (life, end) = match versions(&subject.python).value() {
                Some(version) if subject.python_pinned == Some(true) => python_table::life(*version)?,
                _ => return None,
            };
            subject.texts.insert("python-end", end.to_owned());
            let wanted = if wanted == PythonListed::Ended { Life::Ended } else { Life::Ending };
            (life == wanted).then_some(subject)
        }
    };
    let mut subject = subject?;
    let others = listed.iter().filter_map(|index| environment.dependencies.get(*index));
    let evidence = others
        .map(|item| Evidence { span: item.item(), note: format!("{} is listed", environment.text_of(item.item())) });
    subject.evidence = evidence.collect();
    Some(subject)
}

/// The environment with the names of what it does not pin.
fn unpinned(view: &CondaView<'_>) -> Option<Subject> {
    let names = view.environment.unpinned();
    if names.is_empty() {
        return None;
    }
    let mut subject = whole(view);
    let more = names.len().saturating_sub(MANY);
    let shown: Vec<&str> = names.iter().take(MANY).copied().collect();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    subject.texts.insert("written", shown.join(", ") + &tail);
    Some(subject)
}
