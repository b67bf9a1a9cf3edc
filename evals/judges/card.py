"""What is known of a judge: a card beside the labels it was held against, for this judge and these labels alone. A
changed rubric, scale or model is another judge, and has no card."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from evals.errors import BadInput, TargetFailed
from evals.judges import labels
from evals.judges.judge import Judge
from evals.judges.labels import Held
from evals.sample import Score
from evals.statistics import agreement, intervals
from evals.statistics.intervals import Interval


class Share(msgspec.Struct, frozen=True):
    """With an interval of 95 %: exact, but of kappa and of what is said of grades."""

    value: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None
    low: float
    high: float


UNKNOWN = Share(None, -1.0, 1.0)


class Grading(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a judge's grades of `n` answers stand to people's: Krippendorff's `alpha` of distances, and by how much the
    judge's are higher on average (`bias`), as a share of the scale. Of pairs, a preference is a grade of 1, 0.5 or 0,
    and `steady` is the share of them that it says the same of in either order."""

    n: int
    alpha: Share
    bias: Share
    steady: Share | None = None


class Shift(msgspec.Struct, frozen=True):
    """Of `n` answers, the mean `then`, when the card was made, and `now`; `p` is that of its being the same."""

    what: str
    n: int
    then: float | None
    now: float | None
    p: float


class Found(msgspec.Struct, frozen=True):
    """What asking a judge anew showed, `at` a Unix time: it `moved` where `p`, of all shifts together, is below
    `alpha`."""

    at: float
    shifts: tuple[Shift, ...]
    p: float
    alpha: float
    moved: bool


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """`counts`, or `grading` of a judge that grades, is what evidence tells of it. `unread` answers of the judge could
    not be read, and `failed` never came: they count nowhere else. `said` is what it made of each, in the order of the
    labels: a number, "unread" or "failed". `moved` was noted later. `epoch` counts how often the judge was calibrated
    anew after it had moved: what it said before that is not taken for what it says."""

    judge: str
    labels: str
    counts: dict[str, int]
    sensitivity: Share
    specificity: Share
    kappa: Share
    unread: int
    failed: int
    made: float
    grading: Grading | None = None
    said: tuple[float | str, ...] = ()
    moved: Found | None = None
    epoch: int = 0


Said = Score | TargetFailed
"""What a judge made of an answer, or why it never came."""


def card_of(path: Path, judge: str) -> Path:
    """Where the card of a judge, by its digest, on a file of labels is: several judges may share the labels."""
    return path.with_name(f"{path.name}.{judge[:12]}.card.json")


def known(judge: Judge, folder: Path) -> dict[str, Any] | None:
    """The card of this very judge, as JSON and without what it `said`; None where it was not calibrated as it is now.
    Raises `BadInput`."""
    if judge.calibration is None:
        return None
    path = folder / judge.calibration
    found = read_card(path, judge)
    if found is None or found.labels != labels.digest(path):
        return None
    told: dict[str, Any] = msgspec.to_builtins(replace(found, said=()))
    return told


def cards(judges: Mapping[str, Judge], folder: Path) -> dict[str, dict[str, Any]]:
    """By name, of those that were calibrated as they are. Raises `BadInput`."""
    found = {name: known(judge, folder) for name, judge in judges.items()}
    return {name: one for name, one in found.items() if one is not None}


def read_card(path: Path, judge: Judge) -> Card | None:
    """The card of this very judge, of whatever these labels were; None where there is none. Raises `BadInput`."""
    place = card_of(path, judge.digest)
    try:
        found = msgspec.json.decode(place.read_bytes(), type=Card)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"the card of a judge cannot be read: {error}.", file=str(place)) from error
    return found if found.judge == judge.digest else None


def kept(said: Said) -> float | str:
    """As a card keeps it."""
    if not isinstance(said, Score):
        return "failed"
    return "unread" if said.value is None else said.value


def written(card: Card, path: Path) -> Card:
    """Beside the labels, whole or not at all."""
    place = card_of(path, card.judge)
    new = place.with_name(place.name + ".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
    new.replace(place)
    return card


def card(judge: Judge, path: Path, held: Sequence[Held], said: Sequence[Said]) -> Card:
    """What came of asking it, answer by answer."""
    scores = [(one.value, score) for one, score in zip(held, said, strict=True) if isinstance(score, Score)]
    pairs = [(people, score.value) for people, score in scores if score.value is not None]
    table = _table(pairs if judge.corrects else [])
    return Card(
        judge=judge.digest,
        labels=labels.digest(path),
        counts={name: getattr(table, name) for name in ("true_right", "false_wrong", "true_wrong", "false_right")},
        sensitivity=_share(agreement.sensitivity(table)),
        specificity=_share(agreement.specificity(table)),
        kappa=_share(agreement.kappa(table)) if table.n else UNKNOWN,
        unread=len(scores) - len(pairs),
        failed=len(said) - len(scores),
        made=time.time(),
        grading=None if judge.corrects else _grading(pairs, [score for _, score in scores]),
        said=tuple(map(kept, said)),
        epoch=judge.epoch,
    )


def _table(pairs: Sequence[tuple[float, float]]) -> agreement.Table:
    counts = dict.fromkeys(("true_right", "false_wrong", "true_wrong", "false_right"), 0)
    for people, judge in pairs:
        counts[("true_" if people == judge else "false_") + ("right" if judge else "wrong")] += 1
    return agreement.Table(**counts)


def _grading(pairs: Sequence[tuple[float, float]], scores: Sequence[Score]) -> Grading:
    """Distances count, as it is means of grades that are compared."""
    alpha = _share(agreement.alpha_interval(pairs, "interval"))
    bias = _share(intervals.mean([judge - people for people, judge in pairs])) if len(pairs) > 1 else UNKNOWN
    return Grading(len(pairs), alpha, bias, _steady(scores))


def _steady(scores: Sequence[Score]) -> Share | None:
    agree = [bool(score.details["agree"]) for score in scores if "agree" in score.details]
    return _share(agreement.share(sum(agree), len(agree))) if agree else None


def _share(found: Interval) -> Share:
    return Share(None if found.estimate != found.estimate else found.estimate, found.low, found.high)
