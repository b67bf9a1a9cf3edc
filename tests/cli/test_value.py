"""`sluice value`: figures as people read them, and as machines do."""

from __future__ import annotations

import re

import httpx
import orjson
import pytest

from tests.cli.conftest import Sluice
from tests.running import Gateway

ASKED = {"model": "support-bot", "messages": [{"role": "user", "content": "What is the capital?"}]}


@pytest.fixture
def served(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few calls, one of them of worth. Commands go to their gateway."""
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    ids = [
        httpx.post(f"{gateway.api}/chat/completions", json=ASKED, headers=gateway.headers).headers["x-request-id"]
        for _ in range(3)
    ]
    for call in ids:
        gateway.record(call)
    said = {"call": ids[0], "score": 1, "value": {"amount": 2.5}, "minutes_saved": 4}
    assert httpx.post(f"{gateway.api}/feedback", json=said, headers=gateway.headers).json()["bound"]


@pytest.mark.usefixtures("served")
def test_as_people_read_it(sluice: Sluice) -> None:
    done = sluice("value", "support-bot", "--since", "1h", "--hourly-rate", "60")
    assert done.code == 0, done.err
    assert re.search(r"^support-bot from .* to ", done.out, re.MULTILINE)
    for figure in ("calls", "cost a call, USD", "p95, ms", "errors, %", "scores.helpful", "value a call, USD"):
        assert re.search(rf"^{figure} ", done.out, re.MULTILINE), figure
    assert re.search(r"^errors, % +0 \(", done.out, re.MULTILINE)


@pytest.mark.usefixtures("served")
def test_as_machines_read_it(sluice: Sluice) -> None:
    found = orjson.loads(sluice("value", "support-bot", "--json").out)
    assert (found["object"], found["endpoint"], found["hourly_rate"]) == ("value", "support-bot", None)
    assert found["served"]["totals"]["value"] >= 2_500_000


@pytest.mark.usefixtures("served")
def test_nobody_has_called_it(sluice: Sluice) -> None:
    done = sluice("value", "support-bot", "--until", "2000-01-01", "--since", "1999-01-01")
    assert (done.code, "Nobody has called it." in done.out) == (0, True)
    assert sluice("value", "nowhere").code == 1
