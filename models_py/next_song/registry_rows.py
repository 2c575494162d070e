"""The candidates of next_song as rows of the registry."""

import pyarrow as pa

from models_py.next_song import protocol, training
from models_py.next_song.data import read
from models_py.registry_rows import incumbent, metrics, row
from models_py.relation import Relation


def rows(
    run: dict,
    tables: list[pa.Table],
    algorithms: dict,
    earlier: dict,
    history: Relation | None,
    promotions: list[dict],
    ceilings: list[dict],
) -> list[dict]:
    """Train the algorithms of a run; return one registry row for each.

    `tables` are the arguments of `models_py.next_song.data.read`. For the other arguments and the
    errors see `models_py.registry_rows.rows`.
    """
    data = read(*tables)
    run = run | incumbent(run, history, promotions, lambda content: training.rescore(content, data))
    inputs = [
        {"name": name, "type": type, "minimum": None, "maximum": None}
        for name, type in protocol.INPUTS.items()
    ]
    return [
        run
        | row(candidate, inputs, training.outputs(candidate.algorithm), algorithms, earlier)
        # One split only, because training a sequence net takes minutes.
        | {"metrics": metrics(candidate, training.METRIC, 1, run["definition"], ceilings)}
        for candidate in training.train(data, algorithms)
    ]
