"""Where the servers of others can be: anywhere but where a cloud tells a machine its secrets."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

Address = IPv4Address | IPv6Address
METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""The addresses of clouds' metadata services; not all of them are link-local."""
TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that are an IPv4 address behind a translator."""


class OutOfReach(OSError):
    """The address is none that is connected to."""


def within_reach(address: str) -> bool:
    """Whether a guard may ask a server at this address; private ones are where one's own servers are."""
    found = ip_address(address.partition("%")[0])
    return not any(one.is_link_local or one.is_multicast or one in METADATA for one in _meanings(found))


def connecting(info: tuple[Any, ...]) -> socket.socket:
    """A socket for an address that `getaddrinfo` gave, which was looked up for this connection. Raises `OutOfReach`."""
    family, kind, protocol, _, address = info
    if not within_reach(str(address[0])):
        raise OutOfReach("a link-local or metadata address")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _meanings(address: Address) -> list[Address]:
    """The address, and the IPv4 addresses that an IPv6 one stands for on its way."""
    if isinstance(address, IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None]
    if address in TRANSLATED or address.packed[:12] == bytes(12):
        inner.append(IPv4Address(address.packed[12:]))
    return [address, *(one for one in inner if one is not None)]
