//! What holds of every file, tried on some thousand that a seeded generator puts together from building blocks: no
//! panic; a second run changes nothing; bytes outside the edits stay; a diff is there exactly when something changes.
//!
//! A failure names its seed: `ENVFIX_SEED=1234 cargo test --test idempotence` runs that one alone and prints it.

use std::fmt::Write;
use std::sync::OnceLock;

use envfix::{BuildContext, Catalogue, Decision, Edit, Policy, Project, Settings, Source, Verified, Withheld, output};

/// Files of each kind.
const FILES: u64 = 2_000;

// ---- the generator

/// SplitMix64: small, seeded, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

const BASES: [&str; 24] = [
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
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260301.v1",
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:20221010.v1",
    "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
    "alpine:3.19",
    "${BASE}",
    "${BASE:-ubuntu:22.04}",
    "scratch",
];

const APT: [&str; 14] = [
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
];

const COMMANDS: [&str; 44] = [
    "pip install flask",
    "pip install -U pip",
    "pip3 install --upgrade pip setuptools wheel",
    "python -m pip install -U 'pip'",
    "python3 -m pip install --upgrade \"pip\"",
    "pip install --no-cache-dir -r requirements.txt",
    "pip install pip==23.0",
    "pip install 'pip>=20'",
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
    "curl -O https://bootstrap.pypa.io/get-pip.py && python3 get-pip.py",
    "ln -s /usr/bin/python3 /usr/bin/python",
    "ln -sf /usr/bin/python3 /usr/local/bin/python",
    "update-alternatives --install /usr/bin/python python /usr/bin/python3 1",
    "rm -rf /var/lib/apt/lists/*",
    "apt-get clean",
    "python3 -m venv /venv",
    ". /venv/bin/activate",
    "set -eux",
    "echo \"a && b\"",
    "if [ -f x ]; then pip install -U pip; fi",
    "(pip install -U pip)",
    "pip install -U pip || true",
    "pip list | grep pip",
    "for p in flask django; do pip install $p; done",
    "pip config set global.timeout 60",
    "sudo pip install -U pip",
    "bash -c 'pip install -U pip'",
    "export PIP_DEFAULT_TIMEOUT=10",
    "PIP_DEFAULT_TIMEOUT=20 pip install -U pip",
    "uv pip install flask",
    "apt-get install -y python3-pip",
    "add-apt-repository ppa:deadsnakes/ppa",
    "useradd -m me",
];

const OTHERS: [&str; 26] = [
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
    "COPY --from=0 /a /b",
    "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]",
    "SHELL [\"powershell\", \"-Command\"]",
    "RUN [\"pip\", \"install\", \"-U\", \"pip\"]",
    "ONBUILD RUN pip install -U pip",
    "CMD [\"python\", \"train.py\"]",
    "LABEL a=\"pip install -U pip\"",
    "ENTRYPOINT python train.py",
];

fn dockerfile(dice: &mut Dice) -> String {
    let mut out = String::new();
    let escape = if dice.one_in(15) { '`' } else { '\\' };
    if escape == '`' {
        out.push_str("# escape=`\n");
    } else if dice.one_in(5) {
        out.push_str("# syntax=docker/dockerfile:1\n");
    }
    if dice.one_in(3) {
        out.push_str("ARG BASE\n");
    } else if dice.one_in(4) {
        out.push_str("ARG BASE=python:3.11\n");
    }
    let stages = 1 + dice.roll(10) / 5 + dice.roll(8) / 6;
    for stage in 0..stages {
        let keyword = dice.pick(&["FROM", "FROM", "FROM", "from", "FROM --platform=linux/amd64"]);
        let parent = format!("s{}", dice.roll(stage.max(1)));
        let base = if stage > 0 && dice.one_in(2) { parent.as_str() } else { BASES[dice.roll(BASES.len())] };
        let _ = writeln!(
            out,
            "{keyword} {base}{}",
            if stage + 1 < stages || dice.one_in(3) { format!(" AS s{stage}") } else { String::new() }
        );
        for _ in 0..1 + dice.roll(7) {
            between(dice, &mut out);
            match dice.roll(10) {
                0..3 => {
                    out.push_str(dice.pick(&OTHERS));
                    out.push('\n');
                }
                3..6 => apt(dice, &mut out, escape),
                6 => heredoc(dice, &mut out),
                _ => run(dice, &mut out, escape),
            }
        }
    }
    dressed(dice, out)
}

