//! The command line's promises, kept by the program as a person runs it: what it writes, what it prints and where,
//! and how it ends.

mod support;

use serde_json::{Value, json};
use support::{CONDA, CONDA_FIXED, FINE, PLAIN, PLAIN_FIXED, Ran, Sandbox, UNSAFE};

// ---- what is written

#[test]
fn a_file_is_fixed_in_place_by_default() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran =
        here.run(&["Dockerfile"]).exits(0).says(&["Dockerfile:2", "fixed", "[timeouts]", "1 fix applied to 1 file"]);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
    assert_eq!(ran.out, "");
}

#[test]
fn nothing_but_the_file_is_left_in_its_folder() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["Dockerfile"]).exits(0);
    assert_eq!(here.files().into_keys().collect::<Vec<_>>(), ["Dockerfile"]);
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let here = Sandbox::of("sample");
    here.run(&["Dockerfile"]).exits(0).says(&["3 fixes applied to 2 files"]);
    let after = here.files();
    here.run(&["Dockerfile"]).exits(0).says(&["2 files read; nothing to do"]);
    assert_eq!(here.files(), after);
    here.run(&["--check", "Dockerfile"]).exits(0);
}

#[test]
fn a_dry_run_prints_the_diff_and_nothing_else_and_writes_nothing() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let before = here.files();
    let ran = here.run(&["--dry-run", "Dockerfile"]).exits(0).says(&["would fix", "1 fix would be applied to 1 file"]);
    let diff = "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,3 @@\n FROM python:3.10-slim\n\
        +ENV PIP_DEFAULT_TIMEOUT=100\n RUN pip install flask\n";
    assert_eq!(ran.out, diff);
    assert_eq!(here.files(), before);
    assert_eq!(here.run(&["-n", "Dockerfile"]).exits(0).out, diff);
}

#[test]
fn a_dry_run_with_nothing_to_do_prints_nothing_on_standard_output() {
    let here = Sandbox::with(&[("Dockerfile", FINE)]);
    assert_eq!(here.run(&["-n", "Dockerfile"]).exits(0).says(&["nothing to do"]).out, "");
}

/// Files whose diffs are easy to get wrong.
fn awkward() -> Sandbox {
    Sandbox::with(&[
        ("Dockerfile", PLAIN),
        ("no last newline/Dockerfile", "FROM python:3.10-slim\nRUN pip install -U pip"),
        ("crlf/Dockerfile", "FROM python:3.10-slim\r\n\r\n# Flask\r\nRUN pip install \\\r\n\tflask\r\n"),
        ("bom/Dockerfile", "\u{feff}FROM python:3.10-slim\nRUN pip install -U pip flask\n"),
        (
            "zwölf/Dockerfile.gpu",
            "FROM python:3.10-slim\n\n\n\nRUN pip install flask\n\n\n\n\n\n\nRUN pip install -U pip\n",
        ),
        ("conda/environment.yml", CONDA),
    ])
}

fn a_program_takes_the_diff(program: &str, arguments: &[&str]) {
    let (here, there) = (awkward(), awkward());
    let diff = here.run(&["-n", "."]).exits(0).out;
    let Some(ran) = here.program(program, arguments, diff.as_bytes()) else { return };
    assert_eq!(ran.code, 0, "{program}: {}{}\n{diff}", ran.out, ran.err);
    there.run(&["."]).exits(0);
    assert_ne!(there.files(), awkward().files());
    for (name, bytes) in there.files() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&here.files()[&name]), text(&bytes), "{name}");
    }
}

#[test]
fn git_apply_takes_the_diff_and_makes_what_fixing_in_place_makes() {
    a_program_takes_the_diff("git", &["apply", "--whitespace=nowarn", "-"]);
}

#[test]
fn patch_takes_the_diff_and_makes_what_fixing_in_place_makes() {
    a_program_takes_the_diff("patch", &["-p1", "--binary"]);
}

