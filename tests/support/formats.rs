//! Readers of the reports for other tools, as those tools read them: what applies the fixes of SARIF and rdjson, and
//! what takes commands out of lines as the runners of GitHub and Azure Pipelines do.

use std::collections::BTreeMap;

use serde_json::Value;

/// A replacement in a file: bytes from, bytes to, text.
type Edit = (usize, usize, String);

/// What SARIF's fixes and rdjson's suggestions make of the files.
pub fn applied(files: &BTreeMap<String, Vec<u8>>, edits: BTreeMap<String, Vec<Edit>>) -> BTreeMap<String, Vec<u8>> {
    let mut files = files.clone();
    for (name, mut edits) in edits {
        let bytes = files.get_mut(&name).unwrap_or_else(|| panic!("{name}: no such file"));
        // Insertions at one place keep their order.
        edits.sort_by_key(|(start, end, _)| (*start, *end));
        let (mut out, mut last) = (Vec::new(), 0);
        for (start, end, text) in edits {
            assert!(start >= last, "{name}: edits overlap");
            out.extend_from_slice(&bytes[last..start]);
            out.extend_from_slice(text.as_bytes());
            last = end;
        }
        out.extend_from_slice(&bytes[last..]);
        *bytes = out;
    }
    files
}

/// The edits of a SARIF log. Their lines and columns must say what their bytes say.
pub fn of_sarif(log: &Value, files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<Edit>> {
    assert_eq!(log["runs"][0]["columnKind"], "unicodeCodePoints");
    let mut edits: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
    for result in list(&log["runs"][0]["results"]) {
        for fix in list(&result["fixes"]) {
            for change in list(&fix["artifactChanges"]) {
                assert_eq!(change["artifactLocation"]["uriBaseId"], "%SRCROOT%");
                let name = decoded(text(&change["artifactLocation"]["uri"]));
                for replacement in list(&change["replacements"]) {
                    let region = &replacement["deletedRegion"];
                    let (start, length) = (number(&region["byteOffset"]), number(&region["byteLength"]));
                    let of = |line: &str, column: &str| {
                        by_characters(&files[&name], number(&region[line]), number(&region[column]))
                    };
                    assert_eq!(of("startLine", "startColumn"), start, "{region}");
                    assert_eq!(of("endLine", "endColumn"), start + length, "{region}");
                    let edit = (start, start + length, text(&replacement["insertedContent"]["text"]).to_owned());
                    edits.entry(name.clone()).or_default().push(edit);
                }
            }
        }
    }
    edits
}

/// The edits of an rdjson report.
pub fn of_rdjson(report: &Value, files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<Edit>> {
    let mut edits: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
    for diagnostic in list(&report["diagnostics"]) {
        let name = text(&diagnostic["location"]["path"]);
        for suggestion in list(&diagnostic["suggestions"]) {
            let of = |end: &str| {
                let position = &suggestion["range"][end];
                line_start(&files[name], number(&position["line"])) + number(&position["column"]) - 1
            };
            let edit = (of("start"), of("end"), text(&suggestion["text"]).to_owned());
            edits.entry(name.to_owned()).or_default().push(edit);
        }
    }
    edits
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| number.try_into().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

fn line_start(bytes: &[u8], line: usize) -> usize {
    if line == 1 {
        return 0;
    }
    let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    newlines.map(|(at, _)| at + 1).nth(line - 2).unwrap_or_else(|| panic!("there is no line {line}"))
}

fn by_characters(bytes: &[u8], line: usize, column: usize) -> usize {
    let start = line_start(bytes, line);
    let rest = std::str::from_utf8(&bytes[start..]).expect("it is UTF-8");
    let mark = usize::from(start == 0 && rest.starts_with('\u{feff}'));
    start + rest.char_indices().nth(column - 1 + mark).map_or(rest.len(), |(at, _)| at)
}

/// A percent-encoded address.
pub fn decoded(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().expect("two digits"), rest.next().expect("two digits")];
            let digits = std::str::from_utf8(&digits).expect("ASCII");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A command in a line of a build's output: its name, its properties, its message.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    pub name: String,
    pub properties: BTreeMap<String, String>,
    pub message: String,
}

/// The commands in a text, as GitHub's runner takes them out (`ActionCommand` in its source): those that begin a line,
/// and in any other line what `##[` begins.
pub fn github(out: &str) -> Vec<Command> {
    lines(out)
        .filter_map(|line| {
            let data = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
            let property = |text: &str| {
                let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
                text.replace("%25", "%")
            };
            let (info, message, parting) = match line.trim_start().strip_prefix("::") {
                Some(rest) => {
                    let (info, message) = rest.split_once("::")?;
                    (info, message, ',')
                }
                None => {
                    let (info, message) = line.split_once("##[")?.1.split_once(']')?;
                    (info, message, ';')
                }
            };
            Some(command(info, parting, &property, data(message)))
        })
        .collect()
}

/// The commands in a text, as the agent of Azure Pipelines takes them out (`CommandStringConvertor` in its source):
/// the first `##vso[` of a line.
pub fn azure(out: &str) -> Vec<Command> {
    lines(out)
        .filter_map(|line| {
            let decoded = |text: &str| {
                let text = text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n").replace("%5D", "]");
                text.replace("%AZP25", "%")
            };
            let (info, message) = line.split_once("##vso[")?.1.split_once(']')?;
            Some(command(info, ';', &decoded, decoded(message)))
        })
        .collect()
}

fn lines(out: &str) -> impl Iterator<Item = &str> {
    out.split(['\r', '\n'])
}

fn command(info: &str, parting: char, decoded: &dyn Fn(&str) -> String, message: String) -> Command {
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let pairs = properties.trim().split(parting).filter_map(|pair| pair.split_once('='));
    let properties = pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect();
    Command { name: name.to_owned(), properties, message }
}
