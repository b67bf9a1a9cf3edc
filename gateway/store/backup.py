"""Backups: every table as lines of JSON, as of one moment, in a form that SQLite and PostgreSQL both take back.

A backup is a folder, or a tar file of it: `manifest.json`, and for each table a part with one JSON array a line. The
manifest names the columns, rows and SHA-256 of each part; no database is touched before all of them are right.

What a journal holds is not in a backup, and does not have to be: with the tables comes how far each segment has been
shipped, so a segment that is still there goes on from where the restored database has it, and nothing is lost between
the two or there twice.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson
from sqlalchemy import Connection, Integer, String, Table, delete, func, insert, select, text

from gateway import __version__
from gateway.errors import BadRequest, Conflict
from gateway.store.engine import Store
from gateway.store.migrations import applied
from gateway.store.tables.base import metadata
from gateway.store.tables.serving import revision

FORMAT = 1
MANIFEST = "manifest.json"
SECRET = "secret"  # noqa: S105 - a file's name
BATCH = 1000
"""Rows written together."""
PIECE = 1024 * 1024
OWN = (revision, applied)
"""Tables that have rows in a new database, too."""
CHECKED = b"sluicegate backup"

Progress = Callable[[str, int, int], None]
"""Called with a table's name, how many of its rows are done, and how many it has."""


class Part(msgspec.Struct, frozen=True):
    """One table."""

    table: str
    columns: tuple[str, ...]
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.table}.jsonl"


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup. `made` is Unix time; `secret_check` tells a right secret from a wrong one, and is not it."""

    format: int
    version: str
    made: float
    database: str
    secret_check: str
    has_secret: bool
    parts: tuple[Part, ...]


def check_of(secret: bytes) -> str:
    return hmac.new(secret, CHECKED, "sha256").hexdigest()


def tables() -> list[Table]:
    """Every table, those that others refer to first."""
    return [applied, *metadata.sorted_tables]


# Writing -------------------------------------------------------------------------------------------------------------


def write(store: Store, target: Path, secret: bytes, with_secret: bool, progress: Progress) -> Manifest:
    """Write a backup; the gateways may go on. It is there whole or not at all. Raises `Conflict` where `target` is
    there already."""
    if target.exists():
        raise Conflict(f"{target} is there already. Name another, or move it away.")
    folder = target.with_name(f"{target.name}.partial")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise Conflict(f"{folder} is left of a backup that did not end, or of one under way. Remove it.") from error
    try:
        with store.reading() as connection:
            parts = tuple(_write_part(connection, table, folder, progress) for table in tables())
        made = Manifest(
            format=FORMAT,
            version=__version__,
            made=time.time(),
            database="sqlite" if store.sqlite else "postgresql",
            secret_check=check_of(secret),
            has_secret=with_secret,
            parts=parts,
        )
        if with_secret:
            (folder / SECRET).write_bytes(secret)
        (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2))
        for file in folder.iterdir():
            file.chmod(0o600)
        _put_in_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _write_part(connection: Connection, table: Table, folder: Path, progress: Progress) -> Part:
    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    digest, done = hashlib.sha256(), 0
    found = connection.execution_options(yield_per=BATCH).execute(select(table).order_by(*table.primary_key))
    with (folder / f"{table.name}.jsonl").open("wb") as file:
        for rows in found.partitions():
            lines = b"".join([orjson.dumps(list(row)) + b"\n" for row in rows])
            digest.update(lines)
            file.write(lines)
            done += len(rows)
            progress(table.name, done, total)
    return Part(str(table.name), tuple(map(str, table.columns.keys())), done, digest.hexdigest())


def _put_in_place(folder: Path, target: Path) -> None:
    if target.suffix != ".tar":
        folder.rename(target)
        return
    packed = folder / target.name
    with tarfile.open(packed, "x") as archive:
        for file in sorted(folder.iterdir()):
            if file != packed:
                archive.add(file, file.name)
    packed.chmod(0o600)
    packed.rename(target)


# Reading -------------------------------------------------------------------------------------------------------------


class Backup:
    """A backup that was written, and is whole as far as its manifest goes."""

    def __init__(self, opener: Callable[[str], IO[bytes]]) -> None:
        self._open = opener
        try:
            with opener(MANIFEST) as file:
                self.manifest = msgspec.json.decode(file.read(), type=Manifest)
        except (OSError, KeyError, msgspec.DecodeError) as error:
            raise BadRequest(f"This is no backup: its {MANIFEST} cannot be read.", code="invalid_backup") from error
        if self.manifest.format != FORMAT:
            raise _newer(self.manifest)

    def secret(self) -> bytes | None:
        """The installation's secret, where it was to be part of the backup."""
        if not self.manifest.has_secret:
            return None
        with self._open(SECRET) as file:
            secret = file.read()
        if check_of(secret) != self.manifest.secret_check:
            raise BadRequest("The secret in this backup was changed since it was written.", code="invalid_backup")
        return secret

    def verify(self) -> None:
        """Raises `BadRequest` where a part is missing, was changed, or is for a table or column not known here."""
        known = {table.name: set(table.columns.keys()) for table in tables()}
        for part in self.manifest.parts:
            if part.table not in known or not set(part.columns) <= known[part.table]:
                raise _newer(self.manifest)
            try:
                found = self._digest(part.file)
            except (OSError, KeyError) as error:
                raise BadRequest(f"The part {part.file} of this backup is missing.", code="invalid_backup") from error
            if found != part.sha256:
                message = f"The part {part.file} of this backup was changed since it was written, or is damaged."
                raise BadRequest(message, code="invalid_backup")

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._open(name) as file:
            for piece in iter(partial(file.read, PIECE), b""):
                digest.update(piece)
        return digest.hexdigest()

    def rows(self, part: Part) -> Iterator[list[Any]]:
        with self._open(part.file) as file:
            yield from map(orjson.loads, file)


