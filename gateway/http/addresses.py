"""Where connections may lead. A name is looked up once, every address it stands for is checked, and what was checked
is what is connected to: a name server that answers otherwise a moment later (DNS rebinding) is not asked again.

An operator's upstreams may well be private (a server in the same cluster). What no upstream is, and every forged
request is after, are link-local addresses, where clouds serve the machine's own credentials.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeVar

from gateway.errors import UpstreamFailed

Address = IPv4Address | IPv6Address
LookUp = Callable[[str, int], Awaitable[list[str]]]
"""From host and port to addresses, in the order in which they are to be tried. Raises `OSError`."""
P = TypeVar("P", bound=asyncio.BaseProtocol)

METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds tell a machine its secrets; not all of them are link-local."""
TRANSLATED = IPv6Network("64:ff9b::/96")


class Reach(Enum):
    """How far connections may go.

    PUBLIC: to the internet only, for an address that somebody else than the operator chose. CONFIGURED: to private
    addresses and this machine too, for what the configuration names. ANYWHERE: to metadata services as well.
    """

    PUBLIC = "public"
    CONFIGURED = "configured"
    ANYWHERE = "anywhere"

    def permits(self, address: str) -> bool:
        return all(self._permits(one) for one in _meanings(address))

    def _permits(self, address: Address) -> bool:
        if self is Reach.ANYWHERE:
            return True
        if address.is_link_local or address.is_multicast or address in METADATA:
            return False
        return self is Reach.CONFIGURED or address.is_global


class Dialer:
    """Opens connections within a reach."""

    __slots__ = ("_look_up", "_reach")

    def __init__(self, reach: Reach = Reach.CONFIGURED, look_up: LookUp | None = None) -> None:
        self._reach = reach
        self._look_up = look_up or _look_up

    async def connect(self, protocol: Callable[[], P], host: str, port: int, tls: ssl.SSLContext | None) -> P:
        """To the first address that takes the connection; one bad address among them and none is tried. Raises
        `UpstreamFailed` for what is out of reach, `OSError` for what cannot be connected to."""
        addresses = await self.addresses(host, port)
        loop = asyncio.get_running_loop()
        for number, address in enumerate(addresses, 1):
            try:
                _, made = await loop.create_connection(
                    protocol, address, port, ssl=tls, server_hostname=host if tls is not None else None
                )
            except OSError as error:
                if isinstance(error, ssl.SSLError) or number == len(addresses):
                    raise
            else:
                return made
        raise OSError(f"{host} stands for no address")

    async def addresses(self, host: str, port: int) -> list[str]:
        """What a host stands for now. Raises `UpstreamFailed` where any of it is out of reach."""
        found = [host] if _literal(host) else await self._look_up(host, port)
        for address in found:
            self.check(address)
        return found

    def check(self, address: str) -> None:
        """Raises `UpstreamFailed` for an address that is out of reach; the message does not tell clients which."""
        if not self._reach.permits(address):
            message = "The upstream's name leads to an address the gateway does not connect to. Its operator may allow"
            raise UpstreamFailed(f"{message} metadata addresses with `link_local`.", code="upstream_address")


async def _look_up(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _literal(host: str) -> bool:
    """Only addresses as they are usually written: the resolver reads `0x7f.1` as one too, and what it says counts."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _meanings(address: str) -> list[Address]:
    """The address, and the IPv4 address that an IPv6 one stands for on its way."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return [found]
    inner = [found.ipv4_mapped, found.sixtofour, found.teredo[1] if found.teredo else None]
    if found in TRANSLATED or (found.packed[:12] == bytes(12) and int(found) > 1):
        inner.append(IPv4Address(found.packed[12:]))
    whole: list[Address] = [] if found.ipv4_mapped else [found]
    return whole + [one for one in inner if one is not None]
