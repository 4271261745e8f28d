//! What a repository and a team configure: `envfix.toml`, comments in the files, and patches of their own.

mod support;

use serde_json::json;
use support::{CONDA, CONDA_FIXED, FINE, PLAIN, PLAIN_FIXED, Sandbox, UNSAFE};

// ---- patches of a team

/// A folder with the team's patches of `testdata/patches`.
fn with_patches(files: &[(&str, &str)]) -> Sandbox {
    let here = Sandbox::with(files);
    for (name, bytes) in Sandbox::of("patches").files() {
        here.write(&format!("patches/{name}"), bytes);
    }
    here
}

#[test]
fn a_team_patch_takes_the_place_of_a_builtin_one_with_its_id() {
    let here = with_patches(&[("Dockerfile", PLAIN)]);
    here.run(&["--patches", "patches", "Dockerfile"]).exits(0).says(&["our mirror is slow"]);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED.replace("100", "300"));
}

/// A Dockerfile for the team's own patch.
const FEW: &str = "FROM python:3.10\nENV PIP_RETRIES=1\nRUN pip install flask\n";

#[test]
fn a_team_patch_with_an_id_of_its_own_stands_beside_the_builtin_ones() {
    let here = with_patches(&[("Dockerfile", FEW), ("conda.yml", CONDA)]);
    here.run(&["--patches", "patches", "Dockerfile", "conda.yml"]).exits(0).says(&["[pip-retries]", "[conda-pip]"]);
    let after = "FROM python:3.10\nENV PIP_RETRIES=10\nENV PIP_DEFAULT_TIMEOUT=300\nRUN pip install flask\n";
    assert_eq!((here.read("Dockerfile").as_str(), here.read("conda.yml").as_str()), (after, CONDA_FIXED));
}

#[test]
fn a_team_patch_can_be_named_explained_and_tested() {
    let here = with_patches(&[("Dockerfile", FEW)]);
    here.run(&["--only", "pip-retries", "Dockerfile"]).exits(2).says(&["pip-retries"]);
    here.run(&["--patches", "patches", "--only", "pip-retries", "-n", "Dockerfile"]).exits(0).says(&["[pip-retries]"]);
    let explained = here.run(&["explain", "pip-retries", "--patches", "patches"]).exits(0).out;
    assert!(explained.contains("our proxy needs") && explained.contains("PIP_RETRIES=\"10\""), "{explained}");
    let tested = here.run(&["test-patches", "--patches", "patches"]).exits(0).out;
    assert!(tested.contains("pip-retries: 2 of 2 examples do what they say"), "{tested}");
}

#[test]
fn an_example_that_does_not_do_what_it_says_is_reported_with_a_diff() {
    let here = with_patches(&[]);
    let text = here.read("patches/pip-retries.yaml").replace("PIP_RETRIES=\"10\"", "PIP_RETRIES=\"11\"");
    here.write("patches/pip-retries.yaml", text);
    let ran = here.run(&["test-patches", "--patches", "patches"]).exits(2).says(&[
        "pip-retries, example 1: ",
        "-ENV PIP_DEFAULT_TIMEOUT=300 PIP_RETRIES=\"11\"",
        "+ENV PIP_DEFAULT_TIMEOUT=300 PIP_RETRIES=\"10\"",
    ]);
    assert!(ran.out.contains("pip-retries: 1 of 2 examples do what they say"), "{}", ran.out);
}

#[test]
fn values_of_a_team_patch_can_be_set() {
    let here = with_patches(&[("Dockerfile", FEW), ("envfix.toml", "[values]\npip-retries = 7\npip-timeout = 200\n")]);
    here.run(&["--patches", "patches", "Dockerfile"]).exits(0);
    let after = "FROM python:3.10\nENV PIP_RETRIES=7\nENV PIP_DEFAULT_TIMEOUT=200\nRUN pip install flask\n";
    assert_eq!(here.read("Dockerfile"), after);
}

