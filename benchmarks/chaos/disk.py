"""The disk is full under load, with SQLite on the same disk: what is declared happens, is counted, and ends by itself.

With `journal.full: refuse` no record of a call that was answered is lost, and calls for whose records there is no room
are refused. With `serve` they are answered, and records lost are counted. In both, records and counts add up to the
calls. As root the disk is a small tmpfs; for others it is the size a file may have (RLIMIT_FSIZE).
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.chaos.client import Load
from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway

RULES = [{"when": "slowly", "say": "word " * 20, "pause": 0.05}, {"say": "hello"}]
UPSTREAMS = {"demo": {"provider": "scripted", "rules": RULES}}
TMPFS = "64m"
MODES = ("refuse", "serve")


@dataclass(frozen=True)
class Sizes:
    """Seconds the disk stays full once that has shown, and bytes of a segment of the journal: one of a megabyte is full
    after some three thousand calls."""

    seconds: float
    segment: int


FULL, REDUCED = Sizes(60.0, 2**20), Sizes(0.5, 2**17)
PATIENCE = 120.0


class Disk(Protocol):
    def fill(self, gateway: Gateway) -> None: ...

    def free(self, gateway: Gateway) -> None: ...


class Tmpfs:
    """Full for everybody."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, gateway: Gateway) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def free(self, gateway: Gateway) -> None:
        self._ballast.unlink()


class Limit:
    """The gateway's files cannot grow, nor new ones be made of more than a page."""

    def fill(self, gateway: Gateway) -> None:
        self._set(gateway, 4096)

    def free(self, gateway: Gateway) -> None:
        self._set(gateway, resource.RLIM_INFINITY)

    def _set(self, gateway: Gateway, size: int) -> None:
        _, most = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (size, most))


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """One that can be filled, at `folder`."""
    folder.mkdir()
    if os.geteuid() != 0:
        yield Limit()
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS}", "tmpfs", str(folder)], check=True)
    try:
        yield Tmpfs(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def filled(folder: Path, kind: Disk, data: Path, mode: str, sizes: Sizes) -> tuple[dict[str, object], list[str]]:
    """Figures of one mode, and what was not as declared."""
    gateway = Gateway(folder, UPSTREAMS, data=data, journal={"full": mode, "segment": sizes.segment})
    await gateway.start()
    quick = Load(gateway, _body("hello", stream=False), clients=4, pause=0.001)
    slow = Load(gateway, _body("slowly", stream=True), clients=4)
    broken = []
    try:
        async with quick, slow:
            await asyncio.sleep(1)
            await asyncio.to_thread(kind.fill, gateway)
            if not await _until(gateway, full=True):
                broken.append("a full disk did not show")
            await asyncio.sleep(sizes.seconds)
            ready = await gateway.get("/readyz")
            if ready.status_code != 503 or "journal" not in ready.json()["faults"]:
                broken.append(f"/readyz says {ready.text}")
            kind.free(gateway)
            if not await _until(gateway, full=False):
                broken.append("it did not recover by itself")
            await asyncio.sleep(1)
            told = await gateway.metrics()
        dropped = int(told["sluice_journal_dropped_records"])
        await gateway.shipped(len(quick.finished) + len(slow.finished) - dropped)
    finally:
        await gateway.stop()
    load, records = quick.merged(slow), gateway.records()
    lost = len(set(load.finished) - records.keys())
    refused = int(told["sluice_journal_refused_calls"])
    figures: dict[str, object] = {
        "answered": len(load.finished), "refused": len(load.refused), "refused, counted": refused,
        "lost": lost, "lost, counted": dropped, "longest call, ms": round(load.longest * 1000),
    }  # fmt: skip
    broken += _accounts(mode, load, figures)
    return figures, broken


def _accounts(mode: str, load: Load, figures: dict[str, object]) -> Iterator[str]:
    if load.begun or load.unanswered or set(load.statuses) - {200, 503}:
        yield f"calls broke: {len(load.begun) + load.unanswered}; statuses {dict(load.statuses)}"
    if figures["lost"] != figures["lost, counted"] or figures["refused"] != figures["refused, counted"]:
        yield "what was counted is not what happened"
    if mode == "refuse" and (figures["lost"] or not figures["refused"]):
        yield f"{figures['lost']} records of answered calls lost, {figures['refused']} calls refused"
    if mode == "serve" and figures["refused"]:
        yield f"{figures['refused']} calls refused"


def _body(text: str, stream: bool) -> dict[str, object]:
    return {"model": "demo", "stream": stream, "messages": [{"role": "user", "content": text}]}


async def _until(gateway: Gateway, full: bool) -> bool:
    """Whether the gateway comes to have, or not to have, room for records."""
    counted = await _counted(gateway)
    for _ in range(int(PATIENCE / 0.25)):
        await asyncio.sleep(0.25)
        before, counted = counted, await _counted(gateway)
        if (counted > before) is full:
            return True
    return False


async def _counted(gateway: Gateway) -> float:
    told = await gateway.metrics()
    return told["sluice_journal_dropped_records"] + told["sluice_journal_refused_calls"]


async def experiment(folder: Path, full: bool) -> Finding:
    """Both modes side by side, each with a disk of its own."""

    async def run(mode: str) -> tuple[dict[str, object], list[str]]:
        data = folder / f"disk-{mode}"
        with disk(data) as kind:
            return await filled(folder / mode, kind, data, mode, FULL if full else REDUCED)

    found = await asyncio.gather(*(run(mode) for mode in MODES))
    figures = {mode: told for mode, (told, _) in zip(MODES, found, strict=True)}
    broken = [f"{mode}: {what}" for mode, (_, wrong) in zip(MODES, found, strict=True) for what in wrong]
    return Finding("full-disk", figures, broken)
