"""What holds for models wherever they run: in this process or on a server, remembered or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from math import exp
from pathlib import Path

import numpy as np
import pytest

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Models
from guardrails.models.cached import CachedModels
from guardrails.models.local import LocalModels
from guardrails.models.remote import RemoteModels
from tests.guardrails.models import box, made

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.anyio

KINDS = ("local", "remote", "cached", "cached remote")


@pytest.fixture
def name(tmp_path: Path) -> str:
    return made.own(tmp_path)


@pytest.fixture(params=KINDS)
async def models(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> AsyncIterator[Models]:
    """A bounded queue of eight windows."""
    async with AsyncExitStack() as ending:
        if "remote" in request.param:
            url = ending.enter_context(box.of_own(tmp_path, name, embeds=name, waiting=8))
            remote = RemoteModels(url, embeds=name)
            ending.push_async_callback(remote.close)
            lent: Models = remote
        else:
            lent = ending.enter_context(closing(LocalModels(tmp_path, embeds=name, waiting=8)))
        yield CachedModels(lent) if "cached" in request.param else lent


async def test_a_text_is_scored_window_by_window_and_all_of_it(models: Models, name: str) -> None:
    text = "plain " * 40 + "attack"
    ((*windows,),) = await models.score(name, [(text,)])
    assert windows[0].start == 0
    assert windows[-1].end == len(text)
    assert [window.scores[0] for window in windows[-1:]] == pytest.approx([1 / (1 + exp(-1))])


async def test_rows_come_back_in_order_and_twice_where_asked_twice(models: Models, name: str) -> None:
    one, two, again = await models.score(name, [("attack",), ("rude rude",), ("attack",)])
    assert one == again != two
    assert two[0].scores == pytest.approx((0.5, 1 / (1 + exp(-2))))


async def test_nothing_is_asked_about_nothing(models: Models, name: str) -> None:
    assert await models.score(name, []) == []
    assert len(await models.embed([])) == 0


@pytest.mark.parametrize("text", ["", "\ud800 attack", "\x00", "naïve ☃ \U0001f600 attack"])
async def test_any_text_is_covered(models: Models, name: str, text: str) -> None:
    ((window,),) = await models.score(name, [(text,)])
    assert (window.start, window.end) == (0, len(text))


async def test_embeddings_are_unit_vectors(models: Models) -> None:
    vectors = await models.embed(["attack attack", "rude", "attack"])
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.array([[1, 0], [0, 1], [1, 0]]))


async def test_a_model_that_there_is_not_is_said(models: Models) -> None:
    for asked in ("nothing", "counting@" + "0" * 12):
        with pytest.raises(NotRun, match=r"no model|missing|not served"):
            await models.score(asked, [("text",)])
    with pytest.raises(NotRun, match="the digest of counting@123 is too short"):
        await models.score("counting@123", [("text",)])


async def test_a_row_that_the_model_does_not_read_is_said(models: Models, name: str) -> None:
    with pytest.raises(NotRun, match="reads 1 texts at once, 2 were given"):
        await models.score(name, [("one", "two")])
    assert await models.score(name, [("attack",)])


async def test_many_at_once_are_each_judged_or_told_that_they_were_not(models: Models, name: str) -> None:
    texts = ["plain " * 400 + "rude " * at for at in range(60)]
    found = await asyncio.gather(*(models.score(name, [(text,)]) for text in texts), return_exceptions=True)
    judged = [one for one in found if not isinstance(one, BaseException)]
    assert judged
    assert all(isinstance(one, Overloaded) for one in found if isinstance(one, BaseException))
    assert all(one[0][-1].end >= 2400 for one in judged)
    assert await models.score(name, [("attack",)])


async def test_who_leaves_leaves_the_rest_in_peace(models: Models, name: str) -> None:
    leaving = asyncio.create_task(models.score(name, [("plain " * 20_000,)]))
    await asyncio.sleep(0.05)
    leaving.cancel()
    await asyncio.wait({leaving})  # a quick machine has judged it by then
    for _ in range(100):
        try:
            assert await models.score(name, [("attack",)])
            return
        except Overloaded:
            await asyncio.sleep(0.05)
    pytest.fail("what was left goes on being judged")
