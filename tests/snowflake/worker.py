"""A Python function or procedure of the emulated Snowflake, in a separate process.

The first line on standard input is the statement as JSON: code, handler, packages and imports. For
a function, each further line is a batch of rows and gets one line as answer. A procedure answers
once.
"""

import json
import os
import shutil
import sys
import tempfile
import traceback
import types
from pathlib import Path

# Import from the folder above `tests`: by default, Python uses the folder of the script.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.snowflake.packages import restrict_imports

sys.path.pop(0)


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of the code is not an answer
    statement = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory() as folder:
        if "connection" in statement:
            _answer(answers, lambda: _call(statement, Path(folder)))
            return
        handlers = []
        _answer(answers, lambda: handlers.append(_handler(statement, Path(folder))))
        for line in sys.stdin:
            _answer(answers, lambda batch=line: _batch(handlers[0], json.loads(batch)))


def _answer(answers, compute) -> None:
    try:
        line = {"answer": compute()}
    except Exception as error:
        line = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    answers.write(json.dumps(line) + "\n")
    answers.flush()


def _handler(statement: dict, folder: Path):
    """Run the code as Snowflake would: with these packages, and the imports in a folder."""
    for path in statement["imports"]:
        shutil.copy(path, folder)
        if path.endswith(".zip"):
            sys.path.insert(0, str(folder / Path(path).name))
    sys._xoptions["snowflake_import_directory"] = f"{folder}/"
    restrict_imports(statement["packages"])
    shim = types.ModuleType("_snowflake")
    shim.vectorized = lambda input, max_batch_size: lambda function: function
    sys.modules["_snowflake"] = shim
    scope = {"__name__": "handler"}
    exec(compile(statement["code"], "handler", "exec"), scope)
    return scope[statement["handler"]]


def _batch(handler, columns: list[list]) -> list:
    import numpy as np
    import pandas

    rows = pandas.DataFrame(
        {place: pandas.Series(values, dtype=object) for place, values in enumerate(columns)}
    )
    answer = handler(rows)
    if len(answer) != len(rows):
        raise ValueError(f"{len(answer)} answers for {len(rows)} rows")

    def plain(value):
        if isinstance(value, np.generic):
            return value.item()
        return None if isinstance(value, float) and np.isnan(value) else value

    return [plain(value) for value in answer]


def _call(statement: dict, folder: Path) -> str:
    handler = _handler(statement, folder)
    from snowflake.snowpark import Session
    from snowflake.snowpark.file_operation import FileOperation

    connection = statement["connection"]
    bucket = Path(connection.pop("bucket"))
    session = Session.builder.configs(connection).create()

    def get_stream(self, location: str, **_):
        database, schema = session.get_current_database(), location.lstrip("@").split(".")[0]
        _, stage, name = [*location.lstrip("@").replace("/", ".", 1).split(".", 2)]
        place = [database.strip('"').upper(), schema.upper(), stage.upper()]
        return bucket.joinpath(*place, name).open("rb")

    # The emulator does not support GET.
    FileOperation.get_stream = get_stream
    return handler(session)


if __name__ == "__main__":
    main()
