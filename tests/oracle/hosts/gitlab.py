"""A stand-in of GitLab's REST API v4: what envfix asks of it, in memory. Each request is held against the documentation's
schemas first."""

import base64
import hashlib

from .schemas import gitlab as schemas
from .standin import Refusal, Repository, StandIn, blob_id, route, sha

PROJECT = "/projects/([^/]+)"
REQUEST = PROJECT + r"/merge_requests/(\d+)"


class GitLab(StandIn):
    prefix = "/api/v4"
    token = "glpat-0123456789SECRET"

    def __init__(self, page=2, drafts=True):
        super().__init__()
        self.page, self.has_drafts, self.schemas = page, drafts, schemas()
        self.repository = Repository({"Dockerfile": (b"FROM python:3.10\n", "100644"), "run.sh": (b"#!/bin/sh\n", "100755")})
        self.requests_to_merge = {7: self.merge_request(7, "a change", "topic", sha("head of 7"))}
        self.files, self.drafts, self.discussions, self.next_id = {7: []}, {}, {}, 100

    def merge_request(self, number, title, branch, head, description="", target="main", source_project=31):
        return {
            "iid": number, "title": title, "description": description, "state": "opened", "source_branch": branch,
            "target_branch": target, "source_project_id": source_project, "target_project_id": 31, "sha": head,
            "web_url": f"https://gitlab.example/g/p/-/merge_requests/{number}",
            "diff_refs": {"base_sha": sha("base"), "start_sha": sha("start"), "head_sha": head},
        }

    def check(self, request):
        if request.headers.get("private-token") != self.token:
            raise Refusal(401, {"message": "401 Unauthorized"})
        fault = self.schemas.fault(request)
        if fault:
            self.schemas.faults.append(fault)
            raise Refusal(400, {"error": fault})

    def project(self, name):
        if name not in ("31", "g/sub/p"):
            raise Refusal(404, {"message": "404 Project Not Found"})

    def paged(self, request, items):
        size, page = min(request.number("per_page", 20), self.page), request.number("page", 1)
        following = str(page + 1) if page * size < len(items) else ""
        return 200, items[(page - 1) * size : page * size], {"X-Next-Page": following, "X-Page": str(page)}

    def found(self, number):
        if int(number) not in self.requests_to_merge:
            raise Refusal(404, {"message": "404 Not found"})
        return self.requests_to_merge[int(number)]

    def new_id(self):
        self.next_id += 1
        return self.next_id

    @route("GET", PROJECT)
    def get_project(self, _, name):
        self.project(name)
        return 200, {"id": 31, "default_branch": self.repository.default}

    @route("GET", REQUEST)
    def get_request(self, _, name, number):
        self.project(name)
        return 200, self.found(number)

    @route("GET", REQUEST + "/diffs")
    def get_diffs(self, request, name, number):
        if request.number("per_page", 20) > 30:
            raise Refusal(500, {"message": "500 Internal Server Error"})
        return self.paged(request, self.files[int(number)])

    @route("GET", REQUEST + "/discussions")
    def get_discussions(self, request, name, number):
        return self.paged(request, list(self.discussions.values()))

    # Positions.

    def check_position(self, number, position):
        def invalid(why):
            raise Refusal(400, {"message": f'400 Bad request - Note {{:line_code=>["can\'t be blank", "{why}"]}}'})

        if [position[f"{one}_sha"] for one in ("base", "start", "head")] != [
            self.found(number)["diff_refs"][f"{one}_sha"] for one in ("base", "start", "head")
        ]:
            invalid("other commits")
        file = next((f for f in self.files[int(number)] if f["new_path"] == position["new_path"]), None)
        if not file or file["old_path"] != position["old_path"]:
            invalid("no such file")
        lines = {new: (old, added) for old, new, added in right_lines(file["diff"])}
        old, added = lines.get(position["new_line"]) or invalid("no such line")
        if position.get("old_line") != (None if added else old):
            invalid("a context line has both numbers, a new line one")
        if "line_range" in position:
            name = hashlib.sha1(position["new_path"].encode()).hexdigest()
            codes = {f"{name}_{old}_{new}": "new" if added else "old" for new, (old, added) in lines.items()}
            for end in position["line_range"].values():
                if codes.get(end["line_code"]) != end["type"]:
                    invalid(f"line code {end}")
            if position["line_range"]["end"]["line_code"] != f"{name}_{old}_{position['new_line']}":
                invalid("the range ends elsewhere")

    def keep(self, body, position):
        note, discussion = self.new_id(), sha("discussion", self.next_id)
        kept = {"id": note, "body": body, "resolvable": bool(position), "resolved": False}
        if position:
            kept["position"] = position
        self.discussions[discussion] = {"id": discussion, "individual_note": not position, "notes": [kept]}
        return kept

    @route("POST", REQUEST + "/discussions")
    def post_discussion(self, request, name, number):
        self.check_position(number, request.body["position"])
        return 201, self.keep(request.body["body"], request.body["position"])

    @route("POST", REQUEST + "/notes")
    def post_note(self, request, name, number):
        return 201, self.keep(request.body["body"], None)

    @route("PUT", REQUEST + r"/notes/(\d+)")
    def put_note(self, request, name, number, note):
        for discussion in self.discussions.values():
            for kept in discussion["notes"]:
                if kept["id"] == int(note):
                    kept["body"] = request.body["body"]
                    return 200, kept
        raise Refusal(404, {"message": "404 Not found"})

    @route("PUT", REQUEST + "/discussions/([0-9a-f]+)")
    def put_discussion(self, request, name, number, discussion):
        for kept in self.discussions[discussion]["notes"]:
            if not kept["resolvable"]:
                raise Refusal(403, {"message": "403 Forbidden"})
            kept["resolved"] = request.body["resolved"]
        return 200, self.discussions[discussion]

    # Drafts.

    def with_drafts(self):
        if not self.has_drafts:
            raise Refusal(404, {"error": "404 Not Found"})

    @route("GET", REQUEST + "/draft_notes")
    def get_drafts(self, request, name, number):
        self.with_drafts()
        return self.paged(request, list(self.drafts.values()))

    @route("POST", REQUEST + "/draft_notes")
    def post_draft(self, request, name, number):
        self.with_drafts()
        if "position" in request.body:
            self.check_position(number, request.body["position"])
        draft = self.new_id()
        self.drafts[draft] = {"id": draft, "note": request.body["note"], "position": request.body.get("position")}
        return 201, self.drafts[draft]

    @route("DELETE", REQUEST + r"/draft_notes/(\d+)")
    def delete_draft(self, request, name, number, draft):
        if not self.drafts.pop(int(draft), None):
            raise Refusal(404, {"message": "404 Not found"})
        return 204, None

    @route("PUT", REQUEST + r"/draft_notes/(\d+)/publish")
    def publish(self, request, name, number, draft):
        draft = self.drafts.pop(int(draft))
        self.keep(draft["note"], draft["position"])
        return 204, None

    @route("POST", REQUEST + "/draft_notes/bulk_publish")
    def publish_all(self, request, name, number):
        for draft in self.drafts.values():
            self.keep(draft["note"], draft["position"])
        self.drafts.clear()
        return 204, None

    # The repository.

    @route("GET", PROJECT + "/repository/branches/([^/]+)")
    def get_branch(self, _, name, branch):
        if branch not in self.repository.branches:
            raise Refusal(404, {"message": "404 Branch Not Found"})
        return 200, {"name": branch, "commit": {"id": self.repository.branches[branch]}}

    def shown_diffs(self, old, new):
        changes = self.repository.changes(old, new)
        return [{"old_path": path, "new_path": path, "new_file": status == "added"} for path, status, _ in changes]

    @route("GET", PROJECT + "/repository/compare")
    def get_compare(self, request, name):
        merge_base, commits = self.repository.ahead(request.query["from"], request.query["to"])
        shown = [{"id": c, "message": self.repository.commits[c]["message"], "parent_ids": [self.repository.commits[c]["parent"]]}
                 for c in reversed(commits)]
        return 200, {"commits": shown, "diffs": self.shown_diffs(merge_base, request.query["to"]), "compare_timeout": False}

    @route("GET", PROJECT + "/repository/commits/([0-9a-f]+)/diff")
    def get_commit_diff(self, request, name, commit):
        return self.paged(request, self.shown_diffs(self.repository.commits[commit]["parent"], commit))

    @route("GET", PROJECT + "/repository/files/([^/]+)")
    def get_file(self, request, name, path):
        files = self.repository.commits[request.query["ref"]]["files"]
        if path not in files:
            raise Refusal(404, {"message": "404 File Not Found"})
        content, mode = files[path]
        return 200, {"file_path": path, "blob_id": blob_id(content), "execute_filemode": mode == "100755",
                     "content": base64.b64encode(content).decode()}

    @route("POST", PROJECT + "/repository/commits")
    def post_commit(self, request, name):
        body, branches = request.body, self.repository.branches
        there = branches.get(body["branch"])
        if there and "start_sha" in body and not body.get("force"):
            raise Refusal(400, {"message": f"A branch called '{body['branch']}' already exists."})
        start = body.get("start_sha") or there
        files = dict(self.repository.commits[start]["files"])
        for action in body["actions"]:
            path, known = action["file_path"], action["file_path"] in files
            if known == (action["action"] == "create"):
                raise Refusal(400, {"message": f"A file with this name {'already exists' if known else 'does not exist'}"})
            mode = files[path][1] if known else "100644"
            if action["action"] == "chmod":
                files[path] = (files[path][0], "100755" if action["execute_filemode"] else "100644")
            else:
                files[path] = (base64.b64decode(action["content"], validate=True), mode)
        branches[body["branch"]] = self.repository.commit(body["commit_message"], start, files, "envfix")
        return 201, {"id": branches[body["branch"]]}

    @route("GET", PROJECT + "/merge_requests")
    def list_requests(self, request, name):
        found = [r for r in self.requests_to_merge.values() if r["source_branch"] == request.query["source_branch"]]
        return self.paged(request, found[::-1])

    @route("POST", PROJECT + "/merge_requests")
    def post_request(self, request, name):
        body, number = request.body, max(self.requests_to_merge) + 1
        head = self.repository.branches[body["source_branch"]]
        made = self.merge_request(number, body["title"], body["source_branch"], head, body["description"], body["target_branch"])
        self.requests_to_merge[number] = made
        return 201, made

    @route("PUT", REQUEST)
    def put_request(self, request, name, number):
        self.found(number).update(request.body)
        return 200, self.found(number)


def right_lines(diff):
    """Old number, new number and whether it is new, of each line of the new file, as GitLab's own parser counts."""
    for line in diff.split("\n"):
        if line.startswith("@@"):
            old, new = (int(word[1:].split(",")[0]) for word in line.split(" ")[1:3])
        elif line.startswith("+"):
            yield old, new, True
            new += 1
        elif line.startswith("-"):
            old += 1
        elif line.startswith(" "):
            yield old, new, False
            old, new = old + 1, new + 1


