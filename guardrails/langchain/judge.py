"""A policy that judges for programs of any thread and any event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from guardrails.engine import Engine
from guardrails.errors import GuardError
from guardrails.models.lent import lent
from guardrails.policy import Policy, find
from guardrails.verdict import Verdict

Answer = TypeVar("Answer")
Heard = Callable[[Sequence[Verdict]], None]


class Blocked(GuardError):
    """A guard ended the call. `message` is what may be told, `verdicts` are what led to it."""

    def __init__(self, message: str, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(message)
        self.verdicts = tuple(verdicts)


class Judge:
    """`policy` is one, the name of a shipped one, or the path of a file. `tenant` is whose overrides are in force,
    `server` the URL of a scoring server and `token` its bearer; without one models run in this process. `heard` is
    given every verdict, on the thread that asked.

    What judges runs on an event loop on a thread of its own, since models and connections belong to one: `close` it, or
    use it as a context manager."""

    def __init__(
        self,
        policy: Policy | str,
        *,
        tenant: str | None = None,
        server: str | None = None,
        token: str | None = None,
        heard: Heard | None = None,
    ) -> None:
        self.policy = find(policy) if isinstance(policy, str) else policy
        self.tenant, self._heard = tenant, heard
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="guards", daemon=True)
        self._thread.start()
        self._ending = AsyncExitStack()
        lending = self.run(self._ending.enter_async_context(lent(server, token)))
        self.engine = Engine(self.policy, lending.models)

    def run(self, judging: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for it on this thread."""
        return asyncio.run_coroutine_threadsafe(judging, self._loop).result()

    async def aside(self, judging: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for it on an event loop of others."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(judging, self._loop))

    def tell(self, verdicts: Sequence[Verdict]) -> None:
        if self._heard is not None and verdicts:
            self._heard(verdicts)

    def close(self) -> None:
        """Ends what it began; once closed it judges no more."""
        if self._loop.is_closed():
            return
        self.run(self._ending.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
