"""Stored responses: what `store`, `previous_response_id` and `background` of the responses API mean.

A response belongs to the key that made it; for any other key it does not exist. Storing waits for the database, unlike
anything else on a request's way: a client that asked for a stored response must find it with its next request,
whichever process that one reaches. When the database is dead, such a call fails with 503, and calls with
`store: false` go on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from gateway.errors import BadRequest, GatewayError, NotFound, RateLimited
from gateway.store import responses
from gateway.store.engine import Store
from gateway.store.responses import StoredResponse
from gateway.types import Json, Principal
from gateway.wire import conversation
from gateway.wire.paging import Page
from gateway.wire.surface import Call, StoringTranslator, Translator

KEPT_FOR = 30 * 24 * 3600.0
"""Seconds a response is kept, as OpenAI does: thirty days."""

MOST_IN_BACKGROUND = 100
"""Responses of one key that a process makes in the background at once."""

LOST_AFTER = 3600.0
"""Seconds after which a response still in the making is taken for lost with its process."""

Write = Callable[[Connection, StoredResponse], None]

ENDED = ("completed", "incomplete")
"""What a conversation can go on from; a response of any other status has no answer."""


class Conversations:
    """Owns the responses of this process that are still being made, and knows the store for all others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, asyncio.Task[None]] = {}
        self._of_key: Counter[str] = Counter()

    async def recall(self, call: Call, principal: Principal) -> None:
        """Put the conversation so far before this call's messages."""
        assert call.previous is not None
        stored = await asyncio.to_thread(self._find, call.previous, principal)
        if stored is None:
            message = f"Previous response with id {call.previous[:80]!r} not found."
            raise BadRequest(message, param="previous_response_id", code="previous_response_not_found")
        if stored.status not in ENDED:
            message = f"Previous response {stored.id!r} is {stored.status}: go on from one that has been completed."
            raise BadRequest(message, param="previous_response_id", code="previous_response_not_completed")
        conversation.recall(call, stored.turn)

    async def keep(self, call: Call, translator: Translator, principal: Principal, call_id: str) -> None:
        """Store a finished response, and the id of the call that made it."""
        assert isinstance(translator, StoringTranslator)
        if translator.result is not None:
            turn = conversation.turn(call, translator.result)
            write = responses.settle if call.background else responses.put
            await asyncio.to_thread(self._write, write, translator.result, turn, principal, call.previous, call_id)

    async def detach(self, call: Call, translator: Translator, principal: Principal, call_id: str) -> Json:
        """The current task goes on in the background: what the client is told at once, and can ask for by its id.
        Raises `RateLimited` where its key has too many under way."""
        assert isinstance(translator, StoringTranslator)
        key = principal.key_id
        if self._of_key[key] >= MOST_IN_BACKGROUND:
            message = f"This key has {MOST_IN_BACKGROUND} responses in the background. Wait for one to end."
            raise RateLimited(message, code="too_many_concurrent", retry_after=1.0)
        task = asyncio.current_task()
        assert task is not None
        self._of_key[key] += 1
        task.add_done_callback(lambda _: self._ended(translator.response_id, key))
        pending = translator.pending()
        await asyncio.to_thread(self._write, responses.put, pending, [], principal, call.previous, call_id)
        self._running[translator.response_id] = task
        return pending

    def _ended(self, response_id: str, key: str) -> None:
        self._running.pop(response_id, None)
        self._of_key[key] -= 1
        if not self._of_key[key]:
            del self._of_key[key]

    async def settle(self, call: Call, translator: Translator, principal: Principal, error: GatewayError) -> None:
        """A response made in the background did not come to its end: failed, or cancelled by its client."""
        assert isinstance(translator, StoringTranslator)
        result = translator.pending()
        if error.status == 499:
            result["status"] = "cancelled"
        else:
            result.update(status="failed", error={"code": error.code or "server_error", "message": error.message})
        await asyncio.to_thread(self._write, responses.settle, result, [], principal)

    async def get(self, response_id: str, principal: Principal) -> Json:
        return (await self._existing(response_id, principal)).body

    async def items(self, response_id: str, principal: Principal, page: Page) -> Json:
        """A page of the input of a response, as a list object."""
        stored = await self._existing(response_id, principal)
        return page.of(conversation.input_items(stored.turn))

    async def delete(self, response_id: str, principal: Principal) -> Json:
        stored = await self._existing(response_id, principal)
        await self._stop(response_id)  # what is still being made would be stored again at its end
        await asyncio.to_thread(self._delete, stored.id, principal)
        return {"id": response_id, "object": "response", "deleted": True}

    async def cancel(self, response_id: str, principal: Principal) -> Json:
        """Stop a response made in the background; one that has ended is returned as it is. What another process makes
        is cancelled all the same, though its upstream is not told."""
        stored = await self._existing(response_id, principal)
        if not stored.body.get("background"):
            message = "Only responses created with background=true can be cancelled."
            raise BadRequest(message, param="id", code="not_cancellable")
        await self._stop(response_id)
        gone = {**stored.body, "status": "cancelled"}
        await asyncio.to_thread(self._write, responses.settle, gone, [], principal)
        return (await self._existing(response_id, principal)).body

    async def _stop(self, response_id: str) -> None:
        task = self._running.get(response_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Cancel what is still being made; each is stored as cancelled."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)

    async def _existing(self, response_id: str, principal: Principal) -> StoredResponse:
        stored = await asyncio.to_thread(self._find, response_id, principal)
        if stored is None:
            raise NotFound(f"Response with id {response_id[:80]!r} not found.", param="id")
        unfinished = stored.status == "in_progress" and response_id not in self._running
        if unfinished and time.time() - stored.created > LOST_AFTER:
            error = {"code": "server_error", "message": "The gateway ended while it made this response. Ask again."}
            return replace(stored, status="failed", body={**stored.body, "status": "failed", "error": error})
        return stored

    def _find(self, response_id: str, principal: Principal) -> StoredResponse | None:
        with self._store.begin() as connection:
            return responses.get(connection, response_id, principal.key_id)

    def _write(
        self,
        write: Write,
        body: Json,
        turn: list[Json],
        principal: Principal,
        previous: str | None = None,
        call_id: str | None = None,
    ) -> None:
        now = time.time()
        row = StoredResponse(
            id=body["id"],
            key_id=principal.key_id,
            created=now,
            status=body["status"],
            body=body,
            turn=turn,
            previous=previous,
            expires=now + KEPT_FOR,
            call=call_id,
        )
        with self._store.begin() as connection:
            write(connection, row)

    def _delete(self, response_id: str, principal: Principal) -> None:
        with self._store.begin() as connection:
            responses.remove(connection, response_id, principal.key_id)
