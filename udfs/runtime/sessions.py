"""Load models from the registry into onnxruntime, once for each process, and cache them."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import onnx
import onnxruntime
from onnx.utils import Extractor

from udfs.errors import ModelError, says_no_model
from udfs.graphs import MISSING_KEY, Refusal, refuse_other_files
from udfs.runtime import trees

DEFAULT_SIZE = 512 * 2**20
# Outputs that need few nodes of their graph, and get a session of their own. onnxruntime runs
# nearly all nodes for any output: a track's vector would cost as much as a recommendation.
PARTS = ("vector",)
# Operators that `udfs.runtime.shapley` explains.
EXPLAINED = (b"TreeEnsemble", b"LinearRegressor")


@dataclass(frozen=True)
class Stored:
    """The bytes of a model in a registry, with the sha256 that the registry states."""

    content: bytes
    sha256: str

    @property
    def size(self) -> int:
        """The number of bytes of the graph."""
        return len(self.content)

    def is_intact(self) -> bool:
        """Return whether the bytes have the stated sha256."""
        return hashlib.sha256(self.content).hexdigest() == self.sha256


class Model:
    """A loaded graph.

    Attributes:
        model_id: its id in the registry.
        size: number of bytes of the graph and its parts.
        outputs: names of its outputs.
        inputs: number of `features` that it takes; None for a graph with other inputs.
        floats: the type of the features, float32 or float64.
        missing: which features may be missing, shape (inputs,); None if none may be.
        shapes: shapes of all inputs by name; a varying dimension is a name.
        content: the graph of a model that can be explained by its parameters; None for others.
    """

    def __init__(self, model_id: str, content: bytes):
        """Load a graph."""
        self.model_id = model_id
        try:
            self._session = session(content)
            self.outputs = [found.name for found in self._session.get_outputs()]
            parts = {name: _part(content, name) for name in PARTS if name in self.outputs}
            self._parts = {name: session(part) for name, part in parts.items()}
            self._trees = trees.scorer(content, self._scores)
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise ModelError(f"onnx_predict: model {model_id} cannot be loaded: {error}") from error
        self.size = sum(map(len, [content, *parts.values()]))
        self.content = content if any(kind in content for kind in EXPLAINED) else None
        self.shapes = {found.name: found.shape for found in self._session.get_inputs()}
        self.inputs = self.shapes["features"][1] if "features" in self.shapes else None
        types = {found.name: found.type for found in self._session.get_inputs()}
        is_double = types.get("features") == "tensor(double)"
        self.floats: type = np.float64 if is_double else np.float32
        self.missing = _missing(self._session, self.inputs)

    def _scores(self, features: np.ndarray) -> np.ndarray:
        return self._session.run(["scores"], {"features": features})[0]

    def run(self, outputs: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return these outputs for inputs by name.

        Raises:
            ModelError: onnxruntime cannot compute them.
        """
        if self._trees and outputs == ["scores"]:
            return [self._trees(feeds["features"])]
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        session = self._parts.get(outputs[0]) if len(outputs) == 1 else None
        try:
            return (session or self._session).run(outputs, feeds, options)
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise ModelError(
                f"onnx_predict: model {self.model_id} cannot be run on these features: {error}"
            ) from error


def session(content: bytes) -> onnxruntime.InferenceSession:
    """Load a graph, single-threaded because DuckDB runs vectors in parallel itself."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # the exception has the same message
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _missing(session: onnxruntime.InferenceSession, inputs: int | None) -> np.ndarray | None:
    noted = session.get_modelmeta().custom_metadata_map.get(MISSING_KEY)
    if noted is None or inputs is None:
        return None
    missing = np.zeros(inputs, dtype=bool)
    missing[[int(place) for place in noted.split(",")]] = True
    return missing


def _part(content: bytes, output: str) -> bytes:
    """Return the part of a graph that computes one output, with the inputs of the whole graph."""
    whole = onnx.load_model_from_string(content)
    inputs = [one.name for one in whole.graph.input]
    return Extractor(whole).extract_model(inputs, [output]).SerializeToString()


# Returns the model of an id, or raises a ModelError.
Models = Callable[[str | None], Model]


class Sessions:
    """The models of a process by model_id. A model_id never changes its meaning: nothing expires.

    The cache holds loaded models, and the bytes of models that no query has used yet. If their
    graphs exceed `size` bytes, the least recently used are dropped, except the one that is asked
    for. A thread that runs a dropped model keeps it alive.
    """

    def __init__(self, fetch: Callable[[str], Iterable[Stored]], size: int = DEFAULT_SIZE):
        """Take a function that reads a model_id from each registry that has it."""
        self._fetch = fetch
        self._size = size
        self._kept: OrderedDict[str, Model | Stored] = OrderedDict()
        # One lock for each model that is being loaded, so that a slow one does not block others.
        self._loading: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._lock = threading.Lock()

    def __contains__(self, model_id: str) -> bool:
        """Return whether a model is loaded, or its bytes were read."""
        return model_id in self._kept

    def resize(self, size: int) -> None:
        """Limit the cached graphs to this many bytes from now on."""
        with self._lock:
            self._size = size
            self._evict()

    def put(self, model_id: str, stored: Stored) -> None:
        """Keep the bytes of a model for its first use, if they are intact and fit the cache."""
        if stored.is_intact():
            with self._lock:
                if self._total() + stored.size <= self._size:
                    self._kept.setdefault(model_id, stored)

    def get(self, model_id: str) -> Model:
        """Return a model, loaded on first use.

        Raises:
            ModelError: no registry has the model, or its bytes are corrupted.
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
        missing = f"no model {model_id} is in the registry, or it was pruned"
        what = model_id if says_no_model(model_id) else missing
        raise ModelError(
            f"onnx_predict: {what}: see select model_id, task, algorithm from "
            "ml.model_versions, and select * from ml.challengers for a task without champion"
        )


def _refuse_other_files(model_id: str, content: bytes) -> None:
    """Refuse a graph with parameters in other files: `register_model` would not have stored it."""
    # Each such parameter has an entry of this name, and searching the bytes for it is fast.
    if b"location" not in content:
        return
    try:
        refuse_other_files(onnx.load_from_string(content))
    except Refusal as refusal:
        raise ModelError(f"onnx_predict: model {model_id} cannot be run: {refusal}") from refusal
