"""Classifiers of others: real ones, small, made on the spot and read from a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Window
from guardrails.models.transformers_classifier import Checkpoint, Wanted, WithClassifiers
from tests.guardrails.guards.asking import NoModels
from tests.guardrails.models import classifying

pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]  # torch and transformers are loaded

LABELS = ("safe", "injection", "jailbreak")
LONG = "attack plain text. zq " * 40


@pytest.fixture(scope="module")
def exclusive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifying.folder(tmp_path_factory.mktemp("models") / "exclusive", LABELS)


@pytest.fixture
def models() -> Iterator[WithClassifiers]:
    with closing(WithClassifiers(NoModels())) as found:
        yield found


def checkpoint(source: Path | str, window: int = 512, overlap: int = 4, device: str = "cpu") -> Checkpoint:
    return Checkpoint(str(source), None, window, overlap, device)


async def ask(models: WithClassifiers, source: Path, text: str, *labels: str) -> tuple[Window, ...]:
    (windows,) = await models.score(Wanted(checkpoint(source), labels).name, [(text,)])
    return windows


async def test_probabilities_are_those_of_the_model(models: WithClassifiers, exclusive: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(exclusive)
    model = AutoModelForSequenceClassification.from_pretrained(exclusive).eval()
    with torch.inference_mode():
        wanted = torch.softmax(model(**tokenizer("attack text.", return_tensors="pt")).logits, 1)[0].tolist()
    (window,) = await ask(models, exclusive, "attack text.", *LABELS)
    assert window.scores[1:] == pytest.approx(wanted, abs=1e-5)
    assert window.scores[0] == pytest.approx(1)


async def test_of_labels_that_exclude_each_other_any_is_their_sum(models: WithClassifiers, exclusive: Path) -> None:
    for window in await ask(models, exclusive, LONG, "jailbreak", "injection"):
        assert window.scores[0] == pytest.approx(window.scores[1] + window.scores[2])
        assert window.scores[0] < 1


async def test_of_labels_that_may_hold_together_any_is_the_highest(models: WithClassifiers, tmp_path: Path) -> None:
    made = classifying.folder(tmp_path / "several", ("toxic", "threat", "insult"), several=True)
    for window in await ask(models, made, LONG, "insult", "toxic"):
        assert window.scores[0] == max(window.scores[1:])
        assert all(0 < score < 1 for score in window.scores)


async def test_one_label_alone_is_a_question_of_its_own(models: WithClassifiers, tmp_path: Path) -> None:
    made = classifying.folder(tmp_path / "one", ("attack",))
    (window,) = await ask(models, made, "plain text", "attack")
    assert window.scores[0] == window.scores[1] < 1


@pytest.mark.parametrize(
    "text", [LONG, "", " ", "zq", "\ud800 attack", "  attack  " + " " * 50, "plain. " * 200 + "   "]
)
async def test_windows_cover_the_text(models: WithClassifiers, exclusive: Path, text: str) -> None:
    windows = await ask(models, exclusive, text, "safe")
    assert (windows[0].start, windows[-1].end) == (0, len(text))
    for before, after in pairwise(windows):
        assert before.start < after.start <= before.end < after.end


async def test_batches_change_nothing(models: WithClassifiers, exclusive: Path) -> None:
    texts = ["attack", "plain text.", LONG, "zq " * 30]
    name = Wanted(checkpoint(exclusive), ("jailbreak",)).name
    together = await models.score(name, [(text,) for text in texts])
    for text, windows in zip(texts, together, strict=True):
        (alone,) = await models.score(name, [(text,)])
        assert [one.scores for one in alone] == [pytest.approx(one.scores, abs=1e-5) for one in windows]


async def test_who_asks_for_the_same_checkpoint_shares_it(models: WithClassifiers, exclusive: Path) -> None:
    await asyncio.gather(ask(models, exclusive, "a", "safe"), ask(models, exclusive, "b", "jailbreak", "safe"))
    await models.score(Wanted(checkpoint(exclusive, overlap=8), ("safe",)).name, [("a",)])
    assert models.loaded == (checkpoint(exclusive), checkpoint(exclusive, overlap=8))


async def test_who_is_ready_waits_for_nobody_who_is_being_loaded(exclusive: Path, tmp_path: Path) -> None:
    may, absent = Event(), tmp_path / "absent"

    class Slow(WithClassifiers):
        def _load(self, wanted: Checkpoint) -> Any:
            if wanted.source == str(absent):
                may.wait()
            return super()._load(wanted)

    with closing(Slow(NoModels())) as models:
        await ask(models, exclusive, "good day", "injection")
        others = [asyncio.create_task(ask(models, absent, text, "injection")) for text in ("one", "two", "three")]
        await asyncio.sleep(0)
        assert await ask(models, exclusive, "good night", "injection")
        assert not any(task.done() for task in others)
        may.set()
        told = await asyncio.gather(*others, return_exceptions=True)
        assert all("is not on this disk" in str(error) for error in told), told


async def test_a_label_that_there_is_not_is_said(models: WithClassifiers, exclusive: Path) -> None:
    with pytest.raises(NotRun, match="exclusive has no label rude; it has safe, injection, jailbreak"):
        await ask(models, exclusive, "text", "safe", "rude")


async def test_what_is_not_on_this_disk_is_not_fetched(models: WithClassifiers, tmp_path: Path) -> None:
    revision = "0" * 40
    name = Wanted(Checkpoint("nobody/nothing", revision, 512, 64, "cpu"), ("LABEL_1",)).name
    with pytest.raises(NotRun, match=f"hf download nobody/nothing --revision {revision}"):
        await models.score(name, [("text",)])
    with pytest.raises(NotRun, match=r"^gone is not on this disk: put its config") as caught:
        await ask(models, tmp_path / "gone", "text", "safe")
    assert str(tmp_path) not in caught.value.message


async def test_a_model_without_a_trained_head_is_no_pass(models: WithClassifiers, tmp_path: Path) -> None:
    made = classifying.folder(tmp_path / "headless", LABELS, head=False)
    with pytest.raises(NotRun, match="no trained classifier"):
        await ask(models, made, "text", "LABEL_0")


async def test_corrupt_weights_are_no_pass(models: WithClassifiers, tmp_path: Path) -> None:
    made = classifying.folder(tmp_path / "corrupt", LABELS)
    (made / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(NotRun, match="corrupt cannot be loaded"):
        await ask(models, made, "text", "safe")


async def test_weights_that_are_no_numbers_are_no_pass(models: WithClassifiers, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    made = classifying.folder(tmp_path / "broken", LABELS)
    weights = load_file(made / "model.safetensors")
    weights["classifier.bias"] *= float("nan")
    save_file(weights, made / "model.safetensors", {"format": "pt"})
    with pytest.raises(NotRun, match="no number"):
        await ask(models, made, "text", "safe")


async def test_a_device_that_there_is_not_is_said(models: WithClassifiers, exclusive: Path) -> None:
    name = Wanted(checkpoint(exclusive, device="cuda:99"), ("safe",)).name
    with pytest.raises(NotRun, match="no device cuda:99"):
        await models.score(name, [("text",)])


async def test_what_is_too_much_is_turned_away(exclusive: Path) -> None:
    with closing(WithClassifiers(NoModels(), waiting=2)) as models:
        found = await asyncio.gather(*(ask(models, exclusive, LONG, "safe") for _ in range(20)), return_exceptions=True)
    assert any(isinstance(one, tuple) for one in found)
    assert any(isinstance(one, Overloaded) for one in found)


async def test_once_closed_nothing_is_judged(exclusive: Path) -> None:
    models = WithClassifiers(NoModels())
    await ask(models, exclusive, "text", "safe")
    models.close()
    with pytest.raises(NotRun, match="closed"):
        await ask(models, exclusive, "text", "safe")


async def test_other_models_are_those_of_others(models: WithClassifiers) -> None:
    class Other(NoModels):
        async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
            return [(Window(0, 1, (0.5,)),) for _ in rows]

        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 2), np.float32)

    with closing(WithClassifiers(Other())) as found:
        assert await found.score("prompts", [("a",)]) == [(Window(0, 1, (0.5,)),)]
        assert (await found.embed(["a"])).shape == (1, 2)
    assert await models.score(Wanted(checkpoint("gone"), ("x",)).name, []) == []
