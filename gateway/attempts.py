"""Asking upstreams for one call until one answers: in turn, or two at once where the pool hedges.

An attempt keeps its events to itself until the first token: so long it can fail without the client having seen a
thing, and another can be made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from gateway.errors import GatewayError, Unavailable, UpstreamTimeout
from gateway.guarding.billing import added
from gateway.guarding.call import GuardedCall
from gateway.http.base import Reply
from gateway.releases.resolve import LiveRelease
from gateway.routing import Plan, tell
from gateway.visit import Attempt, Visit
from gateway.wire.headers import limits_of
from gateway.wire.surface import Call
from guardrails.engine import Engine

ASKED_AGAIN = "asked_again"
"""Stands among the attempts for an answer that a guard had the model give once more."""
Commit = Callable[[], None]
"""Called just before the client is given an attempt's first token."""


async def answer(visit: Visit, call: Call) -> None:
    """Have the call answered by an upstream of its pool. Raises the error the client is to be told."""
    assert visit.route is not None
    if visit.route.release is not None and visit.route.release.guards is not None:
        await _admit(visit, call, visit.route.release, visit.route.release.guards)
    pool = visit.route.pool
    if not pool.declared:
        visit.attempt = attempt = visit.attempt_at(pool.members[0], call)
        return await _ask(attempt, visit, call)
    plan = Plan(pool, _sticky(visit, call) if pool.sticky else None)
    upstream, pause = plan.first()
    while True:
        if pause:
            await asyncio.sleep(pause)
        visit.attempt = attempt = visit.attempt_at(upstream, call)
        try:
            if pool.hedge_after is None:
                await _ask(attempt, visit, call)
            else:
                await _race(attempt, visit, call, plan, pool.hedge_after)
            return
        except GatewayError as error:
            if visit.streaming:
                raise
            step = plan.after(upstream, error)
            if step is None:
                raise plan.told(error) from None
            upstream, pause = step


async def _admit(visit: Visit, call: Call, release: LiveRelease, guards: Engine) -> None:
    """Have the guards of the release judge the request; raises `ContentFiltered`. One may have another upstream answer
    it."""
    visit.guarded = GuardedCall(guards, release, call, visit.surface.operation, visit.principal)
    try:
        other = await visit.guarded.admit()
    finally:
        visit.asked_at = time.perf_counter_ns()  # what guards take is ours, not the upstream's
    if visit.plan is not None and visit.guarded.gives_back:
        visit.plan.keep_from_others()
    if other is None:
        return
    pool = visit.snapshot.pools.get(other)
    if pool is None:
        message = f"The guards have {other!r} answer this, and no such upstream is configured."
        raise Unavailable(message, code="fallback_missing")
    assert visit.route is not None
    visit.route = replace(visit.route, pool=pool)


async def _ask(attempt: Attempt, visit: Visit, call: Call, commit: Commit | None = None) -> None:
    """Make the attempt, and note how it ended: for the record, and for whoever asks this upstream next."""
    upstream = attempt.upstream
    health = upstream.health
    try:
        if call.stream:
            await _stream(attempt, visit, call, commit)
        else:
            attempt.body = attempt.translator.whole(await _whole(attempt, visit, call))
    except GatewayError as error:
        tell(health, error)
        visit.tried(attempt, error.code)
        raise
    except BaseException:
        health.abandoned()
        visit.tried(attempt, "given_up")
        raise
    health.succeeded()
    if visit.tries is not None:
        visit.tried(attempt, None)


async def _whole(attempt: Attempt, visit: Visit, call: Call) -> bytes:
    """A whole reply, as the guards let it through. One may have the model answer once more, told what is wrong: then
    both answers are billed, and the second is judged in the place of the first. Where there is none, the first
    stands."""
    body = await _read(attempt, visit, call)
    if attempt.guarded is None:
        return body
    said, turn = await attempt.guarded.whole(body), attempt.guarded.again
    if turn is None or visit.guarded is None:
        return said
    visit.tried(attempt, ASKED_AGAIN)
    attempt.started = time.perf_counter_ns()
    second = visit.guarded.reply()
    assert second is not None
    asked = {**call.body, "messages": [*call.body["messages"], *turn]}
    try:
        body = added(await _read(attempt, visit, msgspec.structs.replace(call, body=asked)), body)
        again = await second.whole(body)
    except GatewayError as error:
        visit.tried(attempt, error.code)
        return said
    attempt.guarded = second
    return again


