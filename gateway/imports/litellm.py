"""LiteLLM's proxy configuration as ours: what it says about models, and a note about everything else it says.

Each name of its `model_list` becomes an upstream of that name; one with several entries, with fallbacks or with retries
becomes a pool of that name. Whatever the result would refuse is left out, and told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from evals.strict_yaml import Malformed, documents
from gateway.errors import BadRequest
from gateway.imports.litellm_deployment import NOT_OF_AN_UPSTREAM, upstream_of
from gateway.imports.section import Note, Section
from gateway.settings import AnyUpstream
from gateway.types import Json

UPSTREAM: TypeAdapter[AnyUpstream] = TypeAdapter(AnyUpstream)
MOST_RETRIES = 10
HEAVIEST = 1000
LONGEST = 60
"""Of a name; a number may still come after it."""

REASONS = {
    "alerting": "watch the metrics",
    "allowed_fails": "the breaker of every upstream is built in",
    "cache": "replies are cached by an endpoint's own setting",
    "cache_params": "replies are cached by an endpoint's own setting",
    "callbacks": "set `telemetry.otlp_endpoint`, and scrape /metrics",
    "content_policy_fallbacks": "a refusal for its content is an answer, and nobody else is asked",
    "context_window_fallbacks": "a prompt that does not fit is refused, and nobody else is asked",
    "cooldown_time": "the breaker of every upstream is built in",
    "database_url": "sluice has tables of its own: set `database`",
    "drop_params": "name the request fields under an upstream's `refuses` and `drop`",
    "failure_callback": "set `telemetry.otlp_endpoint`, and scrape /metrics",
    "master_key": "keys are minted here: sluice keys create NAME --role admin",
    "num_retries": "the router's count",
    "redis_host": "set `state.url`",
    "redis_password": "set `state.url` to a reference, env:NAME",
    "redis_port": "set `state.url`",
    "redis_url": "set `state.url` to a reference, env:NAME",
    "success_callback": "set `telemetry.otlp_endpoint`, and scrape /metrics",
    "environment_variables": "set them in the environment of the process",
    "guardrails": "there are no guards yet",
    "include": "import each of these files",
    "mcp_servers": "MCP servers are not served",
    "routing_strategy": "members of a pool are picked by their weights",
}
NO_COUNTERPART = "it has no counterpart"


@dataclass
class Group:
    """The entries of one name: `members` are upstreams with their weights."""

    name: str
    members: dict[str, float] = field(default_factory=dict)
    fallbacks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """`settings` are valid."""

    settings: Json
    notes: list[Note]

    @property
    def yaml(self) -> str:
        return yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True)


def convert(text: str, source: str) -> Imported:
    """Raises `BadRequest`, naming `source`, for what is no YAML mapping."""
    try:
        found = documents(text)
    except Malformed as error:
        raise BadRequest(f"{source} is not valid YAML: {error}") from error
    if len(found) > 1 or not all(isinstance(document, dict) for document in found):
        raise BadRequest(f"{source} must be one mapping of settings.")
    return _Conversion(found[0] if found else {}).run()


class _Conversion:
    """One run. Sections are taken from in turn; what is left of them at the end is told."""

    def __init__(self, held: Json) -> None:
        self._notes: list[Note] = []
        self._whole = Section(held, "", self._notes)
        self._router = self._whole.section("router_settings")
        self._litellm = self._whole.section("litellm_settings")
        self._upstreams: dict[str, Json] = {}
        self._groups: dict[str, Group] = {}
        self._names: set[str] = set()

    def run(self) -> Imported:
        entries = list(self._whole.items("model_list"))
        named = (self._router, "timeout"), (self._litellm, "request_timeout")
        times = [
            section.number(key, "as `timeouts.total` of upstreams without their own", 0.001) for section, key in named
        ]
        self._read_groups(entries, next((time for time in times if time is not None), None))
        self._read_aliases()
        self._read_fallbacks()
        retries = self._retries()
        pools = {}
        for group in self._groups.values():
            pool = _pool(group, retries)
            if pool is not None:
                pools[group.name] = pool
        for section in (self._router, self._litellm, self._whole.section("general_settings"), self._whole):
            section.drop_rest(REASONS, NO_COUNTERPART)
        settings: Json = {"upstreams": self._upstreams}
        return Imported({**settings, "pools": pools} if pools else settings, self._notes)

    # Models ----------------------------------------------------------------------------------------------------------

    def _read_groups(self, entries: list[Section], timeout: float | None) -> None:
        credentials = self._credentials()
        named: dict[str, list[Section]] = {}
        for entry in entries:
            named.setdefault(str(entry.peek("model_name")), []).append(entry)
        for theirs, together in named.items():
            if "*" in theirs:
                for entry in together:
                    entry.drop("model_name", "it stands for any model: name each that is used")
                    entry.drop_rest({}, "it belongs to a name that stands for any model")
                continue
            group = self._groups[theirs] = Group(self._name(theirs))
            for entry in together:
                entry.take("model_name", "" if group.name == theirs else f"clients ask for {group.name!r}")
                self._read_entry(group, entry, len(together) > 1 or self._stands_in(theirs), credentials)
        for spec in self._upstreams.values():
            if timeout is not None:
                spec.setdefault("timeouts", {"total": timeout})

    def _stands_in(self, theirs: str) -> bool:
        """Whether a name has fallbacks or retries, which only a pool has."""
        for section in (self._router, self._litellm):
            if "num_retries" in section or "default_fallbacks" in section:
                return True
            if any(isinstance(item, dict) and theirs in item for item in _listed(section.peek("fallbacks"))):
                return True
        return False

    def _read_entry(self, group: Group, entry: Section, pooled: bool, credentials: dict[str, Json]) -> None:
        params, info = entry.section("litellm_params"), entry.section("model_info")
        if "litellm_credential_name" in params:
            params.lay_under(credentials.get(str(params.take("litellm_credential_name")), {}))
        if not isinstance(params.peek("model"), str):
            params.drop("model", "it names no model")
            params.drop_rest({}, "it belongs to an entry that names no model")
            return
        weight = self._weight(entry, params) if pooled else 1
        name = self._name(f"{group.name}-{len(group.members) + 1}") if pooled else group.name
        spec = upstream_of(name, params, info)
        entry.drop_rest(NOT_OF_AN_UPSTREAM, NO_COUNTERPART)
        info.drop_rest({"id": "upstreams have names"}, "facts about a model are not configured")
        try:
            UPSTREAM.validate_python(spec)
        except ValidationError as error:
            (first, *_) = error.errors(include_input=False)
            said = f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"
            params.note("model", "left out", f"this upstream could not be used: {said}")
            return
        self._upstreams[name] = spec
        group.members[name] = weight

    def _weight(self, entry: Section, params: Section) -> float:
        """As LiteLLM shuffles: by weight, else by requests, else by tokens a minute."""
        for key in ("weight", "rpm", "tpm"):
            for section in (params, entry):
                if key in section:
                    said = "" if key == "weight" else "as a weight among the members of its pool; it is no limit here"
                    return section.number(key, said) or 0
        return 1

    def _credentials(self) -> dict[str, Json]:
        """Values that entries refer to by name; their notes are left where they are referred to."""
        found: dict[str, Json] = {}
        for item in self._whole.items("credential_list"):
            name, values = item.take("credential_name"), item.peek("credential_values")
            item.take("credential_values", "at the entries that refer to it")
            item.drop_rest({}, NO_COUNTERPART)
            if isinstance(values, dict):
                found[str(name)] = values
        return found

    # Who stands in for whom ------------------------------------------------------------------------------------------

    def _read_aliases(self) -> None:
        aliases = self._router.section("model_group_alias")
        for alias in aliases.rest():
            target = aliases.peek(alias)
            of = self._groups.get(str(target["model"] if isinstance(target, dict) and "model" in target else target))
            if of is None or not of.members or alias in self._groups:
                aliases.drop(alias, "it is an alias of nothing, or of a name that is there already")
                continue
            self._groups[alias] = Group(self._name(alias), dict(of.members))
            aliases.take(alias, f"as the pool {self._groups[alias].name!r}, of the same members")

    def _read_fallbacks(self) -> None:
        for section in (self._router, self._litellm):
            for item in section.items("fallbacks"):
                for theirs in item.rest():
                    self._fall_back(item, theirs, self._groups.get(theirs))
        for section in (self._router, self._litellm):
            if "default_fallbacks" in section:
                names = section.take("default_fallbacks", "to every name without fallbacks of its own")
                for group in self._groups.values():
                    if not group.fallbacks:
                        group.fallbacks = self._members(names, group)

    def _fall_back(self, item: Section, theirs: str, group: Group | None) -> None:
        if group is None or not group.members:
            item.drop(theirs, "there is no such model")
            return
        names = item.peek(theirs)
        found = self._members(names, group)
        missing = [str(name) for name in _listed(names) if not isinstance(name, str) or name not in self._groups]
        item.take(theirs, "without those that are no models here" if missing else "")
        group.fallbacks += [name for name in found if name not in group.fallbacks]

    def _members(self, names: Any, group: Group) -> list[str]:
        """The upstreams of these groups, one after the other, without the group's own."""
        groups = (self._groups.get(name) for name in _listed(names) if isinstance(name, str))
        found = [member for other in groups if other is not None for member in other.members]
        return [name for name in dict.fromkeys(found) if name not in group.members]

    def _retries(self) -> int | None:
        for section in (self._router, self._litellm):
            if "num_retries" in section:
                retries = section.number("num_retries", "as `retries` of every pool")
                return min(int(retries or 0), MOST_RETRIES)
        return None

    def _name(self, theirs: str) -> str:
        """A name as ours are written, which nothing else has."""
        name = re.sub(r"[^a-z0-9._-]+", "-", theirs.lower()).strip("._-")[:LONGEST] or "model"
        number, chosen = 2, name
        while chosen in self._names:
            chosen, number = f"{name}-{number}", number + 1
        self._names.add(chosen)
        return chosen


def _pool(group: Group, retries: int | None) -> Json | None:
    """The pool of a group; None where its one upstream can be asked by its own name."""
    if not group.members or set(group.members) == {group.name}:
        return None
    pool: Json = {"members": _weights(group.members)}
    if group.fallbacks:
        pool["fallbacks"] = group.fallbacks
    if retries is not None:
        pool["retries"] = retries
    return pool


def _weights(members: dict[str, float]) -> dict[str, int]:
    """Whole numbers in the same proportion, as far as `HEAVIEST` tells them apart."""
    whole = all(weight == int(weight) for weight in members.values())
    shared = math.gcd(*(int(weight) for weight in members.values())) or 1
    if whole and max(members.values()) / shared <= HEAVIEST:
        return {name: int(weight) // shared for name, weight in members.items()}
    scale = HEAVIEST / max(members.values())
    return {name: max(1, round(weight * scale)) if weight else 0 for name, weight in members.items()}


def _listed(names: Any) -> Iterable[Any]:
    return names if isinstance(names, list) else []
