//! What is written into a review: a comment for each suggestion and each piece of advice, and the review's own text for
//! what no comment can stand on. Each carries a hidden marker with a fingerprint that stays when lines move.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::host::{ChangedFile, Comment, Dialect, MARKER};
use super::markdown::{code, fence, plain};
use super::suggestion::{self, Suggestion, Unsuitable};
use crate::diagnosis::Failure;
use crate::finding::{Finding, Remedy};
use crate::member::Problem;
use crate::output::redact::redact;
use crate::patch::catalogue::Catalogue;
use crate::plan::Decision;
use crate::project::Project;
use crate::verify::Verified;

/// What a review is to say.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The comments, each with its fingerprint.
    pub comments: Vec<(String, Comment)>,
    /// The review's own text, where there is something to say in it.
    pub summary: Option<String>,
    /// Whether it is what a build's log shows. A run with a log and one without say different things of the same files,
    /// and neither knows whether what the other said is mended.
    pub of_log: bool,
}

/// The fingerprint of the review's own text.
pub const SUMMARY: &str = "summary";

/// The fingerprint of the review's own text about the log of a build.
pub const LOG_SUMMARY: &str = "log-build";

/// How the fingerprints of what a log shows begin.
pub const OF_LOG: &str = "log-";

/// Hosts refuse longer comments (GitHub's is the smallest limit, 65,536 characters).
const MOST_TEXT: usize = 60_000;

/// The marker of a fingerprint: a comment that no host shows.
#[must_use]
pub fn marker(fingerprint: &str) -> String {
    format!("{MARKER}{fingerprint} -->")
}

/// The fingerprint in a text that envfix posted.
#[must_use]
pub fn fingerprint_of(body: &str) -> Option<&str> {
    // The last one: what a person or a file wrote stands before it.
    let start = body.rfind(MARKER)? + MARKER.len();
    let length = body[start..].find(" -->")?;
    Some(&body[start..start + length])
}

/// What a review is to say about a project at the head of a pull request that changes these files.
#[must_use]
pub fn wanted(
    project: &Project,
    catalogue: &Catalogue,
    verified: &Verified,
    suggestions: &[Suggestion],
    changed: &[ChangedFile],
    dialect: Dialect,
) -> Wanted {
    let about = About { project, catalogue, verified };
    let shown: BTreeMap<&str, Option<&[RangeInclusive<usize>]>> =
        changed.iter().map(|file| (file.path.as_str(), file.shown.as_deref())).collect();
    let of_log = project.failure.is_some();
    let mut prints = Fingerprints { of_log, ..Fingerprints::default() };
    let mut wanted = Wanted { of_log, ..Wanted::default() };
    let mut outside: Vec<(&Suggestion, Unsuitable)> = Vec::new();
    for suggestion in suggestions {
        let path = project.members[suggestion.member].source.name();
        match suggestion.suits(shown.get(path).copied().flatten()) {
            Ok(()) => {
                let patches = about.patches(&suggestion.findings);
                let print = prints.of(&["fix", path, &patches.join(","), &suggestion.before]);
                let body = about.suggestion(suggestion, dialect, &print);
                let lines = suggestion.lines.clone();
                wanted.comments.push((print, Comment { path: path.to_owned(), lines, body }));
            }
            Err(why) => outside.push((suggestion, why)),
        }
    }
    let mut elsewhere: Vec<&Finding> = Vec::new();
    let plan = verified.plan();
    for (finding, decision) in plan.findings.iter().zip(&plan.decisions) {
        let Some(advice) = advice_of(finding, decision) else { continue };
        let source = &project.members[finding.member].source;
        let line = source.line(finding.place.start);
        let visible = shown.get(source.name()).copied().flatten().unwrap_or_default();
        if visible.iter().any(|range| range.contains(&line)) {
            let text = source.text().lines().nth(line - 1).unwrap_or_default();
            let print = prints.of(&["advice", source.name(), &finding.patch, text, &finding.message]);
            let body = about.advice(finding, advice, &print);
            wanted.comments.push((print, Comment { path: source.name().to_owned(), lines: line..=line, body }));
        } else {
            elsewhere.push(finding);
        }
    }
    let mut unread: Vec<&Problem> = Vec::new();
    for problem in &project.problems {
        let Some(visible) = shown.get(problem.file.as_str()) else { continue };
        match problem.line.filter(|line| visible.unwrap_or_default().iter().any(|range| range.contains(line))) {
            Some(line) => {
                let print = prints.of(&["unread", &problem.file, &problem.message]);
                let message = plain(&redact(&problem.message));
                let body = format!(
                    "**This file cannot be read, and no build can use it.** {message}.\n\n{}\n",
                    marker(&print)
                );
                wanted.comments.push((print, Comment { path: problem.file.clone(), lines: line..=line, body }));
            }
            None => unread.push(problem),
        }
    }
    wanted.summary = about.summary(&outside, &elsewhere, &unread);
    wanted
}

