"""Export of a next-song model to one ONNX graph, checked against its PyTorch module.

The graph takes the texts that SQL has: URIs and the words of a title. It ignores unknown tracks and
words, looks at the last tracks, and returns the best tracks that were not played.

Inputs:

- `track_uris` (n, l), l >= 1: padded with '' on any side.
- `title_words` (n, TITLE_WORDS): padded with ''.
- `asked` (n, 1): the URI of a track to score; '' for none.
- `exclude` (n, e), e >= 1: tracks that must not be recommended, padded with ''.
- `among` (n, a), a >= 1: if `is_limited`, only these tracks may be recommended; padded with ''.
- `is_limited` (n, 1): 1 or 0, int64.

Outputs:

- `track_uri`, `score` (n, k): the best first, padded with '' and 0. The score of a track that is no
  candidate is 0.
- `artist`, `song` (n, k): numbers of the artist and the song of each track; -1 for padding.
- `barred_song` (n, l + e): numbers of the songs of `track_uris` and `exclude`; -1 for an unknown
  track.
- `asked_score` (n, 1): NaN for an unknown track.
- `vector` (n, size): the embedding of the asked track, zeros if unknown. Models without embeddings
  do not have this output.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional

from models_py.agreement import difference
from models_py.examples import TrainingError
from models_py.export import ExportError, session
from models_py.next_song.beginnings import Beginnings
from models_py.next_song.data import TITLE_WORDS, Catalog
from models_py.next_song.edges import NEIGHBORS
from models_py.next_song.net import NEVER
from models_py.next_song.ranker import LARGEST_K, Ranker
from models_py.next_song.rules import Rule

# Larger than for other models, because long float32 sums are added in another order.
TOLERANCE = 1e-4
# The largest share of rows with other candidates, and what counts as equally strong there.
MOST_SWAPPED, EQUALLY_STRONG = 0.5, 1e-5
# A score that one runtime may round to 0, and the other not.
TINY = 1e-30
OPSET, ML_OPSET = 18, 2
# In the graph, `track_uri` is in the place of `found`.
OUTPUTS = ["found", "score", "artist", "song", "barred_song", "asked_score", "vector"]
# A protobuf message is at most 2 GiB.
MAX_BYTES = 2**31 - 2**20
# For each track: the neighbors and their three weights, and about 80 bytes of single numbers.
BYTES_BY_TRACK = NEIGHBORS * (4 + 3 * 2) + 80


class Serving(nn.Module):
    """A model as it is served: from all tracks of a playlist to the best k tracks."""

    artist_of: torch.Tensor
    song_of: torch.Tensor

    def __init__(self, model: Ranker | Rule, catalog: Catalog, length: int):
        """Keep a model, its catalog and the number of last tracks that it sees."""
        super().__init__()
        self.model, self.length = model, length
        self.k = min(LARGEST_K, model.offers)
        for name in ("artist", "song"):
            numbers = np.append(getattr(catalog, name), -1).astype(np.int32)
            # A buffer must not have the name of an output.
            self.register_buffer(f"{name}_of", torch.from_numpy(numbers))

    def forward(
        self,
        tracks: torch.Tensor,
        titles: torch.Tensor,
        asked: torch.Tensor,
        exclude: torch.Tensor,
        among: torch.Tensor,
        is_limited: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Return the outputs of the graph, with indices of tracks, in the order of OUTPUTS.

        Args:
            tracks: indices of the played tracks, shape (n, l).
            titles: indices of title words, shape (n, TITLE_WORDS).
            asked: index of the asked track, shape (n, 1).
            exclude: indices of tracks that must not be recommended, shape (n, e).
            among: if limited, indices of all that may be recommended, shape (n, a).
            is_limited: 1 or 0, shape (n, 1).
        """
        none = self.model.tracks
        padded = functional.pad(tracks, (self.length, 0), value=none)
        places = torch.arange(1, padded.shape[1] + 1)
        # The last known tracks, in their order.
        last = torch.where(padded < none, places, 0).topk(self.length).indices.flip(1)
        limit = (is_limited * NEVER).expand(-1, none + 1).scatter(1, among, 0.0)
        barred = torch.cat([padded, exclude], dim=1)
        known = Beginnings(barred, padded.gather(1, last), titles, limit)
        offered, chances, asked_chance = self.model.answer(known, asked)
        best = chances.topk(self.k)
        found = torch.where(best.values > -1, offered.gather(1, best.indices), none)
        asked_chance = torch.where(asked < none, asked_chance, torch.nan)
        outputs = [
            found,
            best.values.clamp(min=0),
            self.artist_of[found],
            self.song_of[found],
            self.song_of[barred[:, self.length :]],
            asked_chance,
        ]
        if isinstance(self.model, Ranker):
            vector = self.model.vector[asked[:, 0]].float()
            outputs.append(functional.normalize(vector, dim=-1))
        return tuple(outputs)


