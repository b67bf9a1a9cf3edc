"""Guards that are ready before a call needs them, and told of where they cannot be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.guarding import warming
from gateway.guarding.warming import Warming, unable
from guardrails.engine import Engine
from guardrails.errors import NotRun
from guardrails.guard import Window
from guardrails.policy import Policy, parse, shipped

pytestmark = pytest.mark.anyio


class Lent:
    """Models that answer once they may, or raise what they are told to."""

    def __init__(self, raises: Exception | None = None) -> None:
        self.raises = raises
        self.asked: list[str] = []
        self.may = asyncio.Event()
        self.may.set()

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        self.asked.append(model)
        await self.may.wait()
        if self.raises is not None:
            raise self.raises
        return [(Window(0, 1, (0.0,) * 6),) for _ in rows]

    async def embed(self, texts: Sequence[str]) -> Any:
        raise NotRun("there is no model prompts")


MODEL = {"input": ["secrets", "prompt_attack"], "output": ["moderation", "secrets"]}
RULES = {
    "input": ["pii", {"guard": "urls", "allow": ["example.com"]}],
    "output": ["refusal", "schema", "citations", "code", "leakage", "groundedness"],
    "tool_calls": ["tool_policy", "breakers"],
}


def engines(models: Lent, **policies: Policy) -> dict[str, Engine]:
    return {name: Engine(policy, models) for name, policy in policies.items()}


async def test_every_guard_of_ours_judges_the_sample() -> None:
    assert await unable(parse(MODEL), Lent()) == {}
    assert await unable(parse(RULES), Lent()) == {}
    assert await unable(shipped("default"), Lent()) == {}


async def test_who_cannot_judge_is_told_with_the_reason() -> None:
    why = "onnxruntime is not installed: pip install 'sluicegate[guards]'"
    assert await unable(parse(MODEL), Lent(NotRun(why))) == {"prompt_attack": why, "moderation": why}
    topics = {"guard": "topics", "topics": {"sport": {"examples": ["a", "b", "c"]}}}
    assert await unable(parse({"input": [topics]}), Lent()) == {"topics": "there is no model prompts"}
    defect = await unable(parse(MODEL), Lent(ZeroDivisionError()))
    assert set(defect.values()) == {"it failed; the log says how"}


async def test_a_policy_becomes_ready_once(caplog: pytest.LogCaptureFixture) -> None:
    models = Lent(NotRun("there is no model prompts"))
    warm = Warming(models)
    held = engines(models, one=parse(MODEL))
    with caplog.at_level(logging.WARNING):
        await warm.ready(held)
        await warm.ready(held)
    assert sorted(models.asked) == ["prompts", "prompts"]
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "the guard prompt_attack of the policy one cannot judge: there is no model prompts",
        "the guard moderation of the policy one cannot judge: there is no model prompts",
    ]
    await warm.ready({})
    await warm.ready(held)
    assert len(models.asked) == 4
    await warm.close()


async def test_what_comes_into_force_waits_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "HOLD", 0.01)
    models = Lent()
    models.may.clear()
    warm = Warming(models)
    await warm.ready(engines(models, one=parse(MODEL)))
    assert models.asked == ["prompts", "prompts"], "they go on becoming ready"
    models.may.set()
    await warm.close()


async def test_what_is_no_longer_in_force_is_made_ready_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "HOLD", 0.01)
    models = Lent()
    models.may.clear()
    warm, before = Warming(models), asyncio.all_tasks()
    await warm.ready(engines(models, one=parse(MODEL)))
    begun = asyncio.all_tasks() - before
    assert begun
    await warm.ready({})
    await asyncio.wait(begun, timeout=10)
    assert all(task.done() for task in begun)
    await warm.close()


async def test_a_guard_that_is_never_ready_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "PATIENCE", 0.01)
    models = Lent()
    models.may.clear()
    assert await unable(parse({"input": ["moderation"]}), models) == {"moderation": "it was not ready after 0.01 s"}
