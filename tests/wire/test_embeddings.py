"""Embeddings: what may be asked, and a reply that passes through with its tokens counted."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest, UpstreamFailed
from gateway.wire.embeddings import MAX_INPUTS, Embeddings, WholeOnly


def translator() -> WholeOnly:
    surface = Embeddings()
    return surface.translator(surface.read({"model": "m", "input": "a"}))


@pytest.mark.parametrize(
    "given", ["a", ["a", "b"], [1, 2], [[1], [2, 3]], ["a"] * MAX_INPUTS, list(range(MAX_INPUTS + 1))]
)
def test_every_kind_of_input(given: Any) -> None:
    body = {"model": "m", "input": given, "encoding_format": "base64", "dimensions": 8, "user": "u", "new": 1}
    call = Embeddings().read(dict(body))
    assert call.body == body
    assert not call.stream


def test_a_null_is_never_sent_on() -> None:
    call = Embeddings().read(
        {"model": "m", "input": "a", "encoding_format": None, "dimensions": None, "user": None, "stream": False}
    )
    assert call.body.keys() <= {"model", "input", "stream"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": [[1], []]}, "input[1]"),
        ({"input": ["a"] * (MAX_INPUTS + 1)}, "input"),
        ({"input": [[1]] * (MAX_INPUTS + 1)}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"encoding_format": ["float"]}, "encoding_format"),
        ({"stream": True}, "stream"),
        ({"Input": "a"}, "Input"),
    ],
)
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Embeddings().read({"model": "m", "input": "a", **fields})
    assert caught.value.param == param


def test_a_reply_passes_untouched_and_is_metered() -> None:
    body = b'{ "object": "list", "model": "served", "data": [{"embedding": "AAAA"}], "usage": {"prompt_tokens": 4} }'
    reader = translator()
    assert reader.whole(body) == body
    assert reader.meter.model == "served"
    assert reader.meter.usage is not None
    assert (reader.meter.usage.input, reader.meter.usage.output) == (4, 0)


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"data": 1}'])
def test_a_reply_without_embeddings_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        translator().whole(body)


def test_there_is_no_stream() -> None:
    with pytest.raises(UpstreamFailed):
        translator().feed(b"data: {}\n\n")
