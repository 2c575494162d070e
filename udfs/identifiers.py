"""Names in SQL."""


def quoted(name: str) -> str:
    """Return the name of a database, schema, table or column as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
