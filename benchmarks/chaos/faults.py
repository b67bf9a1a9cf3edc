"""The sixteen faults of an upstream, as whole replies and as streams, each judged by what three parties saw.

*right*: the caller has the whole answer, or a clear error where there can be none; attempts are those they should be,
and the record tells the same. *partial*: the caller is served, the manner is not right. *safe*: an error where there
was an answer to be had. *unsafe*: a failure that looks like success, text that is doubled or has a hole, or a refusal
of the content that was tried elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from benchmarks.chaos.finding import Finding
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.seen import Seen, by_sdk, by_socket
from benchmarks.chaos.upstream import INPUT_TOKENS, OUTPUT_TOKENS, RETRY_AFTER, TEXT, FaultyUpstream

PRICE = {"input": 3_000_000, "output": 5_000_000}
COST = INPUT_TOKENS * 3 + OUTPUT_TOKENS * 5
RETRIES = 1
CALLS_WHILE_DOWN = 30
MOST_WASTED = 12
"""Calls that may find out for themselves that the flapping upstream is down, of those."""

Judge = Callable[[Seen, "Sizes"], Iterator[str]]
"""What is wrong with what was seen."""


@dataclass(frozen=True)
class Sizes:
    """Seconds the gateway waits for a first token and between two pieces; seconds the upstream is silent."""

    patience: float
    silence: float


FULL = Sizes(3.0, 20.0)
REDUCED = Sizes(1.0, 10.0)
SILENT = frozenset(("silent", "slow", "stall"))
"""Models that there is no use in being patient with. Others are given time, however busy the machine is."""
AT_ONCE = 8
"""Runs side by side: the upstream has to keep up with them."""


@dataclass(frozen=True)
class Fault:
    """A pool of one upstream with this fault, and the fallback, if it has one."""

    title: str
    model: str
    fallback: str | None
    judge: Judge
    never_elsewhere: bool = False
    """What it refuses must not be tried again, nor anywhere else."""
    resent: int = 0
    """Requests that may have been sent twice in one attempt: a kept connection that ends before its reply was perhaps
    closed before the request came, which is then sent again on a new one (RFC 9112, 9.3.1)."""


@dataclass(frozen=True)
class Score:
    fault: str
    manner: str
    """call, stream, or bytes: a stream read from a plain socket."""
    verdict: str
    wrong: tuple[str, ...]


# What is right -------------------------------------------------------------------------------------------------------


def answered(seen: Seen, by: str) -> Iterator[str]:
    if not seen.success:
        yield f"no answer: {seen.error}, {seen.said!r}"
    elif seen.text != TEXT or seen.finish != "stop":
        yield f"the answer is {seen.text!r}, {seen.finish}"
    elif not str(seen.record.get("upstream")).endswith(by):
        yield f"the record says {seen.record.get('upstream')} answered"


def refused(seen: Seen, status: int, code: str | None = None) -> Iterator[str]:
    if seen.success or seen.status != status:
        yield f"status {seen.status}, {seen.error}; expected {status}"
    elif code is not None and seen.error != code:
        yield f"code {seen.error}; expected {code}"
    elif not seen.said:
        yield "the error says nothing"


def asked(seen: Seen, **expected: int) -> Iterator[str]:
    for model, most in expected.items():
        times = len(seen.asked(model.replace("_", "-")))
        if not 1 <= times <= most:
            yield f"{model} was asked {times} times; 1 to {most} expected"


def waited(seen: Seen, sizes: Sizes) -> Iterator[str]:
    if seen.seconds > sizes.silence:
        yield f"it took {seen.seconds:.1f} s with a patience of {sizes.patience} s"


def retry_after(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-one")
    times = seen.asked("busy-once")
    if len(times) != 2:
        yield f"asked {len(times)} times"
    elif times[1] - times[0] < RETRY_AFTER:
        yield f"asked again after {times[1] - times[0]:.2f} s, told to wait {RETRY_AFTER} s"


def busy(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    yield from asked(seen, busy=1, ok=1)


def one_error(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-one")
    yield from asked(seen, broken_once=2)


def down(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    yield from asked(seen, down=1 + RETRIES, ok=1)


def reset(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    yield from asked(seen, reset=2 * (1 + RETRIES), ok=1)  # each may be sent twice, see `Fault.resent`


def silent(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    yield from asked(seen, silent=1 + RETRIES, ok=1)
    yield from waited(seen, sizes)


def slow(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    yield from asked(seen, slow=1 + RETRIES, ok=1)
    yield from waited(seen, sizes)


def broken_stream(seen: Seen, sizes: Sizes) -> Iterator[str]:
    """An error, or a complete failover; a reply that is not a stream has had no part delivered, and fails over."""
    yield from waited(seen, sizes)
    if seen.record.get("stream") and not seen.success:
        if seen.finish is not None:
            yield f"a finish reason, {seen.finish}, before the error"
        if not TEXT.startswith(seen.text):
            yield f"the text so far is {seen.text!r}"
        if seen.record.get("error") is None:
            yield "the record knows of no error"
    else:
        yield from answered(seen, "-two")


def no_done(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-one")
    yield from asked(seen, no_done=1)


def context(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from refused(seen, 400, "context_length_exceeded")
    yield from asked(seen, context=1)


def filtered(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from refused(seen, 400, "content_filter")
    yield from asked(seen, filtered=1)


def no_prefill(seen: Seen, sizes: Sizes) -> Iterator[str]:
    """The client hears that the service is failing; that the fallback could not take its request is not its fault."""
    if seen.success or seen.status < 500:
        yield f"status {seen.status}, {seen.error}"
    yield from asked(seen, down=1 + RETRIES, no_prefill=1)


def accounting(seen: Seen, sizes: Sizes) -> Iterator[str]:
    yield from answered(seen, "-two")
    expected = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS, "cost": COST, "estimated": False}
    for name, value in expected.items():
        if seen.record.get(name) != value:
            yield f"the record's {name} is {seen.record.get(name)}; {value} expected"
    names = [str(name).rpartition("-")[2] for name, _ in seen.listed]
    if names != ["one"] * len(seen.asked("down")) + ["two"]:
        yield f"the record lists {seen.listed}"


FAULTS = (
    Fault("429 with Retry-After", "busy-once", None, retry_after),
    Fault("persistent 429", "busy", "ok", busy),
    Fault("one 500", "broken-once", None, one_error),
    Fault("persistent 503", "down", "ok", down),
    Fault("TCP reset", "reset", "ok", reset, resent=1 + RETRIES),
    Fault("no response", "silent", "ok", silent),
    Fault("late first token", "slow", "ok", slow),
    Fault("stream cut", "cut", "ok", broken_stream),
    Fault("stream stalls", "stall", "ok", broken_stream),
    Fault("malformed chunk", "garbage", "ok", broken_stream),
    Fault("no [DONE]", "no-done", "ok", no_done),
    Fault("context length exceeded", "context", "ok", context, never_elsewhere=True),
    Fault("content filter", "filtered", "ok", filtered, never_elsewhere=True),
    Fault("fallback rejects the request", "down", "no-prefill", no_prefill),
    Fault("accounting after failover", "down", "ok", accounting),
)
"""Fifteen; the sixteenth, the flapping upstream, is many calls and has a function of its own."""


def judged(fault: Fault, manner: str, seen: Seen, sizes: Sizes) -> Score:
    wrong = list(fault.judge(seen, sizes))
    if seen.record.get("status") != seen.status:
        wrong.append(f"the client saw status {seen.status}, the record says {seen.record.get('status')}")
    if not 0 <= len(seen.attempts) - len(seen.listed) <= fault.resent:
        wrong.append(f"the upstream was asked {len(seen.attempts)} times, the record lists {len(seen.listed)}")
    unsafe = (seen.success and seen.text != TEXT) or (fault.never_elsewhere and len(seen.attempts) > 1)
    if unsafe:
        return Score(fault.title, manner, "unsafe", tuple(wrong))
    if not wrong:
        return Score(fault.title, manner, "right", ())
    return Score(fault.title, manner, "partial" if seen.success else "safe", tuple(wrong))


# The runs ------------------------------------------------------------------------------------------------------------


MANNERS = ("call", "stream", "bytes")


def configured(url: str, sizes: Sizes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Upstreams and pools: each run has its own, so that no breaker is opened by the run before."""
    upstreams: dict[str, Any] = {}
    pools: dict[str, Any] = {}
    hasty = {"first_byte": sizes.patience, "idle": sizes.patience}
    runs = [
        (f"{number}-{manner}", fault.model, fault.fallback) for number, fault in enumerate(FAULTS) for manner in MANNERS
    ]
    runs += [(f"flapping-{manner}", "flapping", "ok") for manner in MANNERS[:2]]
    for name, model, fallback in runs:
        for place, served in (("one", model), ("two", fallback)):
            if served is not None:
                timeouts = hasty if served in SILENT else {}
                settings = {"provider": "openai", "model": served, "base_url": url, "timeouts": timeouts}
                upstreams[f"{name}-{place}"] = {**settings, "price": PRICE}
        fallbacks = [f"{name}-two"] if fallback is not None else []
        pools[f"pool-{name}"] = {"members": {f"{name}-one": 1}, "fallbacks": fallbacks, "retries": RETRIES}
    return upstreams, pools


