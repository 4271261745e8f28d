//! The reports for other tools: what they say, that what they offer is what envfix writes, and that nothing in a file
//! or in its name leaves its place.

mod support;
#[path = "support/formats.rs"]
mod tools;

use serde_json::Value;

use support::{CONDA, FINE, PLAIN, Ran, Sandbox, UNSAFE};

const JSON: [&str; 3] = ["sarif", "rdjson", "gitlab"];
const LINES: [&str; 2] = ["github", "azure"];

/// A folder that tries to be a command, a cell, a comment, a mention and an address.
const HOSTILE: &str =
    "a\r\n::set-env name=X::1\n##vso[task.setvariable variable=X]1;b,c:d %0A%25]|`<!-- @me $x$ é&\"[](x) ##[add-mask]y";

/// Runs envfix over the whole folder without writing.
fn report(sandbox: &Sandbox, format: &str, more: &[&str]) -> Ran {
    sandbox.run(&[&["--dry-run", "--format", format, "."], more].concat())
}

/// Fails unless what SARIF and rdjson offer is what envfix writes, byte for byte.
#[track_caller]
fn offers_what_is_written(sandbox: &Sandbox, more: &[&str]) {
    let before = sandbox.files();
    let sarif = report(sandbox, "sarif", more).json();
    let rdjson = report(sandbox, "rdjson", more).json();
    assert_eq!(sandbox.files(), before, "a dry run writes nothing");
    let of_sarif = tools::applied(&before, tools::of_sarif(&sarif, &before));
    let of_rdjson = tools::applied(&before, tools::of_rdjson(&rdjson, &before));
    sandbox.run(&[&["."], more].concat());
    let written = sandbox.files();
    assert_ne!(written, before, "something is fixed");
    assert_eq!(of_sarif, written, "SARIF");
    assert_eq!(of_rdjson, written, "rdjson");
}

#[test]
fn what_is_offered_for_the_sample_is_what_is_written() {
    offers_what_is_written(&Sandbox::of("sample"), &[]);
    offers_what_is_written(&Sandbox::of("sample"), &["--log", "build.log"]);
    offers_what_is_written(&Sandbox::of("definitions"), &["--unsafe"]);
    offers_what_is_written(&Sandbox::of("scripts"), &["--only", "spark-precache"]);
}

#[test]
fn what_is_offered_is_what_is_written_whatever_the_text() {
    for text in [
        PLAIN.to_owned(),
        PLAIN.replace('\n', "\r\n"),
        format!("\u{feff}{PLAIN}"),
        format!("\u{feff}{}", PLAIN.replace("RUN", "RUN echo 'ä€𝄞' &&")),
        "FROM python:3.10-slim\nRUN echo 'ä€𝄞' && pip install -U pip && echo 'é'".to_owned(),
        "FROM python:3.10-slim\r\nRUN pip install -U pip \\\r\n    && pip install -U pip wheel".to_owned(),
        "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y python3\nRUN pip install 'é' flask<2\n".to_owned(),
        UNSAFE.to_owned(),
    ] {
        offers_what_is_written(&Sandbox::with(&[("Dockerfile", &text)]), &["--unsafe"]);
    }
    offers_what_is_written(&Sandbox::with(&[("environment.yml", CONDA)]), &[]);
    offers_what_is_written(&Sandbox::with(&[("environment.yml", &CONDA.replace("pip:", "pip: # é"))]), &[]);
    // On the first line, behind a byte order mark.
    let flow = "\u{feff}{channels: [conda-forge], dependencies: [python=3.10, {pip: [\"é\"]}]}\n";
    offers_what_is_written(&Sandbox::with(&[("environment.yml", flow)]), &[]);
}

#[test]
fn several_fixes_at_one_place_keep_their_order() {
    let text = "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y curl python3\nCOPY . /x\n\
                RUN python setup.py install\n";
    let sandbox = Sandbox::with(&[("Dockerfile", text)]);
    let json = report(&sandbox, "json", &["--unsafe"]).json();
    let findings = json["findings"].as_array().into_iter().flatten();
    let starts: Vec<&Value> = findings.map(|finding| &finding["fix"]["edits"][0]["start"]).collect();
    assert!(starts.len() == 2 && starts[0] == starts[1], "{starts:?}");
    offers_what_is_written(&sandbox, &["--unsafe"]);
}

