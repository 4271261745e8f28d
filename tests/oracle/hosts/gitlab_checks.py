"""What envfix does on GitLab, each request held against the documentation."""

from . import proposals
from .gitlab import GitLab
from .standin import Fault, Request, sha

MARK = "<!-- envfix: pip-pin 1 -->"
DIFF = "@@ -1,3 +1,4 @@\n FROM python:3.10\n+RUN pip install -U pip\n COPY . .\n CMD [\"x\"]\n@@ -10,2 +11,3 @@ x\n a\n-b\n+c\n+d\n"


def comment(path, first, last, text="use this"):
    return {"path": path, "lines": [first, last], "body": f"{text}\n```suggestion:-0+0\nx\n```\n{MARK}"}


def file(path, diff, **more):
    return {"old_path": path, "new_path": path, "diff": diff, "new_file": False, "deleted_file": False, "renamed_file": False, **more}


REVIEW = {"do": "post", "summary": f"fixes {MARK}", "comments": [comment("Dockerfile", 2, 2), comment("Dockerfile", 3, 3),
                                                                  comment("Dockerfile", 11, 13), comment("new.yml", 1, 2)]}


def fresh(**options):
    host = GitLab(**options)
    host.files[7] = [
        file("Dockerfile", DIFF),
        file("new.yml", "@@ -0,0 +1,2 @@\n+a\n+b\n", new_file=True),
        file("gone.yml", "@@ -1 +0,0 @@\n-a\n", deleted_file=True),
        {**file("b/moved.yml", "", renamed_file=True), "old_path": "a/moved.yml"},
        file("large.json", "", too_large=True),
        file("folded.json", "@@ -1 +1 @@\n-a\n+b\n", collapsed=True),
    ]
    return host


