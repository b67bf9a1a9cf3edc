"""What an installation keeps in its data folder: its store, unless that is elsewhere, and its secret."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from gateway.errors import Unavailable
from gateway.settings import Settings
from gateway.store.engine import Store
from gateway.store.migrations import migrate


def open_store(settings: Settings) -> Store:
    """The store, its tables up to date. Raises `Unavailable` with the next step."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The data folder {settings.data} cannot be made: {error.strerror}. Set `data:` to a folder you own."
        raise Unavailable(message, code="bad_data_folder") from error
    store = Store(settings.database_url)
    migrate(store)
    return store


def pepper(settings: Settings) -> bytes:
    """This installation's secret, under which keys are digested: configured, or made once in the data folder."""
    if settings.secret is not None:
        return settings.secret.read().encode()
    path = settings.data / "secret"
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        _write_private(path, os.urandom(32).hex())
    return path.read_text(encoding="ascii").encode()


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner only; the first of two writers wins."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # readable by the owner only
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(text)
    try:
        os.link(scratch, path)
    finally:
        os.unlink(scratch)
