#!/usr/bin/env python3
"""Compares the shell reader with shfmt over the RUN instructions of real Dockerfiles.

usage: shfmt.py DUMP FOLDER...    DUMP is the built example `dump_shell`
       shfmt.py --texts FOLDER... only print the RUN texts, a JSON string a line

Needs PyPI `dockerfile` (BuildKit's parser) and `shfmt-py`. Every text that the reader accepts must be accepted by
shfmt, as bash or as POSIX shell, with the same simple commands: the same words, assignments, redirections, nesting
and operators. Exits with 1 where one is not, unless it is in EXCEPTIONS.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

# SHA-256 of a text: why the reader may read it unlike shfmt.
EXCEPTIONS = {}

NOT_POSIX = re.compile(r"(?i)windows|nanoserver|servercore|powershell|pwsh|cmd(\.exe)?$")


def runs(path):
    """The shell texts of a Dockerfile's RUN instructions, as /bin/sh gets them."""
    import dockerfile

    try:
        instructions = dockerfile.parse_string(path.read_text(encoding="utf-8"))
    except (dockerfile.GoParseError, UnicodeDecodeError):
        return
    if any(i.cmd.upper() == "FROM" and NOT_POSIX.search(" ".join(i.value)) for i in instructions):
        return
    if any(i.cmd.upper() == "SHELL" and i.value and NOT_POSIX.search(i.value[0]) for i in instructions):
        return
    for i in instructions:
        run = i.cmd.upper() == "RUN" or (i.cmd.upper() == "ONBUILD" and (i.sub_cmd or "").upper() == "RUN")
        if not run or i.json or not i.value:
            continue
        line = i.value[0]
        if not i.heredocs:
            yield line
        elif len(i.heredocs) == 1 and re.fullmatch(r"<<-?\s*[\"']?\w+[\"']?", line.strip()):
            body = i.heredocs[0].content
            if not body.startswith("#!") or re.match(r"#!\S*(/|env )(ba|da)?sh\b", body):
                yield body
        else:
            bodies = "".join(f"{h.content}{h.name}\n" for h in i.heredocs)
            yield f"{line}\n{bodies}"


def texts_of(folders):
    texts = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            named = path.name.lower()
            if path.is_file() and ("dockerfile" in named or "containerfile" in named):
                for text in runs(path):
                    texts.setdefault(text, path)
    return texts


def shfmt(text):
    """What shfmt makes of a text, and as which language; `None` where it refuses it."""
    program = os.environ.get("SHFMT") or shutil.which("shfmt") or str(pathlib.Path(sys.executable).parent / "shfmt")
    for language in ("bash", "posix"):
        run = subprocess.run(
            [program, "--to-json", "-ln", language], input=text.encode(), capture_output=True, check=False
        )
        if run.returncode == 0:
            return json.loads(run.stdout), language
    return None, run.stderr.decode().strip()


def span(node):
    return [node["Pos"]["Offset"], node["End"]["Offset"]]


