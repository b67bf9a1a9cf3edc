"""`sluice redteam` as it is typed: what it plans, and what it refuses."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Sluice


def test_a_plan_asks_nothing_and_tells_the_suites(sluice: Sluice) -> None:
    done = sluice("redteam", "--plan", "--json", "--budget", "120")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [told[part]["attempts"] for part in ("attacks", "controls", "adaptive")] == [80, 20, 20]
    assert (told["attacks"]["metric"], told["controls"]["metric"]) == ("attack_success", "over_blocked")
    assert told["seeds"] > 60
    again = json.loads(sluice("redteam", "--plan", "--json", "--budget", "120").out)
    other = json.loads(sluice("redteam", "--plan", "--json", "--budget", "120", "--seed", "1").out)
    assert again == told
    assert other["attacks"]["suite"] != told["attacks"]["suite"]
    people = sluice("redteam", "--plan", "--budget", "120").out
    assert f"attack_success of suite {told['attacks']['suite']}" in people


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "an ENDPOINT, or --base-url"),
        (("bot", "--base-url", "http://127.0.0.1:9/v1"), "an ENDPOINT, or --base-url"),
        (("--base-url", "http://127.0.0.1:9/v1"), "Add --model"),
        (("--base-url", "ftp://x", "--model", "m"), "base_url"),
        (("bot", "--model", "m"), "go with --base-url"),
        (("bot", "--budget", "10"), "take 48 at least"),
        (("bot", "--post"), "ENDPOINT@DIGEST"),
        (("bot@123", "--post"), "release"),
        (("bot",), "SLUICE_KEY"),
    ],
)
def test_what_cannot_be_done_is_said(
    sluice: Sluice, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLUICE_KEY", raising=False)
    done = sluice("redteam", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
