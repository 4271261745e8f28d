//! Many patterns over one line: one search for the texts that they need, then only the patterns whose text is there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::literals::{Literal, required};

/// Patterns, by number.
pub(super) struct Matcher {
    patterns: Vec<Pattern>,
    texts: Option<Texts>,
    /// Patterns that need no text and have to see every line.
    always: Option<(RegexSet, Vec<usize>)>,
}

/// Why a pattern is none: its number and what is wrong.
pub(super) type Refused = (usize, String);

/// One pattern, compiled when a line is shown to it for the first time: of hundreds, a log needs a handful.
pub(super) struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

/// A pattern that may become larger than this many states is compiled at once, so that an engine which refuses it is
/// heard.
const LARGE: usize = 20_000;

impl Pattern {
    /// Takes a pattern that the engine takes; gives what it is made of as well.
    pub fn new(text: &str) -> Result<(Self, Option<Hir>), String> {
        let hir = parsed(text);
        let pattern = Self { text: text.to_owned(), regex: OnceLock::new() };
        if hir.as_ref().is_none_or(|hir| states(hir) > LARGE) {
            let regex = compile(text)?;
            pattern.regex.get_or_init(|| Some(regex));
        }
        Ok((pattern, hir))
    }

    pub fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(&self.text).ok()).as_ref()
    }
}

/// A pattern over bytes, with ASCII's classes where the pattern allows.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .build()
        .or_else(|_| RegexBuilder::new(pattern).build())
        .map_err(|error| error.to_string())
}

fn parsed(pattern: &str) -> Option<Hir> {
    [false, true]
        .into_iter()
        .find_map(|unicode| regex_syntax::ParserBuilder::new().unicode(unicode).utf8(false).build().parse(pattern).ok())
}

/// About how many states an automaton of the pattern has. The parser limits how deeply patterns are nested, and so the
/// recursion.
fn states(pattern: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(states).fold(0, usize::saturating_add);
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(text) => text.0.len(),
        HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().saturating_mul(4),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or_else(|| repetition.min.saturating_add(1)).max(1);
            states(&repetition.sub).saturating_mul(usize::try_from(most).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

/// One search for all texts: at first an automaton that is made in no time, and for a long log one that is faster and
/// takes longer to make.
struct Texts {
    /// The texts, and the patterns that each is of.
    owners: Vec<(Literal, Vec<usize>)>,
    small: AhoCorasick,
    large: OnceLock<Option<AhoCorasick>>,
    /// How many bytes were looked at with the small one.
    seen: AtomicUsize,
}

/// From here on the faster automaton has cost less than it saves.
const LONG: usize = 4 << 20;

impl Texts {
    fn new(owners: Vec<(Literal, Vec<usize>)>) -> Result<Self, aho_corasick::BuildError> {
        let small = Self::build(&owners, AhoCorasickKind::ContiguousNFA)?;
        Ok(Self { owners, small, large: OnceLock::new(), seen: AtomicUsize::new(0) })
    }

    fn build(owners: &[(Literal, Vec<usize>)], kind: AhoCorasickKind) -> Result<AhoCorasick, aho_corasick::BuildError> {
        AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(owners.iter().any(|(text, _)| !text.exact))
            .kind(Some(kind))
            .build(owners.iter().map(|(text, _)| &text.bytes))
    }

    fn searcher(&self, line: &[u8]) -> &AhoCorasick {
        if self.seen.load(Ordering::Relaxed) < LONG {
            self.seen.fetch_add(line.len(), Ordering::Relaxed);
            return &self.small;
        }
        let large = self.large.get_or_init(|| Self::build(&self.owners, AhoCorasickKind::DFA).ok());
        large.as_ref().unwrap_or(&self.small)
    }
}

impl Matcher {
    pub fn new(patterns: &[&str]) -> Result<Self, Refused> {
        let mut taken = Vec::with_capacity(patterns.len());
        let mut owners: Vec<(Literal, usize)> = Vec::new();
        let mut always = Vec::new();
        for (number, text) in patterns.iter().enumerate() {
            let (pattern, hir) = Pattern::new(text).map_err(|problem| (number, problem))?;
            taken.push(pattern);
            match hir.as_ref().and_then(required) {
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
        let texts = (!grouped.is_empty()).then(|| Texts::new(grouped)).transpose().map_err(|error| refused(&error))?;
        let always = (!always.is_empty())
            .then(|| {
                let some: Vec<&str> = always.iter().filter_map(|number| patterns.get(*number).copied()).collect();
                let set = RegexSetBuilder::new(&some).unicode(false).build().or_else(|_| RegexSet::new(&some));
                set.map(|set| (set, always))
            })
            .transpose()
            .map_err(|error| refused(&error))?;
        Ok(Self { patterns: taken, texts, always })
    }

    /// The patterns that may match the line, each once and in order.
    pub fn candidates(&self, line: &[u8], found: &mut Vec<usize>) {
        found.clear();
        let searcher = self.texts.as_ref().map(|texts| (texts, texts.searcher(line)));
        if let Some((texts, searcher)) = searcher.filter(|(_, searcher)| searcher.is_match(line)) {
            for hit in searcher.find_overlapping_iter(line) {
                if let Some((text, numbers)) = texts.owners.get(hit.pattern().as_usize())
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
        self.patterns.get(number)?.regex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_compiled_when_a_line_is_shown_to_it() {
        let matcher = Matcher::new(&["no such (?<what>file)", "gone"]).unwrap();
        let mut found = Vec::new();
        matcher.candidates(b"there is no such file", &mut found);
        assert_eq!(found, [0]);
        assert!(matcher.patterns.iter().all(|pattern| pattern.regex.get().is_none()));
        assert!(matcher.pattern(0).unwrap().is_match(b"no such file"));
        assert!(matcher.patterns[0].regex.get().is_some() && matcher.patterns[1].regex.get().is_none());
    }

    #[test]
    fn a_pattern_that_the_engine_does_not_take_is_refused_at_once() {
        for pattern in ["(", "a(?=b)", "\\w{1000}{1000}", "(((a{100}){100}){100}){100}", "\\pL{65535}"] {
            assert!(matches!(Matcher::new(&["gone", pattern]), Err((1, _))), "{pattern}");
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        // What is not compiled at once, the engine takes.
        for pattern in ["[a-z]{19000}", "\\pL{7}", "(a|b){3000}"] {
            let (pattern, hir) = Pattern::new(pattern).unwrap();
            assert!(states(&hir.unwrap()) <= LARGE && pattern.regex().is_some());
        }
    }

    #[test]
    fn a_long_log_is_searched_for_the_same_texts() {
        let matcher = Matcher::new(&["Timeout", "(?i)timeout|gone", "meout wa"]).unwrap();
        let lines = ["a Timeout was", "a TIMEOUT WAS", "GONE", "nothing", "Timeout"];
        let look = || {
            lines.map(|line| {
                let mut found = Vec::new();
                matcher.candidates(line.as_bytes(), &mut found);
                found
            })
        };
        let short = look();
        assert_eq!(short, [vec![0, 1, 2], vec![1], vec![1], vec![], vec![0, 1]]);
        matcher.candidates(&vec![b'x'; LONG], &mut Vec::new());
        let texts = matcher.texts.as_ref().unwrap();
        assert!(texts.large.get().is_none());
        assert_eq!(look(), short);
        assert!(texts.large.get().is_some());
    }
}