/// Blank lines and comments between instructions.
fn between(dice: &mut Dice, out: &mut String) {
    for _ in 0..dice.roll(3) {
        let _ = writeln!(
            out,
            "{}",
            dice.pick(&[
                "",
                "",
                "  ",
                "# tools",
                "  # indented",
                "#",
                "# envfix: skip=timeouts",
                "# envfix: skip=pip-pin,nothing here",
                "# apt-get install \\"
            ])
        );
    }
    if dice.one_in(12) {
        out.push_str(dice.pick(&["  ", "\t"]));
    }
}

fn joined(dice: &mut Dice, out: &mut String, escape: char, words: &[&str]) {
    let style = dice.roll(4);
    let indent = dice.pick(&["    ", "  ", "\t", "        ", ""]);
    for (number, word) in words.iter().enumerate() {
        match style {
            _ if number == 0 => {}
            0 | 1 => out.push(' '),
            2 => {
                let _ = write!(out, " {escape}\n{indent}");
            }
            _ if dice.one_in(3) => {
                let _ =
                    write!(out, "  {escape}{}\n{}{indent}", dice.pick(&["", " "]), dice.pick(&["", "# why\n", "\n"]));
            }
            _ => out.push(' '),
        }
        out.push_str(word);
    }
}

fn apt(dice: &mut Dice, out: &mut String, escape: char) {
    out.push_str(dice.pick(&["RUN ", "RUN ", "run ", "RUN --mount=type=cache,target=/var/cache/apt ", "RUN\t"]));
    let mut words = vec![dice.pick(&[
        "apt-get update &&",
        "apt-get update -qq &&",
        "apt update;",
        "set -e; apt-get update;",
        "DEBIAN_FRONTEND=noninteractive",
    ])];
    words.push(dice.pick(&[
        "apt-get install -y",
        "apt-get install -y --no-install-recommends",
        "apt-get -y install",
        "sudo apt-get install -yq",
    ]));
    for _ in 0..1 + dice.roll(5) {
        words.push(APT[dice.roll(APT.len())]);
    }
    if dice.one_in(2) {
        words.push(dice.pick(&[
            "&& rm -rf /var/lib/apt/lists/*",
            "; apt-get clean",
            "&& pip3 install -U pip",
            "&& ln -s /usr/bin/python3 /usr/bin/python",
            "|| true",
            "&& python setup.py install && apt-get clean",
        ]));
    }
    joined(dice, out, escape, &words);
    out.push('\n');
}

fn run(dice: &mut Dice, out: &mut String, escape: char) {
    out.push_str(dice.pick(&["RUN ", "RUN ", "RUN   ", "Run ", "RUN --network=host "]));
    let operator = dice.pick(&["&&", "&&", ";", "||", "|"]);
    let count = 1 + dice.roll(4);
    let mut words = Vec::new();
    for number in 0..count {
        if number > 0 {
            words.push(operator);
        }
        words.extend(COMMANDS[dice.roll(COMMANDS.len())].split_inclusive(' ').map(str::trim_end));
    }
    // Words of one quoted text must not be parted by a continuation.
    let text = words.join(" ");
    let parts: Vec<&str> = if text.contains(['\'', '"', '`', '\\']) { vec![&text] } else { text.split(' ').collect() };
    joined(dice, out, escape, &parts);
    out.push('\n');
}

