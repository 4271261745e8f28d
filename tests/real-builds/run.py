#!/usr/bin/env python3
"""Builds images that fail, has envfix mend them, and builds them again, in real builders and without a registry.

    run.py ENVFIX --work FOLDER [--only CASE] [--report docs/proof.md] [--jobs 2]

For each case (cases.py says what one is): the build must fail, and its log must show the documented symptom; envfix gets the
log and the source, as from a user; the build must then pass, and a check in the image proves the point, which it fails to do
in an image without the step that failed. Where envfix must refuse, nothing may change, and the reason must be the right one.
Controls are builds that pass: they must pass after `envfix .`, too.

It needs Debian or a descendant, root, and Python 3.11; buildah and mmdebstrap are installed where they are missing, and
Debian's docker is unpacked into the work folder. The bases are made once and kept there. What cases build is removed.
The exit code is 1 when a case fails, and nothing is skipped.
"""

import argparse
import concurrent.futures
import fcntl
import os
import pathlib
import subprocess
import sys
import time
import traceback

import bases
import cases
import report
from builders import Buildah, Docker, Failed, check, need_programs, run

HERE = pathlib.Path(__file__).resolve().parent


def pip_setting(name):
    """What the host's pip is told, by its files or its environment (PIP_INDEX_URL)."""
    for section in [":env:", "install", "global"]:
        done = run(sys.executable, "-m", "pip", "config", "get", f"{section}.{name}", code=None)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return None


def host_pip(work):
    """pip inside RUN gets its packages where the host's pip gets them. Its timeouts and retries stay pip's own."""
    lines, mounts = ["[global]", "disable-pip-version-check = true"], []
    for name in ["index-url", "extra-index-url", "trusted-host", "proxy"]:
        value = pip_setting(name)
        if value:
            lines.append(f"{name} = {' '.join(value.split())}")
    certificates = pip_setting("cert")
    if certificates:
        lines.append("cert = /etc/ssl/host.pem")
        mounts.append((pathlib.Path(certificates).resolve(), "/etc/ssl/host.pem"))
    file = work / "pip.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [(file, "/etc/pip.conf"), *mounts]


def attempt(trial):
    """A trial's failure, or nothing."""
    try:
        trial.run()
        return None
    except Failed as error:
        return str(error)
    except Exception:  # A fault of the runner fails its case and no other.
        return traceback.format_exc()


def run_trials(trials, jobs):
    """Two at a time or as many as asked for; those that mostly wait go beside them."""
    def say(trial, failure):
        name = f"{trial.case.name} ({trial.builder.name})"
        print(f"{'FAILED' if failure else 'ok':6} {trial.seconds['all']:6.0f} s  {name}: {trial.case.about['title']}", flush=True)
        if failure:
            print("\n".join(f"       {line}" for line in failure.splitlines()), flush=True)

    waiting = [trial for trial in trials if trial.case.waits]
    working = [trial for trial in trials if not trial.case.waits]
    failures = {}
    with concurrent.futures.ThreadPoolExecutor(max(1, len(waiting))) as beside, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {beside.submit(attempt, trial): trial for trial in waiting}
        futures |= {pool.submit(attempt, trial): trial for trial in working}
        for future in concurrent.futures.as_completed(futures):
            failures[futures[future]] = future.result()
            say(futures[future], future.result())
    return [failures[trial] for trial in trials]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for bases, images and logs")
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="this case alone (repeatable)")
    parser.add_argument("--cases", type=pathlib.Path, action="append", metavar="FOLDER", help="other cases than those beside this file")
    parser.add_argument("--builders", default="buildah,docker", help="which builders, with a comma between (default: both)")
    parser.add_argument("--report", type=pathlib.Path, help="write the table of all cases there")
    parser.add_argument("--jobs", type=int, default=2, help="how many cases at a time, but for those that mostly wait")
    options = parser.parse_args()
    if options.report and options.only:
        parser.error("--report is about all cases: not with --only")
    return options


def run_all(options, work, begun):
    envfix = options.envfix.resolve()
    check(os.access(envfix, os.X_OK), f"{options.envfix} is no program")
    found = cases.load(options.cases or [HERE / "cases", HERE / "controls"], options.only)
    check(found, "there are no cases")
    need_programs()
    asked = options.builders.split(",")
    buildah = Buildah(work)
    builders = {"buildah": buildah}
    try:
        buildah.mounts = host_pip(work)
        buildah.clean()
        bases.make(buildah, work)
        if "docker" in asked and any("docker" in case.builders for case in found):
            builders["docker"] = Docker(work)
            bases.give_to(builders["docker"], buildah, work)
        ready = time.monotonic() - begun
        print(f"the bases are ready after {ready:.0f} s", flush=True)
        trials = [cases.Trial(case, builder, envfix, work)
                  for name, builder in builders.items() if name in asked for case in found if name in case.builders]
        check(trials, "no case is for these builders")
        failures = run_trials(trials, options.jobs)
        if options.report:
            tools = report.tools(builders, trials, envfix)
            options.report.write_text(report.page(trials, failures, tools, ready, time.monotonic() - begun), encoding="utf-8")
        return failures
    finally:
        for builder in builders.values():
            builder.close()


def main():
    options = arguments()
    begun = time.monotonic()
    options.work.mkdir(parents=True, exist_ok=True)
    lock = open(options.work / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"another run uses {options.work}")
        return 1
    try:
        failures = run_all(options, options.work.resolve(), begun)
    except (Failed, subprocess.TimeoutExpired) as error:
        print(f"{error}\n0 passed, the rest did not begin: 1 failed")
        return 1
    failed = sum(failure is not None for failure in failures)
    print(f"{time.monotonic() - begun:.0f} s in all")
    print(f"{len(failures) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
