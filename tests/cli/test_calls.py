"""`sluice calls`: the records, newest first."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.cli import calls
from gateway.cli.database import transaction
from gateway.record import CallRecord
from gateway.store import calls as rows
from tests.cli.conftest import Done, Sluice
from tests.inside import inside

UPSTREAMS = {"demo": {"provider": "scripted", "price": {"input": 1_000_000, "output": 1_000_000}}}


async def serve_some(folder: Path) -> list[str]:
    """Three calls, the last of them refused; ids in the order they were made."""
    async with inside(folder, data=folder / "sluice-data", upstreams=UPSTREAMS) as running:
        await running.apply("endpoints: {bot: {upstream: demo}}")
        headers = await running.key()
        made = []
        for model in ("bot", "demo", "nowhere"):
            body = {"model": model, "messages": [{"role": "user", "content": "one two"}]}
            reply = await running.client.post("/v1/chat/completions", json=body, headers=headers)
            made.append(reply.headers["x-request-id"])
        return made


def lines(done: Done) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in done.out.splitlines()]


@pytest.fixture
def made(sluice: Sluice, tmp_path: Path) -> list[str]:
    return asyncio.run(serve_some(tmp_path))


def test_newest_first_and_filtered(sluice: Sluice, made: list[str]) -> None:
    def shown(*arguments: str) -> list[str]:
        return [row["id"] for row in lines(sluice("calls", "--json", *arguments))]

    assert shown() == made[::-1]
    assert shown("-n", "1") == made[2:]
    assert shown("--endpoint", "bot") == made[:1]
    assert shown("--errors") == made[2:]
    assert shown("--id", made[1]) == made[1:2]
    assert shown("--key", "key_unknown") == []
    (first,) = lines(sluice("calls", "--json", "--id", made[0]))
    assert shown("--key", first["key_id"]) == made[::-1]
    assert shown("--status", "4xx", "--since", "1h") == shown("--model", "nowhere", "--error", "model_not_found")
    assert shown("--status", "4xx") == made[2:]
    assert shown("--no-stream", "--surface", "chat", "--finish", "stop", "--min-cost", "0.000001") == made[1::-1]
    assert shown("--stream") == shown("--until", "1h") == shown("--min-seconds", "60") == []


@pytest.mark.parametrize(
    "option", [("--status", "9xx"), ("--since", "soon"), ("--since", "99999999d"), ("--min-cost", "-1")]
)
def test_what_cannot_be_asked_is_named(sluice: Sluice, option: tuple[str, str]) -> None:
    done = sluice("calls", *option)
    assert done.code == 1
    assert done.err.startswith(f"sluice: {option[0][2:].replace('-', '_')}: ")
    assert "Value error" not in done.err


def test_new_calls_are_followed(sluice: Sluice, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look shows what there is, oldest first; the ones after it only what they had not seen."""
    looks = iter(((2, 1), (2, 1), (3, 2)))
    records = {number: CallRecord(f"req_{number}", number, "chat", 200) for number in (1, 2, 3)}

    def look(*_: Any) -> list[CallRecord]:
        for seen in looks:
            return [records[number] for number in seen]
        raise KeyboardInterrupt

    monkeypatch.setattr(calls, "_read", look)
    monkeypatch.setattr(calls, "EVERY", 0)
    done = sluice("calls", "--follow", "--json")
    assert [row["id"] for row in lines(done)] == ["req_1", "req_2", "req_3"]


def test_one_call_with_every_upstream_that_was_tried(sluice: Sluice, made: list[str], tmp_path: Path) -> None:
    said = sluice("calls", "show", made[0]).out
    assert re.search(r"^status +200 *$", said, re.MULTILINE)
    assert re.search(r"^1 +demo +[\d.]+ +█{20} +answered *$", said, re.MULTILINE)
    assert "No upstream was asked." in sluice("calls", "show", made[2]).out
    assert sluice("calls", "show", made[1], "--json").rows["id"] == made[1]  # type: ignore[call-overload]
    missing = sluice("calls", "show", "req_nothing")
    assert (missing.code, "no record of 'req_nothing'" in missing.err) == (1, True)


def test_a_call_that_was_asked_of_nobody_shows_what_stopped_it(sluice: Sluice) -> None:
    entry = {"guard": "words", "stage": "input", "action": "block", "source": "prompt", "ms": 0.2, "score": 1.0}
    guards = json.dumps([entry])
    record = CallRecord("req_1", 1, "chat", 400, "content_filter", upstream_us=3, guards=guards)
    with transaction(None) as connection:
        rows.ship(connection, "one", 1, [record])
    said = sluice("calls", "show", "req_1").out
    assert "No upstream was asked." in said
    assert re.search(r"^input +words +block +1\.0 +0\.2 +prompt", said, re.MULTILINE)
    assert guards not in said


def test_attempts_are_drawn_in_their_order() -> None:
    attempts = '[["azure", "rate_limit_exceeded", 4000], ["openai", null, 1000]]'
    first, second = calls._attempts(CallRecord("req_1", 1, "chat", 200, attempts=attempts))
    assert [first[name] for name in ("upstream", "ms", "outcome")] == ["azure", "4.0", "rate_limit_exceeded"]
    assert [second[name] for name in ("upstream", "ms", "outcome")] == ["openai", "1.0", "answered"]
    assert (first["took"], second["took"]) == ("█" * 20, "█" * 5)


def test_what_took_part_in_a_rollout(sluice: Sluice) -> None:
    shadow = CallRecord("req_2", 2, "chat", 200, rollout="ro_1", arm="shadow", step=0, unit="ab12", pair="req_1")
    with transaction(None) as connection:
        rows.ship(connection, "one", 1, [CallRecord("req_1", 1, "chat", 200), shadow])
    for option in (("--rollout", "ro_1"), ("--arm", "shadow"), ("--pair", "req_1")):
        assert [row["id"] for row in lines(sluice("calls", "--json", *option))] == ["req_2"]
    shown = {tuple(line.split()) for line in sluice("calls", "show", "req_2").out.splitlines()}
    told = {("rollout", "ro_1"), ("arm", "shadow"), ("step", "0"), ("unit", "ab12"), ("pair", "req_1")}
    assert told <= shown
    assert "rollout" not in sluice("calls", "show", "req_1").out


def test_people_see_what_it_was_and_what_it_cost(sluice: Sluice, made: list[str]) -> None:
    head, refused, _, first = sluice("calls").out.splitlines()
    columns = [
        "time",
        "surface",
        "asked",
        "upstream",
        "status",
        "error",
        "tokens",
        "cost_usd",
        "ms",
        "overhead_us",
        "id",
    ]
    assert head.split() == " ".join(columns).replace("_", " ").split()
    assert all(word in refused.split() for word in ("nowhere", "404", "model_not_found", made[2]))
    (record,) = lines(sluice("calls", "--json", "--id", made[0]))
    cost = f"{(record['input_tokens'] + record['output_tokens']) / 1e6:.6f}"
    for word in ("chat", "bot", "demo", "200", f"{record['input_tokens']}+2", cost, made[0]):
        assert word in first.split()
