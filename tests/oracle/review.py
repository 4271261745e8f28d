#!/usr/bin/env python3
"""`envfix review` from one end to the other: a git repository, a stand-in of the host, and a person who accepts suggestions.

A pull request breaks Dockerfiles in several ways. The review is posted; each suggestion is accepted alone, as the host
does it, and leaves a file of which envfix makes what it makes of the whole; all of them accepted give the bytes that envfix
writes itself. A second run posts nothing. After a push that mends one fault, the others stand as they were and that one is
settled. `--open` makes a branch whose files are those that envfix writes.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from hosts.github import GitHub
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
        """What GitHub lists: names and hunks."""
        found = []
        for name in self.git("diff", "--name-only", "-z", base, head).split("\0")[:-1]:
            text = self.git("diff", base, head, "--", name)
            patch = text[text.index("@@ -"):].rstrip("\n")
            found.append({"sha": "0" * 40, "filename": name, "status": "modified", "additions": 1, "deletions": 0, "changes": 1, "patch": patch})
        return found


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
            kept |= {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": host.address, "GITHUB_REPOSITORY": "o/n", "GITHUB_TOKEN": token or host.token,
                     "GITHUB_REF": "refs/pull/7/merge"}
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
    """A file after a person accepted a suggestion on GitHub: the lines that the comment stands on are replaced."""
    body = comment["body"].replace("\r\n", "\n")
    fence = re.search(r"^(`{3,})suggestion\n", body, re.M)
    rest = body[fence.end():]
    end = re.search(rf"^{fence[1]}$", rest, re.M)
    lines = text.split("\n")
    first, last = comment.get("start_line") or comment["line"], comment["line"]
    new = rest[: end.start()]
    return "\n".join(lines[: first - 1] + (new.split("\n")[:-1] if new else []) + lines[last:])


def pull_request(test, host, folder):
    repo = Repo(folder)
    repo.write({"README.md": "a\n"})
    base = repo.commit()
    repo.write(FILES)
    head = repo.commit()
    host.pulls[7]["base"]["sha"], host.pulls[7]["head"]["sha"] = base, head
    host.files[7] = repo.changes(base, head)
    return repo, base


def check(test, host, options):
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        repo, base = pull_request(test, host, folder)
        dry = test.run("review", "--dry-run", *options, folder=folder, host=host)
        test.that("a dry run sends nothing and prints what it would send", dry.returncode == 0 and not host.sent() and "/reviews" in dry.stdout, dry)
        first = test.run("review", *options, folder=folder, host=host)
        test.that("the review is posted in one request", first.returncode == 0 and len(host.sent()) == 1, first)
        suggestions = [c for c in host.comments.values() if "suggestion\n" in c["body"]]
        test.that("there are suggestions in each file", {c["path"] for c in suggestions} >= {"train/Dockerfile", "train/environment.yml", "serve/Dockerfile"}, suggestions)
        test.that("a file that is none of envfix's is left alone", all(c["path"] != "docs/notes.yml" for c in host.comments.values()))
        wanted = test.fixed(FILES)
        for comment in suggestions:
            alone = FILES | {comment["path"]: accepted(FILES[comment["path"]], comment)}
            test.that("a suggestion changes its file", alone != FILES, comment)
            test.that("accepted alone it leads to what envfix makes", test.fixed(alone) == wanted, comment["body"])
        together = dict(FILES)
        for comment in sorted(suggestions, key=lambda c: -c["line"]):
            together[comment["path"]] = accepted(together[comment["path"]], comment)
        test.that("all accepted give the bytes that envfix writes", together == wanted, together)
        sent = len(host.sent())
        again = test.run("review", *options, folder=folder, host=host)
        test.that("a second run posts nothing", again.returncode == 0 and len(host.sent()) == sent, again.stderr)

        # One fault is mended by hand, and lines move.
        path = "train/Dockerfile"
        mended = next(c for c in suggestions if c["path"] == path)
        repo.write({path: "# moved\n" + accepted(FILES[path], mended)})
        head = repo.commit()
        host.pulls[7]["head"]["sha"], host.files[7] = head, repo.changes(base, head)
        bodies = {c["id"]: c["body"] for c in host.comments.values()}
        partial = test.run("review", *options, folder=folder, host=host)
        changed = [c["id"] for c in host.comments.values() if bodies.get(c["id"]) != c["body"]]
        test.that("the mended one is settled, the others stay", partial.returncode == 0 and changed == [mended["id"]], (partial.stderr, changed))
        test.that("and it says so", "Mended" in host.comments[mended["id"]]["body"])
        sent = len(host.sent())
        test.run("review", *options, folder=folder, host=host)
        test.that("then nothing more", len(host.sent()) == sent)

        # Everything is mended.
        repo.write(wanted)
        head = repo.commit()
        host.pulls[7]["head"]["sha"], host.files[7] = head, repo.changes(base, head)
        test.run("review", *options, folder=folder, host=host)
        open_ones = [c for c in host.comments.values() if "suggestion\n" in c["body"]]
        test.that("when all is mended, all is settled", not open_ones, open_ones)

        # What goes wrong.
        moved = test.run("review", "--commit", base, *options, folder=folder, host=host)
        test.that("a pull request that moved on is told", moved.returncode == 2 and "moved on" in moved.stderr, moved)
        wrong = test.run("review", *options, folder=folder, host=host, token="no-such-token")
        test.that("a wrong token is told", wrong.returncode == 2 and "401" in wrong.stderr, wrong)
        host.pulls[7]["head"]["sha"] = "0" * 40
        missing = test.run("review", *options, folder=folder, host=host)
        test.that("a commit that was not fetched is told", missing.returncode == 2 and "git fetch" in missing.stderr, missing)


def check_fork(test):
    host = GitHub()
    with tempfile.TemporaryDirectory(dir=test.scratch) as folder:
        pull_request(test, host, folder)
        host.pulls[7]["head"]["repo"]["id"] = 2
        done = test.run("review", folder=folder, host=host)
        test.that("a fork's token that only reads is explained", done.returncode == 2 and "workflow_run" in done.stderr and not host.comments, done)
    host.close()


def check_half_way(test):
    host = GitHub()
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
    host = GitHub(page=100)
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
        host = GitHub()
        check(test, host, [])
        host.close()
        check_fork(test)
        check_half_way(test)
        check_open(test)
    print(f"{test.done} checks, {test.failed} failed")
    return 1 if test.failed else 0


if __name__ == "__main__":
    sys.exit(main())
