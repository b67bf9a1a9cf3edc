"""What is read in the replies of servers that differ: every harmless difference passes, and nothing is lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import UpstreamFailed, UpstreamRefused
from gateway.types import Usage
from gateway.wire.chunks import Meter, decode


def read(**fields: Any) -> Meter:
    meter = Meter()
    meter.see(decode(orjson.dumps(fields)))
    return meter


def choice(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None, "created": None, "model": None},
        {"id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]},
        {"created": 1.5, "usage": None, "error": None, "service_tier": None},
        {"usage": {"prompt_tokens": None, "completion_tokens_details": None}},
        {"x_groq": {"id": "req"}, "citations": ["https://example.org"], "system_fingerprint": None},
    ],
)
def test_what_frames_the_choices_may_be_null_empty_or_unknown(fields: dict[str, Any]) -> None:
    assert read(choices=[choice(content="x")], **fields).chars == 1
    assert read(choices=[], **fields).finish == {}


def test_an_empty_finish_reason_does_not_finish() -> None:
    assert not read(choices=[choice("", content="x")]).finished
    assert read(choices=[choice("stop")]).finished
    assert not read(choices=[]).finished


@pytest.mark.parametrize(
    ("delta", "said", "thought"),
    [
        ({"content": "x"}, "x", None),
        ({"content": None, "reasoning_content": "hm"}, None, "hm"),
        ({"content": "", "reasoning": "hm"}, "", "hm"),
        ({"content": [{"type": "text", "text": "x"}, {"type": "reference", "reference_ids": [1]}]}, "x", ""),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "", "hm"),
        ({"content": []}, "", ""),
    ],
)
def test_text_and_thought_in_all_their_forms(delta: dict[str, Any], said: str | None, thought: str | None) -> None:
    [found] = decode(orjson.dumps({"choices": [choice(**delta)]})).choices or ()
    assert found.delta is not None
    assert (found.delta.said, found.delta.thought) == (said, thought)


def test_whatever_was_made_counts_as_an_event() -> None:
    for delta in ({"content": "x"}, {"refusal": "no"}, {"reasoning": "hm"}, {"tool_calls": [{"index": 0}]}):
        assert read(choices=[choice(**delta)]).events == 1
    assert read(choices=[choice(role="assistant", content="")]).events == 0


def test_figures_are_the_last_ones_seen() -> None:
    meter = Meter()
    for made in (1, 2):
        figures = {"prompt_tokens": 7, "completion_tokens": made, "prompt_tokens_details": {"cached_tokens": 3}}
        meter.see(decode(orjson.dumps({"choices": [choice(content="x")], "usage": figures})))
    assert meter.usage == Usage(input=7, output=2, cached=3)


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        ("overloaded", "overloaded", "upstream_failed"),
        ({"message": "busy", "code": 529}, "busy", "529"),
        ({"message": None}, "The upstream reported an error.", "upstream_failed"),
        (["odd"], "['odd']", "upstream_failed"),
        (True, "True", "upstream_failed"),
    ],
)
def test_an_error_among_the_events_is_raised(error: Any, message: str, code: str) -> None:
    with pytest.raises(UpstreamRefused) as failure:
        decode(orjson.dumps({"error": error}))
    assert (failure.value.message, failure.value.code) == (message, code)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"3", b"\xff", b'{"choices":3}', b'{"choices":[{"delta":[]}]}']
)
def test_garbage_is_told_from_a_completion(data: bytes) -> None:
    with pytest.raises(UpstreamFailed) as failure:
        decode(data)
    assert failure.value.code == "upstream_garbage"
