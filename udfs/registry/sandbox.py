"""Check an ONNX graph in a separate process with limited time and memory.

The process reads one JSON line, rows as float64, and the graph. It writes one JSON line and the
graph to store.
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
from udfs.registry.validation import Given, Graph, validated

CPU_SECONDS = 60
MEMORY = 8 * 2**30


def validated_in_sandbox(content: bytes, given: Given | None = None) -> Graph:
    """Return a graph in the registry's form, with its SQL form, checked in a separate process.

    See `udfs.registry.validation.validated` and `models_py.sql_backend.translate`.

    Raises:
        ModelError: the graph cannot be stored, or the process that checked it died.
    """
    given = given or Given()
    rows = np.empty((0, 0)) if given.rows is None else np.asarray(given.rows, dtype=np.float64)
    request = {
        "seconds": CPU_SECONDS,
        "shape": rows.shape,
        "names": given.names,
        "classes": given.classes,
        "missing": given.missing,
        "keep_label": given.keep_label,
        "threshold": given.threshold,
    }
    # An empty entry means the working directory, whose files must not be imported.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, paths))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "udfs.registry.sandbox"],
            input=json.dumps(request).encode() + b"\n" + rows.tobytes() + content,
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


def checked(content: bytes, given: Given | None = None) -> Graph:
    """Return a graph in the registry's form, with its SQL form, checked in this process.

    Raises:
        Refusal: the graph cannot be stored.
    """
    graph = validated(content, given)
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


def _parsed(request: dict, content: bytes) -> tuple[bytes, Given]:
    """Return the graph, and what the caller knows of it."""
    rows, columns = request["shape"]
    size = rows * columns * np.dtype(np.float64).itemsize
    values = np.frombuffer(content[:size], dtype=np.float64).reshape(rows, columns)
    known = {
        name: request[name] for name in ("names", "classes", "missing", "keep_label", "threshold")
    }
    return content[size:], Given(rows=values if rows else None, **known)


def main() -> None:
    """Answer one request: read standard input, write standard output."""
    line, _, content = sys.stdin.buffer.read().partition(b"\n")
    request = json.loads(line)
    _limit("RLIMIT_CPU", request["seconds"])
    _limit("RLIMIT_AS", MEMORY)
    try:
        graph = checked(*_parsed(request, content))
    except Refusal as refusal:
        print(json.dumps({"refusal": str(refusal)}))
        return
    answer = asdict(graph)
    del answer["content"]
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + graph.content)


if __name__ == "__main__":
    main()
