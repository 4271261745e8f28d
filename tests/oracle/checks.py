"""What envfix did to a tree of files, checked by programs that share nothing with it.

For one set of options, `check` runs envfix over a tree as a dry run (report and diff), in place, and in place again,
and then asks, of every file:

- Is what stands on the disk what the edits of the report make of the bytes before? Is it what `git apply` and
  `patch -p1` make of the diff that was printed? Did a dry run write nothing, and a second run change nothing?
- Dockerfiles: does BuildKit's parser (PyPI `dockerfile`) still accept it, with no keyword that is no instruction and
  was not there before? Are all instructions the same but those that a fix names, that is, whose lines its edits touch?
- conda environments: does PyYAML load the same object but for the dependencies that a fix names, with the same
  comments? Does conda's own rule find pip listed?
- Azure ML's definitions: do PyYAML or Python's json load the same object but for the keys that a fix names, with the
  same comments? (What Azure ML's own clients say of them is asked by azure_clients.py.)
- Python files and notebooks: do they still compile where they did? Does a notebook differ in the cells with edits only?
- Byte order mark, kind of newline and missing last newline: are they as they were?
- A file that envfix refuses: does the oracle refuse it too?

Needs PyPI `dockerfile` and `pyyaml`, and `git` and `patch` on the PATH.
"""

import bisect
import collections
import difflib
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import dockerfile
import yaml

# The counts that must be 0: those that the table shows first, then the others.
COUNTS = {
    "panic": "panics",
    "second run": "files changed by a second run",
    "rejected": "Dockerfiles that BuildKit's parser accepted before and rejects after",
    "unnamed": "Dockerfiles in which an instruction changed that no fix names",
}
FURTHER = {
    "edits": "files that are not the bytes before with the report's edits",
    "git apply": "files that `git apply` of the printed diff does not make",
    "patch -p1": "files that `patch -p1` of the printed diff does not make",
    "conda": "conda environments in which something changed that no fix names",
    "pip": "conda environments in which conda finds no pip after a fix",
    "definition": "definitions in which something changed that no fix names",
    "script": "Python files and notebooks that no longer compile, or changed elsewhere than a fix says",
    "style": "files whose BOM, newlines or last newline changed",
    "silent": "files written by a dry run, or without being reported",
    "refused": "files refused that BuildKit's parser or PyYAML reads",
    "report": "reports that disagree with each other, or with the exit code",
}

# Seconds after which a run over a whole folder counts as hanging; not a measure of speed.
HANG = 900

# Names of files that are Dockerfiles or YAML only when something has filled them in.
TEMPLATE = re.compile(r"\.(tmpl|template|tpl|j2|jinja2?|in|erb|m4)(\.|$)", re.I)

INSTRUCTIONS = set(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME "
    "WORKDIR".split()
)


class Failure:
    """Something that must not be: its count, the file, what is wrong."""

    def __init__(self, count, file, message):
        self.count, self.file, self.message = count, file, message

    def __str__(self):
        return f"{self.file}: {self.message}"


class Outcome:
    """What a set of options did to a tree."""

    def __init__(self, flags):
        self.flags = flags
        self.failures = []
        self.notes = []  # files worth a look that are no failure: (kind, file)
        self.report = None
        self.before = {}
        self.after = {}
        self.seconds = 0.0  # of the dry run that makes the report

    def fail(self, count, file, message):
        self.failures.append(Failure(count, file, message))

    def failed(self, count):
        """The files, once each, and the failures of a count."""
        found = [failure for failure in self.failures if failure.count == count]
        return {failure.file for failure in found}, found


# ---------------------------------------------------------------------------------------------------------- running


def run(envfix, arguments, folder, **more):
    """Runs envfix in a folder; `returncode` is None when it hangs."""
    command = [str(pathlib.Path(envfix).resolve()), *arguments]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=HANG, **more)
    except subprocess.TimeoutExpired as hang:
        return subprocess.CompletedProcess(command, None, hang.stdout or b"", hang.stderr or b"")


def crashed(done):
    """Whether a run ended as a program must not end; says how."""
    if done.returncode is None:
        return f"no end after {HANG} s"
    if b"panicked at" in done.stderr:
        line = next(line for line in done.stderr.split(b"\n") if b"panicked at" in line)
        return line.decode("utf-8", "replace")
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}"
    return None


