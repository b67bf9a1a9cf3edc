"""How another configuration takes the place of the one in force while the gateway runs: whole, or not at all.

Settings are loaded again from where they came from: on SIGHUP, when an administrator asks, and when a file they are
made of has changed, secrets' files among them. Only upstreams and pools can change; of anything else that differs it is
said that it needs a restart. What cannot be used changes nothing, and it is said why.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.configuration import Source, needs_restart, replaced
from gateway.errors import Conflict
from gateway.faults import BadSettings
from gateway.providers.fleet import Changes, Fleet
from gateway.refresh import Refresher
from gateway.settings import Settings

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the files."""

Look = tuple[tuple[int, ...] | None, ...]

STALE = "The file cannot be used; an older configuration is in force. `GET /admin/config` says why."


class Watch:
    """When to load again. A change is loaded once two looks found it the same: who writes a file in place has then
    finished, and an empty file on the way to a whole one is not taken for the built-in settings."""

    def __init__(self) -> None:
        self._seen: Look | None = None
        self._loaded: Look | None = None

    def due(self, look: Look, asked: bool) -> bool:
        """Whether to load now, after this look; because somebody asked for it, or because something has changed. The
        first look that is the same as the one before counts as a change: what it finds may be newer than what is in
        force."""
        due = asked or (look == self._seen and look != self._loaded)
        self._seen = look
        if due:
            self._loaded = look
        return due


class Reloader:
    """Owns the settings in force. `source` is None where they were not loaded from anywhere."""

    def __init__(self, source: Source | None, settings: Settings, fleet: Fleet, refresher: Refresher) -> None:
        self._source = source
        self._fleet = fleet
        self._refresher = refresher
        self._reloading = asyncio.Lock()
        self._secret_files = _secret_files(settings)
        self.settings = settings
        self.waiting: list[str] = []
        """Keys that differ at the source and need a restart."""
        self.fault: str | None = None
        """Why what is at the source now is not in force."""
        self.reloads = 0
        """Loads that changed something."""
        self.refusals = 0

    def gauges(self) -> dict[str, tuple[str, float]]:
        stale = float(self.fault is not None)
        return {
            "config_reloads": ("Times another configuration came into force.", self.reloads),
            "config_refusals": ("Times a configuration was refused and the one in force stayed.", self.refusals),
            "config_stale": ("1 while the file cannot be used and an older configuration is in force.", stale),
        }

    def stale(self) -> str | None:
        """For people who may not see the configuration: that it is not the one at the source."""
        return STALE if self.fault is not None else None

    async def reload(self) -> Changes:
        """Load the settings and bring them into force. Raises `BadSettings`, and then nothing has changed."""
        if self._source is None:
            raise Conflict("This gateway was not started from a file: there is nothing to load again.")
        async with self._reloading:
            try:
                new = await asyncio.to_thread(self._source.load)
                self._secret_files = _secret_files(new)
                changes = self._fleet.configure(new)
            except BadSettings as error:
                self._refuse(error.message)
                raise
            settings = replaced(self.settings, new)
            if changes != Changes() or settings.pools != self.settings.pools:
                await self._refresher.configure(self._fleet.upstreams, self._fleet.pools)
                self.reloads += 1
                log.info("another configuration is in force: %s", changes)
            self.settings, self.fault = settings, None
            self._tell_what_waits(needs_restart(settings, new))
            return changes

    async def run(self) -> None:
        """Reload for ever, where there is something to load again."""
        if self._source is None:
            return
        asked, watch = asyncio.Event(), Watch()
        with _on_hangup(asked):
            while True:
                look = await asyncio.to_thread(self._look, self._source.looked_for)
                if watch.due(look, asked.is_set()):
                    asked.clear()
                    await self._try()
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await asked.wait()

    async def _try(self) -> None:
        try:
            await self.reload()
        except BadSettings:
            pass  # said already
        except Exception:
            log.exception("defect while loading the configuration")

    def _refuse(self, fault: str) -> None:
        self.refusals += 1
        if fault != self.fault:
            log.error("the configuration stays as it was. %s", fault)
        self.fault = fault

    def _tell_what_waits(self, keys: list[str]) -> None:
        if keys and keys != self.waiting:
            log.warning("changed, and in force after a restart: %s", ", ".join(keys))
        self.waiting = keys

    def _look(self, file: Path) -> Look:
        """What tells a file from one that was changed, replaced, or is now led to by another symlink."""
        return tuple(_stat(path) for path in (file, *self._secret_files))


def _secret_files(settings: Settings) -> list[Path]:
    return sorted({secret.file for secret in settings.secrets() if secret.file is not None})


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def _on_hangup(asked: asyncio.Event) -> Iterator[None]:
    """Signals belong to the main thread; a gateway that runs in another is reloaded by its files and its API."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGHUP)
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, before)
