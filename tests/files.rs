//! Files: which are read and fixed together, what of them is kept byte for byte, and what is said of those that
//! cannot be read.

mod support;

use serde_json::json;
use support::{CONDA, CONDA_FIXED, FINE, PLAIN, PLAIN_FIXED, Sandbox};

// ---- files that belong together

#[test]
fn a_conda_environment_is_fixed_with_the_dockerfile_that_builds_it() {
    let here = Sandbox::of("linked");
    let unrelated = here.read("conf/unrelated.yaml");
    here.run(&["Dockerfile"]).exits(0).says(&["conf/train.yaml:5", "[conda-pip]", "2 files read"]);
    assert!(here.read("conf/train.yaml").contains("- pip=26.1.2\n- pip:\n"));
    assert_eq!(here.read("conf/unrelated.yaml"), unrelated, "nothing refers to it");
}

#[test]
fn the_report_says_that_a_file_was_not_named_but_linked() {
    let here = Sandbox::of("linked");
    let report = here.run(&["-n", "--format", "json", "Dockerfile"]).exits(0).json();
    assert_eq!((&report["files"][0]["path"], &report["files"][0]["origin"]), (&json!("Dockerfile"), &json!("named")));
    assert_eq!(
        (&report["files"][1]["path"], &report["files"][1]["origin"]),
        (&json!("conf/train.yaml"), &json!("linked"))
    );
}

#[test]
fn a_person_is_told_why_a_file_that_nobody_named_is_fixed() {
    let here = Sandbox::of("linked");
    let ran = here.run(&["-n", "Dockerfile"]).exits(0);
    let line = ran.err.lines().find(|line| line.contains("conf/train.yaml") && line.contains("Dockerfile:5"));
    assert!(line.is_some(), "no line says that Dockerfile:5 refers to conf/train.yaml:\n{}", ran.err);
}

#[test]
fn an_environment_that_is_copied_beside_another_file_is_found() {
    let text = "FROM continuumio/miniconda3:24.1.2-0\nCOPY env.yml requirements.txt /build/\nRUN conda env create -f /build/env.yml\n";
    let here = Sandbox::with(&[("Dockerfile", text), ("env.yml", CONDA), ("requirements.txt", "flask\n")]);
    here.run(&["Dockerfile"]).exits(0).says(&["2 files read"]);
    assert_eq!(here.read("env.yml"), CONDA_FIXED);
}

#[test]
fn no_follow_leaves_linked_files_alone() {
    let here = Sandbox::of("linked");
    let before = here.files();
    here.run(&["--no-follow", "Dockerfile"]).exits(0).says(&["1 file read"]);
    assert_eq!(here.files(), before);
}

#[test]
fn a_file_that_is_linked_and_named_is_read_once() {
    let here = Sandbox::of("linked");
    let ran =
        here.run(&["Dockerfile", "conf/train.yaml", "./conf/../conf/train.yaml"]).exits(0).says(&["2 files read"]);
    assert_eq!(ran.err.matches("[conda-pip]").count(), 1, "{}", ran.err);
}

#[test]
fn a_definition_named_with_env_is_fixed_too() {
    let here = Sandbox::with(&[
        (
            "docker/Dockerfile",
            "FROM continuumio/miniconda3:24.1.2-0\nENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\nRUN conda env create -f /src/env.yml\n",
        ),
        ("conf/env.yml", CONDA),
    ]);
    here.run(&["--env", "conf/env.yml", "docker/Dockerfile"]).exits(0).says(&["2 files read", "[conda-pip]"]);
    assert_eq!(here.read("conf/env.yml"), CONDA_FIXED);
    let dockerfile = here.read("docker/Dockerfile");
    assert!(dockerfile.contains("PIP_DEFAULT_TIMEOUT=100"), "its pip section is installed by pip:\n{dockerfile}");
}

