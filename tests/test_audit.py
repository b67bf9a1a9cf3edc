"""The audit log: whatever is done to it afterwards is found, at its place."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import GENESIS, OPENING, Act, Auditor, Entry, Verdict, check, entry_of
from gateway.errors import BadRequest
from gateway.signing import Signer
from gateway.store import audit
from gateway.store.engine import Store
from gateway.types import Json
from tests.proving import SIGNER

ACTS = [Act(f"keys.{number}", f"key:{number}", "because", {"n": number}) for number in range(6)]
ANOTHER = Signer.of(b"another installation")


def entries_of(signer: Signer) -> list[Entry]:
    """A log in memory, made as the auditor makes it."""
    made: list[Entry] = []
    for act in [Act(OPENING, "audit", "", {"public_key": signer.public}), *ACTS]:
        blank = Entry(
            seq=len(made) + 1,
            at=len(made),
            actor="ada",
            key_id=None,
            action=act.action,
            object=act.object,
            reason=act.reason,
            detail=orjson.dumps(act.detail).decode(),
            previous=made[-1].hash if made else GENESIS,
            hash="",
            signature="",
        )
        digest = blank.digest()
        made.append(msgspec.structs.replace(blank, hash=digest, signature=signer.sign(b"audit:" + digest.encode())))
    return made


LOG = entries_of(SIGNER)
FIELDS = [name for name in Entry.__struct_fields__ if name not in ("hash", "signature", "previous")]


def written(store: Store, acts: list[Act]) -> None:
    for act in acts:
        with store.begin() as connection:
            Auditor(SIGNER).append(connection, "ada", "key_1", act)


def held(store: Store) -> list[Entry]:
    with store.reading() as connection:
        return [entry_of(row) for row in audit.walk(connection)]


def checked(log: list[Entry], public: str, checkpoint: Json | None = None) -> Verdict:
    return check([msgspec.to_builtins(entry) for entry in log], public, checkpoint)


def test_what_was_written_holds(store: Store) -> None:
    written(store, ACTS)
    log = held(store)
    assert [entry.action for entry in log] == ["audit.began", *(act.action for act in ACTS)]
    assert checked(log, SIGNER.public).wrong is None
    assert checked(log, ANOTHER.public).wrong == "it was not signed by this installation"


def test_an_act_that_fails_leaves_no_entry(store: Store) -> None:
    written(store, ACTS[:1])
    with suppress(ZeroDivisionError), store.begin() as connection:
        Auditor(SIGNER).append(connection, "ada", None, Act("keys.create", "key:2"))
        raise ZeroDivisionError  # what is done beside it fails
    assert [entry.object for entry in held(store)] == ["audit", "key:0"]
    written(store, ACTS[1:2])
    assert checked(held(store), SIGNER.public) == Verdict(3)


def test_the_end_that_was_cut_off_shows_against_a_checkpoint(store: Store) -> None:
    written(store, ACTS)
    with store.reading() as connection:
        checkpoint = Auditor(SIGNER).checkpoint(connection)
    assert checkpoint is not None
    log = held(store)
    assert checked(log, SIGNER.public, checkpoint).wrong is None
    assert checked(log[:-1], SIGNER.public).wrong is None  # which is what the checkpoint is for
    assert "ends at 6" in str(checked(log[:-1], SIGNER.public, checkpoint).wrong)
    assert checked(log, SIGNER.public, {**checkpoint, "seq": 3}).wrong is not None


@given(at=st.integers(0, len(LOG) - 1), name=st.sampled_from(FIELDS), data=st.data())
def test_an_entry_that_was_edited_is_found(at: int, name: str, data: st.DataObject) -> None:
    before = getattr(LOG[at], name)
    change: Any = st.integers(0, 10**9) if isinstance(before, int) else st.text(max_size=8)
    after = data.draw(change.filter(lambda value: value != before))
    log = [*LOG[:at], msgspec.structs.replace(LOG[at], **{name: after}), *LOG[at + 1 :]]
    assert checked(log, SIGNER.public).wrong is not None


@given(at=st.integers(0, len(LOG) - 1), name=st.sampled_from(FIELDS), data=st.data())
def test_an_entry_that_was_edited_and_hashed_anew_is_found(at: int, name: str, data: st.DataObject) -> None:
    """Whoever can write to the database can hash; they cannot sign."""
    before = getattr(LOG[at], name)
    change: Any = st.integers(0, 10**9) if isinstance(before, int) else st.text(max_size=8)
    after = data.draw(change.filter(lambda value: value != before))
    edited = msgspec.structs.replace(LOG[at], **{name: after})
    log = [*LOG[:at], msgspec.structs.replace(edited, hash=edited.digest()), *LOG[at + 1 :]]
    assert checked(log, SIGNER.public).wrong is not None


@given(at=st.integers(0, len(LOG) - 2))
def test_an_entry_that_was_deleted_is_found_at_its_place(at: int) -> None:
    found = checked([*LOG[:at], *LOG[at + 1 :]], SIGNER.public)
    assert found.wrong is not None
    assert found.entries == at + 1


@given(order=st.permutations(range(len(LOG))))
def test_entries_in_another_order_are_found(order: list[int]) -> None:
    found = checked([LOG[at] for at in order], SIGNER.public)
    assert (found.wrong is None) == (order == sorted(order))


@given(at=st.integers(0, len(LOG)), which=st.integers(0, len(LOG) - 1))
def test_an_entry_that_was_put_in_is_found(at: int, which: int) -> None:
    assert checked([*LOG[:at], LOG[which], *LOG[at:]], SIGNER.public).wrong is not None


def test_another_installation_s_log_is_not_this_one_s() -> None:
    assert checked(entries_of(ANOTHER), SIGNER.public).wrong == "it was not signed by this installation"


@given(at=st.integers(0, len(LOG) - 1), row=st.none() | st.just({}) | st.dictionaries(st.text(max_size=4), st.text()))
def test_a_row_that_is_no_entry_is_found_at_its_place(at: int, row: Json | None) -> None:
    rows: list[Any] = [msgspec.to_builtins(entry) for entry in LOG]
    rows[at] = row
    assert check(rows, SIGNER.public).seq == at + 1


@given(at=st.integers(0, len(LOG) - 1), name=st.text(max_size=8).filter(lambda name: name not in FIELDS))
def test_a_field_that_was_put_in_is_found(at: int, name: str) -> None:
    rows = [msgspec.to_builtins(entry) for entry in LOG]
    rows[at] = {**rows[at], name: "forged"}
    assert check(rows, SIGNER.public).wrong is not None


def test_a_log_begins_with_its_own_opening() -> None:
    """Without it, the beginning could be cut off and what follows signed anew by whoever has an old key."""
    blank = msgspec.structs.replace(LOG[1], seq=1, previous=GENESIS)
    digest = blank.digest()
    first = msgspec.structs.replace(blank, hash=digest, signature=SIGNER.sign(b"audit:" + digest.encode()))
    assert checked([first], SIGNER.public) == Verdict(1, 1, "it is not how a log of this installation begins")


def test_what_is_no_entry_is_named() -> None:
    with pytest.raises(BadRequest, match="no entry of an audit log"):
        entry_of({"seq": "one"})
