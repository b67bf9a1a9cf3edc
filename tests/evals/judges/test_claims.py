"""What an answer claims, and what of it its documents support."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.judges.claims import supported
from evals.sample import Output, Sample, Score, Usage

SAMPLE = Sample("a", ({"role": "user", "content": "Who was it?"},), "Ada", ("Ada wrote it in 1843.",))


class Saying:
    def __init__(self, *says: Any) -> None:
        self.says = [one if isinstance(one, str) else json.dumps(one) for one in says]
        self.asked = list[Sample]()

    async def __call__(self, question: Sample) -> Output:
        self.asked.append(question)
        return Output(self.says[len(self.asked) - 1], usage=Usage(1, 1, 5))


def claims(*texts: str) -> dict[str, Any]:
    return {"claims": list(texts)}


def checked(*words: Any) -> dict[str, Any]:
    return {"claims": [{"claim": at, "reason": "so", "supported": word} for at, word in enumerate(words, 1)]}


async def judged(*says: Any, sample: Sample = SAMPLE) -> Score:
    return await supported(Saying(*says), "", sample, "Ada, in 1943.")


@pytest.mark.anyio
async def test_it_is_the_share_that_the_documents_support() -> None:
    ask = Saying(claims("Ada wrote it.", "It was written in 1943."), checked("yes", "no"))
    score = await supported(ask, "Dates count.", SAMPLE, "Ada, in 1943.")
    assert score.value == 0.5
    assert score.reason == "not supported: 'It was written in 1943.'"
    assert score.details == {"claims": 2, "loose": ["It was written in 1943."]}
    assert score.usage is not None
    assert score.usage.cost == 10
    listing, checking = ask.asked
    assert "Ada, in 1943." in listing.question
    assert "1843" not in listing.question
    assert checking.messages[0]["content"].startswith("Dates count.")
    for text in ("Ada wrote it in 1843.", "<claim 2 ", "It was written in 1943."):
        assert text in checking.question
    assert "expected" not in checking.question


@pytest.mark.anyio
async def test_without_documents_or_claims_there_is_no_score() -> None:
    bare = await judged(sample=Sample("a", SAMPLE.messages))
    assert (bare.value, bare.reason, bare.usage) == (None, "there are no documents", None)
    silent = await judged({"claims": []})
    assert (silent.value, silent.reason) == (None, "the answer claims nothing")
    assert silent.usage is not None
    assert silent.usage.cost == 5


ONE = claims("Ada wrote it.")
MISSHAPEN: list[tuple[Any, str]] = [
    (checked(), "did not speak of each"),
    (checked("yes", "yes"), "did not speak of each"),
    (checked("perhaps"), "neither yes nor no"),
    ({"claims": [{"claim": 1, "supported": "yes"}] * 2}, "there twice"),
    ({"claims": [{"claim": [1], "supported": "yes"}]}, "has no number"),
    ({"claims": ["yes"]}, "has no number"),
    ({"claims": "yes"}, "no list of claims"),
    ("yes", "no JSON object"),
    ("} {", "no JSON object"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "why"), MISSHAPEN, ids=str)
async def test_what_cannot_be_read_is_asked_for_once_more(said: Any, why: str) -> None:
    assert (await judged(ONE, said, checked(True))).value == 1.0
    score = await judged(ONE, said, said)
    assert score.value is None
    assert why in score.reason
    assert score.usage is not None
    assert score.usage.cost == 15


@pytest.mark.anyio
@pytest.mark.parametrize("said", [{"claims": [1]}, {"claims": {}}, {}, "none"], ids=str)
async def test_nor_without_a_list_of_claims(said: Any) -> None:
    assert (await judged(said, ONE, checked("yes"))).value == 1.0
    assert (await judged(said, said)).value is None
