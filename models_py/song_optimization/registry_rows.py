"""A training run of song optimisation: teacher, student, judge and optimiser as registry rows."""

from collections.abc import Sequence

import pyarrow as pa

from models_py.registry_rows import incumbent, metrics, ranges_of, row
from models_py.relation import Relation
from models_py.song_optimization import graph, training
from models_py.song_optimization.data import read
from models_py.song_optimization.protocol import STUDENT

# The others answer a popularity.
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
    """Train all of a run.

    `genres` are what the places of that block mean; the other arguments are those of
    `models_py.registry_rows.rows`.
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
        # There is one split only, by artist.
        | {"metrics": metrics(candidate, training.METRIC, 1, run["definition"], [])}
        for candidate in training.candidates(data, models)
    ]
