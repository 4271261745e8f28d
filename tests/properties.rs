//! What must hold of edits, places, diffs and redaction for any text, on texts that proptest makes up and makes smaller
//! when something does not hold.

#[path = "support/applier.rs"]
mod applier;

use envfix::output::{diff, redact};
use envfix::{Edit, Newline, Source, Span, apply_edits};
use proptest::prelude::*;
use proptest::sample::select;

/// A text of pieces that matter: newlines of every kind, characters of several bytes, no newline at the end.
fn text() -> impl Strategy<Value = String> {
    let piece =
        select(vec!["a", "RUN x", "\n", "\n", "\r\n", "\r", "é", "\u{1f600}", "\u{2028}", " ", "\t", "\\", "#", ""]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A text and edits of it anywhere, in any order.
fn text_and_edits() -> impl Strategy<Value = (String, Vec<Edit>)> {
    let place = (0..200usize, 0..12usize, select(vec!["", "x", "ENV A=b\n", "é", "\r\n"]));
    (text(), proptest::collection::vec(place, 0..8)).prop_map(|(text, places)| {
        let edit = |(start, length, replacement): (usize, usize, &str)| {
            let start = boundary(&text, start % (text.len() + 1));
            Edit::replace(Span::new(start, boundary(&text, start + length).max(start)), replacement)
        };
        let edits = places.into_iter().map(edit).collect();
        (text, edits)
    })
}

/// Whether two edits change the same bytes, or one inserts into the midst of what the other replaces.
fn collide(a: &Edit, b: &Edit) -> bool {
    let (a, b) = (a.span, b.span);
    a.start < b.end && b.start < a.end
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_are_applied_as_from_the_last_to_the_first_or_refused((text, edits) in text_and_edits()) {
        let overlap = edits.iter().enumerate().any(|(n, a)| edits[..n].iter().any(|b| collide(a, b)));
        let applied = apply_edits(&text, &edits);
        prop_assert_eq!(applied.is_err(), overlap, "{:?}", edits);
        let Ok(applied) = applied else { return Ok(()) };
        // An insertion stands before a replacement at its place, and insertions stand in their order.
        let mut sorted: Vec<(usize, &Edit)> = edits.iter().enumerate().collect();
        sorted.sort_by_key(|(number, edit)| (edit.span.start, edit.span.end, *number));
        let mut wanted = text.clone();
        for (_, edit) in sorted.into_iter().rev() {
            wanted.replace_range(edit.span.start..edit.span.end, &edit.replacement);
        }
        prop_assert_eq!(applied, wanted);
    }

    #[test]
    fn edits_at_different_places_may_come_in_any_order((text, edits) in text_and_edits(), turn in 0..8usize) {
        let apart = edits.iter().enumerate().all(|(n, a)| edits[..n].iter().all(|b| a.span != b.span));
        prop_assume!(apart);
        let mut turned = edits.clone();
        turned.rotate_left(turn % edits.len().max(1));
        prop_assert_eq!(apply_edits(&text, &edits).ok(), apply_edits(&text, &turned).ok());
    }

    #[test]
    fn touching_is_symmetric_and_wider_than_overlapping((_, edits) in text_and_edits()) {
        for (a, b) in edits.iter().zip(edits.iter().skip(1)) {
            prop_assert_eq!(a.touches(b), b.touches(a));
            prop_assert!(!collide(a, b) || a.touches(b));
        }
    }

    #[test]
    fn places_are_what_counting_gives(text in text(), at in 0..200usize) {
        let source = Source::from_text("f", text.clone());
        let offset = boundary(&text, at % (text.len() + 1));
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let found = source.line_column(offset);
        prop_assert_eq!(found.line, 1 + before.matches('\n').count());
        prop_assert_eq!(found.column, 1 + before[line_start..].chars().count());
        prop_assert_eq!(source.line_start(offset), line_start);
        let rest = text[offset..].split('\n').next().unwrap_or("");
        let ended = offset + rest.len() < text.len();
        let end = offset + if ended { rest.strip_suffix('\r').unwrap_or(rest).len() } else { rest.len() };
        prop_assert_eq!(source.line_end(offset), end);
        let line = &text[line_start..];
        prop_assert_eq!(source.indent(offset), &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]);
        let crlf = text.matches("\r\n").count();
        let most = if crlf > text.matches('\n').count() - crlf { Newline::CrLf } else { Newline::Lf };
        prop_assert_eq!(source.newline(), most);
    }

    #[test]
    fn bytes_come_back_in_every_encoding(text in text(), big in any::<bool>()) {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect();
        let source = Source::new("f", None, utf16.clone()).unwrap();
        prop_assert_eq!(source.text(), &text);
        prop_assert_eq!(source.bytes().into_owned(), utf16);
        let plain = Source::new("f", None, text.clone().into_bytes()).unwrap();
        prop_assert_eq!(plain.bytes().into_owned(), text.into_bytes());
    }

    #[test]
    fn any_bytes_are_a_text_or_an_error_with_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        match Source::new("f", None, bytes.clone()) {
            Ok(source) => prop_assert_eq!(source.bytes().into_owned(), bytes),
            Err(error) => prop_assert!(error.line() >= 1 && error.line() <= 1 + bytes.iter().filter(|it| **it == b'\n').count()),
        }
    }

    #[test]
    fn a_diff_makes_of_the_one_text_the_other((before, edits) in text_and_edits(), other in text(), whole in any::<bool>()) {
        let after = if whole { other } else { apply_edits(&before, &edits).unwrap_or_else(|_| before.clone()) };
        let diff = diff::unified("a b/f", &before, &after);
        prop_assert_eq!(diff.is_empty(), before == after);
        let made = applier::apply(&diff, &[("a b/f".to_owned(), before.clone())]);
        let made = made.map_err(|error| TestCaseError::fail(format!("{error}\n{diff}")))?;
        prop_assert!(before == after || made[0].1 == after, "{}", diff);
    }

    #[test]
    fn a_password_in_an_address_is_not_printed(
        around in "[a-z =,;(]{0,8}", user in "[a-z0-9%._~-]{1,8}", password in "[A-Z0-9!$%&*+,;=._~:-]{4,12}",
        host in "[a-z]{1,8}\\.org", path in "(/[a-z0-9]{1,5}){0,2}", behind in "[ \n\"',)]?",
    ) {
        let text = format!("{around}https://{user}:{password}@{host}{path}{behind}");
        let redacted = redact::redact(&text).into_owned();
        prop_assert!(!redacted.contains(&password), "{}", redacted);
        prop_assert!(redacted.contains(&host), "{}", redacted);
        prop_assert_eq!(redact::redact(&redacted).into_owned(), redacted);
    }

    #[test]
    fn redacting_twice_changes_nothing_more(text in "[a-zA-Z0-9:/@=?&#\\[\\]${}*'\" .\n-]{0,60}") {
        let once = redact::redact(&text).into_owned();
        prop_assert_eq!(redact::redact(&once).into_owned(), once);
    }
}

#[test]
fn a_diff_of_texts_too_long_to_be_compared_as_a_whole_makes_of_the_one_the_other() {
    let mut before: Vec<String> = (0..25_000).map(|number| format!("line {}\n", number % 7_000)).collect();
    let old = before.concat();
    for at in (0..25_000).step_by(997) {
        before[at] = format!("changed {at}\n");
    }
    before.remove(12_345);
    before.insert(20_000, "new\n".to_owned());
    before[24_999] = "the end".to_owned();
    let new = before.concat();
    let diff = diff::unified("f", &old, &new);
    assert!(applier::apply(&diff, &[("f".to_owned(), old)]).unwrap()[0].1 == new);
}
