"""What can go wrong in guarding, as a tree:

GuardError
├── BadInput         what people wrote: a policy, a file to score, an option; nothing was judged
│   └── Missing      a library or a model that a policy needs is not there
└── NotRun           a guard could not judge this passage; its fail mode decides what becomes of it
    └── Overloaded   too much was waiting already
"""

from __future__ import annotations

from typing import Literal

Cause = Literal["idle", "ended", "slow", "busy", "missing", "unreadable", "failed"]
"""Why a guard did not judge: there was nothing to judge; another one had ended the call; it would have taken too long;
too much was waiting; a library or a model is not there; this text is one that it can never judge, as it is too long; or
something failed."""


class GuardError(Exception):
    """`message` is a whole sentence for people; it says the next step where there is one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(GuardError):
    """`place` is the path of keys to what is wrong, as `input.0.threshold`; `line` counts from 1."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None, place: str = "") -> None:
        where = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(": ".join(part for part in (where, place, message) if part))
        self.file, self.line, self.place = file, line, place


class Missing(BadInput):
    @classmethod
    def extra(cls, library: str, extra: str) -> Missing:
        """For a library that one of the project's extras installs."""
        return cls(f"{library} is not installed: pip install 'sluicegate[{extra}]'.")


class NotRun(GuardError):
    """`message` is the reason as it stands in a verdict: a part of a sentence, as `no context was given`."""

    def __init__(self, message: str, cause: Cause = "failed") -> None:
        super().__init__(message)
        self.cause = cause

    @property
    def due(self) -> bool:
        """There was something to judge: the fail mode applies."""
        return self.cause != "idle"


class Overloaded(NotRun):
    """Back-pressure: what came over and above the bound is turned away at once."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "busy")