def culprits(envfix, flags, folder, files, limit=10):
    """The files, at most `limit`, on which a run crashes, found by halving the list."""
    found, waiting = [], [sorted(files)]
    while waiting and len(found) < limit:
        batch = waiting.pop()
        if not batch:
            continue
        how = crashed(run(envfix, ["--dry-run", "--format", "json", *flags, "--", *batch], folder))
        if how and len(batch) == 1:
            found.append((batch[0], how))
        elif how:
            middle = len(batch) // 2
            waiting += [batch[middle:], batch[:middle]]
    return found


def read_tree(folder):
    """Every file below a folder: its name with `/`, its bytes."""
    folder = pathlib.Path(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def looks_like_dockerfile(name):
    name = name.rsplit("/", 1)[-1].lower()
    return bool(re.search(r"dockerfile|containerfile", name)) and not re.search(
        r"ignore$|\.(md|txt|log|py|go|ya?ml|json|sh)$", name
    )


def looks_like_conda(name, data):
    return name.lower().endswith((".yml", ".yaml")) and re.search(rb"(?m)^(\xef\xbb\xbf)?dependencies\s*:", data)


def check(envfix, tree, paths, flags, scratch, by_name=False):
    """Runs envfix with `flags` over `paths` of `tree` and checks everything. `scratch` is an empty folder; the tree is
    only read. With `by_name`, Dockerfiles that a walk over the paths does not take are named besides."""
    outcome = Outcome(flags)
    scratch = pathlib.Path(scratch)
    paths = list(paths)
    dry, written = scratch / "dry", scratch / "written"
    shutil.copytree(tree, dry, symlinks=True)
    outcome.before = read_tree(dry)

    def report_of(done, what):
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            outcome.fail("report", what, f"its output is no JSON ({error}): {done.stderr.decode('utf-8', 'replace')[-500:]}")
            return None

    # A dry run with the report.
    while True:
        begun = time.monotonic()
        done = run(envfix, ["--dry-run", "--format", "json", *flags, "--", *paths], dry)
        outcome.seconds = time.monotonic() - begun
        how = crashed(done)
        if not how:
            break
        candidates = [n for n, data in outcome.before.items() if looks_like_dockerfile(n) or looks_like_conda(n, data)]
        found = culprits(envfix, flags, dry, candidates)
        if not found:
            outcome.fail("panic", " ".join(paths), f"{how}, and no single file does it")
            return outcome
        for name, how in found:
            outcome.fail("panic", name, how)
            (dry / name).unlink()
            del outcome.before[name]
            if name in paths:
                paths.remove(name)
    report = report_of(done, "the dry run")
    if report is None:
        return outcome
    if by_name:
        known = {file["path"] for file in report["files"]} | {problem["file"] for problem in report["problems"]}
        missed = [name for name in outcome.before if looks_like_dockerfile(name) and name not in known]
        if missed:
            outcome.notes += [("named, since a walk does not take it", name) for name in missed]
            shutil.rmtree(dry)
            rest = check(envfix, tree, paths + missed, flags, scratch)
            rest.notes = outcome.notes + rest.notes
            rest.failures = outcome.failures + rest.failures
            return rest
    outcome.report = report
    shutil.copytree(dry, written, symlinks=True)

    # The same as a diff, then in place twice.
    printed = run(envfix, ["--dry-run", *flags, "--", *paths], dry)
    applied = run(envfix, ["--format", "json", *flags, "--", *paths], written)
    outcome.after = read_tree(written)
    again = run(envfix, ["--format", "json", *flags, "--", *paths], written)
    settled = read_tree(written)
    expected = 2 if report["problems"] else 0
    for what, ran in (("dry run", done), ("diff", printed), ("in place", applied), ("second run", again)):
        if crashed(ran):
            outcome.fail("panic", f"the {what}", crashed(ran))
        elif ran.returncode != expected:
            outcome.fail("report", f"the {what}", f"exit code {ran.returncode}, with {len(report['problems'])} problems")
    in_place = report_of(applied, "in place")
    second = report_of(again, "the second run")
    if in_place != report:
        outcome.fail("report", "in place", f"the report is not that of the dry run{first_difference(report, in_place)}")
    for name in differing(outcome.before, read_tree(dry)):
        outcome.fail("silent", name, "a dry run changed it")
    for name in differing(outcome.after, settled):
        outcome.fail("second run", name, "changed again: " + diff_of(outcome.after.get(name), settled.get(name)))
    for file in second["files"] if second else []:
        if file["changed"]:
            outcome.fail("second run", file["path"], "the second report says that it changes")

    for name, message in check_refused(report, outcome.before):
        outcome.fail("refused", name, message)
    check_files(outcome)
    for tool in ("git apply", "patch -p1"):
        check_diff(outcome, dry, printed.stdout, tool)
    return outcome


def differing(left, right):
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def first_difference(left, right, path=""):
    """Where two JSON values part, for a message."""
    if type(left) is not type(right):
        return f": {path or 'everything'}: {str(left)[:100]} and {str(right)[:100]}"
    if isinstance(left, dict):
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                return first_difference(left.get(key), right.get(key), f"{path}.{key}")
    if isinstance(left, list):
        for number, (a, b) in enumerate(itertools.zip_longest(left, right)):
            if a != b:
                return first_difference(a, b, f"{path}[{number}]")
    return f": {path}: {str(left)[:100]} and {str(right)[:100]}"


def diff_of(before, after, lines=12):
    """The first lines of the difference of two texts, for a message."""
    before, after = ((text or b"").decode("utf-8", "replace").split("\n") for text in (before, after))
    found = [line for line in difflib.unified_diff(before, after, lineterm="", n=1)][2:]
    return "\n    " + "\n    ".join(line.replace("\r", "\\r") for line in found[:lines])


def check_diff(outcome, tree, diff, tool):
    """Whether the printed diff, applied at once to the tree as it was, gives what fixing in place gave."""
    # Both tools see only the files of the diff; they would not touch another one.
    names = [file["path"] for file in outcome.report["files"] if file["changed"]]
    folder = tree.parent / tool.replace(" ", "")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / name, folder / name)
    if not names:
        if diff:
            outcome.fail(tool, "the diff", "nothing changes, and yet a diff is printed")
        return
    environment = dict(os.environ, GIT_CEILING_DIRECTORIES=str(folder.parent), GIT_CONFIG_NOSYSTEM="1",
                       GIT_CONFIG_GLOBAL=os.devnull, LC_ALL="C")
    command = ["git", "apply", "--whitespace=nowarn"] if tool == "git apply" else ["patch", "-p1"]
    done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, env=environment, timeout=HANG)
    if done.returncode != 0:
        outcome.fail(tool, "the diff", (done.stderr + done.stdout).decode("utf-8", "replace")[:2000])
    if tool == "patch -p1":
        # A hunk that goes in only with fuzz or at another line is a hunk that was printed wrong.
        file = ""
        for line in done.stdout.decode("utf-8", "replace").split("\n"):
            if line.startswith("patching file "):
                file = line[len("patching file "):]
            elif line:
                outcome.fail(tool, file, f"patch says: {line}")
    made = read_tree(folder)
    for name in differing(made, {name: outcome.after.get(name) for name in names}):
        if name in names:
            outcome.fail(tool, name, "other bytes than in place: " + diff_of(outcome.after.get(name), made.get(name)))
        elif not name.endswith(".orig"):  # which `patch` leaves behind when it has said something
            outcome.fail(tool, name, "a file that was not there")


