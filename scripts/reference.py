"""Write the documentation's reference pages from the code they describe. `--check` only says which are out of date.

python scripts/reference.py [--check]
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args, get_type_hints

import typer.main
from fastapi.routing import APIRoute
from prometheus_client.core import Metric
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from evals.evaluation import schema as evaluations
from evals.schema import schema
from evals.scorers import registry
from gateway import configuration as sources
from gateway import settings
from gateway.access import ROLES, Access
from gateway.api.app import ROUTERS
from gateway.api.deps import Requires
from gateway.app import running
from gateway.cli.main import cli
from gateway.front.evals import EvalRoutes
from gateway.front.moderations import ModerationRoutes
from gateway.front.routes import DataRoutes
from gateway.record import CallRecord
from gateway.secret import Secret
from guardrails.guard import Guard
from guardrails.guards import registry as guard_kinds
from guardrails.verdict import Verdict

DOCS = Path(__file__).parent.parent / "docs"
FROM_HERE = "<!-- From here on written by scripts/reference.py; change the code instead. -->\n"
HEAD = "<!-- Written by scripts/reference.py; change the code instead. -->\n"


def configuration() -> str:
    """`docs/configuration.md`, from `gateway.settings`."""
    variables = {keys: name for name, keys in sources.ENVIRONMENT.items()}
    lines = [
        "# Configuration",
        "",
        "One YAML file: `--config FILE`, or `$SLUICE_CONFIG`, or `./sluicegate.yaml`, or the built-in settings below. "
        "A key that is not listed here is refused. A secret is a reference, `env:NAME` or `file:/path`, never "
        "the secret itself.",
        "",
        "These environment variables outrank the file: "
        + ", ".join(f"`{name}` (`{'.'.join(keys)}`)" for keys, name in variables.items())
        + ".",
        "",
        "## The whole file",
        "",
        *_fields(settings.Settings),
        *_section("## `server`", settings.ServerSettings),
        *_section("## `journal`", settings.JournalSettings),
        *_section("## `state`", settings.StateSettings),
        *_section("## `telemetry`", settings.TelemetrySettings),
        *_section("## `retention`", settings.RetentionSettings),
        *_section("## `content`", settings.ContentPolicy),
        *_section("## `guards`", settings.GuardSettings),
        "## Every upstream",
        "",
        "Under `upstreams`, a name for each: small letters, digits, `.`, `_` and `-`. Whatever its `provider`, an "
        "upstream has these:",
        "",
        *_fields(settings.UpstreamSettings),
        *_section("### `timeouts`", settings.Limits),
        *_section("### `price`", settings.PriceOverride),
        *_providers(),
        *_section("## `pools`", settings.PoolSettings),
    ]
    return _page(lines)


def _section(title: str, part: type[BaseModel]) -> list[str]:
    said = _said(part)
    return [title, "", *([said, ""] if said else []), *_fields(part)]


def _providers() -> list[str]:
    """What upstreams of each kind have beside what every upstream has."""
    lines: list[str] = []
    kinds = get_args(get_args(settings.AnyUpstream)[0])
    for kind in cast(tuple[type[settings.UpstreamSettings], ...], kinds):
        (provider,) = get_args(kind.model_fields["provider"].annotation)
        lines += [f"## `provider: {provider}`", "", _said(kind), ""]
        lines += _fields(kind, without={*settings.UpstreamSettings.model_fields, "provider"})
        if kind is settings.OpenAISettings:
            lines += _section("### `entra`", settings.Entra)
        if kind is settings.ScriptedSettings:
            lines += ["### `rules`", "", "The first rule whose `when` is in the question answers.", ""]
            lines += _fields(settings.ScriptedRule)
    return lines


def _fields(model: type[BaseModel], without: set[str] | None = None) -> list[str]:
    rows = ["| key | type | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name not in (without or ()):
            meaning = _cell(field.description or "")
            rows.append(f"| `{name}` | {_cell(_named(field.annotation))} | {_cell(_default(field))} | {meaning} |")
    return [*rows, ""]


def _named(kind: Any) -> str:
    """A type as a person who writes YAML calls it."""
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "path", type(None): "null"}
    if kind in plain:
        return plain[kind]
    arguments = get_args(kind)
    origin = getattr(kind, "__origin__", None)
    if origin in (tuple, frozenset):
        return f"list of {_named(arguments[0])}"
    if origin is dict:
        return f"mapping to {_named(arguments[1])}"
    if getattr(kind, "__metadata__", None):
        return _named(arguments[0])
    if arguments and all(isinstance(argument, str) for argument in arguments):
        return " or ".join(f"`{argument}`" for argument in arguments)
    if arguments:
        names = [_named(argument) for argument in arguments]
        return "an upstream" if len(names) > 3 else " or ".join(dict.fromkeys(names))
    if kind is Secret:
        return "reference to a secret"
    return "mapping" if isinstance(kind, type) and issubclass(kind, BaseModel) else "any"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return ", ".join(f"`{name}`" for name in field.get_default(call_default_factory=True))
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel) or field.default in ((), {}, "", None, frozenset()):
        return ""
    return f"`{field.default}`".lower() if isinstance(field.default, bool) else f"`{field.default}`"


def commands() -> str:
    """`docs/commands.md`, from the commands themselves."""
    lines = ["# Commands", ""]
    for path, command in _walk("sluice", typer.main.get_command(cli)):
        said = inspect.cleandoc(command.help or "").split("\f")[0]
        lines += [f"## `{path}`", "", said, ""]
        rows = [_option(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| | | default |", "|---|---|---|", *rows, ""]
    return _page(lines)


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(f"{path} {name}", below)


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    default = parameter.default
    shown = f"`{default}`".lower() if isinstance(default, bool | int | float | str) else ""
    return f"| {names} | {_cell(getattr(parameter, 'help', None) or '')} | {shown} |"


def api() -> str:
    """`docs/api.md`, from the routes of the data plane and of the admin API."""
    lines = [
        "# HTTP API",
        "",
        "The model APIs follow OpenAI's and Anthropic's references; [concepts](concepts.md) says what is ours. Send "
        "the key as `Authorization: Bearer sk-…`, or as `x-api-key`. Every error has OpenAI's shape: see "
        "[errors](errors.md).",
        "",
        "| | path | who may |",
        "|---|---|---|",
        *(f"| {route.method} | `{route.path}` | {_who(route.access)} |" for route in _data_routes()),
        "",
        "## Admin API",
        "",
        "A running gateway serves its OpenAPI document at `/admin/openapi.json`.",
        "",
    ]
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                lines += _admin_route(route)
    lines += ["## The record of a call", "", "| field | type | |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {_cell(said)} |" for name, kind, said in _record_fields()]
    return _page(lines)


def _data_routes() -> Any:
    parts: Any = dict.fromkeys(inspect.signature(DataRoutes).parameters, _Anything())
    nothing: Any = _Anything()
    moderations: Any = dict.fromkeys(inspect.signature(ModerationRoutes).parameters, nothing)
    return (
        *DataRoutes(**parts).table(),
        *ModerationRoutes(**moderations).table(),
        *EvalRoutes(nothing, nothing).table(),
    )


class _Anything:
    """Stands where the routes only keep a reference."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __add__(self, other: Any) -> Any:
        return self


