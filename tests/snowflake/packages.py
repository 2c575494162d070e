"""What a statement may import: the packages that it names, and what they need."""

import importlib.abc
import importlib.metadata
import re
import sys

# Snowflake's names of packages that have another one here.
HERE = {"pytorch": "torch", "xgboost": "xgboost-cpu"}
# The parts of the project stand in the zip that the statement imports, and nowhere else.
OWN = {"hitparade"}


def allowed(packages: list[str]) -> set[str]:
    """Return the distributions of packages, and of all that they need.

    Raises:
        ValueError: a package that Snowflake would not know.
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
            continue  # of another system


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class Wall(importlib.abc.MetaPathFinder):
    """A finder of modules that does not see what is installed here, but would not be there."""

    def __init__(self, finder, packages: list[str]):
        """Take a finder that sees all, and the packages of the statement."""
        self._finder = finder
        self._allowed = allowed(packages)
        self._homes = importlib.metadata.packages_distributions()

    def __getattr__(self, name):
        """Leave to the finder what is no import, such as the versions of packages."""
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        """Find a module of the allowed distributions, of the imports or of Python itself."""
        top = name.partition(".")[0]
        homes = {_normal(home) for home in self._homes.get(top, [])} - OWN
        if homes and top not in sys.stdlib_module_names and not homes & self._allowed:
            return None
        return self._finder.find_spec(name, path, target)


def wall_in(packages: list[str]) -> None:
    """Let this process import nothing but these packages from now on."""
    sys.meta_path = [Wall(finder, packages) for finder in sys.meta_path]
