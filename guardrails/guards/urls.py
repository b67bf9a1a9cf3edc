"""Addresses that carry something out, or hide where they lead."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, Field, StringConstraints

from guardrails.canonical.bytes import readable
from guardrails.canonical.confusables import LATIN
from guardrails.guard import Finder
from guardrails.linear import Pattern, any_of
from guardrails.passage import STAGES, Stage, Surroundings
from guardrails.verdict import Span

REACH = 2048
"""Characters of an address that are looked at; of a longer one this much is found."""
WORD = 40
"""Characters at the end in which an address may be beginning."""
DELIMITERS = " \t\n\r\f\"'`()<>|\\"
BEGINS = Pattern(
    r"://|\b(?:javascript|vbscript):|\bdata:[a-z]{2,12}/[a-z0-9.+-]{2,24}[;,]|\bwww\.|[(=\"']//[A-Za-z0-9]",
    ignore_case=True,
)
LONGEST_SCHEME = 21
PICTURE = Pattern(
    r"!\[[^\]\n]*\]\(\s*<?$|<(?:img|iframe|script|link|video|audio|source|embed|object)\b[^<>]*$", ignore_case=True
)
BEFORE = 256
"""Characters before an address in which stands what it is for."""
COLLECTORS = Pattern(
    r"(?:^|\.)"
    + any_of(
        "webhook.site", "requestbin.com", "requestbin.net", "pipedream.net", "beeceptor.com", "hookbin.com", "ngrok.io",
        "ngrok.app", "ngrok-free.app", "oast.fun", "oast.pro", "oast.live", "oast.site", "oast.online", "oast.me",
        "interact.sh", "burpcollaborator.net", "oastify.com", "dnslog.cn", "ceye.io", "canarytokens.com", "postb.in",
        "trycloudflare.com", "serveo.net", "localhost.run", "requestcatcher.com", "typedwebhook.tools", "loca.lt",
    )
    + "$"
)  # fmt: skip
"""Where people collect what others send, without an account or a server of their own."""
BLANK = Pattern(r"\{[^{}\s]{1,40}\}|\$\{|%7B|\[[A-Z_ ]{3,40}\]|<[a-z_ ]{3,40}>")
PACKED = Pattern(r"[A-Za-z0-9+_-]{16,}={0,2}")


def _host(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,252}", value):
        raise ValueError("write a host alone, as example.com; those under it are allowed with it")
    return value


Host = Annotated[str, StringConstraints(to_lower=True), AfterValidator(_host)]


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of a URL; `user` is what stands before an @."""

    scheme: str
    user: str
    host: str
    rest: str


class Urls(Finder):
    """Found are pictures and the like, which are fetched without being asked for, from hosts that are not allowed;
    addresses with data in them or with a place for it; those of collecting services; raw IP addresses; names that look
    like others; and `javascript:` and `data:` documents.

    `allow` are hosts to which everything may lead, each with those under it. Where it is given, every address that
    leads elsewhere is found."""

    about: ClassVar[str] = "Addresses that carry data out or hide where they lead: pictures, queries, IPs, look-alikes"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    reach: ClassVar[int] = REACH + BEFORE
    guard: Literal["urls"] = "urls"
    allow: tuple[Host, ...] = Field((), max_length=10_000, description="Hosts that are allowed, with those under them.")

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        found = []
        for start, end in _addresses(text):
            said = text[start:end]
            label, score = self._judged(said, PICTURE.search(text[max(start - BEFORE, 0) : start]) is not None)
            if score:
                found.append(Span(start, end, label, score))
        return found

    def settled(self, text: str) -> int:
        word = _last_word(text)
        starts = [max(word, len(text) - WORD)]
        starts += [start for start in _beginnings(text, max(word - 1, 0)) if start >= word]
        return max(min(starts), len(text) - REACH, 0)

    def _judged(self, said: str, fetched: bool) -> tuple[str, float]:
        if said[:11].lower().startswith(("javascript:", "vbscript:")):
            return "script", 0.9
        if said[:5].lower() == "data:":
            return ("document", 0.8) if said[5:11].lower() != "image/" or "svg" in said[:24] else ("", 0.0)
        address = parse(said)
        if self._allowed(address.host):
            return "", 0.0
        reasons = [*_of_host(address), *_of_data(address, fetched)]
        if fetched:
            reasons.append(("picture", 0.6))
        elif self.allow and address.host:
            reasons.append(("unknown host", 0.6))
        return max(reasons, key=lambda one: one[1], default=("", 0.0))

    def _allowed(self, host: str) -> bool:
        return any(host == one or host.endswith(f".{one}") for one in self.allow)


