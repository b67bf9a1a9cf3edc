"""The last known prompts on disk, for a start while no gateway answers."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.types import Json

log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """A prompt by its label or its number; the other is None."""

    name: str
    label: str | None
    version: int | None

    def __str__(self) -> str:
        return f"{self.name}@{self.label if self.version is None else self.version}"


class Disk:
    """One file each, readable by its owner alone. What cannot be written or read is logged, and as if it were not
    there. Gateways may share a folder: what one of them said is never taken for another's."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url

    def load(self, wanted: Wanted) -> Json | None:
        path = self._path(wanted)
        try:
            found: Any = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the kept prompt %s cannot be read from %s: %s", wanted, path, error)
            return None
        return found if isinstance(found, dict) else None

    def keep(self, wanted: Wanted, body: Json) -> None:
        """Whole or not at all, whoever else writes."""
        path = self._path(wanted)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, written = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(body))
            Path(written).replace(path)
        except OSError as error:
            log.warning("the prompt %s cannot be kept in %s: %s", wanted, path, error)

    def forget(self, wanted: Wanted) -> None:
        try:
            self._path(wanted).unlink(missing_ok=True)
        except OSError as error:
            log.warning("the kept prompt %s cannot be removed: %s", wanted, error)

    def _path(self, wanted: Wanted) -> Path:
        named = "\0".join((self._url, wanted.name, str(wanted)))
        return self._folder / f"{hashlib.blake2b(named.encode(), digest_size=16).hexdigest()}.json"