fn heredoc(dice: &mut Dice, out: &mut String) {
    let (opener, end) =
        [("<<END", "END"), ("<<'EOF'", "EOF"), ("<<-EOT", "\tEOT"), ("<<\"A B\"", "A B"), ("bash <<E1", "E1")]
            [dice.roll(5)];
    let _ = writeln!(out, "{} {opener}", dice.pick(&["RUN", "run", "RUN --mount=type=cache,target=/root/.cache"]));
    for _ in 0..dice.roll(4) {
        let _ = writeln!(out, "{}", COMMANDS[dice.roll(COMMANDS.len())]);
    }
    let _ = writeln!(out, "{end}");
}

/// Newlines, byte order mark and the end, as files in the wild have them.
fn dressed(dice: &mut Dice, mut text: String) -> String {
    if dice.one_in(6) {
        text.truncate(text.trim_end_matches('\n').len());
    } else if dice.one_in(8) {
        text.push_str("\n\n");
    }
    if dice.one_in(4) {
        text = text.replace('\n', "\r\n");
    }
    if dice.one_in(10) {
        text.insert(0, '\u{feff}');
    }
    text
}

fn conda(dice: &mut Dice) -> String {
    let mut out = String::new();
    out.push_str(dice.pick(&["", "", "---\n", "# ours\n\n", "%YAML 1.2\n---\n"]));
    out.push_str(dice.pick(&["name: x\n", "name: \"x\" # the name\n", ""]));
    out.push_str(dice.pick(&[
        "channels: [conda-forge]\n",
        "channels:\n  - conda-forge\n  - defaults\n",
        "channels:\n- anaconda\n- conda-forge\n",
        "channels: [defaults]\n",
        "channels: [pytorch, nvidia, conda-forge]\n",
        "",
    ]));
    const ITEMS: [&str; 20] = [
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
    ];
    const FROM_PYPI: [&str; 6] = [
        "flask",
        "azureml-defaults==1.57.0",
        "-r requirements.txt",
        "'torch>=2'",
        "--extra-index-url https://example.com/simple",
        "pip",
    ];
    if dice.one_in(5) {
        let items: Vec<&str> =
            (0..dice.roll(5)).map(|_| ITEMS[dice.roll(ITEMS.len())].split(" #").next().unwrap_or_default()).collect();
        let map = dice.pick(&["", "{pip: [flask]}", "pip: [flask, torch]", "{\"pip\": [\"flask\"]}"]);
        let all: Vec<&str> = items.into_iter().chain([map]).filter(|item| !item.is_empty()).collect();
        let open = dice.pick(&["[", "[ ", "[\n  "]);
        let _ = writeln!(
            out,
            "dependencies: {open}{}{}",
            all.join(dice.pick(&[", ", ",", ",\n  "])),
            dice.pick(&["]", " ]", "\n]", ",]"])
        );
        return dressed(dice, out);
    }
    out.push_str("dependencies:\n");
    let indent = dice.pick(&["  ", "", "    ", " "]);
    let dash = dice.pick(&["- ", "-   "]);
    for _ in 0..1 + dice.roll(5) {
        let _ = write!(out, "{}", dice.pick(&["", "", "", "\n", "  # comment\n", "# envfix: skip=conda-pip\n"]));
        let _ = writeln!(out, "{indent}{dash}{}", ITEMS[dice.roll(ITEMS.len())]);
    }
    if !dice.one_in(3) {
        let _ = writeln!(out, "{indent}{dash}{}", dice.pick(&["pip:", "pip: # from PyPI", "'pip':"]));
        for _ in 0..1 + dice.roll(3) {
            let _ =
                writeln!(out, "{indent}{}  - {}", " ".repeat(dash.len() - 2), FROM_PYPI[dice.roll(FROM_PYPI.len())]);
        }
    }
    if dice.one_in(4) {
        let _ = writeln!(out, "{indent}{dash}{}", ITEMS[dice.roll(ITEMS.len())]);
    }
    out.push_str(dice.pick(&["", "", "variables:\n  A: b\n", "prefix: /opt\n", "...\n"]));
    dressed(dice, out)
}

