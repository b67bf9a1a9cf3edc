"""The published schema and the reading of suites are of one mind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from evals.datasets import registry as datasets
from evals.schema import schema
from evals.scorers import registry as scorers
from evals.targets import registry as targets
from tests.evals.test_suite import BROKEN, WHOLE

BEYOND = ("mine", "no.json", "'('", "answer}", "language", "language}", "none.jsonl", "exact\n- exact", "labels: [a]\n")
"""What only reading tells: files, patterns, columns, names that are given twice."""


@pytest.fixture(scope="module")
def rules() -> Any:
    return jsonschema_rs.validator_for(schema())


def test_it_is_a_schema_and_complete_in_itself() -> None:
    made = schema()
    assert jsonschema_rs.meta.is_valid(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    referred = {part.split('"')[0] for part in json.dumps(made).split('"#/$defs/')[1:]}
    assert referred == made["$defs"].keys()


def test_every_kind_is_in_it_with_what_it_is_for() -> None:
    made = schema()
    told = [(part["title"], part["description"]) for part in made["$defs"].values() if "title" in part]
    for registry in (datasets, targets, scorers):
        for kind in registry.BUILT_IN:
            about = registry.find(kind).about
            assert any(title == kind and said.startswith(f"{about}.") for title, said in told), kind


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"dataset": {"kind": "calls", "endpoint": "support-bot", "since": "7d", "where": {"stream": True}}},
        {"dataset": {"kind": "huggingface", "name": "acme/faq", "split": "test", "limit": 100}},
        {"dataset": {"kind": "csv", "path": "x.csv", "json": ["expected"], "fields": {"input": "question"}}},
        {"target": "scripted", "repeats": 3, "seed": 7, "about": "All about it."},
        {"target": {"kind": "openai", "model": "gpt-5-mini", "base_url": "http://127.0.0.1:8000/v1"}},
        {"target": {"kind": "endpoint", "name": "support-bot"}},
        {"scorers": ["latency", "cost", {"kind": "label", "labels": {"yes": ["ja"], "no": []}, "after": "Answer:"}]},
        {"scorers": [{"kind": "json_schema", "schema": {"type": "object"}}, {"kind": "regex", "pattern": "x"}]},
        {"slices": {"tongue": "lang"}},
        {"judges": {"strict": {"target": {"kind": "scripted"}, "rubric": "Be strict."}}},
    ],
)
def test_what_is_whole_fits(rules: Any, keys: dict[str, Any]) -> None:
    assert [fault.message for fault in rules.iter_errors({**WHOLE, **keys})] == []


SEEN = [
    (text, said)
    for text, said in BROKEN
    if text
    and "scores nothing" not in said
    and "measured of every run" not in said
    and "---" not in text
    and not text.startswith(("suite: a\nsuite", "suite: a\n  "))
    and not any(b in text for b in BEYOND)
]


@pytest.mark.parametrize(("text", "said"), SEEN, ids=[said for _, said in SEEN])
def test_what_is_broken_does_not_fit(rules: Any, text: str, said: str) -> None:
    held = yaml.safe_load(text)
    assert not rules.is_valid({**WHOLE, **held} if isinstance(held, dict) and "scorers: it is" not in said else held)


def test_faults_are_told_where_they_are(rules: Any) -> None:
    """And not that none of twenty kinds fits."""
    wrong = {**WHOLE, "scorers": ["exact", {"kind": "exact", "ignore-case": True}]}
    (fault,) = rules.iter_errors(wrong)
    assert fault.instance_path == ["scorers", 1]
    assert "ignore-case" in fault.message


PLUG_IN = """
from typing import ClassVar, Literal
from evals.scorers.base import Scorer

class Louder(Scorer):
    about: ClassVar[str] = "how loud it is"
    kind: Literal["louder"] = "louder"
    marks: int

    async def score(self, sample, output, instruments, repeat):
        raise NotImplementedError
"""


def test_scorers_of_installed_packages_are_in_it_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "louder_scorer.py").write_text(PLUG_IN)
    (tmp_path / "louder_scorer-1.dist-info").mkdir()
    (tmp_path / "louder_scorer-1.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: louder-scorer\nVersion: 1\n"
    )
    (tmp_path / "louder_scorer-1.dist-info/entry_points.txt").write_text(
        "[sluicegate.scorers]\nlouder = louder_scorer:Louder\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "louder_scorer", raising=False)
    loud = {**WHOLE, "scorers": [{"kind": "louder", "marks": 2}]}
    assert not jsonschema_rs.validator_for(schema()).is_valid(loud)
    rules = jsonschema_rs.validator_for(schema(scorers.kinds()))
    assert rules.is_valid(loud)
    assert not rules.is_valid({**WHOLE, "scorers": ["louder"]})


def test_every_option_is_explained() -> None:
    """In the words of its kind: what an editor shows beside it."""
    made = schema()
    ours = {"A suite", "Limits", *datasets.BUILT_IN, *scorers.BUILT_IN}
    untold = [
        f"{part['title']}.{name}"
        for part in (made, *made["$defs"].values())
        if part.get("title") in ours
        for name, option in part["properties"].items()
        if name != "kind" and not option.get("description")
    ]
    assert untold == []
