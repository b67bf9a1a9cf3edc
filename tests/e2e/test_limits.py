"""Limits of a whole gateway: several processes share them, and a budget outlives a process that is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx

from tests.running import Gateway, running_gateway, serving
from tests.waiting import wait_until

NUMBERS = count()
BUDGET = 2000
UPSTREAM = {"provider": "scripted", "price": {"input": 1_000_000, "output": 1_000_000}}
"""A token costs a micro-dollar."""
BODY = {"model": "demo", "max_tokens": 10, "messages": [{"role": "user", "content": "one two three four five"}]}
MOST = 250
"""More than one call can take, in micro-dollars."""


def limited(gateway: Gateway, *limits: str) -> dict[str, str]:
    """The header fields of a key in a project under these limits. The limits come first: who knows the key has them."""
    name = f"limited-{next(NUMBERS)}"
    gateway.sluice("teams", "create", name)
    gateway.sluice("projects", "create", name, "--team", name)
    gateway.sluice("limits", "set", f"project:{name}", *limits)
    secret = gateway.sluice("keys", "create", name, "--project", name, "--upstream", "all").stdout.strip()
    headers = {"authorization": f"Bearer {secret}"}
    wait_until(lambda: known(gateway.url, headers))
    return headers


def known(url: str, headers: dict[str, str]) -> bool:
    """Whether every process knows the key: each connection goes to any of them."""
    return all(httpx.get(f"{url}/v1/models", headers=headers).status_code == 200 for _ in range(30))


def exhaust(url: str, headers: dict[str, str], tries: int = 240) -> tuple[int, set[str]]:
    """What calls from several connections take until they are refused: tokens, and the codes of the refusals."""

    def caller(_: int) -> tuple[int, set[str]]:
        taken, codes = 0, set[str]()
        with httpx.Client(base_url=url, headers=headers) as client:
            for _ in range(tries // 8):
                reply = client.post("/v1/chat/completions", json=BODY)
                if reply.status_code == 200:
                    taken += reply.json()["usage"]["total_tokens"]
                else:
                    codes.add(f"{reply.status_code} {reply.json()['error']['code']}")
        return taken, codes

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(caller, range(8)))
    return sum(taken for taken, _ in found), set[str]().union(*(codes for _, codes in found))


@contextmanager
def started_again(gateway: Gateway, log: Path) -> Iterator[str]:
    """The URL of the gateway, killed and started anew."""
    gateway.process.kill()
    gateway.process.wait()
    with serving(gateway.config, log) as url:
        yield url


def test_processes_share_a_budget(tmp_path: Path) -> None:
    with running_gateway(tmp_path, {"demo": UPSTREAM}, server={"port": 0, "workers": 2}) as gateway:
        key = limited(gateway, "--budget", "0.002usd/total")
        taken, codes = exhaust(gateway.url, key)
        assert codes == {"429 insufficient_quota"}

        def all_taken() -> bool:
            """What the one process did not need, the other has within a second."""
            nonlocal taken
            taken += exhaust(gateway.url, key, tries=8)[0]
            return taken > BUDGET - MOST

        wait_until(all_taken)
        assert taken <= BUDGET


def test_a_budget_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    with running_gateway(tmp_path, {"demo": UPSTREAM}) as gateway:
        key = limited(gateway, "--budget", "0.002usd/total")
        before, _ = exhaust(gateway.url, key, tries=64)
        with started_again(gateway, tmp_path / "again.log") as url:
            after, codes = exhaust(url, key)
        assert before > 0
        assert after > 0
        assert codes == {"429 insufficient_quota"}
        assert BUDGET - MOST < before + after <= BUDGET


def test_a_call_larger_than_its_limit_is_told_not_to_come_again(gateway: Gateway) -> None:
    key = limited(gateway, "--tokens-per-minute", "20")
    reply = httpx.post(f"{gateway.url}/v1/chat/completions", headers=key, json=BODY)
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"
    assert reply.headers["x-should-retry"] == "false"


def test_calls_at_once_are_counted_until_their_streams_end(gateway: Gateway) -> None:
    key = limited(gateway, "--concurrent", "1")
    slow = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": "slow"}]}
    with httpx.Client(base_url=gateway.url, headers=key, timeout=30) as client:
        with client.stream("POST", "/v1/chat/completions", json=slow) as reply:
            events = reply.iter_lines()
            assert next(events).startswith("data: ")
            refused = client.post("/v1/chat/completions", json=BODY)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_concurrent")
            assert refused.headers["retry-after"] == "1"
        for _ in range(50):
            if client.post("/v1/chat/completions", json=BODY).status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError("the unit did not come back")