#[test]
fn a_definition_named_with_env_tells_that_no_pip_is_used() {
    let dockerfile = "FROM continuumio/miniconda3:24.1.2-0\nENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\nRUN conda env create -f /src/env.yml\n";
    let here = Sandbox::with(&[
        ("docker/Dockerfile", dockerfile),
        ("env.yml", "channels: [conda-forge]\ndependencies: [python=3.10, numpy=1.26]\n"),
    ]);
    here.run(&["--env", "env.yml", "docker/Dockerfile"]).exits(0);
    assert_eq!(here.read("docker/Dockerfile"), dockerfile);
}

#[test]
fn a_definition_named_with_env_that_is_not_there_is_an_error() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["--env", "gone.yml", "Dockerfile"]).exits(2).says(&["gone.yml"]);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
}

#[test]
fn nothing_outside_the_build_context_is_fixed() {
    let text = "FROM continuumio/miniconda3:24.1.2-0\nCOPY ../env.yml .\nRUN conda env create -f env.yml\n";
    let here = Sandbox::with(&[("env.yml", CONDA), ("docker/Dockerfile", text)]);
    here.run(&["docker/Dockerfile"]).exits(0).says(&["1 file read"]);
    assert_eq!(here.read("env.yml"), CONDA);
}

// ---- folders

#[test]
fn a_folder_is_walked_and_gitignore_honoured() {
    let here = Sandbox::with(&[
        ("Dockerfile", PLAIN),
        ("a/b/gpu.Dockerfile", PLAIN),
        ("a/Dockerfile.j2", PLAIN),
        ("a/README.md", "FROM python:3.10\n"),
        ("conda.yaml", CONDA),
        ("values.yaml", "image: x\n"),
        ("ignored/Dockerfile", PLAIN),
        (".gitignore", "ignored/\n"),
        (".devcontainer/Dockerfile", PLAIN),
    ]);
    here.run(&["."]).exits(0);
    let changed: Vec<String> = here
        .files()
        .into_iter()
        .filter(|(_, bytes)| bytes.windows(4).any(|four| four == b"=100" || four == b"=26."))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, [".devcontainer/Dockerfile", "Dockerfile", "a/b/gpu.Dockerfile", "conda.yaml"]);
}

#[test]
fn the_report_of_a_folder_is_grouped_by_patch_and_verbose_names_every_file() {
    let here = Sandbox::empty();
    for number in 0..12 {
        here.write(&format!("image-{number:02}/Dockerfile"), PLAIN);
        here.write(&format!("image-{number:02}/environment.yml"), CONDA);
    }
    let ran = here.run(&["-n", "."]).exits(0);
    assert_eq!(ran.err.lines().count(), 3, "a line for each patch and the summary:\n{}", ran.err);
    let ran = ran.says(&["[timeouts]", "[conda-pip]", "12 would be fixed in 12 files", "24 files read", "24 fixes"]);
    assert_eq!(ran.out.matches("--- a/").count(), 24, "the diff is whole");
    let ran = here.run(&["-n", "-v", "."]).exits(0);
    for number in 0..12 {
        assert!(ran.err.contains(&format!("image-{number:02}/Dockerfile:2")), "{}", ran.err);
    }
}

#[test]
fn a_folder_without_anything_is_an_error_that_says_so() {
    let here = Sandbox::with(&[("empty/README.md", "nothing")]);
    here.run(&["empty"]).exits(2).says(&["empty", "no Dockerfile and no environment definition"]);
}

#[test]
fn names_in_reports_and_diffs_are_relative_to_the_current_folder() {
    let here = Sandbox::with(&[("a/Dockerfile", PLAIN), ("b/keep", "")]);
    let whole = here.path("a").join("Dockerfile");
    for named in ["../a/Dockerfile", &whole.to_string_lossy()] {
        let ran = here.run_in("a", &["-n", named], b"", &[]).exits(0).says(&["Dockerfile:2: "]);
        assert!(ran.out.starts_with("--- a/Dockerfile\n+++ b/Dockerfile\n"), "{}", ran.out);
    }
    here.run_in("b", &["-n", "../a/Dockerfile"], b"", &[]).exits(0).says(&["../a/Dockerfile:2: "]);
}

