"""A secret everybody knows serves on this machine only."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Unavailable
from gateway.exposure import KNOWN, refuse_known_secrets
from gateway.settings import Settings
from tests.running import SLUICE

ROOT = Path(__file__).parents[1]
GOOD = secrets.token_hex(32)
BAD_PEPPERS = ["changeme", "CHANGE-ME", "secret", "a" * 64, "0123456789", "sluicegate", "sluicegate" * 3, "abcabc" * 10]


def settings(tmp_path: Path, host: str = "0.0.0.0", pepper: str | None = None, **more: Any) -> Settings:
    given: dict[str, Any] = {"server": {"host": host}, "data": tmp_path, "upstreams": {}, **more}
    if pepper is not None:
        (tmp_path / "pepper").write_text(pepper)
        given["secret"] = f"file:{tmp_path / 'pepper'}"
    return Settings.model_validate(given)


@pytest.mark.parametrize("pepper", BAD_PEPPERS)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_a_pepper_everybody_knows_is_not_served_with(tmp_path: Path, host: str, pepper: str) -> None:
    with pytest.raises(Unavailable) as refused:
        refuse_known_secrets(settings(tmp_path, host, pepper))
    assert refused.value.code == "default_secret"
    assert "openssl rand -hex 32" in refused.value.message
    assert "--host 127.0.0.1" in refused.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_this_machine_it_may_be_tried_out(tmp_path: Path, host: str) -> None:
    refuse_known_secrets(settings(tmp_path, host, "changeme", database="postgresql://sluice:password@db/sluice"))


@pytest.mark.parametrize("word", sorted(KNOWN))
def test_a_password_everybody_knows_is_not_served_with(tmp_path: Path, word: str) -> None:
    database = f"postgresql+psycopg://sluice:{word.upper()}@db/sluice"
    (tmp_path / "redis").write_text(f"redis://:{word}@redis:6379/0")
    state = {"url": f"file:{tmp_path / 'redis'}"}
    for more, named in (({"database": database}, "`database`"), ({"state": state}, "`state.url`")):
        with pytest.raises(Unavailable) as refused:
            refuse_known_secrets(settings(tmp_path, pepper=GOOD, **more))
        assert named in refused.value.message
        assert "`secret`" not in refused.value.message


def test_secrets_of_one_s_own_are_served_with(tmp_path: Path) -> None:
    refuse_known_secrets(settings(tmp_path))  # made at the first start, 32 random bytes
    refuse_known_secrets(settings(tmp_path, pepper=GOOD, database=f"postgresql://sluice:{GOOD}@db/sluice"))
    refuse_known_secrets(settings(tmp_path, pepper=GOOD, database="postgresql://sluice@db/sluice"))


def test_the_examples_we_ship_hold_no_secret() -> None:
    """Nothing that could be copied into production: their values are empty or references."""
    example = (ROOT / "deploy/secrets.env.example").read_text(encoding="utf-8")
    assert re.findall(r"^(?!#)\w+=(.+)$", example, re.MULTILINE) == []
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"(?i)\w*(?:password|secret|pepper|token)\w*: *(\S+)", compose) == []
    assert re.findall(r"://[^/\s:@]+:[^/\s@]+@", compose) == []


def test_the_command_refuses_before_it_listens_or_makes_anything(tmp_path: Path) -> None:
    config = tmp_path / "sluicegate.yaml"
    config.write_text("upstreams: {demo: {provider: scripted}}\nsecret: env:PEPPER\ndata: made\n")
    command = [SLUICE, "serve", "--host", "0.0.0.0", "--port", "0", "--config", str(config)]
    env = {**os.environ, "PEPPER": "changeme"}
    done = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True, timeout=50)
    assert done.returncode == 1
    assert "a secret that everybody knows" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "made").exists()