#[test]
fn the_log_of_the_readme_is_explained_as_it_says() {
    let here = Sandbox::of("sample");
    let ran = here.run(&["-n", "--log", "build.log", "Dockerfile"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("+ENV PIP_DEFAULT_TIMEOUT=100\n") && !ran.out.contains("pip=="), "{}", ran.out);
    for said in [
        "build.log:12: cause [timeouts] ",
        "failed: Dockerfile:13: RUN pip install --upgrade pip (step 3 of 7)\n",
        "document: \"Package installation fails, timeouts and broken connections\"\n",
        "2 fixes held back: 2 that do not mend this build",
    ] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn the_sample_of_the_readme_is_fixed_as_its_diff_says() {
    let diff = std::fs::read_to_string(support::testdata("sample.diff")).unwrap();
    let here = Sandbox::of("sample");
    assert_eq!(here.run(&["--dry-run", "Dockerfile"]).exits(0).out, diff);
    for part in ["+RUN pip install --upgrade pip==", "+ENV PIP_DEFAULT_TIMEOUT=100", "+  - pip="] {
        assert!(diff.contains(part), "the sample no longer shows {part:?}");
    }
}

// ---- how it ends

#[test]
fn check_exits_1_when_something_would_change_and_writes_nothing() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran = here.run(&["--check", "Dockerfile"]).exits(1).says(&["would fix", "[timeouts]"]);
    assert_eq!((ran.out.as_str(), here.read("Dockerfile").as_str()), ("", PLAIN));
}

#[test]
fn check_exits_0_when_nothing_would_change() {
    let here = Sandbox::with(&[("Dockerfile", FINE), ("unsafe/Dockerfile", UNSAFE)]);
    here.run(&["--check", "Dockerfile"]).exits(0);
    here.run(&["--check", "unsafe/Dockerfile"]).exits(0).says(&["held back"]);
}

#[test]
fn check_exits_2_when_something_cannot_be_read_even_if_something_would_change() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["--check", "Dockerfile", "gone"]).exits(2).says(&["gone", "would fix"]);
}

#[test]
fn check_and_a_dry_run_go_together() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran = here.run(&["--check", "--dry-run", "Dockerfile"]).exits(1);
    assert!(ran.out.starts_with("--- a/Dockerfile\n"), "{}", ran.out);
}

#[test]
fn advice_alone_is_no_failure() {
    let here = Sandbox::with(&[(
        "Dockerfile",
        "ARG BASE\nFROM ${BASE}\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip\n",
    )]);
    here.run(&["Dockerfile"]).exits(0).says(&["Dockerfile:4", "advice", "[pip-pin]", "1 piece of advice"]);
    here.run(&["--check", "Dockerfile"]).exits(0);
}

#[test]
fn without_arguments_the_help_is_printed() {
    let ran = Sandbox::empty().run(&[]);
    let said = ran.out.clone() + &ran.err;
    assert!(said.contains("Usage: envfix") && said.contains("--dry-run"), "{said}");
}

#[test]
fn options_without_a_path_are_a_usage_error_that_says_what_to_name() {
    Sandbox::empty().run(&["--check"]).exits(2).says(&["name a Dockerfile"]);
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    Sandbox::empty().run(&["--frobnicate", "Dockerfile"]).exits(2).says(&["--frobnicate"]);
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    Sandbox::empty().run(&["-q", "-v", "Dockerfile"]).exits(2);
}

// ---- the JSON report

fn report(here: &Sandbox, arguments: &[&str]) -> Value {
    here.run(&[&["--format", "json"], arguments].concat()).exits(0).json()
}

#[test]
fn the_json_report_names_files_findings_and_the_summary() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let report = report(&here, &["-n", "Dockerfile"]);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let file = &report["files"][0];
    assert_eq!(
        (&file["path"], &file["kind"], &file["origin"], &file["changed"]),
        (&json!("Dockerfile"), &json!("dockerfile"), &json!("named"), &json!(true))
    );
    assert_eq!(file["diff"], here.run(&["-n", "Dockerfile"]).out);
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["patch"], &finding["ground"], &finding["file"]),
        (&json!("timeouts"), &json!("hardening"), &json!("Dockerfile"))
    );
    assert!(finding["title"].as_str().unwrap().len() > 10 && finding["message"].as_str().unwrap().len() > 10);
    assert_eq!((&finding["range"]["line"], &finding["range"]["column"]), (&json!(2), &json!(5)));
    assert_eq!((&finding["range"]["start"], &finding["range"]["end"]), (&json!(26), &json!(43)));
    assert_eq!(finding["evidence"][0]["range"]["line"], 2);
    assert_eq!((&finding["fix"]["safety"], &finding["fix"]["applied"]), (&json!("safe"), &json!(true)));
    assert_eq!(finding["fix"]["withheld"], Value::Null);
    let summary =
        json!({"files": 1, "changed": 1, "findings": 1, "applied": 1, "withheld": 0, "advised": 0, "problems": 0});
    assert_eq!(report["summary"], summary);
    assert_eq!((&report["problems"], &report["idle_skips"]), (&json!([]), &json!([])));
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

