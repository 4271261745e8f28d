#!/usr/bin/env python3
"""Counts how many real failed builds envfix mends, and how many it only explains.

    repair_rate.py ENVFIX CORPUS [--report FILE | --compare FILE]

Each log of the corpus goes to envfix with its Dockerfile, as a user would give it: the real one where the corpus has
it (named in testdata/logs/real.tsv), else the one that is written anew from the log, which holds every instruction up
to the one that failed. Where neither is to be had, the log goes alone.

Every fix that is applied has to be judged by hand in testdata/logs/repairs.tsv, word for word, and every failed
build without one has to have its class in testdata/logs/unrepaired.tsv: what would mend it. It fails when a fix is
applied that nobody judged or that was judged wrong, when a judgement is of no fix any more, when fewer builds are
mended than `--least` asks for, and when the page given with `--compare` is not what comes out. `--report` writes that
page.
"""
import argparse
import collections
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

import logs
import tied

DATA = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "logs"

# The published figure: Shipwright, ICSE 2021.
SHIPWRIGHT = 18.9

# How many of Shipwright's builds were mended before the logs were looked at for what would mend them.
BEFORE = 1

# What would mend the builds of a class, by the names in unrepaired.tsv.
NEEDS = {
    "conda-python": (
        "`python=` beside the package in the failing `conda install`, as conda's own list of what quarrels "
        "names it. Needs a conda to try it with: in `base` the same pin may take conda itself along."
    ),
    "python-2": (
        "The last releases for Python 2.7, by a table of packages; the log names the package and not the "
        "release."
    ),
    "image-gone": "The tags that the registry has. A look-up, which envfix does not do.",
    "download-gone": "Another address of the same file. A person's choice.",
    "moved-host": (
        "A table of hosts that moved (central.maven.org, maven.jenkins-ci.org), each with a source. In no row "
        "of the document."
    ),
    "host-gone": "Nothing: the service was shut down, or is inside somebody's network.",
    "release-moved-on": (
        "`FROM ubuntu:18.04` for a tag that moves: the last release that has every package of the command. "
        "Needs the package indices of each release."
    ),
    "renamed-package": (
        "apt names the package that replaces the one asked for. An operation that takes a word out of a "
        "command."
    ),
    "debian-archive": (
        "archive.debian.org in the sources, without the suites that it lacks, and with keys that have "
        "expired. Needs that archive to try it with."
    ),
    "foreign-sources": "`FROM` the release that the Dockerfile writes into sources.list itself.",
    "repository-key": "A table of repositories and where each has its key today (ROS, PPAs).",
    "conda-builds": "The environment YAML without the builds of an old export. The file is not in the log.",
    "conda-gone": "Another version of the package. A person's choice.",
    "project": "A change of the project's own sources, which the log does not hold.",
    "unknown-base": "The distribution of an image of one's own, told by what the log shows of its package manager.",
    "package-gone": "Another package, or another version. A person's choice.",
    "no-dockerfile": "The Dockerfile: the builder refused it before it printed any of it.",
    "certificates": "A base image with the authorities of today.",
    "other-tool": "Ruby, Node, Haskell, Windows: not in the document.",
    "conflict": "Other versions of the packages that quarrel.",
}


# The classes that no edit of the Dockerfile or the environment mends.
OUT_OF_REACH = {"host-gone", "project", "no-dockerfile", "other-tool"}

