"""A stand-in of GitHub's REST API: what envfix asks of it, in memory."""

import base64

from .standin import Refusal, Repository, StandIn, blob_id, route, sha

# Who writes with a workflow's token.
BOT = {"user": {"login": "github-actions[bot]", "type": "Bot"}, "author_association": "NONE"}
REPO = "/repos/([^/]+)/([^/]+)"


class GitHub(StandIn):
    token = "ghs_0123456789abcdefSECRET"

    def __init__(self, page=2):
        super().__init__()
        self.page = page
        self.repository = Repository({"Dockerfile": (b"FROM python:3.10\n", "100644"), "run.sh": (b"#!/bin/sh\n", "100755")})
        self.blobs, self.trees, self.objects = {}, {}, {}
        self.pulls = {7: self.pull(7, "a change", "topic", sha("head of 7"), user_fork=False)}
        self.files = {7: []}
        self.comments, self.reviews, self.next_id = {}, {}, 100
        self.public = None

    def pull(self, number, title, head, commit, user_fork, body=None, base="main"):
        return {
            "number": number, "title": title, "body": body, "state": "open", "merged_at": None,
            "html_url": f"https://github.example/o/n/pull/{number}",
            "head": {"ref": head, "sha": commit, "repo": {"id": 2 if user_fork else 1}},
            "base": {"ref": base, "sha": sha("base"), "repo": {"id": 1}},
        }

    def check(self, request):
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
        if request.headers.get("x-github-api-version") != "2022-11-28":
            raise Refusal(400, {"message": "no version of the API"})
        if not request.headers.get("user-agent", "").startswith("envfix/"):
            raise Refusal(403, {"message": "Request forbidden by administrative rules: no User-Agent"})

    def paged(self, request, items):
        size, page = min(request.number("per_page", 30), self.page), request.number("page", 1)
        rest = [f"{key}={value}" for key, value in request.query.items() if key != "page"]
        links = []
        if page * size < len(items):
            address = (self.public or self.address) + request.path
            links.append(f'<{address}?{"&".join([*rest, f"page={page + 1}"])}>; rel="next"')
        links.append(f'<{self.address}{request.path}?page=1>; rel="first"')
        return 200, items[(page - 1) * size : page * size], {"Link": ", ".join(links)}

    def found(self, number):
        if int(number) not in self.pulls:
            raise Refusal(404, {"message": "Not Found"})
        return self.pulls[int(number)]

    def new_id(self):
        self.next_id += 1
        return self.next_id

    @route("GET", REPO)
    def get_repository(self, _, owner, name):
        return 200, {"id": 1, "name": name, "default_branch": self.repository.default}

    @route("GET", REPO + r"/pulls/(\d+)")
    def get_pull(self, _, owner, name, number):
        return 200, self.found(number)

    @route("GET", REPO + r"/pulls/(\d+)/files")
    def get_files(self, request, owner, name, number):
        self.found(number)
        return self.paged(request, self.files[int(number)])

    @route("GET", REPO + r"/pulls/(\d+)/comments")
    def get_comments(self, request, owner, name, number):
        return self.paged(request, [c for c in self.comments.values() if c["pull"] == int(number)])

    @route("GET", REPO + r"/pulls/(\d+)/reviews")
    def get_reviews(self, request, owner, name, number):
        return self.paged(request, [r for r in self.reviews.values() if r["pull"] == int(number)])

    @route("POST", REPO + r"/pulls/(\d+)/reviews")
    def post_review(self, request, owner, name, number):
        pull, body = self.found(number), request.body
        if pull["head"]["repo"]["id"] == 2:
            raise Refusal(403, {"message": "Resource not accessible by integration"})
        if body["commit_id"] != pull["head"]["sha"]:
            raise Refusal(422, {"message": "Unprocessable Entity", "errors": ["commit_id is not part of the pull request"]})
        if not body.get("body") and not body["comments"]:
            raise Refusal(422, {"message": "Unprocessable Entity", "errors": ["body is needed"]})
        # All of it is checked before any of it is kept.
        for comment in body["comments"]:
            self.check_lines(int(number), comment)
        review = self.new_id()
        self.reviews[review] = {**BOT, "id": review, "pull": int(number), "body": body.get("body", ""), "state": "COMMENTED"}
        for comment in body["comments"]:
            made = self.new_id()
            self.comments[made] = {**BOT, "id": made, "pull": int(number), "pull_request_review_id": review, "start_line": None, **comment}
        return 200, self.reviews[review]

    def check_lines(self, number, comment):
        lines = range(comment.get("start_line", comment["line"]), comment["line"] + 1)
        file = next((file for file in self.files[number] if file["filename"] == comment["path"]), None)
        if not file or "patch" not in file:
            raise Refusal(422, {"message": "Unprocessable Entity", "errors": ["Path could not be resolved"]})
        if "start_line" in comment and comment["start_line"] >= comment["line"]:
            raise Refusal(422, {"message": "Unprocessable Entity", "errors": ["start_line must precede the end line"]})
        if not any(set(lines) <= hunk for hunk in right_lines(file["patch"])):
            raise Refusal(422, {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]})

    @route("PATCH", REPO + r"/pulls/comments/(\d+)")
    def patch_comment(self, request, owner, name, comment):
        self.comments[int(comment)]["body"] = request.body["body"]
        return 200, self.comments[int(comment)]

    @route("PUT", REPO + r"/pulls/(\d+)/reviews/(\d+)")
    def put_review(self, request, owner, name, number, review):
        self.reviews[int(review)]["body"] = request.body["body"]
        return 200, self.reviews[int(review)]

    # Git's objects.

    @route("GET", REPO + "/git/ref/(.+)")
    def get_ref(self, _, owner, name, ref):
        commit = self.repository.branches.get(ref.removeprefix("heads/"))
        if not commit:
            raise Refusal(404, {"message": "Not Found"})
        return 200, {"ref": f"refs/{ref}", "object": {"type": "commit", "sha": commit}}

    @route("POST", REPO + "/git/refs")
    def post_ref(self, request, owner, name):
        branch = request.body["ref"].removeprefix("refs/heads/")
        if branch in self.repository.branches or request.body["sha"] not in self.repository.commits:
            raise Refusal(422, {"message": "Reference already exists"})
        self.repository.branches[branch] = request.body["sha"]
        return 201, {"ref": request.body["ref"], "object": {"sha": request.body["sha"]}}

    @route("PATCH", REPO + "/git/refs/(.+)")
    def patch_ref(self, request, owner, name, ref):
        branch = ref.removeprefix("heads/")
        if branch == self.repository.default or request.body["sha"] not in self.repository.commits:
            raise Refusal(422, {"message": "Update is not allowed"})
        self.repository.branches[branch] = request.body["sha"]
        for pull in self.pulls.values():
            if pull["head"]["ref"] == branch:
                pull["head"]["sha"] = request.body["sha"]
        return 200, {"ref": f"refs/{ref}", "object": {"sha": request.body["sha"]}}

    @route("POST", REPO + "/git/blobs")
    def post_blob(self, request, owner, name):
        content = base64.b64decode(request.body["content"], validate=True)
        self.blobs[blob_id(content)] = content
        return 201, {"sha": blob_id(content), "url": ""}

    @route("POST", REPO + "/git/trees")
    def post_tree(self, request, owner, name):
        files = dict(self.tree(request.body["base_tree"]))
        for entry in request.body["tree"]:
            files[entry["path"]] = (self.blobs[entry["sha"]], entry["mode"])
        tree = sha("tree", sorted(files.items()))
        self.trees[tree] = files
        return 201, {"sha": tree, "tree": []}

    def tree(self, tree):
        return self.trees[tree]

    def tree_of(self, commit):
        files = self.repository.commits[commit]["files"]
        tree = sha("tree", sorted(files.items()))
        self.trees[tree] = files
        return tree

    @route("GET", REPO + "/git/commits/([0-9a-f]+)")
    def get_git_commit(self, _, owner, name, commit):
        return 200, {"sha": commit, "tree": {"sha": self.tree_of(commit)}}

    @route("POST", REPO + "/git/commits")
    def post_commit(self, request, owner, name):
        body = request.body
        return 201, {"sha": self.repository.commit(body["message"], body["parents"][0], self.tree(body["tree"]), "envfix")}

    def shown_commit(self, commit):
        found = self.repository.commits[commit]
        parents = [{"sha": found["parent"]}] if found["parent"] else []
        return {"sha": commit, "commit": {"message": found["message"]}, "parents": parents}

    def shown_files(self, old, new):
        changes = self.repository.changes(old, new)
        return [{"filename": path, "status": status, "sha": blob_id(content)} for path, status, (content, _) in changes]

    @route("GET", REPO + "/commits/([0-9a-f]+)")
    def get_commit(self, _, owner, name, commit):
        return 200, {**self.shown_commit(commit), "files": self.shown_files(self.repository.commits[commit]["parent"], commit)}

    @route("GET", REPO + r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)")
    def get_compare(self, _, owner, name, base, head):
        merge_base, commits = self.repository.ahead(base, head)
        return 200, {
            "merge_base_commit": {"sha": merge_base}, "total_commits": len(commits),
            "commits": [self.shown_commit(commit) for commit in commits], "files": self.shown_files(merge_base, head),
        }

    @route("GET", REPO + "/pulls")
    def get_pulls(self, request, owner, name):
        pulls = [p for p in self.pulls.values() if request.query["head"] == f"{owner}:{p['head']['ref']}"]
        state = request.query["state"]
        return self.paged(request, [p for p in reversed(pulls) if state in ("all", p["state"])])

    @route("POST", REPO + "/pulls")
    def post_pull(self, request, owner, name):
        body, number = request.body, max(self.pulls) + 1
        if any(p["head"]["ref"] == body["head"] and p["state"] == "open" for p in self.pulls.values()):
            raise Refusal(422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]})
        commit = self.repository.branches[body["head"]]
        self.pulls[number] = self.pull(number, body["title"], body["head"], commit, False, body["body"], body["base"])
        return 201, self.pulls[number]

    @route("PATCH", REPO + r"/pulls/(\d+)")
    def patch_pull(self, request, owner, name, number):
        self.found(number).update({key: value for key, value in request.body.items() if key in ("title", "body")})
        return 200, self.found(number)


def right_lines(patch):
    """The lines of the new file that each hunk shows, counted by themselves."""
    hunks = []
    for line in patch.split("\n"):
        if line.startswith("@@"):
            at = int(line.split("+")[1].split(" ")[0].split(",")[0])
            hunks.append(set())
        elif line[:1] in ("+", " "):
            hunks[-1].add(at)
            at += 1
    return hunks
