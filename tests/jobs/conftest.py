"""Jobs work on the database: every test that asks for a `store` runs on each kind there is."""

from __future__ import annotations

from tests.store.conftest import server, store, url

__all__ = ["server", "store", "url"]
