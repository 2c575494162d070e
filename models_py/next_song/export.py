"""Export of a model of the next song to one ONNX graph, checked against the module it came from.

The graph takes what SQL has: URIs and the words of a title. It drops what it does not know, keeps
the last tracks, scores, leaves out what was played, and names the best. Its inputs are `track_uris`
(n, l) with l >= 1, filled with '' on any side, `title_words` (n, TITLE_WORDS) and `asked` (n, 1);
its outputs `track_uri` and `score` (n, k), the best first, '' and 0 where there are no more;
`asked_score` (n, 1), NaN for a track that it does not know; `vector` (n, size) of that track, zeros
where it does not know it, absent from models without embeddings.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional

from models_py.export import ExportError, difference, session
from models_py.next_song.baselines import Rule
from models_py.next_song.beginnings import Beginnings
from models_py.next_song.data import TITLE_WORDS, Catalogue
from models_py.next_song.ranker import Ranker

# What is offered at most.
LARGEST_K = 100
# Scores of float32 sums, added in another order.
TOLERANCE = 1e-4
OPSET, ML_OPSET = 18, 2
# Protobuf ends at 2 GiB.
MAX_BYTES = 2**31 - 2**20


class Serving(nn.Module):
    """A model as it is served: from all tracks of a playlist to the best k."""

    def __init__(self, model: Ranker | Rule, length: int):
        """Take a model, and how many of the last tracks it looks at."""
        super().__init__()
        self.model, self.length = model, length
        self.k = min(LARGEST_K, model.offers)

    def forward(
        self, tracks: torch.Tensor, titles: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return indices and scores of the best (n, k), the score asked for (n, 1), a vector."""
        none = self.model.tracks
        tracks = functional.pad(tracks, (self.length, 0), value=none)
        places = torch.arange(1, tracks.shape[1] + 1)
        # The last known ones, in their order.
        last = torch.where(tracks < none, places, 0).topk(self.length).indices.flip(1)
        known = Beginnings(tracks, tracks.gather(1, last), titles)
        offered, chances, asked_chance = self.model.answer(known, asked)
        best = chances.topk(self.k)
        found = torch.where(best.values > 0, offered.gather(1, best.indices), none)
        asked_chance = torch.where(asked < none, asked_chance, torch.nan)
        if isinstance(self.model, Ranker):
            return found, best.values, asked_chance, self.model.vector[asked[:, 0]]
        return found, best.values, asked_chance


def to_onnx(model: Ranker | Rule, catalogue: Catalogue, length: int) -> bytes:
    """Return the graph of a model.

    Raises:
        ExportError: it is larger than a protobuf may be.
    """
    serving = Serving(model, length).eval()
    # Three times the URIs: of the playlist, of the track that is asked for, and back.
    size = sum(values.nbytes for values in serving.state_dict().values())
    size += 3 * sum(len(uri) + 10 for uri in catalogue.uris)
    if size > MAX_BYTES:
        raise ExportError(
            f"the model has {size / 2**20:.0f} MB, more than {MAX_BYTES / 2**20:.0f}: give fewer "
            "tracks by the variable next_song_tracks"
        )
    core = _core(serving, len(catalogue), len(catalogue.words))
    return _with_texts(core, catalogue).SerializeToString(deterministic=True)


def _core(serving: Serving, tracks: int, words: int) -> onnx.ModelProto:
    """The graph from indices to indices."""
    rows, columns = torch.export.Dim("n", min=1), torch.export.Dim("l", min=1)
    example = (
        torch.full((3, 2), tracks),
        torch.full((3, TITLE_WORDS), words),
        torch.full((3, 1), tracks),
    )
    names = ["found", "score", "asked_score", "vector"]
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            serving,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=["tracks", "titles", "asked_track"],
            output_names=names if isinstance(serving.model, Ranker) else names[:-1],
            dynamic_shapes=({0: rows, 1: columns}, {0: rows}, {0: rows}),
            verbose=False,
        )
    core = cast(torch.onnx.ONNXProgram, program).model_proto  # None of the exporter before dynamo
    # Where torch found each node, by the paths of this machine: no part of a model.
    for part in (core.graph, *core.functions):
        part.ClearField("metadata_props")
        for node in part.node:
            node.ClearField("metadata_props")
    return core


