//! Puts files together from pieces: random bytes seldom reach a patch. Every choice takes bytes of the fuzzer's input,
//! so a small change of the input is a small change of the file.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use envfix::patch::file::Example;
use envfix::{Source, dockerfile};

use crate::catalogue;

/// Choices made by the fuzzer's input. When that is used up every choice is the first.
pub struct Choices<'a, 'b>(pub &'a mut Unstructured<'b>);

impl Choices<'_, '_> {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0.int_in_range(0..=sides.max(1) - 1).unwrap_or(0)
    }

    /// True once in `sides` times; false when the input is used up.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == sides - 1
    }

    /// One of a list.
    pub fn pick<'c>(&mut self, list: &'c [impl AsRef<str>]) -> &'c str {
        list[self.roll(list.len())].as_ref()
    }
}

const BASES: [&str; 32] = [
    "python:3.10-slim",
    "python:3.8",
    "python:3.12-bookworm",
    "python:3",
    "python:latest",
    "python:2.7",
    "ubuntu:22.04",
    "ubuntu:20.04",
    "ubuntu:18.04",
    "ubuntu:24.04",
    "ubuntu:latest",
    "debian:12",
    "debian:bookworm-slim",
    "debian:10",
    "debian:13",
    "continuumio/miniconda3:24.1.2-0",
    "condaforge/mambaforge:latest",
    "alpine:3.19",
    "${BASE}",
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260301.v1",
    "${BASE:-ubuntu:22.04}",
    "scratch",
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:20221010.v1",
    "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
    "mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04",
    "mcr.microsoft.com/azureml/base:latest",
    "$BASE",
    "{{base}}",
    "rocker/r-ver:4.2",
    "mcr.microsoft.com/windows/servercore:ltsc2022",
    "python@sha256:0",
    "s0",
];

const WORDS: [&str; 64] = [
    "python3",
    "python3-pip",
    "python3-venv",
    "python3-dev",
    "python3-distutils",
    "python-is-python3",
    "curl",
    "git",
    "build-essential",
    "software-properties-common",
    "python3.9",
    "$PACKAGES",
    "ca-certificates=2023*",
    "libgl1",
    "flask",
    "-U",
    "pip",
    "--upgrade",
    "'pip'",
    "\"pip\"",
    "pip==23.0",
    "'pip>=20'",
    "pip<24",
    "numpy>=1.2",
    "pkg<1.2",
    "pkg>1.2",
    "\"a b\"",
    "'a b'",
    "a\\ b",
    "$(cat x)",
    "`cat x`",
    "${A:-b}",
    "$A",
    "*",
    "~",
    "{a,b}",
    "-y",
    "-r",
    "requirements.txt",
    "-f",
    "environment.yml",
    "--timeout",
    "30",
    "--retries=2",
    "--no-cache-dir",
    "-c",
    "conda-forge",
    "python=3.9",
    "-n",
    "x",
    "2>&1",
    ">/dev/null",
    "<in",
    "|&",
    "#",
    "# why",
    "--index-url",
    "https://u:p@h/simple",
    "setuptools",
    "wheel",
    "é",
    "\u{a0}",
    "=",
    "--break-system-packages",
];

