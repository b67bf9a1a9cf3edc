"""LangChain's prompts: what langchain_core writes renders the same here, and what is written here the same there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import (
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
)
from langchain_core.prompts.structured import StructuredPrompt

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import langchain
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.pieces import Piece, Variable
from gateway.types import Json
from tests.prompts.formats.exchanging import VALUES, drafts, pieces, portable, rendered

ROLES = {"system": "system", "human": "user", "ai": "assistant"}


def loaded(text: str) -> Any:
    """By LangChain, told to allow Jinja2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `loads` is in beta
        return loads(text, allowed_objects="core", init_validator=None)


def theirs(prompt: Any, values: Json) -> list[Json]:
    """What LangChain makes of a prompt."""
    given = {name: value for name, value in values.items() if name in prompt.input_variables}
    made = prompt.format_prompt(**given).to_messages()
    return [{"role": ROLES.get(one.type) or one.role, "content": one.content} for one in made]


def read(prompt: Any) -> Portable:
    (found,) = langchain.read(dumps(prompt), "file")
    return found


def same(prompt: Any, **values: Any) -> Portable:
    """Read here, and the same messages here and there."""
    found = read(prompt)
    assert rendered(found.draft, values) == theirs(prompt, values)
    return found


def test_a_chat_prompt_of_everything_renders_the_same() -> None:
    parts = [
        {"type": "text", "text": "Hi {name}"},
        {"type": "image_url", "image_url": {"url": "https://example.com/{name}.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "{sound}", "format": "wav"}},
    ]
    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "Be {tone}, {{not}} {{{{%."),
            HumanMessage("{as} it {{ is }} {%"),
            AIMessage([{"type": "text", "text": "{% raw %}"}]),
            ("human", parts),
            SystemMessage("Now."),
        ]
    )
    found = same(prompt, tone="kind", name="Ada", sound="aaaa")
    assert found.losses == ()
    assert found.draft.variables["required"] == ["name", "sound", "tone"]
    again = langchain.read(langchain.write(found)[0], "file")[0]
    assert again.draft == found.draft


def test_a_prompt_of_one_text_is_a_message_of_the_user() -> None:
    prompt = PromptTemplate.from_template("Greet {name}.", name="Greeting", partial_variables={"name": "Ada"})
    found = same(prompt)
    assert (found.name, found.losses) == ("greeting", ("'Greeting' is called 'greeting' here",))
    assert rendered(found.draft, {"name": "Bob"}) == [{"role": "user", "content": "Greet Bob."}]


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{{ x }} {% if y %}y{% else %}no{% endif %}\n\n", {"x": "1", "y": True}),
        ("{% for item in y %}{{ loop.index }}:{{ item.a }};{% endfor %}\n", {"y": [{"a": "b"}, {"a": "c"}]}),
        ("{{ x | upper }}{# gone #} {{ '{{' }}\n", {"x": "é"}),
        ("plain {{ x }}\n", {"x": "{{ y }}"}),
    ],
)
def test_jinja2_renders_the_same(template: str, values: Json) -> None:
    prompt = ChatPromptTemplate.from_messages([("human", template)], template_format="jinja2")
    found = same(prompt, **values)
    text, _ = langchain.write(found)
    assert theirs(loaded(text), values) == rendered(found.draft, values)


def test_mustache_is_read_where_it_is_variables() -> None:
    template = "{{{a}}} {{& b }} {{c}} } {"
    prompt = ChatPromptTemplate.from_messages([("system", template)], template_format="mustache")
    found = same(prompt, a="<&>", b='"', c="plain")
    assert found.losses == ("messages[0].prompt.template: 'c' is no longer HTML-escaped, as {{c}} was",)


fields = st.lists(st.text("{}%# ab\n", max_size=6) | st.sampled_from([Variable("name"), Variable("x")]), max_size=6)


@given(fields)
def test_every_f_string_renders_the_same(found: list[Piece]) -> None:
    template = "".join(
        f"{{{piece.name}}}" if isinstance(piece, Variable) else str(piece).replace("{", "{{").replace("}", "}}")
        for piece in found
    )
    same(ChatPromptTemplate.from_messages([("human", template)]), **VALUES)


@given(pieces)
def test_every_text_that_is_no_template_stays_itself(found: list[Piece]) -> None:
    text = "".join(piece for piece in found if isinstance(piece, str))
    same(ChatPromptTemplate.from_messages([HumanMessage(text)]))


@given(drafts(("system", "developer", "user", "assistant")))
def test_what_is_written_renders_the_same_there_and_is_read_as_it_was(draft: PromptDraft) -> None:
    text, losses = langchain.write(Portable("a", draft))
    assert losses == ()
    assert theirs(loaded(text), VALUES) == rendered(draft, VALUES)
    (again,) = langchain.read(text, "other")
    assert rendered(again.draft, VALUES) == rendered(draft, VALUES)
    assert again.name == "a"
    assert langchain.read(dumps(loaded(text)), "other")[0].draft == again.draft


