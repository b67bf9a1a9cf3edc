"""A text that is judged while it is said: nothing unjudged is seen, and nothing depends on where it was cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import guarded_text
from guardrails.engine import Engine
from guardrails.errors import NotRun
from guardrails.guard import Finder, Guard, Models
from guardrails.guarded_text import GuardedText
from guardrails.models.local import LocalModels
from guardrails.passage import ALONE, STAGES, Passage, Stage, Surroundings
from guardrails.pii.vault import Vault
from guardrails.policy import Policy, parse
from guardrails.verdict import Finding, Span, Verdict

pytestmark = pytest.mark.anyio

PIECES = st.lists(
    st.sampled_from(["xyzzy", "plugh", "evil ", "fine. ", "a ", " b", "\n", "xy", "zzy ", "! ", "word ", "é", "。"]),
    max_size=60,
)


class Judge(Guard):
    """Finds `evil`, as a model would: of a whole segment, and later."""

    about: ClassVar[str] = "evil"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    guard: Literal["judge"] = "judge"
    fail: bool = False

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        await asyncio.sleep(0)
        if self.fail:
            raise NotRun("it was told to fail")
        return Finding(float("evil" in passage.text))


class AtEnd(Judge):
    whole: ClassVar[bool] = True


def policy(*guards: Any, **more: Any) -> Policy:
    return parse({"output": list(guards), **more})


REDACTS = {"guard": "patterns", "name": "secret", "words": ["xyzzy"], "action": "redact"}
BLOCKS = {"guard": "patterns", "name": "danger", "words": ["plugh"], "action": "block"}


async def said(made: Policy, pieces: Sequence[str], vault: Vault | None = None) -> tuple[str, str | None, list[int]]:
    """What was seen, as soon as it could be, what ended it, and how much could be seen after each piece."""
    text = GuardedText(Engine(made, LocalModels()), ALONE, "answer", lambda: None, vault)
    whole, shown, seen = "".join(pieces), "", [0]
    for piece in pieces:
        text.feed(piece)
        seen.append(text.visible)
        shown += text.shown(whole[seen[-2] : seen[-1]], seen[-2])
        await asyncio.sleep(0)
    await text.end()
    shown += text.shown(whole[seen[-1] : text.visible], seen[-1])
    return shown, text.ended.guard if text.ended is not None else None, seen[1:]


@pytest.mark.parametrize(
    "guards",
    [[REDACTS], [BLOCKS], [REDACTS, BLOCKS], [Judge(guard="judge", action="block"), REDACTS, BLOCKS]],
    ids=["redacts", "blocks", "both", "model"],
)
def test_a_verdict_does_not_depend_on_the_cuts(guards: list[Any]) -> None:
    made = policy(*guards)

    @settings(max_examples=150, deadline=None)
    @given(PIECES, st.data())
    def holds(pieces: list[str], data: st.DataObject) -> None:
        whole = "".join(pieces)
        places = data.draw(st.lists(st.integers(0, len(whole)), max_size=12).map(sorted))
        cuts = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]

        async def both() -> None:
            assert (await said(made, cuts))[:2] == (await said(made, [whole]))[:2]

        asyncio.run(both())

    holds()


def vault() -> Vault:
    """In which `[NAME_1]` is Ada and `[NAME_2]` is Bob."""
    made = Vault()
    made.hide("AdaBob", [Span(0, 3, "NAME", by="vault"), Span(3, 6, "NAME", by="vault")])
    return made


PARTS = (
    *("[NAME_1]", "[NAME_2]", "[NAME_3]", "[NAME", "_1]", "[", "n_1 "),
    *("xyzzy", "[NAME_1] evil ", "[NAME_2] plugh ", "word. ", "fine. ", "x" * 90),
)
GIVEN = st.lists(st.sampled_from(PARTS), max_size=14)


@pytest.mark.parametrize(
    "guards",
    [
        [],
        [REDACTS, BLOCKS],
        [{"guard": "patterns", "name": "part", "patterns": {"part": "n_1"}, "action": "redact"}, BLOCKS],
        [Judge(guard="judge", action="block"), REDACTS],
        [AtEnd(guard="judge", action="block")],
    ],
    ids=["none", "rules", "inside", "model", "whole"],
)
def test_what_is_given_back_does_not_depend_on_the_cuts(guards: list[Any]) -> None:
    made = policy(*guards)

    @settings(max_examples=150, deadline=None)
    @given(GIVEN, st.data())
    def holds(pieces: list[str], data: st.DataObject) -> None:
        whole = "".join(pieces)
        places = data.draw(st.lists(st.integers(0, len(whole)), max_size=12).map(sorted))
        cuts = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]

        async def both() -> None:
            in_pieces = await said(made, cuts, vault())
            assert in_pieces[:2] == (await said(made, [whole], vault()))[:2]
            if not guards:
                assert in_pieces[0] == vault().reveal(whole)

        asyncio.run(both())

    holds()


async def test_guards_judge_what_was_said_and_values_come_back_after_them() -> None:
    made = policy({"guard": "patterns", "words": ["Ada"], "action": "block"})
    assert (await said(made, ["It is [NA", "ME_1], not [NAME_9]."], vault()))[:2] == ("It is Ada, not [NAME_9].", None)


async def test_of_what_a_guard_takes_out_no_value_comes_back() -> None:
    made = policy({"guard": "patterns", "patterns": {"tail": "_1. is"}, "action": "redact"})
    assert (await said(made, ["[NAME_1] is, [NAME_2] is not."], vault()))[0] == "[NAME[TAIL], Bob is not."


async def test_a_hash_stands_in_an_answer_as_in_a_question() -> None:
    made = policy({**REDACTS, "by": "hash"})
    (hashed,) = {(await said(made, cuts, Vault(b"key")))[0] for cuts in (["a xyzzy b"], ["a xy", "zzy b"])}
    assert hashed == Vault(b"key").hide("a xyzzy b", [Span(2, 7, "word", by="hash")])


@given(PIECES)
@settings(max_examples=100, deadline=None)
def test_nothing_is_seen_that_has_to_go(pieces: list[str]) -> None:
    shown, ended, seen = asyncio.run(said(policy(REDACTS, BLOCKS), pieces))
    words = [word.strip(".!。") for word in shown.split()]
    assert "xyzzy" not in words
    assert "plugh" not in words
    assert seen == sorted(seen)
    assert ended in (None, "danger")


async def test_little_is_held_back() -> None:
    text = GuardedText(Engine(policy(REDACTS, BLOCKS), LocalModels()), ALONE, "answer", lambda: None)
    for word in ["It ", "is ", "a ", "very ", "fine ", "day, ", "and ", "nobody ", "minds."]:
        text.feed(word)
        assert text.held <= 40
    await text.end()
    assert text.held == 0


async def test_models_hold_a_segment_and_end_before_it() -> None:
    made = policy(Judge(guard="judge", action="block"))
    pieces = ["This sentence is harmless, really. ", "But this one here is evil and bad. ", "Never seen at all, this. "]
    shown, ended, seen = await said(made, pieces)
    assert (shown, ended) == ("This sentence is harmless, really. ", "judge")
    assert seen[0] == 0


async def test_a_guard_that_fails_holds_up_or_lets_through_as_it_says() -> None:
    closed = policy(Judge(guard="judge", action="block", fail=True))
    assert await said(closed, ["Hello there."]) == ("", "judge", [0])
    opened = policy(Judge(guard="judge", action="block", fail=True, on_failure="open"))
    assert (await said(opened, ["Hello there."]))[:2] == ("Hello there.", None)
    flagged = policy(Judge(guard="judge", action="flag", fail=True))
    assert (await said(flagged, ["Hello there."]))[:2] == ("Hello there.", None)


class Broken(Finder):
    """A rule with a defect."""

    about: ClassVar[str] = "nothing"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    reach: ClassVar[int] = 10
    guard: Literal["broken"] = "broken"

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        if "evil" in text:
            raise ZeroDivisionError
        return []

    def settled(self, text: str) -> int:
        return len(text)


async def test_a_rule_that_fails_lets_nothing_more_be_seen() -> None:
    made = policy(Broken(guard="broken"))
    assert await said(made, ["Fine so far. ", "Then evil came. ", "More."]) == ("Fine so far. ", "broken", [13, 13, 13])


async def test_what_needs_the_whole_and_could_hold_it_up_lets_nothing_be_seen_before() -> None:
    made = policy(AtEnd(guard="judge", action="block"))
    assert await said(made, ["All ", "fine."]) == ("All fine.", None, [0, 0])
    assert await said(made, ["All ", "evil."]) == ("", "judge", [0, 0])


async def test_a_dry_run_changes_nothing_and_tells_what_it_would_do() -> None:
    text = GuardedText(Engine(policy(BLOCKS, REDACTS, dry_run=True), LocalModels()), ALONE, "answer", lambda: None)
    text.feed("xyzzy plugh done ")
    await text.end()
    assert (text.ended, text.spans, text.held) == (None, [], 0)
    assert [(one.guard, one.action, one.would) for one in text.verdicts()] == [
        ("danger", "allow", "block"),
        ("secret", "allow", "redact"),
    ]


async def test_every_guard_has_a_verdict_that_says_whether_it_ran() -> None:
    made = policy(BLOCKS, Judge(guard="judge"))
    text = GuardedText(Engine(made, LocalModels()), ALONE, "answer", lambda: None)
    text.feed("plugh ")
    await text.end()
    blocked, judged = text.verdicts()
    assert (blocked.score, blocked.spans) == (1.0, (Span(0, 5, "word"),))
    assert (judged.score, judged.not_run) == (None, "danger had ended the answer")


async def test_of_a_text_that_is_too_long_who_judges_its_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_text, "MOST_KEPT", 20)

    async def told(*pieces: str) -> Verdict:
        text = GuardedText(Engine(policy(Judge(action="flag")), LocalModels()), ALONE, "answer", lambda: None)
        for piece in pieces:
            text.feed(piece)
        await text.end()
        (verdict,) = text.verdicts()
        return verdict

    assert (await told("fine. ")).not_run is None
    assert (await told("fine. " * 3, "and more, evil too")).not_run == "only the first 20 characters were judged"
    assert (await told("evil. ", "and more. " * 3)).action == "flag"
