"""`sluice rollouts`, `endpoints`, `evidence`, `decisions` and `releases`: the way to production by commands, each as
people read it and as machines do."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.client import Client
from tests.cli.conftest import Done, Sluice
from tests.client.people import key
from tests.running import Gateway
from tests.waiting import wait_until

SUITE = "5" * 64
GATE = {"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.05}], "approvals": 1}
NAMES = (f"commands-{number}" for number in itertools.count())


@dataclass
class Way:
    """An endpoint, and commands given as somebody."""

    bot: str
    live: str
    sluice: Sluice
    become: Callable[[str], None]

    def __call__(self, who: str, *arguments: str) -> Done:
        self.become(who)
        return self.sluice(*arguments)

    def json(self, who: str, *arguments: str) -> Any:
        done = self(who, *arguments, "--json")
        assert done.code == 0, done.err
        return orjson.loads(done.out)


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> dict[str, str]:
    people = {"ada": "editor", "grace": "approver", "ci": "evaluator"}
    return {name: key(gateway, name, role) for name, role in people.items()} | {"root": gateway.key}


@pytest.fixture
def way(gateway: Gateway, keys: dict[str, str], sluice: Sluice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    name = next(NAMES)
    with Client(gateway.url, gateway.key) as root:
        root.releases.apply({"endpoints": {name: {"upstream": "demo"}}})
        live = root.endpoints.get(name).release
        assert live is not None
        yield Way(name, live, sluice, lambda who: monkeypatch.setenv("SLUICE_KEY", keys[who]))


def protected(way: Way, folder: Path) -> None:
    (folder / "gate.yaml").write_text(json.dumps(GATE))
    assert way("root", "endpoints", "gate", "set", way.bot, "-f", str(folder / "gate.yaml")).out.endswith("protected\n")


def proposed(way: Way, folder: Path, *more: str) -> Any:
    """One that goes from the gate to live."""
    (folder / "plan.yaml").write_text("canary: null\n")
    asked = ("--upstream", "other", "--plan", str(folder / "plan.yaml"), "--reason", "cheaper", *more)
    return way.json("ada", "rollouts", "propose", way.bot, *asked)


def evidence(folder: Path, release: str, baseline: str) -> str:
    items = [{"id": f"i{n}", "candidate": {"accuracy": 1}, "baseline": {"accuracy": n % 2}} for n in range(60)]
    run = {"release": release, "baseline": baseline, "suite": SUITE, "dataset": "d" * 64, "made": time.time()}
    (folder / "run.json").write_text(json.dumps({**run, "items": items}))
    return str(folder / "run.json")


def test_from_a_draft_to_live_and_back(way: Way, tmp_path: Path) -> None:
    protected(way, tmp_path)
    draft = proposed(way, tmp_path)
    assert (draft["stage"], draft["author"]) == ("draft", "ada")
    assert "[gate]" in way("ada", "rollouts", "submit", draft["id"]).out
    told = way("ada", "rollouts", "show", draft["id"]).out
    assert "approved by nobody, of 1 wanted" in told
    assert "ada  submitted" in told
    posted = way("ci", "evidence", "post", evidence(tmp_path, draft["release"], way.live))
    assert posted.code == 0, posted.err
    [one] = way.json("ada", "evidence", "list", draft["release"])["data"]
    assert one["id"] in way("ada", "evidence", "list", draft["release"]).out
    assert len(way.json("ada", "evidence", "show", one["id"])["body"]["items"]) == 60
    assert re.search(rf"^release +{draft['release']}$", way("ada", "evidence", "show", one["id"]).out, re.MULTILINE)
    agreed = way("grace", "rollouts", "approve", draft["id"], "--note", "Read it.", "--condition", "Tell the team.")
    assert agreed.code == 0, agreed.err
    assert "condition 1: Tell the team. (not met)" in way("ada", "rollouts", "show", draft["id"]).out
    assert way("grace", "rollouts", "meet", draft["id"], "1").code == 0
    watched = way("ada", "rollouts", "watch", draft["id"], "--every", "0.2")
    assert (watched.code, "live" in watched.out.splitlines()[-1]) == (0, True)
    assert f"live       {draft['release']}" in way("ada", "endpoints", "show", way.bot).out
    [row] = [line for line in way("ada", "endpoints", "list").out.splitlines() if line.startswith(f"{way.bot} ")]
    assert row.split()[1:] == [draft["release"][:12], "other", "yes"]
    [decision] = way.json("ada", "decisions", "list", "--endpoint", way.bot)["data"]
    assert way.json("ada", "decisions", "show", decision["id"])["outcome"] == "go_with_conditions"
    back = way("grace", "rollback", way.bot, "--reason", "Too cheap.")
    assert back.out == f"{way.bot} serves {way.live[:12]}\n"


def test_a_rollout_is_stopped(way: Way, tmp_path: Path) -> None:
    protected(way, tmp_path)
    rollout = proposed(way, tmp_path, "--submit")["id"]
    assert way.json("ada", "rollouts", "pause", rollout, "--reason", "Lunch.")["state"] == "paused"
    assert way.json("ada", "rollouts", "resume", rollout)["state"] == "running"
    told = way("ada", "rollouts", "approve", rollout)
    assert told.code == 1
    assert "approver" in told.err
    assert way("ada", "rollouts", "abort", rollout, "--reason", "No.").code == 0
    assert way("ada", "rollouts", "watch", rollout).code == 2
    other = proposed(way, tmp_path, "--submit")["id"]
    assert way("grace", "rollouts", "reject", other, "--reason", "Never.").code == 0
    wait_until(lambda: way.json("ada", "rollouts", "show", other)["state"] == "aborted")
    found = way("ada", "rollouts", "list", "--endpoint", way.bot)
    assert {line.split()[0] for line in found.out.splitlines()[1:]} == {rollout, other}


def test_a_gate_is_changed_by_two(way: Way, tmp_path: Path) -> None:
    protected(way, tmp_path)
    change = way.json("root", "endpoints", "gate", "remove", way.bot, "--reason", "In my way.")["change"]["id"]
    assert change in way("ada", "endpoints", "gate", "changes", "--state", "waiting").out
    assert way("root", "endpoints", "gate", "approve", change).code == 1
    assert way("grace", "endpoints", "gate", "reject", change).out == f"{way.bot}: refused\n"
    assert way.json("ada", "endpoints", "show", way.bot)["protected"] is True
    [done] = [one for one in way.json("ada", "endpoints", "gate", "changes")["data"] if one["id"] == change]
    assert done["decided_by"] == "grace"


def test_the_glass_is_broken_and_swept_up(way: Way, tmp_path: Path) -> None:
    protected(way, tmp_path)
    release = way("ada", "releases", "make", "--upstream", "other", "--parameters", '{"temperature": 0}').out.strip()
    assert way.json("ada", "releases", "show", release)["parameters"] == {"temperature": 0}
    assert (
        way.json("ada", "releases", "make", "--upstream", "other", "--parameters", '{"temperature": 0}')["digest"]
        == release
    )
    assert re.search(r"^upstream +other$", way("ada", "releases", "show", release).out, re.MULTILINE)
    refused = way("grace", "break-glass", way.bot, "--release", release, "--reason", "It burns.")
    assert refused.code == 1
    assert way("ci", "evidence", "post", evidence(tmp_path, release, way.live)).code == 0
    broken = way.json("grace", "break-glass", way.bot, "--release", release, "--reason", "It burns.")
    [row] = [line for line in way("ada", "endpoints", "list").out.splitlines() if line.startswith(f"{way.bot} ")]
    assert row.endswith("1 to review")
    assert "It burns." in way("ada", "endpoints", "breakings", "--unreviewed").out
    assert way("grace", "endpoints", "review", broken["id"], "--note", "Fine by me.").code == 1
    assert way("root", "endpoints", "review", broken["id"], "--note", "It did.").out == f"reviewed {broken['id']}\n"
    [held] = [one for one in way.json("ada", "endpoints", "breakings")["data"] if one["id"] == broken["id"]]
    assert (held["reviewed_by"], held["review"]) == ("admin", "It did.")


def test_people_record_what_they_decide(way: Way) -> None:
    asked = ("decisions", "record", way.bot, way.live, "return_to_phase", "--reason", "More data first.")
    done = way("grace", *asked)
    assert (done.code, "phase" in done.err) == (1, True)
    forecast = '{"value": 5000000, "basis": "a pilot"}'
    more = ("--phase", "data_preparation", "--risk", "drift", "--forecast", forecast, "--expires", "2030-01-01")
    made = way.json("grace", *asked, *more)
    held = way.json("ada", "decisions", "show", made["id"])
    assert held["body"]["forecast"]["value"] == 5_000_000
    assert held["body"]["risks"] == ["drift"]
    assert held["expires"] == 1_893_456_000
    told = way("ada", "decisions", "show", made["id"]).out
    assert re.search(r"^outcome +return_to_phase$", told, re.MULTILINE)
    assert re.search(r"^expires +2030-01-01 00:00", told, re.MULTILINE)
    assert made["id"] in way("ada", "decisions", "list", "--endpoint", way.bot).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rollouts", "propose", "bot"), "Name a --release"),
        (("rollouts", "propose", "bot", "--parameters", "{"), "--parameters is not JSON"),
        (("rollouts", "propose", "nobody", "--upstream", "demo"), "nobody"),
        (("rollouts", "show", "ro_nobody"), "ro_nobody"),
        (("rollouts", "propose", "bot", "--upstream", "demo", "--plan", "none.yaml"), "none.yaml"),
        (("endpoints", "show", "nobody"), "nobody"),
        (("endpoints", "gate", "set", "bot", "-f", "none.yaml"), "none.yaml"),
        (("releases", "make", "--upstream", "demo", "--parameters", "{"), "--parameters is not JSON"),
        (("releases", "show", "nobody"), "nobody"),
        (("evidence", "post", "none.json"), "none.json"),
        (("evidence", "show", "ev_nobody"), "ev_nobody"),
        (("decisions", "show", "de_nobody"), "de_nobody"),
    ],
)
def test_errors_name_what_is_wrong(way: Way, arguments: tuple[str, ...], says: str) -> None:
    done = way("root", *arguments)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
