"""What the stand-ins of the three hosts share: a server on loopback, faults that are ordered beforehand, and the list of
the requests that came.

A stand-in's routes are methods marked with `route(METHOD, PATTERN)`; each gets the request and the pattern's groups, and
returns a status, a value for JSON, and headers if any. `Refusal` ends a request with a status and a message.
"""

import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


def route(method, pattern):
    def mark(function):
        function.route = (method, re.compile(pattern + "$"))
        return function

    return mark


class Refusal(Exception):
    def __init__(self, status, body, headers=None):
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: object
    address: str

    def number(self, name, default):
        return int(self.query.get(name, default))


@dataclass
class Fault:
    """What happens to the next `times` requests that fit. `dies`: the connection ends, `before` or `after` the request is
    carried out, or in the `middle` of the answer."""

    method: str = "GET"
    path: str = ".*"
    times: int = 1
    status: int = 500
    headers: dict = field(default_factory=dict)
    body: object = None
    dies: str = ""
    skip: int = 0


def sha(*parts):
    return hashlib.sha1("\0".join(str(part) for part in parts).encode()).hexdigest()


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that go away are what some checks want."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StandIn:
    """A host. Subclasses hold its state and routes."""

    prefix = ""

    def __init__(self):
        self.faults, self.requests, self.lock = [], [], threading.RLock()
        self.routes = [f for f in (getattr(self, name) for name in dir(type(self)) if name != "address") if hasattr(f, "route")]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                outer.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def sent(self, method=None):
        """The requests that change something, or those of a method."""
        return [r for r in self.requests if (r.method == method if method else r.method != "GET")]

    def check(self, request):
        """Raises a refusal where the token is wrong."""

    def answer(self, handler):
        length = int(handler.headers.get("content-length") or 0)
        raw = handler.rfile.read(length)
        parts = urlsplit(handler.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        path = parts.path.removeprefix(self.prefix)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        request = Request(handler.command, path, query, headers, json.loads(raw) if raw else None, handler.path)
        with self.lock:
            self.requests.append(request)
            fault = self.fault(request)
            if fault and fault.dies == "before":
                handler.close_connection = True
                handler.connection.close()
                return
            try:
                if "transfer-encoding" in headers:
                    raise Refusal(411, {"message": "Length Required"})
                status, body, more = self.carry_out(request) if not fault or fault.dies else (None, None, {})
            except Refusal as refusal:
                status, body, more = refusal.status, refusal.body, refusal.headers
            if fault and not fault.dies:
                status, body, more = fault.status, fault.body, fault.headers
        if fault and fault.dies == "after":
            handler.close_connection = True
            handler.connection.close()
            return
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        data = text.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **more}.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if fault and fault.dies == "middle":
            handler.wfile.write(data[: len(data) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.close()
            return
        if status != 204 and handler.command != "HEAD":
            handler.wfile.write(data)

    def fault(self, request):
        for fault in self.faults:
            if fault.method == request.method and re.search(fault.path, request.path):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def carry_out(self, request):
        self.check(request)
        for function in self.routes:
            method, pattern = function.route
            found = pattern.match(request.path)
            if method == request.method and found:
                answer = function(request, *(unquote(group) for group in found.groups()))
                return answer if len(answer) == 3 else (*answer, {})
        raise Refusal(404, {"message": "Not Found"})


class Repository:
    """Commits of whole trees, enough to compare branches."""

    def __init__(self, files, default="main"):
        self.commits, self.branches, self.default = {}, {}, default
        self.branches[default] = self.commit("the first", None, files)

    def commit(self, message, parent, files, author="A Person"):
        commit = sha(message, parent, sorted((path, blob_id(content), mode) for path, (content, mode) in files.items()))
        self.commits[commit] = {"message": message, "parent": parent, "files": dict(files), "author": author}
        return commit

    def chain(self, commit):
        while commit:
            yield commit
            commit = self.commits[commit]["parent"]

    def changes(self, old, new):
        before = self.commits[old]["files"] if old else {}
        after = self.commits[new]["files"]
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                status = "added" if path not in before else "removed" if path not in after else "modified"
                yield path, status, after.get(path, before.get(path))

    def ahead(self, base, tip):
        """The merge base, and the commits of `tip` that `base` lacks, the oldest first."""
        known = set(self.chain(base))
        more = [commit for commit in self.chain(tip) if commit not in known]
        merge_base = self.commits[more[-1]]["parent"] if more else tip
        return merge_base, more[::-1]
