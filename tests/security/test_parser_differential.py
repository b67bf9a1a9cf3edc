"""Parser differentials: what is checked is what the upstream gets; what can be read in two ways is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import ScriptedUpstream
from tests.running import Gateway

HELLO = '"messages": [{"role": "user", "content": "hello"}]'
SURFACES = {
    "/v1/chat/completions": ("messages", HELLO),
    "/v1/completions": ("prompt", '"prompt": "hello"'),
    "/v1/responses": ("input", '"input": "hello"'),
    "/v1/embeddings": ("input", '"input": "hello"'),
    "/v1/messages": ("messages", f'"max_tokens": 9, {HELLO}'),
}
SMUGGLED: dict[str, str] = {
    "the model twice": '{"model": "demo", "model": "other", %s}',
    "the model twice, once escaped": '{"model": "demo", "\\u006dodel": "other", %s}',
    "the model in capitals": '{"Model": "demo", %s}',
    "two spellings of the model": '{"model": "demo", "MODEL": "other", %s}',
    "two spellings, the first in capitals": '{"mOdel": "other", "model": "demo", %s}',
    "another field in capitals": '{"model": "demo", "User": "x", %s}',
    "a key twice, deep inside": '{"model": "demo", "metadata": {"a": {"b": 1, "b": 2}}, %s}',
    "a comment": '{"model": "demo", /* "model": "other" */ %s}',
    "a trailing comma": '{"model": "demo", %s,}',
    "two documents": '{"model": "demo", %s}{"model": "other"}',
    "single quotes": "{'model': 'demo', %s}",
    "a number that is none": '{"model": "demo", "temperature": NaN, %s}',
    "infinity": '{"model": "demo", "temperature": Infinity, %s}',
    "a control character": '{"model": "demo\n", "x": "\x01", %s}',
    "half a surrogate pair": '{"model": "demo", "user": "\\ud800", %s}',
}


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("case", SMUGGLED)
def test_parser_differential(gateway: Gateway, case: str, path: str) -> None:
    raw = (SMUGGLED[case] % SURFACES[path][1]).encode()
    reply = httpx.post(f"{gateway.url}{path}", content=raw, headers=gateway.headers)
    assert reply.status_code == 400
    assert set(reply.json()["error"]) >= {"message", "type"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_body_is_utf_8(gateway: Gateway, encoding: str) -> None:
    text = '{"model": "demo", "messages": [{"role": "user", "content": "h\u00e9"}]}'
    reply = httpx.post(f"{gateway.api}/chat/completions", content=text.encode(encoding), headers=gateway.headers)
    assert reply.status_code == 400


WRITTEN: dict[str, bytes] = {
    "escapes": b'{"\\u006dodel": "d\\u0065mo", "messages": [{"role": "us\\u0065r", "content": "\\ud83d\\ude00"}]}',
    "spaces": b'{ "model"\n:\t"demo" ,"messages":[ {"role":"user","content":"x"} ] }',
    "a large number": b'{"model": "demo", "seed": 9007199254740993, "messages": [{"role": "user", "content": "x"}]}',
    "unknown fields": b'{"model": "demo", "x": {"y": [null]}, "messages": [{"role": "user", "content": "", "z": 1}]}',
    "a prototype": b'{"model": "demo", "__proto__": {"a": 1}, "messages": [{"role": "user", "content": "x"}]}',
}


@pytest.mark.parametrize("case", WRITTEN)
def test_what_the_upstream_reads_is_what_was_checked(relay: Gateway, upstream: ScriptedUpstream, case: str) -> None:
    """Written anew from what was parsed: there is one reading left."""
    upstream.says(completion())
    reply = httpx.post(f"{relay.api}/chat/completions", content=WRITTEN[case], headers=relay.headers)
    assert reply.status_code == 200
    wanted = json.loads(WRITTEN[case])
    assert upstream.heard().body == {**wanted, "model": "m"}


def completion() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
