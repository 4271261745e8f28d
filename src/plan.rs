//! Which fixes to apply: those asked for, none that overlap, each of the others held back with its reason.

use std::collections::BTreeMap;
use std::fmt;

use crate::edit::Edit;
use crate::finding::{Finding, Ground, Remedy};
use crate::member::Origin;
use crate::model::Model;
use crate::patch::file::Safety;
use crate::project::Project;
use crate::settings::Policy;
use crate::source::Span;

/// What is to be done with each finding; the lists run in parallel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The findings.
    pub findings: Vec<Finding>,
    /// What is done with each.
    pub decisions: Vec<Decision>,
    /// Inline skips that matched no finding.
    pub idle_skips: Vec<IdleSkip>,
}

/// What is done with a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its fix is applied.
    Apply,
    /// Its fix is held back.
    Withhold(Withheld),
    /// It is advice and is told.
    Advise,
    /// It is not told: the patch was not asked for.
    Ignore,
}

/// Why a fix is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// It is unsafe and was not asked for.
    Unsafe,
    /// It is hardening, and only faults were asked for.
    Hardening,
    /// The log of the failed build shows another cause.
    NotTheCause,
    /// A comment above it skips the patch.
    SkippedInline {
        /// Line of the comment.
        line: usize,
    },
    /// It overlaps with a fix that is applied.
    Overlap {
        /// The other patch.
        patch: String,
    },
    /// The patched text would not be what the fix says.
    Unverified {
        /// How it would differ.
        mismatch: String,
    },
    /// A second run would change the file again.
    Unstable,
    /// The file says that it is generated, and nobody named it.
    Generated,
    /// The file could not be written.
    NotWritten {
        /// Why.
        reason: String,
    },
}

impl Withheld {
    /// A word for tables: reasons of one kind have the same.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Withheld::Unsafe => "unsafe",
            Withheld::Hardening => "hardening",
            Withheld::NotTheCause => "not-the-cause",
            Withheld::SkippedInline { .. } => "skipped",
            Withheld::Overlap { .. } => "overlap",
            Withheld::Unverified { .. } => "unverified",
            Withheld::Unstable => "unstable",
            Withheld::Generated => "generated",
            Withheld::NotWritten { .. } => "not-written",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Withheld::Unsafe => f.write_str("unsafe: --unsafe or --only applies it"),
            Withheld::Hardening => f.write_str("hardening, and only faults were asked for"),
            Withheld::NotTheCause => f.write_str("it is not why the build of the log failed"),
            Withheld::SkippedInline { line } => write!(f, "skipped by the comment on line {line}"),
            Withheld::Overlap { patch } => write!(f, "it overlaps with the fix of {patch}"),
            Withheld::Unverified { mismatch } => write!(f, "it failed verification and was not applied: {mismatch}"),
            Withheld::Unstable => f.write_str("a second run would change the file again"),
            Withheld::NotWritten { reason } => write!(f, "the file could not be written: {reason}"),
            Withheld::Generated => {
                f.write_str("the file says that it is generated: change what it is made from, or name the file itself")
            }
        }
    }
}

/// An inline skip that switched nothing off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleSkip {
    /// Number of the file.
    pub member: usize,
    /// Where the comment stands.
    pub span: Span,
    /// The id that matched nothing.
    pub patch: String,
}

