"""Lists in parts: every item once, in order, however it is paged through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.types import Json
from gateway.wire.paging import Page


def items(number: int) -> list[Json]:
    return [{"id": f"item_{index}"} for index in range(number)]


@given(st.integers(0, 30), st.integers(1, 100), st.sampled_from(["asc", "desc"]))
def test_pages_together_are_the_list(number: int, limit: int, order: str) -> None:
    listed = items(number)
    query = {"limit": str(limit), "order": order}
    seen: list[Json] = []
    while True:
        page = Page.read(query).of(listed)
        seen += page["data"]
        assert len(page["data"]) <= limit
        if not page["has_more"]:
            break
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        query["after"] = page["last_id"]
    assert seen == (listed if order == "asc" else listed[::-1])


def test_twenty_newest_first_where_nothing_is_said() -> None:
    page = Page.read({"id": "not ours"}).of(items(21))
    assert [item["id"] for item in page["data"]] == [f"item_{index}" for index in range(20, 0, -1)]
    assert page["has_more"]


def test_an_empty_list() -> None:
    assert Page().of([]) == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


@pytest.mark.parametrize(
    "query",
    [*({"limit": limit} for limit in ("0", "101", "-1", "1.5", "", "٣", "many")), {"order": "up"}, {"after": "item_9"}],
)
def test_what_is_no_page_is_named(query: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        Page.read(query).of(items(3))
    assert [refused.value.param] == list(query)
