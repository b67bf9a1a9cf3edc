"""What tells a credential from what only looks like one: check sums, structure, and the marks of examples.

Each check takes the matched text and gives how sure it makes us, from 0 for a look-alike to 1 for what carries a right
check sum.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import Counter
from zlib import crc32

from guardrails.linear import Pattern

VERIFIED = 1.0
KNOWN = 0.95
"""The format is one that nothing else has."""
LIKELY = 0.8
"""Nothing but its form and its context says so."""
LONGEST = 4096
"""Characters of a credential that are looked at; of a longer one this much is found."""
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PLACEHOLDER = Pattern(
    r"example|sample|placeholder|change.?me|change.?it|dummy|redacted|removed|hidden|masked|insert|replace|todo|fixme"
    r"|foobar|your[_-]|[_-]here|my[_-]?(?:secret|token|key|pass)|xxxx|\*\*\*|\.\.\.|\x{2026}|0000000|1111111|123456789|abcdefgh|deadbeef"
    r"|\$\{|\{\{|\}\}|%\(|%s|<[a-z]|\$\(|process\.env|os\.environ|getenv|env\.|vault:|secretsmanager|keyvault|op://|ssm:",
    ignore_case=True,
)
UUID = Pattern(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


def made_up(text: str) -> bool:
    """Whether it stands for a credential, as in documentation: a placeholder, a run of one character."""
    return PLACEHOLDER.search(text) is not None or entropy(text) < min(2.0, 0.5 * math.log2(max(len(text), 2)))


def entropy(text: str) -> float:
    """Bits per character (Shannon), by how often each occurs; 0 for an empty text."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def known(text: str) -> float:
    return 0.0 if made_up(text) else KNOWN


def likely(text: str) -> float:
    return 0.0 if made_up(text) else LIKELY


def github(text: str) -> float:
    """The last six characters of GitHub's and npm's tokens are the CRC-32 of the others, in base 62
    (https://github.blog/engineering/behind-githubs-new-authentication-token-formats/)."""
    body = text.split("_", 1)[1]
    total = 0
    for sign in body[-6:]:
        total = total * 62 + BASE62.index(sign)
    return VERIFIED if crc32(body[:-6].encode()) == total else known(text)


def aws(text: str) -> float:
    """AWS writes EXAMPLE into the keys of its documentation."""
    return 0.0 if text.endswith("EXAMPLE") else known(text)


def jwt(text: str) -> float:
    """A header that is JSON and names an algorithm (RFC 7519). One that is longer than what was looked at has no
    signature yet."""
    parts = text.split(".")
    header, claims = _json(parts[0]), _json(parts[1])
    if not isinstance(header, dict) or not isinstance(header.get("alg"), str):
        return 0.0
    if len(parts) == 2:
        return KNOWN if len(text) >= LONGEST else 0.0
    return VERIFIED if isinstance(claims, dict) else KNOWN


def pypi(text: str) -> float:
    """A macaroon for pypi.org, which the fixed beginning says."""
    return VERIFIED if not made_up(text[25:]) else 0.0


def storage(text: str) -> float:
    """64 bytes in base64."""
    try:
        key = base64.b64decode(text.rpartition("AccountKey=")[2].partition(";")[0] or "-", validate=True)
    except binascii.Error:
        return 0.0
    return VERIFIED if len(key) == 64 and len(set(key)) > 16 else 0.0


def basic(text: str) -> float:
    """A name and a password in base64 (RFC 7617)."""
    packed = text.split()[-1]
    try:
        pair = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except ValueError:  # no base64, or no text
        return 0.0
    _, colon, password = pair.partition(":")
    return KNOWN if colon and password and pair.isprintable() and not made_up(password) else 0.0


def url(text: str) -> float:
    """A URL with a password that is none of a placeholder."""
    password = text.partition("://")[2].rpartition("@")[0].partition(":")[2]
    plain = password.lower() in ("password", "pass", "passwd", "secret", "pwd", "user", "token")
    return 0.0 if plain or len(password) < 3 or PLACEHOLDER.search(password) or len(set(password)) < 3 else KNOWN


def _json(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
