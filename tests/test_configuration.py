"""Where settings come from: what is found, what outranks what, and what a file must be to be read at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.configuration import ENVIRONMENT, HOLD_SECRETS, Source, load
from gateway.faults import BadSettings
from gateway.settings import Settings


def written(folder: Path, **content: Any) -> Path:
    path = folder / "sluicegate.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def fault(path: Path, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(BadSettings) as refused:
        load(path, environment or {})
    return refused.value.message


def test_nothing_needs_to_be_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(environment={})
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("127.0.0.1", 8080, 1)
    assert {name: spec.provider for name, spec in settings.upstreams.items()} == {
        "smollm2": "llamacpp",
        "minilm": "sentence-transformers",
    }
    assert settings.database_url == f"sqlite:///{tmp_path / 'sluice-data' / 'sluice.db'}"
    assert settings.file is None


def test_the_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As named; else by the variable; else in the working folder."""
    monkeypatch.chdir(tmp_path)
    here = written(tmp_path, data="here")
    (tmp_path / "elsewhere").mkdir()
    there = written(tmp_path / "elsewhere", data="there")
    assert load(environment={}).data == Path("here")
    assert load(environment={"SLUICE_CONFIG": str(there)}).data == Path("there")
    assert load(here, environment={"SLUICE_CONFIG": str(there)}).data == Path("here")
    assert load(there, {}).file == there


def test_an_empty_file_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text("# nothing yet\n")
    assert load(path, {}).model_dump() == Settings().model_dump()


def test_the_environment_outranks_the_file_and_the_command_line_both(tmp_path: Path) -> None:
    path = written(tmp_path, server={"port": 1, "host": "file"}, data="file")
    environment = {"SLUICE_PORT": "2", "SLUICE_DATA": "environment", "SLUICE_WORKERS": ""}
    settings = load(path, environment, {"SLUICE_PORT": "3"})
    assert (settings.server.port, settings.server.host, settings.data) == (3, "file", Path("environment"))


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_every_variable_reaches_its_setting(variable: str, tmp_path: Path) -> None:
    given = "http://guards:7" if variable == "SLUICE_GUARD_SERVER" else "7"
    found: Any = load(written(tmp_path), {variable: given})
    for step in ENVIRONMENT[variable]:
        found = getattr(found, step)
    if variable in HOLD_SECRETS:
        assert found.reference == f"env:{variable}"
    else:
        assert str(found) == given


def test_a_date_needs_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text("upstreams: {a: {provider: scripted, shutdown_date: 2027-01-01}}")
    assert load(path, {}).upstreams["a"].shutdown_date == "2027-01-01"


def test_a_database_of_one_s_own(tmp_path: Path) -> None:
    assert load(written(tmp_path, database="postgresql+psycopg://h/d"), {}).database_url == "postgresql+psycopg://h/d"


# Files that cannot be read -------------------------------------------------------------------------------------------


def test_a_wrong_variable_is_named_by_its_setting(tmp_path: Path) -> None:
    assert "server.port" in fault(written(tmp_path), {"SLUICE_PORT": "http"})


def test_a_variable_over_a_broken_file_is_still_a_fault_of_the_file(tmp_path: Path) -> None:
    assert "server" in fault(written(tmp_path, server=5), {"SLUICE_PORT": "1"})


@pytest.mark.parametrize("text", ["a: [", "- a", "just words", "data: a\n---\ndata: b", "? [a]\n: b", "[" * 3000])
def test_a_file_that_is_no_mapping(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text(text)
    assert str(path) in fault(path)


def test_a_key_given_twice_is_refused_not_overridden(tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text("upstreams:\n  a: {provider: scripted}\n  a: {provider: scripted, down: true}\n")
    assert "the key 'a' is given twice" in fault(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        assert str(path) in fault(path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert str(binary) in fault(binary)


# Loading again -------------------------------------------------------------------------------------------------------


def test_what_a_source_was_started_with_outranks_the_file_for_good(tmp_path: Path) -> None:
    path = written(tmp_path, server={"port": 1})
    source = Source.of(path, {"SLUICE_PORT": "2", "HOME": "/"})
    assert source == Source(path, {"SLUICE_PORT": "2"})
    written(tmp_path, server={"port": 3}, data="new")
    settings = source.load()
    assert (settings.server.port, settings.data) == (2, Path("new"))


def test_a_process_that_replaces_another_starts_with_the_file_as_it_is_now(tmp_path: Path) -> None:
    source = Source(written(tmp_path, data="one", upstreams={"a": {"provider": "scripted"}}))
    running = source.load()
    written(tmp_path, data="two", upstreams={"b": {"provider": "scripted"}})
    renewed = source.renewed(running)
    assert set(renewed.upstreams) == {"b"}
    assert renewed.data == Path("one"), "what needs a restart is as it was"


@pytest.mark.parametrize(
    "broken",
    [
        {"upstreams": 5},
        {"upstreams": {"a": {"provider": "openai", "model": "m", "api_key": "env:SLUICEGATE_NO_SUCH_VARIABLE"}}},
    ],
)
def test_a_file_broken_meanwhile_does_not_keep_a_process_from_starting(tmp_path: Path, broken: dict[str, Any]) -> None:
    source = Source(written(tmp_path, upstreams={"a": {"provider": "scripted"}}))
    running = source.load()
    written(tmp_path, **broken)
    assert source.renewed(running) is running
