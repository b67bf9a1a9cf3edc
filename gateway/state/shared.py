"""The State of several processes on one machine: one SQLite file in the folder they share, for as long as they run.

Each operation is one short transaction on the event loop, tens of microseconds. It is called for leases, not for calls.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.errors import Unavailable
from gateway.state.base import Deal, Trade
from gateway.state.ledger import DEAD, KEPT, Book, Pool
from gateway.state.memory import BYTES

TABLES = """
CREATE TABLE IF NOT EXISTS book (id INTEGER PRIMARY KEY, held BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pools (name TEXT PRIMARY KEY, until INTEGER NOT NULL, held BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (name TEXT PRIMARY KEY, value BLOB NOT NULL, until REAL NOT NULL, used REAL NOT NULL);
CREATE INDEX IF NOT EXISTS used ON held (used, length(value));
"""
MADE_WITHIN = 10.0
"""Seconds in which processes that start together have made the file, one after the other."""
_BOOK = msgspec.msgpack.Decoder(Book)
_POOL = msgspec.msgpack.Decoder(Pool)
_encode = msgspec.msgpack.Encoder().encode


class SharedState:
    """Belongs to one event loop of one process. Nothing in the file outlives those that share it, so it is not made
    safe against a loss of power; a process killed half-way leaves no half of its transaction."""

    def __init__(self, folder: Path, timeout: float = 0.25, bound: int = BYTES, dead: float = DEAD) -> None:
        self._bound = bound
        self._dead = dead
        self._swept = 0.0
        self._file = sqlite3.connect(folder / "state.db", timeout=MADE_WITHIN, isolation_level=None)
        self._file.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {TABLES}")
        self._file.execute(f"PRAGMA busy_timeout = {round(timeout * 1000)}")

    async def trade(self, trade: Trade) -> Deal:
        now = time.time()
        with self._transaction() as file:
            kept = file.execute("SELECT held FROM book").fetchone()
            book = _BOOK.decode(kept[0]) if kept else Book()
            pools = {}
            for stake in trade.stakes:
                found = file.execute("SELECT held FROM pools WHERE name = ?", (stake.pool,)).fetchone()
                if found is not None:
                    pools[stake.pool] = _POOL.decode(found[0])
            deal = book.deal(trade, pools, now, 0.0, self._dead)
            file.execute("REPLACE INTO book VALUES (1, ?)", (_encode(book),))
            rows = [(name, pool.until, _encode(pool)) for name, pool in pools.items()]
            file.executemany("REPLACE INTO pools VALUES (?, ?, ?)", rows)
            if now - self._swept > KEPT:
                self._swept = now
                file.execute("DELETE FROM pools WHERE until > 0 AND until < ?", (now - KEPT,))
                file.execute("DELETE FROM claims WHERE until < ?", (now,))
            return deal

    async def get(self, name: str) -> bytes | None:
        now = time.time()
        with self._transaction() as file:
            asked = "UPDATE held SET used = ? WHERE name = ? AND until > ? RETURNING value"
            found = file.execute(asked, (now, name, now)).fetchall()
        return found[0][0] if found else None

    async def put(self, name: str, value: bytes, ttl: float) -> None:
        now = time.time()
        with self._transaction() as file:
            file.execute("REPLACE INTO held VALUES (?, ?, ?, ?)", (name, value, now + ttl, now))
            file.execute("DELETE FROM held WHERE until < ?", (now,))
            (over,) = file.execute("SELECT sum(length(value)) - ? FROM held", (self._bound,)).fetchone()
            while over > 0:
                oldest, size = file.execute("SELECT name, length(value) FROM held ORDER BY used LIMIT 1").fetchone()
                file.execute("DELETE FROM held WHERE name = ?", (oldest,))
                over -= size

    async def claim(self, name: str, ttl: float, holder: str) -> bool:
        now = time.time()
        with self._transaction() as file:
            file.execute("DELETE FROM claims WHERE name = ? AND until <= ?", (name, now))
            made = file.execute("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", (name, holder, now + ttl))
            return made.rowcount == 1

    async def release(self, name: str, holder: str) -> None:
        with self._transaction() as file:
            file.execute("DELETE FROM claims WHERE name = ? AND holder = ?", (name, holder))

    async def close(self) -> None:
        self._file.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.execute("BEGIN IMMEDIATE")
            with self._file:
                yield self._file
        except sqlite3.Error as error:
            message = f"The state that the processes share cannot be used: {error}."
            raise Unavailable(message, code="state_unavailable") from error
