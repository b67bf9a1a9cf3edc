"""`sluice calls`: the records, newest first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Sluice
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


@pytest.fixture
def made(sluice: Sluice, tmp_path: Path) -> list[str]:
    return asyncio.run(serve_some(tmp_path))


def test_newest_first_and_filtered(sluice: Sluice, made: list[str]) -> None:
    def shown(*arguments: str) -> list[str]:
        return [row["id"] for row in sluice("calls", "--json", *arguments).rows]

    assert shown() == made[::-1]
    assert shown("-n", "1") == made[2:]
    assert shown("--endpoint", "bot") == made[:1]
    assert shown("--errors") == made[2:]
    assert shown("--id", made[1]) == made[1:2]
    assert shown("--key", "key_unknown") == []
    key = sluice("calls", "--json", "--id", made[0]).rows[0]["key_id"]
    assert shown("--key", key) == made[::-1]


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
    [record] = sluice("calls", "--json", "--id", made[0]).rows
    assert record["cost_usd"] == f"{(record['input_tokens'] + record['output_tokens']) / 1e6:.6f}"
    for word in ("chat", "bot", "demo", "200", f"{record['input_tokens']}+2", record["cost_usd"], made[0]):
        assert word in first.split()
