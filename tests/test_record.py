"""The record: what is kept of a call, in the journal and in the table alike, and old journals that stay readable."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.record import CallRecord
from gateway.store.tables.calls import calls

FIELDS = msgspec.structs.fields(CallRecord)
FIRST_FORM = ("id", "started", "surface", "status")


def test_the_table_has_a_column_for_each_field_and_no_other() -> None:
    assert [column.name for column in calls.columns] == [field.name for field in FIELDS]
    nullable = {field.name for field in FIELDS if field.default is None}
    assert {column.name for column in calls.columns if column.nullable} == nullable


def test_every_field_but_the_first_ones_has_a_default() -> None:
    """Which is what keeps the journals of earlier versions readable: what they do not hold is filled in."""
    required = tuple(field.name for field in FIELDS if field.required)
    assert required == FIRST_FORM
    old = msgspec.msgpack.encode(["r", 1, "chat", 200])
    assert msgspec.msgpack.decode(old, type=CallRecord) == CallRecord("r", 1, "chat", 200)


def test_a_record_of_a_later_version_is_read_too() -> None:
    """After a rollback; what this version does not know is left out."""
    whole = list(msgspec.structs.astuple(CallRecord("r", 1, "chat", 200)))
    later = msgspec.msgpack.encode([*whole, "new", 5])
    assert msgspec.msgpack.decode(later, type=CallRecord) == CallRecord("r", 1, "chat", 200)


@given(st.text(), st.integers(0, 2**63 - 1), st.none() | st.text(), st.booleans())
def test_it_comes_back_as_it_was(name: str, started: int, error: str | None, stream: bool) -> None:
    record = CallRecord(name, started, "chat", 200, error, stream=stream)
    raw = msgspec.msgpack.encode(record)
    assert msgspec.msgpack.decode(raw, type=CallRecord) == record


def test_nothing_that_was_said_is_kept() -> None:
    told: list[Any] = [field.name for field in FIELDS]
    assert not {"messages", "prompt", "body", "content", "text", "variables", "secret", "key"} & set(told)
