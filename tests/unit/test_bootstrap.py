"""The uncertainty of a figure: bootstrap draws of owners, and comparisons draw by draw."""

import numpy as np
import pytest

from models_py.bootstrap import Estimate, bootstrap


def test_owners_are_drawn_and_not_their_values():
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(200), 10)
    same = np.repeat(rng.random(200) < 0.5, 10).astype(float)  # one value for each owner
    means = bootstrap(same, owners)
    assert means.mean() == pytest.approx(same.mean(), abs=0.01)
    assert means.std() == pytest.approx(same.std() / np.sqrt(200), rel=0.1)


def test_figures_of_the_same_data_are_compared_draw_by_draw():
    rng = np.random.default_rng(0)
    owners = np.arange(400)
    values = rng.normal(10, 3, 400)
    own, other = Estimate.mean(values + 1, owners), Estimate.mean(values, owners)
    assert own.error() == pytest.approx(3 / 20, rel=0.1)
    assert own.error(other) == pytest.approx(0, abs=1e-12)
    low, high = own.over(other).interval()
    assert low < own.value / other.value < high < 1.2
    assert Estimate.mean(values**2, owners).root().value == pytest.approx(
        np.sqrt((values**2).mean())
    )


def test_a_share_of_zero_is_zero_in_each_draw():
    """One of four owners has everything: some draws lack that owner."""
    owners = np.arange(4)
    whole = Estimate.mean([8, 0, 0, 0], owners)
    assert not whole.draws.all()
    share = Estimate.mean([2, 0, 0, 0], owners).share_of(whole)
    assert share.value == 0.25
    assert set(share.draws) == {0, 0.25}
    nothing = Estimate.mean([0, 0, 0, 0], owners)
    assert nothing.share_of(nothing).value == nothing.share_of(nothing).error() == 0
