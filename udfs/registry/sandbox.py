"""Checks of an ONNX graph in a process of their own, with bounds of time and memory.

The process gets one JSON line and the graph, and answers with one JSON line and the graph to store.
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
    """Return a graph in the form of the registry, with its portable form.

    See `udfs.registry.validation.validated` and `models_py.sql_backend.translate`.

    Raises:
        ModelError: it cannot be stored, or what checked it died of it.
    """
    request = {"rows": None if rows is None else rows[:ROWS].tolist(), "seconds": CPU_SECONDS}
    # An empty part of the path would be the folder that the user is in, and its files be run.
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
            f"the model was not stored: what tried it was not done after {10 * CPU_SECONDS} "
            "seconds: export a smaller model"
        ) from error
    if done.returncode:
        raise ModelError(
            f"the model was not stored: what tried it ended with {_ending(done)}. It may use "
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
    """Return a graph in the form of the registry, with its portable form, checked in this process.

    Raises:
        Refusal: it cannot be stored.
    """
    graph = validated(content, rows)
    try:
        return replace(graph, portable=sql_backend.translate(graph.content))
    except (
        sql_backend.TranslationError
    ):  # what SQL has no form of may also be what its translator did not foresee
        return graph


def _limit(name: str, bound: int) -> None:
    """Bound what this process may use, or leave a bound that is lower already."""
    import resource  # not on every system, and wanted only here

    _, hard = resource.getrlimit(getattr(resource, name))
    bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
    resource.setrlimit(getattr(resource, name), (bound, bound))


def main() -> None:
    """Answer one request on the standard streams."""
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
