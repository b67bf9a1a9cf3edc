from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.runs import columns
from evals.runs.log import Header, MetricHeader
from evals.runs.table import RunTable
from evals.sample import Output, Result, Sample, Score, Usage
from evals.statistics import intervals
from evals.summaries import Summary, summarise

SAMPLES = [
    Sample("a", cluster="x", slices={"lang": "en"}),
    Sample("b", cluster="x", slices={"lang": "de"}),
    Sample("c", slices={"lang": "en"}),
    Sample("d"),
]


def header(*metrics: MetricHeader, **fields: Any) -> Header:
    given = {
        "id": "r",
        "suite": "s",
        "suite_digest": "0",
        "dataset_digest": "0",
        "target": {},
        "target_digest": "0",
        "metrics": metrics or (MetricHeader("exact", "exact", ""),),
        "repeats": 1,
        "seed": 0,
        "samples": 4,
        "started": 0.0,
        "version": "0",
        "slices": ("lang",),
    }
    return Header(**{**given, **fields})


def result(sample: str, value: float | None, repeat: int = 0, reason: str = "", **output: Any) -> Result:
    return Result(sample, repeat, Output(**output), {"exact": Score(value, reason)}, 0.0)


def summed(*results: Result, **fields: Any) -> Summary:
    return over(header(**fields), results)


def over(header: Header, results: Sequence[Result]) -> Summary:
    return summarise(RunTable.of(header, columns.of(header, SAMPLES, results)))


def test_the_mean_of_samples_with_its_interval_by_cluster() -> None:
    found = summed(*(result(sample.id, value) for sample, value in zip(SAMPLES, (1, 1, 0, 1), strict=True)))
    wanted = intervals.proportion([1, 1, 0, 1], ["x", "x", "c", "d"])
    mean = found.metrics["exact"]
    assert (mean.value, mean.low, mean.high) == (wanted.estimate, wanted.low, wanted.high)
    assert (mean.n, mean.clusters, mean.missing, mean.level) == (4, 3, 0, 0.95)


def test_of_repeats_the_mean_is_taken_first() -> None:
    """A sample that was asked more often counts no more."""
    found = summed(result("a", 1), result("a", 0, 1), result("a", 0, 2), result("a", 0, 3), result("c", 1))
    wanted = intervals.proportion([0.25, 1], ["x", "c"])
    mean = found.metrics["exact"]
    assert (mean.value, mean.low, mean.high, mean.n) == (0.625, wanted.low, wanted.high, 2)


def test_one_cluster_tells_no_interval_and_none_no_mean() -> None:
    alone = summed(result("a", 1), result("b", 0)).metrics["exact"]
    assert (alone.value, alone.low, alone.high, alone.clusters) == (0.5, None, None, 1)
    nothing = summed(result("a", None, reason="there are no documents")).metrics["exact"]
    assert (nothing.value, nothing.n, nothing.missing) == (None, 0, 1)
    assert summed().asked == 0


def test_what_is_missing_is_counted_with_its_reasons() -> None:
    failed = Result("c", 0, None, {}, 0.0, "429: slow down")
    unscored = Result("d", 0, Output(), {}, 0.0)
    odd = [result("b", None, at, f"reason {at}") for at in range(6)]
    found = summed(result("a", 1), failed, unscored, result("b", None, 9, "reason 0"), *odd)
    assert (found.asked, found.failed, found.failures) == (10, 1, {"429: slow down": 1})
    mean = found.metrics["exact"]
    assert (mean.n, mean.missing) == (1, 9)
    assert next(iter(mean.reasons.items())) == ("reason 0", 2)
    assert sum(mean.reasons.values()) == 9
    assert len(mean.reasons) == 6
    assert mean.reasons["for other reasons"] == 3


def test_slices() -> None:
    found = summed(result("a", 1), result("b", 0), result("c", 0), result("d", 1))
    assert {value: metrics["exact"].value for value, metrics in found.slices["lang"].items()} == {"de": 0, "en": 0.5}
    assert found.slices["lang"]["en"]["exact"].n == 2


def test_times_are_of_answers_that_no_cache_gave() -> None:
    answers = [result("a", 1, at, seconds=at + 1.0) for at in range(100)]
    found = summed(*answers, result("b", 1, seconds=0.001, reused=True))
    assert found.reused == 1
    assert found.seconds is not None
    assert (found.seconds.n, found.seconds.p50, found.seconds.longest) == (100, 50.5, 100)
    assert found.seconds.p90 == pytest.approx(90.1)
    assert found.first_token is None
    assert summed(result("a", 1)).seconds is None, "it is not known how long it took"
    assert summed(result("a", 1, first_token=0.25)).first_token == msgspec.structs.replace(
        found.seconds, n=1, p50=0.25, p90=0.25, p95=0.25, p99=0.25, longest=0.25
    )


def test_cost_is_of_answers_and_judges_or_not_known() -> None:
    judged = Result("b", 0, Output(usage=Usage(10, 5, 100)), {"exact": Score(1, usage=Usage(3, 2, 50))}, 0.0)
    found = summed(result("a", 1, usage=Usage(1, 1, 7)), judged)
    assert (found.input_tokens, found.output_tokens, found.cost) == (14, 8, 157)
    assert summed(judged, result("a", 1, usage=Usage(1, 1, None))).cost is None


def test_labels_of_a_run_as_a_whole() -> None:
    def labelled(sample: str, answer: str | None, expected: str, probability: float | None = None) -> Result:
        score = Score(float(answer == expected), "", answer, probability, details={"expected": expected})
        return Result(sample, 0, Output(), {"topic": score}, 0.0)

    topic = MetricHeader("topic", "label", "")
    missing = Result("d", 0, Output(), {"topic": Score(None, "what is expected is none of the labels")}, 0.0)
    results = [labelled("a", "x", "x", 0.9), labelled("b", "y", "x", 0.6), labelled("c", None, "y"), missing]
    found = over(header(topic, MetricHeader("exact", "exact", "")), results)
    assert found.labels.keys() == {"topic"}
    assert found.labels["topic"].confusion == ((1, 1, 0), (0, 0, 1))
    assert found.labels["topic"].calibration is not None
    assert found.labels["topic"].calibration.n == 2
    assert found.metrics["topic"].value == pytest.approx(1 / 3)


RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from("abcd"),
        st.none() | st.floats(-1e6, 1e6),
        seconds=st.floats(0, 1e4),
        reused=st.booleans(),
    ),
    max_size=20,
)


@given(RESULTS, st.randoms())
def test_it_does_not_depend_on_the_order_and_can_be_written(results: list[Result], random: Any) -> None:
    found = summed(*results)
    mean = found.metrics["exact"]
    if mean.value is not None and mean.low is not None and mean.high is not None:
        assert mean.low <= mean.value + 1e-6
        assert mean.value <= mean.high + 1e-6
    again = msgspec.json.decode(msgspec.json.encode(found), type=Summary)
    assert again == found
    random.shuffle(results)
    shuffled = summed(*results)
    assert shuffled.metrics["exact"].value == pytest.approx(mean.value)
    assert (shuffled.seconds, shuffled.asked, shuffled.reused) == (found.seconds, found.asked, found.reused)
