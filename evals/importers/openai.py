"""OpenAI's evals, as its API and SDK give them: `eval`, `eval.run` and `eval.run.output_item` objects in one JSON file,
or one a line, however they are put together in lists and pages.

A grader that compares the answer with a text of the item becomes a scorer; what it compares with stands in `expected`
under the grader's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evals.errors import BadInput
from evals.importers.base import Imported, slug, text_of
from evals.importers.template import NotFilled, fill
from evals.sample import Json

ANSWER = "{{sample.output_text}}"
SIMILAR: dict[str, Json] = {
    "bleu": {"kind": "bleu"},
    "cosine": {"kind": "similarity"},
    "rouge_1": {"kind": "rouge", "of": "rouge1"},
    "rouge_2": {"kind": "rouge", "of": "rouge2"},
    "rouge_l": {"kind": "rouge", "of": "rougeL"},
}
OF_MODELS = "a model grades it: calibrate a judge on labels of people, and name it in the suite"
WHY_NOT = {
    "label_model": OF_MODELS,
    "score_model": OF_MODELS,
    "python": "it is code: put it into a module beside the suite, as a scorer of the kind python",
    "multi": "each of a suite's scorers is a metric of its own; a gate can ask something of each",
}


def read(path: Path) -> list[Json]:
    """The objects that a file holds. Raises `BadInput` where it holds none that can be read."""
    return list(_objects(_parsed(path)))


def convert(found: list[Json], path: Path) -> Imported:
    """Raises `BadInput` for objects that no suite can be made of."""
    evals = [one for one in found if one["object"] == "eval"]
    if len(evals) != 1:
        raise BadInput(f"holds {len(evals)} objects that are an eval, and one is expected.", file=str(path))
    made = Imported(str(evals[0].get("name") or evals[0].get("id") or path.stem), "OpenAI evals")
    graders = [one for one in evals[0].get("testing_criteria") or [] if isinstance(one, dict)]
    compared = _graders(graders, made)
    items = _items(found, made)
    if not items:
        raise BadInput("holds no items: add a run with its file_content, or its output items.", file=str(path))
    for key, (item, messages) in items.items():
        expected = {}
        for name, reference in compared.items():
            try:
                expected[name] = fill(reference, {"item": item})
            except NotFilled as error:
                made.left_out(f"{key}.{name}", f"the reference could not be filled in: {error}")
        said: Json = {"input": messages} if messages else {"variables": item}
        made.rows.append({"id": key, **said, "expected": expected, "metadata": {"item": item}})
    if any("variables" in row for row in made.rows):
        made.changed("items", "those without a prompt became variables of the release's prompt")
    return made


def _graders(graders: list[Json], made: Imported) -> dict[str, str]:
    """The references of those that became scorers, by name."""
    compared: dict[str, str] = {}
    for number, grader in enumerate(graders):
        where = f"testing_criteria[{number}]"
        name = slug(str(grader.get("name") or grader.get("type")))
        if name in compared:
            name = slug(f"{name}-{number}")
        scorer = _scorer(grader, where, made)
        if scorer is not None and made.scored_by({**scorer, "name": name, "key": name}, where):
            compared[name] = str(grader.get("reference", ""))
    return compared


def _scorer(grader: Json, where: str, made: Imported) -> Json | None:
    kind = str(grader.get("type"))
    if kind not in ("string_check", "text_similarity"):
        made.left_out(where, WHY_NOT.get(kind, f"there is nothing like a grader of the type {kind!r}"))
        return None
    if "".join(str(grader.get("input", "")).split()) != ANSWER:
        made.left_out(where, f"it looks at something else than the answer, {ANSWER}")
        return None
    if kind == "text_similarity":
        return _similar(grader, where, made)
    operation = str(grader.get("operation"))
    if operation == "eq":
        made.changed(where, "space around the answer is left out of account")
        return {"kind": "exact"}
    if operation in ("like", "ilike"):
        return {"kind": "contains", "ignore_case": operation == "ilike"}
    made.left_out(where, f"there is no scorer for the operation {operation!r}")
    return None


def _similar(grader: Json, where: str, made: Imported) -> Json | None:
    metric = str(grader.get("evaluation_metric"))
    scorer = SIMILAR.get(metric)
    if scorer is None:
        made.left_out(where, f"there is no scorer for the measure {metric!r}")
        return None
    if metric == "cosine":
        made.changed(where, "another model embeds the texts: similarities differ")
    if "pass_threshold" in grader:
        made.left_out(f"{where}.pass_threshold", f"a gate asks for it: at least {grader['pass_threshold']} on average")
    return scorer


def _items(found: list[Json], made: Imported) -> dict[str, tuple[Json, list[Json]]]:
    """Items and the messages they are asked with, by id. Several runs of one item are one sample."""
    items: dict[str, tuple[Json, list[Json]]] = {}
    for one in found:
        if one["object"] == "eval.run.output_item":
            sample = one.get("sample") if isinstance(one.get("sample"), dict) else {}
            given = [
                _message(message, made) for message in (sample or {}).get("input") or [] if isinstance(message, dict)
            ]
            items.setdefault(item_id(one), (one.get("datasource_item") or {}, given))
    if items:
        return items
    for one in found:
        source = one.get("data_source") or {}
        content = (source.get("source") or {}).get("content") or []
        if one["object"] != "eval.run" or items or not content:
            continue
        for number, entry in enumerate(content):
            item = entry.get("item") or {}
            items[f"item-{number}"] = (item, _asked(source.get("input_messages") or {}, item, f"item-{number}", made))
    return items


def item_id(output: Json) -> str:
    """The id of the sample that an output item is of."""
    return f"item-{output.get('datasource_item_id')}"


def _asked(held: Json, item: Json, where: str, made: Imported) -> list[Json]:
    """The messages of a template, or those that a part of the item holds."""
    reference = held.get("item_reference")
    if isinstance(reference, str):
        found: Any = item
        for step in reference.removeprefix("item.").split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            made.left_out(where, f"{reference[:80]} names no messages")
            return []
        return [_message(one, made) for one in found]
    try:
        return [_filled(_message(one, made), item) for one in held.get("template") or []]
    except NotFilled as error:
        made.left_out(where, f"its messages could not be filled in: {error}")
        return []


def _filled(message: Json, item: Json) -> Json:
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": fill(content, {"item": item})}
    return {**message, "content": [_filled_part(part, item) for part in content]}


def _filled_part(part: Json, item: Json) -> Json:
    if part["type"] == "text":
        return {"type": "text", "text": fill(part["text"], {"item": item})}
    image = part["image_url"]
    return {"type": "image_url", "image_url": {**image, "url": fill(str(image["url"]), {"item": item})}}


def _message(message: Json, made: Imported) -> Json:
    """In the form of chat completions."""
    content = message.get("content")
    parts = [one for held in (content if isinstance(content, list) else [content]) if (one := _part(held, made))]
    role = "system" if message.get("role") == "developer" else message.get("role", "user")
    alone = all(part["type"] == "text" for part in parts)
    return {"role": role, "content": "".join(part["text"] for part in parts) if alone else parts}


def _part(held: Any, made: Imported) -> Json | None:
    if isinstance(held, str):
        return {"type": "text", "text": held}
    if not isinstance(held, dict):
        return None
    if "text" in held:
        return {"type": "text", "text": str(held["text"])}
    if held.get("type") == "input_image":
        more = {"detail": held["detail"]} if held.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": str(held.get("image_url", "")), **more}}
    made.left_out(f"messages.{held.get('type')}", "messages hold texts and images")
    return None


def _parsed(path: Path) -> Any:
    text = text_of(path)
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise BadInput(f"is neither JSON nor JSON Lines: {error}.", file=str(path)) from error


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _objects(one)
    elif isinstance(value, dict):
        if str(value.get("object", "")) in ("eval", "eval.run", "eval.run.output_item"):
            yield value
        else:
            for one in value.values():
                yield from _objects(one)
