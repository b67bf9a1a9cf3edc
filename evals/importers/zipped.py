"""Files of a ZIP, compressed by zstd too, which Python's own `zipfile` reads from 3.14 on alone."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zlib import crc32

from evals.errors import BadInput, Missing

MOST_BYTES = 256 * 1024 * 1024
"""Of one file, unpacked."""
ZSTD = 93
LOCAL_HEAD = 30
"""Bytes before the name of a file in its own header."""


class Zipped:
    """Raises `BadInput` for what cannot be unpacked, is longer than `MOST_BYTES`, or is not what the ZIP says it is;
    `Missing` where that takes a library."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path
        try:
            self._held = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise BadInput(f"is no ZIP that can be read: {error}.", file=str(path)) from error

    @property
    def names(self) -> list[str]:
        return self._held.namelist()

    def read(self, name: str) -> bytes:
        info = self._held.getinfo(name)
        try:
            data = self._unpacked(info) if info.compress_type == ZSTD else self._plain(info)
        except (NotImplementedError, RuntimeError, zipfile.BadZipFile, OSError) as error:
            raise BadInput(f"{name} cannot be unpacked: {error}.", file=str(self._path)) from error
        if len(data) > MOST_BYTES:
            raise BadInput(f"{name} is longer than {MOST_BYTES:,} bytes.", file=str(self._path))
        if crc32(data) != info.CRC:
            raise BadInput(f"{name} is damaged.", file=str(self._path))
        return data

    def _plain(self, info: zipfile.ZipInfo) -> bytes:
        with self._held.open(info) as member:
            return member.read(MOST_BYTES + 1)

    def _unpacked(self, info: zipfile.ZipInfo) -> bytes:
        """What the ZIP says of the length is not relied on."""
        try:
            import pyarrow as pa
        except ImportError as error:
            raise Missing.extra("pyarrow", "evals") from error
        self._file.seek(info.header_offset)
        head = self._file.read(LOCAL_HEAD)
        after = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        self._file.seek(after, 1)
        packed = self._file.read(info.compress_size)
        with pa.input_stream(pa.BufferReader(packed), compression="zstd") as stream:
            data: bytes = stream.read(MOST_BYTES + 1)
        return data


@contextmanager
def opened(path: Path) -> Iterator[Zipped]:
    try:
        with path.open("rb") as file:
            yield Zipped(file, path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}.", file=str(path)) from error
