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
from gateway.store import rollouts
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


def alphas(connection: Connection, digest: str) -> list[float | None]:
    return [decision.alpha for decision in proof(connection, digest).verdicts.values()]


def test_runs_share_the_error(connection: Connection) -> None:
    """4 of 110 only worse pass a margin of 10 points at an error of 2.5 %, and of 1.25 % no more."""
    live = gated(connection, margin=0.1)
    once, twice = release(connection, temperature=0.2), release(connection, temperature=0.3)
    prove(connection, once, live, worse=4, of=110)
    assert proof(connection, once).passed
    prove(connection, twice, live, worse=2, of=40)
    assert "underpowered" in proof(connection, twice).missing
    prove(connection, twice, live, worse=4, of=110)
    assert not proof(connection, twice).passed
    assert alphas(connection, twice) == [0.0125]
    prove(connection, twice, live)
    assert proof(connection, twice).passed
    assert alphas(connection, twice) == [0.00625]


def test_runs_from_before_it_was_turned_away_have_had_their_share(connection: Connection) -> None:
    live, candidate = gated(connection, margin=0.05), release(connection, temperature=0.2)
    prove(connection, candidate, live)
    assert alphas(connection, candidate) == [0.025]
    rollouts.turn_away(connection, "bot", candidate, "it is rude")
    assert not proof(connection, candidate).verdicts
    prove(connection, candidate, live)
    assert alphas(connection, candidate) == [0.0125]


def test_a_run_without_the_metric_takes_no_share(connection: Connection) -> None:
    live, candidate = gated(connection, margin=0.05), release(connection, temperature=0.2)
    prove(connection, candidate, live, metric="tone")
    assert "results have no accuracy" in proof(connection, candidate).missing
    prove(connection, candidate, live)
    assert alphas(connection, candidate) == [0.025]
