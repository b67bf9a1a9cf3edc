"""Replies as upstreams write them, well and badly: what is to be stopped comes through in no disguise."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, UpstreamFailed, UpstreamRefused
from gateway.guarding.reply import GuardedReply
from gateway.http.base import Sink
from gateway.providers.base import WholeReply
from guardrails.engine import Engine
from guardrails.models.local import LocalModels
from guardrails.passage import ALONE, Surroundings
from guardrails.pii.vault import Vault
from guardrails.policy import parse
from guardrails.verdict import Span

pytestmark = pytest.mark.anyio

POLICY = {
    "output": [
        {"guard": "patterns", "name": "secret", "words": ["xyzzy"], "action": "redact"},
        {"guard": "patterns", "name": "danger", "words": ["plugh"], "action": "block", "message": "No."},
    ],
    "tool_calls": [{"guard": "patterns", "name": "payee", "words": ["plugh"], "action": "block"}],
}
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Piecewise(WholeReply):
    """Gives its pieces one after another, with a pause between them."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__(b"")
        self._pieces = pieces
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._closed = False

    async def pump(self, sink: Sink) -> None:
        for piece in self._pieces:
            await self._flowing.wait()
            if self._closed:
                raise UpstreamFailed("The reply was given up.")
            sink(piece)
            await asyncio.sleep(0)

    def pause(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self._closed = True
        self._flowing.set()


def event(choice: Any, **more: Any) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, **choice}], **more}) + b"\n\n"


async def streamed(*pieces: bytes, policy: Any = POLICY, vault: Vault | None = None) -> str:
    out: list[bytes] = []
    guarded = GuardedReply(Engine(parse(policy), LocalModels()), ALONE, vault)
    await guarded.pump(Piecewise([*pieces, END]), out.append)
    return b"".join(out).decode()


async def whole(body: bytes, policy: Any = POLICY, around: Surroundings = ALONE) -> bytes:
    guarded = GuardedReply(Engine(parse(policy), LocalModels()), around)
    return await guarded.whole(body)


SAID = "say plugh now "
LEAKS = {
    "plain": event({"delta": {"content": SAID}}),
    "two spaces": event({"delta": {"content": SAID}}).replace(b"data: ", b"data:  "),
    "an empty line before": b"data:\n" + event({"delta": {"content": SAID}}),
    "delta and message": event({"delta": {"content": "say "}, "message": {"content": SAID}}),
    "text and delta": event({"text": SAID, "delta": {}}),
    "beside the delta": event({"delta": {}, "reasoning": SAID}),
    "beside the choices": event({"delta": {}}, search_results=[{"title": SAID}]),
    "a list of parts": event({"delta": {"content": [{"type": "text", "text": SAID}]}}),
    "an old call that is a text": event({"delta": {"function_call": SAID}}),
    "a custom tool": event({"delta": {"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": SAID}}]}}),
    "a note in a tool call": event({"delta": {"tool_calls": [{"index": 0, "note": SAID, "function": {"name": "a"}}]}}),
    "another choice": b'data: {"choices":[{"index":3,"delta":{"content":"say plugh now "}}]}\n\n',
}


@pytest.mark.parametrize("sent", LEAKS.values(), ids=LEAKS)
async def test_in_no_disguise_of_a_stream(sent: bytes) -> None:
    shown = await streamed(sent)
    assert "plugh" not in shown
    assert "content_filter" in shown


