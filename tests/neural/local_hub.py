"""A hub on 127.0.0.1: the part of the protocol that fetching a model uses, and what can go wrong
with it.

    GET /api/models/{owner}/{name}/revision/{revision}?blobs=true   the commit and its files
    GET /{owner}/{name}/resolve/{commit}/{file}                     a file; a large one elsewhere
    GET /large/{sha256}                                             where that is
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "3e82814a68665eec246ff649b14c71331f955c06"
LARGE = 1000  # bytes; from there on a file is kept elsewhere and has a SHA-256


@dataclass
class Request:
    path: str
    range: str | None
    authorization: str | None


@dataclass
class Hub:
    """The files of the server, its faults, and the requests that it received."""

    files: dict[str, dict[str, bytes]]  # repository -> path -> content
    url: str = ""
    token: str | None = None  # that opens gated repositories
    gated: set[str] = field(default_factory=set)
    listed: dict[str, bytes] = field(default_factory=dict)  # more in every listing
    wrong: set[str] = field(default_factory=set)  # SHA-256 of files that come altered
    cut: int | None = None  # bytes after which every answer breaks off
    endless: bool = False  # large files never end
    ranges: bool = True
    pause: float = 0.0  # seconds after each 64 kB
    failures: int = 0  # answers with 503 to come
    body: bytes | None = None  # what every listing says instead
    requests: list[Request] = field(default_factory=list)

    def asked(self, part: str) -> list[Request]:
        """Requests whose path has `part` in it."""
        return [request for request in self.requests if part in request.path]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            authorization = self.headers.get("Authorization")
            hub.requests.append(Request(path, self.headers.get("Range"), authorization))
            if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
                self._list(listing[1])
            elif resolve := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
                self._resolve(resolve[1], resolve[2], resolve[3])
            elif large := re.fullmatch(r"/large/(\w+)", path):
                self._large(large[1])
            else:
                self._answer(404)

        def _list(self, repository: str) -> None:
            if hub.body is not None:
                self._answer(200, hub.body)
                return
            if repository not in hub.files:
                self._answer(404, headers={"X-Error-Code": "RepoNotFound"})
                return
            siblings = []
            for name, content in (hub.files[repository] | hub.listed).items():
                git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                row: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git}
                if len(content) >= LARGE:
                    sha256 = hashlib.sha256(content).hexdigest()
                    row["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
                siblings.append(row)
            body = {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}
            self._answer(200, json.dumps(body).encode())

        def _resolve(self, repository: str, commit: str, name: str) -> None:
            bearer = self.headers.get("Authorization")
            if repository in hub.gated and (not hub.token or bearer != f"Bearer {hub.token}"):
                status = 403 if bearer else 401
                self._answer(status, b"Access is restricted", {"X-Error-Code": "GatedRepo"})
                return
            content = hub.files[repository].get(name)
            if content is None or commit != COMMIT:
                self._answer(404, headers={"X-Error-Code": "EntryNotFound"})
                return
            if len(content) < LARGE:
                self._content(content)
                return
            sha256 = hashlib.sha256(content).hexdigest()
            headers = {
                # Another host name of the same machine: where a token must not go.
                "Location": hub.url.replace("127.0.0.1", "localhost") + f"/large/{sha256}",
                "X-Repo-Commit": COMMIT,
                "X-Linked-Size": str(len(content)),
                "X-Linked-Etag": f'"{sha256}"',
            }
            self._answer(302, headers=headers)

        def _large(self, sha256: str) -> None:
            for content in (c for files in hub.files.values() for c in files.values()):
                if hashlib.sha256(content).hexdigest() == sha256:
                    self._content(content[::-1] if sha256 in hub.wrong else content)
                    return
            self._answer(404)

        def _content(self, content: bytes) -> None:
            if hub.failures:
                hub.failures -= 1
                self._answer(503)
                return
            begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            start = int(begin[1]) if begin and hub.ranges else 0
            self.send_response(206 if begin and hub.ranges else 200)
            if start:
                total = len(content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            if not hub.endless:
                self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            body = content[start:]
            if hub.cut is not None:
                body = body[: hub.cut]
            try:
                for at in range(0, len(body), 1 << 16):
                    self.wfile.write(body[at : at + (1 << 16)])
                    time.sleep(hub.pause)
                while hub.endless:
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                pass  # the client is gone

        def _answer(
            self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
