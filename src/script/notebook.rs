//! The code cells of a Jupyter notebook, with their places in the JSON.

use std::borrow::Cow;

use jsonc_parser::ast::{Array, Object, ObjectProp, StringLit, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::source::Span;

use super::cells::{Cell, Item};
use super::{MAX_NOTEBOOK, MAX_PYTHON, ScriptError, magics};

/// The code cells, in order. `None` when the kernel speaks another language than Python.
pub(super) fn cells(text: &str) -> Result<Option<Vec<Cell>>, ScriptError> {
    let fault = |offset: usize, message: &str| ScriptError { offset, message: message.to_owned() };
    if text.len() > MAX_NOTEBOOK {
        let limit = MAX_NOTEBOOK >> 20;
        let message = format!("the notebook is larger than {limit} MB; clear its outputs, save it and run again");
        return Err(ScriptError { offset: 0, message });
    }
    if text.starts_with('\u{feff}') {
        return Err(fault(0, "the notebook begins with a byte order mark, which JSON does not have"));
    }
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: true,
        allow_extended_string_escapes: false,
    };
    let whole = without_lone_surrogates(text);
    let parsed = parse_to_ast(&whole, &CollectOptions::default(), &strict).map_err(|error| {
        let offset = error.range().start.min(text.len());
        let message = match error.kind() {
            ParseErrorKind::CommentsNotAllowed => {
                "the notebook's JSON has a comment, which JSON does not have".to_owned()
            }
            ParseErrorKind::TrailingCommasNotAllowed => {
                "the notebook's JSON has a comma behind the last item".to_owned()
            }
            kind => format!("the notebook is no valid JSON: {kind}"),
        };
        ScriptError { offset, message }
    })?;
    match no_json(text) {
        Some((offset, true)) => {
            let message = "a text in the notebook's JSON holds a control character that is not escaped";
            return Err(fault(offset, message));
        }
        Some((offset, false)) => {
            let message = "the notebook's JSON has a blank that JSON does not have: only spaces, tabs and newlines";
            return Err(fault(offset, message));
        }
        None => {}
    }
    let Some(Value::Object(root)) = parsed.value else { return Err(fault(0, "the notebook is no JSON object")) };
    if let Some(name) = repeated(&root) {
        return Err(fault(name.range.start, "a key stands twice in the notebook"));
    }
    if let Some(prop) = property(&root, "worksheets") {
        let message =
            "the notebook is of format 3 or older; `jupyter nbconvert --to notebook --inplace` makes it format 4";
        return Err(fault(prop.range.start, message));
    }
    if !speaks_python(&root) {
        return Ok(None);
    }
    let Some(ObjectProp { value: Value::Array(list), .. }) = property(&root, "cells") else {
        return Err(fault(0, "the notebook has no list of cells"));
    };
    let mut cells = Vec::new();
    let mut size = 0;
    for value in &list.elements {
        let Value::Object(object) = value else { continue };
        let is_code = matches!(property(object, "cell_type"), Some(ObjectProp { value: Value::StringLit(kind), .. }) if kind.value == "code");
        if !is_code || in_other_language(object) {
            continue;
        }
        if let Some(name) = repeated(object) {
            return Err(fault(name.range.start, "a key stands twice in a cell"));
        }
        let Some(prop) = property(object, "source") else { continue };
        let cell = cell(text, &prop.value)?;
        size += cell.text.len();
        if size > MAX_PYTHON {
            let message = format!("the code cells hold more than {} MB: too large for a program", MAX_PYTHON >> 20);
            return Err(ScriptError { offset: cell.value.start, message });
        }
        cells.push(cell);
    }
    Ok(Some(cells))
}

/// What JSON forbids and the parser lets pass, and whether it stands in a string: an unescaped control character there,
/// and elsewhere a blank such as a form feed or a no-break space. The text is known to be JSON otherwise.
fn no_json(text: &str) -> Option<(usize, bool)> {
    let (mut inside, mut escaped) = (false, false);
    let offset = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
        inside ^= ends;
        if inside { byte < b' ' } else { !byte.is_ascii() || (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) }
    })?;
    Some((offset, inside))
}

/// Half a surrogate pair, which a program's output may hold, as U+FFFD: no text can hold it, and in a cell's source
/// it is refused when its escape is read.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                lone.push(at);
                at += 6;
            }
            _ => at += 2,
        }
    }
    if lone.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut last) = (String::with_capacity(text.len()), 0);
    for at in lone {
        out.push_str(&text[last..at]);
        out.push_str("\\ufffd");
        last = at + 6;
    }
    out.push_str(&text[last..]);
    Cow::Owned(out)
}

