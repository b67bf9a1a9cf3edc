"""Who is asked, and who is asked next: weights, users that stay, and every kind of fault."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    BadRequest,
    ClosedBeforeReply,
    ContextLength,
    GatewayError,
    RateLimited,
    TooLarge,
    Unavailable,
    Unequipped,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.health import OPENS_AT
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.routing import LAST_PATIENCE, LONGEST_PAUSE, Fault, Plan, Pool, fault_of, tell
from gateway.upstreams import Upstream

BROKEN = UpstreamRefused("It answered 503.", upstream_status=503, error=None)
DEAD = UpstreamTimeout("It said nothing.")
CLIENTS = BadRequest("Not like that.")


def upstream(name: str) -> Upstream:
    return Upstream(name, "scripted", "m", ScriptedProvider(ScriptedConfig()))


def pool(members: str = "a", fallbacks: str = "", **more: object) -> Pool:
    named = tuple(upstream(name) for name in members)
    return Pool("p", named, (1,) * len(named), tuple(upstream(name) for name in fallbacks), **more)  # type: ignore[arg-type]


def asked(of: Pool, *errors: GatewayError) -> list[str]:
    """The upstreams asked, one after the other, if they fail so; `!` where the client is told."""
    plan = Plan(of, "someone")
    found, _ = plan.first()
    names = [found.name]
    for error in errors:
        step = plan.after(found, error)
        if step is None:
            return [*names, f"! {plan.told(error).message}"]
        found = step[0]
        names.append(found.name)
    return names


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (CLIENTS, Fault.REQUEST),
        (ContextLength("long"), Fault.REQUEST),
        (TooLarge("large"), Fault.REQUEST),
        (UpstreamRefused("no", upstream_status=200, error=None, code="content_filter"), Fault.REQUEST),
        (RateLimited("slow down", retry_after=1), Fault.BUSY),
        (RateLimited("pay", code="insufficient_quota"), Fault.UPSTREAM),
        (BROKEN, Fault.PASSING),
        (ClosedBeforeReply(), Fault.PASSING),
        (UpstreamFailed("no route", code="upstream_unreachable"), Fault.PASSING),
        (UpstreamFailed("cut", code="upstream_cut"), Fault.PASSING),
        (Unavailable("full"), Fault.PASSING),
        (Unequipped("no torch"), Fault.UPSTREAM),
        (UpstreamFailed("nonsense", code="upstream_garbage"), Fault.UPSTREAM),
        (UpstreamFailed("our key", code="upstream_credentials"), Fault.UPSTREAM),
        (DEAD, Fault.UPSTREAM),
    ],
)
def test_whose_fault_it_is(error: GatewayError, fault: Fault) -> None:
    assert fault_of(error) is fault


def test_a_fault_of_the_request_is_told_at_once() -> None:
    assert asked(pool("ab", "c"), CLIENTS) == [asked(pool("ab"))[0], "! Not like that."]


def test_a_passing_fault_goes_to_the_other_members_then_to_the_same_again_then_to_the_fallbacks() -> None:
    first, second = (found.name for found in pool("ab").order("someone"))
    whole = asked(pool("ab", "cd"), *[BROKEN] * 6)
    assert whole == [first, second, second, "c", "c", "d", "d"]
    assert asked(pool("ab", "c", retries=0), *[BROKEN] * 3) == [first, second, "c", "! It answered 503."]


def test_a_dead_upstream_is_not_asked_again() -> None:
    assert asked(pool("a", "b"), DEAD, DEAD) == ["a", "b", "! It said nothing."]


def test_a_busy_one_is_left_for_another_unless_it_will_be_free_in_a_moment() -> None:
    assert asked(pool("a", "b"), RateLimited("busy", retry_after=5)) == ["a", "b"]
    assert asked(pool("a", "b"), RateLimited("busy", retry_after=0.5)) == ["a", "a"]
    assert asked(pool("a"), RateLimited("busy", retry_after=5)) == ["a", "a"]
    assert asked(pool("a"), RateLimited("busy", retry_after=LAST_PATIENCE + 1)) == ["a", "! busy"]


def test_what_it_said_is_how_long_to_wait_and_otherwise_the_pause_is_bounded() -> None:
    plan = Plan(pool("a", retries=10))
    found, _ = plan.first()
    assert plan.after(found, RateLimited("busy", retry_after=3.5)) == (found, 3.5)
    for _ in range(9):
        step = plan.after(found, BROKEN)
        assert step is not None
        assert 0 <= step[1] <= LONGEST_PAUSE


def test_a_fallbacks_refusal_of_the_request_is_not_the_clients() -> None:
    assert asked(pool("a", "bc", retries=0), BROKEN, CLIENTS) == ["a", "b", "c"]
    assert asked(pool("a", "b", retries=0), BROKEN, CLIENTS) == ["a", "b", "! It answered 503."]


def test_one_whose_breaker_is_open_is_not_asked() -> None:
    of = pool("a", "b")
    for _ in range(OPENS_AT):
        tell(of.members[0].health, BROKEN)
    assert asked(of) == ["b"]
    for _ in range(OPENS_AT):
        tell(of.fallbacks[0].health, BROKEN)
    with pytest.raises(Unavailable, match=r"It answered 503\.") as refused:
        asked(of)
    assert refused.value.code == "upstream_circuit_open"
    assert refused.value.retry_after is not None


def test_one_that_rests_is_waited_for_where_there_is_no_other() -> None:
    of = pool("a")
    tell(of.members[0].health, RateLimited("busy", retry_after=2.0))
    _, pause = Plan(of).first()
    assert 1.9 < pause <= 2.0 * 1.2
    tell(of.members[0].health, RateLimited("very busy", retry_after=100.0))
    with pytest.raises(RateLimited, match="very busy"):
        Plan(of).first()


def test_repeats_end_when_everything_fails() -> None:
    of = pool("a", retries=1)
    repeated = 0
    for _ in range(100):
        repeated += asked(of, BROKEN) == ["a", "a"]
    assert repeated == 10


def test_a_refused_request_says_that_the_upstream_is_well() -> None:
    of = pool("a")
    for _ in range(3 * OPENS_AT):
        tell(of.members[0].health, CLIENTS)
        tell(of.members[0].health, Unequipped("no torch"))
        tell(of.members[0].health, RateLimited("no word of when"))
    assert of.members[0].health.state == "closed"


@given(st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(any))
def test_members_are_chosen_by_weight_and_users_stay(weights: list[int]) -> None:
    named = tuple(upstream(f"m{at}") for at in range(len(weights)))
    of = Pool("p", named, tuple(weights))
    users = [f"user-{number}" for number in range(2000)]
    chosen = Counter(of.order(user)[0].name for user in users)
    for member, weight in zip(named, weights, strict=True):
        share = weight / sum(weights)
        assert abs(chosen[member.name] / 2000 - share) < 0.06
    assert [of.order(user)[0] for user in users[:50]] == [of.order(user)[0] for user in users[:50]]


def test_when_a_member_goes_only_its_users_move() -> None:
    names = "abcd"
    whole = {user: pool(names).order(str(user))[0].name for user in range(300)}
    less = {user: pool("abc").order(str(user))[0].name for user in range(300)}
    assert {whole[user] for user in whole if whole[user] != less[user]} == {"d"}


def test_every_member_is_in_the_order_once() -> None:
    of = pool("abc")
    assert sorted(found.name for found in of.order(None)) == ["a", "b", "c"]
