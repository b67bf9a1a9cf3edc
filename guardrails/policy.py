"""A policy: which guards judge what of a call, what is done about what they find, and what is let through all the same.

Written in YAML, content-addressed, and part of a release: changing a threshold makes another release, which is proven
like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from evals import faults as faulty
from evals.digest import sha256
from evals.faults import near
from evals.strict_yaml import Document, Malformed, read
from guardrails.errors import BadInput
from guardrails.guard import FailMode, Finder, Guard, Part
from guardrails.guards import registry
from guardrails.guards.example_files import inlined
from guardrails.passage import STAGES, Stage
from guardrails.verdict import Action

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
POLICIES = Path(__file__).with_name("policies")
"""Those that are shipped, one file each."""


class AllowRule(Part):
    """What is let through though a guard found it: a `text` that the span, or the passage, is; or a whole passage by
    its SHA-256, for what should not stand in a policy. `guard` and `tenant` narrow it; `reason` says why, for whoever
    reads it later."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    sha256: Digest | None = None
    guard: Name | None = None
    tenant: str | None = None
    reason: Annotated[str, Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.sha256 is None):
            raise ValueError("write what is let through: either `text: …` or `sha256: …`")
        return self


class Override(Part):
    """What is otherwise for one tenant, of one guard."""

    threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    action: Action | None = None
    message: Annotated[str, Field(max_length=1000)] | None = None
    on_failure: FailMode | None = None

    def over(self, guard: Guard) -> Guard:
        return guard.model_copy(update=self.model_dump(exclude_none=True))


class Policy(Part):
    """`input`, `documents`, `output` and `tool_calls` are the guards of each stage, in order, each `{guard, …}` or the
    kind alone. With `dry_run` all of them judge and none of them acts: what they would have done stands in the
    records. `fallback` is the upstream that answers where a guard's action is fallback. `context` are the variables of
    a prompt that hold documents. `tenants` are what is otherwise for single teams, by the names of guards."""

    about: Annotated[str, Field(max_length=2000)] = ""
    dry_run: bool = False
    fallback: Annotated[str, Field(max_length=200)] | None = None
    context: tuple[str, ...] = ("context", "documents")
    input: tuple[SerializeAsAny[Guard], ...] = ()
    documents: tuple[SerializeAsAny[Guard], ...] = ()
    output: tuple[SerializeAsAny[Guard], ...] = ()
    tool_calls: tuple[SerializeAsAny[Guard], ...] = ()
    allow: Annotated[tuple[AllowRule, ...], Field(max_length=10_000)] = ()
    tenants: Mapping[str, Mapping[Name, Override]] = {}

    @field_validator(*STAGES, mode="before")
    @classmethod
    def _guards(cls, value: Any, info: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError("write a list of guards, as [secrets, {guard: pii, action: redact}]")
        return tuple(_guard(one, number, info.field_name) for number, one in enumerate(value))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for stage in STAGES:
            called = [guard.called for guard in getattr(self, stage)]
            twice = {name for name in called if called.count(name) > 1}
            if twice:
                raise ValueError(f"{stage}: two guards are called {min(twice)}: give one of them another `name`")
        known = {guard.called for stage in STAGES for guard in getattr(self, stage)}
        named = {rule.guard for rule in self.allow if rule.guard} | {
            name for overrides in self.tenants.values() for name in overrides
        }
        if unknown := named - known:
            raise ValueError(f"no guard of this policy is called {min(unknown)!r}; {near(min(unknown), known)}")
        for tenant in (None, *self.tenants):
            self._check_fallback(tenant)
        self._check_vault()
        return self

    def _check_fallback(self, tenant: str | None) -> None:
        """Another upstream can answer only while nothing was said yet, and has to be named."""
        for stage in STAGES:
            for guard in self.at(stage, tenant):
                if guard.action == "fallback" and stage in ("output", "tool_calls"):
                    raise ValueError(f"{guard.called}: at {stage} it is too late for fallback; write block, or redact")
                if guard.action == "fallback" and self.fallback is None:
                    raise ValueError(f"{guard.called}: name the upstream that answers then, as `fallback: NAME`")

    def _check_vault(self) -> None:
        """What a model says is hidden from nobody who could give it back."""
        for guard in (*self.output, *self.tool_calls):
            if isinstance(guard, Finder) and guard.by == "vault":
                raise ValueError(
                    f"{guard.called}: `by: vault` is for what goes to a model; of an answer write mask, or hash"
                )

    def at(self, stage: Stage, tenant: str | None = None) -> tuple[Guard, ...]:
        """The guards of a stage, as they are for this tenant."""
        guards: tuple[Guard, ...] = getattr(self, stage)
        overrides = self.tenants.get(tenant, {}) if tenant is not None else {}
        if not overrides:
            return guards
        return tuple(overrides[guard.called].over(guard) if guard.called in overrides else guard for guard in guards)

    def as_json(self) -> dict[str, Any]:
        """All of it, defaults written out, so that a default that changes makes another policy."""
        return self.model_dump(mode="json", by_alias=True)

    @cached_property
    def digest(self) -> str:
        """64 hex digits for everything in it."""
        return sha256(self.as_json())


def _guard(given: Any, number: int, stage: Stage) -> Guard:
    if isinstance(given, Guard):
        return given
    written = {"guard": given} if isinstance(given, str) else given
    if not isinstance(written, dict) or not isinstance(written.get("guard"), str):
        raise ValueError(f"item {number}: write {{guard: KIND, …}}, or the kind alone")
    try:
        kind = registry.find(written["guard"])
        guard = kind.model_validate(written)
    except BadInput as error:
        raise ValueError(f"item {number}: {error.message}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"item {number} ({written['guard']}): {at}: {faulty.said([first], kind)}") from error
    if stage not in kind.stages:
        raise ValueError(f"item {number}: {guard.guard} judges {' and '.join(kind.stages)}, and not {stage}")
    return guard


def parse(value: Any, *, file: str | None = None, document: Document | None = None) -> Policy:
    """Raises `BadInput` with the place of what is wrong first."""
    try:
        return Policy.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = tuple(first["loc"])
        line = document.line(place) if document is not None else None
        said = faulty.said([first], Policy)
        raise BadInput(f"{said}.", file=file, line=line, place=".".join(map(str, place))) from error


def load(path: Path) -> Policy:
    """A policy from a YAML file, with the files of examples that it names. Raises `BadInput` with the file, the line
    and the key of what is wrong."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8.", file=str(path)) from error
    except Malformed as error:
        raise BadInput(f"{error.problem}.", file=str(path), line=error.line) from error
    if len(found) != 1:
        raise BadInput(f"holds {len(found)} YAML documents, and one is expected.", file=str(path))
    return parse(inlined(found[0].value, path.parent), file=str(path), document=found[0])


def shipped(name: str) -> Policy:
    """Raises `BadInput` for one that there is not."""
    known = sorted(path.stem for path in POLICIES.glob("*.yaml"))
    if name not in known:
        raise BadInput(f"there is no shipped policy {name[:80]!r}; {near(name, known)}.")
    return load(POLICIES / f"{name}.yaml")


def find(name: str) -> Policy:
    """One that is shipped, by its name, or a file, by its path."""
    return load(Path(name)) if name.endswith((".yaml", ".yml")) or "/" in name else shipped(name)
