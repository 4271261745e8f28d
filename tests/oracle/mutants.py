#!/usr/bin/env python3
"""Makes what was checked on real Dockerfiles hold on odd ones: runs the same checks on mutations of them.

    mutants.py ENVFIX FOLDER... [--count N] [--seed S] [--keep DIR]

Each mutant is a Dockerfile of the folders with one to three mutations; only those that BuildKit's parser accepts
count. The exit code is 1 unless every count that must be 0 is; `--keep` copies the mutants that failed to DIR.
"""

import argparse
import collections
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

import checks
import corpus

# Lines that envfix looks at: most mutations happen near them.
TOOLS = re.compile(r"\b(pip3?|conda|mamba|apt-get|apt|python3?|get-pip|ENV|FROM)\b")


def pick(rng, lines, wanted=lambda line: True):
    """The number of a line that is `wanted`, one with a tool where there is one; None without any."""
    fitting = [at for at, line in enumerate(lines) if wanted(line)]
    with_tool = [at for at in fitting if TOOLS.search(lines[at])]
    return rng.choice(with_tool if with_tool and rng.random() < 0.8 else fitting) if fitting else None


def continued(line):
    return line.rstrip().endswith("\\")


MUTATIONS = {}


def mutation(change):
    MUTATIONS[change.__name__.replace("_", " ")] = change
    return change


@mutation
def drop_a_backslash(rng, lines):
    at = pick(rng, lines, continued)
    if at is not None:
        lines[at] = lines[at].rstrip()[:-1].rstrip()


@mutation
def join_two_lines(rng, lines):
    at = pick(rng, lines[:-1], continued)
    if at is not None:
        lines[at:at + 2] = [lines[at].rstrip()[:-1].rstrip() + " " + lines[at + 1].lstrip()]


@mutation
def split_a_line(rng, lines):
    at = pick(rng, lines, lambda line: " " in line.strip() and not line.lstrip().startswith("#"))
    if at is not None:
        gap = rng.choice([m for m in re.finditer(r"(?<=\S) +(?=\S)", lines[at])] or [None])
        if gap:
            lines[at:at + 1] = [lines[at][:gap.start()] + " \\", rng.choice(["", "  ", "\t"]) + lines[at][gap.end():]]


@mutation
def blank_behind_a_backslash(rng, lines):
    at = pick(rng, lines, continued)
    if at is not None:
        lines[at] += rng.choice([" ", "\t", "  \t"])


@mutation
def backslash_glued_to_a_word(rng, lines):
    at = pick(rng, lines, continued)
    if at is not None:
        lines[at] = lines[at].rstrip()[:-1].rstrip() + "\\"


@mutation
def comment_in_a_continuation(rng, lines):
    at = pick(rng, lines, continued)
    if at is not None:
        lines.insert(at + 1, rng.choice(["# a comment", "    # pip install --upgrade pip \\", "#", "\t# && rm -rf /var/lib/apt/lists/*"]))


@mutation
def blank_line_in_a_continuation(rng, lines):
    at = pick(rng, lines, continued)
    if at is not None:
        lines.insert(at + 1, rng.choice(["", "   ", "\t"]))


@mutation
def dangling_backslash_before_a_comment(rng, lines):
    at = pick(rng, lines, lambda line: not continued(line) and TOOLS.search(line) is not None)
    if at is not None:
        lines[at] += " \\"
        lines[at + 1:at + 1] = rng.choice([["# a comment", ""], ["", ""], ["# one", "  # two", ""]])


