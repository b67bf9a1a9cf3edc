"""Evidence through the admin API: listed by release and suite, and looked at without its texts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio

SUITE = "5" * 64


def run_of(release: str, values: list[float], **fields: Any) -> dict[str, Any]:
    """Items in pairs, of two languages; the baseline is right in all but the first two."""
    items = [
        {
            "id": f"q{n}",
            "cluster": f"c{n // 2}",
            "slices": {"language": "de" if n % 2 else "en"},
            "candidate": {"answer": value, "seconds": 1.0 + n},
            **({"baseline": {"answer": float(n > 1), "seconds": 2.0 + n}} if "baseline" in fields else {}),
        }
        for n, value in enumerate(values)
    ]
    body = {"release": release, "suite": SUITE, "dataset": "d" * 64, "made": 1e9, "items": items}
    return {**body, **fields}


async def releases(running: Inside) -> tuple[str, str]:
    found = []
    for parameters in ("{temperature: 0.1}", "{temperature: 0.2}"):
        await running.apply(f"endpoints: {{bot: {{upstream: demo, parameters: {parameters}}}}}")
        found.append((await running.client.get("/admin/endpoints/bot")).json()["release"])
    return found[0], found[1]


async def accepted(running: Inside, body: dict[str, Any]) -> dict[str, Any]:
    reply = await running.client.post("/admin/evidence", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def test_evidence_is_listed_by_release_and_by_suite(running: Inside) -> None:
    old, new = await releases(running)
    first = await accepted(running, run_of(old, [1.0, 0.0], name="capitals", cost=12))
    second = await accepted(running, run_of(new, [1.0] * 4, suite="6" * 64))

    async def listed(**params: Any) -> list[str]:
        return [one["id"] for one in (await running.client.get("/admin/evidence", params=params)).json()["data"]]

    assert set(await listed()) == {first["id"], second["id"]}
    assert await listed(release=old) == await listed(suite=SUITE) == [first["id"]]
    assert await listed(release=new, suite=SUITE) == []
    assert len(await listed(limit=1)) == 1
    assert (await running.client.get("/admin/evidence", params={"suite": "short"})).status_code == 400
    assert (first["name"], first["items"], first["cost"]) == ("capitals", 2, 12)
    assert first["metrics"] == {"answer": {"candidate": 0.5}, "seconds": {"candidate": 1.5}}


async def test_the_same_results_are_the_same_evidence_and_as_old(running: Inside) -> None:
    old, _ = await releases(running)
    first = await accepted(running, run_of(old, [1.0, 0.0]))
    again = await accepted(running, run_of(old, [1.0, 0.0], made=2e9))
    assert again == first
    body = (await running.client.get(f"/admin/evidence/{first['id']}")).json()["body"]
    assert body["made"] == 1e9
    assert (await accepted(running, run_of(old, [1.0, 1.0])))["id"] != first["id"]


async def test_suites_that_were_run(running: Inside) -> None:
    old, new = await releases(running)
    await accepted(running, run_of(old, [1.0, 0.0], name="capitals"))
    await accepted(running, run_of(old, [1.0, 1.0], name="capitals"))
    await accepted(running, run_of(new, [0.0, 0.0, 0.0], name="capitals"))
    (suite,) = (await running.client.get("/admin/suites")).json()["data"]
    assert (suite["suite"], suite["name"], suite["runs"], suite["releases"]) == (SUITE, "capitals", 3, 2)
    assert (suite["items"], suite["metrics"]["answer"]) == (3, {"candidate": 0.0}), "the newest run's"
    assert suite["first"] <= suite["last"]


async def test_what_one_piece_says(running: Inside) -> None:
    old, new = await releases(running)
    judge = {
        "digest": "a" * 64,
        "metrics": ["answer"],
        "counts": {"true_right": 40, "false_wrong": 10, "true_wrong": 45, "false_right": 5},
        "family": "gpt",
        "judged": "gpt",
    }
    body = run_of(new, [1.0, 1.0, 1.0, 0.0, 1.0, 1.0], baseline=old, judges=[judge], lower=[])
    made = await accepted(running, body)
    found = (await running.client.get(f"/admin/evidence/{made['id']}/overview")).json()
    answer, seconds = found["metrics"]
    assert (answer["name"], answer["lower"], seconds["name"], seconds["lower"]) == ("answer", False, "seconds", True)
    assert (answer["candidate"]["value"], answer["candidate"]["clusters"]) == (pytest.approx(5 / 6), 3)
    assert (answer["change"]["better"], answer["change"]["worse"]) == (2, 1)
    assert answer["gained"] == [{"item": f"q{n}", "before": 0.0, "after": 1.0} for n in (0, 1)]
    assert answer["lost"] == [{"item": "q3", "before": 1.0, "after": 0.0}]
    assert [(one["value"], one["change"]["difference"]) for one in answer["parts"]] == [("de", 0.0), ("en", 1 / 3)]
    assert [(one["value"], one["found"]["value"]) for one in answer["slices"]] == [("de", 2 / 3), ("en", 1.0)]
    assert (seconds["change"]["better"], seconds["change"]["difference"]) == (6, -1.0)
    (card,) = found["judges"]
    assert (card["sensitivity"]["value"], card["specificity"]["value"], card["same_family"]) == (0.8, 0.9, True)


async def test_without_a_baseline_nothing_changed(running: Inside) -> None:
    old, _ = await releases(running)
    made = await accepted(running, run_of(old, [1.0, 0.5]))
    answer = (await running.client.get(f"/admin/evidence/{made['id']}/overview")).json()["metrics"][0]
    assert (answer["change"], answer["gained"], answer["parts"]) == (None, [], [])
    assert answer["candidate"] == {"value": 0.75, "low": None, "high": None, "n": 2, "clusters": 1}


async def test_evidence_that_there_is_not(running: Inside) -> None:
    for path in ("/admin/evidence/ev_0", "/admin/evidence/ev_0/overview"):
        reply = await running.client.get(path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "unknown_evidence")
