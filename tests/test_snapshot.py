"""Resolving a model's name: endpoints, upstreams and adapters, each only for a key that may know of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import ROLES, KeyHasher, KeyRing
from gateway.amounts import Allowance
from gateway.arms import NOWHERE, Place
from gateway.errors import NotFound, Unavailable
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.releases.resolve import Endpoint, LiveRelease, Trial
from gateway.routing import Pool
from gateway.snapshot import Snapshot, Snapshots
from gateway.types import Principal, Release
from gateway.upstreams import Upstream

LIVE = LiveRelease.of(Release("d" * 64, None, "small"), None)
SMALL = Upstream("small", "scripted", "m", ScriptedProvider(ScriptedConfig()))
TUNED = Upstream("tuned", "transformers", "m", ScriptedProvider(ScriptedConfig()), adapters=("v1", "v:2"))
BOTH = Pool("both", (SMALL, TUNED), (1, 1))
LIMITS = Allowance("endpoint:bot", concurrent=1)
SNAPSHOT = Snapshot(
    digest="s",
    revision=1,
    began=0,
    keys=KeyRing(KeyHasher(b"p"), {}),
    endpoints={"bot": Endpoint("bot", None, 0, LIVE, (LIMITS,)), "other": Endpoint("other", None, 0, LIVE)},
    upstreams={"small": SMALL, "tuned": TUNED},
    pools={"small": Pool("small", (SMALL,)), "tuned": Pool("tuned", (TUNED,)), "both": BOTH},
    broken={"broken": "Its upstream is gone."},
)
ALL = Principal("k", "n", upstreams=None)
NAMES = ("bot", "other", "small", "tuned", "tuned:v1", "tuned:v:2", "broken")
SCOPES = st.none() | st.frozensets(st.sampled_from(["bot", "other", "small", "tuned", "broken", "tuned:v1"]))


def test_an_endpoint_is_its_live_release_on_its_upstream() -> None:
    route = SNAPSHOT.resolve("bot", ALL)
    assert (route.endpoint, route.release, route.pool.members[0], route.adapter) == ("bot", LIVE, SMALL, None)
    assert route.allowances == (LIMITS,)
    assert SNAPSHOT.resolve("small", ALL).allowances == ()


def test_an_upstream_by_name_has_no_release() -> None:
    route = SNAPSHOT.resolve("small", ALL)
    assert (route.endpoint, route.release, route.pool.members[0], route.adapter) == (None, None, SMALL, None)


@pytest.mark.parametrize("adapter", TUNED.adapters)
def test_an_adapter_is_asked_for_with_its_upstream(adapter: str) -> None:
    route = SNAPSHOT.resolve(f"tuned:{adapter}", ALL)
    assert (route.pool.members[0], route.adapter, route.model) == (TUNED, adapter, f"tuned:{adapter}")


@pytest.mark.parametrize("name", ["", ":", "tuned:", "tuned:v2", "small:v1", ":v1", "bot:v1", "Bot", "bot ", "nowhere"])
def test_what_does_not_exist(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        SNAPSHOT.resolve(name, ALL)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_a_broken_endpoint_says_why() -> None:
    with pytest.raises(Unavailable) as refused:
        SNAPSHOT.resolve("broken", ALL)
    assert "Its upstream is gone." in refused.value.message


@given(SCOPES, SCOPES, st.sampled_from((*NAMES, "nowhere")))
def test_what_a_key_may_not_know_of_looks_like_nothing(
    endpoints: frozenset[str] | None, upstreams: frozenset[str] | None, name: str
) -> None:
    """Whatever its scope, a key gets what is in it, and for all else the very words of what does not exist."""
    principal = Principal("k", "n", frozenset(), endpoints, upstreams)
    scope = endpoints if name in ("bot", "other", "broken") else upstreams
    held = name.partition(":")[0]
    allowed = name != "nowhere" and (scope is None or held in scope)
    seen = [entry.name for group in SNAPSHOT.visible(principal) for entry in group]
    if not allowed:
        with pytest.raises(NotFound) as refused:
            SNAPSHOT.resolve(name, principal)
        assert refused.value.message == f"The model {name!r} does not exist or you do not have access to it."
        assert held not in seen
    elif name == "broken":
        with pytest.raises(Unavailable):
            SNAPSHOT.resolve(name, principal)
    else:
        assert SNAPSHOT.resolve(name, principal).model == name
        assert held in seen


HEDGED = Pool("hedged", (TUNED,), (1,), (SMALL,), retries=3, hedge_after=1.0)
CANDIDATE = LiveRelease.of(Release("c0ffee00" + "c" * 56, None, "hedged"), None)
TRIAL = Trial("roll_1", CANDIDATE, "gate", 0, 0.0, b"s", "conversation")
EVALUATOR = Principal("k", "n", frozenset(("evaluator",)))


def tried(trial: Trial, live: LiveRelease | None = LIVE) -> Snapshot:
    endpoints = {"bot": Endpoint("bot", None, 0, live, (LIMITS,), 60.0, trial)}
    return replace(SNAPSHOT, endpoints=endpoints, pools={**SNAPSHOT.pools, "hedged": HEDGED})


def test_before_its_canary_a_rollout_is_none_of_a_call_s() -> None:
    route = tried(TRIAL).resolve("bot", ALL)
    assert (route.trial, route.candidate, route.place, route.release) == (None, None, NOWHERE, LIVE)


def test_in_a_canary_the_candidate_is_another_way_to_the_same_endpoint() -> None:
    trial = replace(TRIAL, weight=0.1)
    route = tried(trial).resolve("bot", ALL)
    assert (route.release, route.trial) == (LIVE, trial)
    other = route.candidate
    assert other is not None
    assert (other.release, other.pool, other.endpoint, other.model) == (CANDIDATE, HEDGED, "bot", "bot")
    assert (other.allowances, other.cache_ttl, other.trial) == (route.allowances, 60.0, None)
    assert other.digest == CANDIDATE.release.digest


def test_a_shadow_is_paid_for_by_its_rollout_and_heard_of_by_no_breaker() -> None:
    budget = Allowance("rollout:roll_1", budget=5, budget_period="total")
    shadowing = tried(replace(TRIAL, sample=0.5, budget=budget))
    other = shadowing.resolve("bot", ALL).candidate
    assert other is not None
    assert (other.allowances, other.cache_ttl, other.release) == ((budget,), None, CANDIDATE)
    assert (other.pool.hedge_after, other.pool.retries) == (None, 3)
    for unseen, seen in zip((*other.pool.members, *other.pool.fallbacks), (TUNED, SMALL), strict=True):
        assert unseen == seen
        assert unseen.health is not seen.health
    without = tried(replace(TRIAL, sample=0.5)).resolve("bot", ALL).candidate
    assert without is not None
    assert without.allowances == ()


@pytest.mark.parametrize("role", ROLES)
def test_evaluators_ask_for_a_candidate_by_its_digest(role: str) -> None:
    principal = Principal("k", "n", frozenset((role,)))
    if role == "viewer":
        with pytest.raises(NotFound):
            tried(TRIAL).resolve("bot@c0ffee00", principal)
        return
    route = tried(TRIAL).resolve("bot@c0ffee00", principal)
    assert (route.release, route.pool, route.endpoint) == (CANDIDATE, HEDGED, "bot")
    assert route.place == Place("roll_1", "candidate")
    assert (route.trial, route.cache_ttl, route.allowances) == (None, None, (LIMITS,))


def test_a_candidate_is_asked_before_anything_is_live() -> None:
    assert tried(TRIAL, live=None).resolve("bot@c0ffee00", EVALUATOR).release is CANDIDATE


def test_evaluators_ask_for_the_live_release_by_its_digest_and_get_no_other() -> None:
    name = f"bot@{LIVE.release.digest[:8]}"
    for snapshot in (SNAPSHOT, tried(replace(TRIAL, weight=0.5))):
        route = snapshot.resolve(name, EVALUATOR)
        assert (route.release, route.trial, route.candidate, route.place) == (LIVE, None, None, NOWHERE)
    with pytest.raises(NotFound):
        tried(TRIAL).resolve(name, ALL)


@pytest.mark.parametrize(
    "name",
    [
        "bot@",
        "bot@c0ffee0",
        "bot@C0FFEE00",
        "bot@d0ffee00",
        "bot@c0ffee00" + "c" * 57,
        "bot@eeeeeeee",
        "nobody@c0ffee00",
    ],
)
def test_a_candidate_that_does_not_exist(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        tried(TRIAL).resolve(name, EVALUATOR)
    assert refused.value.code == "model_not_found"


def test_a_candidate_of_an_endpoint_that_the_key_may_not_use() -> None:
    limited = replace(EVALUATOR, endpoints=frozenset(("other",)))
    with pytest.raises(NotFound):
        tried(TRIAL).resolve("bot@c0ffee00", limited)
    assert tried(TRIAL).resolve("bot@c0ffee00", replace(EVALUATOR, endpoints=frozenset(("bot",))))


def test_without_a_rollout_there_is_no_candidate() -> None:
    with pytest.raises(NotFound):
        SNAPSHOT.resolve("bot@c0ffee00", EVALUATOR)


def test_an_endpoint_with_nothing_proven_says_so_to_those_who_may_know() -> None:
    snapshot = tried(TRIAL, live=None)
    with pytest.raises(Unavailable) as refused:
        snapshot.resolve("bot", ALL)
    assert refused.value.code == "nothing_live"
    with pytest.raises(NotFound):
        snapshot.resolve("bot", Principal("k", "n", endpoints=frozenset()))
    assert snapshot.visible(ALL)[0] == []


def test_a_swap_is_whole() -> None:
    snapshots = Snapshots(SNAPSHOT)
    held = snapshots.current
    other = Snapshot("t", 2, 0, SNAPSHOT.keys, {}, {}, {}, {})
    snapshots.swap(other)
    assert snapshots.current is other
    assert held is SNAPSHOT
