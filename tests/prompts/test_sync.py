"""What a sync decides: nothing anybody wrote is lost, whatever both sides do and wherever it is cut off."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.merge import Clash
from gateway.prompts.sync import (
    Mark,
    Merged,
    Side,
    Sides,
    Step,
    check_templates,
    decide,
    merge,
    read_state,
    saved_in_order,
    text_digest,
    write_state,
)
from tests.prompts.test_merge import DRAFTS, draft

ONE, TWO, THREE = draft("one"), draft("two"), draft("three")


def mark(prompt: PromptDraft, version: int = 1, digest: str = "d") -> Mark:
    return Mark(version, digest, text_digest(prompt))


@pytest.mark.parametrize(
    ("base", "file", "head", "step"),
    [
        (None, None, None, Step.FORGET),
        (None, ONE, None, Step.SAVE),
        (None, None, mark(ONE), Step.WRITE),
        (None, ONE, mark(ONE), Step.NOTE),
        (None, ONE, mark(TWO), Step.MERGE),
        (mark(ONE), ONE, mark(ONE), Step.KEEP),
        (mark(ONE), ONE, mark(ONE, 2), Step.NOTE),
        (mark(ONE), ONE, mark(ONE, 1, "of another registry"), Step.NOTE),
        (mark(ONE), TWO, mark(ONE), Step.SAVE),
        (mark(ONE), TWO, mark(ONE, 2), Step.SAVE),
        (mark(ONE), ONE, mark(TWO, 2), Step.WRITE),
        (mark(ONE), TWO, mark(TWO, 2), Step.NOTE),
        (mark(ONE), TWO, mark(THREE, 2), Step.MERGE),
        (mark(ONE), None, mark(ONE), Step.DELETED),
        (mark(ONE), None, mark(TWO, 2), Step.DELETED),
        (mark(ONE), ONE, None, Step.MISSING),
        (mark(ONE), TWO, None, Step.MISSING),
        (mark(ONE), None, None, Step.FORGET),
    ],
)
def test_each_case(base: Mark | None, file: PromptDraft | None, head: Mark | None, step: Step) -> None:
    assert decide(Sides(base, file, head)) is step


@pytest.mark.parametrize(
    ("sides", "folder", "registry"),
    [
        (Sides(mark(ONE), TWO, mark(THREE, 2)), Step.SAVE, Step.WRITE),
        (Sides(None, TWO, mark(THREE)), Step.SAVE, Step.WRITE),
        (Sides(mark(ONE), None, mark(ONE)), Step.DELETED, Step.WRITE),
        (Sides(mark(ONE), ONE, None), Step.SAVE, Step.MISSING),
        (Sides(mark(ONE), TWO, mark(ONE)), Step.SAVE, Step.SAVE),
        (Sides(mark(ONE), ONE, mark(TWO, 2)), Step.WRITE, Step.WRITE),
        (Sides(mark(ONE), ONE, mark(ONE)), Step.KEEP, Step.KEEP),
    ],
)
def test_a_side_is_taken_only_where_the_two_do_not_come_together(sides: Sides, folder: Step, registry: Step) -> None:
    assert (decide(sides, Side.FOLDER), decide(sides, Side.REGISTRY)) == (folder, registry)


@dataclass
class Both:
    """A registry of one prompt and its file, kept in sync as `sluice prompts sync` does."""

    versions: list[PromptDraft] = field(default_factory=list)
    file: PromptDraft | None = None
    base: Mark | None = None

    def head(self) -> Mark | None:
        return mark(self.versions[-1], len(self.versions), str(len(self.versions))) if self.versions else None

    def save(self, prompt: PromptDraft) -> None:
        if not self.versions or self.versions[-1] != prompt:
            self.versions.append(prompt)

    def sync(self, cut_off: bool) -> Step:
        head = self.head()
        step = decide(Sides(self.base, self.file, head))
        if step is Step.SAVE and self.file is not None:
            self.save(self.file)
        elif step is Step.WRITE:
            self.file = self.versions[-1]
        elif step is Step.MERGE and self.file is not None:
            base = self.versions[self.base.version - 1] if self.base is not None else None
            merged = merge(base, self.versions[-1], self.file).draft
            if merged is None:
                return step
            self.save(self.file)
            self.save(merged)
            self.file = self.file if cut_off else merged
        elif step is not Step.NOTE:
            return step
        if not cut_off:
            self.base = self.head()
        return step

    def texts(self) -> list[str]:
        return [text_digest(one) for one in (*self.versions, *([self.file] if self.file is not None else []))]


EDITS = st.tuples(st.sampled_from(["folder", "registry", "both", "delete"]), DRAFTS, DRAFTS, st.booleans())


@given(st.lists(EDITS, max_size=6))
def test_nothing_that_anybody_wrote_is_lost(edits: list[tuple[str, PromptDraft, PromptDraft, bool]]) -> None:
    both = Both()
    for where, one, other, cut_off in edits:
        if where in ("folder", "both"):
            both.file = one
        if where in ("registry", "both"):
            both.save(other)
        if where == "delete":
            both.file = None
        before = both.texts()
        step = both.sync(cut_off)
        assert set(before) <= set(both.texts())
        if step in (Step.SAVE, Step.WRITE, Step.NOTE) or (step is Step.MERGE and both.base == both.head()):
            assert both.sync(cut_off=False) in (Step.KEEP, Step.NOTE)
            assert both.sync(cut_off=False) is Step.KEEP


def test_changes_in_different_places_come_together() -> None:
    merged = merge(draft("one\ntwo\nthree"), draft("one\ntwo\nTHREE"), draft("ONE\ntwo\nthree"))
    assert merged == Merged(draft("ONE\ntwo\nTHREE"))


def test_changes_in_the_same_place_clash() -> None:
    assert merge(ONE, TWO, THREE) == Merged(None, (Clash("messages", "one", "two", "three"),))


def test_without_what_both_had_the_whole_is_shown() -> None:
    (clash,) = merge(None, ONE, TWO).clashes
    assert clash.shown("folder", "registry") == (
        "the whole prompt:\n<<<<<<< folder\nmessages:\n  - role: user\n    content: two\n=======\n"
        "messages:\n  - role: user\n    content: one\n>>>>>>> registry"
    )


def test_changes_that_together_make_no_prompt_clash() -> None:
    long = "x" * (600 * 1024)
    merged = merge(draft("a\nb\nc"), draft(f"{long}\na\nb\nc"), draft(f"a\nb\nc\n{long}"))
    assert merged.draft is None
    assert [clash.where for clash in merged.clashes] == ["the whole prompt"]


def test_what_is_included_is_saved_first() -> None:
    drafts = {"a": draft('{% include "b@2" %}'), "b": draft('{% include "c" %}'), "c": ONE, "d": draft("{{ x")}
    assert saved_in_order(drafts) == ["c", "b", "a"]
    circle = {"a": draft('{% include "b" %}'), "b": draft('{% include "a" %}')}
    assert saved_in_order(circle) == ["a", "b"]


def test_a_template_that_cannot_be_read_is_named_by_its_place() -> None:
    with pytest.raises(BadRequest, match=r"prompts.a.messages\[1\].content, line 2: "):
        check_templates("a", draft("one", "one\n{{ x"))


NAMES = st.from_regex(r"[a-c]{1,3}(/[a-c]{1,3})?", fullmatch=True)
MARKS = st.dictionaries(NAMES, st.builds(Mark, st.integers(1, 99), st.just("d" * 64), st.just("t" * 64)))


@given(MARKS)
def test_the_state_is_read_as_it_was_written_and_the_same_for_the_same_marks(marks: dict[str, Mark]) -> None:
    written = write_state(marks)
    assert read_state(written) == marks
    assert write_state(dict(reversed(marks.items()))) == written


def test_git_merges_what_is_noted_of_different_prompts() -> None:
    """A line that stays is between those of any two prompts."""
    marks = {name: mark(ONE) for name in "abc"}
    lines = write_state(marks).decode().splitlines()
    other = write_state({name: mark(TWO, 2, "e") for name in "abc"}).decode().splitlines()
    changed = [at for at, (one, two) in enumerate(zip(lines, other, strict=True)) if one != two]
    assert len(changed) == 9
    assert [b - a for a, b in itertools.pairwise(changed)] == [1, 1, 3, 1, 1, 3, 1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"<<<<<<< HEAD", "Invalid JSON"),
        (b"{}", "prompts: "),
        (b'{"prompts": {"../a": {"version": 1, "digest": "", "text": ""}}}', "prompts.../a.[key]: "),
        (b'{"prompts": {"a": {"version": "x", "digest": "", "text": ""}}}', "prompts.a.version: "),
    ],
)
def test_a_state_that_is_none_is_refused_by_its_place(text: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_state(text)
    assert caught.value.message.startswith(said)
