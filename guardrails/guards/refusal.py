"""Whether an answer refuses."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import ClassVar, Literal

from guardrails.guard import Guard, Models
from guardrails.linear import Pattern
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import NOTHING, Finding, Span

OPENING = 400
"""Characters of an answer that are looked at. Who refuses says so first."""
CAN = r"(?:can ?not|can't|won't|will not|could ?n[o']t|(?:am |'m )(?:not able|unable|not allowed|not going))"
DO = (
    r"(?:help|assist|provide|comply|fulfil|generate|create|write|give|offer|answer|support|discuss|engage|share|produce"
    r"|do (?:that|this)|complete|participate|facilitate|encourage|condone|respond|continue|satisfy|advise|teach)"
)
PHRASES: Mapping[str, tuple[str, ...]] = {
    "en": (
        rf"\bi ?{CAN} (?:\w+ ){{0,4}}{DO}",
        r"\bi(?:'m| am) (?:(?:so|very|really) )?(?:sorry|afraid),? (?:but|i can|that)",
        r"\bi (?:must|have to|need to|respectfully) (?:\w+ )?(?:decline|refuse)",
        r"\bi (?:refuse|decline) to",
        r"\bas an? (?:\w+ ){0,3}(?:ai|assistant|language model)\b[^.]{0,80}\b(?:cannot|can't|can not|unable|not able)",
        r"\b(?:against|violates?) (?:my|our|the) (?:\w+ )?(?:guidelines|polic|programming|principles|values)",
        r"\bi (?:do not|don't) (?:feel comfortable|condone)",
    ),
    "de": (
        r"\b(?:kann|darf|werde|möchte) ich (?:[\pL,]+ ){0,8}nicht\b",
        r"\bich (?:kann|darf|werde|möchte) (?:[\pL,]+ ){0,8}(?:nicht|keine[mnrs]?)\b",
        r"\btut mir (?:sehr |wirklich )?leid\b.{0,10}(?:aber|ich|dabei|das)",
        r"\bich (?:muss (?:[\pL,]+ ){0,3}ablehnen|lehne (?:[\pL,]+ ){0,6}ab\b)",
    ),
    "fr": (
        r"\bje (?:ne |n')(?:peux|suis pas en mesure|puis|vais pas|saurais|pourrai)",
        r"\bje (?:dois|préfère|me vois contraint de) (?:\pL+ )?(?:décliner|refuser)",
        r"\bdésolée?,? (?:mais )?je ne",
    ),
    "es": (
        r"\b(?:lo siento|lamento|disculpa|perdón)\b.{0,10}(?:pero|no )",
        r"\bno (?:puedo|podré|podría|me es posible|estoy autorizad[oa]|soy capaz de) (?:\pL+ ){0,3}\pL*"
        r"(?:ayud|proporcion|hacer|cumpl|asist|respond|d[ae]r|ofrec|gener|cre|escrib|complac|facilit|eso)",
        r"\bdebo (?:rechazar|declinar|negarme)",
    ),
    "it": (
        r"\b(?:mi dispiace|spiacente)\b.{0,10}(?:ma|non)",
        r"\bnon (?:posso|sono in grado di|mi è possibile) (?:\pL+ ){0,3}\pL*"
        r"(?:aiut|forn|far|soddisf|assist|rispond|dar|offr|gener|cre|scriv|procedere)",
    ),
    "pt": (
        r"(?:desculpe|desculpa|sinto muito|lamento)\b.{0,10}(?:mas|não)",
        r"não (?:posso|consigo|poderei|sou capaz de) (?:\pL+ ){0,3}\pL*"
        r"(?:ajud|fornec|faz|atend|respond|d[ae]r|oferec|ger|cri|escrev|cumpr|isso|auxili)",
    ),
    "nl": (
        r"\bhet spijt me\b",
        r"\b(?:ik (?:kan|mag|zal|wil)|(?:kan|mag) ik) (?:\pL+ ){0,8}(?:niet|geen)\b",
    ),
    "pl": (
        r"(?:przykro mi|przepraszam)\b.{0,10}(?:ale|nie)",
        r"\bnie (?:mogę|jestem w stanie|wolno mi|będę)",
        r"muszę odmówić",
    ),
    "ru": (
        r"(?:извините|простите|к сожалению|мне (?:очень )?жаль|прошу прощения).{0,10}(?:но|я|не)",
        r"я не (?:могу|буду|в состоянии|имею права|стану)",
    ),
    "zh": (
        r"(?:抱歉|对不起|對不起|很遗憾|很遺憾|不好意思).{0,12}(?:不能|无法|無法|不可以|不会|不會|没有办法|沒有辦法)",
        r"我(?:不能|无法|無法|不可以|不会|不會)\pL{0,6}(?:提供|帮|幫|协助|協助|回答|满足|滿足|完成|生成|写|寫|支持|参与|參與)",
    ),
    "ja": (
        r"(?:申し訳(?:ありません|ございません)|すみません|ごめんなさい|残念ながら).{0,60}(?:できません|できかねます|いたしかねます|お断り)",
        r"(?:お手伝い|提供|お答え|回答|対応|支援|協力)(?:することは|することが|は|が)?(?:できません|できかねます|いたしかねます)",
    ),
    "ko": (
        r"(?:죄송|미안|유감).{0,60}(?:수 없|없습니다|어렵습니다|안 됩니다|못)",
        r"(?:도와\s?드릴|도울|제공할|제공해 드릴|답변(?:해 드릴|할)|응할|해 드릴) 수(?:가|는)? 없",
    ),
}
REFUSES: Mapping[str, Pattern] = {
    language: Pattern("|".join(phrases), ignore_case=True) for language, phrases in PHRASES.items()
}
APOSTROPHES = str.maketrans("\u2019\u02bc", "''")


class Refusal(Guard):
    """Refusals are told by the phrases that models begin them with, in twelve languages. One in other words, or after
    the first sentences, is not found; an answer that opens with such words and then does what was asked is taken for
    one. The reason names the language."""

    about: ClassVar[str] = "Whether an answer refuses, by its phrases, in twelve languages"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    guard: Literal["refusal"] = "refusal"

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        return refuses(passage.text) or NOTHING


def refuses(text: str) -> Finding | None:
    """What an answer refuses with; None where it does not."""
    opening = _composed(text[:OPENING])
    for language, pattern in REFUSES.items():
        found = pattern.search(opening)
        if found is not None:
            return Finding(1.0, (Span(*found.span(), "refusal"),), f"it refuses ({language})")
    return None


def _composed(text: str) -> str:
    """Accents as one character, where the text stays as long as it was; line ends as spaces."""
    composed = unicodedata.normalize("NFC", text)
    plain = composed if len(composed) == len(text) else text
    return plain.translate(APOSTROPHES).replace("\n", " ")
