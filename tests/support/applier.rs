//! Applies a unified diff, as its format says and by nothing of envfix's: each hunk at the line it names, every line of
//! context and every line taken out as it stands there. For tests and fuzz targets.

/// The name and the hunks of one file in a diff.
struct FileDiff<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// Applies a diff to texts by name, and gives those that it changes.
///
/// # Errors
/// When the diff does not fit.
pub fn apply(diff: &str, texts: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
    let mut changed = Vec::new();
    for file in split(diff)? {
        let before = texts.iter().find(|(name, _)| name == file.name).ok_or("the diff is of no file that there is")?;
        changed.push((file.name.to_owned(), apply_one(&file, &before.1)?));
    }
    Ok(changed)
}

fn split(diff: &str) -> Result<Vec<FileDiff<'_>>, String> {
    let mut files: Vec<FileDiff<'_>> = Vec::new();
    let mut lines = diff.split_inclusive('\n').peekable();
    let mut left = (0usize, 0usize);
    while let Some(line) = lines.next() {
        if left == (0, 0) && line.starts_with("--- a/") {
            // Behind a name that holds blanks stands a tab.
            let name = line["--- a/".len()..].trim_end_matches('\n').trim_end_matches('\t');
            let second = lines.next().ok_or("a header without its second line")?;
            if second.strip_prefix("+++ b/").map(|rest| rest.trim_end_matches('\n').trim_end_matches('\t'))
                != Some(name)
            {
                return Err(format!("two names in a header: {line:?} {second:?}"));
            }
            files.push(FileDiff { name, lines: Vec::new() });
            continue;
        }
        let file = files.last_mut().ok_or("a diff begins with its header")?;
        file.lines.push(line);
        if line.starts_with("@@ ") {
            let (_, old, _, new) = header(line)?;
            left = (old, new);
            continue;
        }
        match line.as_bytes().first() {
            Some(b' ') => left = (left.0.wrapping_sub(1), left.1.wrapping_sub(1)),
            Some(b'-') => left.0 = left.0.wrapping_sub(1),
            Some(b'+') => left.1 = left.1.wrapping_sub(1),
            Some(b'\\') => {}
            _ => return Err(format!("a line of no kind: {line:?}")),
        }
    }
    if left == (0, 0) { Ok(files) } else { Err("the last hunk is not whole".to_owned()) }
}

/// `@@ -start,count +start,count @@`; a count of 1 may be left out.
fn header(line: &str) -> Result<(usize, usize, usize, usize), String> {
    let parse = || {
        let inner = line.trim_end().strip_prefix("@@ -")?.strip_suffix(" @@")?;
        let (old, new) = inner.split_once(" +")?;
        let range = |text: &str| {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            Some((start.parse().ok()?, count.parse().ok()?))
        };
        let ((old_start, old_count), (new_start, new_count)) = (range(old)?, range(new)?);
        Some((old_start, old_count, new_start, new_count))
    };
    parse().ok_or_else(|| format!("no header of a hunk: {line:?}"))
}

fn apply_one(file: &FileDiff<'_>, before: &str) -> Result<String, String> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let (mut out, mut at, mut written) = (String::new(), 0usize, 0usize);
    let mut lines = file.lines.iter().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("@@ ") {
            let (start, count, new_start, new_count) = header(line)?;
            // Of an empty range the line before it is named.
            let first = if count == 0 { start } else { start - 1 };
            if first < at || first > old.len() {
                return Err(format!("the hunk {line:?} stands behind the next, or behind the end"));
            }
            old[at..first].iter().for_each(|line| out.push_str(line));
            written += first - at;
            at = first;
            if written != if new_count == 0 { new_start } else { new_start - 1 } {
                return Err(format!("the hunk {line:?} stands elsewhere in the new text"));
            }
            continue;
        }
        let bare = lines.peek().is_some_and(|next| next.starts_with('\\'));
        if bare {
            lines.next();
        }
        let text = if bare { line[1..].strip_suffix('\n').unwrap_or(&line[1..]) } else { &line[1..] };
        if !line.starts_with('+') {
            if old.get(at) != Some(&text) {
                return Err(format!("the text has {:?} where the diff has {text:?}", old.get(at)));
            }
            at += 1;
        }
        if !line.starts_with('-') {
            out.push_str(text);
            written += 1;
        }
    }
    old[at..].iter().for_each(|line| out.push_str(line));
    Ok(out)
}
