"""A promptfoo configuration: its tests become samples, and its assertions scorers.

What an assertion compares with differs from test to test; it stands in the sample's `expected`, under the name of the
scorer. Patterns, schemas and forbidden texts are a scorer's own options: they are carried over where every test has
them, as those of `defaultTest`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from evals.errors import BadInput
from evals.importers import promptfoo_assertions as assertions
from evals.importers.base import Imported, text_of
from evals.importers.promptfoo_yaml import filled, lacks, loaded, resolved
from evals.importers.template import NotFilled
from evals.sample import Json

ELSEWHERE = {
    "providers": "what a suite is asked of is given to the run: --target",
    "targets": "what a suite is asked of is given to the run: --target",
    "sharing": "it is no part of an eval",
    "outputPath": "a run keeps its log in the folder that --out names",
    "scenarios": "write them as tests",
    "redteam": "its attacks are made by promptfoo: export them as tests",
    "nunjucksFilters": "it is code",
    "extensions": "it is code",
    "derivedMetrics": "metrics of other metrics are not computed",
}
OF_A_TEST = {"vars", "assert", "description", "metadata"}
READ = {"description", "prompts", "tests", "defaultTest", "evaluateOptions"}
READ_BY_NAME = ("assertionTemplates", "definitions", "$defs")
"""What `$ref` may name."""
PROMPT_FILES = (".txt", ".json", ".md", ".j2", ".yaml", ".yml")
MOST_REPEATS = 100


def convert(path: Path) -> Imported:
    try:
        held = loaded(text_of(path))
    except yaml.YAMLError as error:
        raise BadInput(f"is not YAML: {error}", file=str(path)) from error
    if not isinstance(held, dict):
        raise BadInput("is no mapping, as a promptfoo configuration is.", file=str(path))
    templates = {key: held[key] for key in READ_BY_NAME if key in held}
    held = {key: resolved(value, templates) for key, value in held.items() if key not in READ_BY_NAME}
    made = Imported(path.stem, "promptfoo", about=str(held.get("description") or ""))
    for key in held:
        if key not in READ and not str(key).startswith("$"):
            made.left_out(str(key), ELSEWHERE.get(str(key), "it has no counterpart"))
    _repeats(held.get("evaluateOptions"), made)
    prompt = _prompt(held.get("prompts"), path.parent, made)
    default = held.get("defaultTest") or {}
    if not isinstance(default, dict):
        made.left_out("defaultTest", "it is no mapping: put what it refers to into the file")
        default = {}
    _told("defaultTest", default, made)
    tests = _tests(held.get("tests"), path.parent, made)
    if not tests:
        raise BadInput("has no tests that can be read.", file=str(path))
    carried = assertions.Carried(made, [[one for _, one in _asserted(where, default, test)] for where, test in tests])
    for where, test in tests:
        _told(where, test, made)
        _rows(where, test, default, prompt, carried, made)
    return made


def _asserted(where: str, default: Json, test: Json) -> list[tuple[str, Any]]:
    """With where each stands."""
    return [*_flat("defaultTest", default.get("assert")), *_flat(where, test.get("assert"))]


def _flat(where: str, held: Any) -> list[tuple[str, Any]]:
    """Those of a set that must all hold stand for it."""
    found: list[tuple[str, Any]] = []
    for number, one in enumerate(held if isinstance(held, list) else []):
        at = f"{where}.assert[{number}]"
        whole = isinstance(one, dict) and one.get("type") == "assert-set" and one.get("threshold", 1) == 1
        found += _flat(at, one.get("assert")) if whole else [(at, one)]
    return found


def _repeats(held: Any, made: Imported) -> None:
    options = _mapping(held)
    for key in options:
        if key != "repeat":
            made.left_out(f"evaluateOptions.{key}", "set limits in the suite")
    repeat = options.get("repeat", 1)
    made.repeats = repeat if isinstance(repeat, int) and 1 <= repeat <= MOST_REPEATS else 1


def _told(where: str, test: Json, made: Imported) -> None:
    for key in test:
        if key not in OF_A_TEST:
            made.left_out(f"{where}.{key}", "a suite has no such option of one sample")


def _rows(
    where: str, test: Json, default: Json, prompt: str | None, carried: assertions.Carried, made: Imported
) -> None:
    """A test whose variables are lists stands for each of their combinations, which are one cluster."""
    variables = {**_mapping(default.get("vars")), **_mapping(test.get("vars"))}
    names = [name for name, value in variables.items() if isinstance(value, list)]
    chosen = list(product(*(variables[name] for name in names)))
    for number, one in enumerate(chosen):
        values = {**variables, **dict(zip(names, one, strict=True))}
        if any(str(value).startswith("file://") for value in values.values()):
            made.left_out(where, "a variable stands in a file of its own: put its text into the test")
            continue
        row: Json = {"id": where if len(chosen) == 1 else f"{where}.{number}"}
        if len(chosen) > 1:
            row["cluster"] = where
        try:
            row.update({"variables": values} if prompt is None else {"input": _asked(filled(prompt, values))})
            row["expected"] = carried.expected(_asserted(where, default, test), values)
        except NotFilled as error:
            made.left_out(where, f"its prompt or an assertion could not be filled in: {error}")
            continue
        more = {**_mapping(default.get("metadata")), **_mapping(test.get("metadata"))}
        if "description" in test:
            more["description"] = test["description"]
        if prompt is not None and lacks(prompt, values):
            made.changed(where, "a variable of the prompt that it does not have is empty, as in promptfoo")
        made.rows.append({**row, "metadata": more} if more else row)


def _asked(text: str) -> Any:
    """Chat messages, where the prompt is JSON of them; else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    chat = isinstance(found, list) and found and all(isinstance(one, dict) and "role" in one for one in found)
    return found if chat else text