#[test]
fn a_fix_that_makes_room_for_one_of_a_team_is_applied_all_the_same() {
    // The built-in patch lists pip; then the team's patch has a pip to pin.
    let house = "id: house-pip\ntitle: Pin the pip of our environments\ndocument: {section: s, says: s}\ncases:\n\
        - suspect: [{hardening: our handbook names a pip, conda-environment: {pip: bare}}]\n\
        \x20 remedy: [{safety: safe, because: b, ensure: [{pin-listed-pip: pip=24.2}]}]\n";
    let here =
        Sandbox::with(&[("house/house-pip.yaml", house), ("env.yml", "dependencies:\n- numpy\n- pip:\n  - flask\n")]);
    for _ in 0..2 {
        here.run(&["--patches", "house", "env.yml"]).exits(0);
    }
    assert_eq!(here.read("env.yml"), "dependencies:\n- numpy\n- pip=24.2\n- pip:\n  - flask\n");
}

#[track_caller]
fn a_bad_patch_says(text: &str, parts: &[&str]) {
    let here = Sandbox::with(&[("Dockerfile", PLAIN), ("house/bad.yaml", text)]);
    let ran = here.run(&["--patches", "house", "Dockerfile"]).exits(2).says(&["bad.yaml"]).says(parts);
    assert_eq!(here.read("Dockerfile"), PLAIN, "{}", ran.err);
}

const HEAD: &str = "id: bad\ntitle: A bad one\ndocument: {section: s, says: s}\n";

#[test]
fn a_patch_that_is_no_yaml_is_an_error_with_its_file_and_line() {
    a_bad_patch_says(&format!("{HEAD}cases: [\n"), &["line "]);
}

#[test]
fn an_unknown_key_of_a_patch_is_an_error_with_its_file_and_line() {
    a_bad_patch_says(&format!("{HEAD}caces: []\n"), &["caces", "line 4"]);
}

#[test]
fn an_unknown_operation_of_a_patch_is_an_error_that_names_it() {
    let cases = "cases:\n- suspect: [{fault: f, stage: {downloads-with: [pip]}}]\n  remedy: [{safety: safe, ensure: [{fly: 1}]}]\n";
    a_bad_patch_says(&format!("{HEAD}{cases}"), &["fly"]);
}

#[test]
fn a_mistake_in_a_case_is_an_error_with_file_patch_and_case() {
    let good = "- suspect: [{fault: f, stage: {downloads-with: [pip]}}]\n  remedy: [{advice: a}]\n";
    let bad = "- suspect: [{fault: f, hardening: h, stage: {downloads-with: [pip]}}]\n  remedy: [{advice: a}]\n";
    a_bad_patch_says(&format!("{HEAD}cases:\n{good}{bad}"), &["\"bad\"", "case 2"]);
}

#[test]
fn a_remedy_without_safety_is_an_error_with_its_branch() {
    let bad = "- suspect: [{fault: f, conda-environment: {pip: bare}}]\n  remedy: [{ensure: [{list-pip: pip}]}]\n";
    a_bad_patch_says(&format!("{HEAD}cases:\n{bad}"), &["\"bad\"", "case 1", "branch 1", "safety"]);
}

#[test]
fn a_release_that_is_none_is_an_error() {
    let bad = "- suspect: [{fault: f, stage: {downloads-with: [pip]}}]\n  remedy: [{when: {release: [ubuntu newest]}, advice: a}, {advice: b}]\n";
    a_bad_patch_says(&format!("{HEAD}cases:\n{bad}"), &["\"bad\"", "case 1", "branch 1", "newest"]);
}

#[test]
fn a_folder_of_patches_that_is_not_there_is_an_error() {
    let here = Sandbox::with(&[("Dockerfile", PLAIN)]);
    here.run(&["--patches", "house", "Dockerfile"]).exits(2).says(&["house"]);
    assert_eq!(here.read("Dockerfile"), PLAIN);
}

// ---- envfix.toml

