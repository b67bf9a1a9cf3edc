"""A rollout among processes that die: another goes on from what was written, and streams end as they began."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import yaml

from gateway.client import Client
from tests.client.people import key
from tests.running import RULES, Gateway, running_gateway, serving
from tests.waiting import wait_until

UPSTREAMS = {"demo": {"provider": "scripted", "rules": RULES}, "spare": {"provider": "scripted", "rules": RULES}}
ERRORS_ALONE = {"blocked": None, "slow_p50": None, "slow_p95": None, "cost": None}
CANARY = {"steps": [0.3, 0.6], "units": 40, "at_least": "0s", "settle": "0s", "errors": 0.2, **ERRORS_ALONE}


@contextmanager
def replica(of: Gateway, folder: Path) -> Iterator[str]:
    """The URL of another gateway on the same database, with a journal of its own."""
    folder.mkdir()
    config = folder / "sluicegate.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(of.config.read_text()), "data": str(folder / "data")}))
    with serving(config, folder / "serve.log") as url:
        yield url


@contextmanager
def gateway_with_a_database_of_its_own(folder: Path) -> Iterator[Gateway]:
    """One that others can share."""
    secret = folder / "secret"
    secret.write_text("5" * 64)
    shared = {"database": f"sqlite:///{folder / 'shared.db'}", "secret": f"file:{secret}"}
    with running_gateway(folder, UPSTREAMS, **shared) as started:
        yield started


def ask(url: str, headers: dict[str, str], conversation: str) -> str:
    """The release that answered."""
    body = {"model": "bot", "messages": [{"role": "user", "content": "Hi."}]}
    who = {**headers, "x-sluice-conversation": conversation}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, headers=who)
    assert reply.status_code == 200
    return reply.headers["x-sluice-release"]


def test_a_canary_goes_on_where_another_process_died(tmp_path: Path) -> None:
    with (
        gateway_with_a_database_of_its_own(tmp_path) as first,
        replica(first, tmp_path / "second") as second,
        Client(second, key(replace(first, url=second), "ada", "editor")) as ada,
    ):
        ada.releases.apply({"endpoints": {"bot": {"upstream": "demo"}}})
        wait_until(lambda: "bot" in first.models())
        plan = {"canary": CANARY}
        made = ada.rollouts.propose("bot", change={"upstream": "spare"}, plan=plan, reason="try", submit=True)
        arms: dict[str, str] = {}
        rollout, killed, number = made, False, 0
        while rollout.open:
            number += 1
            assert number < 3000, rollout
            conversation = f"talk {number}"
            arms[conversation] = ask(second if killed or number % 2 else first.url, first.headers, conversation)
            if number % 20:
                continue
            time.sleep(0.05)
            rollout = ada.rollouts.get(made.id)
            if not killed and rollout.stage == "canary" and sum(one == made.release for one in arms.values()) > 5:
                first.process.kill()
                first.process.wait()
                killed = True
                before = {talk: ask(second, first.headers, talk) for talk in arms}
                kept = [talk for talk in arms if before[talk] == arms[talk] or before[talk] == made.release]
                assert len(kept) == len(arms), "who was on the candidate stays there, on any replica"
        assert killed
        assert rollout.state == "live", rollout.why
        assert ada.endpoints.get("bot").release == made.release
        assert [step.stage for step in rollout.history][-1] == "live"


def test_a_stream_ends_on_its_release_whatever_goes_live_meanwhile(tmp_path: Path) -> None:
    with (
        gateway_with_a_database_of_its_own(tmp_path) as gateway,
        Client(gateway.url, key(gateway, "ada", "editor", "approver")) as ada,
    ):
        ada.releases.apply({"endpoints": {"bot": {"upstream": "demo"}}})
        before = ada.endpoints.get("bot").release
        ada.releases.apply({"endpoints": {"bot": {"upstream": "spare"}}})
        after = ada.endpoints.get("bot").release
        assert after != before
        slow = {"model": "bot", "stream": True, "messages": [{"role": "user", "content": "slow"}]}
        with (
            ThreadPoolExecutor(1) as pool,
            httpx.stream(
                "POST", f"{gateway.api}/chat/completions", json=slow, headers=gateway.headers, timeout=60
            ) as reply,
        ):
            lines = reply.iter_lines()
            assert next(lines).startswith("data: ")
            assert reply.headers["x-sluice-release"] == after
            pool.submit(ada.endpoints.roll_back, "bot", reason="slow").result()
            assert ask(gateway.url, gateway.headers, "another") == before
            rest = [line for line in lines if line]
        words = [line for line in rest if '"content":"word' in line.replace(" ", "")]
        assert len(words) > 150
        assert rest[-1] == "data: [DONE]"
        record = gateway.record(reply.headers["x-request-id"])
        assert (record["release"], record["status"], record["error"]) == (after, 200, None)
