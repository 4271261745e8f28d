#!/usr/bin/env python3
"""Checks the files for GitHub Actions, GitLab and Azure Pipelines against their schemas, and runs the scripts in `ci/`.

    templates.py ENVFIX --work FOLDER

Each file must hold against the schema that check-jsonschema carries, and a spoilt copy of it must not, so that a schema
that takes everything would show. The scripts of `ci/gitlab.yml` and `ci/azure-steps.yml` run with the variables that the
systems set, with ENVFIX and with stand-ins: for cargo, which records its arguments and installs ENVFIX, and for envfix
where it would ask a host. Runs in a venv with check-jsonschema and PyYAML. The exit code is 1 when a check fails.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys

import yaml

from tools import ROOT, Failed, build_environment, check, main, run, sample, tree

SCHEMAS = {
    "action.yml": ("vendor.github-actions", ("using: composite", "using: compost")),
    ".github/workflows/ci.yml": ("vendor.github-workflows", ("runs-on: ubuntu-latest", "runs-onto: ubuntu-latest")),
    "ci/gitlab.yml": ("vendor.gitlab-ci", ("when: always", "when: sometimes")),
    "ci/azure-steps.yml": ("vendor.azure-pipelines", ("  - bash: |", "  - bosh: |")),
    "ci/azure-pipelines.yml": ("vendor.azure-pipelines", ("steps:", "stepps:")),
}
PLAIN = "FROM python:3.10-slim\nRUN pip install flask\n"


def holds_against(name, schema, spoilt, work):
    """Whether a file holds against its schema, and a spoilt copy does not."""
    text = (ROOT / name).read_text(encoding="utf-8")
    check(spoilt[0] in text, f"{name} has no {spoilt[0]!r} to spoil")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    if "azure" in schema:
        command += ["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"]
    run(*command, ROOT / name)
    copy = work / "spoilt.yml"
    copy.write_text(text.replace(*spoilt), encoding="utf-8")
    run(*command, copy, code=1)


class Programs:
    """Folders of programs to put on the PATH."""

    def __init__(self, work, envfix):
        self.folder, self.work = work / "programs", work
        shutil.rmtree(self.folder, ignore_errors=True)
        self.stand_in("envfix", f'exec "{envfix}" "$@"')
        self.stand_in(
            "cargo",
            f'echo "cargo $*"; while [ $# -gt 1 ]; do case $1 in --root) root=$2;; --path) path=$2;; esac; shift; done\n'
            f'test -f "$path/Cargo.toml" && mkdir -p "$root/bin" && cp "{self.folder}/envfix/envfix" "$root/bin/envfix"',
        )
        self.stand_in("review", 'echo "called: $*; ${ENVFIX_TOKEN:-} ${SYSTEM_ACCESSTOKEN:-}"; exit "${CODE:-0}"', "envfix")

    def stand_in(self, folder, script, name=None):
        path = self.folder / folder / (name or folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def path(self, *names):
        return os.pathsep.join([*(str(self.folder / name) for name in names), "/usr/bin", "/bin"])


def repository(work):
    """A git repository that stands for envfix's."""
    folder = work / "repository"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(ROOT / "Cargo.toml", folder)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-b", "main"], ["add", "."], [*who, "commit", "-m", "x"]):
        run("git", "-C", folder, *command, env=build_environment(work))
    return folder.as_uri()


