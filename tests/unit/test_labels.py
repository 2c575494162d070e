"""The right answers of labelled rows, in the forms that people have them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from udfs.errors import ModelError
from udfs.registry.labels import is_missing, read

BOOLEAN = ["false", "true"]


@pytest.mark.parametrize(
    "value", [True, np.True_, 1, 1.0, np.int64(1), np.float32(1), Decimal("1.00"), "true", "True"]
)
def test_true_has_many_forms(value):
    truth, is_labelled = read("label", BOOLEAN, [value, 0])
    assert (truth.tolist(), is_labelled.tolist()) == ([1, 0], [True, True])


@pytest.mark.parametrize("value", [None, np.nan, float("nan"), pd.NA, pd.NaT, np.float32("nan")])
def test_what_stands_for_no_label(value):
    assert is_missing(value)
    for answer, outputs in (("label", BOOLEAN), ("number", ["x"]), ("labels", ["a", "b"])):
        others = {"label": True, "number": 2.5, "labels": ["a"]}
        _, is_labelled = read(answer, outputs, [value, others[answer]])
        assert is_labelled.tolist() == [False, True]


@pytest.mark.parametrize("value", [["a"], np.array(["a", "b"]), [], 0, "", False])
def test_what_is_a_label(value):
    assert not is_missing(value)


def test_whole_numbers_may_be_labels():
    truth, _ = read("label", ["3", "12"], [12.0, 3, "12"])
    assert truth.tolist() == [1, 0, 1]


def test_several_labels_become_a_column_each():
    truth, _ = read("labels", ["a", "b", "c"], [["c", "a"], [], np.array(["b"])])
    assert truth.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_several_numbers_become_a_row():
    truth, is_labelled = read("numbers", ["x", "y"], [[1, 2], None, [3, np.nan]])
    assert truth[0].tolist() == [1, 2]
    assert is_labelled.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("answer", "labels", "message"),
    [
        ("label", ["maybe"], "there is no label 'maybe': the labels are false, true"),
        ("label", [2], "there is no label 2"),
        ("labels", ["true"], "each row has a list of labels"),
        ("number", ["x"], "the labels must be numbers"),
        ("number", [[1, 2]], "give one for each row"),
        ("numbers", [[1, 2, 3]], "give 2 numbers for each row"),
    ],
)
def test_other_labels_are_refused(answer, labels, message):
    with pytest.raises(ModelError, match=message):
        read(answer, BOOLEAN, labels)