async def test_words_are_found_across_events_beside_other_fields() -> None:
    pieces = [
        event({"delta": {"reasoning_details": [{"text": text, "format": "v1"}]}})
        for text in ("Take plu", "gh and stir ")
    ]
    assert "content_filter" in await streamed(*pieces)


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": SAID}},
        {"delta": {}, "message": {"content": SAID}},
        {"text": SAID, "delta": {}},
        {"message": {"content": None, "audio": {"transcript": SAID}}},
        {"message": {"content": None, "tool_calls": [{"type": "custom", "custom": {"name": "a", "input": SAID}}]}},
    ],
)
async def test_in_no_disguise_of_a_whole_reply(choice: Any) -> None:
    shown = await whole(orjson.dumps({"choices": [{"index": 0, "finish_reason": "stop", **choice}]}))
    assert b"plugh" not in shown
    assert b"content_filter" in shown


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":null,"x":"\xff","choices":[{"message":{"content":"say plugh now"}}]}',
        b'{"error":null,"n":1e999,"choices":[{"message":{"content":"say plugh now"}}]}',
        b'{"choices":[{"message":' + b"[" * 1500 + b"]" * 1500 + b"}]}",
        b'{"choices":[{"message":{"tool_calls":["say plugh now"]}}]}',
        b'{"choices":[{"message":{"tool_calls":"say plugh now"}}]}',
        b"[]",
        b'{"choices":{"a":1}}',
        b'{"choices":[7]}',
    ],
)
async def test_what_cannot_be_read_is_not_passed_on(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        await whole(body)


async def test_an_error_of_the_upstream_is_left_to_the_translator() -> None:
    body = b'{"error":{"message":"overloaded"}}'
    assert await whole(body) == body


async def test_log_probabilities_spell_nothing_that_may_be_taken_out() -> None:
    spelt = {"content": [{"token": "plugh", "logprob": -1.0}]}
    shown = await streamed(event({"delta": {"content": "Fine. "}, "logprobs": spelt}))
    assert "plugh" not in shown
    assert "Fine." in shown


async def test_a_call_that_may_not_be_made_ends_no_other_choice() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": '{"to": "Ada"}'}}
    choices = [
        {"index": 0, "message": {"content": SAID}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"},
    ]
    first, second = orjson.loads(await whole(orjson.dumps({"choices": choices})))["choices"]
    assert (first["finish_reason"], second) == ("content_filter", choices[1])


async def test_what_needs_the_whole_text_does_not_stop_the_upstream() -> None:
    policy = {"output": [{"guard": "schema", "action": "block"}]}
    words = [event({"delta": {"content": "word " * 200}}) for _ in range(100)]
    async with asyncio.timeout(20):
        shown = await streamed(*words, policy=policy)
    assert shown.count("word") == 20_000


async def test_an_error_that_comes_while_a_model_judges_is_raised() -> None:
    def emit(events: bytes) -> None:
        if b"late" in events:
            raise UpstreamRefused("overloaded", upstream_status=200, error={}, param=None, code=None)

    guarded = GuardedReply(Engine(parse(POLICY), LocalModels()), ALONE)
    with pytest.raises(GatewayError, match="overloaded"):
        await guarded.pump(Piecewise([event({"delta": {"content": "late "}}), END]), emit)


def vault() -> Vault:
    """In which `[NAME_1]` is Ada "A." Lovelace."""
    made = Vault()
    made.hide('Ada "A." Lovelace', [Span(0, 17, "NAME", by="vault")])
    return made


def told(shown: str, delta: str) -> str:
    choices = [choice for line in shown.splitlines() if line.startswith("data: {") for choice in _choices(line)]
    return "".join(_text(choice["delta"], delta) for choice in choices)


def _choices(line: str) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = orjson.loads(line[6:])["choices"]
    return choices


def _text(delta: dict[str, Any], name: str) -> str:
    if name == "content":
        return str(delta.get("content") or "")
    return "".join(call["function"].get("arguments", "") for call in delta.get("tool_calls") or ())


PARTS = st.lists(st.sampled_from(["[NAME_1]", "[NA", "ME_1]", "[", "[NAME_2]", " and ", "xyzzy ", "1] ", "plugh "]))


@settings(deadline=None)
@given(PARTS, st.lists(st.integers(0, 60), max_size=6), st.lists(st.integers(0, 900), max_size=6))
def test_what_is_given_back_depends_neither_on_events_nor_on_the_network(
    parts: list[str], cuts: list[int], packets: list[int]
) -> None:
    text = "".join(parts)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    events = b"".join(event({"delta": {"content": text[a:b]}}) for a, b in pairwise(places))
    borders = [0, *sorted(cut for cut in packets if cut < len(events)), len(events)]

    async def both() -> tuple[str, str]:
        in_pieces = await streamed(*(events[a:b] for a, b in pairwise(borders)), vault=vault())
        return in_pieces, await streamed(event({"delta": {"content": text}}), vault=vault())

    in_pieces, at_once = asyncio.run(both())
    assert told(in_pieces, "content") == told(at_once, "content")
    assert ("content_filter" in in_pieces) == ("content_filter" in at_once)


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6), st.booleans())
def test_arguments_of_a_call_have_values_back_wherever_they_are_cut(cuts: list[int], judged: bool) -> None:
    policy = POLICY if judged else {"output": POLICY["output"]}
    text = '{"to": "[NAME_1]", "of": "[NAME_7]"}'
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [
        event({"delta": {"tool_calls": [{"index": 0, "function": {"arguments": text[a:b]}}]}})
        for a, b in pairwise(places)
    ]
    shown = asyncio.run(streamed(*pieces, policy=policy, vault=vault()))
    assert orjson.loads(told(shown, "arguments")) == {"to": 'Ada "A." Lovelace', "of": "[NAME_7]"}