#[test]
fn the_edits_of_the_json_report_make_the_fixed_file() {
    let here = Sandbox::of("sample");
    let report = report(&here, &["-n", "Dockerfile"]);
    for name in ["Dockerfile", "environment.yml"] {
        let mut text = here.read(name);
        let mut edits: Vec<(u64, u64, &str)> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["file"] == name && finding["fix"]["applied"] == true)
            .flat_map(|finding| finding["fix"]["edits"].as_array().unwrap())
            .map(|edit| {
                (edit["start"].as_u64().unwrap(), edit["end"].as_u64().unwrap(), edit["replacement"].as_str().unwrap())
            })
            .collect();
        edits.sort();
        assert!(!edits.is_empty(), "{name}");
        for (start, end, replacement) in edits.into_iter().rev() {
            text.replace_range(start as usize..end as usize, replacement);
        }
        let fixed = Sandbox::of("sample");
        fixed.run(&["Dockerfile"]).exits(0);
        assert_eq!(text, fixed.read(name), "{name}");
    }
}

#[test]
fn a_json_report_does_not_keep_the_files_from_being_written() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    report(&here, &["Dockerfile"]);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
}

#[test]
fn a_json_report_with_check_writes_nothing_and_exits_1() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran = here.run(&["--format", "json", "--check", "Dockerfile"]).exits(1);
    assert_eq!(ran.json()["files"][0]["changed"], true);
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

#[test]
fn the_json_report_says_why_a_fix_is_held_back() {
    let here = Sandbox::with(&[("Dockerfile", UNSAFE)]);
    let report = report(&here, &["-n", "Dockerfile"]);
    let fix = &report["findings"][0]["fix"];
    assert_eq!(
        (&fix["safety"], &fix["applied"], &fix["withheld"]["kind"]),
        (&json!("unsafe"), &json!(false), &json!("unsafe"))
    );
    assert!(fix["withheld"]["reason"].as_str().unwrap().contains("--unsafe"));
    assert_eq!((&report["files"][0]["changed"], &report["files"][0]["diff"]), (&json!(false), &json!("")));
}

#[test]
fn the_json_report_of_a_fault_and_of_an_error_says_so() {
    let here = Sandbox::with(&[("environment.yml", CONDA)]);
    let ran = here.run(&["--format", "json", "-n", "environment.yml", "gone"]).exits(2);
    let report = ran.json();
    assert_eq!(report["findings"][0]["ground"], "fault");
    assert_eq!(report["files"][0]["kind"], "conda-environment");
    assert_eq!((&report["problems"][0]["file"], &report["summary"]["problems"]), (&json!("gone"), &json!(1)));
}

#[test]
fn columns_count_characters_and_offsets_count_bytes() {
    let text = "FROM python:3.10-slim\nRUN echo 'über' && pip install flask\n";
    let here = Sandbox::with(&[("Dockerfile", text)]);
    let range = &report(&here, &["-n", "Dockerfile"])["findings"][0]["range"];
    let start = text.find("pip").unwrap();
    assert_eq!((&range["start"], &range["line"], &range["column"]), (&json!(start), &json!(2), &json!(20)));
}

// ---- which patches

const SEVERAL: &str = "FROM python:3.10-slim\nRUN pip install -U pip\n";

#[test]
fn only_keeps_to_the_patches_named() {
    let here = Sandbox::with(&[("Dockerfile", SEVERAL)]);
    here.run(&["--only", "pip-pin", "Dockerfile"]).exits(0);
    assert_eq!(here.read("Dockerfile"), "FROM python:3.10-slim\nRUN pip install -U pip==26.1.2\n");
}

