"""How long does a rollback take to be in force on every replica?

Four `sluice serve` share one SQLite file, or PostgreSQL and Redis, and each is asked without a pause. Again and again a
new release goes live; when every replica serves it, one of them, by chance, is told to roll back, at any moment of the
others' looks at the database. The time runs from the order until the end of the first reply that names the release
before. A replica that goes back to the bad release after that fails the run.

    python benchmarks/rollback.py --rollbacks 100

Needs the development install (`make test` makes it).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from fleet import postgres, valkey
from limits_gateways import Gateway, serving, sluice

REPLICAS = 4
BODY = {"model": "bot", "messages": [{"role": "user", "content": "Hello."}]}
PAUSE = 0.002
"""Seconds between two calls to a replica: as many as the machine takes would measure the machine."""
PATIENCE = 30.0


@contextmanager
def sqlite(folder: Path) -> Iterator[dict[str, Any]]:
    yield {"database": f"sqlite:///{folder / 'shared.db'}"}


@contextmanager
def postgres_and_redis(folder: Path) -> Iterator[dict[str, Any]]:
    with valkey(folder) as redis, postgres(folder) as database:
        yield {"database": database, "state": {"url": redis}}


STORES: dict[str, Callable[[Path], Any]] = {"SQLite": sqlite, "PostgreSQL and Redis": postgres_and_redis}


class Replica:
    """One gateway, its newest reply's release, and since when its replies name it."""

    def __init__(self, session: aiohttp.ClientSession, gateway: Gateway) -> None:
        self._session = session
        self._url = f"http://127.0.0.1:{gateway.port}"
        self.release = ""
        self.since = 0.0
        self.changes = 0
        self.calls = 0

    async def watch(self) -> None:
        """Ask for ever."""
        while True:
            async with self._session.post(f"{self._url}/v1/chat/completions", json=BODY) as reply:
                await reply.read()
                reply.raise_for_status()
                release = reply.headers["x-sluice-release"]
            self.calls += 1
            if release != self.release:
                self.release, self.since = release, time.perf_counter()
                self.changes += 1
            await asyncio.sleep(PAUSE)

    async def apply(self, number: int) -> None:
        """Another release goes live."""
        manifest = f"endpoints: {{bot: {{upstream: demo, parameters: {{seed: {number}}}}}}}"
        async with self._session.post(f"{self._url}/admin/apply", data=manifest) as reply:
            reply.raise_for_status()

    async def roll_back(self) -> str:
        """The release that is live from now on."""
        async with self._session.post(
            f"{self._url}/admin/endpoints/bot/rollback", json={"reason": "it is bad"}
        ) as reply:
            reply.raise_for_status()
            release: str = (await reply.json())["release"]
            return release


@dataclass(frozen=True)
class Measured:
    """Seconds from the order of each rollback: until it was answered, until the replica that was asked served the
    release before, and until the last of all did."""

    answered: list[float]
    asked: list[float]
    every: list[float]
    calls: int


async def measure(gateways: list[Gateway], key: str, rollbacks: int) -> Measured:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    answered, asked, every = [], [], []
    async with aiohttp.ClientSession(headers=headers) as session:
        replicas = [Replica(session, gateway) for gateway in gateways]
        await replicas[0].apply(0)
        await asyncio.sleep(1)  # others notice meanwhile
        watching = [asyncio.create_task(replica.watch()) for replica in replicas]
        try:
            good = await agreed(replicas, watching, lambda release: bool(release))
            for number in range(1, rollbacks + 1):
                await random.choice(replicas).apply(number)
                await agreed(replicas, watching, lambda release: release != good)
                await asyncio.sleep(random.uniform(0, 0.5))
                one = random.choice(replicas)
                began = time.perf_counter()
                assert await one.roll_back() == good
                answered.append(time.perf_counter() - began)
                await agreed(replicas, watching, lambda release: release == good)
                asked.append(one.since - began)
                every.append(max(replica.since for replica in replicas) - began)
        finally:
            for task in watching:
                task.cancel()
    if any(replica.changes != 1 + 2 * rollbacks for replica in replicas):
        raise SystemExit("a replica went back to a release that had been rolled back")
    return Measured(answered, asked, every, sum(replica.calls for replica in replicas))


async def agreed(replicas: list[Replica], watching: list[asyncio.Task[None]], fits: Callable[[str], bool]) -> str:
    """The release that all of them serve, once it is one that fits."""
    deadline = time.perf_counter() + PATIENCE
    while not (len({replica.release for replica in replicas}) == 1 and fits(replicas[0].release)):
        for task in watching:
            if task.done():
                task.result()
        if time.perf_counter() > deadline:
            raise SystemExit(f"the replicas did not agree within {PATIENCE:g} s")
        await asyncio.sleep(0.005)
    return replicas[0].release


def quantile(seconds: list[float], share: float) -> float:
    """In milliseconds; the smallest that so many do not pass."""
    return 1000 * sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollbacks", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write every time here")
    asked = parser.parse_args()
    every: dict[str, dict[str, list[float]]] = {}
    calls: dict[str, int] = {}
    print("| four replicas on | until | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
    for store, shared in STORES.items():
        with tempfile.TemporaryDirectory() as scratch, shared(Path(scratch)) as settings:
            settings["upstreams"] = {"demo": {"provider": "scripted"}}
            with serving(Path(scratch), REPLICAS, settings) as gateways:
                key = sluice(gateways[0].config, "keys", "create", "bench", "--role", "admin").strip()
                time.sleep(1)  # others notice meanwhile
                found = asyncio.run(measure(gateways, key, asked.rollbacks))
        rows = {"the order is answered": found.answered, "the replica asked": found.asked, "every replica": found.every}
        every[store] = rows
        for until, seconds in rows.items():
            shown = " | ".join(f"{quantile(seconds, share):.0f}" for share in (0.5, 0.99, 1))
            print(f"| {store} | {until} | {shown} |", flush=True)
        calls[store] = found.calls
    for store, made in calls.items():
        print(f"{store}: {asked.rollbacks} rollbacks, {made:,} calls meanwhile")
    if asked.json is not None:
        asked.json.write_text(json.dumps(every))


if __name__ == "__main__":
    main()
