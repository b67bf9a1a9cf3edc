"""Queries on feedback: what was said of calls, and the calls it is said of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, text, tuple_, update

from gateway.store.tables.calls import calls
from gateway.store.tables.evidence import feedback
from gateway.store.tables.rollouts import observations

Source = Literal["user", "person", "judge"]
Whose = Literal["own", "any"]

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one key says of one call under one name (`metric`). `score` is from 0 to 1, `value` micro-USD; times are
    Unix times. `waiting` says whose calls it may be about while the call's record is not there; then it is None."""

    id: str
    call: str
    at: float
    key_id: str
    by: str
    source: Source
    metric: str
    score: float | None = None
    outcome: str | None = None
    correction: str | None = None
    comment: str | None = None
    value: int | None = None
    seconds_saved: float | None = None
    endpoint: str | None = None
    release: str | None = None
    rollout: str | None = None
    arm: str | None = None
    unit: str | None = None
    waiting: Whose | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """What feedback is to know of its call."""

    key_id: str | None
    endpoint: str | None
    release: str | None
    rollout: str | None
    arm: str | None
    step: int | None
    unit: str | None
    pair: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which feedback: all that matches everything given. `since` is included and `until` not; `after` is the id of the
    one that a page ended with."""

    call: str | None = None
    endpoint: str | None = None
    release: str | None = None
    rollout: str | None = None
    metric: str | None = None
    source: str | None = None
    since: float | None = None
    until: float | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How many were bound to their calls, and how many removed."""

    bound: int
    gone: int


WAITS = feedback.c.waiting.is_not(None)
CALLED = (feedback, calls, calls.c.id == feedback.c.call)
SERVED = [calls.c[name] for name in Served.__slots__]
ADD = text(
    f"INSERT INTO feedback ({', '.join(Feedback.__slots__)}) "  # noqa: S608 - names of ours
    f"VALUES ({', '.join(f':{name}' for name in Feedback.__slots__)}) ON CONFLICT (id) DO NOTHING"
)


def served(connection: Connection, call_id: str) -> Served | None:
    """None while the call's record is not there."""
    row = connection.execute(select(*SERVED).where(calls.c.id == call_id)).first()
    return Served(**row._mapping) if row is not None else None


def put(connection: Connection, said: Feedback, of: Served | None) -> Feedback:
    """Keep it, in place of what the same key said before; where the call's record is there, bound to it."""
    kept = said if of is None else replace(said, **_bond(of))
    before = None
    if connection.execute(ADD, asdict(kept)).rowcount == 0:
        mine = feedback.c.id == said.id
        before = _feedback(connection.execute(select(feedback).where(mine).with_for_update()).one())
        connection.execute(update(feedback).where(mine).values(**asdict(kept)))
    if of is not None:
        _observe(connection, kept, of, before.score if before is not None and before.waiting is None else None)
    return kept


def settle(connection: Connection, most: int) -> Settled:
    """Bind up to `most` of what waits for calls whose records have come. Feedback on a call of another key goes."""
    joined = select(feedback, *(column.label(f"of_{column.name}") for column in SERVED)).join_from(*CALLED)
    bound = gone = 0
    for row in connection.execute(joined.where(WAITS).limit(most)).all():
        of = Served(**{name: row._mapping[f"of_{name}"] for name in Served.__slots__})
        still = (feedback.c.id == row.id, WAITS)
        if row.waiting == "own" and of.key_id != row.key_id:
            gone += connection.execute(delete(feedback).where(*still)).rowcount
            continue
        done = connection.execute(update(feedback).where(*still).values(**_bond(of)).returning(feedback)).first()
        if done is not None:  # no other process was first
            _observe(connection, _feedback(done), of, None)
            bound += 1
    return Settled(bound, gone)


def _bond(of: Served) -> dict[str, Any]:
    """What binds feedback to its call."""
    names = ("endpoint", "release", "rollout", "arm", "unit")
    return {"waiting": None, **{name: getattr(of, name) for name in names}}


def _observe(connection: Connection, said: Feedback, of: Served, before: float | None) -> None:
    """Tell the call's rollout of the score, in place of the one `before`. What its analysis has taken in stays."""
    if of.rollout is None or of.arm is None or of.step is None or of.unit is None or said.score == before:
        return
    if before is None:
        place = {"call": said.call, **{name: getattr(of, name) for name in ("rollout", "arm", "step", "unit", "pair")}}
        scored = {"at": round(said.at * NANO), "metric": said.metric, "value": said.score}
        connection.execute(insert(observations).values(**place, **scored))
        return
    told = (observations.c.rollout == of.rollout, observations.c.call == said.call)
    same = (observations.c.metric == said.metric, observations.c.value == before)
    one = observations.c.id == select(func.min(observations.c.id)).where(*told, *same).scalar_subquery()
    if said.score is None:
        connection.execute(delete(observations).where(one))
    else:
        connection.execute(update(observations).where(one).values(value=said.score))


def waits(connection: Connection, before: float) -> bool:
    """Whether there is anything to settle, or to give up."""
    bindable = select(feedback.c.id).join_from(*CALLED).where(WAITS).limit(1)
    old = select(feedback.c.id).where(WAITS, feedback.c.at < before).limit(1)
    return any(connection.execute(query).first() is not None for query in (bindable, old))


def give_up(connection: Connection, before: float) -> int:
    """Remove what has waited since before that Unix time: its call never was. Gives how many that were."""
    return connection.execute(delete(feedback).where(WAITS, feedback.c.at < before)).rowcount


def waiting(connection: Connection, key_id: str) -> int:
    """How much feedback of this key waits for its call."""
    mine = select(func.count()).select_from(feedback).where(WAITS, feedback.c.key_id == key_id)
    return connection.execute(mine).scalar_one()


def others(connection: Connection, said: Feedback) -> int:
    """How much else this key has said of the same call."""
    same = (feedback.c.call == said.call, feedback.c.key_id == said.key_id, feedback.c.id != said.id)
    return connection.execute(select(func.count()).select_from(feedback).where(*same)).scalar_one()


def find(connection: Connection, wanted: Filter, limit: int) -> list[Feedback]:
    """The newest first."""
    place = tuple_(feedback.c.at, feedback.c.id)
    conditions: list[ColumnElement[bool]] = []
    for name in ("call", "endpoint", "release", "rollout", "metric", "source"):
        if (value := getattr(wanted, name)) is not None:
            conditions.append(feedback.c[name] == value)
    if wanted.since is not None:
        conditions.append(feedback.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(feedback.c.at < wanted.until)
    if wanted.after is not None:
        last = select(feedback.c.at, feedback.c.id).where(feedback.c.id == wanted.after).scalar_subquery()
        conditions.append(place < last)
    query = select(feedback).where(*conditions).order_by(feedback.c.at.desc(), feedback.c.id.desc()).limit(limit)
    return [_feedback(row) for row in connection.execute(query)]


def _feedback(row: Row[Any]) -> Feedback:
    return Feedback(**row._mapping)