#[test]
fn only_is_repeatable_and_takes_a_list() {
    for arguments in [&["--only", "pip-pin", "--only", "timeouts"][..], &["--only", "pip-pin,timeouts"]] {
        let here = Sandbox::with(&[("Dockerfile", SEVERAL)]);
        here.run(&[arguments, &["Dockerfile"]].concat()).exits(0).says(&["2 fixes applied"]);
    }
}

#[test]
fn naming_a_patch_asks_for_its_unsafe_fixes() {
    let here = Sandbox::with(&[("Dockerfile", UNSAFE)]);
    here.run(&["Dockerfile"]).exits(0).says(&["held back", "[pip-pin]", "--unsafe"]);
    assert_eq!(here.read("Dockerfile"), UNSAFE);
    here.run(&["--only", "pip-pin", "Dockerfile"]).exits(0);
    assert_eq!(here.read("Dockerfile"), UNSAFE.replace("-U pip", "-U pip==26.1.2"));
}

#[test]
fn unsafe_fixes_are_applied_when_asked_for() {
    let here = Sandbox::with(&[("Dockerfile", UNSAFE)]);
    here.run(&["--unsafe", "Dockerfile"]).exits(0).says(&["fixed", "[pip-pin]"]);
    assert_eq!(here.read("Dockerfile"), UNSAFE.replace("-U pip", "-U pip==26.1.2"));
}

#[test]
fn skip_leaves_a_patch_out() {
    let here = Sandbox::with(&[("Dockerfile", SEVERAL)]);
    let ran = here.run(&["--skip", "timeouts", "Dockerfile"]).exits(0);
    assert!(!ran.err.contains("[timeouts]"), "{}", ran.err);
    assert_eq!(here.read("Dockerfile"), "FROM python:3.10-slim\nRUN pip install -U pip==26.1.2\n");
    here.run(&["--skip", "timeouts,pip-pin", "--check", "Dockerfile"]).exits(0);
}

#[test]
fn an_unknown_patch_is_a_usage_error_that_names_those_there_are() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    for option in ["--only", "--skip"] {
        here.run(&[option, "pip-pni", "Dockerfile"]).exits(2).says(&["pip-pni", "pip-pin", "timeouts"]);
    }
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

#[test]
fn faults_leaves_hardening_alone_and_says_how_to_get_it() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN), ("environment.yml", CONDA)]);
    here.run(&["--faults", "Dockerfile", "environment.yml"]).exits(0).says(&["held back", "[timeouts]", "1 hardening"]);
    assert_eq!(here.read("Dockerfile"), PLAIN);
    assert_eq!(here.read("environment.yml"), CONDA_FIXED);
}

#[test]
fn naming_a_patch_asks_for_its_hardening_among_faults() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["--faults", "--only", "timeouts", "Dockerfile"]).exits(0);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
}

// ---- standard input

#[test]
fn standard_input_is_fixed_to_standard_output() {
    let here = Sandbox::empty();
    let ran = here.run_with_input(&["-"], PLAIN.as_bytes()).exits(0).says(&["[timeouts]"]);
    assert_eq!(ran.out, PLAIN_FIXED);
    assert!(here.files().is_empty());
}

#[test]
fn standard_input_is_read_as_what_its_name_says() {
    let ran = Sandbox::empty().run_with_input(&["-", "--stdin-name", "conf/conda.yaml"], CONDA.as_bytes());
    assert_eq!(ran.exits(0).says(&["conf/conda.yaml:4", "[conda-pip]"]).out, CONDA_FIXED);
}

#[test]
fn standard_input_with_nothing_to_do_comes_out_byte_for_byte() {
    let text = "\u{feff}FROM python:3.10-slim\r\n\tRUN true";
    assert_eq!(Sandbox::empty().run_with_input(&["-"], text.as_bytes()).exits(0).out, text);
}

#[test]
fn a_dry_run_of_standard_input_prints_the_diff_under_its_name() {
    let ran =
        Sandbox::empty().run_with_input(&["-n", "-", "--stdin-name", "gpu/Dockerfile"], PLAIN.as_bytes()).exits(0);
    assert!(ran.out.starts_with("--- a/gpu/Dockerfile\n+++ b/gpu/Dockerfile\n@@ "), "{}", ran.out);
}

