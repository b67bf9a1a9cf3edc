"""What the evidence for a release comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.releases import golive, verdicts
from gateway.releases.plan import Gate
from gateway.releases.protection import put_gate
from gateway.releases.verdicts import Proof
from gateway.store.engine import Store
from tests.releases.proven import HERE, SUITE, endpoint, people, prove, release


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        yield opened


def gated(connection: Connection, **asked: Any) -> str:
    """The digest that `bot` serves, behind a gate that asks for this of accuracy."""
    live = release(connection, temperature=0.1)
    endpoint(connection, live, protected=False)
    gate = Gate.model_validate({"requires": [{"metric": "accuracy", "suite": SUITE, **asked}]})
    put_gate(connection, HERE, "bot", gate, "", people(connection).ada)
    return live


def proof(connection: Connection, digest: str) -> Proof:
    return verdicts.prove(connection, golive.endpoint_row(connection, "bot"), digest, ())


@pytest.mark.parametrize("asked", [{"margin": 0.05}, {"superiority": True}])
def test_a_comparison_is_with_what_is_live(connection: Connection, asked: dict[str, Any]) -> None:
    live, candidate = gated(connection, **asked), release(connection, temperature=0.2)
    prove(connection, candidate, release(connection, temperature=0.3), better=200)
    assert "no evidence for accuracy" in proof(connection, candidate).missing
    prove(connection, candidate, live, better=200)
    assert proof(connection, candidate).passed


def test_what_is_no_comparison_takes_any_baseline(connection: Connection) -> None:
    gated(connection, at_least=0.9)
    candidate = release(connection, temperature=0.2)
    prove(connection, candidate, release(connection, temperature=0.3))
    assert proof(connection, candidate).passed
