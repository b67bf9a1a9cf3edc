"""Stored responses: whose they are, what the next turn builds on, and what becomes of those still being made."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.conversations import Conversations
from gateway.errors import BadRequest, ClientGone, NotFound, RateLimited, Unavailable, UpstreamFailed
from gateway.store import responses
from gateway.store.engine import Store
from gateway.store.responses import StoredResponse
from gateway.types import Json, Principal
from gateway.wire.paging import Page
from gateway.wire.responses import Responses
from gateway.wire.surface import Call, StoringTranslator

pytestmark = pytest.mark.anyio

ADA = Principal("key_ada", "ada")
EVE = Principal("key_eve", "eve")
SURFACE = Responses()


@pytest.fixture
def conversations(store: Store) -> Conversations:
    return Conversations(store)


def asked(words: str, **more: Any) -> Call:
    return SURFACE.read({"model": "m", "input": words, **more})


def answered(call: Call, words: str) -> StoringTranslator:
    """The call's translator, after the upstream has said `words`."""
    translator = SURFACE.translator(call)
    message = {"role": "assistant", "content": words}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    translator.whole(orjson.dumps({"id": "c", "model": "m", "created": 1, "choices": [choice]}))
    return translator


async def kept(conversations: Conversations, words: str, answer: str, previous: str | None = None) -> str:
    """The id of a stored turn."""
    call = asked(words, **({"previous_response_id": previous} if previous else {}))
    if previous:
        await conversations.recall(call, ADA)
    translator = answered(call, answer)
    await conversations.keep(call, translator, ADA, "req_1")
    return translator.response_id


def said(messages: list[Json]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in messages]


async def test_a_response_is_found_by_its_id_in_any_process(conversations: Conversations, store: Store) -> None:
    made = await kept(conversations, "Hi.", "Hello.")
    found = await Conversations(store).get(made, ADA)
    assert (found["id"], found["status"]) == (made, "completed")
    assert found["output"][0]["content"][0]["text"] == "Hello."


async def test_for_another_key_a_response_does_not_exist(conversations: Conversations) -> None:
    made = await kept(conversations, "Hi.", "Hello.")
    items = partial(conversations.items, page=Page())
    for look in (conversations.get, items, conversations.delete, conversations.cancel):
        with pytest.raises(NotFound) as refusal:
            await look(made, EVE)
        with pytest.raises(NotFound) as missing:
            await look("resp_nothing", EVE)
        assert refusal.value.message.replace(made, "") == missing.value.message.replace("resp_nothing", "")
    with pytest.raises(BadRequest) as previous:
        await conversations.recall(asked("x", previous_response_id=made), EVE)
    assert previous.value.code == "previous_response_not_found"
    assert (await conversations.get(made, ADA))["id"] == made


async def test_a_conversation_goes_on(conversations: Conversations) -> None:
    first = await kept(conversations, "one", "1")
    second = await kept(conversations, "two", "2", first)
    call = asked("three", previous_response_id=second, instructions="Count.")
    await conversations.recall(call, ADA)
    assert said(call.body["messages"]) == [
        ("system", "Count."),
        ("user", "one"),
        ("assistant", "1"),
        ("user", "two"),
        ("assistant", "2"),
        ("user", "three"),
    ]


async def test_a_conversation_branches(conversations: Conversations) -> None:
    first = await kept(conversations, "one", "1")
    for words in ("left", "right"):
        call = asked(words, previous_response_id=await kept(conversations, words, words.upper(), first))
        await conversations.recall(call, ADA)
        assert [text for _, text in said(call.body["messages"])] == ["one", "1", words, words.upper(), words]


async def test_instructions_are_of_one_turn_only(conversations: Conversations) -> None:
    call = asked("one", instructions="Be brief.")
    translator = answered(call, "1")
    await conversations.keep(call, translator, ADA, "req_1")
    following = asked("two", previous_response_id=translator.response_id)
    await conversations.recall(following, ADA)
    assert said(following.body["messages"]) == [("user", "one"), ("assistant", "1"), ("user", "two")]


