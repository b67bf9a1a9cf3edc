"""What comes of a conversation, and of an answer, under a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import AIMessage, BaseMessage

from guardrails.engine import BLOCKED, Engine, Report
from guardrails.guarded_text import GuardedText
from guardrails.langchain.messages import Said, Way, asked, passages, said, with_texts
from guardrails.passage import STAGES, Passage, Surroundings
from guardrails.pii.vault import Vault, taken_out
from guardrails.verdict import Verdict

WITHHELD = "[BLOCKED]"
"""What stands in a conversation in the place of a message that may not go on."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What goes on of a conversation: all its `messages`, of which those with the numbers `changed` are not as they
    came. `refusal` is what is told where it may not go on; then what stopped it is withheld in `messages`."""

    messages: tuple[BaseMessage, ...]
    changed: tuple[int, ...] = ()
    refusal: str | None = None
    verdicts: tuple[Verdict, ...] = ()


async def admitted(engine: Engine, messages: Sequence[BaseMessage], around: Surroundings, vault: Vault) -> Admitted:
    """Judge all that a conversation says, as the gateway does, whatever of it was judged before."""
    found = passages(messages)
    verdicts: list[Verdict] = []
    texts: dict[int, dict[Way, str]] = {}
    for stage in STAGES[:2]:
        here = [one for one in found if one[2].stage == stage]
        if not here:
            continue
        report = await engine.check(stage, [passage for _, _, passage in here], around)
        verdicts += report.verdicts
        if report.ends:
            stopped = {verdict.source for verdict in report.verdicts if verdict.action == report.action}
            numbers = tuple(dict.fromkeys(number for number, _, passage in here if passage.source in stopped))
            left = _withheld(messages, numbers)
            return Admitted(left, numbers, report.message or BLOCKED, tuple(verdicts))
        after = taken_out([passage for _, _, passage in here], report.verdicts, vault)
        for (number, way, before), passage in zip(here, after, strict=True):
            if passage.text != before.text:
                texts.setdefault(number, {})[way] = passage.text
    left = tuple(with_texts(message, texts.get(number, {})) for number, message in enumerate(messages))
    return Admitted(left, tuple(texts), None, tuple(verdicts))


@dataclass(frozen=True, slots=True)
class Answered:
    """What may be seen of an answer; `refusal` is what is told in its place where nothing may."""

    message: AIMessage
    refusal: str | None = None
    verdicts: tuple[Verdict, ...] = ()


async def answered(
    engine: Engine, message: AIMessage, around: Surroundings, vault: Vault, also: Sequence[str] = ()
) -> Answered:
    """Judge an answer, and the calls that it makes. `also` are texts that say the same once more and cannot be changed:
    where something of them would be taken out the answer is refused."""
    verdicts: list[Verdict] = []
    texts: dict[Way, str] = {}
    for one in (*said(message), *(Said((), text) for text in also)):
        heard = GuardedText(engine, around, ".".join(map(str, one.way)), _nobody, vault)
        heard.feed(one.text)
        await heard.end()
        verdicts += heard.verdicts()
        shown = heard.shown(one.text, 0)
        if heard.ended is not None or (shown != one.text and not one.way):
            return Answered(message, heard.message if heard.ended is not None else BLOCKED, tuple(verdicts))
        if shown != one.text:
            texts[one.way] = shown
    report = await calls_judged(engine, message, around)
    refusal = (report.message or BLOCKED) if report is not None and report.ends else None
    return Answered(with_texts(message, texts), refusal, (*verdicts, *(report.verdicts if report else ())))


async def calls_judged(engine: Engine, message: AIMessage, around: Surroundings) -> Report | None:
    """The first report on its calls that ends the answer, else the last; None where no call is judged."""
    if not engine.policy.at("tool_calls", around.tenant):
        return None
    report, before = None, around.calls
    for number, call in enumerate(asked(message)):
        before = (*before, call)
        passage = Passage(call.arguments, "tool_calls", "assistant", f"tool_calls.{number}")
        report = await engine.check("tool_calls", [passage], replace(around, calls=before))
        if report.ends:
            break
    return report


def refusing(message: str, instead_of: BaseMessage | None = None) -> AIMessage:
    """What the client is told, as an answer."""
    return AIMessage(
        message,
        id=instead_of.id if instead_of is not None else None,
        response_metadata={"finish_reason": "content_filter"},
    )


def _withheld(messages: Sequence[BaseMessage], numbers: Sequence[int]) -> tuple[BaseMessage, ...]:
    return tuple(
        message.model_copy(update={"content": WITHHELD}) if number in numbers else message
        for number, message in enumerate(messages)
    )


def _nobody() -> None:
    """Waits for the end in any case."""
