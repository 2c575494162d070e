"""A model behind HTTP and JSON, in a thread of this process, so that its CPU time counts."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Predict = Callable[[Sequence[list[float]]], list[float]]


@contextmanager
def served(predict: Predict) -> Iterator[Predict]:
    """Serve a function on a free local port; yield a client function with one open connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # HTTP/1.0 opens a connection for each request

        def do_POST(self) -> None:
            rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(predict(rows)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        client = HTTPConnection(*server.server_address)

        def ask(rows: Sequence[list[float]]) -> list[float]:
            client.request("POST", "/", json.dumps(rows))
            return json.loads(client.getresponse().read())

        try:
            yield ask
        finally:
            client.close()
            server.shutdown()
