"""A package index on 127.0.0.1 that misbehaves as it is told to: PEP 503 pages for pip, a channel for conda.

    Index(folder, stall=20, stall_at="/simple/demo/", resets=7)

`folder` holds what is served: simple/NAME/FILES, and any other path as it is. The first `resets` connections are broken off
(RST) after the `request` has come or `at once`; requests for `stall_at` wait `stall` seconds before they are answered. The port is a free one, and the server ends
with the `with` block.
"""

import http.server
import pathlib
import socket
import struct
import threading
import urllib.parse


class Index:
    def __init__(self, folder, stall=0, stall_at="/simple/", resets=0, resets_after="request"):
        self.folder = pathlib.Path(folder)
        self.stall, self.stall_at, self.resets, self.resets_after = stall, stall_at, resets, resets_after
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.requests = []

    def __enter__(self):
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                if index.breaks_off():
                    if index.resets_after == "request":
                        self.connection.recv(1)
                    # With nothing to linger for, closing sends RST.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                try:
                    super().handle()
                except (ConnectionError, OSError):
                    pass

            def finish(self):
                try:
                    super().finish()
                except (ConnectionError, OSError, ValueError):
                    pass

            def do_GET(self):
                path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
                index.requests.append(path)
                if index.stall and path.startswith(index.stall_at):
                    index.ended.wait(index.stall)
                status, kind, body = index.answer(path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def breaks_off(self):
        with self.lock:
            self.resets -= 1
            return self.resets >= 0

    def answer(self, path):
        parts = [part for part in path.split("/") if part]
        place = self.folder.joinpath(*parts)
        if ".." in parts:
            return 404, "text/plain", b"not found"
        if place.is_file():
            return 200, "application/octet-stream", place.read_bytes()
        if place.is_dir() and parts[:1] == ["simple"]:
            links = "".join(f'<a href="{name}">{name}</a>\n' for name in sorted(child.name for child in place.iterdir()))
            return 200, "text/html", f"<!DOCTYPE html><html><body>\n{links}</body></html>".encode()
        return 404, "text/plain", b"not found"

