"""Resolving a model's name: endpoints, upstreams and adapters, each only for a key that may know of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import KeyHasher, KeyRing
from gateway.amounts import Allowance
from gateway.errors import NotFound, Unavailable
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.releases.resolve import Endpoint, LiveRelease
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


def test_a_swap_is_whole() -> None:
    snapshots = Snapshots(SNAPSHOT)
    held = snapshots.current
    other = Snapshot("t", 2, 0, SNAPSHOT.keys, {}, {}, {}, {})
    snapshots.swap(other)
    assert snapshots.current is other
    assert held is SNAPSHOT
