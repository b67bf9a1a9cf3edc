"""What a first start makes: an admin key, and an endpoint to try it on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from gateway.access import KeyHasher
from gateway.keys import Grant, mint
from gateway.providers.build import identities
from gateway.releases.apply import apply
from gateway.releases.conduct import Actor
from gateway.releases.golive import Installation
from gateway.releases.manifest import parse
from gateway.settings import Settings
from gateway.signing import Signer
from gateway.store import catalogue, keys
from gateway.store.engine import Store

ADMIN = Grant(name="admin", roles=frozenset(("admin",)), endpoints=None, upstreams=None)
QUICK_START_UPSTREAM = "smollm2"


@dataclass(frozen=True, slots=True)
class First:
    """`key` is the new admin key, None where keys exist already; `seeded` says that `assistant` can be asked."""

    key: str | None
    seeded: bool


def first_start(store: Store, pepper: bytes, settings: Settings) -> First:
    """Idempotent: an installation that has a key is left as it is."""
    with store.begin() as connection:
        held = catalogue.load(connection)  # holds off others that start at the same time
        if keys.list_all(connection):
            return First(None, False)
        secret, _ = mint(connection, KeyHasher(pepper), ADMIN, "sluice serve")
        seeded = QUICK_START_UPSTREAM in settings.upstreams
        if seeded and not held.endpoints:
            text = files("gateway").joinpath("quickstart.yaml").read_text(encoding="utf-8")
            here = Installation(Signer.of(pepper), identities(settings))
            apply(connection, parse(text, "quickstart.yaml"), here, Actor("sluice serve", None))
        return First(secret, seeded)
