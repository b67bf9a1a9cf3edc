"""Redis dead, silent, and emptied under load: what is declared for calls with limits happens, and ends by itself.

Three loads run through it all: one without limits, which must not notice; one under a limit it never reaches; one that
uses up a budget, which must not be passed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.client import Load, compare
from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.kills import body
from tests.state.servers import Valkey

PRICE = {"input": 1_000_000, "output": 1_000_000}
UPSTREAMS = {"demo": {"provider": "scripted", "rules": [{"say": "one two three"}], "price": PRICE}}
BUDGET = 5_000
"""Micro-USD; a call takes some ten."""
MODES = ("refuse", "serve")
FULL, REDUCED = 60.0, 2.5
"""Seconds of each fault."""
SLOWEST = 1.5
"""Seconds the longest call may take, the time-out of the state and a busy machine included."""
RECOVERY = 15.0
PAUSE = 0.01


@dataclass(frozen=True)
class Disturbance:
    """What is done to Redis, and how it ends."""

    name: str
    begin: Callable[[Valkey], object]
    end: Callable[[Valkey], object]


DISTURBANCES = (
    Disturbance("dead", Valkey.kill, Valkey.start),
    Disturbance("silent", Valkey.pause, Valkey.resume),
    Disturbance("emptied", lambda server: server.command("FLUSHALL"), lambda server: None),
)


@dataclass
class Loads:
    """Calls without limits, under a wide one, and under a budget."""

    free: Load
    wide: Load
    tight: Load

    @property
    def all(self) -> Load:
        return self.free.merged(self.wide).merged(self.tight)


def limited(gateway: Gateway, name: str, *limits: str) -> tuple[str, str]:
    """Id and secret of a key under these limits."""
    made = json.loads(gateway.sluice("keys", "create", name, "--upstream", "all", "--json"))
    gateway.sluice("limits", "set", f"key:{made['id']}", *limits)
    return made["id"], made["key"]


async def disturbed(folder: Path, mode: str, seconds: float) -> tuple[dict[str, object], list[str]]:
    """Figures of one mode, and what was not as declared."""
    server = Valkey(folder.parent)
    await asyncio.to_thread(server.start)
    gateway = Gateway(folder, UPSTREAMS, state={"url": server.url, "away": mode})
    await gateway.start()
    broken: list[str] = []
    figures: dict[str, object] = {}
    try:
        _, wide = await asyncio.to_thread(limited, gateway, "wide", "--requests-per-minute", "10000000")
        tight_id, tight = await asyncio.to_thread(limited, gateway, "tight", "--budget", f"{BUDGET / 1e6}usd/total")
        await asyncio.sleep(3.5)  # the gateway notices, and a state that is new grants nothing for two seconds
        call = {**body(False), "max_tokens": 10}
        loads = Loads(*(Load(gateway, call, clients=2, pause=PAUSE, key=key) for key in (gateway.key, wide, tight)))
        async with loads.free, loads.wide, loads.tight:
            for disturbance in DISTURBANCES:
                refused = len(loads.wide.refused)
                await asyncio.to_thread(disturbance.begin, server)
                await asyncio.sleep(seconds)
                await asyncio.to_thread(disturbance.end, server)
                figures[f"came back after {disturbance.name}, s"] = took = await _recovered(loads.wide)
                if took >= RECOVERY:
                    broken.append(f"not recovered {RECOVERY:g} s after Redis was {disturbance.name}")
                if disturbance.name != "emptied" and (len(loads.wide.refused) > refused) is not (mode == "refuse"):
                    broken.append(f"{len(loads.wide.refused) - refused} calls refused while it was {disturbance.name}")
        told = await gateway.metrics()
    finally:
        await gateway.stop()
        server.resume()
        server.kill()
    figures |= _figures(gateway, loads, told, tight_id)
    return figures, broken + _broken(mode, loads, figures)


async def _recovered(load: Load) -> float:
    """Seconds until calls are let through, and go on being."""
    clock = asyncio.get_running_loop().time
    started = clock()
    while clock() - started < RECOVERY:
        refused, finished = len(load.refused), len(load.finished)
        await asyncio.sleep(0.5)
        if len(load.refused) == refused and len(load.finished) > finished:
            break
    return round(clock() - started, 1)


def _figures(gateway: Gateway, loads: Loads, told: dict[str, float], tight: str) -> dict[str, object]:
    whole = loads.all
    return {
        "calls": len(whole.finished) + len(whole.refused),
        "refused, state away": len(whole.refused),
        "counted": int(told["sluice_limits_unavailable"]),
        "unchecked, counted": int(told["sluice_limits_unchecked"]),
        "records lost": compare(whole, gateway.records(), len(whole.refused)).lost,
        "budget": BUDGET,
        "spent": gateway.cost(tight),
        "longest call without limits, ms": round(loads.free.longest * 1000),
        "longest call, ms": round(whole.longest * 1000),
    }


def _broken(mode: str, loads: Loads, figures: dict[str, object]) -> list[str]:
    found = []
    if set(loads.free.statuses) != {200}:
        found.append(f"calls without limits noticed: {dict(loads.free.statuses)}")
    if loads.all.longest > SLOWEST:
        found.append(f"the longest call took {loads.all.longest:.1f} s")
    if figures["records lost"]:
        found.append(f"{figures['records lost']} records lost")
    if mode == "refuse" and figures["refused, state away"] != figures["counted"]:
        found.append(f"{figures['refused, state away']} calls refused, {figures['counted']} counted")
    if mode == "refuse" and not 0 < int(str(figures["spent"])) <= BUDGET:
        found.append(f"{figures['spent']} spent of a budget of {BUDGET}")
    if mode == "serve" and (loads.all.refused or not figures["unchecked, counted"]):
        found.append(f"{len(loads.all.refused)} refused, {figures['unchecked, counted']} counted as unchecked")
    return found


async def experiment(folder: Path, full: bool) -> Finding:
    """Both modes side by side, each with a Redis of its own."""
    seconds = FULL if full else REDUCED
    found = await asyncio.gather(*(disturbed(folder / mode, mode, seconds) for mode in MODES))
    figures = {mode: told for mode, (told, _) in zip(MODES, found, strict=True)}
    broken = [f"{mode}: {what}" for mode, (_, wrong) in zip(MODES, found, strict=True) for what in wrong]
    return Finding("state", figures, broken)
