"""promptfoo's assertions as scorers."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

from evals.importers.base import Imported, slug
from evals.importers.promptfoo_yaml import filled
from evals.sample import Json

KEYED: dict[str, Json] = {
    "equals": {"kind": "exact"},
    "contains": {"kind": "contains", "ignore_case": False},
    "contains-all": {"kind": "contains", "ignore_case": False},
    "contains-any": {"kind": "contains", "ignore_case": False, "match": "any"},
    "icontains": {"kind": "contains"},
    "icontains-all": {"kind": "contains"},
    "icontains-any": {"kind": "contains", "match": "any"},
    "similar": {"kind": "similarity"},
    "rouge-n": {"kind": "rouge", "of": "rouge1"},
    "bleu": {"kind": "bleu"},
}
"""Those that compare with a text of the test."""
OF_MODELS = "a model grades it: calibrate a judge on labels of people, and name it in the suite"
CODE = "it is code: put it into a module beside the suite, as a scorer of the kind python"
WHY_NOT = {
    "assert-set": "only some of its assertions must hold: write a scorer of the kind python",
    "javascript": CODE,
    "python": CODE,
    "webhook": CODE,
    "ruby": CODE,
    "levenshtein": "there is no scorer of edits",
    "perplexity": "there is no scorer of probabilities of tokens",
    "select-best": "suites score one answer at a time; a gate compares releases",
}
MODEL_GRADED = (
    *("llm-rubric", "g-eval", "factuality", "model-graded-closedqa", "answer-relevance", "classifier", "moderation"),
    *("context-recall", "context-relevance", "context-faithfulness", "pi", "search-rubric", "model-graded-factuality"),
)
MORE = ("weight", "metric", "transform", "provider", "config", "threshold", "rubricPrompt", "contextTransform")
NOTHING = "nothing"
"""A part of what is expected that there is never: a scorer that forbids texts asks for none."""
SIMILAR_ENOUGH = 0.75
"""promptfoo's, where an assertion gives no threshold."""


class Carried:
    """`tests` are the assertions of every test, those of `defaultTest` among them."""

    def __init__(self, made: Imported, tests: list[list[Any]]) -> None:
        self._made, self._tests = made, tests

    def expected(self, held: list[tuple[str, Any]], variables: Json) -> Json:
        """What the test's sample expects, by name of scorer. `held` are its assertions, with where each stands. Raises
        `NotFilled`."""
        found: Json = {}
        for at, one in held:
            if not isinstance(one, dict) or not isinstance(one.get("type"), str):
                self._made.left_out(at, "it is no assertion with a type")
            elif one["type"] in KEYED:
                self._compare(at, one, variables, found)
            else:
                self._same_for_all(at, one)
        return found

    def _compare(self, at: str, one: Json, variables: Json, found: Json) -> None:
        kind, value = one["type"], one.get("value")
        several = value if isinstance(value, list) else [value]
        if isinstance(value, str) and kind.endswith(("-all", "-any")):
            several = [part.strip() for part in next(csv.reader([value], skipinitialspace=True), [])]
        if not all(isinstance(text, str | int | float) for text in several) or _refers(several):
            self._made.left_out(at, "what it compares with is no text of the test")
            return
        texts = [filled(text, variables) if isinstance(text, str) else text for text in several]
        scorer = {**KEYED[kind], "name": slug(kind), "key": slug(kind)}
        if kind == "similar":
            least = one.get("threshold", SIMILAR_ENOUGH)
            scorer["least"] = least
            scorer["name"] = scorer["key"] = slug(f"similar-{least}")
            self._made.changed(at, "another model embeds the texts: similarities differ")
        key = scorer["key"]
        if key in found and not kind.removeprefix("i").startswith("contains"):
            self._made.left_out(at, "the test has another of this type")
        elif key in found and kind.endswith("-any"):
            self._made.left_out(at, "the test has another of this type, and any of either would do")
        elif self._made.scored_by(scorer, at):
            found[key] = [*found.get(key, []), *texts]
            self._tell_more(at, one, {"threshold"} if kind == "similar" else set())

    def _same_for_all(self, at: str, one: Json) -> None:
        """For assertions whose options are a scorer's."""
        kind = one["type"]
        scorer = _scorer(kind, one.get("value"))
        if scorer is None:
            graded = kind.removeprefix("not-") in MODEL_GRADED
            why = OF_MODELS if graded else WHY_NOT.get(kind, f"there is no scorer for {kind!r}")
            self._made.left_out(at, why)
            return
        if not all(one in held for held in self._tests):
            self._made.left_out(at, "a scorer of this kind is the same for every sample, and not every test has it")
        elif _refers([one.get("value")]) or "{{" in str(one.get("value")):
            self._made.left_out(at, "it depends on variables, or stands in a file of its own")
        else:
            alike = [held for held in self._made.scorers if held["kind"] == scorer["kind"]]
            number = sum(held.get("key", NOTHING) == NOTHING for held in alike)
            same = [held for held in self._made.scorers if {**scorer, "name": held.get("name")} == held]
            name = same[0]["name"] if same else slug(kind if not number else f"{kind}-{number + 1}")
            if self._made.scored_by({**scorer, "name": name}, at):
                self._tell_more(at, one, set())

    def _tell_more(self, at: str, one: Json, but: set[str]) -> None:
        for key in MORE:
            if key in one and key not in but:
                why = "a gate asks for it" if key == "threshold" else "a scorer has no such option"
                self._made.left_out(f"{at}.{key}", why)


