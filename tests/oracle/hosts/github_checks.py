"""What envfix does on GitHub, through a proxy that validates every request against GitHub's own OpenAPI description."""

from . import proposals
from .github import GitHub
from .standin import sha

MARK = "<!-- envfix: pip-pin 1 -->"
PATCH = "@@ -1,3 +1,4 @@\n FROM python:3.10\n+RUN pip install -U pip\n COPY . .\n CMD [\"x\"]\n@@ -10,2 +11,3 @@ x\n a\n-b\n+c\n+d"


def comment(path, first, last, text="use this"):
    return {"path": path, "lines": [first, last], "body": f"{text}\n```suggestion\nx\n```\n{MARK}"}


def check(checks, validated):
    """`validated(stand-in)` gives the address of a validating proxy in front of it."""
    host = GitHub()
    address = host.public = validated(host)

    def run(*commands, options=(), **more):
        more = {"repository": "o/n", "token": host.token, **more}
        return checks.run(address, "github", commands, *options, **more)

    pull = run("pull")[0]
    checks.equal("the pull request", {key: pull.get(key) for key in ("number", "head", "base", "head_branch", "base_branch")},
                 {"number": 7, "head": sha("head of 7"), "base": sha("base"), "head_branch": "topic", "base_branch": "main"})
    checks.equal("it is open and no fork's", (pull.get("open"), pull.get("from_fork"), pull.get("dialect")), (True, False, "GitHub"))

    host.files[7] = [
        {"filename": "Dockerfile", "status": "modified", "changes": 4, "patch": PATCH},
        {"filename": "new.yml", "status": "added", "changes": 1, "patch": "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file"},
        {"filename": "gone.yml", "status": "removed", "changes": 1, "patch": "@@ -1 +0,0 @@\n-a"},
        {"filename": "b/moved.yml", "status": "renamed", "changes": 0, "previous_filename": "a/moved.yml"},
        {"filename": "large.json", "status": "modified", "changes": 90000},
    ]
    checks.equal("its files, on three pages", run("files")[0], [
        {"path": "Dockerfile", "status": "Modified", "shown": [[1, 4], [11, 13]]},
        {"path": "new.yml", "status": "Added", "shown": [[1, 1]]},
        {"path": "gone.yml", "status": "Removed", "shown": []},
        {"path": "b/moved.yml", "status": "Renamed", "shown": []},
        {"path": "large.json", "status": "Modified", "shown": None},
    ])

    review = {"do": "post", "summary": f"two fixes {MARK}", "comments": [comment("Dockerfile", 2, 2), comment("Dockerfile", 11, 13)]}
    checks.equal("a review is posted", run(review)[0], {"done": True})
    checks.equal("in one request", [r.method for r in host.sent()], ["POST"])
    checks.equal("as a comment", host.sent()[0].body["event"], "COMMENT")
    kept = [(c["path"], c["start_line"], c["line"], c["side"]) for c in host.comments.values()]
    checks.equal("its comments stand on their lines", kept, [("Dockerfile", None, 2, "RIGHT"), ("Dockerfile", 11, 13, "RIGHT")])
    host.comments[1] = {"id": 1, "pull": 7, "path": "Dockerfile", "line": 2, "body": "a person's"}
    stranger = {"user": {"login": "x", "type": "User"}, "author_association": "CONTRIBUTOR"}
    host.comments[2] = {**stranger, "id": 2, "pull": 7, "path": "Dockerfile", "line": 2, "body": f"with a marker of their own {MARK}"}
    host.reviews[3] = {**stranger, "id": 3, "pull": 7, "body": f"and a review {MARK}", "state": "COMMENTED"}
    first = next(c for c in host.comments if c > 2)
    host.comments[first]["line"] = None
    posted = run("posted")[0]
    checks.equal("what is posted is found, and no more", [(p["path"], p["lines"], p["resolved"]) for p in posted],
                 [(None, None, False), ("Dockerfile", None, False), ("Dockerfile", [11, 13], False)])
    checks.equal("a summary alone", run({"do": "post", "summary": f"s {MARK}"})[0], {"done": True})
    checks.equal("comments alone", run({"do": "post", "comments": [comment("new.yml", 1, 1)]})[0], {"done": True})
    sent = len(host.sent())
    checks.equal("an empty review posts nothing", (run({"do": "post"})[0], len(host.sent())), ({"done": True}, sent))

    before = (len(host.comments), len(host.reviews))
    outside = {"do": "post", "summary": "s", "comments": [comment("Dockerfile", 2, 2), comment("Dockerfile", 6, 6)]}
    answer = run(outside)[0]
    checks.equal("a line outside the diff is refused", (answer.get("error"), "Line could not be resolved" in answer.get("message", "")), ("Refused", True))
    checks.equal("and nothing is posted", (len(host.comments), len(host.reviews)), before)
    answer = run({**outside, "commit": sha("older")})[0]
    checks.equal("a review of another commit is not sent", answer.get("error"), "MovedOn")
    checks.that("both commits are named", sha("older") in answer.get("message", "") and sha("head of 7") in answer.get("message", ""), answer)

    summary, _, whole = posted
    checks.equal("a comment is updated", run({"do": "update", "id": whole["id"], "body": f"other {MARK}"})[0], {"done": True})
    checks.equal("with its text", host.comments[int(whole["id"])]["body"], f"other {MARK}")
    checks.equal("a summary is updated", run({"do": "update", "id": summary["id"], "body": f"sum {MARK}"})[0], {"done": True})
    checks.equal("with its own text", host.reviews[int(summary["id"])]["body"], f"sum {MARK}")
    checks.equal("a comment is settled", run({"do": "settle", "id": whole["id"], "body": f"done {MARK}"})[0], {"done": True})
    checks.equal("by its text", host.comments[int(whole["id"])]["body"], f"done {MARK}")

    checks.equal("no such pull request", run("pull", number=99)[0].get("error"), "NotFound")
    checks.equal("a wrong token", run("pull", token="ghp_wrong")[0].get("error"), "BadToken")
    host.pulls[8] = host.pull(8, "of a fork", "main", sha("head of 8"), user_fork=True)
    host.files[8] = host.files[7]
    checks.equal("it is a fork's", run("pull", number=8)[0]["from_fork"], True)
    answer = run(review, number=8)[0]
    checks.equal("a fork's token reads only", answer.get("error"), "ForkReadsOnly")
    checks.that("the two steps are named", "workflow_run" in answer.get("message", ""), answer)

    sent = len(host.sent())
    checks.equal("a dry run", run(review, options=("--dry-run", checks.scratch))[0], {"done": True})
    text = open(checks.scratch).read()
    checks.equal("sends nothing", len(host.sent()), sent)
    checks.that("and prints what would be", text.startswith(f"POST {address}/repos/o/n/pulls/7/reviews\n{{") and MARK in text
                and host.token not in text, text)
    proposals.check(checks, host, run, offers(host))
    host.close()


def offers(host):
    """How the flow of proposals sees GitHub's pull requests."""
    return proposals.Offers(
        all=lambda: [p for p in host.pulls.values() if p["head"]["ref"] == "envfix/fixes"],
        url=lambda p: p["html_url"], body="body", decline=lambda p: p.update(state="closed"),
    )