PROSE = """
# How many broken builds are mended

Made by `tests/oracle/repair_rate.py ENVFIX CORPUS --report docs/repair-rate.md`.

The corpus has {logs} logs from public repositories; in {failed} of them a build failed. {ours} of those were
recorded by the authors of Shipwright (ICSE 2021) from Dockerfiles on GitHub that no longer built. Each goes to
envfix as a user would give it, `envfix --log LOG Dockerfile`: with the real Dockerfile where the corpus has it
({real}), with one written anew from the instructions that the log prints where it prints them ({rebuilt}), and
alone otherwise ({alone}). A Dockerfile written anew ends with the instruction that failed.

**Mended: {mended} of Shipwright's builds**, {sure} without another error in sight. Shipwright repaired {shipwright}
% of its own set. The two figures are not of the same kind: theirs is of another and larger set, and they ran every
repaired build. These builds cannot be run here: their images, packages and hosts are those of 2020, and their
sources are not in the log.

*Mended* means that every fix that envfix applies was read beside the log, by hand, and found to take away the error
that ended the build at the time of the log, by a change that somebody who knows the tools would make. It does not
mean that the build ends well: what comes behind that error was never reached. Where the reader expects another one
in the same command, [repairs.tsv](../testdata/logs/repairs.tsv) says so (`then`), beside the reason for each
judgement; `tried` in it means that the failing pip command was run with the old pip and setuptools, and again
behind the fix. The check fails when a fix is applied that is not in that table, or that was judged not to mend.

Most of these patches were written with these logs at hand, so the figure tells what they do for these builds, and
not what they would do for others: before that, {before} of the {ours} was mended.
"""


def table(name, columns):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if any(None in row or None in row.values() or list(row) != columns for row in rows):
        sys.exit(f"{name}: not every row has the columns {', '.join(columns)}")
    return rows


def dockerfile_of(row, log, corpus):
    """The Dockerfile of a log's build, and where it is from."""
    path = corpus / row["dockerfile"]
    if row["dockerfile"].startswith("dockerfiles/") and path.is_file():
        return path.read_text(encoding="utf-8"), "real"
    steps = tied.steps_of(log)
    return ("\n".join(steps) + "\n", "rebuilt") if steps else (None, "none")


def run_envfix(envfix, log, dockerfile):
    with tempfile.TemporaryDirectory() as folder:
        command = [envfix, "--log", log, "--dry-run", "--format", "json"]
        if dockerfile is not None:
            path = pathlib.Path(folder) / "Dockerfile"
            path.write_text(dockerfile, encoding="utf-8")
            command.append(path)
        run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{log.name}: exit code {run.returncode}: {run.stderr.strip()[:300]}")
    return json.loads(run.stdout)


def is_exact(advice):
    """Whether an advice has a command to type as it stands: between backticks, of two words at least, and without a
    word in capitals that stands for something (NAME, URL, PACKAGE)."""
    spans = [span.strip() for span in re.findall(r"`([^`]+)`", advice) if not span.startswith("apt-get update")]
    instruction, stands_for = r"^(?:RUN|ENV|SHELL|FROM|COPY|ARG) ", r"(?<![\w$=/-])[A-Z]{3,}(?![\w=])"
    gaps = [re.findall(stands_for, re.sub(instruction, "", span)) for span in spans]
    return any(" " in span and not gap and "…" not in span for span, gap in zip(spans, gaps))


class Build:
    """A failed build and what envfix makes of it."""

    def __init__(self, row, log, envfix, corpus):
        self.name, self.row = log.name, row
        source = log.with_suffix(".source.txt").read_text(encoding="utf-8")
        self.shipwright = "STAR-RG/shipwright" in source
        dockerfile, self.dockerfile = dockerfile_of(row, log, corpus)
        report = run_envfix(envfix, log, dockerfile)
        claimed = [cause["patch"] for cause in report["log"]["causes"]]
        real = {cause for cause in row["causes"] if cause not in logs.NO_CAUSE}
        self.named = any(cause != logs.LAST_RESORT for cause in claimed)
        self.right = bool(set(claimed) & (real | row["also"]))
        self.fixes, self.held, advice = [], [], []
        for finding in report["findings"]:
            fix = finding.get("fix")
            if fix is None:
                advice += [finding["advice"]] if finding["patch"] in claimed else []
            elif fix["applied"]:
                self.fixes.append((finding["patch"], fix["action"]))
            elif finding["patch"] in claimed:
                self.held.append(f"{finding['patch']}: {fix['withheld']['reason']}")
        advice += [cause["advice"] for cause in report["log"]["causes"] if cause.get("advice")]
        self.fixes = sorted(set(self.fixes))
        self.exact, self.advised = any(is_exact(text) for text in advice), bool(advice)
        self.mended, self.then = False, []

    @property
    def outcome(self):
        if self.mended:
            return "mended"
        if self.fixes:
            return "patched in vain"
        return "exact advice" if self.exact else "advice" if self.advised else "nothing"


