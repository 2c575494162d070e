"""Relations whose rows depend on the session."""

from sqlglot import exp

from hitparade.serve.postgres.catalog.create import DATABASE
from hitparade.serve.postgres.catalog.session import Session

# The id of a role that nobody named when the catalogs were created.
_UNNAMED_ROLE = 16_383
_ROLE = (
    "{oid} as oid, {user} as rolname, false as rolsuper, true as rolinherit, "
    "false as rolcreaterole, false as rolcreatedb, true as rolcanlogin, "
    "false as rolreplication, -1 as rolconnlimit, false as rolbypassrls"
)
# A row for the user of the session, with what PostgreSQL has in the relation.
_USERS = {
    "pg_authid": ("rolname", _ROLE),
    "pg_roles": ("rolname", _ROLE + ", '********' as rolpassword"),
    "pg_user": (
        "usename",
        "{oid} as usesysid, {user} as usename, false as usecreatedb, false as usesuper, "
        "false as userepl, false as usebypassrls, '********' as passwd",
    ),
}


def rows_of(name: str, place: str, session: Session) -> str | None:
    """A query in place of a relation; None if the relation is the same for all sessions."""
    if name in _USERS:
        return _users(name, place, session)
    if name == "pg_settings":
        return _settings(place, session)
    if name == "pg_stat_activity":
        return _activity(place, session)
    return None


def _users(name: str, place: str, session: Session) -> str:
    column, values = _USERS[name]
    user = _text(session.user)
    row = values.format(oid=_UNNAMED_ROLE, user=user)
    return (
        f"from {place} union all by name "
        f"select {row} where {user} not in (select {column} from {place})"
    )


def _settings(place: str, session: Session) -> str:
    values = ", ".join(f"({_text(key)}, {_text(of)})" for key, of in session.reported().items())
    return (
        "select settings.* replace (coalesce(own.value, settings.setting) as setting, "
        "coalesce(own.value, settings.reset_val) as reset_val) "
        f"from {place} as settings left join (values {values}) as own(key, value) "
        "on own.key = lower(settings.name)"
    )


def _activity(place: str, session: Session) -> str:
    program = session.settings.get("application_name", "")
    return (
        f"from {place} union all by name "
        f"select oid as datid, datname, {session.pid} as pid, {_text(session.user)} as usename, "
        f"'active' as state, {_text(program)} as application_name, "
        f"'client backend' as backend_type from {DATABASE}.catalog.pg_database"
    )


def _text(value: str) -> str:
    return exp.Literal.string(value).sql("duckdb")
