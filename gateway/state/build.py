"""From settings to the State. Redis' client is loaded only where a URL names it."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import Unequipped
from gateway.faults import BadSettings
from gateway.settings import StateSettings
from gateway.state.base import State
from gateway.state.memory import MemoryState
from gateway.state.shared import SharedState


def build_state(settings: StateSettings, shared: Path | None) -> State:
    """Redis where it is configured; else a file in the folder of the processes that serve together, where there are
    several; else memory. Raises `BadSettings` for a URL that cannot be used, and `Unequipped` without the client."""
    url = settings.read_url()
    if url is not None:
        try:
            from gateway.state.redis import RedisState
        except ImportError as error:
            message = "`state.url` needs Redis' client: pip install 'sluicegate[redis]'"
            raise Unequipped(message, code="package_missing") from error
        try:
            return RedisState(url, settings.timeout)
        except ValueError:  # whose words may show what the reference holds
            raise BadSettings("`state.url` is no URL of Redis; write redis://host:6379/0.") from None
    if shared is not None:
        return SharedState(shared, settings.timeout)
    return MemoryState()
