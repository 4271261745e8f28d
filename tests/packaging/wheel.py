#!/usr/bin/env python3
"""Builds the wheel as `pip install .` does, installs it into a venv that has nothing else, and runs envfix from there.

    wheel.py --work FOLDER [--target FOLDER]

The wheel must install without an index, give a program that says its version, with the commit, and that fixes the sample
project as `testdata/sample.diff` says; its metadata must be those of Cargo.toml. The same for a wheel that is built from
the source distribution, which must hold everything that the build needs, and whose envfix names no commit. `--target`
is cargo's folder: with that of an earlier build, only envfix itself is compiled. The exit code is 1 when a check fails.
"""

import argparse
import email
import pathlib
import shutil
import sys
import tarfile
import zipfile

from tools import (ROOT, Failed, build_environment, check, crate_version, main, make_venv, program, run, sample, tree)

MATURIN = "maturin>=1.9.4,<2"


def build(builder, source, folder, target):
    """The wheel of a folder or a source distribution."""
    shutil.rmtree(folder, ignore_errors=True)
    pip = [program(builder, "python"), "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run(*pip, "--wheel-dir", folder, source, env=build_environment(target), cwd=folder.parent)
    wheels = list(folder.glob("*.whl"))
    check(len(wheels) == 1, f"{folder} holds {len(wheels)} wheels")
    return wheels[0]


def install(wheel, folder):
    """Installs a wheel, and nothing else, into a new venv, and returns its envfix."""
    shutil.rmtree(folder, ignore_errors=True)
    make_venv(folder)
    pip = [program(folder, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-index", wheel)
    return program(folder, "envfix")


def works(envfix, work, commit):
    """Whether an installed envfix says its version and fixes the sample."""
    expected = f"envfix {crate_version()}" + (f" ({commit})" if commit else "")
    said = run(envfix, "--version").stdout.strip()
    check(said == expected, f"--version says {said!r} where {expected!r} was due")
    diff = (ROOT / "testdata" / "sample.diff").read_text(encoding="utf-8")
    folder = sample(work / "sample")
    printed = run(envfix, "--dry-run", "Dockerfile", cwd=folder).stdout
    check(printed == diff, f"the diff of the sample is another one:\n{printed}")
    run(envfix, "Dockerfile", cwd=folder)
    patched = sample(work / "patched")
    # In no repository, `git apply` patches like `patch`.
    run("git", "apply", "-", cwd=patched, input=diff, env=build_environment(work) | {"GIT_CEILING_DIRECTORIES": str(work.resolve())})
    check(tree(folder) == tree(patched), "the sample fixed in place is not the sample with its diff applied")
    check(tree(folder) != tree(ROOT / "testdata" / "sample"), "the sample was not fixed")
    return said


def metadata_are_the_crates(wheel):
    """The wheel's own description of itself."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (path,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(path))
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    check(metadata["Name"] == "envfix", metadata["Name"])
    check(metadata["Version"] == crate_version(), metadata["Version"])
    check(f'description = "{metadata["Summary"]}"' in manifest, f"Cargo.toml does not say {metadata['Summary']!r}")
    check(metadata["License-Expression"] == "MIT", f"the licence is {metadata['License-Expression']!r}")
    check(metadata.get_all("Requires-Dist") is None, "it requires packages")
    check(len(metadata.get_all("Classifier") or []) > 5, "it has no classifiers")
    # The description has no charset of its own: it is UTF-8.
    text = metadata.get_payload(decode=True).decode("utf-8")
    check(text.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip(), "its description is not the README")
    check(any(name.endswith("licenses/LICENSE") for name in names), f"no licence in {names}")
    extra = [name for name in names if ".dist-info/" not in name and not name.startswith("envfix-")]
    check(not extra and "-none-" in wheel.name, f"{wheel.name} holds {names}")
    return f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB"


def uninstalls(folder):
    """Nothing of envfix stays behind."""
    run(program(folder, "python"), "-m", "pip", "uninstall", "--quiet", "--yes", "envfix")
    left = [str(path) for path in folder.rglob("*envfix*")]
    check(not left, f"left behind: {left}")


def source_distribution(builder, work):
    """The source distribution; it must be in one folder and hold no test of ours that needs more than it holds."""
    folder = work / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    run(program(builder, "maturin"), "sdist", "--out", folder, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for needed in ["Cargo.lock", "Cargo.toml", "LICENSE", "PKG-INFO", "README.md", "build/commit.rs", "pyproject.toml"]:
        check(needed in names, f"{archive.name} has no {needed}")
    for other in names:
        check(not other.startswith((".ci/", "tests/oracle/", "tests/packaging/")), f"{archive.name} has {other}")
    return archive


def commit_here():
    """What `envfix --version` is to name: the commit of the repository that the sources are in, if they are in one."""
    top = run("git", "rev-parse", "--show-toplevel", cwd=ROOT, code=None, env=build_environment(ROOT)).stdout.strip()
    if not top or pathlib.Path(top).resolve() != ROOT:
        return None
    return run("git", "log", "-1", "--abbrev=10", "--format=%h %cs", cwd=ROOT, env=build_environment(ROOT)).stdout.strip()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for venvs and wheels")
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target", help="cargo's folder")
    return parser.parse_args()


def checks(work, target):
    work.mkdir(parents=True, exist_ok=True)
    work = work.resolve()
    builder = make_venv(work / "builder", MATURIN)
    made = {}

    def need(name):
        check(name in made, "what it looks at could not be made")
        return made[name]

    def builds():
        made["wheel"] = build(builder, ROOT, work / "wheel", target)
        return made["wheel"].name

    def installs():
        return works(install(need("wheel"), work / "user"), work, commit_here())

    def packs():
        made["sdist"] = source_distribution(builder, work)
        return made["sdist"].name

    def rebuilds():
        wheel = build(builder, need("sdist"), work / "from-sdist", target)
        return works(install(wheel, work / "user-of-sdist"), work, None)

    return [
        ("the wheel builds", builds),
        ("its metadata are the crate's", lambda: metadata_are_the_crates(need("wheel"))),
        ("it installs alone and works", installs),
        ("it uninstalls", lambda: uninstalls(work / "user")),
        ("the source distribution is complete", packs),
        ("a wheel builds from it and works", rebuilds),
    ]


if __name__ == "__main__":
    given = arguments()
    try:
        sys.exit(main(checks(given.work, given.target)))
    except Failed as failure:
        sys.exit(f"FAILED {failure}")
