#!/usr/bin/env python3
"""Runs envfix over folders of real files, checks all that it did, and prints a table.

    corpus.py ENVFIX FOLDER... [--flags=FLAGS]... [--sample N --seed S --out DIR]

The folders are copied and never written to. envfix runs over them as it is, with `--faults`, with `--unsafe` and with
`--only spark-precache` (which asks for it in every program and definition that has any use for it), or with the FLAGS given in place of these (`--flags='--only timeouts'`; repeatable). What is checked stands in checks.py.
The exit code is 1 unless every count that must be 0 is. `--sample` writes N of the diffs, picked by chance, to DIR.
"""

import argparse
import collections
import pathlib
import random
import re
import shlex
import shutil
import sys
import tempfile
import time

import checks

MODES = [[], ["--faults"], ["--unsafe"], ["--only", "spark-precache"]]


def table(rows, indent="  "):
    """Aligned columns: the first to the left, the others to the right; 0 is shown as a dot."""
    rows = [["·" if cell == 0 else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print((indent + "  ".join(cells)).rstrip())


def print_findings(report):
    """Findings by patch: by ground; then applied, advised, held back by reason."""
    counts = collections.Counter()
    for finding in report["findings"]:
        fix = finding.get("fix")
        decision = "advised" if not fix else "applied" if fix["applied"] else f"held: {fix['withheld']['kind']}"
        for patch in (finding["patch"], "all"):
            counts.update([(patch, "findings"), (patch, finding["ground"]), (patch, decision)])
    held = sorted({column for _, column in counts if column.startswith("held: ")})
    columns = ["findings", "fault", "hardening", "applied", "advised", *held]
    patches = sorted({patch for patch, _ in counts} - {"all"})
    table([["patch", *columns]] + [[patch, *(counts[patch, column] for column in columns)] for patch in [*patches, "all"]])


def kind_of_message(message):
    """A message without what differs from file to file."""
    message = re.sub(r"`[^`]*`|\"[^\"]*\"|'[^']*'", "…", message.split("\n")[0])
    return re.sub(r"\d+", "N", message)[:110]


def print_problems(report):
    kinds = collections.defaultdict(list)
    for problem in report["problems"]:
        place = f"{problem['file']}:{problem['line']}" if problem.get("line") else problem["file"]
        kinds[kind_of_message(problem["message"])].append(place)
    if kinds:
        print("  refused, by reason")
        table([[kind, len(places), places[0]] for kind, places in sorted(kinds.items(), key=lambda it: -len(it[1]))],
              "    ")


def print_outcome(outcome):
    print(f"\nenvfix {' '.join(outcome.flags) or '(no options)'}: {outcome.seconds:.1f} s")
    report = outcome.report
    if report is None:
        print("  no report")
        return
    kinds = collections.Counter(file["kind"] for file in report["files"])
    changed = collections.Counter(file["kind"] for file in report["files"] if file["changed"])
    rows = [["files", "read", "changed"]] + [[kind, kinds[kind], changed[kind]] for kind in sorted(kinds)]
    table(rows + [["all", sum(kinds.values()), sum(changed.values())]])
    print_findings(report)
    print_problems(report)
    unverified = [it for it in report["findings"] if it.get("fix") and (it["fix"].get("withheld") or {}).get("kind")
                  in ("unverified", "unstable")]
    for finding in unverified[:10]:
        where = f"{finding['file']}:{finding['range']['line']}"
        print(f"  held back by envfix's own verification: {where} [{finding['patch']}] {finding['fix']['withheld']['reason']}")
    notes = collections.defaultdict(list)
    for kind, file in outcome.notes:
        notes[kind].append(file)
    for kind, files in notes.items():
        print(f"  {len(files)} {kind}, such as {files[0]}")


def print_counts(outcomes, show):
    """The counts that must be 0 over all runs, each with examples; returns whether they are."""
    clean = True
    rows, examples = [["must be 0", *(" ".join(outcome.flags) or "(no options)" for outcome in outcomes)]], []
    for count, title in {**checks.COUNTS, **checks.FURTHER}.items():
        numbers = []
        for outcome in outcomes:
            files, failures = outcome.failed(count)
            numbers.append(str(len(files)))  # a 0 that is meant to be read
            clean &= not files
            examples += [f"{title} ({' '.join(outcome.flags) or 'no options'}): {it}" for it in failures[:show]]
        rows.append([title, *numbers])
        if count == "unnamed":
            rows.append([""] * len(numbers) + [""])
    print()
    table(rows)
    for example in examples:
        print(f"\n{example}")
    return clean


def write_sample(outcomes, number, seed, out):
    """Writes diffs picked by chance, each headed by what was found."""
    diffs = [(outcome, file) for outcome in outcomes if outcome.report for file in outcome.report["files"] if file["diff"]]
    random.Random(seed).shuffle(diffs)
    out.mkdir(parents=True, exist_ok=True)
    for count, (outcome, file) in enumerate(diffs[:number], 1):
        mode = "".join(outcome.flags).lstrip("-") or "default"
        head = [f"{file['path']} ({mode})"]
        for finding in outcome.report["findings"]:
            if finding["file"] == file["path"] and finding.get("fix"):
                fix = finding["fix"]
                state = "applied" if fix["applied"] else f"held back: {fix['withheld']['kind']}"
                head.append(f"{finding['range']['line']}: [{finding['patch']}] {fix['action']} ({fix['safety']}, {state})")
            elif finding["file"] == file["path"]:
                head.append(f"{finding['range']['line']}: [{finding['patch']}] advice: {finding['advice']}")
        name = f"{count:03}-{mode}-{file['path'].replace('/', '_')}.diff"
        (out / name).write_bytes(("\n".join(head) + "\n\n" + file["diff"]).encode("utf-8"))
    print(f"\n{min(number, len(diffs))} of {len(diffs)} diffs are in {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--flags", action="append", type=shlex.split, help="options of a run, in place of the four sets")
    parser.add_argument("--show", type=int, default=5, help="failures shown of each kind and run (%(default)s)")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="write N diffs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("sample"), help="where the diffs go (%(default)s)")
    options = parser.parse_args()

    begun = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        scratch = pathlib.Path(scratch)
        tree = scratch / "tree"
        names = []
        for folder in options.folders:
            name = folder.resolve().name
            while name in names:
                name += "_"
            names.append(name)
            shutil.copytree(folder, tree / name, symlinks=True)
        for number, flags in enumerate(options.flags or MODES):
            (scratch / str(number)).mkdir()
            outcome = checks.check(options.envfix, tree, names, flags, scratch / str(number), by_name=True)
            shutil.rmtree(scratch / str(number))
            print_outcome(outcome)
            outcomes.append(outcome)
    clean = print_counts(outcomes, options.show)
    if options.sample:
        write_sample(outcomes, options.sample, options.seed, options.out)
    print(f"\n{time.monotonic() - begun:.0f} s: {'all 0' if clean else 'NOT all 0'}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
