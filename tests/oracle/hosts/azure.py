"""A stand-in of Azure DevOps' REST API 7.1: what envfix asks of it, in memory. Each request is held against the
documentation's schemas first."""

import base64

from .schemas import azure as schemas
from .standin import Refusal, Repository, StandIn, blob_id, route, sha

REPO = "/([^/]+)/_apis/git/repositories/([^/]+)"
PULL = REPO + r"/pullRequests/(\d+)"
NONE = "0" * 40


class Azure(StandIn):
    prefix = "/org"
    token = "azurepat0123456789SECRET"

    def __init__(self, page=2):
        super().__init__()
        self.page, self.schemas, self.rights = page, schemas(), True
        self.repository = Repository({"Dockerfile": (b"FROM python:3.10\n", "100644"), "run.sh": (b"#!/bin/sh\n", "100755")})
        self.pulls = {7: self.pull(7, "a change", "topic")}
        self.iterations = {7: [self.iteration(1, sha("first head")), self.iteration(2, sha("head of 7"))]}
        self.changes, self.content, self.threads, self.next_id = {7: []}, {}, {}, 100

    def pull(self, number, title, source, description="", target="main"):
        return {
            "pullRequestId": number, "title": title, "description": description, "status": "active",
            "sourceRefName": f"refs/heads/{source}", "targetRefName": f"refs/heads/{target}",
            "repository": {"webUrl": "https://dev.azure.example/org/My%20Project/_git/n"},
        }

    def iteration(self, number, source):
        return {"id": number, "sourceRefCommit": {"commitId": source}, "commonRefCommit": {"commitId": sha("base")},
                "targetRefCommit": {"commitId": sha("target")}}

    def check(self, request):
        basic = base64.b64encode(f":{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            # As the service does: not 401 but its page to sign in.
            raise Refusal(203, "<html>Azure DevOps Services | Sign In</html>", {"Content-Type": "text/html"})
        if request.query.get("api-version") != "7.1":
            raise Refusal(400, {"message": "no api-version"})
        fault = self.schemas.fault(request)
        if fault:
            self.schemas.faults.append(fault)
            raise Refusal(400, {"message": fault})

    def found(self, number):
        if int(number) not in self.pulls:
            raise Refusal(404, {"message": "TF401180: The requested pull request was not found.", "typeKey": "GitPullRequestNotFoundException"})
        return self.pulls[int(number)]

    def new_id(self):
        self.next_id += 1
        return self.next_id

    @route("GET", REPO)
    def get_repository(self, _, project, name):
        return 200, {"id": "r", "defaultBranch": f"refs/heads/{self.repository.default}"}

    @route("GET", PULL)
    def get_pull(self, _, project, name, number):
        if project != "My Project":
            raise Refusal(404, {"message": "TF200016: The following project does not exist"})
        return 200, self.found(number)

    @route("GET", PULL + "/iterations")
    def get_iterations(self, _, project, name, number):
        return 200, {"value": self.iterations[int(number)], "count": 2}

    @route("GET", PULL + r"/iterations/(\d+)/changes")
    def get_changes(self, request, project, name, number, iteration):
        if request.query["$compareTo"] != "0" or int(iteration) != len(self.iterations[int(number)]):
            raise Refusal(400, {"message": "another comparison"})
        skip, size = request.number("$skip", 0), min(request.number("$top", 100), self.page)
        rest = self.changes[int(number)][skip:]
        more = {"nextSkip": skip + size, "nextTop": size} if len(rest) > size else {"nextSkip": 0, "nextTop": 0}
        return 200, {"changeEntries": rest[:size], **more}

    @route("GET", PULL + "/threads")
    def get_threads(self, request, project, name, number):
        return 200, {"value": list(self.threads.values()), "count": len(self.threads)}

    @route("POST", PULL + "/threads")
    def post_thread(self, request, project, name, number):
        body = request.body
        if "threadContext" in body:
            self.check_place(int(number), body)
        thread = self.new_id()
        comments = [{"id": 1, "content": body["comments"][0]["content"], "commentType": "text"}]
        self.threads[thread] = {"id": thread, "threadContext": None, **body, "comments": comments, "isDeleted": False}
        return 200, self.threads[thread]

    def check_place(self, number, body):
        at, context = body["threadContext"], body.get("pullRequestThreadContext")
        change = next((c for c in self.changes[number] if c["item"]["path"] == at["filePath"]), None)
        last = len(self.iterations[number])
        if not context or not change or context["changeTrackingId"] != change["changeTrackingId"]:
            raise Refusal(400, {"message": "a thread has to be on a tracked change"})
        if set(context["iterationContext"].values()) != {last}:
            raise Refusal(400, {"message": "another iteration"})
        lines = self.content[at["filePath"]].splitlines()
        for end, offset in (("rightFileStart", 1), ("rightFileEnd", None)):
            place = at[end]
            if place["line"] > len(lines) or place["offset"] != (offset or len(lines[place["line"] - 1].encode("utf-16-le")) // 2 + 1):
                raise Refusal(400, {"message": f"no such place: {place}"})

    @route("PATCH", PULL + r"/threads/(\d+)")
    def patch_thread(self, request, project, name, number, thread):
        self.threads[int(thread)].update(request.body)
        return 200, self.threads[int(thread)]

    @route("PATCH", PULL + r"/threads/(\d+)/comments/(\d+)")
    def patch_comment(self, request, project, name, number, thread, comment):
        self.threads[int(thread)]["comments"][int(comment) - 1].update(request.body)
        return 200, self.threads[int(thread)]["comments"][int(comment) - 1]

    @route("GET", REPO + "/items")
    def get_item(self, request, project, name):
        path, version = request.query["path"], request.query["versionDescriptor.version"]
        if version in self.repository.commits:
            if path[1:] not in self.repository.commits[version]["files"]:
                raise Refusal(404, {"message": "TF401174: The item could not be found"})
            return 200, {"path": path, "gitObjectType": "blob"}
        if version != self.iterations[7][-1]["sourceRefCommit"]["commitId"] or path not in self.content:
            raise Refusal(404, {"message": "TF401174: The item could not be found"})
        return 200, {"path": path, "content": self.content[path]}

    # The repository.

    @route("GET", REPO + "/refs")
    def get_refs(self, request, project, name):
        found = [{"name": f"refs/heads/{b}", "objectId": c} for b, c in self.repository.branches.items()
                 if f"heads/{b}".startswith(request.query["filter"])]
        return 200, {"value": found, "count": len(found)}

    @route("POST", REPO + "/refs")
    def post_refs(self, request, project, name):
        results, branches = [], self.repository.branches
        for update in request.body:
            branch, old, new = update["name"].removeprefix("refs/heads/"), update["oldObjectId"], update["newObjectId"]
            status = "succeeded"
            if branches.get(branch, NONE) != old:
                status = "staleOldObjectId"
            elif branch == self.repository.default or not self.rights:
                status = "forcePushRequiredPermission" if not self.rights else "rejectedByPolicy"
            elif new == NONE:
                del branches[branch]
            else:
                branches[branch] = new
            results.append({**update, "success": status == "succeeded", "updateStatus": status})
        return 200, {"value": results, "count": len(results)}

    @route("POST", REPO + "/pushes")
    def post_push(self, request, project, name):
        update, commit = request.body["refUpdates"][0], request.body["commits"][0]
        branch, old = update["name"].removeprefix("refs/heads/"), update["oldObjectId"]
        if branch in self.repository.branches and self.repository.branches[branch] != old:
            raise Refusal(409, {"message": "TF401028: The reference has already been updated by another client"})
        files = dict(self.repository.commits[old]["files"])
        for change in commit["changes"]:
            path = change["item"]["path"][1:]
            if (path in files) != (change["changeType"] == "edit"):
                raise Refusal(400, {"message": "TF401035: an edit is of a file that is there"})
            content = base64.b64decode(change["newContent"]["content"], validate=True)
            files[path] = (content, files[path][1] if path in files else "100644")
        new = self.repository.commit(commit["comment"], old, files, "envfix")
        self.repository.branches[branch] = new
        return 201, {"refUpdates": [{**update, "newObjectId": new}], "commits": [{"commitId": new}]}

    def shown_changes(self, old, new):
        folder = {"item": {"path": "/env", "gitObjectType": "tree", "objectId": NONE}, "changeType": "edit"}
        return [folder, *({"item": {"path": f"/{path}", "gitObjectType": "blob", "objectId": blob_id(content)}, "changeType": status}
                          for path, status, (content, _) in self.repository.changes(old, new))]

    @route("GET", REPO + "/diffs/commits")
    def get_diff(self, request, project, name):
        base, target = request.query["baseVersion"], request.query["targetVersion"]
        common, commits = self.repository.ahead(base, target)
        return 200, {"aheadCount": len(commits), "commonCommit": common, "allChangesIncluded": True,
                     "changes": self.shown_changes(common, target)}

    @route("GET", REPO + "/commits/([0-9a-f]+)")
    def get_commit(self, _, project, name, commit):
        found = self.repository.commits[commit]
        return 200, {"commitId": commit, "comment": found["message"], "parents": [found["parent"]] if found["parent"] else []}

    @route("GET", REPO + "/commits/([0-9a-f]+)/changes")
    def get_commit_changes(self, _, project, name, commit):
        return 200, {"changes": self.shown_changes(self.repository.commits[commit]["parent"], commit)}

    @route("GET", REPO + "/pullrequests")
    def get_pulls(self, request, project, name):
        wanted = {key: request.query[f"searchCriteria.{key}"] for key in ("sourceRefName", "targetRefName")}
        found = [p for p in self.pulls.values() if all(p[key] == value for key, value in wanted.items())]
        return 200, {"value": [{**p, "description": p["description"][:400]} for p in found[::-1]]}

    @route("POST", REPO + "/pullrequests")
    def post_pull(self, request, project, name):
        body, number = request.body, max(self.pulls) + 1
        self.pulls[number] = self.pull(number, body["title"], body["sourceRefName"].removeprefix("refs/heads/"), body["description"])
        return 201, self.pulls[number]

    @route("PATCH", REPO + r"/pullrequests/(\d+)")
    def patch_pull(self, request, project, name, number):
        self.found(number).update(request.body)
        return 200, self.found(number)
