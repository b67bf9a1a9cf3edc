"""The steps of a sync, done: what the folder and the registry have is found, and each prompt acted on by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.cli.prompt_folder import PromptFolder
from gateway.cli.remote_prompts import RemotePrompts
from gateway.errors import Conflict, GatewayError, Unavailable
from gateway.prompts.draft import PromptDraft
from gateway.prompts.sync import Mark, Side, Sides, Step, check_templates, decide, merge, saved_in_order, text_digest
from gateway.types import Json

DELETED = "Its file was deleted, and the registry deletes nothing. Write it again: --take registry"
MISSING = "The registry has it no more. Delete the file, or save it as a new prompt: --take folder"

MEANWHILE = "Somebody else saved a first version meanwhile, and this is the next."


class Became(StrEnum):
    """What became of a prompt; of the first four, in a dry run, what would."""

    SAVED = "saved"
    WRITTEN = "written"
    MERGED = "merged"
    NOTED = "noted"
    DELETED = "deleted"
    MISSING = "missing"
    CONFLICT = "conflict"
    OVERTAKEN = "overtaken"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`version` is the registry's that both sides now have."""

    name: str
    file: str
    outcome: Became
    version: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """`only` is a prompt or a folder; `taken` the side that wins where both changed; `message` that of versions."""

    only: str | None
    taken: Side | None
    message: str
    dry_run: bool

    def concerns(self, name: str) -> bool:
        return self.only is None or name == self.only or name.startswith(f"{self.only}/")


@dataclass(frozen=True, slots=True)
class Planned:
    name: str
    sides: Sides
    step: Step


class Syncing:
    """`marks` are what both sides had last, and follow what is done."""

    def __init__(self, registry: RemotePrompts, folder: PromptFolder, marks: dict[str, Mark], chosen: Choices) -> None:
        self._registry = registry
        self._folder = folder
        self._chosen = chosen
        self.marks = marks

    def faults(self) -> list[Outcome]:
        """What in the folder cannot be read."""
        return [
            Outcome(fault.name, fault.path, Became.FAILED, message=fault.message)
            for fault in self._folder.faults
            if self._chosen.concerns(fault.name)
        ]

    def names(self, heads: dict[str, Json]) -> list[str]:
        """All prompts of either side, but those whose files cannot be read: they stay as they are."""
        unread = {fault.name for fault in self._folder.faults}
        folders = tuple(name for name in unread if name.endswith("/"))
        known = heads.keys() | self._folder.files.keys() | self.marks.keys()
        return sorted(name for name in known - unread if self._chosen.concerns(name) and not name.startswith(folders))

    def plan(self, name: str, head: Json | None) -> Planned:
        """`head` is what the registry lists of the prompt."""
        sides = self._sides(name, head)
        return Planned(name, sides, decide(sides, self._chosen.taken))

    def in_order(self, planned: list[Planned]) -> list[Planned]:
        """What is included is saved first; what there is nothing to do about is left out."""
        saved = {one.name: one.sides.file for one in planned if one.sides.file and one.step in (Step.SAVE, Step.MERGE)}
        place = {name: at for at, name in enumerate(saved_in_order(saved))}
        return sorted(
            (one for one in planned if one.step is not Step.KEEP),
            key=lambda one: (place.get(one.name, len(place)), one.name),
        )

    def act(self, planned: Planned) -> Outcome:
        """What one prompt fails of keeps none of the others. Raises `Unavailable` where the gateway is gone."""
        try:
            return self._act(planned)
        except Unavailable:
            raise
        except Conflict as error:
            return self._told(planned.name, Became.OVERTAKEN, error.message)
        except GatewayError as error:
            return self._told(planned.name, Became.FAILED, error.message)

    def _sides(self, name: str, listed: Json | None) -> Sides:
        base, found = self.marks.get(name), self._folder.files.get(name)
        file = found.draft if found is not None else None
        if listed is None:
            return Sides(base, file, None)
        if base is not None and (listed["version"], listed["digest"]) == (base.version, base.digest):
            return Sides(base, file, base)
        if base is not None and file is not None and not self._registry.holds(name, base):
            base = None  # it is of another registry, and says nothing of what changed since
        return Sides(base, file, self._registry.version(name, listed["version"]).mark)

    def _act(self, planned: Planned) -> Outcome:
        name, base, file, head = planned.name, planned.sides.base, planned.sides.file, planned.sides.head
        match planned.step:
            case Step.SAVE if file is not None:
                return self._save(name, file, head)
            case Step.WRITE if head is not None:
                return self._write(name, head)
            case Step.MERGE if file is not None and head is not None:
                return self._merge(name, base, file, head)
            case Step.DELETED:
                return self._told(name, Became.DELETED, DELETED)
            case Step.MISSING:
                return self._told(name, Became.MISSING, MISSING)
        return self._noted(name, head)

    def _noted(self, name: str, head: Mark | None) -> Outcome:
        if head is not None:
            return self._done(name, Became.NOTED, head)
        del self.marks[name]
        return self._told(name, Became.NOTED, "It is gone from both.")

    def _save(self, name: str, file: PromptDraft, head: Mark | None) -> Outcome:
        check_templates(name, file)
        if self._chosen.dry_run:
            return self._told(name, Became.SAVED)
        parent = head.version if head is not None else None
        saved = self._registry.save(name, file, self._chosen.message, parent).mark
        return self._done(name, Became.SAVED, saved, MEANWHILE if parent is None and saved.version > 1 else "")

    def _write(self, name: str, head: Mark) -> Outcome:
        if not self._chosen.dry_run:
            self._folder.write(name, self._registry.version(name, head.version).draft)
        return self._done(name, Became.WRITTEN, head)

    def _merge(self, name: str, base: Mark | None, file: PromptDraft, head: Mark) -> Outcome:
        before = self._registry.version(name, base.version).draft if base is not None else None
        merged = merge(before, self._registry.version(name, head.version).draft, file)
        if base is None or merged.clashes:
            shown = "\n".join(clash.shown(Side.FOLDER, Side.REGISTRY) for clash in merged.clashes)
            return self._told(name, Became.CONFLICT, shown)
        check_templates(name, file)
        if self._chosen.dry_run:
            return self._told(name, Became.MERGED)
        made = self._registry.merge(name, base, file, self._chosen.message)
        if made.mark.text != text_digest(file):
            self._folder.write(name, made.draft)
        return self._done(name, Became.MERGED, made.mark)

    def _done(self, name: str, became: Became, mark: Mark, message: str = "") -> Outcome:
        self.marks[name] = mark
        return Outcome(name, self._folder.path_of(name), became, mark.version, message)

    def _told(self, name: str, became: Became, message: str = "") -> Outcome:
        return Outcome(name, self._folder.path_of(name), became, message=message)
