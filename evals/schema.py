"""The JSON Schema of a suite, for editors and for machines that write suites: made from the kinds there are.

Put `# yaml-language-server: $schema=URL` above a suite, and an editor completes and checks it as it is written. What a
schema cannot say (that two labels are apart, that a file is there) reading the suite does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from evals.datasets import registry as datasets
from evals.judges.judge import Judge
from evals.parts import Part
from evals.sample import Json
from evals.scorers import registry as scorers
from evals.suite import SuiteFile
from evals.targets import registry as targets

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SENTENCES = re.compile(r"(?<=\.) (?=[A-Z`])")
COMMON: Mapping[str, str] = {
    "fields": "Which column is what, where it has another name than the part of a sample: {input: question}.",
    "key": "The key of `expected` that holds what this scorer compares with, where `expected` is a mapping.",
    "limit": "The first so many rows.",
    "name": "The metric that it yields; that of its kind where none is given.",
    "path": "Relative to the suite.",
}
"""Of options that many kinds have."""

Kinds = Mapping[str, type[Part]]


def schema(scorer_kinds: Iterable[str] = scorers.BUILT_IN) -> Json:
    """With the scorers of these kinds, which may be `evals.scorers.registry.kinds()` for those of installed packages
    too."""
    sources = _found(datasets.find, datasets.BUILT_IN)
    asked = _found(targets.find, targets.BUILT_IN)
    scoring = _found(scorers.find, scorer_kinds)
    parts: list[type[BaseModel]] = [SuiteFile, Judge, *sources.values(), *asked.values(), *scoring.values()]
    places, made = models_json_schema([(part, "validation") for part in parts], ref_template="#/$defs/{model}")
    names = {part: places[(part, "validation")]["$ref"].removeprefix("#/$defs/") for part in parts}
    held: Json = made["$defs"]
    for kinds in (sources, asked, scoring):
        for kind, part in kinds.items():
            _tell_kind(held[names[part]], kind, part)
    suite: Json = held.pop(names[SuiteFile])
    paths = {"pattern": rf"\.({'|'.join(suffix[1:] for suffix in datasets.SUFFIXES)})$"}
    suite["properties"]["dataset"] = _either(paths, _of_kind(sources, names))
    suite["properties"]["target"] = _either(_alone(asked), _of_kind(asked, names))
    suite["properties"]["scorers"]["items"] = _either(_alone(scoring), _of_kind(scoring, names))
    held[names[Judge]]["properties"]["target"] = _of_kind(asked, names)
    held[names[Judge]]["properties"]["targets"]["items"] = _of_kind(asked, names)
    tidy(suite, held)
    for part in (suite, *held.values()):
        explain(part)
    return {"$schema": DIALECT, **suite, "title": "A suite", "$defs": held}


def _found(find: Callable[[str], type[Part]], kinds: Iterable[str]) -> Kinds:
    return {kind: find(kind) for kind in sorted(kinds)}


def _tell_kind(held: Json, kind: str, part: Any) -> None:
    """Its kind has to be said where several could be meant, and what it is for is told first."""
    held["title"] = kind
    held["description"] = f"{part.about}.\n\n{inspect.getdoc(part) or ''}".strip()
    held["properties"]["kind"] = {"const": kind}
    held["required"] = ["kind", *(name for name in held.get("required", ()) if name != "kind")]


def explain(part: Json) -> None:
    """Each option in the sentences that speak of it, of what is said of the whole."""
    sentences = SENTENCES.split(" ".join(part.get("description", "").split()))
    for name, option in part.get("properties", {}).items():
        said = " ".join(one for one in sentences if re.search(rf"`{re.escape(name)}\b", one))
        if (said or name in COMMON) and name != "kind":
            option.setdefault("description", said or COMMON[name])


def _either(text: Json, mapping: Json) -> Json:
    """Said by conditions, and not as alternatives, of which a validator can only say that none fits."""
    return {
        "type": ["string", "object"],
        "allOf": [{"if": {"type": "string"}, "then": text}, {"if": {"type": "object"}, "then": mapping}],
    }


def _of_kind(kinds: Kinds, names: Mapping[type[BaseModel], str]) -> Json:
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{names[part]}"},
            }
            for kind, part in kinds.items()
        ],
    }


def _alone(kinds: Kinds) -> Json:
    """The kinds that can stand by their name, as they need no option."""
    free = [kind for kind, part in kinds.items() if not any(one.is_required() for one in part.model_fields.values())]
    return {"enum": free}


def tidy(*held: Any) -> None:
    """Titles that only repeat a key tell nobody anything; descriptions are one paragraph a line; what is no name of a
    mapping's is refused."""
    waiting = list(held)
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            for value in part.get("properties", {}).values():
                value.pop("title", None)
            if isinstance(part.get("description"), str):
                paragraphs = part["description"].split("\n\n")
                part["description"] = "\n\n".join(" ".join(one.split()) for one in paragraphs)
            if "patternProperties" in part:
                part.setdefault("additionalProperties", False)
            waiting += part.values()
