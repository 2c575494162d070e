"""A draft leaves nothing beside the database."""

import duckdb
import pytest

from hitparade.pipeline import publish


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "songs.duckdb"
    duckdb.connect(path).close()
    return path


def test_a_refused_change_leaves_nothing_beside_the_database(database):
    with pytest.raises(ZeroDivisionError), publish.draft(database):
        raise ZeroDivisionError
    assert list(database.parent.iterdir()) == [database]


def test_neither_does_a_published_one(database):
    with publish.draft(database):
        pass
    assert list(database.parent.iterdir()) == [database]


def test_the_result_of_a_failed_build_stays(database):
    with publish.draft(database) as path:
        failed = path.parent.parent / "failed"
        failed.mkdir()
    assert list(failed.parent.iterdir()) == [failed]


def test_a_refused_second_draft_leaves_the_first_its_lock(database):
    with publish.draft(database) as path:
        for _ in range(2):
            with (
                pytest.raises(publish.BusyError, match="another program is building in"),
                publish.draft(database, wait=0),
            ):
                pass
        assert path.is_file()
