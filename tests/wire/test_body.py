"""Request bodies: what is refused, and that the refusal names the field."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, UnsupportedMedia
from gateway.wire.body import MAX_NAMED_BYTES, check_media, dump, parse, refuse_variants

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_every_object_written_by_anyone_is_read_as_it_is(
    body: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    assert parse(json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode()) == body


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"x"', b"{}{}", b"\xff\xfe", b'{"a": NaN}', b'{"a":1,}', b"\x00", b'{"a":"\xff"}'],
)
def test_what_is_not_one_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(raw)
    assert refusal.value.code == "invalid_json"


@pytest.mark.parametrize("depth", [300, 2_000, 200_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(b'{"a":' + b"[" * depth + b"]" * depth + b"}")
    assert refusal.value.code == "invalid_json"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b'{"model":"a","model":"b"}', "model"),
        (b'{"messages":[{"role":"user","content":"x","content":"y"}]}', "content"),
        (b'{"a":{"b":[{"c":1,"\\u0063":2}]}}', "c"),
    ],
)
def test_a_key_given_twice_is_refused_by_name(raw: bytes, key: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(raw)
    assert (refusal.value.code, refusal.value.param) == ("duplicate_key", key)


@pytest.mark.parametrize("text", ['"', '\\"', '\\\\"', '"\\u0022', "\\u0022", '\\"\\"'])
@pytest.mark.parametrize("written", ["\\u0022", '\\"'])
def test_quotes_in_texts_are_no_keys(text: str, written: str) -> None:
    """However a quote is written, among backslashes too; and none of it hides a second key."""
    value = json.dumps(text)[1:-1].replace('\\"', written)
    raw = f'{{ "a": "{value}", "b": {{"{value}": 1}} }}'.encode()
    assert parse(raw) == {"a": text, "b": {text: 1}}
    for twice in (f'{{"a":"{value}","a":1}}', f'{{"a":"{value}","{value}":1,"{value}":"{value}"}}'):
        with pytest.raises(BadRequest) as refusal:
            parse(twice.encode())
        assert refusal.value.code == "duplicate_key"


def test_in_a_large_body_a_key_given_twice_is_refused_without_its_name() -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(b'{"a":1,"a":"' + b"x" * MAX_NAMED_BYTES + b'"}')
    assert (refusal.value.code, refusal.value.param) == ("duplicate_key", None)


def test_a_known_field_in_other_capitals_is_refused() -> None:
    with pytest.raises(BadRequest) as refusal:
        refuse_variants(["model", "Messages"], frozenset(("model", "messages")), "x.")
    assert refusal.value.param == "x.Messages"
    refuse_variants(["model", "x_new_field"], frozenset(("model",)))


def test_media_types() -> None:
    check_media(None, None)
    check_media(b"Application/JSON; charset=utf-8", b"identity")
    check_media(b"application/json ;charset=utf-8", None)
    refused = ((b"text/plain", None), (b"application/jsonl", None), (b"", None), (b"application/json", b"gzip"))
    for kind, encoding in refused:
        with pytest.raises(UnsupportedMedia):
            check_media(kind, encoding)


def test_what_is_sent_on_is_what_was_checked() -> None:
    raw = orjson.dumps({"model": "m", "unknown": {"kept": [1, 2.5, None]}})
    assert dump(parse(raw)) == raw
