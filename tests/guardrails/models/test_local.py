"""Models of this process: found, verified, asked by many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from math import exp
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.errors import NotRun, Overloaded
from guardrails.models.cached import CachedModels
from guardrails.models.local import LocalModels
from guardrails.models.manifest import digest
from tests.guardrails.models import made

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.anyio


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


@pytest.fixture
def name(tmp_path: Path) -> str:
    return made.own(tmp_path)


@pytest.fixture
def models(tmp_path: Path) -> Iterator[LocalModels]:
    found = LocalModels(tmp_path)
    yield found
    found.close()


async def test_scores_are_probabilities_by_label(models: LocalModels, name: str) -> None:
    ((window,),) = await models.score(name, [("attack attack plain",)])
    assert window.scores == pytest.approx((chance(2), chance(0)))
    assert (window.start, window.end) == (0, 19)


async def test_embeddings_are_unit_vectors_of_what_is_read_first(tmp_path: Path, name: str) -> None:
    models = LocalModels(tmp_path, embeds=name)
    vectors = await models.embed(["attack attack", "rude", "attack rude " + "attack " * 500])
    models.close()
    assert vectors.shape == (3, 2)
    assert vectors[:2] == pytest.approx(np.eye(2))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)


async def test_nothing_is_asked_about_nothing(models: LocalModels, name: str) -> None:
    assert await models.score(name, []) == []


async def test_calibration_is_that_of_the_manifest(models: LocalModels, tmp_path: Path) -> None:
    name = made.own(tmp_path, calibration={"scale": (2, 1), "shift": (-1, 3)})
    ((window,),) = await models.score(name, [("attack",)])
    assert window.scores == pytest.approx((chance(1), chance(3)))


async def test_of_labels_that_exclude_each_other_the_scores_add_up_to_one(models: LocalModels, tmp_path: Path) -> None:
    name = made.own(tmp_path, activation="softmax")
    ((window,),) = await models.score(name, [("attack",)])
    assert sum(window.scores) == pytest.approx(1)
    assert window.scores[0] > window.scores[1]


async def test_many_callers_at_once_get_what_each_would_alone(models: LocalModels, name: str) -> None:
    texts = [("plain " * at + "attack " * (at % 3)).strip() for at in range(60)]
    together = await asyncio.gather(*(models.score(name, [(text,)]) for text in texts))
    alone = [await models.score(name, [(text,)]) for text in texts]
    assert together == alone


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=400))
def test_any_text_is_scored_and_covered(tmp_path: Path, text: str) -> None:
    root = tmp_path / str(abs(hash(text)))
    models = LocalModels(root)
    ((*windows,),) = asyncio.run(models.score(made.own(root), [(text,)]))
    models.close()
    assert windows[0].start == 0
    assert windows[-1].end == len(text)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nothing", "there is no model nothing"),
        ("counting@123", "digest of counting@123 is too short"),
        ("counting@" + "0" * 12, "there is no model counting@"),
        ("../counting", "there is no model"),
        ("..", "there is no model"),
    ],
)
async def test_a_model_that_there_is_not_is_said(models: LocalModels, asked: str, said: str) -> None:
    with pytest.raises(NotRun, match=said):
        await models.score(asked, [("text",)])


async def test_there_may_be_no_folder_of_own_models() -> None:
    models = LocalModels()
    with pytest.raises(NotRun, match="no folder of own models"):
        await models.score("counting@" + "0" * 12, [("text",)])
    models.close()


async def test_a_corrupt_model_is_no_pass(models: LocalModels, name: str, tmp_path: Path) -> None:
    (tmp_path / name / "model.onnx").write_bytes(b"junk")
    for _ in range(2):
        with pytest.raises(NotRun, match=r"model\.onnx of the model counting is corrupt"):
            await models.score(name, [("text",)])


async def test_a_model_that_was_cut_short_is_no_pass(models: LocalModels, name: str, tmp_path: Path) -> None:
    for file in ("model.onnx", "tokenizer.json"):
        whole = (tmp_path / name / file).read_bytes()
        (tmp_path / name / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NotRun, match="of the model counting is corrupt"):
        await models.score(name, [("text",)])


async def test_a_model_whose_file_is_gone_is_no_pass(models: LocalModels, name: str, tmp_path: Path) -> None:
    (tmp_path / name / "model.onnx").unlink()
    with pytest.raises(NotRun, match=r"model\.onnx of the model counting@\w+ is missing"):
        await models.score(name, [("text",)])


async def test_a_text_that_there_is_no_memory_for_is_not_judged_and_the_next_one_is(
    models: LocalModels, tmp_path: Path
) -> None:
    weights = made.greedy()
    files = {"model.onnx": digest(weights), "tokenizer.json": digest(made.tokenizer().encode())}
    name = made.own(tmp_path, weights=weights, files=files)
    for _ in range(3):
        with pytest.raises(NotRun, match=r"the model counting failed|not enough memory"):
            await models.score(name, [("rude",)])
        ((window,),) = await models.score(name, [("attack",)])
        assert window.scores == pytest.approx((chance(1), chance(0)))


async def test_a_thousand_texts_at_once_are_each_judged_or_said_not_to_be(tmp_path: Path, name: str) -> None:
    """Near-identical ones, five hundred of which differ, through guards, a memory and a queue of a hundred windows."""
    local = LocalModels(tmp_path, waiting=100)
    models = CachedModels(local)
    rows = [(f"plain attack {'text ' * (at % 500)}",) for at in range(1000)]
    found = await asyncio.gather(*(models.score(name, [row]) for row in rows), return_exceptions=True)
    load = local.loads[name, "scores"]
    local.close()
    told = [one for one in found if isinstance(one, BaseException)]
    judged = [one for one in found if not isinstance(one, BaseException)]
    assert len(told) + len(judged) == 1000
    assert judged
    assert all(isinstance(one, Overloaded) for one in told)
    assert all(max(window.scores[0] for window in one[0]) > 0.5 for one in judged)
    windows = {row: len(one[0]) for row, one in zip(rows, found, strict=True) if not isinstance(one, BaseException)}
    assert sum(size * count for size, count in load.batches.items()) == sum(windows.values())


async def test_a_model_that_is_no_network_is_no_pass(models: LocalModels, tmp_path: Path) -> None:
    files = {"model.onnx": digest(b"junk"), "tokenizer.json": digest(made.tokenizer().encode())}
    name = made.own(tmp_path, files=files)
    (tmp_path / name / "model.onnx").write_bytes(b"junk")
    with pytest.raises(NotRun, match="cannot be loaded"):
        await models.score(name, [("text",)])


async def test_a_network_with_other_labels_is_no_pass(models: LocalModels, tmp_path: Path) -> None:
    name = made.own(tmp_path, labels=("attack",), calibration={"scale": (1,), "shift": (0,)})
    with pytest.raises(NotRun, match="something else than a logit for each of its labels"):
        await models.score(name, [("text",)])


async def test_too_much_at_once_is_turned_away(tmp_path: Path, name: str) -> None:
    models = LocalModels(tmp_path, waiting=1)
    outcomes = await asyncio.gather(
        *(models.score(name, [("plain " * 2000,)]) for _ in range(40)), return_exceptions=True
    )
    models.close()
    assert any(isinstance(outcome, Overloaded) for outcome in outcomes)
    assert any(isinstance(outcome, list) for outcome in outcomes)


async def test_who_is_cancelled_leaves_the_rest_in_peace(models: LocalModels, name: str) -> None:
    task = asyncio.create_task(models.score(name, [("plain " * 50_000,)]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await models.score(name, [("attack",)])) == 1


async def test_what_is_closed_says_so(tmp_path: Path, name: str) -> None:
    models = LocalModels(tmp_path)
    assert models.manifest(name).name == "counting"
    models.close()
    with pytest.raises(NotRun, match="closed"):
        await models.score(name, [("text",)])