async def test_what_is_cut_off_is_shown_as_it_is() -> None:
    shown = await streamed(event({"delta": {"content": "It is [NAME_"}}), vault=vault())
    assert told(shown, "content") == "It is [NAME_"


async def test_without_guards_on_answers_values_come_back_too() -> None:
    shown = await streamed(event({"delta": {"content": "[NAME_1]!"}}), policy={}, vault=vault())
    assert told(shown, "content") == 'Ada "A." Lovelace!'


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ('```json\n{"a": 1,}\n```', '{"a":1}'),
        ("Here: {'a': [1, 2", '{"a":[1,2]}'),
        ('{"a": "say plugh now"', None),
        ("No.", None),
    ],
)
async def test_an_answer_that_can_be_repaired_is_and_then_judged(said: str, made: str | None) -> None:
    policy = {"output": [{"guard": "schema", "action": "block", "repair": True}, *POLICY["output"]]}
    around = Surroundings(response_format={"type": "json_object"})
    body = orjson.dumps({"choices": [{"index": 0, "message": {"content": said}, "finish_reason": "stop"}]})
    (choice,) = orjson.loads(await whole(body, policy, around))["choices"]
    if made is None:
        assert choice["finish_reason"] == "content_filter"
    else:
        assert orjson.loads(choice["message"]["content"]) == orjson.loads(made)
    (plain,) = orjson.loads(await whole(body, {**policy, "dry_run": True}, around))["choices"]
    assert plain["message"]["content"] == said


async def test_a_repair_is_told() -> None:
    policy = {"output": [{"guard": "schema", "repair": True}]}
    guarded = GuardedReply(Engine(parse(policy), LocalModels()), Surroundings(response_format={"type": "json_object"}))
    await guarded.whole(b'{"choices":[{"index":0,"message":{"content":"{\\"a\\":1"}}]}')
    assert [(one.action, one.reason) for one in guarded.verdicts] == [("allow", ""), ("redact", "it was repaired")]


async def test_other_choices_are_the_samples_that_an_answer_is_judged_by() -> None:
    policy = {"output": [{"guard": "self_consistency", "action": "redact"}]}
    said = ["The bridge was built in 1874 by James Eads."] * 3 + ["Dragons sleep beneath warm golden hills."]
    choices = [{"index": n, "message": {"role": "assistant", "content": text}} for n, text in enumerate(said)]
    reply = orjson.loads(await whole(orjson.dumps({"choices": choices}), policy))
    shown = [choice["message"]["content"] for choice in reply["choices"]]
    assert shown[0] == said[0]
    assert shown[3] == "[INCONSISTENT]"
    alone = GuardedReply(Engine(parse(policy), LocalModels()), ALONE)
    await alone.whole(orjson.dumps({"choices": choices[:1]}))
    assert [verdict.not_run for verdict in alone.verdicts] == ["no other samples of the answer were given"]
