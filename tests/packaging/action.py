#!/usr/bin/env python3
"""Runs the GitHub Action of `action.yml` as a runner of GitHub does, step by step, in checkouts made for it.

    action.py --work FOLDER [--target FOLDER]

A small runner: it evaluates the expressions that the action uses and refuses all others, gives each step the variables
and files that GitHub gives, and runs it with the same bash command. envfix is built and installed by the action's own
steps. `review` runs with a stand-in for envfix that records how it is called, since it would ask GitHub. Needs PyYAML.
The exit code is 1 when a check fails.
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

TOKEN = "the-token-of-the-job"
CONTEXT = {"github.token": TOKEN, "runner.os": "Linux", "runner.arch": "X64"}
STEP_KEYS = {"name", "id", "if", "shell", "env", "run", "uses", "with"}


class Action:
    """One run of the action."""

    def __init__(self, work, target, workspace, inputs=None, programs=None):
        self.definition = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        self.work, self.workspace, self.programs = work, workspace, programs
        self.temp = work / "temp"
        self.temp.mkdir(parents=True, exist_ok=True)
        declared = self.definition["inputs"]
        check(not set(inputs or {}) - set(declared), f"inputs that the action has not: {inputs}")
        self.steps, self.inputs = {}, {}
        for name, what in declared.items():
            self.inputs[name] = self.text(what["default"]) if name not in (inputs or {}) else inputs[name]
        self.variables = build_environment(target)
        self.path, self.printed, self.summary, self.environments = [], "", "", {}
        self.failed = None

    def value(self, expression):
        """The value of a name in a context."""
        scope, _, rest = expression.partition(".")
        if scope == "inputs" and rest in self.inputs:
            return self.inputs[rest]
        if expression == "runner.temp":
            return str(self.temp)
        if expression in CONTEXT:
            return CONTEXT[expression]
        match = re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression)
        if match:
            check(any(step.get("id") == match[1] for step in self.definition["runs"]["steps"]), f"no step {match[1]}")
            return self.steps.get(match[1], {}).get(match[2], "")
        raise Failed(f"an expression that is not known here: {expression!r}")

    def text(self, written):
        """A text with its expressions evaluated."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: self.value(match[1].strip()), str(written))

    def holds(self, condition):
        """Whether a step's condition holds."""
        match = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", condition.strip())
        check(match, f"a condition that is not known here: {condition!r}")
        return (self.value(match[1]) == match[3]) == (match[2] == "==")

    def run(self):
        """Runs the steps up to the first that fails, and returns the action's outputs."""
        check(self.definition["runs"]["using"] == "composite", "no composite action")
        for step in self.definition["runs"]["steps"]:
            check(not set(step) - STEP_KEYS, f"keys that are not known here: {set(step) - STEP_KEYS}")
            if "if" in step and not self.holds(step["if"]):
                continue
            if "uses" in step:
                check(step["uses"] == "actions/cache@v4", f"an action that is not known here: {step['uses']}")
                settings = {name: self.text(value) for name, value in step["with"].items()}
                check(settings["key"].count("-") == 3 and not settings["key"].endswith("-"), f"the key: {settings}")
                hit = pathlib.Path(settings["path"]).is_dir()
                self.steps[step["id"]] = {"cache-hit": "true" if hit else ""}
                continue
            if self.programs and step.get("name") in ("Build", "Install"):
                self.path = [str(self.programs)]
                continue
            if not self.script(step):
                self.failed = step["name"]
                break
        return {name: self.text(what["value"]) for name, what in self.definition["outputs"].items()}

    def script(self, step):
        """Runs a script, and says whether it ended well."""
        check(step["shell"] == "bash", f"a shell that is not known here: {step['shell']}")
        check("${{" not in step["run"], f"{step['name']}: an expression in a script lets anybody write into it")
        files = {}
        for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH", "GITHUB_ENV"]:
            files[name] = self.work / name
            files[name].write_text("")
        script = self.work / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        environment = self.variables | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "PATH": os.pathsep.join([*self.path, os.environ["PATH"]]),
            **{name: str(path) for name, path in files.items()},
            **{name: self.text(value) for name, value in step.get("env", {}).items()},
        }
        self.environments[step["name"]] = environment
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
        done = run(*bash, cwd=self.workspace, env=environment, code=None)
        self.printed += done.stdout + done.stderr
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        check(not files["GITHUB_ENV"].read_text(), "variables are set for later steps")
        self.path = files["GITHUB_PATH"].read_text().split() + self.path
        pairs = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        check(all(equals for _, equals, _ in pairs), "an output without `=`")
        if "id" in step:
            self.steps[step["id"]] = {name: value for name, _, value in pairs}
        return done.returncode == 0