def check_size(catalog: Catalog, size: int) -> None:
    """Check that the graphs of a catalog's models can be stored.

    Args:
        catalog: the tracks and words.
        size: dimension of the embeddings.

    Raises:
        TrainingError: the graph of a hybrid would be larger than MAX_BYTES.
    """
    # The graph has the URIs twice, for the arguments and for the result.
    texts = sum(2 * len(uri) for uri in catalog.uris)
    texts += sum(len(word.encode()) for word in catalog.words)
    by_track = BYTES_BY_TRACK + 2 * size + 2 * catalog.sound.shape[1]
    bytes_ = texts + len(catalog) * by_track + len(catalog.words) * 4 * (size + 4)
    if bytes_ > MAX_BYTES:
        raise TrainingError(
            f"task next_song: a model of {len(catalog):,} tracks has {bytes_ / 2**20:.0f} MB, and "
            f"at most {MAX_BYTES / 2**20:.0f} MB are allowed: set the variable next_song_tracks to "
            f"fewer, such as {int(len(catalog) * MAX_BYTES / bytes_ * 0.9):,}"
        )


def to_onnx(model: Ranker | Rule, catalog: Catalog, length: int) -> bytes:
    """Return the serialized graph of a model.

    Args:
        model: fitted.
        catalog: its tracks and words.
        length: how many of the last tracks it sees.
    """
    serving = Serving(model, catalog, length).eval()
    core = _core(serving, len(catalog), len(catalog.words))
    return _with_texts(core, catalog).SerializeToString(deterministic=True)


def _core(serving: Serving, tracks: int, words: int) -> onnx.ModelProto:
    """Return the graph with indices as inputs and outputs."""
    rows = torch.export.Dim("n", min=1)
    played, excluded, allowed = (torch.export.Dim(name, min=1) for name in "lea")
    example = (
        torch.full((3, 2), tracks),
        torch.full((3, TITLE_WORDS), words),
        torch.full((3, 1), tracks),
        torch.full((3, 4), tracks),
        torch.full((3, 5), tracks),
        torch.zeros((3, 1), dtype=torch.int64),
    )
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            serving,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=["tracks", "titles", "asked_track", "excluded", "allowed", "is_limited"],
            output_names=OUTPUTS if isinstance(serving.model, Ranker) else OUTPUTS[:-1],
            dynamic_shapes=(
                {0: rows, 1: played},
                {0: rows},
                {0: rows},
                {0: rows, 1: excluded},
                {0: rows, 1: allowed},
                {0: rows},
            ),
            verbose=False,
        )
    core = cast(torch.onnx.ONNXProgram, program).model_proto  # None only without dynamo
    # PyTorch adds the source location of each node, with paths of this machine.
    for part in (core.graph, *core.functions):
        part.ClearField("metadata_props")
        for node in part.node:
            node.ClearField("metadata_props")
    return core