class GitLab:
    """Runs jobs of `ci/gitlab.yml` as GitLab's runner does."""

    def __init__(self, work, programs):
        self.jobs = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text(encoding="utf-8"))
        self.work, self.programs, self.workspace = work, programs, work / "workspace"

    def run(self, name, path, code, shell="sh", **variables):
        job = self.jobs[name]
        job = {**self.jobs[job["extends"]], **job}
        check("rules" in job and job["image"]["entrypoint"] == [""], f"{name} has no rules or an entrypoint")
        values = build_environment(self.work) | {"CI": "true", "GITLAB_CI": "true", "PATH": self.programs.path(*path)}
        values["CI_PROJECT_DIR"] = str(self.workspace)
        # GitLab expands variables in variables, the job's after the file's; what the project sets comes last.
        for declared in (self.jobs["variables"], job["variables"], variables):
            for key, value in declared.items():
                values[key] = re.sub(r"\$(\w+)", lambda match: values.get(match[1], ""), str(value))
        script = self.work / "job.sh"
        script.write_text("set -e\n" + "\n".join(job["before_script"] + job["script"]) + "\n", encoding="utf-8")
        return run(shell, script, cwd=self.workspace, env=values, code=code)

    def checks(self):
        """The job `envfix`: its exit code, its report, and paths with blanks and arguments."""
        for shell in ("sh", "bash"):
            before = tree(sample(self.workspace))
            self.run("envfix", ["envfix"], 1, shell)
            report = json.loads((self.workspace / "envfix-code-quality.json").read_text(encoding="utf-8"))
            check({entry["location"]["path"] for entry in report} == {"Dockerfile", "environment.yml"}, str(report))
            check({name: data for name, data in tree(self.workspace).items() if name in before} == before, "files changed")
            self.run("envfix", ["envfix"], 0, shell, ENVFIX_ARGS="--skip\ntimeouts,pip-pin,conda-pip")
            (self.workspace / "a b").mkdir()
            (self.workspace / "a b/Dockerfile").write_text(PLAIN, encoding="utf-8")
            self.run("envfix", ["envfix"], 1, shell, ENVFIX_PATHS="a b/Dockerfile\n")
            self.run("envfix", ["envfix"], 0, shell, ENVFIX_PATHS="a b\n", ENVFIX_ARGS="--faults")
            self.run("envfix", ["envfix"], 2, shell, ENVFIX_PATHS="$(touch pwned)\n*")
            check(not (self.workspace / "pwned").exists(), "a path was run as code")
        kept = self.jobs["envfix"]["artifacts"]["reports"]["codequality"]
        check((self.workspace / kept).is_file(), "the report that is kept is not the one that is written")

    def installs(self):
        """Without envfix in the image it is built from its repository; without that, the job says what to set."""
        sample(self.workspace)
        said = self.run("envfix", [], 2)
        check("ENVFIX_IMAGE" in said.stderr and "ENVFIX_SOURCE" in said.stderr, said.stderr)
        said = self.run("envfix", ["cargo"], 1, ENVFIX_SOURCE=repository(self.work))
        check("cargo install --quiet --locked --path" in said.stdout, said.stdout)
        kept = self.jobs[".envfix"]["cache"]["paths"]
        check([(self.workspace / path / "envfix").is_file() for path in kept] == [True], f"{kept} does not hold envfix")
        # The program of the cache is used.
        shutil.rmtree(self.workspace / ".cargo-envfix/envfix")
        self.run("envfix", [], 1)

    def reviews(self):
        sample(self.workspace)
        said = self.run("envfix-review", ["review"], 0, ENVFIX_TOKEN="the-token")
        check("called: review; the-token" in said.stdout, said.stdout)
        self.run("envfix-review", ["review"], 2, CODE="2")