def _with_texts(core: onnx.ModelProto, catalogue: Catalogue) -> onnx.ModelProto:
    """The same graph from texts to texts."""
    graph = core.graph

    def encoder(source: str, target: str, texts: Sequence[str]) -> onnx.NodeProto:
        return helper.make_node(
            "LabelEncoder",
            [source],
            [target],
            domain="ai.onnx.ml",
            # An encoder without keys is not valid; no URI and no word is this one.
            keys_strings=[*texts] or ["\n"],
            values_int64s=[*range(len(texts))] or [0],
            default_int64=len(texts),
        )

    decoder = helper.make_node(
        "LabelEncoder",
        ["found"],
        ["track_uri"],
        domain="ai.onnx.ml",
        keys_int64s=range(len(catalogue)),
        values_strings=list(catalogue.uris),
        default_string="",
    )
    nodes = [
        encoder("track_uris", "tracks", catalogue.uris),
        encoder("title_words", "titles", catalogue.words),
        encoder("asked", "asked_track", catalogue.uris),
        *graph.node,
        decoder,
    ]
    text = TensorProto.STRING
    inputs = [
        helper.make_tensor_value_info("track_uris", text, ["n", "l"]),
        helper.make_tensor_value_info("title_words", text, ["n", TITLE_WORDS]),
        helper.make_tensor_value_info("asked", text, ["n", 1]),
    ]
    outputs = [helper.make_tensor_value_info("track_uri", text, ["n", "k"]), *graph.output[1:]]
    whole = helper.make_graph(nodes, "hitparade", inputs, outputs, graph.initializer)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(whole, opset_imports=opsets, ir_version=core.ir_version)
    onnx.checker.check_model(model)
    return model


def check_parity(
    content: bytes, model: Ranker | Rule, catalogue: Catalogue, known: Beginnings
) -> float:
    """Return the largest `difference` of the scores of a graph and its module.

    Args:
        content: the graph.
        model: the module.
        catalogue: its tracks and words.
        known: beginnings (n), whose first track is asked for too.

    Raises:
        ExportError: a score differs by more than TOLERANCE, or an order by more than such scores
            explain.
    """
    length = known.recent.shape[1]
    asked = known.recent[:, -1:].roll(1, dims=0)
    with torch.no_grad():
        found, scores, asked_score, *_ = Serving(model, length)(known.played, known.titles, asked)
    uris, words = np.array([*catalogue.uris, ""]), np.array([*catalogue.words, ""])
    feeds = {
        "track_uris": uris[known.played.numpy()],
        "title_words": words[known.titles.numpy()],
        "asked": uris[asked.numpy()],
    }
    names = ["track_uri", "score", "asked_score"]
    found_uri, found_score, found_asked = session(content).run(
        names, {name: texts.astype(object) for name, texts in feeds.items()}
    )
    both = [(found_score, scores), (found_asked, asked_score)]
    worst = max(
        float(np.nan_to_num(difference(mine, other.numpy()), nan=0).max()) for mine, other in both
    )
    has_nan = [np.isnan(values).tolist() for values in (found_asked, asked_score.numpy())]
    # A track in another place than in torch has the score of the track in whose place it stands.
    moved = found_uri != uris[found.numpy()]
    close = np.abs(found_score - scores.numpy()) <= TOLERANCE
    if not worst <= TOLERANCE or has_nan[0] != has_nan[1] or not close[moved].all():
        raise ExportError(
            f"the ONNX graph of {type(model).__name__} differs from it by {worst:.2e}, more than "
            f"{TOLERANCE}: the model was not stored"
        )
    return worst