fn property<'a, 'b>(object: &'b Object<'a>, name: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().find(|prop| prop.name.as_str() == name)
}

/// A key that stands twice: which of them counts differs from reader to reader.
fn repeated<'a, 'b>(object: &'b Object<'a>) -> Option<&'b ObjectProp<'a>> {
    let mut seen = std::collections::HashSet::new();
    object.properties.iter().find(|prop| !seen.insert(prop.name.as_str()))
}

fn text_at<'b>(object: &'b Object<'_>, path: &[&str]) -> Option<&'b str> {
    let mut object = object;
    let (last, inner) = path.split_last()?;
    for name in inner {
        match &property(object, name)?.value {
            Value::Object(next) => object = next,
            _ => return None,
        }
    }
    match &property(object, last)?.value {
        Value::StringLit(text) => Some(&text.value),
        _ => None,
    }
}

/// Whether the kernel is Python's; a notebook that does not say runs under the default kernel, which is.
fn speaks_python(root: &Object<'_>) -> bool {
    let language = text_at(root, &["metadata", "language_info", "name"])
        .or_else(|| text_at(root, &["metadata", "kernelspec", "language"]))
        .or_else(|| text_at(root, &["metadata", "kernelspec", "name"]));
    language.is_none_or(|language| {
        let language = language.to_ascii_lowercase();
        let others = ["r", "ir", "scala", "julia", "sql", "csharp", "fsharp", "bash", "javascript", "powershell"];
        !others.iter().any(|other| language == *other) && !language.contains("csharp") && !language.starts_with("julia")
    })
}

/// VS Code's and polyglot notebooks name a cell's own language.
fn in_other_language(cell: &Object<'_>) -> bool {
    text_at(cell, &["metadata", "vscode", "languageId"])
        .or_else(|| text_at(cell, &["metadata", "language"]))
        .is_some_and(|language| !matches!(language, "python" | "ipython" | "python3"))
}

fn cell(text: &str, value: &Value<'_>) -> Result<Cell, ScriptError> {
    let range = |range: jsonc_parser::common::Range| Span::new(range.start, range.end);
    let mut cell = match value {
        Value::StringLit(string) => {
            let mut cell = Cell::new(range(string.range));
            push(&mut cell, text, string)?;
            cell
        }
        Value::Array(Array { range: span, elements }) => {
            let mut cell = Cell::new(range(*span));
            for element in elements {
                match element {
                    Value::StringLit(string) => push(&mut cell, text, string)?,
                    _ => {
                        let message = "a cell's source holds something that is no text".to_owned();
                        return Err(ScriptError { offset: span.start, message });
                    }
                }
            }
            cell
        }
        other => return Ok(Cell::new(range(other.range()))),
    };
    let masked = magics::mask(&cell.text);
    (cell.masked, cell.masks) = (masked.text, masked.masks);
    if let Some((offset, message)) = magics::Lines::of(&cell.masked).fault {
        return Err(cell.error(offset, message));
    }
    (cell.masked, cell.hidden) = magics::hide_comments(&cell.masked);
    Ok(cell)
}

/// Adds a JSON string to the cell's text, and where its bytes stand.
fn push(cell: &mut Cell, text: &str, string: &StringLit<'_>) -> Result<(), ScriptError> {
    let raw = Span::new(string.range.start, string.range.end);
    let start = cell.text.len();
    let inner = text.get(raw.start + 1..raw.end.saturating_sub(1)).unwrap_or_default();
    cell.run(raw.start + 1);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &inner.as_bytes()[at..]) {
        cell.text.push_str(&inner[at..at + found]);
        at += found;
        cell.run(raw.start + 1 + at);
        let length = escape(&inner[at..], &mut cell.text).unwrap_or(1);
        at += length;
        cell.run(raw.start + 1 + at);
    }
    cell.text.push_str(&inner[at..]);
    if cell.text[start..] != *string.value {
        let message = "a text in the notebook has an escape that is not understood".to_owned();
        return Err(ScriptError { offset: raw.start, message });
    }
    cell.items.push(Item { text: Span::new(start, cell.text.len()), raw });
    Ok(())
}

/// Decodes the escape that a text begins with and says how long it is.
fn escape(text: &str, out: &mut String) -> Option<usize> {
    let plain = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let high = unit(2)?;
            if let Some(c) = char::from_u32(u32::from(high)) {
                out.push(c);
                return Some(6);
            }
            text.get(6..8).filter(|next| *next == "\\u")?;
            out.push(char::decode_utf16([high, unit(8)?]).next()?.ok()?);
            return Some(12);
        }
        other => char::from(*other),
    };
    out.push(plain);
    Some(2)
}
