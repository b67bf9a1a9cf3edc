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
from evals.strict_yaml import Document, Malformed, Place, read
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


class _Wrong(ValueError):
    """What is wrong in a stage: `at` is the way to it from there, `kind` that of the guard."""

    def __init__(self, said: str, *at: str | int, kind: str = "") -> None:
        super().__init__(said)
        self.at, self.kind = at, kind


def _guard(given: Any, number: int, stage: Stage) -> Guard:
    if isinstance(given, Guard):
        return given
    written = {"guard": given} if isinstance(given, str) else given
    if not isinstance(written, dict) or not isinstance(written.get("guard"), str):
        raise _Wrong("write {guard: KIND, …}, or the kind alone", number)
    try:
        kind = registry.find(written["guard"])
        guard = kind.model_validate(written)
    except BadInput as error:
        raise _Wrong(error.message.removesuffix("."), number) from error
    except ValidationError as error:
        first = _first(error)
        raise _Wrong(faulty.said([first], kind), number, *_way(first), kind=written["guard"]) from error
    if stage not in kind.stages:
        raise _Wrong(f"{guard.guard} judges {' and '.join(kind.stages)}, and not {stage}", number)
    return guard


def _first(error: ValidationError) -> Any:
    """What to tell of: a key that there is not before one that is missing, since the one may be the other misspelt."""
    return min(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")


def _way(fault: Any) -> tuple[str | int, ...]:
    """The keys to it, as they are written."""
    return tuple(step for step in fault["loc"] if step != "[key]")


def parse(value: Any, *, file: str | None = None, document: Document | None = None, within: Place = ()) -> Policy:
    """Raises `BadInput` with the place of what is wrong first. `within` is the way to the policy in the document."""
    try:
        return Policy.model_validate(value)
    except ValidationError as error:
        first = _first(error)
        wrong = first.get("ctx", {}).get("error")
        deeper, kind = (wrong.at, wrong.kind) if isinstance(wrong, _Wrong) else ((), "")
        place = (*within, *_way(first), *deeper)
        line = document.line(place) if document is not None else None
        where = ".".join(map(str, place)) + (f" ({kind})" if kind else "")
        raise BadInput(f"{faulty.said([first], Policy)}.", file=file, line=line, place=where) from error


def load(path: Path, name: str | None = None) -> Policy:
    """The policy of a YAML file: all of it; or of a manifest the one of that name, which may be left out where there is
    no other. Reads the files of examples that it names. Raises `BadInput` with the file, the line and the key of what
    is wrong."""
    document = _document(path)
    written = _of_manifest(document)
    if written is None:
        if name is not None:
            raise BadInput("is no manifest: it has no `policies`.", file=str(path))
        return parse(inlined(document.value, path.parent), file=str(path), document=document)
    if name is None and len(written) != 1:
        there = ", ".join(map(str, written))
        raise BadInput(f"is a manifest: add a name, as {path.name}#NAME; there are {there}.", file=str(path))
    if name is not None and name not in written:
        raise BadInput(f"there is no policy {name[:80]!r}; {near(name, written)}.", file=str(path))
    return _parsed(path, document, name if name is not None else next(iter(written)))


def declared(path: Path) -> dict[str, Policy]:
    """Those of a manifest, by name; that of a file which is a policy itself, by the empty name. Raises `BadInput`."""
    document = _document(path)
    if (written := _of_manifest(document)) is None:
        return {"": parse(inlined(document.value, path.parent), file=str(path), document=document)}
    return {str(name): _parsed(path, document, name) for name in written}


def _parsed(path: Path, document: Document, name: str) -> Policy:
    within = ("policies", name)
    written = inlined(document.value["policies"][name], path.parent)
    return parse(written, file=str(path), document=document, within=within)


def _of_manifest(document: Document) -> Mapping[str, Any] | None:
    """What a manifest declares; None where the file is a policy itself."""
    value = document.value
    held = value.get("policies") if isinstance(value, dict) else None
    return held if isinstance(held, dict) and held else None


def _document(path: Path) -> Document:
    try:
        found = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8.", file=str(path)) from error
    except Malformed as error:
        raise BadInput(f"{error.problem}.", file=str(path), line=error.line) from error
    if len(found) != 1:
        held = f"holds {len(found)} YAML documents, and one is expected" if found else "is empty: write a policy"
        raise BadInput(f"{held}.", file=str(path))
    return found[0]


def shipped(name: str) -> Policy:
    """Raises `BadInput` for one that there is not."""
    known = sorted(path.stem for path in POLICIES.glob("*.yaml"))
    if name not in known:
        raise BadInput(f"there is no shipped policy {name[:80]!r}; {near(name, known)}.")
    return load(POLICIES / f"{name}.yaml")


def find(name: str) -> Policy:
    """One that is shipped, by its name; or a file, by its path: a policy, or a manifest, with `#` and a name where it
    declares several."""
    if not is_file(name):
        return shipped(name)
    path, _, policy = name.partition("#")
    return load(Path(path), policy or None)


def is_file(name: str) -> bool:
    return name.partition("#")[0].endswith((".yaml", ".yml")) or "/" in name
