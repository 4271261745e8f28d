//! The fixes of a file as suggestions: lines of the file and what takes their place, each good by itself.
//!
//! Fixes that touch the same lines are one suggestion. Every suggestion is tried alone: the file with nothing but it is
//! fixed again, and what comes out must be, byte for byte, what all fixes together make. Where that fails, the fixes
//! depend on each other, and are one suggestion.

use std::ops::RangeInclusive;

use crate::edit::{self, Edit};
use crate::output::redact::redact;
use crate::patch::catalogue::Catalogue;
use crate::plan::Decision;
use crate::project::Project;
use crate::settings::Policy;
use crate::source::Source;
use crate::verify::Verified;
use crate::{find, plan, verify};

/// Lines of a file and what takes their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Number of the file in the project.
    pub member: usize,
    /// The lines that are replaced, from 1.
    pub lines: RangeInclusive<usize>,
    /// What stands there.
    pub before: String,
    /// What is to stand there: whole lines.
    pub after: String,
    /// The numbers of the findings that it mends.
    pub findings: Vec<usize>,
    /// The edits that it is made of.
    pub edits: Vec<Edit>,
}

/// More lines than this no host takes as one suggestion.
const MOST_LINES: usize = 100;

/// Fixes that are made together.
#[derive(Clone, Debug, Default)]
struct Unit {
    findings: Vec<usize>,
    edits: Vec<Edit>,
}

/// The suggestions for a file that changes, in the order of their lines. None where no lines could show the change, as
/// for another encoding.
#[must_use]
pub fn suggestions(
    project: &Project,
    catalogue: &Catalogue,
    policy: &Policy,
    verified: &Verified,
    member: usize,
) -> Vec<Suggestion> {
    let before = &project.members[member].source;
    let Some(after) = verified.after(member) else { return Vec::new() };
    if before.encoding() != after.encoding() {
        return Vec::new();
    }
    let units = joined(before, units(before, verified, member));
    let alone = units.len() == 1
        || units.iter().all(|unit| leads_to(project, catalogue, policy, member, unit, after).unwrap_or(false));
    let units = if alone { units } else { vec![all_in_one(units)] };
    units.into_iter().filter_map(|unit| suggestion(before, member, unit)).collect()
}

/// The fixes of a file that are applied, each for itself, in the order in which they are written. One that only changes
/// what another writes goes with the one whose lines are nearest.
fn units(source: &Source, verified: &Verified, member: usize) -> Vec<Unit> {
    let plan = verified.plan();
    let applied = |number: &usize| {
        let finding = &plan.findings[*number];
        finding.member == member && plan.decisions[*number] == Decision::Apply
    };
    let mut units: Vec<Unit> = Vec::new();
    for number in verified.sequence().iter().copied().filter(applied) {
        let edits = plan.findings[number].fix().map(|fix| fix.edits.clone()).unwrap_or_default();
        if !edits.is_empty() {
            units.push(Unit { findings: vec![number], edits });
        }
    }
    for number in (0..plan.findings.len()).filter(applied) {
        if units.iter().any(|unit| unit.findings.contains(&number)) {
            continue;
        }
        let line = source.line(plan.findings[number].place.start);
        let distance = |unit: &Unit| {
            let lines = hull(source, &unit.edits);
            if lines.contains(&line) { 0 } else { lines.start().abs_diff(line).min(lines.end().abs_diff(line)) }
        };
        if let Some(unit) = units.iter_mut().min_by_key(|unit| distance(unit)) {
            unit.findings.push(number);
        }
    }
    units
}

/// The units with those together whose lines meet.
fn joined(source: &Source, units: Vec<Unit>) -> Vec<Unit> {
    let mut by_line: Vec<(RangeInclusive<usize>, Unit)> =
        units.into_iter().map(|unit| (hull(source, &unit.edits), unit)).collect();
    by_line.sort_by_key(|(lines, _)| (*lines.start(), *lines.end()));
    let mut out: Vec<(RangeInclusive<usize>, Unit)> = Vec::new();
    for (lines, unit) in by_line {
        match out.last_mut() {
            Some((last, together)) if lines.start() <= last.end() => {
                *last = *last.start()..=*last.end().max(lines.end());
                together.findings.extend(unit.findings);
                together.edits.extend(unit.edits);
            }
            _ => out.push((lines, unit)),
        }
    }
    out.into_iter().map(|(_, unit)| unit).collect()
}

fn all_in_one(units: Vec<Unit>) -> Unit {
    units.into_iter().fold(Unit::default(), |mut all, unit| {
        all.findings.extend(unit.findings);
        all.edits.extend(unit.edits);
        all
    })
}

