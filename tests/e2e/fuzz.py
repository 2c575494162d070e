"""Compare all functions and views under every setting with their plain answers, for many rows.

    python -m tests.e2e.fuzz hitparade.duckdb --rows 1000000

It exits with 1 if an answer differs.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.test_settings import DATABASE, answers, changes, opened, settings

# A slow function is called for so many times fewer rows than others.
SLOWER = 250


def main(file: str, rows: int) -> int:
    """Print the outcome of each backend; return how many answers differ."""
    tried = list(settings())
    differences = 0
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(shutil.copy(file, Path(folder) / f"{DATABASE}.duckdb"))
        for backend in ("sql_backend", "onnx_runtime"):
            started, compared = time.monotonic(), 0
            with opened(copied, backend) as connection:
                one = count(answers(connection, rows=1_000, few=1_000 // SLOWER))
            each = max(1_000 * rows // (2 * len(tried) * one), 1)
            size = {"rows": each, "few": max(each // SLOWER, 1)}
            with opened(copied, backend) as connection:
                plain = answers(connection, **size)
            for changed in tried:
                with opened(copied, backend) as connection:
                    for name, value in changed.items():
                        connection.execute(f"set {name} = '{value}'")
                    found = answers(connection, **size)
                compared += count(found)
                for name in changes(found, plain):
                    differences += 1
                    print(f"{backend}, {changed}: {name} differs", flush=True)
            seconds = time.monotonic() - started
            print(
                f"{backend}: {len(tried)} groups of settings, {len(plain)} functions and views, "
                f"{compared} rows compared, {seconds:.0f} s",
                flush=True,
            )
    print(f"{differences} answers differ")
    return differences


def count(found: dict[str, list[str] | str]) -> int:
    """The number of answered rows."""
    return sum(len(rows) for rows in found.values() if isinstance(rows, list))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    sys.exit(bool(main(arguments.file, arguments.rows)))
