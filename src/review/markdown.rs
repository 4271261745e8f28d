//! Texts in Markdown that nothing from a file can break out of: no fence, no HTML, no mention, no quick action.

/// A text as Markdown shows it, on one line. What stands between backticks stays code, as patches write commands.
#[must_use]
pub fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len() + 16);
    let mut rest = line.as_str();
    while let Some(open) = rest.find('`') {
        let Some(length) = rest[open + 1..].find('`') else { break };
        escape(&rest[..open], &mut out);
        let inner = &rest[open + 1..open + 1 + length];
        if inner.trim().is_empty() {
            escape("``", &mut out)
        } else {
            out.push_str(&code(inner))
        }
        rest = &rest[open + length + 2..];
    }
    escape(rest, &mut out);
    out
}

/// Everything that means something to Markdown, HTML or a host, as the character that it is.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention, a reference to an issue, a merge request, a label or a milestone, and a quick action.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '!' => out.push_str("&#33;"),
            '%' => out.push_str("&#37;"),
            '/' if out.is_empty() || out.ends_with('\n') => out.push_str("&#47;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '|' | '~' | '$' | '^' => {
                out.push('\\');
                out.push(c);
            }
            // A list, a heading, a number at the beginning of a line.
            '-' | '+' | '=' | '.' if out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || is_invisible(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A text as code inside a line.
#[must_use]
pub fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() || is_invisible(c) { '\u{fffd}' } else { c }).collect();
    let ticks = "`".repeat(longest_run(&text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// Lines in a fence that is longer than any in them. `kind` stands behind the fence.
#[must_use]
pub fn fence(kind: &str, lines: &str) -> String {
    let ticks = "`".repeat(longest_run(lines).max(2) + 1);
    let end = if lines.is_empty() || lines.ends_with('\n') { "" } else { "\n" };
    format!("{ticks}{kind}\n{lines}{end}{ticks}\n")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            plain("<!-- x --> @me #1 !2 ![a](b) /close"),
            "&lt;&#33;-- x --&gt; &#64;me &#35;1 &#33;2 &#33;\\[a\\]\\(b\\) /close"
        );
        assert_eq!(plain("/close\n/merge"), "&#47;close /merge");
        assert_eq!(plain("- a\n- b"), "\\- a - b");
    }

    #[test]
    fn commands_of_patches_stay_code() {
        assert_eq!(plain("run `apt-get update && ls` first"), "run `apt-get update && ls` first");
        assert_eq!(plain("an `open one"), "an \\`open one");
        assert_eq!(plain("`@me <b>` x"), "`@me <b>` x");
        assert_eq!(plain("``` a"), "\\`\\`\\` a");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_it() {
        assert_eq!(fence("diff", "a\n````\n"), "`````diff\na\n````\n`````\n");
        assert_eq!(fence("suggestion", ""), "```suggestion\n```\n");
        assert_eq!(code("a``b`"), "``` a``b` ```");
    }
}
