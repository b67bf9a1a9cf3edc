"""A mapping that is read so that nothing of it is lost silently: what is not taken is told at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from gateway.types import Json

Outcome = Literal["taken", "changed", "left out"]

ENVIRONMENT = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
SECRET = re.compile(r"(key|secret|token|password|credentials)$")


@dataclass(frozen=True, slots=True)
class Note:
    """What became of the value at `where`, and why it is not there as it was. Never quotes a value."""

    where: str
    outcome: Outcome
    said: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.said}" if self.said else self.where


class Section:
    """Keys of a mapping that have not been taken yet. Every method that takes one leaves a note of it."""

    def __init__(self, held: Any, where: str, notes: list[Note]) -> None:
        self._held: Json = dict(held) if isinstance(held, dict) else {}
        self._where = where
        self._notes = notes
        if held is not None and not isinstance(held, dict):
            notes.append(Note(where, "left out", "it is no mapping"))

    def __contains__(self, key: str) -> bool:
        return self._held.get(key) is not None

    def at(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def note(self, key: str, outcome: Outcome, said: str = "") -> None:
        self._notes.append(Note(self.at(key), outcome, said))

    def peek(self, key: str) -> Any:
        """A value that stays to be taken."""
        return self._held.get(key)

    def drop(self, key: str, why: str) -> Any:
        """Take a value that has no place."""
        if key in self._held:
            self.note(key, "left out", why)
        return self._held.pop(key, None)

    def take(self, key: str, said: str = "") -> Any:
        """Take a value as it is, or with what is `said` about where it went; None where there is none."""
        value = self._held.pop(key, None)
        if value is not None:
            self.note(key, "changed" if said else "taken", said)
        return value

    def section(self, key: str) -> Section:
        """The mapping at a key; its own keys leave the notes."""
        return Section(self._held.pop(key, None), self.at(key), self._notes)

    def items(self, key: str) -> Iterator[Section]:
        """The mappings of the list at a key."""
        held = self._held.pop(key, None)
        if held is None:
            return
        if not isinstance(held, list):
            self.note(key, "left out", "it is no list")
            return
        for index, item in enumerate(held):
            yield Section(item, f"{self.at(key)}[{index}]", self._notes)

    def lay_under(self, values: Json) -> None:
        """Add what this mapping refers to; its own values stand."""
        self._held = {**values, **self._held}

    def number(self, key: str, said: str = "", least: float = 0) -> float | None:
        """Take a number that is not less than `least`."""
        value = self._held.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= least:
            self.take(key, said)
            return value
        if value is not None:
            self.drop(key, f"it is no number from {least:g} on")
        return None

    def variable(self, key: str) -> str | None:
        """The environment variable that the value stands for, if it is `os.environ/NAME`."""
        found = ENVIRONMENT.fullmatch(str(self._held.get(key)))
        return found[1] if found is not None else None

    def secret(self, key: str, variable: str) -> str | None:
        """Take a secret as a reference. One that is written into the source is not copied: it has to be put into the
        environment as `variable`."""
        named = self.variable(key)
        if named is not None:
            self.take(key)
            return f"env:{named}"
        if self._held.get(key) is None:
            return None
        self.take(key, f"the secret itself was not copied: put it into the environment as {variable}")
        return f"env:{variable}"

    def rest(self) -> list[str]:
        """The keys that are left."""
        return [key for key, value in self._held.items() if value is not None]

    def drop_rest(self, reasons: dict[str, str], otherwise: str) -> None:
        """Tell of everything that is left."""
        for key in self.rest():
            self.drop(key, reasons.get(key, otherwise))
