"""Who works with a gateway through the client: each with a key of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from gateway.client import Client
from tests.client.halves import Half
from tests.running import Gateway


@dataclass(frozen=True)
class People:
    """Ada writes, Grace approves, and the administrator has minted their keys; the boss is another one."""

    root: Client
    boss: Client
    ada: Client
    grace: Client


@contextmanager
def at_work(half: Half, gateway: Gateway, keys: tuple[str, str, str]) -> Iterator[People]:
    opened = [half.client(gateway.url, held) for held in (gateway.key, *keys)]
    yield People(*opened)
    for client in opened:
        half.close(client)


def key(gateway: Gateway, name: str, *roles: str) -> str:
    """A new one; the admin API mints it, so that it is known at once."""
    body = {"name": name, "roles": list(roles)}
    minted: str = httpx.post(f"{gateway.url}/admin/keys", json=body, headers=gateway.headers).json()["key"]
    return minted
