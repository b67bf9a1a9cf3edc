"""The journal: a local append-only log that makes a record safe before the database has it.

Segments are preallocated files mapped into memory. Appending copies a few hundred bytes into the map, about two
microseconds and no system call, and what is copied survives the death of the process (kill -9), because the pages
belong to the kernel. It survives a loss of power only up to the last `sync`, which the shipper calls each second.

A record on disk: length (4 bytes, little endian), CRC-32 of the payload (4 bytes), payload (MessagePack). The header is
written last, so a process killed half-way leaves a length of zero, which is where reading ends.

Each process writes segments of its own and holds a lock on each until it is shipped; a segment nobody holds belongs to
a dead process, and any process may ship it.

A spare segment is always allocated ahead. On a full disk it is what the records of calls in hand go to: when it cannot
be replaced and half of it is used, new calls are refused, and what is left is kept for those that were admitted.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar
from zlib import crc32

import msgspec

from gateway.errors import JournalFull
from gateway.record import CallRecord

SEGMENT_BYTES = 8 * 1024 * 1024
SUFFIX = ".journal"
HEADER = struct.Struct("<II")
PIECE = 256 * 1024
"""Bytes read at a time."""
RETRY_AFTER = 1.0
"""Seconds between two tries to make a segment when the disk is full."""

T = TypeVar("T")

_ENCODER = msgspec.msgpack.Encoder()
_CALLS = msgspec.msgpack.Decoder(CallRecord)


@dataclass(frozen=True, slots=True)
class Segment:
    """One that this process may write: allocated, mapped and locked."""

    path: Path
    file: int
    map: mmap.mmap

    def remove(self) -> None:
        """Nothing was written to it."""
        self.map.close()
        os.close(self.file)
        self.path.unlink(missing_ok=True)


class Journal:
    """The writer; one per process. On a full disk it `refuses` new calls, or takes them and counts as dropped the
    records for which there is no room. One that is `lazy` makes its first segment with its first record: it may never
    have any."""

    def __init__(
        self, directory: Path, segment_bytes: int = SEGMENT_BYTES, lazy: bool = False, refuses: bool = True
    ) -> None:
        self._directory = directory
        self._size = segment_bytes
        self._refuses = refuses
        self._held: dict[Path, int] = {}
        self._map: mmap.mmap | None = None
        self._spare: Segment | None = None
        self._preparing = Lock()
        self._short = False
        """The last try to make a segment failed."""
        self._at = 0
        self._retry_at = 0.0
        self._number = 0
        self.dropped = 0
        self.refused = 0
        self.current: Path | None = None
        """The segment being written."""
        directory.mkdir(parents=True, exist_ok=True)
        if not lazy:
            self._roll()

    @property
    def held(self) -> tuple[Path, ...]:
        """The segments that have records of this process, oldest first."""
        return tuple(self._held)

    @property
    def position(self) -> int:
        """Bytes written to the current segment."""
        return self._at

    @property
    def full(self) -> bool:
        """No segment can be made, and what is left is for the calls in hand."""
        return self._short and self._spare is None and (self._map is None or self._at > self._size // 2)

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "journal_dropped_records": ("Records lost because the journal could not be written.", self.dropped),
            "journal_refused_calls": ("Calls refused because no record of them could be kept.", self.refused),
        }

    def admit(self) -> None:
        """Before a call is served. Raises `JournalFull` where no record of it could be kept; such a call has none.

        Where half of a segment is used and the shipper's thread has not come to the next, it is found out now whether
        there is room for one: a full disk would else be noticed only by the records it has no room for."""
        if self._spare is not None or not self._refuses or (self._map is not None and self._at <= self._size // 2):
            return
        if not self._short:
            self.prepare()
        if self.full:
            self.refused += 1
            message = "No record of this call could be kept: the gateway's disk is full."
            raise JournalFull(message, retry_after=RETRY_AFTER)

    def append(self, record: msgspec.Struct) -> None:
        """Keep a record, all of one kind. Never raises, and waits for the disk only where there is no spare segment."""
        payload = _ENCODER.encode(record)
        end = self._at + HEADER.size + len(payload)
        if self._map is None or end + HEADER.size > self._size:
            if len(payload) + 2 * HEADER.size > self._size or not self._make_room():
                self.dropped += 1
                return
            end = self._at + HEADER.size + len(payload)
        held = self._map
        assert held is not None
        start = self._at
        held[start + HEADER.size : end] = payload
        held[start : start + HEADER.size] = HEADER.pack(len(payload), crc32(payload))
        self._at = end

    def prepare(self) -> None:
        """Have a spare segment, where the disk has room for one; blocks for as long as the disk takes. For the thread
        that calls `sync`, ahead of time, and for `admit`."""
        with self._preparing:
            if self._spare is None and (self._short or self._map is not None):
                self._spare = self._allocate()

    def sync(self) -> None:
        """Have the kernel write what it holds; blocks for as long as the disk takes. Any thread may call it that also
        calls `release`."""
        for file in tuple(self._held.values()):
            os.fsync(file)

    def finish(self) -> None:
        """Write no more to the current segment. It is held on to."""
        self.current = None
        if self._map is not None:
            self._map.close()
            self._map = None

    def release(self, segment: Path) -> None:
        """Let go of a segment that was finished: any process may ship it, or it is gone."""
        os.close(self._held.pop(segment))

    def close(self) -> None:
        """Finish, and let go of everything."""
        self.finish()
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.remove()
        for segment in self.held:
            self.release(segment)

    def _make_room(self) -> bool:
        now = time.monotonic()
        if self._map is None and self._spare is None and now < self._retry_at:
            return False
        self.finish()
        self._retry_at = now + RETRY_AFTER
        return self._roll()

    def _roll(self) -> bool:
        """Begin the spare segment, or one made now; False where that fails."""
        spare, self._spare = self._spare, None
        segment = spare or self._allocate()
        if segment is None:
            return False
        self._map, self._at = segment.map, 0
        self.current = segment.path  # before it is held: what is held and not current is taken for finished
        self._held[segment.path] = segment.file
        return True

    def _allocate(self) -> Segment | None:
        """A new segment; None where the disk has no room. It is allocated for good before it is mapped: writing into a
        map that the disk cannot hold kills the process."""
        self._number += 1
        path = self._directory / f"{time.time_ns():020d}-{os.getpid()}-{self._number}{SUFFIX}"
        file = -1
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            os.posix_fallocate(file, 0, self._size)
            made = Segment(path, file, mmap.mmap(file, self._size))
        except OSError:
            if file >= 0:
                os.close(file)
                path.unlink(missing_ok=True)
            self._short = True
            return None
        self._short = False
        return made


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What was read of a segment: records, where to go on, and whether it ended at damage rather than at its end."""

    records: list[T]
    offset: int
    damaged: bool