def judge(builds):
    """Takes the judgements over, and gives what is wrong with them."""
    wrong = []
    rows = table("repairs.tsv", ["log", "patch", "does", "mends", "then", "why"])
    judged = {(row["log"], row["patch"], row["does"]): row for row in rows}
    applied = {(build.name, *fix) for build in builds for fix in build.fixes}
    if len(judged) != len(rows):
        wrong.append("repairs.tsv: two rows are of one fix")
    for key in sorted(applied - set(judged)):
        wrong.append(f"{key[0]}: nobody judged [{key[1]}] {key[2]}")
    for key in sorted(set(judged) - applied):
        wrong.append(f"{key[0]}: judged, but not applied any more: [{key[1]}] {key[2]}")
    for key in sorted(applied & set(judged)):
        row = judged[key]
        if row["mends"] != "yes" or not row["why"]:
            wrong.append(f"{key[0]}: applied, though judged {row['mends']!r}: [{key[1]}] {key[2]}: {row['why']}")
    for build in builds:
        keys = [(build.name, *fix) for fix in build.fixes]
        build.mended = bool(keys) and all(judged.get(key, {}).get("mends") == "yes" for key in keys)
        build.then = [judged[key]["then"] for key in keys if key in judged and judged[key]["then"] != "-"]
    classes = {row["log"]: row["class"] for row in table("unrepaired.tsv", ["log", "class", "why"])}
    open_builds = {build.name for build in builds if not build.mended}
    wrong += [f"{name}: not mended, and of no class in unrepaired.tsv" for name in sorted(open_builds - set(classes))]
    wrong += [f"{name}: in unrepaired.tsv, but mended or no build" for name in sorted(set(classes) - open_builds)]
    wrong += [f"{name}: no such class: {it}" for name, it in sorted(classes.items()) if it not in NEEDS]
    return wrong, classes


def share(part, whole):
    return f"{part} of {whole} ({100 * part / max(1, whole):.1f} %)"


