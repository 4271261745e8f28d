//! Inputs that are made to break a program. Each ends in a result or a clear error: no panic, no stack overflow, no
//! abort, and no time that grows faster than the input. Nothing is measured; what hangs is stopped and fails.

mod support;

use std::fmt::Write;

use support::{FINE, Ran, Sandbox};

/// Fixes one file; the run must end by itself, in order.
#[track_caller]
fn survives(name: &str, text: &str) -> (Sandbox, Ran) {
    let here = Sandbox::with(&[(name, text)]);
    let ran = here.run(&[name]);
    let end: String = ran.err.chars().take(2000).collect();
    assert!(ran.code == 0 || ran.code == 2, "exit code {}:\n{end}", ran.code);
    // An error says what is wrong and where.
    assert!(ran.code == 0 || ran.err.starts_with(name), "{end}");
    assert!(ran.code == 0 || here.read(name) == text, "a file with an error was changed");
    (here, ran)
}

fn repeated(part: &str, count: usize) -> String {
    part.repeat(count)
}

// ---- long

#[test]
fn a_hundred_thousand_continuation_lines() {
    let packages: String = (0..100_000).map(|n| format!(" \\\n    package{n}")).collect();
    let text = format!("FROM python:3.10\nRUN pip install -U pip{packages}\n");
    let (here, ran) = survives("Dockerfile", &text);
    assert_eq!(ran.code, 0);
    let after = format!("FROM python:3.10\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip==26.1.2{packages}\n");
    assert!(here.read("Dockerfile") == after);
}

#[test]
fn a_hundred_thousand_continuation_lines_with_comments_and_blank_lines_between() {
    let lines = repeated("  # why\n\n  flask \\\n", 100_000);
    survives("Dockerfile", &format!("FROM python:3.10\nRUN pip install \\\n{lines}  django\n"));
}

#[test]
fn one_line_of_a_megabyte() {
    // BuildKit reads no line of more than 65,535 bytes, so the build would fail, and the error says so.
    let (_, ran) =
        survives("Dockerfile", &format!("FROM python:3.10\nRUN pip install {}\n", repeated("flask ", 180_000)));
    ran.exits(2).says(&["Dockerfile:2: error: ", "65535"]);
    let (here, ran) =
        survives("Dockerfile", &format!("FROM python:3.10\nRUN pip install {}\n", repeated("flask ", 10_000)));
    assert_eq!(ran.code, 0);
    assert!(here.read("Dockerfile").contains("ENV PIP_DEFAULT_TIMEOUT=100\n"));
    survives("Dockerfile", &format!("FROM python:3.10\nRUN {}\n", repeated("x", 1 << 20)));
    survives("Dockerfile", &format!("# {}\n{FINE}", repeated("x", 1 << 20)));
    survives("Dockerfile", &repeated("x", 1 << 20));
}

#[test]
fn one_run_of_a_hundred_thousand_commands() {
    for operator in [" && ", "; ", " || ", " | ", " & "] {
        survives(
            "Dockerfile",
            &format!("FROM python:3.10\nRUN {}true\n", repeated(&format!("pip install flask{operator}\\\n"), 100_000)),
        );
    }
}

#[test]
fn one_line_of_quotes_backslashes_or_dollars() {
    for part in
        ["'", "\"", "\\", "$", "`", "${", "<", "<<", "&", "|", "(", ")", "{", "}", "=", "~", "\t", "#", "\r", "é"]
    {
        let many = repeated(part, 65_000 / part.len());
        survives("Dockerfile", &format!("FROM python:3.10\nRUN pip install {many}\n"));
        survives("Dockerfile", &format!("FROM python:3.10\nENV A={many}\nRUN pip install flask\n"));
        survives("Dockerfile", &format!("FROM {many}\nRUN pip install -U pip\n"));
        survives("environment.yml", &format!("dependencies:\n- pip{many}\n- pip:\n  - flask\n"));
    }
}

#[test]
fn a_hundred_thousand_instructions_of_every_kind() {
    for line in [
        "ENV A=1\n",
        "ARG A=1\n",
        "COPY a b\n",
        "USER a\n",
        "WORKDIR a\n",
        "SHELL [\"sh\", \"-c\"]\n",
        "RUN pip install flask\n",
        "LABEL a=b\n",
        "# comment\n",
        "\n",
        "ENV \\\n",
        "ONBUILD RUN pip install flask\n",
    ] {
        survives("Dockerfile", &format!("FROM python:3.10\n{}RUN pip install -U pip\n", repeated(line, 100_000)));
    }
}

