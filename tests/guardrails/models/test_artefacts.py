"""What ships is what its manifests say, and who signed that can be told."""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from guardrails.cli.app import cli
from guardrails.errors import BadInput, Missing, NotRun
from guardrails.grounding import support
from guardrails.models import artefacts
from guardrails.models.artefacts import SIGNATURE, checked, folders, public_key, sign
from guardrails.models.manifest import FILE, artefact
from guardrails.pii.tagger import Tagger

SEED = bytes(range(32))


def check(*words: str) -> Result:
    return CliRunner().invoke(cli, ["check", "--models", *words])


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The small artefacts, where they can be changed."""
    places = []
    for folder in artefacts.OTHERS:
        place = tmp_path / folder.name
        place.mkdir()
        for name in (FILE, *artefact(folder)[0].files):
            shutil.copy(folder / name, place / name)
        places.append(place)
    monkeypatch.setattr(artefacts, "OTHERS", tuple(places))
    monkeypatch.setattr(artefacts, "shipped", lambda: tmp_path / "weights")
    return places


def test_everything_that_ships_is_whole_and_has_a_card() -> None:
    found = list(checked())
    assert {"grounding", "prompts", "tagger"} <= {one.name for one in found}
    assert [one.fault for one in found] == [None] * len(found)
    assert all((folder / "CARD.md").is_file() for folder in folders())


def test_no_signature_and_no_key_lies_in_the_repository() -> None:
    assert not [folder for folder in folders() if (folder / SIGNATURE).exists()]


def test_what_was_signed_is_told_by_the_public_key(copied: list[Path]) -> None:
    key = public_key(sign(SEED))
    assert [one.signed for one in checked(key)] == [True, True]
    assert [one.signed for one in checked()] == [None, None]
    other = Ed25519PrivateKey.from_private_bytes(SEED[::-1]).public_key().public_bytes_raw()
    assert [one.signed for one in checked(other)] == [False, False]
    (copied[0] / SIGNATURE).write_text("no base64")
    (copied[1] / SIGNATURE).unlink()
    assert [one.signed for one in checked(key)] == [False, None]


def test_a_manifest_that_was_changed_is_not_the_one_that_was_signed(copied: list[Path]) -> None:
    key = public_key(sign(SEED))
    with (copied[0] / FILE).open("a") as manifest:
        manifest.write("\n")
    assert [one.signed for one in checked(key)] == [False, True]


@pytest.mark.usefixtures("copied")
def test_the_command_ends_with_1_where_something_is_not_signed() -> None:
    assert check().exit_code == 0
    public = b64encode(Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()).decode()
    unsigned = check("--key", public)
    assert (unsigned.exit_code, unsigned.stdout.count("NOT SIGNED")) == (1, 2)
    sign(SEED)
    assert check("--key", public).exit_code == 0


def test_the_command_names_what_is_corrupt(copied: list[Path]) -> None:
    with (copied[1] / "tagger.npz").open("ab") as file:
        file.write(b"x")
    result = check()
    assert result.exit_code == 1
    assert "tagger.npz of the model tagger is corrupt" in result.stdout


def test_a_key_alone_checks_nothing() -> None:
    with pytest.raises(BadInput, match="--key is for --models"):
        CliRunner().invoke(cli, ["check", "--key", "x"], catch_exceptions=False, standalone_mode=False)


@pytest.mark.parametrize("written", ["", "AAAA", "é", "no key at all"])
def test_what_is_no_key_is_refused(written: str) -> None:
    with pytest.raises(BadInput, match="the key"):
        public_key(written)


def test_a_tagger_that_was_changed_is_not_used(copied: list[Path]) -> None:
    with (copied[1] / "tagger.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Missing, match=r"tagger\.npz of the model tagger is corrupt"):
        Tagger(copied[1] / "tagger.npz")


def test_a_head_that_was_changed_is_not_used(copied: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with (copied[0] / "head.json").open("a") as file:
        file.write(" ")
    monkeypatch.setattr(support, "HERE", copied[0])
    with pytest.raises(NotRun, match=r"head\.json of the model grounding is corrupt"):
        support.head.__wrapped__("words")
