"""The prompts as programs get them: one version, whole, for every key that may use what it serves."""

from __future__ import annotations

import asyncio

from gateway.errors import BadRequest, NotFound
from gateway.prompts import registry
from gateway.prompts.published import as_json
from gateway.snapshot import Snapshots
from gateway.store.engine import Store
from gateway.types import Json, Principal


class Library:
    """Reads the store: a label that moved is seen at once."""

    def __init__(self, store: Store, snapshots: Snapshots) -> None:
        self._store = store
        self._snapshots = snapshots

    async def get(self, name: str, version: str | None, label: str | None, who: Principal) -> Json:
        """The version of that number, or at that label, which is `production` where nothing is named. Raises
        `NotFound`, for a prompt that this key may not know of too."""
        if version is not None and label is not None:
            raise BadRequest("Name a version or a label, not both.", param="label", code="invalid_value")
        if version is not None and not (version.isascii() and version.isdigit()):
            raise BadRequest("A version is a number.", param="version", code="invalid_type")
        return await asyncio.to_thread(self._get, name, version or label or registry.PRODUCTION, who)

    def _get(self, name: str, reference: str, who: Principal) -> Json:
        with self._store.reading() as connection:
            known = registry.named(connection, name)
            if not self._may_know(known, who):
                raise NotFound(f"There is no prompt {name[:80]!r}.", param="name", code="prompt_not_found")
            return {"object": "prompt", **as_json(registry.get(connection, known, reference))}

    def _may_know(self, name: str, who: Principal) -> bool:
        if who.endpoints is None:
            return True
        endpoints = self._snapshots.current.endpoints
        served = (endpoints[used].live for used in who.endpoints if used in endpoints)
        prompts = (live.release.prompt for live in served if live is not None)
        return any(prompt is not None and prompt.name == name for prompt in prompts)
