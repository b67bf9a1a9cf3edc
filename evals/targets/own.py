"""What targets that are code of a suite's own have in common: where it stands, and that a changed one is another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from evals.code import PATTERN, Code
from evals.targets.base import TargetSpec


class OwnSpec(TargetSpec):
    """`call` is `module:name`, of `module.py` in the suite's folder, else of an installed module."""

    sees_all: ClassVar[bool] = True

    call: str = Field(pattern=PATTERN)

    _code: Code | None = PrivateAttr(None)

    @abstractmethod
    def check(self, value: Any) -> None:
        """Raises `BadInput` where what stands there cannot be asked."""

    def placed(self, folder: Path) -> Self:
        placed = self.model_copy()
        placed._code = Code.of(self.call, folder)
        self.check(placed._code.value)
        return placed

    @property
    def identity(self) -> Mapping[str, Any]:
        """With the digest of the code: another text is asked anew."""
        return {**super().identity, "code": self._code.digest if self._code is not None else None}

    def value(self, folder: Path) -> Any:
        """What stands there."""
        return (self._code if self._code is not None else Code.of(self.call, folder)).value
