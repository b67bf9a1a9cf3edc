"""The job: a run goes on where another process died, and nothing that came of a row is asked for again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.errors import TargetFailed
from gateway.jobs.evals import AT_ONCE, LASTING, EvalRuns
from gateway.store import evals
from gateway.store.engine import Store
from gateway.store.evals import DataRow, EvalRow, RunRow
from gateway.store.migrations import migrate
from gateway.types import Json
from tests.running import running_gateway, serving
from tests.waiting import until, wait_until

pytestmark = pytest.mark.anyio
CRITERION = {
    "type": "string_check",
    "name": "c",
    "input": "{{sample.output_text}}",
    "operation": "like",
    "reference": "x",
}
SOURCE: Json = {
    "type": "completions",
    "model": "demo",
    "input_messages": {"type": "template", "template": [{"role": "user", "content": "{{item.q}}"}]},
    "source": {"type": "file_content"},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path / 'sluice.db'}")) as made:
        migrate(made)
        yield made


def a_run(store: Store, rows: int, created: float | None = None) -> str:
    now = created or time.time()
    with store.begin() as connection:
        evals.add(connection, EvalRow("eval_1", "key:k", now, now, "e", {}, {"type": "logs"}, [CRITERION]))
        run = RunRow("run_1", "eval_1", "k", now, "r", {}, SOURCE, "queued", None, rows, None)
        evals.add_run(connection, run, [DataRow(number, {"q": f"x{number}"}, None) for number in range(rows)])
    return "run_1"


def found(store: Store, run: str) -> RunRow:
    with store.begin() as connection:
        row = evals.get_run(connection, run)
        assert row is not None
        return row


class Upstream:
    """Counts what it is asked, and says it again."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.asked: Counter[str] = Counter()
        self.under_way = self.most = 0

    async def __call__(self, key: str, name: str, body: Json) -> Json:
        self.asked[name] += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.pause)
        finally:
            self.under_way -= 1
        text = body["messages"][-1]["content"]
        if text == "x3":
            raise TargetFailed("Oops.", status=400)
        return {"model": "m", "choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}}


async def test_a_run_is_worked_through(store: Store) -> None:
    run, upstream = a_run(store, 30), Upstream(0.01)
    job = EvalRuns(store, upstream)
    await job.tick()
    await until(lambda: found(store, run).status == "completed")
    summary = found(store, run).summary
    assert summary is not None
    assert summary["result_counts"] == {"total": 30, "errored": 1, "failed": 0, "passed": 29}
    assert set(upstream.asked.values()) == {1}
    assert 1 < upstream.most <= AT_ONCE
    await job.close()


async def test_another_goes_on_where_one_ended(store: Store) -> None:
    run, first, second = a_run(store, 40), Upstream(0.05), Upstream()
    job = EvalRuns(store, first)
    await job.tick()
    await until(lambda: job.items >= AT_ONCE)
    await job.close()
    with store.begin() as connection:
        done = evals.done(connection, run)
    assert 0 < len(done) < 40
    other = EvalRuns(store, second)
    await other.tick()
    await until(lambda: found(store, run).status == "completed")
    assert len(second.asked) == 40 - len(done)
    await other.close()


async def test_one_process_at_a_time(store: Store) -> None:
    run, upstream = a_run(store, 20), Upstream(0.01)
    jobs = [EvalRuns(store, upstream) for _ in range(3)]
    for job in jobs:
        await job.tick()
    await until(lambda: found(store, run).status == "completed")
    assert set(upstream.asked.values()) == {1}
    for job in jobs:
        await job.close()


async def test_a_cancelled_run_asks_nothing_more(store: Store) -> None:
    run, upstream = a_run(store, 4000), Upstream(0.02)
    job = EvalRuns(store, upstream)
    await job.tick()
    await until(lambda: job.items > 0)
    with store.begin() as connection:
        evals.settle(connection, run, "canceled", {})
        kept = evals.done(connection, run)
    await until(lambda: not job.gauges()["eval_runs_in_progress"][1])
    with store.begin() as connection:
        assert evals.done(connection, run) == kept
    assert len(upstream.asked) < 4000
    await job.close()


async def test_a_run_that_lasts_too_long_fails(store: Store) -> None:
    run, upstream = a_run(store, 3, time.time() - LASTING - 1), Upstream()
    job = EvalRuns(store, upstream)
    await job.tick()
    await until(lambda: found(store, run).status == "failed")
    error = found(store, run).error
    assert error is not None
    assert error["code"] == "run_too_long"
    assert not upstream.asked
    await job.close()


def test_a_killed_gateway_pays_for_no_item_twice(tmp_path: Path) -> None:
    """Killed in the middle of a run and started again: what an item was written for is asked once in all."""
    upstreams = {"demo": {"provider": "scripted", "rules": [{"when": "x", "say": "x", "pause": 0.1}]}}
    rows = [{"item": {"q": f"x{number}"}} for number in range(120)]
    source = {**SOURCE, "source": {"type": "file_content", "content": rows}}
    with running_gateway(tmp_path, upstreams) as gateway:
        ask = httpx.Client(base_url=gateway.api, headers=gateway.headers)
        config = {"type": "custom", "item_schema": {}}
        body = {"data_source_config": config, "testing_criteria": [CRITERION]}
        made = ask.post("/evals", json=body).json()["id"]
        run = ask.post(f"/evals/{made}/runs", json={"data_source": source}).json()["id"]
        where = f"/evals/{made}/runs/{run}"
        wait_until(lambda: ask.get(where).json()["result_counts"]["total"] >= 16)
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        ask.close()
    with serving(gateway.config, tmp_path / "again.log") as url:
        ask = httpx.Client(base_url=f"{url}/v1", headers=gateway.headers)

        def state() -> Any:
            return ask.get(where).json()

        wait_until(lambda: state()["status"] == "in_progress" and state()["result_counts"]["total"] >= 16)
        wait_until(lambda: state()["result_counts"]["total"] >= 60)  # once the lease of the one that died has run out
        wait_until(lambda: state()["status"] == "completed")
        assert state()["result_counts"] == {"total": 120, "errored": 0, "failed": 0, "passed": 120}

        def asked() -> Counter[str]:
            listed = ask.get(f"{url}/admin/calls", params={"limit": 1000}).json()["data"]
            return Counter(call["client_request_id"] for call in listed)

        wait_until(lambda: len(asked()) == 120)
        assert sum(times - 1 for times in asked().values()) <= AT_ONCE
        ask.close()
