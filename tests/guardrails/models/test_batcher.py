"""Callers share a thread: in batches, in turns, within a bound, and none waits for one who left."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import NotRun, Overloaded
from guardrails.models.batcher import Batcher, Scores
from guardrails.models.cutting import Piece


def piece(length: int) -> Piece:
    return Piece((1,) * length, length, 0, length)


def lengths(pieces: Sequence[Piece]) -> list[Scores]:
    return [(float(len(one.ids)),) for one in pieces]


class Gate:
    """Runs nothing before it is opened, and keeps what it ran."""

    def __init__(self) -> None:
        self.begun, self.opened = Event(), Event()
        self.ran: list[list[int]] = []

    def __call__(self, pieces: Sequence[Piece]) -> list[Scores]:
        self.begun.set()
        assert self.opened.wait(30)
        self.ran.append([len(one.ids) for one in pieces])
        return lengths(pieces)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=90), min_size=1, max_size=8), st.integers(1, 16))
def test_each_caller_gets_its_own_scores_in_order(callers: list[list[int]], batch: int) -> None:
    batcher = Batcher("m", lengths, batch, 10_000)
    futures = [batcher.submit([piece(length) for length in caller]) for caller in callers]
    for caller, future in zip(callers, futures, strict=True):
        assert future.result(30) == [(float(length),) for length in caller]
    batcher.close()


def held(gate: Gate, batch: int = 4, most: int = 8) -> tuple[Batcher, Future[list[Scores]]]:
    batcher = Batcher("m", gate, batch, most)
    first = batcher.submit([piece(1)])
    assert gate.begun.wait(30)
    return batcher, first


def test_what_is_too_much_is_turned_away_at_once() -> None:
    gate = Gate()
    batcher, first = held(gate)
    taken = batcher.submit([piece(2)] * 8)
    with pytest.raises(Overloaded, match="8 windows wait for the model m"):
        batcher.submit([piece(3)])
    gate.opened.set()
    assert len(taken.result(30)) == 8
    assert first.done()
    batcher.close()


def test_an_empty_queue_takes_a_long_text() -> None:
    batcher = Batcher("m", lengths, 4, 8)
    assert len(batcher.submit([piece(2)] * 200).result(30)) == 200
    batcher.close()


def test_who_leaves_takes_along_what_still_waits() -> None:
    gate = Gate()
    batcher, _ = held(gate)
    left = batcher.submit([piece(9)] * 8)
    assert left.cancel()
    stays = batcher.submit([piece(5)])
    gate.opened.set()
    assert stays.result(30) == [(5.0,)]
    batcher.close()
    assert 9 not in [length for batch in gate.ran for length in batch]


def test_a_short_text_does_not_wait_for_all_of_a_long_one() -> None:
    gate = Gate()
    batcher, _ = held(gate, most=1000)
    long = batcher.submit([piece(9)] * 500)
    short = batcher.submit([piece(5)])
    gate.opened.set()
    long.result(30)
    assert short.result(30) == [(5.0,)]
    batcher.close()
    order = [length for batch in gate.ran for length in batch]
    assert order.index(5) < 64


def test_batches_are_of_like_lengths() -> None:
    gate = Gate()
    batcher, _ = held(gate, batch=2, most=100)
    futures = [batcher.submit([piece(length)]) for length in (30, 2, 31, 3)]
    gate.opened.set()
    for future in futures:
        future.result(30)
    batcher.close()
    assert gate.ran[1:] == [[2, 3], [30, 31]]


def test_a_failure_is_told_to_those_it_concerns_and_to_nobody_else() -> None:
    def fails(pieces: Sequence[Piece]) -> list[Scores]:
        if any(len(one.ids) == 7 for one in pieces):
            raise NotRun("no memory")
        return lengths(pieces)

    batcher = Batcher("m", fails, 1, 100)
    bad, good = batcher.submit([piece(7), piece(8)]), batcher.submit([piece(3)])
    with pytest.raises(NotRun, match="no memory"):
        bad.result(30)
    assert good.result(30) == [(3.0,)]
    batcher.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there was not enough memory for the model m"),
        (RuntimeError("defect"), "the model m failed; the log says how"),
    ],
)
def test_whatever_goes_wrong_is_told_and_the_next_is_run(error: Exception, said: str) -> None:
    def fails(pieces: Sequence[Piece]) -> list[Scores]:
        if len(pieces[0].ids) == 7:
            raise error
        return lengths(pieces)

    batcher = Batcher("m", fails, 1, 100)
    for _ in range(3):
        with pytest.raises(NotRun, match=said):
            batcher.submit([piece(7)]).result(30)
        assert batcher.submit([piece(3)]).result(30) == [(3.0,)]
    batcher.close()


def test_a_model_that_gives_too_little_is_no_pass() -> None:
    batcher = Batcher("m", lambda pieces: lengths(pieces)[1:], 4, 100)
    with pytest.raises(NotRun, match="gave scores for 1 windows of 2"):
        batcher.submit([piece(3), piece(4)]).result(30)
    batcher.close()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=90), min_size=1, max_size=8), st.integers(2, 5))
def test_several_threads_give_each_its_own_too(callers: list[list[int]], threads: int) -> None:
    batcher = Batcher("m", lengths, 4, 10_000, threads)
    futures = [batcher.submit([piece(length) for length in caller]) for caller in callers]
    for caller, future in zip(callers, futures, strict=True):
        assert future.result(30) == [(float(length),) for length in caller]
    assert sum(size * count for size, count in batcher.load.batches.items()) == sum(map(len, callers))
    assert batcher.load.waiting == 0
    batcher.close()


def test_a_crowd_is_shared_out_among_the_threads() -> None:
    gate = Gate()
    batcher = Batcher("m", gate, 1, 100, 2)
    future = batcher.submit([piece(length) for length in range(1, 9)])
    assert gate.begun.wait(30)
    assert batcher.load.waiting <= 4
    gate.opened.set()
    assert len(future.result(30)) == 8
    batcher.close()


def test_closing_tells_who_waits() -> None:
    gate = Gate()
    batcher, _ = held(gate, batch=1, most=1000)
    waiting = batcher.submit([piece(2)] * 200)
    gate.opened.set()
    batcher.close()
    if waiting.exception(30) is not None:
        with pytest.raises(NotRun, match="was closed"):
            waiting.result()
    with pytest.raises(NotRun, match="was closed"):
        batcher.submit([piece(1)])
