"""Calls whose upstreams fail: who answers in the end, what the client sees of it, and what the record says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.health import OPENS_AT
from gateway.store.search import Filter, recent
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

STREAMED = pytest.mark.parametrize("stream", [False, True])


def scripted(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"provider": "scripted", "rules": list(rules), **more}


UPSTREAMS = {
    "well": scripted({"say": "All is well."}, price={"input": 1_000_000, "output": 2_000_000}),
    "broken": scripted({"status": 503, "say": "broken"}),
    "busy": scripted({"status": 429, "retry_after": 60}),
    "choosy": scripted({"status": 400, "say": "not like that"}),
    "mute": scripted({"pause": 30}, timeouts={"first_byte": 0.05}),
    "slow": scripted({"pause": 0.4, "say": "slowly"}),
    "cut-early": scripted({"cut": 0, "say": "never"}),
    "cut-late": scripted({"cut": 3, "say": "some of it is never said"}),
}


def told(reply: Any) -> str:
    """What the client got to read, of a whole reply or of a stream that came to its end."""
    if "text/event-stream" not in reply.headers["content-type"]:
        return str(reply.json()["choices"][0]["message"]["content"])
    assert reply.text.endswith("data: [DONE]\n\n")
    events = [orjson.loads(line[6:]) for line in reply.text.split("\n\n") if line.startswith("data: {")]
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])


async def ask(whole: Inside, model: str = "pool", stream: bool = False, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], "stream": stream, **more}
    return await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())


async def attempts(whole: Inside) -> tuple[str | None, list[tuple[str, str | None]], int]:
    """Of the last call: the upstream that counts, who was asked with what outcome, and the cost."""
    whole.services.shipper.ship()
    (record,) = await whole.services.read(lambda connection: recent(connection, Filter(limit=1)))
    listed = orjson.loads(record.attempts) if record.attempts is not None else []
    return record.upstream, [(name, code) for name, code, _ in listed], record.cost


def pooled(folder: Path, members: str, fallbacks: str = "", **more: Any) -> Any:
    pool = {"members": dict.fromkeys(members.split(), 1), "fallbacks": fallbacks.split(), "retries": 0, **more}
    return inside(folder, upstreams=UPSTREAMS, pools={"pool": pool})


@pytest.mark.parametrize(
    ("failing", "code", "stream"),
    [
        ("broken", None, False),
        ("broken", None, True),
        ("busy", "rate_limit_exceeded", False),
        ("busy", "rate_limit_exceeded", True),
        ("mute", "first_token_timeout", True),
        ("cut-early", "upstream_cut", False),
        ("cut-early", "upstream_cut", True),
    ],
)
async def test_another_answers_and_the_client_sees_nothing_of_it(
    tmp_path: Path, failing: str, code: str | None, stream: bool
) -> None:
    async with pooled(tmp_path, failing, "well") as whole:
        reply = await ask(whole, stream=stream)
        assert (reply.status_code, told(reply)) == (200, "All is well.")
        upstream, listed, cost = await attempts(whole)
        assert upstream == "well"
        assert [name for name, _ in listed] == [failing, "well"]
        assert listed[-1][1] is None
        assert code is None or listed[0][1] == code
        assert cost > 0


async def test_the_one_that_answers_first_is_not_listed_twice(tmp_path: Path) -> None:
    async with pooled(tmp_path, "well") as whole:
        assert told(await ask(whole)) == "All is well."
        assert await attempts(whole) == ("well", [], 7)


@STREAMED
async def test_a_request_that_is_at_fault_is_nobody_elses_to_try(tmp_path: Path, stream: bool) -> None:
    async with pooled(tmp_path, "choosy", "well") as whole:
        reply = await ask(whole, stream=stream)
        assert (reply.status_code, reply.json()["error"]["message"]) == (400, "not like that")
        assert await attempts(whole) == ("choosy", [], 0)


async def test_a_fallback_that_refuses_the_request_is_not_the_clients_fault(tmp_path: Path) -> None:
    async with pooled(tmp_path, "broken", "choosy") as whole:
        reply = await ask(whole)
        assert reply.status_code == 502
        assert "broken" in reply.json()["error"]["message"]


async def test_a_stream_is_not_begun_again_once_the_client_has_a_part_of_it(tmp_path: Path) -> None:
    async with pooled(tmp_path, "cut-late", "well") as whole:
        reply = await ask(whole, stream=True)
        assert reply.status_code == 200
        assert "All is well." not in reply.text
        assert '"code":"upstream_cut"' in reply.text
        assert "[DONE]" not in reply.text
        assert (await attempts(whole))[0] == "cut-late"


async def test_one_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    async with pooled(tmp_path, "broken", "well") as whole:
        for _ in range(OPENS_AT):
            assert told(await ask(whole)) == "All is well."
        assert (await attempts(whole))[1] != []
        assert told(await ask(whole)) == "All is well."
        assert (await attempts(whole))[:2] == ("well", [])


async def test_the_same_upstream_is_asked_again_after_a_passing_fault(tmp_path: Path) -> None:
    async with pooled(tmp_path, "broken", retries=2) as whole:
        assert (await ask(whole)).status_code == 502
        assert [name for name, _ in (await attempts(whole))[1]] == ["broken"] * 3


async def test_an_upstream_by_its_own_name_is_asked_once_however_it_has_been_doing(tmp_path: Path) -> None:
    async with pooled(tmp_path, "well") as whole:
        for _ in range(2 * OPENS_AT):
            reply = await ask(whole, "broken")
            assert (reply.status_code, "broken" in reply.text) == (502, True)
            assert await attempts(whole) == ("broken", [], 0)


@STREAMED
async def test_a_slow_one_has_a_rival_and_the_first_to_speak_is_served(tmp_path: Path, stream: bool) -> None:
    async with pooled(tmp_path, "slow", "well", hedge_after=0.02) as whole:
        assert told(await ask(whole, stream=stream)) == "All is well."
        upstream, listed, _ = await attempts(whole)
        assert upstream == "well"
        assert sorted(listed, key=str) == [("slow", "given_up"), ("well", None)]


@STREAMED
async def test_a_rival_that_fails_leaves_the_first_its_time(tmp_path: Path, stream: bool) -> None:
    async with pooled(tmp_path, "slow", "broken", hedge_after=0.02) as whole:
        assert told(await ask(whole, stream=stream)) == "slowly"
        assert (await attempts(whole))[0] == "slow"


async def test_where_both_rivals_fail_the_next_is_asked(tmp_path: Path) -> None:
    async with pooled(tmp_path, "mute", "broken well", hedge_after=0.02) as whole:
        assert told(await ask(whole, stream=True)) == "All is well."
        assert [name for name, _ in (await attempts(whole))[1]] == ["broken", "mute", "well"]


async def test_a_pool_is_a_model_like_others(tmp_path: Path) -> None:
    async with pooled(tmp_path, "well") as whole:
        await whole.apply("endpoints: {bot: {upstream: pool}}")
        listed = (await whole.client.get("/v1/models", headers=await whole.key())).json()["data"]
        assert {"pool": "pool", "bot": "endpoint", "well": "scripted"}.items() <= {
            model["id"]: model["owned_by"] for model in listed
        }.items()
        assert told(await ask(whole, "bot")) == "All is well."


async def test_a_users_calls_stay_together(tmp_path: Path) -> None:
    async with pooled(tmp_path, "well slow", sticky=True) as whole:
        for user in ("ada", "bob"):
            served = set()
            for _ in range(4):
                await ask(whole, user=user)
                served.add((await attempts(whole))[0])
            assert len(served) == 1