def segments(directory: Path) -> list[Path]:
    """All segments, oldest first."""
    return sorted(directory.glob(f"*{SUFFIX}"))


def read(segment: Path, offset: int, limit: int) -> Read[CallRecord]:
    """Records of calls; see `read_as`."""
    return read_as(_CALLS, segment, offset, limit)


def read_as(decoder: msgspec.msgpack.Decoder[T], segment: Path, offset: int, limit: int) -> Read[T]:
    """At most `limit` records from `offset` on. Damage ends the segment: what lies beyond cannot be trusted."""
    records: list[T] = []
    with segment.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(offset)
        held, at = file.read(PIECE), 0
        while len(records) < limit:
            if at + HEADER.size > len(held):
                held, at = held[at:] + file.read(PIECE), 0
                if len(held) < HEADER.size:
                    break
            length, check = HEADER.unpack_from(held, at)
            if length == 0:
                break
            start, end = at + HEADER.size, at + HEADER.size + length
            if offset + HEADER.size + length > size:
                return Read(records, offset, True)
            if end > len(held):
                held, start, end = held[start:] + file.read(length + PIECE), 0, length
            payload = held[start:end]
            if crc32(payload) != check:
                return Read(records, offset, True)
            try:
                records.append(decoder.decode(payload))
            except msgspec.DecodeError:
                return Read(records, offset, True)
            at = end
            offset += HEADER.size + length
    return Read(records, offset, False)


@contextmanager
def claimed(segment: Path) -> Iterator[bool]:
    """Whether nobody writes this segment. Where true, it is ours for the length of the context."""
    file = os.open(segment, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        yield False
        return
    try:
        yield True
    finally:
        os.close(file)
