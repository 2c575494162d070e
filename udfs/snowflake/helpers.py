"""Handlers for what Snowflake's SQL cannot express: each takes a data frame and returns a series.

In DuckDB the macros of the same names in dbt_project/macros/warehouse do the same in SQL.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from udfs.errors import ModelError
from udfs.snowflake.values import as_list, is_json

# The pattern of the macro `words` is [^\p{L}\p{N}]+; \w also matches the underscore.
BETWEEN_WORDS = re.compile(r"[\W_]+")


def list_field(rows: pd.DataFrame) -> pd.Series:
    """Return the values of a field of the objects in a list."""
    return _by_row(rows, lambda items, name: [item.get(name) for item in items])


def one_hot(rows: pd.DataFrame) -> pd.Series:
    """Return 1 for each member of a vocabulary that is in a list, 0 for the others.

    If the list is NULL, so is the answer for every member.
    """
    answers = []
    for given, known in zip(rows[0].map(as_list), rows[1].map(as_list), strict=True):
        members = None if given is None else set(given)
        answers.append([None if members is None else float(name in members) for name in known])
    return pd.Series(answers, dtype=object)


def genre_name(rows: pd.DataFrame) -> pd.Series:
    """Return a genre in the one spelling that models know; the columns are text and spellings."""
    return _by_row(rows, spelled)


def genre_names(rows: pd.DataFrame) -> pd.Series:
    """Return a list of genres as `genre_name` does; the columns are the list and spellings."""
    return _by_row(rows, lambda given, known: [spelled(genre, known) for genre in given])


def spelled(genre: str | None, spellings: dict[str, str]) -> str | None:
    """Return one genre as `genre_name` does."""
    # One character at a time, as in DuckDB: Python has rules for a last sigma and a dotted I.
    text = "".join(letter.lower()[0] for letter in genre or "")
    text = unicodedata.normalize("NFC", text).replace("&", " and ")
    words = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text)
    name = "-".join(words.split())
    return spellings.get(name, name) or None


def input_groups(rows: pd.DataFrame) -> pd.Series:
    """Return the names of a model's inputs; the members of a one-hot group are one input."""

    def names(inputs: list[dict]) -> list[str]:
        return [name for name, _ in groupby(one["name"].partition("=")[0] for one in inputs)]

    return _by_row(rows, names)


def unknown_members(rows: pd.DataFrame) -> pd.Series:
    """Return a sentence for each member of a list that is not in a vocabulary.

    The columns are the name of the one-hot group, the list and the vocabulary.
    """

    def sentences(name: str, given: list, known: list) -> list[str]:
        return [
            f"{name}: {'NULL' if member is None else member} is not known and counts as none"
            for member in given
            if member not in known
        ]

    return _by_row(rows, sentences, without_list=[])


def likeliest(rows: pd.DataFrame) -> pd.Series:
    """Return the label with the largest score; the columns are labels and scores."""
    return _by_row(rows, lambda labels, scores: labels[scores.index(max(scores))])


def by_label(rows: pd.DataFrame) -> pd.Series:
    """Return an object of scores by label; the columns are labels and scores."""
    return _by_row(rows, lambda labels, scores: dict(zip(labels, scores, strict=True)))


def first_words(rows: pd.DataFrame) -> pd.Series:
    """Return the first words of a text in lowercase; the columns are the text and the number."""
    answers = [
        [word for word in BETWEEN_WORDS.split((text or "").lower()) if word][: int(most)]
        for text, most in zip(rows[0].where(rows[0].notna(), None), rows[1], strict=True)
    ]
    return pd.Series(answers, dtype=object)


def changes_in_words(rows: pd.DataFrame) -> pd.Series:
    """Return the advice of optimize_song as a sentence.

    The columns are the advice and how to write each feature.
    """

    def sentence(advice: dict, changeable: list[dict]) -> str:
        if not advice["changes"]:
            return "Leave it as it is: no change was found that would help."
        written = {feature["name"]: feature for feature in changeable}
        changes = [_change(change, written[change["feature"]]) for change in advice["changes"]]
        *before, last = changes
        text = f"{', '.join(before)} and {last}" if before else last
        return (
            f"{text[0].upper()}{text[1:]}: popularity by the model "
            f"{_rounded(advice['popularity_before'], 0)} to "
            f"{_rounded(advice['popularity_after'], 0)} "
            f"({_rounded(advice['popularity_delta'], 1, '+')}), and "
            f"{_rounded(advice['judged_delta'], 1, '+')} by the held-out evaluator."
        )

    return _by_row(rows, sentence)


def _change(change: dict, written: dict) -> str:
    way = f"{'raise' if change['delta'] > 0 else 'lower'} {change['feature']}"
    old, new = (
        _rounded(change[place], written["digits"]) + written["unit"]
        for place in ("before", "after")
    )
    return f"{way} slightly from {old}" if old == new else f"{way} from {old} to {new}"


def _rounded(value: float, digits: int, sign: str = "") -> str:
    """Return a number with these digits; halves round away from zero, and zero has no minus."""
    scale = 10**digits
    nearest = int(abs(value) * scale + 0.5) / scale * (1 if value >= 0 else -1)
    return f"{nearest + 0.0:{sign}.{digits}f}"


def _by_row(
    rows: pd.DataFrame, answer: Callable[..., Any], without_list: object = None
) -> pd.Series:
    """Return the answer for each row; `without_list` if an argument is NULL."""
    answers = []
    for values in rows.itertuples(index=False):
        given = [as_list(value) if is_json(value) else _value(value) for value in values]
        answers.append(without_list if None in given else answer(*given))
    return pd.Series(answers, dtype=object)


def _value(value: Any) -> Any:
    return value if isinstance(value, list | dict) or not pd.isna(value) else None


def dot_product(rows: pd.DataFrame) -> pd.Series:
    """Return the dot product of two lists of numbers."""
    return _by_row(rows, lambda one, other: float(np.dot(one, other)))


def raise_error(rows: pd.DataFrame) -> pd.Series:
    """Raise the first message; return NULLs if no row has one.

    Raises:
        ModelError: a row has a message.
    """
    for message in rows[0].dropna():
        raise ModelError(message)
    return pd.Series([None] * len(rows), dtype=object)
