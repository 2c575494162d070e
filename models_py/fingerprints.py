"""Fingerprints: what a candidate is trained from, as short hashes that change when it does."""

import ast
import hashlib
import importlib.resources
from collections.abc import Iterable
from functools import cache
from importlib.resources.abc import Traversable

import pyarrow as pa

PACKAGE = "models_py"
# The folder, or where Snowflake runs it the part of a zip.
CODE = importlib.resources.files(PACKAGE)
# Lists of tasks and algorithms: a new entry changes nothing for the others, and what a task takes
# from them is a part of its fingerprint by itself.
LISTS = {f"{PACKAGE}.tasks", f"{PACKAGE}.algorithms", f"{PACKAGE}.generated"}


def of_tables(tables: Iterable[pa.Table], known: object) -> str:
    """Return a short hash of all values of tables and what is known of them.

    pyarrow must have sorted the tables: it leaves nothing by chance in the place of a NULL.
    """
    digest = hashlib.sha256(repr(known).encode())
    for table in tables:
        for batch in table.combine_chunks().to_batches(max_chunksize=65_536):
            digest.update(batch.serialize())
    return digest.hexdigest()[:16]


def of_code(modules: Iterable[str], known: object = None) -> str:
    """Return a short hash of modules and of all that they import of this package.

    Comments, docstrings and layout do not count: they train no other model.

    Args:
        modules: names such as `models_py.training`.
        known: what else decides, such as the metric of the task.
    """
    digest = hashlib.sha256(repr(known).encode())
    for module in sorted(_reached(modules)):
        digest.update(f"{module}\n{_parsed(module)[0]}\n".encode())
    return digest.hexdigest()[:16]


def _reached(modules: Iterable[str]) -> set[str]:
    """Modules, and those that they import, and so on."""
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
    """The code of a module without docstrings, and the modules of this package it imports."""
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