def _with_texts(core: onnx.ModelProto, catalog: Catalog) -> onnx.ModelProto:
    """Return the graph with texts as inputs and outputs."""
    graph = core.graph

    def encoder(source: str, target: str, texts: Sequence[str]) -> onnx.NodeProto:
        return helper.make_node(
            "LabelEncoder",
            [source],
            [target],
            domain="ai.onnx.ml",
            # An encoder needs at least one key; a newline is neither a URI nor a word.
            keys_strings=[*texts] or ["\n"],
            values_int64s=[*range(len(texts))] or [0],
            default_int64=len(texts),
        )

    decoder = helper.make_node(
        "LabelEncoder",
        ["found"],
        ["track_uri"],
        domain="ai.onnx.ml",
        keys_int64s=range(len(catalog)),
        values_strings=list(catalog.uris),
        default_string="",
    )
    # One encoder for all tracks, because the URIs are most of a graph's texts.
    uris, numbers = ["asked", "track_uris", "exclude", "among"], "every_track"
    split = ["asked_track", "tracks", "excluded", "allowed"]
    nodes = [
        helper.make_node("Concat", uris, ["every_uri"], axis=1),
        encoder("every_uri", numbers, catalog.uris),
        *[helper.make_node("Shape", [name], [f"{name}_width"], start=1, end=2) for name in uris],
        helper.make_node("Concat", [f"{name}_width" for name in uris], ["widths"], axis=0),
        helper.make_node("Split", [numbers, "widths"], split, axis=1),
        encoder("title_words", "titles", catalog.words),
        *graph.node,
        decoder,
    ]
    text = TensorProto.STRING
    inputs = [
        helper.make_tensor_value_info("track_uris", text, ["n", "l"]),
        helper.make_tensor_value_info("title_words", text, ["n", TITLE_WORDS]),
        helper.make_tensor_value_info("asked", text, ["n", 1]),
        helper.make_tensor_value_info("exclude", text, ["n", "e"]),
        helper.make_tensor_value_info("among", text, ["n", "a"]),
        helper.make_tensor_value_info("is_limited", TensorProto.INT64, ["n", 1]),
    ]
    outputs = [helper.make_tensor_value_info("track_uri", text, ["n", "k"]), *graph.output[1:]]
    whole = helper.make_graph(nodes, "hitparade", inputs, outputs, graph.initializer)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(whole, opset_imports=opsets, ir_version=core.ir_version)
    onnx.checker.check_model(model)
    return model


def no_options(rows: int) -> dict[str, NDArray]:
    """Return the inputs `exclude`, `among` and `is_limited` that change no answer."""
    nothing = np.full((rows, 1), "", dtype=object)
    return {
        "exclude": nothing,
        "among": nothing,
        "is_limited": np.zeros((rows, 1), dtype=np.int64),
    }


