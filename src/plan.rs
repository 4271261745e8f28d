//! Which fixes to apply: those asked for, none that overlap, each of the others held back with its reason.

use std::collections::BTreeMap;
use std::fmt;

use crate::finding::{Finding, Ground, Remedy};
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
}

impl Withheld {
    /// A word for tables: reasons of one kind have the same.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Withheld::Unsafe => "unsafe",
            Withheld::Hardening => "hardening",
            Withheld::SkippedInline { .. } => "skipped",
            Withheld::Overlap { .. } => "overlap",
            Withheld::Unverified { .. } => "unverified",
            Withheld::Unstable => "unstable",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Withheld::Unsafe => f.write_str("unsafe: --unsafe or --only applies it"),
            Withheld::Hardening => f.write_str("hardening, and only faults were asked for"),
            Withheld::SkippedInline { line } => write!(f, "skipped by the comment on line {line}"),
            Withheld::Overlap { patch } => write!(f, "it overlaps with the fix of {patch}: run again"),
            Withheld::Unverified { mismatch } => write!(f, "it failed verification and was not applied: {mismatch}"),
            Withheld::Unstable => f.write_str("a second run would change the file again"),
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
    let mut skips: BTreeMap<usize, Vec<(crate::project::Skip, bool)>> = BTreeMap::new();
    for (index, member) in project.members.iter().enumerate() {
        let list = member.skips();
        if !list.is_empty() {
            skips.insert(index, list.into_iter().map(|skip| (skip, false)).collect());
        }
    }
    let policies: Vec<Policy> = project.members.iter().map(|member| member.settings.policy(policy)).collect();
    let mut decisions = Vec::with_capacity(findings.len());
    let mut applied: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        let policy = &policies[finding.member];
        let skip = skips.get_mut(&finding.member).and_then(|list| {
            list.iter_mut().find(|(skip, _)| skip.patch == finding.patch && skip.covers(finding.place))
        });
        let decision = if let Some((skip, used)) = skip {
            *used = true;
            Decision::Withhold(Withheld::SkippedInline {
                line: project.members[finding.member].source.line(skip.span.start),
            })
        } else {
            decide(finding, policy)
        };
        let decision = match (decision, finding.fix()) {
            (Decision::Apply, Some(fix)) => {
                let others = applied.entry(finding.member).or_default();
                let overlap = others.iter().find(|other| {
                    findings[**other]
                        .fix()
                        .is_some_and(|other| other.edits.iter().any(|a| fix.edits.iter().any(|b| collide(a, b))))
                });
                if let Some(other) = overlap {
                    Decision::Withhold(Withheld::Overlap { patch: findings[*other].patch.clone() })
                } else {
                    others.push(number);
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

/// Whether two edits cannot stand together. Two insertions at one place can: they stand in the order of the findings.
fn collide(a: &crate::edit::Edit, b: &crate::edit::Edit) -> bool {
    if a.span.is_empty() && b.span.is_empty() {
        return false;
    }
    a.span.start < b.span.end && b.span.start < a.span.end
        || a.span.is_empty() && b.span.start < a.span.start && a.span.start < b.span.end
        || b.span.is_empty() && a.span.start < b.span.start && b.span.start < a.span.end
}

fn decide(finding: &Finding, policy: &Policy) -> Decision {
    let named = policy.only.contains(&finding.patch);
    if policy.skip.contains(&finding.patch) || (!policy.only.is_empty() && !named) {
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
