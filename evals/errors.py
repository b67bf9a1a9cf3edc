"""What can go wrong in an eval, as a tree:

EvalError
├── BadInput         what people wrote: a suite, a dataset, an option; nothing was run
│   └── Missing      a library that a suite needs is not installed
├── TargetFailed     the target, or a judge, gave no answer
└── BudgetSpent      going on would cost more than was allowed
"""

from __future__ import annotations


class EvalError(Exception):
    """`message` is a whole sentence for people; it says the next step where there is one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(EvalError):
    """`file` and `line` say where, counted from 1; `place` is the path of keys, as `scorers.0.pattern`."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None, place: str = "") -> None:
        where = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(": ".join(part for part in (where, place, message) if part))
        self.file, self.line, self.place = file, line, place


class Missing(BadInput):
    @classmethod
    def extra(cls, library: str, extra: str) -> Missing:
        """For a library that one of the project's extras installs."""
        return cls(f"{library} is not installed: pip install 'sluicegate[{extra}]'.")


class TargetFailed(EvalError):
    """`status` is that of HTTP where there was one. What is `retryable` may go better later, after `after` seconds
    where the target says so."""

    def __init__(
        self, message: str, *, status: int | None = None, retryable: bool = False, after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.retryable, self.after = status, retryable, after


class BudgetSpent(EvalError):
    pass
