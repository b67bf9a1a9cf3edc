"""`sluice webhooks`: from creation to a message that is sent again, as people read it and as machines do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
import pytest

from gateway.client import verify_webhook
from tests.answering import Told, answering
from tests.cli.conftest import Sluice
from tests.running import Gateway


@pytest.fixture
def told(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    with answering() as server:
        server.answer(200, b"")
        yield server


@pytest.fixture
def webhook(sluice: Sluice, told: Told) -> Iterator[str]:
    """Its id."""
    made = orjson.loads(sluice("webhooks", "create", told.url, "-e", "retention.", "--json").out)
    assert made["secret"].startswith("whsec_")
    yield made["id"]
    assert sluice("webhooks", "delete", made["id"]).out == f"{made['id']} is gone\n"


def test_create_says_what_to_do_next(sluice: Sluice, told: Told) -> None:
    done = sluice("webhooks", "create", told.url, "-e", "retention.", "-e", "limits.set")
    assert done.code == 0, done.err
    name, secret = re.findall(r"^(wh_\w+) tells .* of retention\., limits\.set$|(whsec_\S+),", done.out, re.MULTILINE)
    assert f"sluice webhooks test {name[0]}" in done.out
    assert sluice("webhooks", "test", name[0]).out == "arrived: HTTP 200\n"
    [asked] = told.asked
    assert verify_webhook(secret[1], asked.headers, asked.raw)["type"] == "webhooks.tried"
    assert sluice("webhooks", "delete", name[0], "--json").code == 0


def test_a_test_that_does_not_arrive(sluice: Sluice, told: Told, webhook: str) -> None:
    told.answers.clear()
    told.answer(500, b"")
    done = sluice("webhooks", "test", webhook)
    assert (done.code, done.out) == (1, "did not arrive: HTTP 500\n")
    assert re.search(
        rf"^{webhook} .*retention\. +1 +nothing arrives since", sluice("webhooks", "list").out, re.MULTILINE
    )
    done = sluice("webhooks", "test", webhook, "--json")
    assert (done.code, orjson.loads(done.out)["last"]) == (1, "HTTP 500")


def test_what_was_sent_is_shown_and_sent_again(sluice: Sluice, told: Told, webhook: str) -> None:
    sluice("webhooks", "test", webhook)
    [first] = orjson.loads(sluice("webhooks", "deliveries", webhook, "--json").out)["data"]
    row = rf"^{first['id']} .*webhooks\.tried +webhook:{webhook} +delivered +1 +HTTP 200"
    assert re.search(row, sluice("webhooks", "deliveries", webhook).out, re.MULTILINE)
    again = sluice("webhooks", "redeliver", webhook, str(first["id"]))
    assert again.out.startswith(f"{first['message']} is sent again, as delivery ")
    assert orjson.loads(sluice("webhooks", "redeliver", webhook, str(first["id"]), "--json").out)["state"] == "waiting"
    assert "Nothing yet" in sluice("webhooks", "deliveries", webhook, "--state", "given_up").out


def test_it_is_stopped_and_begins_again(sluice: Sluice, told: Told, webhook: str) -> None:
    assert "disabled" in sluice("webhooks", "change", webhook, "--disable").out
    [shown] = [one for one in sluice("webhooks", "list", "--json").listed if one["id"] == webhook]
    assert shown["disabled"] is not None
    changed = sluice(
        "webhooks", "change", webhook, "--enable", "-e", "limits.", "--address", f"{told.url}/other", "--json"
    )
    assert orjson.loads(changed.out)["url"] == f"{told.url}/other"
    assert ": in order" in sluice("webhooks", "change", webhook).out


@pytest.mark.usefixtures("told")
def test_errors_say_what_is_wrong(sluice: Sluice) -> None:
    done = sluice("webhooks", "create", "http://127.0.0.1:1/", "-e", "prompts.")
    assert done.code == 1
    assert "'prompts.' is no act of the audit log" in done.err
    assert "There is no webhook 'wh_none'" in sluice("webhooks", "test", "wh_none").err
