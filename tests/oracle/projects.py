#!/usr/bin/env python3
"""Checks which files of real projects envfix says belong together, against what a person read in them.

    projects.py ENVFIX CORPUS TSV [--only CONTEXT]... [--few]

TSV has a row for each link: `context` (a folder of CORPUS), `from` and `line` (the file and the 1-based line that names
the other one: of a Dockerfile the line on which the RUN begins, of a definition the line of the value), `to`, `why` and
`note`. A row whose `to` and `why` are `-` says that nothing is linked there, though one might expect it, and why not.
Paths are relative to the context, with `/`.

First the rows are held against the files: what they name must be there, and a line of a Dockerfile that names a file
must begin a RUN. Then each context is copied, `envfix --dry-run --format json .` is run in the copy, and the `links` of
its report must be those of the rows, no more and no fewer. At last envfix is run on every file that names another,
alone: the other one, when it lies in the same folder or below, must be among the report's `files` or `links`, and no
link may be there that has no row.

What envfix could not read (exit code 2) is shown and is no failure by itself. The exit code is 1 when anything differs.
"""

import argparse
import csv
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

COLUMNS = ["context", "from", "line", "to", "why", "note"]
KINDS = {"conda-environment", "requirements", "dockerfile", "conda-file", "base-dockerfile", "environment"}

# Kinds of links that start at a command of a Dockerfile.
OF_A_RUN = {"conda-environment", "requirements"}

# Fewer projects, or fewer rows that say that nothing is linked, are no test.
FEWEST_CONTEXTS, FEWEST_UNLINKED, FEWEST_ALONE = 24, 8, 10

# Seconds after which a run counts as hanging; not a measure of speed.
HANG = 120


class Link(NamedTuple):
    """That a file names another, where and why."""

    source: str
    line: int
    to: str
    why: str

    def __str__(self):
        return f"{self.source}:{self.line} -> {self.to} ({self.why})"


class Context:
    """The rows of one context."""

    def __init__(self):
        self.links = {}  # Link: note
        self.unlinked = []  # (file, line, note)

    def note_at(self, source, line):
        """Why nothing is linked at a place, where a row says so."""
        notes = [note for file, number, note in self.unlinked if (file, number) == (source, line)]
        return f"; its row says: {notes[0]}" if notes else ""


class Run(NamedTuple):
    """What a run of envfix said."""

    links: set
    files: set
    problems: list
    failure: str


def read_rows(path):
    """The contexts of a TSV by name, and what is wrong with its rows."""
    contexts, wrong = {}, []
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if next(reader, None) != COLUMNS:
            return {}, [f"{path}: the first line is not {' '.join(COLUMNS)}"]
        for number, row in enumerate(reader, 2):
            where = f"{path}:{number}"
            if len(row) != len(COLUMNS) or not all(row) or not row[2].isdecimal():
                wrong.append(f"{where}: not {len(COLUMNS)} columns, or one of them is empty, or `line` is no number")
                continue
            name, source, line, to, why, note = row
            context = contexts.setdefault(name, Context())
            if (to, why) == ("-", "-"):
                context.unlinked.append((source, int(line), note))
            elif to == "-" or why not in KINDS:
                wrong.append(f"{where}: no kind of link: {why}")
            elif Link(source, int(line), to, why) in context.links:
                wrong.append(f"{where}: the same link twice")
            else:
                context.links[Link(source, int(line), to, why)] = note
    return contexts, wrong


def check_rows(name, context, folder):
    """What the rows of a context say that its files do not bear out."""
    if not folder.is_dir():
        return [f"{name}: no such folder in the corpus"]
    wrong = []
    places = [(link.source, link.line, link) for link in context.links] + [(*it[:2], None) for it in context.unlinked]
    for source, line, link in places:
        try:
            lines = (folder / source).read_text(encoding="utf-8-sig").splitlines()
        except OSError:
            wrong.append(f"{name}: no file {source}")
            continue
        if not 1 <= line <= len(lines):
            wrong.append(f"{name}: {source} has no line {line}")
        elif link and link.why in OF_A_RUN and not re.match(r"\s*RUN\s", lines[line - 1], re.I):
            wrong.append(f"{name}: no RUN begins on {source}:{line}")
        elif link and link.why not in OF_A_RUN and ":" not in lines[line - 1]:
            wrong.append(f"{name}: no key with a value on {source}:{line}")
        if link and not (folder / link.to).is_file():
            wrong.append(f"{name}: no file {link.to}")
    return wrong


