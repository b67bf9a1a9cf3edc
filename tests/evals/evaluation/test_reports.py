"""Reports of an assessment: true to it in every form, and safe against what stands in a dataset."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec

from evals.evaluation.assessment import Assessment, Given, assess
from evals.evaluation.html import html
from evals.evaluation.markdown import markdown
from evals.evaluation.seal import Seal
from tests.evals.evaluation.making import NOW, SUITE, plan_of, ran, rights

EVIL = "</td><script>alert(1)</script> | @all [x](javascript:y) `# \x1b[31m"
ALL: dict[str, Any] = {
    "question": f"Good? {EVIL}",
    "about": EVIL,
    "owners": ["service", EVIL],
    "runs": {name: {"suite": SUITE} for name in ("holdout", "seen", "a", "b", "c")},
    "technical": [
        {"metric": "exact", "at_least": 0.8, "about": EVIL},
        {"metric": "exact", "name": "more", "at_least": 0.99, "priority": "should", "condition": EVIL},
    ],
    "business": [{"name": "solved", "unit": "a month", "sum": {"exact": 1000}, "times": 12, "at_least": 9000}],
    "generalisation": [{"metric": "exact", "seen": "seen", "at_most": 0.3}],
    "folds": [{"metric": "exact", "runs": ["a", "b", "c"], "at_least": 0.2}],
    "bias": [{"metric": "exact", "slice": "language", "at_most": 0.4, "priority": "told"}],
}


def assessment(folder: Path, right: int = 270, **keys: Any) -> Assessment:
    plan = plan_of(folder, **{**ALL, **keys})
    slices = [{"language": EVIL if at % 2 else "de"} for at in range(300)]
    runs = {"holdout": ran({"exact": rights(right, 300)}, slices=slices)}
    runs |= {name: ran({"exact": rights(270 + at, 300)}, name=name) for at, name in enumerate(("seen", "a", "b", "c"))}
    return assess(plan, Given(runs, None, (Seal(plan.digest, NOW - 900),), NOW, "1.0"))


class Page(HTMLParser):
    """The texts, the tags and the attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    found = assessment(tmp_path)
    page = Page(html(found)).said
    assert found.recommendation.outcome == "proceed_with_conditions"
    for said in (
        "Proceed with conditions",
        "Technical and business KPIs",
        "at least 0.8",
        "10,800 a month",
        "What is left on data that was not seen",
        "Cross-validation: exact in 3 folds",
        "Bias: exact by language",
        "sealed 2033-05-18T03:18:20+00:00, before the first run",
        found.plan.digest,
        found.runs[0].evidence,
    ):
        assert said in page


def test_the_page_is_alone_and_runs_nothing(tmp_path: Path) -> None:
    text = html(assessment(tmp_path))
    page = Page(text)
    assert not page.tags & {"script", "img", "link", "iframe", "a", "object"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text


def test_what_leads_back_names_its_phase(tmp_path: Path) -> None:
    found = assessment(tmp_path, right=150)
    page, text = Page(html(found)).said, markdown(found)
    assert "Return to Phase III, data preparation" in page
    assert text.startswith("## ❌ Return to Phase III, data preparation: sums\n")
    assert "- Phase III, data preparation and Phase IV, modeling: **exact: seen less holdout** is missed" in text
    assert "- Phase IV, modeling: **solved** is missed" in text


def test_markdown_has_kpis_side_by_side_and_nothing_of_others_in_force(tmp_path: Path) -> None:
    text = markdown(assessment(tmp_path))
    (row,) = [line for line in text.splitlines() if line.startswith("| exact |")]
    assert "| solved | at least 9,000 a month | 10,800" in row
    assert not re.search(r"(?<!\\)<script|(?<!\\)@all|(?<!\\)\[x\]|(?<!\\)`#|\x1b", text)
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (5, 8, 9)


def test_json_is_whole(tmp_path: Path) -> None:
    found = assessment(tmp_path)
    told = json.loads(msgspec.json.encode(found))
    assert told["recommendation"]["outcome"] == "proceed_with_conditions"
    assert told["folds"][0]["spread"] > 0
    assert {part["value"] for part in told["bias"][0]["slices"]} == {"de", EVIL}
    assert told["recommendation"]["valid_until"] == NOW - 60 + 30 * 86_400
    assert len(list(found.findings)) == 8


def test_what_has_no_evidence_is_shown_as_such(tmp_path: Path) -> None:
    technical = [{"metric": "other", "at_least": 0.8}]
    bias = [{"metric": "exact", "slice": "age", "at_most": 0.4}]
    folds = [{"metric": "other", "runs": ["a", "b"], "at_least": 0.8}]
    gaps = [{"metric": "other", "seen": "seen", "at_most": 0.1}]
    found = assessment(tmp_path, technical=technical, bias=bias, folds=folds, generalisation=gaps)
    page, text = Page(html(found)).said, markdown(found)
    assert page.count("no evidence") >= 4
    assert "Return to Phase V, evaluation" in text
    assert text.count("⛔") >= 4
