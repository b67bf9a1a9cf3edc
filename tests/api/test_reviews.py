"""The review queue through the admin API: what guards did, what people decide on it, and what comes of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.store import audit
from tests.inside import Inside, inside
from tests.trials import records

pytestmark = pytest.mark.anyio

MANIFEST = """
policies:
  strict:
    input:
      - {guard: patterns, name: words, words: [frobozz], action: block}
      - {guard: patterns, name: mild, words: [xyzzy], action: flag}
    output:
      - {guard: patterns, name: said, words: [plugh], action: block}
      - {guard: patterns, name: heard, words: [fine], action: flag}
prompts:
  greeter:
    variables: {note: {type: string}}
    messages: [{role: user, content: "Greet: {{ note }}"}]
endpoints:
  bot: {upstream: up, policy: strict}
  prompted: {upstream: up, prompt: greeter, policy: strict}
  desk: {upstream: up, policy: strict}
  free: {upstream: up}
"""
RULES = [{"when": "weather", "say": "It is fine."}, {"when": "bomb", "say": "Take plugh."}, {"say": "Well."}]
SAID = "Say frobozz, mail ada@example.com."
HARMLESS = "What does frobozz mean?"


@pytest.fixture
async def whole(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Inside]:
    """Contents are kept, unless the test is told otherwise."""
    up = {"provider": "scripted", "model": "m", "rules": RULES}
    content = getattr(request, "param", {"capture": "full", "redact": ["email"]})
    async with inside(tmp_path, upstreams={"up": up}, content=content) as running:
        await running.apply(MANIFEST)
        await running.services.refresher.refresh()
        running.client.headers.update(await running.key("editor", owner="ada"))
        yield running


async def ask(whole: Inside, said: str, path: str = "chat/completions", **more: Any) -> str:
    """The id of a call whose record and content have come."""
    body: dict[str, Any] = {"model": "bot", **more}
    if path == "chat/completions":
        body.setdefault("messages", [{"role": "user", "content": said}])
    else:
        body["prompt" if path == "completions" else "input"] = said
    reply = await whole.client.post(f"/v1/{path}", json=body)
    return await kept(whole, reply.headers["x-request-id"])


async def kept(whole: Inside, call: str) -> str:
    """The call, once its record has come, and its content where that is kept."""
    await records(whole)
    if whole.services.settings.content.capture == "full":
        for _ in range(200):
            if (await whole.client.get(f"/admin/calls/{call}/content")).status_code == 200:
                return call
            await asyncio.sleep(0.02)
        raise AssertionError(f"the content of {call} is not kept")
    return call


async def queue(whole: Inside, **query: Any) -> list[dict[str, Any]]:
    reply = await whole.client.get("/admin/reviews", params=query)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def shown(whole: Inside, call: str) -> dict[str, Any]:
    reply = await whole.client.get(f"/admin/reviews/{call}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def decide(whole: Inside, call: str, status: int = 200, /, **said: Any) -> dict[str, Any]:
    reply = await whole.client.post(f"/admin/reviews/{call}", json=said)
    assert reply.status_code == status, reply.text
    found: dict[str, Any] = reply.json()
    return found if status == 200 else found["error"]


async def test_the_queue_has_what_guards_did_and_nothing_else(whole: Inside) -> None:
    blocked, flagged = await ask(whole, HARMLESS), await ask(whole, "Say xyzzy.")
    await ask(whole, "Hello.")
    await ask(whole, HARMLESS, model="free")
    found = await queue(whole)
    assert [(one["call"], one["review"], one["endpoint"]) for one in found] == [
        (flagged, "flag", "bot"),
        (blocked, "block", "bot"),
    ]
    assert [(at["guard"], at["action"], at["source"]) for at in found[1]["guards"]] == [
        ("words", "block", "messages.0.content")
    ]
    assert (found[1]["status"], found[1]["error"], found[1]["decisions"]) == (400, "content_filter", [])


async def test_it_is_narrowed(whole: Inside) -> None:
    blocked, flagged = await ask(whole, HARMLESS), await ask(whole, "Say xyzzy.", model="desk")
    for query, expected in (
        ({"guard": "words"}, [blocked]),
        ({"guard": "mild"}, [flagged]),
        ({"action": "flag"}, [flagged]),
        ({"endpoint": "bot"}, [blocked]),
        ({"since": "1h"}, [flagged, blocked]),
        ({"until": "1h"}, []),
        ({"team": "none"}, []),
        ({"limit": 1}, [flagged]),
    ):
        assert [one["call"] for one in await queue(whole, **query)] == expected, query
    await decide(whole, flagged, act="dismiss")
    assert [one["call"] for one in await queue(whole, undecided=True)] == [blocked]
    first = (await whole.client.get("/admin/reviews", params={"limit": 1})).json()
    assert [one["call"] for one in await queue(whole, after=first["next"])] == [blocked]
    for wrong in ({"action": "redact"}, {"after": "x"}, {"since": "soon"}, {"surprise": 1}):
        assert (await whole.client.get("/admin/reviews", params=wrong)).status_code == 400


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages", "embeddings"])
async def test_what_was_judged_is_shown_on_every_surface(whole: Inside, path: str) -> None:
    more: dict[str, Any] = {"messages": [{"role": "user", "content": HARMLESS}], "max_tokens": 9}
    call = await ask(whole, HARMLESS, "chat/completions" if path == "messages" else path)
    if path == "messages":
        reply = await whole.client.post("/v1/messages", json={"model": "bot", **more})
        call = await kept(whole, reply.headers["x-request-id"])
    (passage,) = (await shown(whole, call))["passages"]
    assert (passage["guard"], passage["stage"], passage["text"]) == ("words", "input", HARMLESS)
    assert passage["sha256"] == sha256(HARMLESS.encode()).hexdigest()


async def test_variables_and_answers_are_shown_too(whole: Inside) -> None:
    variables: dict[str, Any] = {"messages": [], "prompt": {"variables": {"note": "xyzzy"}}}
    call = await ask(whole, "", model="prompted", **variables)
    (passage,) = (await shown(whole, call))["passages"]
    assert (passage["source"], passage["text"]) == ("prompt.variables.note", "xyzzy")
    for stream in (False, True):
        call = await ask(whole, "How is the weather?", stream=stream)
        (passage,) = (await shown(whole, call))["passages"]
        assert (passage["stage"], passage["text"]) == ("output", "It is fine."), passage
    call = await ask(whole, "How is a bomb made?")
    (passage,) = (await shown(whole, call))["passages"]
    assert (passage["text"], passage["missing"]) == (
        None,
        "What was blocked of an answer is not kept. Give the text that was judged.",
    )


@pytest.mark.parametrize("whole", [{"capture": "off"}], indirect=True)
async def test_where_nothing_is_kept_the_text_is_given(whole: Inside) -> None:
    call = await ask(whole, HARMLESS)
    (passage,) = (await whole.client.get(f"/admin/reviews/{call}")).json()["passages"]
    assert (passage["text"], passage["sha256"]) == (None, None)
    assert "setting `content`" in passage["missing"]
    for act in ({"act": "example", "label": "harmless"}, {"act": "allow"}, {"act": "sample", "label": "harmless"}):
        error = await decide(whole, call, 400, **act)
        assert (error["code"], error["param"]) == ("text_not_kept", "text")
        made = await decide(whole, call, **act, text=HARMLESS)
        assert made["new"]
    assert made["sample"]["messages"] == [{"role": "user", "content": HARMLESS}]


async def test_an_example_is_kept_shown_and_exported(whole: Inside) -> None:
    call = await ask(whole, HARMLESS)
    made = await decide(whole, call, act="example", label="harmless", lang="en", kind="question", note="A question.")
    assert (made["by"], made["guard"], made["label"], made["text"]) == ("ada", "words", "harmless", HARMLESS)
    assert (made["policy"], "needs no change" in made["why"]) == (None, True), "rules do not learn"
    assert [one["id"] for one in (await shown(whole, call))["decisions"]] == [made["id"]]
    exported = (await whole.client.get("/admin/reviews/examples")).json()["data"]
    assert [{**row, "made": row["made"][:3]} for row in exported] == [
        {
            "text": HARMLESS,
            "label": 0,
            "kind": "question",
            "guard": "words",
            "source": "review:bot",
            "lang": "en",
            "made": "202",
        }
    ]
    assert (await whole.client.get("/admin/reviews/examples", params={"guard": "mild"})).json()["data"] == []


async def test_a_call_that_no_guard_stopped_can_be_an_example_of_what_it_missed(whole: Inside) -> None:
    call = await ask(whole, "Say it as f-r-o-b-o-z-z.")
    error = await decide(whole, call, 400, act="example", label="attack")
    assert (error["code"], error["param"]) == ("missing_required_parameter", "guard")
    made = await decide(whole, call, act="example", label="attack", guard="words")
    assert (made["text"], made["label"]) == ("Say it as f-r-o-b-o-z-z.", "attack")
    assert (await decide(whole, call, 400, act="example", label="attack", guard="no"))["code"] == "unknown_guard"


async def test_a_sample_is_the_call_as_the_client_made_it(whole: Inside) -> None:
    call = await ask(whole, "", model="prompted", messages=[], prompt={"variables": {"note": "xyzzy"}})
    made = await decide(whole, call, act="sample", label="harmless", note="Let it pass.")
    assert (await whole.client.get("/admin/reviews/samples")).json()["data"] == [made["sample"]]
    assert {name: made["sample"][name] for name in ("id", "variables", "expected", "guard", "note")} == {
        "id": call,
        "variables": {"note": "xyzzy"},
        "expected": {"refuse": False},
        "guard": "mild",
        "note": "Let it pass.",
    }
    assert not {"answer", "owner", "key_id", "team"} & made["sample"].keys()


async def test_an_allowed_text_passes_once_its_policy_serves(whole: Inside) -> None:
    """Nothing changes by the decision alone; the policy has every decision that stands."""
    first, second = await ask(whole, HARMLESS), await ask(whole, "A frobozz, please.")
    one = await decide(whole, first, act="allow", note="It asks what it means.")
    made = await decide(whole, second, act="allow")
    assert yaml.safe_load(one["yaml"]) == [one["rule"]]
    assert one["rule"] == {
        "guard": "words",
        "sha256": sha256(HARMLESS.encode()).hexdigest(),
        "reason": "It asks what it means.",
    }
    assert (await queue(whole, undecided=True)) == []
    await ask(whole, HARMLESS)
    assert len(await queue(whole, undecided=True)) == 1, "nothing serves it yet"
    for policy, passing in ((one["policy"], {HARMLESS}), (made["policy"], {HARMLESS, "A frobozz, please."})):
        live = await live_with(whole, policy)
        assert live == passing
    undone = await whole.client.post(f"/admin/review-decisions/{one['id']}/undo")
    assert await live_with(whole, undone.json()["policy"]) == {"A frobozz, please."}


async def live_with(whole: Inside, policy: str) -> set[str]:
    """Which of these texts pass under that policy, which is made live."""
    body = {"endpoint": "bot", "change": {"policy": policy}, "plan": {"canary": None}, "reason": "r", "submit": True}
    made = await whole.client.post("/admin/rollouts", json=body)
    assert made.status_code == 201, made.text
    for _ in range(500):
        found = (await whole.client.get(f"/admin/rollouts/{made.json()['id']}")).json()
        if found["state"] == "live":
            break
        await asyncio.sleep(0.02)
    assert found["state"] == "live", found["why"]
    await whole.services.refresher.refresh()
    passed = set()
    for text in (HARMLESS, "A frobozz, please.", "Frobozz!"):
        asked = {"model": "bot", "messages": [{"role": "user", "content": text}]}
        reply = await whole.client.post("/v1/chat/completions", json=asked)
        passed |= {text} if reply.status_code == 200 else set()
    return passed


async def test_a_redacted_text_is_let_through_by_its_own_words_alone(whole: Inside) -> None:
    call = await ask(whole, SAID)
    (passage,) = (await shown(whole, call))["passages"]
    assert (passage["text"], passage["redacted"], passage["sha256"]) == ("Say frobozz, mail [email].", True, None)
    assert (await decide(whole, call, 400, act="allow"))["code"] == "text_redacted"
    made = await decide(whole, call, act="allow", text=SAID)
    assert made["rule"]["sha256"] == sha256(SAID.encode()).hexdigest()
    assert "ada@" not in str(await whole.client.get(f"/admin/reviews/{call}"))


async def test_the_rule_is_for_the_team_unless_everyone_is_meant(whole: Inside) -> None:
    admin = await whole.key("admin")
    for path, body in (("teams", {"name": "search"}), ("projects", {"name": "web", "team": "search"})):
        assert (await whole.client.post(f"/admin/{path}", json=body, headers=admin)).status_code == 201
    teams = await whole.key("editor", owner="ada", project="web")
    whole.client.headers.update(teams)
    call = await ask(whole, HARMLESS)
    assert [one["call"] for one in await queue(whole, team="search", project="web")] == [call]
    made = await decide(whole, call, act="allow")
    assert made["rule"]["tenant"] == "search"
    error = await decide(whole, call, 409, act="allow", everyone=True)
    assert (error["code"], made["id"] in error["message"]) == ("already_decided", True)
    await whole.client.post(f"/admin/review-decisions/{made['id']}/undo")
    assert "tenant" not in (await decide(whole, call, act="allow", everyone=True))["rule"]


async def test_the_same_again_changes_nothing_and_everything_is_written_down(whole: Inside) -> None:
    call = await ask(whole, HARMLESS)
    said = {"act": "example", "label": "attack", "note": "why"}
    first = await decide(whole, call, **said)
    again = await decide(whole, call, **said)
    assert (first["new"], again["new"]) == (True, False)
    assert {**again, "new": True} == first
    assert (await decide(whole, call, 409, **{**said, "label": "harmless"}))["code"] == "already_decided"
    for new in (True, False):
        undone = (await whole.client.post(f"/admin/review-decisions/{first['id']}/undo")).json()
        assert (undone["new"], undone["undone_by"], undone["text"]) == (new, "ada", None)
    await decide(whole, call, **{**said, "label": "harmless"})
    found = await whole.services.read(lambda connection: audit.after(connection, 0))
    told = [(one["action"], one["actor"], one["object"]) for one in found if one["action"].startswith("review.")]
    assert told == [(f"review.{did}", "ada", f"call:{call}") for did in ("decided", "undone", "decided")]
    assert HARMLESS not in str(found)


async def test_what_cannot_be_decided_is_refused(whole: Inside) -> None:
    call = await ask(whole, HARMLESS + " xyzzy")
    for said in (
        {"act": "example"},
        {"act": "allow", "label": "attack"},
        {"act": "allow", "kind": "k"},
        {"act": "dismiss", "text": "t"},
        {"act": "example", "label": "attack", "text": "a\0b"},
        {"act": "promote"},
        {"act": "allow", "surprise": 1},
    ):
        assert (await decide(whole, call, 400, **said))["code"] == "invalid_value", said
    assert "mild, words" in (await decide(whole, call, 400, act="allow"))["message"]
    assert (await decide(whole, "req_none", 404, act="dismiss"))["code"] == "not_found"
    assert (await whole.client.post("/admin/review-decisions/review_0/undo")).status_code == 404
    assert (await whole.client.get("/admin/reviews/req_none")).status_code == 404


async def test_a_text_that_no_guard_takes_for_an_example_keeps_no_other_from_it(whole: Inside) -> None:
    taught = {"policies": {"taught": {"input": ["moderation"]}}, "endpoints": {"t": {"upstream": "up"}}}
    taught["endpoints"]["t"]["policy"] = "taught"
    await whole.apply(yaml.safe_dump(taught))
    await whole.services.refresher.refresh()
    first, second = await ask(whole, "One.", model="t"), await ask(whole, "Another.", model="t")
    of = {"act": "example", "label": "attack", "guard": "moderation"}
    assert (await decide(whole, first, **of, text="long " * 10_001))["policy"] is None
    made = await decide(whole, second, **of)
    found = (await whole.client.get(f"/admin/policies/{made['policy']}")).json()
    assert [one["text"] for one in found["policy"]["input"][0]["examples"]] == ["Another."]


async def test_a_viewer_sees_the_queue_and_not_what_was_said(whole: Inside) -> None:
    call = await ask(whole, HARMLESS)
    await decide(whole, call, act="example", label="harmless")
    viewer = await whole.key("viewer")
    seen = await whole.client.get("/admin/reviews", headers=viewer)
    assert seen.status_code == 200
    assert "frobozz" not in seen.text
    for path in (call, "examples", "samples"):
        assert (await whole.client.get(f"/admin/reviews/{path}", headers=viewer)).status_code == 403
