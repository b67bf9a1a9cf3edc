"""Delivers webhooks: what is new in the audit log is queued for those who subscribe to it, and sent until it arrives.

The audit log is the source: each webhook remembers the entry up to which it was told, so nothing that happened is
missed, whichever process dies at whichever line. A message may come twice, under the same id: at least once. Several
processes share the work; each delivery is claimed before it is sent, and the claim of one that died runs out.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from urllib.parse import urlsplit

from gateway import __version__
from gateway.audit import Act, Auditor
from gateway.errors import BadRequest, GatewayError, UpstreamFailed
from gateway.http.addresses import Dialer, Reach
from gateway.http.base import Target, Timeouts
from gateway.http.h1 import H1Client
from gateway.releases.conduct import ROBOT
from gateway.sealing import Sealer
from gateway.store import audit, webhooks
from gateway.store.engine import Store
from gateway.store.webhooks import Delivery, Webhook
from gateway.webhooks import signed

log = logging.getLogger(__name__)

EVERY = 1.0
AT_ONCE = 4
"""Messages on their way to one webhook, in one process: a receiver that hangs delays nobody else's."""
TIMEOUT = 10.0
CLAIMED = 60.0
"""Seconds after which a delivery that was being sent is taken for lost; much longer than a try."""
PAUSES = (5.0, 30.0, 120.0, 600.0, 3600.0, 10_800.0, 21_600.0)
"""Seconds before each further try, up to a tenth longer; the last again and again."""
LASTING = 3 * 86_400.0
"""Seconds after which a message is given up, and a webhook where nothing arrived all that time is disabled."""
HEADERS = (
    (b"content-type", b"application/json"),
    (b"user-agent", f"sluicegate/{__version__}".encode()),
)
LIMITS = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT, total=TIMEOUT)


class Dispatcher:
    """A supervised loop. Belongs to a running event loop."""

    def __init__(self, store: Store, auditor: Auditor, sealer: Sealer, *, private: bool) -> None:
        self._store = store
        self._auditor = auditor
        self._sealer = sealer
        self._dialer = Dialer(Reach.CONFIGURED if private else Reach.PUBLIC)
        self._client = H1Client(dialer=self._dialer)
        self.on_their_way: dict[asyncio.Task[None], str] = {}
        """Messages that are being sent, and to which webhook."""
        self.delivered = 0
        self.failures = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.tick()
            except GatewayError as error:
                log.warning("webhooks wait: %s", error.message)
            except Exception:
                log.exception("defect in the delivery of webhooks")

    async def tick(self) -> None:
        """Queue what is new, and begin to send what is due."""
        for webhook, delivery in await asyncio.to_thread(self._claim, list(self.on_their_way.values())):
            sending = asyncio.create_task(self._deliver(webhook, delivery))
            self.on_their_way[sending] = webhook.id
            sending.add_done_callback(self.on_their_way.pop)

    async def close(self) -> None:
        """Messages on their way are broken off; they are sent again."""
        for sending in self.on_their_way:
            sending.cancel()
        await asyncio.gather(*self.on_their_way, return_exceptions=True)
        await self._client.close()

    async def check(self, url: str) -> None:
        """Raises `BadRequest` for what is no address of a receiver, as far as that can be told now."""
        try:
            origin = Target(url).origin
            await self._dialer.addresses(origin.host, origin.port)
        except ValueError as error:
            raise BadRequest(f"url: {error}.", param="url", code="invalid_value") from error
        except UpstreamFailed as error:
            raise BadRequest(f"url: {_unreachable(url)}.", param="url", code="upstream_address") from error
        except OSError:
            pass  # a name that stands for nothing yet

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For `/metrics`."""
        return {
            "webhooks_delivered": ("Messages to webhooks that arrived.", self.delivered),
            "webhook_failures": ("Tries to deliver a message to a webhook that failed.", self.failures),
        }

    def _claim(self, sending: list[str]) -> list[tuple[Webhook, Delivery]]:
        now = time.time()
        with self._store.reading() as connection:
            told = [webhook for webhook in webhooks.list_all(connection) if webhook.disabled is None]
            if not told:
                return []
            head = audit.last(connection)
        for webhook in told:
            if head is not None and webhook.heard < head.seq:
                with self._store.begin() as connection:
                    webhooks.hear(connection, webhook, now)
        with self._store.reading() as connection:
            found = [
                (webhook, delivery)
                for webhook in told
                for delivery in webhooks.due(connection, webhook.id, now, AT_ONCE - sending.count(webhook.id))
            ]
        if not found:
            return []
        with self._store.begin() as connection:
            return [one for one in found if webhooks.claim(connection, one[1], now + CLAIMED)]

    async def _deliver(self, webhook: Webhook, delivery: Delivery) -> None:
        try:
            status, said = await self._send(webhook, delivery)
            await asyncio.to_thread(self._ended, webhook, delivery, status, said)
        except GatewayError as error:
            log.warning("webhook %s: %s is sent again: %s", webhook.id, delivery.message, error.message)
        except Exception:
            log.exception("defect in the delivery to webhook %s", webhook.id)

    async def _send(self, webhook: Webhook, delivery: Delivery) -> tuple[int, str]:
        """The status, 0 where there was none, and what came of it in words."""
        body = delivery.body.encode()
        try:
            secret = self._sealer.open(webhook.secret, webhook.id)
            fields = signed(secret, delivery.message, body, time.time())
            extra = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
            async with asyncio.timeout(TIMEOUT):
                reply = await self._client.send(Target(webhook.url, HEADERS), body, LIMITS, extra)
                reply.close()  # what it says is of no interest, however long it is
        except TimeoutError:
            return 0, f"no answer in {TIMEOUT:g} s"
        except GatewayError as error:
            return 0, _unreachable(webhook.url) if error.code == "upstream_address" else error.message
        return reply.status, f"HTTP {reply.status}"

    def _ended(self, webhook: Webhook, delivery: Delivery, status: int, said: str) -> None:
        now = time.time()
        if 200 <= status < 300:
            self.delivered += 1
            with self._store.begin() as connection:
                webhooks.tried(connection, delivery, "delivered", said, now)
                webhooks.change(connection, webhook.id, failing=None)
            return
        self.failures += 1
        log.info("webhook %s: %s, %s", webhook.id, delivery.message, said)
        late = now - delivery.created > LASTING
        pause = PAUSES[min(delivery.tries, len(PAUSES) - 1)] * random.uniform(1.0, 1.1)  # noqa: S311
        with self._store.begin() as connection:
            webhooks.tried(connection, delivery, "given_up" if late else "waiting", said, now + pause)
            since = webhooks.failing(connection, webhook.id, now)
            if status == 410 or now - since > LASTING:
                why = "the receiver says it is gone" if status == 410 else f"nothing arrived for 3 days: {said}"
                if webhooks.disable(connection, webhook.id, now, why):
                    act = Act("webhooks.disabled", f"webhook:{webhook.id}", why)
                    self._auditor.append(connection, ROBOT, None, act)


def _unreachable(url: str) -> str:
    host = urlsplit(url).hostname
    return f"{host} leads to an address that is not public; the operator may allow that with `webhooks.private`"
