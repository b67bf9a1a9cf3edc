"""Names in paths: each is read from its path as it was written into it, and leads nowhere else."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.paths import base, folders, segment


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "https://gateway.example/llm/", "HTTP://[::1]:8080"])
def test_paths_are_laid_after_an_address(url: str) -> None:
    assert base(url) == url.rstrip("/")


@pytest.mark.parametrize("url", ["", "127.0.0.1:19001", "localhost", "ftp://x", "http://", "http:x", "http://[::1"])
def test_what_is_no_address_of_http(url: str) -> None:
    with pytest.raises(BadRequest, match="begins with http:// or https://") as refused:
        base(url)
    assert (refused.value.param, refused.value.code) == ("url", "invalid_value")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from([".", "..", "%2e%2e", "a/../b"]))
def test_a_name_is_one_segment(name: str) -> None:
    sent = httpx.URL(f"http://gateway/admin/endpoints/{segment(name)}/gate").raw_path.decode()
    head, found, tail = sent.removeprefix("/admin/").split("/")
    assert (head, unquote(found), tail) == ("endpoints", name, "gate")


@pytest.mark.parametrize("name", ["greet", "support/greeting", "a b", "a?b=c", "a#b", "%2e%2e/x", "..."])
def test_folders_are_segments(name: str) -> None:
    sent = httpx.URL(f"http://gateway/admin/prompts/{folders(name)}").raw_path.decode()
    assert (unquote(sent), sent.count("/")) == (f"/admin/prompts/{name}", 3 + name.count("/"))


@pytest.mark.parametrize("name", ["", "/", "a/", "a//b", ".", "a/../b", "greet/labels", "greet/versions/1"])
def test_what_would_lead_to_another_route_is_no_name(name: str) -> None:
    with pytest.raises(BadRequest, match="is no name of a prompt"):
        folders(name)
