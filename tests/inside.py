"""A whole gateway inside the test's own event loop, asked through ASGI: for what needs no process and no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI

from gateway.app import create
from gateway.configuration import Source
from gateway.front.asgi import AsgiFront, Message
from gateway.keys import Grant, mint
from gateway.releases.apply import apply
from gateway.releases.conduct import Actor
from gateway.releases.manifest import parse
from gateway.services import Services
from gateway.settings import Settings


@dataclass(frozen=True)
class Inside:
    """`client` asks without a key; `key` mints one for it to be asked with."""

    front: AsgiFront
    client: httpx.AsyncClient

    @property
    def admin(self) -> FastAPI:
        return cast(FastAPI, self.front.served.admin)

    @property
    def services(self) -> Services:
        services: Services = self.admin.state.services
        return services

    async def key(self, *roles: str, **grant: Any) -> dict[str, str]:
        """The header fields of a new key of these roles, which may use everything unless `grant` says otherwise."""
        new = Grant(**{"name": "test", "roles": frozenset(roles), "upstreams": None, **grant})
        secret, _ = await self.services.write(lambda connection: mint(connection, self.services.hasher, new, "root"))
        return {"authorization": f"Bearer {secret}"}

    async def apply(self, manifest: str) -> None:
        here, by = self.services.installation, Actor("test", None)
        await self.services.write(lambda connection: apply(connection, parse(manifest, "m"), here, by))


@asynccontextmanager
async def inside(folder: Path, source: Source | None = None, **settings: Any) -> AsyncIterator[Inside]:
    """Settings as they are given, or loaded from `source`, which can then be loaded again."""
    given = Settings.model_validate({"data": folder / "data", "upstreams": {}, **settings})
    front = create(given if source is None else source.load(), source=source)
    stop, said = asyncio.Event(), asyncio.Queue[Message]()

    async def receive() -> Message:
        if said.empty() and not stop.is_set():
            return {"type": "lifespan.startup"}
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    life = asyncio.create_task(front({"type": "lifespan", "state": {}}, receive, said.put))
    transport = httpx.ASGITransport(app=cast(Any, front))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        try:
            while said.empty():
                assert not life.done(), life
                await asyncio.sleep(0.005)
            yield Inside(front, client)
        finally:
            stop.set()
            await life