class Azure:
    """Runs the steps of `ci/azure-steps.yml` as an agent does."""

    def __init__(self, work, programs):
        self.template = yaml.safe_load((ROOT / "ci/azure-steps.yml").read_text(encoding="utf-8"))
        self.work, self.programs, self.workspace = work, programs, work / "workspace"

    def run(self, path, code, variables=None, **parameters):
        """Runs the steps; `code` is that of the last one that runs."""
        values = {}
        for parameter in self.template["parameters"]:
            value = parameters.pop(parameter["name"], parameter["default"])
            check(value in parameter.get("values", [value]), f"{parameter['name']} may not be {value!r}")
            values[parameter["name"]] = value
        check(not parameters, f"parameters that the template has not: {parameters}")
        said, search = "", self.programs.path(*path)
        for step in self.template["steps"]:
            check("${{" not in step["bash"] and "$(" not in step["bash"], "an expression in a script lets anybody write into it")
            environment = build_environment(self.work) | {"TF_BUILD": "True", "PATH": search}
            environment["AGENT_TEMPDIRECTORY"] = str(self.work / "temp")
            for name, value in step["env"].items():
                value = re.sub(r"\$\{\{ parameters\.(\w+) \}\}", lambda match: values[match[1]], value)
                environment[name] = value.replace("$(System.AccessToken)", "the-token")
                check("$" not in environment[name] or "{{" not in environment[name], f"{name}: {value}")
            script = self.work / "step.sh"
            script.write_text(step["bash"], encoding="utf-8")
            done = run("bash", "--noprofile", "--norc", script, cwd=self.workspace, env=environment | (variables or {}), code=None)
            said += done.stdout + done.stderr
            for folder in re.findall(r"^##vso\[task\.prependpath\](.+)$", done.stdout, re.M):
                search = f"{folder}{os.pathsep}{search}"
            if done.returncode:
                break
        check(done.returncode == code, f"exit code {done.returncode} where {code} was due\n{said}")
        return said

    def checks(self):
        before = tree(sample(self.workspace))
        said = self.run(["envfix"], 1)
        logged = set(re.findall(r"^##vso\[task\.logissue .*sourcepath=([^;\]]+)", said, re.M))
        check({pathlib.PurePosixPath(name).name for name in logged} == {"Dockerfile", "environment.yml"}, said)
        check(tree(self.workspace) == before, "checking changed files")
        (self.workspace / "plain.Dockerfile").write_text(PLAIN, encoding="utf-8")
        self.run(["envfix"], 1, paths="plain.Dockerfile")
        self.run(["envfix"], 0, faultsOnly="true", paths="plain.Dockerfile")
        sample(self.workspace)
        self.run(["envfix"], 0, mode="fix", log="build.log", paths="Dockerfile\n")
        text = (self.workspace / "Dockerfile").read_text(encoding="utf-8")
        check("PIP_DEFAULT_TIMEOUT" in text and "pip==" not in text, text)
        self.run(["envfix"], 0, mode="fix")
        self.run(["envfix"], 0)
        self.run(["envfix"], 2, paths="$(touch pwned)\n`touch pwned`")
        check(not (self.workspace / "pwned").exists(), "a path was run as code")

    def installs(self):
        sample(self.workspace)
        shutil.rmtree(self.work / "temp", ignore_errors=True)
        check("parameter source" in self.run([], 2), "nobody says what to set")
        said = self.run(["cargo"], 1, source=repository(self.work))
        check("cargo install --quiet --locked --path" in said, said)

    def reviews(self):
        sample(self.workspace)
        said = self.run(["review"], 0, mode="review")
        check("called: review; " in said and "the-token" in said, said)
        self.run(["review"], 2, {"CODE": "2"}, mode="review")

    def example_fits(self):
        """The example gives only parameters that the steps have, and names the file that they are in."""
        example = yaml.safe_load((ROOT / "ci/azure-pipelines.yml").read_text(encoding="utf-8"))
        names = {parameter["name"] for parameter in self.template["parameters"]}
        used = re.findall(r"template: (\S+)@envfix", (ROOT / "ci/azure-pipelines.yml").read_text(encoding="utf-8"))
        check(used and set(used) == {"ci/azure-steps.yml"}, f"templates: {used}")
        (given,) = [step["parameters"] for step in example["steps"] if "template" in step]
        check(set(given) <= names, f"the steps have no {set(given) - names}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for checkouts")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    work = given.work.resolve()
    stand_ins = Programs(work, given.envfix.resolve())
    gitlab, azure = GitLab(work, stand_ins), Azure(work, stand_ins)
    schemas = [
        (f"{name} holds against its schema", lambda name=name, schema=schema, spoilt=spoilt: holds_against(name, schema, spoilt, work))
        for name, (schema, spoilt) in SCHEMAS.items()
    ]
    try:
        sys.exit(
            main(
                [
                    *schemas,
                    ("GitLab: the check", gitlab.checks),
                    ("GitLab: installing", gitlab.installs),
                    ("GitLab: the review", gitlab.reviews),
                    ("Azure Pipelines: the check and the fix", azure.checks),
                    ("Azure Pipelines: installing", azure.installs),
                    ("Azure Pipelines: the review", azure.reviews),
                    ("Azure Pipelines: the example", azure.example_fits),
                ]
            )
        )
    except Failed as failure:
        sys.exit(f"FAILED {failure}")