# ------------------------------------------------------------------------------------------------------------ files


def check_refused(report, before):
    """Files that envfix refuses and that the oracle reads."""
    for problem in report["problems"]:
        name = problem["file"]
        data = before.get(name)
        if data is None:
            if not any(file.startswith(name + "/") for file in before):
                yield name, f"a problem with what is not there: {problem['message']}"
            continue  # a folder without anything to read
        if TEMPLATE.search(name):
            continue  # what it will be is not known
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            continue  # refused by promise, with the place
        if "\0" in text:
            continue
        if looks_like_dockerfile(name):
            if not isinstance(parse(text), Exception):
                yield name, f"BuildKit's parser accepts it: {problem['message']}"
        else:
            loaded = load_yaml(text)
            if isinstance(loaded, dict) and isinstance(loaded.get("dependencies"), list):
                yield name, f"PyYAML reads it: {problem['message']}"


def check_files(outcome):
    """Everything that is asked of one file."""
    fixes = collections.defaultdict(list)
    for finding in outcome.report["findings"]:
        if finding.get("fix") and finding["fix"]["applied"]:
            fixes[finding["file"]].append((finding["patch"], finding["fix"]["edits"]))
    reported = {file["path"]: file for file in outcome.report["files"]}
    for name in differing(outcome.before, outcome.after):
        if not reported.get(name, {}).get("changed"):
            outcome.fail("silent", name, "changed without being reported")
    for name, file in reported.items():
        if file["changed"] != bool(fixes[name]):
            outcome.fail("report", name, f"changed: {file['changed']}, with {len(fixes[name])} applied fixes")
        if not fixes[name]:
            continue
        before, after = outcome.before.get(name, b""), outcome.after.get(name, b"")
        edits = [{**edit, "patch": patch} for patch, list_of in fixes[name] for edit in list_of]
        order, wrong = rebuild(before, edits, after)
        if wrong:
            outcome.fail("edits", name, wrong)
            continue
        for message in check_style(before, after):
            outcome.fail("style", name, message)
        if file["kind"] == "dockerfile":
            check_dockerfile(outcome, name, before, after, order)
        elif file["kind"] == "conda-environment":
            check_conda(outcome, name, before, after, order)
        elif file["kind"] in ("sdk-v1-environment", "runconfig", "cli-v2"):
            check_definition(outcome, name, before, after, order)
        elif file["kind"] in ("python", "notebook"):
            check_script(outcome, name, file["kind"], before, after, order)
        else:
            outcome.fail("report", name, f"a kind that is not known here: {file['kind']}")


