#!/usr/bin/env python3
"""Tries each pip that envfix pins with the Python that it is pinned for.

    pip_pins.py [--table FILE] [--require MINOR]...

For each Python on this machine that the table names: makes a virtual environment, installs the table's pip in it,
and demands that `pip --version` says so and that `pip install six idna` works. Prints which Pythons were tried and
which were not, and why. The exit code is 1 when one fails, when none could be tried, or when a required one was not.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TABLE = pathlib.Path(__file__).resolve().parents[2] / "src" / "facts" / "data" / "pip.tsv"

# Seconds after which an installation counts as hanging.
HANG = 300


def pins(table):
    """Python (`3.10`) and its pip."""
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return {row[0]: row[1] for row in rows if re.fullmatch(r"\d+\.\d+", row[0])}


def call(command, **environment):
    """Whether a command works, and its output."""
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    try:
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=HANG, env={**clean, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment})
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return done.returncode == 0, done.stdout.decode("utf-8", "replace").strip()


def interpreters():
    """Every Python that can be found, by its release: pyenv's, the system's, those on the PATH."""
    roots = [pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")]
    found = [path for root in roots for path in sorted(root.glob("versions/*/bin/python"))]
    for folder in ["/usr/bin", "/usr/local/bin", *os.environ.get("PATH", "").split(os.pathsep)]:
        if folder and not folder.endswith("shims"):
            found += [it for it in sorted(pathlib.Path(folder).glob("python*")) if re.fullmatch(r"python[\d.]*", it.name)]
    by_release, seen = {}, set()
    for path in found:
        real = path.resolve()
        if real in seen:
            continue
        seen.add(real)
        works, says = call([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        if works:
            by_release.setdefault(says.split("\n")[-1], []).append(path)
    return by_release


def try_venv(python, pip, folder):
    """None when it works; else which step did not, and its output. Raises LookupError when there is no venv."""
    works, says = call([python, "-m", "venv", folder])
    if not works:
        raise LookupError(says.split("\n")[-1] or "venv fails")
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    return steps(inside, pip, ["install", f"pip=={pip}"], ["install", "six", "idna"], "import six, idna")


def try_target(python, pip, folder):
    """The same for a Python without venv: pip goes to a folder of its own."""
    works, says = call([python, "-m", "pip", "--version"])
    if not works:
        raise LookupError("neither venv nor pip")
    environment = {"PYTHONPATH": str(folder)}
    install = ["install", "--target", folder]
    return steps(python, pip, [*install, f"pip=={pip}"], [*install, "six", "idna"], "import six, idna", **environment)


def steps(python, pip, install, install_more, check, **environment):
    for what, command in (
        ("installing it", ["-m", "pip", "-q", *install]),
        ("pip --version", ["-m", "pip", "--version"]),
        ("pip install six idna", ["-m", "pip", "-q", *install_more]),
        ("importing them", ["-c", check]),
    ):
        works, says = call([python, *command], **environment)
        if works and what == "pip --version" and not re.search(rf"^pip {re.escape(pip)} ", says, re.M):
            works = False
        if not works:
            return f"{what}: {says[-1500:]}"
    return None


def attempt(release, pip, paths, scratch):
    """How it went for a release: a word, the interpreter, the reason."""
    reasons = []
    for number, python in enumerate(paths):
        for how in (try_venv, try_target):
            folder = scratch / f"{release}-{number}-{how.__name__}"
            try:
                failure = how(python, pip, folder)
            except LookupError as reason:
                reasons.append(f"{python}: {reason}")
                continue
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return ("failed" if failure else "works"), python, failure or ""
    return "not tried", paths[0], "; ".join(reasons)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=pathlib.Path, default=TABLE)
    parser.add_argument("--require", action="append", default=[], metavar="MINOR", help="a Python that must be tried")
    options = parser.parse_args()
    table = pins(options.table)
    found = interpreters()
    results = {release: ("not tried", "", "no such Python here") for release in table if release not in found}
    with tempfile.TemporaryDirectory(prefix="pip-pins-") as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = {release: pool.submit(attempt, release, table[release], found[release], pathlib.Path(scratch))
                for release in table if release in found}
        results.update((release, job.result()) for release, job in jobs.items())
    for release in table:
        word, python, reason = results[release]
        print(f"Python {release:5} pip {table[release]:8} {word:10} {python} {reason}".rstrip())
    for release in sorted(found.keys() - table.keys()):
        print(f"Python {release:5} is not in the table; there is {found[release][0]}")
    words = [word for word, _, _ in results.values()]
    missing = [release for release in options.require if results.get(release, ("",))[0] != "works"]
    print(f"{words.count('works')} work, {words.count('failed')} fail, {words.count('not tried')} not tried"
          + (f"; required and not working: {', '.join(missing)}" if missing else ""))
    return 1 if "failed" in words or "works" not in words or missing else 0


if __name__ == "__main__":
    sys.exit(main())