#[test]
fn a_file_named_on_the_command_line_is_read_as_what_it_is() {
    let here = Sandbox::with(&[("build.txt", PLAIN), ("deps.txt", CONDA), ("notes.txt", "hello\n")]);
    here.run(&["build.txt", "deps.txt"]).exits(0);
    assert_eq!((here.read("build.txt").as_str(), here.read("deps.txt").as_str()), (PLAIN_FIXED, CONDA_FIXED));
    here.run(&["notes.txt"]).exits(2).says(&["notes.txt:1", "neither a Dockerfile"]);
}

// ---- what is kept

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_one_and_what_it_leads_to_is_fixed_under_the_links_name() {
    let here = Sandbox::with(&[("real/base.Dockerfile", PLAIN)]);
    std::os::unix::fs::symlink("real/base.Dockerfile", here.path("Dockerfile")).unwrap();
    let diff = here.run(&["-n", "Dockerfile"]).exits(0).out;
    assert!(diff.starts_with("--- a/Dockerfile\n"), "{diff}");
    here.run(&["Dockerfile"]).exits(0);
    assert!(here.path("Dockerfile").is_symlink());
    assert_eq!(here.read("real/base.Dockerfile"), PLAIN_FIXED);
}

#[cfg(unix)]
#[cfg(unix)]
#[test]
fn a_link_of_a_folder_that_leads_nowhere_or_out_of_it_is_told_and_no_failure() {
    let here = Sandbox::with(&[("in/sub/Dockerfile", PLAIN), ("out/Dockerfile", PLAIN)]);
    std::os::unix::fs::symlink("../out/Dockerfile", here.path("in/Dockerfile")).unwrap();
    std::os::unix::fs::symlink("nowhere", here.path("in/environment.yml")).unwrap();
    let ran = here.run(&["--check", "in"]).exits(1);
    assert_eq!(ran.err.matches(": note: the symbolic link leads ").count(), 2, "{}", ran.err);
    here.run(&["in"]).exits(0).says(&["in/Dockerfile: note: ", "in/environment.yml: note: "]);
    assert_eq!((here.read("in/sub/Dockerfile"), here.read("out/Dockerfile")), (PLAIN_FIXED.into(), PLAIN.into()));
    here.run(&["in/environment.yml"]).exits(2).says(&["in/environment.yml: error: "]);
}

#[test]
fn the_mode_of_a_file_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o600, 0o640, 0o755, 0o664] {
        let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
        let mode_of = || std::fs::metadata(here.path("Dockerfile")).unwrap().permissions().mode() & 0o7777;
        std::fs::set_permissions(here.path("Dockerfile"), PermissionsExt::from_mode(mode)).unwrap();
        here.run(&["Dockerfile"]).exits(0);
        assert_eq!((here.read("Dockerfile").as_str(), mode_of()), (PLAIN_FIXED, mode));
    }
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_refused_with_the_reason_and_the_others_are_done() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN), ("b/Dockerfile", PLAIN)]);
    std::fs::hard_link(here.path("Dockerfile"), here.path("other")).unwrap();
    here.run(&["Dockerfile", "b/Dockerfile"]).exits(2).says(&["Dockerfile: error", "hard link"]);
    assert_eq!((here.read("Dockerfile").as_str(), here.read("b/Dockerfile").as_str()), (PLAIN, PLAIN_FIXED));
}

#[cfg(unix)]
#[test]
fn what_failed_to_be_written_is_not_reported_as_fixed() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    std::fs::hard_link(here.path("Dockerfile"), here.path("other")).unwrap();
    let ran = here.run(&["Dockerfile"]).exits(2);
    assert!(!ran.err.contains("fixed") && !ran.err.contains("1 fix applied"), "{}", ran.err);
    let report = here.run(&["--format", "json", "Dockerfile"]).exits(2).json();
    assert_eq!(
        (&report["files"][0]["changed"], &report["findings"][0]["fix"]["applied"]),
        (&json!(false), &json!(false))
    );
}

