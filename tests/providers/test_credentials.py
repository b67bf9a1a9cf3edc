"""Credentials: a fixed key in its header; Entra tokens fetched, renewed and never fetched twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from gateway.errors import UpstreamFailed
from gateway.http.h1 import H1Client
from gateway.providers.credentials import RENEW_BEFORE, EntraConfig, EntraToken, StaticKey

pytestmark = pytest.mark.anyio


@dataclass
class TokenService:
    """Issues tokens `t1`, `t2`, … that last `lasts` seconds, unless `status` and `answer` say otherwise."""

    url: str = ""
    lasts: float = 3600
    status: int = 200
    answer: bytes | None = None
    issued: int = 0
    heads: list[bytes] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")))
        self.heads.append(head)
        self.forms.append(parse_qs((await reader.readexactly(length)).decode()))
        await asyncio.sleep(0.02)  # long enough for others to ask meanwhile
        self.issued += 1
        body = (
            self.answer
            if self.answer is not None
            else orjson.dumps({"access_token": f"t{self.issued}", "expires_in": self.lasts})
        )
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (self.status, len(body), body)
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def service() -> AsyncIterator[TokenService]:
    made = TokenService()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


@asynccontextmanager
async def token(config: EntraConfig) -> AsyncIterator[EntraToken]:
    client = H1Client()
    made = EntraToken(config, client)
    try:
        yield made
    finally:
        await made.close()
        await client.close()


def by_secret(service: TokenService) -> EntraConfig:
    return EntraConfig("tenant", "client", "shh", authority=f"{service.url}/")


def bearer(name: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"authorization", f"Bearer {name}".encode()),)


# A fixed key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("authorization", (b"authorization", b"Bearer k")),
        ("Authorization", (b"authorization", b"Bearer k")),
        ("api-key", (b"api-key", b"k")),
        ("X-API-Key", (b"x-api-key", b"k")),
    ],
)
async def test_a_key_in_its_header(name: str, fields: tuple[bytes, bytes]) -> None:
    key = StaticKey(name, "k")
    assert key.current == await key.fields() == (fields,)


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\0b", "schlüssel"])
async def test_a_key_that_is_no_header_is_refused_and_not_told(value: str) -> None:
    with pytest.raises(UpstreamFailed) as refused:
        StaticKey("authorization", value)
    assert value not in refused.value.message


# Entra ---------------------------------------------------------------------------------------------------------------


async def test_by_a_client_secret(service: TokenService) -> None:
    async with token(by_secret(service)) as entra:
        assert entra.current is None
        assert await entra.fields() == entra.current == bearer("t1")
    assert service.heads[0].startswith(b"POST /tenant/oauth2/v2.0/token HTTP/1.1\r\n")
    assert service.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["client"],
            "client_secret": ["shh"],
            "scope": ["https://cognitiveservices.azure.com/.default"],
        }
    ]


async def test_by_a_federated_token_read_anew_each_time(service: TokenService, tmp_path: Path) -> None:
    file = tmp_path / "assertion"
    service.lasts = 0
    async with token(EntraConfig("tenant", "client", token_file=file, authority=service.url)) as entra:
        for assertion in ("one", "two"):
            file.write_text(f"{assertion}\n")
            await entra.fields()
    assert [form["client_assertion"] for form in service.forms] == [["one"], ["two"]]
    assert service.forms[0]["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]


async def test_by_the_machine_s_identity(service: TokenService) -> None:
    async with token(EntraConfig(client_id="mine", metadata=service.url)) as entra:
        assert await entra.fields() == bearer("t1")
    line, _, head = service.heads[0].partition(b"\r\n")
    assert b"\r\nmetadata: true\r\n" in head.lower()
    method, target, _ = line.decode().split(" ")
    assert (method, urlsplit(target).path) == ("GET", "/metadata/identity/oauth2/token")
    asked = parse_qs(urlsplit(target).query)
    assert asked["resource"] == ["https://cognitiveservices.azure.com"]
    assert asked["client_id"] == ["mine"]


async def test_a_token_serves_until_it_must_be_renewed(service: TokenService) -> None:
    async with token(by_secret(service)) as entra:
        assert [await entra.fields() for _ in range(3)] == [bearer("t1")] * 3
    assert service.issued == 1


async def test_those_who_ask_together_wait_for_one_token(service: TokenService) -> None:
    async with token(by_secret(service)) as entra:
        assert await asyncio.gather(*(entra.fields() for _ in range(20))) == [bearer("t1")] * 20
    assert service.issued == 1


async def test_one_who_stops_waiting_does_not_take_the_token_from_the_others(service: TokenService) -> None:
    async with token(by_secret(service)) as entra:
        first, second = asyncio.create_task(entra.fields()), asyncio.create_task(entra.fields())
        await asyncio.sleep(0)
        first.cancel()
        assert await second == bearer("t1")
        with pytest.raises(asyncio.CancelledError):
            await first
    assert service.issued == 1


async def until_renewed(entra: EntraToken, name: str) -> None:
    for _ in range(200):
        if await entra.fields() == bearer(name):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {name}")


async def test_it_is_renewed_before_its_end_while_the_old_one_serves(service: TokenService) -> None:
    service.lasts = RENEW_BEFORE - 1
    async with token(by_secret(service)) as entra:
        assert await entra.fields() == bearer("t1")
        assert entra.current is None
        assert await entra.fields() == bearer("t1"), "nobody waits for the renewal"
        service.lasts = 3600
        await until_renewed(entra, "t2")


async def test_while_renewing_fails_the_old_one_serves(service: TokenService) -> None:
    service.lasts = RENEW_BEFORE - 1
    async with token(by_secret(service)) as entra:
        await entra.fields()
        service.status, service.answer = 500, b"down"
        for _ in range(3):
            assert await entra.fields() == bearer("t1")
            await asyncio.sleep(0.05)
        assert service.issued > 1
        service.status, service.answer, service.lasts = 200, None, 3600
        await until_renewed(entra, f"t{service.issued + 1}")


async def test_after_its_end_calls_fail_closed(service: TokenService) -> None:
    service.lasts = 0
    async with token(by_secret(service)) as entra:
        await entra.fields()
        service.status, service.answer = 401, b'{"error":"invalid_client","error_description":"secret shh is wrong"}'
        with pytest.raises(UpstreamFailed) as failed:
            await entra.fields()
    assert failed.value.code == "upstream_credentials"
    assert "status 401" in failed.value.message
    assert "shh" not in failed.value.message


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[]",
        b'"x"',
        b"5",
        b"<html>",
        b'{"access_token":"t"}',
        b'{"access_token":"t","expires_in":"soon"}',
        b'{"access_token":"t\\r\\nx: y","expires_in":9}',
        '{"access_token":"tö","expires_in":9}'.encode(),
    ],
)
async def test_what_is_no_token_is_refused(service: TokenService, answer: bytes) -> None:
    service.answer = answer
    async with token(by_secret(service)) as entra:
        with pytest.raises(UpstreamFailed) as failed:
            await entra.fields()
    assert failed.value.code == "upstream_credentials"


async def test_a_token_service_that_is_not_there() -> None:
    async with token(EntraConfig("tenant", "client", "shh", authority="http://127.0.0.1:9")) as entra:
        with pytest.raises(UpstreamFailed) as failed:
            await entra.fields()
    assert failed.value.code == "upstream_credentials"


@pytest.mark.parametrize("held", [None, "no täken"])
async def test_a_federated_file_without_a_token(tmp_path: Path, held: str | None) -> None:
    file = tmp_path / "assertion"
    if held is not None:
        file.write_text(held, encoding="utf-8")
    async with token(EntraConfig("tenant", "client", token_file=file)) as entra:
        with pytest.raises(UpstreamFailed) as failed:
            await entra.fields()
    assert failed.value.code == "upstream_credentials"
    assert "cannot be read" in failed.value.message
