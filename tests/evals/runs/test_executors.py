"""Every executor gives the same results, keeps the same budget, and refuses the same things."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.base import Executor
from evals.runs.executors.local import Local
from evals.runs.executors.ray import Ray
from evals.runs.log import read_results
from evals.runs.work import Work
from evals.suite import Suite
from tests.evals.judges.test_pairs import ALWAYS_FIRST
from tests.evals.making import suite_of

Making = Callable[[Work, Path, Budget], Executor]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two nodes of one core each, on this machine."""
    ray: Any = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2
    yield
    ray.shutdown()
    made.shutdown()
    with warnings.catch_warnings():  # Ray does not wait for the processes that it began
        warnings.simplefilter("ignore")
        del made
        gc.collect()


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.timeout(300))])
def making(request: pytest.FixtureRequest) -> Making:
    if request.param == "ray":
        request.getfixturevalue("cluster")
        return Ray
    return lambda work, path, budget: Local(work, AnswersFile(path), budget)


def results_of(making: Making, suite: Suite, folder: Path) -> list[Any]:
    """Without what differs from one day to another."""
    assert suite.target is not None
    other = suite.target.model_copy(update={"rules": (), "model": "another"})
    arms = [
        runner.Arm("candidate", suite.target, folder / "candidate"),
        runner.Arm("baseline", other, folder / "baseline"),
    ]
    headers = runner.run(suite, arms, lambda work: making(work, folder / "answers.db", Budget(suite.limits.micro_usd)))
    found = []
    for arm, header in zip(arms, headers, strict=True):
        for result in read_results(arm.folder):
            assert result.output is not None
            found.append((header.state, arm.name, result.sample, result.repeat, result.output.text, result.scores))
    return sorted(found, key=lambda one: one[:4])


def test_results_are_the_same_to_the_bit(tmp_path: Path, making: Making) -> None:
    scorers = ["exact", {"kind": "contains", "texts": ["what"]}]
    suite = suite_of(tmp_path, repeats=2, scorers=scorers, limits={"concurrency": 3})
    assert suite.target is not None
    expected = results_of(lambda work, path, budget: Local(work, AnswersFile(path), budget), suite, tmp_path / "here")
    assert len(expected) == 12 * 2 * 2
    assert results_of(making, suite, tmp_path / "there") == expected


def test_none_pays_more_than_the_budget(tmp_path: Path, making: Making) -> None:
    suite = suite_of(tmp_path, limits={"budget": "0.00005usd", "concurrency": 3})
    found = results_of(making, suite, tmp_path)
    assert {one[0] for one in found} == {"stopped"}
    assert len(found) == 5


def test_what_cannot_be_done_at_all_is_said(tmp_path: Path, making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    target = {"kind": "openai", "model": "m", "key": "NO_SUCH_KEY"}
    with pytest.raises(BadInput, match="NO_SUCH_KEY"):
        results_of(making, suite_of(tmp_path, target=target), tmp_path)


def test_answers_outlive_the_executor(tmp_path: Path, making: Making) -> None:
    suite = suite_of(tmp_path, limits={"budget": "0.00012usd"})
    assert len(results_of(making, suite, tmp_path)) == 12
    for name in ("candidate", "baseline"):
        (tmp_path / name).rename(tmp_path / f"first-{name}")
    assert len(results_of(making, suite, tmp_path)) == 24


def test_answers_of_the_other_arm_and_judgements_are_paid_for_once(tmp_path: Path, making: Making) -> None:
    judge = {"target": ALWAYS_FIRST, "rubric": "Which?", "asks": "pair"}
    scorers = [{"kind": "pairwise", "judge": "taste", "reference": "other"}]
    suite = suite_of(tmp_path, scorers=scorers, judges={"taste": judge}, repeats=2, limits={"concurrency": 4})
    budgets = list[Budget]()

    def counted(work: Work, path: Path, budget: Budget) -> Executor:
        budgets.append(budget)
        return making(work, path, budget)

    found = results_of(counted, suite, tmp_path)
    expected = results_of(lambda work, path, budget: Local(work, AnswersFile(path), budget), suite, tmp_path / "here")
    assert found == expected
    apart = len({(sample, repeat) for _, _, sample, repeat, _, scores in found if scores["pairwise"].usage})
    assert budgets[0].spent == 12 * 2 * 2 * 10 + apart * 2 * 5