def rebuild(before, edits, after):
    """Applies edits to bytes: those edits in the order in which they stand in the result, and None or what is wrong.
    Insertions at one offset may stand in any order; the one that makes `after` is taken."""
    edits = sorted(edits, key=lambda edit: (edit["start"], edit["end"]))
    order, made, last = [], b"", 0
    for (start, end), group in itertools.groupby(edits, key=lambda edit: (edit["start"], edit["end"])):
        group = list(group)
        if not last <= start <= end <= len(before):
            return order, f"edit {start}..{end} overlaps with one before it or is not in the file"
        made += before[last:start]
        if start != end and len(group) > 1:
            return order, f"{len(group)} edits replace {start}..{end}"
        for one in itertools.islice(itertools.permutations(group), 5040):
            if after.startswith(b"".join(edit["replacement"].encode() for edit in one), len(made)):
                group = list(one)
                break
        made += b"".join(edit["replacement"].encode() for edit in group)
        order += group
        last = end
    made += before[last:]
    if made != after:
        return order, "the file is not what the report's edits make: " + diff_of(made, after)
    return order, None


def check_style(before, after):
    bom = b"\xef\xbb\xbf"
    if before.startswith(bom) != after.startswith(bom):
        yield "the BOM changed"
    if before.endswith(b"\n") != after.endswith(b"\n"):
        yield "the last newline changed"
    lf, crlf = (len(re.findall(newline, before)) for newline in (rb"(?<!\r)\n", rb"\r\n"))
    lf_now, crlf_now = (len(re.findall(newline, after)) for newline in (rb"(?<!\r)\n", rb"\r\n"))
    if (lf == 0 and crlf > 0 and lf_now > 0) or (crlf == 0 and crlf_now > 0):
        yield f"the newlines are mixed now: {lf_now} LF and {crlf_now} CRLF, before {lf} and {crlf}"


# ------------------------------------------------------------------------------------------------------ Dockerfiles


def parse(text):
    """The instructions of a text, or BuildKit's refusal."""
    try:
        return dockerfile.parse_string(text)
    except ValueError as refusal:  # the wheel's own errors, and half a character that it cannot give back
        return refusal


def key_of(instruction):
    """All that an instruction says, without where it stands."""
    heredocs = tuple((it.name, it.file_descriptor, it.content) for it in instruction.heredocs)
    return (instruction.cmd.upper(), instruction.sub_cmd, instruction.json, instruction.flags, instruction.value,
            instruction.original, heredocs)


