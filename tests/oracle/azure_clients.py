#!/usr/bin/env python3
"""Holds what envfix does to Azure ML definitions against what Azure ML's own clients read before and after.

    azure_clients.py ENVFIX --v1 PYTHON --v2 PYTHON FOLDER... [--cases FOLDER] [--list]

The Python given with `--v1` has PyPI `azureml-core`, that with `--v2` has `azure-ai-ml`; the one that runs this needs
`pyyaml`, `ruamel.yaml` and `dockerfile`. Every definition in the folders is copied, with what it refers to, to a place of its own, and loaded by the
client that it is for. envfix then fixes all of them in place, as it is, with `--faults` and with `--unsafe`, and what
changed is loaded again. Checked are:

- The client still loads what it loaded, and what it loads differs only by what the report's fixes name. A fix of the
  Spark section turns `precachePackages` to false and does nothing else; one of `conda-pip` lists or pins pip in a list
  of dependencies; one of a Dockerfile changes no definition but a `baseDockerfile`; any other changes only keys
  that its words name, and no more of them than it has edits. The same is asked of the file's own data.
- What `validate` let pass, it lets pass. What a client could not load is changed only when it can load it then.
- What a client loads and envfix refuses to read is listed, to be judged.

A folder of `--cases` holds definitions and `expected.tsv`: for each file what the client says before, and what must
hold after the default run and after that with `--unsafe`. See the head of that file.
Exit code 1 unless every count that must be 0 is 0.
"""

import argparse
import collections
import csv
import difflib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import azure_definitions
import checks

MODES = [[], ["--faults"], ["--unsafe"]]

COUNTS = {
    "lost": "no longer loads",
    "beyond": "changed beyond the fix",
    "precache": "precache still on where it was fixed",
    "invalid": "v2 no longer validates",
    "unloadable": "changed though the client cannot load it",
    "second run": "changed by a second run",
    "case": "cases in which something else holds than expected",
    "run": "runs that end wrong or report what is not so",
}

DOCKERFILE_PATCHES = {"timeouts", "pip-pin", "distutils", "python-command"}


