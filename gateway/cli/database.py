"""How commands reach the database."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway import configuration
from gateway.access import KeyHasher
from gateway.app import open_store, pepper
from gateway.audit import Act, Auditor
from gateway.signing import Signer


@dataclass(frozen=True, slots=True)
class Changing:
    """A change of the database by whoever is at the machine: it is audited in the transaction that makes it."""

    connection: Connection
    who: str
    hasher: KeyHasher
    signer: Signer

    def did(self, action: str, of: str, reason: str = "", **detail: Any) -> None:
        """What is done, to what; see `gateway.audit.Act`."""
        Auditor(self.signer).append(self.connection, self.who, None, Act(action, of, reason, detail))


@contextmanager
def changing(config: Path | None) -> Iterator[Changing]:
    """One transaction, to change something in."""
    chosen = configuration.load(config)
    with closing(open_store(chosen)) as store, store.begin() as connection:
        secret = pepper(chosen)
        yield Changing(connection, getpass.getuser(), KeyHasher(secret), Signer.of(secret))


@contextmanager
def reading(config: Path | None) -> Iterator[Connection]:
    """Everything as of one moment, however long it takes, while others go on writing."""
    with closing(open_store(configuration.load(config))) as store, store.reading() as connection:
        yield connection


@contextmanager
def transaction(config: Path | None) -> Iterator[Connection]:
    """One transaction on the database that the configuration names, committed at the end of the context."""
    with closing(open_store(configuration.load(config))) as store, store.begin() as connection:
        yield connection