def parse(url: str) -> Address:
    """What browsers would make of it, as far as its host goes; never raises."""
    scheme, _, after = url.rpartition("//") if url.startswith("//") else url.partition("://")
    if not after and "://" not in url:
        scheme, after = "", url.lstrip("/")
    authority = after.replace("\\", "/")
    for sign in "/?#":
        authority = authority.partition(sign)[0]
    user, _, host = authority.rpartition("@")
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return Address(scheme.lower(), user, unquote(name).lower().rstrip("."), after[len(authority) :])


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """One at most in a run of what addresses are made of."""
    end = 0
    for start in _beginnings(text, 0):
        if start >= end:
            end = _word_end(text, start)
            last = start + len(text[start:end].rstrip(".,;:!?*_]}"))
            if last > start + 6:
                yield start, last


def _beginnings(text: str, since: int) -> Iterator[int]:
    for found in BEGINS.finditer(text[since:]):
        start, first = since + found.start(), found.group()[0]
        if first == ":":
            start = _scheme(text, start)
            if start >= 0:
                yield start
        else:
            yield start + (first in "(=\"'")


def _scheme(text: str, end: int) -> int:
    """Where the scheme starts that ends there, -1 where there is none."""
    start = end
    while (
        start > max(end - LONGEST_SCHEME, 0)
        and text[start - 1].isascii()
        and (text[start - 1].isalnum() or text[start - 1] in "+.-")
    ):
        start -= 1
    while start < end and not text[start].isalpha():
        start += 1
    return start if end - start > 1 else -1


def _word_end(text: str, start: int) -> int:
    window = text[start : start + REACH]
    places = (window.find(sign) for sign in DELIMITERS)
    return start + min((place for place in places if place >= 0), default=len(window))


def _last_word(text: str) -> int:
    since = max(len(text) - REACH, 0)
    return max(max(text.rfind(sign, since) for sign in DELIMITERS) + 1, since)


def _of_host(address: Address) -> Iterator[tuple[str, float]]:
    host = address.host
    if COLLECTORS.search(host):
        yield "collector", 0.9
    if "." in address.user or "%" in address.user:
        yield "misleading host", 0.8
    if _looks_like_another(host):
        yield "look-alike host", 0.9
    raw = _ip(host)
    if raw is not None:
        yield "ip address", raw


def _looks_like_another(host: str) -> bool:
    """A name that is written with characters that are taken for Latin letters, in part or as a whole."""
    for part in host.split("."):
        try:
            plain = part.encode("ascii").decode("idna") if part.startswith("xn--") else part
        except UnicodeError:
            return True
        if not plain.isascii() and any(ord(sign) in LATIN for sign in plain):
            return all(sign.isascii() or ord(sign) in LATIN for sign in plain)
    return False


def _ip(host: str) -> float | None:
    """How grave a raw address is: that of this machine is none, those of cloud metadata are."""
    try:
        number = ip_address(int(host, 0)) if host.isdecimal() or host.startswith("0x") else ip_address(host)
    except ValueError:
        return None
    if number.is_loopback or number.is_unspecified:
        return None
    return 0.9 if number.is_link_local else 0.5 if number.is_private else 0.7


def _of_data(address: Address, fetched: bool) -> Iterator[tuple[str, float]]:
    """What its path and its query carry."""
    if fetched and (BLANK.search(address.rest) or BLANK.search(address.host)):
        yield "place for data", 0.9
    if any(_unpacked(found.group()) for found in PACKED.finditer(address.host.partition(".")[0] + " " + address.rest)):
        yield "data", 0.9
    query = address.rest.partition("?")[2]
    values = [unquote(pair.partition("=")[2].replace("+", " ")) for pair in query.split("&")]
    longest = max(values, key=len, default="")
    words = len(longest.split())
    if fetched and (words >= 3 or len(longest) >= 24):
        yield "data", 0.9
    elif len(longest) >= 160 or words >= 16:
        yield "data", 0.6


def _unpacked(said: str) -> bool:
    """Whether it is a text in base64 or hex."""
    plain = said.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        if readable(bytes.fromhex(plain)):
            return True
    except ValueError:
        pass
    whole = plain[:-1] if len(plain) % 4 == 1 else plain
    try:
        return readable(base64.b64decode(whole + "=" * (-len(whole) % 4))) is not None
    except binascii.Error:
        return False
