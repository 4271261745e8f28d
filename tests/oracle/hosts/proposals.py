"""The flow of proposals: a branch with commits and its pull request, made, found again, renewed, declined. The same on
each host."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Offers:
    """How a stand-in keeps the pull requests of the branch `envfix/fixes`."""

    all: Callable
    url: Callable
    body: str
    decline: Callable


def check(checks, host, run, offers):
    repository = host.repository
    wanted = {
        "do": "propose", "branch": "envfix/fixes", "base_branch": "main", "title": "Fixes", "body": "Two fixes.\nMore.",
        "commits": [
            {"message": "Pin pip", "changes": [{"path": "Dockerfile", "content": "FROM python:3.10\nENV A=1\n"}]},
            {"message": "Ümlaut\n\nWhy", "changes": [{"path": "run.sh", "content": "#!/bin/sh\nx\n", "executable": True},
                                                       {"path": "env/c.yml", "content": "ä\r\n"}]},
        ],
    }
    checks.equal("the default branch", run("branch")[0], {"branch": "main", "commit": repository.branches["main"]})
    answer = run(wanted)[0]
    offered = offers.all()
    checks.equal("a pull request is opened", [(offers.url(one), one["title"]) for one in offered], [(answer.get("url"), "Fixes")])
    if not offered:
        return
    url, first = answer["url"], offered[0]
    tip = repository.commits[repository.branches["envfix/fixes"]]
    checks.equal("its files", tip["files"], {
        "Dockerfile": (b"FROM python:3.10\nENV A=1\n", "100644"), "run.sh": (b"#!/bin/sh\nx\n", "100755"),
        "env/c.yml": ("ä\r\n".encode(), "100644"),
    })
    checks.equal("its commits", [repository.commits[c]["message"] for c in repository.ahead(
        repository.branches["main"], repository.branches["envfix/fixes"])[1]],
        ["Pin pip\n\nGenerated-by: envfix", "Ümlaut\n\nWhy\n\nGenerated-by: envfix"])
    checks.equal("main is as it was", len(list(repository.chain(repository.branches["main"]))), 1)
    sent = len(host.sent())
    checks.equal("the same again sends nothing", (run(wanted)[0].get("url"), len(host.sent())), (url, sent))
    first[offers.body] = first[offers.body].replace("\n", "\r\n")
    checks.equal("nor do other line ends", (run(wanted)[0].get("url"), len(host.sent())), (url, sent))

    main = repository.branches["main"]
    files = {**repository.commits[main]["files"], "other.txt": (b"x", "100644")}
    repository.branches["main"] = repository.commit("another file", main, files)
    checks.equal("nor does a base that moved elsewhere", (run(wanted)[0].get("url"), len(host.sent())), (url, sent))
    files = {**files, "Dockerfile": (b"FROM python:3.11\n", "100644")}
    repository.branches["main"] = repository.commit("the same file", repository.branches["main"], files)
    checks.equal("a base that moved there renews it", (run(wanted)[0].get("url"), len(host.sent()) > sent), (url, True))
    tip = repository.branches["envfix/fixes"]
    checks.equal("on the new base", repository.ahead(repository.branches["main"], tip)[0], repository.branches["main"])
    checks.equal("there is one pull request still", len(offers.all()), 1)

    renamed = {**wanted, "title": "Better fixes"}
    sent = len(host.sent())
    checks.equal("another title is one request", (run(renamed)[0].get("url"), len(host.sent()), first["title"]),
                 (url, sent + 1, "Better fixes"))
    offers.decline(first)
    checks.equal("what was declined is not opened again", (run(renamed)[0].get("url"), len(host.sent())), (url, sent + 1))
    again = run(wanted)[0].get("url")
    checks.equal("but other fixes are", [again != url, len(offers.all())], [True, 2])

    repository.branches["envfix/fixes"] = repository.commit("by hand", tip, files)
    sent = len(host.sent())
    answer = run({**wanted, "title": "x"})[0]
    checks.equal("somebody's commit on the branch is kept", (answer.get("error"), len(host.sent())), ("NotOurBranch", sent))
    checks.equal("never the base", run({**wanted, "branch": "main"})[0].get("error"), "NotOurBranch")
    repository.branches["dev"] = repository.branches["main"]
    checks.equal("nor the default branch", run({**wanted, "branch": "main", "base_branch": "dev"})[0].get("error"), "NotOurBranch")
    checks.equal("no such base", run({**wanted, "branch": "b", "base_branch": "nowhere"})[0].get("error"), "NotFound")
    sent = len(host.sent())
    answer = run({**wanted, "branch": "envfix/dry"}, options=("--dry-run", checks.scratch))[0]
    checks.equal("a dry run opens nothing", (list(answer), len(host.sent())), (["url"], sent))
