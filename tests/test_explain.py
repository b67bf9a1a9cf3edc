"""Every fault is named with its file, its line and its key, and never quotes what may be a secret."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.configuration import load
from gateway.faults import BadSettings, Fault

CANARY = "sk-canary-4f1d"
BROKEN = """\
sever: {}
server:
  port: many
  # a comment
  worker: 2
upstreams:
  azure:
    provider: openai
    model: m
    base_url: ftp://x
    timeouts:
      idle: 0

      conect: 1
  nameless: {provider: nobody}
  Bad Name: {provider: scripted}
  bare:
    model: m
  empty: {provider: openai}
"""


def faults(text: str, folder: Path, environment: dict[str, str] | None = None) -> tuple[Fault, ...]:
    path = folder / "sluicegate.yaml"
    path.write_text(text)
    with pytest.raises(BadSettings) as refused:
        load(path, environment or {})
    assert CANARY not in refused.value.message
    assert CANARY not in "".join(format_exception(refused.value))
    return refused.value.faults


def test_every_fault_has_its_line_and_key(tmp_path: Path) -> None:
    found = faults(BROKEN, tmp_path)
    assert [(fault.line, fault.key) for fault in found] == [
        (1, "sever"),
        (3, "server.port"),
        (5, "server.worker"),
        (10, "upstreams.azure.base_url"),
        (12, "upstreams.azure.timeouts.idle"),
        (14, "upstreams.azure.timeouts.conect"),
        (15, "upstreams.nameless"),
        (16, "upstreams.Bad Name"),
        (17, "upstreams.bare"),
        (19, "upstreams.empty.model"),
    ]
    said = [fault.what for fault in found]
    assert said[0] == "unknown key; did you mean `server`?"
    assert said[2] == "unknown key; did you mean `workers`?"
    assert said[5] == "unknown key; did you mean `connect`?"
    assert said[6].startswith("unknown provider; known are openai, litellm,")
    assert said[9] == "this key is required"


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("server: 5", "server", "a mapping belongs here"),
        ("upstreams: []", "upstreams", "a mapping belongs here"),
        ("upstreams: {a: null}", "upstreams.a", "a mapping belongs here"),
        ("server: {port: many}", "server.port", "a whole number belongs here"),
        ("server: {port: 1.5}", "server.port", "a whole number belongs here"),
        ("server: {host: 1}", "server.host", "text belongs here"),
        ("data: 5", "data", "a path belongs here"),
        ("upstreams: {a: {provider: scripted, down: x}}", "upstreams.a.down", "true or false belongs here"),
        ("upstreams: {a: {provider: scripted, drop: x}}", "upstreams.a.drop", "a list belongs here"),
        ("secret: 5", "secret", "write a reference, env:NAME or file:/path, not the secret itself"),
        ("pools: {p: {members: {a: 1}}, q: 5}", "pools.q", "a mapping belongs here"),
    ],
)
def test_what_belongs_there_is_said_in_plain_words(text: str, key: str, what: str, tmp_path: Path) -> None:
    (fault,) = faults(text, tmp_path)
    assert (fault.key, fault.what, fault.line) == (key, what, 1)


def test_the_message_lists_them_as_an_editor_wants_them(tmp_path: Path) -> None:
    path = tmp_path / "sluicegate.yaml"
    path.write_text("data: x\nserver:\n  prot: 1\n")
    with pytest.raises(BadSettings) as refused:
        load(path, {})
    assert refused.value.message == (
        f"{path} cannot be used:\n  {path}:3: server.prot: unknown key; did you mean `port`?"
    )


def test_a_fault_in_a_variable_names_the_variable(tmp_path: Path) -> None:
    (fault,) = faults("server: {port: 1}", tmp_path, {"SLUICE_PORT": "http"})
    assert str(fault).startswith("$SLUICE_PORT: server.port: ")


def test_keys_laid_under_by_an_alias_are_found_where_they_are_written(tmp_path: Path) -> None:
    shared = "upstreams:\n  a: &a\n    provider: scripted\n    down: 7\n  b:\n    <<: *a\n    model: m\n"
    assert {(fault.line, fault.key) for fault in faults(shared, tmp_path)} == {
        (4, "upstreams.a.down"),
        (4, "upstreams.b.down"),
    }


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"base_url": "http://"}, "base_url"),
        ({"base_url": "http://host:notaport/v1"}, "base_url"),
        ({"base_url": "http://host:99999/v1"}, "base_url"),
        ({"base_url": f"http://user:{CANARY}@host/v1"}, "base_url"),
        ({"base_url": "http://host/v1?api-version=1"}, "base_url"),
        ({"base_url": "http://host/ü"}, "base_url"),
        ({"headers": {"x": "a\r\nb: c"}}, "headers"),
        ({"headers": {"x": "ü"}}, "headers"),
        ({"headers": {"x y": "a"}}, "headers"),
        ({"headers": {"x\n": "a"}}, "headers"),
        ({"headers": {"Host": "elsewhere"}}, "headers"),
        ({"headers": {"transfer-encoding": "chunked"}}, "headers"),
        ({"headers": {"Authorization": f"Bearer {CANARY}"}}, "headers"),
        ({"api_key_header": "api key"}, "api_key_header"),
        ({"api_key_header": "x\n"}, "api_key_header"),
        ({"price": {"input": -1}}, "price.input"),
        ({"price": {"input": 0.5}}, "price.input"),
        ({"refuses": ["a", 1]}, "refuses.1"),
    ],
)
def test_an_upstream_is_checked_at_the_start_not_with_the_first_request(
    fields: dict[str, Any], key: str, tmp_path: Path
) -> None:
    upstream = {"provider": "openai", "model": "m", **fields}
    (fault,) = faults(yaml.safe_dump({"upstreams": {"a": upstream}}, sort_keys=False), tmp_path)
    assert fault.key == f"upstreams.a.{key}"
    assert fault.line is not None


@pytest.mark.parametrize(
    "text",
    [
        f"secret: {CANARY}",
        f"secret: {{reference: {CANARY}}}",
        f"secret: [{CANARY}]",
        f"secret: *{CANARY}",
        f"secret: !{CANARY} x",
        f"secret: !!int {CANARY}",
        f"secret: a: {CANARY}",
        f"secret: '{CANARY}",
        f'secret: "{CANARY}\\q"',
        f"secret: &{CANARY} a\ndata: &{CANARY} b",
        f"{{secret:{CANARY}}}",
        f"upstreams: {{a: {{provider: {CANARY}}}}}",
        f"upstreams: {{a: {{provider: openai, model: m, api_key: {CANARY}}}}}",
        f"upstreams: {{a: {{provider: openai, model: m, entra: {{client_secret: {CANARY}}}}}}}",
        f"upstreams: {{a: {{provider: litellm, model: m, credentials: {{api_key: {CANARY}}}}}}}",
        f"upstreams: {{a: {{provider: litellm, model: m, credentials: {CANARY}}}}}",
        f"upstreams: {{a: {{provider: litellm, model: m, arguments: {{api_key: {CANARY}}}}}}}",
        f"server: {{port: {CANARY}}}",
        f"data: {{a: {CANARY}}}",
        f"state: {{url: 'redis://:{CANARY}@host'}}",
        f"telemetry: {CANARY}",
    ],
)
def test_a_secret_given_by_mistake_is_never_told_back(text: str, tmp_path: Path) -> None:
    """Not in the message, and not in the error that caused it, as far as a traceback shows it."""
    found = faults(text, tmp_path)
    assert all(fault.line in (1, 2) for fault in found)


def test_what_to_write_instead_of_a_secret_is_said(tmp_path: Path) -> None:
    (fault,) = faults(f"secret: {CANARY}", tmp_path)
    assert (fault.key, fault.what) == ("secret", "write a reference, env:NAME or file:/path, not the secret itself")


BLANK = st.sampled_from(["", "# a comment", "    "])


@given(st.lists(st.tuples(st.booleans(), st.lists(BLANK, max_size=3)), min_size=1, max_size=12))
def test_the_lines_of_faults_are_right(tmp_path_factory: pytest.TempPathFactory, upstreams: list[Any]) -> None:
    """However the file is laid out: each upstream is right or wrong, after any number of blank lines."""
    lines, wrong = ["upstreams:"], []
    for number, (right, blanks) in enumerate(upstreams):
        lines += [f"  u{number}:", *blanks, "    provider: scripted", *blanks]
        lines += ["    down: true" if right else "    dowm: true"]
        if not right:
            wrong.append((len(lines), f"upstreams.u{number}.dowm", "unknown key; did you mean `down`?"))
    path = tmp_path_factory.getbasetemp() / "lines.yaml"
    path.write_text("\n".join(lines))
    if not wrong:
        assert len(load(path, {}).upstreams) == len(upstreams)
        return
    with pytest.raises(BadSettings) as refused:
        load(path, {})
    assert [(fault.line, fault.key, fault.what) for fault in refused.value.faults] == wrong
    assert all(re.search(rf"^  {re.escape(str(path))}:{line}: ", refused.value.message, re.M) for line, *_ in wrong)
