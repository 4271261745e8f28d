#!/usr/bin/env python3
"""Checks the reports for other tools with those tools' schemas and rules.

    formats.py ENVFIX --node FOLDER [--logs FOLDER] [--most N] FILE_OR_FOLDER...

Copies up to N files of every folder (or whole folders, where it holds folders), runs envfix over them in every format, in
several modes, and checks:

- SARIF by its official schema, which npm `@microsoft/jest-sarif` carries;
- rdjson by npm `@umbrelladocs/rdformat-validator`, in its strict mode;
- the others as format_checks.py says;
- that each names everything that the JSON report names;
- that the fixes of SARIF and the suggestions of rdjson, applied by the few lines here, are what envfix writes in place.

With --logs, every log is given alone, and with the Dockerfile that it shows, where it shows one. FOLDER of --node is
where `npm install --prefix FOLDER` put both packages. Needs PyPI `jsonschema` and `cmarkgfm`. The exit code is 1 when
anything is wrong.
"""

import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cmarkgfm
import cmarkgfm.cmark
import jsonschema

import format_checks
from tied import steps_of

MODES = ([], ["--unsafe"], ["--faults"])
FORMATS = ("sarif", "rdjson", "github", "gitlab", "azure", "markdown")


def to_html(text):
    """As GitHub shows it, raw HTML included: what GitHub would clean away is to be seen."""
    return cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)


class Checker:
    def __init__(self, envfix, node):
        self.envfix = str(envfix.resolve())
        modules = node.resolve() / "node_modules"
        schema = json.loads((modules / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
        validator = jsonschema.validators.validator_for(schema)
        validator.check_schema(schema)
        self.sarif_schema = validator(schema)
        self.rdformat = modules / "@umbrelladocs/rdformat-validator/bin/rdformat-validator.js"
        self.failures = []
        self.counts = collections.Counter()

    def run(self, folder, *arguments):
        run = subprocess.run([self.envfix, *arguments], cwd=folder, capture_output=True, check=False)
        if run.returncode not in (0, 2) or b"panicked" in run.stderr:
            self.failures.append(f"{arguments}: exit code {run.returncode}: {run.stderr[-300:].decode('utf-8', 'replace')}")
        return run.stdout.decode("utf-8")

    def rdformat_says(self, text):
        """What the validator of Reviewdog's format says is wrong."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            command = ["node", self.rdformat, "--strict", "--no-extra-fields", "--format", "json", file.name]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        return [] if run.returncode == 0 else [f"rdformat-validator: {(run.stdout + run.stderr)[:500]}"]

    def check(self, what, folder, arguments, logs=()):
        """Checks every format of one run over a folder, without writing, and then what is written."""
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        reports = {it: self.run(folder, "--dry-run", "--format", it, *arguments) for it in (*FORMATS, "json")}
        expected = json.loads(reports["json"])
        self.counts["runs"] += 1
        self.counts["entries"] += sum(format_checks.entries(expected).values())
        wrong = {
            "sarif": format_checks.check_sarif(reports["sarif"], expected, self.sarif_schema),
            "rdjson": self.rdformat_says(reports["rdjson"]) + format_checks.check_rdjson(reports["rdjson"], expected),
            "gitlab": format_checks.check_gitlab(reports["gitlab"], expected),
            "github": format_checks.check_github(reports["github"], expected),
            "azure": format_checks.check_azure(reports["azure"], expected),
            "markdown": format_checks.check_markdown(reports["markdown"], expected, to_html),
        }
        sarif, regions = format_checks.sarif_edits(json.loads(reports["sarif"]), files)
        wrong["sarif"] += regions
        rdjson = format_checks.rdjson_edits(json.loads(reports["rdjson"]), files)
        self.run(folder, *arguments)
        written = {name: (folder / name).read_bytes() for name in files}
        changed = {name for name in files if written[name] != files[name]}
        # A file that becomes UTF-8 cannot be told as edits of its text.
        encoded = {it["path"] for it in expected["files"] if it["changed"] and not it["diff"]}
        self.counts["files changed"] += len(changed)
        self.counts["edits"] += sum(map(len, sarif.values()))
        for name, edits in (("sarif", sarif), ("rdjson", rdjson)):
            made = format_checks.apply(files, edits)
            wrong[name] += [f"{it}: applied, it is not what envfix writes" for it in sorted(files)
                            if made[it] != written[it] and it not in encoded]
            wrong[name] += [f"{it}: offered, although its encoding changes" for it in encoded & set(edits)]
        for name, messages in wrong.items():
            self.failures += [f"{what}, {name}: {message}" for message in messages]


def evenly(items, most):
    """At most so many of them, from all over the list."""
    step = max(1, -(-len(items) // most))
    return items[::step]


def copied(paths, most, to):
    """A folder with copies of what the paths hold."""
    for path in paths:
        if path.is_dir():
            for item in evenly(sorted(path.iterdir()), most):
                target = to / path.name / item.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if item.is_dir():
                    shutil.copytree(item, target, symlinks=True)
                elif item.is_file():
                    shutil.copyfile(item, target)
        else:
            shutil.copyfile(path, to / path.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("--node", type=pathlib.Path, required=True)
    parser.add_argument("--logs", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="FILE_OR_FOLDER")
    options = parser.parse_args()
    checker = Checker(options.envfix, options.node)
    for mode in MODES:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            copied(options.paths, options.most, folder)
            checker.check(f"all {' '.join(mode)}", folder, [*mode, "."])
    for log in evenly(sorted(options.logs.glob("*.log")), options.most) if options.logs else []:
        steps = steps_of(log)
        for named in [[], ["Dockerfile"]] if steps else [[]]:
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                shutil.copyfile(log, folder / "build.log")
                if named:
                    (folder / "Dockerfile").write_text("\n".join(steps) + "\n", encoding="utf-8")
                    checker.counts["logs with their Dockerfile"] += 1
                checker.check(log.name, folder, ["--log", "build.log", *named])
    print(", ".join(f"{count} {what}" for what, count in checker.counts.items()))
    if not checker.counts["edits"] or (options.logs and not checker.counts["logs with their Dockerfile"]):
        checker.failures.append("nothing was there to be checked")
    for failure in checker.failures[:40]:
        print(f"    {failure[:600]}")
    print(f"{len(checker.failures)} wrong")
    return 1 if checker.failures else 0


if __name__ == "__main__":
    sys.exit(main())
