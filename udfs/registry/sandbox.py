"""Check an ONNX graph in a separate process with limited time and memory.

The process reads one JSON line and the graph. It writes one JSON line and the graph to store.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from models_py import sql_backend
from udfs.errors import ModelError
from udfs.graphs import Refusal
from udfs.registry.validation import ROWS, Graph, validated

CPU_SECONDS = 60
MEMORY = 8 * 2**30


def validated_in_sandbox(content: bytes, rows: np.ndarray | None = None) -> Graph:
    """Return a graph in the registry's form, with its SQL form, checked in a separate process.

    See `udfs.registry.validation.validated` and `models_py.sql_backend.translate`.

    Raises:
        ModelError: the graph cannot be stored, or the process that checked it died.
    """
    request = {"rows": None if rows is None else rows[:ROWS].tolist(), "seconds": CPU_SECONDS}
    # An empty entry means the working directory, whose files must not be imported.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, paths))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "udfs.registry.sandbox"],
            input=json.dumps(request).encode() + b"\n" + content,
            capture_output=True,
            env=os.environ | {"PYTHONPATH": path},
            timeout=10 * CPU_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"the model was not stored: its check did not end within {10 * CPU_SECONDS} seconds: "
            "export a smaller model"
        ) from error
    if done.returncode:
        raise ModelError(
            f"the model was not stored: its check ended with {_ending(done)}. A check may use "
            f"{CPU_SECONDS} seconds and {MEMORY // 2**30} GiB: export a smaller or valid model"
        )
    line, _, stored = done.stdout.partition(b"\n")
    answer = json.loads(line)
    if "refusal" in answer:
        raise ModelError(f"the model was not stored: {answer['refusal']}")
    return Graph(stored, **answer)


def _ending(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"code {done.returncode}"


def checked(content: bytes, rows: np.ndarray | None = None) -> Graph:
    """Return a graph in the registry's form, with its SQL form, checked in this process.

    Raises:
        Refusal: the graph cannot be stored.
    """
    graph = validated(content, rows)
    try:
        return replace(graph, portable=sql_backend.translate(graph.content))
    except sql_backend.TranslationError:  # the model then runs on the ONNX Runtime backend only
        return graph


def _limit(name: str, bound: int) -> None:
    """Limit a resource of this process, unless its limit is lower already."""
    import resource  # not available on every system

    _, hard = resource.getrlimit(getattr(resource, name))
    bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
    resource.setrlimit(getattr(resource, name), (bound, bound))


def main() -> None:
    """Answer one request: read standard input, write standard output."""
    line, _, content = sys.stdin.buffer.read().partition(b"\n")
    request = json.loads(line)
    _limit("RLIMIT_CPU", request["seconds"])
    _limit("RLIMIT_AS", MEMORY)
    rows = request["rows"]
    try:
        graph = checked(content, None if rows is None else np.array(rows, dtype=np.float32))
    except Refusal as refusal:
        print(json.dumps({"refusal": str(refusal)}))
        return
    answer = asdict(graph)
    del answer["content"]
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + graph.content)


if __name__ == "__main__":
    main()
