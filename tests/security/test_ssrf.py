"""Server-side request forgery: no URL a caller can set is fetched by the gateway.

Where the operator's own URLs may lead, and DNS rebinding, are in `tests/http/test_addresses.py`; what litellm would
fetch, and redirects through it, in `tests/providers/test_litellm.py`.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import ScriptedUpstream
from tests.front.connection import Connection, question
from tests.running import Gateway, running_gateway
from tests.security.test_parser_differential import completion


class Listener:
    """Counts the connections that are made to it."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.met = 0
        self.address = f"127.0.0.1:{listening.getsockname()[1]}"
        self.url = f"http://{self.address}/a.png"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.met += 1
            connection.close()


@contextmanager
def listener() -> Iterator[Listener]:
    listening = socket.create_server(("127.0.0.1", 0))
    counting = Listener(listening)
    thread = threading.Thread(target=counting.run)
    thread.start()
    try:
        yield counting
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.fixture(scope="module")
def mixed(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with an upstream of every kind that could be tempted; torch's are asked as llama.cpp's are."""
    upstreams: dict[str, Any] = {
        "scripted": {"provider": "scripted"},
        "openai": {"provider": "openai", "model": "m", "base_url": upstream.url},
        "llamacpp": {"provider": "llamacpp", "context": 512, "parallel": 1},
        "litellm": {
            "provider": "litellm",
            "model": "anthropic/m",
            "arguments": {"api_base": upstream.url.removesuffix("/v1")},
        },
    }
    with running_gateway(tmp_path_factory.mktemp("mixed"), upstreams) as started:
        yield started


def chat(*parts: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    content = [{"type": "text", "text": "See"}, *parts]
    return "chat/completions", {"messages": [{"role": "user", "content": content}], "max_tokens": 2, **more}


def tempting(url: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Requests with a URL wherever an API has a place for one, and where none has."""
    image = {"type": "image_url", "image_url": {"url": url}}
    tool = {"type": "mcp", "server_label": "x", "server_url": url}
    block = {"type": "image", "source": {"type": "url", "url": url}}
    document = {"type": "document", "source": {"type": "url", "url": url}}
    user = {"role": "user"}
    return {
        "an image": chat(image),
        "an image as a text": chat({"type": "image_url", "image_url": url}),
        "a file": chat({"type": "file", "file": {"file_url": url}}),
        "a file's data": chat({"type": "file", "file": {"file_data": url, "filename": "a"}}),
        "audio": chat({"type": "input_audio", "input_audio": {"data": url, "format": "wav"}}),
        "video": chat({"type": "video_url", "video_url": {"url": url}}),
        "a tool server": chat(tools=[tool]),
        "an api_base": chat(api_base=url, base_url=url, custom_host=url),
        "a callback": chat(webhook=url, callback_url=url, success_callback=[url]),
        "a schema": chat(
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": url}}}
        ),
        "web search": chat(web_search_options={"search_context_size": "low", "url": url}),
        "an image of responses": (
            "responses",
            {"input": [{**user, "content": [{"type": "input_image", "image_url": url}]}]},
        ),
        "a file of responses": (
            "responses",
            {"input": [{**user, "content": [{"type": "input_file", "file_url": url}]}]},
        ),
        "a tool server of responses": ("responses", {"input": "x", "tools": [tool]}),
        "an image of messages": ("messages", {"messages": [{**user, "content": [block]}], "max_tokens": 2}),
        "a document of messages": ("messages", {"messages": [{**user, "content": [document]}], "max_tokens": 2}),
        "tool servers of messages": (
            "messages",
            {"messages": [{**user, "content": "x"}], "max_tokens": 2, "mcp_servers": [{"type": "url", "url": url}]},
        ),
        "an embedding": ("embeddings", {"input": url}),
        "a prompt": ("completions", {"prompt": url, "suffix": url, "max_tokens": 2}),
    }


@pytest.mark.parametrize("model", ["scripted", "openai", "llamacpp", "litellm"])
@pytest.mark.parametrize("case", tempting(""))
def test_ssrf(mixed: Gateway, upstream: ScriptedUpstream, case: str, model: str) -> None:
    upstream.says(completion())
    with listener() as listening:
        surface, body = tempting(listening.url)[case]
        headers = {**mixed.headers, "referer": listening.url, "x-forwarded-host": listening.address}
        reply = httpx.post(f"{mixed.api}/{surface}", json={"model": model, **body}, headers=headers, timeout=50)
        assert reply.status_code in (200, 400, 502, 500)
        assert reply.status_code != 500 or model == "litellm"
        assert listening.met == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_ssrf_by_a_redirect_of_the_upstream(mixed: Gateway, upstream: ScriptedUpstream, status: int) -> None:
    with listener() as listening:
        upstream.says({}, status, location=listening.url)
        for model in ("openai", "litellm"):
            surface, body = chat()
            reply = httpx.post(f"{mixed.api}/{surface}", json={"model": model, **body}, headers=mixed.headers)
            assert reply.status_code in (502, 500)
            assert listening.address not in reply.text
        assert listening.met == 0


def test_the_gateway_is_no_proxy(gateway: Gateway) -> None:
    with listener() as listening:
        for line in (
            f"POST http://{listening.address}/v1/chat/completions HTTP/1.1",
            f"CONNECT {listening.address} HTTP/1.1",
        ):
            with Connection(gateway) as client:
                body = question("x")
                fields = f"host: {listening.address}\r\nauthorization: Bearer {client.key}"
                client.send(f"{line}\r\n{fields}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                client.reply()
        assert listening.met == 0


def test_the_listener_counts() -> None:
    """The proof rests on it."""
    with listener() as listening:
        with pytest.raises(httpx.TransportError):
            httpx.get(listening.url)
        assert listening.met == 1