/// The lines that edits touch. What is inserted as whole lines goes with the line that it stands before, or behind where
/// that is the end of the file.
fn hull(source: &Source, edits: &[Edit]) -> RangeInclusive<usize> {
    let text = source.text();
    let lines = edits.iter().map(|edit| {
        let (start, end) = (edit.span.start, edit.span.end);
        let first = source.line(start);
        let whole = edit.span.is_empty() && source.line_start(start) == start && edit.replacement.ends_with('\n');
        // A last line without a newline cannot be suggested: hosts would add one.
        let is_last = start == text.len() || !text[start..].contains('\n');
        if whole && is_last && first > 1 {
            return first - 1..=first - 1;
        }
        let inside = end > start && source.line_start(end) == end;
        first..=source.line(if inside { end - 1 } else { end })
    });
    lines.reduce(|a, b| *a.start().min(b.start())..=*a.end().max(b.end())).unwrap_or(1..=1)
}

/// Whether a file that has only this unit is valid, and fixing it leads to the same file as all fixes at once. `None`
/// where it cannot even be read.
fn leads_to(
    project: &Project,
    catalogue: &Catalogue,
    policy: &Policy,
    member: usize,
    unit: &Unit,
    wanted: &Source,
) -> Option<bool> {
    let source = &project.members[member].source;
    let text = edit::apply(source.text(), &unit.edits).ok()?;
    let alone = project.with_member(member, source.with_text(text)).ok()?;
    let findings = find::find(&alone, catalogue);
    let plan = plan::plan(&alone, findings, policy);
    let verified = verify::verify(&alone, catalogue, policy, plan);
    let found = verified.after(0).unwrap_or(&alone.members[0].source);
    Some(found.text() == wanted.text())
}

fn suggestion(source: &Source, member: usize, unit: Unit) -> Option<Suggestion> {
    let lines = hull(source, &unit.edits);
    let text = source.text();
    let (start, end) = (start_of(source, *lines.start()), start_of(source, lines.end() + 1));
    let whole = edit::apply(text, &unit.edits).ok()?;
    let after = whole.get(start..whole.len() - (text.len() - end))?.to_owned();
    Some(Suggestion {
        member,
        lines,
        before: text.get(start..end)?.to_owned(),
        after,
        findings: unit.findings,
        edits: unit.edits,
    })
}

/// The offset at which a line begins; behind the last line, the end of the text.
fn start_of(source: &Source, line: usize) -> usize {
    let text = source.text();
    if line <= 1 {
        return 0;
    }
    memchr::memchr_iter(b'\n', text.as_bytes()).nth(line - 2).map_or(text.len(), |at| at + 1)
}

/// Why a change is not offered as a suggestion that a person accepts with a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsuitable {
    /// The host does not show all of its lines.
    NotShown,
    /// Its lines end in a carriage return and a newline, which hosts do not keep.
    CarriageReturn,
    /// Its last line has no newline, and hosts add one.
    NoLastNewline,
    /// It holds the byte order mark.
    ByteOrderMark,
    /// It holds characters that a person cannot see.
    Invisible,
    /// It holds a credential, which is printed nowhere.
    Credential,
    /// It is too long.
    Long,
}

impl Suggestion {
    /// Whether a host makes of it, when a person accepts it, exactly what envfix writes.
    ///
    /// # Errors
    /// With what stands against it.
    pub fn suits(&self, shown: Option<&[RangeInclusive<usize>]>) -> Result<(), Unsuitable> {
        let both = [self.before.as_str(), self.after.as_str()];
        let any = |test: fn(char) -> bool| both.iter().any(|text| text.chars().any(test));
        if both.iter().any(|text| redact(text) != *text) {
            return Err(Unsuitable::Credential);
        }
        if any(|c| c == '\r') {
            return Err(Unsuitable::CarriageReturn);
        }
        if !self.before.ends_with('\n') || (!self.after.is_empty() && !self.after.ends_with('\n')) {
            return Err(Unsuitable::NoLastNewline);
        }
        if any(|c| c == '\u{feff}') {
            return Err(Unsuitable::ByteOrderMark);
        }
        if any(is_invisible) {
            return Err(Unsuitable::Invisible);
        }
        let count = both.iter().map(|text| text.lines().count()).max().unwrap_or(0);
        if count > MOST_LINES {
            return Err(Unsuitable::Long);
        }
        let contains =
            |range: &RangeInclusive<usize>| range.contains(self.lines.start()) && range.contains(self.lines.end());
        if shown.is_some_and(|shown| shown.iter().any(contains)) { Ok(()) } else { Err(Unsuitable::NotShown) }
    }
}

/// Control characters, and those that turn the direction of writing or take no room.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{85}')
}

/// The diff of a file with these suggestions and no others.
#[must_use]
pub fn diff(source: &Source, suggestions: &[&Suggestion]) -> String {
    let edits = suggestions.iter().flat_map(|suggestion| &suggestion.edits);
    let after = edit::apply(source.text(), edits).unwrap_or_else(|_| source.text().to_owned());
    crate::output::diff::unified(source.name(), source.text(), &after)
}
