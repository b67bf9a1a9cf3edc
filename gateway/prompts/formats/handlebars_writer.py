"""Our templates as Handlebars, with the helpers that Dotprompt adds."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jinja2 import nodes

from gateway.errors import BadRequest
from gateway.prompts.filters import as_text
from gateway.prompts.formats.handlebars import Mark
from gateway.prompts.formats.source import refusal
from gateway.prompts.syntax import included, parse

RESERVED = frozenset(
    "as blockHelperMissing each else helperMissing history if ifEquals json log lookup media null role section this "
    "undefined unless unlessEquals with".split()
)
"""Names that mean something else to Dotprompt, unless a path leads to them."""
OF_A_LOOP = {"index0": "@index", "first": "@first", "last": "@last"}
COMPARISONS = {"eq": "ifEquals", "ne": "unlessEquals"}

Item = str | Mark


def items_of(template: str, at: str) -> list[Item]:
    """Texts and tags. Raises `BadRequest` naming the line of what has no equal there."""
    writer = _Writer(at)
    writer.body(parse(template, at).body)
    merged: list[Item] = []
    for item in writer.items:
        if isinstance(item, str) and merged and isinstance(merged[-1], str):
            merged[-1] += item
        elif item:
            merged.append(item)
    return merged


class _Writer:
    def __init__(self, at: str) -> None:
        self.items: list[Item] = []
        self._at = at
        self._bound: list[str] = []

    def body(self, statements: Sequence[nodes.Node]) -> None:
        for node in statements:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    self.items.append(self._output(part))
            elif isinstance(node, nodes.If):
                self._if(node)
            elif isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
                self._for(node, node.target.name)
            elif isinstance(node, nodes.Include) and not self._bound and (name := included(node)) is not None:
                self.items.append(Mark(f'>"{name}"'))
            else:
                raise self._refused(node)

    def _output(self, node: nodes.Node) -> Item:
        if isinstance(node, nodes.TemplateData):
            return node.data
        if isinstance(node, nodes.Const):
            return as_text(node.value)
        if isinstance(node, nodes.Filter) and node.node is not None:
            if node.name == "tojson" and not node.args:
                return Mark(f"json {self._path(node.node)}")
            if node.name == "default" and node.args == [nodes.Const("")]:
                return Mark(self._path(node.node))  # what is not given is written as nothing there
        return Mark(self._path(node))

    def _if(self, node: nodes.If) -> None:
        self.items.append(Mark(f"#{self._test(node.test)}"))
        self.body(node.body)
        for other in node.elif_:
            self.items.append(Mark(f"else {self._test(other.test)}"))
            self.body(other.body)
        self._else(node.else_)
        self.items.append(Mark(f"/{self._test(node.test).split()[0]}"))

    def _for(self, node: nodes.For, name: str) -> None:
        over = node.iter
        if isinstance(over, nodes.Filter) and over.name == "default" and over.args == [nodes.List([])]:
            over = over.node or over
        self.items.append(Mark(f"#each {self._path(over)} as |{name}|"))
        self._bound.append(name)
        self.body(node.body)
        self._bound.pop()
        self._else(node.else_)
        self.items.append(Mark("/each"))

    def _else(self, statements: Sequence[nodes.Node]) -> None:
        if statements:
            self.items.append(Mark("else"))
            self.body(statements)

    def _test(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Not):
            return f"unless {self._path(node.node)}"
        if isinstance(node, nodes.Compare) and node.ops[0].op in COMPARISONS:
            return f"{COMPARISONS[node.ops[0].op]} {self._value(node.expr)} {self._value(node.ops[0].expr)}"
        return f"if {self._path(node)}"

    def _value(self, node: nodes.Node) -> str:
        if not isinstance(node, nodes.Const):
            return self._path(node)
        written = json.dumps(node.value, ensure_ascii=False)
        if isinstance(node.value, str) and (written != f'"{node.value}"' or "}}" in written):
            raise self._refused(node)  # there are no escapes in a text of Handlebars
        return written

    def _path(self, node: nodes.Node) -> str:
        steps: list[str] = []
        while not isinstance(node, nodes.Name):
            if isinstance(node, nodes.Getattr):
                step: object = node.attr
            elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
                step = node.arg.value
            else:
                raise self._refused(node)
            if isinstance(node.node, nodes.Name) and node.node.name == "loop" and self._bound:
                return self._of_the_loop(node, step)
            steps.append(self._step(node, step))
            node = node.node
        return ".".join([self._name(node), *reversed(steps)])

    def _of_the_loop(self, node: nodes.Node, step: object) -> str:
        if step not in OF_A_LOOP:
            raise self._refused(node, f"'loop.{step}' has no equal in Handlebars")
        return OF_A_LOOP[str(step)]

    def _step(self, node: nodes.Node, step: object) -> str:
        if isinstance(step, str) and step.isidentifier() and step not in RESERVED:
            return step
        if not isinstance(step, str | int) or isinstance(step, bool) or "]" in str(step):
            raise self._refused(node)
        return f"[{step}]"

    def _name(self, node: nodes.Name) -> str:
        name = f"[{node.name}]" if node.name in RESERVED else node.name
        if node.name in self._bound:
            return name
        if self._bound:
            return f"@root.{name}"
        return f"this.{name}" if node.name in RESERVED else name

    def _refused(self, node: nodes.Node, what: str = "") -> BadRequest:
        named = type(node).__name__.lower()
        return refusal(self._at, f"line {node.lineno}: {what or f'this {named} has no equal in Handlebars'}")
