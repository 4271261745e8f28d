//! A change of a text: a span and the bytes that replace it.

use crate::source::Span;

/// One replacement. An insertion has an empty span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

impl Edit {
    /// Puts `text` at `offset`.
    #[must_use]
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self { span: Span::at(offset), replacement: text.into() }
    }

    /// Puts `text` in the place of `span`.
    #[must_use]
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self { span, replacement: text.into() }
    }

    /// Whether two edits overlap or touch, so that their order would matter.
    #[must_use]
    pub fn touches(&self, other: &Edit) -> bool {
        self.span.start <= other.span.end && other.span.start <= self.span.end
    }
}

/// Edits that cannot be applied together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("edits at {0:?} and {1:?} overlap")]
pub struct Overlap(pub Span, pub Span);

/// Applies edits to a text. They may come in any order; insertions at one offset keep theirs.
///
/// # Errors
/// When two edits overlap.
pub fn apply<'a>(text: &str, edits: impl IntoIterator<Item = &'a Edit>) -> Result<String, Overlap> {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let grown: usize = edits.iter().map(|edit| edit.replacement.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut last = Span::at(0);
    for edit in edits {
        if edit.span.start < last.end {
            return Err(Overlap(last, edit.span));
        }
        out.push_str(&text[last.end..edit.span.start]);
        out.push_str(&edit.replacement);
        last = edit.span;
    }
    out.push_str(&text[last.end..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_the_order_of_their_places() {
        let edits = [Edit::insert(3, "X"), Edit::replace(Span::new(0, 1), "YY"), Edit::insert(3, "Z")];
        assert_eq!(apply("abc", &edits).unwrap(), "YYbcXZ");
    }

    #[test]
    fn edits_that_overlap_are_refused() {
        let edits = [Edit::replace(Span::new(0, 2), ""), Edit::replace(Span::new(1, 3), "")];
        assert!(apply("abc", &edits).is_err());
    }
}
