"""A case: a Dockerfile with its context that fails, what the log must show, and what envfix must do about it.

`cases/NAME/case.toml`; everything else in the folder is the context:

    title       what the case shows
    symptom     a regular expression that the log of the failing build must match; the table shows what it matched
    fixed-by    the patches that envfix must apply, no more and no fewer; `A|B` is either
    refused     instead: a regular expression that envfix's answer must match, while no byte of the context changes
    without     how the instruction begins that fails. Without it the image must build, and the check must fail in it, so that
                the check is one
    check       a shell text that must succeed in the image that is built after the fix
    arguments   envfix's, if not `--log LOG Dockerfile`
    builders    if not buildah alone
    waits       the case mostly waits, and runs beside the others
    limit       seconds after which the builder is ended, as the time limit of a CI job ends it
    wheels      packages that the context gets in `wheels/` (see packages.py)
    channel     packages that the context gets in `channel/`, a conda channel
    index       a table: the packages of an index on 127.0.0.1 (`wheels`, `pip`, `channel`), and how it misbehaves (index.py)

A refused case may have a `Dockerfile.advised`, which does what the answer says: it must build and pass the check.

`controls/NAME/control.toml` is a context that builds as it is: title, check, fixed-by, builders, wheels, channel.
"""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import time
import tomllib

import packages
from builders import check
from index import Index

CASE_KEYS = {"title", "symptom", "fixed-by", "refused", "without", "check", "arguments", "builders", "waits", "limit",
             "wheels", "channel", "index"}
CONTROL_KEYS = {"title", "check", "fixed-by", "builders", "wheels", "channel"}
CASE, CONTROL = "case.toml", "control.toml"


class Case:
    def __init__(self, folder):
        self.folder, self.name = folder, folder.name
        self.control = (folder / CONTROL).exists()
        text = (folder / (CONTROL if self.control else CASE)).read_text(encoding="utf-8")
        self.about = tomllib.loads(text)
        known = CONTROL_KEYS if self.control else CASE_KEYS
        extra = set(self.about) - known
        check(not extra, f"{folder.name}: there are no keys {', '.join(sorted(extra))}")
        missing = {"title", "check"} | (set() if self.control else {"symptom", "without"})
        check(missing <= set(self.about), f"{folder.name}: {', '.join(sorted(missing - set(self.about)))} must be given")
        check(("fixed-by" in self.about) != ("refused" in self.about), f"{folder.name}: either fixed-by or refused")
        self.builders = self.about.get("builders", ["buildah"])
        self.waits = self.about.get("waits", False)
        self.refused = self.about.get("refused")
        self.patches = sorted(self.about.get("fixed-by", []))
        self.limit = self.about.get("limit", 900)


def load(folders, only):
    found = []
    for folder in folders:
        for child in sorted(folder.iterdir()):
            if (child / CASE).exists() or (child / CONTROL).exists():
                found.append(Case(child))
    names = [case.name for case in found]
    check(len(set(names)) == len(names), "two cases have one name")
    unknown = set(only) - set(names)
    check(not unknown, f"there is no case {', '.join(sorted(unknown))}")
    return [case for case in found if not only or case.name in only]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def drop(text, beginning):
    """A Dockerfile without the instruction that begins so, and the lines that continue it."""
    lines, kept, dropped, inside = text.splitlines(keepends=True), [], 0, False
    for line in lines:
        if inside or line.startswith(beginning):
            dropped += not inside
            inside = line.rstrip().endswith("\\")
        else:
            kept.append(line)
    check(dropped == 1, f"{dropped} instructions begin with {beginning!r}")
    return "".join(kept)