/// Decides what is done with each finding.
#[must_use]
pub fn plan(project: &Project, findings: Vec<Finding>, policy: &Policy) -> Plan {
    let mut skips: BTreeMap<usize, Vec<(crate::member::Skip, bool)>> = BTreeMap::new();
    for (index, member) in project.members.iter().enumerate() {
        let list = member.skips();
        if !list.is_empty() {
            skips.insert(index, list.into_iter().map(|skip| (skip, false)).collect());
        }
    }
    let policies: Vec<Policy> = project.members.iter().map(|member| member.settings.policy(policy)).collect();
    let mut decisions = Vec::with_capacity(findings.len());
    let mut applied: BTreeMap<usize, Taken> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        let policy = &policies[finding.member];
        let skip = skips.get_mut(&finding.member).and_then(|list| {
            list.iter_mut().find(|(skip, _)| skip.patch == finding.patch && speaks_of(skip, project, finding))
        });
        let decision = if let Some((skip, used)) = skip {
            *used = true;
            Decision::Withhold(Withheld::SkippedInline {
                line: project.members[finding.member].source.line(skip.span.start),
            })
        } else {
            decide(finding, policy, project.failure.is_some())
        };
        let member = &project.members[finding.member];
        let decision = match decision {
            Decision::Apply if member.origin != Origin::Named && member.is_generated() => {
                Decision::Withhold(Withheld::Generated)
            }
            other => other,
        };
        let decision = match (decision, finding.fix()) {
            (Decision::Apply, Some(fix)) => {
                let taken = applied.entry(finding.member).or_default();
                if let Some(other) = fix.edits.iter().find_map(|edit| taken.collides(edit)) {
                    Decision::Withhold(Withheld::Overlap { patch: findings[other].patch.clone() })
                } else {
                    fix.edits.iter().for_each(|edit| taken.take(edit, number));
                    Decision::Apply
                }
            }
            (decision, _) => decision,
        };
        decisions.push(decision);
    }
    let idle_skips = skips
        .into_iter()
        .flat_map(|(member, list)| {
            list.into_iter().filter(|(_, used)| !used).map(move |(skip, _)| IdleSkip {
                member,
                span: skip.span,
                patch: skip.patch,
            })
        })
        .collect();
    Plan { findings, decisions, idle_skips }
}

/// Whether a skip stands at a finding. In a program it may stand at any of the statements that the finding names.
fn speaks_of(skip: &crate::member::Skip, project: &Project, finding: &Finding) -> bool {
    let in_program = matches!(project.members[finding.member].model, Model::Script(_));
    let named = finding.evidence.iter().map(|evidence| evidence.span).filter(|_| in_program);
    std::iter::once(finding.place).chain(named).any(|place| skip.covers(place))
}

/// The places of a file that fixes take, with the number of the finding whose fix it is. Two insertions at one place
/// can stand together, in the order of their rank; a replacement suffers nothing inside it.
#[derive(Default)]
struct Taken {
    /// Replacements by their start: they never overlap each other.
    replaced: BTreeMap<usize, (usize, usize)>,
    /// Insertions by their place.
    inserted: BTreeMap<usize, usize>,
}

impl Taken {
    fn take(&mut self, edit: &Edit, finding: usize) {
        if edit.span.is_empty() {
            self.inserted.insert(edit.span.start, finding);
        } else {
            self.replaced.insert(edit.span.start, (edit.span.end, finding));
        }
    }

    /// The finding whose fix an edit collides with.
    fn collides(&self, edit: &Edit) -> Option<usize> {
        let span = edit.span;
        let before = self.replaced.range(..span.start).next_back().filter(|(_, (end, _))| *end > span.start);
        if span.is_empty() {
            return before.map(|(_, (_, finding))| *finding);
        }
        let within = self.replaced.range(span.start..span.end).next();
        let inserted = self.inserted.range(span.start + 1..span.end).next();
        before.or(within).map(|(_, (_, finding))| *finding).or(inserted.map(|(_, finding)| *finding))
    }
}

fn decide(finding: &Finding, policy: &Policy, logged: bool) -> Decision {
    let named = policy.only.contains(&finding.patch);
    if policy.skip.contains(&finding.patch) || (!policy.only.is_empty() && !named) {
        return Decision::Ignore;
    }
    // A build that failed is the best ground there is; what else could be better is another matter.
    match (&finding.remedy, finding.cause) {
        (Remedy::Fix(_), Some(_)) => return Decision::Apply,
        (Remedy::Advice(_), Some(_)) => return Decision::Advise,
        (Remedy::Fix(_), None) if logged && !named => return Decision::Withhold(Withheld::NotTheCause),
        (Remedy::Advice(_), None) if logged && !named => return Decision::Ignore,
        _ => {}
    }
    if finding.ground == Ground::Asked && !named {
        return Decision::Ignore;
    }
    let hardening = finding.ground == Ground::Hardening && policy.faults_only && !named;
    match &finding.remedy {
        Remedy::Advice(_) if hardening => Decision::Ignore,
        Remedy::Advice(_) => Decision::Advise,
        Remedy::Fix(_) if hardening => Decision::Withhold(Withheld::Hardening),
        Remedy::Fix(fix) if fix.safety == Safety::Unsafe && !named && !policy.allow_unsafe => {
            Decision::Withhold(Withheld::Unsafe)
        }
        Remedy::Fix(_) => Decision::Apply,
    }
}
