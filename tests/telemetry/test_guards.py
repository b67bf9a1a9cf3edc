"""Guards' judgements are counted one by one, under few labels."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.telemetry.metrics import Metrics
from guardrails.errors import Cause
from guardrails.passage import STAGES
from guardrails.verdict import ACTIONS, Verdict

VERDICTS = st.lists(
    st.builds(
        Verdict,
        guard=st.sampled_from(["words", "moderation"]),
        stage=st.sampled_from(STAGES),
        source=st.text(max_size=3),
        action=st.sampled_from(ACTIONS),
        score=st.none(),
        threshold=st.just(0.5),
        milliseconds=st.floats(0, 20_000),
        not_run=st.none() | st.text(max_size=5),
        cause=st.none() | st.sampled_from(get_args(Cause)),
        would=st.none() | st.sampled_from(ACTIONS),
    ),
    max_size=8,
)


def scraped(verdicts: list[Verdict]) -> list[Sample]:
    metrics = Metrics()
    metrics.judged(verdicts)
    _, text = metrics.exposition()
    return [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]


@given(VERDICTS)
def test_what_was_counted_is_what_is_scraped(verdicts: list[Verdict]) -> None:
    samples = scraped(verdicts)
    names = ("guard", "stage", "action", "would", "not_run")
    told = {
        tuple(one.labels[name] for name in names): one.value
        for one in samples
        if one.name == "sluice_guard_verdicts_total"
    }
    assert told == Counter((one.guard, one.stage, one.action, one.would or "", one.cause or "") for one in verdicts)
    for guard in ("words", "moderation"):
        ran = [one for one in verdicts if one.guard == guard and one.ran]
        of = [one for one in samples if one.name.startswith("sluice_guard_seconds") and one.labels["guard"] == guard]
        found = {one.name.rpartition("_")[2]: one.value for one in of if "le" not in one.labels}
        assert found.get("count", 0) == len(ran)
        assert found.get("sum", 0) == pytest.approx(sum(one.milliseconds for one in ran) / 1000, abs=1e-5)
        below = {float(one.labels["le"]): one.value for one in of if "le" in one.labels}
        for bound, count in below.items():
            assert count == sum(round(one.milliseconds * 1000) <= bound * 1e6 for one in ran)
