"""Fingerprints: short hashes of the data and the code that a candidate is trained from."""

import ast
import hashlib
import importlib.resources
from collections.abc import Iterable
from functools import cache
from importlib.resources.abc import Traversable

import pyarrow as pa

PACKAGE = "models_py"
# A folder, or inside Snowflake a part of a zip file.
CODE = importlib.resources.files(PACKAGE)
# These modules list tasks and algorithms. They are not counted, because a new entry does not change
# the other tasks. The entry of a task enters its fingerprint as `known`.
LISTS = {f"{PACKAGE}.tasks", f"{PACKAGE}.algorithms", f"{PACKAGE}.generated"}


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
        digest.update(f"{module}\n{_parsed(module)[0]}\n".encode())
    return digest.hexdigest()[:16]


def _reached(modules: Iterable[str]) -> set[str]:
    """Return the modules and all that they import, directly or indirectly."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _parsed(module)[1]
    return found


@cache
def _parsed(module: str) -> tuple[str, tuple[str, ...]]:
    """Return a module's code without docstrings, and the modules of this package it imports."""
    tree = ast.parse(_file(module).read_bytes())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            imported |= {one.name for one in node.names}
        elif isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            node.body = [one for one in node.body if not _is_text(one)]
    own = {name for name in imported if _is_counted(name) and _file(name).is_file()}
    return ast.dump(tree, annotate_fields=False), tuple(sorted(own))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_counted(module: str) -> bool:
    is_own = module.startswith(f"{PACKAGE}.")
    return is_own and module not in LISTS and module.rpartition(".")[0] != f"{PACKAGE}.generated"


def _file(module: str) -> Traversable:
    parts = module.split(".")[1:]
    folder = CODE.joinpath(*parts)
    if folder.is_dir():
        return folder / "__init__.py"
    return CODE.joinpath(*parts[:-1], f"{parts[-1]}.py")
