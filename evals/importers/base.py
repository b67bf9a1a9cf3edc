"""What an importer makes: a suite, the rows of its dataset, and a note about everything that is not as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ValidationError

from evals.errors import BadInput
from evals.sample import Json
from evals.scorers import registry

Outcome = Literal["changed", "left out"]


@dataclass(frozen=True, slots=True)
class Note:
    """What became of the part at `where`, and why it is not there as it was."""

    where: str
    outcome: Outcome
    said: str


@dataclass
class Imported:
    """`scorers` and `rows` are as they stand in a suite and in its dataset."""

    name: str
    source: str
    about: str = ""
    scorers: list[Json] = field(default_factory=list)
    rows: list[Json] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    repeats: int = 1

    def changed(self, where: str, said: str) -> None:
        self._note(Note(where, "changed", said))

    def left_out(self, where: str, why: str) -> None:
        self._note(Note(where, "left out", why))

    def _note(self, note: Note) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def scored_by(self, scorer: Json, where: str) -> bool:
        """Adds a scorer, once; one that a suite would refuse is left out, and told."""
        try:
            registry.find(scorer["kind"]).model_validate(scorer)
        except (BadInput, ValidationError) as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.message
            self.left_out(where, f"as the scorer {scorer['kind']} it could not be used: {said}")
            return False
        if scorer not in self.scorers:
            self.scorers.append(scorer)
        return True

    @property
    def suite(self) -> Json:
        found: Json = {"suite": slug(self.name), "about": self.about, "dataset": "items.jsonl"}
        more: Json = {"repeats": self.repeats} if self.repeats > 1 else {}
        return {**found, **more, "scorers": self.scorers}

    @property
    def report(self) -> str:
        """In Markdown."""
        lines = [f"# {slug(self.name)}, imported from {self.source}", ""]
        lines.append(f"{len(self.rows)} samples, {len(self.scorers)} scorers.")
        for outcome in ("left out", "changed"):
            found = [note for note in self.notes if note.outcome == outcome]
            if found:
                lines += ["", f"## {outcome.capitalize()}", ""]
                lines += [f"- `{note.where}`: {note.said}" for note in found]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """suite.yaml, items.jsonl and import.md. Raises `BadInput` where one of them is there already."""
        texts = {
            "suite.yaml": yaml.safe_dump(self.suite, sort_keys=False, allow_unicode=True),
            "items.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows),
            "import.md": self.report,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                with (folder / name).open("x", encoding="utf-8") as file:
                    file.write(text)
        except FileExistsError as error:
            raise BadInput(f"{error.filename} is there already: choose another folder.") from error
        except OSError as error:
            raise BadInput(f"{folder} cannot be written: {error.strerror}.") from error


@contextmanager
def written_by(tool: str, path: Path) -> Iterator[None]:
    """For reading what is taken to be as `tool` writes it. Raises `BadInput` where it turns out not to be."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"is not as {tool} writes it: {type(error).__name__}, {error}.", file=str(path)) from error


def slug(text: str) -> str:
    """A name as suites and metrics have."""
    found = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("._-")
    return (found if found[:1].isalpha() else f"imported-{found}".rstrip("-"))[:64]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8.", file=str(path)) from error
