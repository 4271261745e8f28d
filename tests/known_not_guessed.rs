//! Cases in which something makes a fact unknown that looks known, or a place unfit that looks fit: no fix, or another.
//! Each was a wrong fix once.

use std::collections::BTreeMap;

use envfix::{BuildContext, Catalogue, Policy, Project, Settings, Source, find, plan, verify};

/// The text after every safe fix, with these files in the build context.
fn fixed_in(context: &[(&str, &str)], text: &str) -> String {
    let catalogue = Catalogue::builtin();
    let files: BTreeMap<String, String> =
        context.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let source = Source::from_text("Dockerfile", text);
    let project = Project::of_text(source, BuildContext::Memory(files), Settings::default()).unwrap();
    let policy = Policy::default();
    let plan = plan(&project, find(&project, &catalogue), &policy);
    let verified = verify(&project, &catalogue, &policy, plan);
    verified.after(0).map_or_else(|| text.to_owned(), |after| after.text().to_owned())
}

fn fixed(text: &str) -> String {
    fixed_in(&[], text)
}

/// Asserts that no pip is pinned in any of these.
fn pins_nothing(texts: &[&str]) {
    for text in texts {
        let after = fixed(text);
        assert!(!after.contains("pip==26") && !after.contains("pip==25"), "{text}\nbecame\n{after}");
    }
}

/// Asserts that no variable is added to any of these.
fn sets_nothing(context: &[(&str, &str)], texts: &[&str]) {
    for text in texts {
        assert_eq!(fixed_in(context, text), *text);
    }
}

/// Asserts that neither a link nor a package is added to any of these.
fn adds_nothing(texts: &[&str]) {
    for text in texts {
        let after = fixed(text);
        assert!(!after.contains("ln -sf /usr/bin/python3 /usr/bin/python"), "{text}\nbecame\n{after}");
        assert!(after.matches("python3-distutils").count() <= text.matches("python3-distutils").count(), "{after}");
    }
}

#[test]
fn a_pin_is_written_where_nothing_speaks_against_it() {
    assert!(fixed("FROM python:3.12\nRUN pip install -U pip\n").contains("pip==26.1.2"));
    let context = [("requirements.txt", "flask\n")];
    let text = "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -U pip -r requirements.txt\n";
    assert!(fixed_in(&context, text).contains("-U pip==26.1.2 -r"));
}

#[test]
fn what_an_argument_gives_is_no_more_than_plausible() {
    pins_nothing(&[
        "FROM continuumio/miniconda3:24.1.2-0\nARG V=3.12\nRUN conda create -y -p /e python=$V\nRUN /e/bin/pip install -U pip\n",
        "FROM python:3.12\nARG V=3.12\nRUN python$V -m pip install -U pip\n",
    ]);
}

#[test]
fn a_path_changed_inside_a_run_makes_the_python_unknown() {
    pins_nothing(&[
        "FROM python:3.12\nRUN export PATH=/opt/py38/bin:$PATH && pip install -U pip\n",
        "FROM python:3.12\nRUN PATH=/opt/py38/bin:$PATH pip install -U pip\n",
        "FROM python:3.12\nRUN env PATH=/opt/py38/bin:$PATH pip install -U pip\n",
    ]);
}

#[test]
fn a_path_is_read_by_its_names() {
    pins_nothing(&[
        "FROM python:3.12\nENV PATH_PREFIX=/opt/py38\nENV PATH=$PATH_PREFIX/bin:$PATH\nRUN pip install -U pip\n",
        "FROM python:3.12\nENV V=/opt/a\nENV V=/opt/py38 PATH=$V/bin:$PATH\nRUN pip install -U pip\n",
        "FROM python:3.12\nENV PATH=/opt/venvs/pyspark/bin:$PATH\nRUN pip install -U pip\n",
        "FROM python:3.12\nENV PATH=/home/julia/venv/bin:$PATH\nRUN pip install -U pip\n",
    ]);
    let tools = "FROM python:3.12\nENV PATH=/usr/local/cuda-12.4/bin:$PATH\nRUN pip install -U pip\n";
    assert!(fixed(tools).contains("pip==26.1.2"));
}

#[test]
fn the_pip_of_another_python_may_stand_before() {
    let deadsnakes =
        "FROM ubuntu:22.04\nRUN add-apt-repository ppa:deadsnakes/ppa && apt-get install -y python3-pip python3.8\n";
    pins_nothing(&[
        &format!("{deadsnakes}RUN python3.8 -m pip install -U pip==24.0\nRUN pip3 install -U pip\n"),
        &format!("{deadsnakes}RUN ln -sf /usr/bin/python3.8 /usr/bin/python3\nRUN pip install -U pip\n"),
        &format!(
            "{deadsnakes}RUN update-alternatives --install /usr/bin/python3 python3 /usr/bin/python3.8 2\nRUN pip install -U pip\n"
        ),
    ]);
}

