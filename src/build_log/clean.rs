//! Takes out what only a terminal understands: colours and cursor movements, NULs, backspaces.
//!
//! A log that was copied has often lost the escape character itself and shows `[91m` or `^[[91m`; these remains go too.

use memchr::{memchr, memchr_iter, memchr3};

const ESC: u8 = 0x1b;

/// The bytes that a person would see, from `line` itself where nothing has to go and in `buffer` otherwise.
pub(super) fn clean<'a>(line: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    let mut from = 0;
    let first = loop {
        let Some(at) = line.get(from..).and_then(|rest| memchr3(ESC, b'[', 0, rest)).map(|at| from + at) else {
            return if memchr(0x08, line).is_some() { without(line, 0, buffer) } else { line };
        };
        if escape(line, at).is_some() {
            break at;
        }
        from = at + 1;
    };
    // The caret of `^[[0m` stands before what was found.
    without(line, first.saturating_sub(4), buffer)
}

fn without<'a>(line: &'a [u8], from: usize, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    buffer.clear();
    buffer.extend_from_slice(&line[..from]);
    let mut at = from;
    while let Some(byte) = line.get(at) {
        if matches!(*byte, ESC | b'[' | b'^' | 0 | 0x08 | 0x07 | 0xe2 | 0xef)
            && let Some(length) = escape(line, at)
        {
            at += length;
            continue;
        }
        buffer.push(*byte);
        at += 1;
    }
    buffer
}

/// How many bytes at `at` are for a terminal only, if any.
fn escape(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    match rest.first()? {
        0 | 0x07 | 0x08 => Some(1),
        &ESC => Some(match rest.get(1) {
            Some(b'[') => 2 + sequence(rest.get(2..)?).unwrap_or(0),
            // A title: up to BEL or ESC \.
            Some(b']') => memchr_iter(0x07, rest).chain(memchr_iter(ESC, &rest[1..])).min().map_or(2, |end| end + 1),
            Some(b'(' | b')' | b'#') => 3.min(rest.len()),
            Some(b'7' | b'8' | b'=' | b'>' | b'M' | b'D' | b'E' | b'c') => 2,
            _ => 1,
        }),
        b'[' => lost(rest, at.checked_sub(1).and_then(|before| line.get(before))),
        // `^[`, the picture of an escape character, and what stands for a byte that could not be shown.
        b'^' if rest.starts_with(b"^[[") => Some(3 + sequence(&rest[3..])?),
        0xe2 if rest.starts_with("\u{241b}[".as_bytes()) => Some(4 + sequence(&rest[4..])?),
        0xef if rest.starts_with("\u{fffd}[".as_bytes()) => Some(4 + sequence(&rest[4..])?),
        _ => None,
    }
}

/// Length of parameters and final byte of a control sequence whose `ESC [` was just before.
fn sequence(rest: &[u8]) -> Option<usize> {
    let parameters = rest.iter().take(32).take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
    rest.get(parameters).filter(|last| (0x40..=0x7e).contains(*last)).map(|_| parameters + 1)
}

/// Length of a control sequence that has lost its escape character. What else looks like one is left alone: `[34.8 kB]`,
/// a range `[5m]`.
fn lost(rest: &[u8], before: Option<&u8>) -> Option<usize> {
    let digits = rest[1..].iter().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let end = 1 + digits;
    let follows = rest.get(end + 1);
    let known = match rest.get(end)? {
        b'm' if digits > 0 => follows != Some(&b']') && rest[1..end].split(|byte| *byte == b';').all(is_colour),
        // Only behind another one, as GCC writes them.
        b'K' if digits == 0 => before == Some(&b'm'),
        b'K' | b'A' | b'G' => {
            digits == 1 && follows.is_none_or(|byte| matches!(*byte, ESC | b'[' | b' ' | b'#' | b'=' | b'+'))
        }
        b'?' => return (rest.starts_with(b"[?25l") || rest.starts_with(b"[?25h")).then_some(6),
        _ => false,
    };
    known.then_some(end + 1)
}

/// A number that selects a colour or its like: 0 to 9, 21 to 29, 30 to 49, 90 to 107, and those of `38;5;n`.
fn is_colour(number: &[u8]) -> bool {
    matches!(number.len(), 0..=3)
        && !number.first().is_some_and(|first| number.len() == 3 && *first > b'2')
        && std::str::from_utf8(number).is_ok_and(|text| text.is_empty() || text.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::clean;

    fn becomes(text: &str, expected: &str) {
        let mut buffer = Vec::new();
        assert_eq!(String::from_utf8_lossy(clean(text.as_bytes(), &mut buffer)), expected, "{text:?}");
    }

    #[test]
    fn colours_go_with_or_without_their_escape_character() {
        becomes("\x1b[91mERROR: x\x1b[0m", "ERROR: x");
        becomes("[91mERROR: x", "ERROR: x");
        becomes("[0mThe command", "The command");
        becomes("^[[0m^[[91mERROR: x", "ERROR: x");
        becomes("\u{241b}[31mred\u{241b}[0m", "red");
        becomes("a\x1b[1;31mb\x1b[38;5;208mc\x1b[K", "abc");
        becomes("[01m[Kfile.c:[m[K", "file.c:[m");
    }

    #[test]
    fn cursor_movements_titles_and_control_characters_go() {
        becomes("\x1b[1A\x1b[1B\x1b[0G\x1b[?25l[+] Building", "[+] Building");
        becomes("\x1b]0;title\x07text", "text");
        becomes("\x1b]0;title\x1b\\text", "\\text");
        becomes("a\0b\x08c", "abc");
        becomes("end\x1b", "end");
        becomes("end\x1b[", "end");
    }

    #[test]
    fn brackets_of_the_text_stay() {
        for text in ["Get:1 x [34.8 kB]", "rate(x[5m])", "[1/3] FROM x", "[internal] load", "a[0]", "[K", "list[12A"] {
            becomes(text, text);
        }
    }
}