// ---- what holds

fn open(name: &str, text: &str) -> Option<Project> {
    Project::of_text(Source::from_text(name, text), BuildContext::None, Settings::default()).ok()
}

fn check(project: &Project, catalogue: &Catalogue, policy: &Policy) -> Verified {
    let plan = envfix::plan(project, envfix::find(project, catalogue), policy);
    envfix::verify(project, catalogue, policy, plan)
}

/// Takes the edits out of the text after and puts back what stood there: nothing else may differ. Insertions at one
/// place may stand in any order.
fn only_edits_differ(before: &str, after: &str, edits: &[&Edit]) -> Result<(), String> {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut from, mut to, mut rest) = (0, 0, &edits[..]);
    while let Some(first) = rest.first() {
        let kept = &before[from..first.span.start];
        if after.get(to..to + kept.len()) != Some(kept) {
            return Err(format!("{kept:?} before {first:?} changed"));
        }
        to += kept.len();
        let together = rest.iter().take_while(|edit| edit.span == first.span).count();
        let (group, others) = rest.split_at(together);
        let mut wanted: Vec<&str> = group.iter().map(|edit| edit.replacement.as_str()).collect();
        while !wanted.is_empty() {
            let next = wanted.iter().position(|text| after[to..].starts_with(text));
            let Some(next) = next else { return Err(format!("{wanted:?} is not written at {}", first.span.start)) };
            to += wanted.remove(next).len();
        }
        (from, rest) = (first.span.end, others);
    }
    if after.get(to..) == Some(&before[from..]) {
        Ok(())
    } else {
        Err(format!("{:?} at the end changed", &before[from..]))
    }
}

/// What came of all files of a kind.
#[derive(Default)]
struct Tally {
    parsed: u64,
    changed: u64,
    /// What does not hold, with its seed.
    failures: Vec<String>,
    /// Fixes that their own proof held back.
    held_back: Vec<String>,
}

fn holds(name: &str, text: &str, catalogue: &Catalogue, policy: &Policy, tally: &mut Tally) -> Result<(), String> {
    let Some(project) = open(name, text) else { return Ok(()) };
    tally.parsed += 1;
    let verified = check(&project, catalogue, policy);
    for (finding, decision) in verified.plan().findings.iter().zip(&verified.plan().decisions) {
        if let Decision::Withhold(reason @ (Withheld::Unverified { .. } | Withheld::Unstable)) = decision {
            tally.held_back.push(format!("{}: {}: {reason}", finding.patch, finding.message));
        }
    }
    let diff = output::diffs(&project, &verified);
    let decided = verified.plan().findings.iter().zip(&verified.plan().decisions);
    let edits: Vec<&Edit> = decided
        .filter(|(_, decision)| **decision == Decision::Apply)
        .filter_map(|(finding, _)| finding.fix())
        .flat_map(|fix| &fix.edits)
        .collect();
    let Some(after) = verified.after(0) else {
        let nothing = diff.is_empty() && edits.is_empty();
        return if nothing { Ok(()) } else { Err(format!("nothing changes, but there is a diff or an edit:\n{diff}")) };
    };
    tally.changed += 1;
    let after = after.text();
    if diff.is_empty() || after == text {
        return Err("it changes, but there is no diff".to_owned());
    }
    only_edits_differ(text, after, &edits)?;
    if text.ends_with('\n') != after.ends_with('\n') || text.starts_with('\u{feff}') != after.starts_with('\u{feff}') {
        return Err(format!("its end or its byte order mark changed:\n{diff}"));
    }
    if !text.replace("\r\n", "").contains('\n') && text.contains('\n') && after.replace("\r\n", "").contains('\n') {
        return Err(format!("a file of CRLF got an LF:\n{diff}"));
    }
    let Some(again) = open(name, after) else { return Err(format!("it cannot be parsed any more:\n{diff}")) };
    let second = output::diffs(&again, &check(&again, catalogue, policy));
    if second.is_empty() { Ok(()) } else { Err(format!("a second run changes it again:\n{second}after\n{diff}")) }
}

