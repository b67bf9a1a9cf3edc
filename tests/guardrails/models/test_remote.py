"""Models of a server that is down, hangs, is full, lies, or serves something else: no guard waits, and none passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun, Overloaded
from guardrails.models.circuit import Circuit
from guardrails.models.remote import HEAD, RemoteModels, parts
from guardrails.models.wire import MOST_BYTES, MOST_ROWS
from guardrails.server.app import Box
from tests.guardrails.models import box, made
from tests.waiting import until

pytestmark = pytest.mark.anyio

NAME = "m@" + box.DIGEST[:16]


@pytest.fixture
async def ending() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def remote(ending: AsyncExitStack, url: str, token: str | None = None, **changed: Any) -> RemoteModels:
    models = RemoteModels(url, token, **changed)
    ending.push_async_callback(models.close)
    return models


def ruled(ending: AsyncExitStack, served: box.Ruled, token: str | None = None) -> str:
    return ending.enter_context(box.serving(Box(served, ["m", NAME], token)))


async def test_where_nobody_is_guards_fail_at_once_and_then_without_asking(ending: AsyncExitStack) -> None:
    models = remote(ending, box.nobody())
    for _ in range(5):
        with pytest.raises(NotRun, match=r"the guard server cannot be reached$"):
            await models.score(NAME, [("text",)])
    with pytest.raises(NotRun, match="cannot be reached; it is left alone for some seconds"):
        await models.score(NAME, [("text",)])
    assert models.fault == "The guard server cannot be reached; guards that ask its models do not run."


async def test_one_that_comes_back_is_asked_again(ending: AsyncExitStack) -> None:
    models = remote(ending, ruled(ending, box.Ruled()), circuit=Circuit(1, 0.0))
    models._circuit.trip()
    assert await models.score(NAME, [("text",)])
    assert models.fault is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b""),
        (200, b'{"digest": "dddd"}'),
        (200, b'{"digest": "dddd", "rows": []}'),
        (200, b'{"digest": "dddd", "rows": [[]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 4, [0.1]]], [[0, 4, [0.1]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 3, [0.1]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[1, 4, [0.1]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 1, [0.1]], [2, 4, [0.1]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 4, []]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 4, [1.5]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 4, [NaN]]]]}'),
        (200, b'{"digest": "dddd", "rows": [[[0, 2, [0.1]], [2, 4, [0.1, 0.2]]]]}'),
        (200, b"\xff\xfe"),
        (302, b""),
        (404, b"Not Found"),
        (500, b"Internal Server Error"),
        (502, b'{"error": "bad gateway"}'),
    ],
)
async def test_garbage_is_no_answer(ending: AsyncExitStack, status: int, body: bytes) -> None:
    models = remote(ending, await ending.enter_async_context(box.odd(box.answers(status, body))))
    for _ in range(5):
        with pytest.raises(NotRun, match="the guard server answered with"):
            await models.score(NAME, [("text",)])
    with pytest.raises(NotRun, match="left alone"):
        await models.score(NAME, [("text",)])


@pytest.mark.parametrize("vectors", [b"[]", b"[[]]", b"[[0.1, 0.1]]", b"[[1, 0], [0, 1]]", b"[[1e300]]", b'["x"]'])
async def test_garbage_is_no_embedding(ending: AsyncExitStack, vectors: bytes) -> None:
    body = b'{"digest": "dddd", "vectors": %b}' % vectors
    models = remote(ending, await ending.enter_async_context(box.odd(box.answers(200, body))), embeds=NAME)
    with pytest.raises(NotRun, match="something that is no answer"):
        await models.embed(["text"])


async def test_an_answer_without_end_is_cut_off(ending: AsyncExitStack) -> None:
    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await box.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    models = remote(ending, await ending.enter_async_context(box.odd(pours)), timeout=30)
    with pytest.raises(NotRun, match="answers without end"):
        await models.score(NAME, [("text",)])


async def test_one_that_ends_in_the_middle_of_an_answer_is_no_pass(ending: AsyncExitStack) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await box.request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"digest": ')
        await writer.drain()

    models = remote(ending, await ending.enter_async_context(box.odd(dies)))
    with pytest.raises(NotRun, match="broke off"):
        await models.score(NAME, [("text",)])


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_one_that_hangs_is_found_out_by_its_health(ending: AsyncExitStack) -> None:
    models = remote(ending, await ending.enter_async_context(box.odd(hangs)), timeout=0.2)
    with pytest.raises(NotRun, match=r"took longer than 0\.2 s"):
        await models.score(NAME, [("text",)])
    await until(lambda: models.fault is not None)
    with pytest.raises(NotRun, match="does not answer; it is left alone"):
        await models.score(NAME, [("text",)])


async def test_one_that_hangs_is_found_out_though_guards_have_less_patience(ending: AsyncExitStack) -> None:
    models = remote(ending, await ending.enter_async_context(box.odd(hangs)), timeout=30)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.1):
            await models.score(NAME, [("text",)])
    await until(lambda: models.fault is not None)


async def test_one_that_is_only_slow_is_not_left_alone(ending: AsyncExitStack) -> None:
    """Or else long texts of one client would switch off the guards of all."""
    served = box.Ruled()
    served.gate.clear()
    models = remote(ending, ruled(ending, served), timeout=0.2)
    for at in range(8):
        with pytest.raises(NotRun, match="took longer"):
            await models.score(NAME, [(f"text {at}",)])
    await until(lambda: served.left == 8)  # who waits no longer is not judged
    served.gate.set()
    assert await models.score(NAME, [("text",)])


async def test_too_many_at_once_are_turned_away(ending: AsyncExitStack) -> None:
    served = box.Ruled()
    served.gate.clear()
    models = remote(ending, ruled(ending, served), most=2)
    waiting = [asyncio.create_task(models.score(NAME, [(f"text {at}",)])) for at in range(2)]
    await until(lambda: served.begun == 2)
    with pytest.raises(Overloaded, match="2 requests wait for the guard server"):
        await models.score(NAME, [("text",)])
    served.gate.set()
    assert len(await asyncio.gather(*waiting)) == 2


async def test_one_that_is_full_is_told_as_such_and_is_not_down(ending: AsyncExitStack) -> None:
    models = remote(ending, ruled(ending, box.Ruled(Overloaded("4096 windows wait for the model m already"))))
    for _ in range(8):
        with pytest.raises(Overloaded, match="the guard server: 4096 windows wait"):
            await models.score(NAME, [("text",)])
    assert models.fault is None


async def test_a_model_that_fails_is_no_server_that_is_down(ending: AsyncExitStack) -> None:
    models = remote(ending, ruled(ending, box.Ruled(NotRun("there was not enough memory for the model m"))))
    for _ in range(8):
        with pytest.raises(NotRun, match="the guard server: there was not enough memory"):
            await models.score(NAME, [("text",)])
    assert models.fault is None


async def test_another_model_than_the_pinned_one_is_refused(ending: AsyncExitStack) -> None:
    other = "m@" + "e" * 16
    models = remote(ending, ending.enter_context(box.serving(Box(box.Ruled(), [other]))))
    with pytest.raises(NotRun, match=r"the model m@e+ that is served here is another: dddd"):
        await models.score(other, [("text",)])


async def test_an_answer_of_another_model_is_refused(ending: AsyncExitStack) -> None:
    """A server that pays no heed to what was asked for is not believed."""
    body = msgspec.json.encode({"digest": "e" * 64, "rows": [[[0, 4, [0.1]]]]})
    models = remote(ending, await ending.enter_async_context(box.odd(box.answers(200, body))))
    with pytest.raises(NotRun, match=r"has another model m@d+: eeeeeeeeeeee, and not dddddddddddd"):
        await models.score(NAME, [("text",)])


async def test_a_shipped_model_has_to_be_the_one_that_is_shipped_here(ending: AsyncExitStack) -> None:
    url = ending.enter_context(box.serving(Box(box.Ruled(), ["prompts"])))
    with pytest.raises(NotRun, match="prompts that is served here is another"):
        await remote(ending, url).score("prompts", [("text",)])


@pytest.mark.parametrize("name", ["nothing", "../prompts", "..", ""])
async def test_a_model_that_there_is_not_is_not_asked_for(ending: AsyncExitStack, name: str) -> None:
    with pytest.raises(NotRun, match=r"no model|missing"):
        await remote(ending, box.nobody()).score(name, [("text",)])


async def test_without_the_token_nothing_is_judged(ending: AsyncExitStack) -> None:
    url = ruled(ending, box.Ruled(), "right")
    with pytest.raises(NotRun, match="the token is missing, or not the server's"):
        await remote(ending, url, "wrong").score(NAME, [("text",)])
    assert await remote(ending, url, "right").score(NAME, [("text",)])


async def test_many_rows_go_in_several_requests(ending: AsyncExitStack) -> None:
    served = box.Ruled()
    models = remote(ending, ruled(ending, served))
    rows = [(f"text {at}" + "x" * (at % 7),) for at in range(2 * MOST_ROWS + 1)]
    found = await models.score(NAME, rows)
    assert [windows[0].end for windows in found] == [len(text) for (text,) in rows]
    assert served.begun == 3


async def test_a_text_too_long_for_the_server_is_no_pass(ending: AsyncExitStack) -> None:
    served = box.Ruled()
    models = remote(ending, ruled(ending, served))
    with pytest.raises(NotRun, match="a text is too long for the guard server"):
        await models.score(NAME, [("x" * MOST_BYTES,)])
    assert await models.score(NAME, [("x" * (MOST_BYTES - 2 * HEAD),), ("y" * 5000,)])


async def test_what_is_closed_says_so(ending: AsyncExitStack) -> None:
    models = remote(ending, box.nobody())
    await models.close()
    with pytest.raises(NotRun, match="closed"):
        await models.score(NAME, [("text",)])


@given(st.lists(st.integers(1, MOST_BYTES - HEAD), max_size=600))
def test_requests_are_within_bounds_and_leave_nothing_out(sizes: list[int]) -> None:
    found = list(parts(sizes))
    assert [at for first, end in found for at in range(first, end)] == list(range(len(sizes)))
    for first, end in found:
        assert end - first <= MOST_ROWS
        assert end - first == 1 or sum(sizes[first:end]) + end - first <= MOST_BYTES - HEAD


async def test_a_model_of_the_server_s_own_folder_is_found_by_its_digest(
    ending: AsyncExitStack, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    name = made.own(tmp_path)
    models = remote(ending, ending.enter_context(box.of_own(tmp_path, name, embeds=name)))
    assert await models.score(name, [("attack",)])
