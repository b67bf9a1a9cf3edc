"""The journal: what was appended is read back, whatever happens to the writer or to the bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import JournalFull
from gateway.journal import HEADER, Journal, claimed, read, segments
from gateway.record import CallRecord

SMALL = 4096
WRITER = """
import sys
from pathlib import Path
from gateway.journal import Journal
from gateway.record import CallRecord

journal = Journal(Path(sys.argv[1]), 65536)
number = 0
while True:
    number += 1
    journal.append(CallRecord(id=f"{sys.argv[2]}-{number}", started=number, surface="chat", status=200))
    print(f"{sys.argv[2]}-{number}", flush=True)
"""
"""Says which records it has appended."""

RECORDS = st.lists(
    st.builds(
        CallRecord,
        id=st.text(max_size=40),
        started=st.integers(0, 2**63 - 1),
        surface=st.sampled_from(["chat", "responses"]),
        status=st.integers(100, 599),
        error=st.none() | st.text(max_size=40),
        asked=st.none() | st.text(max_size=200),
        cost=st.integers(0, 2**53),
    ),
    max_size=30,
)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)


def record(number: int) -> CallRecord:
    return CallRecord(id=f"req_{number}", started=number, surface="chat", status=200)


def written(folder: Path, count: int, segment_bytes: int = SMALL) -> list[Path]:
    """The segments of a journal of `count` records whose writer is gone."""
    journal = Journal(folder, segment_bytes)
    for number in range(count):
        journal.append(record(number))
    journal.close()
    return segments(folder)


def read_all(folder: Path) -> list[CallRecord]:
    return [found for segment in segments(folder) for found in read(segment, 0, 10_000).records]


def emptied(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for segment in folder.iterdir():
        segment.unlink()
    return folder


@SHARED
@given(records=RECORDS, limit=st.integers(1, 40))
def test_what_is_appended_is_read_back_in_order(tmp_path: Path, records: list[CallRecord], limit: int) -> None:
    folder = emptied(tmp_path / "journal")
    journal = Journal(folder, SMALL)
    for one in records:
        journal.append(one)
    found: list[CallRecord] = []
    for segment in segments(folder):
        offset = 0
        while (part := read(segment, offset, limit)).records:
            assert len(part.records) <= limit
            assert not part.damaged
            found += part.records
            offset = part.offset
    journal.close()
    assert found == records
    assert journal.dropped == 0


def test_a_record_larger_than_a_segment_is_dropped_and_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SMALL)
    journal.append(msgspec.structs.replace(record(1), served="x" * SMALL))
    journal.append(record(2))
    journal.close()
    assert journal.dropped == 1
    assert read_all(tmp_path) == [record(2)]


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    found = written(tmp_path, 500)
    assert len(found) > 1
    assert {segment.stat().st_size for segment in found} == {SMALL}
    assert [one.started for one in read_all(tmp_path)] == list(range(500))


def test_a_lazy_journal_takes_no_room_before_its_first_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SMALL, lazy=True)
    assert (segments(tmp_path), journal.current, journal.held) == ([], None, ())
    journal.append(record(1))
    assert segments(tmp_path) == [journal.current]
    journal.close()
    assert read_all(tmp_path) == [record(1)]
    Journal(tmp_path / "unused", lazy=True).close()
    assert segments(tmp_path / "unused") == []


def test_a_record_is_read_while_the_segment_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    offset = 0
    for number in range(10):
        journal.append(record(number))
        assert journal.current is not None
        part = read(journal.current, offset, 10)
        assert part.records == [record(number)]
        assert part.offset == journal.position
        offset = part.offset
    journal.close()


def test_records_of_an_older_version_stay_readable(tmp_path: Path) -> None:
    """Fields are only ever added at the end: a shorter record has their defaults."""
    journal = Journal(tmp_path)
    older = msgspec.msgpack.encode(["req_1", 7, "chat", 200])
    journal.append(msgspec.msgpack.decode(older, type=CallRecord))
    journal.close()
    assert read_all(tmp_path) == [CallRecord(id="req_1", started=7, surface="chat", status=200)]


# Who may read a segment ----------------------------------------------------------------------------------------------


def test_a_segment_is_claimed_only_when_nobody_writes_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.current is not None
    segment = journal.current
    with claimed(segment) as ours:
        assert not ours
    journal.close()
    with claimed(segment) as ours, claimed(segment) as theirs:
        assert ours
        assert not theirs
    with claimed(segment) as again:
        assert again


# Damage --------------------------------------------------------------------------------------------------------------


def test_a_tail_torn_anywhere_costs_only_the_record_it_tore(tmp_path: Path) -> None:
    """Pages that never reached the disk are zeros, or missing."""
    (segment,) = written(tmp_path, 5)
    whole, honest = segment.read_bytes(), read_all(tmp_path)
    ends = [read(segment, 0, count).offset for count in range(1, 6)]
    for at in range(ends[-1] + HEADER.size):
        for torn in (whole[:at], whole[:at] + bytes(len(whole) - at)):
            segment.write_bytes(torn)
            intact = sum(torn[:end] == whole[:end] for end in ends)
            assert read(segment, 0, 10).records == honest[:intact]


def test_a_flipped_bit_never_makes_a_wrong_record(tmp_path: Path) -> None:
    (segment,) = written(tmp_path, 3)
    whole = segment.read_bytes()
    end = read(segment, 0, 10).offset
    honest = [record(number) for number in range(3)]
    for at in range(end):
        for bit in (1, 128):
            spoiled = bytearray(whole)
            spoiled[at] ^= bit
            segment.write_bytes(spoiled)
            found = read(segment, 0, 10)
            assert found.records == honest[: len(found.records)]
            assert len(found.records) < 3


def test_damage_is_told_from_an_end(tmp_path: Path) -> None:
    (segment,) = written(tmp_path, 3)
    assert not read(segment, 0, 10).damaged
    spoiled = bytearray(segment.read_bytes())
    spoiled[read(segment, 0, 2).offset - 1] ^= 1
    segment.write_bytes(spoiled)
    found = read(segment, 0, 10)
    assert found.records == [record(0)]
    assert found.damaged


@SHARED
@given(noise=st.binary(max_size=300))
def test_noise_is_read_as_nothing(tmp_path: Path, noise: bytes) -> None:
    segment = tmp_path / "noise.journal"
    segment.write_bytes(noise)
    assert read(segment, 0, 10).records == []


# A writer that dies, a disk that is full -----------------------------------------------------------------------------


@pytest.mark.parametrize("acknowledged", [1, 50, 2000])
def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), "a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.kill()
        said += [line.strip() for line in writer.stdout if line.endswith("\n")]
    found = [one.id for one in read_all(tmp_path)]
    assert found[: len(said)] == said
    assert len(found) <= len(said) + 1
    for segment in segments(tmp_path):
        with claimed(segment) as ours:
            assert ours


@contextmanager
def without_disk(folder: Path) -> Iterator[None]:
    """No segment can be made meanwhile."""
    away = folder.with_name("away")
    folder.rename(away)
    yield
    away.rename(folder)


def test_what_finds_no_room_is_dropped_and_counted_and_writing_goes_on_when_there_is_room(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder, SMALL, refuses=False)
    with without_disk(folder):
        number = 0
        while not journal.dropped:
            journal.admit()
            journal.append(record(number))
            number += 1
        assert journal.full
        journal.append(record(number))
        assert journal.dropped == 2
    dropped = 0
    while journal.full:
        dropped = journal.dropped
        journal.append(record(-1))
        time.sleep(0.02)
    assert journal.dropped == dropped
    journal.close()
    kept = [one.started for one in read_all(folder)]
    assert kept == [*range(number - 1), -1]


def test_what_is_left_of_a_full_disk_is_for_the_calls_in_hand(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder, SMALL)
    journal.prepare()
    admitted = 0
    with without_disk(folder):
        while not journal.full:
            journal.admit()
            journal.append(record(admitted))
            admitted += 1
            journal.prepare()
        with pytest.raises(JournalFull):
            journal.admit()
        assert journal.refused == 1
        in_hand = SMALL // 2 // 100  # a record has less than a hundred bytes
        for number in range(admitted, admitted + in_hand):
            journal.append(record(number))
        assert journal.dropped == 0
    journal.prepare()
    journal.admit()
    journal.close()
    assert [one.started for one in read_all(folder)] == list(range(admitted + in_hand))


def test_a_full_disk_is_found_out_before_there_is_no_room(tmp_path: Path) -> None:
    """Though calls come faster than the shipper's thread, which never comes here."""
    folder = tmp_path / "journal"
    journal = Journal(folder, SMALL)
    journal.prepare()
    number = 0
    with without_disk(folder):
        with suppress(JournalFull):
            while not journal.dropped:
                journal.admit()
                journal.append(record(number))
                number += 1
        assert journal.refused == 1
    for late in range(number, number + SMALL // 2 // 100):
        journal.append(record(late))
    assert journal.dropped == 0
    journal.close()


def test_a_spare_segment_is_allocated_ahead_and_gone_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SMALL)
    first = journal.current
    journal.prepare()
    journal.prepare()
    (spare,) = set(segments(tmp_path)) - {first}
    assert journal.held == (first,)
    with claimed(spare) as ours:
        assert not ours
    number = 0
    while journal.current == first:
        journal.append(record(number))
        number += 1
    assert journal.current == spare
    assert journal.held == (first, spare)
    journal.prepare()
    assert len(segments(tmp_path)) == 3
    journal.close()
    assert segments(tmp_path) == [first, spare]
    assert [one.started for one in read_all(tmp_path)] == list(range(number))


def test_a_lazy_journal_without_records_has_no_spare(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SMALL, lazy=True)
    journal.prepare()
    journal.admit()
    assert not journal.full
    assert segments(tmp_path) == []


def test_a_journal_that_cannot_begin_refuses_and_takes_what_comes_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = Journal(folder, 2**62)
    assert journal.full
    with pytest.raises(JournalFull):
        journal.admit()
    journal.append(record(1))
    assert (journal.dropped, journal.refused) == (1, 1)
    assert segments(folder) == []
