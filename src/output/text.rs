//! The report for people, on standard error: one line for each finding of a file, grouped by patch for many files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::redact::redact;
use super::{Counts, failure};
use super::{inert, inert_lines, inert_name};
use crate::finding::{Finding, Ground, Remedy};
use crate::member::Origin;
use crate::plan::{Decision, Plan, Withheld};
use crate::project::Project;
use crate::verify::Verified;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Problems only.
    Quiet,
    /// One line each for a few files, by patch for many.
    Normal,
    /// One line each, always, with the reasons.
    All,
}

/// From this many files on, findings are grouped by patch.
const MANY_FILES: usize = 8;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const BLUE: Style = AnsiColor::Blue.on_default();

/// The report of a run, with colours; a stream that shows none strips them. Of a run over many files it is made part by
/// part, and keeps of each what it will say and no more.
#[derive(Debug)]
pub struct Report {
    detail: Detail,
    dry_run: bool,
    problems: String,
    /// The causes that a log shows.
    failure: String,
    /// Every finding, as long as the files are few.
    each: String,
    by_patch: Groups,
    notes: String,
    counts: Counts,
    /// How many fixes are held back, by the kind of reason.
    withheld: BTreeMap<&'static str, usize>,
}

impl Report {
    /// A report of nothing. `dry_run` words it as what would be done.
    #[must_use]
    pub fn new(detail: Detail, dry_run: bool) -> Self {
        let (problems, failure, each, notes) = Default::default();
        let (by_patch, counts, withheld) = Default::default();
        Self { detail, dry_run, problems, failure, each, by_patch, notes, counts, withheld }
    }

    /// Adds what was found and done in some files.
    pub fn add(&mut self, project: &Project, verified: &Verified) {
        self.add_problems(project);
        if self.detail == Detail::Quiet {
            return;
        }
        let plan = verified.plan();
        self.failure += &failure::report(project, &plan.findings);
        self.counts += Counts::of(project, verified);
        if self.tells_each() {
            each(&mut self.each, project, plan, self.detail, self.dry_run);
        } else {
            self.each.clear();
        }
        self.by_patch.add(project, plan);
        self.add_notes(project, verified);
        for decision in &plan.decisions {
            if let Decision::Withhold(reason) = decision {
                *self.withheld.entry(reason.kind()).or_default() += 1;
            }
        }
    }

    /// The report of all that was added.
    #[must_use]
    pub fn finish(self) -> String {
        let mut out = self.problems;
        if self.detail == Detail::Quiet {
            return out;
        }
        out.push_str(&self.failure);
        if self.detail == Detail::All || self.counts.files < MANY_FILES {
            out.push_str(&self.each);
        } else {
            self.by_patch.write(&mut out, self.dry_run);
        }
        out.push_str(&self.notes);
        out.push_str(&summary(&self.counts, &self.withheld, self.dry_run));
        out
    }

    fn tells_each(&self) -> bool {
        self.detail == Detail::All || self.counts.files < MANY_FILES
    }

    fn add_problems(&mut self, project: &Project) {
        for problem in &project.problems {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            let message = redact(&problem.message);
            // The message of a text that is no text names its line itself.
            let message = message.strip_prefix(&format!("line {}: ", problem.line.unwrap_or(0))).unwrap_or(&message);
            let (file, message) = (inert_name(&problem.file), inert_lines(message));
            let _ = writeln!(self.problems, "{BOLD}{file}{line}{BOLD:#}: {RED}error{RED:#}: {message}");
        }
    }