def check_dockerfile(outcome, name, before, after, edits):
    text, patched = before.decode("utf-8"), after.decode("utf-8")
    old, new = parse(text), parse(patched)
    if isinstance(old, Exception):
        outcome.notes.append(("changed, though BuildKit's parser rejects it", name))
        return
    if isinstance(new, Exception):
        outcome.fail("rejected", name, str(new))
        return
    unknown = collections.Counter(it.cmd.upper() for it in new if it.cmd.upper() not in INSTRUCTIONS)
    unknown -= collections.Counter(it.cmd.upper() for it in old)
    if unknown:
        outcome.fail("rejected", name, f"unknown instruction {', '.join(unknown)}" + diff_of(before, after))
        return
    for message in compare_instructions(before, old, new, edits):
        outcome.fail("unnamed", name, message + diff_of(before, after))
        break


def compare_instructions(data, old, new, edits):
    """What changed that no edit names. Edits name the instructions whose lines they touch; one that puts whole lines
    between instructions names new ones: those that it holds."""
    starts = [0] + [at + 1 for at, byte in enumerate(data) if byte == 10]
    line_of = lambda offset: bisect.bisect_right(starts, offset)  # from 1, as BuildKit counts
    directives = re.match(rb"(\xef\xbb\xbf)?([ \t]*#[ \t]*[A-Za-z]+[ \t]*=.*\n)*", data)
    escape = re.search(rb"(?im)^(\xef\xbb\xbf)?[ \t]*#[ \t]*escape[ \t]*=[ \t]*`", directives[0])
    named = collections.Counter()
    moved = collections.defaultdict(list)
    added = collections.defaultdict(list)  # number of the instruction before which they stand: new instructions
    for edit in edits:
        start, end, replacement = edit["start"], edit["end"], edit["replacement"]
        if start < directives.end():
            yield "an edit stands before the end of the parser directives"
        first, last = line_of(start), line_of(max(start, end - 1))
        touched = [at for at, it in enumerate(old) if it.start_line <= last and first <= it.end_line]
        at_start = start == end and start == starts[first - 1]
        # Before the first line of an instruction, before a comment or a blank line, or behind the last line.
        if at_start and (not touched or old[touched[0]].start_line == first):
            at = touched[0] if touched else sum(it.end_line < first for it in old)
            if not replacement.endswith("\n") and start < len(data):
                yield f"an insertion on line {first} is not made of whole lines"
            insert = True
        else:
            insert = start == end == len(data) and re.match(r"\r?\n", replacement) and not data.endswith(b"\n")
            at = len(old)
        if insert:
            lines = [line.strip() for line in replacement.splitlines()]
            if lines and at < len(old) and all(line.startswith("#") for line in lines):
                moved[at] += " ".join(lines).split()  # a comment that stood behind the arguments
                continue
            inserted = parse(("# escape=`\n" if escape else "") + replacement)
            if isinstance(inserted, Exception):
                yield f"what is inserted on line {first} is no instruction: {inserted}"
            else:
                added[at] += inserted
            continue
        if not touched:
            yield f"the edit on line {first} touches no instruction"
        for at in touched:
            named[at] += 1

    expected = []
    for at in range(len(old) + 1):
        expected += [(None, it) for it in added[at]]
        expected += [(at, old[at])] if at < len(old) else []
    for number, ((at, was), now) in enumerate(zip(expected, new), 1):
        if at is None:
            if key_of(was)[:5] != key_of(now)[:5]:
                yield f"instruction {number} is not the one that was inserted: {now.original!r}"
        elif at not in named:
            if key_of(was) != key_of(now):
                yield f"no fix names instruction {number}: {was.original!r} is {now.original!r}"
        else:
            yield from compare_named(number, was, now, named[at], moved[at])
    if len(expected) != len(new):
        yield f"{len(new)} instructions in place of {len(expected)}"


