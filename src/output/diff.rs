//! Unified diffs that `git apply` and `patch -p1` accept, byte for byte.
//!
//! Lines end at `\n` and nowhere else: a lone carriage return is a byte of its line, as it is for both tools. The
//! text is never changed on its way into the diff; nothing is redacted, since the diff has to apply.

mod linear;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Texts of more lines than this (between the first and the last change) are compared in linear time.
const SEARCHED_WHOLE: usize = 10_000;

/// The unified diff from `before` to `after`, empty when the two are the same.
///
/// `name` is the file's path from the folder in which the diff will be applied, with `/` between folders.
#[must_use]
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let mut out = String::new();
    if before == after {
        return out;
    }
    // Only the lines between the first and the last change, and their context, are split and compared: a patch of
    // a few lines in a file of 100 MB then costs one look at its bytes.
    let head = common_head(before, after);
    let tail = common_tail(&before[head..], &after[head..]);
    let start = lines_back(before, head, CONTEXT);
    let lines = |text| {
        let window = &text[start..lines_forth(text, text.len() - tail, CONTEXT)];
        window.split_inclusive('\n').collect::<Vec<&str>>()
    };
    let (old, new) = (lines(before), lines(after));
    // The context is not compared: an insertion could slide down into it and leave its hunk without any.
    let count = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let above = count(&before[start..head]);
    let middle = |text: &str| count_lines(&text[head..text.len() - tail]);
    let (old_middle, new_middle) = (middle(before), middle(after));
    let mut ops = vec![DiffOp::Equal { old_index: 0, new_index: 0, len: above }];
    let compared = compare(&old[above..above + old_middle], &new[above..above + new_middle]);
    ops.extend(compared.into_iter().map(|op| moved(op, above)));
    let below = old.len() - above - old_middle;
    ops.push(DiffOp::Equal { old_index: above + old_middle, new_index: above + new_middle, len: below });
    ops.retain(|op| !matches!(op, DiffOp::Equal { len: 0, .. }));
    let ops = joined(ops);
    let skipped = memchr::memchr_iter(b'\n', &before.as_bytes()[..start]).count();

    let _ = write!(out, "--- {}\n+++ {}\n", header_name("a/", name), header_name("b/", name));
    for ops in group_diff_ops(ops, CONTEXT) {
        write_hunk(&mut out, &ops, &old, &new, skipped);
    }
    out
}

/// The number of lines of a text, a last one without a newline included.
fn count_lines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// The same operations, equal lines that follow each other as one: a hunk's context is cut to length by the operation.
fn joined(ops: Vec<DiffOp>) -> Vec<DiffOp> {
    let mut out: Vec<DiffOp> = Vec::with_capacity(ops.len());
    for op in ops {
        match (out.last_mut(), &op) {
            (Some(DiffOp::Equal { len, .. }), DiffOp::Equal { len: more, .. }) => *len += more,
            _ => out.push(op),
        }
    }
    out
}

/// An operation on slices that begin `by` lines further on.
fn moved(op: DiffOp, by: usize) -> DiffOp {
    match op {
        DiffOp::Equal { old_index, new_index, len } => {
            DiffOp::Equal { old_index: old_index + by, new_index: new_index + by, len }
        }
        DiffOp::Delete { old_index, old_len, new_index } => {
            DiffOp::Delete { old_index: old_index + by, old_len, new_index: new_index + by }
        }
        DiffOp::Insert { old_index, new_index, new_len } => {
            DiffOp::Insert { old_index: old_index + by, new_index: new_index + by, new_len }
        }
        DiffOp::Replace { old_index, old_len, new_index, new_len } => {
            DiffOp::Replace { old_index: old_index + by, old_len, new_index: new_index + by, new_len }
        }
    }
}

/// Length of the whole lines that both texts begin with.
fn common_head(before: &str, after: &str) -> usize {
    let (before, after) = (before.as_bytes(), after.as_bytes());
    let same = common_prefix(before, after);
    memchr::memrchr(b'\n', &before[..same]).map_or(0, |at| at + 1)
}

/// Length of the whole lines that both texts end with.
fn common_tail(before: &str, after: &str) -> usize {
    let (before, after) = (before.as_bytes(), after.as_bytes());
    let same = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    let suffix = &before[before.len() - same..];
    memchr::memchr(b'\n', suffix).map_or(0, |at| suffix.len() - at - 1)
}

