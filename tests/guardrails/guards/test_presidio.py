from __future__ import annotations

import asyncio
from importlib.util import find_spec

import pytest

from guardrails.errors import NotRun
from guardrails.guards.presidio import Presidio
from guardrails.passage import ALONE, Passage
from tests.guardrails.guards.asking import NoModels

THERE = find_spec("presidio_analyzer") is not None


@pytest.mark.skipif(THERE, reason="Presidio is installed")
def test_without_the_library_it_says_that_it_did_not_run() -> None:
    with pytest.raises(NotRun, match=r"Presidio is not installed: pip install 'sluicegate\[pii\]'"):
        asyncio.run(Presidio().judge(Passage("Maria"), ALONE, NoModels()))


@pytest.mark.skipif(not THERE, reason="Presidio is not installed")
def test_it_finds_what_presidio_finds() -> None:
    text = "My card is 4111 1111 1111 1111, mail maria@example.com"
    finding = asyncio.run(Presidio().judge(Passage(text), ALONE, NoModels()))
    assert {"CREDIT_CARD", "EMAIL"} <= {span.label for span in finding.spans}


@pytest.mark.skipif(not THERE, reason="Presidio is not installed")
def test_a_model_that_is_not_installed_is_said() -> None:
    with pytest.raises(NotRun, match="spaCy model no_such_model is not installed"):
        asyncio.run(Presidio(model="no_such_model").judge(Passage("Maria"), ALONE, NoModels()))
