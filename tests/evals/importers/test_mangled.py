"""Whatever an export holds in place of what belongs there, an import is made or is bad input."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from shutil import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.cli.imports import from_inspect, from_lm_eval, from_openai, from_promptfoo
from evals.errors import BadInput

EXPORTS = Path(__file__).parent / "exports"
JUNK = (None, 1, -1.5, "x", "", [], {}, [1], ["a"], {"a": 1}, True, [None], [[]], {"type": "text"})


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*place, key)
        yield from places(value[key], (*place, key))


def mangled(value: Any, random: Random) -> Any:
    """With one thing in it left out, or another in its place."""
    found = deepcopy(value)
    *steps, last = random.choice(list(places(found)))
    holder = found
    for step in steps:
        holder = holder[step]
    if random.random() < 0.3 and isinstance(holder, dict):
        del holder[last]
    else:
        holder[last] = random.choice(JUNK)
    return found


def inspect(folder: Path, random: Random) -> None:
    held = json.loads((EXPORTS / "sums.json").read_text())
    (folder / "log.json").write_text(json.dumps(mangled(held, random)))
    from_inspect(folder / "log.json", folder / "out")


def openai(folder: Path, random: Random) -> None:
    held = json.loads((EXPORTS / "openai.json").read_text())
    (folder / "eval.json").write_text(json.dumps(mangled(held, random)))
    from_openai(folder / "eval.json", folder / "out")


def promptfoo(folder: Path, random: Random) -> None:
    for name in ("prompts.txt", "more.csv"):
        copy(EXPORTS / "promptfoo" / name, folder)
    held = yaml.safe_load((EXPORTS / "promptfoo" / "promptfooconfig.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(mangled(held, random)))
    from_promptfoo(folder / "config.yaml", folder / "out")


def task(folder: Path, random: Random) -> None:
    name = random.choice(("capitals", "lands"))
    copy(EXPORTS / "lm_eval" / f"{name}.jsonl", folder)
    held = yaml.safe_load((EXPORTS / "lm_eval" / f"{name}.yaml").read_text())
    (folder / "task.yaml").write_text(yaml.safe_dump(mangled(held, random)))
    from_lm_eval(folder / "task.yaml", folder / "out")


def samples(folder: Path, random: Random) -> None:
    path = random.choice(sorted((EXPORTS / "lm_eval").glob("samples_*.jsonl")))
    held = [json.loads(line) for line in path.read_text().splitlines()]
    (folder / path.name).write_text("\n".join(json.dumps(line) for line in mangled(held, random)))
    results = f"results_{path.stem.rpartition('_')[2]}.json"
    beside = json.loads((EXPORTS / "lm_eval" / results).read_text())
    (folder / results).write_text(json.dumps(mangled(beside, random)))
    from_lm_eval(folder / path.name, folder / "out")


@pytest.mark.parametrize("imported", [inspect, openai, promptfoo, task, samples])
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_it_is_made_or_bad_input(imported: Callable[[Path, Random], None], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            imported(Path(folder), Random(seed))
        except BadInput:
            return
        assert (Path(folder) / "out" / "suite.yaml").is_file()
