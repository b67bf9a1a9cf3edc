"""A first start: an admin key, and an endpoint to try it on; a second start changes nothing."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from gateway.access import KeyHasher
from gateway.data_folder import open_store, pepper
from gateway.keys import Grant, mint
from gateway.releases.manifest import parse
from gateway.seed import QUICK_START_UPSTREAM, first_start
from gateway.settings import Settings
from gateway.store import catalogue, keys
from gateway.store.engine import Store

PEPPER = b"pepper"


def settings(folder: Path, **more: Any) -> Settings:
    return Settings.model_validate({"data": folder, **more})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(settings(tmp_path))) as opened:
        yield opened


def test_the_first_start_makes_an_admin_key_and_the_quick_start(store: Store, tmp_path: Path) -> None:
    first = first_start(store, PEPPER, settings(tmp_path))
    assert first.key is not None
    assert first.seeded
    with store.begin() as connection:
        [key] = keys.find_active(connection)
        held = catalogue.load(connection)
    assert key.digest == KeyHasher(PEPPER).digest(first.key.encode()).hex()
    assert (key.roles, key.endpoints, key.upstreams, key.expires) == (frozenset(["admin"]), None, None, None)
    [endpoint] = held.endpoints
    release = held.releases[endpoint.release]
    assert (endpoint.name, release.upstream) == ("assistant", QUICK_START_UPSTREAM)
    assert release.prompt is not None
    assert release.prompt.variables["properties"]["question"]["type"] == "string"


def test_the_second_start_changes_nothing(store: Store, tmp_path: Path) -> None:
    first_start(store, PEPPER, settings(tmp_path))
    with store.begin() as connection:
        before = catalogue.load(connection), keys.list_all(connection)
    second = first_start(store, PEPPER, settings(tmp_path))
    assert (second.key, second.seeded) == (None, False)
    with store.begin() as connection:
        assert (catalogue.load(connection), keys.list_all(connection)) == before


def test_of_several_that_start_at_once_one_makes_the_key(tmp_path: Path) -> None:
    """As the processes of a new installation may; with the data folder and the pepper to be made too."""
    script = (
        "import sys, pathlib\n"
        "from gateway.data_folder import open_store, pepper\n"
        "from gateway.seed import first_start\n"
        "from gateway.settings import Settings\n"
        "settings = Settings(data=pathlib.Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "first = first_start(open_store(settings), pepper(settings), settings)\n"
        "print(pepper(settings).decode(), first.key)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    starting = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(4)]
    assert [process.stdout.readline() for process in starting if process.stdout] == ["ready\n"] * 4
    for process in starting:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=30)[0].split() for process in starting]
    assert {process.returncode for process in starting} == {0}
    peppers, made = zip(*told, strict=True)
    assert len(set(peppers)) == 1
    [secret] = [key for key in made if key != "None"]
    with closing(open_store(settings(tmp_path / "data"))) as store, store.begin() as connection:
        [key] = keys.find_active(connection)
    assert key.digest == KeyHasher(peppers[0].encode()).digest(secret.encode()).hex()


def test_an_installation_whose_keys_were_all_revoked_is_not_a_first_start(store: Store, tmp_path: Path) -> None:
    """A start must never be a way to an admin key."""
    with store.begin() as connection:
        _, row = mint(connection, KeyHasher(PEPPER), Grant("old"), "root")
        keys.revoke(connection, row.id, 1.0)
    assert first_start(store, PEPPER, settings(tmp_path)).key is None


def test_without_the_embedded_model_there_is_a_key_and_no_endpoint(store: Store, tmp_path: Path) -> None:
    first = first_start(store, PEPPER, settings(tmp_path, upstreams={"demo": {"provider": "scripted"}}))
    assert first.key is not None
    assert not first.seeded
    with store.begin() as connection:
        assert catalogue.load(connection).endpoints == []


def test_the_quick_start_is_what_a_reader_of_the_file_would_apply() -> None:
    text = (Path(__file__).parents[1] / "gateway" / "quickstart.yaml").read_text(encoding="utf-8")
    manifest = parse(text, "quickstart.yaml")
    assert list(manifest.endpoints) == list(manifest.prompts) == ["assistant"]


# The pepper ----------------------------------------------------------------------------------------------------------


def test_the_pepper_is_made_once_and_is_private(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    first = pepper(settings(data))
    assert len(bytes.fromhex(first.decode())) == 32
    assert pepper(settings(data)) == first
    assert pepper(settings(tmp_path / "other")) != first
    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == ["secret"]


def test_a_configured_pepper_is_used_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("my pepper\n")
    assert pepper(settings(tmp_path / "data", secret=f"file:{tmp_path / 'mine'}")) == b"my pepper"
    assert not (tmp_path / "data").exists()