@contextmanager
def opened(source: Path) -> Iterator[Backup]:
    """A folder or a tar file. Raises `BadRequest` for what is no backup."""
    if source.is_dir():
        yield Backup(lambda name: (source / name).open("rb"))
        return
    try:
        archive = tarfile.open(source, "r:")  # noqa: SIM115 - closed below
    except (OSError, tarfile.TarError) as error:
        raise BadRequest(f"{source} is no backup: {error}.", code="invalid_backup") from error

    def opener(name: str) -> IO[bytes]:
        file = archive.extractfile(name)
        if file is None:
            raise KeyError(name)
        return file

    with archive:
        yield Backup(opener)


def restore(store: Store, backup: Backup, replace: bool, progress: Progress) -> None:
    """Put everything in a backup in the place of everything in the database, or change nothing. Raises `BadRequest` for
    a backup that is not as it was written, and `Conflict` where the database has something in it, unless `replace`."""
    backup.verify()
    with store.begin() as connection:
        held = [
            table.name for table in tables() if table not in OWN and connection.execute(select(table).limit(1)).first()
        ]
        if held and not replace:
            message = f"The database has rows in {', '.join(held)}. `--replace` throws them away."
            raise Conflict(message, code="database_not_empty")
        number = connection.execute(select(func.max(revision.c.number))).scalar_one()
        for table in reversed(tables()):
            connection.execute(delete(table))
        by_name = {part.table: part for part in backup.manifest.parts}
        for table in tables():
            if table.name in by_name:
                _restore_part(connection, table, by_name[table.name], backup, progress)
        # gateways that were left running notice
        connection.execute(revision.update().values(number=func.coalesce(revision.c.number, 0) + (number or 0) + 1))


def _restore_part(connection: Connection, table: Table, part: Part, backup: Backup, progress: Progress) -> None:
    fit = _fitting(table, part.columns) if connection.dialect.name == "postgresql" else list
    rows, done = backup.rows(part), 0
    while batch := list(islice(rows, BATCH)):
        connection.execute(insert(table), [dict(zip(part.columns, fit(row), strict=True)) for row in batch])
        done += len(batch)
        progress(table.name, done, part.rows)
    _move_sequence(connection, table)


def _fitting(table: Table, columns: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    """What makes a row of SQLite's, which takes any text, one that PostgreSQL takes: no NUL, nothing too long."""
    types = [table.columns[name].type for name in columns]
    widths = {place: kind.length for place, kind in enumerate(types) if isinstance(kind, String)}

    def fit(row: list[Any]) -> list[Any]:
        for place, width in widths.items():
            if row[place] is not None:
                row[place] = row[place][:width].replace("\0", "\ufffd")
        return row

    return fit


def _move_sequence(connection: Connection, table: Table) -> None:
    """PostgreSQL counts on from where it was, not from what was put in."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None or not isinstance(column.type, Integer):
        return
    highest = connection.execute(select(func.max(column))).scalar_one()
    if highest is not None:
        move = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)")
        connection.execute(move, {"table": table.name, "column": column.name, "highest": highest})


def _newer(manifest: Manifest) -> BadRequest:
    message = f"This backup was written by version {manifest.version}; this is {__version__}. Restore it with that one."
    return BadRequest(message, code="invalid_backup")
