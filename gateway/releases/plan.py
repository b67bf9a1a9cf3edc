"""What must be proven of a release before it serves, and the way it takes: the gate of an endpoint, the plan of a
rollout."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evals.digest import sha256
from evals.gate import Requirement
from gateway.allowances import Budget
from gateway.durations import seconds
from gateway.errors import BadRequest
from gateway.releases.resolve import Unit

Share = Annotated[float, Field(gt=0, lt=1)]
Margin = Annotated[float, Field(gt=0, le=1)]
T = TypeVar("T", bound=BaseModel)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(Part):
    """What a protected endpoint asks for before it serves a release: evidence for each of `requires`, and so many
    `approvals` of people other than its author."""

    requires: tuple[Requirement, ...] = Field(min_length=1, max_length=50)
    approvals: int = Field(1, ge=0, le=5)

    @property
    def digest(self) -> str:
        """Names it, on the warrants of the releases that passed it. What may be asked for one day and is not here
        leaves it as it is."""
        return sha256(self.model_dump(mode="json", exclude_defaults=True))


class Shadow(Part):
    """The candidate is asked unseen for the twins of a `sample` of calls, for at most `budget` (as 5usd), until there
    are `pairs` of them; where that takes longer than `at_most`, people must look."""

    sample: Annotated[float, Field(gt=0, le=1)] = 0.1
    budget: str = "5usd"
    pairs: int = Field(200, ge=1, le=1_000_000)
    at_most: str = "1d"

    @field_validator("budget")
    @classmethod
    def _money(cls, value: str) -> str:
        try:
            return str(Budget.parse(f"{value.removesuffix('/total')}/total"))
        except BadRequest as error:
            raise ValueError("write an amount of money, as 5usd") from error

    @field_validator("at_most")
    @classmethod
    def _lasting(cls, value: str) -> str:
        return _duration(value, 1)

    @property
    def micro_usd(self) -> int:
        return Budget.parse(self.budget).amount


class Canary(Part):
    """The candidate answers a growing share of `unit`s, `steps`, beside the live release. A step lasts until it has
    `units` of the candidate's own and is `at_least` old. A unit counts once, for what it saw in the first `settle` of
    its time.

    The canary ends at once where the candidate is shown to be worse, with error `alpha` over its whole length, however
    often it is looked at; or, with `harm_for`, once that has lasted so long. It goes live only where it is shown, with
    the same error each, to be worse by less than each margin: in the share of calls that fail (`errors`) and that a
    guard blocks (`blocked`), in the share slower than half and than 95 % of the live release's (`slow_p50`,
    `slow_p95`), in cost by call as a share of the live release's (`cost`), and in the mean of each score that feedback
    or a judge gives (`scores`; from 0 to 1). None leaves one out."""

    steps: tuple[Share, ...] = Field((0.01, 0.05, 0.25, 0.5), min_length=1, max_length=20)
    units: int = Field(50, ge=1, le=1_000_000)
    at_least: str = "10m"
    settle: str = "5m"
    harm_for: str = "0s"
    unit: Unit = "conversation"
    alpha: float = Field(0.05, ge=0.001, le=0.2)
    errors: Margin | None = 0.02
    blocked: Margin | None = 0.02
    slow_p50: Margin | None = 0.2
    slow_p95: Margin | None = 0.05
    cost: Margin | None = 0.5
    scores: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")], Margin] = {}

    @field_validator("steps")
    @classmethod
    def _growing(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(after <= before for before, after in pairwise(value)):
            raise ValueError("each step is a larger share than the one before")
        return value

    @field_validator("at_least", "settle", "harm_for")
    @classmethod
    def _lasting(cls, value: str) -> str:
        return _duration(value, 0)

    @model_validator(mode="after")
    def _some(self) -> Canary:
        if not self.margins:
            raise ValueError("a canary watches at least one of errors, blocked, slow_p50, slow_p95, cost and scores")
        return self

    @property
    def margins(self) -> dict[str, float]:
        """What is watched, and by how much the candidate may be worse. A score's name begins with `score:`."""
        named = {name: getattr(self, name) for name in ("errors", "blocked", "slow_p50", "slow_p95", "cost")}
        held = {name: margin for name, margin in named.items() if margin is not None}
        return held | {f"score:{name}": margin for name, margin in self.scores.items()}


class Plan(Part):
    """The stages a candidate passes between gate and live; None leaves one out."""

    shadow: Shadow | None = None
    canary: Canary | None = Canary()

    @classmethod
    def parse(cls, value: Any) -> Plan:
        """Raises `BadRequest` naming the place."""
        return _parsed(cls, value, "plan")


def parse_gate(value: Any, where: str = "gate") -> Gate:
    """Raises `BadRequest` naming the place."""
    return _parsed(Gate, value, where)


def _parsed(kind: type[T], value: Any, where: str) -> T:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        at = ".".join([where, *(str(step) for step in fault["loc"])])
        said = fault["msg"].removeprefix("Value error, ")
        raise BadRequest(f"{at}: {said}.", param=at, code="invalid_value") from error


def _duration(value: str, least: int) -> str:
    if seconds(value) < least:
        raise ValueError(f"at least {least}s")
    return value
