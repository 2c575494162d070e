"""pg_catalog and information_schema of a published file, as PostgreSQL 15 has them.

DuckDB has relations of these names too, but with ids and types of its own, which clients take for
those of PostgreSQL. So `create` makes all of them in a database in memory, from facts about
PostgreSQL (`facts`) and from what the file knows, and `rewrite` turns a client's statement about
them into DuckDB's SQL over these tables.
"""

from hitparade.serve.postgres.catalog.create import create
from hitparade.serve.postgres.catalog.errors import CatalogError
from hitparade.serve.postgres.catalog.facts import elements
from hitparade.serve.postgres.catalog.rewrite import Rewritten, rewrite
from hitparade.serve.postgres.catalog.scanning import statements
from hitparade.serve.postgres.catalog.session import Session, assignments

__all__ = [
    "CatalogError",
    "Rewritten",
    "Session",
    "assignments",
    "create",
    "elements",
    "rewrite",
    "statements",
]
