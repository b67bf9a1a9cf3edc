"""Dotprompt: a front matter of YAML, and a body of Handlebars.

What a body renders to there it renders to here: the line ends beside a role's mark are part of the message.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from evals.strict_yaml import documents
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import handlebars, picoschema, schema
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.dotprompt_body import Body
from gateway.prompts.formats.handlebars import WHITE_SPACE, Mark
from gateway.prompts.formats.handlebars_writer import Item, items_of
from gateway.prompts.formats.parameters import PARAMETERS
from gateway.prompts.formats.source import below, check_size, items, left_out, mapping, named, refusal, text_of
from gateway.types import Json

FRONT = re.compile(r"---[ \t]*\r?\n(?P<front>.*?)(?:(?<=\n)|\r?\n)---[ \t]*(?:\r?\n|\Z)(?P<body>.*)", re.DOTALL)
CONFIG = {
    "maxOutputTokens": "max_completion_tokens",
    "topP": "top_p",
    "stopSequences": "stop",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
"""What Dotprompt's models call otherwise."""
THEIRS = {**{ours: theirs for theirs, ours in CONFIG.items()}, "max_tokens": "maxOutputTokens"}
TAKEN = ("name", "config", "input", "output", "toolDefs")
TOOL = {"name": "name", "description": "description", "inputSchema": "parameters"}
ANSWER = "answer"
"""What the schema of an answer is called here, which has no name there."""
ROLES = {"assistant": "model"}
MARKERS = ("<<<dotprompt:", "\0")
"""Texts that Dotprompt or Handlebars take for their own."""


def read(text: str, name: str) -> list[Portable]:
    check_size(text)
    found = FRONT.fullmatch(text)
    front, body = (_front(found["front"]), found["body"].strip(WHITE_SPACE)) if found is not None else ({}, text)
    called, renamed = named(front["name"], "name") if front.get("name") else (name, [])
    given = mapping(front.get("input") or {}, "input")
    declared = _declared(given)
    read_body = Body(body, _may_be_missing(declared), "body")
    parts, lost = _settings(front)
    draft = {"messages": read_body.messages(), "variables": _variables(declared, given, read_body), **parts}
    lost += [*left_out(given, ("schema", "default"), "input"), *left_out(front, TAKEN)]
    return [Portable(called, PromptDraft.parse(draft, called or "prompt"), losses=(*renamed, *read_body.losses, *lost))]


def _front(text: str) -> Json:
    try:
        found = documents(text)
    except yaml.YAMLError as error:
        raise refusal("front matter", str(error)) from error
    return mapping(found[0], "front matter") if found else {}


# variables -----------------------------------------------------------------------------------------------------------


def _declared(given: Json) -> Json | None:
    """The schema of the input, where there is one. What has a default may be missing."""
    if given.get("schema") is None:
        return None
    at = "input.schema"
    found = picoschema.read(given["schema"], at)
    if found.get("type") != "object":
        raise refusal(at, "the variables are the fields of an object")
    specs = mapping(found.get("properties") or {}, below(at, "properties"))
    properties = {name: mapping(spec, below(at, name)) for name, spec in specs.items()}
    for name, value in _defaults(given).items():
        properties[name] = {**properties.get(name, {}), "default": value}
    required = items(found.get("required") or [], below(at, "required"))
    return {
        **found,
        "properties": properties,
        "required": [name for name in required if "default" not in properties.get(name, {})],
    }


def _defaults(given: Json) -> Json:
    return mapping(given.get("default") or {}, "input.default")


def _may_be_missing(declared: Json | None) -> frozenset[str]:
    if declared is None:
        return frozenset()
    properties = declared["properties"]
    return frozenset(
        name for name, spec in properties.items() if name not in declared["required"] and "default" not in spec
    )


def _variables(declared: Json | None, given: Json, body: Body) -> Json:
    """Those that the schema declares, and those that the body reads besides."""
    found = schema.declared(body.paths.names, body.paths.others, _defaults(given))
    found |= {name: {**found[name], "type": "array"} for name in body.lists}
    if declared is None:
        return found
    added = {name: spec for name, spec in found.items() if name not in declared["properties"]}
    required = [*declared["required"], *added]
    return {**declared, "properties": {**declared["properties"], **added}, "required": required}


# settings ------------------------------------------------------------------------------------------------------------


def _settings(front: Json) -> tuple[Json, list[str]]:
    config = {CONFIG.get(key, key): value for key, value in mapping(front.get("config") or {}, "config").items()}
    parameters = {key: value for key, value in config.items() if key in PARAMETERS and value is not None}
    lost = left_out(config, PARAMETERS, "config")
    tools = []
    for index, one in enumerate(items(front.get("toolDefs") or [], "toolDefs")):
        tool = mapping(one, f"toolDefs[{index}]")
        lost += left_out(tool, TOOL, f"toolDefs[{index}]")
        function = {ours: tool[theirs] for theirs, ours in TOOL.items() if tool.get(theirs) is not None}
        if "parameters" in function:
            function["parameters"] = picoschema.read(function["parameters"], f"toolDefs[{index}].inputSchema")
        tools.append({"type": "function", "function": function})
    output = mapping(front.get("output") or {}, "output")
    lost += left_out(output, ("format", "schema"), "output")
    return {"parameters": parameters, "tools": tools, "response_format": _response_format(output)}, lost


