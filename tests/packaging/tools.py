"""What the checks of packages share: running programs, venvs that are made once, and a place to collect failures."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINDOWS = os.name == "nt"


class Failed(Exception):
    """A check that does not hold; its text says which."""


def check(holds, text):
    """Fails with `text` unless it holds."""
    if not holds:
        raise Failed(text)


def run(*command, code=0, **options):
    """Runs a program to its end. Any exit code but `code` (`None`: any) is a failure that shows what was printed."""
    command = [str(part) for part in command]
    done = subprocess.run(command, text=True, encoding="utf-8", errors="replace", capture_output=True, **options)
    if code is not None and done.returncode != code:
        shown = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        raise Failed(f"{' '.join(command)}: exit code {done.returncode} where {code} was due\n{shown}")
    return done


def program(folder, name):
    """A program of a venv."""
    return folder / ("Scripts" if WINDOWS else "bin") / (f"{name}.exe" if WINDOWS else name)


def make_venv(folder, *packages):
    """A venv with these packages; made anew when the list changes."""
    note = folder / "packages"
    if not note.is_file() or note.read_text() != " ".join(packages):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        if packages:
            run(program(folder, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
        note.write_text(" ".join(packages))
    return folder


def build_environment(target):
    """The variables for building: cargo's results are kept in `target`, and no venv or hook of the caller leaks in."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "VIRTUAL_ENV"))}
    variables["CARGO_TARGET_DIR"] = str(target.resolve())
    return variables


def crate_version():
    """The version in Cargo.toml."""
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)[1]


def sample(folder):
    """A copy of the sample project."""
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(ROOT / "testdata" / "sample", folder)


def tree(folder):
    """Every file's bytes by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def main(checks):
    """Runs the checks, says how each went, and returns the exit code."""
    failed = 0
    for name, function in checks:
        try:
            said = function()
        except Failed as failure:
            failed += 1
            print(f"FAILED {name}: {failure}")
        else:
            print(f"ok     {name}" + (f": {said}" if said else ""))
        sys.stdout.flush()
    print(f"{len(checks) - failed} of {len(checks)} hold")
    return 1 if failed else 0
