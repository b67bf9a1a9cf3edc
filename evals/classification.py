"""What a run's labels came to as a whole: confusion, precision, recall, F1, the ROC curve and calibration.

A pure function of what was expected, what was answered, and how sure the target was of it. An answer without a label is
wrong, and counts for the recall of what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from evals.coded import Coded, Ints

BINS = 10
"""Of probabilities, of equal width."""
MOST_POINTS = 200
"""Of a curve, as far as people look at it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """Answers: what was expected, what was answered, and how sure of that the target was, from 0 to 1; NaN where it did
    not say. Where nothing was expected there was no answer to score."""

    expected: Coded
    answered: Coded
    probability: Floats

    @classmethod
    def of(cls, answers: Iterable[tuple[str | None, str | None, float | None]]) -> Self:
        held = list(answers)
        sure = [np.nan if probability is None else probability for _, _, probability in held]
        return cls(
            Coded.of(expected for expected, _, _ in held),
            Coded.of(answered for _, answered, _ in held),
            np.array(sure, dtype=np.float64),
        )

    def at(self, rows: Ints) -> Labels:
        """Of those rows, in their order."""
        return Labels(self.expected.at(rows), self.answered.at(rows), self.probability[rows])


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


def classify(answers: Labels) -> Classification | None:
    """None of none. What was neither expected nor answered in the run is not among the labels."""
    held = answers.at(np.flatnonzero(answers.expected.codes >= 0))
    n = len(held.probability)
    if not n:
        return None
    labels = tuple(sorted({*held.expected.counted(), *held.answered.counted()}))
    expected, answered = _places(held.expected, labels), _places(held.answered, labels)
    width = len(labels) + 1
    counts = np.bincount(expected * width + answered, minlength=len(labels) * width).reshape(len(labels), width)
    by_label = {label: _of_label(counts, place) for place, label in enumerate(labels)}
    return Classification(
        n=n,
        labels=labels,
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
        by_label=by_label,
        accuracy=float(np.trace(counts[:, :-1]) / n),
        precision=_mean([one.precision or 0.0 for one in by_label.values()]),
        recall=_mean([one.recall or 0.0 for one in by_label.values()]),
        f1=_mean([one.f1 for one in by_label.values()]),
        roc=_roc(expected, answered, held.probability, labels),
        calibration=_calibration(expected == answered, held.probability),
    )


def _places(coded: Coded, labels: tuple[str, ...]) -> Ints:
    """Where each is among the labels; behind the last where it is none."""
    place = {label: at for at, label in enumerate(labels)}
    known = np.array([*(place.get(name, -1) for name in coded.names), len(labels)], dtype=np.int64)
    return known[coded.codes]  # -1 is the last


def _of_label(counts: NDArray[np.int64], place: int) -> OfLabel:
    right, expected, answered = int(counts[place, place]), int(counts[place].sum()), int(counts[:, place].sum())
    return OfLabel(
        precision=right / answered if answered else None,
        recall=right / expected if expected else None,
        f1=2 * right / (expected + answered),
        expected=expected,
        answered=answered,
    )


def _roc(expected: Ints, answered: Ints, probability: Floats, labels: tuple[str, ...]) -> Curve | None:
    if len(labels) != 2:
        return None
    truth = expected == 1
    if np.isnan(probability).any() or (answered == 2).any() or truth.all() or not truth.any():
        return None
    scores = np.where(answered == 1, probability, 1 - probability)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # where equal scores end
    hits, misses = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    true = np.concatenate([[0.0], hits / truth.sum()])
    false = np.concatenate([[0.0], misses / (~truth).sum()])
    shown = np.unique(np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS)).round().astype(np.int64))
    area = float(np.trapezoid(true, false))
    return Curve(labels[1], area, tuple(false[shown].tolist()), tuple(true[shown].tolist()))


def _calibration(is_right: NDArray[np.bool_], probability: Floats) -> Calibration | None:
    known = ~np.isnan(probability)
    if not known.any():
        return None
    sure, right = probability[known], is_right[known].astype(np.float64)
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    held = [place == bin_ for bin_ in range(BINS) if (place == bin_).any()]
    bins = tuple(Bin(int(one.sum()), float(sure[one].mean()), float(right[one].mean())) for one in held)
    error = sum(one.n * abs(one.probability - one.right) for one in bins) / len(sure)
    return Calibration(len(sure), error, float(((sure - right) ** 2).mean()), bins)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
