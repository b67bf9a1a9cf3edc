"""Commands that ask a running gateway: as whom, and what is said where it refuses or is not there."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from gateway.cli.remote import connect
from gateway.errors import BadRequest, GatewayError, Unauthenticated, Unavailable
from tests.running import Gateway


@pytest.fixture
def as_admin(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_KEY", f"{gateway.key}\n")


@pytest.mark.usefixtures("as_admin")
def test_a_gateway_is_asked_as_the_key(gateway: Gateway) -> None:
    with connect(gateway.url) as remote:
        made = remote.post("/admin/keys", {"name": "remote"})
        assert made["id"] in [key["id"] for key in remote.get("/admin/keys")["data"]]
        remote.put(f"/admin/limits/key:{made['id']}", {"requests_per_minute": 7})
        remote.delete(f"/admin/keys/{made['id']}")


@pytest.mark.usefixtures("as_admin")
def test_parameters_of_none_are_left_out(gateway: Gateway) -> None:
    with connect(gateway.url) as remote:
        assert remote.get("/admin/calls", endpoint=None, limit=1)["data"] is not None


@pytest.mark.usefixtures("as_admin")
def test_a_refusal_is_told_in_the_gateways_words(gateway: Gateway) -> None:
    with connect(gateway.url) as remote, pytest.raises(GatewayError, match="There is no key") as refused:
        remote.delete("/admin/keys/key_nobody")
    assert (refused.value.param, refused.value.code) == ("key_id", "not_found")


def test_a_wrong_key_is_told_what_its_holder_can_do(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_KEY", "sk-wrong")
    said = r"Incorrect API key.* SLUICE_KEY.* administers"
    with pytest.raises(Unauthenticated, match=said) as refused, connect(gateway.url) as remote:
        remote.get("/admin/endpoints")
    assert refused.value.code == "invalid_api_key"


@pytest.mark.usefixtures("as_admin")
@pytest.mark.parametrize("url", ["127.0.0.1:19001", "ftp://x", "localhost", "http://", "//x", "http://[::1"])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(BadRequest, match=r"begins with http:// or https://.* SLUICE_URL"), connect(url):
        pass


def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for unusable in ("", "sk-ä"):
        monkeypatch.setenv("SLUICE_KEY", unusable)
        with pytest.raises(BadRequest, match="SLUICE_KEY"), connect(None):
            pass


@pytest.mark.usefixtures("as_admin")
def test_no_gateway_there() -> None:
    with pytest.raises(Unavailable, match="sluice serve"), connect("http://127.0.0.1:9") as remote:
        remote.get("/admin/keys")


class _SomethingElse(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/found" else 404)
        self.end_headers()
        self.wfile.write(b"<p>hello</p>")

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def something_else() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _SomethingElse) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("as_admin")
@pytest.mark.parametrize("path", ["/found", "/lost"])
def test_something_else_there(something_else: str, path: str) -> None:
    with connect(something_else) as remote, pytest.raises(Unavailable, match="Is one there"):
        remote.get(path)
