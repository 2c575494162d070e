"""The docs blocks of dbt: descriptions of columns that many models share."""

from hitparade.generate.declarations import Column, Declarations, Entity
from models_py.registry_schema import PORTABLE, SCHEMA, descriptions


def blocks(declared: Declarations) -> dict[str, str]:
    """Return name and text of each docs block that follows from a declaration.

    A name begins with its source: the entity of tasks/columns.yml, registry or sql_backend.
    """
    found: dict[str, str] = {}
    for entity in declared.entities.values():
        found |= {f"{entity.name}_{name}": says for name, says in _of_entity(entity).items()}
    found |= {f"registry_{name}": says for name, says in descriptions(SCHEMA).items()}
    found |= {f"sql_backend_{name}": says for name, says in descriptions(PORTABLE).items()}
    return found


def _of_entity(entity: Entity) -> dict[str, str]:
    found = {entity.key: entity.key_description}
    for column in entity.columns.values():
        found |= _of_column(column)
    return found


def _of_column(column: Column) -> dict[str, str]:
    """Return the descriptions of a column and of its inputs with other names."""
    inputs = {one.name: one.description for one in column.inputs if one.name != column.name}
    return {column.name: column.description} | inputs


def doc(block: str) -> str:
    """Return the reference to a docs block, as a description."""
    return f'{{{{ doc("{block}") }}}}'


def key_doc(entity: Entity) -> str:
    """Return the reference to the docs block of an entity's key."""
    return doc(f"{entity.name}_{entity.key}")


def registry_docs() -> dict[str, str]:
    """Return a reference to the docs block of each column of the registry, by name."""
    return {name: doc(f"registry_{name}") for name in SCHEMA.names}


def sql_backend_docs() -> dict[str, str]:
    """Return a reference to the docs block of each parameter of the SQL backend, by name."""
    return {name: doc(f"sql_backend_{name}") for name in descriptions(PORTABLE)}
