"""The body of a Dotprompt file: Handlebars, with marks for roles and media, read as messages of our templates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import BadRequest
from gateway.prompts.formats import handlebars
from gateway.prompts.formats.handlebars import WHITE_SPACE, Tag
from gateway.prompts.formats.handlebars_paths import Paths
from gateway.prompts.formats.pieces import Piece, include, template_of
from gateway.prompts.formats.pieces import Tag as Ours
from gateway.prompts.formats.source import named, refusal
from gateway.types import Json

ROLES = {"system": "system", "user": "user", "model": "assistant", "assistant": "assistant", "developer": "developer"}
TESTS = {"if": "{}", "unless": "not {}", "ifEquals": "{} == {}", "unlessEquals": "{} != {}"}


@dataclass
class Block:
    """One that is open: `else` ends what it enters."""

    kind: str
    line: int
    entered: bool
    otherwise: bool = False


@dataclass
class Message:
    """Texts in pieces, and what stands between them."""

    role: str
    parts: list[list[Piece] | Json]

    @property
    def blank(self) -> bool:
        return all(isinstance(part, list) and _blank(part) for part in self.parts)

    def as_json(self) -> Json:
        texts = [part for part in self.parts if isinstance(part, list)]
        if len(texts) == len(self.parts):
            return {"role": self.role, "content": template_of(piece for pieces in texts for piece in pieces)}
        parts = [
            {"type": "text", "text": template_of(part)} if isinstance(part, list) else part
            for part in self.parts
            if not (isinstance(part, list) and _blank(part))
        ]
        return {"role": self.role, "content": parts}


def _blank(pieces: list[Piece]) -> bool:
    return all(isinstance(piece, str) and not piece.strip(WHITE_SPACE) for piece in pieces)


class Body:
    """`paths` are told which variables it reads, `lists` are those of them that it goes through. A variable that is
    optional is written as nothing where it is not given."""

    def __init__(self, text: str, optional: frozenset[str], at: str) -> None:
        self.losses: list[str] = []
        self.lists: set[str] = set()
        self.paths = Paths(at)
        self._at = at
        self._optional = optional
        self._taken = set(re.findall(r"\w+", text))
        self._open: list[Block] = []
        self._messages = [Message("user", [[]])]
        for token in handlebars.read(text, at):
            if isinstance(token, str):
                self._put(token)
            else:
                self._tag(token)
        if self._open:
            raise self._refused(self._open[-1].line, f"{{{{#{self._open[-1].kind}}}}} is not closed")

    def messages(self) -> list[Json]:
        """Without blank ones: Dotprompt leaves them out."""
        return [message.as_json() for message in self._messages if not message.blank]

    def _tag(self, tag: Tag) -> None:
        kinds: dict[str, Callable[[Tag], None]] = {
            "!": lambda tag: None,
            "#": self._begin,
            "/": self._end,
            "else": self._else,
            ">": self._include,
            "": self._value,
        }
        if tag.sigil not in kinds or not (tag.words or tag.sigil in ("!", "else")):
            raise self._refused(tag.line, f"a tag that begins with {tag.sigil or '{{'!r} has no equal here")
        kinds[tag.sigil](tag)

    # values ----------------------------------------------------------------------------------------------------------

    def _value(self, tag: Tag) -> None:
        name, *arguments = tag.words
        helpers = {"role": self._role, "history": self._history, "section": self._section, "media": self._media}
        if name in helpers:
            if self._open:
                raise self._refused(tag.line, f"{{{{{name}}}}} stands in a block, and cannot here")
            helpers[name](tag)
        elif name == "json" and len(arguments) == 1:
            self._put(Ours(f"{{{{ {self._looked_into(arguments[0], tag.line)} | tojson }}}}"))
        elif arguments or "=" in name:
            raise self._refused(tag.line, f"the helper {name[:80]!r} has no equal here")
        else:
            shown = self.paths.value(name, tag.line)
            self._put(Ours(f'{{{{ {shown} | default("") }}}}' if shown in self._optional else f"{{{{ {shown} }}}}"))

    def _role(self, tag: Tag) -> None:
        role = ROLES.get(tag.words[1].strip("\"'")) if len(tag.words) == 2 else None
        if role is None:
            raise self._refused(tag.line, f"the role is one of {', '.join(ROLES)}")
        self._message(role)

    def _history(self, tag: Tag) -> None:
        self.losses.append(f"{self._at}, line {tag.line}: the history comes with the call, after the prompt's messages")
        self._message("assistant")

    def _section(self, tag: Tag) -> None:
        section = " ".join(tag.words[1:])
        self.losses.append(f"{self._at}, line {tag.line}: the section {section[:80]}, which code fills, is left out")

    def _media(self, tag: Tag) -> None:
        given = dict(word.partition("=")[::2] for word in tag.words[1:])
        kind = given.pop("contentType", '"image/"')
        url = given.pop("url", None)
        if url is None or given or not kind[1:-1].startswith("image/"):
            raise self._refused(tag.line, "of media, images by url and contentType can be taken")
        shown = self.paths.value(url, tag.line)
        part = {"type": "image_url", "image_url": {"url": template_of([Ours(f"{{{{ {shown} }}}}")])}}
        self._messages[-1].parts += [part, []]

    def _message(self, role: str) -> None:
        if self._messages[-1].blank:
            self._messages.pop()
        self._messages.append(Message(role, [[]]))

    def _include(self, tag: Tag) -> None:
        if len(tag.words) > 1 or not self.paths.at_the_root or tag.indented:
            raise self._refused(tag.line, "a partial with values of its own, in a loop or indented, has no equal here")
        name, renamed = named(tag.words[0].strip("\"'"), f"{self._at}, line {tag.line}")
        self.losses += renamed
        self._put(include(name))

    # blocks ----------------------------------------------------------------------------------------------------------

    def _begin(self, tag: Tag) -> None:
        kind, *arguments = tag.words
        if kind in TESTS:
            self._put(Ours(f"{{% if {self._test(kind, arguments, tag.line)} %}}"))
            self._open.append(Block(kind, tag.line, entered=False))
            return
        if kind not in ("each", "with") or len(arguments) != 1 or len(tag.params) > 1:
            raise self._refused(tag.line, f"the block {kind[:80]!r} has no equal here")
        over = self._looked_into(arguments[0], tag.line)
        if kind == "with":
            self._put(Ours(f"{{% if {over} %}}"))
            self.paths.enter(over, tag.params, over)
        else:
            item = tag.params[0] if tag.params else self._unused()
            if over in self.paths.names:
                self.lists.add(over)
            self._put(Ours(f"{{% for {item} in {over}{' | default([])' if over in self._optional else ''} %}}"))
            self.paths.enter(item, tag.params, item)
        self._open.append(Block(kind, tag.line, entered=True))

    def _test(self, kind: str, arguments: list[str], line: int) -> str:
        if len(arguments) != TESTS[kind].count("{}"):
            raise self._refused(line, f"{kind!r} takes {TESTS[kind].count('{}')} values")
        return TESTS[kind].format(*(self._looked_into(argument, line) for argument in arguments))

    def _looked_into(self, word: str, line: int) -> str:
        found = self.paths.value(word, line)
        self.paths.others |= {found} & self.paths.names
        return found

    def _unused(self) -> str:
        """A name for what a loop is at, which nothing in the body is called."""
        depth = sum(block.kind == "each" for block in self._open)
        item = "item" if not depth else f"item{depth + 1}"
        while item in self._taken:
            item += "_"
        return item

    def _else(self, tag: Tag) -> None:
        block = self._open[-1] if self._open else None
        if block is None or block.otherwise:
            raise self._refused(tag.line, "{{else}} stands where it cannot")
        if tag.words:
            kind, *arguments = tag.words
            if kind not in TESTS or block.kind not in TESTS:
                raise self._refused(tag.line, "this {{else}} has no equal here")
            self._put(Ours(f"{{% elif {self._test(kind, arguments, tag.line)} %}}"))
            return
        block.otherwise = True
        if block.entered:
            self.paths.leave()
        self._put(Ours("{% else %}"))

    def _end(self, tag: Tag) -> None:
        if not self._open or tag.words != (self._open[-1].kind,):
            raise self._refused(tag.line, f"{{{{/{tag.words[0][:80]}}}}} closes nothing that is open")
        block = self._open.pop()
        if block.entered and not block.otherwise:
            self.paths.leave()
        self._put(Ours("{% endfor %}" if block.kind == "each" else "{% endif %}"))

    def _put(self, piece: Piece) -> None:
        pieces = self._messages[-1].parts[-1]
        assert isinstance(pieces, list)
        pieces.append(piece)

    def _refused(self, line: int, what: str) -> BadRequest:
        return refusal(self._at, f"line {line}: {what}")
