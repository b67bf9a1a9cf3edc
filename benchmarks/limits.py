"""Four replicas on one Redis, two hundred callers, one replica killed half-way: is any limit passed, and is what it
allows reached?

Each replica is a process. Callers ask for more than the limits allow, unevenly spread over the replicas, for one minute
of the clock. Every call is written down by the process that serves it before it begins and after it ends, so what a
killed replica served is counted too. A call that was cut off counts with all it had reserved.

    python benchmarks/limits.py                # the limits alone, a process for each replica
    python benchmarks/limits.py --gateways     # whole gateways with PostgreSQL, over HTTP

Needs the development install (`make test` makes it). Ends with status 1 where a limit was passed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from fleet import valkey
from limits_plan import CONCURRENT, KILLED, MINUTE, MONEY, REQUESTS, SPREAD, TOKENS, Outcome, next_minute

from gateway.amounts import Allowance, Amounts
from gateway.errors import RateLimited, Unavailable
from gateway.limits import Limits
from gateway.state.ledger import DEAD
from gateway.state.redis import RedisState

LIMITS = {
    "requests": (Allowance("key:requests", requests_per_minute=REQUESTS),),
    "tokens": (Allowance("key:tokens", tokens_per_minute=TOKENS),),
    "budget": (Allowance("key:budget", budget=MONEY, budget_period="day"),),
    "concurrent": (Allowance("key:concurrent", concurrent=CONCURRENT),),
}
MOST = Amounts(tokens=200, money=200)
"""What a call reserves; it takes between a quarter and all of it."""


async def replicate(url: str, written: Path, callers: int, begin: float) -> None:
    """A replica and its callers, from `begin` for a minute."""
    file = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(call: str, name: str, units: int) -> None:
        os.write(file, f"{time.time():.6f} {call} {name} {units}\n".encode())

    state = RedisState(url)
    limits = Limits(state, lambda *_: 0)
    trading = asyncio.create_task(limits.run())
    await asyncio.sleep(max(0.0, begin - time.time()))

    async def caller(number: int) -> None:
        done = 0
        while time.time() < begin + MINUTE - 0.5:
            name = list(LIMITS)[(number + done) % len(LIMITS)]
            done += 1
            try:
                reservation = limits.take(LIMITS[name], MOST) or await limits.reserve(LIMITS[name], MOST)
            except (RateLimited, Unavailable):
                await asyncio.sleep(random.uniform(0.2, 0.6))
                continue
            call, units = f"{os.getpid()}-{number}-{done}", random.randint(50, 200)
            write(call, name, 200)
            await asyncio.sleep(random.uniform(0.1, 0.3))
            write(call, name, units)
            limits.settle(reservation, Amounts(units, units))
            await asyncio.sleep(random.uniform(0.2, 0.6))

    await asyncio.gather(*(caller(number) for number in range(callers)))
    trading.cancel()
    await limits.close()
    await state.close()


def alone(folder: Path) -> list[Outcome]:
    """The limits without the gateway around them."""
    with valkey(folder) as url:
        begin = next_minute(time.time() + 5)
        files = [folder / f"calls-{number}" for number in range(len(SPREAD))]
        with replicas(url, files, begin) as processes:
            time.sleep(begin + MINUTE / 2 - time.time())
            processes[KILLED].send_signal(signal.SIGKILL)
            killed = time.time()
            for process in processes:
                process.wait(MINUTE)
    calls = {name: dict[str, tuple[float, float, int]]() for name in LIMITS}
    for number, file in enumerate(files):
        cut = killed + DEAD if number == KILLED else begin + MINUTE
        for line in file.read_text().splitlines():
            at, call, name, units = line.split()
            began, _, _ = calls[name].get(call, (float(at), 0, 0))
            calls[name][call] = (began, cut if float(at) == began else float(at), int(units))
    spent = {name: sum(units for _, _, units in found.values()) for name, found in calls.items()}
    return [
        Outcome("requests in the minute", REQUESTS, len(calls["requests"])),
        Outcome("tokens in the minute", TOKENS, spent["tokens"]),
        Outcome("budget, micro-USD", MONEY, spent["budget"]),
        Outcome("calls at once", CONCURRENT, most_at_once(calls["concurrent"].values())),
    ]


def most_at_once(calls: Iterable[tuple[float, float, int]]) -> int:
    moments: list[tuple[float, int]] = []
    for began, ended, _ in calls:
        moments += [(began, 1), (ended, -1)]
    present = most = 0
    for _, change in sorted(moments):
        present += change
        most = max(most, present)
    return most


@contextmanager
def replicas(url: str, files: list[Path], begin: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = []
    try:
        for file, callers in zip(files, SPREAD, strict=True):
            arguments = [sys.executable, __file__, "--replica", url, str(file), str(callers), str(begin)]
            started.append(subprocess.Popen(arguments))
        yield started
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", action="store_true", help="whole gateways, with PostgreSQL, over HTTP")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--replica", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.replica:
        url, file, callers, begin = asked.replica
        asyncio.run(replicate(url, Path(file), int(callers), float(begin)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        if asked.gateways:
            from limits_gateways import together

            found = together(Path(scratch))
        else:
            found = alone(Path(scratch))
    if asked.json:
        print(json.dumps([{**asdict(outcome), "over": outcome.over} for outcome in found], indent=2))
    else:
        print("| limit | allowed | taken | over | reached |\n|---|---|---|---|---|")
        for one in found:
            print(f"| {one.limit} | {one.allowed:,} | {one.taken:,} | {one.over:,} | {one.reached:.1%} |")
    sys.exit(any(outcome.over for outcome in found))


if __name__ == "__main__":
    main()
