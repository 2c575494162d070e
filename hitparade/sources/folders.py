"""The folders of raw files: the user's, and the sample's."""

import os
from pathlib import Path
from typing import Literal

from hitparade import project

Status = Literal["real", "sample", "absent"]


class RawFileError(ValueError):
    """A raw file cannot be read; the message names the file and the next step."""


def raw_folder() -> Path:
    """Return the folder of the user's files: `HITPARADE_RAW`, else data/raw of the project.

    Raises:
        ProjectError: the variable is not set, and there is no project.
        RawFileError: `HITPARADE_RAW` is not a folder.
    """
    named = os.environ.get("HITPARADE_RAW")
    if not named:
        return project.root() / "data" / "raw"
    if not Path(named).is_dir():
        raise RawFileError(
            f"HITPARADE_RAW names {named}, which is not a folder: "
            "create it, or unset HITPARADE_RAW to use data/raw or the sample"
        )
    return Path(named)


def sample_folder() -> Path | None:
    """Return the folder of the sample: `HITPARADE_SAMPLE`, else the project's; None if it is 0.

    Raises:
        ProjectError: the variable is not set, and there is no project.
    """
    named = os.environ.get("HITPARADE_SAMPLE")
    if named == "0":
        return None
    return Path(named) if named else own_sample_folder()


def own_sample_folder() -> Path:
    """Return data/sample of the project.

    Raises:
        ProjectError: there is no project.
    """
    return project.root() / "data" / "sample"
