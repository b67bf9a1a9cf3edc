"""Contents on every store: they come with how far their segment has come."""

from __future__ import annotations

from gateway.store import calls, contents
from gateway.store.contents import Content
from gateway.store.engine import Store


def content(number: int, request: str | None = "{}") -> Content:
    return Content(f"req_{number}", number, request, None, {"card": number}, True)


def test_contents_come_back_as_they_were(store: Store) -> None:
    with store.begin() as connection:
        contents.ship(connection, "segment", 70, [content(1), content(2, None)])
    with store.begin() as connection:
        assert calls.offset_of(connection, "segment") == 70
        assert contents.get(connection, "req_1") == content(1)
        assert contents.get(connection, "req_2") == content(2, None)
        assert contents.get(connection, "req_3") is None


def test_a_nul_holds_nothing_up(store: Store) -> None:
    with store.begin() as connection:
        contents.ship(connection, "segment", 70, [content(1, "a\0b")])
        found = contents.get(connection, "req_1")
        assert found is not None
        assert found.request == "a\ufffdb"
