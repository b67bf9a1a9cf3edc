"""Guards' judgements are counted one by one, under few labels."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.telemetry.guards import why
from gateway.telemetry.metrics import Metrics
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
        idle=st.booleans(),
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
    assert told == Counter((one.guard, one.stage, one.action, one.would or "", why(one)) for one in verdicts)
    for guard in ("words", "moderation"):
        ran = [one for one in verdicts if one.guard == guard and one.ran]
        of = [one for one in samples if one.name.startswith("sluice_guard_seconds") and one.labels["guard"] == guard]
        found = {one.name.rpartition("_")[2]: one.value for one in of if "le" not in one.labels}
        assert found.get("count", 0) == len(ran)
        assert found.get("sum", 0) == pytest.approx(sum(one.milliseconds for one in ran) / 1000, abs=1e-5)
        below = {float(one.labels["le"]): one.value for one in of if "le" in one.labels}
        for bound, count in below.items():
            assert count == sum(round(one.milliseconds * 1000) <= bound * 1e6 for one in ran)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (None, ""),
        ("rivals had ended the call", "ended"),
        ("rivals had ended the answer", "ended"),
        ("it took longer than 10 s", "slow"),
        ("4096 windows wait for the model prompts already", "busy"),
        ("the guard server took longer than 5 s", "slow"),
        ("64 requests wait for the guard server already", "busy"),
        ("the guard server refused the connection; it is left alone for some seconds", "failed"),
        ("onnxruntime is not installed: pip install 'sluicegate[guards]'", "missing"),
        ("there is no model prompts", "missing"),
        ("none is not on this disk: put its config, tokenizer and model.safetensors there", "missing"),
        ("model.onnx of the model prompts is missing or cannot be read", "missing"),
        ("it failed; the log says how", "failed"),
        ("whatever a plug-in says", "failed"),
    ],
)
def test_reasons_come_down_to_a_few_words(reason: str | None, word: str) -> None:
    assert why(Verdict("words", "input", "", "allow", None, 0.5, 0.0, not_run=reason)) == word


def test_nothing_to_judge_is_told_from_a_failure() -> None:
    assert (
        why(Verdict("words", "input", "", "allow", None, 0.5, 0.0, not_run="no context was given", idle=True)) == "idle"
    )
