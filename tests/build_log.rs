//! Logs of every builder, made from one description of a build, in every disguise in which logs come: the same step
//! failed in all of them, and the same was seen in its lines.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use envfix::build_log::{BuildLog, Builder, Ended, LogError, Outcome, Step, SymptomSet, Tool, read};

#[path = "build_log/hostile.rs"]
mod hostile;
#[path = "build_log/render.rs"]
mod render;

use render::{Disguise, Form};

static SYMPTOMS: LazyLock<SymptomSet> = LazyLock::new(|| {
    let symptoms = [
        (r"^ERROR: No matching distribution found for (?P<spec>\S+)$", None),
        (r"^The following packages are missing:$", Some(r"^  - (?P<name>[a-z]+)=(?P<version>\S+)$")),
        (r"(?i)NEWCONNECTIONERROR", None),
        (r"^× No matching (?P<what>[a-zé]+)", None),
    ];
    SymptomSet::new(symptoms.map(|(pattern, below)| (pattern.to_owned(), below.map(str::to_owned)))).unwrap()
});

fn log(bytes: &[u8]) -> BuildLog {
    read(bytes, &SYMPTOMS).unwrap()
}

fn of(text: &str) -> BuildLog {
    log(text.as_bytes())
}

fn captures(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn failed(log: &BuildLog) -> &Step {
    let failed: Vec<&Step> = log.failed().collect();
    assert_eq!(failed.len(), 1, "{:#?}", log.steps);
    failed[0]
}

/// What every disguise of the failing build has to show; `named` and `told` where the builder's words are in it.
fn assert_seen(log: &BuildLog, lines: &[String], named: bool, told: bool, case: &str) {
    let failed: Vec<&Step> = log.failed().collect();
    assert_eq!(failed.len(), 1, "{case}: {:#?}\n{}", log.steps, lines.join("\n"));
    let step = failed[0];
    match &step.instruction {
        Some(shortened) if step.cut => assert!(!told && render::FAILING.starts_with(shortened), "{case}"),
        Some(instruction) => assert_eq!(instruction, render::FAILING, "{case}"),
        None => assert!(!named, "{case}: no instruction"),
    }
    let Outcome::Failed { code, line } = step.outcome else { unreachable!() };
    if told {
        assert_eq!(code, Some(1), "{case}");
    }
    assert!(line >= 1 && line <= lines.len() as u64, "{case}: line {line} of {}", lines.len());
    assert_eq!(log.ended, Ended::Failed, "{case}");
    assert_eq!(log.lines, lines.len() as u64, "{case}");
    let seen: Vec<(usize, &str, Vec<_>)> = step
        .sightings
        .iter()
        .map(|seen| (seen.symptom, seen.text.as_str(), seen.below.iter().map(|below| &below.captures).collect()))
        .collect();
    let one = captures(&[("name", "one"), ("version", "1")]);
    let two = captures(&[("name", "two"), ("version", "2.0")]);
    assert_eq!(
        seen,
        [
            (1, "The following packages are missing:", vec![&one, &two]),
            (3, "× No matching café", vec![]),
            (0, "ERROR: No matching distribution found for flask==9.9", vec![])
        ],
        "{case}\n{}",
        lines.join("\n")
    );
    assert_eq!(step.sightings[2].captures, captures(&[("spec", "flask==9.9")]), "{case}");
    assert_eq!(step.sightings[1].captures, captures(&[("what", "café")]), "{case}");
    for seen in &step.sightings {
        let line = &lines[seen.line as usize - 1];
        let letters = |text: &str| -> String {
            text.replace("\x1b[0m\x1b[91m", "").replace("[0m[91m", "").chars().filter(char::is_ascii).collect()
        };
        assert!(
            letters(line).contains(&letters(&seen.text)),
            "{case}: line {} is {line:?}, not {:?}",
            seen.line,
            seen.text
        );
    }
    assert!(
        step.tail.len() <= 12 && step.tail.iter().any(|(_, text)| text.contains("flask==9.9")),
        "{case}: {:?}",
        step.tail
    );
}

#[test]
fn every_builder_in_every_disguise_shows_the_same_failing_step_and_sightings() {
    let mut cases = 0;
    for form in Form::ALL {
        for disguise in Disguise::ALL {
            let lines = render::render(form, disguise);
            for encode in render::ENCODINGS {
                let case = format!("{form:?} {disguise:?} {}", encode.0);
                let found = log(&(encode.1)(&lines));
                assert_eq!(found.builder, form.builder(), "{case}");
                assert_seen(&found, &lines, form != Form::Bare, form != Form::Bare, &case);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, Form::ALL.len() * Disguise::ALL.len() * render::ENCODINGS.len());
}

#[test]
fn a_log_cut_at_its_head_shows_the_same() {
    for form in Form::ALL {
        for disguise in Disguise::ALL {
            let lines = render::render(form, disguise);
            // Up to the first sighting of the failing step any line may be the first.
            let first = lines.iter().position(|line| render::plain(line).contains("packages are missing")).unwrap();
            for from in 0..=first {
                {
                    // One encoding after another.
                    let encode = render::ENCODINGS[from % render::ENCODINGS.len()];
                    let cut = &lines[from..];
                    let case = format!("{form:?} {disguise:?} {} from line {}", encode.0, from + 1);
                    let named = matches!(form, Form::Docker | Form::Plain | Form::Drawn | Form::Buildah);
                    assert_seen(&log(&(encode.1)(cut)), cut, named, form != Form::Bare, &case);
                }
            }
        }
    }
}

#[test]
fn a_log_cut_at_its_tail_shows_the_same() {
    for form in Form::ALL {
        for disguise in Disguise::ALL {
            let lines = render::render(form, disguise);
            let last = lines
                .iter()
                .position(|line| render::plain(line).contains("No matching distribution found for flask"))
                .unwrap();
            for to in last + 1..=lines.len() {
                {
                    let encode = render::ENCODINGS[to % render::ENCODINGS.len()];
                    let cut = &lines[..to];
                    let case = format!("{form:?} {disguise:?} {} up to line {to}", encode.0);
                    assert_seen(&log(&(encode.1)(cut)), cut, form != Form::Bare, false, &case);
                }
            }
        }
    }
}

#[test]
fn what_other_steps_print_is_not_the_failing_ones() {
    for form in Form::ALL.into_iter().filter(|form| !matches!(form, Form::Bare | Form::Drawn)) {
        let found = log(render::render(form, Disguise::None).join("\n").as_bytes());
        let decoys: Vec<&Step> = found
            .steps
            .iter()
            .filter(|step| step.sightings.iter().any(|seen| seen.text.ends_with("for decoy==1")))
            .collect();
        assert_eq!(decoys.len(), 1, "{form:?}");
        assert!(!decoys[0].is_failed(), "{form:?}");
        assert_eq!(decoys[0].instruction.as_deref(), Some("RUN pip install other"), "{form:?}");
    }
}

#[test]
fn a_build_that_went_well_has_no_failing_step() {
    for form in Form::ALL {
        for disguise in Disguise::ALL {
            let lines = render::render_good(form, disguise);
            for encode in render::ENCODINGS {
                let found = log(&(encode.1)(&lines));
                let case = format!("{form:?} {disguise:?} {}", encode.0);
                assert_eq!(found.failed().count(), 0, "{case}: {:#?}", found.steps);
                assert_eq!(found.ended, Ended::Succeeded, "{case}\n{}", lines.join("\n"));
            }
        }
    }
}

#[test]
fn a_retry_that_goes_well_overcomes_the_failure_and_one_that_fails_takes_its_place() {
    for form in [Form::Docker, Form::Plain, Form::Drawn, Form::Buildah] {
        let bad = render::render(form, Disguise::None);
        let good = render::render_good(form, Disguise::None);
        let twice = [bad.clone(), good.clone()].concat().join("\n");
        let found = of(&twice);
        assert_eq!(found.failed().count(), 0, "{form:?}: {:#?}", found.steps);
        assert_eq!(found.ended, Ended::Succeeded, "{form:?}");
        assert!(found.steps.iter().any(|step| step.is_failed() && step.overcome), "{form:?}");

        let found = of(&[bad.clone(), good, bad.clone()].concat().join("\n"));
        assert_eq!(failed(&found).instruction.as_deref(), Some(render::FAILING), "{form:?}");
        assert!(failed(&found).line > bad.len() as u64, "{form:?}");
        assert_eq!(found.ended, Ended::Failed, "{form:?}");
    }
}

#[test]
fn a_later_failure_outside_steps_takes_the_place_of_an_earlier_one() {
    let bad = render::render(Form::Docker, Disguise::None).join("\n");
    let refused = "Sending build context to Docker daemon  2kB\nError response from daemon: Dockerfile parse error line 3: unknown instruction: RNU";
    let found = of(&format!("{bad}\n{refused}\n"));
    assert_eq!((found.failed().count(), found.ended), (0, Ended::Failed));
    assert!(found.error.is_some());
    let found = of(&format!("{refused}\n{bad}\n"));
    assert_eq!((found.failed().count(), found.error), (1, None));
}

#[test]
fn numbers_stages_and_lines_of_the_dockerfile_are_told() {
    let step = |form| failed(&log(render::render(form, Disguise::None).join("\n").as_bytes())).clone();
    assert_eq!(step(Form::Docker).number, Some((4, Some(4))));
    assert_eq!((step(Form::Plain).number, step(Form::Plain).stage.as_deref()), (Some((4, Some(4))), Some("app")));
    assert_eq!((step(Form::Drawn).number, step(Form::Drawn).stage.as_deref()), (Some((4, Some(4))), Some("app")));
    assert_eq!(step(Form::Buildah).number, Some((4, Some(4))));
    assert_eq!(step(Form::Plain).dockerfile_lines, Some((4, 5)));
    assert_eq!(step(Form::Drawn).dockerfile_lines, Some((4, 5)));
    assert_eq!(step(Form::Docker).dockerfile_lines, None);
}

#[test]
fn the_step_of_azureml_is_known() {
    let command = "ldconfig /usr/local/cuda/lib64/stubs && conda env create -p /azureml-envs/azureml_0123 -f azureml-environment-setup/mutated_conda_dependencies.yml && rm -rf \"$HOME/.cache/pip\"";
    let found = of(&format!(
        "2024/05/24 04:28:30 Launching container with name: acb_step_0\nSending build context to Docker daemon  61.44kB\nStep 1/3 : FROM base\n ---> 0123456789ab\nStep 2/3 : USER root\n ---> 0123456789ac\nStep 3/3 : RUN {command}\n ---> Running in 0123456789ad\nPip failed\nThe command '/bin/sh -c {command}' returned a non-zero code: 1\n2024/05/24 04:30:30 Container failed during run: acb_step_0. No retries remaining.\nfailed to run step ID: acb_step_0: exit status 1\n\nRun ID: ca1 failed after 1m36s. Error: failed during run, err: exit status 1\n"
    ));
    assert!(failed(&found).azureml);
    assert_eq!(failed(&found).number, Some((3, Some(3))));
    assert_eq!(found.error, None);
    assert!(!found.steps[0].azureml);
}

#[test]
fn a_program_that_ends_without_a_newline_leaves_its_words_to_the_step() {
    let found = of(
        "Step 1/2 : FROM a\n ---> 0123456789ab\nStep 2/2 : RUN x\n ---> Running in 0123456789ac\nNewConnectionErrorThe command '/bin/sh -c x' returned a non-zero code: 2\n",
    );
    assert_eq!(failed(&found).sightings[0].text, "NewConnectionError");
    assert_eq!(failed(&found).outcome, Outcome::Failed { code: Some(2), line: 5 });
}

#[test]
fn what_the_command_says_is_no_symptom() {
    let found = of(
        "Step 1/2 : FROM a\nStep 2/2 : RUN echo NewConnectionError; false\n ---> Running in 0123456789ac\nThe command '/bin/sh -c echo NewConnectionError; false' returned a non-zero code: 1\n",
    );
    assert_eq!(failed(&found).sightings, []);
    let found = of(
        "#5 [2/2] RUN echo NewConnectionError; false\n#5 ERROR: process \"/bin/sh -c echo NewConnectionError; false\" did not complete successfully: exit code: 1\n------\n > [2/2] RUN echo NewConnectionError; false:\n------\nERROR: failed to solve: process \"/bin/sh -c echo NewConnectionError; false\" did not complete successfully: exit code: 1\n",
    );
    assert_eq!(failed(&found).sightings, []);
    assert_eq!(found.outside.sightings, []);
}

#[test]
fn a_builder_that_gives_up_says_so() {
    let found = of(
        "Sending build context to Docker daemon  2kB\nError response from daemon: Dockerfile parse error line 3: unknown instruction: RNU\n",
    );
    assert_eq!(
        found.error,
        Some((2, "Error response from daemon: Dockerfile parse error line 3: unknown instruction: RNU".into()))
    );
    assert_eq!((found.ended, found.failed().count(), found.builder), (Ended::Failed, 0, Some(Builder::Docker)));

    let found = of("Step 1/9 : FROM example/go:1.9.4\nmanifest for example/go:1.9.4 not found\n");
    assert_eq!(failed(&found).instruction.as_deref(), Some("FROM example/go:1.9.4"));
    assert_eq!(failed(&found).tail, [(2, "manifest for example/go:1.9.4 not found".to_owned())]);

    let found = of(
        "Step 1/2 : FROM a\n ---> 0123456789ab\nStep 2/2 : COPY x y\nCOPY failed: stat /var/lib/docker/tmp/x: no such file or directory\n",
    );
    assert_eq!(failed(&found).outcome, Outcome::Failed { code: None, line: 4 });

    let found = of(
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\nERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory\n",
    );
    assert_eq!(found.error.as_ref().map(|(line, _)| *line), Some(3));
    assert_eq!((found.ended, found.failed().count()), (Ended::Failed, 0));

    let found = of(
        "#3 [internal] load metadata for docker.io/library/python:3.99\n#3 ERROR: docker.io/library/python:3.99: not found\n------\n > [internal] load metadata for docker.io/library/python:3.99:\n------\nDockerfile:1\n--------------------\n   1 | >>> FROM python:3.99\n   2 |     RUN x\n--------------------\nERROR: failed to solve: python:3.99: docker.io/library/python:3.99: not found\n",
    );
    let step = failed(&found);
    assert_eq!((step.stage.as_deref(), step.dockerfile_lines), (Some("internal"), Some((1, 1))));
    assert_eq!(step.instruction.as_deref(), Some("load metadata for docker.io/library/python:3.99"));

    let found = of(
        "STEP 1/2: FROM nothing:1\nError: creating build container: initializing source docker://nothing:1: reading manifest 1: manifest unknown\n",
    );
    assert_eq!(failed(&found).number, Some((1, Some(2))));
}

#[test]
fn a_failure_that_only_the_wording_told_is_taken_back_when_the_build_goes_on() {
    let found = of(
        "Step 1/3 : FROM a\nerror pulling image configuration: retry\nStep 2/3 : COPY a b\nwarning: cannot keep times\nStep 3/3 : RUN x\n ---> Running in 0123456789ac\nRemoving intermediate container 0123456789ac\n ---> 0123456789ad\nSuccessfully built 0123456789ad\n",
    );
    assert_eq!((found.failed().count(), found.ended), (0, Ended::Succeeded));
}

#[test]
fn older_forms_are_read() {
    let found = of(
        "Step 1 : FROM a\n ---> 0123456789ab\nStep 2 : RUN x\n ---> Running in 0123456789ac\nINFO[0040] The command [/bin/sh -c x] returned a non-zero code: 1\n",
    );
    assert_eq!((failed(&found).number, failed(&found).instruction.as_deref()), (Some((2, None)), Some("RUN x")));

    let found = of(
        "STEP 1: FROM a\nSTEP 2: RUN x\nsubprocess exited with status 2\nerror building at STEP \"RUN x\": exit status 2\n",
    );
    assert_eq!(failed(&found).outcome, Outcome::Failed { code: Some(2), line: 4 });

    let found = of(
        "#7 [3/3] RUN x\n#7       digest: sha256:0123\n#7         name: \"[3/3] RUN x\"\n#7      started: 2018-11-01 10:00:00 +0000 UTC\n#7 0.541 text\n#7        error: \"executor failed running [/bin/sh -c x]: exit code: 3\"\n",
    );
    assert_eq!(failed(&found).outcome, Outcome::Failed { code: Some(3), line: 6 });
    assert_eq!(failed(&found).tail, [(5, "text".to_owned())]);

    let found = of(
        "------\n > [2/2] RUN x:\n#5 0.512 NewConnectionError\n------\nfailed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: rpc error: code = Unknown desc = failed to build LLB: executor failed running [/bin/sh -c x]: runc did not terminate sucessfully\n",
    );
    assert_eq!((failed(&found).sightings.len(), failed(&found).number), (1, Some((2, Some(2)))));
}

#[test]
fn what_buildah_says_of_a_copy_names_no_more_than_the_instruction() {
    let found = of(
        "Error: building at STEP \"COPY a.txt .\": checking on sources under \"/src\": copier: stat: \"/a.txt\": no such file or directory\n",
    );
    assert_eq!(failed(&found).instruction.as_deref(), Some("COPY a.txt ."));

    let found = of("Error: building at STEP \"RUN echo '\"a\": b'\": while running runtime: exit status 1\n");
    assert_eq!(failed(&found).instruction.as_deref(), Some("RUN echo '\"a\": b'"));
}

#[test]
fn a_message_that_was_wrapped_by_hand_is_put_together() {
    let found = of(
        "NewConnectionError\nERROR: failed to solve: process \"/bin/sh -c conda env create\"\n       did not complete successfully: exit code: 1\n",
    );
    assert_eq!(failed(&found).outcome, Outcome::Failed { code: Some(1), line: 2 });
    assert_eq!(failed(&found).instruction.as_deref(), Some("RUN conda env create"));
    assert_eq!(failed(&found).sightings.len(), 1);
}

#[test]
fn a_log_whose_middle_is_missing_names_the_step_by_its_command() {
    let found = of(
        "Step 1/9 : FROM a\n ---> 0123456789ab\nStep 2/9 : RUN first\n ---> Running in 0123456789ac\n[... cut ...]\nThe command '/bin/sh -c second' returned a non-zero code: 1\n",
    );
    assert_eq!((failed(&found).instruction.as_deref(), failed(&found).number), (Some("RUN second"), None));
}

#[test]
fn a_step_cut_off_without_a_word_is_unknown() {
    let found =
        of("Step 1/2 : FROM a\n ---> 0123456789ab\nStep 2/2 : RUN x\n ---> Running in 0123456789ac\nCollecting a\n");
    assert_eq!((found.ended, found.failed().count()), (Ended::Cut, 0));
    assert_eq!(found.steps.last().map(|step| step.outcome), Some(Outcome::Unknown));
}

#[test]
fn exit_codes_that_were_recorded_decide_over_the_words() {
    assert_eq!(of("ERROR: no\nexit code: 0\n").ended, Ended::Succeeded);
    assert_eq!(of("all is well\nrc=3\n").ended, Ended::Failed);
    assert_eq!(of("all is well\nError: Process completed with exit code 2.\n").ended, Ended::Failed);
    assert_eq!(of("Successfully installed a-1\nERROR: No matching distribution found for b\n").ended, Ended::Failed);
    assert_eq!(of("ERROR: No matching distribution found for b\nSuccessfully installed a-1\n").ended, Ended::Succeeded);
    assert_eq!(of("nothing of the sort\n").ended, Ended::Cut);
}

#[test]
fn versions_of_tools_are_told_with_their_lines() {
    let found = of(
        "Get:1 http://host/debian bookworm-security InRelease [48.0 kB]\nGet:2 https://host/apt stable InRelease\nPython 3.11.4\n  File \"/usr/lib/python3.11/site-packages/x.py\"\npip 24.0 from /usr/lib/python3/dist-packages/pip (python 3.11)\nYou are using pip version 9.0.3, however version 10 is available.\n[notice] A new release of pip is available: 24.0 -> 24.2\n       conda version : 4.9.2\nSetting up python3-pip (20.3.4-4+deb11u2) ...\nCollecting pip==1.2\n",
    );
    let tools: Vec<(Tool, &str, u64)> =
        found.steps[0].tools.iter().map(|tool| (tool.tool, tool.version.as_str(), tool.line)).collect();
    assert_eq!(
        tools,
        [
            (Tool::Release, "bookworm", 1),
            (Tool::Python, "3.11.4", 3),
            (Tool::Pip, "24.0", 5),
            (Tool::Pip, "9.0.3", 6),
            (Tool::Pip, "24.0", 7),
            (Tool::Conda, "4.9.2", 8),
            (Tool::Pip, "20.3.4", 9)
        ]
    );
}

#[test]
fn credentials_are_masked_everywhere() {
    let set = SymptomSet::new([("from (?P<url>\\S+)".to_owned(), None)]).unwrap();
    let found = read(&b"ERROR: cannot read from https://me:secret@host/x?sig=abc\n"[..], &set).unwrap();
    let step = failed(&found);
    assert_eq!(step.sightings[0].text, "ERROR: cannot read from https://***@host/x?sig=***");
    assert_eq!(step.sightings[0].captures, captures(&[("url", "https://***@host/x?sig=***")]));
    assert_eq!(step.tail[0].1, "ERROR: cannot read from https://***@host/x?sig=***");
}

#[test]
fn sightings_are_bounded_and_the_first_and_the_last_are_kept() {
    let text: String = (0..1000).map(|number| format!("NewConnectionError {number}\n")).collect();
    let found = of(&text);
    let lines: Vec<u64> = found.steps[0].sightings.iter().map(|seen| seen.line).collect();
    let expected: Vec<u64> = (1..=32).chain(969..=1000).collect();
    assert_eq!(lines, expected);

    let list: String = (0..200).map(|number| format!("  - a={number}\n\n")).collect();
    let found = of(&format!("The following packages are missing:\n\n{list}"));
    assert_eq!(found.steps[0].sightings[0].below.len(), 50);
    let found = of("The following packages are missing:\n  - a=1\nother\n  - b=2\n");
    assert_eq!(found.steps[0].sightings[0].below.len(), 1);
}

#[test]
fn the_text_of_a_long_line_is_what_is_around_the_match() {
    let found = of(&format!("{} NewConnectionError {}\n", "a".repeat(3000), "b".repeat(3000)));
    let text = &found.steps[0].sightings[0].text;
    assert_eq!(text.chars().count(), 500);
    assert!(text.contains(" NewConnectionError "));
}

#[test]
fn a_pattern_that_is_none_is_refused_with_its_number() {
    let error = SymptomSet::new([("a".to_owned(), None), ("b".to_owned(), Some("(".to_owned()))]).unwrap_err();
    assert_eq!(error.index, 1);
    let error = SymptomSet::new([("a".to_owned(), None), ("[".to_owned(), None)]).unwrap_err();
    assert_eq!(error.index, 1);
    assert!(SymptomSet::new([]).unwrap().is_empty());
}

#[test]
fn bytes_that_are_no_log_are_refused() {
    let refused = |bytes: &[u8]| read(bytes, &SYMPTOMS).unwrap_err();
    for empty in [&b""[..], b"\n\n  \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\n\0"] {
        assert!(matches!(refused(empty), LogError::Empty), "{empty:?}");
    }
    for (bytes, what) in [
        (&b"\x1f\x8b\x08\0\0"[..], "a gzip archive"),
        (b"PK\x03\x04abc", "a ZIP archive"),
        (b"\x7fELF\x02\x01", "a program (ELF)"),
        (b"\x89PNG\r\n\x1a\n", "an image (PNG)"),
        (&[1, 2, 3, 4, 5, 6, 14, 15, 16, 17][..], "binary data"),
    ] {
        assert!(matches!(refused(bytes), LogError::Binary { what: known } if known == what), "{what}");
    }
    assert!(of("a\0b NewConnectionError\0\n").steps[0].sightings.len() == 1);
}
