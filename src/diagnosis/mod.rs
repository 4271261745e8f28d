//! From the log of a failed build to its causes: which of the symptoms in the step that failed is why it did, and which
//! instruction that step is.
//!
//! A symptom counts only where its step failed. An error that yields to another symptom of the step is no cause; what
//! was only warned of is one where an error yields to it. So a spent timeout is not reported as a package that does not
//! exist, and a download that worked in the end is not reported at all.

mod origin;
mod tie;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use crate::build_log::{self, BuildLog, Ended, LogError, Outcome, Sighting, Step, SymptomSet};
use crate::finding::Finding;
use crate::member::Member;
use crate::model::Model;
use crate::patch::catalogue::Catalogue;
use crate::patch::file::{Patch, Sense, Symptom};

pub use tie::{Closeness, tie};

/// What yields to every other patch.
pub const ANY: &str = "*";

/// More causes than this are not told: what follows is most likely the same again.
const MOST_CAUSES: usize = 20;

/// A build that failed, by its log.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The log's name, as reports call it.
    pub file: String,
    /// The log.
    pub log: Arc<BuildLog>,
    /// The causes, in the order in which the log shows them.
    pub causes: Vec<Cause>,
    /// The instruction that failed, where it is found in a Dockerfile.
    pub dockerfile: Option<Tied>,
    /// The files that are part of the build, as reports call them.
    pub files: BTreeSet<String>,
    /// What is to be done about the causes for which no file is changed or advised on.
    pub answers: Vec<Answer>,
}

/// What is to be done about a cause that no file is known to be concerned by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Number of the cause.
    pub cause: usize,
    /// What is wrong.
    pub message: String,
    /// What a person has to do.
    pub advice: String,
}

/// The instruction that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tied {
    /// The Dockerfile, as reports call it.
    pub file: String,
    /// Number of the instruction in it.
    pub instruction: usize,
    /// Whether the log prints it as it stands there.
    pub exact: bool,
    /// Its text, continuations joined.
    text: String,
}

/// Why a build failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The patch whose symptom shows it.
    pub patch: String,
    /// The patch's title.
    pub title: String,
    /// Where it is documented.
    pub section: String,
    /// The name of the symptom, where it has one.
    pub symptom: Option<String>,
    /// The line of the log, from 1, and what stands there.
    pub evidence: Vec<(u64, String)>,
    /// What the named groups of the symptom found.
    pub captures: BTreeMap<String, String>,
    /// The places that ask for the package that the log names, or for what requires it, as `file:line`.
    pub asked_at: Vec<String>,
    /// Number of the step in the log; `None` for what the builder itself says.
    pub step: Option<usize>,
}

/// What a catalogue looks for in a log.
///
/// # Panics
/// Never: the expressions of a catalogue are checked when it is read.
#[must_use]
pub fn symptoms(catalogue: &Catalogue) -> SymptomSet {
    let expressions = all(catalogue).map(|(_, symptom)| (symptom.line.clone(), symptom.then.clone()));
    SymptomSet::new(expressions).expect("the catalogue checks the expressions of its patches")
}

fn all(catalogue: &Catalogue) -> impl Iterator<Item = (&Patch, &Symptom)> {
    catalogue.patches().iter().flat_map(|patch| patch.symptoms.iter().map(move |symptom| (patch, symptom)))
}

impl Failure {
    /// Reads a log, which reports call `file`.
    ///
    /// # Errors
    /// When it cannot be read, or is no text of a log.
    pub fn read(file: String, log: impl Read, catalogue: &Catalogue, members: &[Member]) -> Result<Self, LogError> {
        Ok(Self::new(file, build_log::read(log, &symptoms(catalogue))?, catalogue, members))
    }

    /// Chooses the causes that a log shows, and finds the Dockerfile that it is the build of.
    #[must_use]
    pub fn new(file: String, log: BuildLog, catalogue: &Catalogue, members: &[Member]) -> Self {
        let causes = choose(&log, catalogue);
        let mut failure =
            Self { file, log: Arc::new(log), causes, dockerfile: None, files: BTreeSet::new(), answers: Vec::new() };
        failure.dockerfile = failure.tie(members);
        failure.files = failure.part_of_the_build(members);
        let concerned: Vec<&Member> = members.iter().filter(|member| failure.concerns(member)).collect();
        let instruction = failure.dockerfile.as_ref().map(|tied| tied.instruction);
        for cause in &mut failure.causes {
            // What nobody asks for himself came with what requires it.
            let named = ["package", "parent"].into_iter().filter_map(|name| cause.captures.get(name));
            let mut places = named.map(|name| origin::places(name, instruction, &concerned));
            cause.asked_at = places.find(|places| !places.is_empty()).unwrap_or_default();
        }
        failure
    }

