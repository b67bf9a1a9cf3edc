"""Templates: a small, safe part of Jinja2's language.

Jinja2's own parser reads the source; what it finds is compiled to closures by us, and only what is listed here
compiles. There is no attribute access, no call and no import to be abused, because no code for them exists: a dot is a
look-up in a mapping or a list that a variable holds. That is text to be put in, never a template to be read again.

    {{ name }}  {{ order.id }}  {{ items[0] }}  {{ name | upper }}  {{ "a" ~ b }}  {{ a if b else c }}
    {% if x and not y %} … {% elif z == 1 %} … {% else %} … {% endif %}
    {% for item in items %} {{ loop.index }}: {{ item }} {% else %} none {% endfor %}
    {% include "house-style" %}

A value in `{{ }}` is a string, a number or a boolean (written as in JSON); a list or a mapping needs `| tojson` or
`| join`. The characters written and the steps taken are bounded. What is included was compiled before, and reads the
same variables.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jinja2 import nodes

from gateway.errors import BadRequest
from gateway.prompts.filters import FILTERS, Missing, as_text, check_length
from gateway.prompts.lookups import PATH, Lookup, key_of
from gateway.prompts.page import Page
from gateway.prompts.syntax import MAX_DEPTH, included, parse, too_deep

Scope = Mapping[str, Any]
Expression = Callable[[Scope, Page], Any]
Writer = Callable[[Scope, Page], None]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda a, b: a in b,
    "notin": lambda a, b: a not in b,
}
AT_A_GLANCE = frozenset(("default", "first", "last", "length"))
"""Filters that take no longer for a longer value."""
TESTS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: not isinstance(value, Missing),
    "undefined": lambda value: isinstance(value, Missing),
    "none": lambda value: value is None,
}


NO_PARTIALS: Mapping[str, Template] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. `names` are the variables it reads, `lookups` what it looks up in them, `depth` the levels
    it is nested."""

    names: frozenset[str]
    lookups: frozenset[Lookup]
    depth: int
    _write: Writer

    @classmethod
    def compile(cls, source: str, where: str, partials: Mapping[str, Template] = NO_PARTIALS) -> Template:
        """`partials` are what it may include, by name. Raises `BadRequest` naming `where` (it becomes `param`), the
        line, and what is not allowed there."""
        tree = parse(source, where)
        compiler = _Compiler(where, partials)
        write = compiler.body(tree.body)
        return cls(frozenset(compiler.names), frozenset(compiler.lookups), compiler.deepest, write)

    def write(self, variables: Scope, page: Page) -> None:
        """As a part of another template."""
        self._write(variables, page)

    def render(self, variables: Scope, page: Page | None = None) -> str:
        """On `page` where others were rendered before it, within the same bounds. Raises `BadRequest` naming the
        variable that is missing or cannot be written."""
        page = page if page is not None else Page()
        try:
            self._write(variables, page)
        except (TypeError, ValueError, OverflowError) as error:
            message = f"The prompt cannot be rendered with these variables: {error}."
            raise BadRequest(message, param="prompt.variables", code="invalid_value") from error
        return page.taken()


