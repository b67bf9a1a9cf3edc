"""Injection through the header that holds the key: whatever it holds is looked up as a digest, and is no key."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.front.connection import CHAT, Connection, question
from tests.running import Gateway

LINES = [f"POST {CHAT} HTTP/1.1", "GET /v1/models HTTP/1.1", "GET /admin/keys HTTP/1.1"]
ATTEMPTS = {
    "SQL that is always true": b"' OR '1'='1' --",
    "SQL that ends a statement": b"x'); DROP TABLE keys; --",
    "SQL that joins": b"' UNION SELECT digest FROM keys --",
    "double quotes": b'" OR ""="',
    "a wildcard": b"%",
    "a glob": b"sk-*",
    "a format string": b"%s%s%n{0}{key.__class__}",
    "a template": b"{{7*7}}${7*7}#{7*7}",
    "a look-up": b"${jndi:ldap://127.0.0.1:9/a}",
    "a path": b"../../../../etc/passwd",
    "JSON": b'{"$ne": null}',
    "UTF-8": "sk-\N{SNOWMAN}\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
    "bytes that are no text": b"sk-\xff\xfe\x80",
    "a tab inside": b"sk-a\tb",
    "nothing": b"",
    "the word null": b"null",
    "60 KiB": b"a" * 60_000,
    "a list": b"sk-a, Bearer sk-b",
}


def send(client: Connection, line: str, *fields: bytes) -> int:
    body = question("x") if line.startswith("POST") else b""
    length = b"content-length: %d" % len(body)
    client.send(b"\r\n".join([line.encode(), b"host: gateway", *fields, length, b"", body]))
    return client.reply().status


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("case", ATTEMPTS)
def test_auth_header_injection(gateway: Gateway, case: str, line: str) -> None:
    for field in (b"authorization: Bearer " + ATTEMPTS[case], b"x-api-key: " + ATTEMPTS[case]):
        with Connection(gateway) as client:
            assert send(client, line, field) == 401


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("spoiled", [b"%b\0", b"\0%b", b"%b\0' OR 1=1"])
def test_a_zero_byte_ends_no_key(gateway: Gateway, line: str, spoiled: bytes) -> None:
    with Connection(gateway) as client:
        assert send(client, line, b"authorization: Bearer " + spoiled.replace(b"%b", gateway.key.encode())) == 400


def test_nothing_was_done_to_the_keys(gateway: Gateway) -> None:
    """After all that the table is there, and what was tried is not in it."""
    with closing(sqlite3.connect(gateway.config.parent / "data" / "sluice.db")) as database:
        digests = [row[0] for row in database.execute("SELECT digest FROM keys")]
    assert all(len(bytes.fromhex(digest)) == 32 for digest in digests)
    with Connection(gateway) as client:
        assert send(client, LINES[0], b"authorization: Bearer " + gateway.key.encode()) == 200
