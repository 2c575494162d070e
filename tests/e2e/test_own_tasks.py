"""Tasks whose models are registered have what the tasks of this project have."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import udfs
from hitparade import generate
from hitparade.serve.worker.texts import plain
from tests.e2e.registry import hitparade
from tests.serve.http_door import running
from tests.warehouse import Warehouse, copy_project

pytestmark = pytest.mark.slow

ROWS = 1_500
NUMBERS = ["amount", "rate", "years"]
TABLES = ("explanation_backgrounds", "explanation_plans", "stored_predictions", "observed_values")
REPORTS = ("profiles", "rpt_feature_drift", "rpt_prediction_drift", "rpt_incidents")
REPORTS = ("rpt_model_leaderboard", "rpt_feature_importance", "rpt_calibration", *REPORTS)


def loans() -> pd.DataFrame:
    """Invented loans: numbers, some of them missing, a text, and what became of them."""
    random = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "loan_id": np.arange(ROWS),
            "amount": random.lognormal(9, 1, ROWS).round(),
            "rate": random.uniform(2, 15, ROWS).round(2),
            "years": np.where(random.random(ROWS) < 0.1, np.nan, random.integers(1, 30, ROWS)),
            "purpose": random.choice(
                ["car", "home", "study", None], ROWS, p=[0.4, 0.3, 0.28, 0.02]
            ),
        }
    )
    risk = rows["rate"] / 8 + (rows["purpose"] == "car") + random.normal(0, 0.7, ROWS)
    return rows.assign(
        is_late=risk > 1.6,
        loss=rows["amount"] * risk / 100,
        grade=np.where(risk > 1.6, "bad", "good"),
        warnings=[
            [name for name, is_so in (("late", one > 1.6), ("dear", one > 1.2)) if is_so]
            for one in risk
        ],
        price=rows["rate"] * 2 + 1,
        fee=rows["amount"] / 50 - rows["rate"],
    )


def estimators(rows: pd.DataFrame) -> dict[str, tuple]:
    """By task: the fitted estimator, its columns, and the column with the right answers."""
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    both = make_column_transformer((numbers, NUMBERS), (text, ["purpose"]))
    complete = rows.assign(years=rows["years"].fillna(10))
    columns = [*NUMBERS, "purpose"]
    two = ["amount", "rate"]
    several = np.array([["late" in one, "dear" in one] for one in rows["warnings"]]).astype(int)
    late = make_pipeline(both, LogisticRegression())
    loss = HistGradientBoostingRegressor(max_iter=20)
    threshold = FixedThresholdClassifier(LogisticRegression(), threshold=0.3)
    grade = make_pipeline(StandardScaler(), threshold)
    warned = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression()))
    return {
        "late": (late.fit(rows[columns], rows["is_late"]), columns, "is_late"),
        "loss": (loss.fit(rows[NUMBERS], rows["loss"]), NUMBERS, "loss"),
        "grade": (grade.fit(complete[two], rows["grade"]), two, "grade"),
        "warned": (warned.fit(complete[two], several), two, "warnings"),
        "prices": (LinearRegression().fit(rows[two], rows[["price", "fee"]]), two, None),
    }


@pytest.fixture(scope="module")
def own(small_warehouse, tmp_path_factory) -> SimpleNamespace:
    """A project with five tasks of its own, declared by `hitparade function`."""
    folder = tmp_path_factory.mktemp("own")
    warehouse = Warehouse(folder, copy_project(folder / "project"))
    shutil.copy(small_warehouse.database, warehouse.database)
    rows = loans()
    fitted = estimators(rows)
    labels = {"warned": ["late", "dear"], "prices": ["price", "fee"]}
    with duckdb.connect(warehouse.database) as connection:
        connection.execute("create table loans as from rows")
        for task, (estimator, columns, _) in fitted.items():
            model_id = udfs.register_model(
                connection, estimator, task=task, labels=labels.get(task), examples=rows[columns]
            )
            udfs.promote(connection, task, model_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(warehouse.project)
        for task, (_, _, label) in fitted.items():
            given = ["--rows", "main.loans", "--key", "loan_id"]
            given += ["--label", label] if label else []
            given += ["--predictions", "fct_loans"] if task == "late" else []
            said = hitparade(warehouse, "function", task, *given)
            assert said.exit_code == 0, said.output
            measured = hitparade(warehouse, "evaluate", task)
            assert measured.exit_code == 0, measured.output
    functions = [file.stem for file in functions_of(warehouse, "*")]
    warehouse.dbt("build", "--select", *functions, "fct_loans", *TABLES, "example_values", *REPORTS)
    return SimpleNamespace(warehouse=warehouse, rows=rows, fitted=fitted)


def functions_of(warehouse: Warehouse, task: str) -> list[Path]:
    generated = warehouse.project / "udfs" / "functions" / "generated"
    tasks = ("late", "loss", "grade", "warned", "prices") if task == "*" else (task,)
    return [file for one in tasks for file in sorted(generated.glob(f"*_{one}*.sql"))]


@pytest.fixture(params=["SQL", "ONNX Runtime"])
def session(own, request):
    with duckdb.connect(own.warehouse.database, read_only=True) as connection:
        if request.param == "ONNX Runtime":
            udfs.register(connection)
        yield connection


def test_the_functions_of_a_declared_task(own):
    names = {file.stem for file in functions_of(own.warehouse, "late")}
    kinds = ["predict_late", "predict_late_by", "predict_late_proba"]
    assert names == {*kinds, "check_late", "encode_late", "explain_late"}


def answers(own, session, task: str, function: str) -> list:
    query = f"select {function}(t) from loans as t order by loan_id"
    return [answer for (answer,) in session.execute(query).fetchall()]


def test_answers_are_those_of_the_estimators(own, session):
    for task, (estimator, columns, _) in own.fitted.items():
        is_answered = own.rows[columns].notna().all(axis=1) | (task in ("late", "loss"))
        expected = estimator.predict(own.rows.loc[is_answered, columns])
        found = answers(own, session, task, f"predict_{task}")
        found = [answer for answer, is_so in zip(found, is_answered, strict=True) if is_so]
        if task == "warned":
            found = [["late" in labels, "dear" in labels] for labels in found]
        if task == "prices":
            found = [[one["price"], one["fee"]] for one in found]
        if task in ("late", "grade"):
            assert found == expected.tolist()
        else:
            assert np.array(found, dtype=float) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_an_algorithm_answers_like_its_newest_model(own, session):
    for task in own.fitted:
        query = (
            f"select predict_{task}_by(algorithm, t), predict_{task}(t) from loans as t "
            f"inner join ml.model_versions on task = '{task}'"
        )
        for found, expected in session.execute(query).fetchall():
            is_number = isinstance(expected, float | dict)
            assert found == (pytest.approx(expected, rel=1e-5) if is_number else expected), task
    with pytest.raises(duckdb.Error, match="task loss has no model by nobody"):
        session.execute("select predict_loss_by('nobody', t) from loans as t").fetchall()


def test_encoded_inputs_are_those_of_the_champion(own, session):
    query = """
        select count(*)
        from loans as t
        inner join ml.champions on task = 'late'
        where onnx_predict(model_id, encode_late(t))[2] is distinct from predict_late_proba(t)
    """
    assert session.execute(query).fetchall() == [(0,)]


SUM = "list_sum(list_transform({}, lambda term: term.contribution))"


@pytest.mark.parametrize(
    ("explained", "score"),
    [
        ("explain_late(t)", "predict_late_proba(t)"),
        ("explain_loss(t)", "predict_loss(t)"),
        # The label is that of a threshold of 0.3, not of the largest score.
        (
            "explain_grade(t)",
            "case predict_grade(t) when 'bad' then predict_grade_proba(t).bad "
            "else predict_grade_proba(t).good end",
        ),
        ("explain_warned('dear', t)", "predict_warned_proba(t).dear"),
        ("explain_prices('fee', t)", "predict_prices(t).fee"),
    ],
)
def test_explanations_add_up_to_the_score(own, session, explained, score):
    task = explained.partition("_")[2].partition("(")[0]
    query = f"select {SUM.format(explained)}, {score}, {explained} from loans as t limit 12"
    background = "select count(*) from ml.explanation_backgrounds where task = ?"
    assert own.warehouse.query(background.replace("?", f"'{task}'")) == [(64,)]
    for total, expected, terms in session.execute(query).fetchall():
        assert total == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert len(terms) == 1 + len(own.fitted[task][1])
        assert {term["feature"] for term in terms} - {"average"} == {*own.fitted[task][1]}


def test_the_functions_of_a_declared_task_answer_over_http(own):
    with duckdb.connect(own.warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        expected = {
            name: answers(own, connection, task, name)[:50]
            for task in own.fitted
            for name in (f"predict_{task}", f"check_{task}")
        }
    rows = own.rows.astype(object).where(own.rows.notna(), None).to_dict("records")[:50]
    declared = own.warehouse.project / "udfs" / "functions"
    with running(own.warehouse.database, functions=declared) as door, door.client() as http:
        for name, right in expected.items():
            told = http.get(f"/functions/{name}").json()
            inputs = {each["name"]: each["type"] for each in told["arguments"]}
            assert {*inputs.values()} <= {"double", "varchar"}
            given = [{key: row[key] for key in inputs} for row in rows]
            answer = http.post(f"/predict/{name}", json=given).json()
            assert answer["results"] == [plain(each) for each in right], name
            assert answer["model_id"] == told["model_id"] is not None
    # Without the declarations, the file itself tells the types of numbers.
    with running(own.warehouse.database) as door, door.client() as http:
        given = [{key: row[key] for key in ("amount", "rate", "years")} for row in rows]
        answer = http.post("/predict/predict_loss", json=given).json()
        assert answer["results"] == [plain(each) for each in expected["predict_loss"]]


def test_an_explanation_names_the_outputs(session):
    with pytest.raises(duckdb.Error, match="there is no output nothing: use one of price, fee"):
        session.execute("select explain_prices('nothing', 1, 2)").fetchall()


def test_predictions_are_stored_and_known(own):
    wrong = "select count(*) from fct_loans inner join loans as t using (loan_id) "
    wrong += "where late is distinct from predict_late(t) or late_model_id is null"
    assert own.warehouse.query(wrong) == [(0,)]
    stored = "select table_name, row_count from ml.stored_predictions where task = 'late'"
    assert own.warehouse.query(stored) == [("fct_loans", ROWS)]


def test_evaluations_are_on_the_leaderboard(own):
    found = own.warehouse.query(
        "select task, metric, verdict from rpt_model_leaderboard where task in "
        "('late', 'loss', 'grade', 'warned', 'prices') order by task"
    )
    assert [(task, metric) for task, metric, _ in found] == [
        ("grade", "roc_auc"),
        ("late", "roc_auc"),
        ("loss", "rmse"),
        ("prices", "r2"),
        ("warned", "accuracy"),
    ]
    assert all(verdict.startswith("better than") for *_, verdict in found)


def test_metrics_are_those_of_scikit_learn(own):
    from sklearn import metrics

    estimator, columns, _ = own.fitted["late"]
    scores = estimator.predict_proba(own.rows[columns])[:, 1]
    right = own.rows["is_late"]
    expected = {
        "roc_auc": metrics.roc_auc_score(right, scores),
        "brier": metrics.brier_score_loss(right, scores),
        "accuracy": metrics.accuracy_score(right, scores > 0.5),
        "log_loss": metrics.log_loss(right, scores),
    }
    query = "select metric, mean from ml.model_metrics where task = 'late'"
    found = dict(own.warehouse.query(query))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-5)
    grade, columns, _ = own.fitted["grade"]
    accuracy = metrics.accuracy_score(own.rows["grade"], grade.predict(own.rows[columns]))
    query = "select mean from ml.model_metrics where task = 'grade' and metric = 'accuracy'"
    assert own.warehouse.query(query)[0][0] == pytest.approx(accuracy)


def test_importance_is_by_argument(own):
    query = (
        "select feature from rpt_feature_importance where task = 'late' order by importance_rank"
    )
    features = [feature for (feature,) in own.warehouse.query(query)]
    assert {*features} == {*NUMBERS, "purpose"}
    assert {*features[:2]} == {"rate", "purpose"}
    query = (
        "select min(importance), max(importance) from rpt_feature_importance where task = 'late'"
    )
    ((least, most),) = own.warehouse.query(query)
    assert least < 0.01 < 0.1 < most


def test_unchanged_rows_have_not_drifted(own):
    query = "select task, feature, level from rpt_feature_drift where origin = 'registered'"
    found = own.warehouse.query(query)
    assert {task for task, *_ in found} == {*own.fitted}
    assert {level for *_, level in found} == {"none"}
    query = "select task, count(*) from rpt_prediction_drift where origin = 'registered' "
    query += "and level = 'none' group by task"
    expected = dict.fromkeys(own.fitted, 1) | {"prices": 2}
    assert dict(own.warehouse.query(query)) == expected


def test_a_change_of_unit_is_an_incident_and_fails_no_build(own, tmp_path, monkeypatch):
    """The rate of 60% of the rows is given in hundredths."""
    changed = Warehouse(tmp_path, own.warehouse.project)
    shutil.copy(own.warehouse.database, changed.database)
    with duckdb.connect(changed.database) as connection:
        connection.execute("update loans set rate = rate * 100 where loan_id % 5 < 3")
        connection.execute("update loans set purpose = 'boat' where loan_id % 2 = 0")
        connection.execute("update loans set years = null where loan_id % 3 = 0")
    changed.dbt("build", "--select", "fct_loans", "observed_values", *REPORTS)
    query = "select feature, level from rpt_feature_drift where task = 'late'"
    levels = dict(changed.query(query))
    assert levels["rate"] == levels["purpose"] == levels["years is missing"] == "error"
    assert levels["amount"] == "none"
    wrong = "select count(*) from fct_loans inner join loans as t using (loan_id) "
    wrong += "where late is distinct from predict_late(t)"
    assert changed.query(wrong) == [(0,)]
    renewed = (
        "select count(*) from fct_loans where predicted_at > (select max(predicted_at) from old)"
    )
    with duckdb.connect(changed.database) as connection:
        connection.execute(f"attach '{own.warehouse.database}' as before (read_only)")
        connection.execute("create temp view old as from before.main.fct_loans")
        ((count,),) = connection.execute(renewed).fetchall()
    loan_id, had_none = own.rows["loan_id"], own.rows["years"].isna()
    is_kept = (loan_id % 5 >= 3) & (loan_id % 2 == 1) & ((loan_id % 3 > 0) | had_none)
    assert count == ROWS - is_kept.sum()
    subjects = changed.query("select subject from rpt_incidents where check_name = 'feature_drift'")
    assert {"late.rate", "loss.rate", "prices.rate", "late.purpose"} <= {s for (s,) in subjects}
    monkeypatch.chdir(changed.project)
    said = hitparade(changed, "watch")
    assert "feature rate of task late has drifted" in " ".join(said.output.split())


def test_an_evaluation_refuses_what_does_not_fit(own, monkeypatch):
    monkeypatch.chdir(own.warehouse.project)
    for given, sentence in [
        (("hit",), "hit is no registered model"),
        (("late", "--rows", "nowhere"), "the rows of nowhere cannot be read"),
        (("late", "--label", "purpose"), "there is no label"),
        (("loss", "--label", "purpose"), "the labels must be numbers"),
        (("prices", "--rows", "dim_tracks"), "the rows of dim_tracks cannot be read"),
    ]:
        refused = hitparade(own.warehouse, "evaluate", *given)
        assert refused.exit_code == 1
        assert sentence in " ".join(refused.output.split()), refused.output


def test_a_promotion_changes_what_the_functions_answer(own, tmp_path):
    """Also with another vocabulary of a text: the new model knows boats."""
    changed = Warehouse(tmp_path, own.warehouse.project)
    shutil.copy(own.warehouse.database, changed.database)
    rows = own.rows.assign(purpose=np.where(own.rows["loan_id"] % 3, own.rows["purpose"], "boat"))
    estimator, columns, label = own.fitted["late"]
    fitted = clone(estimator).fit(rows[columns], rows[label])
    with duckdb.connect(changed.database) as connection:
        model_id = udfs.register_model(connection, fitted, task="late", examples=rows[columns])
        udfs.promote(connection, "late", model_id)
        query = "select predict_late_proba(t) from rows as t order by loan_id"
        found = [chance for (chance,) in connection.execute(query).fetchall()]
        assert found == pytest.approx(fitted.predict_proba(rows[columns])[:, 1], abs=1e-5)
        with pytest.raises(duckdb.Error, match="no background rows with the inputs of the model"):
            connection.execute("select explain_late(t) from rows as t limit 1").fetchall()
    changed.dbt("build", "--select", "fct_loans", *TABLES, "example_values")
    stored = "select distinct late_model_id from fct_loans"
    assert changed.query(stored) == [(model_id,)]
    assert changed.query("select count(explain_late(t)) from (from loans limit 3) as t") == [(3,)]


def test_a_text_that_becomes_empty_is_scored_again(own, tmp_path):
    changed = Warehouse(tmp_path, own.warehouse.project)
    shutil.copy(own.warehouse.database, changed.database)
    with duckdb.connect(changed.database) as connection:
        connection.execute("update loans set purpose = '' where purpose is null")
    changed.dbt("run", "--select", "fct_loans")
    wrong = "select count(*) from fct_loans inner join loans as t using (loan_id) "
    assert changed.query(wrong + "where late is distinct from predict_late(t)") == [(0,)]


def test_rows_with_arguments_named_like_our_columns(own, tmp_path, monkeypatch):
    """Functions read tables, whose columns have these names too."""
    project = tmp_path / "project"
    shutil.copytree(own.warehouse.project, project)
    changed = Warehouse(tmp_path, project)
    shutil.copy(own.warehouse.database, changed.database)
    names = ["name", "task", "plan_id", "input_names", "creation_id", "model_id", "features"]
    examples = pd.DataFrame(np.random.default_rng(0).random((300, len(names))), columns=names)
    fitted = LinearRegression().fit(examples, examples["name"] - examples["task"])
    monkeypatch.chdir(project)
    with duckdb.connect(changed.database) as connection:
        model_id = udfs.register_model(connection, fitted, task="names", examples=examples)
        udfs.promote(connection, "names", model_id)
        checks = "select count(*) from examples as t where len(check_features(?, [{}])) > 0"
        columns = ", ".join(f"t.{name}" for name in names)
        found = connection.execute(checks.format(columns), [model_id]).fetchall()
        assert found == [(0,)]  # not even the rows with the largest values
    said = hitparade(changed, "function", "names")
    changed.dbt("build", "--select", *said.output.split("--select ")[1].split("\n")[0].split())
    with duckdb.connect(changed.database, read_only=True) as connection:
        for _ in range(2):
            query = f"select {SUM.format('explain_names(t)')}, predict_names(t) from examples as t"
            for total, expected in connection.execute(query + " limit 5").fetchall():
                assert total == pytest.approx(expected, abs=1e-6)
            udfs.register(connection)


def test_models_without_declared_rows_have_no_drift(own, tmp_path):
    changed = Warehouse(tmp_path, own.warehouse.project)
    shutil.copy(own.warehouse.database, changed.database)
    estimator, columns, _ = own.fitted["loss"]
    with duckdb.connect(changed.database) as connection:
        for task in ("alone", "popularity"):
            inputs = connection.execute(
                "select list(input.name) from (select unnest(inputs) as input from ml.champions "
                "inner join ml.model_versions using (task, model_id) where task = ?)",
                [task],
            ).fetchall()[0][0]
            examples = own.rows[columns].to_numpy()
            if inputs:
                examples = np.random.default_rng(0).random((300, len(inputs)))
                estimator = LinearRegression().fit(examples, examples[:, 0])
            model_id = udfs.register_model(
                connection, estimator, task=task, inputs=inputs or columns, examples=examples
            )
            udfs.promote(connection, task, model_id)
    changed.dbt("build", "--select", "observed_values", "example_values", *REPORTS)
    query = "select task from rpt_feature_drift where task in ('alone', 'popularity')"
    assert changed.query(query) == []


def test_an_evaluated_model_leaves_the_challengers_of_a_trained_task_alone(own, tmp_path):
    changed = Warehouse(tmp_path, own.warehouse.project)
    shutil.copy(own.warehouse.database, changed.database)
    names = ["danceability", "energy", "valence", "tempo"]
    examples = np.random.default_rng(0).random((300, 4))
    label = examples[:, 0] > 0.5
    before = changed.query("from ml.challengers order by all")
    with duckdb.connect(changed.database) as connection:
        fitted = LogisticRegression().fit(examples, label)
        model_id = udfs.register_model(
            connection, fitted, task="hit", inputs=names, examples=examples, algorithm="mine"
        )
        udfs.evaluate(connection, model_id, examples, label)
    assert changed.query("from ml.challengers order by all") == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("- bad\n- good", "- good\n- bad"), "outputs bad, good"),
        (("kind: label", "kind: labels"), "they have kind label"),
        (("amount: double", "sum: double"), "arguments amount, rate"),
    ],
)
def test_a_declaration_that_contradicts_the_models_stops_the_build(own, tmp_path, change, sentence):
    project = tmp_path / "project"
    shutil.copytree(own.warehouse.project, project)
    file = project / "tasks" / "grade.yml"
    assert change[0] in file.read_text()
    file.write_text(file.read_text().replace(*change))
    generate.write(project)
    changed = Warehouse(own.warehouse.folder, project)
    said = changed.dbt("build", "--select", "predict_grade", check=False)
    assert said.returncode
    assert "tasks/grade.yml does not agree with the models of the task" in said.stdout
    assert sentence in said.stdout


def test_the_declarations_are_left_out_on_snowflake(own):
    needed = ("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_PRIVATE_KEY_PATH")
    account = dict.fromkeys(needed, "mine")
    found = own.warehouse.dbt("parse", "--target", "snowflake", check=False, **account)
    assert found.returncode == 0, found.stdout
