"""`client.audit`: who did what, and whether the log is as it was written."""

from __future__ import annotations

from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results.audit import AuditCheck, AuditEntry
from gateway.client.results.reading import read, read_all
from gateway.types import Json


class AsyncAudit:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        object: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[AuditEntry, ...]:
        """Newest first; `before` is the sequence number that a page ended with. `action` may be the beginning of
        one."""
        asked = {"actor": actor, "action": action, "object": object, "before": before, "limit": limit}
        return read_all(AuditEntry, await self._transport.get("/admin/audit", **asked))

    async def verify(self) -> AuditCheck:
        """Have the gateway check every hash and every signature. Whoever does not trust it exports the log, and checks
        that with `sluice audit verify FILE`."""
        return read(AuditCheck, await self._transport.get("/admin/audit/verify"))

    async def checkpoint(self) -> Json:
        """A signed statement of where the log stands, to be kept elsewhere."""
        stands: Json = await self._transport.get("/admin/audit/checkpoint")
        return stands
