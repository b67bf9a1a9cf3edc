"""What a gateway answers, as frozen types. Fields that a newer gateway adds are passed over. Times are Unix times in
seconds, money is micro-USD, releases are named by their digests."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from gateway.errors import Unavailable
from gateway.types import Json

T = TypeVar("T")


def read(kind: type[T], body: Any) -> T:
    """Raises `Unavailable` with the code `unreadable_reply` for what is none."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        message = f"The gateway's reply cannot be read; it may be of another version than this client: {error}"
        raise Unavailable(message, code="unreadable_reply") from error


def read_all(kind: type[T], body: Any) -> tuple[T, ...]:
    """From a list of the API."""
    return read(tuple[kind, ...], read(Listed, body).data)  # type: ignore[valid-type]


class Listed(Struct, frozen=True):
    data: list[Any]


# prompts -------------------------------------------------------------------------------------------------------------


class FoundPrompt(Struct, frozen=True):
    """A prompt with the version `main` is at."""

    name: str
    version: int
    versions: int
    message: str
    author: str
    created: float
    labels: dict[str, int]


class VersionEntry(Struct, frozen=True):
    version: int
    digest: str
    branch: str
    parent: int | None
    merged: int | None
    message: str
    author: str
    created: float


class Branch(Struct, frozen=True):
    """`base` is the version it was forked from, `head` the one it is at; `closed` is when it was merged."""

    name: str
    base: int
    head: int
    created: float
    created_by: str
    closed: float | None


class PromptHistory(Struct, frozen=True):
    """A prompt's versions, newest first, its branches and its labels."""

    name: str
    labels: dict[str, int]
    branches: tuple[Branch, ...]
    versions: tuple[VersionEntry, ...]


class Comparison(Struct, frozen=True):
    """What a version changes against the live and the last good one, in words, `tokens` and cost."""

    name: str
    upstream: str | None
    candidate: int
    live: int | None
    good: int | None
    tokens: dict[str, int]
    against_live: Json | None
    against_good: Json | None


class Label(Struct, frozen=True):
    label: str
    version: int
    protected: bool


class LabelMove(Struct, frozen=True):
    """`before` and `after` are the versions a label pointed at; None where it did not exist."""

    label: str
    before: int | None
    after: int | None
    at: float
    by: str
    reason: str
    evidence: tuple[str, ...]


class Labels(Struct, frozen=True):
    data: tuple[Label, ...]
    history: tuple[LabelMove, ...]


class Comment(Struct, frozen=True):
    id: int
    version: int
    at: float
    by: str
    body: str


# releases and endpoints ----------------------------------------------------------------------------------------------


class Release(Struct, frozen=True):
    """All that a release is made of."""

    digest: str
    prompt: Json | None
    upstream: str
    parameters: Json
    tools: tuple[Json, ...]
    response_format: Json | None
    policy: str | None


class AppliedChange(Struct, frozen=True):
    kind: str
    name: str
    outcome: str
    digest: str | None


class Serving(Struct, frozen=True):
    """An endpoint in the list of them: what serves, and what is tried beside it."""

    name: str
    description: str | None
    release: str | None
    prompt: str | None
    upstream: str | None
    parameters: Json
    updated: float
    protected: bool
    broken: str | None
    trial: str | None
    unreviewed: int


class Lived(Struct, frozen=True):
    """A time at which a release went live."""

    release: str
    at: float
    by: str
    reason: str


class Breaking(Struct, frozen=True):
    """A release that went live without a second person; red until `reviewed`."""

    id: str
    endpoint: str
    release: str
    at: float | None = None
    by: str | None = None
    reason: str | None = None
    reviewed: float | None = None
    reviewed_by: str | None = None
    review: str | None = None


class GateChange(Struct, frozen=True):
    """`gate` of None would end the protection. `state` is waiting, approved or refused."""

    id: str
    endpoint: str
    gate: Json | None
    reason: str
    author: str
    created: float
    state: str
    decided: float | None
    decided_by: str | None


class RolledBack(Struct, frozen=True):
    """What serves now, and what did before."""

    name: str
    release: str | None
    before: str | None


# rollouts ------------------------------------------------------------------------------------------------------------


class Approval(Struct, frozen=True):
    at: float
    by: str
    approved: bool
    note: str
    conditions: tuple[Json, ...]


