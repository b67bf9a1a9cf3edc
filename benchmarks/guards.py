"""What guards cost a stream: the same gateway, endpoints without and with a policy taking turns within each round.

    bare      no policy
    default   the policy that ships
    rules     every guard that works by rules, on what comes in and on what goes out

As in `proxy.py`, core 0 carries the gateway alone, core 1 load and mock upstream. Three phases: streams paced at 10 ms,
five new ones a second, for the time to the first event; 64 of them at once, one after the other; and 64 at once as fast
as the upstream can, for throughput. No two requests are the same, so nothing is answered by what a guard remembers.

    python benchmarks/guards.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from proxy import EVENTS, HERE, SLUICE, Bench, Phase, Result, Target, beside, measure, middle, running

STREAMS = 64
MANIFEST = """
policies:
  rules:
    input: [{guard: secrets, action: redact}, {guard: pii, action: redact}, {guard: urls, action: flag}]
    output:
      - {guard: secrets, action: redact}
      - {guard: pii, action: redact, entities: [EMAIL, PHONE, CREDIT_CARD, IBAN]}
      - {guard: urls, action: redact}
      - {guard: patterns, name: tickets, patterns: {ticket: 'T-[0-9]{6}'}, action: redact}
endpoints:
  bare: {upstream: mock}
  default: {upstream: mock, policy: default}
  rules: {upstream: mock, policy: rules}
"""
ENDPOINTS = ("bare", "default", "rules")
AT_ONCE = ("-s", "-c", str(STREAMS), "-d", "6", "-w", "2")
PHASES = {
    "first": ("paced", ("-s", "-c", "128", "-r", "5", "-d", "10", "-w", "2")),
    "paced": ("paced", AT_ONCE),
    "burst": ("burst", AT_ONCE),
}
"""By name, what is asked and how."""
Found = dict[str, dict[str, list[Result]]]


def applied(bench: Bench, target: Target) -> None:
    """The endpoints under test on a gateway that runs, and a request for each of them in a file."""
    manifest = bench.folder / "guards.yaml"
    manifest.write_text(MANIFEST)
    config = target.command[target.command.index("--config") + 1]
    subprocess.run([SLUICE, "apply", "-f", manifest, "--config", config], check=True, stdout=subprocess.DEVNULL)
    plain = (HERE / "body.json").read_text().replace('"temperature"', '"stream":true,"temperature"')
    plain = plain.replace("Our nightly", "Ticket ########: our nightly")
    for name in ENDPOINTS:
        body = plain.replace("gpt-4o-mini", name)
        (bench.folder / f"burst-{name}.json").write_text(body)
        (bench.folder / f"paced-{name}.json").write_text(body.replace("u-1234", "pace_us=10000"))


def until_there(target: Target) -> None:
    """What was applied by another process is in force a moment later."""
    request = urllib.request.Request(f"http://127.0.0.1:{target.port}/v1/models")
    request.add_header("Authorization", f"Bearer {target.key}")
    for _ in range(100):
        with urllib.request.urlopen(request, timeout=5) as reply:
            if set(ENDPOINTS) <= {model["id"] for model in json.load(reply)["data"]}:
                return
        time.sleep(0.1)
    raise SystemExit("the endpoints under test are not there")


def run(bench: Bench, target: Target, rounds: int) -> Found:
    """Results by phase and endpoint, one for each round."""
    found: Found = {name: {} for name in PHASES}
    with running(bench, target) as pid:
        applied(bench, target)
        until_there(target)
        for number in range(1, rounds + 1):
            for name in ENDPOINTS:
                print(f"round {number} of {rounds}: {name}", flush=True)
                for phase, (body, load) in PHASES.items():
                    result = measure(bench, target, Phase(phase, f"{body}-{name}", load), pid)
                    found[phase].setdefault(name, []).append(result)
    return found


def report(found: Found) -> str:
    """Markdown."""
    lines = ["| policy | first event p50 / p99 ms | added p50 / p99 ms |", "|---|---|---|"]
    for name, results in found["first"].items():
        p50, p99 = (middle(results, "ttft_us", at) / 1000 for at in ("p50", "p99"))
        added = [beside(results, found["first"]["bare"], "ttft_us", at)[1] / 1000 for at in ("p50", "p99")]
        lines.append(f"| {name} | {p50:.2f} / {p99:.2f} | {added[0]:+.2f} / {added[1]:+.2f} |")
    for phase, how in (("paced", "an event each 10 ms"), ("burst", "as fast as they come")):
        lines += [
            "",
            f"| policy, {STREAMS} streams, {how} | events/s | x bare | CPU µs an event |",
            "|---|---|---|---|",
        ]
        for name, results in found[phase].items():
            ratio = beside(results, found[phase]["bare"], "events_s")[0]
            spent = middle(results, "cpu_us") / EVENTS
            lines.append(f"| {name} | {middle(results, 'events_s'):,.0f} | {ratio:.2f} | {spent:.1f} |")
    both = [result for of in found.values() for results in of.values() for result in results]
    broken = sum(result["non2xx"] + result["errors"] for result in both)
    foreign = max(result["foreign"] for result in both)
    return "\n".join([*lines, "", f"Refused or broken: {broken}. Other work on the machine, in cores: {foreign:.2f}."])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure of every round here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Bench(Path(scratch)).upstream() as bench:
        found = run(bench, bench.sluicegate(SLUICE), asked.rounds)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    print(report(found))


if __name__ == "__main__":
    main()
