"""`sluice doctor`: what is missing, and how to mend it."""

from __future__ import annotations

import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Done, Sluice


def missing(done: Done) -> dict[str, str]:
    """What is not well, and how to mend it."""
    return {row["what"]: row["mend"] for row in done.rows if not row["ok"]}


def test_everything_is_looked_at(sluice: Sluice) -> None:
    done = sluice("doctor", "--json")
    assert [row["what"] for row in done.rows] == [
        "configuration",
        "data folder",
        "database",
        "keys",
        "endpoints",
        "limits",
        "state",
        "port",
        "upstream demo",
        "upstream down",
    ]
    assert missing(done) == {
        "keys": "sluice keys create NAME --role admin",
        "upstream down": "The scripted upstream is told to be down.",
    }
    assert done.code == 1


def test_all_is_well(sluice: Sluice) -> None:
    sluice("keys", "create", "first", "--role", "admin")
    done = sluice("doctor", "--no-models")
    assert done.code == 0
    assert all(line.startswith("ok ") for line in done.out.splitlines())


def test_people_see_how_to_mend_it(sluice: Sluice) -> None:
    lines = sluice("doctor").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("MISS keys"))
    assert lines[at + 1].strip() == "-> sluice keys create NAME --role admin"


def test_a_port_in_use(sluice: Sluice, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "sluicegate.yaml").write_text(f"server: {{port: {port}}}\nupstreams: {{}}")
        assert "sluice serve --port" in missing(sluice("doctor", "--json"))["port"]


def test_an_address_that_is_no_address(sluice: Sluice, tmp_path: Path) -> None:
    for host in ("nowhere.invalid", "999.1.1.1"):
        (tmp_path / "sluicegate.yaml").write_text(f"server: {{host: {host}}}\nupstreams: {{}}")
        done = sluice("doctor", "--json")
        assert done.code == 1
        assert "port" in missing(done)


@pytest.mark.parametrize("held", ["file", "database"])
def test_a_data_folder_and_a_database_that_cannot_be_used(sluice: Sluice, tmp_path: Path, held: str) -> None:
    if held == "file":
        (tmp_path / "sluice-data").touch()
        assert missing(sluice("doctor", "--json", "--no-models"))["data folder"] == "set `data:` to a folder you own"
    else:
        (tmp_path / "sluice-data").mkdir()
        (tmp_path / "sluice-data" / "sluice.db").write_bytes(b"no database" * 100)
        assert "database" in missing(sluice("doctor", "--json", "--no-models"))


def test_limits_are_counted(sluice: Sluice) -> None:
    sluice("teams", "create", "search")
    sluice("limits", "set", "team:search", "--concurrent", "2")
    assert "ok   limits: 1 set" in sluice("doctor").out.splitlines()


def test_a_pool_serves_while_one_of_its_upstreams_does(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(
        """
upstreams: {up: {provider: scripted}, down: {provider: scripted, down: true}}
pools: {both: {members: {up: 1}, fallbacks: [down]}, dead: {members: {down: 1}}}
"""
    )
    done = sluice("doctor", "--json")
    assert {row["what"]: row["detail"] for row in done.rows}["pool both"] == "up, down (cannot serve)"
    assert missing(done)["pool dead"] == "mend one of its upstreams"
    assert "pool both" not in missing(done)
    assert "pool dead" not in missing(sluice("doctor", "--json", "--no-models"))


def test_a_shared_state_that_does_not_answer(sluice: Sluice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_TEST_REDIS", "redis://:topsecret@127.0.0.1:9/0")
    (tmp_path / "sluicegate.yaml").write_text("state: {url: 'env:SLUICE_TEST_REDIS'}\nupstreams: {}")
    done = sluice("doctor", "--json")
    assert "Redis does not answer" in missing(done)["state"]
    assert "topsecret" not in done.out


def test_upstreams_that_cannot_serve(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(
        """
upstreams:
  dead: {provider: openai, model: m, base_url: "http://127.0.0.1:9/v1"}
  keyless: {provider: openai, model: m, api_key: "env:SLUICE_TEST_NO_SUCH_KEY"}
  modelless: {provider: llamacpp, model: nothing}
  lost: {provider: llamacpp, path: /no/such/model.gguf}
"""
    )
    found = missing(sluice("doctor", "--json"))
    assert "upstream dead" in found
    assert "SLUICE_TEST_NO_SUCH_KEY" in found["upstream keyless"]
    assert "`path:`" in found["upstream modelless"]
    assert "/no/such/model.gguf" in found["upstream lost"]


MANIFEST = """
policies:
  house: {input: [secrets, pii, prompt_attack], output: [secrets]}
  quiet: {about: Nobody is guarded.}
endpoints:
  bot: {upstream: demo, policy: house}
  other: {upstream: demo, policy: house}
  free: {upstream: demo, policy: quiet}
  plain: {upstream: demo}
"""


def test_guards_in_force_are_asked_whether_they_can_judge(
    sluice: Sluice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.yaml").write_text(MANIFEST)
    sluice("apply", "-f", "m.yaml")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = {row["what"]: row for row in sluice("doctor", "--json").rows if row["what"].startswith("guards of ")}
    assert set(found) == {"guards of bot, other", "guards of free"}
    assert found["guards of free"]["ok"]
    house = found["guards of bot, other"]
    assert not house["ok"]
    assert "prompt_attack (cannot judge)" in house["detail"]
    assert house["detail"].startswith("secrets, ")
    assert house["mend"] == "prompt_attack: onnxruntime is not installed: pip install 'sluicegate[guards]'"
    assert not [row for row in sluice("doctor", "--no-models", "--json").rows if row["what"].startswith("guards")]


def test_guards_that_can_judge(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("endpoints: {bot: {upstream: demo, policy: default}}")
    sluice("apply", "-f", "m.yaml")
    assert "ok   guards of bot: secrets, prompt_attack" in sluice("doctor").out.splitlines()


def test_a_policy_that_was_changed_in_the_database(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("endpoints: {bot: {upstream: demo, policy: default}}")
    sluice("apply", "-f", "m.yaml")
    with closing(sqlite3.connect(tmp_path / "sluice-data" / "sluice.db")) as database, database:
        database.execute("UPDATE policies SET body = '{}'")
    assert "was changed in the database" in missing(sluice("doctor", "--json"))["guards of bot"]
