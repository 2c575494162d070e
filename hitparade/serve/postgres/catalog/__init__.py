from dataclasses import dataclass, field


@dataclass(frozen=True)
class Session:
    user: str = ""
    database: str = ""
    pid: int = 0
    settings: dict = field(default_factory=dict)


def create(connection, database, schemas):
    pass


def rewrite(sql, session):
    return None