class Trial:
    """One case in one builder."""

    def __init__(self, case, builder, envfix, work):
        self.case, self.builder, self.envfix = case, builder, envfix
        self.place = work / "trials" / f"{case.name}-{builder.name}"
        self.context = self.place / case.name
        self.tag = f"localhost/case-{case.name}"
        self.matched = self.diff = self.answer = ""
        self.applied = []
        self.seconds = {}

    def prepare(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        shutil.copytree(self.case.folder, self.context, ignore=shutil.ignore_patterns(CASE, CONTROL, "*.advised"))
        about = self.case.about
        for line in about.get("wheels", []):
            packages.wheel(line, self.context / "wheels")
        if "channel" in about:
            packages.channel(about["channel"], self.context / "channel")
        served = about.get("index", {})
        packages.simple(served.get("wheels", []), self.place / "served")
        packages.pips(served.get("pip", []), self.place / "served")
        if "channel" in served:
            packages.channel(served["channel"], self.place / "served" / "channel")

    @contextlib.contextmanager
    def index(self):
        """The index of the case, anew for every build, and the files that lead pip and conda to it."""
        served = self.case.about.get("index")
        if served is None:
            yield []
            return
        behaviour = {key.replace("-", "_"): served[key] for key in ["stall", "stall-at", "resets", "resets-after"] if key in served}
        with Index(self.place / "served", **behaviour) as index:
            address = f"http://127.0.0.1:{index.port}"
            pip, conda = self.place / "pip.conf", self.place / "condarc"
            pip.write_text(f"[global]\nindex-url = {address}/simple/\ndisable-pip-version-check = true\n", encoding="utf-8")
            conda.write_text(f"channel_alias: {address}\n", encoding="utf-8")
            yield [(pip, "/etc/pip.conf")] + ([(conda, "/root/.condarc")] if "channel" in served else [])

    def build(self, name, folder, file="Dockerfile", limit=None):
        log, begun = self.place / f"{name}.log", time.monotonic()
        with self.index() as mounts:
            code = self.builder.build(folder, self.tag, log, limit or self.case.limit, mounts, file)
        self.seconds[name] = time.monotonic() - begun
        return code, log.read_text(encoding="utf-8", errors="replace")

    def must_build(self, name, folder, file="Dockerfile"):
        code, text = self.build(name, folder, file)
        last = "\n".join(text.strip().splitlines()[-12:])
        check(code == 0, f"the build {name!r} ended with {code}:\n{last}")

    def holds(self):
        return self.builder.run_in(self.tag, self.case.about["check"])

    def must_hold(self, when):
        done = self.holds()
        said = (done.stdout + done.stderr).strip()[-400:]
        check(done.returncode == 0, f"{when} the check ended with {done.returncode}: {said}")

    def run_envfix(self, arguments):
        """envfix in the context, as a user would; what it says, and its report."""
        command = [str(self.envfix), *arguments, "--format", "json"]
        done = subprocess.run(command, cwd=self.context, capture_output=True, encoding="utf-8", timeout=60)
        check(done.returncode == 0, f"envfix ended with {done.returncode}: {done.stderr.strip()[-400:]}")
        report = json.loads(done.stdout)
        applied = sorted({it["patch"] for it in report["findings"] if it.get("fix", {}).get("applied")})
        self.diff += "".join(file.get("diff") or "" for file in report["files"])
        return applied, done.stderr

    def fix(self, arguments):
        before = contents(self.context)
        applied, self.answer = self.run_envfix(arguments)
        self.applied = applied
        after = contents(self.context)
        if self.case.refused:
            check(before == after, f"envfix changed a file that it must refuse:\n{self.diff}")
            check(not applied, f"envfix says that it applied {', '.join(applied)}")
            check(re.search(self.case.refused, self.answer), f"the answer does not say {self.case.refused!r}:\n{self.answer}")
            return
        wanted = self.case.patches
        as_wanted = len(applied) == len(wanted) and all(it in one.split("|") for it, one in zip(applied, wanted))
        check(as_wanted, f"envfix applied {applied}, and {wanted} were due; it said:\n{self.answer}\n{self.diff}")
        check((before != after) == bool(wanted), "envfix does not change what it says that it changed")
        again = self.diff
        self.run_envfix(arguments)
        check(contents(self.context) == after, "a second run of envfix changes the file again")
        self.diff = again

    def run_case(self):
        about = self.case.about
        code, text = self.build("before", self.context)
        check(code != 0, "the build does not fail")
        match = re.search(about["symptom"], text, re.M)
        last = "\n".join(text.strip().splitlines()[-12:])
        check(match, f"the log does not show {about['symptom']!r}:\n{last}")
        self.matched = match[0]
        self.check_can_fail()
        log = self.place / "before.log"
        self.fix([word.replace("LOG", str(log)) for word in about.get("arguments", ["--log", "LOG", "Dockerfile"])])
        if not self.case.refused:
            self.must_build("after", self.context)
            self.must_hold("after the fix")
        elif (self.case.folder / "Dockerfile.advised").exists():
            shutil.copy(self.case.folder / "Dockerfile.advised", self.place)
            self.must_build("advised", self.context, self.place / "Dockerfile.advised")
            self.must_hold("with the advice followed")

    def check_can_fail(self):
        """Without the instruction that fails the image builds, and the check must fail in it."""
        text = (self.context / "Dockerfile").read_text(encoding="utf-8")
        file = self.place / "Dockerfile.without"
        file.write_text(drop(text, self.case.about["without"]), encoding="utf-8")
        self.must_build("without", self.context, file)
        check(self.holds().returncode != 0, "the check succeeds without the fix: it shows nothing")

    def run_control(self):
        self.must_build("before", self.context)
        self.must_hold("before envfix")
        self.fix(["."])
        self.must_build("after", self.context)
        self.must_hold("after envfix")

    def run(self):
        begun = time.monotonic()
        try:
            self.prepare()
            self.run_control() if self.case.control else self.run_case()
        finally:
            self.seconds["all"] = time.monotonic() - begun