const COMMANDS: [&str; 56] = [
    "pip install flask",
    "pip install -U pip",
    "pip3 install --upgrade pip setuptools wheel",
    "python -m pip install -U 'pip'",
    "python3 -m pip install --upgrade \"pip\"",
    "pip install --no-cache-dir -r requirements.txt",
    "pip install pip==23.0",
    "pip install --timeout 30 flask",
    "pip --default-timeout=60 install flask",
    "conda install -y pip",
    "conda install -y -c conda-forge numpy pip",
    "conda env create -f environment.yml",
    "conda env update -n base -f environment.yml",
    "conda create -n x python=3.9 pip",
    "mamba install -y numpy",
    "python setup.py install",
    "python3 setup.py build",
    "python train.py",
    "curl -sS https://bootstrap.pypa.io/get-pip.py | python3",
    "ln -s /usr/bin/python3 /usr/bin/python",
    "curl -O https://bootstrap.pypa.io/get-pip.py && python3 get-pip.py",
    "rm -rf /var/lib/apt/lists/*",
    "apt-get clean",
    "update-alternatives --install /usr/bin/python python /usr/bin/python3 1",
    "python3 -m venv /venv",
    ". /venv/bin/activate",
    "set -eux",
    "echo \"a && b\"",
    "if [ -f x ]; then pip install -U pip; fi",
    "(pip install -U pip)",
    "{ pip install -U pip; }",
    "for p in flask django; do pip install $p; done",
    "pip config set global.timeout 60",
    "sudo pip install -U pip",
    "bash -c 'pip install -U pip'",
    "export PIP_DEFAULT_TIMEOUT=10",
    "PIP_DEFAULT_TIMEOUT=20 pip install -U pip",
    "uv pip install flask",
    "apt-get update",
    "apt-get install -y python3",
    "apt-get install -y --no-install-recommends python3 curl",
    "apt-get update -qq",
    "apt install python3-pip -y",
    "add-apt-repository ppa:deadsnakes/ppa",
    "useradd -m me",
    "cd /src",
    "while true; do pip install x; done",
    "case a in a) pip install -U pip;; esac",
    "f() { pip install x; }",
    "! pip install x",
    "apt-key adv --recv-keys 0",
    "wget -qO- https://x | apt-key add -",
    "pip install ./torch-1.0-py3-none-any.whl",
    "conda config --set channel_priority strict",
    "pip uninstall -y flask",
    "pip install mpi4py horovod",
];

const OTHERS: [&str; 36] = [
    "ENV PIP_DEFAULT_TIMEOUT=30",
    "ENV PIP_DEFAULT_TIMEOUT 300",
    "ENV CONDA_REMOTE_READ_TIMEOUT_SECS=\"60\" A='b c'",
    "ENV PATH=/venv/bin:$PATH",
    "ENV PATH /opt/conda/bin:$PATH",
    "ENV PIP_BREAK_SYSTEM_PACKAGES=1",
    "ARG PIP_DEFAULT_TIMEOUT=5",
    "ARG PACKAGES",
    "ARG VERSION=3.10",
    "USER root",
    "USER me",
    "USER $NAME",
    "WORKDIR /src",
    "WORKDIR sub",
    "COPY . .",
    "COPY environment.yml requirements.txt ./",
    "COPY environment.yml .",
    "COPY pip.conf /etc/pip.conf",
    "COPY a b # why",
    "COPY --from=0 /a /b",
    "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]",
    "SHELL [\"powershell\", \"-Command\"]",
    "RUN [\"pip\", \"install\", \"-U\", \"pip\"]",
    "ONBUILD RUN pip install -U pip",
    "CMD [\"python\", \"train.py\"]",
    "LABEL a=\"pip install -U pip\"",
    "ENTRYPOINT python train.py",
    "RUN [\"sh\", \"-c\", \"pip install -U pip && apt-get update\"]",
    "RUNpip install flask",
    "EVN A=b",
    "RUN\u{a0}pip install flask",
    "COPY <<E /x\nhello\nE",
    "ENV A=b \\\n    C=d",
    "HEALTHCHECK NONE",
    "MAINTAINER me",
    "ADD https://x /y",
];

/// The instructions of the Dockerfiles that the patches have as examples.
fn instructions() -> &'static [String] {
    static LIST: OnceLock<Vec<String>> = OnceLock::new();
    LIST.get_or_init(|| {
        let mut list = Vec::new();
        for example in
            examples().iter().filter(|example| example.file.as_deref().unwrap_or("Dockerfile") == "Dockerfile")
        {
            let source = Source::from_text("Dockerfile", before(example));
            let Ok(read) = dockerfile::parse(&source) else { continue };
            list.extend(read.instructions.iter().map(|step| source.slice(step.span).to_owned()));
        }
        list.sort_unstable();
        list.dedup();
        list
    })
}

/// The examples of all patches.
pub fn examples() -> &'static [Example] {
    static LIST: OnceLock<Vec<Example>> = OnceLock::new();
    LIST.get_or_init(|| catalogue().patches().iter().flat_map(|patch| catalogue().examples(patch)).collect())
}

