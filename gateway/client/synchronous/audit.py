# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.audit`: who did what, and whether the log is as it was written."""

from __future__ import annotations

from gateway.client.results.audit import AuditCheck, AuditEntry
from gateway.client.results.reading import read, read_all
from gateway.client.synchronous.transport import Transport
from gateway.types import Json


class Audit:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
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
        return read_all(AuditEntry, self._transport.get("/admin/audit", **asked))

    def verify(self) -> AuditCheck:
        """Have the gateway check every hash and every signature. Whoever does not trust it exports the log, and checks
        that with `sluice audit verify FILE`."""
        return read(AuditCheck, self._transport.get("/admin/audit/verify"))

    def checkpoint(self) -> Json:
        """A signed statement of where the log stands, to be kept elsewhere."""
        stands: Json = self._transport.get("/admin/audit/checkpoint")
        return stands