class Checks:
    """The checks; each has a workspace of its own."""

    def __init__(self, work, target):
        self.work, self.target = work, target
        self.workspace = work / "workspace"

    def sample(self):
        return sample(self.workspace)

    def files(self, files):
        shutil.rmtree(self.workspace, ignore_errors=True)
        for name, text in files.items():
            (self.workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (self.workspace / name).write_text(text, encoding="utf-8")

    def act(self, code, programs=None, **inputs):
        """Runs the action with inputs (`_` for `-`), and fails unless it ends with this exit code."""
        inputs = {name.replace("_", "-"): value for name, value in inputs.items()}
        action = Action(self.work, self.target, self.workspace, inputs, programs)
        outputs = action.run()
        check(outputs["exit-code"] == str(code), f"{outputs}: {code} was due\n{action.printed}")
        check((action.failed is not None) == (code != 0), f"{action.failed} failed\n{action.printed}")
        return action, outputs

    def check_annotates(self):
        before = tree(self.sample())
        action, outputs = self.act(1)
        check(outputs["changed"] == "true", str(outputs))
        annotations = re.findall(r"^::(?:notice|warning|error) .*file=([^,:]+)", action.printed, re.M)
        check(set(annotations) == {"Dockerfile", "environment.yml"}, f"annotations: {annotations}\n{action.printed}")
        check("timeouts" in action.summary and "pip-pin" in action.summary, f"the summary: {action.summary!r}")
        check(tree(self.workspace) == before, "checking changed files")
        check(all(TOKEN not in values.values() for values in action.environments.values()), "a step has the token")
        return f"{len(annotations)} annotations"

    def fix_fixes(self):
        self.sample()
        action, outputs = self.act(0, mode="fix", paths="Dockerfile\n")
        check(outputs["changed"] == "true", str(outputs))
        fixed = tree(self.workspace)
        self.sample()
        envfix = self.work / "temp" / "envfix" / "bin" / "envfix"
        run(envfix, "Dockerfile", cwd=self.workspace)
        check(fixed == tree(self.workspace) != tree(ROOT / "testdata" / "sample"), "it is not what envfix does")
        check("timeouts" in action.summary, f"the summary: {action.summary!r}")
        _, outputs = self.act(0, mode="fix", summary="false")
        check(outputs["changed"] == "false" and tree(self.workspace) == fixed, "a second run changed something")
        self.act(0)

    def summary_is_left_out(self):
        self.sample()
        action, _ = self.act(1, summary="false", format="json")
        check(action.summary == "", f"a summary: {action.summary!r}")
        start = action.printed.index("\n{\n")
        report, _ = json.JSONDecoder().raw_decode(action.printed, start + 1)
        check(report["findings"], "a report without findings")

    def log_decides(self):
        self.sample()
        self.act(0, mode="fix", log="build.log", paths="Dockerfile")
        text = (self.workspace / "Dockerfile").read_text(encoding="utf-8")
        check("PIP_DEFAULT_TIMEOUT" in text and "pip==" not in text, text)
        self.act(0, log="build.log", paths="")

    def faults_only(self):
        self.files({"Dockerfile": "FROM python:3.10-slim\nRUN pip install flask\n"})
        self.act(1)
        self.act(0, faults_only="true")
        self.act(0, args="--skip\ntimeouts")

    def inputs_are_no_code(self):
        evil = ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"; touch pwned; "', "a b", "--version", "*"]
        self.files({"Dockerfile": "FROM python:3.10-slim\nRUN pip install flask\n"})
        for text in evil:
            for name in ["paths", "log", "format", "mode", "faults-only", "summary"]:
                action = Action(self.work, self.target, self.workspace, {name: text})
                action.run()
                check(set(tree(self.workspace)) == {"Dockerfile"}, f"{name}={text!r} was run as code")
                well = name in ("faults-only", "summary")
                check(action.steps["run"].get("exit-code") == ("1" if well else "2"), f"{name}={text!r}: {action.printed}")
            Action(self.work, self.target, self.workspace, {"args": text}).run()
            check(set(tree(self.workspace)) == {"Dockerfile"}, f"args={text!r} was run as code")
        check(tree(self.workspace)["Dockerfile"].count(b"\n") == 2, "a check changed the file")

    def blanks_in_paths(self):
        text = "FROM python:3.10-slim\nRUN pip install flask\n"
        self.files({"a b/Dockerfile": text, "c/Dockerfile": text, "d/Dockerfile": text})
        self.act(0, mode="fix", paths="a b/Dockerfile\n\nc\n")
        changed = [name for name, data in tree(self.workspace).items() if data != text.encode()]
        check(changed == ["a b/Dockerfile", "c/Dockerfile"], f"changed: {changed}")

    def review_is_called(self):
        self.sample()
        programs = self.work / "stand-in"
        programs.mkdir(exist_ok=True)
        (programs / "envfix").write_text(
            '#!/usr/bin/env bash\nprintf "called: %s, token %s\\n" "$*" "$GITHUB_TOKEN"; exit "${CODE:-0}"\n'
        )
        (programs / "envfix").chmod(0o755)
        action = Action(self.work, self.target, self.workspace, {"mode": "review", "args": "--faults"}, programs)
        action.run()
        check(f"called: review --faults, token {TOKEN}\n" in action.printed, action.printed)
        action = Action(self.work, self.target, self.workspace, {"mode": "review"}, programs)
        action.variables["CODE"] = "2"
        action.run()
        check("called: review, " in action.printed and action.failed == "Review", "a review that fails is no failure")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for checkouts")
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target", help="cargo's folder")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    shutil.rmtree(given.work / "temp", ignore_errors=True)
    given.work.mkdir(parents=True, exist_ok=True)
    checks = Checks(given.work.resolve(), given.target)
    try:
        sys.exit(
            main(
                [
                    ("check fails with annotations and a summary", checks.check_annotates),
                    ("fix fixes", checks.fix_fixes),
                    ("another format, and no summary", checks.summary_is_left_out),
                    ("a log decides", checks.log_decides),
                    ("faults only, and further arguments", checks.faults_only),
                    ("inputs are no code", checks.inputs_are_no_code),
                    ("paths with blanks", checks.blanks_in_paths),
                    ("review is called with the token", checks.review_is_called),
                ]
            )
        )
    except Failed as failure:
        sys.exit(f"FAILED {failure}")
