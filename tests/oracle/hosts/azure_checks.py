"""What envfix does on Azure DevOps, each request held against the documentation."""

from . import proposals
from .azure import Azure
from .standin import Fault, Request, sha

MARK = "<!-- envfix: pip-pin 1 -->"
EVERY = [[1, 2**64 - 1]]


def comment(path, first, last, text="use this"):
    return {"path": path, "lines": [first, last], "body": f"{text}\n```suggestion\nx\n```\n{MARK}"}


def fresh():
    host = Azure()
    entries = [("edit", "Dockerfile", None), ("add", "new.yml", None), ("delete", "gone.yml", None),
               ("edit, rename", "b/moved.yml", "/a/moved.yml")]
    host.changes[7] = [{"changeTrackingId": number + 1, "changeType": kind, "item": {"path": f"/{path}"}, "originalPath": old}
                       for number, (kind, path, old) in enumerate(entries)]
    host.changes[7].append({"changeTrackingId": 9, "changeType": "add", "item": {"path": "/b", "isFolder": True}})
    host.content = {"/Dockerfile": "FROM python:3.10\r\nRUN echo ä\U0001f40d\r\nCMD x", "/new.yml": "a\nb\n"}
    return host


REVIEW = {"do": "post", "summary": f"fixes {MARK}", "comments": [comment("Dockerfile", 2, 2), comment("Dockerfile", 2, 3), comment("new.yml", 1, 2)]}


