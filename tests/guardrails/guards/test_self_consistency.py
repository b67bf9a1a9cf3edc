from __future__ import annotations

import asyncio

import pytest

from guardrails.errors import NotRun
from guardrails.guard import Models
from guardrails.guards.self_consistency import MOST_SAMPLES, SelfConsistency
from guardrails.passage import Passage, Surroundings
from guardrails.verdict import Finding
from tests.guardrails.grounding.models import Told

SAID = "The bridge was built in 1874 by James Eads."
INVENTED = "Dragons sleep beneath warm golden hills in Patagonia."


def judge(text: str, samples: tuple[str, ...], models: Models) -> Finding:
    guard = SelfConsistency(guard="self_consistency", ask_model=True)
    return asyncio.run(guard.judge(Passage(text, "output", "assistant"), Surroundings(samples=samples), models))


def test_what_the_other_answers_do_not_say_is_found() -> None:
    text = f"{SAID} {INVENTED}"
    found = judge(text, (SAID, SAID), Told({INVENTED: 0.02}))
    assert [text[span.start : span.end] for span in found.spans] == [INVENTED]
    assert found.score > 0.5
    assert found.reason == "1 of 2 sentences are not what 2 other answers say"


def test_a_score_is_the_mean_over_the_answers() -> None:
    alike = judge(SAID, (SAID,), Told()).score
    apart = judge(SAID, (INVENTED,), Told()).score
    assert judge(SAID, (SAID, INVENTED), Told()).score == pytest.approx((alike + apart) / 2)


def test_no_more_answers_are_read_than_are_said() -> None:
    models = Told()
    judge(SAID, (SAID,) * (MOST_SAMPLES + 5), models)
    assert len(models.asked) == MOST_SAMPLES


@pytest.mark.parametrize(("text", "samples"), [(SAID, ()), (SAID, (" ",)), ("I don't know.", (SAID,))])
def test_where_there_is_nothing_to_compare_it_does_not_run(text: str, samples: tuple[str, ...]) -> None:
    with pytest.raises(NotRun) as caught:
        judge(text, samples, Told())
    assert not caught.value.due
