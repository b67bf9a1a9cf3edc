"""HTTP/1.1 to upstreams: one request at a time on a connection, connections kept alive in a pool per origin.

No redirect is followed, nothing is pipelined, TLS is verified. A name is looked up again for every new connection, and
a connection is not kept longer than `MAX_AGE`, so a changed DNS record is noticed.

A kept-alive connection may be closed by the upstream just as we write to it. Such a request is sent again, once, on a
new connection, where nobody can have worked on it: no byte of a reply came within `RACE_WINDOW` (RFC 9112, 9.3.1).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

import httptools

from gateway.errors import ClosedBeforeReply, GatewayError, UpstreamFailed, UpstreamTimeout
from gateway.http.addresses import Dialer
from gateway.http.base import MAX_BODY_BYTES, RACE_WINDOW, TRY_EACH, Headers, Origin, Sink, Target, Timeouts, header

MAX_IDLE = 55.0
MAX_AGE = 300.0
SWEEP_EVERY = 0.1
MAX_HEAD_BYTES = 64 * 1024


class H1Reply:
    """A `Reply` (see `base`) on one of our connections; keeps its body when the connection has moved on."""

    __slots__ = (
        "_connection",
        "_error",
        "_loop",
        "_sink",
        "_waiter",
        "complete",
        "headers",
        "last",
        "parts",
        "sent",
        "size",
        "status",
        "timeouts",
    )  # fmt: skip

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop, timeouts: Timeouts) -> None:
        self._connection: Connection | None = connection
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._error: GatewayError | None = None
        self._sink: Sink | None = None
        self.parts: list[bytes] = []
        self.size = 0
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self.timeouts = timeouts
        self.sent = self.last = loop.time()

    async def head(self) -> H1Reply:
        if not self.status:
            await self._wait()
        return self

    async def read(self) -> bytes:
        if not self.complete:
            await self._wait()
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)

    async def pump(self, sink: Sink) -> None:
        self._sink = sink
        self.flush()
        if not self.complete:
            await self._wait()
        if self._error is not None:
            raise self._error

    def pause(self) -> None:
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        if self._connection is not None:
            self.last = self._loop.time()
            self._connection.resume()

    def close(self) -> None:
        if self._connection is not None:
            self.fail(UpstreamFailed("The reply was given up."))

    # called by the connection and the client's sweep -----------------------------------------------------------------

    def flush(self) -> None:
        """Hand on what has arrived, or check that the pile does not grow without bound."""
        if self._sink is None:
            if self.size > MAX_BODY_BYTES:
                self.fail(UpstreamFailed("The upstream's reply is too large.", code="upstream_too_large"))
        elif self.parts:
            parts, self.parts = self.parts, []
            try:
                self._sink(parts[0] if len(parts) == 1 else b"".join(parts))
            except GatewayError as error:
                self.fail(error)

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def finish(self) -> None:
        """The last byte is here."""
        self.complete = True
        self._connection = None
        self.wake()

    def fail(self, error: GatewayError) -> None:
        """End the reply with `error` and the connection with it; the first error stands."""
        if self._error is None and not self.complete:
            self._error = error
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.abort()
        self.wake()

    def overdue(self, now: float) -> UpstreamTimeout | None:
        limits = self.timeouts
        if now - self.sent > limits.total:
            return UpstreamTimeout(f"The upstream took longer than {limits.total:g} s in all.", code="total_timeout")
        if not self.size and now - self.sent > limits.first_byte:
            message = f"The upstream sent nothing for {limits.first_byte:g} s."
            return UpstreamTimeout(message, code="first_token_timeout")
        if self.size and now - self.last > limits.idle:
            return UpstreamTimeout(f"The upstream fell silent for {limits.idle:g} s.", code="idle_timeout")
        return None

    async def _wait(self) -> None:
        """Until the head is here, then until the end; raises what broke the reply. Cancelled, it closes all."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        if self._error is not None:
            raise self._error


