"""`sluice calls content`: what was said, for people and for machines."""

from __future__ import annotations

import orjson

from gateway import configuration
from gateway.data_folder import open_store
from gateway.store import contents
from gateway.store.contents import Content
from tests.cli.conftest import Sluice

CONTENT = Content("req_1", 17, '{"said":"[card]"}', '{"answer":"cut o', {"card": 1}, True)
SECOND = Content("req_2", 18, "{}", None, {}, False)


def keep() -> None:
    store = open_store(configuration.load())
    with store.begin() as connection:
        contents.ship(connection, "segment", 1, [CONTENT, SECOND])
    store.close()


def test_people_see_what_was_said_and_what_was_taken_out(sluice: Sluice) -> None:
    keep()
    assert sluice("calls", "content", "req_1").out.splitlines() == [
        "request",
        "{",
        '  "said": "[card]"',
        "}",
        "answer",
        '{"answer":"cut o',
        "taken out: 1 card; cut",
    ]
    assert sluice("calls", "content", "req_2").out.splitlines()[-2:] == ["not kept", "taken out: nothing"]


def test_machines_get_all_of_it(sluice: Sluice) -> None:
    keep()
    assert orjson.loads(sluice("calls", "content", "req_1", "--json").out) == {
        "id": "req_1",
        "started": 17,
        "request": '{"said":"[card]"}',
        "answer": '{"answer":"cut o',
        "redacted": {"card": 1},
        "truncated": True,
    }


def test_what_is_not_kept_says_what_to_set(sluice: Sluice) -> None:
    done = sluice("calls", "content", "req_9")
    assert done.code == 1
    assert "the setting `content`" in done.err
