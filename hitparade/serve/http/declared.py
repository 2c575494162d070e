"""What the declarations of functions tell of their arguments: udfs/functions/**/*.yml."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import udfs

log = logging.getLogger(__name__)

PACKAGED = Path(udfs.__file__).parent / "functions"
# The C library parses ten times as fast, where it is there.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class DeclaredArgument:
    """What is declared of an argument."""

    type: str
    description: str
    is_optional: bool


@dataclass(frozen=True)
class DeclaredFunction:
    """What is declared of a function."""

    arguments: dict[str, DeclaredArgument] = field(default_factory=dict)
    returns: str | None = None
    returns_description: str = ""


class Declarations:
    """The declarations of some folders; files that changed are read again."""

    def __init__(self, folders: list[Path]):
        """Take the folders; a later one goes before an earlier one."""
        self._folders = folders
        self._files: dict[Path, tuple[int, dict[str, DeclaredFunction]]] = {}

    async def read(self) -> dict[str, DeclaredFunction]:
        """Return all declared functions, by name."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, DeclaredFunction]:
        found: dict[str, DeclaredFunction] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*.yml")):
                found |= self._file(path)
        return found

    def _file(self, path: Path) -> dict[str, DeclaredFunction]:
        try:
            changed = path.stat().st_mtime_ns
            if path not in self._files or self._files[path][0] != changed:
                self._files[path] = changed, _functions(path.read_text(encoding="utf-8"))
            return self._files[path][1]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            log.warning("%s describes no functions: %s", path, error)
            return {}


def _functions(text: str) -> dict[str, DeclaredFunction]:
    listed = (yaml.load(text, Loader=Loader) or {}).get("functions") or []
    return {said["name"]: _function(said) for said in listed}


def _function(said: dict[str, Any]) -> DeclaredFunction:
    returns = said.get("returns") or {}
    return DeclaredFunction(
        {each["name"]: _argument(each) for each in said.get("arguments") or []},
        _line(returns.get("data_type")) or None,
        _line(returns.get("description")),
    )


def _argument(said: dict[str, Any]) -> DeclaredArgument:
    return DeclaredArgument(
        _line(said.get("data_type")), _line(said.get("description")), "default_value" in said
    )


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