class Connection(asyncio.Protocol):
    """One TCP or TLS connection; carries one reply at a time."""

    __slots__ = (
        "_head_bytes",
        "_loop",
        "_parser",
        "_pool",
        "_stays",
        "_transport",
        "born",
        "idle_since",
        "reply",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loop = pool.loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.reply: H1Reply | None = None
        """The one under way."""
        self._head_bytes = 0
        self._stays = False
        self.born = self.idle_since = self._loop.time()

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def exchange(self, data: bytes, timeouts: Timeouts) -> H1Reply:
        """Write a request; the reply comes in as it comes in."""
        assert self._transport is not None
        assert self.reply is None
        self.reply = reply = H1Reply(self, self._loop, timeouts)
        self._pool.busy.add(self)
        self._head_bytes = 0
        self._transport.write(data)
        return reply

    def pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()

    def abort(self) -> None:
        self.reply = None
        self._pool.busy.discard(self)
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def data_received(self, data: bytes) -> None:
        reply = self.reply
        if reply is None:
            self.abort()  # bytes nobody asked for: this connection can no longer be trusted
            return
        reply.last = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            reply.fail(UpstreamFailed(f"The upstream sent invalid HTTP: {error}.", code="upstream_garbage"))
            return
        if not reply.status:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                reply.fail(UpstreamFailed("The upstream's header does not end.", code="upstream_garbage"))
            return
        reply.flush()
        if reply.complete:
            self._release(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pool.forget(self)
        reply, self.reply = self.reply, None
        if reply is None:
            return
        if not reply.status:
            reply.fail(ClosedBeforeReply())
        elif exc is None and _ends_with_connection(reply.headers):
            reply.finish()
        else:
            reply.fail(UpstreamFailed("The upstream cut its reply short.", code="upstream_cut"))

    # httptools -------------------------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.reply is not None:
            self.reply.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.reply is None:
            return
        status = self._parser.get_status_code()
        if status < 200:  # informational: the real head is still to come
            self.reply.headers = []
        else:
            self.reply.status = status
            self.reply.wake()

    def on_body(self, data: bytes) -> None:
        reply = self.reply
        if reply is not None:
            reply.parts.append(data)
            reply.size += len(data)

    def on_message_complete(self) -> None:
        if self.reply is not None and self.reply.status:
            self.reply.complete = True
            self._stays = self._parser.should_keep_alive()  # llhttp forgets it after this callback

    def _release(self, reply: H1Reply) -> None:
        self.reply = None
        self._pool.busy.discard(self)
        if self._stays:
            self.resume()
            self._pool.give_back(self)
        elif self._transport is not None:
            self._transport.close()
        reply.finish()


def _ends_with_connection(headers: Headers) -> bool:
    """A body without a length lasts until the connection ends (RFC 9112, section 6.3)."""
    return header(headers, b"content-length") is None and header(headers, b"transfer-encoding") is None


class Pool:
    """The connections to one origin. The last one used is the next one taken, so that spare ones grow old and go."""

    def __init__(self, origin: Origin, dialer: Dialer, tls: ssl.SSLContext | None) -> None:
        self.loop = asyncio.get_running_loop()
        self._origin = origin
        self._dialer = dialer
        self._tls = tls
        self._free: deque[Connection] = deque()
        self.busy: set[Connection] = set()

    def take(self) -> Connection | None:
        now = self.loop.time()
        while self._free:
            connection = self._free.pop()
            if not connection.open:
                continue
            if now - connection.idle_since < MAX_IDLE and now - connection.born < MAX_AGE:
                return connection
            connection.abort()
        return None

    async def connect(self, limit: float) -> Connection:
        origin = self._origin
        try:
            async with asyncio.timeout(limit):
                return await self._dialer.connect(lambda: Connection(self), origin.host, origin.port, self._tls)
        except TimeoutError as error:
            raise UpstreamTimeout(f"No connection to the upstream in {limit:g} s.", code="connect_timeout") from error
        except ssl.SSLError as error:
            reason = error.reason or type(error).__name__
            message = f"TLS with the upstream failed: {reason}. {TRY_EACH}"
            raise UpstreamFailed(message, code="upstream_tls") from error
        except (OSError, UnicodeError) as error:
            message = f"The upstream cannot be reached: {type(error).__name__}. {TRY_EACH}"
            raise UpstreamFailed(message, code="upstream_unreachable") from error

    def give_back(self, connection: Connection) -> None:
        connection.idle_since = self.loop.time()
        self._free.append(connection)

    def forget(self, connection: Connection) -> None:
        self.busy.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def sweep(self, now: float) -> None:
        """Fail what is overdue: looking at every request now and then costs less than several timers for each."""
        for connection in [*self.busy]:
            reply = connection.reply
            if reply is not None and (error := reply.overdue(now)) is not None:
                reply.fail(error)

    def close(self) -> None:
        for connection in [*self.busy]:
            if connection.reply is not None:
                connection.reply.close()
        while self._free:
            self._free.pop().abort()


class H1Client:
    """An `HttpClient` (see `base`). Belongs to the event loop it was made in."""

    def __init__(self, tls: ssl.SSLContext | None = None, dialer: Dialer | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._dialer = dialer or Dialer()
        self._tls = tls or ssl.create_default_context()
        self._pools: dict[Origin, Pool] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def send(self, target: Target, body: bytes, timeouts: Timeouts, extra: bytes = b"") -> H1Reply:
        data = b"%b%d\r\n%b\r\n%b" % (target.head, len(body), extra, body)
        pool = self._pools.get(target.origin) or self._pool(target.origin)
        connection = pool.take()
        if connection is not None:
            reply = self._exchange(connection, data, timeouts)
            try:
                return await reply.head()
            except ClosedBeforeReply:
                if self._loop.time() - reply.sent > RACE_WINDOW:
                    raise
        connection = await pool.connect(timeouts.connect)
        return await self._exchange(connection, data, timeouts).head()

    @property
    def busy(self) -> int:
        """Requests under way."""
        return sum(len(pool.busy) for pool in self._pools.values())

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for pool in self._pools.values():
            pool.close()
        await asyncio.sleep(0)  # transports let go of their sockets at the next turn of the loop

    def _pool(self, origin: Origin) -> Pool:
        return self._pools.setdefault(origin, Pool(origin, self._dialer, self._tls if origin.tls else None))

    def _exchange(self, connection: Connection, data: bytes, timeouts: Timeouts) -> H1Reply:
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_EVERY, self._sweep)
        return connection.exchange(data, timeouts)

    def _sweep(self) -> None:
        now = self._loop.time()
        busy = False
        for pool in self._pools.values():
            pool.sweep(now)
            busy = busy or bool(pool.busy)
        self._sweeping = self._loop.call_later(SWEEP_EVERY, self._sweep) if busy else None
