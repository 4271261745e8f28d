//! `--log`: what a failed build's log makes envfix say and change.

mod support;

use support::{FINE, PLAIN, PLAIN_FIXED, Sandbox};

/// A build of [`PLAIN`] whose download stalled.
const STALLED: &str = "Step 1/2 : FROM python:3.10-slim\n ---> 0123456789ab\nStep 2/2 : RUN pip install flask\n \
    ---> Running in 0123456789ab\nWARNING: Retrying (Retry(total=0)) after connection broken by \
    'ReadTimeoutError(\"HTTPSConnectionPool(host='files.example.org', port=443): Read timed out. (read timeout=15)\")': \
    /simple/flask/\nERROR: Could not find a version that satisfies the requirement flask (from versions: none)\n\
    ERROR: No matching distribution found for flask\n\
    The command '/bin/sh -c pip install flask' returned a non-zero code: 1\n";

/// A build of [`PLAIN`] for which there is no such package.
const MISSING: &str = "Step 2/2 : RUN pip install flask\n ---> Running in 0123456789ab\n\
    ERROR: Could not find a version that satisfies the requirement flask (from versions: 0.1, 0.2)\n\
    ERROR: No matching distribution found for flask\n\
    The command '/bin/sh -c pip install flask' returned a non-zero code: 1\n";

fn causes(report: &serde_json::Value) -> Vec<&str> {
    report["log"]["causes"].as_array().unwrap().iter().map(|cause| cause["patch"].as_str().unwrap()).collect()
}

