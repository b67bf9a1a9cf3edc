"""Comments in the store."""

from __future__ import annotations

from gateway.store import prompt_comments
from gateway.store.engine import Store


def test_comments_are_kept_in_their_order(store: Store) -> None:
    with store.begin() as connection:
        made = [prompt_comments.add(connection, "a", number, "ada", body) for number, body in ((2, "☃"), (1, "b"))]
        prompt_comments.add(connection, "b", 1, "ada", "elsewhere")
        assert prompt_comments.of_prompt(connection, "a") == made
    assert [(comment.number, comment.body) for comment in made] == [(2, "☃"), (1, "b")]