def check(checks):
    hosts = []

    def runner(host):
        hosts.append(host)

        def run(*commands, options=(), **more):
            return checks.run(host.address, "azure", commands, *options, **{"repository": "My Project/n", "token": host.token, **more})

        return run

    schema_can_fail(checks)
    host = fresh()
    run = runner(host)
    pull = run("pull")[0]
    checks.equal("the pull request", {key: pull.get(key) for key in ("head", "base", "head_branch", "base_branch", "from_fork", "open", "url")},
                 {"head": sha("head of 7"), "base": sha("base"), "head_branch": "topic", "base_branch": "main", "from_fork": False,
                  "open": True, "url": "https://dev.azure.example/org/My%20Project/_git/n/pullrequest/7"})
    checks.equal("its files, on three pages, without folders", run("files")[0], [
        {"path": "Dockerfile", "status": "Modified", "shown": EVERY}, {"path": "new.yml", "status": "Added", "shown": EVERY},
        {"path": "gone.yml", "status": "Removed", "shown": []}, {"path": "b/moved.yml", "status": "Renamed", "shown": EVERY},
    ])
    checks.equal("a review is posted", run(REVIEW)[0], {"done": True})
    posted = run("posted")[0]
    checks.equal("it is found again", [(p["path"], p["lines"], p["resolved"]) for p in posted],
                 [(None, None, True), ("Dockerfile", [2, 2], False), ("Dockerfile", [2, 3], False), ("new.yml", [1, 2], False)])
    host.threads[1] = {"id": 1, "comments": [{"id": 1, "content": "a person's"}], "status": "active", "threadContext": None}
    host.threads[2] = {"id": 2, "comments": [{"id": 1, "content": f"gone {MARK}"}], "isDeleted": True}
    checks.equal("and nothing else", len(run("posted")[0]), 4)
    summary, first = posted[0], posted[1]
    checks.equal("a comment is updated", run({"do": "update", "id": first["id"], "body": f"other {MARK}"})[0], {"done": True})
    checks.equal("a thread is settled", run({"do": "settle", "id": first["id"], "body": "done"})[0], {"done": True})
    checks.equal("a summary by its text", run({"do": "settle", "id": summary["id"], "body": f"done {MARK}"})[0], {"done": True})
    checks.equal("so it is then", [(p["body"], p["resolved"]) for p in run("posted")[0][:2]],
                 [(f"done {MARK}", True), (f"other {MARK}", True)])
    checks.equal("of which the host says", host.threads[int(first["thread"])]["status"], "fixed")

    sent = len(host.sent())
    for bad, why in ((comment("Dockerfile", 4, 4), "no line 4"), (comment("other", 1, 1), "does not change other"), (comment("new.yml", 0, 0), "no line 0")):
        answer = run({**REVIEW, "comments": [bad]})[0]
        checks.equal(f"refused before anything is sent: {why}", (answer.get("error"), why in answer.get("message", ""), len(host.sent())), ("Refused", True, sent))
    checks.equal("the old head is not reviewed", run({**REVIEW, "commit": sha("first head")})[0].get("error"), "MovedOn")
    host.faults.append(Fault("POST", "threads$", status=400, body={"message": "no"}, skip=2))
    answer = run(REVIEW)[0]
    checks.equal("half of it", (answer.get("error"), answer.get("posted"), answer.get("of")), ("HalfWay", 2, 4))
    host.faults.append(Fault("POST", "threads$", status=403, body={"message": "TF401027: You need the Git 'PullRequestContribute' permission"}))
    answer = run(REVIEW)[0]
    checks.equal("a right that lacks is named", (answer.get("error"), "Contribute to pull requests" in answer.get("message", "")), ("Forbidden", True))
    checks.equal("a wrong token gets a page to sign in", run("pull", token="wrong")[0].get("error"), "BadToken")
    host.faults.append(Fault(status=302, headers={"Location": "https://spsprodweu1.vssps.visualstudio.example/_signin?realm=x"}, body=""))
    checks.equal("or is sent there", run("pull")[0].get("error"), "BadToken")
    checks.equal("no such pull request", run("pull", number=9)[0].get("error"), "NotFound")
    checks.equal("no such project", run("pull", repository="Other/n")[0].get("error"), "NotFound")
    sent = len(host.sent())
    checks.equal("a dry run", run(REVIEW, options=("--dry-run", checks.scratch))[0], {"done": True})
    text = open(checks.scratch).read()
    checks.equal("sends nothing", len(host.sent()), sent)
    checks.that("and prints what would be", text.count("POST ") == 4 and host.token not in text, text)

    offers = proposals.Offers(
        all=lambda: [p for p in host.pulls.values() if p["sourceRefName"] == "refs/heads/envfix/fixes"],
        url=lambda p: f"{p['repository']['webUrl']}/pullrequest/{p['pullRequestId']}", body="description",
        decline=lambda p: p.update(status="abandoned"),
    )
    proposals.check(checks, host, run, offers)
    checks.equal("no other branch is left", [b for b in host.repository.branches if b.endswith("renewed")], [])
    long = {"do": "propose", "branch": "envfix/long", "base_branch": "main", "title": "Long", "body": "a line of text\n" * 400,
            "commits": [{"message": "x", "changes": [{"path": "x", "content": "x"}]}]}
    url = run(long)[0].get("url")
    sent = len(host.sent())
    checks.equal("a long text is cut, and found again", (run(long)[0].get("url"), len(host.sent())), (url, sent))
    host.rights = False
    answer = run({**long, "commits": [{"message": "y", "changes": [{"path": "x", "content": "y"}]}]})[0]
    checks.equal("without the right to move a branch", answer.get("error"), "Forbidden")
    checks.equal("each request is as documented", [fault for host in hosts for fault in host.schemas.faults], [])
    used = {(o.method, o.path.pattern) for host in hosts for o in host.schemas.used}
    known = {(o.method, o.path.pattern) for o in hosts[0].schemas.operations}
    checks.equal("each documented operation was used", sorted(known - used), [])
    for host in hosts:
        host.close()


def schema_can_fail(checks):
    """Requests that are wrong by the documentation are seen."""
    schemas = fresh().schemas
    path, json = "/p/_apis/git/repositories/n/pullRequests/7", {"content-type": "application/json"}
    wrong = [
        Request("POST", path + "/threads", {}, json, {"comments": [], "status": "active"}, ""),
        Request("POST", path + "/threads", {}, json, {"comments": [{"content": "x"}], "status": "resolved"}, ""),
        Request("PATCH", path + "/threads/1", {}, json, {"state": "fixed"}, ""),
        Request("GET", path + "/iterations/1/changes", {"top": "1"}, {}, None, ""),
        Request("GET", path + "/iteration", {}, {}, None, ""),
    ]
    for request in wrong:
        checks.that(f"a wrong request is seen: {request.method} {request.path}", schemas.fault(request))
