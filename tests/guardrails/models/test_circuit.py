"""The breaker: failures in a row open it, one trial at a time closes it or does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.models.circuit import Circuit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(3, 5.0, clock)
    for _ in range(3):
        circuit.leave(circuit.enter())
        circuit.failed()
    return circuit


def test_failures_in_a_row_open_it() -> None:
    clock = Clock()
    circuit = opened(clock)
    assert circuit.open
    assert circuit.enter() is None


def test_an_answer_in_between_begins_the_count_anew() -> None:
    circuit = Circuit(2, 5.0, Clock())
    for _ in range(10):
        circuit.failed()
        circuit.answered()
    assert circuit.enter() is not None


def test_after_its_rest_one_is_let_through() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 5
    trial = circuit.enter()
    assert trial is not None
    assert circuit.enter() is None
    circuit.answered()
    circuit.leave(trial)
    assert not circuit.open


def test_a_trial_that_fails_opens_it_anew() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 5
    trial = circuit.enter()
    circuit.failed()
    circuit.leave(trial)
    assert circuit.enter() is None
    clock.now += 5
    assert circuit.enter() is not None


def test_a_trial_that_leaves_lets_another_try() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 5
    circuit.leave(circuit.enter())
    assert circuit.enter() is not None


def test_what_is_known_to_be_down_is_open_at_once() -> None:
    circuit = Circuit(3, 5.0, Clock())
    circuit.trip()
    assert circuit.enter() is None


@given(st.lists(st.sampled_from(("enter", "leave", "failed", "answered", "trip", "wait")), max_size=60))
def test_while_it_is_open_there_is_one_trial_at_most(steps: list[str]) -> None:
    clock = Clock()
    circuit = Circuit(3, 5.0, clock)
    trials: list[object] = []
    for step in steps:
        if step == "enter":
            was_open = circuit.open
            token = circuit.enter()
            if was_open and token is not None:
                trials.append(token)
        elif step == "leave" and trials:
            circuit.leave(trials.pop(0))
        elif step == "wait":
            clock.now += 3
        elif step in ("failed", "answered", "trip"):
            getattr(circuit, step)()
        assert len(trials) <= 1 or not circuit.open
