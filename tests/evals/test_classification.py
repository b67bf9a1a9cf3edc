"""Values as scikit-learn's documentation has them, and what holds of all."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.classification import Classification, Labels, classify


def of(expected: str, answered: str, sure: list[float] | None = None) -> Classification:
    """One letter for each answer; `-` is one without a label."""
    pairs = zip(expected, answered, sure or [None] * len(expected), strict=True)
    found = classify(Labels.of((one, None if other == "-" else other, p) for one, other, p in pairs))
    assert found is not None
    return found


def test_confusion() -> None:
    """a: ant, b: bird, c: cat, as in `sklearn.metrics.confusion_matrix`."""
    found = of("caccab", "aaccac")
    assert found.labels == ("a", "b", "c")
    assert found.confusion == ((2, 0, 0, 0), (0, 0, 1, 0), (1, 0, 2, 0))
    assert found.accuracy == pytest.approx(4 / 6)


def test_precision_recall_and_f1() -> None:
    """c: cat, d: dog, p: pig, as in `sklearn.metrics.precision_recall_fscore_support`."""
    found = of("cdpcdp", "cpdccd")
    assert (found.precision, found.recall, found.f1) == pytest.approx((0.2222, 0.3333, 0.2667), abs=1e-4)
    assert found.by_label["c"] == msgspec.convert(
        {"precision": 2 / 3, "recall": 1.0, "f1": 0.8, "expected": 2, "answered": 3}, type(found.by_label["c"])
    )
    assert [found.by_label[label].expected for label in "cdp"] == [2, 2, 2]


def test_an_answer_without_a_label_is_wrong() -> None:
    found = of("aab", "a-b")
    assert found.confusion == ((1, 0, 1), (0, 1, 0))
    assert (found.by_label["a"].precision, found.by_label["a"].recall) == (1, 0.5)
    assert found.accuracy == pytest.approx(2 / 3)


def test_a_label_that_was_never_answered_has_no_precision() -> None:
    found = of("ab", "aa")
    assert (found.by_label["b"].precision, found.by_label["b"].recall, found.by_label["b"].f1) == (None, 0, 0)
    only = of("aa", "ab").by_label["b"]
    assert (only.recall, only.expected) == (None, 0)
    assert classify(Labels.of([])) is None
    assert classify(Labels.of([(None, "a", 0.5)])) is None


def test_roc() -> None:
    """As in `sklearn.metrics.roc_curve`: scores of 0.1, 0.4, 0.35 and 0.8 for what is n, n, p and p."""
    found = of("nnpp", "nnnp", [0.9, 0.6, 0.65, 0.8]).roc
    assert found is not None
    assert (found.positive, found.area) == ("p", pytest.approx(0.75))
    assert found.false_positive == (0, 0, 0.5, 0.5, 1)
    assert found.true_positive == (0, 0.5, 0.5, 1, 1)


def test_roc_where_it_cannot_be() -> None:
    assert of("nnpp", "nnnp").roc is None
    assert of("nnpp", "nn-p", [0.9, 0.6, 0.65, 0.8]).roc is None
    assert of("nn", "np", [0.9, 0.6]).roc is None
    assert of("abc", "abc", [0.9, 0.6, 0.7]).roc is None


def test_equal_scores_are_one_point() -> None:
    found = of("nnpp", "pppp", [0.5] * 4).roc
    assert found is not None
    assert (found.area, found.false_positive) == (0.5, (0, 1))


def test_a_long_curve_is_shown_by_points_of_it() -> None:
    sure = [at / 2000 for at in range(1000)]
    found = of("np" * 500, "p" * 1000, sure).roc
    assert found is not None
    assert len(found.true_positive) == 200
    assert (found.true_positive[-1], found.false_positive[-1]) == (1, 1)


def test_calibration() -> None:
    """Brier's as in `sklearn.metrics.brier_score_loss`, of probabilities of being right."""
    found = of("abab", "bbab", [0.1, 0.9, 0.8, 0.7]).calibration
    assert found is not None
    assert found.brier == pytest.approx((0.01 + 0.01 + 0.04 + 0.09) / 4)
    assert found.error == pytest.approx((0.1 + 0.1 + 0.2 + 0.3) / 4)
    assert [(one.n, one.right) for one in found.bins] == [(1, 0), (1, 1), (1, 1), (1, 1)]
    assert of("a", "a").calibration is None
    whole = of("aa", "ab", [1.0, 1.0]).calibration
    assert whole is not None
    assert (whole.error, whole.brier, len(whole.bins)) == (0.5, 0.5, 1)


ANSWERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("ab") | st.none(), st.floats(0, 1) | st.none()),
    min_size=1,
)


@given(ANSWERS)
def test_rates_are_rates_and_counts_add_up(answers: list[tuple[str, str | None, float | None]]) -> None:
    found = classify(Labels.of(answers))
    assert found is not None
    assert sum(map(sum, found.confusion)) == found.n == len(answers)
    for rate in (found.accuracy, found.precision, found.recall, found.f1):
        assert 0 <= rate <= 1
    if found.roc is not None:
        assert 0 <= found.roc.area <= 1
        assert list(found.roc.true_positive) == sorted(found.roc.true_positive)
    if found.calibration is not None:
        assert 0 <= found.calibration.error <= 1
        assert sum(one.n for one in found.calibration.bins) == found.calibration.n
    turned = classify(Labels.of(answers[::-1]))
    assert turned is not None
    assert (turned.confusion, turned.by_label) == (found.confusion, found.by_label)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Classification) == found


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 64).map(lambda part: part / 64)), min_size=2))
def test_the_area_does_not_depend_on_which_label_is_positive(pairs: list[tuple[bool, float]]) -> None:
    one = classify(Labels.of(("p" if truth else "n", "p", sure) for truth, sure in pairs))
    other = classify(Labels.of(("n" if truth else "p", "n", sure) for truth, sure in pairs))
    assert one is not None
    assert other is not None
    if one.roc is not None and other.roc is not None:
        assert one.roc.area == pytest.approx(other.roc.area)
