"""What lm-eval asks for a row, its description, its examples and the question, as a chat; and what is right.

As `lm_eval --apply_chat_template` does it (0.4.13), with the examples as turns.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from evals.errors import BadInput
from evals.importers.base import Imported
from evals.importers.lm_eval_task import SPLITS, Code
from evals.importers.template import NotFilled, fill
from evals.sample import Json

ASKED = "Answer with the letter of the right choice."


@dataclass(frozen=True, slots=True)
class Asked:
    """`choices` are those of the row; `right` are indices into them, or texts."""

    text: str
    right: tuple[int | str, ...]
    choices: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """Those that are right."""
        most = len(self.choices)
        return [self.choices[one] if isinstance(one, int) and 0 <= one < most else str(one) for one in self.right]


def asked(task: Json, row: Json) -> Asked:
    """Raises `NotFilled`, saying what cannot be read."""
    choices = _choices(task.get("doc_to_choice"), row)
    text = _value(task["doc_to_text"], row)
    if not isinstance(text, str):
        raise NotFilled("doc_to_text is no text: tasks with several contexts have no counterpart")
    right = _right(task["doc_to_target"], row, choices)
    if choices and not all(isinstance(one, int) and 0 <= one < len(choices) for one in right):
        raise NotFilled("doc_to_target is none of the choices")
    return Asked(text, right, choices)


def _value(template: Any, row: Json) -> Any:
    """Of a column by its name, or a template filled in."""
    if not isinstance(template, str):
        return template
    return row[template] if template in row else fill(template, row, trailing=True)


def literal(text: str) -> Any:
    """A value of Python's as text, as templates write lists; else the text."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _choices(held: Any, row: Json) -> tuple[str, ...]:
    if held is None:
        return ()
    found = list(held.values()) if isinstance(held, dict) else _value(held, row)
    found = literal(found) if isinstance(found, str) else found
    if not isinstance(found, list | tuple) or len(found) < 2:
        raise NotFilled("doc_to_choice is no list of choices")
    return tuple(str(one) for one in found)


def _right(held: Any, row: Json, choices: tuple[str, ...]) -> tuple[int | str, ...]:
    """A column is as it stands; what a template comes to may be a list, or the index of a choice."""
    found = _value(held, row)
    if isinstance(found, str) and held not in row:
        listed = found[:1] == "[" and found[-1:] == "]"
        found = literal(found) if listed or (choices and found.isdigit()) else found
    several = list(found) if isinstance(found, list | tuple) else [found]
    if choices:
        several = [choices.index(one) if isinstance(one, str) and one in choices else one for one in several]
    if not several:
        raise NotFilled("doc_to_target is empty")
    return tuple(int(one) if choices and isinstance(one, bool | int) else str(one) for one in several)


class Prompt:
    """`examples` are the rows that examples are made of."""

    def __init__(self, task: Json, examples: list[Json], with_letters: bool, made: Imported) -> None:
        self._task, self._lettered = task, with_letters
        self._few = int(task.get("num_fewshot") or 0)
        self._config: Json = {**task, **(task.get("fewshot_config") or {})}
        indices = self._config.get("fewshot_indices")
        self._examples = [examples[at] for at in indices if at < len(examples)] if indices else examples
        if self._few and self._config.get("sampler", "default") != "first_n":
            made.changed("fewshot_config", "lm-eval draws examples for each question anew: here all have the first")
        if task.get("gen_prefix"):
            made.changed("gen_prefix", "it is a last message of the assistant: not every model goes on from one")

    def messages(self, row: Json, one: Asked) -> Any:
        """A text where there is nothing but the question. Raises `NotFilled`."""
        system = _value(self._task.get("description") or "", row)
        found = [{"role": "system", "content": system}] if system else []
        for example in [held for held in self._examples if held != row][: self._few]:
            shown = asked(self._config, example)
            answer = self._letter(shown) if self._lettered else shown.texts[0]
            found.append({"role": "user", "content": self._question(shown)})
            found.append({"role": "assistant", "content": _joined(self._prefix(example), answer)})
        found.append({"role": "user", "content": self._question(one)})
        if prefix := self._prefix(row):
            found.append({"role": "assistant", "content": prefix})
        return found if len(found) > 1 else found[0]["content"]

    def _prefix(self, row: Json) -> str:
        return str(_value(self._task.get("gen_prefix") or "", row))

    def _question(self, one: Asked) -> str:
        return lettered(one) if self._lettered else one.text

    def _letter(self, one: Asked) -> str:
        return letters(one)[0]


def lettered(one: Asked) -> str:
    """The question with its choices below it."""
    listed = [f"{letter}) {choice.strip()}" for letter, choice in zip(ascii_uppercase, one.choices, strict=False)]
    return "\n".join([one.text.rstrip(), "", *listed, "", ASKED])


def letters(one: Asked) -> list[str]:
    """Of what is right."""
    return [ascii_uppercase[at] for at in one.right if isinstance(at, int) and at < len(ascii_uppercase)]


def shows_choices(one: Asked) -> bool:
    """Whether the question says what there is to choose from: each stands in it as a word."""
    return all(re.search(rf"(?<!\w){re.escape(choice.strip())}(?!\w)", one.text) for choice in one.choices)


def split_of(task: Json) -> str:
    found = next((task[key] for key in SPLITS if task.get(key)), None)
    if found is None:
        raise BadInput("the task has neither a test_split nor a validation_split.")
    return str(found)


def examples_of(task: Json) -> str | list[Json]:
    """The split that examples come from, or the examples themselves. Raises `BadInput` where code gives them."""
    config = task.get("fewshot_config") or {}
    held = config.get("split") or task.get("fewshot_split") or config.get("samples")
    held = held or next((task[key] for key in ("training_split", *reversed(SPLITS)) if task.get(key)), [])
    if isinstance(held, Code) or any(isinstance(value, Code) for value in config.values()):
        raise BadInput("the task's examples come from code: write them as a list, under fewshot_config.samples.")
    return held if isinstance(held, list) else str(held)


def _joined(prefix: str, text: str) -> str:
    if not prefix or not text or prefix[-1].isspace() or text[0].isspace():
        return prefix + text
    return f"{prefix} {text}"
