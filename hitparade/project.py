"""The dbt project that a command acts on: that of the folder it is started in, as with dbt."""

import os
from pathlib import Path

FILE = "dbt_project.yml"
DATABASE = "hitparade.duckdb"
# In the order in which dbt prefers them.
VARIABLES = ("DBT_ENGINE_PROJECT_DIR", "DBT_PROJECT_DIR")
# What makes a project one of hitparade: each run of it begins with this macro. Its name does not,
# for people may give their project another.
MARK = "create_registry()"

_root: Path | None = None


class ProjectError(RuntimeError):
    """There is no project to act on; the message says why and what to do."""


def root() -> Path:
    """Return the folder that `DBT_PROJECT_DIR` names, else the nearest with a dbt_project.yml.

    The nearest is the working directory or one above it. Within a run of dbt it is dbt's own.

    Raises:
        ProjectError: there is none, or it is not one of hitparade.
    """
    return _root or _checked(_named() or _nearest())


def use(folder: Path) -> None:
    """Act on this folder from now on: dbt may have it from an option of its command line."""
    global _root
    _root = folder.resolve()


def database() -> Path:
    """Return the file that `HITPARADE_DATABASE` names, else hitparade.duckdb in the root.

    Raises:
        ProjectError: neither the variable nor a project is there.
    """
    named = os.environ.get("HITPARADE_DATABASE")
    return Path(named).resolve() if named else root() / DATABASE


def _named() -> Path | None:
    for variable in VARIABLES:
        if named := os.environ.get(variable):
            if not (folder := Path(named).resolve()).joinpath(FILE).is_file():
                raise ProjectError(
                    f"{variable} names {folder}, which has no {FILE}: name the folder of your "
                    f"hitparade project, or unset {variable} and start there"
                )
            return folder
    return None


def _nearest() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.joinpath(FILE).is_file():
            return folder
    raise ProjectError(
        f"there is no hitparade project in {here}, nor in a folder above it: change to your clone "
        f"of hitparade, which has a {FILE}, or name it by DBT_PROJECT_DIR"
    )


def _checked(folder: Path) -> Path:
    if MARK not in folder.joinpath(FILE).read_text(encoding="utf-8"):
        raise ProjectError(
            f"{folder / FILE} is another dbt project, not one of hitparade: it has no {MARK} in "
            "on-run-start. Change to your clone of hitparade, or name it by DBT_PROJECT_DIR"
        )
    return folder
