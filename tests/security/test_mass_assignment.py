"""Mass assignment: a field nobody declared is refused, and nobody gives themselves what they may not give."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inside import Inside, inside
from tests.test_access import MANIFEST, UPSTREAMS

pytestmark = pytest.mark.anyio
SLY = [
    "id",
    "key_id",
    "digest",
    "created",
    "revoked",
    "role",
    "is_admin",
    "admin",
    "allowed_routes",
    "permissions",
    "hint",
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as started:
        await started.apply(MANIFEST)
        yield started


def bodies(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and JSON schema of every route that takes a JSON body."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema is not None:
                yield method.upper(), path, schema


def open_objects(schema: dict[str, Any], components: dict[str, Any], seen: frozenset[str] = frozenset()) -> list[str]:
    """The objects in a schema that take fields which are not declared."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference:
        return [] if reference in seen else open_objects(components[reference], components, seen | {reference})
    found = []
    if schema.get("properties") and schema.get("additionalProperties", True) is not False:
        found.append(schema.get("title", "?"))
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    parts += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return found + [one for part in parts for one in open_objects(part, components, seen)]


async def test_mass_assignment_is_declared_away(running: Inside) -> None:
    description = running.admin.openapi()
    found = list(bodies(description))
    assert len(found) >= 2
    components = description.get("components", {}).get("schemas", {})
    assert {path: open_objects(schema, components) for _, path, schema in found} == {path: [] for _, path, _ in found}


@pytest.mark.parametrize("field", SLY)
async def test_mass_assignment_of_a_key(running: Inside, field: str) -> None:
    admin = await running.key("admin")
    before = (await running.client.get("/admin/keys", headers=admin)).json()["data"]
    reply = await running.client.post("/admin/keys", headers=admin, json={"name": "n", field: "x"})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == field
    assert (await running.client.get("/admin/keys", headers=admin)).json()["data"] == before


async def test_every_route_that_takes_a_body_refuses_an_unknown_field(running: Inside) -> None:
    admin = await running.key("admin")
    taken = []
    for method, path, _ in bodies(running.admin.openapi()):
        url = re.sub(r"\{\w+\}", "x", path)
        reply = await running.client.request(method, url, headers=admin, json={"surprise": 1})
        if reply.status_code != 400:
            taken.append((method, path, reply.status_code))
    assert taken == []


@pytest.mark.parametrize("role", ["viewer", "editor", ""])
async def test_nobody_promotes_themselves(running: Inside, role: str) -> None:
    """A key may not be minted, rotated or revoked by what is no admin; the one there is stays as it was."""
    admin, other = await running.key("admin"), await running.key(*filter(None, [role]))
    keys = (await running.client.get("/admin/keys", headers=admin)).json()["data"]
    for method, path in (("POST", "/admin/keys"), *(("DELETE", f"/admin/keys/{key['id']}") for key in keys)):
        reply = await running.client.request(method, path, headers=other, json={"name": "n", "roles": ["admin"]})
        assert reply.status_code == 403
    assert (await running.client.get("/admin/keys", headers=admin)).json()["data"] == keys


async def test_a_manifest_with_an_unknown_key_is_refused(running: Inside) -> None:
    editor = await running.key("editor")
    manifest = "endpoints: {bot: {upstream: demo, roles: [admin]}}"
    reply = await running.client.post("/admin/apply", headers=editor, content=manifest)
    assert reply.status_code == 400
    assert "roles" in reply.json()["error"]["message"]
