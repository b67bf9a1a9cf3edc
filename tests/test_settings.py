"""The configuration file: what it takes, what outranks it, and that every fault is named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from gateway.settings import ENVIRONMENT, BadSettings, OpenAISettings, Secret, Settings, load


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
    found: Any = load(written(tmp_path), {variable: "7"})
    for step in ENVIRONMENT[variable]:
        found = getattr(found, step)
    assert str(found) == "7"


def test_a_date_needs_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text("upstreams: {a: {provider: scripted, shutdown_date: 2027-01-01}}")
    assert load(path, {}).upstreams["a"].shutdown_date == "2027-01-01"


def test_a_database_of_one_s_own(tmp_path: Path) -> None:
    assert load(written(tmp_path, database="postgresql+psycopg://h/d"), {}).database_url == "postgresql+psycopg://h/d"


# Faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"sever": {}}, "sever"),
        ({"server": {"prot": 1}}, "server.prot"),
        ({"server": {"port": "many"}}, "server.port"),
        ({"server": {"port": 70000}}, "server.port"),
        ({"server": {"workers": 0}}, "server.workers"),
        ({"server": 5}, "server"),
        ({"upstreams": {"a": {}}}, "upstreams.a"),
        ({"upstreams": {"a": {"provider": "nobody"}}}, "upstreams.a"),
        ({"upstreams": {"Not A Name": {"provider": "scripted"}}}, "upstreams.Not A Name"),
        ({"upstreams": {"a": {"provider": "openai"}}}, "upstreams.a.openai.model"),
        (
            {"upstreams": {"a": {"provider": "openai", "model": "m", "base_url": "ftp://x"}}},
            "upstreams.a.openai.base_url",
        ),
        ({"upstreams": {"a": {"provider": "openai", "model": "m", "api_key": "sk-1"}}}, "upstreams.a.openai.api_key"),
        ({"upstreams": {"a": {"provider": "scripted", "price": {"input": -1}}}}, "upstreams.a.scripted.price.input"),
        ({"upstreams": {"a": {"provider": "scripted", "price": {"input": 0.5}}}}, "upstreams.a.scripted.price.input"),
        ({"upstreams": {"a": {"provider": "scripted", "timeouts": {"idle": 0}}}}, "upstreams.a.scripted.timeouts.idle"),
    ],
)
def test_a_fault_is_named_with_its_file_and_place(content: dict[str, Any], place: str, tmp_path: Path) -> None:
    path = written(tmp_path, **content)
    lines = fault(path).splitlines()
    assert lines[0] == f"{path} cannot be used:"
    assert any(line.startswith(f"  {place}") for line in lines[1:]), lines


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"base_url": "http://"}, "base_url"),
        ({"base_url": "http://host:notaport/v1"}, "base_url"),
        ({"base_url": "http://host:99999/v1"}, "base_url"),
        ({"base_url": "http://user:password@host/v1"}, "base_url"),
        ({"base_url": "http://host/v1?api-version=1"}, "base_url"),
        ({"base_url": "http://host/ü"}, "base_url"),
        ({"headers": {"x": "a\r\nb: c"}}, "headers"),
        ({"headers": {"x": "ü"}}, "headers"),
        ({"headers": {"x y": "a"}}, "headers"),
        ({"headers": {"x\n": "a"}}, "headers"),
        ({"headers": {"Host": "elsewhere"}}, "headers"),
        ({"headers": {"transfer-encoding": "chunked"}}, "headers"),
        ({"api_key_header": "api key"}, "api_key_header"),
        ({"api_key_header": "x\n"}, "api_key_header"),
    ],
)
def test_an_upstream_s_address_and_header_fields_are_checked(
    fields: dict[str, Any], place: str, tmp_path: Path
) -> None:
    """At the start, not with the first request."""
    upstream = {"provider": "openai", "model": "m", **fields}
    assert f"  upstreams.a.openai.{place}: " in fault(written(tmp_path, upstreams={"a": upstream}))


@pytest.mark.parametrize("address", ["https://api.openai.com/v1", "http://127.0.0.1:9", "http://[::1]:8000/v1/"])
def test_an_address(address: str, tmp_path: Path) -> None:
    fields = {"base_url": address, "headers": {"OpenAI-Organization": "org-1"}, "api_key_header": "api-key"}
    settings = load(written(tmp_path, upstreams={"a": {"provider": "openai", "model": "m", **fields}}), {})
    assert getattr(settings.upstreams["a"], "base_url", None) == address


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    assert len(fault(written(tmp_path, sever={}, server={"port": -1}, datta="x")).splitlines()) == 4


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


# Secrets -------------------------------------------------------------------------------------------------------------


def test_a_secret_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    monkeypatch.setenv("MY_KEY", "sk-environment")
    assert Secret(reference=f"file:{file}").read() == "sk-file"
    assert Secret(reference="env:MY_KEY").read() == "sk-environment"


def test_a_secret_that_is_not_there_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    for reference, named in (("env:MY_KEY", "MY_KEY"), (f"file:{tmp_path / 'none'}", str(tmp_path / "none"))):
        with pytest.raises(BadSettings) as refused:
            Secret(reference=reference).read()
        assert named in refused.value.message


def test_a_secret_written_into_the_file_is_refused_and_not_told_back(tmp_path: Path) -> None:
    upstream = {"provider": "openai", "model": "m", "api_key": "sk-very-secret"}
    message = fault(written(tmp_path, upstreams={"a": upstream}, secret="pepper-in-the-open"))
    assert "env:NAME or file:/path" in message
    assert "sk-very-secret" not in message
    assert "pepper-in-the-open" not in message


def test_a_secret_never_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-environment")
    upstream = {"provider": "openai", "model": "m", "api_key": "env:MY_KEY"}
    settings = load(written(tmp_path, upstreams={"a": upstream}), {})
    assert isinstance(settings.upstreams["a"], OpenAISettings)
    assert "sk-environment" not in repr(settings) + settings.model_dump_json()


def test_every_setting_is_frozen_and_refuses_unknown_keys() -> None:
    def parts(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model}.union(*(parts(sub) for sub in model.__subclasses__()))

    from gateway.settings import Part

    assert len(parts(Part)) > 10
    for part in parts(Part):
        assert part.model_config.get("extra") == "forbid"
        assert part.model_config.get("frozen") is True
