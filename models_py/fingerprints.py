"""Fingerprints: short hashes of the data and the code that a candidate is trained from."""

import ast
import hashlib
import importlib.resources
import threading
from collections.abc import Container, Iterable, Iterator
from functools import cache
from importlib.resources.abc import Traversable
from typing import NamedTuple

import pyarrow as pa

PACKAGE = "models_py"
# A folder, or inside Snowflake a part of a zip file.
CODE = importlib.resources.files(PACKAGE)
# These modules list tasks and algorithms. They are not counted, because a new entry does not change
# the other tasks. The entry of a task enters its fingerprint as `known`.
LISTS = {f"{PACKAGE}.tasks", f"{PACKAGE}.algorithms", f"{PACKAGE}.generated"}
_lock = threading.Lock()


def of_tables(tables: Iterable[pa.Table], known: object) -> str:
    """Return a short hash of all values of the tables and of further facts.

    Args:
        tables: sorted by pyarrow. Sorting rewrites the buffers, so the bytes under a NULL are
            always the same.
        known: further facts that decide about the training, such as vocabularies.
    """
    digest = hashlib.sha256(repr(known).encode())
    for table in tables:
        for batch in table.combine_chunks().to_batches(max_chunksize=65_536):
            digest.update(batch.serialize())
    return digest.hexdigest()[:16]


def of_code(modules: Iterable[str], known: object = None) -> str:
    """Return a short hash of modules and of everything they import from this package.

    Comments, docstrings and layout are ignored, because they do not change a trained model.

    Args:
        modules: names such as `models_py.training`.
        known: further facts that decide about the training, such as the metric of the task.
    """
    digest = hashlib.sha256(repr(known).encode())
    for module in sorted(_reached(modules)):
        digest.update(f"{module}\n{parsed()[module].code}\n".encode())
    return digest.hexdigest()[:16]


def _reached(modules: Iterable[str]) -> set[str]:
    """Return the modules and all that they import, directly or indirectly."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += parsed()[module].imported
    return found


class Parsed(NamedTuple):
    """A module's code without docstrings, and the modules of this package that it imports."""

    code: str
    imported: tuple[str, ...]


def parsed() -> dict[str, Parsed]:
    """Return all modules of this package, parsed once.

    CPython can fail if two threads make syntax trees at the same time. PyTorch makes some, too, so
    all modules are parsed before a training begins.
    """
    with _lock:
        return _all_parsed()


@cache
def _all_parsed() -> dict[str, Parsed]:
    files = dict(_files(CODE, PACKAGE))
    return {module: _parsed(file, files) for module, file in files.items()}


def _files(folder: Traversable, package: str) -> Iterator[tuple[str, Traversable]]:
    for one in folder.iterdir():
        name = one.name.removesuffix(".py")
        if one.is_dir():
            yield from _files(one, f"{package}.{name}")
        elif one.name == "__init__.py":
            yield package, one
        elif one.name.endswith(".py"):
            yield f"{package}.{name}", one


def _parsed(file: Traversable, known: Container[str]) -> Parsed:
    tree = ast.parse(file.read_bytes(), str(file))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            imported |= {one.name for one in node.names}
        elif isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            node.body = [one for one in node.body if not _is_text(one)]
    own = {name for name in imported if _is_counted(name) and name in known}
    return Parsed(ast.dump(tree, annotate_fields=False), tuple(sorted(own)))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_counted(module: str) -> bool:
    is_own = module.startswith(f"{PACKAGE}.")
    return is_own and module not in LISTS and module.rpartition(".")[0] != f"{PACKAGE}.generated"
