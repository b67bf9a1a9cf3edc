"""Webhooks: who is told of what happens, and what was delivered to them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Connection

from gateway.api.deps import MOST, Admin, Running
from gateway.audit import Act
from gateway.errors import NotFound
from gateway.store import audit, webhooks
from gateway.store.webhooks import State
from gateway.types import Principal
from gateway.webhooks import EVERYTHING, Message, known, new_secret, trial

router = APIRouter(tags=["webhooks"])

Number = Annotated[int, Path(ge=1, le=MOST)]
Events = Annotated[list[str], Field(min_length=1, max_length=100)]
EVENTS = "Acts of the audit log: whole names, beginnings up to a dot as `prompt.`, or `*` for all."


def _known(events: list[str] | None) -> list[str] | None:
    for event in events or ():
        if not known(event):
            raise ValueError(f"{event[:80]!r} is no act of the audit log, nor how one begins; write `prompt.` or `*`")
    return events


class NewWebhook(BaseModel):
    """`url` is an http(s) address without credentials, one that is on the internet unless the operator allows private
    ones."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000)
    events: Events = Field([EVERYTHING], description=EVENTS)

    _events = field_validator("events")(_known)


class WebhookChange(BaseModel):
    """Null leaves what there is. One that is enabled again is told of all that happened since it was disabled."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, max_length=2000)
    events: Events | None = Field(None, description=EVENTS)
    enabled: bool | None = None

    _events = field_validator("events")(_known)


class ShownWebhook(BaseModel):
    """`failing` is since when nothing has arrived; `disabled` is when it ended, and `why`. Unix times. `waiting` counts
    the messages that have not arrived yet."""

    id: str
    url: str
    events: list[str]
    created: float
    created_by: str
    failing: float | None
    disabled: float | None
    why: str | None
    waiting: int


class CreatedWebhook(ShownWebhook):
    secret: str = Field(description="What messages are signed with; shown this once.")


class Webhooks(BaseModel):
    object: str = "list"
    data: list[ShownWebhook]


class Deleted(BaseModel):
    id: str
    deleted: bool = True


class ShownDelivery(BaseModel):
    """`message` is the `webhook-id`; `last` what came of the last try, `due` when the next one is."""

    id: int
    message: str
    event: str
    body: dict[str, Any]
    created: float
    due: float | None
    tries: int
    state: State
    last: str | None


class Deliveries(BaseModel):
    object: str = "list"
    data: list[ShownDelivery]
    has_more: bool


@router.post("/webhooks", status_code=201)
async def create_webhook(new: NewWebhook, who: Admin, running: Running) -> CreatedWebhook:
    """Have acts told, from now on."""
    await running.dispatcher.check(new.url)
    webhook_id, secret = f"wh_{os.urandom(8).hex()}", new_secret()
    sealed, by = running.sealer.seal(secret, webhook_id), who.owner or who.name

    def change(connection: Connection) -> webhooks.Webhook:
        head = audit.last(connection)
        heard = head.seq if head is not None else 0
        made = webhooks.Webhook(webhook_id, new.url, sealed, new.events, time.time(), by, heard)
        webhooks.add(connection, made)
        return made

    made = await running.act(who, Act("webhooks.create", f"webhook:{webhook_id}", "", {"events": new.events}), change)
    return CreatedWebhook(secret=secret, **_shown(made, 0))


@router.get("/webhooks")
async def list_webhooks(who: Admin, running: Running) -> Webhooks:
    """All of them, oldest first."""

    def read(connection: Connection) -> Webhooks:
        waiting = webhooks.waiting(connection)
        found = webhooks.list_all(connection)
        return Webhooks(data=[ShownWebhook(**_shown(one, waiting.get(one.id, 0))) for one in found])

    result: Webhooks = await running.read(read)
    return result


@router.patch("/webhooks/{webhook_id}")
async def change_webhook(webhook_id: str, new: WebhookChange, who: Admin, running: Running) -> ShownWebhook:
    """Send elsewhere, tell of other acts, stop for a while, or begin again."""
    if new.url is not None:
        await running.dispatcher.check(new.url)

    def change(connection: Connection) -> ShownWebhook:
        _found(connection, webhook_id)
        values: dict[str, Any] = {name: getattr(new, name) for name in ("url", "events") if getattr(new, name)}
        if new.enabled is not None:
            values |= {"disabled": None if new.enabled else time.time(), "failing": None}
            values |= {"why": None if new.enabled else f"disabled by {who.owner or who.name}"}
        if values:
            webhooks.change(connection, webhook_id, **values)
        return ShownWebhook(**_shown(_found(connection, webhook_id), webhooks.waiting(connection).get(webhook_id, 0)))

    detail = new.model_dump(exclude={"url"}, exclude_none=True) | {"url_changed": new.url is not None}
    changed: ShownWebhook = await running.act(who, Act("webhooks.change", f"webhook:{webhook_id}", "", detail), change)
    return changed


@router.delete("/webhooks/{webhook_id}")
async def delete_webhook(webhook_id: str, who: Admin, running: Running) -> Deleted:
    """Tell it nothing more. What was to be delivered is not."""

    def change(connection: Connection) -> None:
        _found(connection, webhook_id)
        webhooks.remove(connection, webhook_id)

    await running.act(who, Act("webhooks.delete", f"webhook:{webhook_id}"), change)
    return Deleted(id=webhook_id)


@router.post("/webhooks/{webhook_id}/test", status_code=202)
async def test_webhook(webhook_id: str, who: Admin, running: Running) -> ShownDelivery:
    """Send an event of the type `webhooks.tried`; look at the delivery for what came of it."""
    told = trial(who.owner or who.name, f"webhook:{webhook_id}")
    return await _queue(running, who, webhook_id, "webhooks.test", lambda _: told)


@router.get("/webhooks/{webhook_id}/deliveries")
async def list_deliveries(
    webhook_id: str,
    who: Admin,
    running: Running,
    state: State | None = None,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Deliveries:
    """Newest first; `before` the number that a page ended with, for the next."""

    def read(connection: Connection) -> list[webhooks.Delivery]:
        _found(connection, webhook_id)
        return webhooks.list_deliveries(connection, webhook_id, state, before, limit)

    found = await running.read(read)
    return Deliveries(data=[_delivery(one) for one in found], has_more=len(found) == limit)


@router.get("/webhooks/{webhook_id}/deliveries/{number}")
async def get_delivery(webhook_id: str, number: Number, who: Admin, running: Running) -> ShownDelivery:
    """One."""
    return _delivery(await running.read(lambda connection: _found_delivery(connection, webhook_id, number)))


@router.post("/webhooks/{webhook_id}/deliveries/{number}/redeliver", status_code=202)
async def redeliver(webhook_id: str, number: Number, who: Admin, running: Running) -> ShownDelivery:
    """Send a message again, under the id it had, as a delivery of its own."""

    def again(connection: Connection) -> Message:
        before = _found_delivery(connection, webhook_id, number)
        return Message(before.message, before.event, before.body)

    return await _queue(running, who, webhook_id, "webhooks.redeliver", again)


async def _queue(
    running: Any, who: Principal, webhook_id: str, action: str, told: Callable[[Connection], Message]
) -> ShownDelivery:
    def change(connection: Connection) -> webhooks.Delivery:
        _found(connection, webhook_id)
        number = webhooks.queue(connection, webhook_id, told(connection), time.time())
        return _found_delivery(connection, webhook_id, number)

    def act(made: webhooks.Delivery) -> Act:
        return Act(action, f"webhook:{webhook_id}", "", {"message": made.message})

    return _delivery(await running.act(who, act, change))


def _found(connection: Connection, webhook_id: str) -> webhooks.Webhook:
    found = webhooks.find(connection, webhook_id)
    if found is None:
        raise NotFound(f"There is no webhook {webhook_id[:80]!r}.", param="webhook_id", code="webhook_not_found")
    return found


def _found_delivery(connection: Connection, webhook_id: str, number: int) -> webhooks.Delivery:
    _found(connection, webhook_id)
    found = webhooks.delivery(connection, webhook_id, number)
    if found is None:
        raise NotFound(f"There is no delivery {number} to it.", param="number", code="delivery_not_found")
    return found


def _shown(webhook: webhooks.Webhook, waiting: int) -> dict[str, Any]:
    names = ("id", "url", "events", "created", "created_by", "failing", "disabled", "why")
    return {**{name: getattr(webhook, name) for name in names}, "waiting": waiting}


def _delivery(one: webhooks.Delivery) -> ShownDelivery:
    names = ("id", "message", "event", "created", "tries", "state", "last")
    held = {name: getattr(one, name) for name in names}
    return ShownDelivery(**held, body=orjson.loads(one.body), due=one.due if one.state == "waiting" else None)
