"""Memory over many calls and many streams that their clients break off: does the gateway's own grow with them?

What counts is anonymous memory: pages of files that are mapped, as the journal's are, are the kernel's to take back.
Load and upstream are the C programs of the other benchmarks.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chaos.client import request
from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway, free_port

HERE = Path(__file__).parents[1]
BODY = {"model": "mock", "messages": [{"role": "user", "content": "What is the capital of France? " * 20}]}
STREAM = {**BODY, "stream": True, "user": "pace_us=20000"}
"""The mock paces its stream as it is told here."""
AT_ONCE = 32
MOST_GROWTH = 8 * 2**20
"""Bytes that may be added after the warm-up, whatever the number of calls: what a heap in steady use moves by."""


@dataclass(frozen=True)
class Sizes:
    """Calls and streams in all, and in how many parts memory is looked at. The first tenth of the calls, or two
    thousand, warm up."""

    calls: int
    streams: int
    parts: int

    @property
    def warm_up(self) -> int:
        return max(2000, self.calls // 10)


FULL = Sizes(500_000, 20_000, 20)
REDUCED = Sizes(5_000, 200, 4)


def built(folder: Path, tool: str) -> Path:
    made = folder / tool
    subprocess.run(["cc", "-O2", "-o", made, HERE / f"{tool}.c"], check=True)
    return made


@contextmanager
def upstream(folder: Path) -> Iterator[dict[str, Any]]:
    """The settings of the mock, which runs meanwhile."""
    port = free_port()
    process = subprocess.Popen([built(folder, "mock"), str(port), "50", "0"])
    try:
        yield {"provider": "openai", "model": "m", "base_url": f"http://127.0.0.1:{port}/v1"}
    finally:
        process.kill()
        process.wait()


async def answer(load: Path, gateway: Gateway, body: Path, count: int) -> int:
    """At least so many calls; gives how many."""
    done = 0
    while done < count:
        process = await asyncio.create_subprocess_exec(
            load, "-c", "16", "-d", "1", "-w", "0", "-p", str(gateway.port), "-b", body,
            "-H", f"Authorization: Bearer {gateway.key}", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        told = json.loads(out)
        if told["non2xx"] or told["errors"] or not told["total"]:
            raise RuntimeError(f"the load failed: {told}")
        done += told["total"]
    return done


async def break_off(gateway: Gateway, count: int) -> None:
    """So many streams, each left by its client after the first event."""
    left = iter(range(count))
    sent = request(gateway.key, STREAM)

    async def client() -> None:
        for _ in left:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(sent)
            await reader.readuntil(b"data: ")
            writer.close()

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))


async def experiment(folder: Path, full: bool) -> Finding:
    sizes = FULL if full else REDUCED
    load, body = built(folder, "load"), folder / "body.json"
    body.write_text(json.dumps(BODY))
    calls, streams = [], []
    answered = 0
    with upstream(folder) as mock:
        gateway = Gateway(folder / "gateway", {"mock": mock})
        await gateway.start()
        try:
            await answer(load, gateway, body, sizes.warm_up)
            await break_off(gateway, AT_ONCE)
            for _ in range(sizes.parts):
                answered += await answer(load, gateway, body, sizes.calls // sizes.parts)
                calls.append((answered, await _settled(gateway)))
            for part in range(1, sizes.parts + 1):
                await break_off(gateway, sizes.streams // sizes.parts)
                streams.append((part * sizes.streams // sizes.parts, await _settled(gateway)))
        finally:
            await gateway.stop()
    grown = {"calls": calls[-1][1] - calls[0][1], "streams": streams[-1][1] - streams[0][1]}
    figures: dict[str, object] = {
        "calls": answered, "bytes a call": round(_slope(calls), 1), "streams broken": streams[-1][0],
        "bytes a stream": round(_slope(streams), 1), "at first, MB": round(calls[0][1] / 2**20, 1),
        "at last, MB": round(streams[-1][1] / 2**20, 1),
        "MB after each part": [round(held / 2**20, 1) for _, held in (*calls, *streams)],
    }  # fmt: skip
    broken = [f"{what} added {more / 2**20:.1f} MB" for what, more in grown.items() if more > MOST_GROWTH]
    return Finding("memory", figures, broken)


async def _settled(gateway: Gateway) -> int:
    """Once the records are shipped."""
    await asyncio.sleep(1)
    return gateway.memory()


def _slope(points: list[tuple[int, int]]) -> float:
    """Bytes for each further one, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope
