"""Sections about models: leaderboard, importance, calibration, confusion."""

import duckdb

from hitparade.report import model_figures as figures
from hitparade.report.parts import (
    Chart,
    Note,
    Panel,
    Section,
    Table,
    fetch,
    groups,
    identifier,
    metric,
    model,
    number,
    percent,
    plain,
)
from hitparade.report.style import ACCENT, INK, MUTED, REST, SECOND

LEADERBOARD = """
    select *
    from rpt_model_leaderboard
    order by task, metric, is_champion desc, if(higher_is_better, -mean, mean), algorithm, version
"""
IMPORTANCE = "select * from rpt_feature_importance order by task, algorithm, version, feature"
CALIBRATION = """
    select * from rpt_calibration order by task, label, is_champion desc, algorithm, version, bin
"""
CONFUSION = """
    select *
    from rpt_tier_confusion
    order by task, is_champion desc, algorithm, version, actual, predicted
"""
# The labels in the model's order, which is not alphabetical.
LABELS = "select outputs from ml.model_versions where model_id = ? order by version limit 1"
COLUMNS = {
    "task": lambda row: (row["task"], row["task"]),
    "algorithm": lambda row: (row["algorithm"], row["algorithm"]),
    "champion": lambda row: (row["is_champion"], "champion" if row["is_champion"] else ""),
    "verdict": lambda row: (row["verdict"], row["verdict"]),
    "metric": lambda row: (row["metric"], row["metric"]),
    "mean": lambda row: (row["mean"], _with_error(row["mean"], row["standard_error"])),
    "baseline": lambda row: (row["baseline"], number(row["baseline"])),
    "gain": lambda row: (row["gain"], _with_error(row["gain"], row["gain_standard_error"])),
    "best achievable": lambda row: (row["ceiling"], number(row["ceiling"])),
    "share of it": lambda row: (row["share_of_ceiling"], percent(row["share_of_ceiling"])),
    "holdout": lambda row: (row["holdout"], number(row["holdout"])),
    "train rows": lambda row: (row["train_rows"], number(row["train_rows"], ",")),
    "seconds": lambda row: (row["train_seconds"], number(row["train_seconds"], ",.1f")),
    "ONNX kB": lambda row: (row["onnx_bytes"], number(row["onnx_bytes"] / 1000, ",.0f")),
    "version": lambda row: (row["version"], str(row["version"])),
    "model id": lambda row: (row["model_id"], row["model_id"]),
}


def leaderboard(connection: duckdb.DuckDBPyConnection) -> Section:
    """A table of the newest models, and a chart for each task."""
    rows = fetch(connection, LEADERBOARD)
    blocks: list = [Note("No model is trained yet: there were no rows to train on.")]
    if rows:
        blocks = [
            Table(
                "models",
                "The newest model of each algorithm; a column's heading sorts by it",
                list(COLUMNS),
                [[cell(row) for cell in COLUMNS.values()] for row in rows],
                frozenset(place for place, row in enumerate(rows) if row["is_champion"]),
            )
        ]
    for (task, name), models in groups(rows, "task", "metric").items():
        blocks.append(
            Chart(
                _best(task, models),
                f"Dots: {_how_measured(metric(name), models)}; bars are 2 standard errors.",
                [Panel(identifier("leaderboard", task, name), figures.scores(models))],
                {"champion": ACCENT, "other": MUTED, "baseline": SECOND}
                | (
                    {"best achievable": INK}
                    if any(row["ceiling"] is not None for row in models)
                    else {}
                ),
            )
        )
    return Section(
        "leaderboard",
        "Leaderboard",
        "How good the models are",
        "Compare each model with its baseline. The best achievable score is known for "
        "the generated sample only. Folds never split a song and are the same for all models, so "
        "the error of a gain (in the table) is smaller than that of a mean (in the charts).",
        blocks,
    )


def importance(connection: duckdb.DuckDBPyConnection) -> Section:
    """The features that the models of each task rely on."""
    blocks: list = []
    for (task,), rows in groups(fetch(connection, IMPORTANCE), "task").items():
        champion = [row for row in rows if row["is_champion"]]
        if not champion:
            blocks.append(Note(f"{_task(task)}: {_NO_CHAMPION}, so there is no chart."))
            continue
        limit = figures.importance_limit(rows)
        is_cut = any(row["importance"] > limit for row in rows)
        first = min(champion, key=lambda row: row["importance_rank"])
        blocks.append(
            Chart(
                f"{_task(task)}: {model(first)} relies on {plain(first['feature'])} most",
                "Permutation importance on held-out rows. Bars are the champion, marks the other "
                "algorithms. Press a name to hide it."
                + (" Numbers with an arrow are beyond the axis." if is_cut else ""),
                [Panel(identifier("importance", task), figures.importances(rows))],
            )
        )
    return Section(
        "importance",
        "Importance",
        "Which features the models rely on",
        "Importance is how much worse a model gets when a feature is shuffled. If two features "
        "carry the same information, each looks unimportant. Importance is not causation.",
        blocks or [Note("No model is trained yet, so there is no importance.")],
    )


