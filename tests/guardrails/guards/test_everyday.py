"""What people say to an assistant all day is no attack. None of it stands in the phrases of the recipe."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guardrails.guards.prompt_attack import PromptAttack
from guardrails.models.local import LocalModels
from guardrails.passage import ALONE, Passage
from guardrails.training.composing import Phrases

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

SAID = (Path(__file__).parent / "everyday.txt").read_text("utf-8").splitlines()
MOST = 3
"""That may be stopped: the shipped weights stop one, and small numbers come out otherwise on other processors."""


def test_hardly_any_of_it_is_stopped() -> None:
    async def stopped() -> list[str]:
        models, guard = LocalModels(), PromptAttack(guard="prompt_attack")
        found = [text for text in SAID if (await guard.judge(Passage(text), ALONE, models)).score >= guard.threshold]
        models.close()
        return found

    assert len(asyncio.run(stopped())) <= MOST


def test_none_of_it_was_trained_on() -> None:
    assert not set(SAID) & set(Phrases.shipped().everyday)
