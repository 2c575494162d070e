"""An emulated Snowflake: fakesnow's server with additional functions and stricter checks.

    python -m tests.snowflake.emulator PORT

fakesnow translates each statement for DuckDB. Here a statement is first checked (see `dialect`).
Python functions and procedures run in separate processes (see `worker`). Some functions to which
fakesnow gives nulls or other types get the answers that Snowflake documents. SQL that is not
understood is an error. docs/snowflake.md says what this proves and what it does not.
"""

import asyncio
import hashlib
import inspect
import itertools
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs

import fakesnow.conn
import fakesnow.server
import pyarrow as pa
import uvicorn
from fakesnow import macros
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms import stage
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from tests.snowflake import dialect, translation

ROOT = Path(__file__).resolve().parents[2]
FUNCTION = re.compile(
    r"create\s+or\s+replace\s+function\s+(?P<name>[\w.]+)\s*\((?P<arguments>.*?)\)\s*"
    r"(?:copy\s+grants\s+)?returns\s+(?P<returns>\w+)\s*(?P<options>.*?)\bas\s*\$\$(?P<body>.*)\$\$\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
PROCEDURE = re.compile(
    r"with\s+\w+\s+as\s+procedure\s*\(\)(?P<options>.*?)\bas\s*\$\$(?P<body>.*)\$\$\s*call\s",
    re.IGNORECASE | re.DOTALL,
)
DROP_FUNCTION = re.compile(
    r"drop\s+function\s+if\s+exists\s+(?P<name>[\w.]+)\s*\((?P<types>[^)]*)\)\s*$", re.IGNORECASE
)
REMOVE = re.compile(r"remove\s+(?P<path>@[\w./-]+)\s*$", re.IGNORECASE)
TEMPORARY = re.compile(
    r"\A(create(?:\s+or\s+replace)?)\s+(?:scoped\s+)?temp(?:orary)?\b", re.IGNORECASE
)
COLUMN_COMMENTS = re.compile(
    r"alter\s+(?:table|view)\s+(?P<table>[\w.]+)\s+alter\s+\"", re.IGNORECASE
)
TABLE_COMMENT = re.compile(
    r"comment\s+on\s+(?P<object>table\s+[\w.]+|view\s+[\w.]+)\s+is\s+\$\$(?P<text>.*)\$\$\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
COLUMN_COMMENT = re.compile(r'"(\w+)"\s+comment\s+\$\$(.*?)\$\$', re.IGNORECASE | re.DOTALL)
OPTION = r"\b{}\s*=\s*(?:\((?P<many>[^)]*)\)|'(?P<one>[^']*)')"
# Comments around a statement are removed: dbt adds one to each.
COMMENTS = re.compile(r"\A(?:\s*/\*.*?\*/|\s*--[^\n]*\n)*\s*|\s*/\*[^*]*\*/\s*;?\s*\Z", re.DOTALL)
STRUCTURED = {"array", "object", "variant"}
DUCKDB_TYPES = {"varchar": "VARCHAR", "integer": "BIGINT", "bigint": "BIGINT"}
DUCKDB_TYPES |= {"double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE"}
# The created functions by full name and by last name.
_functions: dict[str, str] = {}
# For each function the types of its arguments, once for each form that was created.
_signatures: dict[str, set[tuple[str, ...]]] = {}
_processes: dict[str, "Process"] = {}
_numbers = itertools.count()
_lock = threading.Lock()
_port = 0


def option(options: str, name: str) -> list[str]:
    """Return the value of a clause of CREATE FUNCTION or PROCEDURE."""
    found = re.search(OPTION.format(name), options, re.IGNORECASE)
    if not found:
        return []
    if found["one"] is not None:
        return [found["one"]]
    return re.findall(r"'([^']*)'", found["many"])


CLAUSE = re.compile(
    r"language\s+python|handler\s*=\s*'\w+'|runtime_version\s*=\s*'3\.11'|execute\s+as\s+caller"
    r"|(packages|imports)\s*=\s*\([^)]*\)|returns\s+string",
    re.IGNORECASE,
)


def refuse_unknown_clauses(options: str) -> None:
    """Refuse clauses between the arguments and the body that the project does not use.

    Raises:
        ProgrammingError: there is such a clause.
    """
    if left := CLAUSE.sub("", options).strip():
        raise ProgrammingError(msg=f"Unknown clause {left}", errno=1003, sqlstate="42000")


class Process:
    """A worker process with the code of one statement."""

    def __init__(self, options: str, body: str, **more):
        """Start the process; `more` is added to the statement.

        Raises:
            ProgrammingError: the code fails, or an import is not on its stage.
        """
        refuse_unknown_clauses(options)
        self.imports = _imports(options)
        self.statement = (options, body)
        statement = {
            "code": body,
            "handler": option(options, "handler")[0],
            "packages": option(options, "packages"),
            "imports": list(self.imports),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", ROOT / "tests" / "snowflake" / "worker.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        self._lock = threading.Lock()
        self.ask(statement | more)

    def has(self, options: str, body: str) -> bool:
        """Return whether another statement is the same, with the same files."""
        return self.statement == (options, body) and self.imports == _imports(options)

    def end(self) -> None:
        """Stop the process: another function has replaced it."""
        self._process.stdin.close()
        self._process.wait()

    def ask(self, question) -> object:
        """Send a question as a line and return the answer."""
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            print(answer.get("traceback", answer["error"]), file=sys.stderr, flush=True)
            raise ProgrammingError(msg=answer["error"], errno=100357, sqlstate="P0000")
        return answer["answer"]


def _imports(options: str) -> dict[str, str]:
    """Return the files that a statement imports, each with a hash of its content."""
    paths = [_staged(path) for path in option(options, "imports")]
    return {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def _local(path: str) -> Path:
    """The local file of a path such as @database.schema.stage/file."""
    stage_name, _, file = path.removeprefix("@").partition("/")
    return Path(stage.internal_dir(stage_name.upper()), file)


def _staged(path: str) -> str:
    """The same, for a file that must exist."""
    local = _local(path)
    if not local.is_file():
        raise ProgrammingError(msg=f"Could not access file {path}", errno=391546, sqlstate="42601")
    return str(local)


class Cursor(FakeSnowflakeCursor):
    """fakesnow's cursor with Python functions and procedures, and with stricter checks."""

    def execute(self, command, params=None, *arguments, **options):
        """Run a statement as Snowflake would, or refuse it."""
        bare = COMMENTS.sub("", command)
        try:
            return self._run(bare, params, *arguments, **options)
        except ProgrammingError:
            raise
        except Exception as error:
            # fakesnow would answer 500. Clients take that for an outage and retry for a long time.
            print(f"FAILED {error!r}\n{bare[:3000]}", file=sys.stderr, flush=True)
            raise ProgrammingError(msg=str(error), errno=99999, sqlstate="XX000") from error

    def _run(self, bare, params=None, *arguments, **options):
        if found := PROCEDURE.match(bare):
            self._call(found)
            return super().execute("select 'done' as result", **options)
        if found := FUNCTION.match(bare):
            self._create_function(found)
            return super().execute("select 'created' as status", **options)
        if found := DROP_FUNCTION.match(bare):
            types = tuple(_type(one) for one in found["types"].split(","))
            _signatures.get(found["name"].lower(), set()).discard(types)
            return super().execute("select 'dropped' as status", **options)
        if found := TABLE_COMMENT.match(bare):
            self._comment(found["object"], found["text"])
            return super().execute("select 'commented' as status", **options)
        if found := COLUMN_COMMENTS.match(bare):
            for column, text in COLUMN_COMMENT.findall(bare):
                self._comment(f"column {found['table']}.{column}", text)
            return super().execute("select 'altered' as status", **options)
        try:
            dialect.checked(bare, frozenset(_functions))
        except dialect.DialectError as error:
            print(f"REFUSED {error}\n{bare[:2000]}", file=sys.stderr, flush=True)
            raise ProgrammingError(msg=str(error), errno=2140, sqlstate="42601") from error
        if found := REMOVE.match(bare):
            _local(found["path"]).unlink(missing_ok=True)
            return super().execute("select 'removed' as result", **options)
        # fakesnow does not know that Snowpark quotes stage names.
        if re.match(r"put\b", bare, re.IGNORECASE):
            bare = re.sub(r"'(@[^']+)'", r"\1", bare)
        # DuckDB has one schema for temporary tables, but fakesnow looks in the schema of each.
        bare = TEMPORARY.sub(r"\1 ", bare)
        return super().execute(bare, params, *arguments, **options)

    def _comment(self, what: str, text: str) -> None:
        quoted = text.strip().replace("'", "''")
        self._duck_conn.execute(f"comment on {what} is '{quoted}'")

    def _transform(self, expression, params):
        return super()._transform(translation.translated(expression, _functions), params)

    def _call(self, found: re.Match) -> None:
        connection = {
            "host": "127.0.0.1",
            "port": _port,
            "protocol": "http",
            "account": "emulated",
            "user": "procedure",
            "password": "any",
            "database": self._conn.database,
            "schema": self._conn.schema,
            "bucket": stage.LOCAL_BUCKET_PATH,
        }
        Process(found["options"], found["body"], connection=connection)

    def _create_function(self, found: re.Match) -> None:
        name = found["name"]
        arguments = _arguments(found["arguments"])
        _refuse_overload(name, arguments)
        returns = found["returns"].lower()
        if re.search(r"language\s+python", found["options"], re.IGNORECASE):
            body = self._python(name, found, arguments, returns)
        else:
            body = self._sql(found["body"], arguments, returns)
        parameters = ", ".join(
            name if default is None else f"{name} := {default}" for name, _, default in arguments
        )
        with _lock:
            self._duck_conn.execute(f"create or replace macro {name}({parameters}) as {body}")
            _functions.update({name.lower(): name, name.lower().rpartition(".")[2]: name})

    def _python(self, name: str, found: re.Match, arguments, returns: str) -> str:
        """Register a Python function for this statement and return the call."""
        process = self._process(name.lower(), found["options"], found["body"])
        registered = f"python_{next(_numbers)}"
        types = [type for _, type, _ in arguments]

        def compute(*columns: pa.ChunkedArray) -> pa.Array:
            batch = [
                [
                    json.loads(value) if type in STRUCTURED and value is not None else value
                    for value in column.to_pylist()
                ]
                for column, type in zip(columns, types, strict=True)
            ]
            answers = process.ask(batch)
            if returns in STRUCTURED:
                texts = [None if answer is None else json.dumps(answer) for answer in answers]
                return pa.array(texts, pa.string())
            return pa.array(answers, {"varchar": pa.string()}.get(returns, pa.float64()))

        # DuckDB counts the parameters of the function.
        compute.__signature__ = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name, _, _ in arguments]
        )
        self._duck_conn.create_function(
            registered,
            compute,
            [_duckdb_type(type) for type in types],
            _duckdb_type(returns),
            type="arrow",
            null_handling="special",
            side_effects=False,
        )
        call = f"{registered}({', '.join(_given(name, type) for name, type, _ in arguments)})"
        return f"cast({call} as json)" if returns in STRUCTURED else call

    def _process(self, name: str, options: str, body: str) -> Process:
        """Return the process of a function: the present one if the statement is the same."""
        process = _processes.get(name)
        if process and process.has(options, body):
            return process
        started = Process(options, body)
        with _lock:
            replaced = _processes.pop(name, None)
            _processes[name] = started
        if replaced:
            replaced.end()
        return started

    def _sql(self, body: str, arguments, returns: str) -> str:
        """The body of an SQL function in DuckDB's dialect."""
        statement = f"select {body}"
        try:
            (tree,) = dialect.checked(statement, frozenset(_functions))
        except dialect.DialectError as error:
            raise ProgrammingError(msg=str(error), errno=2140, sqlstate="42601") from error
        types = {name: type for name, type, _ in arguments}

        def typed(node):
            if isinstance(node, exp.Column) and not node.table and node.name.lower() in types:
                return exp.cast(node.copy(), types[node.name.lower()], dialect="snowflake")
            return node

        tree = self._transform(tree.transform(typed), None)
        type = "json" if returns in STRUCTURED else returns
        return f"cast(({tree.expressions[0].sql(dialect='duckdb')}) as {type})"


def _arguments(text: str) -> list[tuple[str, str, str | None]]:
    """Names, types and defaults."""
    found = []
    for part in re.split(r",(?![^(]*\))", text):
        if part.strip():
            head, _, default = part.strip().partition(" default ")
            name, type = head.split()
            default = default.replace("as array", "as json") or None
            if default and default.startswith("array_construct("):
                texts = re.findall(r"'([^']*)'", default)
                default = f"cast('{json.dumps(texts)}' as json)"
            found.append((name.lower(), type.lower(), default))
    return found


def _type(type: str) -> str:
    """A type by the name that Snowflake lists it under."""
    return {"bigint": "number", "integer": "number"}.get(type.strip().lower(), type.strip().lower())


def _refuse_overload(name: str, arguments: list[tuple[str, str, str | None]]) -> None:
    """Refuse a function that another one of its name would make ambiguous.

    Raises:
        ProgrammingError: an earlier form takes a number of arguments that this one takes as well.
    """
    types = tuple(_type(type) for _, type, _ in arguments)
    required = sum(default is None for _, _, default in arguments)
    known = _signatures.setdefault(name.lower(), set())
    for other in known - {types}:
        shorter, longer = sorted((other, types), key=len)
        if longer[: len(shorter)] == shorter and len(other) >= required:
            raise ProgrammingError(
                msg=f"Cannot overload FUNCTION '{name}' as it would cause ambiguous FUNCTION "
                "overloading.",
                errno=949,
                sqlstate="42601",
            )
    known.add(types)


def _duckdb_type(type: str) -> str:
    return "VARCHAR" if type in STRUCTURED else DUCKDB_TYPES[type]


def _given(name: str, type: str) -> str:
    if type in STRUCTURED:
        return f"cast(to_json({name}) as varchar)"
    return f"cast({name} as {_duckdb_type(type)})"


class Once:
    """Runs each statement once: a client that has waited too long sends its request again.

    It keeps the number of the request, and gets the answer to the first one, as from Snowflake.
    """

    KEPT = 100

    def __init__(self, app):
        """Take the application that answers."""
        self._app = app
        self._answers: dict[str, asyncio.Task] = {}

    async def __call__(self, scope, receive, send):
        """Answer a request."""
        if scope.get("path") != "/queries/v1/query-request":
            return await self._app(scope, receive, send)
        (number,) = parse_qs(scope["query_string"].decode())["requestId"]
        if number not in self._answers:
            body, more = b"", True
            while more:
                part = await receive()
                body, more = body + part.get("body", b""), part.get("more_body", False)
            self._answers[number] = asyncio.create_task(self._answer(scope, body))
            for old in list(self._answers)[: -self.KEPT]:
                del self._answers[old]
        for message in await asyncio.shield(self._answers[number]):
            await send(message)

    async def _answer(self, scope, body: bytes) -> list[dict]:
        messages: list[dict] = []

        async def receive() -> dict:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        return messages


def main(port: int) -> None:
    """Serve until killed."""
    global _port
    _port = port
    fakesnows = macros.creation_sql
    macros.creation_sql = lambda catalog: fakesnows(catalog) + translation.macros(catalog)

    def cursor(self, cursor_class=None):
        # Threads of the server must not share a DuckDB connection.
        return Cursor(conn=self, duck_conn=self._duck_conn, use_dict_result=False)

    fakesnow.conn.FakeSnowflakeConnection.cursor = cursor
    parse = fakesnow.server.parse_one

    def parse_one(statement: str):
        bare = COMMENTS.sub("", statement)
        is_own = PROCEDURE.match(bare) or FUNCTION.match(bare)
        return parse("select 1") if is_own else parse(statement)

    fakesnow.server.parse_one = parse_one
    uvicorn.run(Once(fakesnow.server.app), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
