"""What is wrong with a statement about the catalogs."""


class CatalogError(ValueError):
    """A statement about the catalogs that has no answer here. The message names what is missing."""

    def __init__(self, message: str, code: str = "0A000") -> None:
        """Keep the message and PostgreSQL's code of the error, SQLSTATE."""
        super().__init__(message)
        self.code = code


def no_relation(name: str) -> CatalogError:
    """The error for a relation that PostgreSQL's catalogs do not have."""
    return CatalogError(f'relation "{name}" does not exist', "42P01")


def no_function(name: str) -> CatalogError:
    """The error for a function of PostgreSQL that is unknown here."""
    return CatalogError(f"function {name} does not exist on this server", "42883")


def no_type(name: str) -> CatalogError:
    """The error for a type of PostgreSQL that is unknown here."""
    return CatalogError(f'type "{name}" does not exist', "42704")
