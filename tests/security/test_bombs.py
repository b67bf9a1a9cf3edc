"""Bombs: small things that become large ones when they are read. Nesting, sizes, compression, aliases, patterns.

Sizes of heads and bodies, and the memory they take, are in `tests/front/test_hot.py`; aliases of YAML in
`tests/evals/test_strict_yaml.py`. Each of these ends; that it ends soon is the test's own time-out.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import ScriptedUpstream
from tests.front.connection import Memory
from tests.inside import Inside, inside
from tests.running import Gateway
from tests.security.test_parser_differential import completion

pytestmark = pytest.mark.timeout(30)
ASKED = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
DEEP = 100_000
BOMBS: dict[str, bytes] = {
    "arrays in arrays": b'{"model": "demo", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "objects in objects": b'{"model": "demo", "x": ' + b'{"a":' * DEEP + b"1" + b"}" * (DEEP + 1),
    "arrays without an end": b'{"model": "demo", "x": ' + b"[" * DEEP,
    "a number of digits": b'{"model": "demo", "seed": ' + b"9" * 200_000 + b', "messages": []}',
    "a number beyond floats": b'{"model": "demo", "temperature": 1e99999, "messages": []}',
    "an exponent of digits": b'{"model": "demo", "temperature": 1e' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages", "embeddings", "completions"])
@pytest.mark.parametrize("case", BOMBS)
def test_bombs_of_depth_and_digits(gateway: Gateway, case: str, path: str) -> None:
    reply = httpx.post(f"{gateway.api}/{path}", content=BOMBS[case], headers=gateway.headers)
    assert reply.status_code == 400
    assert len(reply.content) < 2000


def packed(encoding: str) -> bytes:
    whole = json.dumps({**ASKED, "user": "a" * 20_000_000}).encode()
    return gzip.compress(whole) if encoding == "gzip" else zlib.compress(whole)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/admin/keys"])
def test_decompression_bombs_of_clients(gateway: Gateway, path: str, encoding: str) -> None:
    """Nothing is decompressed: 20 MB that come as 20 kB are refused as they are."""
    memory = Memory(gateway)
    headers = {**gateway.headers, "content-encoding": encoding, "content-type": "application/json"}
    reply = httpx.post(f"{gateway.url}{path}", content=packed(encoding), headers=headers)
    assert reply.status_code in (400, 415)
    assert memory.grown < 15


@pytest.mark.parametrize("stream", [False, True])
def test_decompression_bombs_of_upstreams(relay: Gateway, upstream: ScriptedUpstream, stream: bool) -> None:
    """We ask for no encoding; an upstream that uses one all the same is not understood."""
    bomb = gzip.compress(json.dumps(completion()).encode() + b" " * 20_000_000)
    memory = Memory(relay)
    if stream:
        upstream.streams(bomb, content_encoding="gzip")
    else:
        upstream.says({}, content_encoding="gzip")
        upstream.answer = type(upstream.answer)((bomb,), 200, {"content-encoding": "gzip"})
    reply = httpx.post(f"{relay.api}/chat/completions", json={**ASKED, "stream": stream}, headers=relay.headers)
    assert upstream.heard().headers.get("accept-encoding", "identity") == "identity"
    assert reply.status_code == 502
    assert memory.grown < 15


def test_an_upstream_s_reply_without_end_is_cut_off(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.says({})
    upstream.answer = type(upstream.answer)((b'{"choices": "',) + (b"a" * 1_000_000,) * 70)
    reply = httpx.post(f"{relay.api}/chat/completions", json=ASKED, headers=relay.headers, timeout=20)
    assert reply.status_code == 502
    assert reply.json()["error"]["code"] == "upstream_too_large"


# Manifests and variables ---------------------------------------------------------------------------------------------


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        yield started


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
)


@pytest.mark.anyio
@pytest.mark.parametrize("manifest", [LAUGHS, "[" * 100_000, "a: " * 5000, "? " * 20_000, "- " * 20_000, "&a [*a]"])
async def test_bombs_of_aliases(running: Inside, manifest: str) -> None:
    reply = await running.client.post("/admin/apply", headers=await running.key("editor"), content=manifest)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_manifest"


PATTERNS = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$", r"^(\w+\s?)*$"]


@pytest.mark.anyio
@pytest.mark.parametrize("pattern", PATTERNS)
async def test_bombs_of_patterns(running: Inside, pattern: str) -> None:
    """A variable's pattern is an operator's, what it is held against a client's: no backtracking without end."""
    schema = {"question": {"type": "string", "pattern": pattern}}
    prompt: dict[str, Any] = {"variables": schema, "messages": [{"role": "user", "content": "{{ question }}"}]}
    await running.apply(
        json.dumps({"prompts": {"p": prompt}, "endpoints": {"bot": {"prompt": "p", "upstream": "demo"}}})
    )
    body = {"model": "bot", "messages": [], "prompt": {"variables": {"question": "a" * 50_000 + "!"}}}
    reply = await running.client.post("/v1/chat/completions", headers=await running.key(), json=body)
    assert reply.status_code in (200, 400)