def compare_named(number, was, now, edits, comment):
    """An instruction that a fix names may say something else, but not be something else; and each edit may replace one
    word of it at most. What is no instruction to Docker may become one: by its blanks, or by a keyword that is much
    like the old one. The words of a comment may move to a line above."""
    old, new = was.original.split(), now.original.split()
    if comment:
        if old[-len(comment):] != comment or old[:-len(comment)] != new:
            yield f"instruction {number} is not as it was without {' '.join(comment)!r}: {now.original!r}"
        return
    if was.cmd.upper() not in INSTRUCTIONS and now.cmd.upper() in INSTRUCTIONS:
        like = difflib.SequenceMatcher(None, old[0].upper(), new[0].upper()).ratio() > 0.5
        if "".join(old) != "".join(new) and (old[1:] != new[1:] or not like):
            yield f"instruction {number} is no spelling of {was.original!r}: {now.original!r}"
        return
    if key_of(was)[:4] != key_of(now)[:4] or [it.name for it in was.heredocs] != [it.name for it in now.heredocs]:
        yield f"instruction {number} has another keyword, form, flag or heredoc: {now.original!r}"
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    lost = sum(it[2] - it[1] for it in matcher.get_opcodes() if it[0] in ("replace", "delete"))
    if lost > edits:
        yield f"instruction {number} lost {lost} words through {edits} edits: {was.original!r} is {now.original!r}"


# ------------------------------------------------------------------------------------------------------------ conda


class Loader(yaml.SafeLoader):
    """PyYAML that refuses a repeated key, as conda's own loader does."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, "repeated key", node.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(text):
    """The object of a text, or PyYAML's refusal."""
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError, ValueError, LookupError) as refusal:
        return refusal


def listed_as_pip(dependency):
    """conda's own rule (conda_env/env.py, validate_keys)."""
    return "pip" in re.split(r"[<>~\s=]", dependency)[0].split("::")


def comments_of(text):
    """The comments, which stand between the scanner's tokens."""
    comments, last = [], 0
    for token in yaml.scan(text):
        gap = text[last:token.start_mark.index]
        comments += re.findall(r"#.*", gap)
        last = max(last, token.end_mark.index)
    return [comment.rstrip() for comment in comments + re.findall(r"#.*", text[last:])]


def check_conda(outcome, name, before, after, edits):
    text, patched = before.decode("utf-8"), after.decode("utf-8")
    old, new = load_yaml(text), load_yaml(patched)
    for message in compare_conda(old, new, edits):
        outcome.fail("conda", name, message + diff_of(before, after))
        return
    if comments_of(text) != comments_of(patched):
        outcome.fail("conda", name, "a comment changed" + diff_of(before, after))
    listed = any(isinstance(it, str) and listed_as_pip(it) for it in new["dependencies"])
    if not listed and any(edit["patch"] == "conda-pip" for edit in edits):
        outcome.fail("pip", name, "conda does not find pip listed" + diff_of(before, after))


def entries(dependencies):
    """The dependencies, each requirement of a pip section by itself."""
    for item in dependencies:
        if isinstance(item, dict) and list(item) == ["pip"] and isinstance(item["pip"], list):
            yield "a pip section"
            yield from (("pip", requirement) for requirement in item["pip"])
        else:
            yield item


def written_by(item, edits):
    """Whether an edit writes a dependency or a requirement."""
    text = item[1] if isinstance(item, tuple) else item
    parts = [edit["replacement"].strip() for edit in edits]
    return isinstance(text, str) and any(part and (text in part or part in text) for part in parts)


def compare_conda(old, new, edits):
    """What changed that no edit names: each edit may add one dependency or one requirement of pip's, replace one, or
    list channels where there were none, by what it writes."""
    if not isinstance(old, dict) or not isinstance(old.get("dependencies"), list):
        yield f"changed, though PyYAML reads no conda environment before: {str(old)[:200]}"
        return
    if not isinstance(new, dict) or not isinstance(new.get("dependencies"), list):
        yield f"PyYAML reads no conda environment after: {str(new)[:200]}"
        return
    shown = lambda value: json.dumps(value, default=repr, sort_keys=True)
    come = [edit for edit in edits if edit["patch"] == "conda-channels"]
    added = "channels" in new and "channels" not in old and len(come) == 1
    if added and not (new["channels"] and all(isinstance(it, str) and it in come[0]["replacement"] for it in new["channels"])):
        yield f"the channels are {new['channels']}, which no edit writes"
    rest = lambda value: shown([(key, value[key]) for key in value if key not in ("dependencies", "channels" if added else "")])
    if rest(old) != rest(new):
        yield "something beside the dependencies changed"
    before, after = list(entries(old["dependencies"])), list(entries(new["dependencies"]))
    left, right = [shown(it) for it in before], [shown(it) for it in after]
    changes = 1 if added else 0
    for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        changes += max(b - a, d - c)
        if b - a > d - c:
            yield f"the dependency {before[a]!r} is gone"
        for item in after[c:d]:
            if not written_by(item, edits):
                yield f"the dependency {item!r} is not one that an edit writes"
    if changes != len(edits):
        yield f"{len(edits)} edits changed {changes} dependencies"


