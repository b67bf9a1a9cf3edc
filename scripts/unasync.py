"""Write the client's synchronous half, `gateway/client/synchronous`, from the asynchronous one. `--check` only says
which files are out of date.

python scripts/unasync.py [--check]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parent.parent / "gateway" / "client"
SOURCE = CLIENT / "asynchronous"
TARGET = CLIENT / "synchronous"
HEAD = "# Written by scripts/unasync.py; change gateway/client/asynchronous instead.\n"
OURS = 'lint.isort.known-first-party = ["gateway"]'
REWRITES = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\bimport Awaitable, ", "import "),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\basync_", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basynchronous\b", "synchronous"),
)


def synchronous(source: str) -> str:
    """The same without an event loop."""
    for pattern, replacement in REWRITES:
        source = re.sub(pattern, replacement, source)
    return _ruff("format", _ruff("check", HEAD + source, "--fix", "--quiet", "--select", "I", "--config", OURS))


def _ruff(command: str, source: str, *options: str) -> str:
    """Lines are shorter now, and names are in another order."""
    program = Path(sys.executable).parent / "ruff"
    name = str(TARGET / "source.py")
    done = subprocess.run(  # noqa: S603
        [program, command, *options, "--stdin-filename", name, "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def main() -> None:
    only_check = "--check" in sys.argv[1:]
    sources = [path for path in SOURCE.glob("*.py") if path.name != "__init__.py"]
    made = {TARGET / path.name: synchronous(path.read_text(encoding="utf-8")) for path in sources}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [path for path in TARGET.glob("*.py") if path not in made and path.name != "__init__.py"]
    if only_check and stale + left:
        names = ", ".join(path.name for path in stale + left)
        raise SystemExit(f"out of date: {names}; run: python scripts/unasync.py")
    for path in left:
        path.unlink()
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
        print(f"wrote {path.name}")  # noqa: T201


if __name__ == "__main__":
    main()
