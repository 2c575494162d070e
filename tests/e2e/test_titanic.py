"""docs/titanic.md: a pipeline with text and gaps, from its training to SQL without Python."""

import re
import shutil
import subprocess
import sys

import duckdb
import pytest

from tests.e2e import clients
from tests.e2e.registry import hitparade
from tests.warehouse import ROOT, Warehouse, copy_project

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/titanic.md").read_text()
(TRAINING,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
(COMMAND,) = re.findall(r"^hitparade (function .*)$", PAGE, flags=re.M)
(QUERY,) = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.S)
# Compares the functions with the pipeline on passengers that it has not seen.
COMPARISON = """
unseen = passengers.sample(300, random_state=1).assign(
    age=lambda rows: rows["age"] * 1.1, embarked=lambda rows: rows["embarked"].fillna("unknown")
)
connection.execute("create table unseen as from unseen")
found = model.predict_proba(unseen)[:, 1].tolist(), model.predict(unseen).tolist()
connection.execute("create table expected as select unnest(?) as chance, unnest(?) as label", found)
"""


@pytest.fixture(scope="module")
def trained(small_warehouse, tmp_path_factory) -> Warehouse:
    """A copy of the project with the model of the page and its functions."""
    folder = tmp_path_factory.mktemp("titanic")
    own = Warehouse(folder, copy_project(folder / "project"))
    shutil.copy(small_warehouse.database, own.database)
    program = (TRAINING + COMPARISON).replace("hitparade.duckdb", str(own.database))
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(own.project)
        said = hitparade(own, *COMMAND.split()).output
    (names,) = re.findall(r"hitparade publish --select (.*)", said)
    own.dbt("build", "--select", *names.split())
    return own


FUNCTIONS = """
    select predict_titanic(t) as label, predict_titanic_proba(t) as chance from unseen as t
"""


def test_the_functions_answer_as_the_pipeline_on_both_backends(trained):
    import udfs

    expected = trained.query("select label, chance from expected")
    with duckdb.connect(trained.database, read_only=True) as connection:
        for _ in range(2):
            found = connection.execute(FUNCTIONS).fetchall()
            assert [label for label, _ in found] == [label for label, _ in expected]
            chances = [chance for _, chance in expected]
            assert [chance for _, chance in found] == pytest.approx(chances, abs=1e-5)
            udfs.register(connection)


def test_arguments_may_be_missing_or_unknown(trained):
    query = """
        select
            predict_titanic_proba(3, 'male', null, 7.25, 'S') is not null,
            predict_titanic_proba(fare := 7, pclass := 3, sex := 'x', age := 22, embarked := null)
                is not null,
            predict_titanic_proba(3, 'male', 22, null, 'a port') is not null,
            predict_titanic_proba(3, 'male', 'inf'::double, 7.25, 'S') is null,
            check_titanic(3, 'male', null, 7.25, 'a port')
    """
    ((*are_right, findings),) = trained.query(query)
    assert all(are_right)
    assert findings == ["age is missing", "embarked is a text that was not seen in training"]


@pytest.mark.skipif(not clients.is_fetched("cli"), reason="run `make clients`")
def test_the_query_of_the_page_runs_in_the_command_line_without_python(trained):
    rows = clients.query("cli", trained.database, QUERY)
    assert len(rows) == 5
    assert {type(row["survives"]) for row in rows} == {bool}
    assert all(0 <= row["chance"] <= 1 for row in rows)
