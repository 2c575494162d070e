"""`hitparade doctor`: check that everything a build needs is there."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from packaging.requirements import Requirement

from hitparade import generate, project
from hitparade.pipeline import dbt
from hitparade.sources import folders, raw, slices, snowflake
from hitparade.sources.unused import unused
from hitparade.warehouse import WarehouseError, connect, opened
from models_py.registry_schema import REGISTRY_FORMAT

# The variables that profiles.yml reads without a default.
VARIABLES = ("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_PRIVATE_KEY_PATH")


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was checked.
        found: what was found.
        step: what to do; empty if all is well.
    """

    name: str
    found: str
    step: str = ""


def duckdb_checks() -> Iterator[Check]:
    """Check the packages, raw files and database file of the DuckDB target."""
    yield _packages("duckdb", extra=None)
    yield _generated_files()
    yield from _raw_files()
    yield _database(project.database())


def snowflake_checks(environment: dict[str, str] | None = None) -> Iterator[Check]:
    """Check the packages, raw files, environment and account of the Snowflake target.

    Args:
        environment: variables for dbt, in addition to those of this process.
    """
    environment = os.environ | (environment or {})
    packages = _packages("snowflake", extra="snowflake")
    yield packages
    yield _generated_files()
    yield from _raw_files()
    variables = _variables(environment)
    yield variables
    if not packages.step and not variables.step:
        yield from _account(environment)


def _packages(target: str, extra: str | None) -> Check:
    """Check that the packages of a target are installed in the required versions."""
    lacking, count = [], 0
    for line in requires("hitparade") or ():
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra or ""}):
            continue
        count += 1
        try:
            is_fine = wanted.specifier.contains(version(wanted.name), prereleases=True)
        except PackageNotFoundError:
            is_fine = False
        if not is_fine:
            lacking.append(f"{wanted.name}{wanted.specifier}")
    asked = f"'.[{extra}]'" if extra else "."
    if lacking:
        step = f"pip install --constraint constraints.txt --editable {asked}"
        return Check("packages", f"lacks {', '.join(lacking)}", step)
    return Check("packages", f"all {count} of target {target}")


def _generated_files() -> Check:
    """Check that the generated files follow from the declarations."""
    name = "generated files"
    try:
        changed = generate.check(project.root())
    except generate.DeclarationError as error:
        return Check(name, "cannot be generated", str(error))
    if changed:
        return Check(name, f"{len(changed)} do not follow from tasks/", "run `hitparade generate`")
    return Check(name, "follow from tasks/")


def _raw_files() -> Iterator[Check]:
    try:
        folders.raw_folder()
    except raw.RawFileError as error:
        yield Check("raw files", "cannot be found", str(error))
        return
    then = "a build writes a sample" if folders.sample_folder() else "it stays empty"
    for name in ("chart_songs", "tracks"):
        path, status = raw.locate(name)
        if path is None:
            yield Check(name, f"absent: {then}")
            continue
        try:
            rows = raw.read(name).records.num_rows
        except raw.RawFileError as error:
            yield Check(name, f"{path} cannot be read", str(error))
        else:
            yield Check(name, f"{status}: {rows:,} rows of {path}")
    listed = slices.listed()
    if listed.num_rows:
        status = listed.column("status")[0].as_py()
        yield Check("playlists", f"{status}: {listed.num_rows:,} files")
    else:
        yield Check("playlists", f"absent: {then}")
    for sentence in unused():
        yield Check("not used", sentence)


def _database(path: Path) -> Check:
    if not path.exists():
        if os.access(path.parent, os.W_OK):
            return Check("database", f"{path} does not exist yet: a build creates it")
        return Check("database", f"{path.parent} cannot be written", "set HITPARADE_DATABASE")
    try:
        connect(path).close()  # writable and exclusive, as in a build
        with opened(path) as connection:
            ((format, count),) = connection.execute(
                "select max(registry_format), count(*) from ml.registry"
            ).fetchall()
    except WarehouseError as error:
        return Check("database", f"{path} cannot be used", str(error))
    except duckdb.Error as error:
        return Check("database", f"{path} cannot be read", str(error))
    if format is not None and format != REGISTRY_FORMAT:
        return Check("database", f"{path} has format {format}", "run `hitparade upgrade`")
    return Check("database", f"{path}: {count} models")


def _variables(environment: dict[str, str]) -> Check:
    missing = [name for name in VARIABLES if not environment.get(name)]
    if missing:
        return Check("environment", f"lacks {', '.join(missing)}", "see docs/snowflake.md")
    key = environment["SNOWFLAKE_PRIVATE_KEY_PATH"]
    if not Path(key).is_file():
        return Check("environment", f"there is no key {key}", "see docs/snowflake.md")
    return Check("environment", f"account {environment['SNOWFLAKE_ACCOUNT']}")


def _account(environment: dict[str, str]) -> Iterator[Check]:
    """Yield the checks that dbt makes on the account, over the profile's connection."""
    with TemporaryDirectory() as folder:
        code = snowflake.fingerprint(snowflake.write_code(Path(folder) / snowflake.CODE_FILE))
    arguments = json.dumps({"code": code})
    command = [str(dbt.program()), "--quiet", "run-operation", "doctor", "--target", "snowflake"]
    done = subprocess.run(
        [*command, "--args", arguments],
        cwd=project.root(),
        env=dbt.from_root(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield Check(**json.loads(line))
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if not line.startswith("{")]
        yield Check("account", "\n".join(said).strip(), "see docs/snowflake.md")