class _Compiler:
    """Jinja2's syntax tree to closures. A node without a method here is not part of the language."""

    def __init__(self, where: str, partials: Mapping[str, Template]) -> None:
        self._where = where
        self._partials = partials
        self._bound: list[str] = []
        self._depth = 0
        self.deepest = 0
        self.names: set[str] = set()
        self.lookups: set[Lookup] = set()

    # statements ------------------------------------------------------------------------------------------------------

    def body(self, statements: Sequence[nodes.Node]) -> Writer:
        writers = tuple(self._statement(statement) for statement in statements)
        if len(writers) == 1:
            return writers[0]

        def write(scope: Scope, page: Page) -> None:
            for writer in writers:
                writer(scope, page)

        return write

    def _statement(self, node: nodes.Node) -> Writer:
        with self._deeper():
            return self._writer(node)

    @contextmanager
    def _deeper(self, levels: int = 1) -> Iterator[None]:
        """Levels of nesting, in the template and later on the stack of whoever renders it."""
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise too_deep(self._where)
        self.deepest = max(self.deepest, self._depth)
        yield
        self._depth -= levels

    def _writer(self, node: nodes.Node) -> Writer:
        if isinstance(node, nodes.Output):
            return self.body_of(node)
        if isinstance(node, nodes.If):
            return self._if(node)
        if isinstance(node, nodes.For):
            return self._for(node)
        if isinstance(node, nodes.Include):
            return self._include(node)
        raise self._refusal(node)

    def body_of(self, node: nodes.Output) -> Writer:
        writers = tuple(self._output(part) for part in node.nodes)

        def write(scope: Scope, page: Page) -> None:
            for writer in writers:
                writer(scope, page)

        return writers[0] if len(writers) == 1 else write

    def _output(self, node: nodes.Node) -> Writer:
        if isinstance(node, nodes.TemplateData):
            text = node.data
            return lambda scope, page: page.write(text)
        value = self.expression(node)

        def write(scope: Scope, page: Page) -> None:
            found = value(scope, page)
            page.write(found if type(found) is str else as_text(found))

        return write

    def _if(self, node: nodes.If) -> Writer:
        branches = [(self.expression(node.test), self.body(node.body))]
        branches += [(self.expression(other.test), self.body(other.body)) for other in node.elif_]
        otherwise = self.body(node.else_) if node.else_ else None

        def write(scope: Scope, page: Page) -> None:
            for test, body in branches:
                if _truth(test(scope, page)):
                    body(scope, page)
                    return
            if otherwise is not None:
                otherwise(scope, page)

        return write

    def _for(self, node: nodes.For) -> Writer:
        if not isinstance(node.target, nodes.Name) or node.test is not None or node.recursive:
            raise self._refusal(node)
        name = node.target.name
        over = self.expression(node.iter)
        self._bound += [name, "loop"]
        body = self.body(node.body)
        del self._bound[-2:]
        otherwise = self.body(node.else_) if node.else_ else None

        def write(scope: Scope, page: Page) -> None:
            items = _items(over(scope, page))
            page.step(len(scope) // 64)  # it is copied
            for inner in _scopes(scope, name, items):
                page.step()
                body(inner, page)
            if not items and otherwise is not None:
                otherwise(scope, page)

        return write

    def _include(self, node: nodes.Include) -> Writer:
        name = included(node)
        if name is None:
            raise self._refusal(node, 'what is included is named in place, as {% include "house-style" %}')
        partial = self._partials.get(name)
        if partial is None:
            raise self._refusal(node, f"there is no prompt {name!r} to include")
        self.names |= partial.names - set(self._bound)
        self.lookups |= {lookup for lookup in partial.lookups if lookup.holder[0] not in self._bound}
        with self._deeper(partial.depth):
            pass

        def write(scope: Scope, page: Page) -> None:
            page.step()
            partial.write(scope, page)

        return write

    # expressions -----------------------------------------------------------------------------------------------------

    def expression(self, node: nodes.Node) -> Expression:
        with self._deeper():
            return self._value(node)

    def _value(self, node: nodes.Node) -> Expression:
        if isinstance(node, nodes.Const):
            constant = node.value
            return lambda scope, page: constant
        if isinstance(node, nodes.Name):
            return self._name(node)
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            return self._lookup(node)
        if isinstance(node, nodes.Filter):
            return self._filter(node)
        if isinstance(node, nodes.List | nodes.Tuple):
            items = [self.expression(item) for item in node.items]
            return lambda scope, page: [_given(item(scope, page)) for item in items]
        return self._logic(node)

    def _logic(self, node: nodes.Node) -> Expression:
        if isinstance(node, nodes.Not):
            value = self.expression(node.node)
            return lambda scope, page: not _truth(value(scope, page))
        if isinstance(node, nodes.And | nodes.Or):
            left, right = self.expression(node.left), self.expression(node.right)
            if isinstance(node, nodes.And):
                return lambda scope, page: right(scope, page) if _truth(left(scope, page)) else left(scope, page)
            return lambda scope, page: left(scope, page) if _truth(left(scope, page)) else right(scope, page)
        if isinstance(node, nodes.Compare) and len(node.ops) == 1 and node.ops[0].op in COMPARISONS:
            compare, first = COMPARISONS[node.ops[0].op], self.expression(node.expr)
            second = self.expression(node.ops[0].expr)
            return _comparison(compare, first, second)
        if isinstance(node, nodes.CondExpr):
            test, then = self.expression(node.test), self.expression(node.expr1)
            otherwise = self.expression(node.expr2) if node.expr2 is not None else lambda scope, page: ""
            return lambda scope, page: then(scope, page) if _truth(test(scope, page)) else otherwise(scope, page)
        if isinstance(node, nodes.Concat):
            return _concatenation([self.expression(part) for part in node.nodes])
        if isinstance(node, nodes.Test) and node.name in TESTS and not node.args:
            check, tested = TESTS[node.name], self.expression(node.node)
            return lambda scope, page: check(tested(scope, page))
        raise self._refusal(node)

    def _name(self, node: nodes.Name) -> Expression:
        name = node.name
        if name not in self._bound:
            self.names.add(name)
        missing = Missing(name)
        return lambda scope, page: scope.get(name, missing)

    def _lookup(self, node: nodes.Getattr | nodes.Getitem) -> Expression:
        if not isinstance(node.node, PATH):
            raise self._refusal(node, "a field is looked up in a variable, or in a field of one")
        name = key_of(node)
        if isinstance(name, str) and name.startswith("__"):
            raise self._refusal(node, f"{name[:80]!r} is no field of a variable")
        holder = self.expression(node.node)
        key = self.expression(node.arg) if isinstance(node, nodes.Getitem) else lambda scope, page: node.attr
        lookup = Lookup.of(node, self._where)
        if lookup is not None and lookup.holder[0] not in self._bound:
            self.lookups.add(lookup)

        def look(scope: Scope, page: Page) -> Any:
            held, wanted = _given(holder(scope, page)), _given(key(scope, page))
            if isinstance(held, Mapping):
                return held.get(wanted, Missing(str(wanted)))
            if isinstance(held, list) and type(wanted) is int and -len(held) <= wanted < len(held):
                return held[wanted]
            return Missing(str(wanted))

        return look

    def _filter(self, node: nodes.Filter) -> Expression:
        if node.name not in FILTERS or node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            allowed = ", ".join(sorted(FILTERS))
            raise self._refusal(node, f"the filter {node.name!r}; there are {allowed} (arguments by position)")
        apply, value = FILTERS[node.name], self.expression(node.node)
        arguments = [self.expression(argument) for argument in node.args]
        takes_missing, reads_all = node.name == "default", node.name not in AT_A_GLANCE

        def run(scope: Scope, page: Page) -> Any:
            found = value(scope, page)
            given = [_given(argument(scope, page)) for argument in arguments]
            if reads_all:
                page.weigh(found)
            made = apply(found if takes_missing else _given(found), *given)
            if reads_all:
                page.weigh(made)
            return made

        return run

    def _refusal(self, node: nodes.Node, what: str = "") -> BadRequest:
        named = what or f"{type(node).__name__.lower()} is not part of the template language"
        message = f"{self._where}, line {node.lineno}: {named}."
        return BadRequest(message, param=self._where, code="invalid_template")


def _comparison(compare: Callable[[Any, Any], bool], first: Expression, second: Expression) -> Expression:
    """Paid for by its right side: no comparison here works through more than that."""

    def run(scope: Scope, page: Page) -> bool:
        left, right = _given(first(scope, page)), _given(second(scope, page))
        page.weigh(right)
        return compare(left, right)

    return run


def _concatenation(parts: Sequence[Expression]) -> Expression:
    def run(scope: Scope, page: Page) -> str:
        texts = [as_text(part(scope, page)) for part in parts]
        check_length(sum(map(len, texts)))
        made = "".join(texts)
        page.weigh(made)
        return made

    return run


def _given(value: Any) -> Any:
    if isinstance(value, Missing):
        raise value.refusal()
    return value


def _truth(value: Any) -> bool:
    return not isinstance(value, Missing) and bool(value)


def _items(value: Any) -> Sequence[Any]:
    found = _given(value)
    if isinstance(found, Mapping):
        return list(found)
    if not isinstance(found, list):
        raise TypeError("a loop needs a list")
    return found


def _scopes(scope: Scope, name: str, items: Sequence[Any]) -> Iterator[Scope]:
    """The same mapping every time, with the next item in it."""
    last = len(items) - 1
    inner = dict(scope)
    for index, item in enumerate(items):
        inner[name] = item
        inner["loop"] = {
            "index": index + 1,
            "index0": index,
            "first": index == 0,
            "last": index == last,
            "length": last + 1,
        }
        yield inner
