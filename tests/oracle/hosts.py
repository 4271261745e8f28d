"""Checks what envfix says to GitHub, GitLab and Azure DevOps, with a stand-in of each on loopback.

Every request of the flows on GitHub passes Prism, which holds it against GitHub's own OpenAPI description (cut down to the
paths that envfix uses, and with unknown fields forbidden); requests to the other two are held against schemas written from
their documentation. How requests travel (limits, broken connections, redirects, proxies) is checked with faults that the
stand-ins are told to make. No test leaves this machine.
"""

import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

from hosts import azure_checks, github_checks, gitlab_checks, wire
from hosts.github import GitHub
from hosts.tool import Checks

# The operations that envfix uses.
USED = {
    "/repos/{owner}/{repo}": ["get"],
    "/repos/{owner}/{repo}/pulls": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{pull_number}": ["get", "patch"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/files": ["get"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments": ["get"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}": ["put"],
    "/repos/{owner}/{repo}/pulls/comments/{comment_id}": ["patch"],
    "/repos/{owner}/{repo}/git/ref/{ref}": ["get"],
    "/repos/{owner}/{repo}/git/refs": ["post"],
    "/repos/{owner}/{repo}/git/refs/{ref}": ["patch"],
    "/repos/{owner}/{repo}/git/blobs": ["post"],
    "/repos/{owner}/{repo}/git/trees": ["post"],
    "/repos/{owner}/{repo}/git/commits": ["post"],
    "/repos/{owner}/{repo}/git/commits/{commit_sha}": ["get"],
    "/repos/{owner}/{repo}/commits/{ref}": ["get"],
    "/repos/{owner}/{repo}/compare/{basehead}": ["get"],
}


def strict(schema):
    """Forbids fields that the description does not know."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            strict(value)
    elif isinstance(schema, list):
        for value in schema:
            strict(value)


def cut(description):
    """The description's part that envfix uses: requests only."""
    paths = {}
    for path, methods in USED.items():
        paths[path] = {method: dict(description["paths"][path][method]) for method in methods}
        for operation in paths[path].values():
            operation["responses"] = {"default": {"description": "anything"}}
            strict(operation.get("requestBody"))
    components = {"parameters": description["components"]["parameters"], "schemas": description["components"]["schemas"]}
    return {"openapi": description["openapi"], "info": description["info"], "paths": paths, "components": components}


class Prism:
    """Validating proxies, one a stand-in."""

    def __init__(self, modules, scratch):
        self.program = modules / "node_modules/.bin/prism"
        whole = modules / "node_modules/@octokit/openapi/generated/api.github.com.json"
        self.description = scratch / "github.json"
        self.description.write_text(json.dumps(cut(json.loads(whole.read_text()))))
        self.log, self.running = scratch / "prism.log", []

    def before(self, host):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [self.program, "proxy", self.description, host.address, "--errors", "-h", "127.0.0.1", "-p", str(port)]
        self.running.append(subprocess.Popen(command, stdout=self.log.open("w"), stderr=subprocess.STDOUT))
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://127.0.0.1:{port}"
            time.sleep(0.2)
        raise SystemExit(f"prism does not start: {self.log.read_text()[-2000:]}")

    def close(self):
        for process in self.running:
            process.terminate()
            process.wait()


def status_of(address, path, method, body):
    headers = {"Authorization": f"Bearer {GitHub.token}", "Content-Type": "application/json", "User-Agent": "envfix/0",
               "X-GitHub-Api-Version": "2022-11-28"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(address + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def validation_can_fail(checks, prism):
    """Requests that are wrong by the description do not reach the stand-in."""
    host = GitHub()
    address = prism.before(host)
    path = "/repos/o/n/pulls/7/reviews"
    good = {"commit_id": host.pulls[7]["head"]["sha"], "event": "COMMENT", "body": "b", "comments": []}
    checks.equal("a right request passes", status_of(address, path, "POST", good), 200)
    wrong = [
        {**good, "event": "REMARK"},
        {**good, "comments": [{"path": "a", "line": 1}]},
        {**good, "comments": [{"path": "a", "body": "b", "line": "1"}]},
        {**good, "comments": [{"path": "a", "body": "b", "lines": 1}]},
        {**good, "sumary": "b"},
    ]
    for body in wrong:
        passed = len(host.requests)
        status = status_of(address, path, "POST", body)
        checks.that(f"a wrong one does not: {body}", status >= 400 and len(host.requests) == passed, status)
    checks.that("nor does an unknown path", status_of(address, "/repos/o/n/pulls/7/revues", "GET", None) >= 400)
    host.close()


def guarded(checks, check, *more):
    """One host's checks; an exception in them is a failure, and the others still run."""
    try:
        check(checks, *more)
    except Exception:
        checks.that(f"{check.__module__} ends", False, traceback.format_exc())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", type=pathlib.Path, help="the example `host`")
    parser.add_argument("--node", type=pathlib.Path, required=True, help="a folder whose node_modules holds prism and the description")
    parser.add_argument("--only", action="append", choices=["wire", "github", "gitlab", "azure"])
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    checks = Checks(arguments.host.resolve(), arguments.verbose)
    wanted = arguments.only or ["wire", "github", "gitlab", "azure"]
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        checks.scratch = str(scratch / "dry-run")
        if "wire" in wanted:
            guarded(checks, wire.check)
        if "github" in wanted:
            prism = Prism(arguments.node, scratch)
            try:
                guarded(checks, validation_can_fail, prism)
                guarded(checks, github_checks.check, prism.before)
            finally:
                prism.close()
        if "gitlab" in wanted:
            guarded(checks, gitlab_checks.check)
        if "azure" in wanted:
            guarded(checks, azure_checks.check)
    print(f"{checks.done} checks, {len(checks.failures)} failed")
    return 1 if checks.failures or not checks.done else 0


if __name__ == "__main__":
    sys.exit(main())