class Step(Struct, frozen=True):
    """One step of a rollout's history."""

    at: float
    by: str
    action: str
    stage: str
    step: int
    reason: str
    detail: Json | None


class Rollout(Struct, frozen=True):
    """A candidate's way to production, as it stands: `stage` is draft, gate, shadow, canary or live; `state` running,
    paused, live, aborted or rolled_back; `why` says in words what it waits for or why it ended. What people said, its
    history and what the gate says come with `rollouts.get` alone."""

    id: str
    endpoint: str
    release: str
    control: str | None
    stage: str
    step: int
    steps: tuple[float, ...]
    weight: float
    state: str
    why: str
    reason: str
    author: str
    plan: Json
    analysis: Any
    created: float
    entered: float
    updated: float
    approvals: tuple[Approval, ...] = ()
    history: tuple[Step, ...] = ()
    gate: Any = None

    @property
    def open(self) -> bool:
        """It has not ended."""
        return self.state in ("running", "paused")


class Endpoint(Struct, frozen=True):
    """An endpoint with its history: what is live, what was last good, what is tried, and what protects it."""

    name: str
    description: str | None
    release: str | None
    last_good: str | None
    protected: bool
    gate: Json | None
    broken: str | None
    rollout: Rollout | None
    unreviewed: tuple[Breaking, ...]
    history: tuple[Lived, ...]


# evidence and decisions ----------------------------------------------------------------------------------------------


class Evidence(Struct, frozen=True):
    """What was accepted for a release. Its `body` and the installation's signature over it come with `evidence.get`
    alone."""

    id: str
    release: str
    kind: str
    suite: str | None
    baseline: str | None
    items: int
    at: float
    by: str
    digest: str
    body: Json | None = None
    signature: str | None = None
    public_key: str | None = None


class Decision(Struct, frozen=True):
    """A signed decision record. `genuine` says whether it is as it was signed, `expired` whether it must be taken
    anew."""

    id: str
    endpoint: str
    release: str
    rollout: str | None
    at: float
    outcome: str
    expires: float | None
    body: Json
    digest: str
    signature: str
    expired: bool
    genuine: bool


# feedback and value --------------------------------------------------------------------------------------------------


class Feedback(Struct, frozen=True):
    """What was said of a call. `bound` is False while the call's own record is on its way."""

    id: str
    call: str
    at: float
    key_id: str
    by: str
    source: str
    metric: str
    score: float | None
    outcome: str | None
    correction: str | None
    comment: str | None
    value: int | None
    minutes_saved: float | None
    endpoint: str | None
    release: str | None
    rollout: str | None
    arm: str | None
    bound: bool


class Value(Struct, frozen=True):
    """The KPI tree of an endpoint: of all its calls, of each release's, and of the arms of its rollouts. Each figure is
    an `estimate` with the bounds of its 95 % interval; latencies are in milliseconds."""

    endpoint: str
    since: float
    until: float
    hourly_rate: float | None
    share: float
    served: Json
    releases: tuple[Json, ...]
    rollouts: tuple[Json, ...]


# audit ---------------------------------------------------------------------------------------------------------------


class AuditEntry(Struct, frozen=True):
    """What was done, to what, by whom."""

    seq: int
    at: float
    actor: str
    key_id: str | None
    action: str
    object: str
    reason: str
    detail: Json
    hash: str


class AuditCheck(Struct, frozen=True):
    """`seq` and `wrong` tell of the first entry that is not as it was written; None where the log holds."""

    entries: int
    seq: int | None
    wrong: str | None
    public_key: str


# webhooks ------------------------------------------------------------------------------------------------------------


class Webhook(Struct, frozen=True):
    """`failing` is since when nothing has arrived; `disabled` is when it ended, and `why`. `waiting` counts the
    messages that have not arrived yet."""

    id: str
    url: str
    events: list[str]
    created: float
    created_by: str
    failing: float | None
    disabled: float | None
    why: str | None
    waiting: int


class CreatedWebhook(Webhook, frozen=True, kw_only=True):
    """`secret` is what messages are signed with."""

    secret: str


class Delivery(Struct, frozen=True):
    """`message` is the `webhook-id`; `last` what came of the last try, `due` when the next one is. `state` is waiting,
    delivered or given_up."""

    id: int
    message: str
    event: str
    body: Json
    created: float
    due: float | None
    tries: int
    state: str
    last: str | None