    fn add_notes(&mut self, project: &Project, verified: &Verified) {
        for link in &project.passed_over {
            let (name, message) = (inert_name(&link.file), redact(&link.message));
            let _ = writeln!(self.notes, "{BOLD}{name}{BOLD:#}: {YELLOW}note{YELLOW:#}: {}", inert_lines(&message));
        }
        for file in verified.files() {
            let before = &project.members[file.member].source;
            if self.dry_run && before.encoding() != file.after.encoding() {
                let name = inert_name(before.name());
                let what = "a diff cannot show a change of the encoding; without --dry-run and --check it is made";
                let _ = writeln!(self.notes, "{BOLD}{name}{BOLD:#}: {YELLOW}note{YELLOW:#}: {what}");
            }
        }
        for skip in &verified.plan().idle_skips {
            let source = &project.members[skip.member].source;
            let (name, line) = (inert_name(source.name()), source.line(skip.span.start));
            let what = if skip.patch.is_empty() {
                "this comment is not understood; write `# envfix: skip=ID`".to_owned()
            } else {
                let patch = inert(&skip.patch);
                format!("this comment skips {patch}, which finds nothing here (`envfix explain` lists the ids)")
            };
            let _ = writeln!(self.notes, "{BOLD}{name}:{line}{BOLD:#}: {YELLOW}note{YELLOW:#}: {what}");
        }
    }
}

fn each(out: &mut String, project: &Project, plan: &Plan, detail: Detail, dry_run: bool) {
    let mut shown: Vec<(&Finding, &Decision)> =
        plan.findings.iter().zip(&plan.decisions).filter(|(_, decision)| **decision != Decision::Ignore).collect();
    shown.sort_by_key(|(finding, _)| (finding.member, finding.place.start));
    // What is to be done about several lines of a log is told once.
    let mut alike: BTreeMap<(usize, usize, &str, &str), usize> = BTreeMap::new();
    for (finding, _) in &shown {
        if let Remedy::Advice(advice) = &finding.remedy {
            *alike.entry((finding.member, finding.place.start, &finding.patch, advice)).or_default() += 1;
        }
    }
    let mut last = None;
    for (finding, decision) in shown {
        if last.replace(finding.member) != Some(finding.member) {
            let name = inert_name(project.members[finding.member].source.name());
            match &project.members[finding.member].origin {
                Origin::Linked { by, line } => {
                    let _ = writeln!(out, "{BOLD}{name}{BOLD:#}: read because {}:{line} refers to it", inert(by));
                }
                Origin::Refers { to } => {
                    let _ = writeln!(out, "{BOLD}{name}{BOLD:#}: read because it refers to {}", inert(to));
                }
                Origin::Named | Origin::Found => {}
            }
        }
        let source = &project.members[finding.member].source;
        let at = format!("{BOLD}{}:{}{BOLD:#}", inert_name(source.name()), source.line(finding.place.start));
        let patch = &finding.patch;
        let message = inert(&finding.message);
        match (&finding.remedy, decision) {
            (Remedy::Fix(fix), Decision::Apply) => {
                let word = if dry_run { "would fix" } else { "fixed" };
                let _ = write!(out, "{at}: {GREEN}{word}{GREEN:#} [{patch}] {message}: {}", inert(&fix.action));
                if let (Some(because), Detail::All) = (&fix.because, detail) {
                    let _ = write!(out, " {DIM}({}){DIM:#}", inert(because));
                }
                out.push('\n');
                if let Some(advice) = &fix.advice {
                    let _ = writeln!(out, "{at}: {BLUE}advice{BLUE:#} [{patch}] {}", inert(advice));
                }
            }
            // With a log, what else could be better is told as a number.
            (_, Decision::Withhold(Withheld::NotTheCause)) if detail != Detail::All => continue,
            (Remedy::Fix(fix), Decision::Withhold(reason)) => {
                let because = match (reason, &fix.because) {
                    (Withheld::Unsafe, Some(because)) => format!(", since {}", inert(because)),
                    _ => String::new(),
                };
                let action = inert(&fix.action);
                let _ = writeln!(
                    out,
                    "{at}: {YELLOW}held back{YELLOW:#} [{patch}] {message}: {action} ({reason}{because})"
                );
            }
            (Remedy::Advice(advice), _) => {
                let Some(more) = alike.remove(&(finding.member, finding.place.start, patch.as_str(), advice.as_str()))
                else {
                    continue;
                };
                let more = if more > 1 { format!(" (and {} more)", more - 1) } else { String::new() };
                let advice = inert(advice);
                let _ = writeln!(out, "{at}: {BLUE}advice{BLUE:#} [{patch}] {message}{more}: {advice}");
            }
            (Remedy::Fix(_), _) => {}
        }
        if detail == Detail::All {
            for evidence in &finding.evidence {
                let line = source.line(evidence.span.start);
                let _ = writeln!(out, "    {DIM}line {line}: {}{DIM:#}", inert(&evidence.note));
            }
        }
    }
}

