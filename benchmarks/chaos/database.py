"""PostgreSQL dead, then frozen, under load: calls go on being answered, and no record is lost or doubled.

Dead connections are refused at once; frozen ones say nothing at all, which is what a hung disk or a lost route looks
like.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.chaos.client import Load, compare
from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.kills import body
from benchmarks.chaos.stores import postgres

UPSTREAMS = {"demo": {"provider": "scripted", "rules": [{"say": "hello"}]}}
FULL, REDUCED = 600.0, 2.0
"""Seconds it is away, each way."""
SLOWEST = 1.0
"""Seconds the longest call may take, on a machine that is busy with the rest."""
RECOVERY = 120.0
"""Seconds for all that has waited to be shipped."""
PAUSE = 0.01
"""Seconds between two calls of a client: this is about time, not about speed."""


async def experiment(folder: Path, full: bool) -> Finding:
    seconds = FULL if full else REDUCED
    with postgres(folder) as server:
        gateway = Gateway(folder / "gateway", UPSTREAMS, database=server.database())
        await gateway.start()
        load = Load(gateway, body(False), clients=4, pause=PAUSE)
        figures: dict[str, object] = {"seconds away, each way": seconds}
        try:
            async with load:
                await asyncio.sleep(1)
                await asyncio.to_thread(server.crash)
                await asyncio.sleep(seconds)
                waiting = await gateway.metrics()
                await asyncio.to_thread(server.start)
                await asyncio.sleep(1)
                figures["came back after death, s"] = await _caught_up(gateway, load)
                server.freeze()
                await asyncio.sleep(seconds)
                server.thaw()
                figures["came back after freezing, s"] = await _caught_up(gateway, load)
        finally:
            await gateway.stop()
        kept = compare(load, gateway.records())
        doubled = kept.doubled + gateway.spent() - len(gateway.records())
    figures |= {
        "calls": kept.finished, "lost": kept.lost, "doubled": doubled, "statuses": dict(load.statuses),
        "longest call, ms": round(load.longest * 1000), "most waiting, bytes": waiting["sluice_journal_backlog_bytes"],
    }  # fmt: skip
    return Finding("dead-database", figures, list(_broken(figures, load, kept.exact and not doubled)))


async def _caught_up(gateway: Gateway, load: Load) -> float:
    """Seconds until the database has every record of the calls that have finished by now."""
    clock = asyncio.get_running_loop().time
    started, finished = clock(), len(load.finished)
    await gateway.shipped(finished, RECOVERY)
    return round(clock() - started, 1)


def _broken(figures: dict[str, object], load: Load, exact: bool) -> list[str]:
    found = []
    if not exact:
        found.append(f"{figures['lost']} records lost, {figures['doubled']} doubled")
    if set(load.statuses) != {200} or load.unanswered:
        found.append(f"not every call was answered: {dict(load.statuses)}, {load.unanswered} broke")
    if load.longest > SLOWEST:
        found.append(f"the longest call took {load.longest:.1f} s")
    for way in ("death", "freezing"):
        if float(str(figures[f"came back after {way}, s"])) >= RECOVERY:
            found.append(f"not recovered {RECOVERY:g} s after {way}")
    return found