#[test]
fn what_mends_the_cause_is_applied_and_a_second_run_changes_nothing() {
    let here = Sandbox::empty();
    here.write("Dockerfile", PLAIN);
    here.write("build.log", STALLED);
    let ran = here.run(&["--log", "build.log", "Dockerfile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(here.read("Dockerfile"), PLAIN_FIXED);
    assert!(ran.err.contains("build.log:5: cause [timeouts]"), "{}", ran.err);
    assert!(ran.err.contains("failed: Dockerfile:2: RUN pip install flask (step 2 of 2)"), "{}", ran.err);
    let again = here.run(&["--log", "build.log", "Dockerfile"]);
    assert_eq!((again.code, here.read("Dockerfile")), (0, PLAIN_FIXED.to_owned()));
}

#[test]
fn what_does_not_mend_the_cause_is_held_back() {
    let here = Sandbox::empty();
    here.write("Dockerfile", PLAIN);
    here.write("build.log", MISSING);
    let report = here.run(&["-n", "--log", "build.log", "--format", "json", "Dockerfile"]).json();
    assert_eq!(causes(&report), ["pip-package-not-found"]);
    assert_eq!(report["summary"]["changed"], 0);
    let held = &report["findings"][0]["fix"]["withheld"]["kind"];
    let all: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["patch"].as_str().unwrap()).collect();
    assert!(all.contains(&"pip-package-not-found"), "{all:?}");
    assert!(held == "not-the-cause" || all[0] == "pip-package-not-found", "{held}");
    assert_eq!(report["log"]["failing"]["range"]["line"], 2);
    assert_eq!(report["log"]["failing"]["unchanged"], true);
    assert_eq!(report["log"]["causes"][0]["asked_at"][0], "Dockerfile:2");
}

#[test]
fn the_log_of_another_dockerfile_changes_nothing_and_says_so() {
    let here = Sandbox::empty();
    here.write(
        "Dockerfile",
        "FROM debian:12\nRUN apt-get update && apt-get install -y python3-pip && pip3 install pandas\n",
    );
    here.write("build.log", STALLED);
    let before = here.read("Dockerfile");
    let ran = here.run(&["--log", "build.log", "Dockerfile"]);
    assert_eq!((ran.code, here.read("Dockerfile")), (0, before));
    assert!(ran.err.contains("stands in no Dockerfile that was named"), "{}", ran.err);
}

#[test]
fn a_build_that_went_well_has_no_cause() {
    let here = Sandbox::empty();
    here.write("Dockerfile", PLAIN);
    let well = STALLED.split("ERROR: Could not").next().unwrap().to_owned()
        + "Successfully installed flask-3.0\n ---> 0123456789ac\nSuccessfully built 0123456789ac\n";
    here.write("build.log", well);
    let ran = here.run(&["--log", "build.log", "Dockerfile"]);
    assert_eq!((ran.code, here.read("Dockerfile").as_str()), (0, PLAIN));
    assert!(ran.err.contains("went well"), "{}", ran.err);
}

#[test]
fn a_log_alone_is_explained() {
    let here = Sandbox::empty();
    here.write("build.log", MISSING);
    let ran = here.run(&["--log", "build.log"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("python -m pip index versions flask"), "{}", ran.err);
}

#[test]
fn a_log_from_standard_input() {
    let here = Sandbox::empty();
    here.write("Dockerfile", PLAIN);
    let ran = here.run_with_input(&["-n", "--log", "-", "Dockerfile"], STALLED.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("+ENV PIP_DEFAULT_TIMEOUT=100"), "{}", ran.out);
    assert_eq!(here.run_with_input(&["--log", "-", "-"], STALLED.as_bytes()).code, 2);
}

#[test]
fn a_log_that_is_none_is_an_error_and_nothing_is_changed() {
    let here = Sandbox::empty();
    here.write("Dockerfile", PLAIN);
    here.write("empty.log", "");
    here.write("binary.log", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc");
    for log in ["empty.log", "binary.log", "gone.log", "."] {
        let ran = here.run(&["--log", log, "Dockerfile"]);
        assert_eq!((ran.code, here.read("Dockerfile").as_str()), (2, PLAIN), "{log}: {}", ran.err);
        assert!(ran.err.contains(log), "{}", ran.err);
    }
}

#[test]
fn a_cause_that_no_edit_mends_changes_nothing() {
    let here = Sandbox::empty();
    here.write("Dockerfile", FINE);
    let log = |text: &str| {
        format!(
            "Step 3/3 : RUN pip install flask\n{text}\nThe command '/bin/sh -c pip install flask' returned a non-zero code: 1\n"
        )
    };
    for text in [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "curl: (6) Could not resolve host: files.example.org",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.",
        "PermissionError: [Errno 13] Permission denied: '/usr/local/lib/python3.10/site-packages/x'",
    ] {
        here.write("build.log", log(text));
        let ran = here.run(&["--unsafe", "--log", "build.log", "Dockerfile"]);
        assert_eq!((ran.code, here.read("Dockerfile").as_str()), (0, FINE), "{text}: {}", ran.err);
        assert!(ran.err.contains("cause ["), "{text}: {}", ran.err);
    }
}

#[test]
fn the_lines_that_somebody_copied_out_of_a_log_are_explained() {
    for (lines, cause) in [
        (
            "Unable to run conda package manager. AzureML uses conda to provision python environments.\n",
            "conda-missing",
        ),
        (
            "Waiting for other Conda operations to finish...\n\
             Delete /home/azureuser/.azureml/locks/azureml_conda_lock to override.\n",
            "conda-lock",
        ),
        ("error from sender: resolve : lstat deploy: no such file or directory\n", "dockerfile-missing"),
        (
            "INFO: This is taking longer than usual. You might need to provide the dependency resolver with stricter \
             constraints to reduce runtime.\n",
            "pip-conflict",
        ),
    ] {
        let here = Sandbox::empty();
        here.write("build.log", lines);
        let report = here.run(&["--log", "build.log", "--format", "json"]).json();
        assert_eq!(causes(&report), [cause], "{lines}");
    }
}

#[test]
fn an_error_that_other_lines_follow_is_not_why_a_copied_text_ends() {
    let here = Sandbox::empty();
    here.write(
        "build.log",
        "Delete /home/azureuser/.azureml/locks/azureml_conda_lock to override.\nwaited\nsolved\nfetched\nset up\n",
    );
    let report = here.run(&["--log", "build.log", "--format", "json"]).json();
    assert!(causes(&report).is_empty(), "{report}");
}

#[test]
fn one_fix_that_mends_two_causes_is_written_once() {
    let here = Sandbox::empty();
    here.write("Dockerfile", "FROM ubuntu:22.04\nRUN apt-get install -y curl git\n");
    let log = "Step 2/2 : RUN apt-get install -y curl git\n ---> Running in 0123456789ab\n\
        E: Unable to locate package curl\nE: Unable to locate package git\n\
        The command '/bin/sh -c apt-get install -y curl git' returned a non-zero code: 100\n";
    here.write("build.log", log);
    let ran = here.run(&["--log", "build.log", "Dockerfile"]);
    assert_eq!(here.read("Dockerfile"), "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y curl git\n");
    assert!(ran.err.contains("what mends the cause above mends this one, too"), "{}", ran.err);
}

#[test]
fn what_was_begun_explains_no_error_that_follows() {
    let here = Sandbox::empty();
    here.write(
        "build.log",
        "Installing pip dependencies: ...working... \nPip subprocess error:\n\
         ERROR: Could not find a version that satisfies the requirement flask (from versions: 0.1, 0.2)\n\
         ERROR: No matching distribution found for flask\n\nCondaEnvException: Pip failed\n",
    );
    let report = here.run(&["--log", "build.log", "--format", "json"]).json();
    assert_eq!(causes(&report), ["pip-package-not-found"]);
}
