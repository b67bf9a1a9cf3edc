"""Metrics: what was counted is what is scraped, exactly, under labels no client can make more of."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.record import CallRecord
from gateway.telemetry.metrics import OVERHEAD, SECONDS, Metrics

AMOUNTS = st.integers(0, 10**9)
RECORDS = st.lists(
    st.builds(
        CallRecord,
        id=st.text(max_size=3),
        started=st.just(0),
        surface=st.sampled_from(["chat", "responses"]),
        status=st.sampled_from([200, 404, 499]),
        endpoint=st.sampled_from([None, "bot"]),
        upstream=st.sampled_from([None, "demo"]),
        asked=st.text(max_size=5),
        input_tokens=AMOUNTS,
        output_tokens=AMOUNTS,
        cached_tokens=AMOUNTS,
        reasoning_tokens=AMOUNTS,
        estimated=st.booleans(),
        cost=AMOUNTS,
        total_us=st.integers(0, 4 * 10**8),
        upstream_us=st.integers(0, 4 * 10**8),
        first_us=st.none() | st.integers(0, 4 * 10**8),
    ),
    max_size=8,
)


def scraped(metrics: Metrics) -> dict[str, list[Any]]:
    """Samples by name."""
    _, text = metrics.exposition()
    found: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def observed(*records: CallRecord) -> dict[str, list[Any]]:
    metrics = Metrics()
    for record in records:
        metrics.observe(record)
    return scraped(metrics)


def total(samples: list[Any], **labels: str) -> float:
    return float(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))


def record(**fields: Any) -> CallRecord:
    return CallRecord(**{"id": "r", "started": 0, "surface": "chat", "status": 200, "upstream": "demo", **fields})


@given(RECORDS)
def test_what_was_counted_is_what_is_scraped(records: list[CallRecord]) -> None:
    found = observed(*records)
    calls = Counter((r.surface, r.endpoint or "", r.upstream or "", str(r.status)) for r in records)
    names = ("surface", "endpoint", "upstream", "status")
    told = {tuple(s.labels[name] for name in names): s.value for s in found.get("sluice_calls_total", ())}
    assert told == calls
    for kind in ("input", "output", "cached", "reasoning"):
        assert total(found.get("sluice_tokens_total", []), kind=kind) == sum(
            getattr(r, f"{kind}_tokens") for r in records if r.input_tokens or r.output_tokens
        )
    assert total(found.get("sluice_cost_micro_usd_total", [])) == sum(
        r.cost for r in records if r.input_tokens or r.output_tokens
    )


@given(RECORDS)
def test_every_call_is_in_one_bucket_of_each_histogram(records: list[CallRecord]) -> None:
    found = observed(*records)
    for name, bounds, amounts in (
        ("sluice_call_seconds", SECONDS, [r.total_us for r in records]),
        ("sluice_overhead_seconds", OVERHEAD, [max(0, r.total_us - r.upstream_us) for r in records]),
    ):
        assert total(found.get(f"{name}_count", [])) == len(records)
        assert total(found.get(f"{name}_sum", [])) == pytest.approx(sum(amounts) / 1e6)
        for bound in bounds:
            within = sum(amount <= round(bound * 1e6) for amount in amounts)
            assert total(found.get(f"{name}_bucket", []), le=f"{bound:g}") == within


@pytest.mark.parametrize("us", [round(bound * 1e6) for bound in SECONDS])
def test_a_bound_belongs_to_its_bucket(us: int) -> None:
    buckets = {s.labels["le"]: s.value for s in observed(record(total_us=us))["sluice_call_seconds_bucket"]}
    reached = [float(le) for le, count in buckets.items() if count]
    assert min(reached) == us / 1e6


def test_what_a_client_typed_is_no_label() -> None:
    many = [
        record(asked=f"model-{number}", id=f"r{number}", key_id=f"k{number}", error=f"e{number}")
        for number in range(50)
    ]
    found = observed(*many)
    assert [sample.value for sample in found["sluice_calls_total"]] == [50]
    assert {name for samples in found.values() for sample in samples for name in sample.labels} <= {
        "surface",
        "endpoint",
        "upstream",
        "status",
        "kind",
        "le",
    }


def test_only_streams_have_a_first_event() -> None:
    found = observed(record(first_us=1000), record(first_us=None))
    assert total(found["sluice_first_event_seconds_count"]) == 1


def test_gauges_are_read_when_scraped() -> None:
    level = 1.0
    metrics = Metrics()
    metrics.watch(lambda: {"level": ("How high it stands.", level)})
    assert scraped(metrics)["sluice_level"][0].value == 1
    level = 2.0
    assert scraped(metrics)["sluice_level"][0].value == 2


def test_it_says_what_it_is() -> None:
    kind, text = Metrics().exposition()
    assert kind.startswith(b"text/plain; version=")
    assert text.endswith(b"\n")
    assert b"# HELP sluice_calls_total Calls answered, refused ones included." in text
