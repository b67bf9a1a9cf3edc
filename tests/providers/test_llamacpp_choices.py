"""Several choices of llama.cpp: the same answer whole and streamed, and the usage of all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from gateway.errors import UpstreamFailed, UpstreamRefused
from gateway.providers.base import Ask, EventReply
from gateway.providers.llamacpp_choices import Choices, as_stream, several
from gateway.types import Json
from gateway.wire.sse import DONE, EventSplitter, event_data, frame

pytestmark = pytest.mark.anyio

NOTHING = b"data: null\n\n"
HEAD = {"id": "chatcmpl-1", "model": "m", "created": 1}


def chunk(*choices: Json, kind: str = "chat.completion.chunk", **more: Any) -> bytes:
    return frame(orjson.dumps({**HEAD, "object": kind, "choices": choices, **more}))


def delta(index: int, finish: str | None = None, **said: Any) -> Json:
    return {"index": index, "finish_reason": finish, "delta": said}


def figures(read: int, made: int, cached: int = 0) -> Json:
    details = {"cached_tokens": cached}
    return {"prompt_tokens": read, "completion_tokens": made, "prompt_tokens_details": details}


def choices(*events: bytes, copies: int = 2, done: bytes = DONE) -> Choices:
    """Over a stream of these events, cut where the network likes."""

    async def stream() -> AsyncGenerator[bytes, None]:
        whole = b"".join(events) + done
        for at in range(0, len(whole), 50):
            yield whole[at : at + 50]

    return Choices(EventReply(stream()), copies)


async def pumped(reply: Choices) -> list[Json]:
    splitter, found = EventSplitter(), list[bytes]()
    await reply.pump(lambda data: found.extend(splitter.feed(data)))
    assert event_data(found.pop()) == b"[DONE]"
    return [orjson.loads(event_data(event) or b"") for event in found]


CHAT = (
    chunk(delta(1, role="assistant", content=None)),
    chunk({**delta(1, content="b"), "logprobs": {"content": [{"token": "b"}]}}),
    chunk(delta(0, role="assistant", content=None)),
    chunk(delta(0, content="a")),
    chunk({**delta(1, content="c"), "logprobs": {"content": [{"token": "c"}]}}),
    chunk(delta(1, "stop")),
    chunk(usage=figures(9, 3, 8), timings={}),
    chunk(
        delta(0, tool_calls=[{"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": ""}}])
    ),
    chunk(delta(0, tool_calls=[{"index": 0, "function": {"arguments": "{"}}])),
    chunk(delta(0, tool_calls=[{"index": 0, "function": {"arguments": "}"}}, {"index": 1, "id": "y", "function": {}}])),
    chunk(delta(0, "tool_calls")),
    chunk(usage=figures(9, 5, 8), timings={}),
)
TOTAL = {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}


async def test_the_choices_of_a_chat_whole() -> None:
    whole = orjson.loads(await choices(*CHAT).read())
    assert whole.items() >= {**HEAD, "object": "chat.completion"}.items()
    assert whole["usage"].items() >= TOTAL.items()
    assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 8}
    first, second = whole["choices"]
    calls = [
        {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "y", "function": {}},
    ]
    assert first == {
        "index": 0,
        "finish_reason": "tool_calls",
        "logprobs": None,
        "message": {"role": "assistant", "content": "a", "tool_calls": calls},
    }
    assert second == {
        "index": 1,
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "b"}, {"token": "c"}]},
        "message": {"role": "assistant", "content": "bc"},
    }


async def test_the_choices_of_a_chat_streamed() -> None:
    *chunks, last = await pumped(choices(*CHAT))
    assert len(chunks) == len(CHAT) - 2
    assert all(told["choices"] and "usage" not in told for told in chunks)
    assert last["choices"] == []
    assert last["usage"].items() >= TOTAL.items()


async def test_each_prompt_is_counted_once_and_each_choice() -> None:
    def text(index: int, said: str, finish: str | None = None, **more: Any) -> bytes:
        return chunk({"index": index, "text": said, "finish_reason": finish}, kind="text_completion", **more)

    events = (
        NOTHING,
        *(text(index, word) for index, word in enumerate("abcd")),
        *(text(index, "!", "length", usage=figures(10 + index // 2, 2, 1)) for index in (3, 2, 0, 1)),
    )
    whole = orjson.loads(await choices(*events).read())
    assert (whole["object"], [choice["text"] for choice in whole["choices"]]) == (
        "text_completion",
        ["a!", "b!", "c!", "d!"],
    )
    assert whole["usage"].items() >= {"prompt_tokens": 21, "completion_tokens": 8, "total_tokens": 29}.items()
    assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert (await pumped(choices(*events)))[-1]["usage"] == whole["usage"]


async def test_a_stream_cut_short_is_no_answer() -> None:
    for cut in (choices(*CHAT[:-1], done=b""), choices(done=b""), choices()):
        with pytest.raises(UpstreamFailed) as failed:
            await cut.read()
        assert failed.value.code == "upstream_cut"
    with pytest.raises(UpstreamFailed):
        await pumped(choices(*CHAT, done=b""))


async def test_an_error_in_the_stream_is_raised() -> None:
    broken = chunk(error={"message": "Out of memory.", "code": 500})
    with pytest.raises(UpstreamRefused, match="memory"):
        await choices(*CHAT[:3], broken).read()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"messages": []}, False),
        ({"n": None}, False),
        ({"n": 1}, False),
        ({"n": 2}, True),
        ({"prompt": "a"}, False),
        ({"prompt": ["a"]}, False),
        ({"prompt": ["a", "b"]}, True),
        ({"prompt": [1, 2]}, False),
        ({"prompt": [[1], [2]]}, True),
        ({"prompt": "a", "n": 3}, True),
    ],
)
async def test_what_has_several_choices(body: Json, answer: bool) -> None:
    assert several(body) is answer


async def test_a_stream_is_asked_for_with_its_figures() -> None:
    body = {"n": 2, "stream_options": {"include_usage": False}}
    asked = as_stream(Ask("chat", body, trace=b"trace"))
    wanted = {"n": 2, "stream": True, "stream_options": {"include_usage": True}}
    assert (asked.body, asked.stream, asked.trace) == (wanted, True, b"trace")