@dataclass(frozen=True)
class Bench:
    """What every run needs."""

    gateway: Gateway
    upstream: FaultyUpstream
    client: AsyncOpenAI
    sizes: Sizes
    turn: asyncio.Semaphore

    async def fault(self, number: int, manner: str) -> Score:
        user = f"{number}-{manner}"
        async with self.turn:
            if manner == "bytes":
                seen = await by_socket(self.gateway, self.upstream, f"pool-{user}", user)
            else:
                seen = await by_sdk(self.client, self.upstream, f"pool-{user}", user, manner == "stream")
        seen.record = await self.gateway.record(seen.id)
        return judged(FAULTS[number], manner, seen, self.sizes)

    async def flapping(self, manner: str) -> Score:
        """While it is down not every call pays for it; when it is well again, it comes back by itself."""
        user, wrong = f"flapping-{manner}", []

        async def one() -> Seen:
            return await by_sdk(self.client, self.upstream, f"pool-{user}", user, manner == "stream")

        seen = [await one() for _ in range(CALLS_WHILE_DOWN)]
        bad = sum(not each.success or each.text != TEXT for each in seen)
        if bad:
            wrong.append(f"{bad} of {CALLS_WHILE_DOWN} calls were not answered")
        wasted = len(seen[-1].asked("flapping"))
        if wasted > MOST_WASTED:
            wrong.append(f"{wasted} of {CALLS_WHILE_DOWN} calls asked the upstream that was down")
        self.upstream.healed.add(user)
        for _ in range(100):
            if (await one()).attempts[-1].model == "flapping":
                break
            await asyncio.sleep(0.1)
        else:
            wrong.append("it did not come back")
        return Score("flapping upstream", manner, "right" if not wrong else "safe" if bad else "partial", tuple(wrong))