class Client:
    """A worker process that loads definitions with one of the clients."""

    def __init__(self, python, which):
        worker = pathlib.Path(__file__).with_name("azure_worker.py")
        self.process = subprocess.Popen([str(python), str(worker), which], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        first = self.process.stdout.readline()
        if not first:
            raise SystemExit(f"{python} has no client for {which}")
        self.name = json.loads(first)["client"]

    def load(self, kind, path):
        self.process.stdin.write(json.dumps({"kind": kind, "path": str(path)}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended on {path}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Outcome:
    """What a set of options did."""

    def __init__(self, flags):
        self.flags = flags
        self.failures = []
        self.changed = collections.Counter()
        self.fixes = collections.Counter()
        self.refused = []
        self.newly = collections.Counter()
        self.states = {}  # number of the definition: what the client says after, whether it changed, its problems

    def fail(self, count, label, message):
        self.failures.append((count, label, message))

    def failed(self, count):
        return sorted({label for which, label, _ in self.failures if which == count})


# ------------------------------------------------------------------------------------------------- what has changed


def changes(before, after, path=()):
    """Where two values part: (path, old, new) with None for what is absent. Items of lists that were added, removed or
    replaced stand at the list's path."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from changes(before.get(key), after.get(key), (*path, str(key)))
            if before.get(key) is None and after.get(key) is None and (key in before) != (key in after):
                yield (*path, str(key)), None, None
        return
    if isinstance(before, list) and isinstance(after, list):
        left, right = ([json.dumps(item, sort_keys=True, default=repr) for item in items] for items in (before, after))
        for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if what == "replace" and b - a == d - c:
                for offset in range(b - a):
                    yield from changes(before[a + offset], after[c + offset], path)
            elif what != "equal":
                yield path, before[a:b], after[c:d]
        return
    if repr(before) != repr(after):  # NaN is not itself, and 1 is True
        yield path, before, after


def inside(path, value):
    """The values within a map, as changes from nothing."""
    for key, item in value.items() if isinstance(value, dict) else ():
        yield (*path, str(key)), None, item
        yield from inside((*path, str(key)), item)


def words_of(finding):
    """The words in which a finding says what it does."""
    fix = finding["fix"]
    text = " ".join([finding["message"], fix["action"], fix.get("because") or ""])
    return set(re.findall(r"\w+", text))


def names(finding, path):
    """Whether a finding names a key; of a key that gets another name, all that is in it moves along."""
    words = words_of(finding)
    if finding["patch"] == "key-spelling":
        return any(key in words for key in path)
    return bool(path) and path[-1] in words


def is_spark(finding):
    return re.search(r"spark|precache", finding["patch"], re.I) is not None


def is_precache(path, kind):
    """Whether a path leads to the key of an environment, and not to what stands in a run's own `spark:`."""
    path = [key.replace("_", "").lower() for key in path]
    above = {"v1-json": [], "runconfig": ["environment"]}.get(kind)
    return path == [*above, "spark", "precachepackages"] if above is not None else False


def beyond(found, fixes, kind):
    """Of the changes found in a file's data, those that no fix of the file names, as messages."""
    named = collections.defaultdict(int)
    for path, old, new in found:
        key = path[-1] if path else ""
        shown = f"{'.'.join(path) or 'the document'}: {json.dumps(old, default=repr)[:150]} is " \
                f"{json.dumps(new, default=repr)[:150]}"
        if is_precache(path, kind):
            # It may be switched off; or it may stand elsewhere in the text now, under the name that is read.
            renamed = any(names(fix, path) and not is_spark(fix) for fix in fixes)
            off = any(is_spark(fix) for fix in fixes) and new is False
            if not off and not (renamed and (new is None or isinstance(new, bool))):
                yield shown
            continue
        allowed = False
        for number, fix in enumerate(fixes):
            if is_spark(fix):
                continue  # it names nothing else
            if fix["patch"] == "conda-pip":
                allowed |= key == "dependencies" and is_pip(old, new)
            elif fix["patch"] == "pip-operator":
                texts = isinstance(old, str) and isinstance(new, str)
                allowed |= key == "pip" and texts and new == old.replace("=", "==", 1)
            elif fix["patch"] in ("conda-python", "conda-dependencies"):
                allowed |= key == "dependencies" and fix["fix"]["action"] == f"write {new}"
            elif fix["patch"] in DOCKERFILE_PATCHES:
                allowed |= key == "baseDockerfile" and isinstance(old, str) and isinstance(new, str)
            elif names(fix, path):
                named[number] += 1
                allowed = True
        if not allowed:
            yield shown
    for number, count in named.items():
        if fixes[number]["patch"] != "key-spelling" and count > 2 * len(fixes[number]["fix"]["edits"]):  # a renamed key is one gone and one new
            yield f"{len(fixes[number]['fix']['edits'])} edits of {fixes[number]['patch']} changed {count} keys"


def is_pip(old, new):
    """Whether a list of dependencies changed by an entry for pip, added or in place of one."""
    new = new if isinstance(new, list) else [new]
    old = old if isinstance(old, list) else [] if old is None else [old]
    listed = lambda item: isinstance(item, str) and checks.listed_as_pip(item)
    return len(new) == 1 and listed(new[0]) and len(old) <= 1 and all(map(listed, old))


# ------------------------------------------------------------------------------------------------------------ running


class Bench:
    """The places of all definitions, and what the clients say to them before."""

    def __init__(self, definitions, clients, scratch):
        self.definitions, self.clients, self.scratch = definitions, clients, scratch
        self.tree = scratch / "tree"
        self.pristine = {}  # path below the tree: bytes
        self.names = []
        for number, it in enumerate(definitions):
            top = f"{number:04}"
            for place, data in {**it.needs(), it.place: it.data}.items():
                self.pristine[f"{top}/{place}"] = data
            self.names.append(f"{top}/{it.place}")
        self.reset()
        self.before = [self.load(number) for number in range(len(definitions))]

    def reset(self):
        shutil.rmtree(self.tree, ignore_errors=True)
        for name, data in self.pristine.items():
            path = self.tree / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError:
                continue  # two references that cannot both be: a file where another wants a folder

    def load(self, number):
        kind = self.definitions[number].kind
        return self.clients["v1" if kind in ("v1-json", "runconfig") else "v2"].load(kind, self.tree / self.names[number])

    def run(self, envfix, flags):
        outcome = Outcome(flags)
        self.reset()
        start = checks.read_tree(self.tree)
        done = checks.run(envfix, ["--format", "json", *flags, "--", *self.names], self.tree)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = None
        if checks.crashed(done) or report is None:
            outcome.fail("run", "all", f"{checks.crashed(done) or 'no report'}: {done.stderr[-500:]!r}")
            return outcome
        if done.returncode != (2 if report["problems"] else 0):
            outcome.fail("run", "all", f"exit code {done.returncode} with {len(report['problems'])} problems")
        after = checks.read_tree(self.tree)
        self.judge(outcome, report, start, after)
        checks.run(envfix, ["--format", "json", *flags, "--", *self.names], self.tree)
        for name in checks.differing(after, checks.read_tree(self.tree)):
            outcome.fail("second run", self.label(name), "changed again")
        return outcome

    def label(self, name):
        number, _, place = name.partition("/")
        definition = self.definitions[int(number)]
        return definition.label if place == definition.place else f"{definition.label}: {place}"

    def judge(self, outcome, report, start, after):
        fixes = collections.defaultdict(list)
        for finding in report["findings"]:
            if finding.get("fix") and finding["fix"]["applied"]:
                fixes[finding["file"]].append(finding)
        problems = collections.defaultdict(list)
        for problem in report["problems"]:
            problems[problem["file"]].append(problem["message"])
        changed = set(checks.differing(start, after))
        for name in sorted(changed | set(fixes)):
            if (name in changed) != bool(fixes[name]):
                outcome.fail("run", self.label(name), f"changed: {name in changed}, with {len(fixes[name])} applied fixes")
        for number, name in enumerate(self.names):
            self.judge_one(outcome, number, name, fixes, problems[name], changed, start, after)

    def judge_one(self, outcome, number, name, fixes, problems, changed, start, after):
        definition, before = self.definitions[number], self.before[number]
        label, top = definition.label, name.split("/")[0] + "/"
        touched = [it for it in changed if it.startswith(top)]
        answer = self.load(number) if touched else before
        if problems and before["loads"]:
            outcome.refused.append((label, definition.kind, problems[0]))
        if name in changed:
            outcome.changed[definition.kind] += 1
            outcome.fixes.update(it["patch"] for it in fixes[name])
            if not before["loads"] and not answer["loads"]:
                outcome.fail("unloadable", label, f"{answer['error'][:300]}" + checks.diff_of(start[name], after[name]))
        data_changes = []
        for it in touched:
            shown = checks.diff_of(start.get(it), after.get(it))
            if it.lower().endswith((".json", ".yml", ".yaml", ".runconfig")):
                old, _ = azure_definitions.read(it, start[it])
                new, wrong = azure_definitions.read(it, after.get(it, b""))
                if wrong and old is not None:
                    outcome.fail("beyond", label, f"{it} can no longer be read: {wrong}{shown}")
                    continue
                found = list(changes(old, new))
                for message in beyond(found, fixes[it], definition.kind if it == name else None):
                    outcome.fail("beyond", label, message + shown)
                if not found and it == name:
                    outcome.fail("beyond", label, "bytes changed, and nothing of what they say" + shown)
                data_changes += found
        if before["loads"] and not answer["loads"]:
            outcome.fail("lost", label, answer["error"][:500] + checks.diff_of(start[name], after[name]))
        elif before["loads"]:
            for message in self.client_beyond(before["value"], answer["value"], data_changes, definition.kind):
                outcome.fail("beyond", label, "to the client, " + message + checks.diff_of(start[name], after[name]))
        if any(is_spark(it) for it in fixes[name]) and answer.get("precache") is not False:
            outcome.fail("precache", label, f"{answer.get('precache', answer.get('error'))!r}"
                         + checks.diff_of(start[name], after[name]))
        if answer["loads"] and "validates" in answer:
            if before["loads"] and not before["validates"] and answer["validates"]:
                outcome.fail("invalid", label, answer["validates"][:300])
            if (not before["loads"] or before["validates"]) and not answer["validates"]:
                outcome.newly[definition.kind] += 1
        outcome.states[number] = (answer, name in changed, problems)

    @staticmethod
    def client_beyond(before, after, data_changes, kind):
        """What changed in a loaded object that did not change, in the same way, in the data of the files. In the entity
        of a job the same environment stands more than once, so only the ends of the paths are compared."""
        plain = lambda key: key.replace("_", "").lower()
        # A map under a new name brings all that is in it.
        data_changes = [it for path, old, new in data_changes for it in [(path, old, new), *inside(path, new)]]
        known = [(tuple(plain(key) for key in path[-2:]), old, new) for path, old, new in data_changes]
        for path, old, new in changes(before, after):
            end = tuple(plain(key) for key in path[-2:])
            if is_precache(path, kind):
                if new is False and any(is_precache(it, kind) for it, _, _ in data_changes):
                    continue
            elif end and any(end[-1:] == it[-1:] and (new == was_new or str(new) == str(was_new))
                           for it, _, was_new in known):
                continue
            yield f"{'.'.join(path)}: {json.dumps(old, default=repr)[:200]} is {json.dumps(new, default=repr)[:200]}"


# ------------------------------------------------------------------------------------------------------------- cases


def read_cases(folder):
    """The rows of `expected.tsv`, and their definitions."""
    rows, definitions = [], []
    siblings = azure_definitions.neighbours(folder)
    with open(folder / "expected.tsv", encoding="utf-8", newline="") as lines:
        table = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t",
                               quoting=csv.QUOTE_NONE)
        for row in table:
            data = (folder / row["file"]).read_bytes()
            rows.append(row)
            definitions.append(azure_definitions.place_of(row["file"], row["kind"], data, row["file"], siblings))
    listed = {row["file"] for row in rows}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".runconfig", ".yml", ".yaml") and path.name not in listed | {"conda.yml"}:
            raise SystemExit(f"{path}: not in expected.tsv")
    return rows, definitions


def said(answer):
    """What a client says of a definition, in the words of `expected.tsv`."""
    if not answer["loads"]:
        return "refused"
    if "precache" in answer:
        value = answer["precache"]
        return {True: "on", False: "off", None: "null"}[value] if value in (True, False, None) else value.replace(" ", "-")
    return "invalid" if answer["validates"] else "valid"


def check_case(row, outcome, answer, changed, problems):
    """What must hold after a run: words, all of which must hold; `a|b` is one or the other."""
    holds = {
        "bytes": not changed,
        "changed": changed,
        "exit-2": bool(problems) and not changed,
        "read": not problems,
        said(answer): True,
    }
    for word in row["after"].split():
        if not any(holds.get(one) for one in word.split("|")):
            state = " ".join(key for key, value in holds.items() if value)
            outcome.fail("case", row["file"], f"expected {row['after']!r}, and it is: {state}"
                         + "".join(f"; {it}" for it in problems))
            return


# ------------------------------------------------------------------------------------------------------------- output


def table(rows):
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows)]
    for row in rows:
        print("  " + "  ".join([str(row[0]).ljust(widths[0]), *(str(c).rjust(w) for c, w in zip(row[1:], widths[1:]))]))


