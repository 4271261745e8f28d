#!/usr/bin/env python3
"""Gives envfix what it must refuse, or must take without harm, and checks what it says and what is left on the disk.

    bad_input.py ENVFIX [--case NAME]... [--big]

Each case has a folder of its own. Every run is checked for a panic and for an end, and for each case all files must be,
byte for byte and with their mode, what the case says; nothing may be left beside them. The exit code is 1 when a case
fails. Cases that this machine cannot make (no immutable files, no mounts) are skipped with a word. `--big` adds files
of 100 MB.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

# A guard against hanging, not a measure of speed; and against taking the machine down with it.
HANG = 300
MEMORY = 4 << 30

GOOD = b"FROM python:3.10-slim\nRUN pip install flask\n"
FIXED = b"FROM python:3.10-slim\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install flask\n"
YAML = b"name: x\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.10\n  - pip:\n    - flask\n"

CASES = {}


def case(function):
    CASES[function.__name__.replace("_", " ")] = function
    return function


class Skipped(Exception):
    """This machine cannot make the case."""


class Run:
    """A finished run."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.seconds = code, out, seconds
        self.err = err.decode("utf-8", "replace")

    def __repr__(self):
        return f"exit code {self.code}\nstdout: {self.out[:600]!r}\nstderr: {self.err[:1500]}"


class Folder:
    """A case's folder, and what must be in it when the case ends."""

    def __init__(self, envfix, path):
        self.envfix, self.path = envfix, path
        self.expected = {}

    def write(self, name, data, mode=0o644, after=None):
        """Makes a file. It must be `after` in the end, or as it is made here; its mode must stay."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        self.expected[name] = (data if after is None else after, mode)
        return name

    def good(self, name="good/Dockerfile"):
        """A file that is fixed whatever the other ones are."""
        return self.write(name, GOOD, after=FIXED)

    def run(self, *arguments, stdin=b"", **more):
        """Runs envfix in the folder. No run may panic, be killed, or hang."""
        guard = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("preexec_fn", guard)
        begun = time.monotonic()
        try:
            done = subprocess.run([self.envfix, *arguments], cwd=self.path, input=stdin, timeout=HANG, **more)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end after {HANG} s: envfix {' '.join(arguments)[:200]}") from None
        run = Run(done.returncode, done.stdout or b"", done.stderr or b"", time.monotonic() - begun)
        assert "panicked" not in run.err and run.code in (0, 1, 2), f"a crash: {run}"
        return run

    def check(self):
        """All files are as they must be, and there are no others."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found[path.relative_to(self.path).as_posix()] = path
        assert found.keys() == self.expected.keys(), f"files are {sorted(found)}, expected {sorted(self.expected)}"
        for name, (data, mode) in self.expected.items():
            is_now = found[name].read_bytes()
            assert is_now == data, f"{name} is {is_now[:300]!r}, expected {data[:300]!r}"
            mode_now = stat.S_IMODE(found[name].stat().st_mode)
            assert mode_now == mode, f"{name} has mode {mode_now:o}, expected {mode:o}"


def expect(run, code, *said):
    """The exit code, and what standard error must say (texts, or patterns)."""
    assert run.code == code, f"expected exit code {code}: {run}"
    for text in said:
        found = text.search(run.err) if isinstance(text, re.Pattern) else text in run.err
        assert found, f"expected {text!r} on standard error: {run}"


def refused(folder, *arguments, said=()):
    """The bad input is refused with exit code 2 in every way of running, and the good file is still done."""
    good = folder.good()
    for options in (["--check"], ["--dry-run"], ["--dry-run", "--format", "json"]):
        run = folder.run(*options, *arguments, good)
        expect(run, 2, *said)
        if "json" in options:
            report = json.loads(run.out)
            assert report["problems"] and report["summary"]["problems"] == len(report["problems"]), run
            assert any(file["changed"] for file in report["files"]), run
        elif options == ["--dry-run"]:
            assert run.out.startswith(b"--- a/good/Dockerfile\n"), run
    run = folder.run(good, *arguments)
    expect(run, 2, *said)
    return run


# ------------------------------------------------------------------------------------------- logs of builds