    /// What is to be done about a cause that no file is known to be concerned by.
    #[must_use]
    pub fn answer(&self, cause: usize) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.cause == cause)
    }

    /// What is wrong, as what is done or to be done about a cause says it.
    #[must_use]
    pub fn message<'a>(&'a self, cause: usize, findings: &'a [Finding]) -> &'a str {
        let found = || findings.iter().find(|finding| finding.cause == Some(cause)).map(|finding| &*finding.message);
        let title = || self.causes.get(cause).map_or("", |cause| &cause.title);
        self.answer(cause).map(|answer| &*answer.message).or_else(found).unwrap_or_else(title)
    }

    /// Whether a file is part of the build.
    #[must_use]
    pub fn concerns(&self, member: &Member) -> bool {
        self.files.contains(member.source.name())
    }

    /// The files that the failed build used, as far as that is known. Where the log names an instruction that stands in
    /// no Dockerfile at hand, it is the log of another build.
    fn part_of_the_build(&self, members: &[Member]) -> BTreeSet<String> {
        let is_dockerfile = |member: &&Member| matches!(member.model, Model::Dockerfile(_));
        let dockerfiles = members.iter().filter(is_dockerfile).count();
        let named = self.step().is_some_and(|step| step.instruction.is_some() && !step.azureml);
        let concerned = |member: &&Member| match &self.dockerfile {
            Some(tied) => tied.file == member.source.name() || !is_dockerfile(member),
            None if self.in_appended_step() => !is_dockerfile(member) || member.appended.is_some(),
            None if named => dockerfiles == 0,
            // Bare output of a tool: of the one Dockerfile that the person names with it.
            None => !is_dockerfile(member) || dockerfiles == 1,
        };
        members.iter().filter(concerned).map(|member| member.source.name().to_owned()).collect()
    }

    /// The step that the log ends with, where one failed.
    #[must_use]
    pub fn step(&self) -> Option<&Step> {
        let of_cause = self.causes.iter().rev().find_map(|cause| self.log.steps.get(cause.step?));
        of_cause.or_else(|| self.log.failed().last())
    }

    /// Whether the step that failed is one that Azure ML writes itself.
    #[must_use]
    pub fn in_appended_step(&self) -> bool {
        self.step().is_some_and(|step| step.azureml)
    }

    /// The instruction of a Dockerfile that failed. Asked again of a patched text, in which it may stand elsewhere.
    #[must_use]
    pub fn instruction(&self, member: &Member) -> Option<usize> {
        let tied = self.dockerfile.as_ref().filter(|tied| tied.file == member.source.name())?;
        if let Some(found) = tie(self.step()?, &self.log.steps, member) {
            return Some(found.instruction);
        }
        // Where a fix stands before it, or in it, the log no longer speaks for it; what it was does.
        let moved = tie::nearest(&tied.text, tied.instruction, member);
        Some(moved.unwrap_or(tied.instruction))
    }

    /// The one Dockerfile in which the failing step is; none where two have it alike.
    fn tie(&self, members: &[Member]) -> Option<Tied> {
        let step = self.step()?;
        let mut found: Vec<(&Member, Closeness)> =
            members.iter().filter_map(|member| Some((member, tie(step, &self.log.steps, member)?))).collect();
        found.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        let [(member, best), rest @ ..] = found.as_slice() else { return None };
        if rest.first().is_some_and(|(_, next)| next.score >= best.score) {
            return None;
        }
        let file = member.source.name().to_owned();
        let Model::Dockerfile(model) = &member.model else { return None };
        let text = model.dockerfile.instructions.get(best.instruction)?.logical.text.clone();
        Some(Tied { file, instruction: best.instruction, exact: best.exact, text })
    }
}

/// The causes that a log shows, in the order of their lines.
#[must_use]
pub fn choose(log: &BuildLog, catalogue: &Catalogue) -> Vec<Cause> {
    let table: Vec<(&Patch, &Symptom)> = all(catalogue).collect();
    let mut causes: Vec<Cause> = Vec::new();
    if log.ended != Ended::Succeeded {
        for (number, step) in log.steps.iter().enumerate() {
            if step.is_failed() && !step.overcome {
                let found = in_step(&step.sightings, &table, Some(number));
                causes.extend(if found.is_empty() { unfinished(step, number, &table) } else { found });
            }
        }
        if causes.is_empty() {
            causes.extend(in_step(&log.outside.sightings, &table, None));
        }
    }
    if let (true, Ended::Cut, Some(last)) = (causes.is_empty(), log.ended, log.steps.last()) {
        causes.extend(unfinished(last, log.steps.len() - 1, &table));
        if causes.is_empty() && log.builder.is_none() {
            causes.extend(last_words(last, log.steps.len() - 1, &table));
        }
    }
    causes.sort_by_key(|cause| cause.evidence.first().map(|(line, _)| *line));
    causes.truncate(MOST_CAUSES);
    causes
}

/// How many lines may stand behind what a step breaks off in.
const BEHIND: u64 = 2;

/// An error that a text without a builder ends with: somebody copied the lines that matter to him, and no more.
fn last_words(step: &Step, number: usize, table: &[(&Patch, &Symptom)]) -> Vec<Cause> {
    let Some((last, _)) = step.tail.last() else { return Vec::new() };
    let mut causes = in_step(&step.sightings, table, Some(number));
    causes.retain(|cause| cause.evidence.iter().any(|(line, _)| line + BEHIND >= *last));
    causes
}