async def run(folder: Path, sizes: Sizes) -> list[Score]:
    async with FaultyUpstream(sizes.silence).listening() as upstream:
        upstreams, pools = configured(upstream.url, sizes)
        gateway = Gateway(folder, upstreams, pools=pools)
        await gateway.start()
        try:
            async with AsyncOpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=0, timeout=60) as client:
                bench = Bench(gateway, upstream, client, sizes, asyncio.Semaphore(AT_ONCE))
                runs = [bench.flapping(manner) for manner in MANNERS[:2]]
                runs += [bench.fault(number, manner) for number, _ in enumerate(FAULTS) for manner in MANNERS]
                return list(await asyncio.gather(*runs))
        finally:
            await gateway.stop()


def worst(scores: list[Score]) -> dict[str, Score]:
    """A fault is as right as its least right manner."""
    order = ("right", "partial", "safe", "unsafe")
    found: dict[str, Score] = {}
    for score in scores:
        held = found.get(score.fault)
        if held is None or order.index(score.verdict) > order.index(held.verdict):
            found[score.fault] = score
    return found


async def experiment(folder: Path, full: bool) -> Finding:
    scores = await run(folder, FULL if full else REDUCED)
    by_fault = worst(scores)
    verdicts = [score.verdict for score in by_fault.values()]
    figures = {verdict: verdicts.count(verdict) for verdict in ("right", "partial", "safe", "unsafe")}
    broken = [f"{s.fault} ({s.manner}): {s.verdict}: {'; '.join(s.wrong)}" for s in scores if s.verdict != "right"]
    return Finding("faults", figures, broken)
