"""Find the dbt project that a command acts on: as in dbt, that of the working directory."""

import os
from pathlib import Path

FILE = "dbt_project.yml"
DATABASE = "hitparade.duckdb"
# In dbt's order of preference.
VARIABLES = ("DBT_ENGINE_PROJECT_DIR", "DBT_PROJECT_DIR")
# A hitparade project is recognized by this macro in on-run-start, and not by its name, which people
# may change.
MARK = "create_registry()"

_root: Path | None = None


class ProjectError(RuntimeError):
    """There is no hitparade project; the message says why and what to do."""


def root() -> Path:
    """Return the folder that `DBT_PROJECT_DIR` names, else the nearest with a dbt_project.yml.

    The nearest is the working directory or a folder above it. In a run of dbt it is dbt's project.

    Raises:
        ProjectError: there is no project, or it is not a hitparade project.
    """
    return _root or _checked(_named() or _nearest())


def use(folder: Path) -> None:
    """Act on this folder from now on, because dbt may have it from its command line."""
    global _root
    _root = folder.resolve()


def database() -> Path:
    """Return the file that `HITPARADE_DATABASE` names, else hitparade.duckdb in the root.

    Raises:
        ProjectError: the variable is not set, and there is no project.
    """
    named = os.environ.get("HITPARADE_DATABASE")
    return Path(named).resolve() if named else root() / DATABASE


def _named() -> Path | None:
    for variable in VARIABLES:
        if named := os.environ.get(variable):
            if not (folder := Path(named).resolve()).joinpath(FILE).is_file():
                raise ProjectError(
                    f"{variable} names {folder}, which has no {FILE}: set it to the folder of your "
                    f"hitparade project, or unset it and run the command in that folder"
                )
            return folder
    return None


def _nearest() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.joinpath(FILE).is_file():
            return folder
    raise ProjectError(
        f"there is no hitparade project in {here} or in a folder above it: change to your clone "
        f"of hitparade, which has a {FILE}, or set DBT_PROJECT_DIR to it"
    )


def _checked(folder: Path) -> Path:
    if MARK not in folder.joinpath(FILE).read_text(encoding="utf-8"):
        raise ProjectError(
            f"{folder / FILE} is another dbt project, not one of hitparade: it has no {MARK} in "
            "on-run-start. Change to your clone of hitparade, or set DBT_PROJECT_DIR to it"
        )
    return folder