/// Fixes one file and compares every byte.
#[track_caller]
fn becomes(name: &str, before: &str, after: &str) {
    let here = Sandbox::with(&[(name, before)]);
    here.run(&["--skip", "distutils,python-command", name]).exits(0);
    assert_eq!(here.read(name), after);
    here.run(&["--skip", "distutils,python-command", "--check", name]).exits(0);
}

#[test]
fn crlf_is_kept_and_written() {
    becomes(
        "Dockerfile",
        "FROM python:3.10\r\n# tools\r\nRUN pip install -U pip \\\r\n    && pip install flask\r\n",
        "FROM python:3.10\r\nENV PIP_DEFAULT_TIMEOUT=100\r\n# tools\r\nRUN pip install -U pip==26.1.2 \\\r\n    && pip install flask\r\n",
    );
    becomes("environment.yml", &CONDA.replace('\n', "\r\n"), &CONDA_FIXED.replace('\n', "\r\n"));
}

#[test]
fn one_file_with_both_newlines_keeps_both() {
    let here = Sandbox::with(&[(
        "Dockerfile",
        "FROM python:3.10\r\nENV A=1\nENV PIP_DEFAULT_TIMEOUT=100\r\nRUN pip install -U pip\nRUN true\r\n",
    )]);
    here.run(&["Dockerfile"]).exits(0);
    let after =
        "FROM python:3.10\r\nENV A=1\nENV PIP_DEFAULT_TIMEOUT=100\r\nRUN pip install -U pip==26.1.2\nRUN true\r\n";
    assert_eq!(here.read("Dockerfile"), after);
}

#[test]
fn a_byte_order_mark_is_kept() {
    becomes("Dockerfile", &format!("\u{feff}{PLAIN}"), &format!("\u{feff}{PLAIN_FIXED}"));
    becomes("environment.yml", &format!("\u{feff}{CONDA}"), &format!("\u{feff}{CONDA_FIXED}"));
}

#[test]
fn a_missing_last_newline_stays_missing() {
    becomes("Dockerfile", PLAIN.trim_end(), PLAIN_FIXED.trim_end());
    becomes("environment.yml", CONDA.trim_end(), CONDA_FIXED.trim_end());
    becomes(
        "a.Dockerfile",
        "FROM python:3.10\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip",
        "FROM python:3.10\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip==26.1.2",
    );
}

#[test]
fn tabs_blank_lines_and_trailing_spaces_are_kept() {
    becomes(
        "Dockerfile",
        "FROM\tpython:3.10  \n\n\n\tENV PIP_DEFAULT_TIMEOUT=100 \nRUN\tpip install\t-U \\\n\t\tpip\t\\\n\t\tflask  \n\n\n",
        "FROM\tpython:3.10  \n\n\n\tENV PIP_DEFAULT_TIMEOUT=100 \nRUN\tpip install\t-U \\\n\t\tpip==26.1.2\t\\\n\t\tflask  \n\n\n",
    );
}

#[test]
fn comments_quotes_and_flow_style_of_a_yaml_are_kept() {
    becomes(
        "environment.yml",
        "# ours\nname: \"x\"\nchannels:   [ 'conda-forge' ]\ndependencies:\n    - 'python=3.10'   # not newer\n\n    - pip:   # from PyPI\n        - \"flask\"\n...\n",
        "# ours\nname: \"x\"\nchannels:   [ 'conda-forge' ]\ndependencies:\n    - 'python=3.10'   # not newer\n    - 'pip=26.1.2'\n\n    - pip:   # from PyPI\n        - \"flask\"\n...\n",
    );
}

// ---- what cannot be read

