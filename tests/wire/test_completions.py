"""Legacy completions: what may be asked, and bytes that pass through metered."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest, UpstreamFailed
from gateway.wire.chat import PassThrough
from gateway.wire.completions import Completions
from gateway.wire.sse import DONE, frame

WORD = frame(b'{"id":"cmpl-1","model":"served","choices":[{"index":0,"text":"a","finish_reason":null}]}')
LAST = frame(b'{"id":"cmpl-1","model":"served","choices":[{"index":0,"text":"","finish_reason":"stop"}]}')
FIGURES = frame(b'{"id":"cmpl-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}')


def translator(**fields: Any) -> PassThrough:
    surface = Completions()
    return surface.translator(surface.read({"model": "m", "prompt": "a", **fields}))


@pytest.mark.parametrize("prompt", ["", "a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_every_kind_of_prompt(prompt: Any) -> None:
    body = {"model": "m", "prompt": prompt, "suffix": "z", "echo": True, "logprobs": 5, "n": 2, "best_of": 3, "new": 1}
    call = Completions().read(dict(body))
    assert call.body == body
    assert (call.model, call.stream, call.prompt) == ("m", False, None)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"prompt": None}, "prompt"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": [1.5]}, "prompt"),
        ({"prompt": [[1], []]}, "prompt[1]"),
        ({"prompt": [[1], ["a"]]}, "prompt[1]"),
        ({"n": 0}, "n"),
        ({"best_of": 21}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 0, "echo": False}, "max_tokens"),
        ({"temperature": 2.5}, "temperature"),
        ({"stream_options": {}}, "stream_options"),
        ({"Prompt": "a"}, "Prompt"),
    ],
)
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Completions().read({"model": "m", "prompt": "a", **fields})
    assert caught.value.param == param


def test_no_tokens_are_made_where_the_prompt_is_echoed() -> None:
    assert Completions().read({"model": "m", "prompt": "a", "max_tokens": 0, "echo": True}).body["max_tokens"] == 0


def test_a_stream_passes_without_the_usage_nobody_asked_for() -> None:
    reader = translator(stream=True)
    out = reader.feed(WORD + LAST + FIGURES) + reader.finish()
    assert out == WORD + LAST + DONE
    assert reader.meter.usage is not None
    assert (reader.meter.usage.input, reader.meter.usage.output, reader.meter.finish) == (3, 1, {0: "stop"})


def test_a_stream_passes_with_the_usage_that_was_asked_for() -> None:
    reader = translator(stream=True, stream_options={"include_usage": True})
    assert reader.feed(WORD + LAST + FIGURES + DONE) + reader.finish() == WORD + LAST + FIGURES + DONE


def test_a_cut_stream_is_an_error() -> None:
    reader = translator(stream=True)
    reader.feed(WORD)
    with pytest.raises(UpstreamFailed):
        reader.finish()


def test_a_whole_reply_passes_untouched() -> None:
    body = b'{ "choices": [{"index": 0, "text": "a", "finish_reason": "length"}], "usage": {"prompt_tokens": 2} }'
    reader = translator()
    assert reader.whole(body) == body
    assert reader.meter.finish == {0: "length"}
    assert reader.meter.chars == 1


def test_an_event_that_says_nothing_is_left_out() -> None:
    made = translator(stream=True)
    assert made.feed(b"data: null\n\n" + WORD + b"data: null\n\n") == WORD
