"""A rollout as calls see it, brought into force without one in the database: what a controller decides is tested
elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from gateway.prompts.render import CompiledPrompt
from gateway.prompts.variables import schema_of
from gateway.record import CallRecord
from gateway.releases.resolve import LiveRelease, Trial
from gateway.store import search
from gateway.store.search import Filter
from gateway.types import PromptVersion, Release
from tests.inside import Inside

MANIFEST = "endpoints: {bot: {upstream: old}}"
CANDIDATE = Release("c0ffee" + "0" * 58, None, "new")
"""Of the endpoint `bot`, whose live release asks the upstream `old`."""

PROMPT = PromptVersion("p", 1, "p" * 64, ({"role": "system", "content": "Be kind."},), schema_of({}))


def bring(whole: Inside, release: Release = CANDIDATE, **trial: Any) -> Trial:
    """Lasts until something else changes in the database: keys are made before."""
    stage = "canary" if trial.get("weight") else "shadow"
    fields = {"stage": stage, "step": 1, "weight": 0.0, "salt": b"salt", "unit": "conversation", **trial}
    prompt = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
    made = Trial("roll_1", LiveRelease.of(release, prompt), **fields)
    snapshots = whole.services.refresher.snapshots
    held = snapshots.current
    endpoints = {**held.endpoints, "bot": replace(held.endpoints["bot"], trial=made)}
    snapshots.swap(replace(held, endpoints=endpoints))
    return made


async def records(whole: Inside) -> dict[str, CallRecord]:
    """All there are so far, by their ids."""
    await asyncio.to_thread(whole.services.shipper.ship)
    found = await whole.services.read(lambda connection: search.recent(connection, Filter(limit=1000)))
    return {record.id: record for record in found}


def gauge(whole: Inside, name: str) -> float:
    """As it is told to Prometheus."""
    _, text = whole.services.metrics.exposition()
    (line,) = [line for line in text.decode().splitlines() if line.startswith(f"sluice_{name} ")]
    return float(line.split()[1])
