"""Our templates as Handlebars: what Dotprompt 1.1 renders of them is what is rendered here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import dotprompt, handlebars
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.handlebars_writer import items_of
from gateway.prompts.formats.pieces import Piece, Tag, Variable, template_of
from tests.prompts.formats.exchanging import rendered


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{{ x }} {{ a.b[0]['c d'] }}", "{{x}} {{a.b.[0].[c d]}}"),
        ('{{ "a" }}{{ true }}', "atrue"),
        ('{{ x | default("") }}{{ x | tojson }}', "{{x}}{{json x}}"),
        ("{{ role }} {{ a.if }}", "{{this.[role]}} {{a.[if]}}"),
        ("{% if x %}a{% elif not y %}b{% else %}c{% endif %}", "{{#if x}}a{{else unless y}}b{{else}}c{{/if}}"),
        ("{% if x == 'a' %}{% endif %}", '{{#ifEquals x "a"}}{{/ifEquals}}'),
        ("{% if x != 1.5 %}{% endif %}", "{{#unlessEquals x 1.5}}{{/unlessEquals}}"),
        (
            "{% for i in xs %}{{ loop.index0 }}{{ i.a }}{{ y }}{{ role }}{% else %}{{ y }}{% endfor %}",
            "{{#each xs as |i|}}{{@index}}{{i.a}}{{@root.y}}{{@root.[role]}}{{else}}{{y}}{{/each}}",
        ),
        ("{% for i in xs | default([]) %}{% endfor %}", "{{#each xs as |i|}}{{/each}}"),
        ('a\n{% include "b/c" %}\n', 'a\n{{>"b/c"}}{{!}}\n'),
        ("a\n{% if x %}\nb\n{% endif %}", "a\n{{#if x}}{{!}}\nb\n{{/if}}{{!}}"),
        ('{{ "{{" }} \\{{ x }}}', "\\{{ \\\\{{x}}{{!}}}"),
    ],
)
def test_what_has_an_equal_is_written(template: str, written: str) -> None:
    assert handlebars.write(items_of(template, "here")) == written


@pytest.mark.parametrize(
    "template",
    [
        "{{ x | upper }}",
        "{{ x ~ y }}",
        "{{ a if x else b }}",
        "{% for i in xs %}{{ loop.index }}{% endfor %}",
        '{% for i in xs %}{% include "a" %}{% endfor %}',
        "{% if x and y %}{% endif %}",
        "{% if x > 1 %}{% endif %}",
        "{% if x == '\"' %}{% endif %}",
        "{{ x[y] }}",
        "{{ x['a]'] }}",
        '{{ x | default("none") }}',
    ],
)
def test_what_has_none_is_refused_by_its_line(template: str) -> None:
    with pytest.raises(BadRequest, match=r"here: line 2: .* has no equal in Handlebars"):
        items_of(f"\n{template}", "here")


texts = st.text("{}\\ \n\ta-~!", max_size=5).map(lambda text: [text])
leaves = texts | st.sampled_from([[Variable("x")], [Tag("{{ p.k }}")], [Variable("role")], [Tag("{{ p | tojson }}")]])
VALUES = {"x": "1", "y": "", "xs": ["a", "b"], "nil": [], "p": {"k": "q"}, "role": "R"}


def blocks(inner: st.SearchStrategy[list[Piece]]) -> st.SearchStrategy[list[Piece]]:
    opened = st.sampled_from(["if x", "if not y", "if role", "if x == '1'", "for i in xs", "for x in nil"])

    def made(tag: str, body: list[Piece], otherwise: list[Piece] | None) -> list[Piece]:
        other = [] if otherwise is None else [Tag("{% else %}"), *otherwise]
        return [Tag(f"{{% {tag} %}}"), *body, *other, Tag(f"{{% end{tag.split()[0]} %}}")]

    return st.builds(made, opened, inner, st.none() | inner) | st.builds(lambda a, b: [*a, *b], inner, inner)


@given(st.recursive(leaves, blocks, max_leaves=8))
def test_what_is_written_is_read_as_it_was(pieces: list[Piece]) -> None:
    draft = PromptDraft.parse(
        {
            "messages": [{"role": "user", "content": f"{template_of([*pieces, '.'])}"}],
            "variables": {name: {} for name in VALUES},
        }
    )
    text, losses = dotprompt.write(Portable("a", draft))
    (again,) = dotprompt.read(text, "a")
    assert rendered(again.draft, VALUES) == rendered(draft, VALUES)
    assert (again.draft.variables, losses) == (draft.variables, ())
