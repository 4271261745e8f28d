#!/usr/bin/env python3
"""`envfix review` from one end to the other: a git repository, a stand-in of the host, and a person who accepts suggestions.

A pull request breaks Dockerfiles in several ways. The review is posted; each suggestion is accepted alone, as the host
does it, and leaves a file of which envfix makes what it makes of the whole; all of them accepted give the bytes that envfix
writes itself. A second run posts nothing. After a push that mends one fault, the others stand as they were and that one is
settled. `--open` makes a branch whose files are those that envfix writes.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from hosts.azure import Azure
from hosts.github import GitHub
from hosts.gitlab import GitLab
from hosts.standin import Fault, Repository

FILES = {
    "train/Dockerfile": "FROM continuumio/miniconda3:24.1.2-0\n\n\n\nRUN pip install 'numpy<2' flask<3\n\n\n\n\nCOPY a.txt /a # the list\n\n\n\n\n\nRUN \\\n    conda create -f environment.yml \\\n    && true\n\n\n\nRUN pip install a<1 `# ```suggestion` b\n",
    "train/environment.yml": "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.10\n  - pip=24.0\n  - pip:\n      - numpy=1.26.4\n      - flask\n",
    "serve/Dockerfile": "FROM python:3.10-slim\nRUN pip install fastapi<1\nRUN true",
    "docs/notes.yml": "dependencies: none of yours\n",
}
MARK = re.compile(r"<!-- envfix:([0-9a-z-]+) -->")


class Repo:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments):
        named = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *named, *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def write(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD").strip()

    def changes(self, base, head):
        """The names that changed, each with its hunks."""
        for name in self.git("diff", "--name-only", "-z", base, head).split("\0")[:-1]:
            text = self.git("diff", base, head, "--", name)
            yield name, text[text.index("@@ -"):]


class OnGitHub(GitHub):
    """A pull request of a real repository, and what a person sees of it. The CI system's variables name it."""

    arguments = []
    resolves = False

    def variables(self, token):
        return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": "o/n", "GITHUB_TOKEN": token or self.token,
                "GITHUB_REF": "refs/pull/7/merge"}

    def show(self, repo, base, head):
        self.pulls[7]["base"]["sha"], self.pulls[7]["head"]["sha"] = base, head
        about = {"sha": "0" * 40, "status": "modified", "additions": 1, "deletions": 0, "changes": 1}
        self.files[7] = [{**about, "filename": name, "patch": hunks.rstrip("\n")} for name, hunks in repo.changes(base, head)]

    def move(self, head):
        self.pulls[7]["head"]["sha"] = head

    def shown(self):
        for comment in self.comments.values():
            first = comment.get("start_line") or comment["line"]
            yield {**comment, "first": first, "last": comment["line"], "settled": comment["body"].startswith("~~Found by envfix~~ Mended")}


class OnGitLab(GitLab):
    arguments = ["--host", "gitlab", "--repo", "g/sub/p", "--number", "7"]
    resolves = True

    def variables(self, token):
        return {"ENVFIX_TOKEN": token or self.token}

    def show(self, repo, base, head):
        self.move(head)
        self.requests_to_merge[7]["diff_refs"] = {"base_sha": base, "start_sha": base, "head_sha": head}
        about = {"new_file": False, "renamed_file": False, "deleted_file": False, "too_large": False, "collapsed": False}
        self.files[7] = [{**about, "old_path": name, "new_path": name, "diff": hunks} for name, hunks in repo.changes(base, head)]

    def move(self, head):
        self.requests_to_merge[7]["sha"] = self.requests_to_merge[7]["diff_refs"]["head_sha"] = head

    def shown(self):
        for discussion in self.discussions.values():
            note = discussion["notes"][0]
            if "position" in note:
                above = re.search(r"suggestion:-(\d+)\+0\n", note["body"])
                last = note["position"]["new_line"]
                yield {"id": note["id"], "path": note["position"]["new_path"], "first": last - int(above[1] if above else 0), "last": last,
                       "body": note["body"], "settled": note["resolved"]}


