from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.runs.log import read_results
from evals.scorers import registry
from evals.scorers.base import Scorer
from tests.evals.making import run_once, suite_of
from tests.evals.scorers.scoring import score, scored, scorer

MINE = """
from evals.sample import Score

def length(sample, output, most=10):
    return len(output.text) <= most

async def later(sample, output):
    return Score(0.5, "so so")

def broken(sample, output):
    raise LookupError("nothing there")

def given(sample, output, value=None):
    return value

NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def mine(folder: Path, name: str, **options: Any) -> Scorer:
    return scorer("python", folder, call=f"mine:{name}", options=options)


def test_a_function_in_a_file_beside_the_suite(folder: Path) -> None:
    assert scored(mine(folder, "length"), "short").value == 1
    assert scored(mine(folder, "length", most=3), "short").value == 0
    assert "mine" not in sys.modules


def test_an_async_function_that_gives_a_whole_score(folder: Path) -> None:
    found = scored(mine(folder, "later"), "")
    assert (found.value, found.reason) == (0.5, "so so")


def test_what_it_raises_is_a_reason_and_ends_no_run(folder: Path) -> None:
    broken = {"kind": "python", "name": "mine", "call": "mine:broken"}
    run_once(suite_of(folder, scorers=["exact", broken]), folder)
    scores = [result.scores for result in read_results(folder / "run")]
    assert {one["mine"].reason for one in scores} == {"mine raised LookupError: nothing there"}
    assert {one["exact"].value for one in scores} == {0, 1}


def test_options_that_it_does_not_take(folder: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        scored(mine(folder, "length", least=3), "")


@pytest.mark.parametrize(
    ("given", "value"), [(1, 1.0), (0.25, 0.25), (True, 1.0), (None, None), ("one", None), (float("inf"), None)]
)
def test_what_it_may_give(folder: Path, given: Any, value: float | None) -> None:
    assert scored(mine(folder, "given", value=given), "").value == value


def test_another_text_is_another_scorer(folder: Path) -> None:
    before = mine(folder, "length").identity
    assert mine(folder, "length").identity == before
    (folder / "mine.py").write_text(MINE + "\n# mended\n")
    assert mine(folder, "length").identity != before


def test_a_function_of_an_installed_module() -> None:
    installed = scorer("python", Path("/nowhere"), call="tests.evals.scorers.test_python:one")
    assert scored(installed, "x").value == 1
    assert installed.identity["code"] is not None


def one(sample: object, output: object) -> int:
    return 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("mine:lenght", "has no 'lenght'"),
        ("mine:NUMBER", "is no function"),
        ("theirs:f", "there is no theirs.py in the suite's folder"),
        ("bad:f", "cannot be loaded: SyntaxError"),
    ],
)
def test_what_cannot_be_called_is_told_when_the_suite_is_read(folder: Path, call: str, said: str) -> None:
    (folder / "bad.py").write_text("def f(:\n")
    with pytest.raises(BadInput, match=said):
        scorer("python", folder, call=call)


PLUG_IN = """
from typing import ClassVar, Literal
from evals.sample import Score
from evals.scorers.base import Scorer

class Shouting(Scorer):
    about: ClassVar[str] = "1 where the answer is in capitals"
    kind: Literal["shouting"] = "shouting"
    marks: int = 0

    async def score(self, sample, output, instruments, repeat):
        return Score(float(output.text.isupper() and output.text.count("!") >= self.marks))

class Nothing:
    pass
"""


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as an installer leaves it: a module, and the folder that says what it offers."""
    (tmp_path / "shouting_scorer.py").write_text(PLUG_IN)
    about = tmp_path / "shouting_scorer-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting-scorer\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[sluicegate.scorers]\nshouting = shouting_scorer:Shouting\nnothing = shouting_scorer:Nothing\n"
        "gone = shouting_scorer:Gone\nexact = shouting_scorer:Nothing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shouting_scorer", raising=False)


@pytest.mark.usefixtures("plugged")
def test_a_scorer_of_an_installed_package() -> None:
    assert "shouting" in registry.kinds()
    assert score("shouting", "PARIS!", marks=1).value == 1
    assert score("shouting", "Paris", marks=1).value == 0
    assert score("exact", "Paris", "Paris").value == 1  # ours outranks one of the same name


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize(
    ("kind", "said"),
    [("nothing", "not a subclass of"), ("gone", "cannot be loaded"), ("shoutin", "there is no scorer")],
)
def test_a_plug_in_that_is_none(kind: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        registry.find(kind)


ODD = """
from evals.sample import Output, Score, Usage

def words(sample, output):
    return Score("good")

def details(sample, output):
    return Score(1.0, details={"x": object()})

def huge(sample, output):
    return Score(1e16)

def surrogate(sample, output):
    return Score(1.0, "\\ud800")

def never(sample):
    return Output("a", seconds=float("nan"))

def dear(sample):
    return Output("a", usage=Usage(cost=2**70))

def half(sample):
    return "\\ud800"
"""


@pytest.mark.parametrize("name", ["words", "details", "huge", "surrogate"])
def test_a_score_that_no_log_can_hold_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    run_once(suite_of(tmp_path, scorers=[{"kind": "python", "call": f"odd:{name}"}]), tmp_path)
    (found, *_) = read_results(tmp_path / "run")
    assert found.scores["python"].value is None
    assert found.scores["python"].reason.startswith("python gave")


@pytest.mark.parametrize("name", ["never", "dear", "half"])
def test_an_answer_that_no_log_can_hold_is_a_failure(tmp_path: Path, name: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    suite = suite_of(tmp_path, target={"kind": "python", "call": f"odd:{name}"})
    header = run_once(suite, tmp_path)
    assert (header.failed, header.state) == (12, "complete")
    assert all(result.error and f"odd:{name} gave" in result.error for result in read_results(tmp_path / "run"))


def test_a_function_sees_what_is_known_of_a_sample_and_so_does_its_answer(tmp_path: Path) -> None:
    (tmp_path / "mood.py").write_text("def say(sample):\n    return sample.metadata['mood']\n")
    rows = [{"id": mood, "input": "Hello", "expected": mood, "mood": mood} for mood in ("angry", "happy")]
    suite = suite_of(tmp_path, rows, target={"kind": "python", "call": "mood:say"})
    run_once(suite, tmp_path)
    assert [found.scores["exact"].value for found in read_results(tmp_path / "run")] == [1.0, 1.0]
