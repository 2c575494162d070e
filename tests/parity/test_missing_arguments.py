"""A missing argument gives NULL and a finding, whatever is computed from it."""

import pytest

TASKS = {
    "hit": "dim_tracks",
    "tier": "dim_tracks",
    "popularity": "dim_tracks",
    "log_streams": "dim_songs",
    "log_streams_context": "dim_songs",
}


def arguments(connection, task: str) -> list[str]:
    query = (
        "select parameters from duckdb_functions() "
        "where function_name = ? and len(parameters) > 1 and database_name = current_database()"
    )
    ((names,),) = connection.execute(query, [f"check_{task}"]).fetchall()
    return names


def inputs(connection, task: str) -> list[str]:
    query = "select inputs from ml.model_versions where task = ? limit 1"
    return [one["name"] for one in connection.execute(query, [task]).fetchall()[0][0]]


@pytest.mark.parametrize("task", TASKS)
def test_a_missing_argument_is_missing_in_every_function(task, connection):
    for name in arguments(connection, task):
        song = f"(from {TASKS[task]} where {name} is not null limit 1)"
        ((complete,),) = connection.execute(f"select encode_{task}(t) from {song} as t").fetchall()
        calls = ", ".join(f"{kind}_{task}(t)" for kind in ("predict", "explain", "check", "encode"))
        query = f"select {calls} from (select * replace (null as {name}) from {song}) as t"
        ((answer, explanation, findings, encoded),) = connection.execute(query).fetchall()
        assert answer is None and explanation is None, name
        assert any(finding.endswith(" is missing") for finding in findings), (name, findings)
        pairs = zip(inputs(connection, task), complete, encoded or [], strict=False)
        changed = [one for one, before, after in pairs if after not in (before, None)]
        assert changed == [], f"{name} is missing, and these inputs have another value"
