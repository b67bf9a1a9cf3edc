"""Whether a judge still says what it said when it was calibrated: a model behind a name changes without a word.

It is asked anew about its labelled answers, whatever was kept of it, and each judgement is held against the card's of
the same answer. A judge that errs by lot, but is the same, turns as many one way as the other; the tests of pairs are
exact for that, or as good. What is looked at is told in advance, and the smallest p-value is charged for all
(Bonferroni)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from evals.errors import BadInput, TargetFailed
from evals.judges.calibration import judgements, labels_of
from evals.judges.card import Card, Found, Shift, kept, read_card, written
from evals.judges.judge import Judge
from evals.judges.labels import Held, digest, labels
from evals.runs.answers import AnswersFile
from evals.statistics import scores
from evals.statistics.pairs import Pairs, mcnemar
from evals.suite import Limits

MOST_FAILED = 0.1
"""Of the answers, which may not come, and something is said of the others still."""
Said = tuple[float | str, float | str]
"""What the judge made of an answer, then and now."""


def recheck(judge: Judge, folder: Path, limits: Limits, alpha: float) -> Found:
    """Asks anew, and notes in the card where the judge has moved. One that was found to have is not asked again. Raises
    `BadInput` where there is no card of this judge, `TargetFailed` where too few answers come, `BudgetSpent`."""
    path = labels_of(judge, folder)
    card = _card(judge, path)
    if card.moved is not None:
        return card.moved
    held = labels(path, judge)
    said = [kept(one) for one in asyncio.run(judgements(judge, held, folder, limits, AnswersFile(None)))]
    failed = said.count("failed")
    if failed > MOST_FAILED * len(said):
        raise TargetFailed(f"{failed} of {len(said)} answers were not judged: whether the judge moved cannot be said.")
    found = compared(judge, held, list(zip(card.said, said, strict=True)), alpha)
    if found.moved:
        written(replace(card, moved=found), path)
    return found


def compared(judge: Judge, held: Sequence[Held], said: Sequence[Said], alpha: float) -> Found:
    """Answer by answer."""
    values = [(one.value, then, now) for one, (then, now) in zip(held, said, strict=True)]
    read = [(people, then, now) for people, then, now in values if isinstance(then, float) and isinstance(now, float)]
    if judge.corrects:
        right = [(then, now) for people, then, now in read if people == 1.0]
        wrong = [(1 - then, 1 - now) for people, then, now in read if people == 0.0]
        shifts = [_flips("right answers called right", right), _flips("wrong answers called wrong", wrong)]
    else:
        grades = [(then, now) for _, then, now in read]
        away = [(abs(then - people), abs(now - people)) for people, then, now in read]
        shifts = [_distances("grades, from 0 to 1", grades), _distances("distance from people's", away)]
    came = [(then, now) for _, then, now in values if "failed" not in (then, now)]
    shifts.append(_flips("could be read", [(float(then != "unread"), float(now != "unread")) for then, now in came]))
    p = min(1.0, len(shifts) * min(shift.p for shift in shifts))
    return Found(time.time(), tuple(shifts), p, alpha, p < alpha)


def _card(judge: Judge, path: Path) -> Card:
    card = read_card(path, judge)
    if card is None or card.labels != digest(path) or not card.said:
        raise BadInput("The judge was not calibrated as it is now: leave out --again, and it is.", file=str(path))
    return card


def _flips(what: str, pairs: Sequence[tuple[float, float]]) -> Shift:
    """Of yes and no: McNemar's exact test."""
    better, worse = pairs.count((0.0, 1.0)), pairs.count((1.0, 0.0))
    both = pairs.count((1.0, 1.0))
    p = mcnemar(Pairs(both, better, worse, len(pairs) - both - better - worse))
    return _shift(what, pairs, p)


def _distances(what: str, pairs: Sequence[tuple[float, float]]) -> Shift:
    """Of numbers: sign flips."""
    differences = [now - then for then, now in pairs]
    return _shift(what, pairs, scores.flipped(differences).p_either if any(differences) else 1.0)


def _shift(what: str, pairs: Sequence[tuple[float, float]], p: float) -> Shift:
    if not pairs:
        return Shift(what, 0, None, None, p)
    then, now = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    return Shift(what, len(pairs), then, now, p)
