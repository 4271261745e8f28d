#!/usr/bin/env python3
"""Makes what was checked on real definitions and programs hold on odd ones: runs the same checks on mutations of them.

    mutants_definitions.py ENVFIX FOLDER... [--count N] [--seed S] [--keep DIR]

Each mutant is a JSON, YAML, runconfig, Python file or notebook of the folders with one to three mutations. envfix may
refuse it; what it changes is held against what checks.py says. The exit code is 1 unless every count that must be 0 is;
`--keep` copies the mutants that failed to DIR.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

import checks
import corpus

SUFFIXES = (".json", ".yml", ".yaml", ".runconfig", ".py", ".ipynb")
MODES = [[], ["--unsafe"], ["--only", "spark-precache"]]
# Lines that envfix looks at: most mutations happen near them.
WORDS = re.compile(r"spark|precache|packages|image|build|conda|pip|environment|Environment|name", re.I)
VALUES = ["true", "false", "null", "~", "yes", "no", '"false"', "0", "1", "", "[]", "{}", "&a true", "!!bool true", "|\n  x", "NaN"]


def place(rng, lines):
    near = [at for at, line in enumerate(lines) if WORDS.search(line)]
    return rng.choice(near if near and rng.random() < 0.8 else range(len(lines)))


def delete(rng, lines):
    lines.pop(place(rng, lines))


def repeat(rng, lines):
    at = place(rng, lines)
    lines.insert(at, lines[at])


def swap(rng, lines):
    a, b = place(rng, lines), place(rng, lines)
    lines[a], lines[b] = lines[b], lines[a]


def indent(rng, lines):
    at = place(rng, lines)
    lines[at] = rng.choice([" ", "  ", "\t"]) + lines[at] if rng.random() < 0.5 else lines[at][1:]


def comment(rng, lines):
    at = place(rng, lines)
    if rng.random() < 0.5:
        lines[at] += "  # why"
    else:
        width = len(lines[at]) - len(lines[at].lstrip())
        lines.insert(at, " " * width + rng.choice(["# about the next line", "# envfix: skip=spark-precache", ""]))


def value(rng, lines):
    at = place(rng, lines)
    lines[at] = re.sub(r'(["\']?\w+["\']?\s*[:=]\s*)[^,]*', lambda it: it.group(1) + rng.choice(VALUES), lines[at], count=1)


def quote(rng, lines):
    at = place(rng, lines)
    lines[at] = lines[at].replace('"', "'") if '"' in lines[at] else lines[at].replace("'", '"')


def letters(rng, lines):
    at = place(rng, lines)
    lines[at] = lines[at].replace("precachePackages", rng.choice(["precache_packages", "PrecachePackages", "precachepackages"]))
    lines[at] = lines[at].replace("name:", rng.choice(["Name:", "NAME:", "name :", "'name':"]))


def comma(rng, lines):
    at = place(rng, lines)
    lines[at] = lines[at].rstrip(",") if lines[at].endswith(",") else lines[at] + ","


def character(rng, lines):
    at = place(rng, lines)
    column = rng.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:column] + rng.choice("{}[]()'\"\\:,#&*-é\u2028\ufeff\x0c") + lines[at][column:]


LINES = [delete, repeat, swap, indent, comment, value, quote, letters, comma, character]


def whole(rng, name, text):
    """Another way to write the same file."""
    choice = rng.randrange(6)
    if choice == 0:
        return text.replace("\r\n", "\n").replace("\n", "\r\n")
    if choice == 1:
        return text.rstrip("\n")
    if choice == 2:
        return "\ufeff" + text
    if name.endswith((".json", ".ipynb")):
        try:
            return json.dumps(json.loads(text), indent=rng.choice([None, 1, 2, "\t"]), ensure_ascii=rng.random() < 0.5)
        except ValueError:
            return text
    return text


def mutant(rng, name, text):
    for _ in range(rng.randrange(1, 4)):
        if rng.random() < 0.25:
            text = whole(rng, name, text)
            continue
        lines = text.split("\n")
        rng.choice(LINES)(rng, lines)
        text = "\n".join(lines)
        if not text:
            return "\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=1000, help="mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()

    begun = time.monotonic()
    rng = random.Random(options.seed)
    files = [path for folder in options.folders for path in sorted(folder.rglob("*"))
             if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size < 200_000]
    # What has to do with Spark is rare, and is what is written.
    texts = [(path, path.read_bytes().decode("utf-8", "ignore")) for path in files]
    spark = [it for it in texts if "spark" in it[1]]
    if not spark:
        sys.exit(f"nothing about Spark in {', '.join(map(str, options.folders))}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        scratch = pathlib.Path(scratch)
        tree = scratch / "tree"
        for number in range(options.count):
            path, text = rng.choice(spark if rng.random() < 0.7 else texts)
            name = "azureml_environment.json" if path.suffix == ".json" else f"file{path.suffix}"
            (tree / f"{number:05}").mkdir(parents=True)
            (tree / f"{number:05}" / name).write_bytes(mutant(rng, name, text).encode("utf-8", "surrogatepass"))
        outcomes = []
        for number, flags in enumerate(MODES):
            (scratch / str(number)).mkdir()
            outcome = checks.check(options.envfix, tree, sorted(it.name for it in tree.iterdir()), flags, scratch / str(number))
            shutil.rmtree(scratch / str(number))
            if outcome.report:
                changed = sum(file["changed"] for file in outcome.report["files"])
                print(f"{' '.join(flags) or '(no options)'}: {options.count} mutants, {len(outcome.report['files'])} read, "
                      f"{changed} changed, {len(outcome.report['problems'])} refused; {outcome.seconds:.1f} s")
            outcomes.append(outcome)
        clean = corpus.print_counts(outcomes, options.show)
        if options.keep:
            for failure in (it for outcome in outcomes for it in outcome.failures):
                source = tree / failure.file
                if source.is_file():
                    options.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, options.keep / failure.file.replace("/", "_"))
    print(f"\n{time.monotonic() - begun:.0f} s: {'all 0' if clean else 'NOT all 0'}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