#[test]
fn every_problem_is_reported_and_the_other_files_are_done() {
    let here =
        Sandbox::with(&[("Dockerfile", PLAIN), ("bad/environment.yml", "dependencies: [\n"), ("env.yml", CONDA)]);
    here.write("binary/Dockerfile", b"FROM a\n\0\n");
    let ran = here.run(&["gone", "bad/environment.yml", "Dockerfile", "binary/Dockerfile", "env.yml"]).exits(2);
    let ran = ran.says(&[
        "gone: error: ",
        "bad/environment.yml:",
        "binary/Dockerfile:2: error: ",
        "3 errors",
        "2 files read",
    ]);
    assert_eq!(
        (here.read("Dockerfile").as_str(), here.read("env.yml").as_str()),
        (PLAIN_FIXED, CONDA_FIXED),
        "{}",
        ran.err
    );
    let report = here.run(&["--format", "json", "gone", "bad/environment.yml", "Dockerfile"]).exits(2).json();
    assert_eq!(report["problems"].as_array().unwrap().len(), 2);
}

/// One file, its bytes, and the line and words that must be said of it.
#[track_caller]
fn is_refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let here = Sandbox::empty();
    here.write(name, bytes);
    here.run(&[name]).exits(2).says(parts);
    here.run(&["."]).exits(2).says(parts);
    assert_eq!(here.files()[name], bytes);
    let report = here.run(&["--format", "json", name]).exits(2).json();
    assert_eq!(report["problems"][0]["file"], name);
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    Sandbox::empty().run(&["Dockerfile"]).exits(2).says(&["Dockerfile: error: there is no such file or folder"]);
}

#[test]
fn a_binary_is_refused_with_the_place() {
    is_refused("Dockerfile", b"FROM a\nRUN b\nRUN \0c\n", &["Dockerfile:3: error: ", "NUL byte at offset 17"]);
}

