"""A group of commands whose modules are imported when they are asked for: help and small commands wait for none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Later(NamedTuple):
    """Where a command is, as `module:attribute`: a function, or a `typer.Typer`; and what is said of it in a line. The
    end of a function's help is the `EPILOG` of its module, where that has one."""

    target: str
    said: str


class _Commands(Mapping[str, Any]):
    """As typer makes them, each when it is first asked for."""

    def __init__(self, later: Mapping[str, Later]) -> None:
        self._later = later
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name, self._later[name].target)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._later)

    def __len__(self) -> int:
        return len(self._later)


class LaterGroup(TyperGroup):
    """Subclasses say which commands there are, in the order in which they are listed."""

    later: Mapping[str, Later]

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Commands(self.later)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.later)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.said) for name, one in self.later.items()])


def _made(name: str, target: str) -> Any:
    """As a command of a group that has only this one."""
    place, _, attribute = target.partition(":")
    module = import_module(place)
    found, group = getattr(module, attribute), typer.Typer(rich_markup_mode=None)
    group.callback()(_nothing)
    if isinstance(found, typer.Typer):
        group.add_typer(found, name=name)
    else:
        group.command(name, epilog=getattr(module, "EPILOG", None))(found)
    return typer.main.get_group(group).commands[name]


def _nothing() -> None: ...