#[test]
fn a_file_whose_encoding_changes_is_reported_and_nothing_is_offered_for_it() {
    let sandbox = Sandbox::empty();
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(PLAIN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    sandbox.write("Dockerfile", utf16);
    let sarif = report(&sandbox, "sarif", &[]).exits(0).json();
    let run = &sarif["runs"][0];
    assert_eq!(run["artifacts"][0]["encoding"], "utf-16le");
    assert!(run["results"].as_array().is_some_and(|results| results.len() > 1), "{run}");
    assert!(run.to_string().contains("\"encoding\"") && !run.to_string().contains("\"fixes\""), "{run}");
    let rdjson = report(&sandbox, "rdjson", &[]).exits(0).json().to_string();
    assert!(rdjson.contains("\"encoding\"") && !rdjson.contains("suggestions"), "{rdjson}");
    let markdown = report(&sandbox, "markdown", &[]).exits(0).out;
    assert!(markdown.contains("The encoding changes, which no diff shows: <code>Dockerfile</code>."), "{markdown}");
}

/// Every entry of a report as its level and what it is about, for the formats that have both.
fn entries(format: &str, out: &str) -> Vec<(String, String)> {
    let pair = |level: &Value, code: &Value| {
        (level.as_str().unwrap_or_default().to_owned(), code.as_str().unwrap_or_default().to_owned())
    };
    let of = |property: Option<&String>| property.cloned().unwrap_or_default();
    match format {
        "github" => tools::github(out)
            .into_iter()
            .map(|it| (it.name, of(it.properties.get("title")).replace("envfix: ", "")))
            .collect(),
        "azure" => tools::azure(out)
            .into_iter()
            .map(|it| (of(it.properties.get("type")), of(it.properties.get("code"))))
            .collect(),
        _ => {
            let report: Value = serde_json::from_str(out).expect("it is JSON");
            let (list, level, code) = match format {
                "sarif" => (&report["runs"][0]["results"], "/level", "/ruleId"),
                "rdjson" => (&report["diagnostics"], "/severity", "/code/value"),
                _ => (&report, "/severity", "/check_name"),
            };
            let list = list.as_array().expect("it is a list");
            list.iter().map(|it| pair(&it[&level[1..]], it.pointer(code).unwrap_or(&Value::Null))).collect()
        }
    }
}

#[test]
fn a_fault_is_an_error_hardening_a_warning_and_advice_on_it_a_note() {
    let sandbox = Sandbox::with(&[
        (
            "Dockerfile",
            "FROM python:3.10-slim\n# envfix: skip=timeouts\nRUN pip install -U pip\n# envfix: skip=conda-pip\n",
        ),
        ("environment.yml", CONDA),
        ("a/environment.yml", "dependencies:\n  - python\n  - pip=24.0\n"),
        ("b/Dockerfile", "FROM debian:bookworm\nRUN pip install -U pip\n"),
    ]);
    for (format, [error, warning, note]) in [
        ("sarif", ["error", "warning", "note"]),
        ("rdjson", ["ERROR", "WARNING", "INFO"]),
        ("github", ["error", "warning", "notice"]),
        ("gitlab", ["major", "minor", "info"]),
        ("azure", ["error", "warning", ""]),
    ] {
        let out = report(&sandbox, format, &[]).exits(0).out;
        let entries = entries(format, &out);
        let has = |level: &str, code: &str| entries.contains(&(level.to_owned(), code.to_owned()));
        assert!(has(error, "conda-pip"), "{format}: {entries:?}");
        assert!(has(warning, "pip-pin"), "{format}: {entries:?}");
        if format == "azure" {
            for code in ["timeouts", "pip-pin", "idle-skip"] {
                let is_note = |line: &str| line.starts_with("note: ") && line.contains(&format!("[{code}]"));
                assert!(out.lines().any(is_note), "{out}");
            }
        } else {
            for code in ["timeouts", "pip-pin", "idle-skip"] {
                assert!(has(note, code), "{format}: {code}: {entries:?}");
            }
        }
    }
    let sarif = report(&sandbox, "sarif", &[]).json();
    let skipped = &sarif["runs"][0]["results"][0];
    assert_eq!(skipped["suppressions"][0]["kind"], "inSource", "{skipped}");
    assert_eq!(skipped["suppressions"][0]["justification"], "skipped by the comment on line 2");
}

#[test]
fn every_finding_of_the_json_report_is_in_every_other() {
    let sandbox = Sandbox::of("definitions");
    for more in [&[][..], &["--faults"], &["--unsafe"]] {
        let json = report(&sandbox, "json", more).json();
        let of = |list: &Value| list.as_array().map_or(0, Vec::len);
        let (found, problems) = (of(&json["findings"]) + of(&json["idle_skips"]), of(&json["problems"]));
        assert!(found > 10);
        for format in JSON.iter().chain(&LINES) {
            let out = report(&sandbox, format, more).out;
            let expected = if *format == "sarif" { found } else { found + problems };
            let notes = out.lines().filter(|line| line.starts_with("note: ")).count();
            let counted = entries(format, &out).len() + if *format == "azure" { notes } else { 0 };
            assert_eq!(counted, expected, "{format} {more:?}");
        }
        let rows = report(&sandbox, "markdown", more).out.lines().filter(|line| line.starts_with("| <code>")).count();
        assert_eq!(rows, found + problems, "{more:?}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_in_every_report() {
    let sandbox = Sandbox::with(&[("Dockerfile", FINE)]);
    sandbox.write("a/Dockerfile", b"FROM x\nRUN \xff\n");
    for format in JSON.iter().chain(&LINES).filter(|format| **format != "sarif") {
        let entries = entries(format, &report(&sandbox, format, &[]).exits(2).out);
        assert_eq!(entries.len(), 1, "{format}: {entries:?}");
        assert_eq!(entries[0].1, "input", "{format}");
    }
    let sarif = report(&sandbox, "sarif", &[]).exits(2).json();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "error");
    let place = &notification["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"a/Dockerfile".into(), &2.into()));
    let markdown = report(&sandbox, "markdown", &[]).exits(2).out;
    assert!(markdown.contains("| <code>a/Dockerfile&#58;2</code> | line 2"), "{markdown}");
}

#[test]
fn the_cause_of_a_failed_build_is_told_where_it_stands() {
    let sandbox = Sandbox::of("sample");
    let sarif = report(&sandbox, "sarif", &["--log", "build.log"]).exits(0).json();
    let cause = &sarif["runs"][0]["results"][0];
    assert_eq!((&cause["ruleId"], &cause["level"]), (&"timeouts".into(), &"error".into()));
    let place = &cause["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"Dockerfile".into(), &13.into()));
    assert!(cause["message"]["text"].as_str().is_some_and(|text| text.contains("line 12 of build.log: WARNING")));
    for format in ["rdjson", "github", "gitlab", "azure"] {
        let out = report(&sandbox, format, &["--log", "build.log"]).exits(0).out;
        assert!(out.contains("the build failed: downloads keep the default timeout"), "{format}: {out}");
    }
    let markdown = report(&sandbox, "markdown", &["--log", "build.log"]).exits(0).out;
    for part in ["### Why the build failed", "Cause 1, <code>timeouts</code>", "\n12: WARNING: Retrying"] {
        assert!(markdown.contains(part), "{part:?} is missing:\n{markdown}");
    }
    // A log alone, from standard input: there is no file to point at.
    let log = std::fs::read(sandbox.path("build.log")).expect("it is there");
    for format in ["sarif", "rdjson", "github", "gitlab", "azure", "markdown"] {
        let ran = sandbox.run_with_input(&["--format", format, "--log", "-"], &log).exits(0);
        assert!(ran.out.contains("timeouts"), "{format}: {}", ran.out);
    }
}

#[test]
fn a_fingerprint_stays_when_lines_are_added_above_and_is_no_other_ones() {
    let twice = "FROM python:3.10-slim\nRUN pip install -U pip\nRUN pip install -U pip\n";
    let fingerprints = |text: &str| -> Vec<String> {
        let sandbox = Sandbox::with(&[("Dockerfile", text)]);
        let gitlab = report(&sandbox, "gitlab", &[]).json();
        let sarif = report(&sandbox, "sarif", &[]).json();
        let of_gitlab: Vec<String> = gitlab
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it["fingerprint"].as_str().map(str::to_owned))
            .collect();
        let of_sarif = sarif["runs"][0]["results"].as_array().into_iter().flatten();
        let of_sarif: Vec<&str> = of_sarif.filter_map(|it| it["partialFingerprints"]["envfix/v1"].as_str()).collect();
        assert_eq!(of_gitlab, of_sarif);
        of_gitlab
    };
    let before = fingerprints(twice);
    let moved = fingerprints(&twice.replace("\nRUN pip install -U pip\nRUN", "\n# é\n\n  RUN pip install -U pip\nRUN"));
    assert_eq!(before, moved);
    assert!(before.len() > 2, "{before:?}");
    let different: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(different.len(), before.len(), "{before:?}");
    assert!(before.iter().all(|it| it.len() == 32 && it.bytes().all(|byte| byte.is_ascii_hexdigit())));
}

#[test]
fn a_hostile_text_is_no_command() {
    let text = "FROM python:3.10-slim\nRUN pip install -U pip ::set-env name=X::1 '##vso[task.setvariable \
                variable=X]1' ##[add-mask]x %0A::stop-commands::y\nRUN pip install 'a'b|<!--@me-->`$(x)` >1.0\n\
                FORM ##vso[task.complete]x\n::add-path::/x\n";
    let sandbox = Sandbox::with(&[("Dockerfile", text), ("##vso[task.x]y/Dockerfile", PLAIN)]);
    sandbox.write("::set-env name=X::1/Dockerfile", PLAIN);
    all_commands_are_ours(&sandbox, &["--unsafe"]);
}

#[cfg(unix)]
#[test]
fn a_hostile_name_is_no_command() {
    let sandbox = Sandbox::empty();
    sandbox.write(&format!("{HOSTILE}/Dockerfile"), PLAIN);
    sandbox.write(&format!("{HOSTILE}/environment.yml"), CONDA);
    sandbox.write(&format!("{HOSTILE}/broken/Dockerfile"), b"FROM \xff");
    all_commands_are_ours(&sandbox, &[]);
    let name = format!("{HOSTILE}/Dockerfile");
    let named = |commands: Vec<tools::Command>, property: &str| {
        commands.iter().any(|command| command.properties.get(property) == Some(&name))
    };
    assert!(named(tools::github(&report(&sandbox, "github", &[]).out), "file"));
    assert!(named(tools::azure(&report(&sandbox, "azure", &[]).out), "sourcepath"));
    let sarif = report(&sandbox, "sarif", &[]).json();
    let uris: Vec<String> = sarif["runs"][0]["results"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str())
        .map(tools::decoded)
        .collect();
    assert!(uris.contains(&name), "{uris:?}");
    assert!(sarif.to_string().contains("a%0D%0A%3A%3Aset-env%20name%3DX%3A%3A1%0A%23%23vso%5Btask"));
    offers_what_is_written_beside_what_is_broken(&sandbox);
}

/// As [`offers_what_is_written`], where a file cannot be read.
fn offers_what_is_written_beside_what_is_broken(sandbox: &Sandbox) {
    let before = sandbox.files();
    let edits = tools::of_sarif(&report(sandbox, "sarif", &[]).json(), &before);
    sandbox.run(&["."]).exits(2);
    assert_eq!(tools::applied(&before, edits), sandbox.files());
}

#[track_caller]
fn all_commands_are_ours(sandbox: &Sandbox, more: &[&str]) {
    let github = report(sandbox, "github", more);
    for command in tools::github(&github.out) {
        assert!(["error", "warning", "notice"].contains(&&*command.name), "{command:?}");
        assert!(command.properties.get("title").is_some_and(|title| title.starts_with("envfix: ")), "{command:?}");
    }
    let azure = report(sandbox, "azure", more);
    for command in tools::azure(&azure.out) {
        assert_eq!(command.name, "task.logissue", "{command:?}");
        assert!(command.properties.contains_key("code"), "{command:?}");
    }
    // Runners read standard error as well.
    let verbose = sandbox.run(&[&["--dry-run", "--verbose", "."], more].concat());
    for said in [&github.err, &verbose.err] {
        assert_eq!((tools::github(said), tools::azure(said)), (Vec::new(), Vec::new()), "{said}");
    }
    let entries = report(sandbox, "json", more).json();
    let of = |list: &Value| list.as_array().map_or(0, Vec::len);
    let expected = of(&entries["findings"]) + of(&entries["problems"]) + of(&entries["idle_skips"]);
    assert_eq!(github.out.lines().count(), expected, "{}", github.out);
    assert_eq!(azure.out.lines().count(), expected, "{}", azure.out);
}

#[cfg(unix)]
#[test]
fn nothing_leaves_its_place_in_the_summary() {
    let sandbox = Sandbox::empty();
    let text = format!("{PLAIN}# ```` </details> <!-- @me\r# `````\u{1b}[1m`\n");
    sandbox.write(&format!("{HOSTILE}/Dockerfile"), text);
    sandbox.write(&format!("{HOSTILE}/b/Dockerfile"), "FROM python:3.10-slim\nRUN pip install '<b>|@me`#1' -U pip\n");
    let out = report(&sandbox, "markdown", &[]).exits(0).out;
    let (tables, rest) = out.split_once("<details>").expect("there is a diff");
    for line in tables.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(line.matches('|').count(), 6, "{line}");
    }
    for part in ["`", "@", "<!", "](", "$", "\r"] {
        assert!(!tables.contains(part), "{part:?} stands in\n{tables}");
    }
    let fence = "``````";
    assert!(rest.contains(&format!("\n{fence}diff\n")), "{rest}");
    assert_eq!(rest.matches(fence).count(), 2, "{rest}");
    assert!(rest.ends_with(&format!("\n{fence}\n\n</details>\n")), "{rest}");
    assert!(rest.contains("`````\u{241b}[1m`") && rest.contains("@me\u{240d}#"), "{rest}");
}

#[test]
fn a_change_beside_a_credential_is_not_in_the_summary_and_no_report_tells_it() {
    let text = "FROM python:3.10-slim\nRUN pip install --index-url https://me:hunter2@pypi.example/simple -U pip\n";
    let sandbox = Sandbox::with(&[("Dockerfile", text), ("a/Dockerfile", PLAIN)]);
    let out = report(&sandbox, "markdown", &[]).exits(0).out;
    assert!(out.contains("\n1 change is not shown here, since credentials stand beside what changes.\n"), "{out}");
    assert!(out.contains("+++ b/a/Dockerfile") && !out.contains("+++ b/Dockerfile"), "{out}");
    for format in JSON.iter().chain(&LINES).chain(&["markdown"]) {
        let ran = report(&sandbox, format, &["--unsafe"]).exits(0);
        assert!(!ran.out.contains("hunter2"), "{format}: {}", ran.out);
    }
}

#[test]
fn a_summary_that_would_be_too_long_says_how_much_is_missing() {
    let line = format!("RUN pip install -U pip '{}'\n\n\n\n\n\n\n\n", "x".repeat(200));
    let name = format!("{}/Dockerfile", "y".repeat(100));
    let sandbox = Sandbox::with(&[(&name, &format!("FROM python:3.10-slim\n{}", line.repeat(2500)))]);
    let out = report(&sandbox, "markdown", &[]).exits(0).out;
    assert!(out.len() < 1_048_576, "{}", out.len());
    assert!(
        out.contains(" more, which would make this summary too long.") && out.contains("changes are not shown here")
    );
    assert_eq!(out.matches("<details>").count(), out.matches("</details>").count());
}

#[test]
fn nothing_to_do_is_an_empty_report_of_its_format() {
    let sandbox = Sandbox::with(&[("Dockerfile", FINE)]);
    let of = |format: &str| report(&sandbox, format, &[]).exits(0);
    assert_eq!(of("gitlab").out, "[]\n");
    assert_eq!((of("github").out, of("azure").out), (String::new(), String::new()));
    assert_eq!(of("sarif").json()["runs"][0]["results"], Value::Array(Vec::new()));
    assert_eq!(of("rdjson").json()["diagnostics"], Value::Array(Vec::new()));
    assert_eq!(of("markdown").out, "## envfix\n\n1 file read: nothing to do.\n");
}

#[test]
fn what_looks_like_a_colour_in_a_file_goes_out_as_it_is() {
    let text = format!("{PLAIN}# \u{1b}[31mred\u{7f}\u{9b}1m\n");
    let sandbox = Sandbox::with(&[("Dockerfile", &text)]);
    let fixed = text.replace("RUN", "ENV PIP_DEFAULT_TIMEOUT=100\nRUN");
    assert_eq!(sandbox.run_with_input(&["-"], text.as_bytes()).exits(0).out, fixed);
    let diff = sandbox.run(&["--dry-run", "Dockerfile"]).exits(0).out;
    assert!(diff.contains(" # \u{1b}[31mred\u{7f}\u{9b}1m\n"), "{diff:?}");
    let json = sandbox.run(&["--dry-run", "--format", "json", "Dockerfile"]).exits(0).json();
    assert_eq!(json["files"][0]["diff"], Value::String(diff));
}
