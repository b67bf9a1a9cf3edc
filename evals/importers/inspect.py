"""A log of Inspect as a suite: what a model was first asked for each sample, and scorers that have a like here."""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from evals.importers.base import Imported, slug
from evals.importers.inspect_log import Log, before_the_answer
from evals.importers.inspect_messages import message, strange
from evals.sample import Json

CODE = "it is code of the task: write it as a scorer of the kind python"
NUMBERS = "the last number of an answer counts, wherever it stands"
SAME = "words and marks are compared as the scorer of ours does"
SOLVERS = "solvers are what is asked: put them behind an endpoint, or ask a function of yours"
PARAMETERS = "a release sets such parameters, or the target that is asked"
BEFORE = {
    *("assistant_message", "chain_of_thought", "generate", "multiple_choice", "prompt_template", "system_message"),
    *("use_tools", "user_message"),
}
"""Solvers whose work is in the messages that a model was first asked with."""
OF_RUNNING = {"max_connections", "max_retries", "timeout", "attempt_timeout", "cache", "batch", "adaptive_connections"}
WHY_NOT = {
    "match": "it looks at one end of an answer: a scorer of the kind regex or python may do",
    "pattern": "it compares what a pattern finds with what is expected: write it as a scorer of the kind python",
    "answer": "it compares what stands after ANSWER: a scorer of the kind label or python may do",
}


def convert(log: Log) -> Imported:
    made = Imported(log.name, "Inspect", repeats=max(int(one.get("epoch") or 1) for one in log.samples))
    samples = list(log.by_id().values())
    options = {str(one.get("name")): one.get("options") or {} for one in log.head["eval"].get("scorers") or []}
    for name in dict.fromkeys(name for one in log.samples for name in one.get("scores") or {}):
        _scorer(name, options.get(name, {}), samples, made)
    _tell(log, samples, made)
    made.rows = [_row(one) for one in samples]
    return made


def _scorer(name: str, options: Json, samples: list[Json], made: Imported) -> None:
    where, kind = f"scorers.{name}", name.rstrip("0123456789") if name not in ("f1",) else name
    if kind in ("exact", "f1", "includes"):
        made.scored_by({**_alike(kind, options), "name": slug(name)}, where)
        made.changed(where, SAME)
    elif kind == "match" and options.get("numeric") and options.get("location", "end") == "end":
        made.scored_by({"kind": "numeric", "name": slug(name)}, where)
        made.changed(where, NUMBERS)
    elif (kind == "choice" or _of_letters(kind, options)) and (labels := _letters(samples)):
        made.scored_by({"kind": "label", "labels": labels, "after": "ANSWER:", "name": slug(name)}, where)
        made.changed(where, "the letter after the last ANSWER: counts, in either case")
    else:
        graded = kind.startswith("model_graded")
        why = "a model grades it: calibrate a judge on labels of people" if graded else CODE
        made.left_out(where, WHY_NOT.get(kind, why))


def _alike(kind: str, options: Json) -> Json:
    if kind == "includes":
        return {"kind": "contains", "match": "any", "ignore_case": bool(options.get("ignore_case", True))}
    return {"kind": "exact", "ignore_case": True} if kind == "exact" else {"kind": "f1"}


def _of_letters(kind: str, options: Json) -> bool:
    return kind == "answer" and options.get("pattern") == "letter"


def _letters(samples: list[Json]) -> list[str]:
    """A to the last there is; none where a sample has several right ones, or no letter."""
    wanted = [one.get("target") for one in samples]
    right = [str(one[0]) if isinstance(one, list) and len(one) == 1 else one for one in wanted]
    places = [ascii_uppercase.find(one) if isinstance(one, str) and len(one) == 1 else -1 for one in right]
    if min(places) < 0:
        return []
    most = max(2, max(places) + 1, *(len(one.get("choices") or []) for one in samples))
    return list(ascii_uppercase[:most])


def _tell(log: Log, samples: list[Json], made: Imported) -> None:
    if log.status != "success":
        made.changed("status", f"the eval did not end well ({log.status}): only the samples that its log has are there")
    if after := _beyond([str(step.get("solver")) for step in (log.head.get("plan") or {}).get("steps") or []]):
        made.left_out("plan", f"{', '.join(after)}: {SOLVERS}")
    config = {
        **(log.head["eval"].get("model_generate_config") or {}),
        **((log.head.get("plan") or {}).get("config") or {}),
    }
    for key in sorted(config.keys() - OF_RUNNING):
        made.left_out(f"model_generate_config.{key}", PARAMETERS)
    if any(len(before_the_answer(one)) > 0 and _changed(one) for one in samples):
        made.changed("samples.input", "what solvers made of it: the messages that a model was first asked with")
    if any(one["tools"] for one in samples):
        made.changed("samples.tools", "models are told of them; what they do is code: a target with tools calls them")
    for key in ("sandbox", "files", "setup"):
        if any(one.get(key) for one in samples):
            made.left_out(f"samples.{key}", "a sample has no such part")
    for kind in sorted({kind for one in samples for given in _asked(one) for kind in strange(given)}):
        made.left_out(f"samples.input.{kind}", "messages hold texts and images")


def _beyond(solvers: list[str]) -> list[str]:
    """Those that do something else than make the first question, and those that come after the first answer."""
    answers = [at for at, name in enumerate(solvers) if name in ("generate", "multiple_choice")]
    first = answers[0] if answers else len(solvers)
    return [name for at, name in enumerate(solvers) if at > first or name not in BEFORE]


def _asked(one: Json) -> list[Json]:
    given = before_the_answer(one)
    if given:
        return given
    own = one.get("input", "")
    return own if isinstance(own, list) else [{"role": "user", "content": own}]


def _changed(one: Json) -> bool:
    own = one.get("input", "")
    given = own if isinstance(own, list) else [{"role": "user", "content": own}]
    return [message(said) for said in _asked(one)] != [message(said) for said in given]


def _row(one: Json) -> Json:
    messages = [message(given) for given in _asked(one)]
    alone = len(messages) == 1 and messages[0].get("role") == "user" and isinstance(messages[0].get("content"), str)
    row: dict[str, Any] = {"id": str(one["id"]), "input": messages[0]["content"] if alone else messages}
    right = one.get("target")
    row["expected"] = right[0] if isinstance(right, list) and len(right) == 1 else right
    if one["tools"]:
        row["tools"] = one["tools"]
    return {**row, "metadata": one["metadata"]} if one.get("metadata") else row
