"""Answers that were paid for, kept by what was asked: a run that was killed goes on without asking again, and a changed
scorer costs nothing.

The repeat is part of what was asked: two repeats never share an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from pathlib import Path
from typing import Protocol

import msgspec

from evals.digest import canonical
from evals.errors import BadInput
from evals.sample import Output, Sample
from evals.targets.base import Asking, TargetSpec


class Answers(Protocol):
    async def claim(self, key: bytes) -> Output | None:
        """The answer that is kept. None where there is none: whoever claims it asks, and has to `keep` what comes or to
        `release` the key. Until then others who claim it wait, so that nothing is asked twice side by side."""

    async def keep(self, key: bytes, output: Output) -> None:
        """The first answer stays."""

    async def release(self, key: bytes) -> None:
        """No answer came."""


class AnswersFile:
    """A SQLite file, which several processes may share; they do not wait for each other. An answer is on its way to the
    disk before it is scored: what kills the process does not take it, what kills the machine may take the last few."""

    def __init__(self, path: Path | None) -> None:
        """Without a path they are kept in memory. Raises `BadInput` where the file cannot be used."""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=30, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, output BLOB) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise BadInput(f"The answers cannot be kept in {path}: {error}.") from error
        self._decoder = msgspec.json.Decoder(Output)
        self._claimed: dict[bytes, asyncio.Event] = {}

    async def claim(self, key: bytes) -> Output | None:
        while (kept := self.find(key)) is None:
            if (other := self._claimed.get(key)) is None:
                self._claimed[key] = asyncio.Event()
                return None
            await other.wait()
        return kept

    async def keep(self, key: bytes, output: Output) -> None:
        try:
            self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (key, msgspec.json.encode(output)))
        finally:
            await self.release(key)

    async def release(self, key: bytes) -> None:
        if (claimed := self._claimed.pop(key, None)) is not None:
            claimed.set()

    def find(self, key: bytes) -> Output | None:
        row = self._db.execute("SELECT output FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._decoder.decode(row[0])

    def close(self) -> None:
        self._db.close()


class Keys:
    """The keys of the answers of one target, in an epoch of it where it changes without changing its identity."""

    def __init__(self, spec: TargetSpec, epoch: int = 0) -> None:
        of = b"" if not epoch else str(epoch).encode()
        self._sees_all = spec.sees_all
        self._target = hashlib.sha256(canonical(dict(spec.identity)) + of).digest()

    def of(self, sample: Sample, asking: Asking) -> bytes:
        """32 bytes for everything that the answer may depend on. That is not the sample's id, and what is expected and
        known of it only for a target that sees it: what people correct there costs nothing. Samples that ask the same
        have answers of their own."""
        seen = sample if self._sees_all else msgspec.structs.replace(sample, expected=None, metadata={})
        asked = msgspec.structs.replace(seen, id="", cluster=None, slices={})
        said = msgspec.json.encode(asked, order="sorted")
        drawn = f"{asking.repeat},{asking.seed},{asking.twin}".encode()
        return hashlib.sha256(self._target + hashlib.sha256(said).digest() + drawn).digest()
