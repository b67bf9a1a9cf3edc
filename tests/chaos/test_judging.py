"""That the experiments can fail: what they would say of a gateway that does the wrong thing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chaos.client import Load, compare
from benchmarks.chaos.faults import FAULTS, REDUCED, Fault, Score, judged, worst
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.seen import Seen
from benchmarks.chaos.upstream import TEXT, Attempt

BY_TITLE = {fault.title: fault for fault in FAULTS}
SERVED = Seen(
    id="req_1",
    status=200,
    text=TEXT,
    finish="stop",
    record={"status": 200, "upstream": "3-call-two", "attempts": [["3-call-one", None, 1], ["3-call-two", None, 1]]},
    attempts=[Attempt("down", 0.0), Attempt("ok", 0.1)],
)
"""After one attempt that failed, and as it should be."""


def verdict(title: str, seen: Seen) -> str:
    fault: Fault = BY_TITLE[title]
    return judged(fault, "call", seen, REDUCED).verdict


def test_what_is_as_it_should_be_is_right() -> None:
    assert verdict("persistent 503", SERVED) == "right"


@pytest.mark.parametrize("text", [TEXT[:9], TEXT[:9] + TEXT, TEXT.replace("quick ", "")])
def test_text_that_is_cut_doubled_or_has_a_hole_is_unsafe_where_it_looks_whole(text: str) -> None:
    assert verdict("persistent 503", replace(SERVED, text=text)) == "unsafe"
    assert verdict("stream cut", replace(SERVED, text=text)) == "unsafe"


def test_a_cut_stream_that_says_so_is_right_and_one_that_claims_to_have_ended_is_not() -> None:
    record = {"status": 200, "stream": True, "error": "upstream_cut", "upstream": "7-stream-one"}
    cut = Seen(id="req_1", status=200, text=TEXT[:9], error="upstream_cut", record=record, attempts=[Attempt("cut", 0)])
    assert verdict("stream cut", cut) == "right"
    assert verdict("stream cut", replace(cut, finish="stop")) == "safe"
    assert verdict("stream cut", replace(cut, finish="stop", error=None)) == "unsafe"
    assert verdict("stream cut", replace(cut, seconds=60.0)) == "safe"


def test_content_that_was_refused_must_not_be_tried_elsewhere() -> None:
    record = {"status": 400, "attempts": [["12-call-one", "content_filter", 1], ["12-call-two", None, 1]]}
    tried = [Attempt("filtered", 0.0), Attempt("ok", 0.1)]
    seen = Seen(id="req_1", status=400, error="content_filter", said="No.", record=record, attempts=tried)
    assert verdict("content filter", seen) == "unsafe"
    alone = replace(seen, record={"status": 400}, attempts=tried[:1])
    assert verdict("content filter", alone) == "right"


def test_an_upstream_that_is_asked_too_early_or_too_often_makes_it_partial() -> None:
    record = {"status": 200, "upstream": "0-call-one", "attempts": [["0-call-one", "x", 1], ["0-call-one", None, 1]]}
    seen = replace(SERVED, record=record, attempts=[Attempt("busy-once", 0.0), Attempt("busy-once", 0.5)])
    assert verdict("429 with Retry-After", seen) == "partial"
    assert (
        verdict("429 with Retry-After", replace(seen, attempts=[Attempt("busy-once", t) for t in (0, 1.1)])) == "right"
    )
    often = [Attempt("down", t) for t in (0.0, 0.1, 0.2)] + [Attempt("ok", 0.3)]
    assert verdict("persistent 503", replace(SERVED, attempts=often)) == "partial"


def test_an_error_where_an_answer_was_to_be_had_is_safe() -> None:
    failed = Seen(id="req_1", status=503, error="x", said="x", record={"status": 503}, attempts=[Attempt("down", 0.0)])
    assert verdict("persistent 503", failed) == "safe"


def test_a_fault_is_as_right_as_its_least_right_manner() -> None:
    scores = [Score("cut", manner, verdict, ()) for manner, verdict in (("call", "right"), ("bytes", "unsafe"))]
    assert worst(scores)["cut"].verdict == "unsafe"


def test_records_that_are_missing_or_too_many_are_seen(tmp_path: Path) -> None:
    load = Load(Gateway(tmp_path, {}), {}, finished=["a", "b", "c"], begun={"d"}, unanswered=1)
    exact = compare(load, Counter("abcd"))
    assert exact.exact
    assert compare(load, Counter("abd")).lost == 1
    assert compare(load, Counter("aabc")).doubled == 1
    assert compare(load, Counter("abcdef")).unexpected == 1
