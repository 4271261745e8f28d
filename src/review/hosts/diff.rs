//! The lines of a unified diff of one file, as hosts give it: hunks without the lines that name the files.

use std::ops::RangeInclusive;

/// A hunk: where it begins in both files, and what each of its lines is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    old: usize,
    new: usize,
    lines: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Context,
    Added,
    Removed,
}

/// A line of the new file within a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in the old file: of the line itself where it is context, else of the old line that follows it.
    pub old: usize,
    /// Its number in the new file.
    pub new: usize,
    /// Whether it is new.
    pub added: bool,
}

/// Reads the hunks. What stands before the first is passed over, and a hunk that is cut off ends where the text ends.
pub(super) fn hunks(diff: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old_left, mut new_left) = (0, 0);
    for line in diff.split('\n') {
        if old_left == 0 && new_left == 0 {
            if let Some((old, new)) = header(line) {
                (old_left, new_left) = (old.1, new.1);
                hunks.push(Hunk { old: old.0, new: new.0, lines: Vec::new() });
            }
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        let kind = match line.bytes().next() {
            Some(b'+') => Kind::Added,
            Some(b'-') => Kind::Removed,
            Some(b'\\') => continue,
            // An empty line of context has lost its blank on some ways; the last piece of the text is none.
            _ => Kind::Context,
        };
        let (is_old, is_new) = (kind != Kind::Added, kind != Kind::Removed);
        if (is_old && old_left == 0) || (is_new && new_left == 0) {
            (old_left, new_left) = (0, 0);
            continue;
        }
        old_left -= usize::from(is_old);
        new_left -= usize::from(is_new);
        hunk.lines.push(kind);
    }
    // The text's last line break is followed by nothing, which a hunk that was cut off would take for a line.
    if (old_left, new_left) != (0, 0)
        && diff.ends_with('\n')
        && let Some(hunk) = hunks.last_mut()
    {
        hunk.lines.pop();
    }
    hunks
}

/// The numbers of `@@ -old,count +new,count @@`; a count that lacks is 1.
fn header(line: &str) -> Option<((usize, usize), (usize, usize))> {
    let mut words = line.strip_prefix("@@ -")?.split(' ');
    let pair = |text: &str| {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let old = pair(words.next()?)?;
    let new = pair(words.next()?.strip_prefix('+')?)?;
    (words.next()?.trim_end() == "@@").then_some((old, new))
}

impl Hunk {
    /// The lines of the new file that it shows.
    pub fn shown(&self) -> Option<RangeInclusive<usize>> {
        let count = self.lines.iter().filter(|kind| **kind != Kind::Removed).count();
        (count > 0).then(|| self.new..=self.new + count - 1)
    }

    /// The line of the new file with this number, if it shows it.
    pub fn line(&self, number: usize) -> Option<Line> {
        let (mut old, mut new) = (self.old, self.new);
        for kind in &self.lines {
            match kind {
                Kind::Removed => old += 1,
                _ if new == number => return Some(Line { old, new, added: *kind == Kind::Added }),
                Kind::Added => new += 1,
                Kind::Context => {
                    old += 1;
                    new += 1;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(diff: &str) -> Vec<RangeInclusive<usize>> {
        hunks(diff).iter().filter_map(Hunk::shown).collect()
    }

    #[test]
    fn hunks_show_lines_of_the_new_file_with_their_context() {
        let diff = "@@ -1,3 +1,4 @@ FROM x\n a\n+b\n c\n d\n@@ -10,2 +11,2 @@\n-x\n+y\n z";
        assert_eq!(shown(diff), [1..=4, 11..=12]);
        let hunks = hunks(diff);
        assert_eq!(hunks[0].line(1), Some(Line { old: 1, new: 1, added: false }));
        assert_eq!(hunks[0].line(2), Some(Line { old: 2, new: 2, added: true }));
        assert_eq!(hunks[0].line(4), Some(Line { old: 3, new: 4, added: false }));
        assert_eq!(hunks[0].line(5), None);
        assert_eq!(hunks[1].line(11), Some(Line { old: 11, new: 11, added: true }));
    }

    #[test]
    fn a_count_that_lacks_is_one_and_a_new_file_has_no_old_line() {
        assert_eq!(shown("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file"), [1..=1]);
        assert_eq!(shown("@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"), [1..=2]);
    }

    #[test]
    fn a_hunk_that_only_removes_shows_nothing_new() {
        assert_eq!(shown("@@ -1,2 +0,0 @@\n-a\n-b"), []);
    }

    #[test]
    fn a_line_that_looks_like_a_header_is_a_line() {
        assert_eq!(shown("@@ -1,2 +1,3 @@\n @@ -9,9 +9,9 @@\n+@@ -5 +5 @@\n x\n"), [1..=3]);
    }

    #[test]
    fn a_diff_that_is_cut_off_shows_what_is_there() {
        assert_eq!(shown("@@ -1,5 +1,6 @@\n a\n+b\n"), [1..=2]);
        assert_eq!(shown("@@ -1,5 +1,6 @@\n a\n+b"), [1..=2]);
    }

    #[test]
    fn what_is_no_diff_shows_nothing() {
        assert_eq!(shown(""), []);
        assert_eq!(shown("Binary files differ\n@@ -a,b +c @@\n@@ -1,1 1,1 @@\n@@"), []);
        assert_eq!(shown("@@ -99999999999999999999 +1 @@\n a"), []);
    }
}