def aligned(rows):
    return [f"| {' | '.join(str(cell) for cell in row)} |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]]


def page(builds, all_logs, classes):
    ours = [build for build in builds if build.shipwright]
    with_file = [build for build in builds if build.dockerfile != "none"]
    real = sum(build.dockerfile == "real" for build in builds)
    groups = [("failed builds", builds), ("Shipwright's", ours), ("with a Dockerfile", with_file)]
    mended = sum(build.mended for build in ours)
    sure = sum(build.mended and not build.then for build in ours)
    text = PROSE.format(
        logs=all_logs, failed=len(builds), ours=len(ours), real=real, rebuilt=len(with_file) - real,
        alone=len(builds) - len(with_file), mended=share(mended, len(ours)), sure=share(sure, len(ours)),
        shipwright=SHIPWRIGHT, before=BEFORE)
    out = []
    for paragraph in text.strip().split("\n\n"):
        out += [textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False), ""]
    columns = ["", *(f"{name}: {len(group)}" for name, group in groups)]
    lines = [
        ("a cause is named", lambda build: build.named),
        ("it is the one that a person found", lambda build: build.right),
        ("**mended** by a patch", lambda build: build.mended),
        ("mended, and another error is in sight", lambda build: build.mended and bool(build.then)),
        ("patched, and it does not help", lambda build: build.outcome == "patched in vain"),
        ("advice with a command to type as it stands", lambda build: build.outcome == "exact advice"),
        ("other advice", lambda build: build.outcome == "advice"),
        ("nothing", lambda build: build.outcome == "nothing"),
    ]
    rows = [[name, *(share(sum(map(test, group)), len(group)) for _, group in groups)] for name, test in lines]
    out += aligned([columns, *rows])
    held = [f"{build.name}: {reason}" for build in builds for reason in build.held]
    out += ["", f"Fixes of a cause that were held back: {len(held)}.", *(f"- {line}" for line in held), ""]
    out += ["## By cause", ""]
    out += ["The cause is the first that a person found in the log (testdata/logs/real.tsv).", ""]
    by_cause = collections.defaultdict(list)
    for build in builds:
        by_cause[build.row["causes"][0]].append(build)
    rows = []
    for cause, group in sorted(by_cause.items(), key=lambda item: (-len(item[1]), item[0])):
        counts = collections.Counter(build.outcome for build in group)
        advised = counts["exact advice"] + counts["advice"]
        rows.append([cause, len(group), counts["mended"], counts["patched in vain"], advised, counts["nothing"]])
    out += aligned([["cause", "logs", "mended", "patched in vain", "advised", "nothing"], *rows])
    out += ["", "## What would raise it most", ""]
    out += ["The builds that are not mended, by what would mend them (testdata/logs/unrepaired.tsv).", ""]
    counts = collections.Counter(classes[build.name] for build in builds if build.name in classes)
    most = sorted(counts.items(), key=lambda item: (-item[1], list(NEEDS).index(item[0])))
    beyond = [(name, count) for name, count in most if name in OUT_OF_REACH]
    most = [(name, count) for name, count in most if name not in OUT_OF_REACH]
    rows = [[name, count, NEEDS[name]] for name, count in most[:10]]
    out += aligned([["class", "logs", "what it needs"], *rows])
    rest = ", ".join(f"{name} {count}" for name, count in most[10:])
    out += ["", f"Further classes: {rest}." if rest else "", ""]
    out += ["These no edit of a Dockerfile or an environment mends:", ""]
    out += aligned([["class", "logs", "what it needs"], *([name, count, NEEDS[name]] for name, count in beyond)])
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path, help="write the page here")
    parser.add_argument("--compare", type=pathlib.Path, help="the page as it is kept")
    parser.add_argument("--least", type=int, default=1, help="how many builds are to be mended at least")
    options = parser.parse_args()
    folder = options.corpus / "logs"
    every = sorted(folder.glob("*.log"))
    rows = {row["log"]: row for row in logs.labels(DATA / "real.tsv")}
    failed = [log for log in every if rows.get(log.name, {}).get("ends") == "failed"]
    if len(failed) < 20 or len(rows) != len(every):
        sys.exit(f"{len(every)} logs, {len(rows)} labels, {len(failed)} failed: not the corpus that was labelled")
    builds = [Build(rows[log.name], log, options.envfix, options.corpus) for log in failed]
    wrong, classes = judge(builds)
    text = page(builds, len(every), classes)
    mended = sum(build.mended for build in builds)
    if mended < options.least:
        wrong.append(f"{mended} builds are mended, not {options.least}")
    if options.report and not wrong:
        options.report.write_text(text, encoding="utf-8")
    if options.compare and options.compare.read_text(encoding="utf-8") != text:
        wrong.append(f"{options.compare}: not what comes out; write it anew with --report")
    outcomes = collections.Counter(build.outcome for build in builds)
    ours = [build for build in builds if build.shipwright]
    print(f"{len(every)} logs, {len(builds)} failed builds, {len(ours)} of them Shipwright's")
    print(f"  {sum(it.named for it in builds)} with a cause, {sum(it.right for it in builds)} with the right one")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome:18}{share(count, len(builds))}")
    print(f"  of Shipwright's: mended {share(sum(build.mended for build in ours), len(ours))}")
    for line in wrong:
        print(f"  {line}")
    print("NOT as it must be" if wrong else "as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
