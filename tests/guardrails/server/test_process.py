"""The scoring server as its operator starts it: in a process of its own, told to end, and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from guardrails.engine import Engine
from guardrails.errors import NotRun
from guardrails.models.circuit import Circuit
from guardrails.models.remote import RemoteModels
from guardrails.passage import Passage
from guardrails.policy import parse
from tests.guardrails.models import made
from tests.running import SLUICE, wait_for
from tests.waiting import until, wait_until

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.anyio

COMMANDS = ([SLUICE, "guard", "serve"], [sys.executable, "-m", "guardrails.server"])
LONG = "plain attack " * 70_000
"""Takes a good part of a second."""


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen[str]
    log: Path


@contextmanager
def started(command: Sequence[str], folder: Path, token: str = "") -> Iterator[Server]:
    log = folder / "serve.log"
    env = {**os.environ, "SLUICE_GUARD_TOKEN": token}
    with log.open("w") as sink:
        process = subprocess.Popen(
            [*command, "--port", "0"], stdout=sink, stderr=sink, text=True, env=env, start_new_session=True
        )
    try:
        url = wait_for(log, "listening on ")
        wait_until(lambda: ready(url, process))
        yield Server(url, process, log)
    finally:
        process.kill()
        process.wait(20)


def ready(url: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def asking(url: str, token: str | None = None, circuit: Circuit | None = None) -> AsyncIterator[RemoteModels]:
    models = RemoteModels(url, token, timeout=30, circuit=circuit)
    try:
        yield models
    finally:
        await models.close()


def busy(server: Server) -> bool:
    told = httpx.get(f"{server.url}/metrics").text
    return any("queue_windows{" in line and not line.endswith(" 0.0") for line in told.splitlines())


@pytest.mark.parametrize("command", COMMANDS, ids=["sluice", "python"])
async def test_it_serves_with_a_token(command: list[str], tmp_path: Path) -> None:
    name = made.own(tmp_path)
    with started([*command, "--own", str(tmp_path), "--models", name, "--threads", "2"], tmp_path, "right") as server:
        async with asking(server.url, "right") as models, asking(server.url) as nobody:
            assert await models.score(name, [("attack",)])
            with pytest.raises(NotRun, match="the token is missing"):
                await nobody.score(name, [("attack",)])


async def test_told_to_end_it_answers_who_is_inside_and_ends(tmp_path: Path) -> None:
    name = made.own(tmp_path)
    with started([*COMMANDS[1], "--own", str(tmp_path), "-m", name, "--threads", "1"], tmp_path) as server:
        async with asking(server.url) as models:
            inside = asyncio.create_task(models.score(name, [(LONG,)]))
            await until(lambda: asyncio.to_thread(busy, server))
            server.process.send_signal(signal.SIGTERM)
            (windows,) = await inside
            assert windows[-1].end == len(LONG)
            assert await asyncio.to_thread(server.process.wait, 30) == 0
            with pytest.raises(NotRun, match=r"cannot be reached|broke off"):
                await models.score(name, [("attack",)])


async def test_killed_in_the_middle_of_a_call_no_guard_passes_and_none_waits(tmp_path: Path) -> None:
    name = made.own(tmp_path)
    with started([*COMMANDS[1], "--own", str(tmp_path), "-m", name, "--threads", "1"], tmp_path) as server:
        async with asking(server.url, circuit=Circuit(3, 60.0)) as models:
            inside = asyncio.create_task(models.score(name, [(LONG,)]))
            await until(lambda: asyncio.to_thread(busy, server))
            server.process.kill()
            with pytest.raises(NotRun, match="the guard server broke off"):
                await inside
            await asyncio.to_thread(server.process.wait, 20)
            for _ in range(2):
                with pytest.raises(NotRun, match="the guard server cannot be reached"):
                    await models.score(name, [("attack",)])
            with pytest.raises(NotRun, match="left alone"):
                await models.score(name, [("attack",)])


@pytest.mark.parametrize(("action", "ends"), [("flag", False), ("block", True)])
async def test_where_it_is_gone_the_fail_mode_of_the_guard_holds(action: str, ends: bool) -> None:
    async with asking("http://127.0.0.1:9") as models:
        engine = Engine(parse({"input": [{"guard": "moderation", "action": action}]}), models)
        for _ in range(10):
            report = await engine.check("input", [Passage("anything at all")])
            assert report.ends == ends
            (verdict,) = report.verdicts
            assert verdict.score is None
            assert verdict.not_run is not None
            assert "the guard server cannot be reached" in verdict.not_run


def refused(*arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLUICE, "guard", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SLUICE_GUARD_TOKEN": token},
    )


def test_an_address_that_others_reach_needs_a_token() -> None:
    done = refused("--host", "0.0.0.0")
    assert done.returncode == 2
    assert "set a token in SLUICE_GUARD_TOKEN" in done.stderr


def test_a_model_that_there_is_not_is_said_before_anything_is_served() -> None:
    done = refused("--models", "nothing")
    assert done.returncode == 2
    assert "there is no model 'nothing'; there is " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    name = made.own(tmp_path)
    with started([*COMMANDS[1], "--own", str(tmp_path), "--models", name], tmp_path) as server:
        done = refused("--port", server.url.rpartition(":")[2], "--models", name, "--own", str(tmp_path))
    assert done.returncode == 2
    assert "Take another port" in done.stderr
    assert "Traceback" not in done.stderr
