"""HTTP server of a test that receives webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Server that keeps every request and answers with `status`, or with that of `respond`."""

    server: ThreadingHTTPServer
    status: int = 204
    respond: Callable[[BaseHTTPRequestHandler], None] | None = None
    requests: list[Received] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def wait(self, count: int, path: str = "/hook", timeout: float = 20) -> list[Received]:
        """Return the requests of a path, once there are `count`."""

        def found() -> list[Received]:
            return [each for each in self.requests if each.path == path]

        with self.arrived:
            assert self.arrived.wait_for(lambda: len(found()) >= count, timeout), self.requests
            return found()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            got = Received(self.path, dict(self.headers.items()), self.rfile.read(length))
            with receiver.arrived:
                receiver.requests.append(got)
                receiver.arrived.notify_all()
            if receiver.respond:
                receiver.respond(self)
                return
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
