"""From the database to what is in force: seen within a refresh, swapped whole, and never lost with the database."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.access import KeyHasher
from gateway.errors import Unauthenticated, Unavailable
from gateway.guarding import warming
from gateway.keys import Grant, mint
from gateway.providers.build import pools_of
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.refresh import Refresher
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.store import keys
from gateway.store.catalogue import move_revision
from gateway.store.engine import Store
from gateway.store.tables.prompts import prompts
from gateway.types import Principal
from gateway.upstreams import Upstream
from guardrails.models.local import LocalModels
from tests.proving import ADA, SIGNER, installation
from tests.waiting import until

HASHER = KeyHasher(b"pepper")
DEMO = Upstream("demo", "scripted", "m1", ScriptedProvider(ScriptedConfig()))
UPSTREAMS = {"demo": DEMO}
ANYBODY = Principal("k", "n", upstreams=None)
GREETER = """
prompts: {greeter: {variables: {name: string}, messages: [{role: user, content: "Greet {{ name }}."}]}}
endpoints:
  greeter: {prompt: greeter, upstream: demo}
  plain: {upstream: demo}
"""


def refreshing(store: Store, upstreams: dict[str, Upstream]) -> Refresher:
    return Refresher(store, HASHER, SIGNER, upstreams, pools_of(upstreams, {}), LocalModels())


def applied(store: Store, text: str) -> None:
    with store.begin() as connection:
        apply(connection, parse(text, "m"), installation(UPSTREAMS), ADA)


def minted(store: Store, expires: float | None = None) -> tuple[bytes, str]:
    with store.begin() as connection:
        secret, row = mint(connection, HASHER, Grant("test", expires=expires), "root")
    return f"Bearer {secret}".encode(), row.id


def make_unreadable(folder: Path) -> None:
    """The database's file has become a folder."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "sluice.db").mkdir()


@pytest.mark.anyio
async def test_what_changes_is_in_force_after_a_refresh(store: Store) -> None:
    refresher = refreshing(store, UPSTREAMS)
    first = refresher.snapshots.current
    assert dict(first.endpoints) == {}
    applied(store, GREETER)
    bearer, key_id = minted(store)
    await refresher.refresh()
    second = refresher.snapshots.current
    assert set(second.endpoints) == {"greeter", "plain"}
    assert second.keys.authenticate(bearer).key_id == key_id
    assert dict(first.endpoints) == {}, "a request keeps the snapshot it began with"
    with store.begin() as connection:
        keys.revoke(connection, key_id, time.time())
    await refresher.refresh()
    with pytest.raises(Unauthenticated):
        refresher.snapshots.current.keys.authenticate(bearer)


@pytest.mark.anyio
async def test_without_a_change_nothing_is_made_anew(store: Store) -> None:
    applied(store, GREETER)
    refresher = refreshing(store, UPSTREAMS)
    before = refresher.snapshots.current
    await refresher.refresh()
    applied(store, GREETER)
    await refresher.refresh()
    assert refresher.snapshots.current is before


@pytest.mark.anyio
async def test_a_dead_database_leaves_what_is_in_force(store: Store, tmp_path: Path) -> None:
    applied(store, GREETER)
    refresher = refreshing(store, UPSTREAMS)
    before = refresher.snapshots.current
    store.close()
    make_unreadable(tmp_path)
    with pytest.raises(Unavailable):
        await refresher.refresh()
    assert refresher.snapshots.current is before


def test_one_broken_endpoint_does_not_take_the_others_along(store: Store) -> None:
    applied(store, GREETER)
    with store.begin() as connection:
        connection.execute(update(prompts).values(messages=[{"role": "user", "content": "{{ broken"}]))
        move_revision(connection)
    snapshot = refreshing(store, UPSTREAMS).snapshots.current
    assert set(snapshot.endpoints) == {"plain"}
    assert set(snapshot.broken) == {"greeter"}
    with pytest.raises(Unavailable) as refused:
        snapshot.resolve("greeter", ANYBODY)
    assert "greeter@1 was changed in the database" in refused.value.message