def _with_same_candidates(
    chosen: list[set[int]], wanted: list[set[int]], is_close: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the rows (n,) in which a graph and its ranker chose the same candidates.

    Runtimes round differently, so of two tracks that are equally strong at the cut each may choose
    another. All scores of the row then differ a little.

    Args:
        chosen: the candidates of each row in the graph.
        wanted: those of the ranker.
        is_close: whether two tracks are equally strong at a cut of the ranker, see `_close_calls`.

    Raises:
        ExportError: a row without such tracks, or most rows, have other candidates.
    """
    same = np.array([one == other for one, other in zip(chosen, wanted, strict=True)])
    if wrong := np.flatnonzero(~same & ~is_close).tolist():
        raise ExportError(
            f"the ONNX graph of {Ranker.__name__} chooses other candidates, which are not equally "
            f"strong, such as in row {wrong[0]}: the model was not stored"
        )
    if np.mean(~same) > MOST_SWAPPED:
        raise ExportError(
            f"the ONNX graph of {Ranker.__name__} chooses other candidates in "
            f"{np.mean(~same):.0%} of the rows: the model was not stored"
        )
    return same


def _close_calls(model: Ranker, known: Beginnings) -> NDArray[np.bool_]:
    """Return whether any source of candidates cuts between equally strong tracks (n,)."""
    signals, groups = model.signals(known), model.groups(known)
    candidates, _ = model.candidates(known, signals, groups)
    none = torch.full_like(known.barred[:, :1], model.tracks)
    taken, is_close = [known.barred, none], torch.zeros(len(known.barred), dtype=torch.bool)
    chosen = candidates.split(list(model.counts), dim=1)
    for strength, own in zip(model.strengths(known, signals, groups), chosen, strict=True):
        weakest = strength.gather(1, own).amin(dim=1)
        taken.append(own)
        next_one = strength.scatter(1, torch.cat(taken, dim=1), NEVER).amax(dim=1)
        gap = EQUALLY_STRONG * weakest.abs().clamp(min=1)
        is_close |= (next_one > NEVER / 2) & (weakest - next_one <= gap)
    return is_close.numpy()


def _candidates(tracks: NDArray[np.int64], scores: NDArray[np.float32]) -> list[set[int]]:
    """Return the tracks of each row that are scored as candidates: others have the score 0."""
    return [{*row[values > TINY].tolist()} for row, values in zip(tracks, scores, strict=True)]


def check_parity(
    content: bytes, model: Ranker | Rule, catalog: Catalog, known: Beginnings
) -> float:
    """Return the largest `difference` between the scores of a graph and of its module.

    Args:
        content: the serialized graph.
        model: the module.
        catalog: its tracks and words.
        known: beginnings of n playlists. The asked track of each is the last track of another.

    Raises:
        ExportError: a score differs by more than TOLERANCE, tracks are in another order though
            their scores differ by more, the candidates differ by more than what rounding explains,
            or a track has another artist or song.
    """
    length = known.recent.shape[1]
    asked = known.recent[:, -1:].roll(1, dims=0)
    options = no_options(len(asked))
    none = torch.full((len(asked), 1), len(catalog))
    serving = Serving(model, catalog, length)
    with torch.no_grad():
        limited = torch.from_numpy(options["is_limited"])
        outputs = serving(known.barred, known.titles, asked, none, none, limited)
    expected = dict(zip(OUTPUTS, outputs, strict=False))
    found, scores, asked_score = (expected[name] for name in ("found", "score", "asked_score"))
    barred = expected["barred_song"].numpy()
    uris, words = np.array([*catalog.uris, ""]), np.array([*catalog.words, ""])
    feeds = {
        "track_uris": uris[known.barred.numpy()],
        "title_words": words[known.titles.numpy()],
        "asked": uris[asked.numpy()],
    }
    feeds = {name: texts.astype(object) for name, texts in feeds.items()} | options
    names = ["track_uri", "score", "asked_score", "artist", "song", "barred_song"]
    found_uri, found_score, found_asked, *numbers = session(content).run(names, feeds)
    index = {uri: track for track, uri in enumerate([*catalog.uris, ""])}
    tracks = np.vectorize(index.__getitem__)(found_uri)
    same = np.ones(len(asked), dtype=bool)
    if isinstance(model, Ranker):  # the score of a rule does not depend on other candidates
        with torch.no_grad():
            is_close = _close_calls(model, known)
        same = _with_same_candidates(
            _candidates(tracks, found_score), _candidates(found.numpy(), scores.numpy()), is_close
        )
    both = [(found_score, scores), (found_asked, asked_score)]
    worst = max(
        float(np.nan_to_num(difference(mine[same], other.numpy()[same]), nan=0).max())
        for mine, other in both
    )
    has_nan = [np.isnan(values).tolist() for values in (found_asked, asked_score.numpy())]
    # Tracks may only change places if their scores are equal within TOLERANCE.
    moved = (found_uri != uris[found.numpy()]) & same[:, None]
    close = np.abs(found_score - scores.numpy()) <= TOLERANCE
    right = serving.artist_of[tracks].numpy(), serving.song_of[tracks].numpy(), barred
    if not all(map(np.array_equal, numbers, right)):
        raise ExportError(
            f"the ONNX graph of {type(model).__name__} numbers artists or songs in another way: "
            "the model was not stored"
        )
    if not worst <= TOLERANCE or has_nan[0] != has_nan[1] or not close[moved].all():
        raise ExportError(
            f"the ONNX graph of {type(model).__name__} differs from it by {worst:.2e}, and "
            f"{TOLERANCE} is allowed: the model was not stored"
        )
    return worst