def run(envfix, folder, path):
    """Runs envfix on a path of a folder, from that folder."""
    try:
        done = subprocess.run([envfix, "--dry-run", "--format", "json", path], cwd=folder, capture_output=True,
                              timeout=HANG, check=False)
    except subprocess.TimeoutExpired:
        return Run(set(), set(), [], f"hangs: no answer after {HANG} s")
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode not in (0, 2):
        return Run(set(), set(), [], f"exit code {done.returncode}: {said[-500:]}")
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        return Run(set(), set(), [], f"no JSON on standard output ({error}): {said[-500:]}")
    if not isinstance(report.get("links"), list):
        return Run(set(), set(), [], "the report has no array `links`")
    problems = [f"{it['file']}:{it.get('line') or '-'}: {it['message']}" for it in report.get("problems", [])]
    if done.returncode == 2 and not problems:
        problems = [f"exit code 2: {said[-500:]}"]
    try:
        found = [Link(it["from"], it["line"], it["to"], it["why"]) for it in report["links"]]
        files = {it["path"] for it in report["files"]}
    except (KeyError, TypeError) as error:
        return Run(set(), set(), problems, f"a link or a file of the report lacks a key: {error!r}")
    twice = sorted({str(link) for link in found if found.count(link) > 1})
    return Run(set(found), files, problems, f"reported twice: {', '.join(twice)}" if twice else "")


def compare(name, context, found):
    """How the links found differ from those of the rows."""
    if found.failure:
        return [f"{name}: {found.failure}"]
    messages, unexpected = [], set(found.links - set(context.links))
    for link in sorted(set(context.links) - found.links):
        # The same two files, and another line or kind: told as one difference.
        near = [it for it in sorted(unexpected) if (it.source, it.to) == (link.source, link.to)]
        if near:
            unexpected.discard(near[0])
            messages.append(f"{name}: expected {link}\n    found    {near[0]}")
        else:
            messages.append(f"{name}: missing {link}\n    {context.links[link]}")
    for link in sorted(unexpected):
        messages.append(f"{name}: unexpected {link}{context.note_at(link.source, link.line)}")
    return messages


def compare_alone(name, context, source, found):
    """What a run on one file alone does not say of the files that it names, or says beyond the rows."""
    where = f"{name}: {source} alone"
    if found.failure:
        return [f"{where}: {found.failure}"]
    reached = found.files | {link.to for link in found.links}
    # Of a file that is named alone, nothing outside its folder is read.
    inside = lambda link: link.to.startswith(source.rpartition("/")[0])
    wanted = sorted({link.to for link in context.links if link.source == source and inside(link)})
    messages = [f"{where}: nothing of {to} in `files` or `links`" for to in wanted if to not in reached]
    return messages + [f"{where}: unexpected {link}" for link in sorted(found.links - set(context.links))]


def check(envfix, corpus, tsv, only=None, few=False):
    """All differences, all problems that envfix reported, and the number of contexts, of links and of runs on one file.

    With `few`, fewer rows will do than a test of real projects needs.
    """
    contexts, messages = read_rows(tsv)
    unlinked = sum(len(context.unlinked) for context in contexts.values())
    if not few and (len(contexts) < FEWEST_CONTEXTS or unlinked < FEWEST_UNLINKED):
        messages.append(f"{tsv}: {len(contexts)} contexts and {unlinked} rows without a link are too few")
    problems, links, alone = [], 0, 0
    for name, context in sorted(contexts.items()):
        if only and name not in only:
            continue
        folder = pathlib.Path(corpus) / name
        wrong = check_rows(name, context, folder)
        messages += wrong
        if wrong and not folder.is_dir():
            continue
        links += len(context.links)
        with tempfile.TemporaryDirectory(prefix="projects-") as scratch:
            copy = pathlib.Path(scratch, "project")
            shutil.copytree(folder, copy, symlinks=True)
            found = run(envfix, copy, ".")
            messages += compare(name, context, found)
            problems += [f"{name}: {it}" for it in found.problems]
            for source in sorted({link.source for link in context.links}):
                found = run(envfix, copy, source)
                messages += compare_alone(name, context, source, found)
                problems += [f"{name}: {source} alone: {it}" for it in found.problems]
                alone += 1
    if not few and not only and alone < FEWEST_ALONE:
        messages.append(f"{alone} runs on one file alone are too few")
    return messages, problems, (len(contexts if not only else only), links, alone)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path, help="the folder that holds the contexts")
    parser.add_argument("tsv", type=pathlib.Path)
    parser.add_argument("--only", action="append", metavar="CONTEXT", help="check this context; repeatable")
    parser.add_argument("--few", action="store_true", help="a set of made-up projects: no least number of rows is asked for")
    options = parser.parse_args()

    envfix = shutil.which(str(options.envfix.resolve()))
    if not envfix:
        parser.error(f"{options.envfix} is no program")
    messages, problems, (contexts, links, alone) = check(envfix, options.corpus, options.tsv, options.only, options.few)
    if problems:
        print("What envfix could not read (no failure by itself):")
        for problem in problems:
            print(f"  {problem}")
        print()
    for message in messages:
        print(message)
    verdict = f"{len(messages)} differences" if messages else "no difference"
    print(f"{contexts} contexts, {links} links, {alone} files alone: {verdict}")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
