from __future__ import annotations

import numpy as np
import pytest

from evals.statistics.sequential import Looks, planned, spent


def test_published_bounds() -> None:
    """Five looks, Pocock's spending, two-sided 5 %: as of Reboussin, DeMets, Kim and Lan's program (Controlled Clinical
    Trials 21, 2000) and R's ldbounds."""
    assert planned(5, 0.025).passes == pytest.approx((2.4380, 2.4268, 2.4101, 2.3966, 2.3859), abs=1e-3)


def test_one_look_is_a_test_like_any_other() -> None:
    once = planned(1, 0.025)
    assert once.passes == pytest.approx((1.95996,), abs=1e-4)
    assert once.inflation == pytest.approx(1)
    assert once.error_at(0) == pytest.approx(0.025)


def test_all_of_the_error_is_spent_in_the_end() -> None:
    assert spent(0.05, 1) == pytest.approx(0.05)
    assert [spent(0.05, at) for at in (0.2, 0.4, 0.6)] == sorted(spent(0.05, at) for at in (0.2, 0.4, 0.6))


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_error_and_power_are_as_planned_and_it_takes_less(count: int, power: float) -> None:
    looks = planned(count, 0.025, power)
    assert looks.passing(looks.drift) == pytest.approx(power, abs=1e-3)
    assert looks.passing(0) <= 0.025
    assert looks.expected(looks.drift) < 1 > looks.expected(0)
    assert looks.gives_up[-1] == looks.passes[-1]
    assert all(low < high for low, high in zip(looks.gives_up[:-1], looks.passes, strict=False))


def test_five_looks_save_three_tenths() -> None:
    """Of the items of a run that is looked at once, with the same error and a power of 90 %."""
    looks = planned(5, 0.025, 0.9)
    assert looks.expected(looks.drift) < 0.7
    assert looks.expected(0) < 0.6


def walks(looks: Looks, drift: float, runs: int = 4000) -> tuple[float, float]:
    """How often a drifting walk passes, and where it ends on average, as a share of the longest."""
    draw = np.random.default_rng(12)
    at = np.array(looks.at)
    steps = np.diff(at, prepend=0.0)
    sums = np.cumsum(drift * steps + np.sqrt(steps) * draw.standard_normal((runs, len(at))), axis=1)
    z = sums / np.sqrt(at)
    passed = z > np.array(looks.passes)
    ended = passed | (z < np.array(looks.gives_up))
    ended[:, -1] = True
    first = ended.argmax(axis=1)
    return float(passed[np.arange(runs), first].mean()), float(at[first].mean())


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 1.5])
def test_walks_end_as_was_worked_out(share: float) -> None:
    looks = planned(5, 0.025, 0.9)
    passed, length = walks(looks, share * looks.drift)
    assert passed == pytest.approx(looks.passing(share * looks.drift), abs=0.02)
    assert length * looks.inflation == pytest.approx(looks.expected(share * looks.drift), abs=0.02)