# ------------------------------------------------------------------------------------------------------------ Azure ML


def leaves(value, path=()):
    """Every scalar and every empty collection of an object, by its path."""
    if isinstance(value, dict) and value:
        return {place: leaf for key in value for place, leaf in leaves(value[key], (*path, key)).items()}
    if isinstance(value, list) and value:
        # A list that grows in the middle moves what follows: its items go by what they say, maps by their keys.
        shown = [json.dumps(sorted(item) if isinstance(item, dict) else item, default=repr, sort_keys=True) for item in value]
        found = {}
        for number, (item, name) in enumerate(zip(value, shown)):
            place = (*path, name, shown[:number].count(name))
            found.update(leaves(item, place) if isinstance(item, dict) and item else {place: name})
        return found
    return {path: value}


def check_definition(outcome, name, before, after, edits):
    """Each edit may change one key or one item, to what it writes; or give a key another name, or take one out."""
    load = json.loads if name.lower().endswith(".json") else load_yaml
    text, patched = before.decode("utf-8"), after.decode("utf-8")
    try:
        old, new = load(text), load(patched)
    except ValueError as refusal:
        outcome.fail("definition", name, f"cannot be loaded: {refusal}" + diff_of(before, after))
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        outcome.fail("definition", name, f"is no map: {str(new)[:200]}" + diff_of(before, after))
        return
    for message in compare_definition(leaves(old), leaves(new), edits):
        outcome.fail("definition", name, message + diff_of(before, after))
        return
    if load is load_yaml and comments_of(text) != comments_of(patched):
        outcome.fail("definition", name, "a comment changed" + diff_of(before, after))


def compare_definition(old, new, edits):
    same = lambda place: place in old and place in new and (type(old[place]), old[place]) == (type(new[place]), new[place])
    gone, come = [it for it in old if not same(it)], [it for it in new if not same(it)]
    written = " ".join(edit["replacement"] for edit in edits).lower()
    # What is in a section under a new name is written by nobody.
    moved = {edit["replacement"].strip("\"'") for edit in edits}
    # An edit of an operator writes the operator alone.
    bare = lambda place, leaves: (place[:-2], re.sub(r"[=<>!~]+", "=", str(leaves[place])))
    operators = {bare(place, old) for place in gone} if any(re.fullmatch(r"[=<>!~]+", it) for it in moved) else set()
    for place in come:
        if moved & set(place[:-1]) or bare(place, new) in operators:
            continue
        shown = str(new[place]).strip('"').lower()
        key = str(place[-1]).lower()
        if shown not in written and not (new[place] is None and "null" in written) and key not in written:
            yield f"{place} is now {new[place]!r}, which no edit writes"
    # A key that gets another name moves all that is in it.
    renamed = sum(1 for edit in edits if edit["end"] > edit["start"] and edit["replacement"])
    if not renamed and max(len(gone), len(come)) > len(edits):
        yield f"{len(edits)} edits changed {gone} to {come}"


def check_script(outcome, name, kind, before, after, edits):
    text, patched = before.decode("utf-8"), after.decode("utf-8")
    if kind == "notebook":
        try:
            old, new = json.loads(text), json.loads(patched)
        except ValueError as refusal:
            outcome.fail("script", name, f"is no JSON: {refusal}" + diff_of(before, after))
            return
        changed = [number for number, pair in enumerate(zip(old["cells"], new["cells"])) if pair[0] != pair[1]]
        for number in changed:
            old["cells"][number]["source"] = new["cells"][number]["source"] = None
        if old != new or len(changed) > len(edits):
            outcome.fail("script", name, "changed elsewhere than in the sources of cells" + diff_of(before, after))
        return
    try:
        compile(text.lstrip("\ufeff"), name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    try:
        compile(patched.lstrip("\ufeff"), name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as refusal:
        outcome.fail("script", name, f"compiled before: {refusal}" + diff_of(before, after))
