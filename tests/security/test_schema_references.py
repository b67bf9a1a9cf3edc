"""Server-side request forgery by a JSON Schema: a `$ref` to a server or a file is refused, and nothing is asked or
opened for one, whether it is being saved or was saved before it was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.prompts.schemas import compile_schema
from tests.inside import Inside, inside
from tests.security.test_ssrf import listener

pytestmark = pytest.mark.anyio


def leading_to(url: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Variables that would lead there, and the place that says so."""
    base, _, last = url.rpartition("/")
    return {
        "a reference": ("properties.x.$ref", {"properties": {"x": {"$ref": url}}}),
        "one in a definition": ("$defs.x.anyOf.0.$ref", {"$defs": {"x": {"anyOf": [{"$ref": url}]}}}),
        "one in a default": ("default.$ref", {"default": {"$ref": url}, "properties": {"x": {"$ref": "#/default"}}}),
        "a relative one": ("properties.x.$ref", {"$id": f"{base}/", "properties": {"x": {"$ref": last}}}),
        "a dynamic one": ("$dynamicRef", {"$dynamicRef": url}),
        "a vocabulary": ("$schema", {"$schema": url}),
    }


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        started.client.headers.update(await started.key("admin"))
        yield started


async def refused(running: Inside, variables: dict[str, Any], declared: bool = False) -> dict[str, Any]:
    """The error, of a prompt that is saved or one that is declared in a manifest."""
    prompt = {"messages": [{"role": "user", "content": "Hi."}], "variables": {"type": "object", **variables}}
    if declared:
        manifest = orjson.dumps({"prompts": {"a": prompt}})
        reply = await running.client.post("/admin/apply", content=manifest)
    else:
        reply = await running.client.post("/admin/prompts/a", json=prompt)
    assert reply.status_code == 400, reply.text
    error: dict[str, Any] = reply.json()["error"]
    return error


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("case", leading_to("http://a/b"))
async def test_no_server_is_asked(running: Inside, case: str, declared: bool) -> None:
    with listener() as listening:
        place, variables = leading_to(listening.url)[case]
        error = await refused(running, variables, declared)
        assert error["param"] == f"prompts.a.variables.{place}"
        assert listening.met == 0


@pytest.mark.parametrize("case", leading_to("file:///a"))
async def test_nobody_learns_which_files_there_are(running: Inside, tmp_path: Path, case: str) -> None:
    schema, text = tmp_path / "schema.json", tmp_path / "text"
    schema.write_text('{"type": "string"}')
    text.write_text("secret")
    paths = (schema, text, tmp_path / "ghost", tmp_path)
    first, *others = [await refused(running, leading_to(path.as_uri())[case][1]) for path in paths]
    assert others == [first] * 3


@pytest.mark.parametrize("case", leading_to("http://a/b"))
async def test_one_that_was_saved_before_breaks_its_endpoint_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    settings: dict[str, Any] = {"upstreams": {"demo": {"provider": "scripted"}}}
    message = {"role": "user", "content": "Hi."}
    with listener() as listening:
        place, variables = leading_to(listening.url)[case]
        old = {"messages": [message], "variables": {"type": "object", **variables}}
        manifest = {"prompts": {"old": old}, "endpoints": {"old": {"prompt": "old", "upstream": "demo"}}}
        with monkeypatch.context() as patch:
            patch.setattr("gateway.prompts.variables.compile_schema", lambda schema, where: compile_schema({}, where))
            async with inside(tmp_path, **settings) as before:
                await before.apply(orjson.dumps(manifest).decode())
        async with inside(tmp_path, **settings) as running:
            key = await running.key()
            for model, status in (("old", 503), ("demo", 200)):
                body = {"model": model, "messages": [message]}
                reply = await running.client.post("/v1/chat/completions", json=body, headers=key)
                assert reply.status_code == status, reply.text
                assert status == 200 or f"prompts.old.variables.{place}" in reply.json()["error"]["message"]
        assert listening.met == 0
