"""What a run's labels came to as a whole: confusion, precision, recall, F1, the ROC curve and calibration.

A pure function of what was expected, what was answered, and how sure the target was of it. An answer without a label is
wrong, and counts for the recall of what was expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Of probabilities, of equal width."""
MOST_POINTS = 200
"""Of a curve, as far as people look at it."""

Floats = NDArray[np.float64]


class Labelled(msgspec.Struct, frozen=True):
    """One answer. `probability`, from 0 to 1, is that of the label that was answered."""

    expected: str
    answered: str | None
    probability: float | None = None


class OfLabel(msgspec.Struct, frozen=True):
    """`precision` is None where it was never answered, `recall` where it was never expected; as parts of `f1` and of
    means they are 0. `expected` and `answered` are counts."""

    precision: float | None
    recall: float | None
    f1: float
    expected: int
    answered: int


class Curve(msgspec.Struct, frozen=True):
    """The ROC curve of telling `positive` from the other label: rates from 0 to 1, of which `area` lies below the
    curve (Fawcett 2006). At most 200 points of it."""

    positive: str
    area: float
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]


class Bin(msgspec.Struct, frozen=True):
    """Answers whose probability is in one tenth: how sure they were on average, and which part was right."""

    n: int
    probability: float
    right: float


class Calibration(msgspec.Struct, frozen=True):
    """Of answers that came with a probability. `error` is the expected calibration error, the mean distance of `bins`
    from where sure and right are the same (Naeini et al. 2015); `brier` the mean square of how far off a probability
    was (Brier 1950). Both from 0, less is better."""

    n: int
    error: float
    brier: float
    bins: tuple[Bin, ...]


class Classification(msgspec.Struct, frozen=True):
    """`confusion` has a row for each of `labels` as expected, and in it a count for each as answered and, last, for
    answers without a label. Means are over labels, each counting the same. `roc` is there for two labels, where all
    answers have a probability and both were expected."""

    n: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    by_label: dict[str, OfLabel]
    accuracy: float
    precision: float
    recall: float
    f1: float
    roc: Curve | None = None
    calibration: Calibration | None = None


def classify(answers: Sequence[Labelled]) -> Classification | None:
    """None of none. What was neither expected nor answered in the run is not among the labels."""
    if not answers:
        return None
    seen = {one.expected for one in answers} | {one.answered for one in answers if one.answered is not None}
    labels = tuple(sorted(seen))
    at = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    for one in answers:
        counts[at[one.expected], len(labels) if one.answered is None else at[one.answered]] += 1
    by_label = {label: _of_label(counts, place) for label, place in at.items()}
    return Classification(
        n=len(answers),
        labels=labels,
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
        by_label=by_label,
        accuracy=float(np.trace(counts[:, :-1]) / len(answers)),
        precision=_mean([one.precision or 0.0 for one in by_label.values()]),
        recall=_mean([one.recall or 0.0 for one in by_label.values()]),
        f1=_mean([one.f1 for one in by_label.values()]),
        roc=_roc(answers, labels),
        calibration=_calibration(answers),
    )


def _of_label(counts: NDArray[np.int64], place: int) -> OfLabel:
    right, expected, answered = int(counts[place, place]), int(counts[place].sum()), int(counts[:, place].sum())
    return OfLabel(
        precision=right / answered if answered else None,
        recall=right / expected if expected else None,
        f1=2 * right / (expected + answered),
        expected=expected,
        answered=answered,
    )


def _roc(answers: Sequence[Labelled], labels: tuple[str, ...]) -> Curve | None:
    if len(labels) != 2:
        return None
    positive = labels[1]
    sure = [_sure_of(positive, one) for one in answers]
    truth = np.array([one.expected == positive for one in answers])
    if any(one is None for one in sure) or truth.all() or not truth.any():
        return None
    scores = np.array(sure, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # where equal scores end
    hits, misses = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    true = np.concatenate([[0.0], hits / truth.sum()])
    false = np.concatenate([[0.0], misses / (~truth).sum()])
    shown = np.unique(np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS)).round().astype(np.int64))
    return Curve(positive, float(np.trapezoid(true, false)), tuple(false[shown].tolist()), tuple(true[shown].tolist()))


def _sure_of(label: str, one: Labelled) -> float | None:
    if one.probability is None or one.answered is None:
        return None
    return one.probability if one.answered == label else 1 - one.probability


def _calibration(answers: Sequence[Labelled]) -> Calibration | None:
    known = [(one.probability, one.answered == one.expected) for one in answers if one.probability is not None]
    if not known:
        return None
    sure = np.array([probability for probability, _ in known], dtype=np.float64)
    right = np.array([correct for _, correct in known], dtype=np.float64)
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    held = [place == bin_ for bin_ in range(BINS) if (place == bin_).any()]
    bins = tuple(Bin(int(one.sum()), float(sure[one].mean()), float(right[one].mean())) for one in held)
    error = sum(one.n * abs(one.probability - one.right) for one in bins) / len(known)
    return Calibration(len(known), error, float(((sure - right) ** 2).mean()), bins)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