def report_on(title, bench, outcomes, counts, show):
    print(f"\n{title}")
    kinds = sorted({it.kind for it in bench.definitions})
    loads = collections.Counter(it.kind for it, a in zip(bench.definitions, bench.before) if a["loads"])
    valid = collections.Counter(it.kind for it, a in zip(bench.definitions, bench.before)
                                if a["loads"] and not a.get("validates"))
    of = collections.Counter(it.kind for it in bench.definitions)
    table([["kind", "files", "loads before", "validates before",
            *(f"changed {' '.join(o.flags) or '(no options)'}" for o in outcomes)]]
          + [[kind, of[kind], loads[kind], valid[kind] if kind.startswith("v2") else "",
              *(o.changed[kind] for o in outcomes)] for kind in kinds])
    for outcome in outcomes:
        flags = " ".join(outcome.flags) or "(no options)"
        fixes = ", ".join(f"{count} {patch}" for patch, count in sorted(outcome.fixes.items())) or "none"
        print(f"  {flags}: fixes: {fixes}; v2 newly validates: {sum(outcome.newly.values())}; "
              f"refused but loadable: {len(outcome.refused)}")
    for label, kind, message in outcomes[0].refused:
        print(f"    refused but loadable: {label} ({kind}): {message[:200]}")
    print()
    clean = True
    rows, examples = [["must be 0", *(" ".join(o.flags) or "(no options)" for o in outcomes)]], []
    for count in counts:
        rows.append([COUNTS[count], *(len(o.failed(count)) for o in outcomes)])
        for outcome in outcomes:
            failures = [(label, message) for which, label, message in outcome.failures if which == count]
            clean &= not failures
            examples += [f"{COUNTS[count]} ({' '.join(outcome.flags) or 'no options'}): {label}: {message}"
                         for label, message in failures[:show]]
    table(rows)
    for example in examples:
        print(f"\n{example}")
    return clean


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("folders", nargs="*", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--v1", type=pathlib.Path, required=True, metavar="PYTHON", help="with azureml-core")
    parser.add_argument("--v2", type=pathlib.Path, required=True, metavar="PYTHON", help="with azure-ai-ml")
    parser.add_argument("--cases", type=pathlib.Path, metavar="FOLDER", help="definitions with expected.tsv")
    parser.add_argument("--show", type=int, default=5, help="failures shown of each kind and run (%(default)s)")
    parser.add_argument("--list", action="store_true", help="list what no client loads before, and why")
    options = parser.parse_intermixed_args()
    if not options.folders and not options.cases:
        parser.error("neither a FOLDER nor --cases")

    begun, clean = time.monotonic(), True
    # The link's own path, not what it points to: a venv is found by where its Python is called.
    clients = {"v1": Client(options.v1.absolute(), "v1"), "v2": Client(options.v2.absolute(), "v2")}
    print(", ".join(client.name for client in clients.values()))
    with tempfile.TemporaryDirectory(prefix="azure-clients-") as scratch:
        # A macOS temporary folder is a link, and the clients print resolved paths.
        scratch = pathlib.Path(scratch).resolve()
        if options.cases:
            rows, definitions = read_cases(options.cases)
            clean &= check_cases(options, rows, Bench(definitions, clients, scratch / "cases"))
        definitions = [it for folder in options.folders for it in azure_definitions.collect(folder)]
        if options.folders:
            clean &= check_folders(options, Bench(definitions, clients, scratch / "folders"))
    for client in clients.values():
        client.close()
    print(f"\n{time.monotonic() - begun:.0f} s: {'all 0' if clean else 'NOT all 0'}")
    return 0 if clean else 1


def check_cases(options, rows, bench):
    outcomes = []
    for flags in MODES:
        outcome = bench.run(options.envfix, flags)
        for number, row in enumerate(rows):
            if said(bench.before[number]) != row["before"]:
                outcome.fail("case", row["file"], f"the client says {said(bench.before[number])} before, expected "
                             f"{row['before']}: {bench.before[number].get('error', '')[:300]}")
            state = outcome.states.get(number)
            if state and flags != ["--faults"]:
                check_case(row, outcome, *state)
        outcomes.append(outcome)
    return report_on(f"{options.cases}: {len(rows)} cases", bench, outcomes, COUNTS, options.show)


def check_folders(options, bench):
    if not bench.definitions:
        print("no definition in the folders")
        return False
    if options.list:
        for it, answer in zip(bench.definitions, bench.before):
            if not answer["loads"]:
                print(f"does not load: {it.label} ({it.kind}): {' '.join(answer['error'].split())[:400]}")
    outcomes = [bench.run(options.envfix, flags) for flags in MODES]
    title = " ".join(map(str, options.folders))
    return report_on(title, bench, outcomes, [count for count in COUNTS if count != "case"], options.show)


if __name__ == "__main__":
    sys.exit(main())
