"""What is lost by judging texts of many callers as they come, against judging all of them at once, on one core.

All at once is the best there is: the texts are cut into windows, which are sorted by length and run in the batches that
the model allows, without a queue. Callers ask about one text after another, 32 of them at the same time, through
`LocalModels` on the same core; and, by `sluice guard serve` on that core, over HTTP from the next. Must: callers get at
least 85 % of what all at once gets. Rates are by the clock, and by the CPU time of the process that judges, which tells
more where the machine does other things too.

    python -m benchmarks.guards_batching [--texts 400] [--rounds 15] [--callers 32] [--model prompts]

Ends with status 1 where they get less.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guardrails.errors import NotRun
from guardrails.guard import Models
from guardrails.models.cutting import Cutter
from guardrails.models.local import LocalModels, shipped
from guardrails.models.manifest import read
from guardrails.models.remote import RemoteModels
from guardrails.models.session import Session

WORDS = """the committee met on Tuesday and agreed to ask for another report about what the customers said of the new
line please write summarise translate ignore explain instructions system weather train budget recipe function error
delivery because although invoice holiday password answer question tomorrow under between without""".split()
CORE, BESIDE = 0, 1
MUST = 0.85


@dataclass
class Measured:
    """Texts of each round by the second, and by the second of CPU time; and the seconds each text took its caller."""

    rates: list[float] = field(default_factory=list)
    by_cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def made(count: int, seed: int = 7) -> list[str]:
    """Texts of all lengths: half are a sentence or two, one in twelve takes several windows."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=min(500, int(chance.lognormvariate(3.2, 1.0)) + 1))) for _ in range(count)]


def spent(pid: int) -> float:
    """Seconds of CPU time that a process has taken, to the hundredth."""
    _, _, fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def measured(into: Measured, count: int, pid: int) -> Iterator[None]:
    began, took = time.perf_counter(), spent(pid)
    yield
    into.rates.append(count / (time.perf_counter() - began))
    into.by_cpu.append(count / (spent(pid) - took))


def offline(texts: Sequence[str], model: str, into: Measured) -> None:
    manifest, files = read(shipped() / model)
    cutter, session = Cutter(manifest, files), Session(manifest, files)
    session.run(cutter.cut((texts[0],))[:1])
    with measured(into, len(texts), os.getpid()):
        pieces = sorted((piece for text in texts for piece in cutter.cut((text,))), key=lambda piece: len(piece.ids))
        for first in range(0, len(pieces), manifest.batch):
            session.run(pieces[first : first + manifest.batch])


async def online(models: Models, texts: Sequence[str], given: argparse.Namespace, into: Measured, pid: int) -> None:
    waiting = iter(texts)

    async def caller() -> None:
        for text in waiting:
            asked = time.perf_counter()
            await models.score(given.model, [(text,)])
            into.seconds.append(time.perf_counter() - asked)

    await models.score(given.model, [("ready?",)])
    with measured(into, len(texts), pid):
        await asyncio.gather(*(caller() for _ in range(given.callers)))


@contextmanager
def served(model: str) -> Iterator[tuple[str, int]]:
    """The URL of a server on the core that is measured, and its process."""
    command = [sys.executable, "-m", "guardrails.server", "--port", "0", "--threads", "1", "--models", model]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, {CORE})
    try:
        assert process.stderr is not None
        url = next(line.split("listening on ")[1].split()[0] for line in process.stderr if "listening on " in line)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


async def over_http(url: str, texts: Sequence[str], given: argparse.Namespace, into: Measured, pid: int) -> None:
    models = RemoteModels(url, timeout=60)
    for _ in range(300):
        try:
            await models.score(given.model, [("ready?",)])
            break
        except NotRun:
            await asyncio.sleep(0.1)
    await online(models, texts, given, into, pid)
    await models.close()


def told(name: str, found: Measured, best: Measured) -> str:
    shares = [share(found.rates, best.rates), share(found.by_cpu, best.by_cpu)]
    said = (
        f"{name:<15} {statistics.median(found.rates):7.1f} a second, {statistics.median(found.by_cpu):7.1f} by CPU time"
    )
    if found is not best:
        p50, p99 = (statistics.quantiles(found.seconds, n=100)[at] * 1000 for at in (49, 98))
        said += f"; of all at once {shares[0]:.3f}, {shares[1]:.3f}; a text takes {p50:.0f} ms, p99 {p99:.0f} ms"
    return said


def share(rates: Sequence[float], most: Sequence[float]) -> float:
    """The median over the rounds."""
    return statistics.median(rate / of for rate, of in zip(rates, most, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--model", default="prompts")
    given = parser.parse_args()
    best, here, there = Measured(), Measured(), Measured()
    with served(given.model) as (url, pid):
        for number in range(given.rounds):
            texts = made(given.texts, number)  # others each time: what was judged is remembered by the server
            os.sched_setaffinity(0, {CORE})
            offline(texts, given.model, best)
            with closing(LocalModels()) as models:
                asyncio.run(online(models, texts, given, here, os.getpid()))
            os.sched_setaffinity(0, {BESIDE})
            asyncio.run(over_http(url, texts, given, there, pid))
    print(told("all at once", best, best), told("as they come", here, best), told("over HTTP", there, best), sep="\n")
    if share(here.rates, best.rates) < MUST:
        sys.exit(f"less than {MUST}")


if __name__ == "__main__":
    main()