class OnAzure(Azure):
    arguments = ["--host", "azure", "--repo", "My Project/n", "--number", "7"]
    resolves = True

    def variables(self, token):
        return {"ENVFIX_TOKEN": token or self.token}

    def show(self, repo, base, head):
        self.iterations[7].append({**self.iteration(len(self.iterations[7]) + 1, head), "commonRefCommit": {"commitId": base}})
        names = [name for name, _ in repo.changes(base, head)]
        self.changes[7] = [{"changeTrackingId": number + 1, "changeType": "add", "item": {"path": f"/{name}"}} for number, name in enumerate(names)]
        self.content = {f"/{name}": repo.git("show", f"{head}:{name}") for name in names}

    def move(self, head):
        self.iterations[7][-1]["sourceRefCommit"]["commitId"] = head

    def shown(self):
        for thread in self.threads.values():
            at = thread["threadContext"]
            if at:
                yield {"id": thread["id"], "path": at["filePath"][1:], "first": at["rightFileStart"]["line"], "last": at["rightFileEnd"]["line"],
                       "body": thread["comments"][0]["content"], "settled": thread["status"] not in (1, "active")}


class Test:
    def __init__(self, envfix, scratch):
        self.envfix, self.scratch, self.failed, self.done = envfix, scratch, 0, 0

    def that(self, what, holds, seen=""):
        self.done += 1
        if not holds:
            self.failed += 1
            print(f"FAILED: {what}: {seen}")

    def run(self, *arguments, folder, host=None, token=None):
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR", "SYSTEMROOT") if key in os.environ}
        if host is not None:
            kept |= host.variables(token)
            arguments = [*arguments, *host.arguments, *(["--base-url", host.address] if host.arguments else [])]
        done = subprocess.run([self.envfix, *arguments], cwd=folder, env=kept, capture_output=True, text=True, timeout=120)
        self.that("nothing panics, no token is printed", "panicked" not in done.stderr and (not host or host.token not in done.stdout + done.stderr), done.stderr)
        return done

    def fixed(self, files):
        """The files as envfix writes them, faults only."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            repo = Repo(folder)
            repo.write(files)
            self.run("--faults", ".", folder=folder)
            return {name: (repo.folder / name).read_bytes().decode() for name in files}


def accepted(text, comment):
    """A file after a person accepted a suggestion: its lines are replaced by what the fence holds."""
    body = comment["body"].replace("\r\n", "\n")
    fence = re.search(r"^(`{3,})suggestion(?::-\d+\+0)?\n", body, re.M)
    rest = body[fence.end():]
    end = re.search(rf"^{fence[1]}$", rest, re.M)
    lines = text.split("\n")
    first, last = comment["first"], comment["last"]
    new = rest[: end.start()]
    return "\n".join(lines[: first - 1] + (new.split("\n")[:-1] if new else []) + lines[last:])


def pull_request(test, host, folder):
    repo = Repo(folder)
    repo.write({"README.md": "a\n"})
    base = repo.commit()
    repo.write(FILES)
    head = repo.commit()
    host.show(repo, base, head)
    return repo, base


def check(test, host, options):
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        repo, base = pull_request(test, host, folder)
        dry = test.run("review", "--dry-run", *options, folder=folder, host=host)
        test.that("a dry run sends nothing and prints what it would send", dry.returncode == 0 and not host.sent() and "POST " in dry.stdout, dry)
        first = test.run("review", *options, folder=folder, host=host)
        test.that("the review is posted", first.returncode == 0 and host.sent(), first)
        test.that("on GitHub in one request", host.resolves or len(host.sent()) == 1, host.sent())
        suggestions = [c for c in host.shown() if "```suggestion" in c["body"]]
        test.that("there are suggestions in each file", {c["path"] for c in suggestions} >= {"train/Dockerfile", "train/environment.yml", "serve/Dockerfile"}, suggestions)
        test.that("a file that is none of envfix's is left alone", all(c["path"] != "docs/notes.yml" for c in host.shown()))
        wanted = test.fixed(FILES)
        for comment in suggestions:
            alone = FILES | {comment["path"]: accepted(FILES[comment["path"]], comment)}
            test.that("a suggestion changes its file", alone != FILES, comment)
            test.that("accepted alone it leads to what envfix makes", test.fixed(alone) == wanted, comment["body"])
        together = dict(FILES)
        for comment in sorted(suggestions, key=lambda c: -c["last"]):
            together[comment["path"]] = accepted(together[comment["path"]], comment)
        test.that("all accepted give the bytes that envfix writes", together == wanted, together)
        sent = len(host.sent())
        again = test.run("review", *options, folder=folder, host=host)
        test.that("a second run posts nothing", again.returncode == 0 and len(host.sent()) == sent, again.stderr)

        # One fault is mended by hand, and lines move.
        path = "train/Dockerfile"
        mended = next(c for c in suggestions if c["path"] == path)
        repo.write({path: "# moved\n" + accepted(FILES[path], mended)})
        host.show(repo, base, repo.commit())
        there = {c["id"]: c["body"] for c in host.shown()}
        partial = test.run("review", *options, folder=folder, host=host)
        settled = [c["id"] for c in host.shown() if c["settled"]]
        test.that("the mended one is settled", partial.returncode == 0 and settled == [mended["id"]], (partial.stderr, settled))
        test.that("the others stay", {c["id"]: c["body"] for c in host.shown() if not c["settled"]}
                  == {number: body for number, body in there.items() if number != mended["id"]}, partial.stderr)
        sent = len(host.sent())
        test.run("review", *options, folder=folder, host=host)
        test.that("then nothing more", len(host.sent()) == sent)

        # Everything is mended.
        repo.write(wanted)
        host.show(repo, base, repo.commit())
        test.run("review", *options, folder=folder, host=host)
        open_ones = [c for c in host.shown() if not c["settled"]]
        test.that("when all is mended, all is settled", not open_ones, open_ones)

        # What goes wrong.
        moved = test.run("review", "--commit", base, *options, folder=folder, host=host)
        test.that("a pull request that moved on is told", moved.returncode == 2 and "moved on" in moved.stderr, moved)
        wrong = test.run("review", *options, folder=folder, host=host, token="no-such-token")
        test.that("a wrong token is told", wrong.returncode == 2 and "token" in wrong.stderr and not wrong.stdout, wrong)
        host.move("0" * 40)
        missing = test.run("review", *options, folder=folder, host=host)
        test.that("a commit that was not fetched is told", missing.returncode == 2 and "git fetch" in missing.stderr, missing)


def check_fork(test):
    host = OnGitHub()
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        pull_request(test, host, folder)
        host.pulls[7]["head"]["repo"]["id"] = 2
        done = test.run("review", folder=folder, host=host)
        test.that("a fork's token that only reads is explained", done.returncode == 2 and "workflow_run" in done.stderr and not host.comments, done)
    host.close()


def check_half_way(test):
    host = OnGitHub()
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        pull_request(test, host, folder)
        host.faults.append(Fault("POST", "/reviews", times=1, dies="before"))
        done = test.run("review", folder=folder, host=host)
        test.that("a connection that dies is told, or tried again where nothing was sent", done.returncode in (0, 2) and (done.returncode == 0) == bool(host.reviews), done)
        test.run("review", folder=folder, host=host)
        prints = [MARK.findall(c["body"])[-1] for c in host.comments.values()]
        test.that("nothing is there twice afterwards", len(prints) == len(set(prints)) and prints, prints)
    host.close()


def check_open(test):
    host = OnGitHub(page=100)
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        repo = Repo(folder)
        repo.write(FILES)
        head = repo.commit()
        # The host's commit has the name that git gave it.
        host.repository = Repository({name: (text.encode(), "100644") for name, text in FILES.items()})
        made = host.repository.branches["main"]
        host.repository.commits[head] = host.repository.commits.pop(made)
        host.repository.branches["main"] = head
        done = test.run("review", "--open", folder=folder, host=host)
        test.that("a pull request is opened", done.returncode == 0 and done.stdout.startswith("http"), done)
        tip = host.repository.branches.get("envfix/fixes")
        files = {name: content.decode() for name, (content, _) in host.repository.commits[tip]["files"].items()} if tip else {}
        test.that("its files are those that envfix writes", files == test.fixed(FILES), files)
        sent = len(host.sent())
        again = test.run("review", "--open", folder=folder, host=host)
        test.that("a second run sends nothing", again.returncode == 0 and len(host.sent()) == sent, [r.path for r in host.sent()[sent:]])
    host.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("envfix", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        test = Test(options.envfix.resolve(), scratch)
        for kind in (OnGitHub, OnGitLab, OnAzure):
            host = kind()
            check(test, host, [])
            host.close()
        check_fork(test)
        check_half_way(test)
        check_open(test)
    print(f"{test.done} checks, {test.failed} failed")
    return 1 if test.failed else 0


if __name__ == "__main__":
    sys.exit(main())
