"""What the documentation of GitLab and Azure DevOps lets a request hold, as JSON Schemas: for each operation that envfix
uses its page, its query and its body. What is not named there is forbidden.
"""

import re

import jsonschema

TEXT, NUMBER, FLAG = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}, {"type": "boolean"}
COMMIT = {"type": "string", "pattern": "^[0-9a-f]{40}$"}


def fields(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def items(schema):
    return {"type": "array", "items": schema, "minItems": 1}


class Operation:
    def __init__(self, method, path, page, query=(), body=None):
        self.method, self.path, self.page, self.query, self.body = method, re.compile(path + "$"), page, set(query), body


class Schemas:
    def __init__(self, *operations):
        self.operations, self.used, self.faults = operations, set(), []

    def fault(self, request):
        """Why a request is none of the documentation's, or nothing."""
        found = [o for o in self.operations if o.method == request.method and o.path.match(request.path)]
        if not found:
            return f"no operation {request.method} {request.path}"
        operation = found[0]
        self.used.add(operation)
        if more := set(request.query) - operation.query:
            return f"{operation.page}: no parameter {sorted(more)}"
        if operation.body is None:
            return f"{operation.page}: no body" if request.body is not None else None
        if not request.headers.get("content-type", "").startswith("application/json"):
            return f"{operation.page}: the body is not said to be JSON"
        try:
            jsonschema.validate(request.body, operation.body, cls=jsonschema.Draft202012Validator)
        except jsonschema.ValidationError as error:
            return f"{operation.page}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
        return None


PROJECT, PAGED = "/projects/[^/]+", ("per_page", "page")
REQUEST = PROJECT + r"/merge_requests/\d+"
DOCS = "https://docs.gitlab.com/api/"
END = fields(("line_code", "type"), line_code={"type": "string", "pattern": r"^[0-9a-f]{40}_\d+_\d+$"}, type={"enum": ["new", "old"]})
POSITION = fields(
    ("position_type", "base_sha", "start_sha", "head_sha", "old_path", "new_path", "new_line"),
    position_type={"const": "text"}, base_sha=COMMIT, start_sha=COMMIT, head_sha=COMMIT, old_path=TEXT, new_path=TEXT,
    new_line=NUMBER, old_line=NUMBER, line_range=fields(("start", "end"), start=END, end=END),
)
ACTION = fields(
    ("action", "file_path"), action={"enum": ["create", "update", "chmod"]}, file_path=TEXT, content={"type": "string"},
    encoding={"enum": ["text", "base64"]}, execute_filemode=FLAG,
)


def gitlab():
    return Schemas(
        Operation("GET", PROJECT, DOCS + "projects/#get-a-single-project"),
        Operation("GET", REQUEST, DOCS + "merge_requests/#get-single-mr"),
        Operation("GET", REQUEST + "/diffs", DOCS + "merge_requests/#list-merge-request-diffs", PAGED),
        Operation("GET", REQUEST + "/discussions", DOCS + "discussions/#list-project-merge-request-discussion-items", PAGED),
        Operation("POST", REQUEST + "/discussions", DOCS + "discussions/#create-new-merge-request-thread",
                  body=fields(("body", "position"), body=TEXT, position=POSITION)),
        Operation("PUT", REQUEST + "/discussions/[0-9a-f]+", DOCS + "discussions/#resolve-a-merge-request-thread",
                  body=fields(("resolved",), resolved=FLAG)),
        Operation("POST", REQUEST + "/notes", DOCS + "notes/#create-new-merge-request-note", body=fields(("body",), body=TEXT)),
        Operation("PUT", REQUEST + r"/notes/\d+", DOCS + "notes/#modify-existing-merge-request-note", body=fields(("body",), body=TEXT)),
        Operation("GET", REQUEST + "/draft_notes", DOCS + "draft_notes/#list-all-merge-request-draft-notes", PAGED),
        Operation("POST", REQUEST + "/draft_notes", DOCS + "draft_notes/#create-a-draft-note",
                  body=fields(("note",), note=TEXT, position=POSITION)),
        Operation("DELETE", REQUEST + r"/draft_notes/\d+", DOCS + "draft_notes/#delete-a-draft-note"),
        Operation("PUT", REQUEST + r"/draft_notes/\d+/publish", DOCS + "draft_notes/#publish-a-draft-note"),
        Operation("POST", REQUEST + "/draft_notes/bulk_publish", DOCS + "draft_notes/#publish-all-pending-draft-notes"),
        Operation("GET", PROJECT + "/repository/branches/[^/]+", DOCS + "branches/#get-single-repository-branch"),
        Operation("GET", PROJECT + "/repository/compare", DOCS + "repositories/#compare-branches-tags-or-commits", ("from", "to")),
        Operation("GET", PROJECT + "/repository/commits/[0-9a-f]+/diff", DOCS + "commits/#get-the-diff-of-a-commit", PAGED),
        Operation("GET", PROJECT + "/repository/files/[^/]+", DOCS + "repository_files/#get-file-from-repository", ("ref",)),
        Operation("POST", PROJECT + "/repository/commits", DOCS + "commits/#create-a-commit-with-multiple-files-and-actions",
                  body=fields(("branch", "commit_message", "actions"), branch=TEXT, commit_message=TEXT, start_sha=COMMIT,
                              force=FLAG, actions=items(ACTION))),
        Operation("GET", PROJECT + "/merge_requests", DOCS + "merge_requests/#list-project-merge-requests",
                  (*PAGED, "state", "order_by", "sort", "source_branch")),
        Operation("POST", PROJECT + "/merge_requests", DOCS + "merge_requests/#create-mr",
                  body=fields(("source_branch", "target_branch", "title"), source_branch=TEXT, target_branch=TEXT, title=TEXT,
                              description={"type": "string"})),
        Operation("PUT", REQUEST, DOCS + "merge_requests/#update-mr",
                  body=fields((), title=TEXT, description={"type": "string"}, target_branch=TEXT)),
    )


REPOSITORY = "/[^/]+/_apis/git/repositories/[^/]+"
PULL = REPOSITORY + r"/pullRequests/\d+"
LEARN = "https://learn.microsoft.com/rest/api/azure/devops/git/"
VERSION, ITEM = ("api-version",), ("path", "versionDescriptor.version", "versionDescriptor.versionType", "includeContent", "$format")
PLACE = fields(("line", "offset"), line=NUMBER, offset={"type": "integer", "minimum": 0})
COMMENT = fields(("content",), parentCommentId={"const": 0}, content=TEXT, commentType={"const": "text"})
STATUS = {"enum": ["unknown", "active", "fixed", "wontFix", "closed", "byDesign", "pending"]}
CONTEXT = fields(("filePath", "rightFileStart", "rightFileEnd"), filePath={"type": "string", "pattern": "^/"},
                 rightFileStart=PLACE, rightFileEnd=PLACE)
ITERATIONS = fields(("firstComparingIteration", "secondComparingIteration"), firstComparingIteration=NUMBER, secondComparingIteration=NUMBER)
BRANCH = {"type": "string", "pattern": "^refs/heads/."}
CHANGE = fields(
    ("changeType", "item", "newContent"), changeType={"enum": ["add", "edit"]},
    item=fields(("path",), path={"type": "string", "pattern": "^/"}),
    newContent=fields(("content", "contentType"), content={"type": "string"}, contentType={"enum": ["rawtext", "base64encoded"]}),
)


def azure():
    def operation(method, path, page, query=(), body=None):
        return Operation(method, path, LEARN + page + "?view=azure-devops-rest-7.1", (*VERSION, *query), body)

    described = {"type": "string", "maxLength": 4000}
    return Schemas(
        operation("GET", REPOSITORY, "repositories/get-repository"),
        operation("GET", PULL, "pull-requests/get-pull-request"),
        operation("GET", PULL + "/iterations", "pull-request-iterations/list"),
        operation("GET", PULL + r"/iterations/\d+/changes", "pull-request-iteration-changes/get", ("$top", "$skip", "$compareTo")),
        operation("GET", PULL + "/threads", "pull-request-threads/list", ("$iteration", "$baseIteration")),
        operation("POST", PULL + "/threads", "pull-request-threads/create", body=fields(
            ("comments", "status"), comments=items(COMMENT), status=STATUS, threadContext=CONTEXT,
            pullRequestThreadContext=fields(("changeTrackingId", "iterationContext"), changeTrackingId=NUMBER, iterationContext=ITERATIONS))),
        operation("PATCH", PULL + r"/threads/\d+", "pull-request-threads/update", body=fields(("status",), status=STATUS)),
        operation("PATCH", PULL + r"/threads/\d+/comments/\d+", "pull-request-thread-comments/update",
                  body=fields(("content",), content=TEXT)),
        operation("GET", REPOSITORY + "/items", "items/get", ITEM),
        operation("GET", REPOSITORY + "/refs", "refs/list", ("filter",)),
        operation("POST", REPOSITORY + "/refs", "refs/update-refs", body=items(
            fields(("name", "oldObjectId", "newObjectId"), name=BRANCH, oldObjectId=COMMIT, newObjectId=COMMIT))),
        operation("GET", REPOSITORY + "/diffs/commits", "diffs/get",
                  ("$top", "baseVersion", "baseVersionType", "targetVersion", "targetVersionType")),
        operation("GET", REPOSITORY + "/commits/[0-9a-f]+", "commits/get"),
        operation("GET", REPOSITORY + "/commits/[0-9a-f]+/changes", "commits/get-changes", ("top",)),
        operation("POST", REPOSITORY + "/pushes", "pushes/create", body=fields(
            ("refUpdates", "commits"), refUpdates=items(fields(("name", "oldObjectId"), name=BRANCH, oldObjectId=COMMIT)),
            commits={"type": "array", "minItems": 1, "maxItems": 1,
                     "items": fields(("comment", "changes"), comment=TEXT, changes=items(CHANGE))})),
        operation("GET", REPOSITORY + "/pullrequests", "pull-requests/get-pull-requests",
                  ("searchCriteria.sourceRefName", "searchCriteria.targetRefName", "searchCriteria.status", "$top")),
        operation("POST", REPOSITORY + "/pullrequests", "pull-requests/create", body=fields(
            ("sourceRefName", "targetRefName", "title"), sourceRefName=BRANCH, targetRefName=BRANCH, title=TEXT, description=described)),
        operation("PATCH", REPOSITORY + r"/pullrequests/\d+", "pull-requests/update", body=fields((), title=TEXT, description=described)),
    )
