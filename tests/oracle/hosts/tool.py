"""Runs the example `host` against a stand-in, and counts what does not hold."""

import json
import os
import subprocess


class Checks:
    def __init__(self, binary, verbose=False):
        self.binary, self.verbose = binary, verbose
        self.done, self.failures, self.secrets = 0, [], set()

    def that(self, name, holds, seen=""):
        self.done += 1
        if self.verbose:
            print(("ok    " if holds else "FAILED ") + name)
        if not holds:
            self.failures.append(name)
            print(f"FAILED: {name}: {seen}")

    def equal(self, name, seen, wanted):
        self.that(name, seen == wanted, f"\n    seen   {seen!r}\n    wanted {wanted!r}")

    def run(self, address, kind, commands, *options, repository, token, number=7, variables=None):
        """The answers to commands, one a command. No variable of this machine's CI or proxies reaches the example."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if key in os.environ}
        environment = {**kept, "ENVFIX_TOKEN": token, **(variables or {})}
        command = [self.binary, "--kind", kind, "--base-url", address, "--repository", repository]
        command += ["--number", str(number), "--hurry", *options]
        text = "".join(json.dumps(c if isinstance(c, dict) else {"do": c}) + "\n" for c in commands)
        done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, timeout=120)
        for secret in {token, *self.secrets} - {""}:
            self.that("no token is printed", secret not in done.stdout + done.stderr, done.stdout + done.stderr)
        if done.returncode:
            self.that("the example runs", False, done.stderr)
            return [{"error": "crash"}] * len(commands)
        return [json.loads(line) for line in done.stdout.splitlines()]