class Commands:
    """The simple commands of a tree of shfmt's, in the form that `dump_shell` prints."""

    def __init__(self, text, tree):
        self.bytes = text.encode()
        self.found = []
        self.statements(tree.get("Stmts"), [])

    def statements(self, stmts, nesting):
        before = None
        for stmt in stmts or []:
            after = None
            if "Semicolon" in stmt:
                at = stmt["Semicolon"]["Offset"]
                after = self.bytes[at : at + 1].decode()
            last = self.flatten(stmt, nesting, before, after, False)
            # The reader says "newline", shfmt says nothing.
            before = after if last else None

    def flatten(self, stmt, nesting, before, after, negated, prefix=None):
        negated = stmt.get("Negated", negated)
        cmd = stmt.get("Cmd")
        kind = cmd and cmd["Type"]
        if kind == "BinaryCmd" and not stmt.get("Redirs"):
            op = "|" if cmd["Op"] == "|&" else cmd["Op"]
            pipe = op == "|"
            self.flatten(cmd["X"], nesting, before, op, negated, prefix)
            self.flatten(cmd["Y"], nesting, op, after, negated and pipe)
        elif kind == "TimeClause":
            words = [[cmd["Time"]["Offset"], cmd["Time"]["Offset"] + 4]]
            if cmd.get("PosixFormat"):
                at = self.bytes.index(b"-p", words[0][1])
                words.append([at, at + 2])
            if "Stmt" in cmd:
                self.flatten(cmd["Stmt"], nesting, before, after, negated, words)
            else:
                self.command(words, [], [], nesting, before, after, negated)
        elif cmd is None or kind in ("CallExpr", "DeclClause", "LetClause"):
            words, assigns = list(prefix or []), []
            if kind == "CallExpr":
                assigns = [span(a) for a in cmd.get("Assigns") or []]
                words += [span(a) for a in cmd.get("Args") or []]
            elif kind == "DeclClause":
                words += [span(cmd["Variant"])] + [span(a) for a in cmd.get("Args") or []]
            elif kind == "LetClause":
                words += [[cmd["Let"]["Offset"], cmd["Let"]["Offset"] + 3]] + [span(a) for a in cmd["Exprs"]]
            redirects = [span(r) for r in stmt.get("Redirs") or []]
            # Where a here-document is, shfmt's span goes on to the end of its body.
            redirects = [
                [a, r["Word"]["End"]["Offset"]] for (a, _), r in zip(redirects, stmt.get("Redirs") or [])
            ]
            self.command(words, assigns, redirects, nesting, before, after, negated)
            for part in [cmd, stmt.get("Redirs")]:
                self.inner(part, nesting)
        else:
            self.compound(cmd, nesting)
            self.inner(stmt.get("Redirs"), nesting)
        return True

    def command(self, words, assignments, redirects, nesting, before, after, negated):
        self.found.append(
            {
                "words": words,
                "assignments": assignments,
                "redirects": redirects,
                "nesting": nesting,
                "before": before,
                "after": after,
                "negated": negated,
            }
        )

    def compound(self, cmd, nesting):
        kind = cmd["Type"]
        inside = {
            "Block": "group",
            "Subshell": "subshell",
            "IfClause": "if",
            "WhileClause": "loop",
            "ForClause": "loop",
            "CaseClause": "case",
            "FuncDecl": "function",
        }.get(kind)
        if kind == "IfClause":
            clause = cmd
            while clause:
                self.statements(clause.get("Cond"), [*nesting, "if"])
                self.statements(clause.get("Then"), [*nesting, "if"])
                clause = clause.get("Else")
        elif kind in ("Block", "Subshell"):
            self.statements(cmd.get("Stmts"), [*nesting, inside])
        elif kind == "WhileClause":
            self.statements(cmd.get("Cond"), [*nesting, inside])
            self.statements(cmd.get("Do"), [*nesting, inside])
        elif kind == "ForClause":
            self.inner(cmd.get("Loop"), nesting)
            self.statements(cmd.get("Do"), [*nesting, inside])
        elif kind == "CaseClause":
            self.inner(cmd.get("Word"), nesting)
            for item in cmd.get("Items") or []:
                self.inner(item.get("Patterns"), [*nesting, inside])
                self.statements(item.get("Stmts"), [*nesting, inside])
        elif kind == "FuncDecl":
            self.statements([cmd["Body"]], [*nesting, inside])
        else:
            self.inner(cmd, nesting)

    def inner(self, node, nesting):
        """The substitutions somewhere in a node."""
        if isinstance(node, list):
            for child in node:
                self.inner(child, nesting)
        elif isinstance(node, dict):
            if node.get("Type") in ("CmdSubst", "ProcSubst"):
                self.statements(node.get("Stmts"), [*nesting, "substitution"])
            else:
                for child in node.values():
                    if isinstance(child, (list, dict)):
                        self.inner(child, nesting)


def normal(commands):
    commands = [dict(command) for command in commands]
    for command in commands:
        for side in ("before", "after"):
            if command[side] == "newline":
                command[side] = None
    return sorted(commands, key=lambda command: (command["words"] or command["assignments"] or command["redirects"]))


def disagreement(text, ours):
    """Why the reader and shfmt disagree on a text that the reader accepts; `None` where they agree."""
    tree, language = shfmt(text)
    if tree is None:
        return f"shfmt refuses it: {language}"
    theirs = normal(Commands(text, tree).found)
    mine = normal(ours["commands"])
    if mine == theirs:
        return None
    for a, b in zip(mine, theirs):
        if a != b:
            return f"ours {json.dumps(a)}\n  shfmt {json.dumps(b)}"
    return f"ours has {len(mine)} commands, shfmt {len(theirs)}"


def main():
    arguments = sys.argv[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    texts = texts_of(arguments[1:])
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    if arguments[0] == "--texts":
        sys.stdout.write(lines)
        return
    import hashlib

    run = subprocess.run([arguments[0]], input=lines.encode(), capture_output=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:

        def compare(pair):
            text, ours = pair
            if "error" in ours:
                tree, why = shfmt(text)
                return ("refused by both", why) if tree is None else ("refused, read by shfmt", ours["error"])
            why = disagreement(text, ours)
            if why is None:
                return "agree", None
            if hashlib.sha256(text.encode()).hexdigest() in EXCEPTIONS:
                return "exceptions", None
            return "DISAGREE", why

        for (text, path), (result, why) in zip(texts.items(), pool.map(compare, zip(texts, answers))):
            counts[result] += 1
            if result == "DISAGREE" or (result == "refused, read by shfmt" and os.environ.get("VERBOSE")):
                print(f"{result}: {path}\n  {why}\n  {json.dumps(text)}")
    total = sum(counts.values())
    for result, count in counts.most_common():
        print(f"{count:8} {100 * count / total:7.3f} %  {result}")
    sys.exit(1 if counts["DISAGREE"] else 0)


if __name__ == "__main__":
    main()
