"""What is wrong with a configuration, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the configuration: at which key, in which line of which file or in which variable, as far
    as that is known. Never quotes a value, which may be a secret given by mistake."""

    what: str
    key: str = ""
    source: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.what) if part)


class BadSettings(GatewayError):
    """The configuration cannot be used; the message lists every fault with its place."""

    default_code = "bad_settings"

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__("\n".join((message, *(f"  {fault}" for fault in faults))))
        self.faults = tuple(faults) or (Fault(message),)