/// The text that an example begins with.
pub fn before(example: &Example) -> &str {
    example.before.as_deref().or(example.unchanged.as_deref()).unwrap_or_default()
}

/// A Dockerfile.
pub fn dockerfile(choices: &mut Choices<'_, '_>) -> String {
    let mut out = String::new();
    let escape = if choices.one_in(15) { '`' } else { '\\' };
    if escape == '`' {
        out.push_str("# escape=`\n");
    } else if choices.one_in(6) {
        out.push_str("# syntax=docker/dockerfile:1\n");
    }
    if choices.one_in(4) {
        out.push_str(choices.pick(&["ARG BASE\n", "ARG BASE=python:3.11\n"]));
    }
    for stage in 0..1 + choices.roll(3) {
        let keyword = choices.pick(&["FROM", "FROM", "from", "FROM --platform=linux/amd64"]);
        let base = if stage > 0 && choices.one_in(2) { "s0" } else { choices.pick(&BASES) };
        out.push_str(&format!("{keyword} {base} AS s{stage}\n"));
        for _ in 0..choices.roll(8) {
            between(choices, &mut out);
            match choices.roll(8) {
                0 | 1 => run(choices, &mut out, escape),
                2 => heredoc(choices, &mut out),
                3 => out.push_str(choices.pick(&OTHERS)),
                4 | 5 => out.push_str(choices.pick(instructions())),
                6 => {
                    out.push_str("RUN apt-get update && ");
                    joined(choices, &mut out, escape, "apt-get install -y");
                }
                _ => {
                    out.push_str(choices.pick(&[
                        "RUN ",
                        "run\t",
                        "RUN --mount=type=cache,target=/x ",
                        "ONBUILD RUN ",
                        " RUN ",
                    ]));
                    let command = choices.pick(&COMMANDS).to_owned();
                    joined(choices, &mut out, escape, &command);
                }
            }
            out.push('\n');
        }
    }
    dressed(choices, out)
}

fn between(choices: &mut Choices<'_, '_>, out: &mut String) {
    out.push_str(choices.pick(&[
        "",
        "",
        "",
        "",
        "\n",
        "  \n",
        "# tools\n",
        "  # indented\n",
        "#\n\n",
        "# envfix: skip=timeouts\n",
        "  ",
        "\t",
        "# envfix: skip=pip-pin,nothing here\n",
        "# apt-get install \\\n",
        "\\\n",
        "# a\n# b\n",
    ]));
}

/// A command, further words, and continuations, comments and blank lines among them.
fn joined(choices: &mut Choices<'_, '_>, out: &mut String, escape: char, command: &str) {
    out.push_str(command);
    for _ in 0..choices.roll(7) {
        match choices.roll(8) {
            0..4 => out.push(' '),
            4 => out.push_str(&format!(" {escape}\n    ")),
            5 => out.push_str(&format!(" {escape}\n")),
            6 => out.push_str(&format!("\t{escape} \n# why\n\n  ")),
            _ => out.push_str(&format!("{escape}\n ")),
        }
        if choices.one_in(5) {
            out.push_str(choices.pick(&["&& ", "; ", "|| ", "| ", "& ", "&& \\\n # c\n  ", ";", "&&"]));
            out.push_str(choices.pick(&COMMANDS));
        } else {
            out.push_str(choices.pick(&WORDS));
        }
    }
}

fn run(choices: &mut Choices<'_, '_>, out: &mut String, escape: char) {
    out.push_str(choices.pick(&["RUN ", "RUN   ", "Run ", "RUN --network=host ", "RUN set -e; "]));
    for number in 0..1 + choices.roll(4) {
        if number > 0 {
            out.push_str(
                choices
                    .pick(&[" && ", " && \\\n    ", "; ", " || ", " | ", ";\\\n", " &&\\\n# c\n", " & "])
                    .replace('\\', &escape.to_string())
                    .as_str(),
            );
        }
        out.push_str(choices.pick(&COMMANDS));
    }
}

