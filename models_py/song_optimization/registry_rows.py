"""The models of song optimization as rows of the registry."""

from collections.abc import Sequence

import pyarrow as pa

from models_py.registry_rows import incumbent, metrics, ranges_of, row
from models_py.relation import Relation
from models_py.song_optimization import graph, training
from models_py.song_optimization.data import read
from models_py.song_optimization.protocol import STUDENT

# All other models have one output, the popularity.
OUTPUTS = {"gradient": [*graph.OUTPUTS]}


def rows(
    run: dict,
    table: pa.Table,
    genres: Sequence[str],
    algorithms: dict,
    earlier: dict,
    history: Relation | None,
    promotions: list[dict],
) -> list[dict]:
    """Train all models of a run; return one registry row for each.

    `genres` are the members of that one-hot group, in order. For the other arguments and the errors
    see `models_py.registry_rows.rows`.
    """
    algorithms = {name: params or {} for name, params in algorithms.items()}
    data = read(table, genres)
    models = training.fit(data, algorithms)
    run = run | incumbent(
        run, history, promotions, lambda content: training.rescore(content, data, models)
    )
    ranges = ranges_of(data.names, data.parts[STUDENT].features)
    return [
        run
        | row(
            candidate, ranges, OUTPUTS.get(candidate.algorithm, ["popularity"]), algorithms, earlier
        )
        # One split, by artist, counts as one fold.
        | {"metrics": metrics(candidate, training.METRIC, 1, run["definition"], [])}
        for candidate in training.candidates(data, models)
    ]
