#!/usr/bin/env python3
"""Compares what envfix says of logs with what people who read them say (testdata/logs/*.tsv).

For each cause it prints how many logs show it and were told so (found), how many were not (missed), and how many were
told a cause that they do not show (wrong). A second reading that a person found as good (`also: ID` in the note) counts
as right. `other`, `unknown` and `none` in the labels are no causes: anything claimed there is wrong. The last resort,
install-failed, names no cause and is neither.

It fails when more logs than allowed are missed or wrong, when a failing step is not the one that a person saw, when a
build that went well gets a cause, or when envfix ends otherwise than with 0.
"""
import argparse
import collections
import csv
import json
import pathlib
import re
import subprocess
import sys

NO_CAUSE = {"other", "unknown", "none"}
LAST_RESORT = "install-failed"


def words(text):
    """An instruction without its blanks, quotes and continuations: builders print them differently."""
    return re.sub(r"[\s\\]+", "", text).lower()


def labels(path):
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            also = set(re.findall(r"also: ([a-z0-9-]+(?:, ?[a-z0-9-]+)*)", row["note"]))
            row["also"] = {word.strip() for words in also for word in words.split(",")}
            row["causes"] = [cause for cause in row["causes"].split(",") if cause]
            yield row


def report_of(envfix, log):
    run = subprocess.run([envfix, "--log", str(log), "--format", "json"], capture_output=True)
    return run.returncode, (json.loads(run.stdout) if run.stdout.strip() else None), run.stderr.decode("utf-8", "replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix")
    parser.add_argument("labels", type=pathlib.Path)
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("--most-missed", type=int, default=0, help="logs whose cause may be missed")
    parser.add_argument("--most-wrong", type=int, default=0, help="logs that may get a cause that they do not show")
    parser.add_argument("--most-other-steps", type=int, default=0, help="logs whose failing step may be another")
    parser.add_argument("--show", type=int, default=400, help="how many differences to print")
    options = parser.parse_args()
    rows = list(labels(options.labels))
    here = {path.name for path in options.logs.iterdir() if path.name.endswith(".log")}
    unlabelled = here - {row["log"] for row in rows}
    if unlabelled or not rows:
        sys.exit(f"{len(unlabelled)} logs have no label, such as {sorted(unlabelled)[:3]}")
    counts = collections.defaultdict(collections.Counter)
    differences, broken = [], []
    missed = wrong = steps = steps_right = ends_right = failed = unclaimed = 0
    for row in rows:
        code, report, errors = report_of(options.envfix, options.logs / row["log"])
        if code != 0 or report is None or "log" not in report:
            broken.append(f"{row['log']}: exit code {code}: {errors.strip()[:300]}")
            continue
        log = report["log"]
        claimed = [cause["patch"] for cause in log["causes"]]
        wanted = [cause for cause in row["causes"] if cause not in NO_CAUSE]
        allowed = set(wanted) | row["also"] | {LAST_RESORT}
        lost = [cause for cause in wanted if cause not in claimed and not (row["also"] & set(claimed))]
        extra = sorted({cause for cause in claimed if cause not in allowed})
        if row["ends"] != "failed" and claimed and "none" in row["causes"]:
            extra = sorted(set(claimed))
        for cause in wanted:
            counts[cause]["missed" if cause in lost else "found"] += 1
        for cause in extra:
            counts[cause]["wrong"] += 1
        missed += bool(lost)
        wrong += bool(extra)
        unclaimed += LAST_RESORT in claimed
        failed += row["ends"] == "failed"
        ends_right += (log["ended"] == "failed") == (row["ends"] == "failed")
        said = f"{row['log']}: shows {','.join(row['causes'])} (line {row['lines']}), claimed {','.join(claimed) or 'none'}"
        lines = [str(cause["evidence"][0]["line"]) for cause in log["causes"] if cause["evidence"]]
        if lost or extra:
            differences.append(f"{said} (line {','.join(lines) or '-'})")
        step = row["step"]
        if row["ends"] == "failed" and step not in ("-", ""):
            steps += 1
            found = (log.get("failing") or {}).get("instruction") or ""
            short = words(re.sub(r"^(?:step\s+|#\d+ )?\[?[\w.-]* ?\d+(?:/\d+)?\]?\s*:?\s*", "", step, flags=re.I))[:60]
            right = bool(short) and (words(found).startswith(short) or short.startswith(words(found)[:60]) and found != "")
            steps_right += right
            if not right:
                differences.append(f"{row['log']}: the step is {step[:90]!r}, found {found[:90]!r}")
    print(f"{'cause':26}{'found':>7}{'missed':>8}{'wrong':>7}")
    for cause, count in sorted(counts.items()):
        print(f"{cause:26}{count['found']:7}{count['missed'] or '·':>8}{count['wrong'] or '·':>7}")
    print(f"\n{len(rows)} logs, {failed} of them failed: {missed} missed, {wrong} wrong, {unclaimed} with the last resort alone; "
          f"{steps_right} of {steps} failing steps; how they end: {ends_right} right")
    for difference in differences[: options.show] + broken[: options.show]:
        print(f"  {difference}")
    bad = broken or missed > options.most_missed or wrong > options.most_wrong or steps - steps_right > options.most_other_steps
    print("NOT as it must be" if bad else "as it must be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
