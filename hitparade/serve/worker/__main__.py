"""A worker process: `python -m hitparade.serve.worker SOCKET CONFIG`.

It answers the server over a socket that it inherits, and ends when the server does. One thread
reads requests, so that a running statement can be cancelled; the other runs statements.
"""

import json
import os
import queue
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from hitparade.serve import frames
from hitparade.serve.worker.process import Process


def main() -> None:
    """Answer requests until the server closes the socket."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    config: dict[str, Any] = json.loads(sys.argv[2])
    process = Process(
        Path(config["path"]), config["threads"], config["schemas"], config["memories"]
    )
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, process, requests), daemon=True).start()
    while True:
        # One write for the columns and the first rows: each wakes the server.
        connection.sendall(b"".join(frames.frame(*each) for each in process.answer(requests.get())))


def _read(
    connection: socket.socket, process: Process, requests: "queue.SimpleQueue[dict[str, Any]]"
) -> None:
    stream = connection.makefile("rb")
    while header := stream.read(frames.HEADER.size):
        kind, length = frames.HEADER.unpack(header)
        request = json.loads(stream.read(length))
        if kind == frames.CANCEL:
            process.cancel(request["id"])
        else:
            requests.put(request)
    os._exit(0)  # the server has ended; a running statement need not be awaited


if __name__ == "__main__":
    main()
