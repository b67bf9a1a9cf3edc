"""Where connections may lead: what is checked is what is connected to, at every new connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed, UpstreamTimeout
from gateway.http.addresses import Dialer, Reach
from gateway.http.base import HttpClient, Target, Timeouts
from gateway.http.h1 import H1Client
from gateway.http.proxied import ProxiedClient

METADATA = ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"]
LINK_LOCAL = ["169.254.0.1", "169.254.170.2", "fe80::1", "fe80::1%1"]
DISGUISED = [
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::a9fe:a9fe",
]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1", "100.64.0.1"]
NOWHERE = ["0.0.0.0", "::", "240.0.0.1", "255.255.255.255"]
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
CERTIFICATE = Path(__file__).parent / "named.invalid.pem"
SOON = Timeouts(connect=5, first_byte=5, idle=5, total=5)


@pytest.mark.parametrize("address", [*METADATA, *LINK_LOCAL, *DISGUISED, "224.0.0.1", "ff02::1"])
def test_no_upstream_is_at_a_metadata_or_link_local_address(address: str) -> None:
    assert not Reach.PUBLIC.permits(address)
    assert not Reach.CONFIGURED.permits(address)
    assert Reach.ANYWHERE.permits(address)


@pytest.mark.parametrize("address", [*PRIVATE, *NOWHERE])
def test_what_is_private_is_the_operator_s_to_name(address: str) -> None:
    assert not Reach.PUBLIC.permits(address)
    assert Reach.CONFIGURED.permits(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_within_every_reach(address: str) -> None:
    assert all(reach.permits(address) for reach in Reach)


@given(st.ip_addresses())
def test_a_wider_reach_permits_more(address: object) -> None:
    permitted = [reach.permits(str(address)) for reach in (Reach.PUBLIC, Reach.CONFIGURED, Reach.ANYWHERE)]
    assert permitted == sorted(permitted)


# Clients -------------------------------------------------------------------------------------------------------------


class Names:
    """A name server that says one thing after another."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


@asynccontextmanager
async def server(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """Its port, and the address of ours that each connection was made to."""
    met: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, host, port, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1], met


async def asked(client: HttpClient, host: str, port: int) -> bytes:
    reply = await client.send(Target(f"http://{host}:{port}/"), b"{}", SOON)
    return await reply.read()


@pytest.mark.anyio
async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """A name nobody else knows, so only the answer that was checked can have led there; asked once a connection."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with server() as (port, met), server("127.0.0.2", port) as (_, more):
        client = H1Client(dialer=Dialer(look_up=names))
        assert await asked(client, "rebound.invalid", port) == b"ok"
        assert await asked(client, "rebound.invalid", port) == b"ok"
        await client.close()
    assert names.asked == ["rebound.invalid"] * 2
    assert (met, more) == (["127.0.0.1"], ["127.0.0.2"])


@pytest.mark.anyio
async def test_a_name_that_is_rebound_is_refused_at_the_next_connection() -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "169.254.169.254"])
    async with server() as (port, met):
        client = H1Client(dialer=Dialer(look_up=names))
        assert await asked(client, "rebound.invalid", port) == b"ok"
        for _ in range(2):  # a good address beside the bad one does not help
            with pytest.raises(UpstreamFailed) as refused:
                await asked(client, "rebound.invalid", port)
            assert refused.value.code == "upstream_address"
            assert "169.254" not in refused.value.message
        await client.close()
    assert len(met) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [H1Client, ProxiedClient])
@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"])
async def test_both_clients_refuse_a_metadata_address(kind: type[H1Client | ProxiedClient], host: str) -> None:
    client = kind()
    with pytest.raises(UpstreamFailed) as refused:
        await asked(client, host, 80)
    await client.close()
    assert refused.value.code == "upstream_address"


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
async def test_an_address_in_disguise_is_what_the_resolver_takes_it_for(host: str) -> None:
    with pytest.raises(UpstreamFailed) as refused:
        await Dialer().addresses(host, 80)
    assert refused.value.code == "upstream_address"


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [H1Client, ProxiedClient])
async def test_what_others_chose_may_not_be_private(kind: type[H1Client | ProxiedClient]) -> None:
    """The reach for addresses that are not the operator's: this machine's own servers are beyond it."""
    async with server() as (port, met):
        client = kind(dialer=Dialer(Reach.PUBLIC))
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(UpstreamFailed) as refused:
                await asked(client, host, port)
            assert refused.value.code == "upstream_address"
        await client.close()
    assert met == []


@pytest.mark.anyio
async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    names = Names(["127.0.0.3", "127.0.0.1"], ["127.0.0.3", "127.0.0.4"], [])
    async with server() as (port, met):
        client = H1Client(dialer=Dialer(look_up=names))
        assert await asked(client, "two.invalid", port) == b"ok"
        for _ in range(2):
            with pytest.raises(UpstreamFailed) as failed:
                await asked(client, "none.invalid", port)
            assert failed.value.code == "upstream_unreachable"
        await client.close()
    assert met == ["127.0.0.1"]


@pytest.mark.anyio
async def test_the_machine_s_own_resolver_is_asked_by_default() -> None:
    assert set(await Dialer().addresses("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(socket.gaierror):
        await Dialer().addresses("nobody.invalid", 80)


@pytest.mark.anyio
async def test_a_name_server_that_never_answers_costs_the_time_to_connect() -> None:
    async def silent(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    client = H1Client(dialer=Dialer(look_up=silent))
    with pytest.raises(UpstreamTimeout) as late:
        await client.send(Target("http://silent.invalid/"), b"{}", Timeouts(connect=0.05))
    await client.close()
    assert late.value.code == "connect_timeout"


@pytest.mark.anyio
async def test_a_name_server_that_fails_is_an_upstream_that_cannot_be_reached() -> None:
    async def broken(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    client = H1Client(dialer=Dialer(look_up=broken))
    with pytest.raises(UpstreamFailed) as failed:
        await asked(client, "broken.invalid", 80)
    await client.close()
    assert failed.value.code == "upstream_unreachable"


@pytest.mark.anyio
async def test_a_certificate_is_held_against_the_name_and_not_the_address() -> None:
    """The certificate is a test's own, and good for `named.invalid` alone."""
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=CERTIFICATE)
    serving.load_cert_chain(CERTIFICATE)
    async with server(tls=serving) as (port, met):
        client = H1Client(trusting, Dialer(look_up=Names(["127.0.0.1"], ["127.0.0.1"])))
        reply = await client.send(Target(f"https://named.invalid:{port}/"), b"{}", SOON)
        assert await reply.read() == b"ok"
        with pytest.raises(UpstreamFailed) as refused:
            await client.send(Target(f"https://other.invalid:{port}/"), b"{}", SOON)
        assert refused.value.code == "upstream_tls"
        await client.close()
    assert len(met) == 1
