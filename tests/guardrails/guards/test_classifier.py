"""The guard of other people's classifiers: its options, and what it makes of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine import Engine
from guardrails.errors import BadInput
from guardrails.guard import Window
from guardrails.guards.classifier import Classifier
from guardrails.models.lent import lent
from guardrails.models.transformers_classifier import Wanted
from guardrails.passage import Passage
from guardrails.policy import parse
from tests.guardrails.models import classifying

pytestmark = pytest.mark.anyio

COMMIT = "a" * 40


def made(**options: Any) -> Classifier:
    return Classifier.model_validate({"guard": "classifier", "model": "/models/x", "labels": ["bad"], **options})


@pytest.mark.timeout(300)  # torch and transformers are loaded
async def test_in_a_policy_it_judges_by_a_model_of_this_disk(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = classifying.folder(tmp_path / "model", ("safe", "injection"))
    written = {"guard": "classifier", "model": str(folder), "labels": ["injection"], "threshold": 0.01, "budget": 300}
    policy = parse({"input": [{**written, "action": "block"}], "documents": [{**written, "name": "other"}]})
    async with lent() as lending:
        engine = Engine(policy, lending.models)
        report = await engine.check("input", [Passage("attack plain text")])
        again = await engine.check("documents", [Passage("attack plain text", "documents")])
        idle = await engine.check("input", [Passage("  ")])
    assert report.action == "block"
    assert report.verdicts[0].spans[0].end == len("attack plain text")
    assert report.verdicts[0].score == again.verdicts[0].score
    assert idle.verdicts[0].idle


@pytest.mark.timeout(300)
async def test_a_model_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    written = {"guard": "classifier", "model": str(tmp_path / "gone"), "labels": ["bad"], "budget": 300}
    async with lent() as lending:
        engine = Engine(parse({"input": [{**written, "action": "block"}]}), lending.models)
        report = await engine.check("input", [Passage("text")])
    assert report.action == "block"
    assert report.verdicts[0].not_run is not None
    assert str(tmp_path) not in report.verdicts[0].not_run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "owner/name"}, "revision: COMMIT"),
        ({"model": "owner/name", "revision": "main"}, "revision"),
        ({"model": "/models/x", "revision": COMMIT}, "a folder has no `revision`"),
        ({"model": "name", "revision": COMMIT}, "a folder, as /models/x"),
        ({"model": "https://hub.example/owner/name", "revision": COMMIT}, "a folder, as /models/x"),
        ({"labels": []}, "labels"),
        ({"device": "tpu"}, "device"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse({"input": [{"guard": "classifier", "model": "/models/x", "labels": ["bad"], **options}]})


def test_what_is_wanted_can_be_told_by_name() -> None:
    guard = made(model="owner/name", revision=COMMIT, labels=["bad", 'wo"rse'], window=64, device="cuda:1")
    assert Wanted.of(guard.wanted.name) == guard.wanted
    other = made(model="owner/name", revision=COMMIT, labels=["bad"], window=64, device="cuda:1")
    assert guard.wanted.checkpoint == other.wanted.checkpoint


SCORES = st.floats(0, 1)


@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1, max_size=5), st.floats(0.01, 1))
def test_the_score_is_that_of_the_worst_window(scores: list[tuple[float, float, float]], threshold: float) -> None:
    windows = tuple(Window(at, at + 2, one) for at, one in enumerate(scores))
    found = made(labels=["bad", "worse"], threshold=threshold).found(windows)
    assert found.score == max(one[0] for one in scores)
    assert [span.start for span in found.spans] == [at for at, one in enumerate(scores) if one[0] >= threshold]
    assert dict(found.labels) == {"bad": max(one[1] for one in scores), "worse": max(one[2] for one in scores)}