#[test]
fn what_may_bring_a_python_makes_it_unknown() {
    pins_nothing(&[
        "FROM ubuntu:22.04\nRUN apt-get install -y python3-pip\nCOPY --from=python:3.8 /usr/local/bin /usr/local/bin\nRUN pip3 install -U pip\n",
        "FROM ubuntu:22.04\nRUN apt-get install -y python3-pip\nADD py.tar.gz /usr/local/\nRUN pip3 install -U pip\n",
        "FROM ubuntu:22.04\nRUN apt-get install -y python3-pip\nRUN ./install_python.sh 3.8\nRUN pip3 install -U pip\n",
        "FROM python:3.12\nRUN wget https://www.python.org/ftp/python/3.8.1/Python-3.8.1.tgz && make install\nRUN pip install -U pip\n",
    ]);
}

#[test]
fn a_python_of_another_stage_comes_with_the_folder_it_is_in() {
    let copied = "FROM python:3.11-slim AS py\nFROM ubuntu:18.04\nENV PIP_DEFAULT_TIMEOUT=100\nRUN apt-get update && apt-get install -y python3 python3-pip\nCOPY --from=py /usr/local /usr/local\n";
    for text in [format!("{copied}RUN pip3 install --upgrade pip\n"), format!("{copied}RUN python -m foo\n")] {
        assert_eq!(fixed(&text), text);
    }
    let folder = "FROM python:3.10\nCOPY requirements.txt /arrow/python/\nRUN pip install -U pip\n";
    assert!(fixed(folder).contains("pip==26.1.2"));
    let venv = "FROM python:3.11 AS b\nRUN python -m venv /opt/v\nFROM python:3.11\nCOPY --from=b /opt /opt\nRUN /opt/v/bin/pip install -U pip\n";
    assert!(fixed(venv).contains("pip==26.1.2"));
}

#[test]
fn a_variable_does_not_join_a_block_that_a_comment_heads() {
    let text = "FROM python:3.12\n\n# Where the output goes\nENV A=1\nENV B=2\n\nRUN pip install x\n";
    assert!(fixed(text).contains("ENV B=2\n\nENV PIP_DEFAULT_TIMEOUT=100\n\nRUN"), "{}", fixed(text));
    let text = "FROM python:3.12\n\nENV A=1\n\nRUN pip install x\n";
    assert!(fixed(text).contains("ENV A=1\nENV PIP_DEFAULT_TIMEOUT=100\n\nRUN"), "{}", fixed(text));
}

#[test]
fn an_activation_counts_only_where_it_is_certain() {
    pins_nothing(&[
        "FROM python:3.8\nRUN python -m venv /v && . /v/bin/activate && deactivate && pip install -U pip==20.0 && (. /w/bin/activate); pip install -U pip\n",
        "FROM continuumio/miniconda3:24.1.2-0\nSHELL [\"conda\", \"run\", \"-n\", \"e\", \"/bin/bash\", \"-c\"]\nRUN conda install -y python=3.8\nRUN pip install -U pip\n",
        "FROM python:3.12\nENV BASH_ENV=/root/.bashrc\nRUN pip install -U pip\n",
    ]);
}

#[test]
fn a_pip_that_is_told_where_to_install_is_not_pinned() {
    pins_nothing(&[
        "FROM python:3.12\nRUN pip --python /opt/py38/bin/python install -U pip\n",
        "FROM python:3.12\nENV PIP_PYTHON=/opt/py38/bin/python\nRUN pip install -U pip\n",
        "FROM python:3.12\nRUN sudo pip install -U pip\n",
        "FROM python:3.12\nRUN pip install -U pip --target /x --python-version 3.8 --only-binary=:all:\n",
        "FROM python:3.12\nRUN virtualenv -p 3.8 /opt/v && /opt/v/bin/pip install -U pip\n",
        "FROM python:3.12\nRUN pip2 install -U pip\n",
    ]);
}

#[test]
fn a_shell_variable_stands_before_that_of_env() {
    pins_nothing(&[
        "FROM python:3.12\nENV V=312\nRUN python -m venv /opt/py312 && for V in 38 312; do /opt/py$V/bin/pip install -U pip; done\n",
    ]);
}