/// What a person has to do about a finding; `None` where that is nothing.
fn advice_of<'a>(finding: &'a Finding, decision: &Decision) -> Option<&'a str> {
    match (&finding.remedy, decision) {
        (Remedy::Advice(advice), Decision::Advise) => Some(advice),
        (Remedy::Fix(fix), Decision::Apply) => fix.advice.as_deref().filter(|_| fix.edits.is_empty()),
        _ => None,
    }
}

/// What texts are made from.
struct About<'a> {
    project: &'a Project,
    catalogue: &'a Catalogue,
    verified: &'a Verified,
}

impl About<'_> {
    fn patches(&self, findings: &[usize]) -> Vec<&str> {
        findings.iter().map(|number| self.verified.plan().findings[*number].patch.as_str()).collect()
    }

    fn finding(&self, number: usize) -> &Finding {
        &self.verified.plan().findings[number]
    }

    /// The document's section, the patch, and how to switch it off.
    fn footer(&self, patches: &[&str], print: &str) -> String {
        let mut sections: Vec<&str> = Vec::new();
        for patch in patches.iter().filter_map(|id| self.catalogue.get(id)) {
            if !sections.contains(&patch.document.section.as_str()) {
                sections.push(&patch.document.section);
            }
        }
        let sections: Vec<String> = sections.iter().map(|section| plain(section)).collect();
        let mut ids: Vec<&str> = patches.to_vec();
        ids.dedup();
        let skip = code(&format!("# envfix: skip={}", ids.join(",")));
        format!(
            "<sub>Azure ML, “Troubleshoot environment image builds”: {} · {skip} above the line switches this off</sub>\n{}\n",
            sections.join("; "),
            marker(print)
        )
    }

    fn suggestion(&self, suggestion: &Suggestion, dialect: Dialect, print: &str) -> String {
        let mut body = String::new();
        for number in &suggestion.findings {
            body.push_str(&self.what(self.finding(*number)));
        }
        let kind = match dialect {
            Dialect::GitHub | Dialect::AzureDevOps => "suggestion".to_owned(),
            // The comment stands on the last line; the suggestion begins above it.
            Dialect::GitLab => format!("suggestion:-{}+0", suggestion.lines.end() - suggestion.lines.start()),
        };
        body.push('\n');
        body.push_str(&fence(&kind, &suggestion.after));
        body.push('\n');
        body + &self.footer(&self.patches(&suggestion.findings), print)
    }

    /// What a fix does and why, as an item of a text.
    fn what(&self, finding: &Finding) -> String {
        let title = plain(&finding.title);
        let message = plain(&redact(&finding.message));
        let (action, because) = match &finding.remedy {
            Remedy::Fix(fix) => (plain(&redact(&fix.action)), fix.because.as_deref().map(|it| plain(&redact(it)))),
            Remedy::Advice(_) => (String::new(), None),
        };
        let because = because.map(|because| format!(" ({because})")).unwrap_or_default();
        let unsafe_note = match &finding.remedy {
            Remedy::Fix(fix) if fix.safety == crate::patch::file::Safety::Unsafe => {
                " **Check this one: it is not always right.**"
            }
            _ => "",
        };
        format!("**{title}.** {message}: {action}{because}.{unsafe_note}{}\n", self.evidence(finding))
    }

    /// The line of the build's log that shows it.
    fn evidence(&self, finding: &Finding) -> String {
        let Some(failure) = &self.project.failure else { return String::new() };
        let Some((line, text)) = finding.cause.and_then(|cause| failure.causes.get(cause)?.evidence.first()) else {
            return String::new();
        };
        let text: String = redact(text.trim()).chars().take(300).collect();
        format!("\n\n> {} line {line}: {}\n", plain(&failure.file), code(&text))
    }

    fn advice(&self, finding: &Finding, advice: &str, print: &str) -> String {
        let (title, message) = (plain(&finding.title), plain(&redact(&finding.message)));
        let advice = plain(&redact(advice));
        format!(
            "**{title}.** {message}: {advice}.{}\n\n{}",
            self.evidence(finding),
            self.footer(&[finding.patch.as_str()], print)
        )
    }

    /// The review's own text: the build's causes, the fixes that stand on no line of the diff, and the advice that does.
    fn summary(
        &self,
        outside: &[(&Suggestion, Unsuitable)],
        elsewhere: &[&Finding],
        unread: &[&Problem],
    ) -> Option<String> {
        let causes = self.project.failure.as_ref();
        let causes = causes.map(|failure| self::causes(failure, &self.verified.plan().findings)).unwrap_or_default();
        if outside.is_empty() && elsewhere.is_empty() && unread.is_empty() && causes.is_empty() {
            return None;
        }
        let mut text = String::from("### envfix\n\n");
        text.push_str(&causes);
        let credential = |why: Unsuitable| why == Unsuitable::Credential;
        let (secret, printed): (Vec<_>, Vec<_>) = outside.iter().partition(|(_, why)| credential(*why));
        for (suggestion, why) in outside {
            let source = &self.project.members[suggestion.member].source;
            let place = code(&format!("{}:{}", source.name(), suggestion.lines.start()));
            for number in &suggestion.findings {
                text.push_str(&format!("- {place}: {}", self.what(self.finding(*number))));
            }
            text.push_str(&format!("  <sub>{}</sub>\n", explained(*why)));
        }
        for problem in unread {
            let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = code(&format!("{}{line}", problem.file));
            text.push_str(&format!("- {place} cannot be read: {}.\n", plain(&redact(&problem.message))));
        }
        for finding in elsewhere {
            let source = &self.project.members[finding.member].source;
            let place = code(&format!("{}:{}", source.name(), source.line(finding.place.start)));
            let Remedy::Advice(advice) = &finding.remedy else { continue };
            let (message, advice) = (plain(&redact(&finding.message)), plain(&redact(advice)));
            text.push_str(&format!("- {place}: {message}: {advice}.\n"));
        }
        text.push('\n');
        text.push_str(&self.fold(&printed));
        if !secret.is_empty() {
            text.push_str(
                "Lines that hold a credential are not repeated here: `envfix --dry-run` shows their diff.\n\n",
            );
        }
        text.push_str(&marker(if self.project.failure.is_some() { LOG_SUMMARY } else { SUMMARY }));
        text.push('\n');
        Some(text)
    }

    /// The diff of what cannot be suggested, folded.
    fn fold(&self, outside: &[&(&Suggestion, Unsuitable)]) -> String {
        let mut by_file: BTreeMap<usize, Vec<&Suggestion>> = BTreeMap::new();
        for (suggestion, _) in outside {
            by_file.entry(suggestion.member).or_default().push(suggestion);
        }
        let mut diff = String::new();
        let mut left_out = 0;
        for (member, suggestions) in by_file {
            let one = suggestion::diff(&self.project.members[member].source, &suggestions);
            // A diff has to apply, so nothing is taken out of it; its context may hold what is printed nowhere.
            let carriage = one.contains('\r');
            if carriage || redact(&one) != one || diff.len() + one.len() > MOST_TEXT / 2 {
                left_out += 1;
            } else {
                diff.push_str(&one);
            }
        }
        let mut text = String::new();
        if !diff.is_empty() {
            text.push_str("<details><summary>The diff (<code>git apply</code> takes it)</summary>\n\n");
            text.push_str(&fence("diff", &diff));
            text.push_str("\n</details>\n\n");
        }
        if left_out > 0 {
            text.push_str(&format!(
                "The diff of {left_out} file(s) is not shown, since it is too long, holds a credential near a change, or ends its lines \
                 in CRLF, which would get lost here: `envfix --dry-run` prints it.\n\n"
            ));
        }
        text
    }
}