FAILED_STEP = (
    b"Step 2/2 : RUN pip install flask\n ---> Running in 0123456789ab\n"
    b"WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"HTTPSConnectionPool(host="
    b"'files.example.org', port=443): Read timed out. (read timeout=15)\")': /simple/flask/\n"
    b"ERROR: Could not find a version that satisfies the requirement flask (from versions: none)\n"
    b"The command '/bin/sh -c pip install flask' returned a non-zero code: 1\n"
)


@case
def logs_that_show_nothing(folder):
    folder.write("Dockerfile", GOOD)
    program = b"2026-11-21 12:00:00 INFO server listening on :8080\nE: nothing to see\nERROR: all is well\n"
    for name, log, code, said in (
        ("empty", b"", 2, "the log is empty"),
        ("blank", b"\n\n\n", 2, "the log is empty"),
        ("binary", b"\x7fELF\x02\x01\x01\0\0\0" + bytes(range(256)) * 4000, 2, "this is a program (ELF)"),
        ("another-program", program * 1000, 0, "an error stands here, and none of the documented causes"),
        ("cut", FAILED_STEP[:60], 0, "give the whole log"),
        ("half-a-character", b"\xff\xfeS\0t\0e", 0, "give the whole log"),
    ):
        folder.write(f"{name}.log", log)
        for options in ([], ["--format", "json"]):
            run = folder.run("--log", f"{name}.log", *options, "Dockerfile")
            expect(run, code, *([] if "json" in options else [said]))
    expect(folder.run("--log", "nowhere.log", "Dockerfile"), 2, "nowhere.log")
    expect(folder.run("--log", ".", "Dockerfile"), 2)


@case
def the_log_of_another_dockerfile(folder):
    folder.write("Dockerfile", b"FROM debian:12\nRUN make\nRUN apt-get update && apt-get install -y python3-pip\n")
    folder.write("build.log", b"Step 1/2 : FROM python:3.10-slim\n" + FAILED_STEP)
    for options in ([], ["--unsafe"], ["--dry-run"]):
        run = folder.run("--log", "build.log", *options, "Dockerfile")
        expect(run, 0, "stands in no Dockerfile that was named")
        assert not run.out, run


@case
def logs_of_any_length(folder):
    """A gigabyte, and one line of a hundred megabytes, in little memory."""
    folder.write("Dockerfile", GOOD, after=FIXED)
    guard = lambda: resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
    lines = b"".join(b"#7 %d.5 Collecting package-%d==1.%d (from -r requirements.txt)\n" % (n % 900, n, n) for n in range(17_000))
    with tempfile.NamedTemporaryFile() as log:
        log.write(b"x" * (100 << 20) + b"\n" + FAILED_STEP)
        log.flush()
        expect(folder.run("--dry-run", "--log", log.name, "Dockerfile", preexec_fn=guard), 0, "cause [timeouts]")
        log.seek(0)
        log.truncate()
        for _ in range((1 << 30) // len(lines)):
            log.write(lines)
        log.write(FAILED_STEP)
        log.flush()
        expect(folder.run("--log", log.name, "Dockerfile", preexec_fn=guard), 0, "cause [timeouts]", "fixed [timeouts]")


# ------------------------------------------------------------------------------------------- what cannot be read


@case
def a_missing_path(folder):
    refused(folder, "nowhere/Dockerfile", said=["nowhere/Dockerfile", "no such file"])


@case
def a_folder_without_anything_to_read(folder):
    (folder.path / "empty").mkdir()
    folder.write("other/notes.txt", b"FROM nothing\n")
    refused(folder, "empty", "other", said=[re.compile(r"^empty: ", re.M), re.compile(r"^other: ", re.M)])


@case
def a_binary_file(folder):
    folder.write("bad/Dockerfile", b"\x7fELF\x02\x01\x01\0\0\0" + bytes(range(256)) * 20)
    folder.write("bad/environment.yml", b"dependencies:\n  - \0\n")
    said = [re.compile(r"^bad/Dockerfile:1: ", re.M), re.compile(r"^bad/environment.yml:2: ", re.M)]
    refused(folder, "bad/Dockerfile", "bad/environment.yml", said=said)
    refused(folder, "bad", said=said[:1])


@case
def invalid_utf_8(folder):
    folder.write("bad/Dockerfile", b"FROM python:3.10\nRUN pip install a\nLABEL a=\xff\xfe\nRUN pip install b\n")
    folder.write("bad/Dockerfile.latin", "FROM python:3.10\n# é\nRUN pip install a\n".encode("latin-1"))
    folder.write("bad/environment.yml", YAML + b"# \xe9\n")
    refused(folder, "bad", said=[re.compile(r"^bad/Dockerfile:3: .*UTF-8", re.M), re.compile(r"^bad/Dockerfile.latin:2: ", re.M),
                                 re.compile(r"^bad/environment.yml:8: ", re.M)])


@case
def utf_16(folder):
    for name in ("utf-16", "utf-16-be"):
        mark = b"\xfe\xff" if name == "utf-16-be" else b""
        folder.write("bad/Dockerfile", mark + GOOD.decode().encode(name)[:-1])
        refused(folder, "bad/Dockerfile", said=[re.compile(r"^bad/Dockerfile:1: .*UTF-16", re.M)])


@case
def an_unparsable_yaml(folder):
    folder.write("bad/environment.yml", b"name: x\ndependencies:\n  - python=3.10\n   - pip:\n  - [a\n")
    folder.write("bad/tabs.yml", b"dependencies:\n\t- python\n")
    folder.write("bad/twice.yml", b"dependencies:\n  - python\ndependencies:\n  - pip\n")
    said = [re.compile(rf"^bad/{name}:\d+: ", re.M) for name in ("environment.yml", "tabs.yml", "twice.yml")]
    refused(folder, "bad", said=said)
    refused(folder, "bad/environment.yml", "bad/tabs.yml", "bad/twice.yml", said=said)


@case
def a_yaml_that_is_no_environment(folder):
    folder.write("compose.yml", b"services:\n  a: {}\n")
    folder.good()
    expect(folder.run("compose.yml"), 2, "compose.yml", "dependencies")
    expect(folder.run("."), 0)


@case
def an_unterminated_heredoc(folder):
    folder.write("bad/Dockerfile", b"FROM python:3.10\nRUN pip install a\nRUN <<EOF\npip install b\n")
    refused(folder, "bad/Dockerfile", said=[re.compile(r"^bad/Dockerfile:3: .*EOF", re.M)])


@case
def a_dockerfile_with_no_instruction(folder):
    folder.write("bad/Dockerfile", b"# nothing\n")
    folder.write("bad/Dockerfile.empty", b"")
    refused(folder, "bad", said=["bad/Dockerfile", "bad/Dockerfile.empty", "no instructions"])


@case
def a_text_that_is_neither(folder):
    folder.write("notes", b"dear diary\n\nRUN away\n")
    refused(folder, "notes", said=[re.compile(r"^notes:1: ", re.M)])


@case
def a_folder_that_is_named_like_a_file(folder):
    (folder.path / "Dockerfile").mkdir()
    folder.good("Dockerfile/Dockerfile")
    expect(folder.run("Dockerfile"), 0)


@case
def a_pipe_in_a_folder(folder):
    os.mkfifo(folder.path / "Dockerfile")
    folder.good()
    expect(folder.run("."), 0)


# ------------------------------------------------------------------------------------------------ what is too much


@case
def one_hundred_thousand_continuation_lines(folder):
    lines = b"".join(b"    package%d \\\n" % number for number in range(100_000))
    text = b"FROM python:3.10\nRUN pip install \\\n" + lines + b"    last\n"
    folder.write("long/Dockerfile", text, after=text.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    folder.write("open/Dockerfile", text[:-9], after=text[:-9].replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    folder.good()
    expect(folder.run("--check", "."), 1)
    expect(folder.run("."), 0)
    expect(folder.run("--check", "."), 0)


@case
def one_hundred_thousand_comments_in_a_continuation(folder):
    text = b"FROM python:3.10\nRUN pip install \\\n" + b"# a comment\n\n" * 50_000 + b"    last\n"
    folder.write("Dockerfile", text, after=text.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    expect(folder.run("."), 0)


@case
def one_hundred_thousand_commands(folder):
    text = b"FROM python:3.10\nRUN pip install a" + b" && \\\n    pip install a" * 100_000 + b"\n"
    folder.write("Dockerfile", text, after=text.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    expect(folder.run("."), 0)


@case
def shell_nested_one_hundred_thousand_deep(folder):
    folder.good()
    for number, (opening, closing) in enumerate([("(", ")"), ("$(", ")"), ("{ ", "; }"), ('"$(', ')"'), ("${a:-", "}"), ("`", "`"),
                                                 ("if true; then ", "; fi"), ("[", "]")]):
        depth = 100_000
        text = f"FROM python:3.10\nRUN pip install a && echo {opening * depth} pip install -U pip {closing * depth}\n".encode()
        (folder.path / "deep").mkdir(exist_ok=True)
        name = f"deep/Dockerfile.{number}"
        (folder.path / name).write_bytes(text)
        run = folder.run("deep")
        is_now = (folder.path / name).read_bytes()
        (folder.path / name).unlink()
        if run.code == 2:
            expect(run, 2, re.compile(rf"^{re.escape(name)}:2: ", re.M))
            assert is_now == text, f"{name} was changed and refused"
        else:
            # An ENV above it is all that may be done.
            assert is_now in (text, text.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1)), is_now[:300]
    expect(folder.run("good"), 0)


@case
def yaml_nested_one_hundred_thousand_deep(folder):
    depth = 100_000
    folder.write("bad/lists.yml", b"dependencies:\n  - python=3.10\n  - " + b"[" * depth + b"]" * depth + b"\n")
    folder.write("bad/open.yml", b"dependencies:\n  - " + b"[" * depth + b"\n")
    folder.write("bad/maps.yml", b"dependencies:\n  - a\nx: " + b"{a: " * depth + b"}" * depth + b"\n")
    folder.write("bad/dashes.yml", b"dependencies:\n  " + b"- " * depth + b"a\n")
    folder.write("bad/block.yml", b"dependencies:\n  - pip:\n    - a\n" + b"".join(b" " * at + b"a:\n" for at in range(3_000)))
    refused(folder, "bad", said=[re.compile(rf"^bad/{name}.yml:\d+: ", re.M) for name in
                                 ("lists", "open", "maps", "dashes", "block")])


@case
def an_alias_bomb(folder):
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"]
    lines += [b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 30)]
    bomb = b"".join(lines)
    folder.write("bad/environment.yml", bomb + b"dependencies:\n  - python=3.10\n  - pip: *a29\n")
    folder.write("bad/list.yml", bomb + b"dependencies: *a29\n")
    folder.write("bad/itself.yml", b"dependencies: &a\n  - python\n  - *a\n")
    refused(folder, "bad", said=[re.compile(rf"^bad/{name}:\d+: ", re.M) for name in ("environment.yml", "list.yml")])


@case
def nul_lone_cr_and_other_odd_bytes(folder):
    folder.write("cr/Dockerfile", b"FROM python:3.10\rRUN pip install a\r")
    folder.write("nul/Dockerfile", b"FROM python:3.10\nRUN echo \0\n")
    folder.good()
    run = folder.run("nul", "cr", "good")
    expect(run, 2, re.compile(r"^nul/Dockerfile:2: ", re.M))


@case
def a_million_instructions(folder):
    text = b"FROM python:3.10\nRUN pip install a\n" + b"RUN pip install b\n" * 1_000_000
    folder.write("Dockerfile", text, after=text.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    # Some 3 KB an instruction, on both sides of the proof.
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (9 << 29, 9 << 29))
    expect(folder.run("Dockerfile", preexec_fn=limit), 0)


def in_one_gigabyte(folder, text):
    """A file of some hundred kilobytes is done in 1 GB, or refused with a place: what is kept for an instruction must
    not grow with the number of those before it. Time is judged by the guard against hanging only."""
    folder.write("Dockerfile", text)
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    run = folder.run("--check", "--quiet", "Dockerfile", preexec_fn=limit)
    expect(run, *((2, re.compile(r"^Dockerfile:\d+: ", re.M)) if run.code == 2 else (1,)))


@case
def many_environment_variables(folder):
    in_one_gigabyte(folder, b"FROM python:3.10\n" + b"".join(
        b"ENV A%d=1\nRUN pip install -U pip\n" % number for number in range(5_000)))


@case
def many_stages_that_derive_from_each_other(folder):
    in_one_gigabyte(folder, b"FROM python:3.10 AS s0\nRUN pip install flask\n" + b"".join(
        b"FROM s%d AS s%d\nENV A%d=1\nRUN pip install flask\n" % (number, number + 1, number) for number in range(5_000)))


@case
def many_packages(folder):
    packages = b"".join(b" \\\n    p%d" % number for number in range(5_000))
    installs = b"".join(b"RUN python3 -m pip install a%d\n" % number for number in range(5_000))
    in_one_gigabyte(folder, b"FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y python3 python3-pip" + packages +
                    b"\n" + installs)


def big(folder):
    """Not a case of every run: 100 MB of lines, one line of 100 MB (BuildKit reads 65,535 bytes), and 100 MB of YAML."""
    lines = b"FROM python:3.10\nRUN pip install a\n" + b"# a comment of fifty bytes, fifty bytes, fifty by\n" * 2_000_000
    folder.write("lines/Dockerfile", lines, after=lines.replace(b"\n", b"\nENV PIP_DEFAULT_TIMEOUT=100\n", 1))
    folder.write("line/Dockerfile", b"FROM python:3.10\nRUN pip install " + b"a " * 50_000_000 + b"\n")
    yaml = YAML + b"    - flask\n" * 8_000_000
    folder.write("yaml/environment.yml", yaml)
    for name, code, said in (("lines", 0, ""), ("line", 2, "line/Dockerfile:2: "), ("yaml", 0, "")):
        run = folder.run(name)
        print(f"    {name}: {run.seconds:.1f} s, exit code {run.code}")
        if name == "yaml" and run.code == 2:
            expect(run, 2, re.compile(r"^yaml/environment.yml:\d+: ", re.M))
            continue
        expect(run, code, said)
    is_now = (folder.path / "yaml/environment.yml").read_bytes()
    assert is_now == yaml or re.sub(rb"  - pip(=[\d.]+)?\n", b"", is_now, count=1) == yaml, is_now[:300]
    folder.expected["yaml/environment.yml"] = (is_now, 0o644)


# ------------------------------------------------------------------------------------------ what cannot be written


def cannot_write(folder, *arguments, said):
    """A file that cannot be written: a dry run is fine, fixing in place exits with 2, and the good file is done."""
    good = folder.good()
    expect(folder.run("--dry-run", *arguments, good), 0)
    expect(folder.run(*arguments, good), 2, *said)
    expect(folder.run("--check", good), 0)


@case
def a_read_only_file(folder):
    folder.write("bad/Dockerfile", GOOD, mode=0o444)
    cannot_write(folder, "bad", said=[re.compile(r"^bad/Dockerfile: .*read-only", re.M)])


@case
def an_immutable_file(folder):
    folder.write("bad/Dockerfile", GOOD)
    path = folder.path / "bad/Dockerfile"
    if not shutil.which("chattr") or subprocess.run(["chattr", "+i", path], capture_output=True).returncode:
        raise Skipped("chattr +i does not work here")
    try:
        cannot_write(folder, "bad", said=[re.compile(r"^bad/Dockerfile: ", re.M)])
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@case
def a_file_in_an_immutable_folder(folder):
    folder.write("bad/Dockerfile", GOOD)
    path = folder.path / "bad"
    if not shutil.which("chattr") or subprocess.run(["chattr", "+i", path], capture_output=True).returncode:
        raise Skipped("chattr +i does not work here")
    try:
        cannot_write(folder, "bad", said=[re.compile(r"^bad/Dockerfile: ", re.M)])
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


def mounted(folder, said, *options):
    path = folder.path / "bad" / ("" if "folder" in options else "Dockerfile")
    if subprocess.run(["mount", "--bind", path, path], capture_output=True).returncode:
        raise Skipped("mounting does not work here")
    try:
        if "read-only" in options:
            subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True, capture_output=True)
        cannot_write(folder, "bad", said=[said])
    finally:
        subprocess.run(["umount", path], check=True)


@case
def a_read_only_mount(folder):
    folder.write("bad/Dockerfile", GOOD)
    mounted(folder, re.compile(r"^bad/Dockerfile: ", re.M), "read-only", "folder")


@case
def a_file_that_is_a_mount(folder):
    folder.write("bad/Dockerfile", GOOD)
    mounted(folder, re.compile(r"^bad/Dockerfile: .*mount", re.M))


@case
def a_full_disk(folder):
    folder.write("bad/Dockerfile", GOOD + b"# a comment\n" * 10_000)
    good = folder.good()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    # Without the signals' own ends, a write beyond the limit fails as on a full disk.
    run = folder.run("bad", good, preexec_fn=limit, restore_signals=False)
    expect(run, 2, re.compile(r"^bad/Dockerfile: ", re.M))


@case
def a_hard_link(folder):
    folder.write("bad/Dockerfile", GOOD)
    folder.expected["bad/other"] = folder.expected["bad/Dockerfile"]
    os.link(folder.path / "bad/Dockerfile", folder.path / "bad/other")
    cannot_write(folder, "bad", said=[re.compile(r"^bad/Dockerfile: .*hard link", re.M)])


@case
def a_dangling_symbolic_link(folder):
    (folder.path / "bad").mkdir()
    (folder.path / "bad/Dockerfile").symlink_to("nowhere")
    (folder.path / "bad/Dockerfile.loop").symlink_to("Dockerfile.loop")
    refused(folder, "bad/Dockerfile", said=["bad/Dockerfile"])
    # In a folder such a link is passed over; where nothing else is in it, that is the error.
    refused(folder, "bad", said=["bad/Dockerfile: note: ", "bad/Dockerfile.loop: note: ", "bad: error: "])
    folder.good("bad/good/Dockerfile")
    expect(folder.run("bad"), 0, "bad/Dockerfile: note: ", "bad/Dockerfile.loop: note: ")
    assert os.readlink(folder.path / "bad/Dockerfile") == "nowhere"


@case
def output_that_cannot_be_written(folder):
    folder.write("Dockerfile", GOOD)
    if not os.path.exists("/dev/full"):
        raise Skipped("no /dev/full")
    with open("/dev/full", "wb") as full:
        expect(folder.run("--dry-run", "Dockerfile", stdout=full), 2)
        expect(folder.run("--dry-run", "--format", "json", "Dockerfile", stdout=full), 2)
        expect(folder.run("-", stdin=GOOD, stdout=full), 2)
        run = folder.run("--dry-run", "Dockerfile", stderr=full)
        assert run.out.startswith(b"--- a/Dockerfile\n"), run
    folder.expected["Dockerfile"] = (FIXED, 0o644)
    with open("/dev/full", "wb") as full:
        folder.run("Dockerfile", stderr=full)


@case
def a_reader_that_goes_away(folder):
    text = b"FROM python:3.10\n" + b"FROM python:3.10\nRUN pip install flask\n" * 5_000
    folder.write("Dockerfile", text)
    reader, writer = os.pipe()
    os.close(reader)
    for options in (["--dry-run"], ["--dry-run", "--format", "json"], ["--dry-run", "-v"]):
        with open(os.dup(writer), "wb") as broken:
            folder.run(*options, "Dockerfile", stdout=broken)
        with open(os.dup(writer), "wb") as broken:
            folder.run(*options, "Dockerfile", stderr=broken)
    with open(os.dup(writer), "wb") as broken:
        folder.run("--help", stdout=broken)
        folder.run("explain", stdout=broken)
    os.close(writer)


# --------------------------------------------------------------------------------------------------- what is kept


@case
def a_symbolic_link_stays_one(folder):
    folder.write("real/Dockerfile", GOOD, after=FIXED)
    folder.write("inside/images/base.txt", GOOD, after=FIXED)
    (folder.path / "Dockerfile").symlink_to("real/Dockerfile")
    (folder.path / "inside/Dockerfile").symlink_to("images/base.txt")
    run = folder.run("--dry-run", "Dockerfile")
    assert run.out.startswith(b"--- a/Dockerfile\n"), run
    expect(folder.run("Dockerfile", "inside"), 0)
    assert os.readlink(folder.path / "Dockerfile") == "real/Dockerfile"
    assert os.readlink(folder.path / "inside/Dockerfile") == "images/base.txt"


@case
def a_link_out_of_the_folder_is_not_followed(folder):
    folder.write("outside/Dockerfile", GOOD)
    folder.good("inside/Dockerfile")
    (folder.path / "inside/Dockerfile.other").symlink_to("../outside/Dockerfile")
    expect(folder.run("inside"), 0, "inside/Dockerfile.other: note: the symbolic link leads out of the folder")


@case
def the_mode_stays(folder):
    for mode in (0o600, 0o640, 0o755, 0o666, 0o2644):
        folder.write(f"{mode:o}/Dockerfile", GOOD, mode=mode, after=FIXED)
    expect(folder.run("."), 0)


@case
def the_owner_stays(folder):
    if os.geteuid() != 0:
        raise Skipped("not root")
    folder.write("Dockerfile", GOOD, after=FIXED)
    os.chown(folder.path / "Dockerfile", 1234, 5678)
    expect(folder.run("Dockerfile"), 0)
    now = (folder.path / "Dockerfile").stat()
    assert (now.st_uid, now.st_gid) == (1234, 5678), now


@case
def newlines_bom_and_a_missing_last_newline_stay(folder):
    for number, (text, fixed) in enumerate([
        (GOOD.replace(b"\n", b"\r\n"), FIXED.replace(b"\n", b"\r\n")),
        (b"\xef\xbb\xbf" + GOOD, b"\xef\xbb\xbf" + FIXED),
        (GOOD[:-1], FIXED[:-1]),
        (b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")[:-2], b"\xef\xbb\xbf" + FIXED.replace(b"\n", b"\r\n")[:-2]),
        (b"# syntax=docker/dockerfile:1\n" + GOOD, b"# syntax=docker/dockerfile:1\n" + FIXED),
    ]):
        folder.write(f"Dockerfile.{number}", text, after=fixed)
        run = folder.run("-", stdin=text)
        assert run.code == 0 and run.out == fixed, run
    listed = YAML.replace(b"  - pip:\n", b"  - pip\n  - pip:\n")
    folder.write("bom.yml", b"\xef\xbb\xbf" + YAML)
    folder.write("crlf.yml", YAML.replace(b"\n", b"\r\n"))
    folder.write("last.yml", YAML[:-1])
    expect(folder.run("."), 0)
    for name, keep in (("bom.yml", lambda t: b"\xef\xbb\xbf" + t), ("crlf.yml", lambda t: t.replace(b"\n", b"\r\n")),
                       ("last.yml", lambda t: t[:-1])):
        # With or without a version of pip.
        is_now = (folder.path / name).read_bytes()
        assert re.sub(rb"- pip=[\d.]+", b"- pip", is_now) == keep(listed), is_now
        folder.expected[name] = (is_now, 0o644)


@case
def a_file_named_twice_is_done_once(folder):
    folder.write("a/Dockerfile", GOOD, after=FIXED)
    (folder.path / "link").symlink_to("a")
    expect(folder.run("a/Dockerfile", "a", "./a/Dockerfile", "link/Dockerfile", str(folder.path / "a/Dockerfile")), 0)


@case
def names_with_blanks_quotes_and_dashes(folder):
    for name in ("a b/Dockerfile", "q\"u'o/Dockerfile", "-x/Dockerfile", "ü/Dockerfile", "n\nl/Dockerfile"):
        folder.write(name, GOOD, after=FIXED)
    diff = folder.run("--dry-run", ".").out
    copy = folder.path.parent / "copy"
    shutil.copytree(folder.path, copy)
    environment = dict(os.environ, GIT_CEILING_DIRECTORIES=str(copy.parent))
    done = subprocess.run(["git", "apply"], cwd=copy, input=diff, env=environment, capture_output=True)
    assert done.returncode == 0, done
    for name in folder.expected:
        assert (copy / name).read_bytes() == FIXED, name
    shutil.rmtree(copy)
    expect(folder.run("--", "-x"), 0)
    expect(folder.run("."), 0)


# --------------------------------------------------------------------------------------------------- the command line


@case
def standard_input_and_output(folder):
    run = folder.run("-", stdin=GOOD)
    assert run.code == 0 and run.out == FIXED, run
    run = folder.run("-", stdin=FIXED)
    assert run.code == 0 and run.out == FIXED, run
    run = folder.run("-", "--stdin-name", "environment.yml", stdin=YAML)
    assert run.code == 0 and re.search(rb"  - pip(=[\d.]+)?\n  - pip:\n", run.out), run
    run = folder.run("-", "--dry-run", "--stdin-name", "a/Dockerfile", stdin=GOOD)
    assert run.code == 0 and run.out.startswith(b"--- a/a/Dockerfile\n+++ b/a/Dockerfile\n@@"), run
    run = folder.run("-", "--check", stdin=GOOD)
    assert run.code == 1 and run.out == b"", run
    report = json.loads(folder.run("-", "--format", "json", stdin=GOOD).out)
    assert report["files"][0]["changed"], report
    run = folder.run("-", stdin=b"FROM a\nRUN \xff\n")
    expect(run, 2, re.compile(r"^Dockerfile:2: ", re.M))
    expect(folder.run("-", stdin=b""), 2)
    expect(folder.run("-", "Dockerfile", stdin=GOOD), 2)


@case
def check_changes_nothing_and_says_so(folder):
    folder.write("Dockerfile", GOOD)
    folder.write("done/Dockerfile", FIXED)
    expect(folder.run("--check", "Dockerfile"), 1, "Dockerfile")
    expect(folder.run("--check", "done"), 0)
    expect(folder.run("--check", "--faults", "Dockerfile"), 0)
    expect(folder.run("--check", "--skip", "timeouts", "Dockerfile"), 0)
    run = folder.run("--check", "--dry-run", "Dockerfile")
    assert run.code == 1 and run.out.startswith(b"--- a/Dockerfile\n"), run
    expect(folder.run("--check", "Dockerfile", "nowhere"), 2)


@case
def a_dry_run_prints_the_diff_and_nothing_else(folder):
    folder.write("Dockerfile", GOOD)
    folder.write("done/Dockerfile", FIXED)
    run = folder.run("--dry-run", "done")
    assert run.code == 0 and run.out == b"", run
    run = folder.run("--dry-run", "-v", ".")
    expected = b"--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,3 @@\n FROM python:3.10-slim\n+ENV PIP_DEFAULT_TIMEOUT=100\n RUN pip install flask\n"
    assert run.code == 0 and run.out == expected, run
    run = folder.run("--dry-run", "--quiet", ".")
    assert run.out == expected and run.err == "", run


@case
def usage_errors(folder):
    folder.write("Dockerfile", GOOD)
    expect(folder.run("--only", "nonsense", "Dockerfile"), 2, "nonsense", "timeouts")
    expect(folder.run("--skip", "nonsense", "Dockerfile"), 2, "nonsense")
    expect(folder.run("explain", "nonsense"), 2, "nonsense")
    expect(folder.run("--patches", "nowhere", "Dockerfile"), 2, "nowhere")
    expect(folder.run("--nonsense", "Dockerfile"), 2, "--nonsense")
    expect(folder.run("--format", "nonsense", "Dockerfile"), 2, "nonsense")
    expect(folder.run("--env", "nowhere.yml", "--dry-run", "Dockerfile"), 2, "nowhere.yml")
    expect(folder.run("--dry-run"), 2)
    run = folder.run()
    assert run.code in (0, 2) and "Usage" in run.err + run.out.decode(), run


@case
def patches_that_are_none(folder):
    folder.write("Dockerfile", GOOD)
    folder.write("broken/mine.yaml", b"id: mine\ntitle: [\n")
    folder.write("unknown/mine.yaml", b"id: mine\ntitle: Mine\nnonsense: true\ncases: []\n")
    expect(folder.run("--patches", "broken", "Dockerfile"), 2, "broken/mine.yaml")
    expect(folder.run("--patches", "unknown", "Dockerfile"), 2, "unknown/mine.yaml", "nonsense")
    expect(folder.run("test-patches", "--patches", "unknown"), 2, "unknown/mine.yaml")


@case
def a_bad_envfix_toml(folder):
    good = folder.good()
    for number, (text, said) in enumerate([
        (b"fault = true\n", ["fault"]),
        (b"[values]\npip-timeouts = 3\n", ["pip-timeouts", "pip-timeout"]),
        (b"[values]\npip-timeout = \"100 && rm -rf /\"\n", ["pip-timeout"]),
        (b"only = [\"nonsense\"]\n", ["nonsense"]),
        (b"only = \n", [re.compile(r"line 1|:1")]),
        (b"skip = \"timeouts\"\n", ["skip"]),
        (b"\xff\n", []),
    ]):
        folder.write(f"{number}/envfix.toml", text)
        folder.write(f"{number}/sub/Dockerfile", GOOD)
        expect(folder.run(f"{number}/sub", good), 2, f"{number}/envfix.toml", *said)


@case
def envfix_toml_is_used(folder):
    folder.write("values/envfix.toml", b"[values]\npip-timeout = 300\n")
    folder.write("values/a/b/Dockerfile", GOOD, after=FIXED.replace(b"100", b"300"))
    folder.write("values/a/Dockerfile", GOOD.replace(b"RUN", b"ENV PIP_DEFAULT_TIMEOUT=200\nRUN"))
    folder.write("faults/envfix.toml", b"faults = true\n")
    folder.write("faults/Dockerfile", GOOD)
    folder.write("skip/envfix.toml", b"skip = [\"timeouts\"]\n")
    folder.write("skip/Dockerfile", GOOD)
    folder.write("nearest/envfix.toml", b"faults = true\n")
    folder.write("nearest/a/envfix.toml", b"")
    folder.write("nearest/a/Dockerfile", GOOD, after=FIXED)
    folder.good()
    expect(folder.run("."), 0)
    folder.expected["skip/Dockerfile"] = (FIXED, 0o644)
    expect(folder.run("--only", "timeouts", "skip"), 0)
    run = folder.run("-", "--stdin-name", "values/a/Dockerfile", stdin=GOOD)
    assert b"=300" in run.out, run


@case
def an_inline_skip(folder):
    folder.write("Dockerfile", GOOD.replace(b"RUN", b"# envfix: skip=timeouts the mirror is near\nRUN"))
    folder.write("two/Dockerfile", GOOD.replace(b"RUN", b"# envfix: skip=pip-pin,timeouts\nRUN"))
    folder.write("environment.yml", YAML.replace(b"  - pip:", b"  # envfix: skip=conda-pip we know\n  - pip:"))
    run = folder.run(".", "--format", "json")
    assert run.code == 0, run
    report = json.loads(run.out)
    held = {(it["file"], it["patch"], it["fix"]["withheld"]["kind"]) for it in report["findings"] if it.get("fix") and
            not it["fix"]["applied"]}
    for expected in (("Dockerfile", "timeouts", "skipped"), ("two/Dockerfile", "timeouts", "skipped"),
                     ("environment.yml", "conda-pip", "skipped")):
        assert expected in held, (expected, held)
    # Of the two ids in one comment, one switches nothing off.
    assert [(it["file"], it["line"], it["patch"]) for it in report["idle_skips"]] == [("two/Dockerfile", 2, "pip-pin")], report


@case
def an_idle_skip_is_reported(folder):
    folder.write("Dockerfile", FIXED.replace(b"RUN", b"# envfix: skip=timeouts\nRUN"))
    folder.write("unknown/Dockerfile", FIXED.replace(b"RUN", b"# envfix: skip=nonsense\nRUN"))
    run = folder.run("Dockerfile", "unknown")
    expect(run, 0, re.compile(r"^Dockerfile:3: .*timeouts", re.M), re.compile(r"^unknown/Dockerfile:3: .*nonsense", re.M))


@case
def credentials_are_not_printed(folder):
    text = b"FROM python:3.10\nRUN pip install --upgrade pip -i https://jane:s3cr3t@pypi.example.com/simple flask\n"
    folder.write("Dockerfile", text, after=text)
    for options in ([], ["-v"], ["--format", "json"]):
        run = folder.run("--dry-run", "--skip", "timeouts,pip-pin", *options, "Dockerfile")
        assert "s3cr3t" not in run.err and (b"s3cr3t" not in run.out), run
    run = folder.run("--check", "-v", "Dockerfile")
    assert "s3cr3t" not in run.err, run


@case
def a_file_that_changes_meanwhile_is_left_alone(folder):
    """Many files are read first and written then; one that somebody else writes in between is not overwritten."""
    for number in range(400):
        folder.write(f"{number:04}/Dockerfile", GOOD + b"RUN pip install b\n" * 200)
    theirs = b"FROM somebody-else\n"
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set() and number < 400:
            (folder.path / f"{399 - number:04}/Dockerfile").write_bytes(theirs)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    run = folder.run(".")
    stop.set()
    thread.join()
    fixed = FIXED + b"RUN pip install b\n" * 200
    for name, (data, mode) in list(folder.expected.items()):
        is_now = (folder.path / name).read_bytes()
        assert is_now in (theirs, fixed, data), f"{name}: {is_now[:200]!r}"
        folder.expected[name] = (is_now, mode)
    assert run.code in (0, 2), run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("--case", action="append", help="only the cases whose name holds this")
    parser.add_argument("--big", action="store_true", help="files of 100 MB too")
    options = parser.parse_args()
    if options.big:
        case(big)
    failed, skipped, ran = 0, 0, 0
    for name, function in CASES.items():
        if options.case and not any(part in name for part in options.case):
            continue
        ran += 1
        with tempfile.TemporaryDirectory(prefix="bad-input-") as scratch:
            folder = Folder(str(options.envfix.resolve()), pathlib.Path(scratch) / "case")
            folder.path.mkdir()
            begun = time.monotonic()
            word, reason = "ok", ""
            try:
                function(folder)
                folder.check()
            except Skipped as why:
                word, reason, skipped = "skipped", str(why), skipped + 1
            except (AssertionError, OSError, ValueError, KeyError) as wrong:
                line = wrong.__traceback__
                while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                    line = line.tb_next
                word, reason, failed = "FAILED", f"{wrong}\n    (line {line.tb_lineno})", failed + 1
            seconds = time.monotonic() - begun
            print(f"{word:8} {name} ({seconds:.1f} s){': ' + reason if reason else ''}", flush=True)
    print(f"{ran} cases, {failed} failed, {skipped} skipped")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