fn heredoc(choices: &mut Choices<'_, '_>, out: &mut String) {
    let (opener, end) = [
        ("RUN <<END", "END"),
        ("RUN <<'EOF'", "EOF"),
        ("RUN <<-EOT", "\tEOT"),
        ("RUN <<\"A B\"", "A B"),
        ("RUN bash <<E1", "E1"),
        ("RUN --mount=type=cache,target=/x <<E", "E"),
        ("RUN cat <<A <<B", "A\nB"),
        ("RUN << E", "E"),
    ][choices.roll(8)];
    out.push_str(opener);
    out.push('\n');
    for _ in 0..choices.roll(5) {
        out.push_str(choices.pick(&["", "", "  ", "\t", "# c\n"]));
        out.push_str(choices.pick(&COMMANDS));
        out.push_str(choices.pick(&["\n", " &&\n", " \\\n", "\n\n", ";\n"]));
    }
    out.push_str(end);
}

/// Newlines, byte order mark and the end, as files in the wild have them.
pub fn dressed(choices: &mut Choices<'_, '_>, mut text: String) -> String {
    if choices.one_in(6) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if choices.one_in(4) {
        text = text.replace('\n', "\r\n");
    }
    if choices.one_in(10) {
        text.insert(0, '\u{feff}');
    }
    text
}

/// A conda environment.
pub fn conda(choices: &mut Choices<'_, '_>) -> String {
    const ITEMS: [&str; 32] = [
        "python=3.10",
        "python=3.8.13",
        "'python=3.9'",
        "python",
        "python>=3.8",
        "pip",
        "pip=23.0",
        "'pip'",
        "pip>=20",
        "numpy=1.26",
        "conda-forge::pip",
        "\"pandas\"",
        "scikit-learn",
        "pip # why",
        "python=3.7 # old",
        "pytorch::pytorch=2.1",
        "python 3.10.*",
        "cudatoolkit=11.8",
        "python=3.11",
        "pip ==24.0",
        "pip:\n    - flask",
        "pip: [flask, 'a>1']",
        "python==2.7",
        "pip:\n    - -r requirements.txt\n    - azureml-defaults=1.0",
        "",
        "null",
        "3",
        "[a]",
        "{a: b}",
        "*a",
        "&a pip",
        "!t pip",
    ];
    let mut out = choices
        .pick(&["", "", "---\n", "# ours\n\n", "%YAML 1.2\n---\n", "name: x\n", "name: \"x\" # the name\n"])
        .to_owned();
    out.push_str(choices.pick(&[
        "channels: [conda-forge]\n",
        "channels:\n  - conda-forge\n  - defaults\n",
        "channels:\n- anaconda\n",
        "",
        "channels:\n",
        "channels: [pytorch, nvidia, conda-forge]\n",
    ]));
    if choices.one_in(5) {
        let items: Vec<&str> = (0..choices.roll(6))
            .map(|_| choices.pick(&ITEMS[..20]))
            .map(|it| it.split(" #").next().unwrap_or(it))
            .collect();
        let map = choices.pick(&["", ", {pip: [flask]}", ", pip: [flask, torch]", ", {\"pip\": [\"flask\"]}", ","]);
        out.push_str(&format!(
            "dependencies: {}{map}{}\n",
            choices.pick(&["[", "[ ", "[\n  "]).to_owned() + &items.join(", "),
            choices.pick(&["]", " ]", "\n]"])
        ));
        return dressed(choices, out);
    }
    out.push_str(choices.pick(&[
        "dependencies:\n",
        "dependencies: # all\n",
        "\"dependencies\":\n",
        "dependencies: &a\n",
    ]));
    let indent = choices.pick(&["  ", "", "    ", " "]).to_owned();
    let dash = choices.pick(&["- ", "-   ", "-\t", "-\n   "]).to_owned();
    for _ in 0..choices.roll(8) {
        out.push_str(choices.pick(&["", "", "", "\n", "  # comment\n", "# envfix: skip=conda-pip\n"]));
        out.push_str(&format!("{indent}{dash}{}\n", choices.pick(&ITEMS).replace('\n', &format!("\n{indent}"))));
    }
    out.push_str(choices.pick(&["", "", "variables:\n  A: b\n", "prefix: /opt\n", "...\n"]));
    dressed(choices, out)
}
