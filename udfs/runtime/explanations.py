"""`onnx_explain`: what each argument adds to a model's score, as Shapley values.

A plan lists mixed songs: each has some inputs of the explained song, and the others of a background
song. A weighted sum of their scores is an argument's contribution (Shapley, 1953; Castro et al.,
2009; Mitchell et al., 2022). The plan of a task is the same for all its songs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.errors import ModelError
from udfs.runtime import scores
from udfs.runtime.sessions import Models

NUMBERS = pa.list_(pa.float64())
EXPLANATION = pa.list_(
    pa.struct([("rank", pa.int32()), ("feature", pa.string()), ("contribution", pa.float64())])
)


@dataclass(frozen=True, eq=False)
class Plan:
    """The mixed songs of a task, and the weights of their scores.

    Attributes:
        terms: `average`, then the arguments of the task's functions.
        backgrounds: the encoded background song of each mixed song (m, k).
        is_own: which inputs a mixed song has from the explained song (m, k).
        weights: the weight of each mixed song's score in each term (m, terms).
    """

    terms: list[str]
    backgrounds: np.ndarray
    is_own: np.ndarray
    weights: np.ndarray

    def mixed(self, song: list[float]) -> np.ndarray:
        """Return the mixed songs (m, k) of a song of k inputs."""
        return np.where(self.is_own, np.array(song, dtype=np.float64), self.backgrounds)

    def explanation(self, scores: np.ndarray) -> list[dict]:
        """Return the terms, the average first and then the largest, for scores (m,)."""
        average, *contributions = (scores @ self.weights).tolist()
        terms = list(zip(self.terms[1:], contributions, strict=True))
        terms.sort(key=lambda term: (-abs(term[1]), term[0]))
        ranked = [(self.terms[0], average), *terms]
        return [
            {"rank": rank, "feature": feature, "contribution": contribution}
            for rank, (feature, contribution) in enumerate(ranked)
        ]


Plans = Callable[[str], Plan]


def onnx_explain(
    models: Models,
    plans: Plans,
    plan_ids: pa.ChunkedArray,
    model_ids: pa.ChunkedArray,
    features: pa.ChunkedArray,
    outputs: pa.ChunkedArray,
) -> pa.Array:
    """Explain one score of each row; NULL where the model has no answer.

    Raises:
        ModelError: a model or plan is missing, or the number of features or of the output is wrong.
    """
    columns = (column.to_pylist() for column in (plan_ids, model_ids, features, outputs))
    answers = [explanation(models, plans, *asked) for asked in zip(*columns, strict=True)]
    return pa.array(answers, EXPLANATION)


def explanation(
    models: Models,
    plans: Plans,
    plan_id: str | None,
    model_id: str | None,
    song: list[float] | None,
    output: int | None,
) -> list[dict] | None:
    """Return the terms of one score of a song; None where the plan is None or there is no score.

    Args:
        models: returns a model.
        plans: returns a plan.
        plan_id: the plan.
        model_id: the model.
        song: the encoded inputs.
        output: the place of the score, from 1; None is the largest.

    Raises:
        ModelError: a model or plan is missing, or the number of features or of the output is wrong.
    """
    (answer,) = _scores(models, model_id, pa.array([song], NUMBERS))
    plan = None if plan_id is None else plans(plan_id)
    if plan is None or answer is None or song is None:
        return None
    place = int(np.argmax(answer)) if output is None else output - 1
    if not 0 <= place < len(answer):
        raise ModelError(
            f"onnx_explain: output is {output}: give 1 to {len(answer)}, or NULL for the largest"
        )
    if len(song) != plan.backgrounds.shape[1]:
        raise ModelError(
            f"onnx_explain: the model takes {len(song)} inputs, and the background rows of the "
            f"task have {plan.backgrounds.shape[1]}: give the task of the model"
        )
    mixed = plan.mixed(song)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(mixed.ravel()), mixed.shape[1])
    answers = _scores(models, model_id, lists.cast(NUMBERS))
    if any(one is None for one in answers):
        return None
    return plan.explanation(np.array([one[place] for one in answers]))


def _scores(models: Models, model_id: str | None, songs: pa.Array) -> list:
    """Return a model's scores of lists of encoded inputs."""
    ids = pa.chunked_array([pa.array([model_id] * len(songs), pa.string())])
    return scores.onnx_predict(models, ids, pa.chunked_array([songs])).to_pylist()
