"""Checks of an ONNX graph in a process of their own, with bounds of time and memory.

The process gets one JSON line and the graph, and answers with one JSON line and the graph to store.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from udfs.sessions import ModelError
from udfs.validation import ROWS, Graph, Refusal, validated

CPU_SECONDS = 60
MEMORY = 8 * 2**30


def validated_apart(content: bytes, rows: np.ndarray | None = None) -> Graph:
    """Return a graph in the form of the registry, see `udfs.validation.validated`.

    Raises:
        ModelError: it cannot be stored, or what checked it died of it.
    """
    request = {"rows": None if rows is None else rows[:ROWS].tolist(), "seconds": CPU_SECONDS}
    done = subprocess.run(
        [sys.executable, "-m", "udfs.apart"],
        input=json.dumps(request).encode() + b"\n" + content,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
    )
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


def main() -> None:
    """Answer one request on the standard streams."""
    line, _, content = sys.stdin.buffer.read().partition(b"\n")
    request = json.loads(line)
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    rows = request["rows"]
    try:
        graph = validated(content, None if rows is None else np.array(rows, dtype=np.float32))
    except Refusal as refusal:
        print(json.dumps({"refusal": str(refusal)}))
        return
    answer = {"inputs": graph.inputs, "outputs": graph.outputs, "producer": graph.producer}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + graph.content)


if __name__ == "__main__":
    main()
