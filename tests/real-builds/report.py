"""The page of proof, docs/proof.md: which builds failed, what envfix did, and that they build now."""

import re

from builders import run

HEAD = """# Builds that failed, and build now

Each case is a folder of `tests/real-builds/cases/`: a Dockerfile with its context that fails in a real builder. Its log
showed the symptom; envfix got the log and the source, as from a user (`envfix --log LOG Dockerfile`), and nothing else; then the
same builder built it, and a check inside the image held, which fails in an image without the step that failed. Bases are made
from Debian's packages, with no registry; pip, conda and apt-get are the real ones, at their own defaults. This page is
written by

```sh
tests/real-builds/run.py target/release/envfix --work target/ci/real-builds --report docs/proof.md
```
"""


def cell(text):
    """A text as it stands, in a cell of a table."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", " ".join(text.split()))
    text = text if len(text) <= 110 else text[:107] + "…"
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|") if text else "–"


def plain(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def first_line(*command):
    said = run(*command, code=None)
    return ((said.stdout or said.stderr).strip().splitlines() or ["?"])[0]


def tools(builders, trials, envfix):
    """What took part, with versions: the builders, and in each base what the cases rely on."""
    found = [("envfix", first_line(envfix, "--version").removeprefix("envfix ").split()[0])]
    found += [(f"{name} ({'BuildKit in ' if name == 'docker' else ''}Debian's {name})", builder.version)
              for name, builder in builders.items()]
    buildah = builders["buildah"]
    for image, text in [("debian:11", "cat /etc/debian_version"), ("debian:12", "cat /etc/debian_version"),
                        ("debian:13", "cat /etc/debian_version"), ("python:3.9-slim", "python --version; pip --version"),
                        ("python:3.11-slim", "python --version; pip --version"),
                        ("python:3.13-slim", "python --version; pip --version"),
                        ("continuumio/miniconda3:4.3.14", "conda --version 2>&1; python --version")]:
        said = buildah.run_in(image, text).stdout.strip()
        said = re.sub(r" from \S+.*", "", said)
        found.append((f"`{image}`, a stand-in", ", ".join(said.splitlines())))
    return found


def after(trial, failure):
    """What became of a case, in a few words."""
    if failure:
        return "**FAILED**"
    if trial.case.refused:
        advised = "advised" in trial.seconds
        return "nothing changed" + ("; as advised it builds" if advised else "")
    return f"builds; {cell(trial.case.about['check'])} holds"


def page(trials, failures, versions, ready, seconds):
    outcome = dict(zip(trials, failures))
    passed = sum(failure is None for failure in failures)
    shown = {"cases": [], "refusals": [], "controls": []}
    for trial in trials:
        shown["controls" if trial.case.control else "refusals" if trial.case.refused else "cases"].append(trial)
    fixes = [[plain(trial.case.about["title"]), trial.builder.name, cell(trial.matched), cell(trial.case.about["without"] + " …"),
              ", ".join(f"`{patch}`" for patch in trial.applied), after(trial, outcome[trial]),
              f"{trial.seconds['all']:.0f}"] for trial in shown["cases"]]
    refusals = [[plain(trial.case.about["title"]), trial.builder.name, cell(trial.matched), cell(trial.case.refused.replace("\\", "")),
                 after(trial, outcome[trial]), f"{trial.seconds['all']:.0f}"] for trial in shown["refusals"]]
    controls = [[plain(trial.case.about["title"]), trial.builder.name,
                 ", ".join(f"`{patch}`" for patch in trial.applied) or "none",
                 after(trial, outcome[trial]), f"{trial.seconds['all']:.0f}"] for trial in shown["controls"]]
    sections = [
        HEAD,
        f"{passed} of {len(trials)} passed, in {seconds:.0f} s with the {ready:.0f} s that the bases took.\n",
        "## Failed before, built after\n",
        table(["case", "builder", "symptom in the log", "before: fails at", "fixed by", "after", "seconds"], fixes),
        "## Refused\n\nNo byte changes where the right fix is not certain, and the answer says what to do.\n",
        table(["case", "builder", "symptom in the log", "the answer says", "after", "seconds"], refusals),
        "## Controls\n\nBuilds that pass, and pass after `envfix .`, with everything that it recommends.\n",
        table(["control", "builder", "applied", "after", "seconds"], controls),
        "## With\n",
        table(["what", "version"], [[what, version] for what, version in versions]),
    ]
    return "\n".join(sections)