fn common_prefix(before: &[u8], after: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    let blocks = before.chunks_exact(BLOCK).zip(after.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    let start = blocks * BLOCK;
    start + before[start..].iter().zip(&after[start..]).take_while(|(a, b)| a == b).count()
}

/// Where the line `count` lines before the line start `offset` begins.
fn lines_back(text: &str, offset: usize, count: usize) -> usize {
    let mut newlines = memchr::memrchr_iter(b'\n', &text.as_bytes()[..offset]);
    newlines.nth(count).map_or(0, |at| at + 1)
}

/// Where the line `count` lines after the line start `offset` begins.
fn lines_forth(text: &str, offset: usize, count: usize) -> usize {
    let mut newlines = memchr::memchr_iter(b'\n', &text.as_bytes()[offset..]);
    newlines.nth(count - 1).map_or(text.len(), |at| offset + at + 1)
}

/// What turns `old` into `new`.
///
/// `similar` finds the better script and takes more than linear time in the number of changes; what is longer than
/// any file a person wrote goes to a search that is linear.
fn compare(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    if old.len().max(new.len()) <= SEARCHED_WHOLE {
        capture_diff_slices(Algorithm::Myers, old, new)
    } else {
        linear::compare(old, new)
    }
}

/// A hunk: its ranges, then its lines. `skipped` lines of both texts stand before the ones compared.
fn write_hunk(out: &mut String, ops: &[DiffOp], old: &[&str], new: &[&str], skipped: usize) {
    let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return };
    let range = |start: usize, end: usize| match end - start {
        // An empty range is named by the line before it.
        0 => format!("{},0", skipped + start),
        1 => format!("{}", skipped + start + 1),
        length => format!("{},{length}", skipped + start + 1),
    };
    let old_range = range(first.old_range().start, last.old_range().end);
    let new_range = range(first.new_range().start, last.new_range().end);
    let _ = writeln!(out, "@@ -{old_range} +{new_range} @@");
    for op in ops {
        if let DiffOp::Equal { .. } = op {
            write_lines(out, ' ', &old[op.old_range()]);
        } else {
            write_lines(out, '-', &old[op.old_range()]);
            write_lines(out, '+', &new[op.new_range()]);
        }
    }
}

fn write_lines(out: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// A file's name as git writes it: quoted when it holds quotes, backslashes or control characters, and followed by a
/// tab when it holds a space, which would otherwise end the name. Other characters stand as they are, as under
/// git's `core.quotePath=false`.
fn header_name(prefix: &str, name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    // `patch` drops blanks from the end of a name that is not quoted; git never minds the quotes.
    let quoted = name.ends_with(' ') || name.contains(|c: char| c == '"' || c == '\\' || c.is_ascii_control());
    if quoted {
        out.push('"');
        out.push_str(prefix);
        for c in name.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_ascii_control() => {
                    let _ = write!(out, "\\{:03o}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    } else {
        out.push_str(prefix);
        out.push_str(name);
    }
    if name.contains(' ') {
        out.push('\t');
    }
    out
}

/// A diff made by [`unified`], or several one after another, in git's colours for a terminal.
#[must_use]
pub fn colored(diff: &str) -> String {
    const FILE: Style = Style::new().bold();
    const HUNK: Style = AnsiColor::Cyan.on_default();
    const OLD: Style = AnsiColor::Red.on_default();
    const NEW: Style = AnsiColor::Green.on_default();
    let mut out = String::with_capacity(diff.len() + diff.len() / 4);
    // How many lines the hunk still has. A removed line `-- a` looks like the name of a file and is not one.
    let (mut old, mut new) = (0usize, 0usize);
    for line in diff.split_inclusive('\n') {
        let style = match line.as_bytes().first() {
            Some(b'-') if old > 0 => {
                old -= 1;
                OLD
            }
            Some(b'+') if new > 0 => {
                new -= 1;
                NEW
            }
            Some(b' ') if old > 0 && new > 0 => {
                (old, new) = (old - 1, new - 1);
                Style::new()
            }
            Some(b'@') => {
                (old, new) = hunk_lengths(line).unwrap_or_default();
                HUNK
            }
            Some(b'-' | b'+') => FILE,
            _ => Style::new(),
        };
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        let (text, end) =
            text.strip_suffix('\r').map_or((text, end), |text| (text, if end.is_empty() { "\r" } else { "\r\n" }));
        let _ = write!(out, "{style}{text}{style:#}{end}");
    }
    out
}

/// How many lines of the old and of the new text a hunk holds, by its first line.
fn hunk_lengths(line: &str) -> Option<(usize, usize)> {
    let (old, new) = line.strip_prefix("@@ -")?.split_once(" @@")?.0.split_once(" +")?;
    let length = |range: &str| range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok());
    Some((length(old)?, length(new)?))
}

#[cfg(test)]
mod tests;
