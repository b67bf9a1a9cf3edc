"""The audit log: whatever is done to it afterwards is found, at its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import GENESIS, Act, Auditor, Entry, check, entry_of
from gateway.errors import BadRequest
from gateway.signing import Signer
from gateway.store import audit
from gateway.store.engine import Store
from tests.proving import SIGNER

ACTS = [Act(f"keys.{number}", f"key:{number}", "because", {"n": number}) for number in range(6)]
ANOTHER = Signer.of(b"another installation")


def entries_of(signer: Signer) -> list[Entry]:
    """A log in memory, made as the auditor makes it."""
    made: list[Entry] = []
    for act in ACTS:
        blank = Entry(
            seq=len(made) + 1,
            at=len(made),
            actor="ada",
            key_id=None,
            action=act.action,
            object=act.object,
            reason=act.reason,
            detail='{"n":1}',
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


def test_what_was_written_holds(store: Store) -> None:
    written(store, ACTS)
    log = held(store)
    assert [entry.action for entry in log] == ["audit.began", *(act.action for act in ACTS)]
    assert check(log, SIGNER.public).wrong is None
    assert check(log, ANOTHER.public).wrong == "it was not signed by this installation"


def test_an_act_that_fails_leaves_no_entry(store: Store) -> None:
    written(store, ACTS[:1])
    with pytest.raises(ZeroDivisionError), store.begin() as connection:
        Auditor(SIGNER).append(connection, "ada", None, Act("keys.create", str(1 / 0)))
    assert len(held(store)) == 2


def test_the_end_that_was_cut_off_shows_against_a_checkpoint(store: Store) -> None:
    written(store, ACTS)
    with store.reading() as connection:
        checkpoint = Auditor(SIGNER).checkpoint(connection)
    assert checkpoint is not None
    log = held(store)
    assert check(log, SIGNER.public, checkpoint).wrong is None
    assert check(log[:-1], SIGNER.public).wrong is None  # which is what the checkpoint is for
    assert "ends at 6" in str(check(log[:-1], SIGNER.public, checkpoint).wrong)
    assert check(log, SIGNER.public, {**checkpoint, "seq": 3}).wrong is not None


@given(at=st.integers(0, len(LOG) - 1), name=st.sampled_from(FIELDS), data=st.data())
def test_an_entry_that_was_edited_is_found(at: int, name: str, data: st.DataObject) -> None:
    before = getattr(LOG[at], name)
    change: Any = st.integers(0, 10**9) if isinstance(before, int) else st.text(max_size=8)
    after = data.draw(change.filter(lambda value: value != before))
    log = [*LOG[:at], msgspec.structs.replace(LOG[at], **{name: after}), *LOG[at + 1 :]]
    assert check(log, SIGNER.public).wrong is not None


@given(at=st.integers(0, len(LOG) - 1), name=st.sampled_from(FIELDS), data=st.data())
def test_an_entry_that_was_edited_and_hashed_anew_is_found(at: int, name: str, data: st.DataObject) -> None:
    """Whoever can write to the database can hash; they cannot sign."""
    before = getattr(LOG[at], name)
    change: Any = st.integers(0, 10**9) if isinstance(before, int) else st.text(max_size=8)
    after = data.draw(change.filter(lambda value: value != before))
    edited = msgspec.structs.replace(LOG[at], **{name: after})
    log = [*LOG[:at], msgspec.structs.replace(edited, hash=edited.digest()), *LOG[at + 1 :]]
    assert check(log, SIGNER.public).wrong is not None


@given(at=st.integers(0, len(LOG) - 2))
def test_an_entry_that_was_deleted_is_found_at_its_place(at: int) -> None:
    found = check([*LOG[:at], *LOG[at + 1 :]], SIGNER.public)
    assert found.wrong is not None
    assert found.entries == at + 1


@given(order=st.permutations(range(len(LOG))))
def test_entries_in_another_order_are_found(order: list[int]) -> None:
    found = check([LOG[at] for at in order], SIGNER.public)
    assert (found.wrong is None) == (order == sorted(order))


@given(at=st.integers(0, len(LOG)), which=st.integers(0, len(LOG) - 1))
def test_an_entry_that_was_put_in_is_found(at: int, which: int) -> None:
    assert check([*LOG[:at], LOG[which], *LOG[at:]], SIGNER.public).wrong is not None


def test_another_installation_s_log_is_not_this_one_s() -> None:
    assert check(entries_of(ANOTHER), SIGNER.public).wrong == "it was not signed by this installation"


def test_what_is_no_entry_is_named() -> None:
    with pytest.raises(BadRequest, match="no entry of an audit log"):
        entry_of({"seq": "one"})
