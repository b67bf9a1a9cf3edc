"""What a template looks up in its variables, as far as it can be told before it is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from gateway.errors import BadRequest

PATH = nodes.Name | nodes.Getattr | nodes.Getitem
"""What may be looked into: a variable, and what was looked up in one."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """`holder` are the steps to what `key` is looked up in, from a variable on; `key` is None where only a rendering
    can tell."""

    holder: tuple[Any, ...]
    key: Any
    where: str
    line: int

    @classmethod
    def of(cls, node: nodes.Getattr | nodes.Getitem, where: str) -> Lookup | None:
        """None where only a rendering can tell what is looked into."""
        steps: list[Any] = []
        holder = node.node
        while isinstance(holder, nodes.Getattr | nodes.Getitem):
            steps.insert(0, key_of(holder))
            holder = holder.node
        if not isinstance(holder, nodes.Name) or None in steps:
            return None
        return cls((holder.name, *steps), key_of(node), where, node.lineno)

    def refusal(self) -> BadRequest:
        held = ".".join(str(step) for step in self.holder)
        message = f"{self.where}, line {self.line}: {held!r} is not declared as what something can be looked up in."
        return BadRequest(message, param=self.where, code="invalid_template")


def key_of(node: nodes.Getattr | nodes.Getitem) -> Any:
    """What is looked up; None where only a rendering can tell."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) else None
