//! Takes off what CI systems and other keepers of logs write before every line: time stamps, names, quotation marks.

use memchr::memchr;

/// The line without such prefixes. What a builder writes itself is left.
pub(super) fn strip(line: &[u8]) -> &[u8] {
    let mut rest = line;
    // No keeper of logs is behind more than a few others.
    for _ in 0..4 {
        let next = match rest.first() {
            Some(b'0'..=b'9') => time_stamp(rest),
            Some(b'>') => rest.strip_prefix(b"> ").or_else(|| (rest.len() == 1).then_some(&[][..])),
            Some(b'[') => bracketed(rest),
            Some(b'#') => workflow(rest),
            Some(0xef) => rest.strip_prefix("\u{feff}".as_bytes()),
            Some(b't') if rest.starts_with(b"time=\"") => None,
            Some(byte) if byte.is_ascii_alphabetic() => service(rest).or_else(|| columns(rest)),
            _ => None,
        };
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    rest
}

/// `2024-01-01T00:00:00.0000000Z `, `2020/05/24 04:28:30 `, `2024-10-15T00:34:09: `, `04:28:30 `, and behind the first of
/// these GitLab's `00O `.
fn time_stamp(line: &[u8]) -> Option<&[u8]> {
    let (rest, dated) = match shaped(line, b"0000-00-00T00:00:00")
        .or_else(|| shaped(line, b"0000-00-00 00:00:00"))
        .or_else(|| shaped(line, b"0000/00/00 00:00:00"))
    {
        Some(rest) => (rest, true),
        None => (shaped(line, b"00:00:00")?, false),
    };
    let rest = fraction(rest);
    let rest =
        rest.strip_prefix(b"Z").or_else(|| shaped(rest, b"+00:00")).or_else(|| shaped(rest, b"-00:00")).unwrap_or(rest);
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    if rest.is_empty() {
        return Some(rest);
    }
    let rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))?;
    match rest {
        [a, b, b'O' | b'E', b' ' | b'+', rest @ ..] if dated && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
            Some(rest)
        }
        // Of an empty line the blank at its end may be gone.
        [a, b, b'O' | b'E'] if dated && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => Some(&[]),
        _ => Some(rest),
    }
}

fn fraction(line: &[u8]) -> &[u8] {
    match line.first() {
        Some(b'.' | b',') => {
            let digits = line[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 { &line[1 + digits..] } else { line }
        }
        _ => line,
    }
}

/// What follows the shape, in which `0` stands for any digit.
fn shaped<'a>(line: &'a [u8], shape: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(shape.len())?;
    let fits =
        start.iter().zip(shape).all(|(byte, shape)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape });
    fits.then_some(rest)
}

/// Jenkins' `[2024-01-01T00:00:00.000Z] `, and `[job/step] | ` of programs that run workflows at home.
fn bracketed(line: &[u8]) -> Option<&[u8]> {
    let close = memchr(b']', line.get(..120.min(line.len()))?)?;
    let (inside, rest) = (&line[1..close], &line[close + 1..]);
    if inside.first().is_some_and(u8::is_ascii_digit) && time_stamp(inside).is_some_and(<[u8]>::is_empty) {
        return Some(rest.strip_prefix(b" ").unwrap_or(rest));
    }
    let bar = rest.trim_ascii_start();
    (bar.len() < rest.len()).then(|| bar.strip_prefix(b"| "))?
}

/// `##[error]` and its like.
fn workflow(line: &[u8]) -> Option<&[u8]> {
    ["##[error]", "##[warning]", "##[group]", "##[command]", "##[debug]", "##[section]"]
        .iter()
        .find_map(|mark| line.strip_prefix(mark.as_bytes()))
}

/// Compose's `web_1  | `.
fn service(line: &[u8]) -> Option<&[u8]> {
    let bar = memchr(b'|', line.get(..48.min(line.len()))?)?;
    let (name, rest) = (&line[..bar], &line[bar + 1..]);
    let word = name.trim_ascii_end();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if word.len() == name.len() || !word.iter().all(is_name) {
        return None;
    }
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b" ") }
}

/// `job<TAB>step<TAB>2024-…Z `, as GitHub's command line prints logs.
fn columns(line: &[u8]) -> Option<&[u8]> {
    let first = memchr(b'\t', line.get(..100.min(line.len()))?)?;
    let rest = &line[first + 1..];
    let second = memchr(b'\t', rest.get(..100.min(rest.len()))?)?;
    let rest = &rest[second + 1..];
    let rest = rest.strip_prefix("\u{feff}".as_bytes()).unwrap_or(rest);
    shaped(rest, b"0000-00-00T").map(|_| rest)
}

#[cfg(test)]
mod tests {
    use super::strip;

    fn becomes(text: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(strip(text.as_bytes())), expected, "{text:?}");
    }

    #[test]
    fn time_stamps_of_every_keeper_are_taken_off() {
        becomes("2020/05/24 04:28:30 Step 1/2 : FROM a", "Step 1/2 : FROM a");
        becomes("2024-10-15T00:34:09: text", "text");
        becomes("2024-01-01T00:00:00.0000000Z   indented", "  indented");
        becomes("2024-01-01T00:00:00.123456Z 00O text", "text");
        becomes("2024-01-01T00:00:00.123456Z 01E+text", "text");
        becomes("[2024-01-01T00:00:00.000Z] text", "text");
        becomes("2024-01-01 10:00:00,123 text", "text");
        becomes("2024-01-01T00:00:00+02:00 text", "text");
        becomes("10:00:00 text", "text");
        becomes("2024-01-01T00:00:00Z", "");
        becomes("2024-01-01T00:00:00.1Z 00O", "");
    }

    #[test]
    fn names_and_quotation_marks_are_taken_off() {
        becomes("web_1  | text", "text");
        becomes("web  |", "");
        becomes("> > text", "text");
        becomes("> 2024-01-01T00:00:00Z web | text", "text");
        becomes("[build/job]   | text", "text");
        becomes("##[error]text", "text");
        becomes("build\tRun docker build\t2024-01-01T00:00:00.1Z text", "text");
    }

    #[test]
    fn what_programs_and_builders_print_stays() {
        for text in [
            "#7 12.3 text",
            " => [1/2] FROM a",
            " > [1/2] RUN a:",
            "  12 | >>> RUN a",
            "[1/2] STEP 1/2: FROM a",
            "[+] Building 1.0s (1/2)",
            "12:30 text",
            "a|b",
            "cat x | grep y",
            "2020 was a year",
            "0.512 text",
        ] {
            becomes(text, text);
        }
    }
}
