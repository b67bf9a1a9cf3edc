# ruff: noqa: RUF001 - apostrophes and marks as people write them
"""Which sentences of an answer claim something, so that it can be asked whether they are borne out.

Those that do not: questions, greetings and offers, what only leads up to a list, headings, code, and abstentions, as
`I don't know` and `The documents do not say.`
"""

from __future__ import annotations

from guardrails.grounding.sentences import Sentence, sentences
from guardrails.grounding.terms import terms
from guardrails.linear import Pattern

_FENCE = Pattern(r"(?s)```.*?(?:```|\z)|(?s)~~~.*?(?:~~~|\z)")
_ABSTAINS = Pattern(
    r"\b(?:i|we) (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t|am not able to|am unable to|['’]m unable to"
    r"|['’]m not able to|was unable to) (?:really |currently |reliably )?(?:know|have|find|say|tell|answer|determine"
    r"|see|confirm|provide|verify|locate)\b"
    r"|\b(?:i|we)['’]?(?: a|')?m? ?(?:not sure|not certain|not aware)\b"
    r"|\b(?:document|documents|context|text|passage|passages|source|sources|article|information|materials?)\b.{0,40}"
    r"(?:do not|does not|don['’]t|doesn['’]t|did not|didn['’]t|not) (?:say|state|mention|specify|contain|include"
    r"|provide|cover|indicate|tell|address|give|provided|available|specified|mentioned|stated)\b"
    r"|\b(?:no|not enough|insufficient) (?:information|evidence|details?|data|mention)\b.{0,40}"
    r"\b(?:in|about|on|to|given|provided|available|found)\b"
    r"|\b(?:is|are|was|were) not (?:mentioned|stated|specified|given|provided|stated explicitly) in\b"
    r"|\b(?:weiß ich nicht|ich weiß (?:es )?nicht|keine angaben?|geht (?:daraus|aus .{0,40}) nicht hervor)\b"
    r"|\bje ne (?:sais|peux) pas\b|\bn['’]est pas (?:précisé|mentionné|indiqué)\b"
    r"|\bno (?:lo sé|se menciona|se indica|se especifica|puedo)\b|\bnon (?:lo so|è specificato|è indicato)\b"
    r"|\bnão (?:sei|é mencionado|consta|posso)\b|не (?:знаю|указан|упомин|могу)|不知道|沒有提|没有提|未提及"
    r"|わかりません|分かりません|記載されていません|알 수 없|언급되지|모르겠",
    ignore_case=True,
)
_GOES_ON = Pattern(r"\b(?:but|however|though|although|aber|jedoch|mais|pero|però|mas|но|однако)\b|但", ignore_case=True)
_SMALL_TALK = Pattern(
    r"^(?:sure|certainly|of course|hello|hi|hey|thanks|thank you|great question|good question|you['’]re welcome|sorry"
    r"|ok|okay|absolutely|no problem|i hope (?:this|that) helps|let me know|feel free|please let"
    r"|if you (?:have|need|would)|i can help|i['’]d be happy|happy to help"
    r"|here (?:is|are|['’]s)\b[^.]{0,80}$|as an ai\b|would you like)\b",
    ignore_case=True,
)
HEADING = 6
"""Words of a line without an end mark, up to which it is a heading where other sentences stand beside it."""


def claiming(text: str) -> list[Sentence]:
    """The sentences of an answer that claim something, in order. An answer that is one short text claims it, mark or
    not: `1912` answers a question."""
    code = [match.span() for match in _FENCE.finditer(text)]
    found = [one for one in sentences(text) if not any(start < one.end and one.start < end for start, end in code)]
    return [one for one in found if _claims(one.text, alone=len(found) == 1)]


def abstains(text: str) -> bool:
    """Whether it says that something is not known or not said, and goes on to nothing else: `I don't know, but ...` is
    followed by a claim."""
    match = _ABSTAINS.search(text)
    return match is not None and _GOES_ON.search(text[match.end() :]) is None


def _claims(text: str, *, alone: bool) -> bool:
    plain = text.strip(" *_#`\"'")
    if not terms(plain) or plain.endswith(("?", "？", "؟", ":", "：")):
        return False
    if _SMALL_TALK.search(plain) is not None or abstains(plain):
        return False
    heading = plain[-1].isalpha() and len(plain.split()) <= HEADING and plain.isascii() and not alone
    return not heading or any(character.isdigit() for character in plain)