#[test]
fn envfix_toml_is_found_upwards_from_the_file() {
    let here = Sandbox::with(&[
        ("envfix.toml", "skip = [\"timeouts\"]\n"),
        ("images/train/Dockerfile", PLAIN),
        ("images/score/envfix.toml", ""),
        ("images/score/Dockerfile", PLAIN),
    ]);
    here.run(&["images/train/Dockerfile", "images/score/Dockerfile"]).exits(0);
    assert_eq!(here.read("images/train/Dockerfile"), PLAIN);
    assert_eq!(here.read("images/score/Dockerfile"), PLAIN_FIXED, "the nearest one counts");
}

#[test]
fn envfix_toml_is_found_from_a_folder_below() {
    let here = Sandbox::with(&[("envfix.toml", "skip = [\"timeouts\"]\n"), ("images/Dockerfile", PLAIN)]);
    here.run_in("images", &["Dockerfile"], b"", &[]).exits(0);
    assert_eq!(here.read("images/Dockerfile"), PLAIN);
}

#[test]
fn envfix_toml_is_found_for_standard_input_from_its_name() {
    let here = Sandbox::with(&[("images/envfix.toml", "skip = [\"timeouts\"]\n")]);
    let ran = here.run_with_input(&["-", "--stdin-name", "images/Dockerfile"], PLAIN.as_bytes()).exits(0);
    assert_eq!(ran.out, PLAIN);
}

#[test]
fn the_values_of_envfix_toml_are_what_remedies_write() {
    let values = "[values]\npip = \"25.3\"\npip-timeout = 240\nconda-timeout = \"360\"\n";
    let dockerfile = "FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260301.v1\n\
        RUN pip install -U pip && conda install -y -c conda-forge lightgbm=4.3\n";
    let here = Sandbox::with(&[("envfix.toml", values), ("Dockerfile", dockerfile)]);
    here.run(&["Dockerfile"]).exits(0);
    let expected = dockerfile
        .replace("-U pip", "-U pip==25.3")
        .replace("RUN pip", "ENV PIP_DEFAULT_TIMEOUT=240\nENV CONDA_REMOTE_READ_TIMEOUT_SECS=360\nRUN pip");
    assert_eq!(here.read("Dockerfile"), expected);
}

#[test]
fn the_pip_of_envfix_toml_is_what_a_conda_environment_gets() {
    let here = Sandbox::with(&[("envfix.toml", "[values]\npip = \"25.3\"\n"), ("environment.yml", CONDA)]);
    here.run(&["environment.yml"]).exits(0);
    assert_eq!(here.read("environment.yml"), CONDA_FIXED.replace("26.1.2", "25.3"));
}

#[test]
fn faults_unsafe_and_only_of_envfix_toml_count() {
    let here = Sandbox::with(&[
        ("faults/envfix.toml", "faults = true\n"),
        ("faults/Dockerfile", PLAIN),
        ("unsafe/envfix.toml", "unsafe = true\n"),
        ("unsafe/Dockerfile", UNSAFE),
        ("only/envfix.toml", "only = [\"pip-pin\"]\n"),
        ("only/Dockerfile", PLAIN),
    ]);
    here.run(&["."]).exits(0);
    assert_eq!(here.read("faults/Dockerfile"), PLAIN);
    assert_eq!(here.read("unsafe/Dockerfile"), UNSAFE.replace("-U pip", "-U pip==26.1.2"));
    assert_eq!(here.read("only/Dockerfile"), PLAIN);
}

#[test]
fn the_command_line_beats_envfix_toml() {
    let here =
        Sandbox::with(&[("envfix.toml", "skip = [\"timeouts\"]\nonly = [\"pip-pin\"]\n"), ("Dockerfile", PLAIN)]);
    here.run(&["--only", "timeouts", "Dockerfile"]).exits(0);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
}

#[track_caller]
fn a_bad_configuration_says(text: &str, parts: &[&str]) {
    let here = Sandbox::with(&[
        ("envfix.toml", text),
        ("Dockerfile", PLAIN),
        ("fine/envfix.toml", ""),
        ("fine/Dockerfile", PLAIN),
    ]);
    here.run(&["Dockerfile", "fine/Dockerfile"]).exits(2).says(&["envfix.toml"]).says(parts);
    assert_eq!(here.read("Dockerfile"), PLAIN, "a file whose configuration cannot be read is left alone");
    assert_eq!(here.read("fine/Dockerfile"), PLAIN_FIXED, "the others are done");
    let ran = here.run_with_input(&["-"], PLAIN.as_bytes()).exits(2).says(&["envfix.toml"]).says(parts);
    assert_eq!(ran.out, "");
}

