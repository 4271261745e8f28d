"""How requests travel, whatever the host: limits, failing servers, broken connections, redirects, proxies. With the
stand-in of GitHub."""

import http.server
import select
import socket
import threading
import time
from urllib.parse import urlsplit

from .github import GitHub
from .standin import Fault, StandIn, route

ONE = {"do": "post", "summary": "<!-- envfix: x --> one"}


class Proxy:
    """A proxy on loopback that carries CONNECT, wants a password, and notes what it is asked for."""

    def __init__(self):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                outer.asked.append((self.path, self.headers.get("proxy-authorization")))
                if not self.headers.get("proxy-authorization"):
                    return self.send_error(407)
                host, port = self.path.rsplit(":", 1)
                # Whatever name was asked for stands on loopback.
                with socket.create_connection(("127.0.0.1", int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    pair = [self.connection, there]
                    while True:
                        ready, _, _ = select.select(pair, [], [], 5)
                        if not ready:
                            return None
                        for one in ready:
                            data = one.recv(65536)
                            if not data:
                                return None
                            pair[one is pair[0]].sendall(data)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Elsewhere(StandIn):
    @route("GET", ".*")
    def get(self, _):
        return 200, {"stolen": True}


def check(checks):
    def run(commands, *options, host, address=None, **more):
        more = {"repository": "o/n", "token": host.token, **more}
        return checks.run(address or host.address, "github", commands, *options, **more)

    def fresh(*faults):
        host = GitHub()
        host.faults.extend(faults)
        return host

    # Limits.
    host = fresh(Fault(status=429, headers={"Retry-After": "20"}, body={"message": "slow down"}))
    begun = time.monotonic()
    checks.equal("429 with Retry-After is waited for", run(["pull"], host=host)[0].get("number"), 7)
    checks.that("it is waited for (a hundredth of 20 s)", time.monotonic() - begun >= 0.2, time.monotonic() - begun)
    host = fresh(Fault(status=403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 9)},
                       body={"message": "API rate limit exceeded"}))
    checks.equal("a spent limit is waited for", run(["pull"], host=host)[0].get("number"), 7)
    host = fresh(Fault(status=403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 999)},
                       body={"message": "API rate limit exceeded"}))
    checks.equal("a limit that lasts too long ends the run", run(["pull"], host=host)[0].get("error"), "RateLimit")
    host = fresh(Fault(status=429, headers={"Retry-After": "0"}, times=10**6, body={}))
    checks.equal("a limit that never ends ends the run", run(["pull"], host=host)[0].get("error"), "RateLimit")
    host = fresh(Fault("POST", status=429, headers={"Retry-After": "1"}, body={}))
    checks.equal("a POST is repeated on 429", run([ONE], host=host)[0], {"done": True})
    checks.equal("and carried out once", len(host.reviews), 1)

    # Servers that fail.
    checks.equal("502 twice, then fine", run(["pull"], host=fresh(Fault(status=502, times=2, body="<html>")))[0].get("number"), 7)
    host = fresh(Fault(status=502, times=50, body="<html>bad gateway</html>"))
    answer = run(["pull"], host=host)[0]
    checks.equal("502 all the time is said", answer.get("error"), "Server")
    checks.equal("after four tries", len(host.requests), 4)
    host = fresh(Fault("POST", status=503, body={}))
    checks.equal("a POST is repeated on 503", run([ONE], host=host)[0], {"done": True})
    host = fresh(Fault("POST", status=502, times=9, body={}))
    checks.equal("a POST is not repeated on 502", run([ONE], host=host)[0].get("error"), "Unsure")
    checks.equal("it was sent once", len(host.sent()), 1)

    # Connections that break.
    for dies in ("before", "after", "middle"):
        host = fresh(Fault(dies=dies))
        checks.equal(f"a GET whose connection dies ({dies}) is repeated", run(["pull"], host=host)[0].get("number"), 7)
        host = fresh(Fault("POST", dies=dies))
        checks.equal(f"a POST whose connection dies ({dies}) is not", run([ONE], host=host)[0].get("error"), "Unsure")
        checks.equal(f"it was sent once ({dies})", len(host.sent()), 1)
    host = fresh(Fault(dies="middle", times=9))
    checks.equal("one that always breaks is said", run(["pull"], host=host)[0].get("error"), "Unreachable")
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    checks.equal("nobody listens", run(["pull"], host=host, address=nowhere)[0].get("error"), "Unreachable")
    answer = run(["pull"], host=host, address="http://host.invalid")[0]
    checks.equal("no such name", answer.get("error"), "Unreachable")
    checks.that("it says to look at the name", "DNS" in answer.get("message", ""), answer)
    answer = run(["pull"], host=host, address=host.address.replace("http:", "https:"))[0]
    checks.equal("no TLS there", answer.get("error"), "Unreachable")

    # Answers that are none.
    host = fresh(Fault(status=200, headers={"Content-Type": "text/html"}, body="<html>Sign in " + "x" * 500 + f"{GitHub.token}"))
    answer = run(["pull"], host=host)[0]
    checks.equal("an answer that is no JSON", answer.get("error"), "NotJson")
    checks.that("its beginning is shown, and no more", "Sign in" in answer.get("message", "") and "x" * 250 not in answer.get("message", ""), answer)
    host = fresh(Fault(status=400, body={"message": f"bad token {GitHub.token} in https://u:pass1234@h/"}))
    answer = run(["pull"], host=host)[0]
    checks.that("what the host says is redacted", "pass1234" not in answer.get("message", "") and "***" in answer.get("message", ""), answer)
    host = fresh(Fault(status=200, body='"' + "x" * (21 << 20) + '"'))
    answer = run(["pull"], host=host)[0]
    checks.equal("an answer of 21 MB is not read", answer.get("error"), "Unexpected")
    checks.equal("an answer that lacks fields", run(["pull"], host=fresh(Fault(status=200, body={})))[0].get("error"), "Unexpected")
    checks.equal("a list that is none", run(["files"], host=fresh(Fault(path="/files", status=200, body={})))[0].get("error"), "Unexpected")

    # The token goes to one host.
    other = Elsewhere()
    for status in (301, 302, 307, 308):
        host = fresh(Fault(status=status, headers={"Location": f"{other.address}/repos/o/n/pulls/7"}, body={}))
        checks.equal(f"a redirect ({status}) to another host is not followed", run(["pull"], host=host)[0].get("error"), "Redirect")
    host = fresh()
    host.files[7] = [{"filename": str(n), "status": "added", "changes": 1} for n in range(5)]
    host.public = other.address
    checks.equal("nor is a next page there", run(["files"], host=host)[0].get("error"), "Redirect")
    checks.equal("the other host was never asked", len(other.requests), 0)
    host = fresh(Fault(status=301, headers={"Location": "/repos/o/n/pulls/7"}, body={}))
    checks.equal("a redirect on the same host is followed", run(["pull"], host=host)[0].get("number"), 7)
    host = fresh(Fault(status=302, headers={"Location": "/repos/o/n/pulls/7"}, times=50, body={}))
    checks.equal("but not for ever", run(["pull"], host=host)[0].get("error"), "Unexpected")
    host = fresh(Fault("POST", status=301, headers={"Location": "/elsewhere"}, body={}))
    checks.equal("a POST that is redirected is not sent as something else", run([ONE], host=host)[0].get("error"), "Redirect")

    # Proxies.
    proxy, host = Proxy(), fresh()
    checks.secrets.add("proxypass77")
    through = {"http_proxy": f"http://user:proxypass77@127.0.0.1:{proxy.port}"}
    far = f"http://git.invalid:{host.port}"
    checks.equal("a name that only the proxy knows", run(["pull"], host=host, address=far, variables=through)[0].get("number"), 7)
    checks.that("the proxy was asked, with the password", proxy.asked and proxy.asked[0][0] == f"git.invalid:{host.port}"
                and (proxy.asked[0][1] or "").startswith("Basic "), proxy.asked)
    proxy.asked.clear()
    answer = run(["pull"], host=host, variables={**through, "NO_PROXY": "127.0.0.1"})[0]
    checks.equal("NO_PROXY goes past it", (answer.get("number"), proxy.asked), (7, []))
    bad = {"http_proxy": f"http://127.0.0.1:{proxy.port}"}
    answer = run(["pull"], host=host, address=far, variables=bad)[0]
    checks.that("a proxy that refuses is said", answer.get("error") == "Unreachable" and "PROXY" in answer.get("message", ""), answer)
    checks.secrets.clear()
