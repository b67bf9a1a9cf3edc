"""A gateway that is killed and started again, always on the same data."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import create_engine, func, select

from gateway.store.tables.calls import calls, spend

SLUICE = str(Path(sys.executable).parent / "sluice")
METRIC = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Gateway:
    """`sluice serve` over one configuration. Its port stays the same through all its lives."""

    def __init__(self, folder: Path, upstreams: dict[str, Any], **settings: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = Path(settings.pop("data", folder / "data"))
        self.database: str = settings.get("database") or f"sqlite:///{self.data / 'sluice.db'}"
        self.log = folder / "serve.log"
        self.key = ""
        self._config = folder / "sluicegate.yaml"
        server = {"port": self.port, "workers": settings.pop("workers", 1)}
        whole = {"server": server, "data": str(self.data), "upstreams": upstreams, **settings}
        self._config.write_text(yaml.safe_dump(whole))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    async def start(self) -> None:
        """Until it answers. The first time, its key is read."""
        process = self._process = self._spawned()
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"the gateway ended:\n{self.log.read_text()[-2000:]}")
            if await asyncio.to_thread(self._answers):
                break
            await asyncio.sleep(0.05)
        else:
            raise RuntimeError(f"the gateway does not answer:\n{self.log.read_text()[-2000:]}")
        if not self.key:
            words = self.log.read_text().split()
            self.key = next(word for word in words if word.startswith("sk-"))

    def kill(self) -> None:
        """All its processes, at once, without a word."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def stop(self) -> None:
        """As an operator does: calls end, the journal is shipped."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self._process.wait, 40)
            finally:
                self.kill()

    def sluice(self, *arguments: str) -> str:
        command = [SLUICE, *arguments, "--config", str(self._config)]
        return subprocess.run(command, text=True, capture_output=True, check=True, timeout=60).stdout

    def records(self) -> Counter[str]:
        """How many records the database has of each call."""
        with closing(_Database(self.database)) as database:
            return Counter(database.ids())

    def spent(self) -> int:
        """Calls in the sums of what keys spent."""
        with closing(_Database(self.database)) as database:
            return database.spent()

    def cost(self, key_id: str) -> int:
        """Micro-USD that the records of a key come to."""
        with closing(_Database(self.database)) as database:
            return database.cost(key_id)

    async def shipped(self, at_least: int, seconds: float = 60.0) -> Counter[str]:
        """The records once there are as many, or the time is up."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            if await asyncio.to_thread(self._count) >= at_least:
                break
            await asyncio.sleep(0.2)
        return await asyncio.to_thread(self.records)

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=10) as client:
            return await client.get(f"{self.url}{path}", headers=self.headers)

    async def record(self, request_id: str) -> dict[str, Any]:
        """The record of a call, once it has come through the journal; empty where there is none in time."""
        for _ in range(200):
            reply = await self.get(f"/admin/calls/{request_id}")
            if reply.status_code == 200:
                found: dict[str, Any] = reply.json()
                return found
            await asyncio.sleep(0.1)
        return {}

    async def metrics(self) -> dict[str, float]:
        """By name; those with labels are summed."""
        found: defaultdict[str, float] = defaultdict(float)
        for name, value in METRIC.findall((await self.get("/metrics")).text):
            found[name] += float(value)
        return dict(found)

    def memory(self) -> int:
        """Bytes of anonymous memory of the one process, as far as they are resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024

    def _spawned(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        with self.log.open("ab") as sink:
            return subprocess.Popen(
                [SLUICE, "serve", "--config", str(self._config)],
                stdout=sink,
                stderr=sink,
                env=environment,
                start_new_session=True,  # a group of its own: its workers die with it
            )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def _count(self) -> int:
        with closing(_Database(self.database)) as database:
            return database.count()


class _Database:
    """The gateway's own, looked into from outside."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

    def ids(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(select(calls.c.id)).scalars())

    def count(self) -> int:
        with self._engine.connect() as connection:
            found: int = connection.execute(select(func.count()).select_from(calls)).scalar_one()
            return found

    def spent(self) -> int:
        with self._engine.connect() as connection:
            query = select(func.coalesce(func.sum(spend.c.calls), 0)).where(spend.c.kind == "key")
            return int(connection.execute(query).scalar_one())

    def cost(self, key_id: str) -> int:
        with self._engine.connect() as connection:
            query = select(func.coalesce(func.sum(calls.c.cost), 0)).where(calls.c.key_id == key_id)
            return int(connection.execute(query).scalar_one())

    def close(self) -> None:
        self._engine.dispose()
