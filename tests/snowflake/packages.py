"""Packages that a statement may import: those it names and their dependencies."""

import importlib.abc
import importlib.metadata
import re
import sys

# Snowflake's names of packages that have another name on PyPI.
HERE = {"pytorch": "torch", "xgboost": "xgboost-cpu"}
# Packages of the project may come only from the zip that the statement imports.
OWN = {"hitparade"}


def allowed(packages: list[str]) -> set[str]:
    """Return the distributions of packages and of all their dependencies.

    Raises:
        ValueError: Snowflake would not know a package.
    """
    found: set[str] = set()
    for package in packages:
        name = HERE.get(package, package)
        try:
            _collect(name, found)
        except importlib.metadata.PackageNotFoundError as error:
            raise ValueError(f"no package {package}") from error
    return found


def _collect(name: str, found: set[str]) -> None:
    name = _normal(name)
    if name in found:
        return
    requirements = importlib.metadata.requires(name) or []
    found.add(name)
    for requirement in requirements:
        needed, _, marker = requirement.partition(";")
        if "extra" in marker:
            continue
        try:
            _collect(re.match(r"[\w.-]+", needed).group(), found)
        except importlib.metadata.PackageNotFoundError:
            continue  # a marker of another system


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class ImportFilter(importlib.abc.MetaPathFinder):
    """A module finder that hides packages that are installed here but not in Snowflake."""

    def __init__(self, finder, packages: list[str]):
        """Wrap a finder; `packages` are those of the statement."""
        self._finder = finder
        self._allowed = allowed(packages)
        self._homes = importlib.metadata.packages_distributions()

    def __getattr__(self, name):
        """Delegate everything but imports, such as package versions, to the finder."""
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        """Find a module of the allowed distributions, the imports or the standard library."""
        top = name.partition(".")[0]
        homes = {_normal(home) for home in self._homes.get(top, [])} - OWN
        if homes and top not in sys.stdlib_module_names and not homes & self._allowed:
            return None
        return self._finder.find_spec(name, path, target)


def restrict_imports(packages: list[str]) -> None:
    """Allow this process only imports of these packages from now on."""
    sys.meta_path = [ImportFilter(finder, packages) for finder in sys.meta_path]
