"""How commands reach the database."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway import configuration
from gateway.access import KeyHasher
from gateway.audit import Act, Auditor
from gateway.data_folder import open_store, pepper
from gateway.keys import LOCAL
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


def operator() -> str:
    """Whoever runs this command, as the system knows them (`LOGNAME` may say anything): `local:ada`. No key can belong
    to a name of this form, so nobody at the machine passes for somebody of the gateway."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        name = str(os.getuid())
    return f"{LOCAL}{name}"


@contextmanager
def changing(config: Path | None) -> Iterator[Changing]:
    """One transaction, to change something in."""
    chosen = configuration.load(config)
    with closing(open_store(chosen)) as store, store.begin() as connection:
        secret = pepper(chosen)
        yield Changing(connection, operator(), KeyHasher(secret), Signer.of(secret))


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
