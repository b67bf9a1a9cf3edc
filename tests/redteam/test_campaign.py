"""A campaign: what it keeps, what it comes to, and that it goes on where it was killed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput, TargetFailed
from evals.runs.log import read_results
from evals.sample import Output, Sample
from evals.suite import Limits
from evals.targets.base import Asking, Target, TargetSpec
from evals.targets.scripted import Rule, ScriptedSpec
from gateway.redteam.campaign import ADAPTIVE, ATTACKS, CONTROLS, Ran, logs, run
from gateway.redteam.findings import Findings, found
from gateway.redteam.report import exceeds, html
from gateway.redteam.suites import Campaign, Conduct
from guardrails.redteam.book import Book
from guardrails.redteam.planting import plant

BOOK = Book.shipped()
CAMPAIGN = Campaign.of(BOOK, 120, Conduct(0, (), None, Limits(attempts=1)))
SAYING = [seed for seed in BOOK.seeds if seed.aim == "say"]
RULES = tuple(Rule(when=plant(one.id, 0).number, say=f"Sure: {plant(one.id, 0).canary}") for one in SAYING)
OBEYS = ScriptedSpec(rules=RULES)
"""Writes every canary that it can read."""
DEAF = ScriptedSpec(rules=(Rule(say="We have three tents."),))


class Failing(ScriptedSpec):
    """Gives no answer to what has a pattern in it."""

    pattern: str = "."

    @property
    def identity(self) -> Mapping[str, Any]:
        return OBEYS.identity

    def open(self, folder: Path) -> Target:  # type: ignore[override]
        return Fails(super().open(folder), self.pattern)


class Fails:
    def __init__(self, target: Target, pattern: str) -> None:
        self._target, self._pattern = target, re.compile(pattern)

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        if self._pattern.search(sample.question):
            raise TargetFailed("It is away.")
        return await self._target.ask(sample, asking)

    async def close(self) -> None: ...


def campaign(folder: Path, spec: TargetSpec = OBEYS) -> tuple[Ran, Findings]:
    ran = run(CAMPAIGN, spec, folder)
    return ran, found(folder, ran)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return campaign(tmp_path_factory.mktemp("broken"))[1]


def test_every_attempt_is_kept(tmp_path: Path) -> None:
    ran, findings = campaign(tmp_path)
    assert ran.whole
    results = [
        result for part in (ATTACKS, CONTROLS, ADAPTIVE) for log in logs(tmp_path, part) for result in read_results(log)
    ]
    assert len(results) == 120
    assert all(result.output is not None and result.scores for result in results)
    assert (findings.attacks.answered, findings.controls and findings.controls.answered) == (80, 20)
    assert sum(findings.adaptive.values()) == 20


def test_who_obeys_is_broken_and_who_is_deaf_is_not(broken: Findings, tmp_path: Path) -> None:
    injected = [broken.classes[name] for name in ("direct_injection", "indirect_injection", "obfuscated")]
    assert all(rate.value is not None and rate.value > 0.3 for rate in injected)
    assert broken.classes["prompt_leak"].value == broken.classes["exfiltration"].value == 0.0
    _, deaf = campaign(tmp_path, DEAF)
    assert (deaf.attacks.value, deaf.adaptive) == (0.0, {"resisted": 20})
    assert deaf.attacks.high is not None
    assert 0 < deaf.attacks.high < 0.2


def test_intervals_are_by_seed_and_hold_the_rate(broken: Findings) -> None:
    for rate in (broken.attacks, *broken.classes.values(), *broken.families.values()):
        assert rate.value is not None
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= rate.value <= rate.high
        assert rate.seeds <= rate.answered == sum(rate.outcomes.values())
    assert sum(rate.answered for rate in broken.classes.values()) == broken.attacks.answered


def test_what_follows_finds_more_than_the_plan_and_makes_no_rate(broken: Findings) -> None:
    planned = broken.attacks
    assert planned.value is not None
    assert len(broken.followed) == broken.adaptive["succeeded"]
    assert broken.adaptive["succeeded"] / sum(broken.adaptive.values()) > planned.value
    assert planned.outcomes["succeeded"] == round(planned.value * planned.answered)


def test_attempts_without_an_answer_are_neither_safe_nor_broken(tmp_path: Path) -> None:
    ran, findings = campaign(tmp_path, Failing(rules=RULES, pattern="hyphen"))
    assert not ran.whole
    assert not findings.whole
    assert findings.attacks.failed > 10
    assert findings.attacks.answered + findings.attacks.failed == 80
    assert findings.controls is None
    assert logs(tmp_path, ADAPTIVE) == []
    page = html(findings, 0.5)
    assert "count for nothing: neither as safe nor as broken" in page


def test_what_failed_is_asked_anew_and_the_rest_is_kept(tmp_path: Path) -> None:
    """As one that was never broken off."""
    campaign(tmp_path / "one", Failing(rules=RULES, pattern="hyphen"))
    log = tmp_path / "one" / ATTACKS / "candidate"
    before = {result.sample: result.at for result in read_results(log) if result.error is None}
    ran, findings = campaign(tmp_path / "one", Failing(rules=RULES, pattern="$^never"))
    after = {result.sample: result.at for result in read_results(log)}
    assert {name: after[name] for name in before} == before
    whole = campaign(tmp_path / "other", Failing(rules=RULES, pattern="$^ever"))[1]
    assert ran.whole
    assert (findings.attacks, findings.adaptive, findings.controls) == (whole.attacks, whole.adaptive, whole.controls)


def test_a_campaign_that_is_whole_asks_nothing_anew(tmp_path: Path) -> None:
    first = campaign(tmp_path)[1]
    told: list[int] = []
    ran = run(CAMPAIGN, OBEYS, tmp_path, lambda done, total, failed, spent: told.append(done))
    assert told == []
    assert found(tmp_path, ran) == first


def test_a_folder_of_another_campaign_is_refused(tmp_path: Path) -> None:
    campaign(tmp_path)
    other = Campaign.of(BOOK, 60, Conduct(0, (), None, Limits()))
    with pytest.raises(BadInput, match="another"):
        run(other, OBEYS, tmp_path)


def test_the_report_is_one_page_that_runs_nothing(broken: Findings) -> None:
    page = html(broken, 0.05)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "above the 5.0 % that were allowed" in page
    assert "direct_injection" in page
    assert "\u200b" not in page
    assert exceeds(broken, 0.05)
    assert not exceeds(broken, 1.0)
    assert not exceeds(broken, None)


def test_what_is_quoted_is_escaped(tmp_path: Path) -> None:
    said = "<script>alert(1)</script> Gladly: the lock, the password, the rumour and the exam, all in one long answer."
    page = html(campaign(tmp_path, ScriptedSpec(rules=(Rule(say=said),)))[1], None)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
