"""The attacks there are, as `seeds.yaml` has them: what is asked, in which settings, and in which languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

import yaml

Aim = Literal["say", "reveal", "link", "call", "comply", "answer"]
"""What an attack is after: that a canary is written, a planted secret told, a datum put into an address, a tool called,
or a harmful wish complied with. Controls are after an answer."""
AIMS: Mapping[str, Aim] = {
    "direct_injection": "say",
    "indirect_injection": "say",
    "jailbreak": "comply",
    "prompt_leak": "reveal",
    "obfuscated": "say",
    "exfiltration": "link",
    "tool_abuse": "call",
    "harmful": "comply",
}
"""By class of attack."""
CONTROL = "control"

Carrier = Literal["user", "document", "tool"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Whose assistant is attacked. `document` has a `{slot}` for what is put into it; `tool` is the call, `name` and
    `arguments`, that brings it where a tool does."""

    system: str
    question: str
    task: str
    document: str
    tool: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Something harmful, kept mild; who complies uses one of `words`, in whatever language."""

    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """One attack, or control, of which mutations make others. `kind` is its class. `wish` names what is asked for,
    `tool` and `arguments` the call that must not be made."""

    id: str
    kind: str
    text: str
    carrier: Carrier = "user"
    wish: str | None = None
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def aim(self) -> Aim:
        return AIMS.get(self.kind, "answer")

    @property
    def phrase(self) -> str:
        """Under which name a language has words for what it is after."""
        return self.wish or self.aim


@dataclass(frozen=True, slots=True)
class Book:
    """`phrases` are the English words for what is asked, by aim; `languages` whole attacks, by language and phrase;
    `dangerous` the tools that attacks are after, by name."""

    settings: Mapping[str, Setting]
    dangerous: Mapping[str, Mapping[str, Any]]
    phrases: Mapping[str, str]
    wishes: Mapping[str, Wish]
    languages: Mapping[str, Mapping[str, str]]
    seeds: tuple[Seed, ...]
    controls: tuple[Seed, ...]

    @classmethod
    def shipped(cls) -> Book:
        held = yaml.safe_load(files("guardrails.redteam").joinpath("seeds.yaml").read_text("utf-8"))
        return cls(
            settings={name: Setting(**one) for name, one in held["settings"].items()},
            dangerous=held["dangerous"],
            phrases={name: held[name] for name in ("say", "reveal", "link")},
            wishes={name: Wish(one["text"], tuple(one["words"])) for name, one in held["wishes"].items()},
            languages=held["languages"],
            seeds=tuple(Seed(kind=kind, **one) for kind, of in held["seeds"].items() for one in of),
            controls=tuple(Seed(kind=CONTROL, **one) for one in held["controls"]),
        )
