"""Sessions: ONNX bytes from the registry, checked and loaded once in a process."""

import hashlib
import threading
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime

from udfs.validation import Refusal, refuse_other_files


class ModelError(RuntimeError):
    """A call that no model can answer; the message names the cause and the next step."""


class Model:
    """A loaded graph with one float32 input (n, k) and one float32 output (n, m)."""

    def __init__(self, model_id: str, content: bytes):
        """Load a graph; single-threaded, because DuckDB spreads the vectors over its threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self.model_id = model_id
        self.inputs = self._session.get_inputs()[0].shape[1]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the scores (n, m) of float32 features (n, k)."""
        return self._session.run(["scores"], {"features": features})[0]


class Sessions:
    """The models of a process by model_id, which never changes its meaning: nothing expires."""

    def __init__(self, fetch: Callable[[str], tuple[bytes, str] | None]):
        """Take `fetch`, which reads (bytes, sha256) of a model_id from a registry."""
        self._fetch = fetch
        self._models: dict[str, Model] = {}
        self._lock = threading.Lock()

    def __contains__(self, model_id: str) -> bool:
        """True for a model that is loaded."""
        return model_id in self._models

    def get(self, model_id: str) -> Model:
        """Return a model, loaded on first use.

        Raises:
            ModelError: no registry has it, or its bytes are not what was stored.
        """
        if model_id not in self._models:
            with self._lock:
                if model_id not in self._models:
                    self._models[model_id] = self._load(model_id)
        return self._models[model_id]

    def _load(self, model_id: str) -> Model:
        found = self._fetch(model_id)
        if found is None:
            # The typed functions ask for a model in words where there is none to ask for.
            what = model_id if " " in model_id else f"no model {model_id} is in the registry"
            raise ModelError(
                f"onnx_predict: {what}: see select model_id, task, algorithm from "
                "ml.model_versions, and select * from ml.challengers for a task without champion"
            )
        content, sha256 = found
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ModelError(
                f"onnx_predict: the stored bytes of model {model_id} are corrupted (their sha256 "
                "is not the one in ml.model_artifacts): restore the database file, or promote "
                "another model"
            )
        _refuse_other_files(model_id, content)
        return Model(model_id, content)


def _refuse_other_files(model_id: str, content: bytes) -> None:
    """Refuse a graph whose parameters stand in other files, which never passed register_model."""
    # Each such parameter has an entry of this name; without the word there is nothing to look for.
    if b"location" not in content:
        return
    try:
        refuse_other_files(onnx.load_from_string(content))
    except Refusal as refusal:
        raise ModelError(f"onnx_predict: model {model_id} is not run: {refusal}") from refusal
