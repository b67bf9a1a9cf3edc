"""What is lost by judging texts of many callers as they come, against judging all of them at once, on one core.

All at once is the best there is: the texts are cut into windows, which are sorted by length and run in the batches that
the model allows, without a queue. Callers ask about one text after another, 32 of them at the same time, through
`LocalModels` on the same core; and, by `sluice guard serve` on that core, over HTTP from the next. Must: callers get at
least 85 % of what all at once gets.

    python -m benchmarks.guards_batching [--texts 1500] [--rounds 5] [--callers 32] [--model prompts]

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
    """Texts a second of each round, and the seconds that each text took its caller."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def made(count: int, seed: int = 7) -> list[str]:
    """Texts of all lengths: half are a sentence or two, one in twelve takes several windows."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=min(500, int(chance.lognormvariate(3.2, 1.0)) + 1))) for _ in range(count)]


def offline(texts: Sequence[str], model: str) -> float:
    """Texts a second, all at once."""
    manifest, files = read(shipped() / model)
    cutter, session = Cutter(manifest, files), Session(manifest, files)
    session.run(cutter.cut((texts[0],))[:1])
    began = time.perf_counter()
    pieces = sorted((piece for text in texts for piece in cutter.cut((text,))), key=lambda piece: len(piece.ids))
    for first in range(0, len(pieces), manifest.batch):
        session.run(pieces[first : first + manifest.batch])
    return len(texts) / (time.perf_counter() - began)


async def online(models: Models, texts: Sequence[str], model: str, callers: int, into: Measured) -> None:
    waiting = iter(texts)

    async def caller() -> None:
        for text in waiting:
            asked = time.perf_counter()
            await models.score(model, [(text,)])
            into.seconds.append(time.perf_counter() - asked)

    await models.score(model, [(texts[0],)])
    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    into.rates.append(len(texts) / (time.perf_counter() - began))


@contextmanager
def served(model: str) -> Iterator[str]:
    """The URL of a server on the core that is measured."""
    command = [sys.executable, "-m", "guardrails.server", "--port", "0", "--threads", "1", "--models", model]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, {CORE})
    try:
        assert process.stderr is not None
        yield next(line.split("listening on ")[1].split()[0] for line in process.stderr if "listening on " in line)
    finally:
        process.terminate()
        process.wait(30)


async def over_http(url: str, texts: Sequence[str], model: str, callers: int, into: Measured) -> None:
    models = RemoteModels(url, timeout=60)
    for _ in range(300):
        try:
            await models.score(model, [("ready?",)])
            break
        except NotRun:
            await asyncio.sleep(0.1)
    await online(models, texts, model, callers, into)
    await models.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--model", default="prompts")
    given = parser.parse_args()
    best, here, there = Measured(), Measured(), Measured()
    with served(given.model) as url:
        for number in range(given.rounds):
            texts = made(given.texts, number)  # others each time: what was judged is remembered by the server
            os.sched_setaffinity(0, {CORE})
            best.rates.append(offline(texts, given.model))
            with closing(LocalModels()) as models:
                asyncio.run(online(models, texts, given.model, given.callers, here))
            os.sched_setaffinity(0, {BESIDE})
            asyncio.run(over_http(url, texts, given.model, given.callers, there))
    print(f"all at once      {statistics.median(best.rates):7.1f} texts a second")
    for name, found in (("as they come", here), ("over HTTP", there)):
        ratio = statistics.median(rate / most for rate, most in zip(found.rates, best.rates, strict=True))
        p50, p99 = (statistics.quantiles(found.seconds, n=100)[at] * 1000 for at in (49, 98))
        rate = statistics.median(found.rates)
        print(f"{name:<16} {rate:7.1f} texts a second, {ratio:.3f} of it; a text takes {p50:.0f} ms, p99 {p99:.0f} ms")
    if statistics.median(rate / most for rate, most in zip(here.rates, best.rates, strict=True)) < MUST:
        sys.exit(f"less than {MUST}")


if __name__ == "__main__":
    main()
