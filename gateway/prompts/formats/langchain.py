"""LangChain's prompts, as `dumps` of langchain_core writes them and `loads` reads them.

Read are chat prompts, structured prompts, prompts of one text (which becomes a message of the user), and few-shot
prompts, whose examples are written out. Written is a chat prompt. LangChain itself has no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway.prompts.draft import ROLES, PromptDraft
from gateway.prompts.formats import langchain_templates as templates
from gateway.prompts.formats import schema
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.pieces import each_text, escaped
from gateway.prompts.formats.source import (
    below,
    items,
    left_out,
    mapping,
    named,
    parse_json,
    refusal,
    text_of,
    write_json,
)
from gateway.prompts.template import Template
from gateway.types import Json

NAMED_ROLES = {"human": "user", "ai": "assistant"}
TEMPLATES = {
    "SystemMessagePromptTemplate": "system",
    "HumanMessagePromptTemplate": "user",
    "AIMessagePromptTemplate": "assistant",
}
KINDS = {role: kind for kind, role in TEMPLATES.items()}
MESSAGES = {"SystemMessage": "system", "HumanMessage": "user", "AIMessage": "assistant"}
BOOKKEEPING = ("input_variables", "optional_variables", "validate_template", "name", "_type")
CHAT = (*BOOKKEEPING, "messages", "partial_variables")
ONE_TEXT = (*BOOKKEEPING, "template", "template_format", "partial_variables")
EXAMPLES = ("examples", "example_prompt")
FEW_SHOT = (*BOOKKEEPING, *EXAMPLES, "prefix", "suffix", "example_separator", "template_format", "partial_variables")
LITERAL = ("content", "type", "role", "id", "example")
SCHEMA = ("schema_", "schema")

Node = tuple[str, Json]
"""An object: the name of its class, and what it is constructed from."""


def read(text: str, name: str) -> list[Portable]:
    found = parse_json(text)
    kind, held = _node(found, "")
    called, renamed = named(held["name"], "name") if held.get("name") else (name, [])
    reader = _Reader()
    draft = PromptDraft.parse(reader.draft(kind, held), called or "prompt")
    return [Portable(called, draft, losses=(*renamed, *reader.losses))]


def _node(value: Any, at: str, default: str = "") -> Node:
    found = mapping(value, at)
    if found.get("type") == "constructor" and "lc" in found:
        names = items(found.get("id"), below(at, "id"))
        return str(names[-1]) if names else "", mapping(found.get("kwargs", {}), below(at, "kwargs"))
    if "lc" in found:
        raise refusal(at, f"LangChain did not write out what this is, only {str(found.get('type'))[:80]!r}")
    kinds = {"prompt": "PromptTemplate", "few_shot": "FewShotPromptTemplate"}
    kind = kinds.get(str(found.get("_type", "")), default)
    if not kind:
        raise refusal(at, "this is not what LangChain writes of a prompt")
    return kind, found


class _Reader:
    """Of one prompt: variables and losses come together as its templates are read."""

    def __init__(self) -> None:
        self.losses: list[str] = []
        self._texts: set[str] = set()
        self._others: set[str] = set()
        self._defaults: Json = {}
        self._placeholders: set[str] = set()

    def draft(self, kind: str, held: Json) -> Json:
        made: Json = {}
        if kind in ("ChatPromptTemplate", "StructuredPrompt"):
            made["messages"] = self._messages(held.get("messages"), "messages")
            given = {name: at for name, at in _partials(held, "").items() if name not in self._placeholders}
            self._default(given, "")
            answer = SCHEMA if kind == "StructuredPrompt" else ()
            self.losses += left_out(held, (*CHAT, *answer))
            made |= _structured(held) if answer else {}
        elif kind == "PromptTemplate":
            made["messages"] = [{"role": "user", "content": self._prompt(kind, held, "")}]
        elif kind == "FewShotPromptTemplate":
            made["messages"] = [{"role": "user", "content": self._few_shot(held, "")}]
        elif kind == "FewShotChatMessagePromptTemplate":
            made["messages"] = list(self._examples_in_chat(held, ""))
        else:
            raise refusal("id", f"a {kind[:80]!r} is no prompt: write the prompt alone")
        return {**made, "variables": schema.declared(self._texts, self._others, self._defaults)}

    # messages --------------------------------------------------------------------------------------------------------

    def _messages(self, given: Any, at: str) -> list[Json]:
        made: list[Json] = []
        for index, one in enumerate(items(given, at)):
            kind, held = _node(one, f"{at}[{index}]")
            made += self._message(kind, held, f"{at}[{index}]")
        return made

    def _message(self, kind: str, held: Json, at: str) -> list[Json]:
        if kind in TEMPLATES or kind == "ChatMessagePromptTemplate":
            self.losses += left_out(held, ("prompt", "role"), at)
            content = self._content(held.get("prompt"), below(at, "prompt"))
            return [{"role": TEMPLATES.get(kind) or _role(held, at), "content": content}]
        if kind in MESSAGES or kind == "ChatMessage":
            if held.get("tool_calls"):
                raise refusal(below(at, "tool_calls"), "a message that calls tools cannot be part of a prompt here")
            self.losses += left_out(held, LITERAL, at)
            content = each_text(held.get("content"), below(at, "content"), lambda text, _: escaped(text))
            return [{"role": MESSAGES.get(kind) or _role(held, at), "content": content}]
        if kind == "MessagesPlaceholder":
            name = str(held.get("variable_name"))
            self._placeholders.add(name)
            self.losses.append(f"{at}: the messages of {name!r} come with the call, after the prompt's")
            return []
        if kind == "FewShotChatMessagePromptTemplate":
            return list(self._examples_in_chat(held, at))
        raise refusal(at, f"a {kind[:80]!r} cannot be part of a prompt here")

    def _content(self, prompt: Any, at: str) -> Any:
        if isinstance(prompt, list):
            return [self._part(*_node(part, f"{at}[{i}]"), f"{at}[{i}]") for i, part in enumerate(prompt)]
        return self._prompt(*_node(prompt, at, "PromptTemplate"), at)

    def _part(self, kind: str, held: Json, at: str) -> Json:
        if kind == "PromptTemplate":
            return {"type": "text", "text": self._prompt(kind, held, at)}
        if kind not in ("ImagePromptTemplate", "DictPromptTemplate"):
            raise refusal(at, f"a {kind[:80]!r} cannot be part of a message here")
        self.losses += left_out(held, ONE_TEXT, at)
        self._default(_partials(held, at), at)
        form = str(held.get("template_format", "f-string"))
        part = each_text(
            mapping(held.get("template"), below(at, "template")),
            below(at, "template"),
            lambda text, place: self._template(text, form, place),
        )
        return part if kind == "DictPromptTemplate" else {"type": "image_url", "image_url": part}

    # texts -----------------------------------------------------------------------------------------------------------

    def _prompt(self, kind: str, held: Json, at: str) -> str:
        if kind != "PromptTemplate":
            raise refusal(at, f"a {kind[:80]!r} is no text of a message")
        self.losses += left_out(held, ONE_TEXT, at)
        self._default(_partials(held, at), at)
        text = text_of(held.get("template"), below(at, "template"))
        return self._template(text, str(held.get("template_format", "f-string")), below(at, "template"))

    def _template(self, text: str, form: str, at: str) -> str:
        made = templates.read(text, form, at)
        self._texts |= made.texts
        self._others |= made.others
        self.losses += made.losses
        return made.template

    def _few_shot(self, held: Json, at: str) -> str:
        """LangChain reads examples as a part of the template once more, after they were written out."""
        self.losses += left_out(held, FEW_SHOT, at)
        self._default(_partials(held, at), at)
        kind, prompt = _node(held.get("example_prompt"), below(at, "example_prompt"), "PromptTemplate")
        template = _Reader()._prompt(kind, prompt, at)
        written = [Template.compile(template, place).render(one) for one, place in _examples(held, at)]
        parts = [str(held.get("prefix") or ""), *written, str(held.get("suffix") or "")]
        text = str(held.get("example_separator", "\n\n")).join(part for part in parts if part)
        return self._template(text, str(held.get("template_format", "f-string")), below(at, "suffix"))

    def _examples_in_chat(self, held: Json, at: str) -> Iterator[Json]:
        """Here they are what they were written out as."""
        self.losses += left_out(held, (*BOOKKEEPING, *EXAMPLES), at)
        below_it = below(at, "example_prompt")
        kind, prompt = _node(held.get("example_prompt"), below_it)
        if kind == "ChatPromptTemplate":
            messages = _Reader()._messages(prompt.get("messages"), below(below_it, "messages"))
        else:
            messages = _Reader()._message(kind, prompt, below_it)
        for one, place in _examples(held, at):
            for message in messages:
                content = each_text(message["content"], place, partial(_written_out, one))
                yield {"role": message["role"], "content": content}

    def _default(self, given: Json, at: str) -> None:
        for name, value in given.items():
            if self._defaults.setdefault(name, value) != value:
                raise refusal(below(at, "partial_variables"), f"{name[:80]!r} has another value elsewhere")


def _role(held: Json, at: str) -> str:
    role = NAMED_ROLES.get(str(held.get("role")), held.get("role"))
    if role not in ROLES:
        raise refusal(below(at, "role"), f"the role is one of {', '.join(ROLES)}")
    return str(role)


def _partials(held: Json, at: str) -> Json:
    found = mapping(held.get("partial_variables") or {}, below(at, "partial_variables"))
    for name, value in found.items():
        if isinstance(value, dict) and "lc" in value:
            raise refusal(below(at, f"partial_variables.{name}"), "it is computed by code, which is not written here")
    return found


def _examples(held: Json, at: str) -> Iterator[tuple[Json, str]]:
    at = below(at, "examples")
    for index, one in enumerate(items(held.get("examples"), at)):
        for name, value in mapping(one, f"{at}[{index}]").items():
            text_of(value, f"{at}[{index}].{name}")
        yield one, f"{at}[{index}]"


def _written_out(example: Json, template: str, at: str) -> str:
    return escaped(Template.compile(template, at).render(example))


def _structured(held: Json) -> Json:
    answer = mapping(held.get("schema_") or held.get("schema"), "schema_")
    name = re.sub(r"[^\w-]", "_", str(answer.get("title") or "answer"), flags=re.ASCII)[:64]
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": answer}}}


def write(prompt: Portable) -> tuple[str, tuple[str, ...]]:
    """A `StructuredPrompt` where the response has a schema, else a `ChatPromptTemplate`."""
    draft, writer = prompt.draft, _Writer()
    properties = schema.properties_of(draft)
    defaults = {name: spec["default"] for name, spec in sorted(properties.items()) if "default" in spec}
    kwargs: Json = {
        "name": prompt.name,
        "input_variables": sorted(properties.keys() - defaults.keys()),
        "partial_variables": defaults,
        "messages": [writer.message(message, f"messages[{at}]") for at, message in enumerate(draft.messages)],
    }
    match draft.response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict(answer), "name": str(title), **others}, **more} if (
            answer and not others and not more and answer.get("title", title) == title
        ):
            made = _constructor("StructuredPrompt", {**kwargs, "schema_": {**answer, "title": title}})
            lost = []
        case answer:
            made = _constructor("ChatPromptTemplate", kwargs)
            lost = ["response_format is left out"] if answer else []
    lost += [f"{part} is left out" for part in ("parameters", "tools") if getattr(draft, part)]
    lost += [f"the alias {alias!r} is left out" for alias in prompt.aliases]
    lost += ["the message of the version is left out"] if prompt.message else []
    carried = frozenset(("default",))
    return write_json(made), (*writer.losses, *schema.lost_variables(draft, carried), *lost)


PLACES = {
    "ChatPromptTemplate": ("langchain", "prompts", "chat"),
    "ChatMessagePromptTemplate": ("langchain", "prompts", "chat"),
    "SystemMessagePromptTemplate": ("langchain", "prompts", "chat"),
    "HumanMessagePromptTemplate": ("langchain", "prompts", "chat"),
    "AIMessagePromptTemplate": ("langchain", "prompts", "chat"),
    "PromptTemplate": ("langchain", "prompts", "prompt"),
    "ImagePromptTemplate": ("langchain", "prompts", "image"),
    "DictPromptTemplate": ("langchain_core", "prompts", "dict"),
    "StructuredPrompt": ("langchain_core", "prompts", "structured"),
}


def _constructor(kind: str, kwargs: Json) -> Json:
    return {"lc": 1, "type": "constructor", "id": [*PLACES[kind], kind], "kwargs": kwargs}


class _Writer:
    def __init__(self) -> None:
        self.losses: list[str] = []

    def message(self, message: Json, at: str) -> Json:
        at, content = below(at, "content"), message["content"]
        prompt = (
            self._text(content, at)
            if isinstance(content, str)
            else [self._part(part, f"{at}[{index}]") for index, part in enumerate(content)]
        )
        kind = KINDS.get(message["role"])
        if kind is not None:
            return _constructor(kind, {"prompt": prompt})
        if isinstance(prompt, list):
            raise refusal(at, f"a message of the role {message['role']!r} is one text in LangChain")
        return _constructor("ChatMessagePromptTemplate", {"prompt": prompt, "role": message["role"]})

    def _text(self, template: str, at: str) -> Json:
        made = self._written(template, at)
        names = sorted(templates.read(made.text, made.form, at).names)
        kwargs = {"input_variables": names, "template": made.text, "template_format": made.form}
        return _constructor("PromptTemplate", kwargs)

    def _written(self, template: str, at: str) -> templates.Written:
        made = templates.write(template, at)
        self.losses += made.losses
        return made

    def _part(self, part: Json, at: str) -> Json:
        match part:
            case {"type": "text", "text": str(text), **others} if not others:
                return self._text(text, below(at, "text"))
            case {"type": "image_url", "image_url": {"url": _, **detail} as image, **others} if (
                not others and detail.keys() <= {"detail"}
            ):
                return self._strings("ImagePromptTemplate", image, below(at, "image_url"))
        return self._strings("DictPromptTemplate", part, at)

    def _strings(self, kind: str, held: Json, at: str) -> Json:
        names: set[str] = set()

        def written(template: str, place: str) -> str:
            made = self._written(template, place)
            if made.form != "f-string":
                raise refusal(place, "only texts and {{ variables }} can stand here in LangChain")
            names.update(templates.read(made.text, made.form, place).texts)
            return made.text

        made = each_text(held, at, written)
        variables = {} if kind == "DictPromptTemplate" else {"input_variables": sorted(names)}
        return _constructor(kind, {**variables, "template": made, "template_format": "f-string"})