#[test]
fn an_unknown_key_of_envfix_toml_is_an_error_that_names_it() {
    a_bad_configuration_says("fautls = true\n", &["fautls"]);
}

#[test]
fn an_unknown_patch_in_envfix_toml_is_an_error_that_names_those_there_are() {
    a_bad_configuration_says("skip = [\"pip-pni\"]\n", &["pip-pni", "pip-pin"]);
}

#[test]
fn an_unknown_value_in_envfix_toml_is_an_error_that_names_those_there_are() {
    a_bad_configuration_says("[values]\npip-timeuot = 3\n", &["pip-timeuot", "pip-timeout"]);
}

#[test]
fn a_value_that_is_no_number_or_version_is_an_error() {
    a_bad_configuration_says("[values]\npip-timeout = \"9; rm -rf /\"\n", &["pip-timeout"]);
    a_bad_configuration_says("[values]\npip-timeout = [1]\n", &["line 2"]);
}

#[test]
fn an_envfix_toml_that_is_no_toml_is_an_error_with_its_line() {
    a_bad_configuration_says("faults = true\nskip = [\n", &["line "]);
}

// ---- comments

#[test]
fn a_comment_above_an_instruction_skips_a_patch_there_and_nowhere_else() {
    let text = "FROM python:3.10\nENV PIP_DEFAULT_TIMEOUT=100\n# envfix: skip=pip-pin we want the newest here\n\
        RUN pip install -U pip\nRUN pip3 install -U pip\n";
    let here = Sandbox::with(&[("Dockerfile", text)]);
    here.run(&["Dockerfile"]).exits(0).says(&["Dockerfile:4", "held back", "skipped by the comment on line 3"]);
    assert_eq!(here.read("Dockerfile"), text.replace("pip3 install -U pip", "pip3 install -U pip==26.1.2"));
}

#[test]
fn one_comment_skips_several_patches() {
    let text = "FROM python:3.10\n# envfix: skip=pip-pin,timeouts\nRUN pip install -U pip\n";
    let here = Sandbox::with(&[("Dockerfile", text)]);
    here.run(&["--check", "Dockerfile"]).exits(0);
}

#[test]
fn a_comment_above_an_item_of_a_conda_environment_skips_a_patch() {
    let text = CONDA.replace("  - pip:\n", "  # envfix: skip=conda-pip our base has it\n  - pip:\n");
    let here = Sandbox::with(&[("environment.yml", &text)]);
    here.run(&["environment.yml"]).exits(0).says(&["held back", "skipped by the comment on line 4"]);
    assert_eq!(here.read("environment.yml"), text);
}

#[test]
fn a_skip_that_skips_nothing_is_reported() {
    let text = format!("# envfix: skip=distutils\n{FINE}# envfix: skip=tiemouts\nRUN pip install django\n");
    let here = Sandbox::with(&[("Dockerfile", &text)]);
    let ran = here.run(&["-n", "Dockerfile"]).exits(0);
    ran.says(&["Dockerfile:1", "distutils", "Dockerfile:5", "tiemouts"]);
    let report = here.run(&["-n", "--format", "json", "Dockerfile"]).exits(0).json();
    assert_eq!(
        report["idle_skips"],
        json!([
            {"file": "Dockerfile", "line": 1, "patch": "distutils"},
            {"file": "Dockerfile", "line": 5, "patch": "tiemouts"},
        ])
    );
}

#[test]
fn the_word_in_a_heredoc_or_a_string_is_no_skip() {
    let text = "FROM python:3.10\nRUN <<END\n# envfix: skip=timeouts\npip install flask\nEND\n";
    let here = Sandbox::with(&[("Dockerfile", text)]);
    here.run(&["--check", "Dockerfile"]).exits(1);
}
