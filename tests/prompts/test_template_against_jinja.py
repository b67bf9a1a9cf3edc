"""What compiles here means what it means in Jinja2: random templates, rendered by both.

Jinja2 is told two things that are ours by design: values are written as in JSON, and what is missing may only be asked
whether it is there.
"""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Undefined, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from gateway.errors import BadRequest
from gateway.prompts.template import Template

LETTERS = st.text("abzé ", max_size=4)
NUMBERS = st.integers(-3, 3)
VARIABLES = st.fixed_dictionaries(
    {
        "word": LETTERS,
        "name": st.text("ab{}%#é\n", max_size=6),
        "number": NUMBERS,
        "big": st.integers(-(2**53), 2**53),
        "flag": st.booleans(),
        "words": st.lists(LETTERS, max_size=3),
        "numbers": st.lists(NUMBERS, max_size=3),
        "order": st.fixed_dictionaries({"title": LETTERS, "count": NUMBERS, "tags": st.lists(LETTERS, max_size=2)}),
        "rows": st.lists(st.fixed_dictionaries({"cell": LETTERS}), max_size=3),
    }
)
TEXT_FILTERS = ("upper", "lower", "trim", "capitalize", 'replace("a", "é")', "default('none')")
ENDS = ("first | default('')", "last | default('')")
"""The ends of nothing are nothing here, and undefined there."""


class Absent(Undefined):
    """Like Jinja2's `StrictUndefined`, and false."""

    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __hash__ = __contains__ = Undefined._fail_with_undefined_error

    def __bool__(self) -> bool:
        return False


def written(value: Any) -> str:
    if isinstance(value, Undefined):
        raise UndefinedError("missing")
    if isinstance(value, list | dict):
        raise TypeError("not a value to be written")
    return value if isinstance(value, str) else orjson.dumps(value).decode()


JINJA = SandboxedEnvironment(undefined=Absent, finalize=written, keep_trailing_newline=True)


# A grammar -----------------------------------------------------------------------------------------------------------


THERE = st.sampled_from(["word", "name", "order.title", "'b'"])
"""Jinja2 lets what is missing into a list, and looks for it in one; here both are refused."""


def texts(depth: int) -> st.SearchStrategy[str]:
    simple = st.sampled_from(["word", "name", "order.title", 'order["title"]', "words[0]", "ghost", "'b'"])
    if depth == 0:
        return simple
    inner, truth = texts(depth - 1), truths(depth - 1)
    return st.one_of(
        simple,
        st.builds("({} | {})".format, inner, st.sampled_from(TEXT_FILTERS + ENDS)),
        st.builds("({} ~ {})".format, inner, st.one_of(inner, counts(depth - 1))),
        st.builds("({} if {} else {})".format, inner, truth, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("({} | join({}))".format, lists(), st.sampled_from(["', '", "word", "number ~ ''"])),
    )


def counts(depth: int) -> st.SearchStrategy[str]:
    simple = st.sampled_from(["number", "big", "order.count", "numbers[1]", "2", "0"])
    return simple if depth == 0 else st.one_of(simple, st.builds("({} | length)".format, st.one_of(lists(), texts(0))))


def lists() -> st.SearchStrategy[str]:
    made = st.builds("[{}, {}]".format, THERE, THERE)
    return st.one_of(st.sampled_from(["words", "order.tags", "numbers"]), made)


def truths(depth: int) -> st.SearchStrategy[str]:
    simple = st.one_of(
        st.sampled_from(["flag", "not flag", "ghost", "words", "ghost is defined", "word is defined", "word is none"]),
        st.builds("{} {} {}".format, counts(0), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), counts(0)),
        st.builds("{} {} {}".format, THERE, st.sampled_from(["in", "not in"]), st.one_of(st.just("words"), THERE)),
    )
    if depth == 0:
        return simple
    inner = truths(depth - 1)
    return st.one_of(
        simple,
        st.builds("(not {})".format, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
    )


def templates(depth: int) -> st.SearchStrategy[str]:
    output = st.one_of(
        st.builds("{{{{ {} }}}}".format, st.one_of(texts(2), counts(1), st.sampled_from(["flag", "words"]))),
        st.builds("{{{{- {} -}}}}".format, texts(0)),
    )
    simple = st.one_of(
        output, st.text("ab é\n%}", max_size=5), st.just("{# note #}"), st.just("{% raw %}{{ x }}{% endraw %}")
    )
    if depth == 0:
        return simple
    body = st.lists(templates(depth - 1), max_size=3).map("".join)
    in_loop = st.sampled_from(
        ["{{ item }}", "{{ loop.index }}/{{ loop.length }}", "{{ loop.first or loop.last }}", ","]
    )
    return st.one_of(
        simple,
        st.builds("{{% if {} %}}{}{{% elif {} %}}{}{{% endif %}}".format, truths(2), body, truths(1), body),
        st.builds("{{% if {} %}}{}{{% else -%}} {}{{% endif %}}".format, truths(2), body, body),
        st.builds(
            "{{% for item in {} %}}{}{}{{% else %}}{}{{% endfor %}}".format,
            st.one_of(lists(), st.just("order")),
            in_loop,
            body,
            body,
        ),
        st.builds("{{% for row in rows %}}{{{{ row.cell }}}}{}{{% endfor %}}".format, body),
    )


@given(st.lists(templates(2), max_size=4).map("".join), VARIABLES)
@example("{% for item in words %}{{ item }}{% endfor %}{{ item }}", {"words": ["a"]})
@example("{% for word in words %}{{ word }}{% endfor %}{{ word }}", {"words": ["a"], "word": "b"})
@example("{{ ghost or word }}{{ ghost and word }}", {"word": "b"})
def test_both_write_the_same_or_both_refuse(source: str, variables: dict[str, Any]) -> None:
    try:
        ours: str | None = Template.compile(source, "t").render(variables)
    except BadRequest:
        ours = None
    try:
        theirs: str | None = JINJA.from_string(source).render(variables)
    except (UndefinedError, TypeError):
        theirs = None
    assert ours == theirs, source
