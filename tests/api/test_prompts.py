"""The prompt registry through the admin API: saved, found, compared, forked, merged, rendered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio


def text(*contents: str, **others: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content} for content in contents], **others}


async def save(running: Inside, name: str, *contents: str, **others: Any) -> dict[str, Any]:
    reply = await running.client.post(f"/admin/prompts/{name}", json=text(*contents, **others))
    assert reply.status_code == 201, reply.text
    saved: dict[str, Any] = reply.json()
    return saved


async def get(running: Inside, path: str, **query: Any) -> Any:
    reply = await running.client.get(f"/admin/{path}", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_version_is_read_as_it_was_saved(running: Inside) -> None:
    whole = {
        "variables": {"name": "string"},
        "parameters": {"temperature": 0.2},
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "response_format": {"type": "json_object"},
    }
    await save(running, "style", "Be brief.")
    saved = await save(running, "support/greeting", '{% include "style" %} {{ name }}', message="First.", **whole)
    assert (saved["name"], saved["version"], saved["new"], saved["author"]) == ("support/greeting", 1, True, "test")
    assert (saved["partials"], saved["message"], saved["branch"]) == ({"style": 1}, "First.", "main")
    assert [one["name"] for one in saved["included"]] == ["style"]
    assert {name: saved[name] for name in whole if name != "variables"} == {
        name: value for name, value in whole.items() if name != "variables"
    }
    del saved["new"]
    for reference in ("1", "latest"):
        assert await get(running, f"prompts/support/greeting/versions/{reference}") == saved
    prompt = await get(running, "prompts/support/greeting")
    assert (prompt["head"], prompt["labels"]) == (saved, {})
    assert [(entry["version"], entry["digest"]) for entry in prompt["versions"]] == [(1, saved["digest"])]
    assert [(branch["name"], branch["head"]) for branch in prompt["branches"]] == [("main", 1)]


async def test_the_same_text_makes_no_version(running: Inside) -> None:
    first, again = await save(running, "a", "Hello."), await save(running, "a", "Hello.", message="Again.")
    assert (first["new"], again["new"], again["version"]) == (True, False, 1)


@pytest.mark.parametrize(
    ("name", "body", "param"),
    [
        ("a", {}, "messages"),
        ("a", {"messages": []}, "messages"),
        ("a", text("a") | {"messages": [{"role": "boss", "content": "a"}]}, "messages.0"),
        ("a", text("{{ x.y() }}", variables={"x": "object"}), "prompts.a.messages[0].content"),
        ("a", text('{{ "".__class__ }}'), "prompts.a.messages[0].content"),
        ("a", text("{{ x.y }}", variables={"x": "string"}), "prompts.a.messages[0].content"),
        ("a", text("{{ x }}"), "prompts.a.variables"),
        ("a", text("a", parameters={"model": "m"}), "parameters"),
        ("a", text("a\x00"), "messages.0.content"),
        ("a", text("a", message="a\x00"), "message"),
        ("a", text("a", number=5), "number"),
        ("a", text("a", parent=0), "parent"),
        ("a", text("a", parent=2**70), "parent"),
        ("a", text("a", branch="ghost"), "name"),
        ("A", text("a"), "name"),
        ("a.", text("a"), "name"),
        ("a/labels/x", text("a"), "name"),
    ],
)
async def test_the_field_at_fault_is_named(running: Inside, name: str, body: dict[str, Any], param: str) -> None:
    reply = await running.client.post(f"/admin/prompts/{name}", json=body)
    assert (reply.status_code // 100, reply.json()["error"]["param"]) == (4, param)
    assert (await get(running, "prompts"))["data"] == []


async def test_what_a_name_is_made_of_is_said_in_words(running: Inside) -> None:
    reply = await running.client.post("/admin/prompts/Support", json=text("a"))
    assert reply.json()["error"]["message"].startswith("'Support' cannot be the name of a prompt: a name is of small ")
    assert (await save(running, "a..b", "a"))["name"] == "a..b"
    assert (await get(running, "prompts/a..b/versions/1"))["name"] == "a..b"


async def test_prompts_are_found(running: Inside) -> None:
    await save(running, "support/greeting", "Hello, ☃.")
    await save(running, "support/billing/refund", "Money.")
    await save(running, "sales", "Hello there.")
    await save(running, "sales", "50% off_ hello.")
    searches: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["sales", "support/billing/refund", "support/greeting"]),
        ({"folder": "support"}, ["support/billing/refund", "support/greeting"]),
        ({"folder": "support/billing/"}, ["support/billing/refund"]),
        ({"folder": "sal"}, []),
        ({"query": "HELLO"}, ["sales", "support/greeting"]),
        ({"query": "☃"}, ["support/greeting"]),
        ({"query": "there"}, []),
        ({"query": "refund"}, ["support/billing/refund"]),
        ({"query": "50% off_"}, ["sales"]),
        ({"query": "5__ off"}, []),
        ({"author": "test", "query": "money"}, ["support/billing/refund"]),
        ({"author": "nobody"}, []),
        ({"label": "staging"}, ["sales"]),
        ({"limit": 1}, ["sales"]),
        ({"limit": 1, "after": "sales"}, ["support/billing/refund"]),
    ]
    await running.client.put("/admin/prompts/sales/labels/staging", json={"version": 1})
    for query, names in searches:
        assert [one["name"] for one in (await get(running, "prompts", **query))["data"]] == names, query
    [sales] = (await get(running, "prompts", label="staging"))["data"]
    assert (sales["version"], sales["versions"], sales["labels"]) == (2, 2, {"staging": 1})
    assert sales["digest"] == (await get(running, "prompts/sales/versions/2"))["digest"]


async def test_a_branch_is_forked_saved_to_and_merged(running: Inside) -> None:
    await save(running, "a", "one\ntwo\nthree")
    reply = await running.client.post("/admin/prompts/a/branches", json={"branch": "terse", "from": 1})
    assert (reply.status_code, reply.json()["base"], reply.json()["created_by"]) == (201, 1, "test")
    await save(running, "a", "one\ntwo\n3", branch="terse", parent=1)
    await save(running, "a", "1\ntwo\nthree", parent=1)
    merged = (await running.client.post("/admin/prompts/a/branches/terse/merge", json={})).json()
    assert (merged["version"], merged["parent"], merged["merged"]) == (4, 3, 2)
    assert merged["messages"] == [{"role": "user", "content": "1\ntwo\n3"}]


async def test_a_conflict_is_shown_and_resolved(running: Inside) -> None:
    await save(running, "a", "one")
    await running.client.post("/admin/prompts/a/branches", json={"branch": "terse"})
    await save(running, "a", "1", branch="terse")
    await save(running, "a", "eins")
    reply = await running.client.post("/admin/prompts/a/branches/terse/merge", json={})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (409, "merge_conflict", "messages")
    assert "<<<<<<< main\neins\n=======\n1\n>>>>>>> terse" in error["message"]
    body = {"message": "Both.", "resolved": text("eins, 1")}
    merged = (await running.client.post("/admin/prompts/a/branches/terse/merge", json=body)).json()
    assert (merged["version"], merged["messages"], merged["message"]) == (4, text("eins, 1")["messages"], "Both.")


async def test_who_began_with_another_version_is_told(running: Inside) -> None:
    await save(running, "a", "one")
    await save(running, "a", "two")
    reply = await running.client.post("/admin/prompts/a", json=text("three", parent=1))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "stale_parent")


async def test_a_version_is_rendered(running: Inside) -> None:
    await save(running, "greeter", "Greet {{ name }}.", variables={"name": "string"})
    for version in (None, 1, "1", "latest"):
        body = {"version": version, "variables": {"name": "Ada"}}
        rendered = (await running.client.post("/admin/prompts/greeter/render", json=body)).json()
        assert (rendered["version"], rendered["messages"][0]["content"]) == (1, "Greet Ada.")
    reply = await running.client.post("/admin/prompts/greeter/render", json={})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "prompt.variables.name")


async def test_versions_are_compared_three_ways(running: Inside) -> None:
    await save(running, "a", "one\ntwo", parameters={"temperature": 0})
    await save(running, "a", "one\n2", parameters={"temperature": 1})
    await save(running, "a", "one\n2\n" + "word " * 1000)
    found = await get(running, "prompts/a/diff", live="2", good="1")
    assert (found["candidate"], found["live"], found["good"]) == (3, 2, 1)
    against = found["against_live"]
    assert [(line["op"], line["text"][:5]) for line in against["lines"]] == [
        ("same", "--- u"),
        ("same", "one"),
        ("same", "2"),
        ("added", "word "),
    ]
    assert against["changed"] == [{"where": "parameters.temperature", "before": 1, "after": None}]
    assert against["tokens"] == found["tokens"]["candidate"] - found["tokens"]["live"] > 1000
    assert (found["upstream"], against["cost"]) == (None, None)
    assert [line["op"] for line in found["against_good"]["lines"]] == ["same", "same", "removed", "added", "added"]


async def test_without_a_version_in_production_there_is_nothing_to_compare_with(running: Inside) -> None:
    await save(running, "a", "one")
    found = await get(running, "prompts/a/diff")
    assert (found["candidate"], found["live"], found["against_live"]) == (1, None, None)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("prompts/ghost", "prompt_not_found"),
        ("prompts/ghost/diff", "prompt_not_found"),
        ("prompts/a/versions/2", "version_not_found"),
        ("prompts/a/versions/production", "label_not_found"),
        ("prompts/a/diff?live=9", "version_not_found"),
        ("prompts/a/diff?upstream=ghost", "unknown_upstream"),
    ],
)
async def test_what_is_not_there(running: Inside, path: str, code: str) -> None:
    await save(running, "a", "one")
    reply = await running.client.get(f"/admin/{path}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, code)
