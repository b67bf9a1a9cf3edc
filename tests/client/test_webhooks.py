"""The client's webhooks, and what a receiver does with a message."""

from __future__ import annotations

import pytest

from gateway.client import verify_webhook
from gateway.errors import BadRequest, NotFound
from tests.answering import Told
from tests.client.halves import Half
from tests.client.people import People


def test_from_creation_to_the_end(half: Half, people: People, told: Told) -> None:
    told.answer(200, b"")
    hooks = people.root.webhooks
    made = half.run(hooks.create(told.url, ["prompt."]))
    assert (made.events, made.disabled, made.waiting) == (["prompt."], None, 0)
    name = "webhooks/greet"
    half.run(people.ada.prompts.save(name, {"messages": [{"role": "user", "content": f"Hi ☺ {made.id}"}]}))
    half.until(lambda: bool(told.asked))
    [asked] = told.asked
    said = verify_webhook(made.secret, asked.headers, asked.raw)
    assert said["type"] == "prompt.version.created"
    assert said["data"]["object"].startswith(f"prompt:{name}@")
    with pytest.raises(BadRequest):
        verify_webhook(made.secret, asked.headers, asked.raw + b" ")

    half.until(lambda: [one.state for one in half.run(hooks.deliveries(made.id))] == ["delivered"])
    [delivery] = half.run(hooks.deliveries(made.id, state="delivered"))
    assert half.run(hooks.delivery(made.id, delivery.id)) == delivery
    assert half.run(hooks.redeliver(made.id, delivery.id)).message == delivery.message
    assert half.run(hooks.test(made.id)).event == "webhooks.tried"

    changed = half.run(hooks.change(made.id, url=f"{told.url}/other", events=("keys.",), enabled=False))
    assert changed in half.run(hooks.list())
    assert changed.why == "disabled by admin"
    half.run(hooks.delete(made.id))
    with pytest.raises(NotFound):
        half.run(hooks.delivery(made.id, delivery.id))
