"""Compares envfix's Dockerfile scanner with BuildKit's own parser (PyPI `dockerfile` 3.4.0, BuildKit v0.12.5).

    buildkit.py DUMP PATH...               compare every file below the paths
    buildkit.py DUMP --fuzz N [--seed S] [PATH...]
                                           compare N random mutations of small texts and of the files

DUMP is the built example `dump`. Compared are: accepted or refused, keyword, first and last line, joined text, flags,
arguments as the instruction reads them, exec or shell form, names and bodies of heredocs. A disagreement that no entry
of EXCEPTIONS covers is printed and the exit code is 1; so it is when an entry's own case agrees, for then it is stale.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys

import dockerfile

SHELL_OR_EXEC = {"RUN", "CMD", "ENTRYPOINT", "SHELL"}
WORDS = {"FROM", "EXPOSE", "COPY", "ADD", "VOLUME"}
TEXT = {"MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"}

# Where envfix reads a text otherwise than this version of BuildKit, on purpose. Each: a minimal case, a test that
# tells from both results and the text whether a disagreement is of this kind, and the reason.
EXCEPTIONS = {}


def exception(name, case):
    def register(test):
        EXCEPTIONS[name] = (case, test)
        return test

    return register


def instructions(mine):
    return mine.get("instructions", [])


@exception("spaced heredoc", "FROM a\nRUN cat << EOF\nRUN b\nEOF\n")
def _(text, mine, theirs):
    """`<< EOF` is a heredoc since BuildKit 0.22 (moby/buildkit#5817); hadolint 2.15 refuses the file, as before 0.22."""
    spaced = any(heredoc["spaced"] for it in instructions(mine) for heredoc in it["heredocs"])
    lines = [it["text"] for it in instructions(mine)] + [text]
    return spaced or any(re.search(r"<<[ \t\r]+-?<<", line) for line in lines)


@exception("text behind a JSON list", 'FROM a\nRUN ["b"] && c\n')
def _(text, mine, theirs):
    """`RUN ["a"] && b` is the shell form since July 2024 (moby/buildkit#5107); before, what follows was
    dropped. hadolint 2.15 refuses the file."""
    lines = [it["text"] for it in instructions(mine)] + text.split("\n")
    return any(trailing(line[at.start():]) for line in lines for at in re.finditer(r"\[", line))


def trailing(text):
    """Whether the text begins with a JSON list and goes on behind it."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and text[end:].strip() != ""


@exception("check directive", "# check=skip=all\n# escape=`\nFROM a `\nb\n")
def _(text, mine, theirs):
    """`# check=` is a directive since Dockerfile syntax 1.8, so that directives may follow it.
    hadolint 2.15 does not know it and refuses the file."""
    return re.search(r"(?im)^\s*#\s*check\s*=", text) is not None


@exception("blank before a directive", "#\u00a0escape=`\nFROM a `\nb\n")
def _(text, mine, theirs):
    """In newer releases any blank of Unicode may stand behind `#`; before, ASCII ones and no vertical tab.
    hadolint 2.15 follows the older rule."""
    return re.search(r"(?i)^\ufeff?(\s*#.*\n)*\s*#[ \t\r\f\n]*[\v\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]", text) is not None


@exception("pattern beside a heredoc", "FROM a\nRUN echo ${x#y} <<EOF\nRUN b\nEOF\n")
def _(text, mine, theirs):
    """`${x#p}`, `${x%p}` and `${x/p/r}` are known to newer releases; before, they hid the line's heredocs.
    hadolint 2.15 sees the heredoc."""
    return any(re.search(r"\$\{\w+[/#%]|\$\{[@*#?$!-][/#%]", line) for line in [text.replace("\n", " ")] if "<<" in line)


@exception("Latin-1 in flags", "FROM a\nCOPY --from=\u00e0 b c\n")
def _(text, mine, theirs):
    """BuildKit reads the bytes of a flag one by one as Latin-1, so that \u00e0 (C3 A0) ends in a blank.
    hadolint 2.15 reads characters, as envfix does."""
    lines = [it["text"] for it in instructions(mine)] + text.split("\n")
    return any(re.search(r"-\S*-.*[^\x00-\x7f]", line) for line in lines)


@exception("deep nesting", "FROM a\nRUN echo " + "${a:-" * 101 + "b" + "}" * 101 + " <<E\nE\n")
def _(text, mine, theirs):
    """Variables in each other deeper than 100 levels are refused on a line with a heredoc: no stack is endless.
    hadolint 2.15 takes the file."""
    return mine.get("kind") == "TooDeep"


def flat(pairs):
    return [part for name, value in pairs for part in ([name] if value is None else [name, value])]


def value_of(it):
    """The parts that the oracle gives for an instruction's arguments."""
    keyword = it["keyword"]
    arguments = it["arguments"]
    if keyword == "ONBUILD":
        if it["onbuild"]:
            return value_of(it["onbuild"])
        return [""] if arguments else []
    if keyword == "HEALTHCHECK":
        parts = re.split(r"[\t-\r \x85\xa0]+", arguments, maxsplit=1)
        rest = it["exec"] if it["exec"] is not None else [part for part in parts[1:] if part]
        return [parts[0], *rest] if arguments else []
    if it["exec"] is not None:
        return it["exec"]
    if keyword in SHELL_OR_EXEC or keyword in TEXT:
        return [arguments] if arguments else []
    if keyword in WORDS:
        return it["words"]
    if keyword in ("ENV", "LABEL"):
        return flat(it["pairs"])
    if keyword == "ARG":
        return [name if value is None else f"{name}={value}" for name, value in it["pairs"]]
    return [""]


def cut(value):
    """The value as the oracle can give it: the wheel passes C strings, which end at a NUL (`\\u0000` in a JSON list)."""
    if isinstance(value, str):
        return value.split("\0")[0]
    return [cut(it) for it in value] if isinstance(value, (list, tuple)) else value


def compare(text, mine, theirs):
    """The first difference, or None."""
    if isinstance(theirs, Exception) or "error" in mine:
        if isinstance(theirs, Exception) and "error" in mine:
            return None
        return f"accepted or refused: {mine.get('error', 'accepted')!r} and {theirs if isinstance(theirs, Exception) else 'accepted'!r}"
    for number, (ours, other) in enumerate(zip(instructions(mine), theirs)):
        original = ours["text"]
        if ours["heredocs"] and not ours["onbuild"]:
            original += "\n" + "".join(it["body"] + it["name"] + "\n" for it in ours["heredocs"])
        deferred = ours["onbuild"] or {}
        checks = {
            "keyword": (ours["keyword"], re.sub("[a-z]", lambda it: it[0].upper(), other.cmd or "")),
            "deferred": (deferred.get("keyword"), re.sub("[a-z]", lambda it: it[0].upper(), other.sub_cmd or "") or None),
            "first line": (ours["start"], other.start_line),
            "last line": (ours["end"], other.end_line),
            "text": (original, other.original or ""),
            "flags": (ours["flags"], list(other.flags)),
            "form": ((deferred or ours)["exec"] is not None, other.json),
            "arguments": (value_of(ours), list(other.value)),
        }
        if not ours["onbuild"]:
            checks["heredocs"] = (
                [(it["name"], it["body"]) for it in ours["heredocs"]],
                [(it.name, it.content) for it in other.heredocs],
            )
        for what, (left, right) in checks.items():
            if cut(left) != cut(right):
                return f"instruction {number + 1}, {what}: {left!r} and {right!r}"
    if len(instructions(mine)) != len(theirs):
        return f"{len(instructions(mine))} instructions and {len(theirs)}"
    return None


def oracle(text):
    try:
        return dockerfile.parse_string(text)
    except Exception as error:  # the wheel raises its own types
        return error


def dump(program, texts):
    given = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([program], input=given, capture_output=True, text=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def explain(text, mine, theirs):
    for name, (_, test) in EXCEPTIONS.items():
        if test(text, mine, theirs):
            return name
    return None


def files(paths):
    for path in map(pathlib.Path, paths):
        yield from sorted(it for it in path.rglob("*") if it.is_file()) if path.is_dir() else [path]


def looks_like_one(path, text):
    """Expected results beside fixtures and other files of a build context are no Dockerfiles."""
    name = path.name.lower()
    if "dockerfile" in name or "containerfile" in name:
        return True
    return path.suffix == ".txt" and re.search(r"(?m)^\s*(FROM|RUN|ENV|COPY|CMD|LABEL)\b", text, re.I) is not None


MARKS = [
    "\\\n", "\\ \t\n", "\n", "\r\n", "\r", " ", "\t", "\\", "`", "'", '"', "$", "${", "}", "${a:-b}", "#", "# c\n", "<<EOF", "\nEOF\n",
    "<<-E", "<<'A B'", "\nA B\n", "1<<2", "<<", "[", "]", '["a"]', ",", "--x=y ", "--", "=", "RUN ", "COPY ", "ADD ", "FROM a\n", "ENV ",
    "LABEL ", "ARG ", "ONBUILD ", "HEALTHCHECK ", "CMD ", "VOLUME ", "# escape=`\n", "# syntax=x\n", "\u00a0", "\u00e9", "\u2003", "\ufeff", "\f", "\v", "0",
    "A=b", "\\\n\n", "\\\n# c\n", '\\"', "\\'", "null", "1e5", "true", "{", ":", "\\u00e9",
]
SMALL = [
    "FROM a\nRUN b \\\n  c\nCOPY <<EOF /d\ne\nEOF\n",
    "# escape=`\n# syntax=x\nFROM a `\n  AS b\nENV A=1 B=\"c d\" C=e\\ f\n",
    "FROM a\nRUN [\"b\", \"c\"]\nHEALTHCHECK --interval=1s CMD [\"d\"]\nONBUILD RUN e <<F\ng\nF\n",
    "ARG A=b C\nLABEL d e f\nENV g \\\n# h\n\n i\nVOLUME [\"j\"]\n",
    "RUN <<-'A' <<B c\n\td\n\tA\ne\nB\nUSER f\r\nWORKDIR \\\r\n /g\r\n",
]


def mutations(count, seed, texts):
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(SMALL) if not texts or rng.random() < 0.7 else rng.choice(texts)
        for _ in range(rng.randint(1, 6)):
            at = rng.randint(0, len(text))
            kind = rng.random()
            if kind < 0.6:
                text = text[:at] + rng.choice(MARKS) + text[at:]
            elif kind < 0.85:
                text = text[:at] + text[at + rng.randint(1, 5):]
            else:
                other = rng.randint(0, len(text))
                text = text[:at] + text[other:other + 12] + text[at:]
        yield text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="how many disagreements to print")
    options = parser.parse_intermixed_args()

    counts = collections.Counter()
    named = []
    for path in files(options.paths):
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            counts["skipped: not UTF-8"] += 1
            continue
        if "\0" in text:
            counts["skipped: NUL, where the oracle cuts"] += 1
        elif not looks_like_one(path, text) and len(options.paths) and not path.suffix.endswith(("tmpl", "template")):
            counts["skipped: no Dockerfile by its name"] += 1
        else:
            named.append((str(path), text))
    if options.fuzz:
        texts = [text for _, text in named if len(text) < 3000]
        named = [(f"mutation {number}", text) for number, text in enumerate(mutations(options.fuzz, options.seed, texts))]

    failed = 0
    for (name, text), mine in zip(named, dump(options.dump, [text for _, text in named])):
        theirs = oracle(text)
        if isinstance(theirs, UnicodeDecodeError):
            counts["skipped: the wheel cannot give back half a character"] += 1
            continue
        difference = compare(text, mine, theirs)
        if difference is None:
            counts["agree" if "error" not in mine else "agree: refused"] += 1
            continue
        reason = explain(text, mine, theirs)
        if reason:
            counts[f"listed: {reason}"] += 1
            continue
        failed += 1
        if failed <= options.show:
            print(f"{name}: {difference}")
            if options.fuzz:
                print(f"    {text!r}")
    cases = [case for case, _ in EXCEPTIONS.values()]
    for (name, (case, test)), mine in zip(EXCEPTIONS.items(), dump(options.dump, cases)):
        theirs = oracle(case)
        if compare(case, mine, theirs) is None or not test(case, mine, theirs):
            print(f"the exception {name!r} is stale: its case agrees, or its test does not know it")
            failed += 1
    for what, count in sorted(counts.items()):
        print(f"{count:7} {what}")
    print(f"{failed:7} unlisted")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
