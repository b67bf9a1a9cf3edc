"""Suites as tests of pytest.

`@pytest.mark.sluice_eval("suite.yaml")` with the fixture `sluice_run` asks a suite, its path relative to the test's
file, and gives what came of it; with `gate="gate.yaml"` the test fails unless the gate passes. With `--sluice-evals`
files named suite.yaml, or NAME.suite.yaml, are tests too, judged by the gate.yaml beside them where there is one.

Nothing of an eval is imported before one is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

MARK = "sluice_eval(suite, gate=None, target=None): ask a suite, and fail unless the gate passes"


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """`means` are by metric, over the samples that have a value; None where none has. `folder` holds the run's log.
    `reasons` are the gate's, where its `verdict` was asked."""

    folder: Path
    means: Mapping[str, float | None]
    verdict: str | None
    reasons: tuple[str, ...]


class Unproven(Exception):
    """The gate of a suite does not pass."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("sluice").addoption("--sluice-evals", action="store_true", help="Run suite.yaml files as tests.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARK)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    named = file_path.name == "suite.yaml" or file_path.name.endswith(".suite.yaml")
    if not named or not parent.config.getoption("--sluice-evals"):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


class SuiteFile(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        yield SuiteItem.from_parent(self, name="eval")


class SuiteItem(pytest.Item):
    def runtest(self) -> None:
        beside = self.path.with_name("gate.yaml")
        factory = pytest.TempPathFactory.from_config(self.config, _ispytest=True)
        _proven(_asked(self.path, beside if beside.exists() else None, None, factory.mktemp("sluice") / "run"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> str:
        from evals.errors import EvalError

        if isinstance(excinfo.value, EvalError | Unproven):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"eval {self.path.name}"


@pytest.fixture
def sluice_run(request: pytest.FixtureRequest, tmp_path: Path) -> SuiteRun:
    """What came of the suite that the test's mark names."""
    from evals.errors import EvalError

    mark = request.node.get_closest_marker("sluice_eval")
    if mark is None or len(mark.args) != 1 or not set(mark.kwargs) <= {"gate", "target"}:
        pytest.fail(f"sluice_run needs the mark {MARK.split(':')[0]}.", pytrace=False)
    gate, folder = mark.kwargs.get("gate"), request.path.parent
    try:
        found = _asked(
            folder / mark.args[0], folder / gate if gate else None, mark.kwargs.get("target"), tmp_path / "run"
        )
        return _proven(found)
    except (EvalError, Unproven) as error:
        pytest.fail(str(error), pytrace=False)


def _proven(run: SuiteRun) -> SuiteRun:
    """Raises `Unproven` for any verdict but pass."""
    if run.verdict not in (None, "pass"):
        raise Unproven("\n".join([f"The gate says {run.verdict}.", *run.reasons]))
    return run


def _asked(path: Path, gate: Path | None, target: str | None, folder: Path) -> SuiteRun:
    """Raises `EvalError`, also where not everything was answered."""
    from evals.cli import naming, verdicts
    from evals.errors import BadInput, TargetFailed
    from evals.judges.card import cards
    from evals.runs import runner
    from evals.runs.answers import AnswersFile
    from evals.runs.budget import Budget
    from evals.runs.executors.local import Local
    from evals.runs.table import RunTable
    from evals.suite import read
    from evals.summaries import summarise
    from evals.verdict import overall, read_gate

    suite = read(path)
    spec = naming.target(target).placed(suite.folder) if target is not None else suite.target
    if spec is None:
        raise BadInput(f"{path} names no target: give the mark one, or the suite.")
    requires = read_gate(gate).requires if gate is not None else ()
    arms = [runner.Arm("candidate", spec, folder / "candidate")]
    answers = AnswersFile(None)
    options = runner.Options(cards=cards(suite.judges, suite.folder))
    budget = Budget(suite.limits.micro_usd)
    (header,) = headers = runner.run(suite, arms, lambda work: Local(work, answers, budget), options)
    ended = verdicts.Ended(arms, headers)
    if not ended.whole:
        raise TargetFailed(f"{header.failed} of {header.asked} asks failed, and the run is {header.state}.")
    summary = summarise(RunTable.read(arms[0].folder))
    means = {name: mean.value for name, mean in summary.metrics.items()}
    if not requires:
        return SuiteRun(folder, means, None, ())
    judged = verdicts.here(arms, headers, requires).judged
    reasons = tuple(reason for one in judged if one.decision is not None for reason in one.decision.reasons)
    return SuiteRun(folder, means, overall(judged), reasons)