def check(checks):
    hosts = []

    def runner(host):
        hosts.append(host)

        def run(*commands, options=(), **more):
            return checks.run(host.address, "gitlab", commands, *options, **{"repository": "g/sub/p", "token": host.token, **more})

        return run

    schema_can_fail(checks)
    host = fresh()
    run = runner(host)
    pull = run("pull")[0]
    checks.equal("the merge request", {key: pull.get(key) for key in ("number", "head", "base", "head_branch", "from_fork", "open")},
                 {"number": 7, "head": sha("head of 7"), "base": sha("base"), "head_branch": "topic", "from_fork": False, "open": True})
    checks.equal("its files, on three pages", run("files")[0], [
        {"path": "Dockerfile", "status": "Modified", "shown": [[1, 4], [11, 13]]},
        {"path": "new.yml", "status": "Added", "shown": [[1, 2]]},
        {"path": "gone.yml", "status": "Removed", "shown": []},
        {"path": "b/moved.yml", "status": "Renamed", "shown": []},
        {"path": "large.json", "status": "Modified", "shown": None},
        {"path": "folded.json", "status": "Modified", "shown": None},
    ])
    checks.equal("a review is posted", run(REVIEW)[0], {"done": True})
    checks.equal("as drafts, published together", [r.path.rsplit("/", 1)[1] for r in host.sent()], ["draft_notes"] * 5 + ["bulk_publish"])
    checks.equal("no draft is left", host.drafts, {})
    posted = run("posted")[0]
    checks.equal("it is found again", [(p["path"], p["lines"], p["resolved"]) for p in posted], [
        (None, None, False), ("Dockerfile", [2, 2], False), ("Dockerfile", [3, 3], False), ("Dockerfile", [11, 13], False),
        ("new.yml", [1, 2], False)])
    summary, first = posted[0], posted[1]
    checks.equal("a note is updated", run({"do": "update", "id": first["id"], "body": f"other {MARK}"})[0], {"done": True})
    checks.equal("a thread is resolved", run({"do": "settle", "id": first["id"], "body": "done"})[0], {"done": True})
    checks.equal("a summary is settled by its text", run({"do": "settle", "id": summary["id"], "body": f"done {MARK}"})[0], {"done": True})
    after = run("posted")[0]
    checks.equal("so it is then", [(p["body"], p["resolved"]) for p in after[:2]], [(f"done {MARK}", False), (f"other {MARK}", True)])
    host.requests_to_merge[7]["diff_refs"]["head_sha"] = sha("newer")
    checks.equal("after a push the lines are not known", run("posted")[0][1]["lines"], None)
    checks.equal("and the old head is not reviewed", run({**REVIEW, "commit": sha("head of 7")})[0].get("error"), "MovedOn")

    host = fresh()
    run = runner(host)
    host.faults.append(Fault("POST", "draft_notes$", status=400, body={"message": "400 Bad request"}, skip=3))
    checks.equal("when a draft is refused", run(REVIEW)[0].get("error"), "Refused")
    checks.equal("nothing is posted, and no draft stays", (host.discussions, host.drafts), ({}, {}))
    answer = run({**REVIEW, "comments": [comment("Dockerfile", 6, 6)]})[0]
    checks.equal("a line outside the diff is refused", (answer.get("error"), "lines 6 to 6 of Dockerfile" in answer.get("message", "")), ("Refused", True))
    host.drafts[1] = {"id": 1, "note": f"left behind {MARK}", "position": None}
    checks.equal("a draft of an earlier run is not published", (run(REVIEW)[0], len(host.discussions)), ({"done": True}, 5))

    host = fresh()
    run = runner(host)
    host.drafts[1] = {"id": 1, "note": "what a person still writes", "position": None}
    checks.equal("with a person's draft there", run(REVIEW)[0], {"done": True})
    checks.equal("only envfix's are published", (len(host.discussions), list(host.drafts)), (5, [1]))
    host.faults.append(Fault("PUT", "publish$", status=400, body={"message": "no"}, skip=2))
    answer = run(REVIEW)[0]
    checks.equal("half of them", (answer.get("error"), answer.get("posted"), answer.get("of")), ("HalfWay", 2, 5))
    checks.equal("the rest is taken back", list(host.drafts), [1])

    for old in (fresh(drafts=False), fresh()):
        run = runner(old)
        if old.has_drafts:
            old.faults.append(Fault("GET", "draft_notes$", status=403, body={"message": "403 Forbidden"}))
        checks.equal("without drafts, one by one", (run(REVIEW)[0], len(old.discussions)), ({"done": True}, 5))
    old = fresh(drafts=False)
    run = runner(old)
    old.faults.append(Fault("POST", "discussions$", status=400, body={"message": "400 Bad request"}, skip=1))
    answer = run(REVIEW)[0]
    checks.equal("then half is said", (answer.get("error"), answer.get("posted"), answer.get("of")), ("HalfWay", 2, 5))

    host = fresh()
    run = runner(host)
    checks.equal("a wrong token", run("pull", token="glpat-wrong")[0].get("error"), "BadToken")
    checks.equal("no such merge request", run("pull", number=9)[0].get("error"), "NotFound")
    checks.equal("no such project", run("pull", repository="g/other")[0].get("error"), "NotFound")
    checks.secrets.add("jobtoken123")
    answer = run("pull", token="", variables={"CI_JOB_TOKEN": "jobtoken123"})[0]
    checks.equal("a job token cannot write", (answer.get("error"), "CI_JOB_TOKEN" in answer.get("message", "")), ("JobToken", True))
    checks.secrets.clear()
    sent = len(host.sent())
    checks.equal("a dry run", run(REVIEW, options=("--dry-run", checks.scratch))[0], {"done": True})
    text = open(checks.scratch).read()
    checks.equal("sends nothing", len(host.sent()), sent)
    checks.that("and prints what would be", text.count("POST ") == 6 and "bulk_publish" in text and host.token not in text, text)
    proposals.check(checks, host, run, proposals.Offers(
        all=lambda: [r for r in host.requests_to_merge.values() if r["source_branch"] == "envfix/fixes"],
        url=lambda r: r["web_url"], body="description", decline=lambda r: r.update(state="closed"),
    ))
    checks.equal("each request is as documented", [fault for host in hosts for fault in host.schemas.faults], [])
    used = {o.path.pattern for host in hosts for o in host.schemas.used}
    checks.equal("each documented operation was used", sorted({o.path.pattern for o in hosts[0].schemas.operations} - used), [])
    for host in hosts:
        host.close()


def schema_can_fail(checks):
    """Requests that are wrong by the documentation are seen."""
    schemas = fresh().schemas
    path = "/projects/31/merge_requests/7"
    json = {"content-type": "application/json"}
    wrong = [
        Request("POST", path + "/draft_notes", {}, json, {"body": "x"}, ""),
        Request("POST", path + "/discussions", {}, json, {"body": "x", "position": {"new_line": "2"}}, ""),
        Request("POST", path + "/notes", {}, {}, {"body": "x"}, ""),
        Request("GET", path + "/diffs", {"perpage": "2"}, {}, None, ""),
        Request("GET", path + "/diff", {}, {}, None, ""),
    ]
    for request in wrong:
        checks.that(f"a wrong request is seen: {request.method} {request.path}", schemas.fault(request))
