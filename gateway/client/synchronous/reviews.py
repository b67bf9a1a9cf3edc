# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.reviews`: what guards did, looked at and decided on."""

from __future__ import annotations

from typing import Any

from gateway.client.results import reviews as results
from gateway.client.results.reading import read, read_all
from gateway.client.synchronous.transport import Transport
from gateway.paths import segment


class Reviews:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, **filters: Any) -> tuple[results.Review, ...]:
        """A page, newest first. Filters are guard, action, endpoint, team, project, since, until, undecided and
        limit."""
        return read_all(results.Review, self._transport.get("/admin/reviews", **filters))

    def get(self, call: str) -> results.Review:
        """A call with what was judged in it."""
        return read(results.Review, self._transport.get(f"/admin/reviews/{segment(call)}"))

    def decide(self, call: str, act: str, **said: Any) -> results.ReviewDecision:
        """`act` is example, allow, sample or dismiss; said are guard, label, text, kind, lang, note and everyone. What
        serves stays as it is."""
        path, body = f"/admin/reviews/{segment(call)}", {"act": act, **said}
        return read(results.ReviewDecision, self._transport.post(path, body, repeatable=True))

    def undo(self, decision: str) -> results.ReviewDecision:
        """Take a decision back, by its id."""
        path = f"/admin/review-decisions/{segment(decision)}/undo"
        return read(results.ReviewDecision, self._transport.post(path, repeatable=True))

    def examples(self, **filters: Any) -> tuple[results.LabelledText, ...]:
        """A page of the labelled texts, oldest first. Filters are guard, endpoint, since and limit."""
        return read_all(results.LabelledText, self._transport.get("/admin/reviews/examples", **filters))
