"""Answers that are known, or on their way, are not asked for again; and nobody is harmed by sharing one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Window
from guardrails.models.cached import CachedModels, Kept, digest
from tests.waiting import until

pytestmark = pytest.mark.anyio


class Counting:
    """Scores a text by its length, once the gate is open; texts that begin with `bad` fail."""

    def __init__(self, error: NotRun | None = None) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.error = error or NotRun("it is bad")
        self.asked: list[str] = []
        self.left = 0

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        self.asked += [row[-1] for row in rows]
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        if any(row[-1].startswith("bad") for row in rows):
            raise self.error
        return [(Window(0, len(row[-1]), (len(row[-1]) / 100,)),) for row in rows]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], np.float32)


async def test_a_text_is_judged_once() -> None:
    counting = Counting()
    models = CachedModels(counting)
    first = await models.score("m", [("one",), ("two",), ("one",)])
    assert await models.score("m", [("two",), ("one",), ("three",)]) == [first[1], first[0], ((Window(0, 5, (0.05,)),))]
    assert counting.asked == ["one", "two", "three"]
    assert (models.hits, models.misses) == (3, 3)


async def test_another_model_and_another_pair_are_another_question() -> None:
    counting = Counting()
    models = CachedModels(counting)
    await models.score("m", [("a", "bc"), ("ab", "c")])
    await models.score("n", [("ab", "c")])
    assert counting.asked == ["bc", "c", "c"]


async def test_what_waits_together_is_judged_once() -> None:
    counting = Counting()
    counting.gate.clear()
    models = CachedModels(counting)
    waiting = [asyncio.create_task(models.score("m", [("same",), (f"other {at}",)])) for at in range(50)]
    await until(lambda: len(counting.asked) == 51)
    counting.gate.set()
    found = await asyncio.gather(*waiting)
    assert len({one[0] for one in found}) == 1
    assert counting.asked.count("same") == 1


async def test_who_leaves_takes_nothing_from_those_who_stay() -> None:
    counting = Counting()
    counting.gate.clear()
    models = CachedModels(counting)
    first, second = (asyncio.create_task(models.score("m", [("same",)])) for _ in range(2))
    await until(lambda: len(counting.asked) == 1)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    counting.gate.set()
    assert await second == [(Window(0, 4, (0.04,)),)]


async def test_with_the_last_who_waits_the_question_goes() -> None:
    counting = Counting()
    counting.gate.clear()
    models = CachedModels(counting)
    waiting = [asyncio.create_task(models.score("m", [("same",)])) for _ in range(3)]
    await until(lambda: len(counting.asked) == 1)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    counting.gate.set()
    assert await models.score("m", [("same",)])  # it joins none that is being cancelled
    await until(lambda: counting.left == 1)
    assert counting.asked == ["same", "same"]


async def test_what_fails_is_not_remembered() -> None:
    counting = Counting()
    models = CachedModels(counting)
    for _ in range(2):
        with pytest.raises(NotRun, match="it is bad"):
            await models.score("m", [("bad",)])
    assert counting.asked == ["bad", "bad"]


async def test_the_failure_of_another_s_row_is_nobody_else_s() -> None:
    counting = Counting()
    counting.gate.clear()
    models = CachedModels(counting)
    theirs = asyncio.create_task(models.score("m", [("same",), ("bad",)]))
    await until(lambda: len(counting.asked) == 2)
    ours = asyncio.create_task(models.score("m", [("same",), ("mine",)]))
    await until(lambda: len(counting.asked) == 3)
    counting.gate.set()
    with pytest.raises(NotRun):
        await theirs
    assert [len(windows) for windows in await ours] == [1, 1]


async def test_who_joins_what_is_turned_away_does_not_ask_again() -> None:
    counting = Counting(Overloaded("too much"))
    counting.gate.clear()
    models = CachedModels(counting)
    waiting = [asyncio.create_task(models.score("m", [("bad",)])) for _ in range(20)]
    await until(lambda: len(counting.asked) == 1)
    counting.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, Overloaded) for one in found)
    assert counting.asked == ["bad"]


async def test_embeddings_are_remembered_too() -> None:
    counting = Counting()
    models = CachedModels(counting)
    first = await models.embed(["a", "bb", "a"])
    assert np.array_equal(first, [[1, 1], [2, 1], [1, 1]])
    assert np.array_equal(await models.embed(["bb"]), [[2, 1]])
    assert counting.asked == ["a", "bb"]
    assert models.bytes > 0


async def test_it_takes_no_more_room_than_it_was_given() -> None:
    models = CachedModels(Counting(), most=10_000)
    await models.score("m", [(f"text {at}",) for at in range(1000)])
    assert 2000 < models.bytes <= 10_000
    assert models.gauges()["guard_cache_bytes"][1] == models.bytes


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60))
def test_what_is_kept_is_what_was_last_used_within_bounds(steps: list[tuple[int, int]]) -> None:
    kept = Kept[int](100, lambda size: size)
    model: dict[bytes, int] = {}
    for name, size in steps:
        key = bytes([name])
        assert kept.get(key) == model.get(key)
        if key in model:
            model[key] = model.pop(key)
        kept.put(key, size)
        if size <= 25:
            model.pop(key, None)
            model[key] = size
            while sum(model.values()) > 100:
                del model[next(iter(model))]
        assert kept.bytes == sum(model.values())
        assert len(kept) == len(model)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_other_texts_have_another_digest(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)
    assert len(digest(*one)) == 32


def test_a_lone_surrogate_has_a_digest() -> None:
    assert digest("\ud800") != digest("\ud801")
