"""What a model is, and that nothing else is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from guardrails.errors import NotRun
from guardrails.models.local import shipped
from guardrails.models.manifest import FILE, MODEL, TOKENIZER, Manifest, digest, read
from tests.guardrails.models import made


def test_what_is_as_the_manifest_says_is_read(tmp_path: Path) -> None:
    place = made.folder(tmp_path / "counting")
    manifest, files = read(place)
    assert manifest.labels == made.LABELS
    assert digest(files[MODEL]) == manifest.files[MODEL]


@pytest.mark.parametrize("name", [MODEL, TOKENIZER, FILE])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    place = made.folder(tmp_path / "counting")
    (place / name).unlink()
    with pytest.raises(NotRun, match=f"{name} of the model counting is missing"):
        read(place)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_file_that_was_changed_is_not_loaded(tmp_path: Path, name: str) -> None:
    place = made.folder(tmp_path / "counting")
    with (place / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(NotRun, match=f"{name} of the model counting is corrupt"):
        read(place)


def test_a_manifest_is_held_to_the_digest_in_its_name(tmp_path: Path) -> None:
    place = made.folder(tmp_path / "counting")
    pin = digest((place / FILE).read_bytes())
    assert read(place, pin[:12])[0].name == "counting"
    with pytest.raises(NotRun, match="not the one that its name pins"):
        read(place, "0" * 12)


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    place = made.folder(tmp_path / "counting")
    (place / FILE).write_text("{")
    with pytest.raises(NotRun, match="manifest of counting cannot be read"):
        read(place)


def test_a_manifest_names_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    files = {MODEL: "0", TOKENIZER: "0", "../secret": digest(b"x")}
    with pytest.raises(NotRun, match="corrupt"):
        read(made.folder(tmp_path / "counting", files=files))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stride": 11}, "leaves tokens between the windows out"),
        ({"calibration": {"scale": (1,), "shift": (0, 0)}}, "for each label"),
        ({"files": {MODEL: "0"}}, "must name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_manifest_that_does_not_hold_together_is_refused(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(NotRun, match=said):
        read(made.folder(tmp_path / "counting", **changed))


@pytest.mark.parametrize("place", sorted(shipped().glob("*/manifest.json")), ids=lambda place: place.parent.name)
def test_what_ships_is_what_its_manifest_says(place: Path) -> None:
    manifest, files = read(place.parent)
    assert manifest.name == place.parent.name
    assert len(files[MODEL]) <= 25_000_000
    assert (place.parent / "CARD.md").is_file()


def test_a_manifest_is_frozen(tmp_path: Path) -> None:
    manifest, _ = read(made.folder(tmp_path / "counting"))
    with pytest.raises(ValidationError):
        Manifest.__setattr__(manifest, "name", "other")