#[test]
fn ten_thousand_upgrades_of_pip() {
    let (here, ran) =
        survives("Dockerfile", &format!("FROM python:3.10\n{}", repeated("RUN pip install -U pip\n", 10_000)));
    assert_eq!(ran.code, 0);
    assert_eq!(here.read("Dockerfile").matches("pip==26.1.2\n").count(), 10_000);
}

#[test]
fn a_log_of_a_hundred_thousand_instructions_that_look_like_the_one_that_failed() {
    let here = Sandbox::empty();
    here.write("Dockerfile", format!("FROM python:3.10\n{}", repeated("RUN pip install flask\n", 100_000)));
    let log = "Step 1/3 : FROM python:3.10\nStep 2/3 : RUN pip install flask x\n ---> Running in 0123456789ab\n\
        ERROR: No matching distribution found for x\nThe command '/bin/sh -c pip' returned a non-zero code: 1\n";
    here.write("build.log", log);
    let ran = here.run(&["-n", "--log", "build.log", "Dockerfile"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
}

#[test]
fn ten_thousand_skips() {
    let pair = "# envfix: skip=pip-pin,timeouts,nothing\nRUN pip install -U pip\n";
    let (here, ran) = survives("Dockerfile", &format!("FROM python:3.10\n{}", repeated(pair, 10_000)));
    assert_eq!(ran.code, 0);
    assert!(!here.read("Dockerfile").contains("=="));
}

#[test]
fn twenty_thousand_stages_are_refused_with_a_line() {
    let mut row = String::from("FROM python:3.10 AS s0\n");
    let mut beside = String::new();
    for n in 1..20_000 {
        let _ = write!(row, "FROM s{} AS s{n}\nRUN pip install -U pip\n", n - 1);
        let _ = write!(beside, "FROM python:3.10 AS s{n}\nRUN pip install flask\n");
    }
    for text in [row, beside] {
        let (here, ran) = survives("Dockerfile", &text);
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains("more than 500 stages") && ran.err.contains("Dockerfile:100"), "{}", ran.err);
        assert_eq!(here.read("Dockerfile"), text);
    }
}

#[test]
fn four_hundred_stages_in_a_row_and_side_by_side() {
    let stage = |base: &str, n: usize| format!("FROM {base} AS s{n}\nRUN pip install flask\n");
    let beside: String = (0..400).map(|n| stage("python:3.10", n)).collect();
    let (here, ran) = survives("Dockerfile", &beside);
    assert_eq!((ran.code, here.read("Dockerfile").matches("ENV PIP_DEFAULT_TIMEOUT=100\n").count()), (0, 400));
    let row: String =
        (0..400).map(|n| if n == 0 { stage("python:3.10", 0) } else { stage(&format!("s{}", n - 1), n) }).collect();
    let (here, ran) = survives("Dockerfile", &row);
    assert_eq!((ran.code, here.read("Dockerfile").matches("ENV PIP_DEFAULT_TIMEOUT=100\n").count()), (0, 1));
}

#[test]
fn stages_that_name_each_other_in_a_circle() {
    survives("Dockerfile", "FROM b AS a\nRUN pip install flask\nFROM a AS b\nRUN pip install -U pip\n");
    survives("Dockerfile", "FROM a AS a\nRUN pip install flask\nFROM a AS a\nRUN pip install -U pip\n");
}

#[test]
fn a_heredoc_of_ten_megabytes() {
    let body = repeated("pip install flask\n", 580_000);
    survives("Dockerfile", &format!("FROM python:3.10\nRUN <<END\n{body}END\n"));
    survives("Dockerfile", &format!("FROM python:3.10\nCOPY <<END /a\n{body}END\nRUN pip install flask\n"));
    survives("Dockerfile", &format!("FROM python:3.10\nRUN <<END\n{body}"));
}

#[test]
fn ten_thousand_heredocs() {
    let openers: String = (0..10_000).map(|n| format!(" <<E{n}")).collect();
    let bodies: String = (0..10_000).map(|n| format!("pip install flask\nE{n}\n")).collect();
    survives("Dockerfile", &format!("FROM python:3.10\nRUN cat{openers}\n{bodies}"));
    survives("Dockerfile", &format!("FROM python:3.10\nRUN cat{openers}\n"));
    let inner: String = (0..10_000).map(|n| format!("cat <<I{n}\nx\nI{n}\n")).collect();
    survives("Dockerfile", &format!("FROM python:3.10\nRUN <<END\n{inner}END\n"));
    let unended: String = (0..10_000).map(|n| format!("cat <<I{n}\n")).collect();
    survives("Dockerfile", &format!("FROM python:3.10\nRUN <<END\n{unended}END\n"));
}

#[test]
fn a_conda_environment_of_two_hundred_thousand_dependencies() {
    let items: String = (0..200_000).map(|n| format!("  - package{n}=1.{n}\n")).collect();
    let (here, ran) = survives(
        "environment.yml",
        &format!("channels: [conda-forge]\ndependencies:\n  - python=3.10\n{items}  - pip:\n      - flask\n"),
    );
    assert_eq!(ran.code, 0);
    assert!(here.read("environment.yml").contains("  - pip=26.1.2\n  - pip:\n"));
    survives("environment.yml", &format!("dependencies: [python=3.10, {}pip]\n", repeated("numpy, ", 200_000)));
    survives("environment.yml", &format!("dependencies:\n- pip:\n{}", repeated("  - flask\n", 200_000)));
    survives("environment.yml", &format!("dependencies:\n{}", repeated("- pip: [flask]\n", 50_000)));
    survives(
        "environment.yml",
        &format!("dependencies:\n- python\n{}- pip\n", repeated("# envfix: skip=conda-pip\n", 50_000)),
    );
}

#[test]
fn many_copies_and_many_environments() {
    let mut text = String::from("FROM continuumio/miniconda3:24.1.2-0\n");
    for n in 0..3_000 {
        let _ = writeln!(text, "COPY e{n}.yml /e/\nRUN conda env create -f /e/missing{n}.yml");
    }
    survives("Dockerfile", &text);
}

// ---- deep

#[test]
fn deeply_nested_shell() {
    for (open, close) in [
        ("$(", ")"),
        ("(", ")"),
        ("{ ", "; }"),
        ("if true; then ", "; fi"),
        ("while true; do ", "; done"),
        ("`", "`"),
        ("\"$(", ")\""),
        ("${a:-", "}"),
        ("! ", ""),
        ("$((", "))"),
        ("case a in a) ", ";; esac"),
        ("f() ", ""),
        ("sudo ", ""),
        ("eval ", ""),
        ("env A=1 ", ""),
        ("bash -c ", ""),
        ("<(", ")"),
    ] {
        for count in [200, 60_000 / (open.len() + close.len())] {
            let text = format!(
                "FROM python:3.10\nRUN {}pip install -U pip{}\n",
                repeated(open, count),
                repeated(close, count)
            );
            survives("Dockerfile", &text);
        }
        survives(
            "Dockerfile",
            &format!("FROM python:3.10\nRUN {}pip install flask\n", repeated(open, 60_000 / open.len())),
        );
    }
}

#[test]
fn a_shell_in_a_shell_in_a_shell() {
    let mut command = "pip install -U pip".to_owned();
    for _ in 0..14 {
        command = format!("bash -c \"{}\"", command.replace('\\', "\\\\").replace('"', "\\\""));
    }
    survives("Dockerfile", &format!("FROM python:3.10\nRUN {command}\n"));
}

#[test]
fn deeply_nested_yaml() {
    for count in [100, 5_000, 100_000] {
        survives("environment.yml", &format!("dependencies: {}{}\n", repeated("[", count), repeated("]", count)));
        survives("environment.yml", &format!("dependencies: {}\n", repeated("[", count)));
        survives(
            "environment.yml",
            &format!("dependencies:\n- {}pip{}\n", repeated("{a: ", count), repeated("}", count)),
        );
        survives("environment.yml", &format!("dependencies:\n{}pip\n", repeated("- ", count)));
        survives("environment.yml", &format!("{}dependencies: []\n", repeated("? ", count)));
    }
    let mut block = String::from("dependencies:\n");
    for depth in 0..2_000 {
        let _ = writeln!(block, "{}- a:", repeated(" ", depth));
    }
    survives("environment.yml", &block);
}

#[test]
fn aliases_that_multiply() {
    let mut text = String::from("a0: &a0 [pip, pip]\n");
    for n in 1..60 {
        let _ =
            writeln!(text, "a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}]", m = n - 1);
    }
    survives("environment.yml", &format!("{text}dependencies: *a59\n"));
    survives("environment.yml", &format!("{text}dependencies:\n- python=3.10\n- *a59\n- pip:\n  - *a59\n"));
    survives("environment.yml", "dependencies: &d\n- pip\n- *d\n");
    survives("environment.yml", &format!("a: &a pip\ndependencies:\n{}", repeated("- *a\n", 100_000)));
    survives("environment.yml", &format!("a: &a {{b: c}}\n{}dependencies: [pip]\n", repeated("<<: *a\n", 20_000)));
}

#[test]
fn variables_that_multiply() {
    for keyword in ["ENV", "ARG"] {
        let mut text = String::from("ARG A0=python\nFROM python:3.10\n");
        let _ = writeln!(text, "{keyword} A0=python");
        for n in 1..60 {
            let _ = writeln!(text, "{keyword} A{n}=${{A{m}}}${{A{m}}}${{A{m}}}", m = n - 1);
        }
        survives(
            "Dockerfile",
            &format!(
                "{text}WORKDIR $A59\nCOPY $A59 .\nENV PATH=$A59:$PATH\nUSER $A59\nRUN $A59 -m pip install -U pip\n"
            ),
        );
    }
    let mut text = String::from("ARG A0=python\n");
    for n in 1..60 {
        let _ = writeln!(text, "ARG A{n}=$A{m}$A{m}$A{m}", m = n - 1);
    }
    survives("Dockerfile", &format!("{text}FROM ${{A59}}\nRUN pip install -U pip\n"));
    survives("Dockerfile", "ARG A=$B\nARG B=$A\nFROM $A\nENV C=$D D=$C\nRUN pip install -U pip\n");
    survives(
        "Dockerfile",
        &format!(
            "FROM python:3.10\nENV A={}x{}\nRUN pip install flask\n",
            repeated("${B:-", 50_000),
            repeated("}", 50_000)
        ),
    );
    survives(
        "Dockerfile",
        &format!("FROM {}x{}\nRUN pip install flask\n", repeated("${B:-", 50_000), repeated("}", 50_000)),
    );
}

#[test]
fn paths_that_grow() {
    survives(
        "Dockerfile",
        &format!("FROM python:3.10\n{}RUN python setup.py install\n", repeated("WORKDIR a\n", 20_000)),
    );
    survives(
        "Dockerfile",
        &format!("FROM python:3.10\n{}RUN pip install flask\n", repeated("ENV PATH=/a:$PATH\n", 20_000)),
    );
}

#[test]
fn deep_exec_forms() {
    survives("Dockerfile", &format!("FROM python:3.10\nRUN {}\n", repeated("[", 200_000)));
    survives("Dockerfile", &format!("FROM python:3.10\nRUN [\"pip\"{}]\n", repeated(", \"install\"", 200_000)));
    survives("Dockerfile", &format!("FROM python:3.10\nRUN [\"pip\", \"{}\"]\n", repeated("\\u00e9", 100_000)));
}

// ---- odd

#[test]
fn bytes_that_nobody_expects() {
    let odd = [
        "\r",
        "\r\r\n",
        "\u{feff}\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{a0}",
        "\u{b}",
        "\u{c}",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{202e}",
        "\u{10ffff}",
        "\\\r",
        "\\ \n",
        "\\\t\n",
        "`\n",
        "\n\\\n",
        "#",
    ];
    for part in odd {
        for text in [
            part.to_owned(),
            format!("{part}FROM python:3.10\nRUN pip install flask\n"),
            format!("FROM python:3.10{part}\nRUN pip install flask\n"),
            format!("FROM python:3.10\nRUN pip install{part}flask\n"),
            format!("FROM python:3.10\nRUN pip install -U pip{part}"),
            format!("FROM python:3.10\n{part}RUN pip install -U pip\n"),
        ] {
            survives("Dockerfile", &text);
        }
        for text in [
            part.to_owned(),
            format!("{part}dependencies:\n- pip:\n  - flask\n"),
            format!("dependencies:\n- python=3.10{part}\n{part}- pip:\n  - flask{part}\n"),
        ] {
            survives("environment.yml", &text);
        }
    }
}

#[test]
fn an_escape_sequence_in_a_file_does_not_reach_the_terminal() {
    let here = Sandbox::with(&[
        ("Dockerfile", "FROM python:3.10\nRUN pip install -U \u{1b}[31mpip pip\n"),
        ("environment.yml", "dependencies:\n- pip\u{1b}[31m: x: y\n"),
    ]);
    for arguments in [&["-v", "-n", "."][..], &["-n", "--format", "json", "."]] {
        let ran = here.run(arguments);
        assert!(!ran.err.contains('\u{1b}'), "{arguments:?}: {:?}", ran.err);
    }
}

#[test]
fn a_folder_of_a_thousand_folders_in_each_other() {
    let here = Sandbox::empty();
    here.write(&format!("{}Dockerfile", repeated("d/", 1_000)), "FROM python:3.10\nRUN pip install flask\n");
    here.run(&["."]).exits(0).says(&["1 fix applied"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle() {
    use std::os::unix::fs::symlink;
    let here = Sandbox::with(&[("a/Dockerfile", FINE)]);
    symlink("..", here.path("a/up")).unwrap();
    symlink("Containerfile", here.path("Containerfile")).unwrap();
    here.run(&["a"]).exits(0).says(&["1 file read"]);
    here.run(&["Containerfile"]).exits(2).says(&["Containerfile"]);
}

// ---- definitions and programs

#[test]
fn deep_long_and_crowded_json() {
    let deep =
        |open: &str, close: &str| format!("{{\"spark\": {}{}}}", repeated(open, 100_000), repeated(close, 100_000));
    survives("azureml_environment.json", &deep("[", "]")).1.exits(2);
    survives("azureml_environment.json", &deep("{\"a\":", "}")).1.exits(2);
    survives("azureml_environment.json", &format!("{{\"spark\": {}", repeated("[", 1_000_000))).1.exits(2);
    let many: String = (0..200_000).map(|number| format!("\"key{number}\": 1,\n")).collect();
    let (here, ran) = survives(
        "azureml_environment.json",
        &format!("{{{many}\"spark\": {{\"packages\": [\"a:b:1\"], \"precachePackages\": true}}}}"),
    );
    ran.exits(0);
    assert!(here.read("azureml_environment.json").ends_with("\"precachePackages\": false}}"));
    let large = format!("{{\"spark\": {{\"packages\": [\"{}\"]}}}}", repeated("x", 20 << 20));
    survives("azureml_environment.json", &large).1.exits(2).says(&["bytes"]);
}

#[test]
fn three_thousand_environments_in_one_file() {
    let job = |number: usize| {
        format!(
            "  job{number}:\n    command: a\n    environment:\n      image: a/b:1\n      conda_file: {{dependencies: \
             [python=3.10, {{pip: [flask]}}]}}\n"
        )
    };
    let jobs: String = (0..3_000).map(job).collect();
    let (here, ran) = survives("pipeline.yml", &format!("type: pipeline\njobs:\n{jobs}"));
    ran.exits(0);
    assert_eq!(here.read("pipeline.yml").matches("python=3.10, pip, {pip").count(), 3_000);
}

#[test]
fn aliases_that_multiply_inside_a_definition() {
    let bomb: String = (1..40).map(|n| format!("  a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
    survives(
        "local.runconfig",
        &format!("script: a\nx:\n  a0: &a0 [a]\n{bomb}environment:\n  spark:\n    packages: *a39\n"),
    )
    .1
    .exits(2);
}

#[test]
fn deep_and_long_programs() {
    const HEAD: &str = "from azureml.core import Environment\nenv = Environment('a')\nenv.spark.packages = [a]\n";
    for (open, close) in
        [("(", ")"), ("[", "]"), ("-", "1"), ("not ", "x"), ("lambda: ", "0"), ("f(", ")"), ("x.", "y")]
    {
        survives("a.py", &format!("{HEAD}x = {}{}\n", repeated(open, 100_000), repeated(close, 100_000)));
        survives("a.py", &format!("{HEAD}x = {}\n", repeated(open, 100_000)));
    }
    let nested: String = (0..200).map(|depth| format!("{}if x:\n", repeated(" ", depth))).collect();
    survives("a.py", &format!("{HEAD}{nested}{}pass\n", repeated(" ", 200)));
    survives("a.py", &format!("{HEAD}x = \"{}\"\n", repeated("x", 5 << 20))).1.exits(0);
    survives("a.py", &format!("{HEAD}{}", repeated("x = 1\n", 100_000))).1.exits(0);
    survives("a.py", &format!("{HEAD}# {}\n", repeated("x", 100 << 20))).1.exits(2).says(&["a.py"]);
}
