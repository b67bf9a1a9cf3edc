"""A folder of prompts: a file for each, in folders as its name has them, and what was there when it was last in sync.

Nothing outside of the folder is read or written, whatever a name or a link says.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BadRequest, Conflict
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import yaml
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.source import MAX_BYTES, named
from gateway.prompts.sync import Mark, read_state, write_state

SUFFIX = ".yaml"
OTHER_SUFFIX = ".yml"
"""Told, so that nobody waits for such a file."""
STATE = ".sluice/state.json"
LINK = "It is a link: put what it leads to in its place."


@dataclass(frozen=True, slots=True)
class PromptFile:
    """`content` are the bytes that were read."""

    draft: PromptDraft
    content: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file is none of a prompt, or a folder none of prompts. `name` is what it would be called; of a
    folder it ends with a slash."""

    name: str
    path: str
    message: str


class PromptFolder:
    def __init__(self, path: Path) -> None:
        """Raises `BadRequest` for what is there and no folder."""
        if path.exists() and not path.is_dir():
            raise BadRequest(f"{path} is no folder.")
        self._shown = path
        self._root = path.resolve()
        self.files: dict[str, PromptFile] = {}
        self.faults: list[Fault] = []
        self._capitals: dict[str, str] = {}
        """What differs from the name of a prompt only in capitals, which are none to some file systems."""

    def entries(self, below: str = "") -> Iterator[str]:
        """The path of all that is in the folder, by name. What begins with a dot is of no concern."""
        try:
            found = sorted(entry for entry in os.listdir(self._root / below) if not entry.startswith("."))
        except FileNotFoundError:
            return
        except OSError as error:
            raise BadRequest(f"{self._shown / below} cannot be read: {error.strerror}.") from error
        for entry in found:
            path = f"{below}{entry}"
            yield path
            if self._is_folder(path):
                yield from self.entries(f"{path}/")

    def read(self, path: str) -> None:
        """Into `files` or `faults`, if it is to be a prompt."""
        if path != path.lower():
            self._capitals[path.lower()] = path
        stem, suffix = os.path.splitext(path)
        if self._is_folder(path) or suffix not in (SUFFIX, OTHER_SUFFIX):
            link = (self._root / path).is_symlink() and (self._root / path).is_dir()
            self.faults += [Fault(f"{path}/", str(self._shown / path), LINK)] if link else []
            return
        try:
            self.files[stem] = self._parsed(path, stem)
        except BadRequest as error:
            self.faults.append(Fault(stem, str(self._shown / path), error.message))

    def path_of(self, name: str) -> str:
        """As it is told."""
        return str(self._shown / f"{name}{SUFFIX}")

    def write(self, name: str, draft: PromptDraft) -> None:
        """Whole or not at all. Raises `BadRequest` where it cannot be, and `Conflict` where the file is not what it was
        when it was read."""
        _check_name(name)
        known = self.files.get(name)
        target = self._inside(f"{name}{SUFFIX}")
        if _content(target, self.path_of(name)) != (known.content if known is not None else None):
            raise Conflict(f"{self.path_of(name)} was changed meanwhile: sync again.")
        self._replace(target, yaml.write(Portable(name, draft))[0].encode())

    def marks(self) -> dict[str, Mark]:
        """What both sides had last. Raises `BadRequest` for a file that does not say."""
        path = self._inside(STATE)
        content = _content(path, str(self._shown / STATE))
        try:
            return read_state(content) if content is not None else {}
        except BadRequest as error:
            message = (
                f"{self._shown / STATE} cannot be read: {error.message} "
                "If Git could not merge it, take either side of it whole, and sync again."
            )
            raise BadRequest(message) from error

    def keep(self, marks: Mapping[str, Mark]) -> None:
        path, content = self._inside(STATE), write_state(marks)
        before = _content(path, str(self._shown / STATE))
        if content != before and (marks or before is not None):
            self._replace(path, content)

    def _is_folder(self, path: str) -> bool:
        return (self._root / path).is_dir() and not (self._root / path).is_symlink()

    def _parsed(self, path: str, stem: str) -> PromptFile:
        _check_name(stem)
        file = self._root / path
        if file.is_symlink():
            raise BadRequest(LINK)
        if not file.is_file():
            raise BadRequest("It is no file.")
        if file.suffix != SUFFIX:
            raise BadRequest(f"Call it {file.stem}{SUFFIX}.")
        content = _content(file, path) or b""
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise BadRequest("It is not UTF-8 text.") from error
        (found,) = yaml.read(text, stem)
        if found.name != stem:
            raise BadRequest(f"It says that it is {found.name!r}: give it the name of its file, or none.")
        return PromptFile(found.draft, content)

    def _inside(self, relative: str) -> Path:
        """The path of a file. Raises `BadRequest` where a link leads elsewhere, or a file system might."""
        steps = relative.split("/")
        for count in range(1, len(steps) + 1):
            part = "/".join(steps[:count])
            if part in self._capitals:
                raise BadRequest(f"{relative} differs from {self._capitals[part]} only in capitals.")
            if (self._root / part).is_symlink():
                raise BadRequest(f"{self._shown / part}: {LINK}")
        return self._root / relative

    def _replace(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as beside:
                written = Path(beside, path.name)
                written.write_bytes(content)
                written.replace(path)
        except OSError as error:
            raise BadRequest(f"{path} cannot be written: {error.strerror}.") from error


def _check_name(name: str) -> None:
    ours, renamed = named(name, "its name")
    if renamed:
        raise BadRequest(f"A prompt can be called {ours!r}, and not {name[:80]!r}.")


def _content(path: Path, shown: str) -> bytes | None:
    """None where there is no file."""
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadRequest(f"{shown} cannot be read: {error.strerror}.") from error