#[test]
fn checking_standard_input_prints_no_text() {
    let ran = Sandbox::empty().run_with_input(&["--check", "-"], PLAIN.as_bytes()).exits(1);
    assert_eq!(ran.out, "");
}

#[test]
fn standard_input_that_cannot_be_parsed_is_an_error_and_prints_no_text() {
    let ran = Sandbox::empty().run_with_input(&["-"], b"FROM a\nRUN <<END\nx\n").exits(2).says(&["Dockerfile:2"]);
    assert_eq!(ran.out, "");
}

#[test]
fn standard_input_goes_with_no_other_path() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["-", "Dockerfile"]).exits(2).says(&["standard input"]);
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

#[test]
fn a_name_for_standard_input_that_exists_is_not_written() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run_with_input(&["-"], PLAIN.as_bytes()).exits(0);
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

// ---- explaining

#[test]
fn explain_lists_every_patch_with_its_title() {
    let ran = Sandbox::empty().run(&["explain"]).exits(0);
    for id in ["conda-pip", "distutils", "pip-pin", "python-command", "timeouts"] {
        assert!(
            ran.out.lines().any(|line| line.split("  ").next() == Some(id) && line.len() > id.len() + 10),
            "{}",
            ran.out
        );
    }
}

#[test]
fn explain_tells_what_a_patch_looks_for_what_it_does_and_shows_a_diff() {
    let ran = Sandbox::empty().run(&["explain", "timeouts"]).exits(0);
    for part in [
        "timeouts: ",
        "The document, under",
        "A failing build prints:",
        "(hardening)",
        "set PIP_DEFAULT_TIMEOUT={pip-timeout} and CONDA_REMOTE_READ_TIMEOUT_SECS={conda-timeout} before the first",
        "(safe), since",
        "advice: ",
        "pip-timeout = 100",
        "\n+ENV PIP_DEFAULT_TIMEOUT=100",
        "Left alone, for example, because",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

#[test]
fn explain_of_an_unknown_patch_names_those_there_are() {
    let ran = Sandbox::empty().run(&["explain", "pip-pni"]).exits(2).says(&["pip-pni", "conda-pip"]);
    assert_eq!(ran.out, "");
}

#[test]
fn the_examples_of_all_patches_can_be_run() {
    let ran = Sandbox::empty().run(&["test-patches"]).exits(0);
    assert!(ran.out.contains("timeouts: ") && ran.out.contains("examples do what they say"), "{}", ran.out);
}

// ---- how much is said, and in which colours

#[test]
fn quiet_says_errors_only() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran = here.run(&["-q", "Dockerfile"]).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
    let ran = here.run(&["--quiet", "Dockerfile", "gone"]).exits(2).says(&["gone"]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn verbose_says_reasons_and_evidence() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let usual = here.run(&["-n", "Dockerfile"]).err;
    let ran = here.run(&["-n", "--verbose", "Dockerfile"]).exits(0).says(&["line 2: ", "nothing there sets it yet"]);
    assert!(!usual.contains("nothing there sets it yet") && ran.err.len() > usual.len(), "{usual}");
}

#[test]
fn nothing_piped_is_coloured() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN), ("unsafe/Dockerfile", UNSAFE), ("bad/Dockerfile", "RUN <<E\n")]);
    let runs: [&[&str]; 6] = [
        &["-n", "."],
        &["-n", "-v", "."],
        &["-n", "--format", "json", "."],
        &["explain"],
        &["explain", "timeouts"],
        &["--color", "never", "-n", "."],
    ];
    for arguments in runs {
        let ran = here.run(arguments);
        assert!(!(ran.out + &ran.err).contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn colours_come_where_they_are_asked_for_and_nowhere_in_json() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    let ran = here.run(&["--color", "always", "-n", "Dockerfile"]).exits(0);
    assert!(ran.out.contains('\u{1b}') && ran.err.contains('\u{1b}'), "{ran:?}");
    let Ran { out, .. } = here.run(&["--color", "always", "-n", "--format", "json", "Dockerfile"]).exits(0);
    assert!(!out.contains('\u{1b}'), "{out}");
}
