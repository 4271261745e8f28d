//! Azure ML's definitions on the command line: what belongs together, what flows from one file to another, and what is
//! said of files that cannot be read.

mod support;

use support::Sandbox;

const V1: &str = r#"{
    "name": "scoring",
    "python": {"userManagedDependencies": false},
    "docker": {"baseImage": null},
    "spark": {"packages": ["a:b:1.0"], "precachePackages": true}
}
"#;
const CONDA: &str = "channels: [conda-forge]\ndependencies:\n- python=3.10\n- pip:\n  - azureml-defaults\n";
const CONDA_FIXED: &str =
    "channels: [conda-forge]\ndependencies:\n- python=3.10\n- pip=26.1.2\n- pip:\n  - azureml-defaults\n";
const QUIET: &str = "FROM ubuntu:22.04\nRUN echo nothing is fetched\n";
const TIMEOUTS: &str = "ENV PIP_DEFAULT_TIMEOUT=100\nENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\n";
const V2: &str = "$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nname: a\n";

fn v1_folder() -> Sandbox {
    Sandbox::with(&[
        ("env/azureml_environment.json", V1),
        ("env/conda_dependencies.yml", CONDA),
        ("env/BaseDockerfile", QUIET),
    ])
}

// ---- what belongs together

#[test]
fn from_any_file_of_an_sdk_v1_folder_the_others_are_fixed_as_well() {
    for named in ["azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile"] {
        let here = v1_folder();
        here.run(&[&format!("env/{named}")]).exits(0);
        assert!(here.read("env/azureml_environment.json").contains("\"precachePackages\": false"), "from {named}");
        assert_eq!(here.read("env/conda_dependencies.yml"), CONDA_FIXED, "from {named}");
        assert_eq!(here.read("env/BaseDockerfile"), format!("{QUIET}{TIMEOUTS}"), "from {named}");
        here.run(&["--check", "env"]).exits(0);
    }
}

#[test]
fn no_follow_leaves_the_others_alone() {
    let here = v1_folder();
    here.run(&["--no-follow", "env/BaseDockerfile"]).exits(0);
    assert_eq!(here.read("env/azureml_environment.json"), V1);
    assert_eq!(here.read("env/BaseDockerfile"), QUIET);
}

#[test]
fn a_definition_named_with_env_builds_on_the_dockerfile_named_with_it() {
    let here = Sandbox::with(&[("image/Dockerfile", QUIET), ("defs/azureml_environment.json", V1)]);
    here.write("defs/conda_dependencies.yml", CONDA_FIXED);
    here.run(&["image/Dockerfile"]).exits(0);
    assert_eq!(here.read("image/Dockerfile"), QUIET);
    here.run(&["image/Dockerfile", "--env", "defs/azureml_environment.json"]).exits(0);
    assert_eq!(here.read("image/Dockerfile"), format!("{QUIET}{TIMEOUTS}"));
}

#[test]
fn an_image_that_brings_its_own_packages_gets_no_conda_step() {
    let here = v1_folder();
    let own = V1.replace("\"userManagedDependencies\": false", "\"userManagedDependencies\": true");
    here.write("env/azureml_environment.json", &own);
    here.run(&["env"]).exits(0);
    assert_eq!(here.read("env/BaseDockerfile"), QUIET);
}

#[test]
fn a_definition_one_folder_up_is_heard_and_not_changed() {
    let definition =
        format!("{V2}build:\n  path: image\nconda_file:\n  dependencies: [python=3.10, {{pip: [flask]}}]\n");
    let here = Sandbox::with(&[("env.yml", &definition), ("image/Dockerfile", QUIET)]);
    here.run(&["image/Dockerfile"]).exits(0).says(&["the conda step that Azure ML appends for env.yml"]);
    assert_eq!(here.read("image/Dockerfile"), format!("{QUIET}{TIMEOUTS}"));
    assert_eq!(here.read("env.yml"), definition);
}

