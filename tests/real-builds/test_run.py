#!/usr/bin/env python3
"""Checks the check: whether the runner tells a build that was mended from one that was not.

    test_run.py --work FOLDER

The runner gets programs that are no envfix (one that does nothing, one that lies, one that breaks a file …) and cases that show
nothing, and must say what is wrong, for the right reason; the builder is the real one. FOLDER is the runner's (the bases in it
are used). The exit code is 1 when the runner is taken in.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

import bases
import cases
from builders import Buildah, Failed, need_programs

HERE = pathlib.Path(__file__).resolve().parent

# A stand-in for envfix: what it does to the Dockerfile, and what it says that it did.
PROGRAM = """#!{python}
import json, pathlib, sys
dockerfile = pathlib.Path("Dockerfile")
text = dockerfile.read_text()
applied = []
{what}
print(json.dumps({{"files": [], "findings": [{{"patch": it, "fix": {{"applied": True}}}} for it in applied]}}))
"""
ENVFIXES = {
    "mends": 'dockerfile.write_text(text.replace("RUM", "RUN")); applied = ["spelling"] if "RUM" in text else []',
    "nothing": "pass",
    "says": 'applied = ["spelling"]',
    "silent": 'dockerfile.write_text(text.replace("RUM", "RUN"))',
    "other": 'dockerfile.write_text(text.replace("RUM", "RUN")); applied = ["timeouts"]',
    "wrong": 'dockerfile.write_text(text.replace("RUM", "ROM")); applied = ["spelling"]',
    "again": 'dockerfile.write_text(text.replace("RUM", "RUN") + "# again\\n"); applied = ["spelling"]',
    "dies": "sys.exit(101)",
    "breaks": 'dockerfile.write_text(text + "RUN false\\n"); applied = ["spelling"]',
    "undoes": 'dockerfile.write_text(text.split("RUN")[0]); applied = ["spelling"]',
    "teaches": 'print("write RUN", file=sys.stderr)',
    "touches": 'print("write RUN", file=sys.stderr); pathlib.Path("other").write_text("")',
}

FAILS = "FROM debian:12-slim\nRUM touch /made\n"
BUILDS = "FROM debian:12-slim\nRUN touch /made\n"
CASE = {"title": "a misspelt RUN", "symptom": "(?i)unknown instruction", "fixed-by": ["spelling"], "without": "RUM",
        "check": "test -e /made"}
REFUSED = {key: value for key, value in CASE.items() if key != "fixed-by"} | {"refused": "write RUN"}
CONTROL = {"title": "a RUN", "check": "test -e /made", "fixed-by": ["spelling"]}

# What is tried: the stand-in, the case, the Dockerfile, and what the runner must say (nothing: that all is well).
TRIALS = {
    "all well": ("mends", CASE, FAILS, None),
    "an envfix that does nothing": ("nothing", CASE, FAILS, r"applied \[\], and \['spelling'\] were due"),
    "an envfix that says it fixed, and did not": ("says", CASE, FAILS, "does not change what it says"),
    "an envfix that fixes and does not say so": ("silent", CASE, FAILS, r"applied \[\], and"),
    "an envfix that applies another patch": ("other", CASE, FAILS, r"applied \['timeouts'\], and"),
    "an envfix whose fix does not build": ("wrong", CASE, FAILS, "the build 'after' ended with"),
    "an envfix that changes the file at every run": ("again", CASE, FAILS, "second run of envfix changes"),
    "an envfix that dies": ("dies", CASE, FAILS, "envfix ended with 101"),
    "a symptom that does not appear": ("mends", CASE | {"symptom": "no such words"}, FAILS, "log does not show 'no such words'"),
    "a build that does not fail": ("mends", CASE, BUILDS, "the build does not fail"),
    "a check that cannot fail": ("mends", CASE | {"check": "true"}, FAILS, "it shows nothing"),
    "a check that fails": ("mends", CASE | {"check": "test -e /other"}, FAILS, "after the fix the check ended with 1"),
    "no step of that name": ("mends", CASE | {"without": "COPY"}, FAILS, "0 instructions begin with 'COPY'"),
    "a refusal that teaches": ("teaches", REFUSED, FAILS, None),
    "a refusal without a word": ("nothing", REFUSED, FAILS, "the answer does not say"),
    "a fix where envfix must refuse": ("mends", REFUSED, FAILS, "changed a file that it must refuse"),
    "another file where envfix must refuse": ("touches", REFUSED, FAILS, "changed a file that it must refuse"),
    "a control that is left alone": ("nothing", CONTROL | {"fixed-by": []}, BUILDS, None),
    "a control that no longer builds": ("breaks", CONTROL, BUILDS, "second run of envfix changes|the build 'after' ended with"),
    "a control that no longer does what it did": ("undoes", CONTROL, BUILDS, "after envfix the check ended with 1"),
    "a control that did not build": ("nothing", CONTROL | {"fixed-by": []}, FAILS, "the build 'before' ended with"),
    "a control whose check did not hold": ("nothing", CONTROL | {"fixed-by": [], "check": "false"}, BUILDS, "before envfix the check"),
}


def toml(about):
    quoted = {key: "[" + ", ".join(f"'{it}'" for it in value) + "]" if isinstance(value, list) else f"'{value}'"
              for key, value in about.items()}
    return "".join(f"{key} = {value}\n" for key, value in quoted.items())


def write_case(folder, about, dockerfile):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = cases.CONTROL if "symptom" not in about else cases.CASE
    (folder / name).write_text(toml(about), encoding="utf-8")
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    return cases.Case(folder)


def stand_in(work, name):
    path = work / f"envfix-{name}"
    path.write_text(PROGRAM.format(python=sys.executable, what=textwrap.dedent(ENVFIXES[name])), encoding="utf-8")
    path.chmod(0o755)
    return path


def said_of(trial):
    try:
        trial.run()
        return None
    except Failed as error:
        return str(error)


def ends_as_it_must(work, envfix, folder, code, closing):
    """The program as it is started by hand and in CI: its exit code and its last line."""
    command = [sys.executable, HERE / "run.py", envfix, "--work", work, "--cases", folder, "--builders", "buildah"]
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8", check=False)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    return (done.returncode, last) == (code, closing), f"exit code {done.returncode}, {last!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    work = parser.parse_args().work.resolve()
    place = work / "self-test"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    need_programs()
    builder = Buildah(work)
    wrong = []
    try:
        bases.make(builder, work, ["bookworm"])
        for number, (name, (envfix, about, dockerfile, wanted)) in enumerate(TRIALS.items()):
            case = write_case(place / f"self-{number}", about, dockerfile)
            said = said_of(cases.Trial(case, builder, stand_in(place, envfix), place))
            right = said is None if wanted is None else said is not None and re.search(wanted, said) is not None
            print(f"{'ok' if right else 'WRONG':6} {name}", flush=True)
            if not right:
                wrong.append(f"{name}: the runner says {said!r} where {wanted!r} was due")
    finally:
        builder.close()
    try:
        write_case(place / "self-key", CASE | {"symptoms": "x"}, FAILS)
        wrong.append("a key that there is not: the runner takes it")
    except Failed:
        pass
    write_case(place / "one" / "self-one", CASE, FAILS)
    for envfix, code, closing in [("mends", 0, "1 passed, 0 failed"), ("nothing", 1, "0 passed, 1 failed")]:
        right, said = ends_as_it_must(work, stand_in(place, envfix), place / "one", code, closing)
        print(f"{'ok' if right else 'WRONG':6} the program ends with {code} for an envfix that {envfix}", flush=True)
        if not right:
            wrong.append(f"{envfix}: {said}")
    print("\n".join(wrong) or "the runner is not taken in")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
