"""`sluice backup` and `sluice restore`: what a user sees, and what becomes of the secret."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Sluice

OWN = Path("sluice-data")


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[str, str]:
    """The options of another installation, without a database yet."""
    text = (tmp_path / "sluicegate.yaml").read_text() + f"data: {tmp_path / 'elsewhere'}\n"
    (tmp_path / "elsewhere.yaml").write_text(text)
    return "--config", str(tmp_path / "elsewhere.yaml")


@pytest.mark.parametrize("target", ["backup", "backup.tar"])
def test_keys_come_back_with_the_secret(
    sluice: Sluice, elsewhere: tuple[str, str], tmp_path: Path, target: str
) -> None:
    sluice("keys", "create", "ci")
    done = sluice("backup", target, "--with-secret")
    assert (done.code, done.out.split()[:2]) == (0, [target, "holds"])
    assert "secret" not in done.err
    restored = sluice("restore", target, *elsewhere)
    assert (restored.code, restored.out.split()[0], "secret" in restored.err) == (0, "restored", False)
    assert [row["name"] for row in sluice("keys", "list", "--json", *elsewhere).listed] == ["ci"]
    secret = tmp_path / "elsewhere" / "secret"
    assert secret.read_bytes() == (tmp_path / OWN / "secret").read_bytes()
    assert secret.stat().st_mode & 0o077 == 0


def test_without_the_secret_both_commands_say_what_that_means(sluice: Sluice, elsewhere: tuple[str, str]) -> None:
    sluice("keys", "create", "ci")
    assert "is not in the backup" in sluice("backup", "backup").err
    restored = sluice("restore", "backup", *elsewhere)
    assert restored.code == 0
    assert "made under another secret" in restored.err
    assert "another secret" not in sluice("restore", "backup", "--replace").err


def test_machines_get_the_manifest_and_no_bars(sluice: Sluice, elsewhere: tuple[str, str]) -> None:
    sluice("keys", "create", "ci")
    made = orjson.loads(sluice("backup", "backup", "--with-secret", "--json").out)
    assert {part["table"]: part["rows"] for part in made["parts"]}["keys"] == 1
    restored = sluice("restore", "backup", "--json", *elsewhere)
    assert orjson.loads(restored.out) == made
    assert restored.err == ""


def test_what_is_there_is_thrown_away_only_where_that_was_asked_for(sluice: Sluice) -> None:
    sluice("backup", "backup")
    sluice("keys", "create", "later")
    refused = sluice("restore", "backup")
    assert (refused.code, "--replace" in refused.err) == (1, True)
    assert len(sluice("keys", "list", "--json").listed) == 1
    assert sluice("restore", "backup", "--replace").code == 0
    assert sluice("keys", "list", "--json").listed == []


def test_what_is_no_backup_is_one_clear_line(sluice: Sluice) -> None:
    done = sluice("restore", "nowhere.tar")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "nowhere.tar is no backup" in done.err


def test_a_configured_secret_is_left_to_its_owner(
    sluice: Sluice, elsewhere: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEPPER", "another")
    sluice("backup", "backup", "--with-secret")
    path = Path(elsewhere[1])
    path.write_text(f"{path.read_text()}secret: env:PEPPER\n")
    assert "made under another secret" in sluice("restore", "backup", *elsewhere).err
    assert not (tmp_path / "elsewhere" / "secret").exists()