async def _read(attempt: Attempt, visit: Visit, call: Call) -> bytes:
    reply = await attempt.upstream.provider.send(visit.ask(attempt.upstream, call))
    attempt.limits = limits_of(reply)
    return await reply.read()


async def _stream(attempt: Attempt, visit: Visit, call: Call, commit: Commit | None) -> None:
    """Pass events on as they come; where another upstream could take over, from the first token on. The clock for that
    token stops neither at the reply's head nor at events that carry nothing yet."""
    assert visit.route is not None
    exchange, upstream, translator = visit.exchange, attempt.upstream, attempt.translator
    meter, held = translator.meter, visit.route.pool.declared
    limit = upstream.timeouts.first_byte
    ticking = True
    try:
        async with asyncio.timeout(limit) as clock:
            reply = await upstream.provider.send(visit.ask(upstream, call))
            attempt.limits = limits_of(reply)

            def sink(data: bytes) -> None:
                nonlocal ticking
                events = translator.feed(data)
                if ticking and (meter.events or (attempt.guarded is not None and attempt.guarded.begun)):
                    ticking = False
                    clock.reschedule(None)  # noqa: F821 deleted below, when all is over
                if reply.complete:
                    attempt.body += events  # the last go out with the end
                elif attempt.committed:
                    if events:
                        exchange.write(events)
                else:
                    attempt.body += events
                    if attempt.body and not (held and ticking):
                        _commit(attempt, visit, reply, commit)

            if attempt.guarded is None:
                await reply.pump(sink)
            else:
                await attempt.guarded.pump(reply, sink)
    except TimeoutError as error:
        raise UpstreamTimeout(f"The upstream said nothing for {limit:g} s.", code="first_token_timeout") from error
    finally:
        del clock  # it holds the task, which holds the error, which holds this frame
    attempt.body += translator.finish()


def _commit(attempt: Attempt, visit: Visit, reply: Reply, commit: Commit | None) -> None:
    if commit is not None:
        commit()
    attempt.committed = True
    visit.begin_stream()
    visit.exchange.flow(reply)


async def _race(first: Attempt, visit: Visit, call: Call, plan: Plan, patience: float) -> None:
    """Ask a second upstream when the first has no token after `patience` seconds. Whoever is first is served, the
    other is let go; where both fail, the error of the one served counts, else the first one's."""
    runs: dict[asyncio.Task[None], Attempt] = {}

    def enter(attempt: Attempt) -> None:
        def commit() -> None:
            visit.attempt = attempt
            for task, other in runs.items():
                if other is not attempt:
                    task.cancel()

        runs[asyncio.create_task(_ask(attempt, visit, call, commit))] = attempt

    enter(first)
    try:
        _, pending = await asyncio.wait(runs, timeout=patience)
        if pending and not visit.streaming and (rival := plan.another()) is not None:
            visit.tries = visit.tries or []
            enter(visit.attempt_at(rival, call))
        winner = await _first_to_succeed(runs)
        if winner is not None:
            visit.attempt = winner
        else:
            await next(task for task, attempt in runs.items() if attempt is visit.attempt)
    finally:
        await _let_go(runs)


async def _first_to_succeed(runs: Mapping[asyncio.Task[None], Attempt]) -> Attempt | None:
    """None where every one of them failed."""
    pending = set(runs)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and task.exception() is None:
                return runs[task]
    return None


async def _let_go(runs: dict[asyncio.Task[None], Attempt]) -> None:
    """End what still runs, and forget it all: an error holds the frame that holds the runs, which hold the error."""
    for task in runs:
        task.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    runs.clear()


def _sticky(visit: Visit, call: Call) -> str:
    """Whose calls stay together: the end user the client names, else its key."""
    body = call.body
    user = body.get("safety_identifier") or body.get("user") or body.get("prompt_cache_key")
    return str(user or (visit.principal.key_id if visit.principal is not None else ""))
