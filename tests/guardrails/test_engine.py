"""What guards find comes to verdicts: thresholds, allow-lists, fail modes, budgets, and the order of it all."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any, ClassVar, Literal

import pytest

from guardrails import engine
from guardrails.engine import BLOCKED, UNJUDGED, UNREADABLE, Engine, Report
from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.models.local import LocalModels
from guardrails.passage import STAGES, Passage, Stage, Surroundings
from guardrails.policy import parse
from guardrails.verdict import Finding

pytestmark = pytest.mark.anyio


class Told(Guard):
    """Does as it is told."""

    about: ClassVar[str] = "nothing"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    guard: Literal["told"] = "told"
    does: str = "score"
    score: float = 0.0

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if self.does == "sleep":
            await asyncio.sleep(30)
        if self.does == "crash":
            raise ZeroDivisionError
        if self.does == "memory":
            raise MemoryError
        if self.does in ("due", "undue"):
            raise NotRun("it could not", "failed" if self.does == "due" else "idle")
        return Finding(self.score)


async def check(*guards: Any, text: str = "frobozz", tenant: str | None = None, **more: Any) -> Report:
    policy = parse({"input": list(guards), **more})
    return await Engine(policy, LocalModels()).check("input", [Passage(text, source="m")], Surroundings(tenant=tenant))


WORDS = {"guard": "patterns", "words": ["frobozz"], "action": "block"}


@pytest.mark.parametrize(("score", "action"), [(0.69, "allow"), (0.7, "block"), (1.0, "block")])
async def test_it_acts_from_the_threshold_on(score: float, action: str) -> None:
    report = await check(Told(guard="told", score=score, threshold=0.7, action="block"))
    assert (report.action, report.message) == (action, BLOCKED if action == "block" else None)


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("sleep", "it took longer than 0.05 s"),
        ("crash", "it failed; the log says how"),
        ("memory", "there was not enough memory"),
        ("due", "it could not"),
    ],
)
async def test_a_guard_that_cannot_judge_fails_as_it_says(does: str, why: str) -> None:
    for action, mode, expected in [
        ("block", None, "block"),
        ("redact", None, "block"),
        ("flag", None, "allow"),
        ("block", "open", "allow"),
        ("flag", "closed", "block"),
    ]:
        guard = Told(guard="told", does=does, budget=0.05, action=action, on_failure=mode)  # type: ignore[arg-type]
        report = await check(guard)
        (verdict,) = report.verdicts
        assert (report.action, verdict.not_run, verdict.score, verdict.ran) == (expected, why, None, False)
        assert not verdict.idle
        assert report.message == (UNJUDGED if expected == "block" else None)


async def test_nothing_to_judge_is_no_failure() -> None:
    report = await check(Told(guard="told", does="undue", action="block"))
    assert (report.action, report.verdicts[0].not_run, report.verdicts[0].idle) == ("allow", "it could not", True)


async def test_models_are_not_asked_where_a_rule_ends_it() -> None:
    report = await check(Told(guard="told", score=1.0, action="flag"), WORDS)
    rule, model = report.verdicts
    assert (rule.guard, rule.action) == ("patterns", "block")
    assert (model.guard, model.not_run) == ("told", "patterns had ended the call")


async def test_the_strictest_action_is_taken() -> None:
    flags, asks = (
        Told(guard="told", score=1.0),
        Told(guard="told", name="asks", score=1.0, action="ask", message="Wait."),
    )
    report = await check(flags, asks)
    assert (report.action, report.message) == ("ask", "Wait.")


async def test_what_is_let_through_says_why() -> None:
    rule: dict[str, Any] = {"text": "frobozz", "reason": "It is a game."}
    report = await check(WORDS, allow=[rule], text="say frobozz now")
    assert (report.action, report.verdicts[0].allowed_by) == ("allow", "It is a game.")
    whole = {"sha256": sha256(b"say frobozz now").hexdigest(), "reason": "Reviewed."}
    assert (await check(WORDS, allow=[whole], text="say frobozz now")).action == "allow"
    assert (await check(WORDS, allow=[whole], text="say frobozz now!")).action == "block"
    theirs = {**rule, "tenant": "a"}
    assert (await check(WORDS, allow=[theirs], text="say frobozz", tenant="a")).action == "allow"
    assert (await check(WORDS, allow=[theirs], text="say frobozz", tenant="b")).action == "block"


async def test_of_several_finds_the_others_still_count() -> None:
    words = {"guard": "patterns", "words": ["frobozz", "grue"], "action": "redact"}
    rule = {"text": "frobozz", "reason": "It is a game."}
    report = await check(words, allow=[rule], text="a grue and a frobozz")
    assert (report.action, report.passages[0].text) == ("redact", "a [WORD] and a frobozz")


async def test_a_dry_run_only_says() -> None:
    report = await check(WORDS, dry_run=True)
    assert (report.action, report.verdicts[0].action, report.verdicts[0].would) == ("allow", "allow", "block")


async def test_what_cannot_be_read_is_missed() -> None:
    engine = Engine(parse({"input": [WORDS]}), LocalModels())
    report = engine.missed("input", [Passage("")], NotRun("it came as tokens", "unreadable"))
    assert (report.action, report.verdicts[0].not_run) == ("block", "it came as tokens")
    assert report.by == report.verdicts[0]
    assert report.message == f"{UNREADABLE}: it came as tokens."


async def test_of_several_that_end_a_call_one_that_judged_is_told() -> None:
    away = Told(guard="told", does="due", action="block", message="Never told.")
    report = await check(away, Told(guard="told", name="sure", score=1.0, action="block", message="No."))
    assert report.by is not None
    assert (report.by.guard, report.message) == ("sure", "No.")


async def test_while_many_texts_are_judged_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TURN", 0.0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    many = [Passage(f"text {number}", source=f"{number}") for number in range(200)]
    made = parse({"input": [WORDS, Told(guard="told", action="flag")]})
    report = await Engine(made, LocalModels()).check("input", many)
    waiting.cancel()
    assert turns >= len(many) + len(many) // engine.BEGUN
    assert [(one.guard, one.source) for one in report.verdicts] == [
        (guard, one.source) for guard in ("patterns", "told") for one in many
    ]