def _who(access: Access) -> str:
    if access is Access.PUBLIC:
        return "everyone"
    if access is Access.KEY:
        return "any key"
    if access.roles == frozenset(ROLES):
        return "a key with any role"
    *others, last = (role for role in reversed(ROLES) if role in access.roles)
    return f"a key with the role {', '.join(others)} or {last}" if others else f"a key with the role {last}"


def _admin_route(route: APIRoute) -> list[str]:
    (method,) = route.methods
    rules = [
        dependency.call.access for dependency in route.dependant.dependencies if isinstance(dependency.call, Requires)
    ]
    said = " ".join(route.description.split())
    lines = [f"### {method} `/admin{route.path.replace(':path', '')}`", "", f"{said} For {_who(rules[0])}.", ""]
    rows = [
        f"| `{name}` | {_cell(_named(field.annotation))} | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in _parameters(route)
    ]
    if rows:
        lines += ["| parameter | type | default | |", "|---|---|---|---|", *rows, ""]
    for parameter in route.dependant.body_params:
        body = parameter.field_info.annotation
        if isinstance(body, type) and issubclass(body, BaseModel):
            lines += [f"The body: {_said(body)}", "", *_fields(body)]
    return lines


def _parameters(route: APIRoute) -> Iterator[tuple[str, FieldInfo]]:
    """Of path and query; those that come together as a model, one by one."""
    for parameter in (*route.dependant.path_params, *route.dependant.query_params):
        kind = parameter.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from kind.model_fields.items()
        else:
            yield parameter.name, parameter.field_info


def _record_fields() -> Iterator[tuple[str, str, str]]:
    """Name, type and the docstring below each field of the record."""
    said: dict[str, str] = {}
    name = ""
    for line in inspect.getsource(CallRecord).splitlines():
        text = line.strip()
        if text.startswith('"""') and name:
            said[name] = text.strip('"')
        elif ":" in text and text.split(":")[0].isidentifier():
            name = text.split(":")[0]
    for name, kind in get_type_hints(CallRecord).items():
        yield name, _named(kind), said.get(name, "")


