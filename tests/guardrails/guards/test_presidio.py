"""Presidio as a guard: without it, and with it in an environment of its own."""

from __future__ import annotations

import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import orjson
import pytest

from guardrails.errors import NotRun
from guardrails.guards.presidio import Presidio
from guardrails.passage import ALONE, Passage
from tests import overlay
from tests.guardrails.guards.asking import NoModels

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, json, sys
from guardrails.engine import Engine
from guardrails.models.local import LocalModels
from guardrails.passage import Passage
from guardrails.policy import parse

guards = [
    {"guard": "presidio", "threshold": 0.4, "budget": 100},
    {"guard": "presidio", "name": "other", "model": "no_such_model"},
]
engine = Engine(parse({"input": guards}), LocalModels())
found = asyncio.run(engine.check("input", [Passage("My card is 4111 1111 1111 1111, mail maria@example.com")]))
print(json.dumps([[sorted(span.label for span in one.spans), one.not_run] for one in found.verdicts]))
"""


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="Presidio is installed here")
async def test_without_the_library_it_says_that_it_did_not_run() -> None:
    with pytest.raises(NotRun, match=r"Presidio is not installed: pip install 'sluicegate\[pii\]'"):
        await Presidio(guard="presidio").judge(Passage("Maria"), ALONE, NoModels())


@pytest.mark.timeout(600)
def test_with_it_its_finds_are_ours_and_a_model_that_is_missing_is_said() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    python = overlay.installed("presidio", *declared["pii"]) / "python"
    done = subprocess.run([python, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (found, ran), (none, missed) = orjson.loads(done.stdout.splitlines()[-1])
    assert {"CREDIT_CARD", "EMAIL"} <= set(found)
    assert (ran, none) == (None, [])
    assert missed.startswith("The spaCy model no_such_model is not installed")
