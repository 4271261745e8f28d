//! Edits of a patched text as edits of the text before: a fix that makes room for another is reported as what both of
//! them do to the file as it was.

use std::collections::BTreeSet;

use crate::edit::Edit;
use crate::finding::{Finding, Remedy};
use crate::source::Span;

/// Edits of one text, each with the finding that it belongs to, in the order in which they are applied.
#[derive(Clone, Debug, Default)]
pub struct Composed {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    finding: usize,
    index: usize,
    edit: Edit,
}

/// Where a place of the patched text is in terms of the text before.
enum Where {
    /// In what was there before, at this offset.
    Kept(usize),
    /// In what the step of this number wrote, at this offset of its text.
    Written(usize, usize),
}

impl Composed {
    /// Adds an edit of the text before: the edit numbered `index` of a finding's fix.
    pub fn push(&mut self, finding: usize, index: usize, edit: Edit) {
        self.steps.push(Step { finding, index, edit });
    }

    /// The edits, in the order in which they are applied.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.steps.iter().map(|step| &step.edit)
    }

    /// The findings, in the order in which their fixes are applied.
    pub fn findings(&self) -> Vec<usize> {
        // The edits of one may stand on both sides of those of another.
        let mut met = BTreeSet::new();
        self.steps.iter().map(|step| step.finding).filter(|finding| met.insert(*finding)).collect()
    }

    /// Gives every finding its edits as they have become.
    pub fn write_back(&self, findings: &mut [Finding]) {
        for step in &self.steps {
            if let Some(Remedy::Fix(fix)) = findings.get_mut(step.finding).map(|finding| &mut finding.remedy)
                && let Some(edit) = fix.edits.get_mut(step.index)
            {
                *edit = step.edit.clone();
            }
        }
    }

    /// Adds edits of the text that `before` makes, for a finding, and gives the edits of the text before that are the
    /// finding's own. One inside what another finding wrote changes that, and is no edit of its own.
    pub fn compose(&mut self, finding: usize, before: &Composed, edits: &[Edit]) -> Vec<Edit> {
        let mut own = Vec::new();
        for edit in edits {
            let (start, end) = (before.locate(edit.span.start, true), before.locate(edit.span.end, false));
            let step = match (start, end) {
                // Right before what was written: the order decides.
                (Where::Written(step, 0), _) if edit.span.is_empty() => {
                    let at = self.position(before, step);
                    let original = Edit { span: Span::at(before.steps[step].edit.span.start), ..edit.clone() };
                    self.steps.insert(at, Step { finding, index: own.len(), edit: original.clone() });
                    own.push(original);
                    continue;
                }
                (Where::Written(step, from), _) if edit.span.is_empty() => {
                    let at = self.position(before, step);
                    self.steps[at].edit.replacement.insert_str(from, &edit.replacement);
                    continue;
                }
                (Where::Kept(from), _) if edit.span.is_empty() => Span::at(from),
                (Where::Written(first, from), Where::Written(last, to)) if first == last && from <= to => {
                    let at = self.position(before, first);
                    self.steps[at].edit.replacement.replace_range(from..to, &edit.replacement);
                    continue;
                }
                (Where::Kept(from), Where::Kept(to)) if from <= to => Span::new(from, to),
                // Across what was written and what was kept: the check of the whole text refuses it.
                _ => continue,
            };
            let original = Edit { span: step, replacement: edit.replacement.clone() };
            self.push(finding, own.len(), original.clone());
            own.push(original);
        }
        own
    }

    /// The number that a step of an earlier state has now.
    fn position(&self, before: &Composed, step: usize) -> usize {
        let wanted = &before.steps[step];
        let found = self.steps.iter().position(|it| it.finding == wanted.finding && it.index == wanted.index);
        found.unwrap_or(step)
    }

    /// A span of the patched text as one of the text before; what was written counts as its place.
    pub fn original(&self, span: Span) -> Span {
        let offset = |at: usize, first: bool| match self.locate(at, first) {
            Where::Kept(offset) => offset,
            Where::Written(step, _) if first => self.steps[step].edit.span.start,
            Where::Written(step, _) => self.steps[step].edit.span.end,
        };
        let start = offset(span.start, true);
        Span::new(start, offset(span.end, false).max(start))
    }

    /// Where an offset of the patched text is. At the edge of what was written it counts as written where that is the
    /// beginning of a span (`first`), and as kept where it is the end of one.
    fn locate(&self, at: usize, first: bool) -> Where {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|step| (self.steps[*step].edit.span.start, self.steps[*step].edit.span.end));
        let (mut old, mut new) = (0, 0);
        for step in order {
            let edit = &self.steps[step].edit;
            let begins = new + edit.span.start.saturating_sub(old);
            let ends = begins + edit.replacement.len();
            if at < begins || (at == begins && !first) {
                break;
            }
            if at < ends || (at == ends && !first) {
                return Where::Written(step, at - begins);
            }
            (old, new) = (edit.span.end, ends);
        }
        Where::Kept(old + at.saturating_sub(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;

    /// Applies first one edit and then another, and both composed.
    fn both(text: &str, first: Edit, second: Edit) -> (String, Vec<Edit>) {
        let patched = apply(text, [&first]).unwrap();
        let expected = apply(&patched, [&second]).unwrap();
        let mut composed = Composed::default();
        composed.push(0, 0, first);
        let before = composed.clone();
        let own = composed.compose(1, &before, &[second]);
        assert_eq!(apply(text, composed.edits()).unwrap(), expected);
        (expected, own)
    }

    #[test]
    fn edits_of_a_patched_text_become_edits_of_the_text_before() {
        let (text, own) = both("abcdef", Edit::insert(2, "XY"), Edit::insert(6, "Z"));
        assert_eq!((text.as_str(), own), ("abXYcdZef", vec![Edit::insert(4, "Z")]));
        let (text, own) = both("abcdef", Edit::insert(4, "XY"), Edit::replace(Span::new(0, 1), ""));
        assert_eq!((text.as_str(), own), ("bcdXYef", vec![Edit::replace(Span::new(0, 1), "")]));
    }

    #[test]
    fn an_insertion_right_before_or_behind_what_was_written_keeps_its_place() {
        let (text, own) = both("abcd", Edit::insert(2, "XY"), Edit::insert(2, "Z"));
        assert_eq!((text.as_str(), own), ("abZXYcd", vec![Edit::insert(2, "Z")]));
        let (text, own) = both("abcd", Edit::insert(2, "XY"), Edit::insert(4, "Z"));
        assert_eq!((text.as_str(), own), ("abXYZcd", vec![Edit::insert(2, "Z")]));
    }

    #[test]
    fn an_edit_inside_what_was_written_changes_that() {
        let (text, own) = both("abcd", Edit::insert(2, "- pip"), Edit::insert(7, "=1"));
        assert_eq!(text, "ab- pip=1cd");
        assert!(own.len() <= 1);
        let (text, own) = both("abcd", Edit::insert(2, "- pip\n"), Edit::replace(Span::new(4, 7), "pip=1"));
        assert_eq!((text.as_str(), own.len()), ("ab- pip=1\ncd", 0));
    }
}