async def test_the_input_is_listed_newest_first_and_without_the_answer(conversations: Conversations) -> None:
    second = await kept(conversations, "two", "2", await kept(conversations, "one", "1"))
    listed = await conversations.items(second, ADA, Page())
    assert [(item["role"], item["content"][0]["text"]) for item in listed["data"]] == [
        ("user", "two"),
        ("assistant", "1"),
        ("user", "one"),
    ]
    assert not listed["has_more"]


async def test_what_is_deleted_is_gone_and_what_built_on_it_stays(conversations: Conversations) -> None:
    first = await kept(conversations, "one", "1")
    second = await kept(conversations, "two", "2", first)
    assert await conversations.delete(first, ADA) == {"id": first, "object": "response", "deleted": True}
    with pytest.raises(NotFound):
        await conversations.get(first, ADA)
    with pytest.raises(NotFound):
        await conversations.delete(first, ADA)
    call = asked("three", previous_response_id=second)
    await conversations.recall(call, ADA)
    assert len(call.body["messages"]) == 5


async def test_what_is_past_its_time_is_gone(conversations: Conversations, store: Store) -> None:
    with store.begin() as connection:
        row = StoredResponse("resp_old", ADA.key_id, 0.0, "completed", {"id": "resp_old"}, [], None, time.time() - 1)
        responses.put(connection, row)
    with pytest.raises(NotFound):
        await conversations.get("resp_old", ADA)
    fresh = await kept(conversations, "one", "1")
    assert (await conversations.get(fresh, ADA))["id"] == fresh


async def test_a_dead_database_is_said_and_nothing_is_half_kept(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'away' / 'sluice.db'}")) as away:
        conversations = Conversations(away)
        call = asked("one")
        with pytest.raises(Unavailable) as refusal:
            await conversations.keep(call, answered(call, "1"), ADA, "req_1")
        assert refusal.value.code == "database_unavailable"
        with pytest.raises(Unavailable):
            await conversations.recall(asked("two", previous_response_id="resp_1"), ADA)


# In the background ---------------------------------------------------------------------------------------------------


