"""Sessions: ONNX bytes from the registry, checked and loaded once in a process."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import onnx
import onnxruntime

from udfs.errors import ModelError
from udfs.graphs import Refusal, refuse_other_files

DEFAULT_SIZE = 512 * 2**20


@dataclass(frozen=True)
class Stored:
    """The bytes of a model as a registry has them, with the sha256 that it says they have."""

    content: bytes
    sha256: str

    @property
    def size(self) -> int:
        """Bytes of the graph."""
        return len(self.content)

    def is_intact(self) -> bool:
        """False where the bytes are not what was stored."""
        return hashlib.sha256(self.content).hexdigest() == self.sha256


class Model:
    """A loaded graph.

    Attributes:
        model_id: what the registry calls it.
        size: bytes of the graph.
        outputs: names of what it gives.
        inputs: how many `features` it takes; None for a graph with other inputs.
        shapes: of all its inputs by name, with names for what varies.
    """

    def __init__(self, model_id: str, content: bytes):
        """Load a graph; single-threaded, because DuckDB spreads the vectors over its threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it would print stands in the error
        self.model_id = model_id
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise ModelError(f"onnx_predict: model {model_id} cannot be loaded: {error}") from error
        self.size = len(content)
        self.outputs = [found.name for found in self._session.get_outputs()]
        self.shapes = {found.name: found.shape for found in self._session.get_inputs()}
        self.inputs = self.shapes["features"][1] if "features" in self.shapes else None

    def run(self, outputs: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return these outputs for inputs by name.

        Raises:
            ModelError: onnxruntime cannot compute them.
        """
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        try:
            return self._session.run(outputs, feeds, options)
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise ModelError(
                f"onnx_predict: model {self.model_id} cannot be run on these features: {error}"
            ) from error


# Returns the model of an id; a ModelError where there is none.
Models = Callable[[str | None], Model]


class Sessions:
    """The models of a process by model_id, which never changes its meaning: nothing expires.

    Kept are loaded models and the bytes of those that no query has used yet. Where their graphs
    exceed `size` bytes, the least recently used go, but never the one that is asked for; a thread
    that still runs a model that went keeps it alive.
    """

    def __init__(self, fetch: Callable[[str], Iterable[Stored]], size: int = DEFAULT_SIZE):
        """Take `fetch`, which reads a model_id from each registry that has it."""
        self._fetch = fetch
        self._size = size
        self._kept: OrderedDict[str, Model | Stored] = OrderedDict()
        # For each model that is being loaded; without it, a slow one would hold up the others.
        self._loading: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._lock = threading.Lock()

    def __contains__(self, model_id: str) -> bool:
        """True for a model that is loaded, or whose bytes were read."""
        return model_id in self._kept

    def resize(self, size: int) -> None:
        """Keep graphs of no more than this many bytes from now on."""
        with self._lock:
            self._size = size
            self._evict()

    def put(self, model_id: str, stored: Stored) -> None:
        """Keep the bytes of a model for its first use: intact ones, where no other has to go."""
        if stored.is_intact():
            with self._lock:
                if self._total() + stored.size <= self._size:
                    self._kept.setdefault(model_id, stored)

    def get(self, model_id: str) -> Model:
        """Return a model, loaded on first use.

        Raises:
            ModelError: no registry has it, or its bytes are not what was stored.
        """
        found = self._touch(model_id)
        if isinstance(found, Model):
            return found
        with self._lock:
            loading = self._loading.setdefault(model_id, threading.Lock())
        with loading:
            found = self._touch(model_id)
            if isinstance(found, Model):
                return found
            content = (found or self._read(model_id)).content
            _refuse_other_files(model_id, content)
            model = Model(model_id, content)
            with self._lock:
                self._kept[model_id] = model
                self._kept.move_to_end(model_id)
                self._evict()
            return model

    def _touch(self, model_id: str) -> Model | Stored | None:
        with self._lock:
            if model_id in self._kept:
                self._kept.move_to_end(model_id)
            return self._kept.get(model_id)

    def _evict(self) -> None:
        while self._total() > self._size and len(self._kept) > 1:
            self._kept.popitem(last=False)

    def _total(self) -> int:
        return sum(kept.size for kept in self._kept.values())

    def _read(self, model_id: str) -> Stored:
        is_known = False
        for stored in self._fetch(model_id):
            if stored.is_intact():
                return stored
            is_known = True
        if is_known:
            raise ModelError(
                f"onnx_predict: the stored bytes of model {model_id} are corrupted (their sha256 "
                "is not the one in ml.model_artifacts): restore the database file, or promote "
                "another model"
            )
        # The typed functions ask for a model in words where there is none to ask for.
        missing = f"no model {model_id} is in the registry, or it was pruned"
        what = model_id if " " in model_id else missing
        raise ModelError(
            f"onnx_predict: {what}: see select model_id, task, algorithm from "
            "ml.model_versions, and select * from ml.challengers for a task without champion"
        )


def _refuse_other_files(model_id: str, content: bytes) -> None:
    """Refuse a graph whose parameters stand in other files, which never passed register_model."""
    # Each such parameter has an entry of this name; without the word there is nothing to look for.
    if b"location" not in content:
        return
    try:
        refuse_other_files(onnx.load_from_string(content))
    except Refusal as refusal:
        raise ModelError(f"onnx_predict: model {model_id} is not run: {refusal}") from refusal