def test_a_release_whose_upstream_is_no_longer_configured(store: Store) -> None:
    applied(store, GREETER)
    snapshot = refreshing(store, {"other": replace(DEMO, name="other")}).snapshots.current
    assert set(snapshot.broken) == {"greeter", "plain"}
    with pytest.raises(Unavailable) as refused:
        snapshot.resolve("plain", ANYBODY)
    assert "the upstream 'demo', which is not configured" in refused.value.message


def test_a_key_that_ended_is_not_in_force(store: Store) -> None:
    bearer, _ = minted(store, expires=time.time() + 0.05)
    time.sleep(0.1)
    with pytest.raises(Unauthenticated):
        refreshing(store, UPSTREAMS).snapshots.current.keys.authenticate(bearer)


def test_the_digest_names_what_serves(store: Store) -> None:
    """The same in every process; another one for another release or another model, and for nothing else."""
    applied(store, GREETER)

    def digest(upstream: Upstream = DEMO) -> str:
        return refreshing(store, {"demo": upstream}).snapshots.current.digest

    first = digest()
    minted(store)
    assert digest() == first
    assert digest(replace(DEMO, model="m2")) != first
    applied(store, GREETER.replace("Greet", "Hail"))
    assert digest() != first
    applied(store, GREETER)
    assert digest() == first


GUARDED = """
policies:
  house: {input: [{guard: prompt_attack, action: block}], output: [secrets]}
endpoints:
  one: {upstream: demo, policy: house}
  two: {upstream: demo, policy: house}
"""


@pytest.mark.anyio
async def test_a_policy_s_models_are_loaded_before_it_is_in_force(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "HOLD", 60.0)  # however slow this machine is
    models = LocalModels()
    refresher = Refresher(store, HASHER, SIGNER, UPSTREAMS, pools_of(UPSTREAMS, {}), models)
    assert models.loads == {}
    applied(store, GUARDED)
    await refresher.refresh()
    assert {name for name, _ in models.loads} == {"prompts"}
    one, two = (refresher.snapshots.current.endpoints[name].live for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert one.guards is two.guards, "guards of one policy are made, and made ready, once"
    minted(store)
    await refresher.refresh()
    again = refresher.snapshots.current.endpoints["one"].live
    assert again is not None
    assert again is not one
    assert again.guards is one.guards
    models.close()


@pytest.mark.anyio
async def test_at_the_start_models_are_loaded_beside_what_serves(store: Store) -> None:
    applied(store, GUARDED)
    models = LocalModels()
    refresher = Refresher(store, HASHER, SIGNER, UPSTREAMS, pools_of(UPSTREAMS, {}), models)
    assert models.loads == {}
    running = asyncio.create_task(refresher.run())
    await until(lambda: bool(models.loads))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    models.close()


@pytest.mark.anyio
async def test_a_policy_whose_model_is_missing_comes_into_force_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    refresher = refreshing(store, UPSTREAMS)
    applied(store, GUARDED)
    with caplog.at_level(logging.WARNING):
        await refresher.refresh()
    assert set(refresher.snapshots.current.endpoints) == {"one", "two"}
    (told,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"the guard prompt_attack of the policy \w{12} cannot judge: onnxruntime is not .*", told)


@pytest.mark.anyio
async def test_who_asks_while_another_waits_for_guards_finds_it_in_force_too(store: Store) -> None:
    refresher = refreshing(store, UPSTREAMS)
    applied(store, GUARDED)
    other = asyncio.create_task(refresher.refresh())
    await until(lambda: refresher._composing.locked())
    await refresher.refresh()
    assert set(refresher.snapshots.current.endpoints) == {"one", "two"}
    await other


@pytest.mark.anyio
async def test_a_refresh_that_was_broken_off_is_made_up_for(store: Store) -> None:
    refresher = refreshing(store, UPSTREAMS)
    applied(store, GUARDED)
    gone = asyncio.create_task(refresher.refresh())
    await until(lambda: refresher._composing.locked())
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await refresher.refresh()
    assert set(refresher.snapshots.current.endpoints) == {"one", "two"}