def _prompt(held: Any, folder: Path, made: Imported) -> str | None:
    """The first; None where there is none that can be read, and samples then are variables of a release's prompt."""
    prompts = held if isinstance(held, list) else [held] if held else []
    for number in range(1, len(prompts)):
        made.left_out(f"prompts[{number}]", "a suite asks with one prompt: import each, or make each a release")
    first = prompts[0] if prompts else None
    text = first.get("raw", first.get("id")) if isinstance(first, dict) else first
    if isinstance(text, str) and (text.startswith("file://") or text.endswith(PROMPT_FILES)):
        path = folder / text.removeprefix("file://")
        if path.suffix not in PROMPT_FILES or not path.is_file():
            made.left_out("prompts[0]", "it is no text file that is there; samples are variables of a release's prompt")
            return None
        return _of_file(path, made)
    if not isinstance(text, str):
        made.changed("prompts", "there is none: samples are variables of a release's prompt")
        return None
    return text


def _of_file(path: Path, made: Imported) -> str:
    """The first prompt of it: in a text, a line of three dashes ends one."""
    text = text_of(path)
    if path.suffix in (".yaml", ".yml"):
        try:
            return json.dumps(loaded(text), ensure_ascii=False)
        except yaml.YAMLError as error:
            raise BadInput(f"is not YAML: {error}", file=str(path)) from error
    if path.suffix != ".txt":
        return text
    first, *more = re.split(r"^---\s*$", text, flags=re.MULTILINE)
    for number in range(1, len(more) + 1):
        made.left_out(f"prompts[0], {path.name}[{number}]", "a suite asks with one prompt: import each")
    return first.strip()


def _tests(held: Any, folder: Path, made: Imported) -> list[tuple[str, Json]]:
    """With where each stands."""
    found: list[tuple[str, Json]] = []
    for number, one in enumerate(held if isinstance(held, list) else [held] if held else []):
        where = f"tests[{number}]"
        if isinstance(one, dict):
            found.append((where, one))
        elif isinstance(one, str):
            found += [(f"{where}[{row}]", test) for row, test in enumerate(_file(one, where, folder, made))]
        else:
            made.left_out(where, "it is neither a test nor a file")
    return found


def _file(named: str, where: str, folder: Path, made: Imported) -> list[Json]:
    path = folder / named.removeprefix("file://")
    if path.suffix not in (".csv", ".jsonl", ".json", ".yaml", ".yml") or not path.is_file():
        made.left_out(where, f"{named[:80]} is no file of tests in CSV, JSON, JSON Lines or YAML that is there")
        return []
    text = text_of(path)
    if path.suffix == ".csv":
        return [_of_csv(row, where, made) for row in csv.DictReader(io.StringIO(text))]
    try:
        read = [json.loads(line) for line in text.splitlines() if line.strip()] if path.suffix == ".jsonl" else None
        rows = read if read is not None else loaded(text)
    except (ValueError, yaml.YAMLError) as error:
        raise BadInput(f"cannot be read: {error}", file=str(path)) from error
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if not isinstance(rows, list) or len(found) < len(rows):
        made.left_out(where, f"{named[:80]} holds what is no test")
    return found


def _of_csv(row: dict[str | None, Any], where: str, made: Imported) -> Json:
    """`__expected`, `__expected1` … are assertions, `__description` and `__metadata:name` what they say."""
    test: Json = {"vars": {}, "assert": [], "metadata": {}}
    for name, value in row.items():
        if name is None or value in (None, ""):
            continue
        if name.startswith("__expected"):
            test["assert"].append(assertions.of_cell(str(value)))
        elif name == "__description":
            test["description"] = value
        elif name.startswith("__metadata:"):
            test["metadata"][name.removeprefix("__metadata:")] = value
        elif name.startswith("__"):
            made.left_out(f"{where}.{name}", "a suite has no such option of one sample")
        else:
            test["vars"][name] = value
    return test


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