#[test]
fn a_definition_leads_to_the_dockerfile_and_the_conda_file_that_it_names() {
    let job = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: python a.py\n\
               environment:\n  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260301.v1\n  \
               conda_file: ./conda/env.yml\n";
    let here = Sandbox::with(&[("job.yml", job), ("conda/env.yml", CONDA)]);
    let report = here.run(&["--dry-run", "--format", "json", "job.yml"]).exits(0).json();
    let link = &report["links"][0];
    assert_eq!((link["from"].as_str(), link["line"].as_u64()), (Some("job.yml"), Some(5)));
    assert_eq!((link["to"].as_str(), link["why"].as_str()), (Some("conda/env.yml"), Some("conda-file")));
    assert_eq!(report["files"][0]["kind"], "cli-v2");
    assert_eq!(report["files"][1]["origin"], "linked");
    here.run(&["job.yml"]).exits(0);
    assert_eq!(here.read("conda/env.yml"), CONDA_FIXED);
}

#[test]
fn what_lies_outside_is_not_read_unless_it_is_named() {
    let definition = format!("{V2}image: a/b:1\nconda_file: ../shared/env.yml\n");
    let here = Sandbox::with(&[("image/env.yml", &definition), ("shared/env.yml", CONDA)]);
    here.run(&["image/env.yml"]).exits(0).says(&["image/env.yml:4", "../shared/env.yml is outside", "name it"]);
    assert_eq!(here.read("shared/env.yml"), CONDA);
    let report = here.run(&["--dry-run", "--format", "json", "."]).exits(0).json();
    assert_eq!(report["links"][0]["to"], "shared/env.yml");
    here.run(&["image/env.yml", "shared/env.yml"]).exits(0);
    assert_eq!(here.read("shared/env.yml"), CONDA_FIXED);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_not_followed() {
    let definition = format!("{V2}image: a/b:1\nconda_file: env.yml\n");
    let here = Sandbox::with(&[("image/definition.yml", &definition), ("secret.yml", CONDA)]);
    std::os::unix::fs::symlink("../secret.yml", here.path("image/env.yml")).unwrap();
    here.run(&["image/definition.yml"]).exits(0);
    assert_eq!(here.read("secret.yml"), CONDA);
}

#[test]
fn a_conda_environment_inside_a_definition_is_fixed_there() {
    let definition = format!(
        "{V2}image: a/b:1\nconda_file:\n  channels:\n    - conda-forge\n  dependencies:\n    - python=3.10\n    # ours\n    \
         - pip:\n        - flask\n"
    );
    let here = Sandbox::with(&[("env.yml", &definition)]);
    here.run(&["env.yml"]).exits(0);
    let expected = definition.replace("    # ours\n", "    - pip=26.1.2\n    # ours\n");
    assert_eq!(here.read("env.yml"), expected);
}

#[test]
fn the_image_of_a_definition_decides_its_release_and_its_python() {
    let patch = "id: old-ubuntu\ntitle: t\ndocument: {section: s, says: s}\ncases:\n  - suspect:\n      - hardening: it is \
                 built on {image}\n        definition: {keys: {image: [filled]}}\n    remedy:\n      - when: {release: \
                 [ubuntu 20.04]}\n        advice: \"{release} has {python}\"\n      - leave: another release\nexamples:\n  \
                 - file: env.yml\n    unchanged: |\n      name: a\n      image: ubuntu:22.04\n";
    let definition = |image: &str| format!("{V2}image: {image}\n");
    let here = Sandbox::with(&[
        ("patches/old.yaml", patch),
        ("old.yml", &definition("ubuntu:20.04")),
        ("new.yml", &definition("ubuntu:22.04")),
    ]);
    let ran = here.run(&["--patches", "patches", "--only", "old-ubuntu", "old.yml", "new.yml"]).exits(0);
    let ran = ran.says(&["old.yml:3", "it is built on ubuntu:20.04: ubuntu 20.04 has"]);
    assert!(!ran.err.contains("new.yml"), "{}", ran.err);
}

// ---- inline skips

#[test]
fn a_comment_above_a_key_switches_a_patch_off_there() {
    let text = |comment: &str| {
        format!(
            "script: a.py\nframework: PySpark\nenvironment:\n  python: {{interpreterPath: python}}\n  spark:\n    \
             packages: ['a:b:1.0']\n{comment}    precachePackages: true\n"
        )
    };
    let skipped = text("    # envfix: skip=spark-precache the cluster has no network\n");
    let here = Sandbox::with(&[("a.runconfig", &skipped), ("b.runconfig", &text(""))]);
    here.run(&["a.runconfig", "b.runconfig"]).exits(0).says(&["held back"]);
    assert_eq!(here.read("a.runconfig"), skipped);
    assert_eq!(here.read("b.runconfig"), text("").replace("true", "false"));
}

// ---- what cannot be read

#[test]
fn a_file_that_the_client_refuses_is_refused_with_its_line_and_what_to_do() {
    let cases: [(&str, &[u8], &str, &str); 10] = [
        ("a.json", b"\xef\xbb\xbf{\"spark\": {\"packages\": [\"a\"]}}", ":1", "byte order mark"),
        ("a.json", b"{\n// c\n\"spark\": {\"packages\": [\"a\"]}}", ":2", "a comment: JSON has none"),
        ("a.json", b"{\"spark\": {\n\"packages\": [\"a\"],}}", ":2", "a comma behind the last entry"),
        ("a.json", b"{\"spark\": {},\n\"spark\": {}}", ":2", "stands twice"),
        ("a.json", b"{\"spark\": {'packages': []}}", ":1", "this is not JSON"),
        ("a.json", b"[\"spark\", \"docker\"]", "", "has not the shape of an azureml_environment.json"),
        (
            "a.runconfig",
            b"script: a\nenvironment:\n  spark:\n    packages: [a]\n    packages: []\n",
            ":5",
            "stands twice",
        ),
        ("a.yml", b"name: a\nimage: b\n---\nname: c\nimage: d\n", ":3", "second document"),
        ("a.yml", b"name: a\nservices: {}\n", "", "none of the YAMLs that envfix reads"),
        ("a.runconfig", b"ArgumentVector: []\nCondaDependenciesFile: a.yml\n", "", "before azureml-core 1.0"),
    ];
    for (name, bytes, line, message) in cases {
        let here = Sandbox::with(&[]);
        here.write(name, bytes);
        here.run(&[name]).exits(2).says(&[&format!("{name}{line}"), message]);
        assert_eq!(here.files()[name], bytes, "{name}: {message}");
    }
}

#[test]
fn in_a_folder_only_what_looks_like_a_definition_is_told_when_it_cannot_be_read() {
    let here = Sandbox::with(&[
        ("Dockerfile", QUIET),
        ("tsconfig.json", "{\n  // options\n  \"spark\": {},\n}\n"),
        ("compose.yml", "services:\n  a:\n    image: b\n    image: c\n"),
    ]);
    here.run(&["."]).exits(0);
    here.write("old/azureml_environment.json", "{\"spark\": {},}");
    here.run(&["."]).exits(2).says(&["old/azureml_environment.json:1", "a comma behind the last entry"]);
}

#[test]
fn programs_and_json_of_a_folder_that_do_not_concern_azure_ml_may_hold_any_bytes() {
    let here = Sandbox::with(&[("Dockerfile", QUIET)]);
    here.write("latin.py", b"# caf\xe9\nprint(1)\n");
    here.write("utf16.json", b"\xff\xfe{\x00}\x00");
    here.write("binary.ipynb", b"\x00\x01");
    here.run(&["."]).exits(0);
}

#[test]
fn a_null_section_is_told_and_nothing_is_written() {
    let text = "{\"name\": \"a\", \"docker\": {\"baseImage\": \"b:1\"}, \"spark\": null}";
    let here = Sandbox::with(&[("azureml_environment.json", text)]);
    here.run(&["azureml_environment.json"]).exits(0).says(&["the section spark is null", "take the key spark out"]);
    assert_eq!(here.read("azureml_environment.json"), text);
}

// ---- programs

const PROGRAM: &str = "from azureml.core import Environment\n\nfirst = Environment('first')\nfirst.spark.packages = [a]\n\
                       second = Environment('second')\nsecond.spark.packages.append(b)\nfirst.register(ws)\nsecond.register(ws)\n";

#[test]
fn every_environment_of_a_program_is_fixed_in_one_run() {
    let here = Sandbox::with(&[("train.py", PROGRAM)]);
    here.run(&["train.py"]).exits(0).says(&["train.py:4", "set first.spark.precache_packages = False"]);
    let expected = PROGRAM
        .replace("packages = [a]\n", "packages = [a]\nfirst.spark.precache_packages = False\n")
        .replace("append(b)\n", "append(b)\nsecond.spark.precache_packages = False\n");
    assert_eq!(here.read("train.py"), expected);
    here.run(&["--check", "train.py"]).exits(0);
}

#[test]
fn a_comment_above_a_statement_switches_a_patch_off_there() {
    let text = PROGRAM.replace("first.spark", "# envfix: skip=spark-precache runs offline\nfirst.spark");
    let here = Sandbox::with(&[("train.py", &text)]);
    here.run(&["train.py"]).exits(0).says(&["held back"]);
    assert_eq!(
        here.read("train.py"),
        text.replace("append(b)\n", "append(b)\nsecond.spark.precache_packages = False\n")
    );
}

#[test]
fn a_comment_above_the_statement_that_makes_an_environment_switches_a_patch_off_for_it() {
    let text = PROGRAM.replace("second = ", "# envfix: skip=spark-precache runs offline\nsecond = ");
    let here = Sandbox::with(&[("train.py", &text)]);
    here.run(&["train.py"]).exits(0).says(&["held back"]);
    assert_eq!(
        here.read("train.py"),
        text.replace("packages = [a]\n", "packages = [a]\nfirst.spark.precache_packages = False\n")
    );
}

fn notebook(padding: usize) -> String {
    let output = "x".repeat(padding);
    let lines: Vec<String> = PROGRAM.lines().map(|line| format!("    \"{line}\\n\"")).collect();
    format!(
        "{{\n \"cells\": [\n  {{\n   \"cell_type\": \"code\",\n   \"execution_count\": 1,\n   \"metadata\": {{}},\n   \"outputs\": \
         [{{\"name\": \"stdout\", \"output_type\": \"stream\", \"text\": [\"{output}\"]}}],\n   \"source\": [\n{}\n   ]\n  }}\n \
         ],\n \"metadata\": {{}},\n \"nbformat\": 4,\n \"nbformat_minor\": 4\n}}\n",
        lines.join(",\n")
    )
}

#[test]
fn a_notebook_changes_in_the_one_cell() {
    let text = notebook(10);
    let here = Sandbox::with(&[("train.ipynb", &text)]);
    here.run(&["train.ipynb"]).exits(0);
    let expected = text
        .replace("[a]\\n\",\n", "[a]\\n\",\n    \"first.spark.precache_packages = False\\n\",\n")
        .replace("append(b)\\n\",\n", "append(b)\\n\",\n    \"second.spark.precache_packages = False\\n\",\n");
    assert_eq!(here.read("train.ipynb"), expected);
    here.run(&["--check", "train.ipynb"]).exits(0);
}

#[test]
fn a_notebook_of_200_megabytes_is_refused_with_what_to_do() {
    let text = notebook(200_000_000);
    let here = Sandbox::with(&[("train.ipynb", &text)]);
    for named in ["train.ipynb", "."] {
        here.run(&[named]).exits(2).says(&["train.ipynb", "outputs"]);
    }
    assert!(here.read("train.ipynb") == text, "it was written");
}

#[test]
fn a_program_that_is_not_understood_is_told_when_it_matters() {
    let broken = "from azureml.core import Environment\nenv = Environment('a')\nenv.spark.packages = [\n";
    let here =
        Sandbox::with(&[("Dockerfile", QUIET), ("train.py", broken), ("plain.py", "import azureml.core\nx = (\n")]);
    here.run(&["."]).exits(2).says(&["train.py:"]);
    assert_eq!(here.read("train.py"), broken);
    here.run(&["plain.py"]).exits(2).says(&["plain.py", "does not use the environments"]);
    let here = Sandbox::with(&[("Dockerfile", QUIET), ("plain.py", "import azureml.core\nx = (\n")]);
    here.run(&["."]).exits(0);
}

#[test]
fn the_environments_of_sdk_v2_are_left_alone() {
    let text =
        "from azure.ai.ml.entities import Environment\nenv = Environment(image='a/b:1')\nenv.spark.packages = [a]\n";
    let here = Sandbox::with(&[("Dockerfile", QUIET), ("train.py", text)]);
    here.run(&["--only", "spark-precache", "."]).exits(0);
    assert_eq!(here.read("train.py"), text);
}
