//! A comparison in linear time, for texts of very many lines.
//!
//! Myers' greedy search, run forward from the last place that both texts agree on, and ended as soon as a run of
//! equal lines shows that they agree again, or when it has gone on for too long. The script is then not the shortest
//! one, but always a right one.

use similar::DiffOp;

/// Equal lines after which the search ends: the texts are in step again.
const IN_STEP: usize = 32;
/// Changed lines after which the search ends with the furthest place it reached.
const LIMIT: usize = 128;

/// What turns `old` into `new`.
pub fn compare(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut script = Script::default();
    loop {
        let (rest_old, rest_new) = (&old[script.old..], &new[script.new..]);
        script.equal(common(rest_old, rest_new, usize::MAX));
        let (rest_old, rest_new) = (&old[script.old..], &new[script.new..]);
        if rest_old.is_empty() || rest_new.is_empty() {
            script.change(rest_old.len(), rest_new.len());
            return script.ops;
        }
        for step in search(rest_old, rest_new).iter().rev() {
            script.change(usize::from(step.deletes), usize::from(!step.deletes));
            script.equal(step.equal);
        }
    }
}

/// How many lines, at most `limit`, both begin with.
fn common(old: &[&str], new: &[&str], limit: usize) -> usize {
    old.iter().zip(new).take(limit).take_while(|(old, new)| old == new).count()
}

/// One line deleted or inserted, then lines that are equal.
struct Step {
    deletes: bool,
    equal: usize,
}

/// The steps, last first, to a place further on; at least one, when neither text is empty.
fn search(old: &[&str], new: &[&str]) -> Vec<Step> {
    // One row for each number of changes; place `deleted` of it holds how far into `old` that many deletions, with
    // insertions for the other changes, can lead.
    let mut rows: Vec<Vec<Option<usize>>> = vec![vec![Some(0)]];
    let mut furthest = 0;
    for changes in 1..=LIMIT {
        let mut row = Vec::with_capacity(changes + 1);
        let (mut best, mut ended) = (None, false);
        for deleted in 0..=changes {
            let reached = arrive(rows.last(), changes, deleted, old.len(), new.len()).map(|(at_old, _)| {
                let at_new = at_old + changes - 2 * deleted;
                let equal = common(&old[at_old..], &new[at_new..], IN_STEP);
                best = best.max(Some((at_old + at_new + 2 * equal, deleted)));
                ended = equal == IN_STEP || (at_old + equal == old.len() && at_new + equal == new.len());
                at_old + equal
            });
            row.push(reached);
            if ended {
                best = Some((0, deleted));
                break;
            }
        }
        let Some((_, deleted)) = best else { break };
        furthest = deleted;
        rows.push(row);
        if ended {
            break;
        }
    }
    back(&rows, furthest, old.len(), new.len())
}

/// Where in `old` the last of `changes` changes leads, of which `deleted` are deletions, and whether it is one.
fn arrive(
    before: Option<&Vec<Option<usize>>>,
    changes: usize,
    deleted: usize,
    old: usize,
    new: usize,
) -> Option<(usize, bool)> {
    let before = before?;
    let place = |deleted: usize| before.get(deleted).copied().flatten();
    let by_deleting = deleted.checked_sub(1).and_then(place).map(|at| at + 1).filter(|at| *at <= old);
    let by_inserting = place(deleted).filter(|at| at + changes - 2 * deleted <= new);
    match (by_deleting, by_inserting) {
        (Some(delete), Some(insert)) if insert >= delete => Some((insert, false)),
        (None, Some(insert)) => Some((insert, false)),
        (Some(delete), _) => Some((delete, true)),
        (None, None) => None,
    }
}

/// The steps that led to the place `deleted` of the last row, last first.
fn back(rows: &[Vec<Option<usize>>], mut deleted: usize, old: usize, new: usize) -> Vec<Step> {
    let mut steps = Vec::with_capacity(rows.len());
    for (changes, pair) in rows.windows(2).enumerate().rev() {
        let [before, row] = pair else { break };
        let arrived = arrive(Some(before), changes + 1, deleted, old, new);
        let (Some((at, deletes)), Some(Some(end))) = (arrived, row.get(deleted)) else { break };
        steps.push(Step { deletes, equal: end - at });
        deleted -= usize::from(deletes);
    }
    steps
}

/// The script so far, and how far into both texts it leads.
#[derive(Default)]
struct Script {
    ops: Vec<DiffOp>,
    old: usize,
    new: usize,
}

impl Script {
    fn equal(&mut self, lines: usize) {
        match self.ops.last_mut() {
            _ if lines == 0 => return,
            Some(DiffOp::Equal { len, .. }) => *len += lines,
            _ => self.ops.push(DiffOp::Equal { old_index: self.old, new_index: self.new, len: lines }),
        }
        (self.old, self.new) = (self.old + lines, self.new + lines);
    }

    /// Changes that follow each other are one, which is written as its deletions and then its insertions.
    fn change(&mut self, deleted: usize, inserted: usize) {
        match self.ops.last_mut() {
            _ if deleted + inserted == 0 => return,
            Some(DiffOp::Replace { old_len, new_len, .. }) => {
                (*old_len, *new_len) = (*old_len + deleted, *new_len + inserted);
            }
            _ => self.ops.push(DiffOp::Replace {
                old_index: self.old,
                old_len: deleted,
                new_index: self.new,
                new_len: inserted,
            }),
        }
        (self.old, self.new) = (self.old + deleted, self.new + inserted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `after` as the script makes it of `before`.
    fn check(old: &[&str], new: &[&str]) -> usize {
        let mut made: Vec<&str> = Vec::new();
        let (mut at_old, mut at_new, mut changed) = (0, 0, 0);
        for op in compare(old, new) {
            assert_eq!((op.old_range().start, op.new_range().start), (at_old, at_new));
            (at_old, at_new) = (op.old_range().end, op.new_range().end);
            if let DiffOp::Equal { .. } = op {
                made.extend(&old[op.old_range()]);
            } else {
                made.extend(&new[op.new_range()]);
                changed += op.old_range().len() + op.new_range().len();
            }
        }
        assert_eq!((at_old, at_new), (old.len(), new.len()));
        assert!(made == new);
        changed
    }

    #[test]
    fn every_script_makes_the_new_text_of_the_old_one() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let words = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for round in 0..3000 {
            let letters = 1 + random(8);
            let mut text = |longest: u64| -> Vec<&str> {
                let length = random(longest);
                (0..length).map(|_| words[usize::try_from(random(letters)).unwrap()]).collect()
            };
            let longest = if round % 100 == 0 { 2000 } else { 40 };
            let (old, new) = (text(longest), text(longest));
            check(&old, &new);
        }
    }

    #[test]
    fn insertions_into_repeated_lines_are_found_as_they_are() {
        let old: Vec<&str> = ["FROM a", "RUN b"].repeat(10_000);
        let new: Vec<&str> = ["FROM a", "ENV c", "RUN b"].repeat(10_000);
        assert_eq!(check(&old, &new), 10_000);
        assert_eq!(check(&new, &old), 10_000);
        let same = vec!["x"; 20_000];
        let mut more = same.clone();
        more.insert(0, "first");
        more.push("last");
        assert_eq!(check(&same, &more), 2);
        assert_eq!(check(&more, &same), 2);
        assert_eq!(check(&[], &same), 20_000);
    }
}