/// What a step breaks off in: begun, and nothing but a line or two behind it, with no exit code.
fn unfinished(step: &Step, number: usize, table: &[(&Patch, &Symptom)]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let Some((last, _)) = step.tail.last() else { return causes };
    if !matches!(step.outcome, Outcome::Unknown | Outcome::Failed { code: None, .. }) {
        return causes;
    }
    for sighting in step.sightings.iter().filter(|sighting| sighting.line + BEHIND >= *last) {
        if let Some((patch, symptom)) = table.get(sighting.symptom)
            && symptom.sense == Sense::Unfinished
        {
            add(&mut causes, &(*patch, *symptom, sighting), Some(number));
        }
    }
    causes
}

fn in_step(sightings: &[Sighting], table: &[(&Patch, &Symptom)], step: Option<usize>) -> Vec<Cause> {
    let seen: Vec<(&Patch, &Symptom, &Sighting)> = sightings
        .iter()
        .filter_map(|sighting| table.get(sighting.symptom).map(|(patch, symptom)| (*patch, *symptom, sighting)))
        .collect();
    // Whether another symptom explains this one: an error anywhere in the step, a warning only before it.
    let explains = |other: &(&Patch, &Symptom, &Sighting),
                    (patch, symptom, sighting): &(&Patch, &Symptom, &Sighting)| {
        let named =
            symptom.yields_to.iter().any(|id| *id == other.0.id || (id == ANY && other.1.sense == Sense::Error));
        let there = other.1.sense == Sense::Error || other.2.line <= sighting.line;
        other.0.id != patch.id && named && there
    };
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let mut causes: Vec<Cause> = Vec::new();
    let mut open: Vec<&(&Patch, &Symptom, &Sighting)> = Vec::new();
    let mut consequences: BTreeSet<(&str, &BTreeMap<String, String>)> = BTreeSet::new();
    for it in seen.iter().filter(|(_, symptom, _)| symptom.sense == Sense::Error) {
        let explained: Vec<&str> =
            seen.iter().filter(|other| explains(other, it)).map(|(patch, ..)| patch.id.as_str()).collect();
        if explained.is_empty() {
            open.push(it);
        } else {
            consequences.insert((it.0.id.as_str(), &it.2.captures));
        }
        wanted.extend(explained);
    }
    // What is only a consequence the next time it is printed was one the first time, too.
    for it in
        open.into_iter().filter(|(patch, _, sighting)| !consequences.contains(&(patch.id.as_str(), &sighting.captures)))
    {
        add(&mut causes, it, step);
    }
    for it in
        seen.iter().filter(|(patch, symptom, _)| symptom.sense == Sense::Warning && wanted.contains(patch.id.as_str()))
    {
        add(&mut causes, it, step);
    }
    causes
}

/// Adds a sighting to the causes: one, or one for each of the lines below it that name something.
fn add(causes: &mut Vec<Cause>, (patch, symptom, sighting): &(&Patch, &Symptom, &Sighting), step: Option<usize>) {
    if sighting.below.is_empty() {
        return add_one(causes, patch, symptom, &[(sighting.line, &sighting.text)], &sighting.captures, step);
    }
    for below in &sighting.below {
        let mut captures = sighting.captures.clone();
        captures.extend(below.captures.clone());
        let lines = [(sighting.line, &sighting.text), (below.line, &below.text)];
        let lines = if below.line == sighting.line { &lines[..1] } else { &lines[..] };
        add_one(causes, patch, symptom, lines, &captures, step);
    }
}

/// Adds what a sighting shows to the cause that says the same, or as a cause of its own.
fn add_one(
    causes: &mut Vec<Cause>,
    patch: &Patch,
    symptom: &Symptom,
    lines: &[(u64, &String)],
    captures: &BTreeMap<String, String>,
    step: Option<usize>,
) {
    let lines = lines.iter().map(|(line, text)| (*line, (*text).clone()));
    let same = |cause: &&mut Cause| {
        let contains = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
            a.iter().all(|(name, value)| b.get(name) == Some(value))
        };
        // A warning repeats itself for one host or file after another.
        let alike = symptom.sense == Sense::Warning
            || contains(&cause.captures, captures)
            || contains(captures, &cause.captures);
        cause.patch == patch.id && alike
    };
    if let Some(cause) = causes.iter_mut().find(same) {
        if cause.captures.len() < captures.len() {
            cause.captures.clone_from(captures);
            cause.symptom.clone_from(&symptom.name);
        }
        for line in lines {
            if !cause.evidence.contains(&line) {
                cause.evidence.push(line);
            }
        }
        return;
    }
    causes.push(Cause {
        patch: patch.id.clone(),
        title: patch.title.clone(),
        section: patch.document.section.clone(),
        symptom: symptom.name.clone(),
        evidence: lines.collect(),
        captures: captures.clone(),
        asked_at: Vec::new(),
        step,
    });
}

#[cfg(test)]
mod tests;
