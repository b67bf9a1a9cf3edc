"""Tokens a second of the embedded model: llama.cpp called directly, and through the gateway, in one run.

Both decode the same tokens with the same parameters; they take turns, so that the rest of the machine weighs on both.

    python benchmarks/embedded.py --rounds 3
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.models.locate import locate_gguf
from gateway.providers.llamacpp import LlamaCppConfig

SLUICE = Path(__file__).parent.parent / ".venv/bin/sluice"
MODEL, UPSTREAM, PORT, TOKENS = "smollm2-135m-instruct", "smollm2", 8301, 128
BODY = {
    "model": UPSTREAM,
    "messages": [{"role": "user", "content": "Tell me a long story about a lighthouse."}],
    "max_tokens": TOKENS,
    "temperature": 0,
    "stream": True,
    "ignore_eos": True,
}
Ask = Callable[[], int]
"""Streams one answer to its end; gives the number of events that carried text."""


@contextmanager
def direct() -> Iterator[Ask]:
    """llama.cpp in this process, by its Python binding."""
    import xllamacpp

    config = LlamaCppConfig(MODEL)
    params = xllamacpp.CommonParams()
    params.model.path = str(locate_gguf(MODEL, None))
    params.n_parallel = config.parallel
    params.n_ctx = config.context * config.parallel
    params.cpuparams.n_threads = os.cpu_count() or 1
    params.use_jinja = True
    params.verbosity = 0
    server = xllamacpp.Server(params)

    def ask() -> int:
        seen = 0

        def event(chunk: Any) -> bool:
            nonlocal seen
            for part in chunk if isinstance(chunk, list) else [chunk]:
                seen += bool(part.get("choices") and part["choices"][0]["delta"].get("content"))
            return False

        server.handle_chat_completions(BODY, event)
        return seen

    yield ask


@contextmanager
def gateway() -> Iterator[Ask]:
    """A fresh gateway, asked over HTTP as any client asks."""
    with tempfile.TemporaryDirectory() as data, open(f"{data}/out", "w+") as out:
        environment = {**os.environ, "SLUICE_DATA": f"{data}/data", "SLUICE_PORT": str(PORT)}
        process = subprocess.Popen([SLUICE, "serve"], env=environment, cwd=data, stdout=out, stderr=subprocess.DEVNULL)
        try:
            key = _key(out.name)
            yield lambda: _stream(key)
        finally:
            process.terminate()
            process.wait()


def _key(file: str) -> str:
    while True:
        time.sleep(0.2)
        for word in Path(file).read_text().split():
            if word.startswith("sk-"):
                return word


def _stream(key: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    for _ in range(100):
        try:
            connection.connect()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(BODY), headers)
    reply = connection.getresponse()
    if reply.status != 200:
        raise SystemExit(reply.read().decode())
    seen = 0
    for line in reply:
        if line.startswith(b"data: {"):
            chunk = json.loads(line[6:])
            seen += bool(chunk["choices"] and chunk["choices"][0]["delta"].get("content"))
    return seen


def tokens_a_second(ask: Ask, streams: int) -> float:
    with ThreadPoolExecutor(streams) as pool:
        started = time.perf_counter()
        seen = sum(pool.map(lambda _: ask(), range(streams)))
        return seen / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, started in (("direct", direct), ("gateway", gateway)):
            with started() as ask:
                ask()  # loads the model, fills the prompt cache
                for streams in (1, 4):
                    found.setdefault((name, streams), []).append(tokens_a_second(ask, streams))
    print("| streams | llama.cpp directly, tokens/s | through the gateway | ratio |\n|---|---|---|---|")
    for streams in (1, 4):
        ours, theirs = found["gateway", streams], found["direct", streams]
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(f"| {streams} | {statistics.median(theirs):.1f} | {statistics.median(ours):.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
