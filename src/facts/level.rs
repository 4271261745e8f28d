//! How sure a fact is. envfix never guesses: a remedy is chosen on what is known, an unsafe one at most on what is
//! plausible, and none on what is unknown.

use std::sync::Arc;

/// Something about an image, with where it is known from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is so.
    Known {
        /// What it is.
        value: T,
        /// Where it is known from, for people: "the tag `22.04` of ubuntu".
        from: Arc<str>,
    },
    /// It is one of these: a rolling tag, or an `ARG`'s default that a build may override. Never empty.
    Among {
        /// The plausible values, the likeliest first.
        values: Vec<T>,
        /// Why these.
        from: Arc<str>,
    },
    /// It is not known.
    Unknown {
        /// What would have to be known.
        from: Arc<str>,
    },
}

impl<T> Fact<T> {
    /// A fact that is so.
    pub fn known(value: T, from: impl Into<Arc<str>>) -> Self {
        Fact::Known { value, from: from.into() }
    }

    /// A fact that is one of `values`.
    pub fn among(values: Vec<T>, from: impl Into<Arc<str>>) -> Self {
        debug_assert!(!values.is_empty(), "a fact among nothing is unknown");
        Fact::Among { values, from: from.into() }
    }

    /// A fact that is not known.
    pub fn unknown(from: impl Into<Arc<str>>) -> Self {
        Fact::Unknown { from: from.into() }
    }

    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Known { value, .. } => Some(value),
            _ => None,
        }
    }

    /// All plausible values: one where it is known, none where it is unknown.
    pub fn values(&self) -> &[T] {
        match self {
            Fact::Known { value, .. } => std::slice::from_ref(value),
            Fact::Among { values, .. } => values,
            Fact::Unknown { .. } => &[],
        }
    }

    /// Where it is known from, or what would have to be known.
    pub fn from(&self) -> &str {
        match self {
            Fact::Known { from, .. } | Fact::Among { from, .. } | Fact::Unknown { from } => from,
        }
    }

    /// The same fact about something made of the value.
    pub fn map<U>(&self, f: impl FnMut(&T) -> U) -> Fact<U> {
        let mut f = f;
        match self {
            Fact::Known { value, from } => Fact::Known { value: f(value), from: from.clone() },
            Fact::Among { values, from } => Fact::Among { values: values.iter().map(f).collect(), from: from.clone() },
            Fact::Unknown { from } => Fact::Unknown { from: from.clone() },
        }
    }

    /// The same fact, known no better than among its values, for a reason.
    #[must_use]
    pub fn weaken(self, reason: &str) -> Self {
        match self {
            Fact::Known { value, from } => {
                Fact::Among { values: vec![value], from: format!("{from}, {reason}").into() }
            }
            other => other,
        }
    }
}
