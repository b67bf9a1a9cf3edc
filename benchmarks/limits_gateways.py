"""`limits.py --gateways`: four `sluice serve`, one PostgreSQL, one Redis, and callers over HTTP.

What was taken is what the records say, once those of the killed gateway are shipped by its next start.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import yaml
from fleet import free_port, postgres, valkey, wait_until_open
from limits_plan import KILLED, MINUTE, MONEY, REQUESTS, SPREAD, TOKENS, Outcome, next_minute

SLUICE = Path(__file__).parent.parent / ".venv/bin/sluice"
WORDS = 100
LIMITS = {
    "requests": ("--requests-per-minute", str(REQUESTS)),
    "tokens": ("--tokens-per-minute", str(TOKENS)),
    "budget": ("--budget", f"{MONEY / 1_000_000:g}usd/day"),
}
UPSTREAM = {
    "provider": "scripted",
    "rules": [{"say": "word " * WORDS, "pause": 0.2}],
    "price": {"input": 1_000_000, "output": 1_000_000},
}
"""A token costs a micro-dollar."""
COUNTED = """
SELECT count(*), coalesce(sum(input_tokens + output_tokens), 0), coalesce(sum(cost), 0) FROM calls
WHERE key_id = %s AND status <> 429 AND status < 500 AND started BETWEEN %s AND %s
"""


@dataclass
class Gateway:
    """One `sluice serve`, which can be killed and started again on its port."""

    config: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, config: Path, port: int) -> Gateway:
        env = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        with config.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen([SLUICE, "serve", "--config", config], stdout=log, stderr=log, env=env)
        wait_until_open(port)
        return cls(config, port, process)


def together(folder: Path) -> list[Outcome]:
    with ExitStack() as stack:
        redis, database = stack.enter_context(valkey(folder)), stack.enter_context(postgres(folder))
        shared = {"database": database, "state": {"url": redis}, "upstreams": {"demo": UPSTREAM}}
        gateways = stack.enter_context(serving(folder, len(SPREAD), shared))
        keys = {name: limited(gateways[0].config, name, options) for name, options in LIMITS.items()}
        begin = next_minute(time.time() + 5)  # running gateways know the keys within a second
        asyncio.run(drive(gateways, [key["key"] for key in keys.values()], begin))
        dead = gateways[KILLED]
        gateways[KILLED] = Gateway.start(dead.config, dead.port)
        time.sleep(5)  # its journal and those of the others are shipped within a second
        plain = database.replace("postgresql+psycopg://", "postgresql://")
        taken = {name: counted(plain, key["id"], begin) for name, key in keys.items()}
    return [
        Outcome("requests in the minute", REQUESTS, taken["requests"][0]),
        Outcome("tokens in the minute", TOKENS, taken["tokens"][1]),
        Outcome("budget, micro-USD", MONEY, taken["budget"][2]),
    ]


@contextmanager
def serving(folder: Path, replicas: int, shared: dict[str, Any]) -> Iterator[list[Gateway]]:
    """Replicas with these settings, and with a pepper in common."""
    gateways: list[Gateway] = []
    (folder / "pepper").write_text("benchmark-" * 4)
    try:
        for number in range(replicas):
            port = free_port()
            config = folder / f"gateway-{number}.yaml"
            settings = {
                "server": {"port": port},
                "data": str(folder / f"gateway-{number}"),
                "secret": f"file:{folder / 'pepper'}",
                **shared,
            }
            config.write_text(yaml.safe_dump(settings))
            gateways.append(Gateway.start(config, port))
        yield gateways
    finally:
        for gateway in gateways:
            gateway.process.terminate()
        for gateway in gateways:
            gateway.process.wait(60)


def limited(config: Path, name: str, options: tuple[str, str]) -> dict[str, Any]:
    """A key under one limit."""
    made = sluice(config, "keys", "create", name, "--upstream", "all", "--json")
    key: dict[str, Any] = json.loads(made)
    sluice(config, "limits", "set", f"key:{key['id']}", *options)
    return key


def sluice(config: Path, *arguments: str) -> str:
    command = [str(SLUICE), *arguments, "--config", str(config)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def drive(gateways: list[Gateway], keys: list[str], begin: float) -> None:
    """Callers at every gateway, from `begin` for a minute; one gateway is killed half-way."""
    await asyncio.sleep(begin - time.time())

    async def caller(session: aiohttp.ClientSession, port: int, number: int) -> None:
        url, done = f"http://127.0.0.1:{port}/v1/chat/completions", number
        while time.time() < begin + MINUTE - 1:
            done += 1
            body = {"model": "demo", "max_tokens": WORDS, "messages": [{"role": "user", "content": "go on " * 10}]}
            try:
                bearer = {"authorization": f"Bearer {keys[done % len(keys)]}"}
                async with session.post(url, json=body, headers=bearer) as reply:
                    await reply.read()
            except aiohttp.ClientError:
                await asyncio.sleep(1)
            await asyncio.sleep(random.uniform(0.2, 0.6))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        callers = [
            asyncio.create_task(caller(session, gateway.port, number))
            for gateway, many in zip(gateways, SPREAD, strict=True)
            for number in range(many)
        ]
        await asyncio.sleep(MINUTE / 2)
        gateways[KILLED].process.send_signal(signal.SIGKILL)
        gateways[KILLED].process.wait()
        await asyncio.gather(*callers)


def counted(database: str, key_id: str, begin: float) -> tuple[int, int, int]:
    """Calls, tokens and money of a key in the minute."""
    with psycopg.connect(database) as connection:
        bounds = (key_id, int(begin * 1e9), int((begin + MINUTE) * 1e9) - 1)
        calls, tokens, money = connection.execute(COUNTED, bounds).fetchone() or (0, 0, 0)
    return int(calls), int(tokens), int(money)