#[test]
fn a_pin_that_another_source_contradicts_is_not_written() {
    let context = [("requirements.txt", "pip==23.3.2\nflask\n")];
    let text = "FROM python:3.12\nENV PIP_DEFAULT_TIMEOUT=100\nCOPY requirements.txt .\nRUN pip install -U pip -r requirements.txt\n";
    assert_eq!(fixed_in(&context, text), text);
    pins_nothing(&[
        "FROM python:3.12\nRUN pip install -U pip \"pip<24\"\n",
        "FROM python:3.12\nRUN pip install -U pip -r unseen.txt\n",
        "FROM python:3.12\nENV PIP_CONSTRAINT=/c.txt\nRUN pip install -U pip\n",
        "FROM python:3.12\nRUN pip install --index-url https://example.com/simple -U pip\n",
        "FROM python:3.12\nRUN pip install --upgrade pip>=23\n",
    ]);
}

#[test]
fn windows_is_not_read_as_linux() {
    pins_nothing(&["FROM --platform=windows/amd64 python:3.12\nRUN pip install -U pip\n"]);
}

#[test]
fn set_e_still_sees_that_the_installation_failed() {
    let text = "FROM debian:12\nRUN set -e; apt-get install -y python3; if true; then echo x; fi\n";
    let after = fixed(text);
    assert!(after.contains("python3-distutils; ln -sf /usr/bin/python3 /usr/bin/python; if true"), "{after}");
    let asked = "FROM debian:12\nRUN apt-get install -y python3; rc=$?; echo done; exit $rc\n";
    assert!(!fixed(asked).contains("ln -sf"));
    let replaced = "FROM debian:12\nRUN exec apt-get install -y python3\n";
    assert!(!fixed(replaced).contains("ln -sf"));
}

#[test]
fn other_package_sources_make_the_release_unknown() {
    adds_nothing(&[
        "FROM debian:12\nRUN sed -i s/bookworm/trixie/ /etc/apt/sources.list && apt-get update && apt-get install -y python3\n",
        "FROM debian:12\nCOPY sources.list /etc/apt/sources.list\nRUN apt-get install -y python3\n",
        "FROM debian:12\nRUN apt-get install -y -t bookworm-backports python3\n",
        "FROM debian:12\nRUN apt-get install -y python3/bookworm-backports\n",
    ]);
    let mirror = "FROM debian:12\nRUN sed -i s/deb.example.com/mirror.example.com/ /etc/apt/sources.list && apt-get install -y python3\n";
    assert!(fixed(mirror).contains("python3-distutils"));
}

#[test]
fn a_python_that_is_copied_in_is_not_replaced() {
    adds_nothing(&[
        "FROM debian:12\nCOPY python /usr/bin/python\nRUN apt-get install -y python3 python3-venv\nRUN python x.py\n",
        "FROM debian:12\nCOPY wrapper.sh /usr/local/bin/python\nRUN apt-get install -y python3 python3-venv\nRUN python x.py\n",
        "FROM debian:12\nWORKDIR /usr/bin\nCOPY python .\nRUN apt-get install -y python3 python3-venv\nRUN python x.py\n",
        "FROM debian:12\nADD root.tar.gz /\nRUN apt-get install -y python3 python3-venv\nRUN python x.py\n",
        "FROM debian:12\nRUN curl https://example.com/x|sh\nRUN apt-get install -y python3 python3-venv\nRUN python x.py\n",
    ]);
}

#[test]
fn a_link_that_a_later_stage_makes_itself_is_not_made_before() {
    adds_nothing(&[
        "FROM debian:12 AS a\nRUN apt-get install -y python3 python3-venv\nFROM a AS b\nRUN python x.py\nFROM a AS c\nRUN ln -s /usr/bin/python3 /usr/bin/python\n",
        "FROM debian:12 AS a\nRUN apt-get install -y python3-pip\nFROM a AS b\nRUN python x.py\nFROM a AS c\nRUN ln -s /usr/bin/python3 /usr/bin/python\n",
    ]);
}

#[test]
fn a_command_in_a_quoted_text_is_not_joined_from_outside() {
    adds_nothing(&[
        "FROM debian:12\nUSER app\nRUN bash -e -c \"sudo apt-get install -y python3 python3-venv\"\nRUN python x.py\n",
    ]);
}

#[test]
fn a_configuration_that_sets_a_timeout_is_not_overridden() {
    let context = [
        ("pip.conf", "[global]\ntimeout = 600\n"),
        ("etc/pip.conf", "[global]\ntimeout = 600\n"),
        ("home/.config/pip/pip.conf", "[global]\ntimeout = 600\n"),
    ];
    sets_nothing(
        &context,
        &[
            "FROM python:3.12\nCOPY pip.conf /etc/pip.conf\nRUN pip install x\n",
            "FROM python:3.12\nCOPY etc /etc\nRUN pip install x\n",
            "FROM python:3.12\nCOPY home/ /root/\nRUN pip install x\n",
            "FROM python:3.12\nENV PIP_CONFIG_FILE=/x\nRUN pip install x\n",
            "FROM python:3.12\nRUN cp /x /etc/pip.conf && pip install x\n",
            "FROM python:3.12\nRUN (echo '[global]'; echo 'timeout=600') > /etc/pip.conf\nRUN pip install x\n",
            "FROM python:3.12\nRUN --mount=target=/etc/pip.conf,type=secret,id=p pip install x\n",
            "FROM python:3.12\nRUN --network=none pip install x\n",
        ],
    );
    let plain = [("pip.conf", "[global]\nindex-url = https://example.com/simple\n")];
    let text = "FROM python:3.12\nCOPY pip.conf /etc/pip.conf\nRUN pip install x\n";
    assert!(fixed_in(&plain, text).contains("PIP_DEFAULT_TIMEOUT"));
}