def metrics() -> str:
    """`docs/metrics.md`, from a scrape of one call."""
    lines = [
        "# Metrics",
        "",
        "`GET /metrics`, with a key that has the role viewer, answers in Prometheus' text format. Labels are bounded: "
        "`endpoint`, `upstream` and `guard` are configured names, never what a client typed.",
        "",
        "| metric | kind | labels | |",
        "|---|---|---|---|",
    ]
    lines += [_metric(metric) for metric in asyncio.run(_scrape())]
    lines.append("| `sluice_workers` | gauge | | Processes that serve. Only where there are several. |")
    return _page(lines)


async def _scrape() -> list[Metric]:
    telemetry = {"otlp_endpoint": "http://127.0.0.1:9/v1/traces"}
    with TemporaryDirectory() as folder:
        chosen = settings.Settings.model_validate({"data": folder, "upstreams": {}, "telemetry": telemetry})
        async with running(chosen) as services:
            record = CallRecord(id="", started=0, surface="chat", status=200, input_tokens=1, first_us=1)
            services.metrics.observe(record)
            services.metrics.judged([Verdict("", "input", "", "allow", 0.0, 0.5, 0.0)])
            return list(services.metrics.collect())


def _metric(metric: Metric) -> str:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = dict.fromkeys(label for sample in metric.samples for label in sample.labels if label != "le")
    return (
        f"| `{name}` | {metric.type} | {', '.join(f'`{label}`' for label in labels)} | {_cell(metric.documentation)} |"
    )


def _said(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _page(lines: list[str]) -> str:
    return HEAD + "\n".join(lines).rstrip() + "\n"


def _schema(value: Any) -> str:
    """A JSON Schema that editors read."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def scorers() -> str:
    """The second half of `docs/evals-scorers.md`, from the scorers themselves; what stands before it is kept."""
    found = {kind: registry.find(kind) for kind in sorted(registry.BUILT_IN)}
    lines = ["| kind | |", "|---|---|"]
    lines += [f"| [`{kind}`](#{kind}) | {_cell(scorer.about)} |" for kind, scorer in found.items()]
    for kind, scorer in found.items():
        lines += _kind(kind, scorer, {"kind", "name"})
    return _after("evals-scorers.md", lines)


def guards() -> str:
    """The second half of `docs/guardrails-guards.md`, from the guards themselves."""
    lines: list[str] = []
    for kind in sorted(guard_kinds.BUILT_IN):
        guard = guard_kinds.find(kind)
        same = {name for name, one in Guard.model_fields.items() if guard.model_fields[name].default == one.default}
        lines += [*_kind(kind, guard, {*same, "guard"}), f"\nAt {', '.join(f'`{stage}`' for stage in guard.stages)}."]
    return _after("guardrails-guards.md", lines)


def _kind(kind: str, found: Any, common: set[str]) -> list[str]:
    """What a kind of scorer or guard is, and the options that not all have."""
    lines = ["", f"### `{kind}`", "", f"{found.about[:1].upper()}{found.about[1:]}.", ""]
    lines += [" ".join(part.split()) + "\n" for part in (inspect.getdoc(found) or "").split("\n\n")]
    options = {one.alias or name: one for name, one in found.model_fields.items() if name not in common}
    told = " |" if any(one.description for one in options.values()) else ""
    if options:
        lines += [f"| option | type | default |{told}", f"|---|---|---|{'---|' if told else ''}"]
        lines += [
            f"| `{name}` | {_cell(_named(one.annotation))} | {_cell(_default(one))} |"
            + (f" {_cell(one.description or '')} |" if told else "")
            for name, one in options.items()
        ]
    return lines


def _after(page: str, lines: list[str]) -> str:
    """Lines in the place of what was written after what people wrote."""
    written = (DOCS / page).read_text(encoding="utf-8")
    return written.partition(FROM_HERE)[0] + FROM_HERE + "\n".join(lines).strip("\n") + "\n"


PAGES = {
    DOCS / "evals-scorers.md": scorers,
    DOCS / "guardrails-guards.md": guards,
    DOCS / "schemas" / "suite.schema.json": lambda: _schema(schema()),
    DOCS / "schemas" / "evaluation.schema.json": lambda: _schema(evaluations.plan()),
    DOCS / "schemas" / "measurements.schema.json": lambda: _schema(evaluations.measurements()),
    DOCS / "configuration.md": configuration,
    DOCS / "commands.md": commands,
    DOCS / "api.md": api,
    DOCS / "metrics.md": metrics,
}


def main() -> None:
    only_check = "--check" in sys.argv[1:]
    stale = [path for path, write in PAGES.items() if not path.exists() or path.read_text(encoding="utf-8") != write()]
    if only_check and stale:
        names = ", ".join(path.name for path in stale)
        raise SystemExit(f"out of date: {names}; run: python scripts/reference.py")
    for path in stale:
        path.write_text(PAGES[path](), encoding="utf-8")
        print(f"wrote {path.name}")  # noqa: T201


if __name__ == "__main__":
    main()
