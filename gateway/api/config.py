"""The configuration: what is in force, and loading it again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.api.deps import Admin, Editor, Running
from gateway.audit import Act
from gateway.configuration import shown
from gateway.errors import Conflict
from gateway.faults import BadSettings

router = APIRouter(tags=["configuration"])


class Configuration(BaseModel):
    """What is in force in the process that answers."""

    object: str = "configuration"
    digest: str = Field(description="Names what matters to a call: upstreams, pools and releases; on every record.")
    since: float = Field(description="Unix time at which that came into force.")
    file: str | None
    settings: dict[str, Any] = Field(description="Those in force, secrets as references.")
    needs_restart: list[str] = Field(description="Keys that differ in the file and cannot change while it runs.")
    fault: str | None = Field(description="Why what is in the file now is not in force.")


class Reloaded(Configuration):
    """And which upstreams are new, set otherwise, or gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@router.get("/config")
async def get_config(who: Editor, running: Running) -> Configuration:
    """Show the configuration in force."""
    return Configuration(**_in_force(running))


@router.post("/config/reload")
async def reload_config(who: Admin, running: Running) -> Reloaded:
    """Load the configuration again, in the process that answers. Others find a changed file within seconds."""
    try:
        changes = await running.reloader.reload()
    except BadSettings as error:
        raise Conflict(error.message, code=error.code) from error
    names = {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
    await running.act(who, Act("config.reload", "config", "", names), lambda connection: None)
    return Reloaded(**_in_force(running), added=changes.added, changed=changes.changed, removed=changes.removed)


def _in_force(running: Any) -> dict[str, Any]:
    reloader, snapshots = running.reloader, running.refresher.snapshots
    return {
        "digest": snapshots.current.digest,
        "since": snapshots.since,
        "file": str(reloader.settings.file) if reloader.settings.file is not None else None,
        "settings": shown(reloader.settings),
        "needs_restart": reloader.waiting,
        "fault": reloader.fault,
    }
