"""Leases: which process does a job that only one may do at a time."""

from __future__ import annotations

import time

from sqlalchemy import Connection, delete, or_, text, update

from gateway.store.tables.serving import leases

ADD = text("INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until) ON CONFLICT (name) DO NOTHING")


def take(connection: Connection, name: str, holder: str, seconds: float) -> bool:
    """Take the lease, or hold it for longer; False while another has it. One that died has it until its time is over.
    The clocks of those who take turns must agree to well within `seconds`."""
    now = time.time()
    free = or_(leases.c.holder == holder, leases.c.until < now)
    taken = connection.execute(
        update(leases).where(leases.c.name == name, free).values(holder=holder, until=now + seconds)
    )
    if taken.rowcount:
        return True
    return connection.execute(ADD, {"name": name, "holder": holder, "until": now + seconds}).rowcount == 1


def give_back(connection: Connection, name: str, holder: str) -> None:
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