def _scorer(kind: str, value: Any) -> Json | None:
    texts = [value] if isinstance(value, str) else value
    if kind in ("is-json", "contains-json"):
        rules = {"schema": value} if isinstance(value, dict) else {}
        return None if isinstance(value, str) else {"kind": "json_schema", **rules, "fenced": kind == "contains-json"}
    if kind in ("latency", "cost"):
        return {"kind": kind}
    if kind in ("is-refusal", "not-is-refusal"):
        return {"kind": "refusal", "refuse": "always" if kind == "is-refusal" else "never"}
    if kind in ("regex", "not-regex") and isinstance(value, str):
        return {"kind": "regex", "pattern": value, "absent": kind == "not-regex"}
    if kind in ("starts-with", "not-starts-with") and isinstance(value, str):
        return {"kind": "regex", "pattern": f"^{re.escape(value)}", "absent": kind != "starts-with"}
    if kind in ("not-contains", "not-icontains", "not-contains-any", "not-icontains-any") and isinstance(texts, list):
        return {"kind": "contains", "key": NOTHING, "forbidden": texts, "ignore_case": kind.startswith("not-i")}
    return None


def of_cell(text: str) -> Json:
    """An assertion as a cell of CSV has it: `type(threshold): value`, or a text that the answer equals."""
    found = re.fullmatch(r"([a-z][a-z-]*)(?:\((\d*\.?\d+)\))?(?::\s*(.*))?", text, re.DOTALL)
    known = found is not None and _known(found[1])
    if found is None or not known or (found[3] is None and found[1] in KEYED):
        return {"type": "equals", "value": text}
    one: Json = {"type": found[1]}
    if found[3]:
        one["value"] = _schema(found[3]) if found[1].endswith("json") else found[3]
    return {**one, "threshold": float(found[2])} if found[2] else one


def _schema(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _known(kind: str) -> bool:
    bare = kind.removeprefix("not-")
    more = ("is-json", "contains-json", "latency", "cost", "is-refusal", "regex", "starts-with")
    return bare in KEYED or bare in more or bare in WHY_NOT or bare in MODEL_GRADED


def _refers(values: list[Any]) -> bool:
    return any(isinstance(value, str) and value.startswith("file://") for value in values)