def _response_format(output: Json) -> Any:
    form = text_of(output.get("format") or "json", "output.format")
    if output.get("schema") is not None:
        answer = picoschema.read(output["schema"], "output.schema")
        return {"type": "json_schema", "json_schema": {"name": ANSWER, "schema": answer}}
    if output.get("format") is None or form == "text":
        return None
    if form != "json":
        raise refusal("output.format", f"{form[:80]!r} has no equal here; there are json and text")
    return {"type": "json_object"}


# writing -------------------------------------------------------------------------------------------------------------


def write(prompt: Portable) -> tuple[str, tuple[str, ...]]:
    """Every text as it is, and every tag so that it takes no white space with it."""
    draft, lost = prompt.draft, [f"the alias {alias!r} is left out" for alias in prompt.aliases]
    lost += ["the message of the version is left out"] if prompt.message else []
    properties = schema.properties_of(draft)
    defaults = {name: spec["default"] for name, spec in properties.items() if "default" in spec}
    front = {
        "name": prompt.name,
        "config": {THEIRS.get(name, name): value for name, value in draft.parameters.items()},
        "input": {"schema": draft.variables, **({"default": defaults} if defaults else {})} if properties else {},
        "output": _output(draft.response_format, lost),
        "toolDefs": [made for at, tool in enumerate(draft.tools) if (made := _tool(tool, f"tools[{at}]", lost))],
    }
    written = yaml.safe_dump({key: held for key, held in front.items() if held}, sort_keys=False, allow_unicode=True)
    body = handlebars.write(_body(draft, lost))
    return f"---\n{written}---\n{body}\n", tuple(lost)


def _body(draft: PromptDraft, lost: list[str]) -> list[Item]:
    made: list[Item] = []
    for index, message in enumerate(draft.messages):
        at = f"messages[{index}].content"
        content = _content(message["content"], at)
        if not any(isinstance(item, Mark) or item.strip(WHITE_SPACE) for item in content):
            lost.append(f"{at}: Dotprompt leaves out a message that is blank")
            continue
        made += [Mark(f'role "{ROLES.get(message["role"], message["role"])}"'), *content]
    if made and isinstance(made[-1], str) and made[-1] != made[-1].rstrip(WHITE_SPACE):
        made.append(Mark('role "user"'))  # the end of a file is trimmed, and a blank message left out
    return made


def _content(content: Any, at: str) -> list[Item]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    made: list[Item] = []
    for index, part in enumerate(parts):
        place = at if isinstance(content, str) else f"{at}[{index}]"
        match part:
            case {"type": "text", "text": str(text), **others} if not others and not _text_before(made):
                made += _checked(items_of(text, place), place)
            case {"type": "image_url", "image_url": {"url": str(url), **others}, **more} if not others and not more:
                made.append(Mark(f"media url={_url(items_of(url, place), place)}"))
            case _:
                raise refusal(place, "in Dotprompt a message is texts with images by their URLs between them")
    return made


def _text_before(made: list[Item]) -> bool:
    """Two texts in a row would be one."""
    return bool(made) and not (isinstance(made[-1], Mark) and made[-1].inside.startswith("media "))


def _checked(found: list[Item], at: str) -> list[Item]:
    for marker in MARKERS:
        if any(isinstance(item, str) and marker in item for item in found):
            raise refusal(at, f"a text with {marker!r} in it would be taken for a mark of Dotprompt's own")
    return found


def _url(found: list[Item], at: str) -> str:
    match found:
        case [Mark(inside)] if " " not in inside:
            return inside
        case [str(text)] if not re.search(r"[\"\\\s]|\}\}|>>>", text):
            return f'"{text}"'
    raise refusal(at, "the URL of an image is one text or one variable in Dotprompt")


def _output(response_format: Json | None, lost: list[str]) -> Json:
    match response_format:
        case None | {"type": "text"}:
            return {}
        case {"type": "json_object"}:
            return {"format": "json"}
        case {"type": "json_schema", "json_schema": {"schema": dict(answer), **others}}:
            named_otherwise = others.pop("name", ANSWER) != ANSWER
            lost += ["response_format.json_schema.name is left out"] if named_otherwise else []
            lost += left_out(mapping(others, ""), (), "response_format.json_schema")
            return {"format": "json", "schema": answer}
    lost.append("response_format is left out")
    return {}


def _tool(tool: Json, at: str, lost: list[str]) -> Json:
    match tool:
        case {"type": "function", "function": {"name": str(name), **others}}:
            lost += left_out(mapping(others, ""), TOOL.values(), f"{at}.function")
            ours = {"name": name, **others}
            return {theirs: ours[key] for theirs, key in TOOL.items() if key in ours}
    lost.append(f"{at}: a tool of type {tool['type'][:80]!r} is left out")
    return {}
