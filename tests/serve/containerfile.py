"""Read Containerfile, compose.yml and .dockerignore, for tests."""

import json
import re
import shlex
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import yaml

from tests.warehouse import ROOT


@dataclass(frozen=True)
class Stage:
    """A stage of the Containerfile: its instructions in order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Return what all instructions of this name say."""
        return [said for instruction, said in self.instructions if instruction == name]

    def last(self, name: str) -> str | None:
        """Return what counts of an instruction that a later one replaces."""
        return (self.all(name) or [None])[-1]

    def command(self, name: str) -> list[str]:
        """Return ENTRYPOINT, CMD or the command of HEALTHCHECK, which are in the exec form."""
        said = self.last(name) or ""
        return json.loads(said[said.index("[") :])


def stages() -> dict[str, Stage]:
    """Return the stages by name."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    stage = Stage("", "")
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        instruction, _, said = line.strip().partition(" ")
        if instruction == "FROM":
            base, _, name = said.partition(" AS ")
            stage = found[name] = Stage(name, base)
        elif instruction == "ARG" and not stage.name:
            found[said] = Stage(said, "")
        elif instruction:
            stage.instructions.append((instruction, said))
    return found


def line_of(stage: str) -> list[Stage]:
    """Return a stage and those that it is made from, the first one first."""
    known = stages()
    line = [known[stage]]
    while (base := line[0].base) in known:
        line.insert(0, known[base])
    return line


def installed(stage: str) -> list[str]:
    """Return the packages that the RUN lines of a stage and of its bases name."""
    found = []
    for each in line_of(stage):
        for run in each.all("RUN"):
            _, is_install, said = run.partition("/opt/pip/bin/pip install ")
            names = shlex.split(said) if is_install and "--" not in said else []
            found += names
    return found


def copied() -> list[str]:
    """Return what is copied out of the project."""
    return [
        source
        for stage in stages().values()
        for said in stage.all("COPY")
        if not said.startswith("--from=")
        for source in said.split()[:-1]
    ]


def is_ignored(path: str) -> bool:
    """Return whether .dockerignore keeps a path from the builder: the last rule counts."""
    ignored = False
    for rule in (ROOT / ".dockerignore").read_text().split("\n"):
        if rule and not rule.startswith("#"):
            pattern = rule.removeprefix("!")
            if fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                ignored = not rule.startswith("!")
    return ignored


def services() -> dict[str, dict[str, Any]]:
    """Return the services of compose.yml."""
    return yaml.safe_load((ROOT / "compose.yml").read_text())["services"]