#[test]
fn invalid_utf8_is_refused_with_the_place_and_never_reencoded() {
    is_refused(
        "Dockerfile",
        b"FROM a\nRUN echo caf\xe9\n",
        &["Dockerfile:2: error: ", "invalid UTF-8 at byte offset 19"],
    );
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn utf16_becomes_utf8_and_is_fixed_besides() {
    let here = Sandbox::empty();
    let (before, after) = (PLAIN.replace('\n', "\r\n"), PLAIN_FIXED.replace('\n', "\r\n"));
    here.write("Dockerfile", utf16(&before));
    let dry = here.run(&["-n", "Dockerfile"]);
    assert_eq!((dry.code, dry.out.as_str()), (0, ""));
    assert!(dry.err.contains("would fix [encoding]") && dry.err.contains("a diff cannot show"), "{}", dry.err);
    assert_eq!(here.run(&["--check", "Dockerfile"]).code, 1);
    let ran = here.run(&["Dockerfile"]);
    assert_eq!((ran.code, here.read("Dockerfile")), (0, after), "{}", ran.err);
    assert_eq!(here.run(&["--check", "Dockerfile"]).code, 0);
}

#[test]
fn utf16_that_is_to_stay_gets_no_other_fix() {
    let here = Sandbox::empty();
    here.write("Dockerfile", utf16(PLAIN));
    let ran = here.run(&["--skip", "encoding", "Dockerfile"]);
    assert!(ran.err.contains("held back [timeouts]") && ran.err.contains("UTF-16"), "{}", ran.err);
    assert_eq!(std::fs::read(here.path("Dockerfile")).unwrap(), utf16(PLAIN));
}

#[test]
fn half_utf16_is_refused_by_name() {
    is_refused("Dockerfile", b"\xff\xfeF\0R\0O\0M\0 \0a\0\n", &["Dockerfile:1: error: ", "UTF-16"]);
    is_refused("azureml_environment.json", &utf16("{\"name\": \"a\", \"docker\": {}}"), &["UTF-16"]);
}

#[test]
fn an_unterminated_heredoc_is_refused_with_its_line() {
    is_refused("Dockerfile", b"FROM a\n\nRUN <<END\necho\n", &["Dockerfile:3: error: ", "heredoc"]);
}

#[test]
fn a_yaml_that_cannot_be_parsed_is_refused_with_its_line() {
    is_refused("environment.yml", b"name: x\ndependencies:\n  - python\n  - [pip\n  - \"x\n", &["environment.yml:"]);
    let here = Sandbox::with(&[("environment.yml", "name: x\ndependencies:\n  - a: b: c\n")]);
    here.run(&["environment.yml"]).exits(2).says(&["environment.yml:3: error: "]);
}

#[test]
fn a_named_yaml_without_dependencies_is_an_error_and_a_found_one_is_not() {
    let here = Sandbox::with(&[("Dockerfile", FINE), ("compose.yaml", "services: {}\n")]);
    here.run(&["compose.yaml"]).exits(2).says(&["compose.yaml", "dependencies"]);
    here.run(&["."]).exits(0).says(&["1 file read"]);
}

#[test]
fn an_empty_file_is_read_or_refused_but_never_changed() {
    for name in ["Dockerfile", "environment.yml"] {
        let here = Sandbox::with(&[(name, "")]);
        let ran = here.run(&[name]);
        assert!(ran.code == 0 || ran.code == 2, "{ran:?}");
        assert_eq!(here.read(name), "");
    }
}

#[test]
fn a_folder_that_is_called_dockerfile_is_a_folder() {
    let here = Sandbox::with(&[("Dockerfile/Dockerfile", PLAIN)]);
    here.run(&["Dockerfile"]).exits(0);
    assert_eq!(here.read("Dockerfile/Dockerfile"), PLAIN_FIXED);
}

// ---- credentials

const SECRET: &str = "s3cr3t-T0k3n";

#[test]
fn credentials_are_printed_nowhere_but_in_the_diff() {
    let index = format!("https://build:{SECRET}@pypi.example.com/simple");
    let dockerfile = format!(
        "FROM python:3.10\nRUN pip install -U pip --index-url {index}\nRUN pip install --index-url {index} --extra-index-url={index} flask\n\
         RUN pip config set global.index-url {index}\n"
    );
    let yaml = format!(
        "channels: ['https://conda.example.com/t/{SECRET}/x', conda-forge]\ndependencies:\n  - python=3.10\n  - pip:\n      - --index-url {index}\n      - flask\n"
    );
    let broken = format!("FROM a\nRUN <<END\npip install -i {index} x\n");
    let broken_yaml = format!("dependencies:\n  - pip: {{{index}\n");
    let here = Sandbox::with(&[
        ("Dockerfile", &dockerfile),
        ("environment.yml", &yaml),
        ("broken/Dockerfile", &broken),
        ("broken/environment.yml", &broken_yaml),
        ("toml/envfix.toml", &format!("[values]\npip = \"{index}\"\n")),
        ("toml/Dockerfile", PLAIN),
    ]);
    for arguments in [&["-n", "."][..], &["-n", "-v", "--unsafe", "."], &["-n", "-q", "."], &["--check", "-v", "."]] {
        let ran = here.run(arguments);
        assert!(!ran.err.contains(SECRET), "{arguments:?}:\n{}", ran.err);
    }
    let diff = here.run(&["-n", "."]).out;
    assert!(diff.contains(SECRET), "the diff has to apply:\n{diff}");
    let mut report = here.run(&["-n", "--format", "json", "."]).json();
    for file in report["files"].as_array_mut().unwrap() {
        file["diff"] = json!("");
    }
    for finding in report["findings"].as_array_mut().unwrap() {
        finding["fix"]["edits"] = json!([]);
    }
    assert!(!report.to_string().contains(SECRET), "{report:#}");
    let ran = here.run(&["-v", "."]);
    assert!(!(ran.out + &ran.err).contains(SECRET));
}