def test_few_shots_are_written_out(tmp_path: Path) -> None:
    prompt = FewShotPromptTemplate(
        examples=[{"q": "1+1", "a": "2"}, {"q": "2+2", "a": "4"}],
        example_prompt=PromptTemplate.from_template("Q: {q}\nA: {a}"),
        prefix="Be {tone}.",
        suffix="Q: {question}",
        input_variables=["question", "tone"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the only way to write one, and deprecated
        prompt.save(tmp_path / "few.json")
    (found,) = langchain.read((tmp_path / "few.json").read_text(), "few")
    values = {"question": "3+3", "tone": "brief"}
    assert rendered(found.draft, values) == theirs(prompt, values)


def constructed(kind: str, **kwargs: Any) -> Json:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat", kind], "kwargs": kwargs}


def test_few_shots_in_a_chat_are_messages() -> None:
    examples = [{"q": "{1}", "a": "{{ 2 }}"}]
    shape = ChatPromptTemplate.from_messages([("human", "{q}?"), ("ai", "{a}")])
    shots = constructed(
        "FewShotChatMessagePromptTemplate", examples=examples, example_prompt=orjson.loads(dumps(shape))
    )
    asked = orjson.loads(dumps(ChatPromptTemplate.from_messages([("human", "{question}")])))["kwargs"]["messages"]
    chat = constructed("ChatPromptTemplate", input_variables=["question"], messages=[shots, *asked])
    expected = ChatPromptTemplate.from_messages(
        [FewShotChatMessagePromptTemplate(examples=examples, example_prompt=shape), ("human", "{question}")]
    )
    for file, values in ((chat, {"question": "x"}), (shots, {})):
        (found,) = langchain.read(orjson.dumps(file).decode(), "file")
        assert rendered(found.draft, values) == theirs(expected, {"question": "x"})[: 2 + len(values)]


def test_the_shape_of_an_answer_goes_with_it() -> None:
    answer = {"title": "verdict", "type": "object", "properties": {"good": {"type": "boolean"}}}
    prompt = StructuredPrompt.from_messages_and_schema([("human", "Judge {film}.")], answer)
    found = same(prompt, film="Alien")
    assert found.draft.response_format == {"type": "json_schema", "json_schema": {"name": "verdict", "schema": answer}}
    text, losses = langchain.write(found)
    assert (loaded(text).schema_, losses) == (answer, ())
    assert langchain.read(text, "file")[0].draft == found.draft


def test_a_placeholder_is_told() -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "Hi."), MessagesPlaceholder("history", optional=True)])
    found = read(prompt)
    assert found.draft.variables["properties"] == {}
    assert found.losses == ("messages[1]: the messages of 'history' come with the call, after the prompt's",)


@pytest.mark.parametrize(
    ("prompt", "at"),
    [
        (ChatPromptTemplate.from_messages([ToolMessage("a", tool_call_id="1")]), "messages[0]"),
        (
            ChatPromptTemplate.from_messages([AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1"}])]),
            "messages[0].tool_calls",
        ),
        (ChatPromptTemplate.from_messages([("human", "{x:>10}")]), "messages[0].prompt.template"),
        (ChatPromptTemplate.from_messages([("human", "{x!r}")]), "messages[0].prompt.template"),
        (ChatPromptTemplate.from_messages([("human", "{a b}")]), "messages[0].prompt.template"),
        (
            ChatPromptTemplate.from_messages([("human", "{{#x}}a{{/x}}")], template_format="mustache"),
            "messages[0].prompt.template",
        ),
        (PromptTemplate.from_template("{{ x.y() }}", template_format="jinja2"), "template"),
        (PromptTemplate.from_template("{x}", partial_variables={"x": lambda: "now"}), "partial_variables.x"),
        (PromptTemplate.from_template("{x}") | (lambda made: made), "id"),
        (AIMessage("a"), "id"),
    ],
)
def test_what_cannot_be_ours_is_refused_by_its_place(prompt: Any, at: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(prompt)
    assert refused.value.param == at


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"messages": []}', "not what LangChain writes"),
        ('{"lc": 1, "type": "not_implemented", "id": ["a"]}', "did not write out what this is"),
        ('{"lc": 1, "type": "constructor", "id": [], "kwargs": {}}', "is no prompt"),
        ('{"_type": "prompt", "template": "{"}', "this is no f-string"),
        ('{"_type": "prompt", "template": "a", "template_format": "erb"}', "no format of a template"),
        ('{"_type": "few_shot", "examples": [{"a": 1}], "example_prompt": {"template": ""}}', "a text belongs here"),
    ],
)
def test_what_langchain_did_not_write_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        langchain.read(text, "file")


def test_what_langchain_has_no_place_for_is_told() -> None:
    made = portable(
        "{% if x %}{{ y | tojson }}{% endif %}",
        variables={"x": "boolean", "y": {"type": "array", "default": []}},
        parameters={"seed": 1},
        response_format={"type": "json_object"},
    )
    text, losses = langchain.write(Portable("a", made.draft, message="Why.", aliases=("pmpt_1",)))
    assert losses == (
        "messages[0].content: LangChain loads Jinja2 only with an `init_validator` that allows it",
        "messages[0].content: the filter 'tojson' writes something else in LangChain",
        "variables.x: type 'boolean'",
        "variables.y: type 'array'",
        "response_format is left out",
        "parameters is left out",
        "the alias 'pmpt_1' is left out",
        "the message of the version is left out",
    )
    assert loaded(text).partial_variables == {"y": []}


@pytest.mark.parametrize("content", ['{% include "a" %}', [{"type": "image_url", "image_url": {"url": "{{ x.y }}"}}]])
def test_what_langchain_cannot_say_is_refused_by_its_place(content: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        langchain.write(portable(content, variables={"x": "object"}))
    assert str(refused.value.param).startswith("messages[0].content")
