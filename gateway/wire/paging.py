"""The part of a list that a client asks for in the query of a URL, as OpenAI's list endpoints cut it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from gateway.errors import BadRequest
from gateway.types import Json

LIMITS = {str(number): number for number in range(1, 101)}


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` items, newest first unless `ascending`; `after` is the id of the last item a client has seen."""

    limit: int = 20
    ascending: bool = False
    after: str | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Raises `BadRequest` naming the field."""
        limit, order = LIMITS.get(query.get("limit", "20")), query.get("order", "desc")
        if limit is None:
            raise BadRequest("'limit' is a number from 1 to 100.", param="limit", code="invalid_value")
        if order not in ("asc", "desc"):
            raise BadRequest("'order' is asc or desc.", param="order", code="invalid_value")
        return cls(limit, order == "asc", query.get("after"))

    def of(self, items: list[Json]) -> Json:
        """A list object of this part of `items`, which come oldest first. Raises `BadRequest` where none is `after`."""
        ordered = items if self.ascending else items[::-1]
        if self.after is not None:
            ids = [item["id"] for item in ordered]
            if self.after not in ids:
                raise BadRequest(f"There is no item {self.after[:80]!r}.", param="after", code="invalid_value")
            ordered = ordered[ids.index(self.after) + 1 :]
        shown = ordered[: self.limit]
        ends = {"first_id": shown[0]["id"] if shown else "", "last_id": shown[-1]["id"] if shown else ""}
        return {"object": "list", "data": shown, **ends, "has_more": len(ordered) > len(shown)}
