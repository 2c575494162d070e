"""The database files of the examples: one of the sample, one of the published charts."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The repository must not include the published files, so they are looked up next to the clone.
PUBLISHED_CHARTS = ROOT.parent / "shared" / "data" / "spotify-2023.csv"


@contextmanager
def warehouse(database: Path | None) -> Iterator[Path]:
    """A finished file of the sample: the given one, or a new one."""
    if database:
        yield database.resolve(strict=True)
        return
    from hitparade.sample import write_sample

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder / "sample")
        yield _built(folder, {"HITPARADE_SAMPLE": str(folder / "sample")})


@contextmanager
def published_charts() -> Iterator[Path | None]:
    """A finished file of only the published charts; None if their raw file is missing."""
    if not PUBLISHED_CHARTS.is_file():
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        shutil.copy(PUBLISHED_CHARTS, folder / "raw")
        yield _built(folder, {"HITPARADE_SAMPLE": "0"})


def _built(folder: Path, environment: dict[str, str]) -> Path:
    """Run `dbt build` into a separate file."""
    (folder / "raw").mkdir(exist_ok=True)
    own = {
        "HITPARADE_DATABASE": str(folder / "built.duckdb"),
        "HITPARADE_RAW": str(folder / "raw"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "OMP_NUM_THREADS": "1",
    }
    command = [Path(sys.executable).with_name("dbt"), "--quiet", "build"]
    subprocess.run(command, cwd=ROOT, env=os.environ | own | environment, check=True)
    return folder / "built.duckdb"
