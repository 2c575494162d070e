"""What is installed: every requirement is pinned, and every hook of git is there."""

import re
import tomllib
from importlib.metadata import distributions

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.warehouse import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_every_requirement_is_pinned():
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = names([line for line in pins if re.search("==| @ ", line)])
    wanted = names([*PROJECT["dependencies"], *(line for one in EXTRAS.values() for line in one)])
    assert wanted - pinned == {"hitparade"}


def test_every_installed_package_allows_the_python_of_debian_12():
    """pip would search for an older version for many minutes, and then fail."""
    wanted = {
        package.name: package.metadata.get("Requires-Python") or "" for package in distributions()
    }
    assert len(wanted) > 100
    refusing = {
        name: python
        for name, python in wanted.items()
        if not SpecifierSet(python).contains("3.11.2")
    }
    assert refusing == {}


def test_the_hooks_of_git_are_of_the_environment_of_the_tests():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    assert "pre-commit" in names(EXTRAS["test"])
