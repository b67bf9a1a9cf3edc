"""`/v1/moderations` in OpenAI's shape: what is asked, and what the windows that a model read come to.

Clients parse every category of OpenAI's, so all of them are told. Three are judged here. Of the others nothing is
known: they are false, their score is 0, and `category_applied_input_types` says of each that no input was judged for
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.access import no_such_model
from gateway.errors import BadRequest, UnsupportedParam
from gateway.types import Json
from gateway.wire.body import refuse_variants
from gateway.wire.fields import check_string, text
from guardrails.guard import Window
from guardrails.guards.moderation import PLACES, Category, Moderation

FIELDS = frozenset(("input", "model"))
MODEL = "sluice-moderation"
"""What answers, whatever of OpenAI's models was asked for."""
THEIRS = ("omni-moderation-", "text-moderation-")
"""How the names of OpenAI's models begin, of which clients ask for one by default."""
MOST_INPUTS = 32
MOST_CHARACTERS = 50_000
"""Of all inputs of a request: one or two seconds of one core."""

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
OURS: Mapping[str, tuple[Category, ...]] = {
    "harassment": ("offensive", "toxic"),
    "hate": ("hate",),
    "illicit": ("harmful_request",),
}
"""The categories that are judged, and the guard's that they are made of."""
GUARD = Moderation()
AS_LIKELY_AS_NOT = 0.5


@dataclass(frozen=True, slots=True)
class Input:
    """One text to be judged, and its place in the request, as verdicts name it."""

    text: str
    source: str

    @property
    def empty(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Asked:
    """`model` is what the client asked for, where it asked for one; `inputs` get a result each."""

    model: str | None
    inputs: tuple[Input, ...]


def read(body: Json) -> Asked:
    """Check and take apart the client's body. Raises `BadRequest` naming the field, and `NotFound` for a model that is
    none of moderation."""
    if not body.keys() <= FIELDS:
        refuse_variants(body, FIELDS)
        name = min(body.keys() - FIELDS)[:80]
        raise BadRequest(f"Moderations have no field {name!r}.", param=name, code="unknown_parameter")
    check_string(body, "model")
    model: str | None = body.get("model")
    if model is not None and model != MODEL and not model.startswith(THEIRS):
        raise no_such_model(model)
    inputs = _inputs(body.get("input"))
    length = sum(len(one.text) for one in inputs)
    if length > MOST_CHARACTERS:
        message = f"'input' holds at most {MOST_CHARACTERS} characters, not {length}: ask in several requests."
        raise BadRequest(message, param="input", code="invalid_value")
    return Asked(model, inputs)


def _inputs(given: object) -> tuple[Input, ...]:
    if given is None:
        message = "Missing required parameter: 'input'."
        raise BadRequest(message, param="input", code="missing_required_parameter")
    if type(given) is str:
        return (Input(given, "input"),)
    if type(given) is not list or not given:
        raise _mistyped("input")
    if len(given) > MOST_INPUTS:
        message = f"'input' holds at most {MOST_INPUTS} items, not {len(given)}: ask in several requests."
        raise BadRequest(message, param="input", code="invalid_value")
    if all(type(item) is str for item in given):
        return tuple(Input(item, f"input.{number}") for number, item in enumerate(given))
    if all(type(item) is dict for item in given):
        return (Input("\n".join(_said(part, number) for number, part in enumerate(given)), "input"),)
    raise _mistyped("input")


def _said(part: Json, number: int) -> str:
    """Of one part of a message; all of them are one input. An image nobody looks at would pass for one that is
    harmless, so it is refused."""
    where = f"input[{number}]."
    kind = text(part, "type", where)
    if kind == "image_url":
        message = "Only text is judged here: leave the image out, and have it judged elsewhere."
        raise UnsupportedParam(message, param=f"{where}image_url")
    if kind != "text":
        raise BadRequest(f"'{where}type' is text, not {kind[:80]!r}.", param=f"{where}type", code="invalid_value")
    check_string(part, "text", where)
    if part.get("text") is None:
        return text(part, "text", where)
    said: str = part["text"]
    return said


def _mistyped(name: str) -> BadRequest:
    message = f"{name!r} must be a string, or a non-empty array of strings or of parts of type text."
    return BadRequest(message, param=name, code="invalid_type")


def score(windows: Sequence[Window]) -> float:
    """Of a text, as the guard has it; 0 where there was nothing to read."""
    return max((GUARD.of(window) for window in windows), default=0.0)


def result(windows: Sequence[Window]) -> Json:
    """What is told of one input: of none of its windows where there was nothing to read, and then nothing was judged.
    A flagged text is of the likeliest category, and of each that is as likely as not. `sluice` has the guard's own
    score, and its own categories."""
    own = {name: max((one.scores[at] for one in windows), default=0.0) for at, name in PLACES.items()}
    scores = dict.fromkeys(CATEGORIES, 0.0) | {name: max(own[one] for one in ours) for name, ours in OURS.items()}
    found = score(windows)
    flagged, likeliest = found >= GUARD.threshold, max(OURS, key=lambda name: scores[name])
    return {
        "flagged": flagged,
        "categories": {
            name: flagged and (name == likeliest or likely >= AS_LIKELY_AS_NOT) for name, likely in scores.items()
        },
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] if windows and name in OURS else [] for name in CATEGORIES},
        "sluice": {"score": found, "threshold": GUARD.threshold, "category_scores": own},
    }


def answer(id: str, texts: Sequence[Sequence[Window]]) -> Json:
    """The whole reply, a result for the windows of each input."""
    return {"id": id, "model": MODEL, "results": [result(windows) for windows in texts]}