/// Why the build failed, as a list.
fn causes(failure: &Failure, findings: &[Finding]) -> String {
    let mut text = String::new();
    for (number, cause) in failure.causes.iter().enumerate() {
        let answer = failure.answer(number);
        let message = failure.message(number, findings);
        text.push_str(&format!("- The build failed: {}", plain(&redact(message))));
        if let Some((line, evidence)) = cause.evidence.first() {
            let evidence: String = redact(evidence.trim()).chars().take(300).collect();
            text.push_str(&format!(" (line {line} of its log: {})", code(&evidence)));
        }
        if let Some(answer) = answer {
            text.push_str(&format!(". {}", plain(&redact(&answer.advice))));
        }
        text.push('\n');
    }
    text
}

fn explained(why: Unsuitable) -> &'static str {
    match why {
        Unsuitable::NotShown => "not on the lines of this pull request",
        Unsuitable::CarriageReturn => "its lines end in CRLF, which a suggestion would not keep",
        Unsuitable::NoLastNewline => "the last line has no newline, and a suggestion would add one",
        Unsuitable::ByteOrderMark => "the line holds the byte order mark, which a suggestion would not keep",
        Unsuitable::Invisible => "the lines hold characters that cannot be seen",
        Unsuitable::Credential => "the line holds a credential, which is not repeated here",
        Unsuitable::Long => "too long for a suggestion",
    }
}

/// Fingerprints of what is said, the same after lines have moved. Equal ones are numbered.
#[derive(Default)]
struct Fingerprints {
    of_log: bool,
    met: BTreeMap<String, usize>,
}

impl Fingerprints {
    fn of(&mut self, parts: &[&str]) -> String {
        let mut hash = Fnv::default();
        for part in parts {
            // Indentation and blanks may change around a fault.
            part.split_whitespace().for_each(|word| hash.add(word.as_bytes()));
            hash.add(&[0]);
        }
        let print = format!("{:016x}", hash.0);
        let times = self.met.entry(print.clone()).or_default();
        *times += 1;
        let print = if *times == 1 { print } else { format!("{print}-{times}") };
        if self.of_log { format!("{OF_LOG}{print}") } else { print }
    }
}

/// FNV-1a in 64 bits: the same on every machine and in every version, which the standard library's hashes are not.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
