"""HTTP to upstreams through aiohttp: for proxies, HTTP/1.0 and servers the fast client finds too odd.

The proxy is the one configured for the upstream, or none: the environment's `*_PROXY` variables are not consulted,
because where a prompt travels must be written in the configuration. The proxy itself, as any host we connect to, must
be within reach (see `addresses`); what it connects to is the proxy's to judge.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from types import MappingProxyType

import aiohttp
from yarl import URL

from gateway.errors import ClosedBeforeReply, GatewayError, UpstreamFailed, UpstreamTimeout
from gateway.http.addresses import Dialer
from gateway.http.base import MAX_BODY_BYTES, RACE_WINDOW, TRY_EACH, Headers, Sink, Target, Timeouts

TRIES = 3


class ProxiedReply:
    """A `Reply` (see `base`) on top of aiohttp's."""

    def __init__(self, response: aiohttp.ClientResponse, timeouts: Timeouts, sent: float) -> None:
        self._response = response
        self._timeouts = timeouts
        self._sent = sent
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.status = response.status
        self.complete = False
        self.headers: Headers = [(k.lower(), v) for k, v in response.raw_headers]

    async def read(self) -> bytes:
        parts: list[bytes] = []
        size = 0

        def keep(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > MAX_BODY_BYTES:
                raise UpstreamFailed("The upstream's reply is too large.", code="upstream_too_large")
            parts.append(data)

        await self.pump(keep)
        return b"".join(parts)

    async def pump(self, sink: Sink) -> None:
        first = True
        try:
            while data := await self._next(first):
                first = False
                sink(data)
                await self._flowing.wait()
        except (GatewayError, asyncio.CancelledError):
            self.close()
            raise
        self.complete = True
        self._response.release()

    def pause(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self._response.close()

    async def _next(self, first: bool) -> bytes:
        now = asyncio.get_running_loop().time()
        limits = self._timeouts
        left = limits.total - (now - self._sent)
        silence = limits.first_byte - (now - self._sent) if first else limits.idle
        try:
            async with asyncio.timeout(max(0.0, min(left, silence))):
                return await self._response.content.readany()
        except TimeoutError as error:
            if left <= silence:
                message = f"The upstream took longer than {limits.total:g} s in all."
                raise UpstreamTimeout(message, code="total_timeout") from error
            if first:
                message = f"The upstream sent nothing for {limits.first_byte:g} s."
                raise UpstreamTimeout(message, code="first_token_timeout") from error
            raise UpstreamTimeout(f"The upstream fell silent for {limits.idle:g} s.", code="idle_timeout") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamFailed("The upstream cut its reply short.", code="upstream_cut") from error


class ProxiedClient:
    """An `HttpClient` (see `base`). `proxy` is an `http://` URL or None."""

    def __init__(
        self, proxy: str | None = None, tls: ssl.SSLContext | None = None, dialer: Dialer | None = None
    ) -> None:
        self._proxy = proxy
        self._dialer = dialer or Dialer()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=tls or ssl.create_default_context(),
                keepalive_timeout=55,
                use_dns_cache=False,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
        )

    async def send(self, target: Target, body: bytes, timeouts: Timeouts, extra: bytes = b"") -> ProxiedReply:
        sent = asyncio.get_running_loop().time()
        for attempt in range(1, TRIES + 1):
            try:
                return ProxiedReply(await self._request(target, body, timeouts, extra), timeouts, sent)
            except ClosedBeforeReply:  # perhaps a kept-alive connection that was just being closed
                if attempt == TRIES or asyncio.get_running_loop().time() - sent > RACE_WINDOW:
                    raise
        raise AssertionError("unreachable")

    async def _request(self, target: Target, body: bytes, timeouts: Timeouts, extra: bytes) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(min(timeouts.first_byte, timeouts.total)):
                return await self._session.request(
                    target.method,
                    URL(target.url, encoded=True),
                    data=body,
                    headers=_fields(target, extra),
                    proxy=self._proxy,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect),
                )
        except aiohttp.ConnectionTimeoutError as error:
            message = f"No connection to the upstream in {timeouts.connect:g} s."
            raise UpstreamTimeout(message, code="connect_timeout") from error
        except TimeoutError as error:
            message = f"The upstream sent nothing for {timeouts.first_byte:g} s."
            raise UpstreamTimeout(message, code="first_token_timeout") from error
        except aiohttp.ClientSSLError as error:
            raise UpstreamFailed(f"TLS with the upstream failed. {TRY_EACH}", code="upstream_tls") from error
        except aiohttp.ClientConnectorError as error:
            raise UpstreamFailed(f"The upstream cannot be reached. {TRY_EACH}", code="upstream_unreachable") from error
        except aiohttp.ClientResponseError as error:
            raise UpstreamFailed("The upstream sent invalid HTTP.", code="upstream_garbage") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ClosedBeforeReply from error

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Called with each address a connection is about to be made to. Raises `UpstreamFailed` out of reach."""
        family, kind, protocol, _, address = info
        self._dialer.check(str(address[0]))
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        await self._session.close()


def _fields(target: Target, extra: bytes) -> MappingProxyType[str, str]:
    fields = {k.decode("latin-1"): v.decode("latin-1") for k, v in target.headers}
    for line in extra.split(b"\r\n"):
        if line:
            name, _, value = line.partition(b":")
            fields[name.decode("latin-1")] = value.strip().decode("latin-1")
    return MappingProxyType(fields)