/// Says which seed it was when something panics.
struct Seed<'a>(u64, &'a str);

impl Drop for Seed<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}:\n{}", self.0, self.1);
        }
    }
}

/// Tries every seed once, or the one that is named.
fn every(name: &str, generate: fn(&mut Dice) -> String) -> Tally {
    let catalogue = Catalogue::builtin();
    let only: Option<u64> = std::env::var("ENVFIX_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut tally = Tally::default();
    for seed in only.map_or(0..FILES, |seed| seed..seed + 1) {
        let text = generate(&mut Dice(seed));
        let guard = Seed(seed, &text);
        for allow_unsafe in [false, true] {
            let policy = Policy { allow_unsafe, ..Policy::default() };
            let met = tally.held_back.len();
            if let Err(message) = holds(name, &text, &catalogue, &policy, &mut tally) {
                tally.failures.push(format!("seed {seed}, unsafe {allow_unsafe}: {message}"));
            }
            for reason in &mut tally.held_back[met..] {
                *reason = format!("seed {seed}, unsafe {allow_unsafe}: {reason}");
            }
        }
        drop(guard);
        if only.is_some() {
            println!("{text}");
        }
    }
    // A generator whose files never parse or never change would prove nothing.
    let worth = only.is_some() || (tally.parsed > FILES && tally.changed > FILES / 4);
    assert!(worth, "{} parsed, {} changed", tally.parsed, tally.changed);
    tally
}

fn dockerfiles() -> &'static Tally {
    static TALLY: OnceLock<Tally> = OnceLock::new();
    TALLY.get_or_init(|| every("Dockerfile", dockerfile))
}

fn conda_environments() -> &'static Tally {
    static TALLY: OnceLock<Tally> = OnceLock::new();
    TALLY.get_or_init(|| every("environment.yml", conda))
}

#[track_caller]
fn none(list: &[String]) {
    assert!(list.is_empty(), "{} of {} runs:\n{}", list.len(), 2 * FILES, list[..list.len().min(20)].join("\n"));
}

#[test]
fn dockerfiles_are_changed_by_edits_alone_and_once() {
    none(&dockerfiles().failures);
}

#[test]
fn conda_environments_are_changed_by_edits_alone_and_once() {
    none(&conda_environments().failures);
}

#[test]
fn no_fix_of_a_dockerfile_is_held_back_by_its_own_proof() {
    none(&dockerfiles().held_back);
}

#[test]
fn no_fix_of_a_conda_environment_is_held_back_by_its_own_proof() {
    none(&conda_environments().held_back);
}

#[test]
fn two_diagnoses_of_one_text_are_the_same() {
    let catalogue = Catalogue::builtin();
    for seed in 0..200 {
        let text = dockerfile(&mut Dice(seed));
        let said = || {
            let project = open("Dockerfile", &text)?;
            let verified = check(&project, &catalogue, &Policy::default());
            Some(serde_json::to_string(&output::json::report(&project, &verified)).unwrap())
        };
        assert_eq!(said(), said(), "seed {seed}");
    }
}

#[test]
fn the_check_of_these_tests_sees_a_byte_that_changed_outside_an_edit() {
    let edits = [Edit::insert(2, "XX"), Edit::replace(envfix::Span::new(3, 4), "")];
    let edits: Vec<&Edit> = edits.iter().collect();
    assert_eq!(only_edits_differ("abcdef", "abXXcef", &edits), Ok(()));
    for wrong in ["AbXXcef", "abXXcEf", "abXXce", "abXXceff", "abXYcef", "abcef", "abXXcdef"] {
        assert!(only_edits_differ("abcdef", wrong, &edits).is_err(), "{wrong}");
    }
}
