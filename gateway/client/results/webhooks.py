"""Webhooks, and what was delivered to them."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


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
