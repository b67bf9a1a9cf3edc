"""Our own YAML: whatever a prompt says is read back, the text is the same for the same prompt, and people read it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from evals.strict_yaml import documents
from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import yaml
from gateway.prompts.formats.base import Portable
from tests.prompts.formats.exchanging import draft, portable

ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.text(ANY, max_size=12) | st.text("ab :#-'\"\\\n\r\t\x85\u2028\u202e\ufeff{}%|>~é", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SCHEMAS = st.dictionaries(TEXTS, st.sampled_from(["string", {"type": "integer", "default": 3}, {"enum": ["y", 1]}]))
DRAFTS = st.builds(
    lambda contents, variables, parameters, schema: PromptDraft.parse(
        {
            "messages": [{"role": "user", "content": content} for content in contents],
            "variables": variables,
            "parameters": parameters,
            "response_format": {"type": "json_schema", "schema": schema},
        }
    ),
    st.lists(TEXTS | st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS)), min_size=1, max_size=3),
    SCHEMAS.filter(lambda variables: variables.get("type") != "object" or not isinstance(variables["type"], str)),
    st.dictionaries(st.sampled_from(["temperature", "top_p"]), st.sampled_from([0, 1, 0.25])),
    VALUES,
)


def text_of(prompt: PromptDraft) -> str:
    text, lost = yaml.write(Portable("support/greeting", prompt))
    assert lost == ()
    return text


@given(DRAFTS)
def test_what_is_written_is_read_again(prompt: PromptDraft) -> None:
    written = text_of(prompt)
    (read,) = yaml.read(written, "elsewhere")
    assert read == Portable("support/greeting", prompt)
    assert orjson.dumps(read.draft.as_json(), option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        prompt.as_json(), option=orjson.OPT_SORT_KEYS
    )
    assert documents(written) == [pyyaml.safe_load(written)]
    assert yaml.read(written.replace("\n", "\r\n"), "elsewhere") == [read]


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(DRAFTS)
def test_equal_prompts_are_the_same_text(prompt: PromptDraft) -> None:
    assert text_of(PromptDraft.parse(shuffled(prompt.as_json()))) == text_of(prompt)


@given(DRAFTS)
def test_nothing_is_hidden(prompt: PromptDraft) -> None:
    written = text_of(prompt)
    assert written.endswith("\n")
    assert not set(written) & set("\r\x00\x85\u2028\u2029\u202e\ufeff")


@given(st.lists(st.text("ab :#-'\"\\\t{}%|>~é", max_size=200), min_size=2, max_size=5))
def test_each_line_of_a_text_is_a_line_of_the_file(lines: list[str]) -> None:
    head, *written = text_of(draft("\n".join(lines))).partition("    content: ")[2].split("\n")
    assert head.startswith("|")
    assert [line.removeprefix(" " * 6) for line in written[: len(lines)]] == lines


def test_people_read_it() -> None:
    prompt = PromptDraft.parse(
        {
            "messages": [
                {"role": "system", "content": "You support {{ product }}. \n\n  Be {{ tone }}."},
                {"role": "user", "content": [{"text": "{{ name }}: who?\n", "type": "text"}]},
                {"role": "user", "content": '{% include "house-style@2" %}'},
            ],
            "variables": {"product": "string", "name": "string", "tone": {"default": "plain", "type": "string"}},
            "parameters": {"top_p": 1.0, "temperature": 0.2},
            "tools": [{"function": {"parameters": {}, "name": "look_up"}, "type": "function"}],
        }
    )
    assert text_of(prompt) == (
        "name: support/greeting\n"
        "messages:\n"
        "  - role: system\n"
        "    content: |-\n"
        "      You support {{ product }}. \n"
        "\n"
        "        Be {{ tone }}.\n"
        "  - role: user\n"
        "    content:\n"
        "      - type: text\n"
        "        text: |\n"
        "          {{ name }}: who?\n"
        "  - role: user\n"
        "    content: '{% include \"house-style@2\" %}'\n"
        "variables:\n"
        "  product: string\n"
        "  name: string\n"
        "  tone:\n"
        "    type: string\n"
        "    default: plain\n"
        "parameters:\n"
        "  temperature: 0.2\n"
        "  top_p: 1.0\n"
        "tools:\n"
        "  - type: function\n"
        "    function:\n"
        "      name: look_up\n"
        "      parameters: {}\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Hello, Ada: (fine) #1", '"Hello, Ada: (fine) #1"'),
        ("Größe C# a:b", "Größe C# a:b"),
        ("yes", '"yes"'),
        ("12", '"12"'),
        ("", '""'),
        (" a ", '" a "'),
        ("it's so", "it's so"),
        ('"it\'s" \\', "'\"it''s\" \\'"),
        ("a\tb", '"a\\tb"'),
        ("a\r\nb", '"a\\r\\nb"'),
        ("a\u2028b\u202e", '"a\\u2028b\\u202e"'),
        ("x" * 5000, "x" * 5000),
        ("\n", "|2+\n\n"),
        ("  a\n", "|2\n        a\n"),
        ("a\n\n", "|+\n      a\n\n"),
    ],
)
def test_a_text_is_written_plainly_where_it_can_be(text: str, written: str) -> None:
    whole = text_of(draft(text))
    assert whole.partition("content: ")[2].removesuffix("\n") == written.removesuffix("\n")
    assert yaml.read(whole, "a")[0].draft == draft(text)


def test_a_key_may_be_long() -> None:
    prompt = draft("a", variables={"x" * 2000: "string", "y": "string"})
    assert yaml.read(text_of(prompt), "a")[0].draft == prompt


def test_a_schema_that_says_more_is_written_whole() -> None:
    open_to_all = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    for schema in (open_to_all, {"type": "object", "properties": {"name": True}}, {"type": "object", "required": [{}]}):
        written = text_of(draft("a", variables=schema))
        assert "variables:\n  type: object\n" in written
        assert yaml.read(written, "a")[0].draft.variables == schema


def test_what_a_file_has_no_place_for_is_told() -> None:
    prompt = Portable("a", draft("b"), message="Why.", aliases=("pmpt_1",))
    assert yaml.write(prompt)[1] == ("the alias 'pmpt_1' is left out", "the message of the version is left out")


def test_a_file_without_a_name_is_called_as_it_is_told() -> None:
    (found,) = yaml.read("messages: [{role: user, content: Hello.}]", "support/x")
    assert found == Portable("support/x", draft("Hello."))
    (found,) = yaml.read("name: Support/X\nmessages: [{role: user, content: Hello.}]", "a")
    assert (found.name, found.losses) == ("support/x", ("'Support/X' is called 'support/x' here",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("messages: [", "The file is not valid YAML: line 1: "),
        ("messages: []\nmessages: []", "The file is not valid YAML: line 2: the key 'messages' is given twice"),
        ("", "A prompt is one mapping"),
        ("- a", "an object belongs here"),
        ("name: 3\nmessages: []", "name: a text belongs here"),
        (
            "messages:\n  - role: user\n    content: a\n  - role: boss\n    content: b\n",
            "line 4: prompt.messages.1: the",
        ),
        ("messages: [{role: user, content: a}]\nnotes: b", "line 2: prompt.notes: "),
    ],
)
def test_what_is_no_prompt_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        yaml.read(text, "a")
    assert caught.value.message.startswith(said)
    assert caught.value.code == "invalid_prompt_file"


def test_a_prompt_of_another_format_stays_the_same_prompt() -> None:
    prompt = portable("Greet {{ name }}.", variables={"name": "string"})
    assert yaml.read(yaml.write(prompt)[0], "b") == [prompt]
