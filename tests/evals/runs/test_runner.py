"""A run: all of it is asked and logged, goes on where it was broken off, and stops where it is told to."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from evals.errors import BadInput, TargetFailed
from evals.runs.log import RunLog, read_header, read_results, read_samples
from evals.runs.runner import Options, ordered
from evals.sample import Output, Sample, Usage
from evals.targets.base import Asking, Target, TargetSpec
from tests.evals.making import ROWS, run_once, suite_of


class Recorded(TargetSpec):
    """Says how often it has been asked; `fails` are asks, counted from 1, that fail."""

    about: ClassVar[str] = "counts"
    kind: Literal["recorded"] = "recorded"
    fails: tuple[int, ...] = ()
    retryable: bool = False
    asked: ClassVar[list[tuple[str, int]]] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def open(self, folder: Path) -> Target:
        return Recording(self)


class Recording:
    def __init__(self, spec: Recorded) -> None:
        self._spec = spec

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        Recorded.asked.append((sample.question, asking.repeat))
        number = len(Recorded.asked)
        if number in self._spec.fails:
            raise TargetFailed(f"ask {number} failed", retryable=self._spec.retryable)
        return Output(text=f"answer {number}", usage=Usage(1, 1, 7), reply=f"r{number}")

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
def fresh() -> None:
    Recorded.asked.clear()


def test_every_sample_is_asked_scored_and_logged(tmp_path: Path) -> None:
    header = run_once(suite_of(tmp_path), tmp_path)
    results = {result.sample: result for result in read_results(tmp_path / "run")}
    assert (header.state, header.asked, header.failed, header.samples) == ("complete", 12, 0, 12)
    assert header == read_header(tmp_path / "run")
    assert set(results) == {str(row["id"]) for row in ROWS}
    right = {name for name, result in results.items() if result.scores["exact"].value == 1.0}
    assert right == {f"q{number}" for number in range(12) if number % 4}
    assert header.cost == 12 * 10
    assert [metric.name for metric in header.metrics] == ["exact"]


def test_samples_are_asked_cluster_by_cluster_in_an_order_that_the_seed_makes(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    one, same, other = ordered(suite), ordered(suite), ordered(replace(suite, seed=5))
    assert one == same
    assert one != other
    assert sorted(sample.id for sample in one) == sorted(sample.id for sample in other)
    clusters = [sample.cluster for sample in one]
    assert len([1 for before, after in pairwise(clusters) if before != after]) == 3
    run_once(suite, tmp_path)
    assert list(read_samples(tmp_path / "run")) == list(one)


def test_two_repeats_are_two_asks_and_a_second_run_is_none(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, repeats=3)
    run_once(suite, tmp_path, Recorded())
    assert len(Recorded.asked) == len(set(Recorded.asked)) == 36
    texts = {result.output.text for result in read_results(tmp_path / "run") if result.output}
    assert len(texts) == 36
    (tmp_path / "run").rename(tmp_path / "first")
    again = run_once(suite, tmp_path, Recorded())
    assert len(Recorded.asked) == 36
    assert (again.asked, again.reused) == (36, 0)


def test_a_changed_scorer_asks_nothing_anew(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path, Recorded())
    (tmp_path / "run").rename(tmp_path / "first")
    run_once(suite_of(tmp_path, scorers=[{"kind": "contains", "texts": ["answer"]}]), tmp_path, Recorded())
    assert len(Recorded.asked) == 12
    assert all(result.scores["contains"].value == 1.0 for result in read_results(tmp_path / "run"))


def test_what_failed_is_told_and_asked_anew_when_the_run_goes_on(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    header = run_once(suite, tmp_path, Recorded(fails=(2, 5)))
    assert (header.state, header.asked, header.failed) == ("complete", 12, 2)
    errors = [result.error for result in read_results(tmp_path / "run") if result.error]
    assert sorted(errors) == ["ask 2 failed", "ask 5 failed"]
    header = run_once(suite, tmp_path, Recorded())
    assert (header.asked, header.failed) == (12, 0)
    assert len(Recorded.asked) == 14


def test_what_may_go_better_is_tried_again(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, limits={"attempts": 2})
    header = run_once(suite, tmp_path, Recorded(fails=(1,), retryable=True))
    assert (header.failed, len(Recorded.asked)) == (0, 13)


def test_a_run_stops_before_its_budget_is_overrun(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, limits={"budget": "0.00005usd"})
    header = run_once(suite, tmp_path, Recorded())
    assert (header.state, header.asked, header.cost) == ("stopped", 7, 49)
    richer = replace(suite, limits=suite.limits.model_copy(update={"budget": "1usd"}))
    assert run_once(richer, tmp_path, Recorded()).state == "complete"
    assert len(Recorded.asked) == 12


def test_a_budget_needs_prices(tmp_path: Path) -> None:
    class Free(Recorded):
        def open(self, folder: Path) -> Target:
            return Unpriced(self)

    class Unpriced(Recording):
        async def ask(self, sample: Sample, asking: Asking) -> Output:
            return Output("yes", usage=Usage(1, 1, None))

    with pytest.raises(BadInput, match="prices"):
        run_once(suite_of(tmp_path, limits={"budget": "1usd"}), tmp_path, Free())
    (tmp_path / "run").rename(tmp_path / "first")
    assert run_once(suite_of(tmp_path), tmp_path, Free()).cost is None


def test_it_is_looked_at_when_as_many_samples_are_done(tmp_path: Path) -> None:
    seen: list[int] = []

    def enough(done: Any) -> bool:
        seen.append(len(done))
        assert {result.sample for result in read_results(tmp_path / "run")} == {sample.id for sample in done}
        return len(done) >= 6

    suite = suite_of(tmp_path)
    header = run_once(suite, tmp_path, Recorded(), Options(looks=(3, 6, 9), enough=enough))
    assert seen == [3, 6]
    assert (header.state, header.asked, header.looks) == ("enough", 6, (3, 6))


def test_progress_is_told_with_every_result(tmp_path: Path) -> None:
    told: list[tuple[int, int, int, int]] = []
    options = Options(progress=lambda done, total, failed, spent: told.append((done, total, failed, spent)))
    run_once(suite_of(tmp_path), tmp_path, Recorded(fails=(12,)), options)
    assert [one[0] for one in told] == list(range(1, 13))
    assert told[-1] == (12, 12, 1, 77)


def test_answers_that_share_a_reply_are_told(tmp_path: Path) -> None:
    class Echo(Recorded):
        def open(self, folder: Path) -> Target:
            return Same(self)

    class Same(Recording):
        async def ask(self, sample: Sample, asking: Asking) -> Output:
            return Output("yes", reply=f"the one of {sample.question}")

    header = run_once(suite_of(tmp_path, repeats=2), tmp_path, Echo())
    assert (header.asked, header.reused) == (24, 12)


def test_a_folder_that_holds_another_run_is_refused(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path, Recorded())
    with pytest.raises(BadInput, match="another suite"):
        run_once(suite_of(tmp_path, repeats=2), tmp_path, Recorded())
    with pytest.raises(BadInput, match="another target"):
        run_once(suite_of(tmp_path), tmp_path)
    assert len(list(read_results(tmp_path / "run"))) == 12


def test_a_line_that_a_kill_left_half_is_dropped(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    run_once(suite, tmp_path, Recorded())
    path = tmp_path / "run" / "results.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:9]) + lines[9][:20])
    assert len(list(read_results(tmp_path / "run"))) == 9
    header = run_once(suite, tmp_path, Recorded())
    assert (header.asked, len(Recorded.asked)) == (12, 12)
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_samples_that_ask_the_same_have_answers_of_their_own(tmp_path: Path) -> None:
    rows = [{"id": f"q{n}", "input": "Hello.", "expected": str(n)} for n in range(3)]
    header = run_once(suite_of(tmp_path, rows), tmp_path, Recorded())
    assert (len(Recorded.asked), header.reused) == (3, 0)
    assert len({result.output.text for result in read_results(tmp_path / "run") if result.output}) == 3


def test_a_run_that_was_killed_before_it_began_begins(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples.jsonl").write_text('{"id": "half')
    assert run_once(suite, tmp_path).state == "complete"
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    with pytest.raises(BadInput, match=r"holds notes.txt, and no run"):
        RunLog.create(other, read_header(tmp_path / "run"), [])


def test_two_runs_do_not_write_one_log(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path)
    log = RunLog.resume(tmp_path / "run")
    with pytest.raises(BadInput, match="is written by another run"):
        RunLog.resume(tmp_path / "run")
    log.close()
    RunLog.resume(tmp_path / "run").close()
