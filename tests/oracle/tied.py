#!/usr/bin/env python3
"""Checks which instruction of a Dockerfile envfix takes for the step that failed.

The builder prints every instruction as it comes to it, so a log holds the Dockerfile up to the instruction that failed.
For each failed log that does, that Dockerfile is written anew and given to envfix with the log: as it was; changed a
little, as people do before they ask for help; and, so that nothing is tied on a guess, the Dockerfiles of other builds.

It fails when fewer steps than asked for are tied to their instruction, or more to a Dockerfile of another build.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

STAMP = rb"^(?:\d{4}-\d\d-\d\dT[\d:.]+Z\s+|\d{4}/\d\d/\d\d [\d:]+\s+)?"
STEP = re.compile(STAMP + rb"Step (\d+)(?:/(\d+))? : (.*?)\r?$")


def steps_of(log):
    """The instructions that a log of Docker's first builder prints up to its failure, of one build."""
    steps = []
    for line in log.read_bytes().split(b"\n"):
        if found := STEP.match(line):
            if int(found[1]) != len(steps) + 1:
                return []
            steps.append(found[3].decode("utf-8", "replace"))
    return steps


def run_envfix(envfix, log, lines):
    """The line that the failing step is tied to, if any, how many fixes were made, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "Dockerfile"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        run = subprocess.run([envfix, "--log", log, "--format", "json", "--dry-run", path], capture_output=True, text=True)
        if run.returncode not in (0, 1):
            return None, None, run.stderr.strip()
        report = json.loads(run.stdout)
        failing = report["log"].get("failing") or {}
        return (failing.get("range") or {}).get("line"), report["summary"]["applied"], ""


# What people change between a failed build and their question. Each gives the lines, and the failing instruction's line.

def packages_changed(lines, at, chance):
    words = lines[at].split(" ")
    places = [n for n, word in enumerate(words) if re.fullmatch(r"[\w.-]+(==?[\w.]+)?", word) and n > 2]
    if len(places) < 2:
        return None
    words.insert(chance.choice(places), "another-package")
    return lines[:at] + [" ".join(words)] + lines[at + 1 :], at


def word_taken_out(lines, at, chance):
    words = lines[at].split(" ")
    if len(words) < 6:
        return None
    del words[chance.randrange(3, len(words))]
    return lines[:at] + [" ".join(words)] + lines[at + 1 :], at


def line_before(lines, at, _chance):
    return lines[:at] + ["ENV ADDED=1"] + lines[at:], at + 1


def other_release(lines, at, _chance):
    first = re.sub(r":[\w.-]+", ":another", lines[0]) if ":" in lines[0] else lines[0] + ":another"
    return [first] + lines[1:], at


def comment_and_label(lines, at, _chance):
    return lines[:1] + ["# what this is", "LABEL maintainer=someone"] + lines[1:], at + 2


def one_instruction_out(lines, at, chance):
    if at < 3:
        return None
    gone = chance.randrange(1, at)
    return lines[:gone] + lines[gone + 1 :], at - 1


def instructions_behind(lines, at, _chance):
    return lines + ["COPY . /app", "WORKDIR /app", "RUN python -m pip install another-package && true", 'CMD ["run"]'], at


CHANGES = [packages_changed, word_taken_out, line_before, other_release, comment_and_label, one_instruction_out,
           instructions_behind]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix")
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("dockerfiles", type=pathlib.Path, help="Dockerfiles of other builds")
    parser.add_argument("--least", type=float, default=0.95, help="the share of steps to be tied, as it was and changed")
    parser.add_argument("--most-strange", type=float, default=0.0, help="the share that may be tied to another build's")
    parser.add_argument("--strangers", type=int, default=20, help="other builds' Dockerfiles for each log")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    builds = []
    for log in sorted(options.logs.glob("*.log")):
        run = subprocess.run([options.envfix, "--log", log, "--format", "json"], capture_output=True, text=True)
        steps = steps_of(log)
        if len(steps) >= 2 and json.loads(run.stdout)["log"]["ended"] == "failed":
            builds.append((log, steps))
    if len(builds) < 20:
        sys.exit(f"only {len(builds)} failed logs with their instructions: nothing to compare")
    others = sorted(path for path in options.dockerfiles.rglob("*") if path.is_file())
    bad = False

    def count(name, runs, least):
        nonlocal bad
        right, wrong = 0, []
        for log, lines, at in runs:
            line, _, error = run_envfix(options.envfix, log, lines)
            if line == at + 1:
                right += 1
            else:
                wrong.append(f"{log.name}: tied to {line}, not {at + 1}: {lines[at][:90]!r} {error}")
        share = right / max(1, len(runs))
        bad |= share < least or not runs
        print(f"{name:24}{right:5} of {len(runs):4} tied{100 * share:8.1f} %")
        for line in wrong[:6]:
            print(f"    {line}")

    count("as it was", [(log, steps, len(steps) - 1) for log, steps in builds], options.least)
    for change in CHANGES:
        changed = [(log, change(steps, len(steps) - 1, chance)) for log, steps in builds]
        count(change.__name__.replace("_", " "), [(log, *it) for log, it in changed if it], options.least)

    tied, all_runs, touched, shown = 0, 0, 0, []
    for log, steps in builds:
        strangers = [other for _, other in chance.sample(builds, 5) if not set(other[1:]) & set(steps[1:])]
        for path in chance.sample(others, options.strangers):
            try:
                strangers.append(path.read_text(encoding="utf-8").splitlines())
            except UnicodeDecodeError:
                continue
        for lines in strangers:
            line, applied, error = run_envfix(options.envfix, log, lines)
            if error:
                continue
            all_runs += 1
            touched += bool(applied)
            if line is not None:
                tied += 1
                shown.append(f"{log.name}: {steps[-1][:100]!r} tied to {lines[line - 1][:100]!r}")
    print(f"{'of another build':24}{tied:5} of {all_runs:4} tied{100 * tied / max(1, all_runs):8.1f} %, {touched} with a fix")
    for line in shown[:40]:
        print(f"    {line}")
    bad |= tied > options.most_strange * all_runs or touched > tied or all_runs == 0
    print("NOT as it must be" if bad else "as it must be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
