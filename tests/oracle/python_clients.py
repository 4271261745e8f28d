#!/usr/bin/env python3
"""Runs what envfix makes of Python programs and notebooks under the SDK that they are written for.

    python_clients.py DUMP_SCRIPT CASES [--corpus PATH...]

DUMP_SCRIPT is the built example `dump_script`, CASES the folder `testdata/scripts`; run it with a Python that has
azureml-core 1.x and nbformat. Of each case is checked:

- a file `same_*` stays byte for byte as it is, a file `fixed_*` changes, and a second run changes nothing;
- `compile()` takes it, a notebook is valid to nbformat, its outputs and other cells are the same objects as before;
- a changed program is run with the service cut off: every environment that it registers must have
  `spark.precache_packages is False` when it does, and one that is left in a global name must have it at the end.
  As a counter-check, the program before the change must fail this.

With `--corpus`, real files are changed and must still compile when they compiled before. The exit code is 1 when a
check fails.
"""

import argparse
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import tokenize
import warnings

import nbformat
from azureml.core import Environment
from azureml.core.runconfig import RunConfiguration


def fixed(dump, path):
    run = subprocess.run([dump, "--fix", str(path)], capture_output=True)
    return run.stdout if run.returncode == 0 else None, run.stderr.decode()


def program(path, data):
    """The Python of a file, with IPython's own lines out of the way."""
    if path.suffix != ".ipynb":
        return data.decode("utf-8-sig")
    cells = json.loads(data)["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = [line for text in texts if not text.startswith("%%") for line in text.split("\n")]
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in lines)


def wrong_environments(code):
    """The environments that are registered, or left over, with packages to be cached ahead."""
    wrong = []

    def register(self, workspace):
        if self.spark.precache_packages is not False:
            wrong.append("registered " + str(self.name))
        return self

    original = Environment.register, Environment.get
    Environment.register = register
    Environment.get = staticmethod(lambda workspace, name, **_: Environment(name))
    names = {"ws": object(), "__name__": "__main__"}
    try:
        exec(compile(code, "case", "exec"), names)
    finally:
        Environment.register, Environment.get = original
    for name, value in names.items():
        if isinstance(value, RunConfiguration):
            value = value.environment
        if isinstance(value, Environment) and value.spark.packages and value.spark.precache_packages is not False:
            wrong.append("left in " + name)
    return wrong


def compiles(text):
    try:
        compile(text, "text", "exec", dont_inherit=True)
        return True
    except (SyntaxError, ValueError):
        return False


def comments(text):
    return [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]


def check_case(dump, path, scratch):
    before = path.read_bytes()
    after, said = fixed(dump, path)
    if after is None:
        return [f"envfix failed: {said}"]
    faults = []
    scratch = scratch / path.name
    scratch.write_bytes(after)
    if fixed(dump, scratch)[0] != after:
        faults.append("a second run changes something")
    if path.suffix == ".ipynb":
        nbformat.validate(nbformat.reads(after.decode(), as_version=4))
        old, new = json.loads(before), json.loads(after)
        for cell in old["cells"] + new["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = None
        if old != new:
            faults.append("more than the code changed")
    text = program(path, after)
    if not compiles(text):
        return faults + ["it does not compile"]
    if comments(text) != comments(program(path, before)):
        faults.append("a comment changed")
    if path.name.startswith("same_"):
        return faults + (["it changed"] if before != after else [])
    if before == after:
        return faults + ["it did not change: " + said]
    wrong = wrong_environments(text)
    if wrong:
        faults.append(f"not off: {wrong}")
    if not wrong_environments(program(path, before)):
        faults.append("the case proves nothing: it is off before")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path, nargs="*", default=[])
    args = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    failed = 0
    cases = sorted(args.cases.glob("*.py")) + sorted(args.cases.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as scratch:
        for path in cases:
            for fault in check_case(args.dump, path, pathlib.Path(scratch)):
                failed += 1
                print(f"{path.name}: {fault}")
    changed = 0
    files = [file for path in args.corpus for file in sorted(path.rglob("*")) if file.suffix in (".py", ".ipynb")]
    for path in files:
        before = path.read_bytes()
        after, said = fixed(args.dump, path)
        if after is None or after == before:
            if after is None and "proof" in said:
                failed += 1
                print(f"{path}: {said}")
            continue
        changed += 1
        if path.suffix == ".ipynb":
            try:
                nbformat.validate(nbformat.reads(before.decode(), as_version=4))
            except nbformat.ValidationError:
                pass
            else:
                nbformat.validate(nbformat.reads(after.decode(), as_version=4))
        if compiles(program(path, before)) and not compiles(program(path, after)):
            failed += 1
            print(f"{path}: it does not compile any more")
    print(f"{len(cases)} cases, {len(files)} files of which {changed} changed, {failed} faults")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