class Background:
    """A response made in the background, as the pipeline makes one: it waits for `go`."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self.call = asked("one", background=True)
        self.translator = SURFACE.translator(self.call)
        self.go = asyncio.Event()
        self.detached = asyncio.Event()
        self.error: UpstreamFailed | None = None
        self.task = asyncio.create_task(self._work())

    @property
    def id(self) -> str:
        return self.translator.response_id

    async def _work(self) -> None:
        conversations, call, translator = self._conversations, self.call, self.translator
        pending = await conversations.detach(call, translator, ADA, "req_1")
        assert (pending["id"], pending["status"]) == (translator.response_id, "in_progress")
        self.detached.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.shield(conversations.settle(call, translator, ADA, ClientGone("Cancelled.")))
            raise
        if self.error is not None:
            await conversations.settle(call, translator, ADA, self.error)
            return
        message = {"index": 0, "message": {"content": "1"}, "finish_reason": "stop"}
        translator.whole(orjson.dumps({"id": "c", "model": "m", "created": 1, "choices": [message]}))
        await conversations.keep(call, translator, ADA, "req_1")


async def test_a_response_in_the_background_is_there_from_the_start(conversations: Conversations) -> None:
    made = Background(conversations)
    await made.detached.wait()
    first = await conversations.get(made.id, ADA)
    assert (first["status"], first["background"], first["output"]) == ("in_progress", True, [])
    made.go.set()
    await made.task
    assert (await conversations.get(made.id, ADA))["status"] == "completed"
    call = asked("two", previous_response_id=made.id)
    await conversations.recall(call, ADA)
    assert said(call.body["messages"]) == [("user", "one"), ("assistant", "1"), ("user", "two")]


async def test_a_key_has_only_so_many_in_the_background(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.conversations.MOST_IN_BACKGROUND", 2)
    made = [Background(conversations) for _ in range(2)]
    await asyncio.gather(*(one.detached.wait() for one in made))
    call = asked("one", background=True)
    with pytest.raises(RateLimited, match="2 responses in the background"):
        await conversations.detach(call, SURFACE.translator(call), ADA, "req_1")
    for one in made:
        one.go.set()
    await asyncio.gather(*(one.task for one in made))
    last = Background(conversations)
    await last.detached.wait()
    last.go.set()
    await last.task


async def test_one_whose_process_is_gone_is_failed_after_its_time(
    conversations: Conversations, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Background(conversations)
    await made.detached.wait()
    other = Conversations(store)
    assert (await other.get(made.id, ADA))["status"] == "in_progress"
    monkeypatch.setattr("gateway.conversations.LOST_AFTER", -1.0)
    found = await other.get(made.id, ADA)
    assert (found["status"], found["error"]["code"]) == ("failed", "server_error")
    assert (await conversations.get(made.id, ADA))["status"] == "in_progress"  # here it is still being made
    made.go.set()
    await made.task


async def test_one_that_fails_says_why(conversations: Conversations) -> None:
    made = Background(conversations)
    made.error = UpstreamFailed("The upstream cut its reply short.", code="upstream_cut")
    made.go.set()
    await made.task
    found = await conversations.get(made.id, ADA)
    assert found["status"] == "failed"
    assert found["error"] == {"code": "upstream_cut", "message": "The upstream cut its reply short."}


async def test_a_conversation_does_not_go_on_from_what_has_no_answer(conversations: Conversations) -> None:
    made = Background(conversations)
    await made.detached.wait()
    following = asked("two", previous_response_id=made.id)
    with pytest.raises(BadRequest, match="in_progress") as refusal:
        await conversations.recall(following, ADA)
    assert refusal.value.code == "previous_response_not_completed"
    await conversations.cancel(made.id, ADA)
    with pytest.raises(BadRequest, match="cancelled"):
        await conversations.recall(following, ADA)


async def test_one_under_way_is_cancelled(conversations: Conversations) -> None:
    made = Background(conversations)
    await made.detached.wait()
    assert (await conversations.cancel(made.id, ADA))["status"] == "cancelled"
    assert made.task.cancelled()
    assert (await conversations.cancel(made.id, ADA))["status"] == "cancelled"


async def test_one_that_another_process_makes_is_cancelled(conversations: Conversations, store: Store) -> None:
    made = Background(conversations)
    await made.detached.wait()
    assert (await Conversations(store).cancel(made.id, ADA))["status"] == "cancelled"
    made.go.set()
    await made.task
    found = await conversations.get(made.id, ADA)
    assert (found["status"], found["output"]) == ("cancelled", [])


async def test_what_is_deleted_by_another_process_does_not_come_back(
    conversations: Conversations, store: Store
) -> None:
    made = Background(conversations)
    await made.detached.wait()
    await Conversations(store).delete(made.id, ADA)
    made.go.set()
    await made.task
    with pytest.raises(NotFound):
        await conversations.get(made.id, ADA)


async def test_another_key_cancels_nothing(conversations: Conversations) -> None:
    made = Background(conversations)
    await made.detached.wait()
    with pytest.raises(NotFound):
        await conversations.cancel(made.id, EVE)
    made.go.set()
    await made.task
    assert (await conversations.cancel(made.id, ADA))["status"] == "completed"


async def test_only_what_is_in_the_background_can_be_cancelled(conversations: Conversations) -> None:
    made = await kept(conversations, "one", "1")
    with pytest.raises(BadRequest) as refusal:
        await conversations.cancel(made, ADA)
    assert refusal.value.code == "not_cancellable"


async def test_a_gateway_that_stops_leaves_nothing_in_progress(conversations: Conversations) -> None:
    several = [Background(conversations) for _ in range(3)]
    for made in several:
        await made.detached.wait()
    await conversations.close()
    for made in several:
        with suppress(asyncio.CancelledError):
            await made.task
        assert (await conversations.get(made.id, ADA))["status"] == "cancelled"
    await conversations.close()