@mutation
def tabs(rng, lines):
    for at, line in enumerate(lines):
        lines[at] = re.sub(r"^ +", lambda blank: "\t" * max(1, len(blank[0]) // 4), line)


@mutation
def two_spaces_behind_keywords(rng, lines):
    for at, line in enumerate(lines):
        lines[at] = re.sub(r"^([A-Z]{3,}) (?=\S)", r"\1  ", line)


@mutation
def lower_case_keywords(rng, lines):
    for at, line in enumerate(lines):
        if at == 0 or not continued(lines[at - 1]):
            lines[at] = re.sub(r"^[A-Z]+(?= )", lambda word: rng.choice([word[0].lower(), word[0].title()]), line)


@mutation
def indented_keywords(rng, lines):
    indent = rng.choice([" ", "\t", "    "])
    for at, line in enumerate(lines):
        if re.match(r"(RUN|ENV|FROM|COPY) ", line) and rng.random() < 0.5:
            lines[at] = indent + line


@mutation
def onbuild(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN "))
    if at is not None:
        lines[at] = "ONBUILD " + lines[at]


@mutation
def heredoc(rng, lines):
    """One RUN, with its continuation lines, as the body of a heredoc."""
    at = pick(rng, lines, lambda line: line.startswith("RUN ") and "<<" not in line)
    if at is None:
        return
    end = at
    while end < len(lines) - 1 and continued(lines[end]):
        end += 1
    body = [lines[at][4:], *lines[at + 1:end + 1]]
    opening = rng.choice(["<<EOF", "<<'EOF'", "<<-EOF", '<<"EOF" ', "<<EOF bash", "<<EOF cat > /x.sh"])
    dash = "\t" if "<<-" in opening else ""
    lines[at:end + 1] = ["RUN " + opening, *(dash + line for line in body), dash + "EOF"]


@mutation
def heredoc_of_several_commands(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN ") and not continued(line) and "<<" not in line)
    if at is not None:
        commands = re.split(r"\s*&&\s*", lines[at][4:])
        lines[at:at + 1] = ["RUN <<EOF", *rng.choice([[], ["set -e"], ["#!/bin/bash", "set -eux"], ["# a comment", ""]]),
                            *commands, "EOF"]


@mutation
def semicolons_for_and(rng, lines):
    at = pick(rng, lines, lambda line: "&&" in line)
    if at is not None:
        lines[at] = lines[at].replace(" && ", rng.choice(["; ", " ; ", ";", " || ", "&&", " | ", " & "]))


@mutation
def operator_at_the_end_of_the_line(rng, lines):
    for at in range(1, len(lines)):
        found = re.match(r"(\s*)&&\s+(.*)", lines[at])
        if found and continued(lines[at - 1]):
            lines[at - 1] = lines[at - 1].rstrip()[:-1].rstrip() + " && \\"
            lines[at] = found[1] + found[2]


@mutation
def subshell(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN ") and not continued(line) and "<<" not in line)
    if at is not None:
        text = lines[at][4:]
        lines[at] = "RUN " + rng.choice([f"({text})", f"{{ {text}; }}", f"if true; then {text}; fi", f"sh -c '{text}'",
                                         f"set -ex; {text}", f"{text} || true", f"{text};", f"{text} # done",
                                         f'["/bin/sh", "-c", "{text}"]', f"! {text}", f"for i in 1 2; do {text}; done"])


@mutation
def mount(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN "))
    if at is not None:
        lines[at] = lines[at].replace("RUN ", "RUN --mount=type=cache,target=/root/.cache/pip ", 1)


@mutation
def escape_directive(rng, lines):
    """A file in the other escape character; a backslash is a letter in it."""
    lines[:] = [re.sub(r"\\([ \t]*)$", r"`\1", line) for line in lines]
    lines.insert(0, rng.choice(["# escape=`", "#escape=`", "# Escape = `"]))


@mutation
def escape_directive_alone(rng, lines):
    lines.insert(0, "# escape=\\")


@mutation
def syntax_directive(rng, lines):
    lines.insert(0, "# syntax=docker/dockerfile:1")


@mutation
def shell_instruction(rng, lines):
    at = pick(rng, lines, lambda line: line.upper().startswith("FROM "))
    if at is not None:
        lines.insert(at + 1, rng.choice(['SHELL ["/bin/bash", "-o", "pipefail", "-c"]', 'SHELL ["powershell", "-Command"]']))


@mutation
def user_instruction(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN "))
    if at is not None and not (at and continued(lines[at - 1])):
        lines.insert(at, rng.choice(["USER nobody", "USER 1000:1000", "USER ${APP_USER}", "USER root"]))


@mutation
def comment_above(rng, lines):
    at = pick(rng, lines, lambda line: line.startswith("RUN "))
    if at is not None and not (at and continued(lines[at - 1])):
        lines[at:at] = rng.choice([["# why this is here"], ["# one", "", "# two"], ["", "    # indented"]])


@mutation
def everything_twice(rng, lines):
    lines += list(lines)


@mutation
def stages(rng, lines):
    """The first stage gets a name, and a second one derives from it."""
    at = next((at for at, line in enumerate(lines) if re.match(r"(?i)FROM \S+$", line)), None)
    if at is not None:
        lines[at] += " AS first"
        rest = [line for line in lines[at + 1:] if line.startswith(("RUN ", "ENV ")) and not continued(line)]
        lines += [rng.choice(["FROM first", "FROM first AS second", "FROM FIRST"]), *rest]


@mutation
def unicode(rng, lines):
    at = pick(rng, lines)
    if at is not None:
        lines.insert(at, "# ünïcode 漢字 🐍") if not (at and continued(lines[at - 1])) else None
        lines.insert(0, "# Ä")


# How the lines are put together.
ENDINGS = {
    "as it is": lambda rng, lines: "\n".join(lines) + "\n",
    "no last newline": lambda rng, lines: "\n".join(lines).rstrip("\n"),
    "CRLF": lambda rng, lines: "\r\n".join(lines) + "\r\n",
    "CRLF, no last newline": lambda rng, lines: "\r\n".join(lines).rstrip("\r\n"),
    "mixed newlines": lambda rng, lines: "".join(line + rng.choice(["\n", "\r\n"]) for line in lines),
    "BOM": lambda rng, lines: "\ufeff" + "\n".join(lines) + "\n",
    "BOM and CRLF": lambda rng, lines: "\ufeff" + "\r\n".join(lines) + "\r\n",
    "blank lines at the end": lambda rng, lines: "\n".join(lines) + "\n\n \n\n",
}


def make(rng, text):
    """A mutant and what was done to it."""
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").rstrip("\n").split("\n")
    done = rng.sample(sorted(MUTATIONS), rng.randint(1, 3))
    for name in done:
        MUTATIONS[name](rng, lines)
    ending = rng.choice(["as it is"] * len(ENDINGS) + sorted(ENDINGS))
    return ENDINGS[ending](rng, lines), [*done, ending]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=500, help="how many mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="failures shown of each kind and run (%(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, help="where the mutants go that failed")
    options = parser.parse_args()

    begun = time.monotonic()
    rng = random.Random(options.seed)
    texts = []
    for folder in options.folders:
        for path in sorted(folder.rglob("*")):
            data = path.read_bytes() if path.is_file() and checks.looks_like_dockerfile(path.name) else b""
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                continue
            # A mutant of a file in which there is nothing to fix shows little.
            if text and len(text) < 20_000 and re.search(r"\b(pip3?|conda|mamba|apt-get)\b", text):
                texts.append((path, text))
    if not texts:
        print("no Dockerfile in " + ", ".join(map(str, options.folders)))
        return 1
    origin, refused, tried = {}, 0, collections.Counter()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "tree").mkdir()
        while len(origin) < options.count:
            path, text = rng.choice(texts)
            mutant, done = make(rng, text)
            if isinstance(checks.parse(mutant), Exception):
                refused += 1
                continue
            name = f"{len(origin) + 1:05}.Dockerfile"
            (scratch / "tree" / name).write_bytes(mutant.encode("utf-8"))
            origin[name] = f"{path}: {', '.join(done)}"
            tried.update(done)
        print(f"{len(origin)} mutants of {len(texts)} Dockerfiles; {refused} more were no Dockerfiles to BuildKit's parser")
        for number, flags in enumerate(corpus.MODES):
            (scratch / str(number)).mkdir()
            outcome = checks.check(options.envfix, scratch / "tree", ["."], flags, scratch / str(number))
            for failure in outcome.failures:
                failure.message = f"({origin.get(failure.file, 'no one file')}) {failure.message}"
            corpus.print_outcome(outcome)
            outcomes.append(outcome)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for name in sorted({failure.file for outcome in outcomes for failure in outcome.failures} & origin.keys()):
                shutil.copy(scratch / "tree" / name, options.keep / name)
    print()
    corpus.table([["mutation", "mutants"], *([name, tried[name]] for name in sorted(MUTATIONS)), *([name, tried[name]] for name in ENDINGS)])
    clean = corpus.print_counts(outcomes, options.show)
    print(f"\n{time.monotonic() - begun:.0f} s: {'all 0' if clean else 'NOT all 0'}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
