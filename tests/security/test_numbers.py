"""Numbers beyond what the database holds, wherever the admin API takes one: refused with their name, no defect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.inside import Inside, inside
from tests.security.test_unaudited import evidence
from tests.security.test_ungated import SUITE

pytestmark = pytest.mark.anyio

HUGE = (2**70, -(2**70))
NUMBERS = (*map(str, HUGE), "1e300", "-1e300", "nan", "inf", "-inf", "9" * 5000)
DURATIONS = ("99999999d", f"{'9' * 20}w", "9" * 5000 + "d", "0001-01-01", "9999-12-31")
MOMENTS = frozenset(("since", "until"))
MANIFEST = """
prompts: {greet: {messages: [{role: user, content: Hello.}]}}
endpoints: {bot: {upstream: demo, prompt: greet@1}}
"""


@pytest.fixture
async def at(tmp_path: Path) -> Any:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as running:
        running.client.headers.update(await running.key("admin"))
        await running.apply(MANIFEST)
        yield running


async def described(at: Inside) -> dict[str, Any]:
    whole: dict[str, Any] = (await at.client.get("/admin/openapi.json")).json()
    return whole


async def named(at: Inside) -> dict[str, str]:
    """What stands in paths: of all that there is, one."""
    rollout = {"endpoint": "bot", "change": {"parameters": {"temperature": 1}}, "reason": "to try"}
    bodies = {
        "key_id": ("keys", {"name": "app"}),
        "webhook_id": ("webhooks", {"url": "https://hooks.example/"}),
        "rollout_id": ("rollouts", rollout),
    }
    found = {name: (await at.client.post(f"/admin/{kind}", json=body)) for name, (kind, body) in bodies.items()}
    assert all(reply.status_code == 201 for reply in found.values()), found
    return {name: reply.json()["id"] for name, reply in found.items()}


def kinds(schema: dict[str, Any]) -> set[str]:
    return {one.get("type", "") for one in (schema, *schema.get("anyOf", ()))}


def asked(whole: dict[str, Any], held: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, parameter and value, for each number and moment in a query, and each number in a path."""
    for path, operations in whole["paths"].items():
        taken = operations.get("get", {}).get("parameters", ())
        query = {one["name"]: one["schema"] for one in taken if one["in"] == "query"}
        whereabouts = {one["name"]: one["schema"] for one in taken if one["in"] == "path"}
        here = {name: held.get(name, "bot" if "endpoint" in path else "greet") for name in whereabouts}
        for name, schema in query.items():
            numeric = kinds(schema) & {"integer", "number"}
            for value in (*(NUMBERS if numeric or name in MOMENTS else ()), *(DURATIONS if name in MOMENTS else ())):
                yield path.format(**here), name, value
        for name in here:
            if kinds(whereabouts[name]) & {"integer", "number"} or name == "version":
                for value in NUMBERS:
                    yield path.format(**{**here, name: value}), "", ""


async def test_no_number_in_an_address_is_a_defect(at: Inside) -> None:
    whole = await described(at)
    everything = list(asked(whole, await named(at)))
    seen = {name for _, name, _ in everything}
    assert seen >= {*MOMENTS, "limit", "before", "hourly_rate", "min_cost", "min_seconds", ""}
    for path, name, value in everything:
        more = {"endpoint": "bot"} if path == "/admin/value" else {}
        reply = await at.client.get(path, params={**more, name: value} if name else None)
        assert reply.status_code in ((400,) if name else (400, 404)), (path, name, value, reply.text)
        if name:
            assert reply.json()["error"]["param"] == name, (path, value, reply.text)


async def test_a_hundred_years_are_everything(at: Inside) -> None:
    for path in ("calls", "feedback", "usage", "value?endpoint=bot"):
        link = "&" if "?" in path else "?"
        reply = await at.client.get(f"/admin/{path}{link}since=36525d&until=1970-01-01")
        assert reply.status_code == 200, reply.text


def bodies(held: dict[str, str], release: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Method, path, the field that is a number, and the rest of the body."""
    prompt = "/admin/prompts/greet"
    decided = {"endpoint": "bot", "release": release, "outcome": "go", "reason": "as before"}
    said = {"messages": [{"role": "user", "content": "Hi."}]}
    return [
        ("POST", "/admin/keys", "expires", {"name": "app"}),
        ("POST", f"/admin/keys/{held['key_id']}/rotate", "overlap_seconds", {}),
        *(
            ("PUT", f"/admin/limits/key:{held['key_id']}", name, {})
            for name in ("requests_per_minute", "tokens_per_minute", "concurrent")
        ),
        ("POST", prompt, "parent", said),
        ("POST", f"{prompt}/render", "version", {}),
        ("POST", f"{prompt}/branches", "from", {"branch": "warm"}),
        ("POST", f"{prompt}/comments", "version", {"body": "Short."}),
        ("PUT", f"{prompt}/labels/staging", "version", {"reason": "to try"}),
        ("POST", "/admin/evidence", "made", evidence(release, release)),
        ("POST", "/admin/decisions", "expires", decided),
        ("POST", "/admin/decisions", "forecast", decided),
        ("POST", "/admin/releases", "parameters", {"upstream": "demo"}),
        ("PUT", "/admin/endpoints/bot/gate", "gate", {}),
    ]


async def test_no_number_in_a_body_is_a_defect(at: Inside) -> None:
    held = await named(at)
    release = (await at.client.get("/admin/endpoints/bot")).json()["release"]
    for method, path, field, body in bodies(held, release):
        for number in (*HUGE, float("nan"), float("inf")):
            raw = json.dumps({**body, field: within(field, number)})
            error = (await refused(at, method, path, raw)).json()["error"]
            said = error["code"] == "invalid_json" or error["param"].split(".")[0] in {field, "label"}
            assert said, (path, raw[:80], error)


def within(field: str, number: float) -> Any:
    """A value of the field that has this number in it."""
    requirement = {"metric": "accuracy", "suite": SUITE, "margin": number}
    whole = {"forecast": {"value": number}, "parameters": {"x": [{"y": number}]}, "gate": {"requires": [requirement]}}
    return whole.get(field, number)


async def test_no_number_among_conditions_is_a_defect(at: Inside) -> None:
    rollout = (await named(at))["rollout_id"]
    for number in HUGE:
        reply = await refused(at, "POST", f"/admin/rollouts/{rollout}/conditions/{number}/meet", "")
        assert reply.json()["error"]["param"] == "number"


async def refused(at: Inside, method: str, path: str, raw: str) -> httpx.Response:
    reply = await at.client.request(method, path, content=raw, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 404), (method, path, raw[:200], reply.text)
    return reply
