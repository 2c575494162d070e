"""Keys in the catalogs follow from data tests that passed."""

import duckdb
import pytest

from tests.e2e.catalogs import Client, opened

SCRIPT = """
create schema ml;
create table parents (parent_id varchar not null, name varchar);
create table children (parent_id varchar not null, place integer not null, name varchar);
create table ml.runs (node varchar, started_at timestamp, status varchar);
insert into ml.runs values
    ('model.parents', '2026-01-01', 'success'),
    ('model.children', '2026-01-01', 'success'),
    ('test.unique_parents_parent_id', '2026-01-01', 'pass'),
    ('test.unique_parents_name', '2026-01-01', 'fail'),
    ('test.unique_combination_of_columns_children_parent_id__place', '2026-01-01', 'pass'),
    ('test.unique_children_name', '2026-01-01', 'pass'),
    ('test.relationships_children_parent_id__parent_id__ref_parents_', '2026-01-01', 'pass');
"""
KEYS = (
    "SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid)"
    " FROM pg_constraint ORDER BY conname"
)


@pytest.fixture
def keys(tmp_path):
    """The keys that the catalogs of a small file show, after a further script."""

    def shown(script=""):
        path = tmp_path / "songs.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(path) as file:
            file.execute(SCRIPT + script)
        with opened(path, ["main", "ml"]) as connection:
            return Client(connection).rows(KEYS)

    return shown


def test_tests_that_passed_are_keys(keys):
    assert keys() == [
        ("children", "children_name_key", "u", "UNIQUE (name)"),
        (
            *("children", "children_parent_id_fkey", "f"),
            "FOREIGN KEY (parent_id) REFERENCES main.parents(parent_id)",
        ),
        ("children", "children_pkey", "p", "PRIMARY KEY (parent_id, place)"),
        ("parents", "parents_pkey", "p", "PRIMARY KEY (parent_id)"),
    ]


def test_a_table_that_was_built_after_its_tests_has_no_key(keys):
    rebuilt = "insert into ml.runs values ('model.parents', '2026-01-02', 'success')"
    assert {table for table, *_ in keys(rebuilt)} == {"children"}
    assert "f" not in {kind for _, _, kind, _ in keys(rebuilt)}


def test_a_test_that_failed_last_proves_nothing(keys):
    failed = "insert into ml.runs values ('test.unique_parents_parent_id', '2026-01-02', 'fail')"
    assert "parents_pkey" not in {name for _, name, *_ in keys(failed)}


def test_a_file_without_runs_has_no_keys(keys):
    assert keys("drop table ml.runs") == []


def test_a_long_name_is_shortened(keys):
    column = "c" * 60
    names = [
        name
        for _, name, *_ in keys(
            f"create table long ({column} integer);"
            "insert into ml.runs values ('model.long', '2026-01-01', 'success'),"
            f" ('test.unique_long_{column}', '2026-01-01', 'pass')"
        )
    ]
    assert max(map(len, names)) == 63
