//! Many patterns over one line: one search for the texts that they need, then only the patterns whose text is there.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::literals::{Literal, required};

/// Patterns, by number.
pub(super) struct Matcher {
    patterns: Vec<Regex>,
    /// Finds the texts; which they are, and whose.
    texts: Option<AhoCorasick>,
    owners: Vec<(Literal, Vec<usize>)>,
    /// Patterns that need no text and have to see every line.
    always: Option<(RegexSet, Vec<usize>)>,
}

/// Why a pattern is none: its number and what is wrong.
pub(super) type Refused = (usize, String);

/// A pattern over bytes, with ASCII's classes where the pattern allows.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .build()
        .or_else(|_| RegexBuilder::new(pattern).build())
        .map_err(|error| error.to_string())
}

impl Matcher {
    pub fn new(patterns: &[&str]) -> Result<Self, Refused> {
        let mut regexes = Vec::with_capacity(patterns.len());
        let mut owners: Vec<(Literal, usize)> = Vec::new();
        let mut always = Vec::new();
        for (number, pattern) in patterns.iter().enumerate() {
            regexes.push(compile(pattern).map_err(|problem| (number, problem))?);
            match parsed(pattern).as_ref().and_then(required) {
                Some(texts) => owners.extend(texts.into_iter().map(|text| (text, number))),
                None => always.push(number),
            }
        }
        owners.sort();
        let mut grouped: Vec<(Literal, Vec<usize>)> = Vec::new();
        for (text, number) in owners {
            match grouped.last_mut() {
                Some((last, numbers)) if *last == text => numbers.push(number),
                _ => grouped.push((text, vec![number])),
            }
        }
        let refused = |error: &dyn std::fmt::Display| (0, format!("the set is too large: {error}"));
        let texts = (!grouped.is_empty())
            .then(|| {
                AhoCorasickBuilder::new()
                    .match_kind(MatchKind::Standard)
                    .ascii_case_insensitive(grouped.iter().any(|(text, _)| !text.exact))
                    .kind(Some(AhoCorasickKind::DFA))
                    .build(grouped.iter().map(|(text, _)| &text.bytes))
            })
            .transpose()
            .map_err(|error| refused(&error))?;
        let always = (!always.is_empty())
            .then(|| {
                let some: Vec<&str> = always.iter().filter_map(|number| patterns.get(*number).copied()).collect();
                let set = RegexSetBuilder::new(&some).unicode(false).build().or_else(|_| RegexSet::new(&some));
                set.map(|set| (set, always))
            })
            .transpose()
            .map_err(|error| refused(&error))?;
        Ok(Self { patterns: regexes, texts, owners: grouped, always })
    }

    /// The patterns that may match the line, each once and in order.
    pub fn candidates(&self, line: &[u8], found: &mut Vec<usize>) {
        found.clear();
        if let Some(texts) = &self.texts
            && texts.is_match(line)
        {
            for hit in texts.find_overlapping_iter(line) {
                if let Some((text, numbers)) = self.owners.get(hit.pattern().as_usize())
                    && (!text.exact || line.get(hit.range()) == Some(&text.bytes[..]))
                {
                    found.extend_from_slice(numbers);
                }
            }
        }
        if let Some((set, numbers)) = &self.always {
            found.extend(set.matches(line).into_iter().filter_map(|at| numbers.get(at)));
        }
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
    }

    /// A pattern by its number.
    pub fn pattern(&self, number: usize) -> Option<&Regex> {
        self.patterns.get(number)
    }
}

fn parsed(pattern: &str) -> Option<regex_syntax::hir::Hir> {
    [false, true]
        .into_iter()
        .find_map(|unicode| regex_syntax::ParserBuilder::new().unicode(unicode).utf8(false).build().parse(pattern).ok())
}
