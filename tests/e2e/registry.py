"""Registry queries for tests, and the command line on a warehouse."""

from typer.testing import CliRunner

from hitparade.cli import app

CHAMPION = "select model_id from ml.champions where task = 'hit'"


def model(warehouse, algorithm: str, task: str = "hit") -> str:
    query = f"select model_id from ml.model_versions where task = '{task}' and algorithm = "
    return warehouse.query(f"{query} '{algorithm}'")[0][0]


def champion(warehouse, connection=None) -> str:
    if connection:
        return connection.execute(CHAMPION).fetchall()[0][0]
    return warehouse.query(CHAMPION)[0][0]


def others(warehouse) -> list[str]:
    """The hit models that are not the champion."""
    hits = "select model_id from ml.model_versions where task = 'hit'"
    found = warehouse.query(f"{hits} and model_id <> ({CHAMPION}) order by 1")
    return [model_id for (model_id,) in found]


def other(warehouse) -> str:
    return others(warehouse)[0]


def hitparade(warehouse, *arguments: str):
    result = CliRunner().invoke(
        app, list(arguments), env={"HITPARADE_DATABASE": str(warehouse.database)}
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result