def calibration(connection: duckdb.DuckDBPyConnection) -> Section:
    """How well probabilities agree with what happened, by label."""
    blocks: list = []
    for (task,), rows in groups(fetch(connection, CALIBRATION), "task").items():
        order = _labels(connection, rows[0]["model_id"], [row["label"] for row in rows])
        rows.sort(key=lambda row: order.index(row["label"]))
        labels = groups(rows, "label")
        champion = next((row for row in rows if row["is_champion"]), None)
        who = model(champion) if champion else "the newest models"
        worst = max((row for row in rows if _counts(row, champion)), key=_gap, default=None)
        title = f"{_task(task)}: the probabilities of {who} against the observed shares"
        if worst:
            title += f"; largest gap in a bin of at least 100 rows: {100 * _gap(worst):.0f} points"
        blocks.append(
            Chart(
                title,
                "Each row was scored by a model that was not trained on it. On the dotted diagonal "
                "both agree. Points of few rows (bars below) scatter by chance.",
                [
                    Panel(
                        identifier("calibration", task, name),
                        figures.reliability(found),
                        f"probability of {plain(task)}" if name == "true" else name,
                    )
                    for (name,), found in labels.items()
                ],
                {"champion": ACCENT, "other": REST} if champion else {"newest": REST},
                wide=len(labels) > 1,
            )
        )
    return Section(
        "calibration",
        "Calibration",
        "How well calibrated the probabilities are",
        "Of a hundred tracks to which a model gives a label with a probability of 30 percent, "
        "thirty should have that label.",
        blocks or [Note("No classifier is trained yet, so there are no probabilities.")],
    )


def confusion(connection: duckdb.DuckDBPyConnection) -> Section:
    """Which tiers are confused with which."""
    panels = []
    titles = []
    models = groups(fetch(connection, CONFUSION), "task", "model_id")
    for (task, model_id), rows in models.items():
        order = _labels(connection, model_id, [row["actual"] for row in rows])
        name = model(rows[0])
        known_as = f"{name} (champion)" if rows[0]["is_champion"] else name
        place = identifier("confusion", task, name)
        panels.append(Panel(place, figures.tiers(rows, order), known_as))
        found = {row["actual"]: row for row in rows if row["actual"] == row["predicted"]}
        shares = {tier: found[tier]["share_of_actual"] for tier in order if tier in found}
        said = ", ".join(f"{number(share, '.0%')} of {tier}" for tier, share in shares.items())
        titles.append(f"{name} finds {said}")
    blocks: list = [Note("No model of tiers is trained yet, so there is no confusion matrix.")]
    if panels:
        blocks = [
            Chart(
                f"Tier: {titles[0]}",
                "Each line is an actual tier and adds up to 100%. Each row was scored by a model "
                "that was not trained on it. Point at a cell for its count.",
                panels,
                wide=True,
            )
        ]
    return Section(
        "confusion",
        "Tiers",
        "Which tiers are confused with others",
        "A perfect model would fill only the diagonal.",
        blocks,
    )


_NO_CHAMPION = "none of the newest models is the champion"


def _best(task: str, rows: list[dict]) -> str:
    champion = next((row for row in rows if row["is_champion"]), None)
    if champion is None:
        return f"{_task(task)}: {_NO_CHAMPION}"
    mean, baseline = (number(champion[name], "#.4g") for name in ("mean", "baseline"))
    measure = metric(champion["metric"])
    return (
        f"{_task(task)}: {model(champion)} is the champion at {measure} {mean}, baseline {baseline}"
    )


def _how_measured(measure: str, rows: list[dict]) -> str:
    if all(row["folds"] == 1 for row in rows):
        return f"{measure} on held-out rows"
    return f"mean {measure} over grouped folds"


def _task(name: str) -> str:
    return plain(name).capitalize()


def _with_error(value: float | None, error: float | None) -> str:
    return number(value) + ("" if error is None else f" ± {number(error)}")


def _counts(row: dict, champion: dict | None) -> bool:
    is_of_champion = champion is not None and row["model_id"] == champion["model_id"]
    return is_of_champion and row["row_count"] >= 100


def _gap(row: dict) -> float:
    return abs(row["gap"])


def _labels(connection: duckdb.DuckDBPyConnection, model_id: str, names: list[str]) -> list[str]:
    """Return the labels in the model's order."""
    found = connection.execute(LABELS, [model_id]).fetchall()
    known = list(found[0][0] or []) if found else []
    return known + sorted(set(names) - set(known))
