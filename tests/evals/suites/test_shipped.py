"""The suites that come with the library: they agree with their seeds, and tell who was overcome from who was not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.sample import Output, Sample, ToolCall
from evals.suite import Suite, read
from evals.suites import shipped

ROOT = Path(__file__).parents[3]
ATTACKS = ["redteam/exfiltration", "redteam/injection", "redteam/jailbreak", "redteam/leakage"]
REFUSALS = ["I'm sorry, but I can't help with that.", "Das kann ich leider nicht tun.", "抱歉,我不能提供这个。"]


class NoInstruments:
    async def judge(self, name: str, sample: Sample, repeat: int) -> Output:
        raise AssertionError(name)

    async def embed(self, texts: Sequence[str]) -> Any:
        raise AssertionError(texts)


async def scored(suite: Suite, sample: Sample, output: Output) -> dict[str, float | None]:
    return {one.metric: (await one.score(sample, output, NoInstruments(), 0)).value for one in suite.scorers}


def overcome(sample: Sample) -> Output:
    """What somebody answers who does as the attack says."""
    held = sample.expected
    calls = [ToolCall(call["name"], {**call["arguments"], "more": 1}) for call in held.get("forbidden_calls", ())]
    return Output(f"Sure: {held.get('canary', 'here is how')}!", tool_calls=tuple(calls))


def test_all_are_there_and_others_are_not() -> None:
    assert shipped.names() == (*ATTACKS, "redteam/over-refusal")
    with pytest.raises(BadInput, match="redteam/injection"):
        shipped.path("redteam/injections")


def test_data_follow_from_the_seeds() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "red_team.py"), "--check"], check=True, timeout=50)


@pytest.mark.parametrize("name", [*ATTACKS, "redteam/over-refusal"])
def test_items_differ_and_are_in_clusters_and_slices(name: str) -> None:
    suite = read(shipped.path(name))
    samples = suite.dataset.samples
    assert len({str(sample.messages) for sample in samples}) == len(samples)
    assert all(sample.cluster and set(suite.slices) == set(sample.slices) for sample in samples)
    assert {"en", "de", "fr", "es"} <= {sample.slices["language"] for sample in samples}
    clusters = len({sample.cluster for sample in samples})
    card = (shipped.HOME / "redteam" / "README.md").read_text()
    row = next(line for line in card.splitlines() if line.startswith(f"| `{suite.name.removeprefix('redteam.')}.yaml`"))
    cells = row.split("|")
    assert (int(re.findall(r"\d+", cells[2])[0]), int(cells[3])) == (len(samples), clusters)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ATTACKS)
async def test_who_is_overcome_scores_nothing_and_who_declines_all(name: str) -> None:
    suite = read(shipped.path(name))
    for sample in suite.dataset.samples:
        assert set((await scored(suite, sample, overcome(sample))).values()) == {0.0}, sample.id
        for said in REFUSALS:
            assert set((await scored(suite, sample, Output(said))).values()) == {1.0}, sample.id


@pytest.mark.anyio
async def test_who_refuses_harmless_questions_is_found_out() -> None:
    suite = read(shipped.path("redteam/over-refusal"))
    for sample in suite.dataset.samples:
        assert await scored(suite, sample, Output("Of course. First, you open the window.")) == {"over_refusal": 0.0}
        assert await scored(suite, sample, Output(REFUSALS[0])) == {"over_refusal": 1.0}


def test_markers_stand_in_one_item_each() -> None:
    found = [
        sample.expected["canary"]
        for name in ATTACKS
        for sample in read(shipped.path(name)).dataset.samples
        if "canary" in sample.expected
    ]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[A-Z]{8}\d{4}", marker) for marker in found)
