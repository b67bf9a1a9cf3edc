"""What a policy may say of servers: where they are, and which variables hold what they want."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from guardrails.errors import NotRun
from guardrails.outside import Address, Header, Reference, check_encrypted, secret

ADDRESS, HEADER, REFERENCE = TypeAdapter(Address), TypeAdapter(Header), TypeAdapter(Reference)


@pytest.mark.parametrize("url", ["https://guard.example/check", "http://[::1]:8000", "http://10.0.0.7:80/v1?a=b"])
def test_addresses(url: str) -> None:
    assert ADDRESS.validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://guard.example",
        "guard.example",
        "https://",
        "https://user:secret@guard.example",
        "https://guard.example/#part",
        "https://guard.example:99999",
        "https://guard.example:0",
        "https://[half",
        "https://guard.example/a b",
        "https://guard.example/\r\nx: y",
        "https://gu\u00e4rd.example",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValidationError):
        ADDRESS.validate_python(url)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "x y", "x:y", "", "x\n"])
def test_headers_that_a_policy_cannot_say(name: str) -> None:
    with pytest.raises(ValidationError):
        HEADER.validate_python(name)


@pytest.mark.parametrize(
    "written", ["sk-123", "env:AWS_SECRET_ACCESS_KEY", "env:SLUICE_KEY", "env:GUARD_", "GUARD_KEY"]
)
def test_only_variables_for_guards_may_be_named(written: str) -> None:
    with pytest.raises(ValidationError):
        REFERENCE.validate_python(written)


def test_a_secret_is_what_its_variable_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_KEY", " s3cret\n")
    monkeypatch.setenv("OTHER_KEY", "not for guards")
    assert secret(REFERENCE.validate_python("env:GUARD_KEY")) == "s3cret"
    with pytest.raises(NotRun, match="OTHER_KEY is not set"):
        secret("env:OTHER_KEY")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_not_set_is_said_by_its_name(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("GUARD_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("GUARD_KEY", value)
    with pytest.raises(NotRun, match="the variable GUARD_KEY is not set"):
        secret("env:GUARD_KEY")


def test_what_no_header_can_hold_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_KEY", "a\r\nx-other: b")
    with pytest.raises(NotRun, match="GUARD_KEY holds what no header can") as caught:
        secret("env:GUARD_KEY")
    assert "x-other" not in caught.value.message


def test_in_the_clear_only_where_it_is_allowed() -> None:
    check_encrypted("https://guard.example", allow_http=False)
    check_encrypted("http://guards:8000", allow_http=True)
    with pytest.raises(ValueError, match="allow_http: true"):
        check_encrypted("http://guards:8000", allow_http=False)
