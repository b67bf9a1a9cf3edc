"""A run that is killed, at any moment, goes on: no answer that was given is asked for again."""

from __future__ import annotations

import http.server
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.runs.log import read_header, read_results
from tests.evals.making import suite_of
from tests.waiting import wait_until

SCRIPT = "from evals.cli.app import main; main()"


class Model:
    """Answers after a little while; `answered` counts what was told whole, by question."""

    def __init__(self) -> None:
        self.answered: Counter[str] = Counter()
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                question = body["messages"][-1]["content"]
                threading.Event().wait(0.02)
                message = {"role": "assistant", "content": "4"}
                reply = {"id": f"r-{question}", "choices": [{"message": message, "finish_reason": "stop"}]}
                raw = json.dumps(reply).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
                model.answered[question] += 1

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_killed_run_goes_on_without_asking_again(tmp_path: Path, model: Model) -> None:
    rows = [{"id": f"q{number}", "input": f"question {number}", "expected": "4"} for number in range(200)]
    suite_of(tmp_path, rows, limits={"concurrency": 4})
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        "run",
        "suite.yaml",
        "--target",
        f"{model.url}#m",
        "--out",
        "run",
        "--json",
    ]
    log = tmp_path / "run" / "candidate"
    for kills in range(1, 4):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        least = kills * 40
        wait_until(lambda least=least: sum(model.answered.values()) >= least)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert read_header(log).state == "running"
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=50)
    assert read_header(log).state == "complete"
    assert len(list(read_results(log))) == len({result.sample for result in read_results(log)}) == 200
    again = sum(times - 1 for times in model.answered.values())
    assert again <= 3 * 4, "only what was on its way when it was killed may be asked again"
    assert json.loads(done.stdout)