#[test]
fn the_environment_of_a_file_that_was_changed_or_replaced_is_not_known() {
    let context = [("e.yml", "dependencies: [python=3.12, pip=24.0]\n"), ("sub/e.yml", "dependencies: [python=3.8]\n")];
    let base = "FROM continuumio/miniconda3:24.1.2-0\nENV PIP_DEFAULT_TIMEOUT=100 CONDA_REMOTE_READ_TIMEOUT_SECS=120\n";
    let run = "RUN conda env create -p /e -f e.yml\nRUN /e/bin/pip install -U pip\n";
    let known = format!("{base}COPY e.yml .\n{run}");
    assert!(fixed_in(&context, &known).contains("pip==26.1.2"));
    for before in ["COPY e.yml .\nRUN sed -i s/3.12/3.8/ e.yml\n", "COPY e.yml .\nCOPY --from=x /e.yml .\n"] {
        let text = format!("{base}{before}{run}");
        assert_eq!(fixed_in(&context, &text), text);
    }
    let moved = format!(
        "{base}WORKDIR /app\nCOPY . /app\nRUN cd sub && conda env create -p /e -f e.yml\nRUN /e/bin/pip install -U pip\n"
    );
    assert_eq!(fixed_in(&context, &moved), moved);
}

#[test]
fn a_fix_that_makes_room_for_another_is_applied_with_it() {
    let text = "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y python3 && python setup.py install\n";
    let after = fixed(text);
    assert!(
        after.contains("python3 python3-distutils && ln -sf /usr/bin/python3 /usr/bin/python && python setup.py"),
        "{after}"
    );
    assert_eq!(fixed(&after), after);
}

#[test]
fn who_may_install_packages_makes_the_link() {
    for sudo in ["sudo", "sudo -E", "gosu root"] {
        let text = format!(
            "FROM ubuntu:22.04\nUSER app\nRUN {sudo} apt-get install -y python3 python3-setuptools\nRUN python x.py\n"
        );
        let link = format!(" && {sudo} ln -sf /usr/bin/python3 /usr/bin/python\n");
        assert!(fixed(&text).contains(&link), "{}", fixed(&text));
    }
}

#[test]
fn an_option_behind_a_script_is_the_scripts_own() {
    let text =
        "FROM python:3.12\nENV PIP_DEFAULT_TIMEOUT=100\nRUN [\"bash\", \"x.sh\", \"-c\", \"pip install -U pip\"]\n";
    assert_eq!(fixed(text), text);
    let own = "FROM python:3.12\nENV PIP_DEFAULT_TIMEOUT=100\nRUN [\"bash\", \"-c\", \"pip install -U pip\"]\n";
    assert!(fixed(own).contains("-U pip==26.1.2\""));
}

#[test]
fn a_patch_with_a_name_that_is_none_is_refused() {
    let patch = |ensure: &str| {
        format!(
            "id: x\ntitle: t\ndocument: {{section: s, says: s}}\nvalues: {{retries: 10}}\ncases:\n  - suspect: [{{hardening: h, \
             stage: {{downloads-with: [pip]}}}}]\n    remedy: [{{safety: safe, ensure: [{ensure}]}}]\n"
        )
    };
    let variable = |name: &str, value: &str| {
        patch(&format!("{{environment: [{{name: \"{name}\", value: \"{value}\", read-by: pip}}]}}"))
    };
    let read = |text: &str| envfix::patch::catalogue::read(text);
    assert!(read(&variable("PIP_RETRIES", "{retries}")).is_ok());
    assert!(read(&variable("PIP_RETRIES", "{retry}")).unwrap_err().contains("{retry} is neither"));
    assert!(read(&variable("PIP-RETRIES", "10")).unwrap_err().contains("no name of a variable"));
    assert!(read(&variable("PIP_RETRIES", "1 0")).unwrap_err().contains("no plain value"));
    assert!(read(&patch("{pin-listed-pip: \"22.0\"}")).unwrap_err().contains("no spec of pip"));
}
