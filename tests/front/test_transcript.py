"""What a transcript remembers is what the client got, up to a bound."""

from __future__ import annotations

import pytest

from gateway.front.transcript import MOST_BYTES, Transcript
from tests.exchanges import Taken


def test_a_whole_reply_is_passed_on_and_remembered() -> None:
    client = Taken({}, b"{}")
    transcript = Transcript(client)
    assert (transcript.status, transcript.said) == (0, b"")
    transcript.reply(404, b"a: b\r\n", b"gone")
    assert (client.status, client.fields, client.sent) == (404, b"a: b\r\n", b"gone")
    assert (transcript.status, transcript.stream, transcript.said) == (404, False, b"gone")


def test_events_are_passed_on_as_they_come_and_remembered_together() -> None:
    client = Taken({}, b"{}")
    transcript = Transcript(client)
    transcript.begin(b"", b"one ")
    assert client.sent == b"one "
    transcript.write(b"two ")
    assert (client.sent, client.ended) == (b"one two ", False)
    transcript.end(b"three")
    assert (client.sent, client.ended) == (b"one two three", True)
    assert (transcript.status, transcript.stream, transcript.said) == (200, True, b"one two three")


@pytest.mark.parametrize(("more", "remembered"), [(0, True), (1, False)])
def test_what_is_larger_than_the_bound_passes_and_is_forgotten(more: int, remembered: bool) -> None:
    client = Taken({}, b"{}")
    transcript = Transcript(client)
    transcript.begin(b"", b"x" * (MOST_BYTES - 1))
    transcript.write(b"y" * (1 + more))
    transcript.end(b"")
    assert len(client.sent) == MOST_BYTES + more
    assert (transcript.said is not None) is remembered


def test_the_request_is_the_other_exchanges() -> None:
    client = Taken({"accept": "x"}, b"body")
    transcript = Transcript(client)
    assert (transcript.headers, transcript.body) == ({b"accept": b"x"}, b"body")
    assert (transcript.started, transcript.refusal) == (client.started, None)
