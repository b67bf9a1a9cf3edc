"""How fast the gateway starts, and what it holds when idle: `import gateway.app`, ready, memory of one worker.

python benchmarks/start.py --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SLUICE = Path(__file__).parent.parent / ".venv/bin/sluice"
PORT = 8302
CONFIG = f"""
server: {{port: {PORT}}}
upstreams:
  far: {{provider: openai, model: gpt-4o-mini, base_url: "http://127.0.0.1:9/v1"}}
"""


def seconds_of(code: str) -> float:
    """A Python that runs `code`, from start to end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def start(folder: Path) -> tuple[float, float]:
    """Seconds until `/healthz` answers, and MB (PSS) five seconds later."""
    config = folder / "config.yaml"
    config.write_text(f"{CONFIG}\ndata: {folder / 'data'}\n")
    started = time.perf_counter()
    process = subprocess.Popen(
        [SLUICE, "serve", "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers():
            time.sleep(0.01)
        ready = time.perf_counter() - started
        time.sleep(5)
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return ready, next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    finally:
        process.terminate()
        process.wait()


def _answers() -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1).close()
        return True
    except (OSError, urllib.error.URLError):
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    imports = [seconds_of("import gateway.app") - seconds_of("pass") for _ in rounds]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        first, _ = start(folder)
        starts = [start(folder) for _ in rounds]
    print("| measure | median |\n|---|---|")
    print(f"| `import gateway.app` | {statistics.median(imports):.2f} s |")
    print(f"| first start, database and key made, to an answer | {first:.2f} s |")
    print(f"| later starts, to an answer | {statistics.median(ready for ready, _ in starts):.2f} s |")
    print(f"| memory of an idle worker (PSS) | {statistics.median(mb for _, mb in starts):.0f} MB |")


if __name__ == "__main__":
    main()
