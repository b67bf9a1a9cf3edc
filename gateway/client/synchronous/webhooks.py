# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.webhooks`: who is told of what happens. `gateway.client.verify_webhook` is for who receives."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.client.results.reading import read, read_all
from gateway.client.results.webhooks import CreatedWebhook, Delivery, Webhook
from gateway.client.synchronous.transport import Transport
from gateway.paths import segment


class Webhooks:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, url: str, events: Sequence[str] = ("*",)) -> CreatedWebhook:
        """Acts of the audit log, whole names or beginnings up to a dot, are told to `url` from now on. The secret is in
        this result and nowhere else."""
        body = {"url": url, "events": list(events)}
        return read(CreatedWebhook, self._transport.post("/admin/webhooks", body))

    def list(self) -> tuple[Webhook, ...]:
        """Oldest first."""
        return read_all(Webhook, self._transport.get("/admin/webhooks"))

    def change(
        self,
        webhook: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """None leaves what there is. One that is enabled again is told of all that happened meanwhile."""
        body = {"url": url, "events": None if events is None else [*events], "enabled": enabled}
        return read(Webhook, self._transport.patch(f"/admin/webhooks/{segment(webhook)}", body))

    def delete(self, webhook: str) -> None:
        self._transport.delete(f"/admin/webhooks/{segment(webhook)}")

    def test(self, webhook: str) -> Delivery:
        """Send an event; `delivery` tells what came of it."""
        return read(Delivery, self._transport.post(f"/admin/webhooks/{segment(webhook)}/test"))

    def deliveries(
        self, webhook: str, *, state: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[Delivery, ...]:
        """Newest first; `before` is the number that a page ended with. `state`: waiting, delivered or given_up."""
        asked = {"state": state, "before": before, "limit": limit}
        return read_all(Delivery, self._transport.get(f"/admin/webhooks/{segment(webhook)}/deliveries", **asked))

    def delivery(self, webhook: str, number: int) -> Delivery:
        return read(Delivery, self._transport.get(f"/admin/webhooks/{segment(webhook)}/deliveries/{number}"))

    def redeliver(self, webhook: str, number: int) -> Delivery:
        """Send a message again, under the id it had, as a delivery of its own."""
        path = f"/admin/webhooks/{segment(webhook)}/deliveries/{number}/redeliver"
        return read(Delivery, self._transport.post(path))
