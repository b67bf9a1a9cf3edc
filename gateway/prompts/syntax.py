"""From a template's source to Jinja2's syntax tree, within bounds, and what is included in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from jinja2 import Environment, TemplateSyntaxError, nodes

from gateway.errors import BadRequest
from gateway.prompts.filters import MAX_CHARACTERS
from gateway.prompts.names import split_reference

MAX_TOKENS = 20_000
"""Of Jinja2's, in one template: what it takes to compile is by them."""
MAX_DEPTH = 100
"""Levels of nesting: blocks in blocks, and operations in one expression."""


def parse(source: str, where: str) -> nodes.Template:
    """Jinja2's syntax tree. Raises `BadRequest` naming `where` (it becomes `param`), and the line."""
    environment = Environment(keep_trailing_newline=True)  # noqa: S701 - Jinja2 parses, it never renders
    try:
        tokens = len(list(islice(environment.lex(source[: MAX_CHARACTERS + 1]), MAX_TOKENS + 1)))
        if len(source) > MAX_CHARACTERS or tokens > MAX_TOKENS:
            message = f"{where}: a template has at most {MAX_CHARACTERS} characters and {MAX_TOKENS} words and marks."
            raise BadRequest(message, param=where, code="invalid_template")
        return environment.parse(source)
    except TemplateSyntaxError as error:
        message = f"{where}, line {error.lineno}: {error.message}"
        raise BadRequest(message, param=where, code="invalid_template") from error
    except ValueError as error:
        raise BadRequest(
            f"{where}: a number in the template is too long.", param=where, code="invalid_template"
        ) from error
    except RecursionError as error:
        raise too_deep(where) from error


def includes(tree: nodes.Template) -> Iterator[nodes.Include]:
    """Every `include`, however deep in the tree."""
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Include):
            yield node
        waiting += node.iter_child_nodes()


def included(node: nodes.Include) -> str | None:
    """The name of the prompt that an `include` names, without the version it is pinned to; None where none is named."""
    named = node.template.value if isinstance(node.template, nodes.Const) else None
    reference = split_reference(named) if isinstance(named, str) else None
    return reference[0] if reference is not None and node.with_context and not node.ignore_missing else None


def too_deep(where: str) -> BadRequest:
    message = f"{where}: the template is nested too deeply; {MAX_DEPTH} levels are allowed."
    return BadRequest(message, param=where, code="invalid_template")