/// Findings by patch, as the report of many files tells them.
#[derive(Debug, Default)]
struct Groups(BTreeMap<(String, Ground, String), Group>);

/// What is told of the findings of a patch that have one message.
#[derive(Debug, Default)]
struct Group {
    /// How many are fixed, held back and advised.
    counts: [usize; 3],
    files: usize,
    /// The first file.
    example: String,
}

impl Groups {
    fn add(&mut self, project: &Project, plan: &Plan) {
        type Told<'a> = (&'a str, Ground, &'a str);
        let mut rows: BTreeMap<Told<'_>, ([usize; 3], BTreeSet<usize>)> = BTreeMap::new();
        for (finding, decision) in plan.findings.iter().zip(&plan.decisions) {
            let column = match decision {
                Decision::Apply => 0,
                Decision::Withhold(Withheld::NotTheCause) => continue,
                Decision::Withhold(_) => 1,
                Decision::Advise => 2,
                Decision::Ignore => continue,
            };
            let (counts, files) = rows.entry((&finding.patch, finding.ground, &finding.message)).or_default();
            counts[column] += 1;
            files.insert(finding.member);
        }
        for ((patch, ground, message), (counts, files)) in rows {
            let group = self.0.entry((patch.to_owned(), ground, message.to_owned())).or_default();
            group.counts.iter_mut().zip(counts).for_each(|(all, more)| *all += more);
            if let (0, Some(first)) = (group.files, files.first()) {
                group.example = inert(project.members[*first].source.name());
            }
            group.files += files.len();
        }
    }

    fn write(&self, out: &mut String, dry_run: bool) {
        for ((patch, _, message), group) in &self.0 {
            let done = if dry_run { "would be fixed" } else { "fixed" };
            let parts: Vec<String> = group
                .counts
                .iter()
                .zip([done, "held back", "advised"])
                .filter(|(count, _)| **count > 0)
                .map(|(count, word)| format!("{count} {word}"))
                .collect();
            let (message, parts) = (inert(message), parts.join(", "));
            let (files, example) = (plural(group.files, "file"), &group.example);
            let _ = writeln!(out, "[{BOLD}{patch}{BOLD:#}] {message}: {parts} in {files}, such as {example}");
        }
    }
}

fn summary(counts: &Counts, withheld: &BTreeMap<&'static str, usize>, dry_run: bool) -> String {
    let mut parts = Vec::new();
    let would = if dry_run { "would be " } else { "" };
    if counts.applied > 0 {
        parts.push(format!("{} {would}applied to {}", fixes(counts.applied), plural(counts.changed, "file")));
    }
    if counts.withheld > 0 {
        let reasons: Vec<String> = withheld
            .iter()
            .map(|(kind, count)| match *kind {
                "unsafe" => format!("{count} unsafe (--unsafe applies them)"),
                "hardening" => format!("{count} hardening (without --faults they apply)"),
                "not-the-cause" => format!("{count} that do not mend this build (without --log they apply)"),
                "generated" => format!("{count} in generated files (name a file to have it fixed)"),
                other => format!("{count} {other}"),
            })
            .collect();
        parts.push(format!("{} held back: {}", fixes(counts.withheld), reasons.join(", ")));
    }
    if counts.advised > 0 {
        parts.push(if counts.advised == 1 {
            "1 piece of advice".to_owned()
        } else {
            format!("{} pieces of advice", counts.advised)
        });
    }
    if counts.problems > 0 {
        parts.push(plural(counts.problems, "error"));
    }
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    format!("{} read; {}\n", plural(counts.files, "file"), parts.join("; "))
}

fn fixes(count: usize) -> String {
    if count == 1 { "1 fix".to_owned() } else { format!("{count} fixes") }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
