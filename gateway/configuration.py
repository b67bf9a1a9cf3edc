"""Where the configuration comes from: one YAML file, a few environment variables, and the command line over both.

This module, for settings, and `Secret.read`, for secrets, are the only places that read the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.strict_yaml import Document, Malformed, read
from gateway.explain import Keys, explain
from gateway.faults import BadSettings, Fault
from gateway.secret import REFERENCE, Part, Secret
from gateway.settings import SECRET_ARGUMENT, Settings
from gateway.types import Json

ENVIRONMENT = {
    "SLUICE_DATA": ("data",),
    "SLUICE_DATABASE": ("database",),
    "SLUICE_GUARD_MODELS": ("guards", "models"),
    "SLUICE_GUARD_SERVER": ("guards", "server"),
    "SLUICE_GUARD_TOKEN": ("guards", "token"),
    "SLUICE_HOST": ("server", "host"),
    "SLUICE_PORT": ("server", "port"),
    "SLUICE_WORKERS": ("server", "workers"),
}
HOLD_SECRETS = frozenset(("SLUICE_GUARD_TOKEN",))
"""Variables that stand for a secret: what is set is a reference to them."""
CONFIG_VARIABLE = "SLUICE_CONFIG"
DEFAULT_FILE = "sluicegate.yaml"
RELOADED = frozenset(("hourly_rates", "pools", "upstreams"))
"""The settings that can change while the gateway runs; any other needs a restart."""
MASK = "***"
IN_URL = re.compile(r"(://[^:/@\s]*:|[?&][\w-]*(?:key|secret|token|password)=)[^&@\s]+")
"""A password before a URL's host, or a secret in its query, after what leads to it."""


@dataclass(frozen=True)
class Source:
    """Where settings are loaded from, now and when they are loaded again: `path`, or `$SLUICE_CONFIG`, or
    `./sluicegate.yaml` where there is one, or the defaults. `variables` outrank the file."""

    path: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Source:
        """What a process was started with. Variables `given`, by a command line, outrank the environment's."""
        env = {**(os.environ if environment is None else environment), **(given or {})}
        chosen = path or (Path(env[CONFIG_VARIABLE]) if env.get(CONFIG_VARIABLE) else None)
        set_here = {name: env[name] for name in ENVIRONMENT if env.get(name)}
        return cls(chosen, set_here | {name: f"env:{name}" for name in HOLD_SECRETS.intersection(set_here)})

    @property
    def looked_for(self) -> Path:
        """The file that is read, if it is there."""
        return self.path or Path(DEFAULT_FILE)

    @property
    def file(self) -> Path | None:
        """The file that is read; None where none was named and none is there."""
        return self.looked_for if self.path is not None or self.looked_for.exists() else None

    def load(self) -> Settings:
        """Raises `BadSettings` naming every fault: the file and line, the key, what is expected."""
        file = self.file
        document = _read(file) if file is not None else None
        raw: Json = document.value if document is not None else {}
        for variable, value in self.variables.items():
            _put(raw, ENVIRONMENT[variable], value)
        try:
            settings = Settings.model_validate(raw)
        except ValidationError as error:
            variables: dict[Keys, str] = {ENVIRONMENT[variable]: variable for variable in self.variables}
            faults = explain(error, document, str(file or ""), variables)
            raise BadSettings(f"{file or 'The settings'} cannot be used:", faults) from None  # it quotes values
        settings._file, settings._document = file, document
        return settings

    def renewed(self, running: Settings) -> Settings:
        """`running` with what can change taken from the source as it is now; `running` as it is where that cannot be
        used. For a process that replaces one which died: a file broken meanwhile must not keep it from starting."""
        try:
            changed = replaced(running, self.load())
            for secret in changed.secrets():
                secret.read()
        except BadSettings:
            return running
        return changed


def load(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Settings:
    """`Source.of` and `Source.load` in one: for what loads settings once."""
    return Source.of(path, environment, given).load()


def replaced(running: Settings, new: Settings) -> Settings:
    """`running` with what can change while the gateway runs taken from `new`."""
    return running.model_copy(update={name: getattr(new, name) for name in RELOADED})


def needs_restart(running: Settings, new: Settings) -> list[str]:
    """The keys of what differs and cannot change while the gateway runs."""
    return [key for key in _differing(running, new) if key.partition(".")[0] not in RELOADED]


def _differing(one: Part, other: Part) -> Iterator[str]:
    for name in type(one).model_fields:
        before, after = getattr(one, name), getattr(other, name)
        if isinstance(before, Part) and isinstance(after, Part) and type(before) is type(after) is not Secret:
            yield from (f"{name}.{below}" for below in _differing(before, after))
        elif before != after:
            yield name


def shown(settings: Settings) -> Json:
    """Settings for people to read: secrets as references, and what may be one for all that as `***`."""
    dumped: Json = settings.model_dump(mode="json")
    return {name: _masked(name, value) for name, value in dumped.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    if not isinstance(value, str) or REFERENCE.fullmatch(value):
        return value
    if SECRET_ARGUMENT.search(name.lower()):
        return MASK
    return IN_URL.sub(rf"\1{MASK}", value)


def _put(raw: Json, keys: tuple[str, ...], value: str) -> None:
    """What is no mapping where one belongs is left for validation to refuse."""
    place = raw
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            return
    place[keys[-1]] = value


def _read(path: Path) -> Document | None:
    """The document in a file; None where there is nothing in it."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    except Malformed as error:
        fault = Fault(error.problem, source=str(path), line=error.line)
        raise BadSettings(f"{path} is not valid YAML:", [fault]) from error
    if not found:
        return None
    if len(found) > 1 or not isinstance(found[0].value, dict):
        fault = Fault("write one mapping of settings", source=str(path), line=found[-1].line(()))
        raise BadSettings(f"{path} cannot be used:", [fault])
    return found[0]
