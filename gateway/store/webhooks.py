"""Queries on webhooks and on what is delivered to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select, text, update

from gateway.store import audit
from gateway.store.tables.evidence import deliveries, webhooks
from gateway.webhooks import Message, message, subscribes

State = Literal["waiting", "delivered", "given_up"]
WAITING = text("state = 'waiting'")
"""Word for word as the index has it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A row of its table, which see. Times are Unix times."""

    id: str
    url: str
    secret: str
    events: list[str]
    created: float
    created_by: str
    heard: int
    failing: float | None = None
    disabled: float | None = None
    why: str | None = None

    def __repr__(self) -> str:
        """Without the address, which may hold a token."""
        return f"Webhook({self.id})"


@dataclass(frozen=True, slots=True)
class Delivery:
    id: int
    webhook: str
    message: str
    event: str
    body: str
    created: float
    due: float
    tries: int
    state: State
    last: str | None


def add(connection: Connection, new: Webhook) -> None:
    connection.execute(insert(webhooks).values(**asdict(new)))


def list_all(connection: Connection) -> list[Webhook]:
    """Oldest first."""
    rows = connection.execute(select(webhooks).order_by(webhooks.c.created, webhooks.c.id))
    return [Webhook(**row._mapping) for row in rows]


def find(connection: Connection, webhook_id: str) -> Webhook | None:
    row = connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).first()
    return Webhook(**row._mapping) if row is not None else None


def change(connection: Connection, webhook_id: str, **values: object) -> None:
    connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**values))


def remove(connection: Connection, webhook_id: str) -> None:
    """With everything that was delivered to it, or was to be."""
    connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook_id))
    connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


def hear(connection: Connection, webhook: Webhook, now: float) -> None:
    """Queue what is in the audit log beyond what the webhook was told, the next thousand entries of it. Where another
    process is faster, nothing."""
    entries = audit.after(connection, webhook.heard)
    if not entries:
        return
    mine = (webhooks.c.id == webhook.id, webhooks.c.heard == webhook.heard)
    if connection.execute(update(webhooks).where(*mine).values(heard=entries[-1]["seq"])).rowcount:
        for entry in entries:
            if subscribes(webhook.events, entry["action"]):
                queue(connection, webhook.id, message(entry), now)


def queue(connection: Connection, webhook_id: str, told: Message, now: float) -> int:
    """Gives the number of the delivery."""
    values = {"message": told.id, "event": told.event, "body": told.body, "created": now, "due": now}
    made = connection.execute(insert(deliveries).values(webhook=webhook_id, tries=0, state="waiting", **values))
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    return number


def due(connection: Connection, webhook_id: str, now: float, most: int) -> list[Delivery]:
    """Those whose time has come, longest waiting first."""
    query = select(deliveries).where(deliveries.c.webhook == webhook_id, WAITING, deliveries.c.due <= now)
    rows = connection.execute(query.order_by(deliveries.c.due, deliveries.c.id).limit(most))
    return [Delivery(**row._mapping) for row in rows]


def claim(connection: Connection, delivery: Delivery, until: float) -> bool:
    """Have it for oneself until then; False where another process was faster."""
    mine = (deliveries.c.id == delivery.id, deliveries.c.state == "waiting", deliveries.c.due == delivery.due)
    return connection.execute(update(deliveries).where(*mine).values(due=until)).rowcount == 1


def tried(connection: Connection, delivery: Delivery, state: State, last: str, due_at: float) -> None:
    """Write down what came of a try. One that was delivered meanwhile, by another process, stays so."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery.id, deliveries.c.state != "delivered")
        .values(state=state, last=last, due=due_at, tries=deliveries.c.tries + 1)
    )


def failing(connection: Connection, webhook_id: str, now: float) -> float:
    """Since when nothing has arrived: now, where the last one did."""
    mine = webhooks.c.id == webhook_id
    connection.execute(update(webhooks).where(mine, webhooks.c.failing.is_(None)).values(failing=now))
    since: float | None = connection.execute(select(webhooks.c.failing).where(mine)).scalar()
    return since if since is not None else now


def disable(connection: Connection, webhook_id: str, now: float, why: str) -> bool:
    """False where it is no more, or was disabled already."""
    mine = (webhooks.c.id == webhook_id, webhooks.c.disabled.is_(None))
    return connection.execute(update(webhooks).where(*mine).values(disabled=now, why=why)).rowcount == 1


def delivery(connection: Connection, webhook_id: str, number: int) -> Delivery | None:
    mine = (deliveries.c.webhook == webhook_id, deliveries.c.id == number)
    row = connection.execute(select(deliveries).where(*mine)).first()
    return Delivery(**row._mapping) if row is not None else None


def list_deliveries(
    connection: Connection, webhook_id: str, state: State | None, before: int | None, limit: int
) -> list[Delivery]:
    """Newest first."""
    query = select(deliveries).where(deliveries.c.webhook == webhook_id)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    rows = connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


def waiting(connection: Connection) -> dict[str, int]:
    """How many wait, by webhook."""
    query = select(deliveries.c.webhook, func.count()).where(WAITING)
    return {name: count for name, count in connection.execute(query.group_by(deliveries.c.webhook))}
