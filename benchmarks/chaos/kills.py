"""`kill -9` at random moments under load: each call whose reply the client saw to its end has one record afterwards.

A load of whole replies and one of streams run through all deaths, on SQLite and PostgreSQL, with one process and with
two. Sums of the spend are compared too: they would show a call that was counted twice under one id.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.client import Load, compare
from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.stores import postgres

UPSTREAMS = {"demo": {"provider": "scripted", "rules": [{"say": "one two three four five six", "pause": 0.002}]}}
LONGEST_LIFE = 1.5
"""Seconds under load before it is killed: anything from none to this."""


@dataclass(frozen=True)
class Setting:
    """Where it is killed, and how often."""

    store: str
    workers: int
    kills: int


FULL = (Setting("sqlite", 1, 80), Setting("postgresql", 1, 80), Setting("sqlite", 2, 20), Setting("postgresql", 2, 20))
REDUCED = (Setting("sqlite", 1, 3), Setting("postgresql", 2, 2))


def body(stream: bool) -> dict[str, object]:
    return {"model": "demo", "stream": stream, "messages": [{"role": "user", "content": "hello"}]}


async def killed(folder: Path, setting: Setting, url: str | None, seed: int) -> dict[str, int]:
    """Figures of one setting."""
    chance = random.Random(seed)
    database = {"database": url} if url is not None else {}
    gateway = Gateway(folder, UPSTREAMS, workers=setting.workers, **database)
    await gateway.start()
    whole, streams = Load(gateway, body(False), clients=4), Load(gateway, body(True), clients=4)
    try:
        async with whole, streams:
            for _ in range(setting.kills):
                await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
                gateway.kill()
                await gateway.start()
            await asyncio.sleep(0.2)
        loads = whole.merged(streams)
        records = await gateway.shipped(len(loads.finished))
    finally:
        await gateway.stop()
    records = gateway.records()
    kept = compare(loads, records)
    doubled = kept.doubled + gateway.spent() - len(records)
    return {
        "kills": setting.kills, "finished": kept.finished, "lost": kept.lost, "doubled": doubled,
        "unexpected": kept.unexpected, "broken off": len(loads.begun) + loads.unanswered,
    }  # fmt: skip


async def experiment(folder: Path, full: bool) -> Finding:
    """All settings side by side."""
    seed = random.randrange(2**32)
    settings = FULL if full else REDUCED
    with postgres(folder) as server:
        runs = [
            killed(folder / str(number), each, server.database() if each.store == "postgresql" else None, seed + number)
            for number, each in enumerate(settings)
        ]
        results = await asyncio.gather(*runs)
    figures: dict[str, object] = {"seed": seed}
    broken = []
    for setting, found in zip(settings, results, strict=True):
        name = f"{setting.store}, {setting.workers} process{'es' if setting.workers > 1 else ''}"
        figures[name] = found
        broken += [f"{name}: {found[what]} {what}" for what in ("lost", "doubled", "unexpected") if found[what]]
        if not found["finished"]:
            broken.append(f"{name}: no call finished")
    return Finding("kills", figures, broken)
